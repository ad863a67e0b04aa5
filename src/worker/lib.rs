//! A worker process: exactly one VM, enclosed. Its `main` is [`run`].
//!
//! Threads: `main` owns the isolate; `io` reads the broker channel and never blocks on anything else; `calls` performs
//! what clients ask for and may wait for files; `deadlines` ends what is late; the command runtime has its own. The
//! kernel is shared by all. No guest byte is read before the enclosure is complete.

mod calls;
mod channel;
mod deadlines;
mod enclosure;
mod files;
mod policy;
mod services;
mod streams;
mod supervisor;
mod transfers;
mod vm;

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use calls::Calls;
use channel::Receiver;
use isolate::{self, Isolate};
use protocol::broker::{FromWorker, ToWorker};
use protocol::config::Platform;
use protocol::engine::{EngineProfile, WasmLevel};
use protocol::wire::{ErrorData, code};
use vm::VirtualMachine;

/// Exit code of a worker whose command line or channel makes no sense.
const USAGE: u8 = 2;

/// What a worker is started with: `cordon-worker absent|locked|allowed allow|deny PLATFORM`, standard input being the
/// broker channel.
struct Arguments {
    profile: EngineProfile,
    platform: Platform,
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let wasm = match arguments.next()?.as_str() {
            "absent" => WasmLevel::Absent,
            "locked" => WasmLevel::Locked,
            "allowed" => WasmLevel::Allowed,
            _ => return None,
        };
        let jit = match arguments.next()?.as_str() {
            "allow" => true,
            "deny" => false,
            _ => return None,
        };
        let name = arguments.next()?;
        let platform =
            [Platform::Neutral, Platform::Bare].into_iter().find(|platform| platform.name() == name)?;
        arguments.next().is_none().then_some(Arguments { profile: EngineProfile { wasm, jit }, platform })
    }
}

/// Runs a worker until its VM ends.
pub fn run() -> ExitCode {
    // A worker holds one VM: a defect ends it at once, and nothing is unwound through either engine.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::abort();
    }));
    let Some(Arguments { profile, platform }) = Arguments::parse(std::env::args().skip(1)) else {
        eprintln!("cordon-worker is started by cordon itself");
        return ExitCode::from(USAGE);
    };
    if let Err(error) = enclosure::close_descriptors() {
        eprintln!("cordon-worker: cannot close what was inherited: {error}");
        return ExitCode::FAILURE;
    }
    let Ok((sender, mut receiver)) = channel::open() else {
        eprintln!("cordon-worker: standard input is not a channel");
        return ExitCode::from(USAGE);
    };
    let enclosed = enclosure::enter(profile.jit).and_then(|mut report| {
        isolate::initialize(&profile);
        let isolate = Isolate::new(profile, platform);
        // V8's own threads exist now; the filter is for every thread, these and those to come.
        report.layers.push(enclosure::filter_system_calls()?);
        Ok((report, isolate))
    });
    let (enclosure, mut isolate) = match enclosed {
        Ok(done) => done,
        Err(error) => {
            let error = ErrorData::new(code::NOT_INSTALLED, format!("a worker cannot be enclosed: {error}"));
            sender.send(&FromWorker::Refused { error });
            return ExitCode::FAILURE;
        }
    };
    // Threads are started while nobody waits for this worker.
    let sender = Arc::new(sender);
    let started = Calls::start().and_then(|calls| Ok((calls, start_reader()?)));
    let Ok((calls, reader)) = started else {
        let error = ErrorData::new(code::OUT_OF_MEMORY, "the host allows no more threads");
        sender.send(&FromWorker::Refused { error });
        return ExitCode::FAILURE;
    };
    let engine = isolate.report(wasmtime_version());
    sender.send(&FromWorker::Ready { engine: engine.clone(), enclosure });
    // The supervisor that let a warm worker go is no error.
    let Some(ToWorker::Claim(claim)) = receiver.next() else { return ExitCode::SUCCESS };
    let vm = match VirtualMachine::new(&mut isolate, *claim, engine, sender.clone(), calls) {
        Ok(vm) => vm,
        Err(error) => {
            sender.send(&FromWorker::Refused { error });
            return ExitCode::FAILURE;
        }
    };
    sender.send(&FromWorker::Claimed {});
    if reader.send((vm, receiver)).is_err() {
        return ExitCode::FAILURE;
    }
    isolate.serve();
    ExitCode::SUCCESS
}

/// Starts the thread `io`, which reads the channel for a VM as soon as it is given both.
fn start_reader() -> io::Result<mpsc::SyncSender<(Arc<VirtualMachine>, Receiver)>> {
    let (give, given) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("io".to_owned()).stack_size(vm::THREAD_STACK).spawn(move || {
        let Ok((vm, receiver)): Result<(Arc<VirtualMachine>, Receiver), _> = given.recv() else { return };
        vm.read(receiver);
        // The supervisor is gone, or this VM is no longer wanted; whatever runs ends here.
        end_now(0);
    })?;
    Ok(give)
}

/// The version of Wasmtime that this worker contains.
fn wasmtime_version() -> &'static str {
    wasmtime_environ::VERSION
}

/// Ends the process without running anything of it any more.
fn end_now(code: i32) -> ! {
    // SAFETY: _exit(2) takes any number and touches no memory of ours.
    unsafe { libc::_exit(code) }
}
