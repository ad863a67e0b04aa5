//! The programs of a VM, ready to be started: each is fetched, mapped and linked once.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::CommandPre;

use kernel::Process;
use protocol::wire::ErrorData;

use super::guest::Guest;
use super::services::Services;
use super::{mapping, vm, wasi};

/// Why a program cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("{}", .0.message)]
    Missing(ErrorData),
    #[error("{0:#}")]
    Unusable(wasmtime::Error),
}

/// Programs by the name of their module.
pub(super) struct Programs {
    engine: Engine,
    linker: Linker<Guest>,
    services: Arc<dyn Services>,
    loaded: Mutex<HashMap<Arc<str>, Arc<CommandPre<Guest>>>>,
}

impl Programs {
    pub(super) fn new(engine: Engine, services: Arc<dyn Services>) -> wasmtime::Result<Programs> {
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        vm::add_to_linker(&mut linker)?;
        Ok(Programs { engine, linker, services, loaded: Mutex::default() })
    }

    /// The program of that module, loaded now if nobody asked for it before.
    pub(super) fn get(&self, module: &Arc<str>) -> Result<Arc<CommandPre<Guest>>, LoadError> {
        if let Some(program) = self.loaded(module) {
            return Ok(program);
        }
        // Not under the lock: it may take a while. Two that load the same map it twice, and one is kept.
        let program = Arc::new(self.load(module)?);
        Ok(self.loaded.lock().entry(module.clone()).or_insert(program).clone())
    }

    /// The program of that module, if it was asked for before.
    pub(super) fn loaded(&self, module: &str) -> Option<Arc<CommandPre<Guest>>> {
        self.loaded.lock().get(module).cloned()
    }

    /// Tells whoever provides programs that a process ends for want of one.
    pub(super) fn refused(&self, process: &Process, error: &LoadError) {
        if let LoadError::Missing(why) = error {
            self.services.refused(process, why);
        }
    }

    fn load(&self, module: &str) -> Result<CommandPre<Guest>, LoadError> {
        let artifact = self.services.open_artifact(module).map_err(LoadError::Missing)?;
        // SAFETY: `Services::open_artifact` vouches for contents and constancy of the file.
        let component = unsafe { mapping::load(&self.engine, artifact.file.as_fd(), artifact.len) };
        component
            .and_then(|component| self.linker.instantiate_pre(&component))
            .and_then(CommandPre::new)
            .map_err(LoadError::Unusable)
    }
}
