//! Dot commands: what a line that begins with a dot asks for.

use cordon_vm::byte_text::ToText;
use std::fs::File;
use std::io::{self, BufWriter};

use cordon_multicall::launch;
use libsqlite3_sys as ffi;

use crate::database::{Database, Failure, version};
use crate::import;
use crate::render::{MODES, Mode};
use crate::schema;
use crate::shell::{Next, Shell, Target};

/// Widest that a column is made on demand.
const WIDEST: i32 = 10_000;

/// Does a command, with its words.
type Command = fn(&mut Shell, &[String]) -> Next;

/// The commands, with what `.help` says of each. A command may be cut short where it stays the first that fits.
const COMMANDS: &[(&str, &str, Command)] = &[
    (".backup ?DB? FILE", "Backup DB (default \"main\") to FILE", backup),
    (".bail on|off", "Stop after hitting an error.  Default OFF", |shell, words| {
        set(shell, words, ".bail on|off", |shell| &mut shell.bail)
    }),
    (".cd DIRECTORY", "Change the working directory to DIRECTORY", change_directory),
    (".changes on|off", "Show number of rows changed by SQL", |shell, words| {
        set(shell, words, ".changes on|off", |shell| &mut shell.changes)
    }),
    (".databases", "List names and files of attached databases", databases),
    (".dump ?OBJECTS?", "Render database content as SQL", dump),
    (".echo on|off", "Turn command echo on or off", |shell, words| {
        set(shell, words, ".echo on|off", |shell| &mut shell.echo)
    }),
    (".eqp on|off", "Enable or disable automatic EXPLAIN QUERY PLAN", |shell, words| {
        set(shell, words, ".eqp off|on", |shell| &mut shell.plans)
    }),
    (".exit ?CODE?", "Exit this program with return-code CODE", |_, words| {
        words
            .first()
            .and_then(|code| code.parse().ok())
            .filter(|code| *code != 0)
            .map_or(Next::Quit, Next::Leave)
    }),
    (".explain ?on|off|auto?", "Change the EXPLAIN formatting mode.  Default: auto", explain),
    (".headers on|off", "Turn display of headers on or off", headers),
    (".help ?PATTERN?", "Show help text for PATTERN", help),
    (".import FILE TABLE", "Import data from FILE into TABLE", import::run),
    (".indexes ?TABLE?", "Show names of indexes", indexes),
    (".mode MODE ?OPTIONS?", "Set output mode", mode),
    (".nullvalue STRING", "Use STRING in place of NULL values", |shell, words| {
        text(shell, words, ".nullvalue STRING", |shell| &mut shell.style.null)
    }),
    (".once ?FILE?", "Output for the next SQL command only to FILE", |shell, words| {
        output(shell, words, true)
    }),
    (".open ?OPTIONS? ?FILE?", "Close existing database and reopen FILE", open),
    (".output ?FILE?", "Send output to FILE or stdout if FILE is omitted", |shell, words| {
        output(shell, words, false)
    }),
    (".parameter CMD ...", "Manage SQL parameter bindings", parameter),
    (".print STRING...", "Print literal STRING", |shell, words| {
        shell.say(&words.join(" "));
        Next::GoOn
    }),
    (".prompt MAIN CONTINUE", "Replace the standard prompts", prompt),
    (".quit", "Exit this program", |_, _| Next::Quit),
    (".read FILE", "Read input from FILE or command output", read),
    (".restore ?DB? FILE", "Restore content of DB (default \"main\") from FILE", restore),
    (".save FILE", "Write database to FILE (an alias for .backup ...)", backup),
    (".schema ?PATTERN?", "Show the CREATE statements matching PATTERN", show_schema),
    (".separator COL ?ROW?", "Change the column and row separators", separator),
    (".shell CMD ARGS...", "Run CMD ARGS... in a system shell", system),
    (".show", "Show the current values for various settings", show),
    (".system CMD ARGS...", "Run CMD ARGS... in a system shell", system),
    (".tables ?TABLE?", "List names of tables matching LIKE pattern TABLE", tables),
    (".timeout MS", "Try opening locked tables for MS milliseconds", timeout),
    (".timer on|off", "Turn SQL timer on or off", |shell, words| {
        set(shell, words, ".timer on|off", |shell| &mut shell.timer)
    }),
    (".version", "Show source, library and compiler versions", |shell, _| {
        shell.say(&format!("SQLite {}", version()));
        Next::GoOn
    }),
    (".width NUM1 NUM2 ...", "Set minimum column widths for columnar output", |shell, words| {
        shell.style.widths =
            words.iter().map(|word| word.parse().unwrap_or(0).clamp(-WIDEST, WIDEST)).collect();
        Next::GoOn
    }),
];

/// Commands that are known under other names as well.
const ALIASES: &[(&str, &str)] = &[("indices", "indexes")];

/// Does what a line asks for.
pub fn run(shell: &mut Shell, line: &str) -> Next {
    let mut words = split(&line[1..]);
    if words.is_empty() {
        return Next::GoOn;
    }
    let given = words.remove(0);
    let name = ALIASES.iter().find(|(alias, _)| *alias == given).map_or(given.as_str(), |(_, name)| name);
    let bare = |entry: &str| entry[1..].split(' ').next().unwrap_or_default().to_owned();
    let exact = COMMANDS.iter().find(|(entry, ..)| bare(entry) == name);
    let short = || {
        COMMANDS.iter().find(|(entry, ..)| {
            name.len() > 1 && bare(entry).starts_with(name) || FIRST.contains(&(name, bare(entry).as_str()))
        })
    };
    match exact.or_else(short) {
        Some((.., command)) => command(shell, &words),
        None => {
            shell.complain(&format!(
                "Error: unknown command or invalid arguments:  \"{given}\". Enter \".help\" for help"
            ));
            Next::Failed
        }
    }
}

/// Single letters that stand for a command.
const FIRST: &[(&str, &str)] = &[
    ("d", "dump"),
    ("e", "exit"),
    ("h", "headers"),
    ("i", "import"),
    ("m", "mode"),
    ("q", "quit"),
    ("r", "read"),
    ("s", "schema"),
    ("t", "tables"),
];

/// The words of a line: parted by blanks, or in quotes, of which the double ones know escapes.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '\'' => {
                let inner = &rest[1..];
                inner.split_once('\'').unwrap_or((inner, ""))
            }
            '"' => {
                let inner = &rest[1..];
                let mut escaped = false;
                let end = inner.char_indices().find(|(_, character)| {
                    let is_end = *character == '"' && !escaped;
                    escaped = *character == '\\' && !escaped;
                    is_end
                });
                let end = end.map_or(inner.len(), |(at, _)| at);
                words.push(unescape(&inner[..end]));
                rest = inner.get(end + 1..).unwrap_or_default().trim_start();
                continue;
            }
            _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// A text with the escapes of C.
fn unescape(text: &str) -> String {
    let mut made = String::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            made.push(character);
            continue;
        }
        match rest.next() {
            None => made.push('\\'),
            Some('a') => made.push('\x07'),
            Some('b') => made.push('\x08'),
            Some('t') => made.push('\t'),
            Some('n') => made.push('\n'),
            Some('v') => made.push('\x0b'),
            Some('f') => made.push('\x0c'),
            Some('r') => made.push('\r'),
            Some(digit @ '0'..='7') => {
                let mut number = digit.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(next) = rest.peek().and_then(|next| next.to_digit(8)) else { break };
                    number = number * 8 + next;
                    rest.next();
                }
                made.push(char::from((number & 0xff) as u8));
            }
            Some(other) => made.push(other),
        }
    }
    made
}

fn usage(shell: &mut Shell, text: &str) -> Next {
    shell.complain(&format!("Usage: {text}"));
    Next::Failed
}

fn boolean(shell: &mut Shell, word: &str) -> bool {
    match word.to_ascii_lowercase().as_str() {
        "on" | "yes" => true,
        "off" | "no" => false,
        word => match word.parse::<i64>() {
            Ok(number) => number != 0,
            Err(_) => {
                shell.complain(&format!("ERROR: Not a boolean value: \"{word}\". Assuming \"no\"."));
                false
            }
        },
    }
}

fn set(shell: &mut Shell, words: &[String], told: &str, field: fn(&mut Shell) -> &mut bool) -> Next {
    let [word] = words else { return usage(shell, told) };
    *field(shell) = boolean(shell, word);
    Next::GoOn
}

fn text(shell: &mut Shell, words: &[String], told: &str, field: fn(&mut Shell) -> &mut String) -> Next {
    let [word] = words else { return usage(shell, told) };
    field(shell).clone_from(word);
    Next::GoOn
}

/// Runs `work` with the data base, and says what goes wrong.
fn with(shell: &mut Shell, work: impl FnOnce(&mut Shell, &Database) -> Result<Next, Failure>) -> Next {
    if let Err(status) = shell.open() {
        return Next::Leave(status);
    }
    let Some(database) = shell.database.take() else { return Next::Failed };
    let outcome = work(shell, &database);
    shell.database = Some(database);
    outcome.unwrap_or_else(|failure| {
        shell.complain(&format!("Error: {}", failure.message));
        Next::Failed
    })
}

fn headers(shell: &mut Shell, words: &[String]) -> Next {
    let outcome = set(shell, words, ".headers on|off", |shell| &mut shell.style.headers);
    shell.style.headers_chosen |= outcome == Next::GoOn;
    outcome
}

fn explain(shell: &mut Shell, words: &[String]) -> Next {
    shell.explains = match words.first().map(String::as_str) {
        None | Some("auto") => true,
        Some(word) => boolean(shell, word),
    };
    Next::GoOn
}

fn mode(shell: &mut Shell, words: &[String]) -> Next {
    let (mut name, mut table) = (None, None);
    let (mut wrap, mut by_words, mut quotes) = (None, None, None);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.strip_prefix("--").or(word.strip_prefix('-')) {
            Some("wrap") => wrap = rest.next().map(|width| width.parse().unwrap_or(0)),
            Some("wordwrap") => by_words = rest.next().map(|word| boolean(shell, word)),
            Some("ww") => by_words = Some(true),
            Some("quote") => quotes = Some(true),
            Some("noquote") => quotes = Some(false),
            Some(_) => {
                shell.complain(&format!("unknown option: {word}\noptions:\n  --noquote\n  --quote\n  --wordwrap on/off\n  --wrap N\n  --ww"));
                return Next::Failed;
            }
            None if name.is_none() => name = Some(word.as_str()),
            None if table.is_none() => table = Some(word.as_str()),
            None => {
                shell.complain(&format!("extra argument: \"{word}\""));
                return Next::Failed;
            }
        }
    }
    match name {
        None if words.is_empty() => {
            let told = shell.style.told();
            shell.say(&format!("current output mode: {told}"));
            return Next::GoOn;
        }
        None => {}
        Some(name) => {
            if !shell.style.choose(name) {
                shell.complain(&format!("Error: mode should be one of: {MODES}"));
                return Next::Failed;
            }
            if shell.style.mode == Mode::Insert {
                shell.style.table = table.unwrap_or("table").into();
            }
        }
    }
    let style = &mut shell.style;
    style.wrap = wrap.unwrap_or(style.wrap);
    style.wraps_words = by_words.unwrap_or(style.wraps_words);
    style.quotes = quotes.unwrap_or(style.quotes);
    Next::GoOn
}

fn separator(shell: &mut Shell, words: &[String]) -> Next {
    let (column, row) = match words {
        [column] => (column, None),
        [column, row] => (column, Some(row)),
        _ => return usage(shell, ".separator COL ?ROW?"),
    };
    shell.style.column_separator.clone_from(column);
    if let Some(row) = row {
        shell.style.row_separator.clone_from(row);
    }
    Next::GoOn
}

fn prompt(shell: &mut Shell, words: &[String]) -> Next {
    for (prompt, word) in shell.prompts.iter_mut().zip(words) {
        prompt.clone_from(word);
    }
    Next::GoOn
}

fn help(shell: &mut Shell, words: &[String]) -> Next {
    let pattern = words.first().map(|word| word.trim_start_matches('.').to_owned());
    let mut count = 0;
    for (entry, told, _) in COMMANDS {
        let is_wanted = pattern.as_ref().is_none_or(|pattern| entry[1..].starts_with(pattern.as_str()));
        if is_wanted {
            count += 1;
            shell.say(&format!("{entry:<24} {told}"));
        }
    }
    if let Some(pattern) = pattern.filter(|_| count == 0) {
        shell.say(&format!("Nothing matches '{pattern}'"));
    }
    Next::GoOn
}

fn tables(shell: &mut Shell, words: &[String]) -> Next {
    with(shell, |shell, database| {
        let names = schema::names(database, "'table','view'", "name", words.first().map(String::as_str))?;
        schema::columns(shell, &names);
        Ok(Next::GoOn)
    })
}

fn indexes(shell: &mut Shell, words: &[String]) -> Next {
    with(shell, |shell, database| {
        let names = schema::names(database, "'index'", "tbl_name", words.first().map(String::as_str))?;
        schema::columns(shell, &names);
        Ok(Next::GoOn)
    })
}

fn databases(shell: &mut Shell, _: &[String]) -> Next {
    with(shell, |shell, database| {
        for (name, file) in schema::databases(database)? {
            let file = if file.is_empty() { "\"\"".into() } else { file };
            let access = if database.is_read_only(&name) { "r/o" } else { "r/w" };
            shell.say(&format!("{name}: {file} {access}"));
        }
        Ok(Next::GoOn)
    })
}

fn show_schema(shell: &mut Shell, words: &[String]) -> Next {
    let (mut pattern, mut indents, mut no_system) = (None, false, false);
    for word in words {
        match word.strip_prefix("--").or(word.strip_prefix('-')) {
            Some("indent") => indents = true,
            Some("nosys") => no_system = true,
            Some(_) => {
                shell.complain(&format!("Unknown option: \"{word}\""));
                return Next::Failed;
            }
            None if pattern.is_none() => pattern = Some(word.as_str()),
            None => return usage(shell, ".schema ?--indent? ?--nosys? ?LIKE-PATTERN?"),
        }
    }
    with(shell, |shell, database| {
        schema::schema(shell, database, pattern, indents, no_system)?;
        Ok(Next::GoOn)
    })
}

fn dump(shell: &mut Shell, words: &[String]) -> Next {
    let (mut patterns, mut only_data) = (vec![], false);
    for word in words {
        match word.strip_prefix("--") {
            Some("data-only") => only_data = true,
            Some("nosys" | "newlines" | "preserve-rowids") => {
                shell.complain(&format!("Option \"{word}\" of \".dump\" is not there"));
                return Next::Failed;
            }
            Some(_) => {
                shell.complain(&format!("Unknown option \"{word}\" on \".dump\""));
                return Next::Failed;
            }
            None => patterns.push(word.clone()),
        }
    }
    with(shell, |shell, database| {
        schema::dump(shell, database, &patterns, only_data)?;
        Ok(Next::GoOn)
    })
}

/// The name of a data base and a file, of which the first may be left out.
fn file_of(shell: &mut Shell, words: &[String], command: &str) -> Option<(String, String)> {
    let words: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    match words.as_slice() {
        [file] => Some(("main".into(), (*file).clone())),
        [name, file] => Some(((*name).clone(), (*file).clone())),
        _ => {
            shell.complain(&format!("missing FILENAME argument on .{command}"));
            None
        }
    }
}

const WRITABLE: std::ffi::c_int = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;

fn backup(shell: &mut Shell, words: &[String]) -> Next {
    let Some((name, file)) = file_of(shell, words, "backup") else { return Next::Failed };
    with(shell, |shell, database| match Database::open(&file, WRITABLE) {
        Ok(other) => {
            Database::copy((database, &name), (&other, "main"))?;
            Ok(Next::GoOn)
        }
        Err(_) => {
            shell.complain(&format!("Error: cannot open \"{file}\""));
            Ok(Next::Failed)
        }
    })
}

fn restore(shell: &mut Shell, words: &[String]) -> Next {
    let [.., file] = words else { return usage(shell, ".restore ?DB? FILE") };
    let name = if words.len() > 1 { words[0].as_str() } else { "main" };
    with(shell, |shell, database| match Database::open(file, ffi::SQLITE_OPEN_READONLY) {
        Ok(other) => {
            Database::copy((&other, "main"), (database, name))?;
            Ok(Next::GoOn)
        }
        Err(_) => {
            shell.complain(&format!("Error: cannot open \"{file}\""));
            Ok(Next::Failed)
        }
    })
}

fn open(shell: &mut Shell, words: &[String]) -> Next {
    let mut file = None;
    shell.read_only = false;
    let mut begins_anew = false;
    for word in words {
        match word.strip_prefix("--").or(word.strip_prefix('-')) {
            Some("readonly") => shell.read_only = true,
            Some("new") => begins_anew = true,
            Some(_) => {
                shell.complain(&format!("unknown option: {word}"));
                return Next::Failed;
            }
            None => file = Some(word.clone()),
        }
    }
    shell.database = None;
    shell.path = file.unwrap_or_else(|| ":memory:".into());
    if begins_anew {
        let _ = std::fs::remove_file(&shell.path);
    }
    match shell.open() {
        Ok(_) => Next::GoOn,
        Err(_) => {
            shell.path = ":memory:".into();
            Next::Failed
        }
    }
}

fn output(shell: &mut Shell, words: &[String], once: bool) -> Next {
    let words: Vec<&String> = words.iter().filter(|word| *word != "--bom").collect();
    shell.reset_target();
    let Some(name) = words.first().filter(|name| **name != "stdout") else { return Next::GoOn };
    if name.starts_with('-') {
        shell.complain(&format!("ERROR: unknown option: \"{name}\"."));
        return Next::Failed;
    }
    shell.target = if let Some(command) = name.strip_prefix('|') {
        let rest: Vec<&str> = words[1..].iter().map(|word| word.as_str()).collect();
        Target::Command([&[command], rest.as_slice()].concat().join(" "), vec![])
    } else if *name == "off" {
        Target::Nothing(io::sink())
    } else {
        match File::create(name) {
            Ok(file) => Target::File(BufWriter::new(file)),
            Err(_) => {
                shell.complain(&format!("Error: cannot open \"{name}\"\nError: cannot write to \"{name}\""));
                return Next::Failed;
            }
        }
    };
    shell.target_name = (*name).clone();
    shell.once = once;
    Next::GoOn
}

fn read(shell: &mut Shell, words: &[String]) -> Next {
    let name = match words {
        [name] => name.clone(),
        // A command may be several words.
        [first, ..] if first.starts_with('|') => words.join(" "),
        _ => return usage(shell, ".read FILE"),
    };
    match shell.read_file(&name) {
        None => {
            shell.complain(&format!("Error: cannot open \"{name}\""));
            Next::Failed
        }
        Some(Ok(0)) => Next::GoOn,
        Some(Ok(_)) => Next::Failed,
        Some(Err(status)) => Next::Leave(status),
    }
}

fn show(shell: &mut Shell, words: &[String]) -> Next {
    if !words.is_empty() {
        return usage(shell, ".show");
    }
    let on = |is_on: bool| if is_on { "on" } else { "off" };
    let text = |text: &str| format!("\"{}\"", text.escape_debug());
    let style = &shell.style;
    let widths: String = style.widths.iter().map(|width| format!("{width} ")).collect();
    let lines = [
        ("echo", on(shell.echo).to_owned()),
        ("eqp", on(shell.plans).to_owned()),
        ("explain", if shell.explains { "auto" } else { "off" }.to_owned()),
        ("headers", on(style.headers).to_owned()),
        ("mode", style.told()),
        ("nullvalue", text(&style.null)),
        ("output", shell.target_name.clone()),
        ("colseparator", text(&style.column_separator)),
        ("rowseparator", text(&style.row_separator)),
        ("stats", "off".to_owned()),
        ("width", widths),
        ("filename", shell.path.clone()),
    ];
    for (name, value) in lines {
        shell.say(&format!("{name:>12}: {value}"));
    }
    Next::GoOn
}

fn timeout(shell: &mut Shell, words: &[String]) -> Next {
    let milliseconds = words.first().and_then(|word| word.parse().ok()).unwrap_or(0);
    with(shell, |_, database| {
        database.set_timeout(milliseconds);
        Ok(Next::GoOn)
    })
}

fn change_directory(shell: &mut Shell, words: &[String]) -> Next {
    let [directory] = words else { return usage(shell, ".cd DIRECTORY") };
    if std::env::set_current_dir(directory).is_err() {
        shell.complain(&format!("Cannot change to directory \"{directory}\""));
        return Next::Failed;
    }
    Next::GoOn
}

fn system(shell: &mut Shell, words: &[String]) -> Next {
    if words.is_empty() {
        return usage(shell, ".system COMMAND");
    }
    shell.flush();
    let command =
        words.iter().map(|word| if word.contains(' ') { format!("\"{word}\"") } else { word.clone() });
    let command = ["sh".into(), "-c".into(), command.collect::<Vec<_>>().join(" ")];
    let directory = std::env::current_dir().ok().map(|path| path.to_text().into_owned());
    match launch::start(&command, cordon_vm::process::environment(), directory).and_then(|child| child.wait())
    {
        Ok(status) => {
            let code = launch::code_of(status);
            if code != 0 {
                // As the C library tells it.
                shell.complain(&format!("System command returns {}", code << 8));
            }
        }
        Err(errno) => shell.complain(&format!("Error: {}", launch::errno_text(errno))),
    }
    Next::GoOn
}

const PARAMETERS: &str =
    "CREATE TABLE IF NOT EXISTS temp.sqlite_parameters(key TEXT PRIMARY KEY, value) WITHOUT ROWID";

fn parameter(shell: &mut Shell, words: &[String]) -> Next {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = words.as_slice();
    with(shell, |shell, database| {
        // The program's own table has a name that is kept for SQLite's.
        let defensive = |on: bool| {
            database.run(if on { "PRAGMA writable_schema=ON" } else { "PRAGMA writable_schema=OFF" }, &[])
        };
        match words {
            ["init"] => {
                defensive(true)?;
                database.run(PARAMETERS, &[])?;
                defensive(false)?;
            }
            ["clear"] => database.run("DROP TABLE IF EXISTS temp.sqlite_parameters", &[])?,
            ["unset", name] => {
                let _ = database.run("DELETE FROM temp.sqlite_parameters WHERE key=?1", &[name]);
            }
            ["list"] => {
                let rows =
                    database.rows("SELECT key, quote(value) FROM temp.sqlite_parameters", &[], |row| {
                        (row.lossy(0), row.lossy(1))
                    });
                let rows = rows.unwrap_or_default();
                let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in rows {
                    shell.say(&format!("{name:<width$} {value}"));
                }
            }
            ["set", name, value] => {
                defensive(true)?;
                database.run(PARAMETERS, &[])?;
                defensive(false)?;
                let sql = format!("REPLACE INTO temp.sqlite_parameters(key,value) VALUES(?1,{value})");
                // What is no expression is a text.
                if database.run(&sql, &[name]).is_err() {
                    database.run(
                        "REPLACE INTO temp.sqlite_parameters(key,value) VALUES(?1,?2)",
                        &[name, value],
                    )?;
                }
            }
            _ => return Ok(usage(shell, ".parameter clear|init|list|set|unset")),
        }
        Ok(Next::GoOn)
    })
}
