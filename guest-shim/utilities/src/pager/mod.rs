//! `less` and `more`: their options, and what they do where nobody turns pages, which is to copy. At a terminal they turn
//! pages, each in a module of its own. The crates that do this want threads and a terminal of an operating system.

mod less;
mod line;
mod more;
mod text;
mod tty;
mod view;

use std::ffi::OsString;
use std::io::{self, Read, Write};

use cordon_multicall::files::{finish, open, output, reason};
use cordon_multicall::{launch, options, say};
use cordon_vm::byte_text::{ToText, encode};
use cordon_vm::descriptors;
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::types::Errno;

use line::Look;
use text::Opened;
use tty::Tty;
use view::{Folding, Settings};

type Args = std::vec::IntoIter<OsString>;

const MORE_HELP: &str = "\
Usage:
 more [options] <file>...

Shows files a screen at a time; h tells what keys do.

Options:
 -d, --silent                 the prompt tells keys
 -c, --print-over             each screen begins at the top
 -p, --clean-print            the same
 -s, --squeeze                show several blank lines as one
 -n, --lines <number>         lines of a screen
 +<number>                    begin at that line
 +/<pattern>                  begin at a line with the pattern
 -f, -l, -e, -u               accepted
 -h, --help                   show this
 -V, --version                show the version";

/// A file to show; `-` is the standard input.
fn open_input(name: &str) -> Result<Opened, Errno> {
    let descriptor =
        if name == "-" { descriptors::inherited(0) } else { filesystem::open(name, OpenFlags::READ, 0) };
    Opened::new(descriptor?)
}

/// Why there is nothing of a file.
fn why(name: &str, errno: Errno) -> String {
    match errno {
        Errno::Eisdir => format!("{name} is a directory"),
        _ => format!("{name}: {}", launch::errno_text(errno)),
    }
}

pub fn more(args: Args) -> i32 {
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("more: {message}"));
        1
    };
    let (args, starts) = without_start(args.collect());
    let longs = [
        "silent=d",
        "logical=f",
        "no-pause=l",
        "print-over=c",
        "clean-print=p",
        "plain=u",
        "squeeze=s",
        "lines:=n",
        "exit-on-eof=e",
        "help=h",
        "version=V",
    ];
    let parsed = match options::parse(args, "dflcpusn:ehV", &longs) {
        Ok(parsed) => parsed,
        Err(message) => return fail(&format!("{message}\nTry 'more --help' for more information.")),
    };
    if parsed.has('h') {
        say(&mut io::stdout(), MORE_HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "more (cordon)");
        return 0;
    }
    let files = parsed.files();
    if let Some(tty) = Tty::open().filter(|_| has_input(&files)) {
        let start = starts.last().map_or("", String::as_str);
        return more::run(
            tty,
            more::Request {
                settings: Settings {
                    look: Look { has_colors: true, tab: 8 },
                    squeezes: parsed.has('s'),
                    marks_found: false,
                    ..Settings::default()
                },
                lines: parsed.value('n').and_then(|lines| lines.parse().ok()),
                clears: parsed.has('c') || parsed.has('p'),
                explains: parsed.has('d'),
                start: start.parse().ok(),
                pattern: start.strip_prefix('/').map(str::to_owned),
                files,
            },
        );
    }
    let mut out = output();
    for name in &files {
        let mut file = match open(name) {
            Ok(file) => file,
            // As the real one has it, which goes on and ends well.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                let _ = writeln!(out, "\n*** {name}: directory ***\n");
                continue;
            }
            Err(error) => {
                let _ = out.flush();
                fail(&format!("cannot open {name}: {}", reason(&error)));
                continue;
            }
        };
        // The standard input has no name to tell.
        if name != "-" {
            let line = "::::::::::::::";
            let _ = out.write_all(&encode(&format!("{line}\n{name}\n{line}\n")));
        }
        if io::copy(&mut file, &mut out).is_err() {
            break;
        }
    }
    finish("more", out, 0)
}

/// The words without those that say where the first page begins, and these.
fn without_start(words: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let (starts, words): (Vec<_>, Vec<_>) =
        words.into_iter().partition(|word| word.to_text().starts_with('+'));
    let starts = starts.into_iter().map(|word| word.to_text().trim_start_matches('+').to_owned());
    (words, starts.collect())
}

/// Whether there is something to show besides what is typed.
fn has_input(files: &[String]) -> bool {
    files.iter().any(|file| file != "-") || descriptors::inherited(0).is_ok_and(|input| !input.is_terminal())
}

/// Options of `less` without a value, and those with one.
const LESS: &str = "aABcCdeEfFgGiIJKLmMnNqQrRsSuUwWX~?Vb:D:h:j:k:o:O:p:P:t:T:x:y:z:#:";
#[rustfmt::skip]
const LESS_LONGS: &[&str] = &[
    "search-skip-screen=a", "auto-buffers=B", "clear-screen=c", "dumb=d", "quit-at-eof=e", "QUIT-AT-EOF=E", "force=f",
    "quit-if-one-screen=F", "hilite-search=g", "HILITE-SEARCH=G", "ignore-case=i", "IGNORE-CASE=I",
    "status-column=J", "quit-on-intr=K", "no-lessopen=L", "long-prompt=m", "LONG-PROMPT=M", "line-numbers=n",
    "LINE-NUMBERS=N", "quiet=q", "silent=q", "QUIET=Q", "SILENT=Q", "raw-control-chars=r", "RAW-CONTROL-CHARS=R",
    "squeeze-blank-lines=s", "chop-long-lines=S", "underline-special=u", "UNDERLINE-SPECIAL=U", "hilite-unread=w",
    "HILITE-UNREAD=W", "no-init=X", "tilde=~", "help=?", "version=V", "buffers:=b", "color:=D", "max-back-scroll:=h",
    "jump-target:=j", "lesskey-file:=k", "log-file:=o", "LOG-FILE:=O", "pattern:=p", "prompt:=P", "tag:=t",
    "tag-file:=T", "tabs:=x", "max-forw-scroll:=y", "window:=z", "shift:=#", "no-keypad=X", "mouse=X", "use-color=X",
    "follow-name=X", "incsearch=X", "wordwrap=X", "header:=#",
];

const LESS_HELP: &str = "\
Usage: less [option]... [file]...
Shows files a screen at a time; h tells what keys do. Without a terminal it copies them.

  -e, -E    leave at the end, the second time or the first
  -F        leave at once what fits on one screen
  -G        do not mark what is found
  -i, -I    search without telling capitals unless there are some; never tell them
  -K        leave on Ctrl-C
  -m, -M    longer prompts
  -N        number lines
  -p TEXT   begin at a line with the pattern
  -R        show colours
  -s        show several blank lines as one
  -S        chop long lines
  -X        leave on the screen what is shown
  -x N      stops of tabs
  -z N      lines of a screen
  -# N      columns that an arrow moves by
  -~        do not mark what is behind the end
  +N +/TEXT +G +F...  commands to begin with
The variable LESS may hold options.";

/// Options as the variable `LESS` has them: hyphens may be left out, and a dollar ends a value.
fn from_variable(text: &str) -> Vec<OsString> {
    text.split_whitespace()
        .map(|word| word.trim_end_matches('$'))
        .filter(|word| !word.is_empty())
        .map(|word| if word.starts_with(['-', '+']) { word.into() } else { format!("-{word}").into() })
        .collect()
}

fn request(parsed: &options::Parsed, starts: Vec<String>, files: Vec<String>) -> less::Request {
    let number = |letter| parsed.value(letter).and_then(|value| value.parse::<usize>().ok());
    let mut folding = Folding::Never;
    let mut prompt = less::Prompt::Short;
    let (mut has_numbers, mut leaves_at_end) = (false, None);
    for (letter, _) in &parsed.options {
        match letter {
            'i' => folding = Folding::Small,
            'I' => folding = Folding::Always,
            'm' => prompt = less::Prompt::Medium,
            'M' => prompt = less::Prompt::Long,
            'n' | 'N' => has_numbers = *letter == 'N',
            'e' | 'E' => leaves_at_end = Some(*letter == 'E'),
            _ => {}
        }
    }
    let mut commands = starts;
    commands.extend(parsed.value('p').map(|pattern| format!("/{pattern}")));
    less::Request {
        settings: Settings {
            look: Look {
                has_colors: parsed.has('R') || parsed.has('r'),
                tab: number('x').filter(|tab| (1..=256).contains(tab)).unwrap_or(8),
            },
            has_numbers,
            chops: parsed.has('S'),
            squeezes: parsed.has('s'),
            folding,
            marks_found: !parsed.has('G'),
            has_tildes: !parsed.has('~'),
        },
        files,
        prompt,
        leaves_if_short: parsed.has('F'),
        leaves_at_end,
        leaves_by_interrupt: parsed.has('K'),
        keeps_screen: parsed.has('X'),
        window: number('z').filter(|lines| *lines > 0),
        shift: number('#').filter(|columns| *columns > 0),
        commands,
    }
}

pub fn less(args: Args) -> i32 {
    let mut args: Vec<OsString> = args.collect();
    if let Ok(text) = std::env::var("LESS") {
        let own = args.len().min(1);
        args.splice(own..own, from_variable(&text));
    }
    let (args, starts) = without_start(args);
    let parsed = match options::parse(args, LESS, LESS_LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            let name = message.rsplit('\'').nth(1).unwrap_or_default().trim_start_matches('-').to_owned();
            say(&mut io::stderr(), &format!("There is no {name} option (\"less --help\" for help)"));
            return 1;
        }
    };
    if parsed.has('?') {
        say(&mut io::stdout(), LESS_HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "less (cordon)");
        return 0;
    }
    let files = parsed.files();
    if let Some(tty) = Tty::open() {
        if !has_input(&files) {
            say(&mut io::stderr(), "Missing filename (\"less --help\" for help)");
            return 1;
        }
        return less::run(tty, request(&parsed, starts, files));
    }
    let mut out = output();
    let mut status = 0;
    for name in files {
        match open(&name).map(|mut file| io::copy(&mut file, &mut out)) {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => break,
            Err(error) => {
                let _ = out.flush();
                let why = match error.kind() {
                    io::ErrorKind::IsADirectory => format!("{name} is a directory"),
                    _ => format!("{name}: {}", reason(&error)),
                };
                say(&mut io::stderr(), &why);
                status = 1;
            }
        }
    }
    finish("less", out, status)
}

/// Reads all of a stream that may be a file or the standard input.
pub fn read_all(name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    open(name)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_from_the_variable_too() {
        assert_eq!(from_variable("FRX -x4 +G  -Psay$"), ["-FRX", "-x4", "+G", "-Psay"].map(OsString::from));
        let words = ["less", "-FNS", "-i", "-I", "-x4", "+/a b", "-pc", "f"].map(OsString::from);
        let (words, starts) = without_start(words.to_vec());
        let parsed = options::parse(words, LESS, LESS_LONGS).unwrap();
        let request = request(&parsed, starts, parsed.files());
        assert_eq!(request.commands, ["/a b", "/c"]);
        assert_eq!((request.settings.folding, request.settings.look.tab), (Folding::Always, 4));
        assert!(request.leaves_if_short && request.settings.chops && request.settings.has_numbers);
    }
}
