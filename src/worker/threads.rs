//! The threads of a worker: their names, their stacks, and how many there may be.
//!
//! Beside these there are `main`, which is the process's own, and V8's helper and the threads of further isolates, whose
//! stacks `isolate` decides. No thread has
//! a filter of its own: they share all memory, so whoever runs native code in one has the others' stacks and returns
//! where it likes in them. What all may call together is the filter of the process.

use std::io;
use std::thread::{Builder, Thread};

use protocol::broker::HOST_FS_CALLS_MAX;
use tokio::runtime::Runtime;

/// Threads of one worker at most, as the kernel counts them: `main`, the five below, those of commands that wait for the
/// host, those of further isolates, V8's, and room for some that end while the next begin.
pub(super) const THREADS_MAX: u64 = 16 + (HOST_FS_CALLS_MAX + isolate::THREADS_MAX) as u64;

const KIB: usize = 1024;

/// A thread that a worker starts. None of these runs guest code on its own stack: JavaScript is `main`'s and the further
/// isolates', and each command has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Reads the broker channel.
    Io,
    /// Performs what clients ask for and may wait for files.
    Calls,
    /// Polls all commands, and waits for the host in the middle of one.
    Commands,
    /// Ends the time slices of commands.
    Ticks,
    /// Waits for connections beyond the VM.
    Network,
}

impl Name {
    /// As the system shows it.
    fn text(self) -> &'static str {
        match self {
            Name::Io => "io",
            Name::Calls => "calls",
            Name::Commands => "commands",
            Name::Ticks => "ticks",
            Name::Network => "network",
        }
    }

    /// In bytes. It counts as memory of the VM where it was touched.
    fn stack(self) -> usize {
        match self {
            Name::Io | Name::Calls => 256 * KIB,
            Name::Commands => 512 * KIB,
            // It does next to nothing.
            Name::Ticks | Name::Network => 64 * KIB,
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

/// The threads of the command runtime.
pub(super) const OF_COMMANDS: command::Threads =
    command::Threads { commands, ticks: |work| start(Name::Ticks, work) };

/// One thread at a time polls commands. As many as may ask for directories of the host can wait for an answer meanwhile,
/// each in the middle of one command's call.
fn commands() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(HOST_FS_CALLS_MAX)
        .thread_name(Name::Commands.text())
        .thread_stack_size(Name::Commands.stack())
        .enable_time()
        .build()
}
