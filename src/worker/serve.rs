//! From a booted process to the VM that it is claimed for, and to its end.

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use command::Prepared;
use isolate::Isolate;
use protocol::broker::{FromWorker, ToWorker};
use protocol::enclosure::EnclosureReport;
use protocol::wire::{ErrorData, code, encode_frame};

use super::calls::Calls;
use super::channel::{Receiver, Sender};
use super::vm::{Engine, Ground, Inbox, VirtualMachine};
use super::{end_now, threads};

/// A process with an engine and no VM.
pub(super) struct Booted {
    pub(super) isolate: Isolate,
    pub(super) ground: Ground,
    pub(super) calls: Arc<Calls>,
    /// The message that it is ready, as it is sent.
    pub(super) ready: Vec<u8>,
}

impl Booted {
    /// Of an isolate that is ready in a process that is enclosed, or will be before it is served.
    pub(super) fn new(
        isolate: Isolate,
        commands: Option<Prepared>,
        enclosure: EnclosureReport,
    ) -> io::Result<Booted> {
        let engine = Engine::of(&isolate)?;
        let ready = FromWorker::Ready { engine: engine.report.clone(), enclosure };
        let ready = encode_frame(&ready).map_err(io::Error::other)?;
        let ground = Ground { commands, layout: command::lay_out(), engine, memory: 0 };
        Ok(Booted { isolate, ground, calls: Calls::new()?, ready })
    }

    /// Says that it is ready, waits for the claim and serves its VM.
    pub(super) fn serve(self, (sender, mut receiver): (Sender, Receiver)) -> ExitCode {
        let Booted { mut isolate, ground, calls, ready } = self;
        let sender = Arc::new(sender);
        sender.send_frame(&ready);
        let refused = |error: ErrorData| {
            sender.send(&FromWorker::Refused { error });
            ExitCode::FAILURE
        };
        // What can be done while nobody waits for this worker is done now; if it is claimed already, afterwards.
        let mut reader = None;
        if !receiver.has_something() {
            let Ok(started) = start_reader(&calls) else { return refused(no_threads()) };
            reader = Some(started);
            isolate.warm();
        }
        // The supervisor that let a warm worker go is no error.
        let Some(ToWorker::Claim(claim)) = receiver.next() else { return ExitCode::SUCCESS };
        let made = VirtualMachine::new(&mut isolate, ground, *claim, sender.clone(), calls.clone());
        let vm = match made {
            Ok(vm) => vm,
            Err(error) => return refused(error),
        };
        sender.send(&FromWorker::Claimed {});
        let Ok(reader) = reader.map_or_else(|| start_reader(&calls), Ok) else {
            sender.send(&FromWorker::Dying { error: no_threads() });
            return ExitCode::FAILURE;
        };
        // Until a VM has been asked for something nothing happens in it, so this thread waits for that itself: its
        // first request does not have to wake one thread that then wakes this one.
        let mut inbox = Inbox::new(receiver);
        let Some(first) = inbox.next(&vm) else { return ExitCode::SUCCESS };
        vm.hand_out(first, &mut inbox);
        if reader.send((vm, inbox)).is_err() {
            return ExitCode::FAILURE;
        }
        isolate.serve();
        ExitCode::SUCCESS
    }
}

/// What the thread `io` is given its VM and what that is sent by.
type Reader = mpsc::SyncSender<(Arc<VirtualMachine>, Inbox)>;

/// Starts the thread `io`, which starts the thread `calls`, and reads the channel for a VM as soon as it is given both.
fn start_reader(calls: &Arc<Calls>) -> io::Result<Reader> {
    let (give, given) = mpsc::sync_channel(1);
    let calls = calls.clone();
    threads::start(threads::Name::Io, move || {
        let started = calls.start_thread();
        let Ok((vm, inbox)): Result<(Arc<VirtualMachine>, Inbox), _> = given.recv() else { return };
        match started {
            Ok(()) => vm.read(inbox),
            Err(_) => vm.sender.send(&FromWorker::Dying { error: no_threads() }),
        }
        // The supervisor is gone, or this VM is no longer wanted; whatever runs ends here.
        end_now(0);
    })?;
    Ok(give)
}

fn no_threads() -> ErrorData {
    ErrorData::new(code::OUT_OF_MEMORY, "the host allows no more threads")
}
