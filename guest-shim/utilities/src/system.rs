//! What utilities tell of the VM: its name, its processes, its file systems; and what they ask of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::time::Instant;

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::{launch, machine, options, say, users};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::process::{self, ExitStatus};
use cordon_vm::types::Errno;
use unicode_width::UnicodeWidthStr;

use crate::processes::{Process, process_of, processes};

type Args = std::vec::IntoIter<OsString>;

fn fail(name: &str, message: &str) -> i32 {
    say(&mut io::stderr(), &format!("{name}: {message}"));
    1
}

pub fn hostname(args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "alias=a",
        "all-fqdns=A",
        "domain=d",
        "fqdn=f",
        "long=f",
        "file:=F",
        "ip-address=i",
        "all-ip-addresses=I",
        "short=s",
        "yp=y",
        "nis=y",
        "boot=b",
        "help=h",
        "version=V",
    ];
    const HELP: &str = "\
Usage: hostname [-a|-A|-d|-f|-i|-I|-s]       display formatted name
       hostname                              display host name";
    let parsed = match options::parse(args, "aAdfF:iIsybhV", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            fail("hostname", &message);
            say(&mut io::stderr(), HELP);
            return 1;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if !parsed.operands.is_empty() || parsed.has('F') || parsed.has('b') {
        return fail("hostname", "you must be root to change the host name");
    }
    let text = match parsed.options.last().map(|(letter, _)| letter) {
        Some('V') => "hostname (cordon)".to_owned(),
        Some('a' | 'd' | 'A' | 'I') => String::new(),
        Some('i') => "127.0.0.1".to_owned(),
        Some('y') => return fail("hostname", "Local domain name not set"),
        _ => machine::parameter("hostname"),
    };
    say(&mut io::stdout(), &text);
    0
}

/// Nothing is cached in front of a VM's files; a file that is named must be there.
pub fn sync(args: Args) -> i32 {
    let usage = "Usage: sync [OPTION] [FILE]...\nSynchronize cached writes to persistent storage";
    let parsed = match options::begin("sync", usage, args, "df", &["data=d", "file-system=f"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.has('d') && parsed.has('f') {
        return fail("sync", "cannot specify both --data and --file-system");
    }
    if parsed.has('d') && parsed.operands.is_empty() {
        return fail("sync", "--data needs at least one argument");
    }
    let mut status = 0;
    for file in &parsed.operands {
        let name = file.to_text();
        let synced = match fs::metadata(file) {
            Ok(about) if about.is_file() => {
                let opened = fs::File::open(file).or_else(|_| fs::OpenOptions::new().append(true).open(file));
                opened.and_then(|file| file.sync_all())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = synced {
            status = fail("sync", &format!("error opening '{name}': {}", reason(&error)));
        }
    }
    status
}

pub fn time(args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "portability=p",
        "append=a",
        "format:=f",
        "output:=o",
        "quiet=q",
        "verbose=v",
        "help=h",
        "version=V",
    ];
    const HELP: &str = "\
Usage: time [-apqV] [-f format] [-o file] [--append] [--format=FORMAT] [--output=FILE] [--portability] [--quiet]
       command [arg...]
Only elapsed time is known in a VM; other times and counts are shown as 0.";
    let parsed = match options::parse(args, "+apqvVf:o:h", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            fail("time", &message);
            say(&mut io::stderr(), HELP);
            return 125;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "time (cordon)");
        return 0;
    }
    if parsed.has('v') {
        fail("time", "option '-v' is not supported");
        return 125;
    }
    let command = parsed.words();
    let Some(program) = command.first() else {
        say(&mut io::stderr(), HELP);
        return 125;
    };
    let mut out: Box<dyn Write> = match parsed.value('o') {
        None => Box::new(io::stderr()),
        Some(name) => {
            let (appends, mut how) = (parsed.has('a'), fs::OpenOptions::new());
            match how.write(true).create(true).append(appends).truncate(!appends).open(name) {
                Ok(file) => Box::new(file),
                Err(error) => {
                    fail("time", &format!("{name}: {}", reason(&error)));
                    return 125;
                }
            }
        }
    };
    let begun = Instant::now();
    let ended = launch::start(&command, process::environment(), None).and_then(|child| {
        loop {
            match child.wait() {
                Err(Errno::Eintr) => {}
                ended => return ended,
            }
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let (status, note) = match ended {
        Ok(ExitStatus::Exited(0)) => (0, String::new()),
        Ok(ended @ ExitStatus::Exited(code)) => {
            (launch::code_of(ended), format!("Command exited with non-zero status {code}\n"))
        }
        Ok(ended @ ExitStatus::Signaled(signal)) => {
            let number = launch::number_of(signal);
            (launch::code_of(ended), format!("Command terminated by signal {number}\n"))
        }
        Err(errno) => {
            fail("time", &format!("cannot run {program}: {}", launch::errno_text(errno)));
            // GNU's tells the failure, and then the times, of the process that could not become the program.
            return if errno == Errno::Enoent { 127 } else { 126 };
        }
    };
    let format = match parsed.value('f') {
        Some(format) => format.to_owned(),
        None if parsed.has('p') => "real %e\nuser %U\nsys %S".to_owned(),
        None => std::env::var("TIME").unwrap_or_else(|_| {
            "%Uuser %Ssystem %Eelapsed %PCPU (%Xavgtext+%Davgdata %Mmaxresident)k\n\
             %Iinputs+%Ooutputs (%Fmajor+%Rminor)pagefaults %Wswaps"
                .to_owned()
        }),
    };
    let note = if parsed.has('q') || parsed.has('p') { String::new() } else { note };
    let text = format!("{note}{}\n", timed(&format, seconds, status, &command));
    match out.write_all(text.as_bytes()) {
        Ok(()) => status,
        Err(_) => 125,
    }
}

fn timed(format: &str, seconds: f64, status: i32, command: &[String]) -> String {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next() {
                Some('e') => text.push_str(&format!("{seconds:.2}")),
                Some('E') => {
                    let minutes = (seconds / 60.0).floor();
                    if minutes >= 60.0 {
                        let hours = (minutes / 60.0).floor();
                        text.push_str(&format!(
                            "{hours}:{:02}:{:02.0}",
                            minutes - hours * 60.0,
                            seconds % 60.0
                        ));
                    } else {
                        text.push_str(&format!("{minutes}:{:05.2}", seconds % 60.0));
                    }
                }
                Some('U' | 'S') => text.push_str("0.00"),
                Some('P') => text.push_str("0%"),
                Some('C') => text.push_str(&command.join(" ")),
                Some('x') => text.push_str(&status.to_string()),
                Some('Z') => text.push_str("65536"),
                Some(
                    'D' | 'F' | 'I' | 'K' | 'M' | 'O' | 'R' | 'W' | 'X' | 'c' | 'k' | 'p' | 'r' | 's' | 't'
                    | 'w',
                ) => {
                    text.push('0');
                }
                Some('%') => text.push('%'),
                Some(other) => text.push_str(&format!("?{other}")),
                None => text.push('?'),
            },
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('\\') => text.push('\\'),
                Some(other) => text.push_str(&format!("?\\{other}")),
                None => text.push_str("?\\"),
            },
            letter => text.push(letter),
        }
    }
    text
}

fn terminal_name(number: u32) -> String {
    match number {
        0 => "?".into(),
        number if number >> 8 == 136 => format!("pts/{}", number & 0xff),
        number => format!("tty{}", number & 0xff),
    }
}

/// Columns of `ps -o`: their keywords, headings, widths and whether they are aligned to the right.
#[rustfmt::skip]
const COLUMNS: &[(&[&str], &str, usize, bool)] = &[
    (&["pid", "tgid"], "PID", 5, true),
    (&["ppid"], "PPID", 5, true),
    (&["pgid", "pgrp"], "PGID", 5, true),
    (&["sid", "sess", "session"], "SID", 5, true),
    (&["user", "euser"], "USER", 8, false),
    (&["ruser"], "RUSER", 8, false),
    (&["uname"], "USER", 8, false),
    (&["uid", "euid"], "UID", 5, true),
    (&["group", "egroup"], "GROUP", 8, false),
    (&["comm", "ucmd", "ucomm"], "COMMAND", 15, false),
    (&["args", "cmd", "command"], "COMMAND", 27, false),
    (&["tty", "tt", "tname"], "TT", 8, false),
    (&["stat"], "STAT", 4, false),
    (&["state", "s"], "S", 1, false),
    (&["time", "cputime"], "TIME", 8, true),
    (&["bsdtime"], "TIME", 6, true),
    (&["etime"], "ELAPSED", 11, true),
    (&["etimes"], "ELAPSED", 7, true),
    (&["pcpu", "%cpu"], "%CPU", 4, true),
    (&["pmem", "%mem"], "%MEM", 4, true),
    (&["vsz", "vsize"], "VSZ", 6, true),
    (&["rss", "rssize", "rsz"], "RSS", 5, true),
    (&["nice", "ni"], "NI", 3, true),
    (&["nlwp", "thcount"], "NLWP", 4, true),
    (&["stime", "start_time"], "STIME", 5, true),
    (&["start"], "STARTED", 8, true),
    (&["c"], "C", 2, true),
];

struct Column {
    keyword: &'static str,
    heading: String,
    width: usize,
    is_right: bool,
}

fn column(word: &str) -> Option<Column> {
    let (word, heading) = match word.split_once('=') {
        Some((word, heading)) => (word, Some(heading)),
        None => (word, None),
    };
    let (keywords, own, width, is_right) = COLUMNS.iter().find(|(keywords, ..)| keywords.contains(&word))?;
    let heading = match (heading, word) {
        (Some(heading), _) => heading.to_owned(),
        (None, "cmd") => "CMD".into(),
        (None, "pgrp") => "PGRP".into(),
        (None, "tty") => "TT".into(),
        (None, "euser") => "EUSER".into(),
        (None, _) => (*own).to_owned(),
    };
    let width = heading.width().max(*width);
    Some(Column { keyword: keywords[0], heading, width, is_right: *is_right })
}

pub fn ps(args: Args) -> i32 {
    let words = cordon_multicall::words(args);
    let usage = |message: &str| {
        say(&mut io::stderr(), &format!("error: {message}\n\nUsage:\n ps [options]"));
        1
    };
    let own = process_of(process::id());
    let mut all = false;
    let mut ids: Vec<u32> = vec![];
    let mut parents: Vec<u32> = vec![];
    let mut names: Vec<String> = vec![];
    let mut users: Option<Vec<String>> = None;
    let mut columns: Vec<String> = vec![];
    let mut form = "";
    let mut has_heading = true;
    let mut sort: Option<String> = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let mut value = || value.clone().or_else(|| words.next());
            match name {
                "no-headers" | "no-heading" | "no-headings" | "noheaders" | "noheading" | "noheadings" => {
                    has_heading = false;
                }
                "headers" | "forest" | "cols" | "width" if name == "headers" => {}
                "sort" => sort = value(),
                "pid" | "ppid" => {
                    let Some(list) = value() else { return usage("list of process IDs must follow --pid") };
                    let Some(found) = numbers(&list) else { return usage("process ID list syntax error") };
                    if name == "pid" { ids.extend(found) } else { parents.extend(found) }
                }
                "format" => match value() {
                    Some(list) => columns.extend(list.split([',', ' ']).map(str::to_owned)),
                    None => return usage("format specification must follow --format"),
                },
                "help" => {
                    say(
                        &mut io::stdout(),
                        "Usage:\n ps [-AaefFlj] [-o format] [-p pids] [-C names] [-u users] [--sort key]\n ps [axu]",
                    );
                    return 0;
                }
                "version" => {
                    say(&mut io::stdout(), "ps (cordon)");
                    return 0;
                }
                _ => return usage("unknown gnu long option"),
            }
            continue;
        }
        let (is_unix, letters) = match word.strip_prefix('-') {
            Some(letters) => (true, letters),
            None => (false, word.as_str()),
        };
        if !is_unix && letters.starts_with(|first: char| first.is_ascii_digit()) {
            let Some(found) = numbers(letters) else { return usage("process ID list syntax error") };
            ids.extend(found);
            continue;
        }
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let takes = "oOpCuUGt".contains(letter) && (is_unix || "opO".contains(letter));
            let value = if takes {
                let own: String = rest.by_ref().collect();
                match if own.is_empty() { words.next() } else { Some(own) } {
                    Some(value) => value,
                    None => return usage(&format!("a list must follow -{letter}")),
                }
            } else {
                String::new()
            };
            match (is_unix, letter) {
                (true, 'A' | 'e') | (true, 'a' | 'd') | (false, 'a' | 'x') => all = true,
                (true, 'f') => form = "full",
                (true, 'F') => form = "full",
                (true, 'l') | (false, 'l') => form = "long",
                (true, 'j') | (false, 'j') => form = "jobs",
                (false, 'u') => form = "user",
                (_, 'o') => {
                    // A heading may hold commas: it ends the list.
                    let mut left = value.as_str();
                    while !left.is_empty() {
                        let end = left.find([',', ' ']).unwrap_or(left.len());
                        let end = if left[..end].contains('=') { left.len() } else { end };
                        if end > 0 {
                            columns.push(left[..end].to_owned());
                        }
                        left = left[end..].strip_prefix([',', ' ']).unwrap_or("");
                    }
                }
                (_, 'p') => {
                    let Some(found) = numbers(&value) else { return usage("process ID list syntax error") };
                    ids.extend(found);
                }
                (true, 'C') => names.extend(value.split([',', ' ']).map(str::to_owned)),
                (true, 'u' | 'U') => {
                    users.get_or_insert_default().extend(value.split([',', ' ']).map(str::to_owned));
                }
                (true, 'w') | (false, 'w') => {}
                (true, 'H') | (true, 'T') | (true, 'L') if letter == 'H' => {}
                (false, 'h') => has_heading = false,
                _ => {
                    return usage(if is_unix {
                        "unsupported SysV option"
                    } else {
                        "unsupported option (BSD syntax)"
                    });
                }
            }
        }
    }
    if columns.is_empty() {
        let default = match form {
            "full" => "user=UID,pid,ppid,c,stime,tname=TTY,time,cmd",
            "long" => "s,uid,pid,ppid,c,ni,vsz,tname=TTY,time,comm=CMD",
            "jobs" => "pid,pgid,sid,tname=TTY,time,comm=CMD",
            "user" => "user,pid,%cpu,%mem,vsz,rss,tname=TTY,stat,stime=START,bsdtime,command",
            _ => "pid,tname=TTY,time,comm=CMD",
        };
        columns = default.split(',').map(str::to_owned).collect();
    }
    let mut table = vec![];
    for word in &columns {
        match column(word) {
            Some(column) => table.push(column),
            None => {
                let word = word.split('=').next().unwrap_or_default();
                return usage(&format!("unknown user-defined format specifier \"{word}\""));
            }
        }
    }
    let is_chosen = !(ids.is_empty() && names.is_empty() && parents.is_empty() && users.is_none());
    let mut shown: Vec<Process> = processes()
        .into_iter()
        .filter(|process| {
            if all && !is_chosen {
                return true;
            }
            if is_chosen {
                let user = || [users::user_name(process.user), process.user.to_string()];
                return ids.contains(&process.id)
                    || parents.contains(&process.parent)
                    || names.contains(&process.name)
                    || users.as_ref().is_some_and(|users| user().iter().any(|user| users.contains(user)));
            }
            // Those of the same user and the same terminal.
            own.as_ref().is_none_or(|own| (own.user, own.terminal) == (process.user, process.terminal))
        })
        .collect();
    let now = fs::read_to_string("/proc/uptime")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_default();
    if let Some(keys) = sort {
        for key in keys.split(',').rev() {
            let is_reverse = key.starts_with('-');
            let Some(column) = column(key.trim_start_matches(['-', '+'])) else {
                return usage("unknown sort specifier");
            };
            shown.sort_by_cached_key(|process| {
                let text = cell(process, column.keyword, now);
                (text.parse::<u64>().unwrap_or_default(), text)
            });
            if is_reverse {
                shown.reverse();
            }
        }
    }
    let mut out = output();
    let mut lines: Vec<Vec<String>> = vec![];
    if has_heading && table.iter().any(|column| !column.heading.is_empty()) {
        lines.push(table.iter().map(|column| column.heading.clone()).collect());
    }
    let is_empty = shown.is_empty();
    for process in &shown {
        lines.push(table.iter().map(|column| cell(process, column.keyword, now)).collect());
    }
    for line in lines {
        let mut text = String::new();
        for (place, (cell, column)) in line.iter().zip(&table).enumerate() {
            let gap = " ".repeat(column.width.saturating_sub(cell.width()));
            let is_last = place + 1 == table.len();
            if place > 0 {
                text.push(' ');
            }
            if column.is_right {
                text.push_str(&gap);
                text.push_str(cell);
            } else {
                text.push_str(cell);
                if !is_last {
                    text.push_str(&gap);
                }
            }
        }
        if writeln!(out, "{text}").is_err() {
            return 1;
        }
    }
    finish("ps", out, i32::from(is_empty))
}

fn numbers(list: &str) -> Option<Vec<u32>> {
    list.split([',', ' ']).filter(|word| !word.is_empty()).map(|word| word.parse().ok()).collect()
}

fn cell(process: &Process, keyword: &str, now: f64) -> String {
    let clock = |seconds: u64| format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let age = (now - process.start as f64 / 100.0).max(0.0) as u64;
    match keyword {
        "pid" => process.id.to_string(),
        "ppid" => process.parent.to_string(),
        "pgid" => process.group.to_string(),
        "sid" => process.session.to_string(),
        "user" | "ruser" | "uname" | "group" => users::user_name(process.user),
        "uid" => process.user.to_string(),
        "comm" => process.name.clone(),
        "args" => process.command(),
        "tty" => terminal_name(process.terminal),
        "stat" => {
            let leads = if process.session == process.id { "s" } else { "" };
            format!("{}{leads}", process.state)
        }
        "state" => process.state.to_string(),
        "time" => clock(process.used / 100),
        "bsdtime" => format!("{}:{:02}", process.used / 6000, process.used / 100 % 60),
        "etime" => {
            let text = clock(age);
            text.strip_prefix("00:").map_or(text.clone(), str::to_owned)
        }
        "etimes" => age.to_string(),
        "pcpu" | "pmem" => "0.0".into(),
        "vsz" => process.size.to_string(),
        "rss" => process.resident.to_string(),
        "nice" => process.nice.to_string(),
        "nlwp" => process.threads.to_string(),
        "stime" | "start" => {
            let wall = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs());
            let begun = wall.saturating_sub(age);
            let text = clock(begun % 86400);
            if keyword == "start" { text } else { text[..5].to_owned() }
        }
        _ => "0".into(),
    }
}

/// The file systems of the VM. How large they are is told nowhere in it.
pub fn df(args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "all=a",
        "block-size:=B",
        "human-readable=h",
        "si=H",
        "inodes=i",
        "local=l",
        "portability=P",
        "print-type=T",
        "type:=t",
        "exclude-type:=x",
        "no-sync=n",
        "sync=n",
        "total=c",
        "output::=o",
    ];
    let usage =
        "Usage: df [OPTION]... [FILE]...\nShows the file systems of the VM; their sizes are not known.";
    let parsed = match options::begin("df", usage, args, "aB:hHiklPTt:x:v", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.has('o') || parsed.has('c') {
        return fail("df", "options '--output' and '--total' are not supported");
    }
    let mounts = match fs::read_to_string("/proc/mounts") {
        Ok(text) => text,
        Err(error) => {
            return fail("df", &format!("cannot read table of mounted file systems: {}", reason(&error)));
        }
    };
    let mut table: Vec<(String, String, String)> = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').map(unescaped);
            let (source, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
            Some((source, kind, place))
        })
        .collect();
    let mut status = 0;
    if parsed.operands.is_empty() {
        // What is made by the system is shown when asked for.
        table.retain(|(_, kind, _)| {
            parsed.has('a') || !matches!(kind.as_str(), "proc" | "sysfs" | "devtmpfs")
        });
    } else {
        let mut named = vec![];
        for file in &parsed.operands {
            let name = file.to_text();
            match filesystem::canonical_path(&name) {
                Ok(path) => {
                    let holds =
                        |place: &str| place == "/" || path == place || path.starts_with(&format!("{place}/"));
                    let of = table.iter().filter(|(.., place)| holds(place));
                    named.extend(of.max_by_key(|(.., place)| place.len()).cloned());
                }
                Err(errno) => status = fail("df", &format!("{name}: {}", launch::errno_text(errno))),
            }
        }
        table = named;
    }
    let values = |letter: char| -> Vec<String> {
        let given = parsed.options.iter().filter(|(known, _)| *known == letter);
        given.map(|(_, value)| value.clone()).collect()
    };
    let (only, without) = (values('t'), values('x'));
    table.retain(|(_, kind, _)| (only.is_empty() || only.contains(kind)) && !without.contains(kind));
    if table.is_empty() {
        if status == 0 {
            status = fail("df", "no file systems processed");
        }
        return status;
    }
    let sizes: [&str; 4] = if parsed.has('i') {
        ["Inodes", "IUsed", "IFree", "IUse%"]
    } else if parsed.has('h') || parsed.has('H') {
        ["Size", "Used", "Avail", "Use%"]
    } else if parsed.has('P') {
        ["1024-blocks", "Used", "Available", "Capacity"]
    } else {
        ["1K-blocks", "Used", "Available", "Use%"]
    };
    let mut rows = vec![];
    let mut heading = vec!["Filesystem".to_owned()];
    heading.extend(parsed.has('T').then(|| "Type".to_owned()));
    heading.extend(sizes.map(str::to_owned));
    heading.push("Mounted on".into());
    rows.push(heading);
    for (source, kind, place) in table {
        let mut row = vec![source];
        row.extend(parsed.has('T').then_some(kind));
        row.extend(std::iter::repeat_n("-".to_owned(), 4));
        row.push(place);
        rows.push(row);
    }
    let count = rows[0].len();
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &rows {
        for (at, cell) in row.iter().enumerate() {
            let least = if at == 0 {
                14
            } else if at + 5 >= count && at + 1 < count {
                5
            } else {
                0
            };
            let width = widths.entry(at).or_default();
            *width = (*width).max(cell.width()).max(if at + 2 == count { 4 } else { least });
        }
    }
    let mut out = output();
    for row in &rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths.get(&at).copied().unwrap_or_default().saturating_sub(cell.width()));
            let is_text = at == 0 || at + 1 == count || (parsed.has('T') && at == 1);
            if at > 0 {
                line.push(' ');
            }
            if at + 1 == count {
                line.push_str(cell);
            } else if is_text {
                line.push_str(cell);
                line.push_str(&gap);
            } else {
                line.push_str(&gap);
                line.push_str(cell);
            }
        }
        if writeln!(out, "{line}").is_err() {
            return 1;
        }
    }
    finish("df", out, status)
}

/// Blanks in `/proc/mounts` are written in octal.
fn unescaped(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}
