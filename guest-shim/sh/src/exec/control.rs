//! Job control (POSIX.1-2024 XCU 2.11): each pipeline of a shell that sits at a terminal is a process group, which has the
//! terminal while it runs in front. Owns who has the terminal; what a job is, is in `jobs`.

use std::{cell::RefCell, rc::Rc};

use crate::{
    exec::jobs::Job,
    state::{Flow, Shell},
    system::{
        self, Attributes, Child, Group, Handle,
        signals::{self, Disposition, Signal},
    },
};

/// Signals that a shell at a terminal does not end or stop by, and that its jobs do.
pub const NOT_FOR_THE_SHELL: [Signal; 5] =
    [Signal::Quit, Signal::Terminate, Signal::TerminalStop, Signal::TerminalInput, Signal::TerminalOutput];

/// What a shell has that sits at a terminal.
pub struct Control {
    terminal: Handle,
    group: u32,
    /// The terminal's modes while the shell itself has it.
    attributes: RefCell<Option<Attributes>>,
}

impl Control {
    /// Gives the terminal to a job. What refuses that is a terminal that has gone, which the job will see.
    fn give(&self, group: u32) {
        let _ = system::set_foreground(&self.terminal, group);
    }

    /// Takes it back. A job that was stopped, or that a signal has ended, leaves modes that are not meant for the shell.
    fn take_back(&self, keeps_modes: bool) {
        let _ = system::set_foreground(&self.terminal, self.group);
        let mut attributes = self.attributes.borrow_mut();
        if keeps_modes {
            *attributes = system::attributes(&self.terminal);
        } else if let Some(attributes) = &*attributes {
            let _ = system::set_attributes(&self.terminal, attributes);
        }
    }
}

impl Shell {
    /// Takes the terminal, unless it has none that controls it: then there is no job control.
    pub fn take_control(&mut self, terminal: Handle) {
        for signal in NOT_FOR_THE_SHELL {
            signals::set_disposition(signal, Disposition::Ignore);
        }
        signals::set_disposition(Signal::Interrupt, Disposition::Handle);
        // It leads a group of its own already where it leads its session.
        let _ = system::lead_group();
        let group = system::own_group();
        if system::set_foreground(&terminal, group).is_err() {
            return;
        }
        let attributes = RefCell::new(system::attributes(&terminal));
        self.control = Some(Rc::new(Control { terminal, group, attributes }));
    }

    /// The group that a program starts in.
    pub fn group_to_start_in(&self) -> Group<'_> {
        let Some(control) = &self.control else { return Group::Inherit };
        let foreground = (!self.starts_in_background).then_some(&control.terminal);
        match self.job_group {
            None => Group::New(foreground),
            Some(group) => Group::Join(group, foreground),
        }
    }

    /// The signals that a program does not ignore though the shell does.
    pub fn signals_for_jobs(&self) -> Vec<Signal> {
        if self.control.is_none() {
            return Vec::new();
        }
        let ignored = self.ignored_signals();
        let all = NOT_FOR_THE_SHELL.into_iter().chain([Signal::Interrupt]);
        all.filter(|signal| !ignored.contains(signal)).collect()
    }

    /// Waits for the programs of a pipeline in front. Their statuses, or where they were stopped, which makes them a job,
    /// that of the signal.
    pub fn wait_in_front(
        &mut self,
        children: Vec<Child>,
        text: impl FnOnce() -> String,
    ) -> Result<Vec<i32>, Flow> {
        let Some(control) = self.control.clone() else {
            return Ok(children.iter().map(Child::wait).collect());
        };
        let job = Rc::new(Job::in_front(children, text()));
        match self.follow(&control, &job)? {
            Ok(statuses) => Ok(statuses),
            Err(signal) => {
                let job = self.keep_job(job);
                self.tell_of_stop(&job);
                Ok(vec![128 + signals::number(signal)])
            }
        }
    }

    /// Waits for a job that has the terminal, and takes that back: its statuses, or the signal that has stopped it.
    fn follow(&self, control: &Control, job: &Job) -> Result<Result<Vec<i32>, Signal>, Flow> {
        let waited = job.wait_or_stop();
        control.take_back(waited.is_ok() && !job.was_signaled());
        if waited.is_ok() && job.was_interrupted() {
            self.show("\n");
            return Err(Flow::Interrupt);
        }
        Ok(waited)
    }

    fn tell_of_stop(&self, job: &Job) {
        self.show(&format!("\n[{}]+  Stopped                 {}\n", job.number, job.command));
    }

    /// Goes on with a job in front; its status.
    pub fn continue_in_front(&mut self, job: &Rc<Job>) -> Result<i32, Flow> {
        let Some(control) = self.control.clone() else { return Ok(1) };
        let Some(group) = job.group() else { return Ok(1) };
        control.give(group);
        self.continue_behind(job);
        let followed = self.follow(&control, job);
        if !matches!(followed, Ok(Err(_))) {
            self.jobs.retain(|known| !Rc::ptr_eq(known, job));
        }
        match followed? {
            Ok(statuses) => Ok(statuses.last().copied().unwrap_or(0)),
            Err(signal) => {
                self.tell_of_stop(job);
                Ok(128 + signals::number(signal))
            }
        }
    }

    /// Goes on with a job in the background.
    pub fn continue_behind(&mut self, job: &Job) {
        if let Some(group) = job.group() {
            job.go_on();
            let _ = system::kill_group(group, Signal::Continue);
        }
    }

    /// Tells of jobs that have ended since the last prompt, and forgets them.
    pub fn tell_of_jobs(&mut self) {
        let ended: Vec<Rc<Job>> = self.jobs.iter().filter(|job| job.poll().is_some()).cloned().collect();
        for job in ended {
            let state = match job.poll() {
                None | Some(0) => "Done".to_owned(),
                Some(status) => format!("Exit {status}"),
            };
            self.show(&format!("[{}]+  {state:<24}{}\n", job.number, job.command));
            self.jobs.retain(|known| !Rc::ptr_eq(known, &job));
        }
    }

    /// Writes for whoever sits at the terminal.
    pub fn show(&self, text: &str) {
        if let Ok(handle) = self.descriptors.get(2) {
            // Nobody is left to see it otherwise.
            let _ = handle.write_text(text);
        }
    }
}
