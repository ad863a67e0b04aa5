//! Background jobs.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use crate::{
    state::{Condition, ERROR_STATUS, Outcome, Shell},
    syntax::tree::{AndOr, Command, Item, List, Piece, Pipeline},
    system::{self, Change, Child, Handle, Signal},
};

/// The status of a child that has ended, and the signal where one ended it.
type End = (i32, Option<Signal>);

/// Programs that were started together and that nobody waits for yet.
pub struct Job {
    pub number: u32,
    children: Vec<Child>,
    /// The status of the last child, once known.
    status: Cell<Option<i32>>,
    /// The open files it was started with, by identity only: a job must not keep a pipe open.
    files: Vec<usize>,
    pub command: String,
    /// It is a process group, which its first process leads.
    is_group: bool,
    stopped: Cell<bool>,
    /// What has become of each child.
    ends: RefCell<Vec<Option<End>>>,
}

fn identity(handle: &Handle) -> usize {
    Rc::as_ptr(handle) as usize
}

impl Job {
    /// `$!` of it.
    pub fn id(&self) -> u32 {
        self.children.last().map_or(0, |child| child.id)
    }

    /// Programs that were started in front.
    pub fn in_front(children: Vec<Child>, command: String) -> Job {
        let ends = RefCell::new(children.iter().map(|_| None).collect());
        Job {
            number: 0,
            children,
            status: Cell::new(None),
            files: Vec::new(),
            command,
            is_group: true,
            stopped: Cell::new(false),
            ends,
        }
    }

    /// Its process group, where it is one.
    pub fn group(&self) -> Option<u32> {
        self.children.first().filter(|_| self.is_group).map(|child| child.id)
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// It was told to go on.
    pub fn go_on(&self) {
        self.stopped.set(false);
    }

    /// Whether a signal has ended one of its processes.
    pub fn was_signaled(&self) -> bool {
        self.ends.borrow().iter().flatten().any(|(_, signal)| signal.is_some())
    }

    /// Whether the signal of Ctrl-C has.
    pub fn was_interrupted(&self) -> bool {
        self.ends.borrow().iter().flatten().any(|(_, signal)| *signal == Some(Signal::Interrupt))
    }

    /// Waits until all have ended, or one was stopped: their statuses, or the signal.
    pub fn wait_or_stop(&self) -> Result<Vec<i32>, Signal> {
        for (index, child) in self.children.iter().enumerate() {
            while self.ends.borrow().get(index).is_some_and(Option::is_none) {
                match child.wait_change() {
                    Some(Change::Ended(status, signal)) => {
                        if let Some(end) = self.ends.borrow_mut().get_mut(index) {
                            *end = Some((status, signal));
                        }
                    }
                    Some(Change::Stopped(signal)) => {
                        self.stopped.set(true);
                        return Err(signal);
                    }
                    // A signal for the shell; the job has the terminal.
                    None => {}
                }
            }
        }
        let statuses: Vec<i32> = self.ends.borrow().iter().flatten().map(|(status, _)| *status).collect();
        self.status.set(statuses.last().copied());
        Ok(statuses)
    }

    pub fn has_process(&self, id: u32) -> bool {
        self.children.iter().any(|child| child.id == id)
    }

    pub fn process_ids(&self) -> impl Iterator<Item = u32> {
        self.children.iter().map(|child| child.id)
    }

    /// Waits for its end; none when `interrupted` says so after a signal was caught.
    pub fn wait(&self, interrupted: impl Fn() -> bool) -> Option<i32> {
        let mut status = self.status.get();
        if self.is_group {
            while self.poll().is_none() && !interrupted() {
                system::pause(WAIT_STEP);
            }
            return self.status.get();
        }
        for child in self.children.iter().filter(|_| self.status.get().is_none()) {
            status = child.try_wait();
            while status.is_none() && !interrupted() {
                status = child.wait_or_catch();
            }
            status?;
        }
        self.status.set(status.or(Some(0)));
        self.status.get()
    }

    /// Its status if it has ended.
    pub fn poll(&self) -> Option<i32> {
        if self.status.get().is_some() {
            return self.status.get();
        }
        if !self.is_group {
            if let Some(last) = self.children.last() {
                self.status.set(last.try_wait());
            }
            return self.status.get();
        }
        let mut ends = self.ends.borrow_mut();
        for (child, end) in self.children.iter().zip(ends.iter_mut()).filter(|(_, end)| end.is_none()) {
            match child.try_change() {
                Some(Change::Ended(status, signal)) => *end = Some((status, signal)),
                Some(Change::Stopped(_)) => self.stopped.set(true),
                None => {}
            }
        }
        if ends.iter().all(Option::is_some) {
            self.status.set(ends.last().copied().flatten().map(|(status, _)| status));
        }
        self.status.get()
    }

    pub fn writes_to(&self, handle: &Handle) -> bool {
        self.files.contains(&identity(handle))
    }
}

/// How long it takes at most until `wait` sees that a process group has ended.
const WAIT_STEP: Duration = Duration::from_millis(2);

/// A shell remembers at most this many jobs that have ended without being waited for.
const MAX_ENDED_JOBS: usize = 100;

impl Shell {
    /// Starts a list that nobody waits for.
    pub fn run_background(&mut self, list: &AndOr) -> Outcome {
        let mut inner = self.background_environment();
        let (children, wanted) = match (&list.first, list.rest.as_slice()) {
            (Pipeline { negated: false, timed: false, stages }, []) => {
                (inner.start_stages(stages), stages.len())
            }
            _ => {
                let item = Item { and_or: list.clone(), background: false };
                (inner.start_instance(&List(vec![item])).into_iter().collect(), 1)
            }
        };
        // Why not was reported.
        let status = if children.len() < wanted { ERROR_STATUS } else { 0 };
        if children.is_empty() {
            return Ok(status);
        }
        self.keep_background(children, description(&list.first.stages), &inner);
        Ok(status)
    }

    /// The copy of this environment that a list begins with which nobody waits for.
    pub fn background_environment(&self) -> Shell {
        let mut inner = self.clone();
        inner.enter_subshell();
        // What comes from a terminal is for what runs in front.
        inner.starts_in_background = true;
        for signal in [Signal::Interrupt, Signal::Quit].into_iter().filter(|_| self.control.is_none()) {
            inner.traps.retain(|(condition, _)| *condition != Condition::Signal(signal));
            inner.traps.push((Condition::Signal(signal), String::new()));
        }
        inner.traps.sort_by_key(|(condition, _)| condition.number());
        if self.control.is_none() {
            let null = crate::system::open("/dev/null", crate::system::OpenFlags::READ).ok();
            // Number 0 is always in range.
            let _ = inner.descriptors.set(0, null);
        }
        inner
    }

    /// Makes a job of processes that nobody waits for, which were started in `inner`.
    pub fn keep_background(&mut self, children: Vec<Child>, command: String, inner: &Shell) -> Rc<Job> {
        let files = inner.descriptors.all().iter().map(|(_, handle)| identity(handle)).collect();
        let mut job = Job::in_front(children, command);
        (job.files, job.is_group) = (files, self.control.is_some());
        let job = self.keep_job(Rc::new(job));
        self.last_background = Some(job.id());
        if self.control.is_some() {
            self.show(&format!("[{}] {}\n", job.number, job.id()));
        }
        job
    }

    /// Gives a job its number.
    pub fn keep_job(&mut self, job: Rc<Job>) -> Rc<Job> {
        self.forget_ended_jobs();
        let number = self.jobs.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        let job = match Rc::try_unwrap(job) {
            Ok(job) => Rc::new(Job { number, ..job }),
            Err(shared) => shared,
        };
        self.jobs.push(job.clone());
        job
    }

    fn forget_ended_jobs(&mut self) {
        if self.jobs.len() >= MAX_ENDED_JOBS {
            self.jobs.retain(|job| job.poll().is_none());
        }
    }
}

/// What `jobs` shows: the words of the commands as far as they are plain.
pub fn description(stages: &[Command]) -> String {
    let described = stages.iter().map(|stage| {
        let Command::Simple(simple) = stage else { return "(compound command)".to_owned() };
        let words = simple.words.iter().map(|word| match word.0.as_slice() {
            [Piece::Text(text) | Piece::Quoted(text)] => text.as_str(),
            _ => "...",
        });
        words.collect::<Vec<_>>().join(" ")
    });
    described.collect::<Vec<_>>().join(" | ")
}
