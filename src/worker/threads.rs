//! The threads of a worker: their names, their stacks, and how many there may be.
//!
//! Beside these there are `main`, which is the process's own, and V8's helper, whose stack `isolate` decides. No thread has
//! a filter of its own: they share all memory, so whoever runs native code in one has the others' stacks and returns
//! where it likes in them. What all may call together is the filter of the process.

use std::io;
use std::thread::{Builder, Thread};

/// Threads of one worker at most, as the kernel counts them: `main`, the four below, V8's, and room for one that ends
/// while the next begins.
pub(super) const THREADS_MAX: u64 = 24;

const KIB: usize = 1024;

/// A thread that a worker starts. None runs guest code on its own stack: JavaScript is `main`'s, and each command has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Reads the broker channel.
    Io,
    /// Performs what clients ask for and may wait for files.
    Calls,
    /// Polls all commands.
    Commands,
    /// Ends the time slices of commands.
    Ticks,
}

impl Name {
    /// As the system shows it.
    fn text(self) -> &'static str {
        match self {
            Name::Io => "io",
            Name::Calls => "calls",
            Name::Commands => "commands",
            Name::Ticks => "ticks",
        }
    }

    /// In bytes. It counts as memory of the VM where it was touched.
    fn stack(self) -> usize {
        match self {
            Name::Io | Name::Calls => 256 * KIB,
            Name::Commands => 512 * KIB,
            // It does next to nothing.
            Name::Ticks => 64 * KIB,
        }
    }
}

/// Starts a thread, which nobody waits for.
///
/// # Errors
/// The host allows no more.
pub(super) fn start(name: Name, run: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let thread = Builder::new().name(name.text().to_owned()).stack_size(name.stack()).spawn(run)?;
    Ok(thread.thread().clone())
}

/// Starts a thread of the command runtime.
///
/// # Errors
/// As [`start`].
pub(super) fn start_for_commands(which: command::Thread, run: command::ThreadWork) -> io::Result<Thread> {
    let name = match which {
        command::Thread::Commands => Name::Commands,
        command::Thread::Ticks => Name::Ticks,
    };
    start(name, run)
}
