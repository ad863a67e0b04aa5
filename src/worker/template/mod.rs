//! A template: a process that boots everything that does not depend on a VM, with one thread, and then forks a worker
//! whenever the launcher asks. What it has booted is shared by its workers, page by page, until one of them writes.
//!
//! It never sees a configuration or a byte of a guest: its channel brings artifacts, the launcher's socket descriptors.
//! What siblings have in common is the layout of their memory, the keys of hash tables and the stack's canary; what
//! they must not have in common is renewed in each ([`Isolate::reseed`]; everything else asks the system each time).

mod fork;
mod heritage;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use command::COMMON_MODULES;
use isolate::{Helpers, Isolate};
use protocol::broker::FromWorker;
use protocol::config::Platform;
use protocol::descriptor::{receive_with_descriptors, send_with_descriptor};
use protocol::engine::EngineProfile;
use protocol::fork::{FORK, Forked};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;

use super::channel::{self, Receiver, Sender};
use super::serve::Booted;
use super::threads::THREADS_MAX;
use super::{preload, rehearsal};
use enclosure::Rules;
use fork::{Forker, Side};
use heritage::Heritage;

/// Contexts that are ready in every worker from its first moment: what one call after another uses while the worker has
/// no idle moment to make more.
const CONTEXTS: usize = 4;

/// Boots, and forks until the supervisor or the launcher is gone. Where `jit` is denied these modules are all commands
/// that its workers will have. It returns in each worker, with what that has been
/// given; and without anything in the template itself, at its end.
///
/// # Errors
/// The process cannot be enclosed, or cannot fork.
pub(super) fn serve(
    profile: EngineProfile,
    platform: Platform,
    modules: &[String],
) -> io::Result<Option<(Booted, (Sender, Receiver))>> {
    rustix::thread::set_name(c"cordon-template")?;
    let heritage = Heritage::open()?;
    let forker = Forker::new()?;
    let (sender, mut receiver) = channel::open()?;
    let enclosure = enclosure::enter(profile.jit)?;
    isolate::initialize(&profile, Helpers::Later);
    let mut isolate = Isolate::new(profile, platform, node::library(), CONTEXTS);
    isolate.rehearse();
    let commands = if profile.jit {
        let common = COMMON_MODULES.map(str::to_owned);
        preload::load(&sender, &mut receiver, &common, false).ok()
    } else {
        Some(preload::load(&sender, &mut receiver, modules, true)?)
    };
    // What the engine of commands opens is for its instances in workers.
    let before = enclosure::open_descriptors();
    if let Some(commands) = &commands {
        rehearsal::rehearse(commands);
    }
    let mut kept = enclosure::open_descriptors();
    kept.retain(|fd| !before.contains(fd));
    let namespaces = forker.can_have_namespaces();
    let rules = Rules::read()?;
    // In a PID namespace of its own each worker is the first process.
    let filter = if namespaces.is_ok() { Some(rules.worker(1, profile.jit)?) } else { None };
    enclosure::filter_calls(&rules)?;
    let of_workers = enclosure::of_forked(&enclosure, namespaces.as_ref().map(drop).map_err(String::as_str));
    let threads = enclosure::limits_threads(&of_workers).then_some(THREADS_MAX);
    let mut booted = Booted::new(isolate, commands, of_workers)?;
    // The last, so that whatever was allocated is inherited.
    let (memory, null) = heritage.let_children_inherit()?;
    booted.ground.memory = memory;
    let engine = booted.ground.engine.report.clone();
    sender.send(&FromWorker::Ready { engine, enclosure });
    let control = io::stdout().as_fd().try_clone_to_owned()?;
    let Some(channel) = forks(&control, receiver.as_fd(), &forker, namespaces.is_ok())? else {
        return Ok(None);
    };

    // From here on this is a worker. Nothing of the template's own stays open in it.
    rustix::stdio::dup2_stdin(&channel)?;
    rustix::stdio::dup2_stdout(&null)?;
    drop((channel, control, sender, null));
    let buffer = receiver.into_buffer();
    enclosure::close_descriptors_but(&kept)?;
    let channel = channel::open_with(buffer)?;
    let filter = filter.map_or_else(|| rules.worker(std::process::id(), profile.jit), Ok)?;
    enclosure::enter_forked(&filter, threads)?;
    booted.isolate.reseed()?;
    rustix::thread::set_name(c"cordon-worker")?;
    Ok(Some((booted, channel)))
}

/// Forks when asked. In a worker it gives that worker's channel; in the template nothing, when it is not wanted any more.
fn forks(
    control: &OwnedFd,
    channel: impl AsFd,
    forker: &Forker,
    own_namespaces: bool,
) -> io::Result<Option<OwnedFd>> {
    loop {
        let mut ready = [PollFd::new(control, PollFlags::IN), PollFd::new(&channel, PollFlags::IN)];
        retry_on_intr(|| poll(&mut ready, None))?;
        // Nothing more is said on the channel but that it closes.
        if !ready[1].revents().is_empty() {
            return Ok(None);
        }
        let mut request = [0; 1];
        let received = receive_with_descriptors(control, &mut request)?;
        let Some(worker) = received.descriptors.into_iter().next().filter(|_| request == [FORK]) else {
            return Ok(None);
        };
        let (answer, pidfd) = match forker.fork(own_namespaces) {
            Ok(Side::Worker) => return Ok(Some(worker)),
            Ok(Side::Template { pid, pidfd }) => (Forked::Worker(pid), Some(pidfd)),
            Err(error) => (Forked::Refused(error.raw_os_error().unwrap_or(0)), None),
        };
        send_with_descriptor(control, &answer.encode(), pidfd.as_ref().map(AsFd::as_fd))?;
    }
}
