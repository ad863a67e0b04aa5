//! `env` and `timeout`: utilities that start another program, which WASI cannot and the virtual machine can.

use std::ffi::OsString;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cordon_multicall::launch::{SIGNALS, code_of, errno_text, start};
use cordon_vm::byte_text::ToText;
use cordon_vm::process::{self, Child, ExitStatus, Signal};
use cordon_vm::replace;
use cordon_vm::types::Errno;

/// Exit codes of utilities that start a program: they failed themselves, it cannot be started, it is not there.
const FAILED: i32 = 125;
const CANNOT_START: i32 = 126;
const NOT_THERE: i32 = 127;
/// `timeout` ended the program.
const TIMED_OUT: i32 = 124;

/// How long `timeout` sleeps between looking at its program; it begins with the first and doubles up to the second.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(20);

fn complain(name: &str, message: &str) {
    let _ = writeln!(io::stderr(), "{name}: {message}");
}

fn explain(name: &str, command: &str, errno: Errno) -> i32 {
    match errno {
        Errno::Enoent => {
            complain(name, &format!("'{command}': No such file or directory"));
            NOT_THERE
        }
        errno => {
            complain(name, &format!("'{command}': {}", errno_text(errno)));
            CANNOT_START
        }
    }
}

/// What `env` is asked to do. Everything that is not about starting a program is left to uutils.
#[derive(Default)]
struct Environment {
    clear: bool,
    unset: Vec<String>,
    set: Vec<(String, String)>,
    directory: Option<String>,
    command: Vec<String>,
}

pub fn env(args: std::vec::IntoIter<OsString>) -> i32 {
    let all: Vec<OsString> = args.collect();
    let request = match read_env(&all) {
        Some(request) if !request.command.is_empty() => request,
        // Printing the environment, or a mistake, which it explains.
        _ => return uu_env::uumain(all.into_iter()),
    };
    let mut environment = if request.clear { vec![] } else { process::environment() };
    environment.retain(|(name, _)| !request.unset.contains(name));
    for (name, value) in request.set {
        environment.retain(|(known, _)| *known != name);
        environment.push((name, value));
    }
    let command = request.command;
    match start(&command, environment, request.directory) {
        Ok(child) => code_of(replace::stand_in(&child)),
        Err(errno) => explain("env", &command[0], errno),
    }
}

/// `None` for what is not understood, or has nothing to do with starting a program.
fn read_env(all: &[OsString]) -> Option<Environment> {
    let words: Vec<String> = all.iter().skip(1).map(|word| word.to_text().into_owned()).collect();
    let mut request = Environment::default();
    let mut words = std::collections::VecDeque::from(words);
    while let Some(word) = words.pop_front() {
        let (option, attached) = match word.as_str() {
            "--" => break,
            "-" | "-i" | "--ignore-environment" => {
                request.clear = true;
                continue;
            }
            long if long.starts_with("--") => match long.split_once('=') {
                Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
                None => (long.to_owned(), None),
            },
            short if short.starts_with('-') => {
                let (option, value) =
                    short.split_at(short.char_indices().nth(2).map_or(short.len(), |(at, _)| at));
                (option.to_owned(), Some(value.to_owned()).filter(|value| !value.is_empty()))
            }
            _ => {
                words.push_front(word);
                break;
            }
        };
        let value = attached.or_else(|| words.pop_front());
        match option.as_str() {
            "-u" | "--unset" => request.unset.push(value?),
            "-C" | "--chdir" => request.directory = Some(value?),
            "-S" | "--split-string" => {
                for part in split(&value?)?.into_iter().rev() {
                    words.push_front(part);
                }
            }
            _ => return None,
        }
    }
    while let Some((name, value)) = words.front().and_then(|word| word.split_once('=')) {
        request.set.push((name.to_owned(), value.to_owned()));
        words.pop_front();
    }
    request.command = words.into();
    Some(request)
}

/// Splits the text of `-S` at blanks, except inside quotes; a backslash takes what follows it as it is. `None` if a
/// quote is left open, or the text uses what is not done here (`${NAME}`, escapes of control characters).
fn split(text: &str) -> Option<Vec<String>> {
    let mut parts: Vec<String> = vec![];
    let mut part: Option<String> = None;
    let mut quote = None;
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match (letter, quote) {
            (blank, None) if blank.is_ascii_whitespace() => parts.extend(part.take()),
            ('\'' | '"', None) => {
                quote = Some(letter);
                part.get_or_insert_default();
            }
            (end, Some(open)) if end == open => quote = None,
            ('$', None | Some('"')) => return None,
            ('\\', None | Some('"')) => match rest.next()? {
                escaped if escaped.is_ascii_alphanumeric() => return None,
                escaped => part.get_or_insert_default().push(escaped),
            },
            (letter, _) => part.get_or_insert_default().push(letter),
        }
    }
    parts.extend(part);
    quote.is_none().then_some(parts)
}

const TIMEOUT_HELP: &str = "\
Usage: timeout [OPTION]... DURATION COMMAND [ARGUMENT]...
Start COMMAND, and end it if it is still running after DURATION (seconds, or with s, m, h, d).

  -k, --kill-after=DURATION  also send KILL when it is still running so long after the first signal
  -s, --signal=SIGNAL        the signal to send (default TERM)
  -p, --preserve-status      exit with COMMAND's status even when it timed out
  -f, --foreground           accepted and without effect
  -v, --verbose              say so when a signal is sent

The status is 124 if COMMAND timed out, 125 if timeout failed, 126 if COMMAND cannot be started, 127 if there is none.";

#[derive(Default)]
struct Timeout {
    signal: Option<Signal>,
    kill_after: Option<Duration>,
    preserve: bool,
    verbose: bool,
}

pub fn timeout(args: std::vec::IntoIter<OsString>) -> i32 {
    let words = cordon_multicall::words(args);
    match read_timeout(words) {
        Ok(Some((options, limit, command))) => run_for(&options, limit, &command),
        Ok(None) => {
            let _ = writeln!(io::stdout(), "{TIMEOUT_HELP}");
            0
        }
        Err(message) => {
            complain("timeout", &message);
            let _ = writeln!(io::stderr(), "Try 'timeout --help' for more information.");
            FAILED
        }
    }
}

type TimedCommand = (Timeout, Duration, Vec<String>);

fn read_timeout(words: Vec<String>) -> Result<Option<TimedCommand>, String> {
    let mut options = Timeout::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        let mut value = |attached: Option<&str>| {
            attached
                .map(str::to_owned)
                .or_else(|| words.next())
                .ok_or(format!("option '{word}' requires an argument"))
        };
        match word.as_str() {
            "--" => break,
            "--help" => return Ok(None),
            "-p" | "--preserve-status" => options.preserve = true,
            "-v" | "--verbose" => options.verbose = true,
            "-f" | "--foreground" => {}
            _ if word == "-k" || word == "--kill-after" => {
                options.kill_after = Some(duration(&value(None)?)?)
            }
            _ if word == "-s" || word == "--signal" => options.signal = Some(signal(&value(None)?)?),
            _ => {
                let attached = |short, long| word.strip_prefix(short).or_else(|| word.strip_prefix(long));
                if let Some(text) = attached("--kill-after=", "-k") {
                    options.kill_after = Some(duration(text)?);
                } else if let Some(text) = attached("--signal=", "-s") {
                    options.signal = Some(signal(text)?);
                } else {
                    return Err(format!("unrecognized option '{word}'"));
                }
            }
        }
    }
    let limit = duration(&words.next().ok_or("missing operand")?)?;
    let command: Vec<String> = words.collect();
    if command.is_empty() { Err("missing operand".into()) } else { Ok(Some((options, limit, command))) }
}

fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("invalid time interval '{text}'");
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        Some((at, 'd')) => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let seconds: f64 = number.parse().map_err(|_| invalid())?;
    if seconds.is_nan() || seconds < 0.0 {
        return Err(invalid());
    }
    Ok(Duration::try_from_secs_f64(seconds * unit).unwrap_or(Duration::MAX))
}

fn signal(text: &str) -> Result<Signal, String> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    SIGNALS
        .iter()
        .find(|(known, number, _)| *known == name || name.parse() == Ok(*number))
        .map(|(_, _, signal)| *signal)
        .ok_or(format!("'{text}': invalid signal"))
}

fn run_for(options: &Timeout, limit: Duration, command: &[String]) -> i32 {
    let child = match start(command, process::environment(), None) {
        Ok(child) => child,
        Err(errno) => return explain("timeout", &command[0], errno),
    };
    replace::handle_signals();
    // No limit is written as 0.
    let limit = if limit.is_zero() { Duration::MAX } else { limit };
    if let Some(status) = wait_for(&child, limit) {
        return code_of(status);
    }
    let mut last = options.signal.unwrap_or(Signal::Terminate);
    send(options, &child, last, &command[0]);
    let mut ended = wait_for(&child, options.kill_after.unwrap_or(Duration::MAX));
    if ended.is_none() {
        last = Signal::Kill;
        send(options, &child, last, &command[0]);
        ended = wait_for(&child, Duration::MAX);
    }
    match ended {
        Some(status) if options.preserve || last == Signal::Kill => code_of(status),
        _ => TIMED_OUT,
    }
}

fn send(options: &Timeout, child: &Child, signal: Signal, command: &str) {
    if options.verbose {
        let name = SIGNALS.iter().find(|(_, _, known)| *known == signal).map_or("?", |(name, _, _)| name);
        complain("timeout", &format!("sending signal {name} to command '{command}'"));
    }
    // It may have ended meanwhile.
    let _ = child.kill(signal);
}

/// How the child ended, if it does so in time; signals are passed on to it meanwhile. There is no way yet to wait for a
/// program and a clock at once.
fn wait_for(child: &Child, limit: Duration) -> Option<ExitStatus> {
    if limit == Duration::MAX {
        return Some(replace::wait(child));
    }
    let began = Instant::now();
    let mut look = FIRST_LOOK;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        replace::pass_on(child);
        let left = limit.checked_sub(began.elapsed())?;
        sleep(look.min(left));
        look = (look * 2).min(LONGEST_LOOK);
    }
}
