//! `sed`: in front of uutils', what scripts count on and it does not do.
//!
//! A file that is not there is complained of in GNU's words and gives the status 2. A `}` may follow the flags of a
//! substitution at once. `-z` is refused, which uutils' takes and does not do. Scripts of simple commands are done by
//! [`simple`].

mod simple;

use std::ffi::OsString;
use std::fs;
use std::io;

use cordon_multicall::say;

/// A file was not there.
const NO_INPUT: i32 = 2;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut words: Vec<String> = vec![];
    for arg in args {
        match arg.into_string() {
            Ok(word) => words.push(word),
            // Nothing is looked for in what is no text.
            Err(arg) => words.push(arg.to_string_lossy().into_owned()),
        }
    }
    let mut has_script = false;
    let mut out: Vec<OsString> = vec![];
    let mut operands: Vec<String> = vec![];
    let mut rest = words.into_iter();
    out.extend(rest.next().map(OsString::from));
    while let Some(word) = rest.next() {
        if word == "--" {
            operands.extend(rest.by_ref());
            break;
        }
        if word == "-z" || word == "--null-data" || word == "--zero-terminated" {
            say(&mut io::stderr(), "sed: -z is not supported here");
            return 1;
        }
        if let Some(script) = word.strip_prefix("--expression=") {
            has_script = true;
            out.extend(["-e".into(), separated(script).into()]);
        } else if word.starts_with("--") {
            let takes_value = ["--expression", "--file", "--script-file", "--line-length"];
            let value = if takes_value.contains(&word.as_str()) { rest.next() } else { None };
            if word == "--expression" {
                has_script = true;
                out.extend(["-e".into(), separated(&value.unwrap_or_default()).into()]);
                continue;
            }
            has_script |= word.starts_with("--file") || word.starts_with("--script-file");
            out.push(word.into());
            out.extend(value.map(OsString::from));
        } else if word.starts_with('-') && word.len() > 1 {
            let letters = &word[1..];
            let valued = letters.find(['e', 'f', 'l', 'i']);
            match valued.map(|at| (letters.as_bytes()[at], at)) {
                Some((letter @ (b'e' | b'f' | b'l'), at)) => {
                    has_script |= letter != b'l';
                    let attached = &letters[at + 1..];
                    let value = if attached.is_empty() {
                        rest.next().unwrap_or_default()
                    } else {
                        attached.to_owned()
                    };
                    let value = if letter == b'e' { separated(&value) } else { value };
                    out.extend([format!("-{}", &letters[..=at]).into(), value.into()]);
                }
                _ => out.push(word.into()),
            }
        } else {
            operands.push(word);
        }
    }
    if !has_script && !operands.is_empty() {
        let script = operands.remove(0);
        out.extend(["-e".into(), separated(&script).into()]);
    }
    let mut is_missing = false;
    let named = operands.len();
    operands.retain(|file| {
        let opened = if file == "-" { Ok(()) } else { fs::metadata(file).map(drop) };
        if let Err(error) = &opened {
            let reason = uucore::error::strip_errno(error);
            say(&mut io::stderr(), &format!("sed: can't read {file}: {reason}"));
            is_missing = true;
        }
        opened.is_ok()
    });
    if named > 0 && operands.is_empty() {
        return NO_INPUT;
    }
    if let Some(simple) = simple_of(&out)
        && let Some(status) = simple.run(&operands)
    {
        return if status == 0 && is_missing { NO_INPUT } else { status };
    }
    out.push("--".into());
    out.extend(operands.into_iter().map(OsString::from));
    let status = sed::sed::uumain(out.into_iter());
    if status == 0 && is_missing { NO_INPUT } else { status }
}

/// What the options ask for, if it is nothing but simple commands.
fn simple_of(words: &[OsString]) -> Option<simple::Simple> {
    let (mut is_quiet, mut scripts) = (false, vec![]);
    let mut words = words.iter().skip(1).map(|word| word.to_str());
    while let Some(word) = words.next() {
        match word? {
            "-n" | "--quiet" | "--silent" => is_quiet = true,
            "-E" | "-r" | "--regexp-extended" => {}
            "-e" | "-ne" => {
                is_quiet |= word == Some("-ne");
                scripts.push(words.next()??);
            }
            _ => return None,
        }
    }
    simple::Simple::new(&scripts.join("\n"), is_quiet)
}

/// The script with a `;` between the flags of a substitution, or a `y`, and the `}` or the remark that follows, and with
/// the brackets of expressions as [`bracket`] makes them.
fn separated(script: &str) -> String {
    let mut out = String::with_capacity(script.len() + 8);
    let mut rest = script.chars().peekable();
    while let Some(letter) = rest.next() {
        out.push(letter);
        match letter {
            // The address of a line by what it matches: `/x/`, `\cxc`.
            '/' => expression('/', &mut rest, &mut out),
            '\\' => {
                if let Some(delimiter) = rest.next() {
                    out.push(delimiter);
                    expression(delimiter, &mut rest, &mut out);
                }
            }
            's' | 'y' => {
                let Some(delimiter) = rest.next() else { break };
                out.push(delimiter);
                if letter == 's' {
                    expression(delimiter, &mut rest, &mut out);
                } else {
                    section(delimiter, &mut rest, &mut out);
                }
                section(delimiter, &mut rest, &mut out);
                while let Some(flag) = rest.next_if(|flag| flag.is_ascii_alphanumeric()) {
                    out.push(flag);
                    if flag == 'w' {
                        line(&mut rest, &mut out);
                    }
                }
                while let Some(blank) = rest.next_if(|blank| *blank == ' ' || *blank == '\t') {
                    out.push(blank);
                }
                if matches!(rest.peek(), Some('}' | '#')) {
                    out.push(';');
                }
            }
            // What takes the rest of its line; a backslash at its end goes on with the next.
            'a' | 'i' | 'c' | 'r' | 'R' | 'w' | 'W' | '#' => line(&mut rest, &mut out),
            'b' | 't' | 'T' | ':' => {
                while let Some(next) = rest.next_if(|next| !['\n', ';', '}'].contains(next)) {
                    out.push(next);
                }
            }
            _ => {}
        }
    }
    out
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Up to the delimiter, and with it.
fn section(delimiter: char, rest: &mut Letters, out: &mut String) {
    while let Some(letter) = rest.next() {
        out.push(letter);
        match letter {
            '\\' => out.extend(rest.next()),
            _ if letter == delimiter => return,
            _ => {}
        }
    }
}

/// The same of a regular expression.
fn expression(delimiter: char, rest: &mut Letters, out: &mut String) {
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => {
                out.push(letter);
                out.extend(rest.next());
            }
            _ if letter == delimiter => {
                out.push(letter);
                return;
            }
            '[' => {
                let mut after = rest.clone();
                match bracket(delimiter, &mut after) {
                    Some(text) => {
                        out.push_str(&text);
                        *rest = after;
                    }
                    None => out.push(letter),
                }
            }
            _ => out.push(letter),
        }
    }
}

/// A bracket expression that has been opened, in the words of uutils': a `[` and a backslash in it stand for themselves in
/// POSIX, and for uutils' with a backslash before them. None if it does not end before the delimiter.
fn bracket(delimiter: char, rest: &mut Letters) -> Option<String> {
    let mut text = String::from("[");
    text.extend(rest.next_if_eq(&'^'));
    if delimiter != ']' {
        text.extend(rest.next_if_eq(&']'));
    }
    loop {
        let letter = rest.next()?;
        match letter {
            _ if letter == delimiter => return None,
            '\n' => return None,
            ']' => {
                text.push(letter);
                return Some(text);
            }
            '[' => match rest.next_if(|kind| [':', '.', '='].contains(kind)) {
                Some(kind) => {
                    text.extend(['[', kind]);
                    let mut before = ' ';
                    loop {
                        let inner = rest.next()?;
                        text.push(inner);
                        if before == kind && inner == ']' {
                            break;
                        }
                        before = inner;
                    }
                }
                None => text.push_str("\\["),
            },
            // Of escapes GNU's takes only those that stand for letters.
            '\\' => match rest.next_if(|next| "afnrtvcdox".contains(*next)) {
                Some(next) => text.extend(['\\', next]),
                None => text.push_str("\\\\"),
            },
            _ => text.push(letter),
        }
    }
}

fn line(rest: &mut Letters, out: &mut String) {
    while let Some(letter) = rest.next() {
        out.push(letter);
        match letter {
            '\\' => out.extend(rest.next()),
            '\n' => return,
            _ => {}
        }
    }
}
