//! `awk`: cordon's own. The crates that were looked at start threads, bring compilers and C libraries, or are wrong in what
//! scripts use (`ORS`, `RS`, `printf (...)`, `END` after `exit`), and all of them start commands by the system.

mod run;
mod syntax;
mod text;

use std::ffi::OsString;
use std::fs;
use std::io;

use cordon_multicall::say;

use run::Interpreter;
use syntax::Program;

/// The status of a mistake, and of input that is not there.
const TROUBLE: i32 = 2;
/// The status of a program that cannot be read.
const WRONG_PROGRAM: i32 = 1;

const USAGE: &str = "Usage: awk [-F fs] [-v var=value] [-f progfile | 'prog'] [file ...]";

#[derive(Default)]
struct Request {
    separator: Option<String>,
    assignments: Vec<(String, String)>,
    program: Option<String>,
    /// Operands as they stand.
    operands: Vec<String>,
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let words = cordon_multicall::words(args);
    let request = match read(words) {
        Ok(Some(request)) => request,
        Ok(None) => {
            say(&mut io::stdout(), USAGE);
            return 0;
        }
        Err(message) => return complain(&message),
    };
    match run(&request) {
        Ok(status) => status,
        Err(message) => complain(&message),
    }
}

fn complain(message: &str) -> i32 {
    say(&mut io::stderr(), &format!("awk: {message}"));
    TROUBLE
}

/// None if only help was asked for.
fn read(words: Vec<String>) -> Result<Option<Request>, String> {
    let mut request = Request::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        if word == "--" {
            break;
        }
        if word == "--help" {
            return Ok(None);
        }
        if word == "--version" {
            return Err("cordon's own".into());
        }
        if ["--posix", "--traditional", "--re-interval", "--sandbox", "--characters-as-bytes"]
            .contains(&word.as_str())
        {
            continue;
        }
        let long = [("--field-separator=", 'F'), ("--assign=", 'v'), ("--file=", 'f'), ("--source=", 'e')];
        let (option, attached) =
            match long.iter().find_map(|(name, short)| Some((*short, word.strip_prefix(name)?))) {
                Some((short, value)) => (short, value.to_owned()),
                None => {
                    let mut letters = word[1..].chars();
                    let letter = letters.next().unwrap_or('-');
                    (letter, letters.collect())
                }
            };
        if !['F', 'v', 'f', 'e'].contains(&option) {
            return Err(format!("unknown option {word}\n{USAGE}"));
        }
        let value = if attached.is_empty() { words.next() } else { Some(attached) };
        let value = value.ok_or_else(|| format!("option requires an argument -- {option}\n{USAGE}"))?;
        match option {
            // What POSIX says of `-Ft`.
            'F' if value == "t" => request.separator = Some("\t".into()),
            'F' => request.separator = Some(unescape(&value)),
            'v' => {
                let (name, value) = assignment(&value)
                    .ok_or_else(|| format!("`{value}' argument to `-v' not in `var=value' form"))?;
                request.assignments.push((name.into(), unescape(value)));
            }
            _ => {
                // `-e` gives a part of the program itself.
                let text = if option == 'e' { value } else { text_of(&value)? };
                let program = request.program.get_or_insert_default();
                program.push_str(&text);
                program.push('\n');
            }
        }
    }
    if request.program.is_none() {
        request.program = Some(words.next().ok_or(USAGE)?);
    }
    request.operands = words.collect();
    Ok(Some(request))
}

fn text_of(file: &str) -> Result<String, String> {
    let text = match file {
        "-" => io::read_to_string(io::stdin()),
        _ => fs::read_to_string(file),
    };
    text.map_err(|error| format!("cannot open source file `{file}' for reading: {}", reason(&error)))
}

/// How `exit` in a function comes out of all expressions around it.
const EXIT: &str = "\u{1}exit";

fn run(request: &Request) -> Result<i32, String> {
    let program = match Program::parse(request.program.as_deref().unwrap_or_default()) {
        Ok(program) => program,
        Err(message) => {
            complain(&message);
            return Ok(WRONG_PROGRAM);
        }
    };
    let mut interpreter = Interpreter::new(&program, &request.operands);
    if let Some(separator) = &request.separator {
        interpreter.assign("FS", separator);
    }
    for (name, value) in &request.assignments {
        interpreter.assign(name, value);
    }
    let status = interpreter.run();
    interpreter.finish();
    match status {
        // Whoever reads has gone.
        Err(message) if message.is_empty() => Ok(TROUBLE),
        status => status,
    }
}

/// Name and value of a word that assigns.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    (begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')).then_some((name, value))
}

/// What a value means that is given as an argument: escapes in it are those of a string in a program.
fn unescape(value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    let mut out = String::with_capacity(value.len());
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        at += 1;
        if letter == '\\' {
            at += text::escape(&letters[at..], &mut out);
        } else {
            out.push(letter);
        }
    }
    out
}

fn reason(error: &io::Error) -> String {
    uucore::error::strip_errno(error)
}
