//! The system call filter. Its rules are data: `seccomp.json` beside this file, a reason on each.

use std::io;

use protocol::enclosure::Layer;
use seccompiler::{BpfProgram, TargetArch, apply_filter_all_threads, compile_from_json};

use super::required;

const RULES: &str = include_str!("seccomp.json");

/// The filter, compiled.
pub(crate) struct Filter(BpfProgram);

impl Filter {
    /// Compiles it.
    ///
    /// # Errors
    /// The rules cannot be compiled for this processor.
    pub(crate) fn new() -> io::Result<Filter> {
        let architecture: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
        compile_from_json(RULES.as_bytes(), architecture)
            .map_err(io::Error::other)?
            .remove("worker")
            .map(Filter)
            .ok_or_else(|| io::Error::other("no filter named worker"))
    }

    /// Refuses, for every thread and for good, what no worker needs.
    ///
    /// # Errors
    /// The filter cannot be installed.
    pub(crate) fn install(&self) -> io::Result<Layer> {
        required("seccomp", "no sockets, programs, processes, mounts, tracing", || {
            apply_filter_all_threads(&self.0).map_err(io::Error::other)
        })
    }
}
