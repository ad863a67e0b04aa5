//! `more` and `less` where nobody turns pages: they copy.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use cordon_multicall::files::{finish, open, output, reason};
use cordon_multicall::{options, say};

type Args = std::vec::IntoIter<OsString>;

const MORE_HELP: &str = "\
Usage:
 more [options] <file>...

Copies files to the standard output, each below its name.

Options:
 -d, -f, -l, -c, -p, -s, -u, -e, -n <number>, +<number>, +/<pattern>
                              accepted: they are about pages";

pub fn more(args: Args) -> i32 {
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("more: {message}"));
        1
    };
    let args = without_start(args);
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
            let _ = writeln!(out, "{line}\n{name}\n{line}");
        }
        if io::copy(&mut file, &mut out).is_err() {
            break;
        }
    }
    finish("more", out, 0)
}

/// Without what says where the first page begins.
fn without_start(args: Args) -> Vec<OsString> {
    args.filter(|word| !word.to_string_lossy().starts_with('+')).collect()
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

pub fn less(args: Args) -> i32 {
    let args = without_start(args);
    let parsed = match options::parse(args, LESS, LESS_LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            let name = message.rsplit('\'').nth(1).unwrap_or_default().trim_start_matches('-').to_owned();
            say(&mut io::stderr(), &format!("There is no {name} option (\"less --help\" for help)"));
            return 1;
        }
    };
    if parsed.has('?') {
        say(
            &mut io::stdout(),
            "Usage: less [option]... [file]...\nCopies files to the standard output: a VM turns no pages yet.",
        );
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "less (cordon)");
        return 0;
    }
    let mut out = output();
    let mut status = 0;
    for name in parsed.files() {
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
