//! From a booted process to the VM that it is claimed for, and to its end.

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use command::Prepared;
use isolate::Isolate;
use protocol::broker::{FromWorker, ToWorker};
use protocol::enclosure::EnclosureReport;
use protocol::wire::{ErrorData, code};

use super::calls::Calls;
use super::channel::{self, Receiver};
use super::vm::{THREAD_STACK, VirtualMachine};
use super::{USAGE, end_now};

/// An enclosed process with an engine and no VM.
pub(super) struct Booted {
    pub(super) isolate: Isolate,
    /// The engine of commands, where it was started in advance.
    pub(super) commands: Option<Prepared>,
    pub(super) enclosure: EnclosureReport,
    /// Private writable memory that it has, in bytes.
    pub(super) memory: u64,
}

/// Waits for the claim and serves its VM.
pub(super) fn serve(booted: Booted) -> ExitCode {
    let Booted { mut isolate, commands, enclosure, memory } = booted;
    let Ok((sender, mut receiver)) = channel::open() else {
        eprintln!("cordon-worker: standard input is not a channel");
        return ExitCode::from(USAGE);
    };
    let sender = Arc::new(sender);
    let no_threads = || ErrorData::new(code::OUT_OF_MEMORY, "the host allows no more threads");
    let refused = |error: ErrorData| {
        sender.send(&FromWorker::Refused { error });
        ExitCode::FAILURE
    };
    let Ok(calls) = Calls::new() else { return refused(no_threads()) };
    let engine = isolate.report(wasmtime_environ::VERSION);
    sender.send(&FromWorker::Ready { engine: engine.clone(), enclosure });
    // Threads are started while nobody waits for this worker: now, or, if it is claimed already, once that is answered.
    let mut reader = None;
    if !receiver.has_something_within(Duration::ZERO) {
        let Ok(started) = start_threads(&calls) else { return refused(no_threads()) };
        reader = Some(started);
        isolate.warm();
    }
    // The supervisor that let a warm worker go is no error.
    let Some(ToWorker::Claim(claim)) = receiver.next() else { return ExitCode::SUCCESS };
    let made =
        VirtualMachine::new(&mut isolate, commands, *claim, memory, engine, sender.clone(), calls.clone());
    let vm = match made {
        Ok(vm) => vm,
        Err(error) => return refused(error),
    };
    sender.send(&FromWorker::Claimed {});
    let is_fresh = reader.is_none();
    let Ok(reader) = reader.map_or_else(|| start_threads(&calls), Ok) else {
        sender.send(&FromWorker::Dying { error: no_threads() });
        return ExitCode::FAILURE;
    };
    if reader.send((vm, receiver)).is_err() {
        return ExitCode::FAILURE;
    }
    if is_fresh {
        // The first request is on its way at best.
        isolate.warm();
    }
    isolate.serve();
    ExitCode::SUCCESS
}

/// Starts all threads that a VM needs from its start.
fn start_threads(calls: &Calls) -> io::Result<Reader> {
    let reader = start_reader()?;
    calls.start_threads()?;
    Ok(reader)
}

/// What the thread `io` is given its VM and channel by.
type Reader = mpsc::SyncSender<(Arc<VirtualMachine>, Receiver)>;

/// Starts the thread `io`, which reads the channel for a VM as soon as it is given both.
fn start_reader() -> io::Result<Reader> {
    let (give, given) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("io".to_owned()).stack_size(THREAD_STACK).spawn(move || {
        let Ok((vm, receiver)): Result<(Arc<VirtualMachine>, Receiver), _> = given.recv() else { return };
        vm.read(receiver);
        // The supervisor is gone, or this VM is no longer wanted; whatever runs ends here.
        end_now(0);
    })?;
    Ok(give)
}
