//! `uptime`, `free`, `pidof`, `taskset`, `fallocate` and `getconf`: what util-linux, procps and the C library tell of a
//! machine, for one of one processor.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use cordon_multicall::files::reason;
use cordon_multicall::launch::{code_of, errno_text, start};
use cordon_multicall::{calendar, options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::Errno;
use cordon_vm::{process, replace};

use crate::processes::{process_of, processes};

type Args = std::vec::IntoIter<OsString>;

fn fail(name: &str, message: &str) -> i32 {
    say(&mut io::stderr(), &format!("{name}: {message}"));
    1
}

pub fn uptime(args: Args) -> i32 {
    let usage = "Usage:\n uptime [-p|--pretty] [-s|--since]";
    let parsed = match options::begin(
        "uptime",
        usage,
        args,
        "pshV",
        &["pretty=p", "since=s", "help=h", "version=V"],
    ) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let up = text.split('.').next().and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, hours, minutes) = (up / 86400, up / 3600 % 24, up / 60 % 60);
    if parsed.has('s') {
        let since = now.saturating_sub(up);
        let (year, month, day) = calendar::date(since / 86400);
        say(&mut io::stdout(), &format!("{year:04}-{month:02}-{day:02} {}", clock(since)));
        return 0;
    }
    let counted = |number: u64, unit: &str| {
        (number > 0).then(|| format!("{number} {unit}{}", if number == 1 { "" } else { "s" }))
    };
    if parsed.has('p') {
        let parts = [
            counted(days / 7, "week"),
            counted(days % 7, "day"),
            counted(hours, "hour"),
            counted(minutes, "minute").or_else(|| (up < 60).then(|| "0 minutes".into())),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        say(&mut io::stdout(), &format!("up {}", parts.join(", ")));
        return 0;
    }
    let days = counted(days, "day").map(|days| format!("{days}, ")).unwrap_or_default();
    let rest = if hours > 0 { format!("{hours:2}:{minutes:02}") } else { format!("{minutes} min") };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    let line = format!(" {} up {days}{rest},  0 user,  load average: {}", clock(now), load.join(", "));
    say(&mut io::stdout(), &line);
    0
}

/// The time of day, which in a VM is UTC.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

pub fn pidof(args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "single-shot=s",
        "check-root=c",
        "omit-pid:=o",
        "separator:=S",
        "with-workers=w",
        "help=h",
        "version=V",
    ];
    let usage = "Usage:\n pidof [-s] [-x] [-o PID[,PID]] [-S SEPARATOR] PROGRAM...";
    let parsed = match options::begin("pidof", usage, args, "sco:S:xwqhV", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let own = process::id();
    let mut omitted: Vec<u32> = vec![];
    for (_, list) in parsed.options.iter().filter(|(letter, _)| *letter == 'o') {
        for word in list.split([',', ';', ':']) {
            match word {
                "%PPID" => omitted.extend(process_of(own).map(|own| own.parent)),
                word => match word.parse() {
                    Ok(id) => omitted.push(id),
                    Err(_) => return fail("pidof", &format!("illegal omit pid value ({word})!")),
                },
            }
        }
    }
    let names = parsed.words();
    let mut ids: Vec<u32> = processes()
        .iter()
        .filter(|process| !omitted.contains(&process.id))
        .filter(|process| names.iter().any(|name| runs(&process.words(), name, parsed.has('x'))))
        .map(|process| process.id)
        .collect();
    ids.sort_by(|one, other| other.cmp(one));
    if parsed.has('s') {
        ids.truncate(1);
    }
    if ids.is_empty() {
        return 1;
    }
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    if !parsed.has('q') {
        say(&mut io::stdout(), &ids.join(parsed.value('S').unwrap_or(" ")));
    }
    0
}

/// Whether a process with this command line runs the program, or, if they are asked for, the script of this name.
fn runs(words: &[&str], name: &str, scripts: bool) -> bool {
    let is = |word: &str| word == name || (!name.contains('/') && word.rsplit('/').next() == Some(name));
    // A login shell has a hyphen in front of its name.
    let is_program = words.first().is_some_and(|word| is(word) || is(word.trim_start_matches('-')));
    is_program || (scripts && words.get(1).is_some_and(|word| is(word)))
}

/// All programs of a VM run on its one processor, number 0.
pub fn taskset(args: Args) -> i32 {
    const LONGS: &[&str] = &["all-tasks=a", "pid=p", "cpu-list=c", "help=h", "version=V"];
    let usage = "Usage: taskset [options] [mask | cpu-list] [pid|cmd [args...]]\n\nOptions:\n \
             -a, --all-tasks  operate on all the tasks (threads) for a given pid\n \
             -p, --pid        operate on existing given pid\n \
             -c, --cpu-list   display and specify cpus in list format";
    let parsed = match options::begin("taskset", usage, args, "+apchV", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let words = parsed.words();
    let is_list = parsed.has('c');
    let (places, rest) = match (words.as_slice(), parsed.has('p')) {
        ([id], true) => (None, std::slice::from_ref(id)),
        ([places, rest @ ..], _) if !rest.is_empty() => (Some(places), rest),
        _ => return options::misused("taskset", "bad usage"),
    };
    if let Some(places) = places {
        let has_first = if is_list { in_list(places) } else { in_mask(places) };
        let target = if parsed.has('p') { rest[0].as_str() } else { "0" };
        match has_first {
            None => {
                let kind = if is_list { "CPU list" } else { "CPU mask" };
                return fail("taskset", &format!("failed to parse {kind}: {places}"));
            }
            Some(false) => {
                return fail("taskset", &format!("failed to set pid {target}'s affinity: Invalid argument"));
            }
            Some(true) => {}
        }
    }
    if parsed.has('p') {
        let id = match rest[0].parse::<u32>() {
            Ok(id) if id > 0 => id,
            _ => return fail("taskset", &format!("invalid PID argument: '{}'", rest[0])),
        };
        if filesystem::read_file(&format!("/proc/{id}/stat")).is_err() {
            return fail("taskset", &format!("failed to get pid {id}'s affinity: No such process"));
        }
        let (what, value) = if is_list { ("list", 0) } else { ("mask", 1) };
        say(&mut io::stdout(), &format!("pid {id}'s current affinity {what}: {value}"));
        if places.is_some() {
            say(&mut io::stdout(), &format!("pid {id}'s new affinity {what}: {value}"));
        }
        return 0;
    }
    match start(rest, process::environment(), None) {
        Ok(child) => code_of(replace::stand_in(&child)),
        Err(errno) => {
            fail("taskset", &format!("failed to execute {}: {}", rest[0], errno_text(errno)));
            if errno == Errno::Enoent { 127 } else { 126 }
        }
    }
}

/// Whether a mask in hexadecimal has the first processor; none if it is no mask.
fn in_mask(text: &str) -> Option<bool> {
    let digits: Vec<u32> = text
        .trim_start_matches("0x")
        .chars()
        .filter(|letter| *letter != ',')
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()?;
    Some(digits.last()? & 1 == 1)
}

/// Whether a list like `0,2-4:2` has the first processor; none if it is no list.
fn in_list(text: &str) -> Option<bool> {
    let mut has_first = false;
    for part in text.split(',') {
        let (range, step) = match part.split_once(':') {
            Some((range, step)) => (range, step.parse::<u32>().ok()?),
            None => (part, 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        if step == 0 || last < first {
            return None;
        }
        has_first |= first == 0;
    }
    Some(has_first)
}

/// Files of a VM have no blocks set aside: what is left to do is their size.
pub fn fallocate(args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "length:=l",
        "offset:=o",
        "keep-size=n",
        "posix=x",
        "verbose=v",
        "punch-hole=p",
        "dig-holes=d",
        "zero-range=z",
        "collapse-range=c",
        "insert-range=i",
        "help=h",
        "version=V",
    ];
    let usage = "Usage: fallocate [options] <filename>\n\nOptions:\n \
             -l, --length <num>  length for range operations, in bytes\n \
             -n, --keep-size     maintain the apparent size of the file\n \
             -o, --offset <num>  offset for range operations, in bytes\n \
             -x, --posix         use posix_fallocate(3)\n \
             -v, --verbose       verbose mode";
    let parsed = match options::begin("fallocate", usage, args, "l:o:nxvpdzcihV", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if let Some((letter, _)) = parsed.options.iter().find(|(letter, _)| "pdzci".contains(*letter)) {
        return fail("fallocate", &format!("-{letter} is not supported here"));
    }
    let [file] = parsed.operands.as_slice() else {
        return options::misused(
            "fallocate",
            if parsed.operands.is_empty() {
                "no filename specified"
            } else {
                "unexpected number of arguments"
            },
        );
    };
    let Some(length) = parsed.value('l') else {
        return options::misused("fallocate", "no length argument specified");
    };
    let length = match size_of(length) {
        Some(length) if length > 0 => length,
        _ => return fail("fallocate", "invalid length value specified"),
    };
    let Some(end) = size_of(parsed.value('o').unwrap_or("0")).and_then(|offset| offset.checked_add(length))
    else {
        return fail("fallocate", "invalid offset value specified");
    };
    let name = file.to_text();
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file);
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return fail("fallocate", &format!("cannot open {name}: {}", reason(&error))),
    };
    let size = opened.metadata().map_or(0, |about| about.len());
    if !parsed.has('n')
        && end > size
        && let Err(error) = opened.set_len(end)
    {
        return fail("fallocate", &format!("fallocate failed: {}", reason(&error)));
    }
    if parsed.has('v') {
        say(&mut io::stdout(), &format!("{name}: {length} bytes ({length} bytes) allocated."));
    }
    0
}

/// A number of bytes with a unit: `K` and `KiB` are 1024, `KB` is 1000.
fn size_of(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let mut letters = unit.chars();
    let Some(letter) = letters.next() else { return number.parse().ok() };
    let power = u32::try_from("KMGTPE".find(letter.to_ascii_uppercase())?).ok()? + 1;
    let base: u64 = match letters.as_str() {
        "" | "iB" => 1024,
        "B" => 1000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(base.checked_pow(power)?)
}

#[cfg(test)]
mod tests {
    use super::{in_list, in_mask, size_of};

    #[test]
    fn sizes_have_units() {
        assert_eq!(size_of("12"), Some(12));
        assert_eq!(size_of("1K"), Some(1024));
        assert_eq!(size_of("2MiB"), Some(2 << 20));
        assert_eq!(size_of("3kB"), Some(3000));
        assert_eq!(size_of("3x"), None);
        assert_eq!(size_of("99999999999E"), None);
    }

    #[test]
    fn masks_and_lists_have_the_first_processor() {
        assert_eq!(in_mask("0x3"), Some(true));
        assert_eq!(in_mask("2"), Some(false));
        assert_eq!(in_mask("walrus"), None);
        assert_eq!(in_list("0-3"), Some(true));
        assert_eq!(in_list("1,5"), Some(false));
        assert_eq!(in_list("3-1"), None);
    }
}

/// What is known of memory is what the files in it may take: `MemTotal` and its like in `/proc/meminfo`.
pub fn free(args: Args) -> i32 {
    const LONGS: &[&str] =
        &["bytes=b", "kibi=k", "mebi=m", "gibi=g", "human=h", "total=t", "wide=w", "lohi=l", "version=V"];
    let usage = "Usage:\n free [-b | -k | -m | -g | -h] [-t] [-w]";
    let parsed = match options::begin("free", usage, args, "bkmghtwlV", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let unit =
        parsed.options.iter().rev().map(|(letter, _)| *letter).find(|letter| "bkmgh".contains(*letter));
    let shown = |kib: u64| match unit {
        Some('b') => (kib * 1024).to_string(),
        Some('m') => (kib / 1024).to_string(),
        Some('g') => (kib / 1024 / 1024).to_string(),
        Some('h') => human(kib * 1024),
        _ => kib.to_string(),
    };
    let (total, left, available) = (kib("MemTotal"), kib("MemFree"), kib("MemAvailable"));
    let used = total.saturating_sub(available);
    let line = |name: &str, cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>11}")).collect();
        format!("{name:<9}{}", cells.join(" "))
    };
    let row = |name: &str, cells: &[u64]| line(name, cells.iter().map(|cell| shown(*cell)).collect());
    let heads = ["total", "used", "free", "shared", "buff/cache", "available"].map(str::to_owned);
    let mut lines = vec![line("", heads.into()), row("Mem:", &[total, used, left, 0, 0, available])];
    lines.push(row("Swap:", &[0, 0, 0]));
    if parsed.has('t') {
        lines.push(row("Total:", &[total, used, left]));
    }
    say(&mut io::stdout(), &lines.join("\n"));
    0
}

/// A size in powers of 1024 with at most three digits.
fn human(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["Ki", "Mi", "Gi", "Ti"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" || value >= 9.95 { format!("{value:.0}{unit}") } else { format!("{value:.1}{unit}") }
}

/// Values by the names that POSIX and the C library give them.
const VALUES: &[(&str, &str)] = &[
    ("ARG_MAX", "2097152"),
    ("CHAR_BIT", "8"),
    ("CHILD_MAX", "1024"),
    ("CLK_TCK", "100"),
    ("HOST_NAME_MAX", "64"),
    ("INT_MAX", "2147483647"),
    ("INT_MIN", "-2147483648"),
    ("LINE_MAX", "2048"),
    ("LOGIN_NAME_MAX", "256"),
    ("LONG_BIT", "64"),
    ("NAME_MAX", "255"),
    ("OPEN_MAX", "1024"),
    ("PAGESIZE", "4096"),
    ("PAGE_SIZE", "4096"),
    ("PATH", "/bin"),
    ("PATH_MAX", "4096"),
    ("PIPE_BUF", "4096"),
    ("UINT_MAX", "4294967295"),
    ("_NPROCESSORS_CONF", "1"),
    ("_NPROCESSORS_ONLN", "1"),
    ("_POSIX_VERSION", "200809"),
    ("_POSIX2_VERSION", "200809"),
];

pub fn getconf(args: Args) -> i32 {
    let usage = "Usage: getconf NAME [PATH]\n       getconf -a";
    let parsed = match options::begin("getconf", usage, args, "+av:", &["all=a"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.has('a') {
        VALUES.iter().for_each(|(name, value)| say(&mut io::stdout(), &format!("{name:<33}  {value}")));
        return 0;
    }
    let Some(name) = parsed.operands.first().map(|name| name.to_text()) else {
        say(&mut io::stderr(), usage);
        return 2;
    };
    match VALUES.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => {
            say(&mut io::stdout(), value);
            0
        }
        None => {
            say(&mut io::stderr(), &format!("getconf: Unrecognized variable `{name}'"));
            2
        }
    }
}
