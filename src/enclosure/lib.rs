//! The enclosure of a process: what it gives up before it sees a byte of what a guest made, layer by layer. For workers, for
//! the compiler of guests' programs, and for the network process, which keeps the network and nothing else.
//!
//! A layer that the host does not offer is reported as missing, with the reason. What no Linux host lacks
//! (no-new-privs, limits, the system call filter) is required: without it the worker refuses to run. Order matters:
//! namespaces and Landlock while there is one thread, the filter once V8's threads exist.
//!
//! A template takes those layers that its workers share before it boots ([`enter`]); each of them then takes its own user
//! and PID namespace as it is forked, and the filter ([`enter_forked`]) before it has threads. The mount, network, IPC
//! and UTS namespaces of one template are the same for its workers: there is nothing in them, and no system call that
//! would put something there.

mod filter;
mod limits;
mod namespaces;
mod refusals;
#[cfg(test)]
mod tests;

use std::io;

use protocol::enclosure::{EnclosureReport, Layer, LayerName};
pub use seccompiler::BpfProgram;

pub use filter::Rules;
pub use limits::{close_descriptors, close_descriptors_but, limit_memory, open_descriptors};
pub use refusals::take as refused_calls;

/// Encloses the process as far as it can be before V8 starts. The process must have one thread, and have closed what
/// it inherited ([`close_descriptors`]) before it opened anything.
///
/// # Errors
/// A layer that every host has could not be set up.
pub fn enter(jit: bool) -> io::Result<EnclosureReport> {
    enter_as(Kind::Worker { jit })
}

/// Encloses the network process in the same way, but that it keeps the host's network and may connect to ports. What it reads
/// of files it has to have read.
///
/// # Errors
/// As [`enter`].
pub fn enter_network() -> io::Result<EnclosureReport> {
    enter_as(Kind::Network)
}

/// What is enclosed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A process that reaches nothing; whether it makes code as it runs.
    Worker { jit: bool },
    /// One that reaches the network.
    Network,
}

impl Kind {
    fn has(self, layer: LayerName) -> bool {
        layer != LayerName::NetworkNamespace || self != Kind::Network
    }
}

fn enter_as(kind: Kind) -> io::Result<EnclosureReport> {
    let mut layers = vec![
        layer(LayerName::Descriptors, "nothing inherited but the broker channel", None),
        required(LayerName::NoNewPrivileges, "no program can raise privileges", || {
            Ok(rustix::thread::set_no_new_privs(true)?)
        })?,
        required(
            LayerName::ResourceLimits,
            "no core dumps, few descriptors and threads; memory when the VM is known",
            || limits::limit_resources(kind),
        )?,
    ];
    let namespaces = namespaces::enter(kind);
    let alone = match namespaces.iter().find(|layer| layer.name == LayerName::UserNamespace) {
        Some(Layer { missing: None, .. }) => limits::can_limit_threads()?,
        _ => Err("without a user namespace all of this user's processes would be counted".to_owned()),
    };
    if let Err(why) = alone {
        partly_limited(&mut layers, &why);
    }
    layers.extend(namespaces);
    // After the namespaces: ids cannot be mapped by a process whose files in /proc are root's.
    layers.push(required(LayerName::NotDumpable, "other processes of this user cannot trace it", || {
        Ok(rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?)
    })?);
    layers.push(optional(
        LayerName::Capabilities,
        "no privilege, in no namespace",
        limits::drop_capabilities,
    ));
    let mut partial = None;
    let keeps = match kind {
        Kind::Worker { .. } => "no file of the host can be opened, no TCP port used",
        Kind::Network => "no file of the host can be opened, no TCP port listened on",
    };
    let landlock = optional(LayerName::Landlock, keeps, || {
        partial = limits::deny_files(kind)?;
        Ok(())
    });
    layers.push(Layer { partial, ..landlock });
    if kind != (Kind::Worker { jit: true }) {
        // What a worker's filter adds is stronger, but comes when all code is mapped.
        let partial = limits::deny_executable_memory().err();
        let partial = partial.map(|error| format!("not yet while the process starts: {error}"));
        let keeps = "no memory becomes executable; all code was mapped before";
        layers.push(Layer { partial, ..layer(LayerName::ExecutableMemory, keeps, None) });
    }
    Ok(EnclosureReport { layers })
}

/// The enclosure of the workers of a template that has this one. `has_namespaces` says whether they are forked into a
/// user and a PID namespace of their own.
pub fn of_forked(template: &EnclosureReport, has_namespaces: Result<(), &str>) -> EnclosureReport {
    let missing = has_namespaces.err().map(str::to_owned);
    let mut layers = template.layers.clone();
    if missing.is_some() {
        partly_limited(&mut layers, "workers share their template's user namespace");
    }
    layers.push(layer(PID_NAMESPACE.0, PID_NAMESPACE.1, missing));
    layers.push(layer(SECCOMP.0, SECCOMP.1, None));
    EnclosureReport { layers }
}

/// Says that the number of threads has no limit.
fn partly_limited(layers: &mut [Layer], why: &str) {
    for layer in layers.iter_mut().filter(|layer| layer.name == LayerName::ResourceLimits) {
        layer.partial.get_or_insert_with(|| format!("threads are not limited: {why}"));
    }
}

/// Whether threads of a worker with this enclosure are limited, once it takes the rest of it.
pub fn limits_threads(enclosure: &EnclosureReport) -> bool {
    let limits = enclosure.layers.iter().find(|layer| layer.name == LayerName::ResourceLimits);
    limits.is_some_and(|layer| layer.partial.is_none())
}

/// Adds what a worker that was forked from a template has to itself, beside the namespaces that it was forked into. It may
/// have so many threads, where they are limited.
///
/// # Errors
/// A layer that every host has could not be set up.
pub fn enter_forked(filter: &BpfProgram, threads: Option<u64>) -> io::Result<()> {
    if let Some(threads) = threads {
        limits::limit_threads(threads)?;
    }
    // The namespace brought every capability in itself.
    limits::drop_capabilities()?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    filter::install_last(filter)?;
    Ok(())
}

/// Installs what templates and workers share of the filter, for every thread there is and will be.
///
/// # Errors
/// The kernel refuses it, or a rule makes no sense on this processor.
pub fn filter_calls(rules: &Rules) -> io::Result<()> {
    refusals::note(rules.declined()?)?;
    filter::install(&rules.shared()?)
}

/// The namespace that the launcher executed this worker in.
pub fn executed_apart() -> Layer {
    let missing = (std::process::id() != 1).then(|| "the launcher may make none".to_owned());
    layer(PID_NAMESPACE.0, PID_NAMESPACE.1, missing)
}

/// Installs the rest of it in a process that was executed, which may have so many threads if they can be limited.
///
/// # Errors
/// As [`filter_calls`].
pub fn filter_last(rules: &Rules, jit: bool, threads: u64, enclosure: &EnclosureReport) -> io::Result<Layer> {
    if limits_threads(enclosure) {
        limits::limit_threads(threads)?;
    }
    filter::install_last(&rules.worker(std::process::id(), jit)?)
}

/// Ends the process without running anything of it any more.
pub fn end_now(code: i32) -> ! {
    // SAFETY: _exit(2) takes any number and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

// What is said in more than one place of a layer.
const PID_NAMESPACE: (LayerName, &str) =
    (LayerName::PidNamespace, "no other process can be seen or signalled");
const SECCOMP: (LayerName, &str) =
    (LayerName::Seccomp, "the system calls that such a process needs, and no other");

fn layer(name: LayerName, keeps: &str, missing: Option<String>) -> Layer {
    Layer { name, keeps: keeps.to_owned(), missing, partial: None }
}

fn required(name: LayerName, keeps: &str, set_up: impl FnOnce() -> io::Result<()>) -> io::Result<Layer> {
    match set_up() {
        Ok(()) => Ok(layer(name, keeps, None)),
        Err(error) => Err(io::Error::new(error.kind(), format!("{name}: {error}"))),
    }
}

fn optional(name: LayerName, keeps: &str, set_up: impl FnOnce() -> io::Result<()>) -> Layer {
    layer(name, keeps, set_up().err().map(|error| error.to_string()))
}
