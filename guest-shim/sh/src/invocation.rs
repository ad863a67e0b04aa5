//! The command line of `sh`, and running a script that comes from it, from a file or from standard input.

use std::rc::Rc;

use crate::{
    builtins, bytes,
    exec::transfer,
    state::{Descriptors, ERROR_STATUS, Flow, Outcome, Shell},
    syntax::{SyntaxError, aliases, dialect::Dialect, reader::Reader, tree::List},
    system::{self, Handle, Whence},
};

/// A script on standard input grows up to this while a single command is incomplete.
const MAX_COMMAND_BYTES: usize = 16 * 1024 * 1024;

/// Runs the program; its exit code.
pub fn run() -> i32 {
    // What parsing sets up when it is first used need not wait for a script.
    let _ = Reader::new("if a; then b=\"${c}$(d)\" e <f | g; fi\n", 1).next();
    system::begin();
    let arguments = system::arguments();
    if let [_, option, number] = arguments.as_slice()
        && option == transfer::OPTION
    {
        let Some((mut shell, list)) = transfer::receive(number) else { return ERROR_STATUS };
        let outcome = shell.run_list(&list);
        let status = shell.finish(outcome);
        shell.wait_for_substitutions();
        return status;
    }
    let name = arguments.first().map_or("sh", String::as_str);
    let mut shell = Shell::new(name, Descriptors::inherited(0));
    shell.process_id = system::process_id();
    shell.import_environment(system::environment());
    shell.start_clock();
    if Dialect::of_program(name) == Dialect::Bash {
        shell.speak_bash();
    }
    let outcome = shell.run_arguments(arguments.get(1..).unwrap_or_default());
    let status = shell.finish(outcome);
    shell.wait_for_substitutions();
    status
}

/// Whether the first line has a NUL, which no script has.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(80).take_while(|byte| **byte != b'\n').any(|byte| *byte == 0)
}

impl Shell {
    fn run_arguments(&mut self, arguments: &[String]) -> Outcome {
        let rest = match self.dialect {
            Dialect::Posix => Some(arguments.to_vec()),
            Dialect::Bash => self.take_options_of_bash(arguments)?,
        };
        let Some(rest) = rest else { return Ok(0) };
        let arguments = rest.as_slice();
        let (letters, used) = match builtins::apply_options(self, arguments) {
            Ok(applied) => applied,
            Err(message) => {
                self.report(&message);
                return Err(Flow::Error);
            }
        };
        let mut operands = arguments[used..].iter();
        if letters.contains('c') {
            let Some(text) = operands.next() else {
                self.report("-c requires an argument");
                return Err(Flow::Error);
            };
            if let Some(name) = operands.next() {
                self.name = name.as_str().into();
            }
            self.positional = Rc::new(operands.cloned().collect());
            self.is_command = true;
            return self.run_text(text, 1);
        }
        let script = if letters.contains('s') { None } else { operands.next() };
        self.positional = Rc::new(operands.cloned().collect());
        let Some(path) = script else {
            self.options.stdin = true;
            if let Ok(handle) = self.descriptors.get(0)
                && (letters.contains('i') || self.has_terminal())
            {
                return self.run_interactive(&handle);
            }
            return self.run_standard_input();
        };
        match system::read_file(path) {
            Ok(bytes) if self.dialect == Dialect::Bash && is_binary(&bytes) => {
                self.report(&format!("{path}: cannot execute binary file"));
                Err(Flow::Exit(126))
            }
            Ok(bytes) => {
                self.name = path.as_str().into();
                self.run_file(&bytes::decode(bytes))
            }
            Err(errno) => {
                let message = system::describe(errno);
                self.report(&match self.dialect {
                    Dialect::Posix => format!("cannot open {path}: {message}"),
                    Dialect::Bash => format!("{path}: {message}"),
                });
                Err(Flow::Exit(if errno == system::Errno::Enoent { 127 } else { 126 }))
            }
        }
    }

    /// Takes the options that only bash has. None where there is nothing to run.
    fn take_options_of_bash(&mut self, arguments: &[String]) -> Result<Option<Vec<String>>, Flow> {
        let mut rest = Vec::new();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--norc" | "--noprofile" | "--login" | "--noediting" | "--posix" | "--restricted" => {}
                "--rcfile" | "--init-file" => drop(words.next()),
                "--help" => {
                    let text = "usage: bash [-c text | file] [-abefhnuvxBCEHPT] [-o option] [-O option] [argument ...]\n";
                    self.descriptors
                        .get(1)
                        .and_then(|handle| handle.write_text(text))
                        .map_err(|_| Flow::Error)?;
                    return Ok(None);
                }
                "--version" => {
                    let version = self.variable("BASH_VERSION").unwrap_or_default();
                    let text = format!("cordon sh, the language of GNU bash, version {version}\n");
                    self.descriptors
                        .get(1)
                        .and_then(|handle| handle.write_text(&text))
                        .map_err(|_| Flow::Error)?;
                    return Ok(None);
                }
                "-O" | "+O" => {
                    let name = words.next().cloned().unwrap_or_default();
                    if self.set_shopt(&name, word == "-O") != Some(true) {
                        self.report(&format!("{name}: invalid shell option name"));
                        return Err(Flow::Exit(2));
                    }
                }
                word if word.starts_with("--") && word.len() > 2 => {
                    self.report(&format!("{word}: invalid option"));
                    return Err(Flow::Exit(2));
                }
                _ => {
                    rest.push(word.clone());
                    rest.extend(words.cloned());
                    break;
                }
            }
        }
        Ok(Some(rest))
    }

    /// Runs a script, one complete command after the other.
    pub fn run_text(&mut self, text: &str, first_line: u32) -> Outcome {
        self.run_commands(text, first_line, false)
    }

    /// The same for what was read from a file, which `set -v` shows.
    pub fn run_file(&mut self, text: &str) -> Outcome {
        self.run_commands(text, 1, true)
    }

    fn run_commands(&mut self, text: &str, first_line: u32, shown: bool) -> Outcome {
        let mut reader = Reader::new(text, first_line);
        let mut status = 0;
        loop {
            let start = reader.position();
            self.offer_aliases();
            let parsed = reader.next();
            if shown {
                self.show_read(text, start, &reader, parsed.is_err());
            }
            match parsed {
                Ok(Some(list)) => status = self.run_complete(&list)?,
                Ok(None) => return Ok(status),
                Err(error) => return self.syntax_error(&error),
            }
        }
    }

    /// Shows what was read of a script, from `start` on, under `set -v`.
    fn show_read(&self, text: &str, start: usize, reader: &Reader<'_>, to_end: bool) {
        let end = if to_end { text.len() } else { reader.position() };
        if self.options.verbose
            && let Ok(handle) = self.descriptors.get(2)
        {
            // Nobody is left to show it to otherwise.
            let _ = handle.write_text(text.get(start..end).unwrap_or_default());
        }
    }

    /// The aliases for what is read next. In bash, scripts have none unless they ask.
    pub fn offer_aliases(&self) {
        if self.dialect == Dialect::Posix || self.options.interactive || self.extras.expands_aliases {
            aliases::set(&self.aliases);
        }
    }

    /// Runs a command that was read. In bash, an error ends no more than that, at the outermost level.
    fn run_complete(&mut self, list: &List) -> Outcome {
        match self.run_list(list) {
            Err(Flow::Error)
                if self.dialect == Dialect::Bash && self.depth == 0 && self.extras.subshells == 0 =>
            {
                self.status = 1;
                if self.options.errexit { Err(Flow::Exit(1)) } else { Ok(1) }
            }
            outcome => outcome,
        }
    }

    fn syntax_error(&mut self, error: &SyntaxError) -> Outcome {
        self.line = error.line;
        self.report(&match self.dialect {
            Dialect::Posix => format!("Syntax error: {}", error.message),
            Dialect::Bash => format!("syntax error: {}", error.message),
        });
        match self.dialect {
            Dialect::Posix => Err(Flow::Error),
            // As dash's; other errors of bash have another status.
            Dialect::Bash if self.depth > 0 => Ok(ERROR_STATUS),
            Dialect::Bash => Err(Flow::Exit(ERROR_STATUS)),
        }
    }

    fn run_standard_input(&mut self) -> Outcome {
        let handle = match self.descriptors.get(0) {
            Ok(handle) => handle,
            Err(_) => return Ok(0),
        };
        match handle.seek(0, Whence::Current) {
            Ok(start) => self.run_seekable(&handle, start),
            Err(_) => self.run_stream(&handle),
        }
    }

    /// A script in a file: read at once, but the file's offset is where the shell would be, since its commands may read
    /// on from there.
    fn run_seekable(&mut self, handle: &Handle, start: u64) -> Outcome {
        let failed = |shell: &Shell, errno| {
            shell.report(&format!("cannot read the script: {}", system::describe(errno)));
            Flow::Error
        };
        let bytes = system::read_to_end(handle).map_err(|errno| failed(self, errno))?;
        let text = bytes::decode(bytes.clone());
        // Where bytes are no characters, places in the text are not those in the file.
        let same = text.len() == bytes.len();
        let in_file = |position: usize| match same {
            true => position,
            false => bytes::encode(text.get(..position).unwrap_or_default()).len(),
        };
        let in_text = |offset: usize| match same {
            true => offset,
            false => bytes::decode(bytes.get(..offset).unwrap_or_default().to_vec()).len(),
        };
        let mut reader = Reader::new(&text, 1);
        let mut status = 0;
        loop {
            let before = reader.position();
            self.offer_aliases();
            let parsed = reader.next();
            self.show_read(&text, before, &reader, parsed.is_err());
            let list = match parsed {
                Ok(Some(list)) => list,
                Ok(None) => return Ok(status),
                Err(error) => return self.syntax_error(&error),
            };
            let offset = start.saturating_add(in_file(reader.position()) as u64);
            handle.seek(offset as i64, Whence::Start).map_err(|errno| failed(self, errno))?;
            status = self.run_complete(&list)?;
            let now = handle.seek(0, Whence::Current).map_err(|errno| failed(self, errno))?;
            let position = usize::try_from(now.saturating_sub(start)).unwrap_or(usize::MAX);
            if position > bytes.len() {
                return Ok(status);
            }
            let position = in_text(position);
            if !text.is_char_boundary(position) {
                return Ok(status);
            }
            if position != reader.position() {
                reader.set_position(position);
            }
        }
    }

    /// A script from a pipe or a terminal: read line by line, since the rest may be meant for its commands.
    fn run_stream(&mut self, handle: &Handle) -> Outcome {
        let mut status = 0;
        let mut text = String::new();
        let mut line = 1;
        loop {
            let (bytes, more) = builtins::read_line(handle, &|| false).map_err(|errno| {
                self.report(&format!("cannot read the script: {}", system::describe(errno)));
                Flow::Error
            })?;
            let read = text.len();
            text.push_str(&bytes::decode(bytes));
            if more {
                text.push('\n');
            }
            if self.options.verbose
                && let Ok(handle) = self.descriptors.get(2)
            {
                // Nobody is left to show it to otherwise.
                let _ = handle.write_text(text.get(read..).unwrap_or_default());
            }
            let mut reader = Reader::new(&text, line);
            if more {
                reader = reader.partial();
            }
            self.offer_aliases();
            let parsed = reader.next();
            let next_line = reader.line();
            match parsed {
                Ok(Some(list)) => {
                    text.clear();
                    line = next_line;
                    status = self.run_complete(&list)?;
                }
                Ok(None) => {
                    text.clear();
                    line = next_line;
                }
                Err(error) if error.incomplete && more && text.len() < MAX_COMMAND_BYTES => {}
                Err(error) => return self.syntax_error(&error),
            }
            if !more {
                return Ok(status);
            }
        }
    }
}
