//! `sed`: its arguments, and the way to what does its scripts. Scripts of simple commands are done by [`simple`] over whole
//! buffers, all others line by line by [`run`].

mod run;
mod script;
mod simple;

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};

use cordon_multicall::files::reason;
use cordon_multicall::options::{Item, Long, Parser, letters, named};
use cordon_multicall::say;

use super::expression::is_of_characters;
use script::{Manner, Source};

/// The arguments or the script are wrong.
const WRONG: i32 = 1;
/// A file was not there.
const NO_INPUT: i32 = 2;
/// Input could not be read, or output not be written.
const TROUBLE: i32 = 4;

const USAGE: &str = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...

  -n, --quiet, --silent      print nothing but what is asked for
  -e, --expression=SCRIPT    add SCRIPT to what is done
  -f, --file=FILE            add the script in FILE
  -E, -r, --regexp-extended  expressions are extended ones
  -i, --in-place[=SUFFIX]    change files in place (and keep them as they were under another name)
      --follow-symlinks      change what links lead to
  -l, --line-length=N        how wide `l' writes
  -s, --separate             files are no one stream
  -u, --unbuffered           write at once
  -z, --null-data            lines end with NUL
      --posix                as POSIX has it
      --sandbox              no e, r and w
      --help
      --version";

const LONGS: &[&str] = &[
    "quiet=n",
    "silent=n",
    "expression:=e",
    "file:=f",
    "regexp-extended=E",
    "in-place::=i",
    "follow-symlinks=L",
    "line-length:=l",
    "separate=s",
    "unbuffered=u",
    "null-data=z",
    "zero-terminated=z",
    "posix=P",
    "sandbox=S",
    "debug=D",
    "binary=b",
    "help=h",
    "version=V",
];

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    match edit(args) {
        Ok(status) => status,
        Err((status, message)) => {
            say(&mut io::stderr(), &format!("sed: {message}"));
            status
        }
    }
}

/// The exit status; the error is one of arguments or the script.
fn edit(args: std::vec::IntoIter<OsString>) -> Result<i32, (i32, String)> {
    let shorts = letters("ne:f:Eri::l:suzb");
    let longs: Vec<Long> = LONGS
        .iter()
        .filter_map(|long| {
            let (name, letter) = long.rsplit_once('=')?;
            Some(named(name, letter.chars().next()?))
        })
        .collect();
    let mut options = run::Options {
        is_quiet: false,
        is_separate: false,
        in_place: None,
        follows_links: false,
        end_of_line: b'\n',
        width: 70,
        is_unbuffered: false,
        is_posix: false,
        is_of_characters: is_of_characters(),
    };
    let (mut is_extended, mut is_enclosed, mut is_plain) = (false, false, true);
    let mut parts: Vec<(Source, Vec<u8>)> = vec![];
    let mut files = vec![];
    for item in Parser::new(&shorts, &longs, args.skip(1)) {
        let (letter, value) = match item {
            Ok(Item::Operand(word)) => {
                files.push(word);
                continue;
            }
            Ok(Item::Option { letter, value, .. }) => (letter, value),
            Err(message) => return Err((WRONG, format!("{message}\n{USAGE}"))),
        };
        is_plain &= matches!(letter, 'n' | 'e' | 'E' | 'r');
        let value = value.unwrap_or_default();
        match letter {
            'n' => options.is_quiet = true,
            'e' => {
                let number =
                    parts.iter().filter(|(source, _)| matches!(source, Source::Expression(_))).count();
                parts.push((Source::Expression(number + 1), value.into_encoded_bytes()));
            }
            'f' => parts.push(script_file(&value)?),
            'E' | 'r' => is_extended = true,
            'i' => {
                options.in_place = Some(value.to_text().into_owned());
                options.is_separate = true;
            }
            'L' => options.follows_links = true,
            'l' => {
                // What is no number means no end.
                options.width = value.to_str().and_then(|value| value.parse().ok()).unwrap_or(0);
            }
            's' => options.is_separate = true,
            'u' => options.is_unbuffered = true,
            'z' => options.end_of_line = 0,
            'P' => options.is_posix = true,
            'S' => is_enclosed = true,
            'D' => return Err((WRONG, "--debug is not supported here".into())),
            'h' => {
                say(&mut io::stdout(), USAGE);
                return Ok(0);
            }
            'V' => {
                say(
                    &mut io::stdout(),
                    concat!("sed (GNU sed) 4.9, as far as cordon's ", env!("CARGO_PKG_VERSION"), " is"),
                );
                return Ok(0);
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        if files.is_empty() {
            let _ = writeln!(io::stderr(), "{USAGE}");
            return Ok(WRONG);
        }
        parts.push((Source::Expression(1), files.remove(0).into_encoded_bytes()));
    }
    if is_plain
        && let Some(simple) = simple_of(&parts, options.is_quiet)
        && let Some(status) = run_simple(&simple, &files)
    {
        return Ok(status);
    }
    let manner = Manner {
        is_extended,
        is_of_characters: options.is_of_characters,
        end_of_line: options.end_of_line,
        is_enclosed,
    };
    let mut script = script::parse(&parts, manner)?;
    options.is_quiet |= script.is_quiet;
    if files.is_empty() && options.in_place.is_some() {
        return Err((TROUBLE, "no input files".into()));
    }
    if files.is_empty() {
        files.push("-".into());
    }
    match run::Run::new(options, files, &script) {
        Ok(run) => Ok(run.run(&mut script.commands)),
        Err(message) => {
            say(&mut io::stderr(), &format!("sed: {message}"));
            Ok(TROUBLE)
        }
    }
}

fn script_file(name: &OsString) -> Result<(Source, Vec<u8>), (i32, String)> {
    let mut text = vec![];
    let read = if name == "-" {
        io::stdin().read_to_end(&mut text)
    } else {
        fs::File::open(name).and_then(|mut file| file.read_to_end(&mut text))
    };
    let name = name.to_text().into_owned();
    read.map_err(|error| (WRONG, format!("couldn't open file {name}: {}", reason(&error))))?;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Ok((Source::File(name), text))
}

/// The script, if it is nothing but simple commands.
fn simple_of(parts: &[(Source, Vec<u8>)], is_quiet: bool) -> Option<simple::Simple> {
    let mut scripts = vec![];
    for (source, text) in parts {
        let Source::Expression(_) = source else { return None };
        scripts.push(std::str::from_utf8(text).ok()?);
    }
    simple::Simple::new(&scripts.join("\n"), is_quiet)
}

/// The exit status; none if there is a file that is not read so.
fn run_simple(simple: &simple::Simple, files: &[OsString]) -> Option<i32> {
    let names: Option<Vec<String>> = files.iter().map(|file| file.to_str().map(str::to_owned)).collect();
    simple.run(&names?)
}
