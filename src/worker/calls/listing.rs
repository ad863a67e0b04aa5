//! The list of a VM's processes, as clients get it.

use kernel::{Kernel, Process};
use protocol::wire::{PROCESS_ARGUMENT_BYTES, ProcessState, ProcessStatus};

use super::SYSTEM;

/// Every process of the VM, by id.
pub(super) fn processes(kernel: &Kernel) -> Vec<ProcessStatus> {
    let all = kernel.processes();
    // What a call that is over has left behind was killed with it, and only has not noticed yet.
    let is_listed = |process: &Process| process.pid() != SYSTEM && !process.scope().has_ended();
    all.iter().filter(|process| is_listed(process)).map(|process| status(process)).collect()
}

fn status(process: &Process) -> ProcessStatus {
    let state = if process.exit_status().is_some() {
        ProcessState::Zombie
    } else if process.stopped().is_some() {
        ProcessState::Stopped
    } else {
        ProcessState::Running
    };
    ProcessStatus {
        pid: process.pid(),
        parent: process.ppid(),
        state,
        arguments: within(process.argv(), PROCESS_ARGUMENT_BYTES),
    }
}

/// As many of the arguments as so many bytes hold, the last of them cut off.
fn within(arguments: &[String], bytes: usize) -> Vec<String> {
    let mut left = bytes;
    let mut kept = Vec::new();
    for argument in arguments {
        // One byte for each, so that empty ones have an end as well.
        if left == 0 {
            break;
        }
        let mut end = argument.len().min(left - 1);
        while !argument.is_char_boundary(end) {
            end -= 1;
        }
        kept.push(argument.get(..end).unwrap_or_default().to_owned());
        left -= end + 1;
        if end < argument.len() {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_cut_off_between_characters() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(within(&texts(&["sh", "-c", "true"]), 100), texts(&["sh", "-c", "true"]));
        assert_eq!(within(&texts(&["sh", "äääää", "x"]), 8), texts(&["sh", "ää"]));
        assert_eq!(within(&texts(&["", "", "", ""]), 3).len(), 3);
        assert!(within(&texts(&["sh"]), 0).is_empty());
    }
}
