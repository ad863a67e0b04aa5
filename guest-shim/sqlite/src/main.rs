//! `sqlite3` of a VM: a WASI program over the public library SQLite.
//!
//! The library is the one that `node:sqlite` has. The program around it is cordon's and answers as that of SQLite 3.40 does.

mod database;
mod dots;
mod files;
mod import;
mod locks;
mod render;
mod schema;
mod shell;

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::io;

use cordon_multicall::{Program, Utilities, is_sorted, say};
use libsqlite3_sys as ffi;
use shell::{Next, Shell};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[("sqlite3", main_of_sqlite3)];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program::new(
        "sqlite",
        concat!("sqlite (cordon ", env!("CARGO_PKG_VERSION"), ")"),
        UTILITIES,
        cordon_posix::keep_text,
    )
    .main()
}

const HELP: &str = "\
Usage: sqlite3 [OPTIONS] FILENAME [SQL]
FILENAME is the name of an SQLite database. A new database is created
if the file does not previously exist.
OPTIONS include:
   -ascii -box -column -csv -html -json -line -list -markdown -quote -table -tabs
                        set the output mode
   -bail                stop after hitting an error
   -batch               force batch I/O
   -cmd COMMAND         run \"COMMAND\" before reading stdin
   -echo                print inputs before execution
   -[no]header          turn headers on or off
   -help                show this message
   -init FILENAME       read/process named file
   -interactive         force interactive I/O
   -newline SEP         set output row separator. Default: '\\n'
   -nullvalue TEXT      set text string for NULL values. Default ''
   -readonly            open the database read-only
   -separator SEP       set output column separator. Default: '|'
   -version             show SQLite version";

/// Options that are taken and change nothing here, with the number of their values.
const ACCEPTED: &[(&str, usize)] =
    &[("lookaside", 2), ("pagecache", 2), ("mmap", 1), ("stats", 0), ("memtrace", 0)];

fn main_of_sqlite3(args: std::vec::IntoIter<OsString>) -> i32 {
    // SAFETY: once, before anything else of SQLite.
    if unsafe { ffi::sqlite3_initialize() } != ffi::SQLITE_OK {
        say(&mut io::stderr(), "sqlite3: cannot initialize SQLite");
        return 1;
    }
    let mut shell = Shell::new();
    let status = session(&mut shell, args).unwrap_or_else(|status| status);
    shell.reset_target();
    shell.database = None;
    if shell.flush() { status } else { status.max(1) }
}

/// Reads the command line and does what it says. An early end is an error with its status.
fn session(shell: &mut Shell, args: std::vec::IntoIter<OsString>) -> Result<i32, i32> {
    let mut words = args.skip(1).map(|word| word.to_text().into_owned());
    let (mut file, mut statements, mut first, mut init) = (None, vec![], vec![], None);
    let mut options_end = false;
    while let Some(word) = words.next() {
        if options_end || !word.starts_with('-') || word == "-" {
            match file {
                None => file = Some(word),
                Some(_) => statements.push(word),
            }
            continue;
        }
        if word == "--" {
            options_end = true;
            continue;
        }
        let option = word.strip_prefix("--").or(word.strip_prefix('-')).unwrap_or_default();
        let mut value = || {
            words.next().ok_or_else(|| {
                say(&mut io::stderr(), &format!("sqlite3: Error: missing argument to {word}"));
                1
            })
        };
        match option {
            "separator" => shell.style.column_separator = value()?,
            "newline" => shell.style.row_separator = value()?,
            "nullvalue" => shell.style.null = value()?,
            "cmd" => first.push(value()?),
            "init" => init = Some(value()?),
            "header" | "headers" | "noheader" | "noheaders" => {
                shell.style.headers = !option.starts_with("no");
                shell.style.headers_chosen = true;
            }
            "echo" => shell.echo = true,
            "bail" => shell.bail = true,
            "batch" => shell.interactive = false,
            "interactive" => shell.interactive = true,
            "readonly" => shell.read_only = true,
            "version" => {
                say(&mut io::stdout(), &database::version());
                return Err(0);
            }
            "help" => {
                say(&mut io::stdout(), HELP);
                return Err(1);
            }
            _ => {
                let is_mode = option != "insert" && option != "tcl" && option != "qbox";
                let headers = shell.style.headers;
                if is_mode && shell.style.choose(option) {
                    // Chosen here, a mode brings less with it than by its dot command.
                    shell.style.headers = headers;
                    if option == "csv" {
                        shell.style.row_separator = "\n".into();
                    }
                    continue;
                }
                let Some((_, count)) = ACCEPTED.iter().find(|(known, _)| *known == option) else {
                    let text =
                        format!("sqlite3: Error: unknown option: {word}\nUse -help for a list of options.");
                    say(&mut io::stderr(), &text);
                    return Err(1);
                };
                for _ in 0..*count {
                    value()?;
                }
            }
        }
    }
    if let Some(file) = file {
        shell.path = file;
    }
    // A file that is there is opened at once; another one is made by the first statement.
    if std::fs::exists(&shell.path).unwrap_or(false) {
        let _ = shell.open()?;
    }
    let begins_by_itself = init.is_none();
    let init = init.or_else(|| Some(format!("{}/.sqliterc", std::env::var("HOME").ok()?)));
    if let Some(init) = init {
        match shell.read_file(&init) {
            Some(Err(status)) => return Err(status),
            Some(Ok(errors)) if errors > 0 && shell.bail => return Err(1),
            Some(Ok(_)) => {}
            None if begins_by_itself => {}
            None => shell.complain(&format!("cannot open: \"{init}\"")),
        }
    }
    for command in first {
        match shell.argument(&command) {
            Next::Leave(_) if !command.starts_with('.') && !shell.bail => {}
            Next::Failed if shell.bail => return Err(1),
            Next::Leave(status) => return Err(status),
            Next::Quit => return Err(0),
            Next::GoOn | Next::Failed => {}
        }
    }
    if !statements.is_empty() {
        for statement in statements {
            match shell.argument(&statement) {
                Next::GoOn => {}
                Next::Failed => return Err(1),
                Next::Quit => break,
                Next::Leave(status) => return Err(status),
            }
        }
        return Ok(0);
    }
    if shell.interactive {
        let version = database::version();
        let date = version.split(' ').take(3).collect::<Vec<_>>().join(" ");
        shell.say(&format!("SQLite version {date}\nEnter \".help\" for usage hints."));
        if shell.path == ":memory:" {
            shell.say("Connected to a transient in-memory database.\nUse \".open FILENAME\" to reopen on a persistent database.");
        }
    }
    let errors = shell.read(&mut io::stdin().lock(), true)?;
    Ok(i32::from(errors > 0))
}
