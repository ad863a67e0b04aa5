//! `users`, `who`, `logger`, `renice`, `setsid`, `watch` and `locale`: what a system with sessions, a log and languages
//! has, as far as a virtual machine knows of them.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cordon_multicall::launch::{code_of, errno_text, start, start_with};
use cordon_multicall::{options, say, users};
use cordon_vm::process::{self, Disposition, Signal};
use cordon_vm::types::Errno;
use cordon_vm::{descriptors, replace, terminal};

use crate::processes::process_of;

type Args = std::vec::IntoIter<OsString>;

/// Nobody has logged in to a virtual machine.
pub fn users(args: Args) -> i32 {
    let usage = "Usage: users [OPTION]... [FILE]\nOutput who is currently logged in.";
    options::begin("users", usage, args, "", &[]).map_or_else(|status| status, |_| 0)
}

pub fn who(args: Args) -> i32 {
    let usage = "Usage: who [OPTION]... [ FILE | ARG1 ARG2 ]\nPrint information about users who are currently logged in.";
    let longs = [
        "all=a",
        "boot=b",
        "dead=d",
        "heading=H",
        "login=l",
        "lookup=L",
        "process=p",
        "count=q",
        "runlevel=r",
        "short=s",
        "time=t",
        "users=u",
        "message=T",
        "mesg=T",
        "writable=T",
    ];
    let parsed = match options::begin("who", usage, args, "abdHlLmpqrstuTw", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.has('q') {
        say(&mut io::stdout(), "\n# users=0");
    } else if parsed.has('H') {
        say(&mut io::stdout(), "NAME     LINE         TIME             COMMENT");
    }
    0
}

/// Processes of a virtual machine take turns, none before another: it only tells what it would change.
pub fn renice(args: Args) -> i32 {
    let usage = "Usage:\n renice [-n] <priority> [-p|--pid] <pid>...\n\nThere is one priority, 0.";
    let words = cordon_multicall::words(args);
    if words.iter().any(|word| matches!(word.as_str(), "-h" | "--help")) {
        say(&mut io::stdout(), usage);
        return 0;
    }
    let mut rest = words.iter().map(String::as_str).peekable();
    rest.next_if(|word| matches!(*word, "-n" | "--priority" | "--relative"));
    let Some(priority) = rest.next() else { return options::misused("renice", "not enough arguments") };
    let Ok(wanted) = priority.parse::<i64>() else {
        return options::misused("renice", &format!("invalid priority '{priority}'"));
    };
    let (mut status, mut count, mut is_user) = (0, 0, false);
    for word in rest {
        match word {
            "-p" | "--pid" | "-g" | "--pgrp" => is_user = false,
            "-u" | "--user" => is_user = true,
            _ if is_user => count += 1,
            word => {
                count += 1;
                let Some(id) = word.parse().ok().filter(|id: &u32| *id > 0) else {
                    say(&mut io::stderr(), &format!("renice: bad process ID value: {word}"));
                    status = 1;
                    continue;
                };
                if process_of(id).is_none() {
                    say(
                        &mut io::stderr(),
                        &format!("renice: failed to get priority for {id} (process ID): No such process"),
                    );
                    status = 1;
                } else if wanted < 0 {
                    say(
                        &mut io::stderr(),
                        &format!("renice: failed to set priority for {id} (process ID): Permission denied"),
                    );
                    status = 1;
                } else {
                    say(
                        &mut io::stdout(),
                        &format!("{id} (process ID) old priority 0, new priority {}", wanted.min(19)),
                    );
                }
            }
        }
    }
    if count == 0 { options::misused("renice", "not enough arguments") } else { status }
}

const FACILITIES: [(&str, u32); 20] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];
const LEVELS: [(&str, u32); 11] = [
    ("emerg", 0),
    ("panic", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("error", 3),
    ("warning", 4),
    ("warn", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

/// There is no log: what is written goes to standard error with `-s`, and else nowhere.
pub fn logger(args: Args) -> i32 {
    let usage = "Usage: logger [options] [<message>]\n\n -e, --skip-empty       do not log empty lines\n -f, --file <file>      \
                 log the contents of this file\n -i                     log the logger command's PID\n -p, --priority <prio>  \
                 mark given message with this priority\n -s, --stderr           output message to standard error\n \
                 -t, --tag <tag>        mark every line with this tag\n\nThere is no log: without -s nothing is written.";
    let longs = [
        "skip-empty=e",
        "file:=f",
        "id::=i",
        "priority:=p",
        "stderr=s",
        "tag:=t",
        "size:=S",
        "udp=d",
        "tcp=T",
        "server:=n",
        "port:=P",
        "socket:=u",
        "no-act=N",
        "help=h",
        "version=V",
    ];
    let parsed = match options::begin("logger", usage, args, "+ef:ip:st:S:dTn:P:u:hV", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let priority = parsed.value('p').unwrap_or("user.notice");
    let (facility, level) = priority.split_once('.').unwrap_or(("user", priority));
    let known = |table: &[(&str, u32)], name: &str| {
        table
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| *number)
            .or_else(|| name.parse().ok())
    };
    let (Some(facility), Some(level)) = (known(&FACILITIES, facility), known(&LEVELS, level)) else {
        say(&mut io::stderr(), &format!("logger: unknown priority name: {priority}"));
        return 1;
    };
    let mut lines = vec![];
    if !parsed.operands.is_empty() {
        lines.push(parsed.words().join(" "));
    } else {
        let mut text = vec![];
        let outcome = match parsed.value('f') {
            Some(file) => std::fs::read(file).map(|read| text = read),
            None => io::stdin().read_to_end(&mut text).map(drop),
        };
        if let Err(error) = outcome {
            let file = parsed.value('f').unwrap_or("stdin");
            say(
                &mut io::stderr(),
                &format!("logger: file {file}: {}", cordon_multicall::files::reason(&error)),
            );
            return 1;
        }
        lines.extend(text.lines().map_while(Result::ok));
    }
    if parsed.has('s') {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time =
            jiff::Timestamp::from_second(i64::try_from(now.as_secs()).unwrap_or(0)).unwrap_or_default();
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%b %e %H:%M:%S").to_string();
        let user = users::user();
        let tag = parsed.value('t').unwrap_or(&user);
        let id = if parsed.has('i') { format!("[{}]", process::id()) } else { String::new() };
        for line in lines.iter().filter(|line| !parsed.has('e') || !line.is_empty()) {
            say(&mut io::stderr(), &format!("<{}>{time} {tag}{id}: {line}", facility * 8 + level));
        }
    }
    0
}

/// Starts a program that no terminal has a hold on: one that does not hear of its end.
pub fn setsid(args: Args) -> i32 {
    let usage = "Usage:\n setsid [options] <program> [arguments ...]\n\nRun a program in a new session.\n\nOptions:\n \
                 -c, --ctty     accepted\n -f, --fork     do not wait\n -w, --wait     wait program to exit, and use the same \
                 return";
    let longs = ["ctty=c", "fork=f", "wait=w", "help=h", "version=V"];
    let parsed = match options::begin("setsid", usage, args, "+cfwhV", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let words = parsed.words();
    if words.is_empty() {
        return options::misused("setsid", "no command specified");
    }
    let _ = process::set_disposition(Signal::Hangup, Disposition::Ignore);
    match start_with(&words, process::environment(), None, &[]) {
        Ok(child) if parsed.has('f') => {
            drop(child);
            0
        }
        Ok(child) => code_of(replace::stand_in(&child)),
        Err(errno) => {
            say(&mut io::stderr(), &format!("setsid: failed to execute {}: {}", words[0], errno_text(errno)));
            if errno == Errno::Enoent { 127 } else { 126 }
        }
    }
}

/// Runs a command again and again, and shows the beginning of what it prints.
pub fn watch(args: Args) -> i32 {
    let usage = "\nUsage:\n watch [options] command\n\nOptions:\n  -b, --beep             beep if command has a non-zero exit\n  \
                 -e, --errexit          exit if command has a non-zero exit\n  -g, --chgexit          exit when output from \
                 command changes\n  -q, --equexit <cycles>\n                         exit when output from command does not \
                 change\n  -n, --interval <secs>  seconds to wait between updates\n  -t, --no-title         turn off header\n  \
                 -w, --no-wrap          turn off line wrapping\n  -x, --exec             pass command to exec instead of \"sh \
                 -c\"\n\n -h, --help     display this help and exit\n -v, --version  output version information and exit";
    let longs = [
        "beep=b",
        "color=c",
        "differences::=d",
        "errexit=e",
        "chgexit=g",
        "equexit:=q",
        "interval:=n",
        "precise=p",
        "no-title=t",
        "no-wrap=w",
        "exec=x",
        "help=h",
        "version=v",
    ];
    let parsed = match options::begin("watch", usage, args, "+bcd::egq:n:ptwxhv", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let words = parsed.words();
    if words.is_empty() {
        say(&mut io::stderr(), usage);
        return 1;
    }
    let interval: f64 = match parsed.value('n').unwrap_or("2").replace(',', ".").parse() {
        Ok(seconds) => f64::clamp(seconds, 0.1, 86_400.0 * 31.0),
        Err(_) => {
            say(&mut io::stderr(), "watch: failed to parse argument: Invalid argument");
            return 1;
        }
    };
    let command =
        if parsed.has('x') { words.clone() } else { vec!["sh".into(), "-c".into(), words.join(" ")] };
    let cycles: Option<u32> = parsed.value('q').and_then(|cycles| cycles.parse().ok());
    let (mut before, mut same): (Option<Vec<u8>>, u32) = (None, 0);
    loop {
        let (shown, code) = match output_of(&command) {
            Ok(outcome) => outcome,
            Err(errno) => {
                say(&mut io::stderr(), &format!("watch: {}: {}", command[0], errno_text(errno)));
                return 1;
            }
        };
        let title = (!parsed.has('t')).then(|| format!("Every {interval:.1}s: {}", words.join(" ")));
        if draw(title.as_deref(), &shown, parsed.has('w')).is_err() {
            return 1;
        }
        if code != 0 && parsed.has('b') {
            let _ = io::stdout().write_all(b"\x07");
        }
        if code != 0 && parsed.has('e') {
            return 8;
        }
        match &before {
            Some(before) if *before == shown => same += 1,
            Some(_) if parsed.has('g') => return 0,
            _ => same = 0,
        }
        if cycles.is_some_and(|cycles| same >= cycles) {
            return 0;
        }
        before = Some(shown);
        std::thread::sleep(Duration::from_secs_f64(interval));
    }
}

/// What a command prints, both ways, and how it ends.
fn output_of(command: &[String]) -> Result<(Vec<u8>, i32), Errno> {
    let (output, input) = descriptors::pipe()?;
    let child = start_with(command, process::environment(), None, &[(1, &input), (2, &input)])?;
    drop(input);
    let mut bytes = vec![];
    loop {
        let piece = output.read(1 << 16)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    Ok((bytes, code_of(child.wait()?)))
}

/// Shows as many lines as a terminal has.
fn draw(title: Option<&str>, text: &[u8], cuts: bool) -> io::Result<()> {
    let size = descriptors::inherited(1).and_then(|output| terminal::get_size(&output)).ok();
    let (rows, columns) = size.map_or((24, 80), |size| (usize::from(size.rows), usize::from(size.columns)));
    let mut out = io::stdout().lock();
    out.write_all(b"\x1b[H\x1b[2J")?;
    let mut left = rows.max(1);
    if let Some(title) = title {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time =
            jiff::Timestamp::from_second(i64::try_from(now.as_secs()).unwrap_or(0)).unwrap_or_default();
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y").to_string();
        let right = format!("localhost: {time}");
        let room = columns.saturating_sub(right.len() + 1);
        let title: String = title.chars().take(room).collect();
        write!(out, "{title:<room$} {right}\r\n\r\n")?;
        left = left.saturating_sub(2);
    }
    let mut is_first = true;
    for line in String::from_utf8_lossy(text).lines() {
        let characters: Vec<char> = line.chars().collect();
        let mut pieces: Vec<&[char]> = characters.chunks(columns.max(1)).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        if cuts {
            pieces.truncate(1);
        }
        for piece in pieces {
            if left == 0 {
                return out.flush();
            }
            left -= 1;
            if !std::mem::take(&mut is_first) {
                out.write_all(b"\r\n")?;
            }
            out.write_all(piece.iter().collect::<String>().as_bytes())?;
        }
    }
    out.flush()
}

const CATEGORIES: [&str; 12] = [
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
];

/// Names that a locale tells of, with their values in the ones that there are.
const KEYWORDS: [(&str, &str, &str); 12] = [
    ("LC_NUMERIC", "decimal_point", "."),
    ("LC_NUMERIC", "thousands_sep", ""),
    ("LC_TIME", "abday", "Sun;Mon;Tue;Wed;Thu;Fri;Sat"),
    ("LC_TIME", "day", "Sunday;Monday;Tuesday;Wednesday;Thursday;Friday;Saturday"),
    ("LC_TIME", "abmon", "Jan;Feb;Mar;Apr;May;Jun;Jul;Aug;Sep;Oct;Nov;Dec"),
    (
        "LC_TIME",
        "mon",
        "January;February;March;April;May;June;July;August;September;October;November;December",
    ),
    ("LC_TIME", "am_pm", "AM;PM"),
    ("LC_TIME", "d_t_fmt", "%a %b %e %H:%M:%S %Y"),
    ("LC_TIME", "d_fmt", "%m/%d/%y"),
    ("LC_TIME", "t_fmt", "%H:%M:%S"),
    ("LC_MESSAGES", "yesexpr", "^[yY]"),
    ("LC_MESSAGES", "noexpr", "^[nN]"),
];

/// There are the locales of C, in ASCII and in UTF-8.
pub fn locale(args: Args) -> i32 {
    let usage = "Usage: locale [OPTION...] NAME\n  or:  locale [OPTION...] [-a|-m]\n\n  -a, --all-locales          Write names of \
                 available locales\n  -m, --charmaps             Write names of available charmaps\n  -c, --category-name        \
                 Write names of selected categories\n  -k, --keyword-name         Write names of selected keywords";
    let longs = ["all-locales=a", "charmaps=m", "category-name=c", "keyword-name=k"];
    let parsed = match options::begin("locale", usage, args, "amck", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    if parsed.has('a') {
        say(&mut io::stdout(), "C\nC.utf8\nPOSIX");
        return 0;
    }
    if parsed.has('m') {
        say(&mut io::stdout(), "ANSI_X3.4-1968\nUTF-8");
        return 0;
    }
    let chosen = |category: &str| {
        let all = value("LC_ALL").map(|value| (value, false));
        let own = || value(category).map(|value| (value, true));
        let language = || value("LANG").map(|value| (value, false));
        all.or_else(own).or_else(language).unwrap_or(("POSIX".into(), false))
    };
    if parsed.operands.is_empty() {
        say(&mut io::stdout(), &format!("LANG={}", env::var("LANG").unwrap_or_default()));
        say(&mut io::stdout(), &format!("LANGUAGE={}", env::var("LANGUAGE").unwrap_or_default()));
        for category in CATEGORIES {
            let (name, is_own) = chosen(category);
            let line = if is_own { format!("{category}={name}") } else { format!("{category}=\"{name}\"") };
            say(&mut io::stdout(), &line);
        }
        say(&mut io::stdout(), &format!("LC_ALL={}", env::var("LC_ALL").unwrap_or_default()));
        return 0;
    }
    let mut status = 0;
    for name in parsed.words() {
        let ctype = chosen("LC_CTYPE").0.to_ascii_lowercase();
        let map =
            if ctype.ends_with("utf-8") || ctype.ends_with("utf8") { "UTF-8" } else { "ANSI_X3.4-1968" };
        let found: Vec<(&str, &str)> = match name.as_str() {
            "charmap" => vec![("charmap", map)],
            name => KEYWORDS
                .iter()
                .filter(|(category, keyword, _)| *keyword == name || *category == name)
                .map(|(_, keyword, value)| (*keyword, *value))
                .collect(),
        };
        if found.is_empty() && !CATEGORIES.contains(&name.as_str()) {
            say(&mut io::stderr(), &format!("locale: unknown name \"{name}\""));
            status = 1;
        }
        for (keyword, value) in found {
            let line = if parsed.has('k') { format!("{keyword}=\"{value}\"") } else { value.to_owned() };
            say(&mut io::stdout(), &line);
        }
    }
    status
}

/// Brings a terminal back to what it was at first.
pub fn reset(args: Args) -> i32 {
    let usage = "Usage: reset [options] [terminal]\n\nBrings the terminal back to what it was at first.";
    if let Err(status) = options::begin("reset", usage, args, "cIme:i:k:qQrsVwh", &["help=h", "version=V"]) {
        return status;
    }
    let words = ["stty".to_owned(), "sane".to_owned()];
    let is_terminal = descriptors::inherited(0).is_ok_and(|input| input.is_terminal());
    if !is_terminal {
        say(&mut io::stderr(), "reset: standard error: Inappropriate ioctl for device");
        return 1;
    }
    let status =
        start(&words, process::environment(), None).and_then(|child| child.wait()).map_or(1, code_of);
    let mut out = io::stdout();
    let sequences = b"\x1bc\x1b]104\x07\x1b[!p\x1b[?3;4l\x1b[4l\x1b>\r";
    if out.write_all(sequences).and_then(|()| out.flush()).is_err() { 1 } else { status }
}

/// Sets the places where a terminal's tabs stop.
pub fn tabs(args: Args) -> i32 {
    let words = cordon_multicall::words(args);
    let mut stops: Vec<usize> = vec![];
    let mut every = 8;
    for word in &words {
        let bare = word.strip_prefix('-').unwrap_or(word);
        let numbers: Option<Vec<usize>> =
            bare.split(',').map(|part| part.trim_start_matches('+').parse().ok()).collect();
        match numbers.as_deref() {
            Some([one]) if stops.is_empty() => every = *one,
            Some(several) => stops.extend(several),
            None if bare.starts_with(['T', '+']) => {}
            None => {
                say(&mut io::stderr(), &format!("tabs: unknown option '{word}'"));
                return 1;
            }
        }
    }
    let size = descriptors::inherited(1).and_then(|output| terminal::get_size(&output)).ok();
    let columns = size.map_or(80, |size| usize::from(size.columns)).max(1);
    if stops.is_empty() && every > 0 {
        stops = (0..columns).step_by(every).map(|column| column + 1).collect();
    }
    let mut line = "\x1b[3g\r".to_owned();
    let mut column = 1;
    for stop in stops.into_iter().filter(|stop| *stop >= 1 && *stop <= columns) {
        line.extend(std::iter::repeat_n(' ', stop.saturating_sub(column)));
        line.push_str("\x1bH");
        column = column.max(stop);
    }
    if column < columns {
        line.extend(std::iter::repeat_n(' ', columns - column));
    }
    line.push('\r');
    let mut out = io::stdout();
    i32::from(out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err())
}
