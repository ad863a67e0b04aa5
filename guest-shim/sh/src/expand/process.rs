//! Process substitution: a command that runs beside the one that gets the path of a pipe to or from it.

use crate::{
    bash::Substituted,
    state::{Flow, MAX_DESCRIPTOR, Shell},
    syntax::tree::List,
    system,
};

/// Where bash begins to count down.
const FIRST_DESCRIPTOR: u32 = 63;

impl Shell {
    /// Starts `list` with one end of a pipe, and keeps the other at a descriptor. Its path; it is open until the command
    /// that it is a word of has ended, when descriptors are what they were before.
    pub(super) fn substitute_process(&mut self, writes: bool, list: &List) -> Result<String, Flow> {
        let failed = |shell: &Shell, message: &str| {
            shell.report(&format!("process substitution: {message}"));
            Flow::Error
        };
        let number = (10..=FIRST_DESCRIPTOR)
            .rev()
            .chain(FIRST_DESCRIPTOR + 1..MAX_DESCRIPTOR)
            .find(|number| self.descriptors.get(*number).is_err())
            .ok_or_else(|| failed(self, "too many open files"))?;
        let (read, write) = system::pipe().map_err(|errno| failed(self, system::describe(errno)))?;
        let (own, other) = if writes { (write, read) } else { (read, write) };
        let mut inner = self.clone();
        inner.enter_subshell();
        // Numbers 0 and 1 are always in range.
        let _ = inner.descriptors.set(u32::from(!writes), Some(other));
        let child = inner.start_instance(list).ok_or(Flow::Error)?;
        self.last_background = Some(child.id);
        self.extras.substituted.push(Substituted { child: std::rc::Rc::new(child), number, reads: writes });
        self.descriptors.set(number, Some(own)).map_err(|errno| failed(self, system::describe(errno)))?;
        Ok(format!("/dev/fd/{number}"))
    }
}
