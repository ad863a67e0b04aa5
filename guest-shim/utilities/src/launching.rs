//! `nohup`, `nice` and `stdbuf`: programs that start another in a setting of its own, as far as a virtual machine has it.

use std::ffi::OsString;
use std::io;

use cordon_multicall::launch::{code_of, errno_text, start_with};
use cordon_multicall::{options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::process::{self, Disposition, Signal};
use cordon_vm::replace;
use cordon_vm::types::Errno;

type Args = std::vec::IntoIter<OsString>;

/// What of the program's own goes wrong, before it starts the other.
const OWN_FAILURE: i32 = 125;

fn fail(name: &str, message: &str) -> i32 {
    say(&mut io::stderr(), &format!("{name}: {message}"));
    OWN_FAILURE
}

fn misused(name: &str, message: &str) -> i32 {
    options::misused(name, message);
    OWN_FAILURE
}

/// Runs a program with some other streams, and ends as it ends.
fn run(name: &str, words: &[OsString], instead: &[(u32, &Descriptor)]) -> i32 {
    let words: Vec<String> = words.iter().map(|word| word.to_text().into_owned()).collect();
    match start_with(&words, process::environment(), None, instead) {
        Ok(child) => code_of(replace::stand_in(&child)),
        Err(errno) => {
            let what = if name == "nice" { "" } else { "failed to run command " };
            fail(name, &format!("{what}'{}': {}", words[0], errno_text(errno)));
            if errno == Errno::Enoent { 127 } else { 126 }
        }
    }
}

/// Runs a program that the end of a terminal does not end.
pub fn nohup(args: Args) -> i32 {
    let usage = "Usage: nohup COMMAND [ARG]...\nRun COMMAND, ignoring hangup signals.";
    let parsed = match options::begin("nohup", usage, args, "+", &[]) {
        Ok(parsed) => parsed,
        Err(0) => return 0,
        Err(_) => return OWN_FAILURE,
    };
    if parsed.operands.is_empty() {
        return misused("nohup", "missing operand");
    }
    let is_terminal = |number| descriptors::inherited(number).is_ok_and(|stream| stream.is_terminal());
    let (input, output, error) = (is_terminal(0), is_terminal(1), is_terminal(2));
    let null = filesystem::open("/dev/null", OpenFlags::READ | OpenFlags::WRITE, 0).ok();
    let mut kept = None;
    let mut place = String::new();
    if output {
        let home = std::env::var("HOME").map(|home| format!("{home}/nohup.out"));
        for path in std::iter::once("nohup.out".to_owned()).chain(home) {
            let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::APPEND;
            if let Ok(file) = filesystem::open(&path, flags, 0o600) {
                (kept, place) = (Some(file), path);
                break;
            }
        }
        if kept.is_none() {
            return fail("nohup", "failed to open 'nohup.out'");
        }
    }
    let told = match (input, output, error) {
        (true, true, _) => format!("ignoring input and appending output to '{place}'"),
        (true, false, _) => "ignoring input".to_owned(),
        (false, true, _) => format!("appending output to '{place}'"),
        (false, false, true) => "redirecting stderr to stdout".to_owned(),
        (false, false, false) => String::new(),
    };
    if !told.is_empty() {
        say(&mut io::stderr(), &format!("nohup: {told}"));
    }
    let _ = process::set_disposition(Signal::Hangup, Disposition::Ignore);
    let own_output = descriptors::inherited(1).ok();
    let mut instead: Vec<(u32, &Descriptor)> = vec![];
    instead.extend(null.as_ref().filter(|_| input).map(|null| (0, null)));
    instead.extend(kept.as_ref().map(|kept| (1, kept)));
    instead.extend(kept.as_ref().or(own_output.as_ref()).filter(|_| error).map(|output| (2, output)));
    run("nohup", &parsed.operands, &instead)
}

/// Programs of a virtual machine take turns, none before another: the number changes nothing.
pub fn nice(args: Args) -> i32 {
    let usage = "Usage: nice [OPTION] [COMMAND [ARG]...]\nRun COMMAND. There is one priority, 0.";
    let (mut is_option, mut is_value) = (true, false);
    let args: Vec<OsString> = args
        .enumerate()
        .map(|(at, word)| {
            let text = word.to_str().unwrap_or_default();
            is_option &= at == 0 || is_value || text.starts_with('-');
            let is_alone = at > 0 && is_option && !is_value;
            is_value = is_alone && matches!(text, "-n" | "--adjustment");
            // `-5` and `--5` are numbers too, as long as there are options.
            match is_alone && is_number(text) {
                true => OsString::from(format!("-n{}", &text[1..])),
                false => word,
            }
        })
        .collect();
    let parsed = match options::begin("nice", usage, args, "+n:", &["adjustment:=n"]) {
        Ok(parsed) => parsed,
        Err(0) => return 0,
        Err(_) => return OWN_FAILURE,
    };
    if let Some(wrong) = parsed.value('n').filter(|number| number.parse::<i64>().is_err()) {
        return fail("nice", &format!("invalid adjustment '{wrong}'"));
    }
    if parsed.operands.is_empty() {
        if parsed.value('n').is_some() {
            return misused("nice", "a command must be given with an adjustment");
        }
        say(&mut io::stdout(), "0");
        return 0;
    }
    if parsed.value('n').is_some_and(|number| number.starts_with('-')) {
        say(&mut io::stderr(), "nice: cannot set niceness: Permission denied");
    }
    run("nice", &parsed.operands, &[])
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or("");
    let digits = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Programs have their buffers to themselves: how they are to be changes nothing.
pub fn stdbuf(args: Args) -> i32 {
    let usage = "Usage: stdbuf OPTION... COMMAND\nRun COMMAND. Its buffers are its own: -i, -o and -e change nothing.";
    let longs = ["input:=i", "output:=o", "error:=e"];
    let parsed = match options::begin("stdbuf", usage, args, "+i:o:e:", &longs) {
        Ok(parsed) => parsed,
        Err(0) => return 0,
        Err(_) => return OWN_FAILURE,
    };
    if parsed.operands.is_empty() {
        return misused("stdbuf", "missing operand");
    }
    if parsed.options.is_empty() {
        return misused("stdbuf", "you must specify a buffering mode option");
    }
    run("stdbuf", &parsed.operands, &[])
}
