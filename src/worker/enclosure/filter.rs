//! The system call filters. Their rules are data: `seccomp.json` beside this file, a reason on each. What is refused to
//! templates and workers alike is one filter, which workers inherit; what is refused to workers alone is another. A filter
//! of many rules takes the kernel a third of a millisecond to install.

use std::collections::HashMap;
use std::io;

use protocol::enclosure::Layer;
use seccompiler::{BpfProgram, TargetArch, apply_filter_all_threads, compile_from_json};

use super::{SECCOMP, required};

const RULES: &str = include_str!("seccomp.json");

/// The filters, compiled.
pub(crate) struct Filters {
    shared: BpfProgram,
    worker: BpfProgram,
}

impl Filters {
    /// Compiles them.
    ///
    /// # Errors
    /// The rules cannot be compiled for this processor.
    pub(crate) fn new() -> io::Result<Filters> {
        let architecture: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
        let mut filters: HashMap<String, BpfProgram> =
            compile_from_json(RULES.as_bytes(), architecture).map_err(io::Error::other)?;
        let mut take = |name: &str| {
            filters.remove(name).ok_or_else(|| io::Error::other(format!("there is no filter named {name}")))
        };
        Ok(Filters { shared: take("shared")?, worker: take("worker")? })
    }

    /// Refuses, for every thread and for good, what neither a template nor a worker needs.
    ///
    /// # Errors
    /// The filter cannot be installed.
    pub(crate) fn install_shared(&self) -> io::Result<()> {
        apply_filter_all_threads(&self.shared).map_err(io::Error::other)
    }

    /// After [`install_shared`](Self::install_shared), in this process or the one that it was forked from: refuses what
    /// no worker needs.
    ///
    /// # Errors
    /// The filter cannot be installed.
    pub(crate) fn install(&self) -> io::Result<Layer> {
        required(SECCOMP.0, SECCOMP.1, || apply_filter_all_threads(&self.worker).map_err(io::Error::other))
    }
}
