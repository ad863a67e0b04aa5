//! `awk`: the arguments, and the input that is read when it is wanted, around the interpreter of `awk-rs`.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::rc::Rc;

use awk_rs::{Interpreter, Lexer, Parser};
use cordon_multicall::say;

/// The status of a mistake, and of input that is not there.
const TROUBLE: i32 = 2;

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
    let words: Vec<String> = args.skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
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
            return Err("awk-rs 0.2.0".into());
        }
        let long = [("--field-separator=", 'F'), ("--assign=", 'v'), ("--file=", 'f')];
        let (option, attached) =
            match long.iter().find_map(|(name, short)| Some((*short, word.strip_prefix(name)?))) {
                Some((short, value)) => (short, value.to_owned()),
                None => {
                    let mut letters = word[1..].chars();
                    let letter = letters.next().unwrap_or('-');
                    (letter, letters.collect())
                }
            };
        if !['F', 'v', 'f'].contains(&option) {
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
                let text = text_of(&value)?;
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

fn run(request: &Request) -> Result<i32, String> {
    let source = request.program.as_deref().unwrap_or_default();
    let tokens = Lexer::new(source).tokenize().map_err(|error| error.to_string())?;
    let program = Parser::new(tokens).parse().map_err(|error| error.to_string())?;
    let mut interpreter = Interpreter::new(&program);
    let mut argv = vec!["awk".to_owned()];
    argv.extend(request.operands.iter().cloned());
    interpreter.set_args(argv);

    // The interpreter is given its input at once, so operands that assign do it before all of it.
    let mut assignments = request.assignments.clone();
    let mut files: Vec<String> = vec![];
    for operand in &request.operands {
        match assignment(operand) {
            Some((name, value)) => assignments.push((name.to_owned(), unescape(value))),
            None => files.push(operand.clone()),
        }
    }
    // The separator has a place of its own in the interpreter.
    let separator = assignments.iter().rev().find(|(name, _)| name == "FS").map(|(_, value)| value.clone());
    interpreter.set_fs(&separator.or_else(|| request.separator.clone()).unwrap_or_else(|| " ".into()));
    for (name, value) in &assignments {
        interpreter.set_variable(name, value);
    }

    let failed = Rc::new(Cell::new(false));
    let from_standard_input = files.is_empty();
    let inputs: Vec<Input> = if from_standard_input {
        vec![Input::new("-", &failed)]
    } else {
        files.iter().map(|file| Input::new(file, &failed)).collect()
    };
    interpreter.set_filenames(if from_standard_input { vec![String::new()] } else { files });
    let mut output = BufWriter::new(io::stdout().lock());
    let status = interpreter.run(inputs, &mut output);
    let flushed = output.flush();
    match status {
        Ok(0) if failed.get() || flushed.is_err() => Ok(TROUBLE),
        Ok(status) => Ok(status),
        // Whoever reads has gone.
        Err(awk_rs::Error::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(TROUBLE),
        Err(error) => Err(error.to_string()),
    }
}

/// A file that is opened when it is read. What cannot be is complained of and read as if it were empty, as awk does it.
struct Input {
    name: String,
    reader: Option<Box<dyn BufRead>>,
    failed: Rc<Cell<bool>>,
}

impl Input {
    fn new(name: &str, failed: &Rc<Cell<bool>>) -> Input {
        Input { name: name.into(), reader: None, failed: failed.clone() }
    }

    fn reader(&mut self) -> &mut dyn BufRead {
        self.reader.get_or_insert_with(|| match self.name.as_str() {
            "-" | "/dev/stdin" => Box::new(BufReader::new(io::stdin())),
            name => match File::open(name) {
                Ok(file) => Box::new(BufReader::new(file)),
                Err(error) => {
                    complain(&format!("cannot open \"{name}\" ({})", reason(&error)));
                    self.failed.set(true);
                    Box::new(io::empty())
                }
            },
        })
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reader().read(into)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader().fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader().consume(amount);
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
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some(same @ ('\\' | '"' | '/')) => out.push(same),
            Some(first @ '0'..='7') => {
                let mut code = first.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    letters.next();
                }
                out.push(char::from_u32(code & 0xff).unwrap_or_default());
            }
            // In a separator `\|` is an expression; elsewhere the backslash is as good as any letter.
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

fn reason(error: &io::Error) -> String {
    uucore::error::strip_errno(error)
}
