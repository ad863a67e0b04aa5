//! Background jobs.

use std::{cell::Cell, rc::Rc};

use crate::{
    state::{Condition, ERROR_STATUS, Outcome, Shell},
    syntax::tree::{AndOr, Item, List, Pipeline},
    system::{Child, Handle, Signal},
};

/// Programs that were started together and that nobody waits for yet.
pub struct Job {
    pub number: u32,
    children: Vec<Child>,
    /// The status of the last child, once known.
    status: Cell<Option<i32>>,
    /// The open files it was started with, by identity only: a job must not keep a pipe open.
    files: Vec<usize>,
    pub command: String,
}

fn identity(handle: &Handle) -> usize {
    Rc::as_ptr(handle) as usize
}

impl Job {
    /// `$!` of it.
    pub fn id(&self) -> u32 {
        self.children.last().map_or(0, |child| child.id)
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
        if self.status.get().is_none()
            && let Some(last) = self.children.last()
        {
            self.status.set(last.try_wait());
        }
        self.status.get()
    }

    pub fn writes_to(&self, handle: &Handle) -> bool {
        self.files.contains(&identity(handle))
    }
}

/// A shell remembers at most this many jobs that have ended without being waited for.
const MAX_ENDED_JOBS: usize = 100;

impl Shell {
    /// Starts a list that nobody waits for.
    pub fn run_background(&mut self, list: &AndOr) -> Outcome {
        let mut inner = self.clone();
        inner.enter_subshell();
        // What comes from a terminal is for what runs in front.
        for signal in [Signal::Interrupt, Signal::Quit] {
            inner.traps.retain(|(condition, _)| *condition != Condition::Signal(signal));
            inner.traps.push((Condition::Signal(signal), String::new()));
        }
        inner.traps.sort_by_key(|(condition, _)| condition.number());
        let null = crate::system::open("/dev/null", crate::system::OpenFlags::READ).ok();
        // Number 0 is always in range.
        let _ = inner.descriptors.set(0, null);
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
        let files = inner.descriptors.all().iter().map(|(_, handle)| identity(handle)).collect();
        self.forget_ended_jobs();
        let number = self.jobs.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        let job = Job { number, children, status: Cell::new(None), files, command: inner.description(list) };
        self.last_background = Some(job.id());
        self.jobs.push(Rc::new(job));
        Ok(status)
    }

    fn forget_ended_jobs(&mut self) {
        if self.jobs.len() >= MAX_ENDED_JOBS {
            self.jobs.retain(|job| job.poll().is_none());
        }
    }

    /// What `jobs` shows: the words of the first command as far as they are plain.
    fn description(&self, list: &AndOr) -> String {
        use crate::syntax::tree::{Command, Piece};
        let Some(Command::Simple(simple)) = list.first.stages.first() else {
            return "(compound command)".to_owned();
        };
        let words = simple.words.iter().map(|word| match word.0.as_slice() {
            [Piece::Text(text) | Piece::Quoted(text)] => text.as_str(),
            _ => "...",
        });
        words.collect::<Vec<_>>().join(" ")
    }
}
