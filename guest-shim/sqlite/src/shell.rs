//! The program's state, and what it does with statements: reads them, runs them, says what was wrong.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, IsTerminal, Read, Write};

use cordon_multicall::launch;
use cordon_vm::descriptors;
use libsqlite3_sys as ffi;

use crate::database::{Database, Failure, Kind, Statement, is_complete};
use crate::dots;
use crate::render::{self, Rows, Style};

/// Where output goes.
pub enum Target {
    Standard,
    File(BufWriter<File>),
    /// Kept until it is whole: the command gets it then.
    Command(String, Vec<u8>),
    Nothing(io::Sink),
}

/// What is to be done after a dot command or a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    GoOn,
    /// Something was wrong.
    Failed,
    /// Reads no more of what is read.
    Quit,
    Leave(i32),
}

pub struct Shell {
    pub path: String,
    pub read_only: bool,
    pub database: Option<Database>,
    pub style: Style,
    pub echo: bool,
    pub bail: bool,
    pub changes: bool,
    /// Tells of plans before statements run.
    pub plans: bool,
    /// Shows what `EXPLAIN` says as a table.
    pub explains: bool,
    pub timer: bool,
    pub interactive: bool,
    pub prompts: [String; 2],
    pub target: Target,
    pub target_name: String,
    /// Whether the target is that of one statement.
    pub once: bool,
    pub depth: usize,
    standard: BufWriter<io::Stdout>,
}

/// What was wrong with a statement, and at what it was.
pub struct Wrong {
    phase: &'static str,
    code: i32,
    text: String,
}

impl Wrong {
    fn new(phase: &'static str, failure: &Failure, sql: &[u8]) -> Self {
        let number = if failure.code > 1 { format!(" ({})", failure.code) } else { String::new() };
        let place = failure.offset.map(|at| place(sql, at)).unwrap_or_default();
        Self { phase, code: failure.code, text: format!("{}{number}{place}", failure.message) }
    }
}

/// Shows where in a statement something is wrong: some of it, and a line below that points.
fn place(sql: &[u8], at: usize) -> String {
    if at >= sql.len() {
        return String::new();
    }
    let is_boundary = |at: usize| at == sql.len() || sql[at] & 0xc0 != 0x80;
    let mut start = at.saturating_sub(50);
    while !is_boundary(start) {
        start += 1;
    }
    let mut end = sql.len().min(start + 78);
    while end > start && !is_boundary(end) {
        end -= 1;
    }
    let text = String::from_utf8_lossy(&sql[start..end]).replace(['\n', '\t', '\r', '\x0b', '\x0c'], " ");
    let column = at - start;
    if column < 25 {
        format!("\n  {text}\n  {:column$}^--- error here", "")
    } else {
        format!("\n  {text}\n  {:width$}error here ---^", "", width = column - 14)
    }
}

impl Shell {
    pub fn new() -> Self {
        Self {
            path: ":memory:".into(),
            read_only: false,
            database: None,
            style: Style::default(),
            echo: false,
            bail: false,
            changes: false,
            plans: false,
            explains: true,
            timer: false,
            interactive: io::stdin().is_terminal(),
            prompts: ["sqlite> ".into(), "   ...> ".into()],
            target: Target::Standard,
            target_name: "stdout".into(),
            once: false,
            depth: 0,
            standard: BufWriter::with_capacity(64 * 1024, io::stdout()),
        }
    }

    pub fn out(&mut self) -> &mut dyn Write {
        match &mut self.target {
            Target::Standard => &mut self.standard,
            Target::File(file) => file,
            Target::Command(_, kept) => kept,
            Target::Nothing(sink) => sink,
        }
    }

    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.out(), "{text}");
    }

    /// Writes to standard error, behind what was written before.
    pub fn complain(&mut self, text: &str) {
        let _ = self.standard.flush();
        cordon_multicall::say(&mut io::stderr(), text);
    }

    pub fn flush(&mut self) -> bool {
        if let Target::File(file) = &mut self.target {
            let _ = file.flush();
        }
        self.standard.flush().is_ok()
    }

    /// Ends the output to a file or a command.
    pub fn reset_target(&mut self) {
        self.flush();
        let target = std::mem::replace(&mut self.target, Target::Standard);
        self.target_name = "stdout".into();
        self.once = false;
        if let Target::Command(command, kept) = target {
            let given = descriptors::memory_file_of(&kept);
            let started = given.and_then(|input| {
                let words = ["sh".into(), "-c".into(), command.clone()];
                launch::start_with(&words, cordon_vm::process::environment(), None, &[(0, &input)])
            });
            match started {
                Ok(child) => drop(child.wait()),
                Err(errno) => self.complain(&format!(
                    "Error: cannot open pipe \"{command}\": {}",
                    launch::errno_text(errno)
                )),
            }
        }
    }

    /// Opens the data base, if it is not open.
    pub fn open(&mut self) -> Result<&Database, i32> {
        if self.database.is_none() {
            let access = if self.read_only {
                ffi::SQLITE_OPEN_READONLY
            } else {
                ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE
            };
            match Database::open(&self.path, access | ffi::SQLITE_OPEN_URI) {
                Ok(database) => {
                    database.add_functions();
                    self.database = Some(database);
                }
                Err(failure) => {
                    let text =
                        format!("Error: unable to open database \"{}\": {}", self.path, failure.message);
                    self.complain(&text);
                    return Err(1);
                }
            }
        }
        // It was opened above where it was not.
        self.database.as_ref().ok_or(1)
    }

    /// Runs all statements of a text, up to the first that fails.
    pub fn run(&mut self, sql: &[u8]) -> Result<(), Wrong> {
        if self.open().is_err() {
            self.flush();
            std::process::exit(1);
        }
        // It is not here while it runs statements, so that they can use the rest of the program.
        let Some(database) = self.database.take() else { return Ok(()) };
        let outcome = self.run_in(&database, sql);
        self.database = Some(database);
        if self.interactive || !matches!(self.target, Target::Standard) {
            self.flush();
        }
        outcome
    }

    fn run_in(&mut self, database: &Database, sql: &[u8]) -> Result<(), Wrong> {
        let mut rest = sql;
        while !rest.trim_ascii().is_empty() {
            let (statement, consumed) =
                database.prepare(rest).map_err(|failure| Wrong::new("in prepare", &failure, rest))?;
            let text = &rest[..consumed];
            rest = rest[consumed..].trim_ascii_start();
            let Some(mut statement) = statement else {
                if consumed == 0 {
                    break;
                }
                continue;
            };
            self.bind(database, &mut statement);
            if self.plans && statement.explains() == 0 {
                let plan = [b"EXPLAIN QUERY PLAN ", text].concat();
                if let Ok((Some(mut plan), _)) = database.prepare(&plan) {
                    let _ = self.plan(&mut plan);
                }
            }
            self.show(&mut statement).map_err(|failure| Wrong::new("stepping", &failure, text))?;
        }
        Ok(())
    }

    /// Gives parameters the values that `.parameter` has set.
    fn bind(&self, database: &Database, statement: &mut Statement) {
        let parameters = statement.parameters();
        if parameters.is_empty() {
            return;
        }
        let Ok(mut values) = database.statement("SELECT value FROM temp.sqlite_parameters WHERE key=?1")
        else {
            return;
        };
        for (at, name) in parameters.iter().enumerate() {
            let Some(name) = name else { continue };
            values.reset();
            values.bind(1, Some(name.as_bytes()));
            if let Ok(true) = values.step() {
                statement.bind_from(at + 1, &values, 0);
            }
        }
    }

    fn show(&mut self, statement: &mut Statement) -> Result<(), Failure> {
        match statement.explains() {
            1 if self.explains => return self.explain(statement),
            2 if self.explains => return self.plan(statement),
            _ => {}
        }
        let style = self.style.clone();
        if style.is_columnar() {
            // Who reads no more ends it.
            let _ = render::table(statement, &style, self.out())?;
            return Ok(());
        }
        let mut rows = Rows::new(&style);
        while statement.step()? {
            if rows.row(statement, self.out()).is_err() {
                break;
            }
        }
        let _ = rows.end(self.out());
        Ok(())
    }

    /// Shows a plan as a tree.
    fn plan(&mut self, statement: &mut Statement) -> Result<(), Failure> {
        let mut steps: Vec<(i64, i64, String)> = vec![];
        while statement.step()? {
            steps.push((statement.integer(0), statement.integer(1), statement.lossy(3)));
        }
        if steps.is_empty() {
            return Ok(());
        }
        self.say("QUERY PLAN");
        // What is still to be shown, the next one last.
        let children = |parent: i64, indent: &str| -> Vec<(usize, String, bool)> {
            let own: Vec<usize> = (0..steps.len()).filter(|at| steps[*at].1 == parent).collect();
            let last = own.last().copied();
            own.into_iter().rev().map(|at| (at, indent.to_owned(), Some(at) == last)).collect()
        };
        let mut waiting = children(0, "");
        // Each is shown once, whatever the numbers say.
        for _ in 0..steps.len() {
            let Some((at, indent, is_last)) = waiting.pop() else { break };
            let mark = if is_last { "`--" } else { "|--" };
            self.say(&format!("{indent}{mark}{}", steps[at].2));
            let deeper = format!("{indent}{}", if is_last { "   " } else { "|  " });
            waiting.extend(children(steps[at].0, &deeper));
        }
        Ok(())
    }

    /// Shows the instructions of a statement as a table, those of loops indented.
    fn explain(&mut self, statement: &mut Statement) -> Result<(), Failure> {
        const WIDTHS: [usize; 8] = [4, 13, 4, 4, 4, 13, 2, 13];
        let mut rows: Vec<Vec<String>> = vec![];
        let names: Vec<String> = (0..statement.columns()).map(|column| statement.name(column)).collect();
        while statement.step()? {
            let cell = |column| match statement.kind(column) {
                Kind::Null => self.style.null.clone(),
                _ => statement.lossy(column),
            };
            rows.push((0..statement.columns()).map(cell).collect());
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut indents = vec![0_usize; rows.len()];
        for (at, row) in rows.iter().enumerate() {
            let target = row.get(3).and_then(|target| target.parse::<usize>().ok());
            let is_loop = row.get(1).is_some_and(|name| {
                matches!(name.as_str(), "Next" | "Prev" | "VNext" | "VPrev" | "SorterNext")
            });
            if let Some(target) = target.filter(|target| is_loop && *target < at) {
                indents[target..at].iter_mut().for_each(|indent| *indent += 2);
            }
        }
        for (row, indent) in rows.iter_mut().zip(indents) {
            if let Some(name) = row.get_mut(1) {
                name.insert_str(0, &" ".repeat(indent));
            }
        }
        let width = |column: usize| WIDTHS.get(column).copied().unwrap_or(10);
        let rules: Vec<String> = (0..names.len()).map(|column| "-".repeat(width(column))).collect();
        for row in [&names, &rules].into_iter().chain(&rows) {
            let cells: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(column, text)| format!("{text:<width$}", width = width(column)))
                .collect();
            self.say(&cells.join("  "));
        }
        Ok(())
    }

    /// Runs one argument of the command line, or one that `-cmd` gives.
    pub fn argument(&mut self, text: &str) -> Next {
        if text.starts_with('.') {
            return dots::run(self, text);
        }
        let outcome = self.run(text.as_bytes());
        match outcome {
            Ok(()) => Next::GoOn,
            Err(wrong) => {
                self.complain(&format!("Error: {}, {}", wrong.phase, wrong.text));
                Next::Leave(if wrong.code == 0 { 1 } else { wrong.code })
            }
        }
    }

    /// Reads statements and dot commands to the end. `from` is the standard input where it has no name. Tells how many
    /// went wrong, or with which status to leave.
    pub fn read(&mut self, input: &mut dyn BufRead, is_standard: bool) -> Result<usize, i32> {
        const DEEPEST: usize = 25;
        if self.depth == DEEPEST {
            self.complain(&format!("Input nesting limit ({DEEPEST}) reached. Check recursion."));
            return Ok(1);
        }
        self.depth += 1;
        let outcome = self.read_here(input, is_standard);
        self.depth -= 1;
        outcome
    }

    fn read_here(&mut self, input: &mut dyn BufRead, is_standard: bool) -> Result<usize, i32> {
        let asks = is_standard && self.interactive;
        let (mut errors, mut number, mut start) = (0, 0, 0);
        let mut sql: Vec<u8> = vec![];
        loop {
            if errors > 0 && self.bail && !asks {
                return Ok(errors);
            }
            if asks {
                let prompt = self.prompts[usize::from(!sql.is_empty())].clone();
                let _ = self.standard.write_all(prompt.as_bytes());
            }
            if is_standard {
                self.flush();
            }
            let mut line = vec![];
            if !input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                break;
            }
            number += 1;
            if line.ends_with(b"\n") {
                line.pop();
            }
            if line.ends_with(b"\r") {
                line.pop();
            }
            if sql.is_empty() {
                if line.trim_ascii().is_empty() {
                    if self.echo {
                        self.say("");
                    }
                    continue;
                }
                if line[0] == b'.' || line[0] == b'#' {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    if self.echo {
                        self.say(&text);
                    }
                    if line[0] == b'.' {
                        match dots::run(self, &text) {
                            Next::GoOn => {}
                            Next::Failed => errors += 1,
                            Next::Quit => return Ok(errors),
                            Next::Leave(status) => return Err(status),
                        }
                    }
                    continue;
                }
                start = number;
                let blanks = line.len() - line.trim_ascii_start().len();
                line.drain(..blanks);
            } else {
                sql.push(b'\n');
            }
            // A line that says `go` or `/` ends a statement, too.
            let is_end = matches!(line.trim_ascii().to_ascii_lowercase().as_slice(), b"go" | b"/");
            if is_end && is_complete(&[&sql[..], b";"].concat()) && !sql.is_empty() {
                sql.pop();
                line = b";".to_vec();
            }
            sql.extend_from_slice(&line);
            if line.contains(&b';') && is_complete(&sql) {
                errors += usize::from(!self.group(&sql, start, asks));
                sql.clear();
            } else if is_nothing(&sql) {
                if self.echo {
                    let text = String::from_utf8_lossy(&sql).into_owned();
                    self.say(&text);
                }
                sql.clear();
            }
        }
        if !sql.trim_ascii().is_empty() {
            errors += usize::from(!self.group(&sql, start, asks));
        }
        if asks {
            self.say("");
        }
        Ok(errors)
    }

    /// Runs the statements of some lines.
    fn group(&mut self, sql: &[u8], line: usize, asks: bool) -> bool {
        if self.echo {
            let text = String::from_utf8_lossy(sql).into_owned();
            self.say(&text);
        }
        let started = std::time::Instant::now();
        let outcome = self.run(sql);
        if self.once {
            self.reset_target();
        }
        if self.timer {
            let seconds = started.elapsed().as_secs_f64();
            self.say(&format!("Run Time: real {seconds:.3} user 0.000000 sys 0.000000"));
        }
        let Err(wrong) = outcome else {
            if let Some((now, all)) = self.database.as_ref().map(Database::changes).filter(|_| self.changes) {
                self.say(&format!("changes: {now}   total_changes: {all}"));
            }
            return true;
        };
        let kind = if wrong.phase == "in prepare" { "Parse error" } else { "Runtime error" };
        let text = if asks {
            format!("{kind}: {}", wrong.text)
        } else {
            format!("{kind} near line {line}: {}", wrong.text)
        };
        self.complain(&text);
        false
    }

    /// Runs a file of statements and dot commands, or what a command prints.
    pub fn read_file(&mut self, name: &str) -> Option<Result<usize, i32>> {
        let contents = contents(name)?;
        Some(self.read(&mut contents.as_slice(), false))
    }
}

/// Whether there is nothing to run in a text, only blanks and comments that end.
fn is_nothing(sql: &[u8]) -> bool {
    let mut rest = sql.trim_ascii_start();
    while !rest.is_empty() {
        let after = if rest.starts_with(b"--") {
            rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1)
        } else if rest.starts_with(b"/*") {
            match rest[2..].windows(2).position(|window| window == b"*/") {
                Some(at) => at + 4,
                None => return false,
            }
        } else {
            return false;
        };
        rest = rest[after..].trim_ascii_start();
    }
    true
}

/// What is in a file, or what a command prints where the name begins with `|`.
pub fn contents(name: &str) -> Option<Vec<u8>> {
    let Some(command) = name.strip_prefix('|') else {
        let mut bytes = vec![];
        File::open(name).ok()?.read_to_end(&mut bytes).ok()?;
        return Some(bytes);
    };
    let (output, input) = descriptors::pipe().ok()?;
    let words = ["sh".into(), "-c".into(), command.to_owned()];
    let child = launch::start_with(&words, cordon_vm::process::environment(), None, &[(1, &input)]).ok()?;
    drop(input);
    let mut bytes = vec![];
    while let Ok(piece) = output.read(1 << 20) {
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    let _ = child.wait();
    Some(bytes)
}
