//! `pgrep`, `pkill` and `killall`: processes of the virtual machine by what they are called, as procps and psmisc have it.

use std::ffi::OsString;
use std::io;

use cordon_multicall::launch::{SIGNALS, errno_text, number_of, signal_named};
use cordon_multicall::{options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::process::{self, Signal};
use regex_lite::RegexBuilder;

use crate::processes::{Process, process_of, processes};

type Args = std::vec::IntoIter<OsString>;

/// Every process but this one, by id.
fn others() -> impl Iterator<Item = Process> {
    let own = process::id();
    processes().into_iter().filter(move |one| one.id != own)
}

/// Takes a word like `-TERM` or `-9` out of the arguments.
fn take_signal(args: Args) -> (Vec<OsString>, Option<Signal>) {
    let mut signal = None;
    let words = args.enumerate().filter(|(at, word)| {
        let text = word.to_str().and_then(|text| text.strip_prefix('-')).unwrap_or("");
        // Single letters are options.
        let may_be = *at > 0 && signal.is_none() && (text.len() > 1 || text.parse::<u8>().is_ok());
        let named = if may_be { signal_named(text) } else { None };
        signal = signal.or(named);
        named.is_none()
    });
    (words.map(|(_, word)| word).collect(), signal)
}

pub fn pgrep(args: Args) -> i32 {
    by_pattern("pgrep", args)
}

pub fn pkill(args: Args) -> i32 {
    by_pattern("pkill", args)
}

/// Nothing was meant, the command line was wrong, or something else was.
const NONE: i32 = 1;
const WRONG: i32 = 2;
const TROUBLE: i32 = 3;

fn by_pattern(name: &str, args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "list-name=l",
        "list-full=a",
        "delimiter:=d",
        "count=c",
        "full=f",
        "exact=x",
        "inverse=v",
        "newest=n",
        "oldest=o",
        "ignore-case=i",
        "parent:=P",
        "pgroup:=g",
        "session:=s",
        "uid:=U",
        "euid:=u",
        "signal:=S",
        "echo=e",
    ];
    let kills = name == "pkill";
    let (words, signal) = if kills { take_signal(args) } else { (args.collect(), None) };
    let usage = format!("Usage:\n {name} [options] <pattern>");
    let parsed = match options::begin(name, &usage, words, "lad:cfxvnoiP:g:s:U:u:e", LONGS) {
        Ok(parsed) => parsed,
        Err(0) => return 0,
        Err(_) => return WRONG,
    };
    let complain = |message: &str, status: i32| {
        say(&mut io::stderr(), &format!("{name}: {message}"));
        status
    };
    let signal = match (parsed.value('S').map(signal_named), signal) {
        (Some(None), _) => return complain("unknown signal", WRONG),
        (Some(Some(signal)), _) | (None, Some(signal)) => signal,
        (None, None) => Signal::Terminate,
    };
    let numbers = |letter: char, own: u32| -> Option<Vec<u32>> {
        let list = parsed.value(letter)?.split(',').filter_map(|word| word.parse().ok());
        Some(list.map(|number| if number == 0 { own } else { number }).collect())
    };
    // 0 is one's own.
    let (own_group, own_session) = process_of(process::id()).map_or((0, 0), |own| (own.group, own.session));
    let (parents, groups, sessions) = (numbers('P', 0), numbers('g', own_group), numbers('s', own_session));
    let has_filter =
        parents.is_some() || groups.is_some() || sessions.is_some() || parsed.has('u') || parsed.has('U');
    let pattern = match parsed.operands.as_slice() {
        [pattern] => pattern.to_text().into_owned(),
        [] if has_filter => String::new(),
        [] => return complain("no matching criteria specified\nTry `--help' for more information.", WRONG),
        _ => return complain("only one pattern can be provided\nTry `--help' for more information.", WRONG),
    };
    let pattern = if parsed.has('x') { format!("^({pattern})$") } else { pattern };
    let expression = match RegexBuilder::new(&pattern).case_insensitive(parsed.has('i')).build() {
        Ok(expression) => expression,
        Err(error) => return complain(&error.to_string(), WRONG),
    };
    let is_in =
        |list: &Option<Vec<u32>>, number: u32| list.as_ref().is_none_or(|list| list.contains(&number));
    let mut found: Vec<Process> = others()
        .filter(|one| {
            let line = one.line();
            let is_meant = expression.is_match(if parsed.has('f') { &line } else { &one.name })
                && is_in(&parents, one.parent)
                && is_in(&groups, one.group)
                && is_in(&sessions, one.session);
            is_meant != parsed.has('v')
        })
        .collect();
    if parsed.has('n') {
        found.drain(..found.len().saturating_sub(1));
    }
    if parsed.has('o') {
        found.truncate(1);
    }
    if parsed.has('c') {
        say(&mut io::stdout(), &found.len().to_string());
    }
    let mut status = if found.is_empty() { NONE } else { 0 };
    if kills {
        for one in &found {
            match process::kill(one.id, signal) {
                Ok(()) if parsed.has('e') => {
                    say(&mut io::stdout(), &format!("{} killed (pid {})", one.name, one.id));
                }
                Ok(()) => {}
                Err(errno) => {
                    status =
                        complain(&format!("killing pid {} failed: {}", one.id, errno_text(errno)), TROUBLE)
                }
            }
        }
    } else if !parsed.has('c') && !found.is_empty() {
        let lines: Vec<String> = found
            .iter()
            .map(|one| match (parsed.has('a'), parsed.has('l')) {
                (true, _) => format!("{} {}", one.id, one.line()),
                (_, true) => format!("{} {}", one.id, one.name),
                _ => one.id.to_string(),
            })
            .collect();
        say(&mut io::stdout(), &lines.join(parsed.value('d').unwrap_or("\n")));
    }
    status
}

pub fn killall(args: Args) -> i32 {
    const LONGS: &[&str] = &[
        "exact=e",
        "ignore-case=I",
        "list=l",
        "quiet=q",
        "signal:=s",
        "verbose=v",
        "wait=w",
        "interactive=i",
    ];
    let (words, signal) = take_signal(args);
    let usage = "Usage: killall [-s SIGNAL | -SIGNAL] [-I] [-q] [-v] NAME...\n       killall -l";
    let parsed = match options::begin("killall", usage, words, "eIlqs:vw", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.has('l') {
        let names: Vec<&str> = SIGNALS.iter().map(|(name, ..)| *name).collect();
        say(&mut io::stdout(), &names.join(" "));
        return 0;
    }
    let signal = match (parsed.value('s').map(signal_named), signal) {
        (Some(None), _) => {
            say(&mut io::stderr(), &format!("{}: unknown signal", parsed.value('s').unwrap_or_default()));
            return 1;
        }
        (Some(Some(signal)), _) | (None, Some(signal)) => signal,
        (None, None) => Signal::Terminate,
    };
    if parsed.operands.is_empty() {
        return options::misused("killall", "no process selection criteria");
    }
    let mut status = 0;
    for name in &parsed.operands {
        let name = name.to_text();
        let is_it = |one: &Process| match parsed.has('I') {
            true => one.name.eq_ignore_ascii_case(&name),
            false => one.name == name,
        };
        let found: Vec<Process> = others().filter(is_it).collect();
        if found.is_empty() {
            if !parsed.has('q') {
                say(&mut io::stderr(), &format!("{name}: no process found"));
            }
            status = 1;
        }
        for one in found {
            if let Err(errno) = process::kill(one.id, signal) {
                say(&mut io::stderr(), &format!("{}({}): {}", one.name, one.id, errno_text(errno)));
                status = 1;
            } else if parsed.has('v') {
                say(
                    &mut io::stderr(),
                    &format!("Killed {name}({}) with signal {}", one.id, number_of(signal)),
                );
            }
        }
    }
    status
}
