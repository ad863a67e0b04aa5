//! Simple commands: assignments, functions, builtins and programs.

use std::rc::Rc;

use crate::{
    builtins,
    state::{ERROR_STATUS, Flow, Outcome, Shell, Variable},
    syntax::{
        tree::{Assignment, FunctionBody, Simple},
        word,
    },
    system::{self, Child, Errno, FileType, Handle, Program},
};

pub const NOT_FOUND: i32 = 127;
pub const NOT_EXECUTABLE: i32 = 126;

impl Shell {
    pub fn run_simple(&mut self, simple: &Simple) -> Outcome {
        self.line = simple.line;
        self.substitution_status = None;
        let arguments = self.expand_words(&simple.words)?;
        let Some(name) = arguments.first() else {
            return self.run_assignments(simple);
        };
        // Where redirections do not lead yet.
        let trace = self.options.xtrace.then(|| self.descriptors.get(2).ok()).flatten();
        if let Some(function) = self.functions.get(name).cloned() {
            return self.with_redirects(&simple.redirects, |shell| {
                shell.with_assignments(&simple.assignments, |shell| {
                    shell.trace(trace, &simple.assignments, &arguments);
                    shell.call(&function, &arguments[1..])
                })
            });
        }
        if let Some(builtin) = builtins::find(name) {
            return self.run_builtin(builtin, simple, &arguments, trace);
        }
        let before = self.descriptors.clone();
        let started = self.start_simple(simple, &arguments, trace);
        self.descriptors = before;
        match started {
            Ok(Ok(child)) => Ok(child.wait()),
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
            let value = self.assigned_value(assignment)?;
            self.assign(&assignment.name, value)?;
        }
        if self.options.xtrace {
            self.trace(self.descriptors.get(2).ok(), &simple.assignments, &[]);
        }
        Ok(self.substitution_status.unwrap_or(0))
    }

    fn assigned_value(&mut self, assignment: &Assignment) -> Result<String, Flow> {
        let value = self.expand_text(&assignment.value)?;
        Ok(match self.variable(&assignment.name) {
            Some(before) if assignment.append => format!("{before}{value}"),
            _ => value,
        })
    }

    fn run_builtin(
        &mut self,
        builtin: &'static builtins::Builtin,
        simple: &Simple,
        arguments: &[String],
        trace: Option<Handle>,
    ) -> Outcome {
        if arguments[0] == "exec" && arguments.len() == 1 {
            // The redirections of an `exec` without a command are there to stay.
            for assignment in &simple.assignments {
                let value = self.assigned_value(assignment)?;
                self.assign(&assignment.name, value)?;
            }
            self.trace(trace, &simple.assignments, arguments);
            return if self.redirect(&simple.redirects)? { Ok(0) } else { Err(Flow::Error) };
        }
        let run = |shell: &mut Shell| {
            shell.trace(trace, &simple.assignments, arguments);
            shell.with_redirects_of(builtin, simple, arguments)
        };
        if builtin.special {
            for assignment in &simple.assignments {
                let value = self.assigned_value(assignment)?;
                self.assign(&assignment.name, value)?;
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
        let run = |shell: &mut Shell| match (builtin.run)(shell, arguments) {
            Err(Flow::Error) if !builtin.special => Ok(ERROR_STATUS),
            outcome => outcome,
        };
        if simple.redirects.is_empty() {
            return run(self);
        }
        let before = self.descriptors.clone();
        let outcome = match self.redirect(&simple.redirects) {
            Ok(true) => run(self),
            Ok(false) if builtin.special => Err(Flow::Error),
            Ok(false) => Ok(super::redirect::REDIRECTION_FAILED),
            Err(flow) => Err(flow),
        };
        self.descriptors = before;
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
        let value = self.assigned_value(assignment)?;
        let before = self.variables.get(&assignment.name).cloned();
        self.assign(&assignment.name, value)?;
        self.variable_mut(&assignment.name).exported = true;
        hidden.push((assignment.name.clone(), before));
        Ok(0)
    }

    pub fn put_back(&mut self, name: String, variable: Option<Variable>) {
        let variables = Rc::make_mut(&mut self.variables);
        match variable {
            Some(variable) => variables.insert(name, variable),
            None => variables.remove(&name),
        };
    }

    pub fn call(&mut self, function: &FunctionBody, arguments: &[String]) -> Outcome {
        let positional = std::mem::replace(&mut self.positional, Rc::new(arguments.to_vec()));
        let loops = std::mem::take(&mut self.loops);
        self.locals.push(Vec::new());
        self.calls += 1;
        let outcome = self.nested(|shell| {
            if function.redirects.is_empty() {
                shell.run_compound(&function.body)
            } else {
                shell.with_redirects(&function.redirects, |shell| shell.run_compound(&function.body))
            }
        });
        self.calls -= 1;
        for (name, variable) in self.locals.pop().unwrap_or_default().into_iter().rev() {
            self.put_back(name, variable);
        }
        self.loops = loops;
        self.positional = positional;
        match outcome {
            Err(Flow::Return(status)) => Ok(status),
            other => other,
        }
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
            return Ok(Err(super::redirect::REDIRECTION_FAILED));
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
            Flow::Error => ERROR_STATUS,
            Flow::Break(_) | Flow::Continue(_) => self.status,
        }
    }

    /// Starts a program in this environment; an exit status when it can't be started, which was reported.
    pub fn start_program(&mut self, arguments: &[String]) -> Result<Child, i32> {
        let name = arguments.first().map_or("", String::as_str);
        if name.is_empty() {
            self.report(": not found");
            return Err(NOT_FOUND);
        }
        let exported = self.variables.get("PATH").is_some_and(|path| path.exported);
        let found = if name.contains('/') || exported { None } else { self.find_program(name) };
        let path = found.as_deref().unwrap_or(name);
        let errno = match self.start(path, arguments.to_vec()) {
            Ok(child) => return Ok(child),
            Err(errno) => errno,
        };
        let (message, status) = match errno {
            Errno::Enoexec => return self.start_script(name, arguments),
            Errno::Enoent | Errno::Enotdir => ("not found", NOT_FOUND),
            Errno::Eagain | Errno::Enomem => (system::CANNOT_FORK, 2),
            Errno::Eisdir => (system::describe(Errno::Eacces), NOT_EXECUTABLE),
            other => (system::describe(other), NOT_EXECUTABLE),
        };
        self.report(&format!("{name}: {message}"));
        Err(status)
    }

    /// A file that is executable but of no known format is a script for this shell.
    fn start_script(&mut self, name: &str, arguments: &[String]) -> Result<Child, i32> {
        let path = if name.contains('/') { Some(name.to_owned()) } else { self.find_program(name) };
        let Some(path) = path else { return Err(NOT_FOUND) };
        let mut all = vec!["sh".to_owned(), path];
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
        })
    }

    /// The file in `PATH` that a name without a slash stands for.
    pub fn find_program(&self, name: &str) -> Option<String> {
        let path = self.variable("PATH").unwrap_or_default();
        let candidates = path.split(':').map(|directory| match directory {
            "" => format!("./{name}"),
            _ => format!("{}/{name}", directory.trim_end_matches('/')),
        });
        candidates.into_iter().find(|candidate| {
            system::status(candidate)
                .is_ok_and(|status| status.file_type == FileType::RegularFile && status.mode & 0o111 != 0)
        })
    }

    /// Shows a command before it runs, under `set -x`: its assignments, which are done, and its words. Where to is none
    /// without that option.
    fn trace(&mut self, to: Option<Handle>, assignments: &[Assignment], words: &[String]) {
        let Some(handle) = to else { return };
        let assigned = assignments.iter().map(|assignment| {
            format!("{}={}", assignment.name, self.variable(&assignment.name).unwrap_or_default())
        });
        let text = assigned.chain(words.iter().cloned()).collect::<Vec<_>>().join(" ");
        let prefix = self.trace_prefix();
        // A lost trace is no reason to fail.
        let _ = handle.write(format!("{prefix}{text}\n").as_bytes());
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
