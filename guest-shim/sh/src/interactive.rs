//! A shell that somebody sits at: prompts, lines from the terminal, and errors that end no more than their command. Lines
//! are edited by `editor`; on a terminal that can show no more than one character after the other, by the terminal itself.

use std::{cell::RefCell, rc::Rc};

use crate::{
    builtins, bytes,
    editor::{Editor, Line, Terminal},
    state::{Flow, Outcome, Shell},
    syntax::{dialect::Dialect, reader::Reader},
    system::{
        self, Handle,
        signals::{self, Signal},
    },
};

/// A command may be typed in so many bytes.
const MAX_COMMAND_BYTES: usize = 1024 * 1024;

impl Shell {
    /// Whether this shell is to be interactive: it was told so, or reads from a terminal and writes errors to one.
    pub fn has_terminal(&self) -> bool {
        let is_terminal =
            |number| self.descriptors.get(number).is_ok_and(|handle: Handle| handle.is_terminal());
        is_terminal(0) && is_terminal(2)
    }

    /// Reads and runs commands until the terminal has no more, or one ends the shell.
    pub fn run_interactive(&mut self, handle: &Handle) -> Outcome {
        self.options.interactive = true;
        self.run_start_file();
        self.take_control(handle.clone());
        let terminal = self.edits_lines(handle);
        let mut text = String::new();
        let mut line = 1;
        let mut warned = false;
        loop {
            if text.is_empty() {
                self.tell_of_jobs();
            }
            let prompt = self.prompt_of(if text.is_empty() { "PS1" } else { "PS2" });
            let interrupted = || signals::is_caught(Signal::Interrupt, true);
            let (read, pressed) = match &terminal {
                Some((editor, terminal)) => match editor.borrow_mut().read(self, &prompt, terminal) {
                    Line::Typed(line) => (Ok((bytes::encode(&line).into_owned(), true)), false),
                    Line::Interrupted => (Ok((Vec::new(), false)), true),
                    Line::End => (Ok((Vec::new(), false)), false),
                },
                None => {
                    self.show(&prompt);
                    (builtins::read_line(handle, &interrupted), false)
                }
            };
            signals::catch();
            if interrupted() || pressed {
                // What was typed before Ctrl-C is forgotten by the terminal too: a line that came with it was typed after.
                signals::forget(Signal::Interrupt, true);
                text.clear();
                if !matches!(read, Ok((_, true))) {
                    self.status = 128 + signals::number(Signal::Interrupt);
                    self.show("\n");
                    continue;
                }
            }
            let (bytes, more) = match read {
                Ok(read) => read,
                Err(_) => return Ok(self.status),
            };
            if !more && bytes.is_empty() {
                if text.is_empty() && !warned && self.jobs.iter().any(|job| job.is_stopped()) {
                    self.show("\nThere are stopped jobs.\n");
                    warned = true;
                    continue;
                }
                self.show(if self.dialect == Dialect::Bash { "exit\n" } else { "\n" });
                return Ok(self.status);
            }
            warned = false;
            text.push_str(&bytes::decode(bytes));
            text.push('\n');
            let mut reader = Reader::new(&text, line).partial();
            self.offer_aliases();
            let parsed = reader.next();
            let next_line = reader.line();
            let list = match parsed {
                Ok(list) => list,
                Err(error) if error.incomplete && text.len() < MAX_COMMAND_BYTES => continue,
                Err(error) => {
                    self.remember(&text);
                    self.line = error.line;
                    self.report(&format!("syntax error: {}", error.message));
                    self.status = 2;
                    text.clear();
                    continue;
                }
            };
            if list.is_some() {
                self.remember(&text);
            }
            text.clear();
            line = next_line;
            let Some(list) = list else { continue };
            self.status = match self.run_list(&list) {
                Ok(status) => status,
                Err(flow @ Flow::Exit(_)) => return Err(flow),
                Err(flow) => self.status_of(flow),
            };
            (self.loops, self.depth) = (0, 0);
        }
    }

    /// Has lines edited from now on, at a terminal that can show that.
    fn edits_lines(&mut self, input: &Handle) -> Option<(Rc<RefCell<Editor>>, Terminal)> {
        let can_show = self.variable("TERM").is_some_and(|kind| !kind.is_empty() && kind != "dumb");
        let output = self.descriptors.get(2).ok().filter(|output| can_show && output.is_terminal())?;
        let editor = Rc::new(RefCell::new(Editor::new()));
        self.extras.editor = Some(editor.clone());
        Some((editor, Terminal { input: input.clone(), output }))
    }

    fn remember(&self, command: &str) {
        if let Some(editor) = &self.extras.editor {
            editor.borrow_mut().remember(command);
        }
    }

    /// What an interactive shell runs first: the file that `ENV` names, or `.bashrc`.
    fn run_start_file(&mut self) {
        let path = match self.dialect {
            Dialect::Posix => self.variable("ENV").map(str::to_owned),
            Dialect::Bash => self.variable("HOME").map(|home| format!("{home}/.bashrc")),
        };
        let Some(Ok(bytes)) = path.map(|path| system::read_file(&path)) else { return };
        // What is wrong with it was reported, and keeps nobody from the shell.
        let _ = self.nested(|shell| shell.run_file(&bytes::decode(bytes)));
    }

    fn prompt_of(&mut self, name: &str) -> String {
        let text = match (self.variable(name), name, self.dialect) {
            (Some(text), _, _) => text.to_owned(),
            (None, "PS1", Dialect::Bash) => "\\w\\$ ".to_owned(),
            (None, "PS1", Dialect::Posix) => "$ ".to_owned(),
            _ => "> ".to_owned(),
        };
        self.prompt(&text)
    }
}
