//! The system call filter. Its rules are data: `seccomp.json` beside this file, a reason on each.

use std::io;

use seccompiler::{BpfProgram, TargetArch, apply_filter_all_threads, compile_from_json};

use super::required;
use protocol::enclosure::Layer;

const RULES: &str = include_str!("seccomp.json");

/// Refuses, for every thread and for good, what no worker needs.
///
/// # Errors
/// The filter cannot be installed.
pub(crate) fn filter_system_calls() -> io::Result<Layer> {
    required("seccomp", "no sockets, programs, processes, mounts, tracing", || {
        apply_filter_all_threads(&program()?).map_err(io::Error::other)
    })
}

fn program() -> io::Result<BpfProgram> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    compile_from_json(RULES.as_bytes(), architecture)
        .map_err(io::Error::other)?
        .remove("worker")
        .ok_or_else(|| io::Error::other("no filter named worker"))
}
