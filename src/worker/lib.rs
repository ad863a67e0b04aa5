//! A worker process: exactly one VM, enclosed; and the template that workers are forked from. Their `main` is [`run`].
//!
//! Threads of a worker: `main` owns the isolate; `io` reads the broker channel, ends what is late and never blocks on
//! anything else; `calls` performs what clients ask for and may wait for files; the command runtime has its own, all of which
//! `threads.rs` describes.
//! The kernel is shared by all. No guest byte is read before the enclosure is complete. A template has one thread.

mod broker;
mod calls;
mod channel;
mod deadlines;
mod files;
mod library;
mod memory;
mod network;
mod policy;
mod preload;
mod programs;
mod rehearsal;
mod serve;
mod services;
mod streams;
mod template;
mod threads;
mod transfers;
mod vm;

use std::process::ExitCode;

use enclosure::end_now;
use isolate::{Helpers, Isolate};
use protocol::broker::FromWorker;
use protocol::config::Platform;
use protocol::engine::{EngineProfile, WasmLevel};
use protocol::wire::{ErrorData, code};

use channel::{Receiver, Sender};
use memory::Memory;
use serve::Booted;

/// Exit code of a worker whose command line or channel makes no sense.
const USAGE: u8 = 2;

/// What a process of this executable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// One VM. Standard input is the broker channel.
    Worker,
    /// Likewise, and somebody waits for it: nothing is done in advance that its VM may not need.
    Awaited,
    /// What workers are forked from. Standard input is a channel like theirs, standard output the launcher's socket.
    Template,
    /// Writes the library as V8 has compiled it to standard output.
    Compile,
    /// Says on standard output what is wrong with what [`Role::Compile`] has written, if anything.
    Check,
}

/// The command line: `cordon-worker worker|awaited|template|compile|check absent|locked|allowed allow|deny PLATFORM MODULE...`.
struct Arguments {
    role: Role,
    profile: EngineProfile,
    platform: Platform,
    /// Commands to load before anything may run: where `jit` is denied all that there will be.
    modules: Vec<String>,
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let role = match arguments.next()?.as_str() {
            "worker" => Role::Worker,
            "awaited" => Role::Awaited,
            "template" => Role::Template,
            "compile" => Role::Compile,
            "check" => Role::Check,
            _ => return None,
        };
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
        let platform = [Platform::Browser, Platform::Neutral, Platform::Bare, Platform::Node]
            .into_iter()
            .find(|platform| platform.name() == name)?;
        let profile = EngineProfile { wasm, jit };
        let modules: Vec<String> = arguments.collect();
        Some(Arguments { role, profile, platform, modules })
    }
}

/// Runs a worker until its VM ends, or a template until it is not wanted any more.
pub fn run() -> ExitCode {
    // A worker holds one VM: a defect ends it at once, and nothing is unwound through either engine.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::abort();
    }));
    let Some(Arguments { role, profile, platform, modules }) = Arguments::parse(std::env::args().skip(1))
    else {
        eprintln!("cordon-worker is started by cordon itself");
        return ExitCode::from(USAGE);
    };
    if let Err(error) = enclosure::close_descriptors() {
        eprintln!("cordon-worker: cannot close what was inherited: {error}");
        return ExitCode::FAILURE;
    }
    // While there are files.
    let found = match role {
        Role::Compile => return library::compile(profile),
        _ => library::open(profile),
    };
    let booted = match role {
        Role::Compile | Role::Check => return library::check(profile, found),
        Role::Worker => boot(profile, platform, &modules, 1).map(Some),
        Role::Awaited => boot(profile, platform, &modules, 0).map(Some),
        Role::Template => template::serve(profile, platform, &modules),
    };
    match booted {
        Ok(Some((booted, channel))) => booted.serve(channel),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            let error = ErrorData::new(code::NOT_INSTALLED, format!("a worker cannot be enclosed: {error}"));
            match channel::open() {
                Ok((sender, _)) => sender.send(&FromWorker::Refused { error }),
                Err(_) => eprintln!("cordon-worker: {}", error.message),
            }
            ExitCode::FAILURE
        }
    }
}

/// Boots a worker that was executed, with so many contexts.
fn boot(
    profile: EngineProfile,
    platform: Platform,
    modules: &[String],
    contexts: usize,
) -> std::io::Result<(Booted, (Sender, Receiver))> {
    let mut channel = channel::open()?;
    let memory = Memory::open();
    let mut report = enclosure::enter(profile.jit)?;
    // Whoever is waited for gets V8's helper when its tasks wait for one: two threads that begin together wait for each other.
    let helpers = if contexts == 0 { Helpers::Later } else { Helpers::Now };
    isolate::initialize(&profile, helpers);
    let isolate = Isolate::new(profile, platform, node::library(), contexts);
    // Where it may not be mapped later, or costs next to nothing now.
    let commands = match modules {
        [] if profile.jit => None,
        _ => Some(preload::load(&channel.0, &mut channel.1, modules, !profile.jit)?),
    };
    if let Some(commands) = &commands {
        rehearsal::rehearse(commands);
    }
    // V8's own threads exist now; the filter is for every thread, these and those to come.
    let rules = enclosure::Rules::read()?;
    enclosure::filter_calls(&rules)?;
    report.layers.push(enclosure::executed_apart());
    let filter = enclosure::filter_last(&rules, profile.jit, threads::THREADS_MAX, &report)?;
    report.layers.push(filter);
    let mut booted = Booted::new(isolate, commands, report)?;
    // What the library takes is no guest's, whenever it is booted.
    let unbooted = if contexts == 0 { isolate::CONTEXT } else { 0 };
    booted.ground.memory = memory.bytes()?.saturating_add(unbooted);
    Ok((booted, channel))
}
