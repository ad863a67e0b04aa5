//! Simple commands: assignments, functions, builtins and programs.

use std::rc::Rc;

use crate::{
    bash::Frame,
    builtins,
    state::{Condition, Flow, Outcome, Shell},
    syntax::{
        dialect::Dialect,
        tree::{Assigned, Assignment, FunctionBody, Simple},
        word,
    },
    system::{self, Child, Errno, FileType, Handle, Program},
    variables::{Place, Variable},
};

pub const NOT_FOUND: i32 = 127;
pub const NOT_EXECUTABLE: i32 = 126;

/// The places of so many programs are remembered.
const MAX_REMEMBERED: usize = 1000;

impl Shell {
    pub fn run_simple(&mut self, simple: &Simple) -> Outcome {
        self.line = simple.line;
        self.substitution_status = None;
        self.run_trap(Condition::Debug)?;
        let before = self.extras.substituted.len();
        let outcome = self.run_expanded(simple);
        if self.extras.substituted.len() > before {
            // The pipes of process substitutions are open as long as the command runs. What `exec` has redirected stays.
            if !matches!(simple.words.first(), Some(word) if word.is_text("exec")) {
                for substituted in &self.extras.substituted[before..] {
                    // The number was in range when it was taken.
                    let _ = self.descriptors.set(substituted.number, None);
                }
            }
            self.forget_ended_substitutions();
        }
        outcome
    }

    fn run_expanded(&mut self, simple: &Simple) -> Outcome {
        let arguments = self.expand_words(&simple.words)?;
        let Some(name) = arguments.first() else {
            return self.run_assignments(simple);
        };
        if self.dialect == Dialect::Bash {
            let last = arguments.last().map_or("", String::as_str);
            self.extras.last_argument = last.split_once("=\0").map_or(last, |(name, _)| name).to_owned();
        }
        // Where redirections do not lead yet.
        let trace = self.options.xtrace.then(|| self.descriptors.get(2).ok()).flatten();
        if let Some(function) = self.functions.get(name).cloned() {
            return self.with_redirects(&simple.redirects, |shell| {
                shell.with_assignments(&simple.assignments, |shell| {
                    shell.trace(trace, &simple.assignments, &arguments);
                    let mut arguments = arguments;
                    let name = arguments.remove(0);
                    shell.call(&name, &function, arguments)
                })
            });
        }
        if let Some(builtin) = builtins::find(name, self.dialect) {
            return self.run_builtin(builtin, simple, &arguments, trace);
        }
        let before = self.descriptors.clone();
        let started = self.start_simple(simple, &arguments, trace);
        self.end_redirects(before);
        match started {
            Ok(Ok(child)) => {
                let statuses = self.wait_in_front(vec![child], || arguments.join(" "))?;
                Ok(statuses.last().copied().unwrap_or(0))
            }
            Ok(Err(status)) => Ok(status),
            Err(flow) => Err(flow),
        }
    }

    /// A command that consists of assignments and redirections only.
    fn run_assignments(&mut self, simple: &Simple) -> Outcome {
        if !simple.redirects.is_empty() {
            let status = self.with_redirects(&simple.redirects, |_| Ok(0))?;
            if status != 0 {
                return Ok(status);
            }
        }
        for assignment in &simple.assignments {
            self.make_assignment(assignment)?;
        }
        if self.dialect == Dialect::Bash {
            self.extras.last_argument.clear();
        }
        if self.options.xtrace {
            self.trace(self.descriptors.get(2).ok(), &simple.assignments, &[]);
        }
        Ok(self.substitution_status.unwrap_or(0))
    }

    fn make_assignment(&mut self, assignment: &Assignment) -> Result<(), Flow> {
        let name = assignment.name.as_str();
        match &assignment.value {
            Assigned::Array(_) if assignment.subscript.is_some() => {
                self.report(&format!("{name}: cannot assign list to array member"));
                Err(Flow::Error)
            }
            Assigned::Array(elements) => {
                let elements = self.expand_elements(elements)?;
                self.assign_array(name, elements, assignment.append)
            }
            Assigned::Word(word) => {
                let place = match &assignment.subscript {
                    None => Place::Whole,
                    Some(subscript) => {
                        let subscript = self.expand_text(subscript)?;
                        self.place(name, &subscript)?
                    }
                };
                let value = self.expand_text(word)?;
                self.assign_place(name, &place, value, assignment.append)
            }
        }
    }

    fn run_builtin(
        &mut self,
        builtin: &'static builtins::Builtin,
        simple: &Simple,
        arguments: &[String],
        trace: Option<Handle>,
    ) -> Outcome {
        let by_command = matches!(arguments, [command, rest @ ..]
            if command == "command" && rest.iter().find(|word| !matches!(word.as_str(), "--" | "-p")).is_some_and(|word| word == "exec")
                && rest.last().is_some_and(|word| word == "exec"));
        if (arguments[0] == "exec" && arguments.len() == 1) || by_command {
            // The redirections of an `exec` without a command are there to stay.
            for assignment in &simple.assignments {
                self.make_assignment(assignment)?;
            }
            self.trace(trace, &simple.assignments, arguments);
            return match (self.redirect(&simple.redirects)?, self.dialect) {
                (true, _) => Ok(0),
                (false, _) if by_command => Ok(self.error_status()),
                (false, Dialect::Posix) => Err(Flow::Error),
                (false, Dialect::Bash) => Ok(self.error_status()),
            };
        }
        let run = |shell: &mut Shell| {
            shell.trace(trace, &simple.assignments, arguments);
            shell.with_redirects_of(builtin, simple, arguments)
        };
        if builtin.special && self.dialect == Dialect::Posix && arguments[0] != "exec" {
            for assignment in &simple.assignments {
                self.make_assignment(assignment)?;
            }
            run(self)
        } else {
            self.with_assignments(&simple.assignments, run)
        }
    }

    fn with_redirects_of(
        &mut self,
        builtin: &'static builtins::Builtin,
        simple: &Simple,
        arguments: &[String],
    ) -> Outcome {
        // In bash, an error of a special builtin ends no more than that.
        let special = builtin.special && self.dialect == Dialect::Posix;
        let run = |shell: &mut Shell| match (builtin.run)(shell, arguments) {
            Err(Flow::Error) if !special => Ok(shell.error_status()),
            outcome => outcome,
        };
        if simple.redirects.is_empty() {
            return run(self);
        }
        let before = self.descriptors.clone();
        let outcome = match self.redirect(&simple.redirects) {
            Ok(true) => run(self),
            Ok(false) if special => Err(Flow::Error),
            Ok(false) => Ok(self.error_status()),
            Err(flow) => Err(flow),
        };
        self.end_redirects(before);
        outcome
    }

    /// Runs something with assignments that hold, and are exported, only meanwhile.
    fn with_assignments(
        &mut self,
        assignments: &[Assignment],
        run: impl FnOnce(&mut Shell) -> Outcome,
    ) -> Outcome {
        let mut hidden: Vec<(String, Option<Variable>)> = Vec::new();
        let mut outcome = Ok(0);
        for assignment in assignments {
            outcome = self.hide(assignment, &mut hidden);
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            outcome = run(self);
        }
        for (name, variable) in hidden.into_iter().rev() {
            self.put_back(name, variable);
        }
        outcome
    }

    fn hide(&mut self, assignment: &Assignment, hidden: &mut Vec<(String, Option<Variable>)>) -> Outcome {
        let before = self.variables.get(&assignment.name).cloned();
        self.make_assignment(assignment)?;
        self.variable_mut(&assignment.name).exported = true;
        hidden.push((assignment.name.clone(), before));
        Ok(0)
    }

    pub fn put_back(&mut self, name: String, variable: Option<Variable>) {
        if name == "PATH" {
            self.remembered = Rc::default();
        }
        let variables = Rc::make_mut(&mut self.variables);
        match variable {
            Some(variable) => variables.insert(name, variable),
            None => variables.remove(&name),
        };
    }

    pub fn call(&mut self, name: &str, function: &FunctionBody, arguments: Vec<String>) -> Outcome {
        let positional = std::mem::replace(&mut self.positional, Rc::new(arguments));
        let loops = std::mem::take(&mut self.loops);
        self.locals.push(Vec::new());
        self.calls += 1;
        let called_from = self.line;
        self.enter_frame(name, None);
        let outcome = self.nested(|shell| {
            let outcome = if function.redirects.is_empty() {
                shell.run_compound(&function.body)
            } else {
                shell.with_redirects(&function.redirects, |shell| shell.run_compound(&function.body))
            };
            shell.leave_frame(outcome)
        });
        self.calls -= 1;
        for (name, variable) in self.locals.pop().unwrap_or_default().into_iter().rev() {
            self.show_meaning(&name);
            self.put_back(name, variable);
        }
        self.loops = loops;
        self.positional = positional;
        self.line = called_from;
        match outcome {
            Err(Flow::Return(status)) => Ok(status),
            other => other,
        }
    }

    /// A function, or a file that is sourced, begins to run.
    pub fn enter_frame(&mut self, function: &str, file: Option<&str>) {
        let source = match file {
            Some(file) => file.to_owned(),
            None => self.extras.sources.get(function).cloned().unwrap_or_else(|| self.source()),
        };
        let frame = Frame { function: function.to_owned(), source, called_from: self.line };
        Rc::make_mut(&mut self.extras.frames).push(frame);
        self.hide_traps(file.is_some());
    }

    /// It has ended like that.
    pub fn leave_frame(&mut self, outcome: Outcome) -> Outcome {
        let returned = matches!(outcome, Ok(_) | Err(Flow::Return(_)));
        if let Ok(status) | Err(Flow::Return(status)) = outcome {
            self.status = status;
        }
        let trapped = if returned { self.run_trap(Condition::Return) } else { Ok(()) };
        self.unhide_traps();
        Rc::make_mut(&mut self.extras.frames).pop();
        trapped.and(outcome)
    }

    /// Starts the program that a simple command names; an exit status when it can't be started. Redirections stay in
    /// place: the caller puts the descriptors back.
    pub fn start_simple(
        &mut self,
        simple: &Simple,
        arguments: &[String],
        trace: Option<Handle>,
    ) -> Result<Result<Child, i32>, Flow> {
        if !self.redirect(&simple.redirects)? {
            return Ok(Err(self.error_status()));
        }
        if simple.assignments.is_empty() {
            self.trace(trace, &[], arguments);
            return Ok(self.start_program(arguments));
        }
        let mut started = Err(0);
        self.with_assignments(&simple.assignments, |shell| {
            shell.trace(trace, &simple.assignments, arguments);
            started = shell.start_program(arguments);
            Ok(0)
        })?;
        Ok(started)
    }

    pub fn status_of(&self, flow: Flow) -> i32 {
        match flow {
            Flow::Exit(status) | Flow::Return(status) => status,
            Flow::Error => self.error_status(),
            Flow::Interrupt => 130,
            Flow::Break(_) | Flow::Continue(_) => self.status,
        }
    }

    /// Starts a program in this environment; an exit status when it can't be started, which was reported.
    pub fn start_program(&mut self, arguments: &[String]) -> Result<Child, i32> {
        let name = arguments.first().cloned().unwrap_or_default();
        self.start_called(&name, arguments)
    }

    /// The same for a program that is not called what it is found by.
    pub fn start_called(&mut self, name: &str, arguments: &[String]) -> Result<Child, i32> {
        if name.is_empty() {
            self.report(&format!(": {}", self.not_found("")));
            return Err(NOT_FOUND);
        }
        let found = if name.contains('/') { None } else { self.remembered_program(name) };
        let path = found.as_deref().unwrap_or(name);
        let errno = match self.start(path, arguments.to_vec()) {
            Ok(child) => return Ok(child),
            Err(errno) => errno,
        };
        let (message, status) = match errno {
            Errno::Enoexec => return self.start_script(name, arguments),
            Errno::Enoent | Errno::Enotdir => (self.not_found(name), NOT_FOUND),
            Errno::Eagain | Errno::Enomem => (system::CANNOT_FORK, 2),
            Errno::Eisdir => (system::describe(Errno::Eacces), NOT_EXECUTABLE),
            other => (system::describe(other), NOT_EXECUTABLE),
        };
        self.report(&format!("{name}: {message}"));
        Err(status)
    }

    fn not_found(&self, name: &str) -> &'static str {
        match self.dialect {
            Dialect::Posix => "not found",
            Dialect::Bash if name.contains('/') => "No such file or directory",
            Dialect::Bash => "command not found",
        }
    }

    /// A file that is executable but of no known format is a script for this shell.
    fn start_script(&mut self, name: &str, arguments: &[String]) -> Result<Child, i32> {
        let path = if name.contains('/') { Some(name.to_owned()) } else { self.find_program(name) };
        let Some(path) = path else { return Err(NOT_FOUND) };
        let shell = if self.dialect == Dialect::Bash { "bash" } else { "sh" };
        let mut all = vec![shell.to_owned(), path];
        all.extend_from_slice(arguments.get(1..).unwrap_or_default());
        self.start(system::SHELL_PATH, all).map_err(|errno| {
            self.report(&format!("{name}: {}", system::describe(errno)));
            NOT_EXECUTABLE
        })
    }

    fn start(&self, path: &str, arguments: Vec<String>) -> Result<Child, Errno> {
        Child::start(Program {
            path,
            arguments,
            environment: self.exported(),
            descriptors: self.descriptors.all(),
            ignored_signals: self.ignored_signals(),
            group: self.group_to_start_in(),
            default_signals: self.signals_for_jobs(),
        })
    }

    /// The file that a name stood for when it was last looked for in this `PATH`.
    pub fn remembered_program(&mut self, name: &str) -> Option<Rc<str>> {
        if let Some(path) = self.remembered.get(name) {
            return Some(path.clone());
        }
        let path: Rc<str> = self.find_program(name)?.into();
        if self.remembered.len() < MAX_REMEMBERED {
            Rc::make_mut(&mut self.remembered).insert(name.to_owned(), path.clone());
        }
        Some(path)
    }

    /// The file in `PATH` that a name without a slash stands for.
    pub fn find_program(&self, name: &str) -> Option<String> {
        self.programs(name).next()
    }

    /// All programs of this name, in the order of `PATH`.
    pub fn programs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + use<'a> {
        let path = self.variable("PATH").unwrap_or_default();
        let candidates = path.split(':').map(move |directory| match directory {
            "" => format!("./{name}"),
            _ => format!("{}/{name}", directory.trim_end_matches('/')),
        });
        candidates.filter(|candidate| {
            system::status(candidate)
                .is_ok_and(|status| status.file_type == FileType::RegularFile && status.mode & 0o111 != 0)
        })
    }

    /// Shows a command before it runs, under `set -x`: its assignments, which are done, and its words. Where to is none
    /// without that option.
    fn trace(&mut self, to: Option<Handle>, assignments: &[Assignment], words: &[String]) {
        let Some(handle) = to else { return };
        let assigned = assignments.iter().map(|assignment| {
            let value = self.variable(&assignment.name).unwrap_or_default();
            match self.dialect {
                Dialect::Posix => format!("{}={value}", assignment.name),
                Dialect::Bash => format!("{}={}", assignment.name, traced(value)),
            }
        });
        let words = words.iter().map(|word| match self.dialect {
            Dialect::Posix => word.clone(),
            Dialect::Bash => traced(word),
        });
        let text = assigned.chain(words).collect::<Vec<_>>().join(" ");
        let prefix = self.trace_prefix();
        // A lost trace is no reason to fail.
        let _ = handle.write_text(&format!("{prefix}{text}\n"));
    }

    /// `PS4` with its expansions done; as it stands where they fail.
    fn trace_prefix(&mut self) -> String {
        let prefix = self.variable("PS4").unwrap_or_default().to_owned();
        if !prefix.contains(['$', '`', '\\']) {
            return prefix;
        }
        let Ok(word) = word::expanded_text(&prefix, self.line, 0) else { return prefix };
        let before = (self.status, self.substitution_status, self.line);
        self.options.xtrace = false;
        let expanded = self.expand_quoted(&word);
        self.options.xtrace = true;
        (self.status, self.substitution_status, self.line) = before;
        expanded.unwrap_or(prefix)
    }
}

/// A word as bash traces it.
fn traced(word: &str) -> String {
    if word.is_empty() { "''".to_owned() } else { crate::quote::listed(word) }
}
