//! Subshells and command substitution, run in this process on a copy of the execution environment. What belongs to the
//! process and not to the environment (current directory, umask, what it wants of signals) is put back afterwards.

use crate::{
    bytes,
    state::{Condition, Flow, Outcome, Shell},
    syntax::{
        dialect::{self, Dialect},
        tree::{Command, List, Redirect, RedirectKind},
    },
    system::{self, Whence},
};

impl Shell {
    /// Runs in a copy of this environment; the exit status.
    pub fn in_subshell(
        &mut self,
        prepare: impl FnOnce(&mut Shell),
        run: impl FnOnce(&mut Shell) -> Outcome,
    ) -> i32 {
        let mut inner = self.clone();
        inner.enter_subshell();
        prepare(&mut inner);
        self.run_inner(inner, run)
    }

    /// A copy of this environment for a process of its own.
    pub fn as_subshell(&self) -> Shell {
        let mut inner = self.clone();
        inner.enter_subshell();
        inner
    }

    /// Runs in `inner`, a copy of this environment that is a subshell already.
    pub fn run_inner(&self, mut inner: Shell, run: impl FnOnce(&mut Shell) -> Outcome) -> i32 {
        let outcome = run(&mut inner);
        let status = inner.finish(outcome);
        inner.leave_subshell(self);
        self.stop_if_stopped();
        status
    }

    /// What changes for an environment that begins as a copy.
    pub fn enter_subshell(&mut self) {
        self.enclose_traps();
        self.extras.subshells += 1;
        self.extras.substituted.clear();
        if self.dialect == Dialect::Bash && !self.extras.inherit_errexit && self.in_substitution {
            self.options.errexit = false;
        }
        if !self.in_substitution {
            self.leave_coprocesses();
        }
        let jobs = std::mem::take(&mut self.jobs);
        let is_part = self.dialect == Dialect::Bash && self.in_substitution;
        self.extras.jobs_around = if is_part { jobs } else { Vec::new() };
        self.original_directory = None;
        self.original_umask = None;
    }

    fn leave_subshell(self, outer: &Shell) {
        if let Some(directory) = &self.original_directory
            // Empty, or gone meanwhile: it was removed.
            && system::set_current_directory(directory).is_err()
            && let Err(errno) = system::enter_removed_directory()
        {
            outer.report(&format!("cannot go back to the directory before: {}", system::describe(errno)));
        }
        if let Some(mask) = self.original_umask {
            system::set_umask(mask);
        }
        self.restore_traps(outer);
    }

    /// The exit status of an environment that ends, after its EXIT trap.
    pub fn finish(&mut self, outcome: Outcome) -> i32 {
        self.status = match outcome {
            Ok(status) => status,
            Err(flow) => self.status_of(flow),
        };
        let Some(position) = self.traps.iter().position(|(condition, _)| *condition == Condition::Exit)
        else {
            return self.status;
        };
        let (_, action) = self.traps.remove(position);
        let status = self.status;
        // The trap runs whatever ended the shell, `set -e` included.
        self.depth = 0;
        self.status_before_trap = Some(status);
        match self.run_text(&action, 1) {
            Err(flow @ (Flow::Exit(_) | Flow::Error | Flow::Interrupt)) => self.status_of(flow),
            _ => status,
        }
    }

    /// What the commands write to standard output, without the newlines at its end.
    pub fn substitute(&mut self, list: &List) -> Result<String, Flow> {
        let failed = |shell: &Shell, errno| {
            shell.report(&format!("command substitution: {}", system::describe(errno)));
            Flow::Error
        };
        if let Some(redirect) = only_reads(list) {
            return self.contents(redirect);
        }
        let file = system::memory_file().map_err(|errno| failed(self, errno))?;
        self.in_substitution = true;
        let prepare = |inner: &mut Shell| {
            inner.in_substitution = false;
            // What it runs is a part of this shell's own group.
            inner.control = None;
            // Number 1 is always in range.
            let _ = inner.descriptors.set(1, Some(file.clone()));
        };
        let status = if dialect::are_processes_told_apart() {
            let mut inner = self.as_subshell();
            prepare(&mut inner);
            inner.start_instance(list).map_or(self.error_status(), |child| child.wait())
        } else {
            self.in_subshell(prepare, |inner| {
                // What surrounds it, quotes and other expansions, needs stack too.
                let outcome = inner.nested(|inner| inner.nested(|inner| inner.run_list(list)));
                // The output is complete when everybody who can write it has ended.
                for job in inner.jobs.iter().filter(|job| job.writes_to(&file)) {
                    job.wait(|| false);
                }
                outcome
            })
        };
        self.in_substitution = false;
        self.status = status;
        self.substitution_status = Some(status);
        let output = file.seek(0, Whence::Start).and_then(|_| system::read_to_end(&file));
        let output = output.map_err(|errno| failed(self, errno))?;
        let mut text = bytes::decode(output);
        tidy(&mut text);
        Ok(text)
    }

    /// `$(<file)`: what is in the file, without running anything.
    fn contents(&mut self, redirect: &Redirect) -> Result<String, Flow> {
        let path = self.expand_text(&redirect.target)?;
        let (mut text, status) = match self.read_file(&path) {
            Ok(bytes) => (bytes::decode(bytes), 0),
            Err(errno) => {
                self.report(&format!("{path}: {}", system::describe(errno)));
                (String::new(), 1)
            }
        };
        (self.status, self.substitution_status) = (status, Some(status));
        tidy(&mut text);
        Ok(text)
    }
}

/// Takes away what a substitution does not keep.
fn tidy(text: &mut String) {
    text.truncate(text.trim_end_matches('\n').len());
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
}

/// The one redirection that a list consists of, if it is one to read a file.
fn only_reads(list: &List) -> Option<&Redirect> {
    let [item] = list.0.as_slice() else { return None };
    let ([Command::Simple(simple)], [], false) =
        (item.and_or.first.stages.as_slice(), item.and_or.rest.as_slice(), item.background)
    else {
        return None;
    };
    match simple.redirects.as_slice() {
        [redirect @ Redirect { kind: RedirectKind::Read, number: None | Some(0), variable: None, .. }]
            if simple.words.is_empty() && simple.assignments.is_empty() =>
        {
            Some(redirect)
        }
        _ => None,
    }
}
