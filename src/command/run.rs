//! One command from its start to its end.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker, ready};

use wasmtime::component::ResourceTable;
use wasmtime::{Store, Trap};

use kernel::{ExitStatus, Process};

use super::ahead::Execution;
use super::guest::{Ended, Guest};

/// What a shell answers for a program that is there and cannot be run.
const CANNOT_RUN: u8 = 126;

/// Sees a program through until its code ends, it exits, it traps or a signal ends it. Everything it held is closed
/// then. While a signal has stopped it, it is run no further. Its memory, if it is still there, is left to the caller: to unmap it takes as long as a small program runs, and
/// nobody needs to wait for that.
pub(super) async fn run(mut execution: Execution, process: &Process) -> (ExitStatus, Option<Store<Guest>>) {
    // Dropping the execution unwinds the program wherever it is, which is why this is asked first: a loop without end
    // comes here at each end of its time slice.
    let outcome = poll_fn(|cx| {
        if let Poll::Ready(signal) = process.poll_killed(cx) {
            return Poll::Ready(Err(signal));
        }
        // Whatever it waits for may happen meanwhile: once it is continued it looks at all of it again.
        ready!(process.poll_runnable(cx));
        execution.as_mut().poll(cx).map(Ok)
    });
    let (result, mut store) = match outcome.await {
        Ok(ended) => ended,
        Err(signal) => return (ExitStatus::Signaled(signal), None),
    };
    let status = match (result, process.killed()) {
        // A signal that came while the program was in its last steps came first.
        (_, Some(signal)) => ExitStatus::Signaled(signal),
        (Ok(Ok(())), None) => ExitStatus::Exited(0),
        (Ok(Err(())), None) => ExitStatus::Exited(1),
        (Err(error), None) => match error.downcast_ref::<Ended>() {
            Some(Ended::Exit(code)) => ExitStatus::Exited(*code),
            Some(Ended::Killed) | None => ExitStatus::Exited(fail(process, &store, &error)),
        },
    };
    store.data_mut().table = ResourceTable::new();
    (status, Some(store))
}

/// Says on the program's standard error why it ended, and gives the code that a shell shows for such an end.
fn fail(process: &Process, store: &Store<Guest>, error: &wasmtime::Error) -> u8 {
    let Some(&trap) = error.downcast_ref::<Trap>() else {
        complain(process, &format!("{error:#}"));
        return CANNOT_RUN;
    };
    // A program whose allocator is refused ends itself with `unreachable`.
    if trap == Trap::UnreachableCodeReached && store.data().growth.refused {
        complain(process, "out of memory");
    } else {
        let what = trap.to_string();
        complain(process, what.strip_prefix("wasm trap: ").unwrap_or(&what));
    }
    code(trap)
}

/// 128 and the number of the signal that the like of it raises on Linux.
fn code(trap: Trap) -> u8 {
    const SIGABRT: u8 = 128 + 6;
    const SIGFPE: u8 = 128 + 8;
    const SIGSEGV: u8 = 128 + 11;
    match trap {
        Trap::StackOverflow
        | Trap::MemoryOutOfBounds
        | Trap::TableOutOfBounds
        | Trap::IndirectCallToNull
        | Trap::BadSignature
        | Trap::NullReference => SIGSEGV,
        Trap::IntegerOverflow | Trap::IntegerDivisionByZero | Trap::BadConversionToInteger => SIGFPE,
        _ => SIGABRT,
    }
}

/// Writes a line to the standard error of a program that ended. If nobody takes it at once it is lost.
pub(super) fn complain(process: &Process, what: &str) {
    let Ok(file) = process.fds().get(2) else { return };
    let name = process.argv().first().map_or("?", String::as_str);
    let line = format!("{name}: {what}\n");
    let mut rest = line.as_bytes();
    while let Poll::Ready(Ok(written @ 1..)) = file.poll_write(&mut Context::from_waker(Waker::noop()), rest)
    {
        rest = &rest[written.min(rest.len())..];
        if rest.is_empty() {
            return;
        }
    }
}

/// Refuses to run a program that could not be loaded.
pub(super) fn refuse(process: &Process, why: &str) -> ExitStatus {
    complain(process, why);
    ExitStatus::Exited(CANNOT_RUN)
}
