//! The programs of a VM, ready to be started: each is fetched, mapped and linked once, at the latest when it is first
//! run; where code may not become executable any more by then, before.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::CommandPre;

use kernel::{Errno, Process};
use protocol::broker::GUEST_PROGRAM_BYTES_MAX;
use protocol::wire::{ErrorData, code};

use super::guest::Guest;
use super::services::{ArtifactFile, Services};
use super::{mapping, vm, wasi};

/// Why a program cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("{}", .0.message)]
    Missing(ErrorData),
    #[error("{0:#}")]
    Unusable(wasmtime::Error),
}

/// Programs that a guest has made and that are kept, beside those that run: so many, of so many bytes of code together.
const MADE_MAX: usize = 16;
const MADE_BYTES_MAX: u64 = 64 << 20;

/// A program that the guest has made.
struct Made {
    /// Hash and length of its module. The hash is keyed, so that two that are the same are no more likely than a fault of the
    /// machine.
    contents: (u64, usize),
    code_bytes: u64,
    program: Arc<CommandPre<Guest>>,
}

/// Programs by the name of their module.
pub(super) struct Programs {
    engine: Engine,
    linker: Linker<Guest>,
    loaded: Mutex<HashMap<Arc<str>, Arc<CommandPre<Guest>>>>,
    /// Those that the guest has made, the one that was used last at the end.
    made: Mutex<Vec<Made>>,
    contents: RandomState,
    /// Held by whoever fetches a module: it is asked for once, however many start it at the same time.
    loading: Mutex<HashMap<Arc<str>, Arc<tokio::sync::Mutex<()>>>>,
    /// Once it is there nothing is loaded any more: why what lacks does.
    lacking: OnceLock<HashMap<String, ErrorData>>,
}

impl Programs {
    pub(super) fn new(engine: Engine) -> wasmtime::Result<Programs> {
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        vm::add_to_linker(&mut linker)?;
        let (loaded, loading, made) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (contents, lacking) = (RandomState::new(), OnceLock::new());
        Ok(Programs { engine, linker, loaded, made, contents, loading, lacking })
    }

    /// The program of that module, loaded now if nobody asked for it before.
    pub(super) async fn get(
        &self,
        module: &Arc<str>,
        services: &dyn Services,
    ) -> Result<Arc<CommandPre<Guest>>, LoadError> {
        if let Some(program) = self.loaded(module) {
            return Ok(program);
        }
        if let Some(lacking) = self.lacking.get() {
            return Err(LoadError::Missing(
                lacking.get(&**module).cloned().unwrap_or_else(|| too_late(module)),
            ));
        }
        // A lock of its own, since it may take a while.
        let turn = self.loading.lock().entry(module.clone()).or_default().clone();
        let _turn = turn.lock().await;
        if let Some(program) = self.loaded(module) {
            return Ok(program);
        }
        let loaded = services
            .open_artifact(module)
            .map_err(LoadError::Missing)
            .and_then(|artifact| self.load(module, &artifact).map_err(LoadError::Unusable));
        self.loading.lock().remove(module);
        loaded
    }

    /// The program that a process was started for and that the guest has made: that in the file of its
    /// [`exe`](Process::exe), as it is now.
    pub(super) fn get_made(
        &self,
        process: &Process,
        services: &dyn Services,
    ) -> Result<Arc<CommandPre<Guest>>, LoadError> {
        services.permits_guest_programs().map_err(LoadError::Missing)?;
        let module = process.read_file(process.exe(), GUEST_PROGRAM_BYTES_MAX as u64).map_err(|errno| {
            let text = match errno {
                Errno::Efbig => format!("it has more than {GUEST_PROGRAM_BYTES_MAX} bytes of WebAssembly"),
                errno => errno.message().to_owned(),
            };
            LoadError::Missing(ErrorData::new(code::LIMIT, text))
        })?;
        let contents = (self.contents.hash_one(&module), module.len());
        if let Some(program) = self.made(contents) {
            return Ok(program);
        }
        let artifact = services.compile_guest_program(module).map_err(LoadError::Missing)?;
        // SAFETY: whoever made the `ArtifactFile` vouches for the constancy of the file. Its contents were made by a
        // process that the guest may have taken over, so they are the guest's: machine code that it runs in this process,
        // which holds nothing but this guest and is enclosed because of what it may do.
        let component = unsafe { mapping::load(&self.engine, artifact.file.as_fd(), artifact.len) };
        let program = component
            .and_then(|component| CommandPre::new(self.linker.instantiate_pre(&component)?))
            .map_err(LoadError::Unusable)?;
        let program = Arc::new(program);
        let mut made = self.made.lock();
        made.push(Made { contents, code_bytes: artifact.len, program: program.clone() });
        while made.len() > MADE_MAX || made.iter().map(|made| made.code_bytes).sum::<u64>() > MADE_BYTES_MAX {
            made.remove(0);
        }
        Ok(program)
    }

    fn made(&self, contents: (u64, usize)) -> Option<Arc<CommandPre<Guest>>> {
        let mut made = self.made.lock();
        let at = made.iter().position(|made| made.contents == contents)?;
        made[at..].rotate_left(1);
        made.last().map(|made| made.program.clone())
    }

    /// Has nothing loaded any more, for these reasons.
    pub(super) fn close(&self, lacking: Vec<(String, ErrorData)>) {
        let _ = self.lacking.set(lacking.into_iter().collect());
    }

    /// The program of that module, if it was asked for before.
    pub(super) fn loaded(&self, module: &str) -> Option<Arc<CommandPre<Guest>>> {
        self.loaded.lock().get(module).cloned()
    }

    /// Maps and links a program.
    pub(super) fn load(
        &self,
        module: &Arc<str>,
        artifact: &ArtifactFile,
    ) -> wasmtime::Result<Arc<CommandPre<Guest>>> {
        // SAFETY: whoever made the `ArtifactFile` vouches for contents and constancy of the file.
        let component = unsafe { mapping::load(&self.engine, artifact.file.as_fd(), artifact.len) }?;
        let program = Arc::new(CommandPre::new(self.linker.instantiate_pre(&component)?)?);
        Ok(self.loaded.lock().entry(module.clone()).or_insert(program).clone())
    }
}

fn too_late(module: &str) -> ErrorData {
    let text = format!("{module} was not installed when this VM's process started, and jit is denied");
    ErrorData::new(code::NOT_INSTALLED, text)
        .hint("make another VM: where jit is denied, native code is mapped before a VM runs")
}
