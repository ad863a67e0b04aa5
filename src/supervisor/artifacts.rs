//! The command modules of this installation as native code, each verified or compiled once for this supervisor.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::installation::Installation;
use compile::cache::{ArtifactCache, Progress};

/// Native code of the commands. Calls block while a module is verified or compiled.
pub(crate) struct Artifacts {
    modules: Vec<(String, PathBuf)>,
    progress: Box<dyn Fn(Progress<'_>) + Send + Sync>,
    /// One lock: two modules are never compiled at once, which bounds the memory that takes.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cache: Option<ArtifactCache>,
    ready: HashMap<String, (Arc<File>, u64)>,
}

impl Artifacts {
    pub(crate) fn new(
        installation: &Installation,
        progress: Box<dyn Fn(Progress<'_>) + Send + Sync>,
    ) -> Arc<Self> {
        Arc::new(Artifacts { modules: installation.command_modules(), progress, state: Mutex::default() })
    }

    /// The names of all modules.
    pub(crate) fn names(&self) -> Vec<String> {
        self.modules.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A module's code: a descriptor for reading, and how many bytes to map.
    ///
    /// # Errors
    /// What went wrong, as a text.
    pub(crate) fn get(&self, module: &str) -> Result<(Arc<File>, u64), String> {
        let mut state = self.state.lock();
        if let Some((file, length)) = state.ready.get(module) {
            return Ok((file.clone(), *length));
        }
        let Some((name, path)) = self.modules.iter().find(|(name, _)| name == module) else {
            return Err(format!("no command module {module:?} is installed"));
        };
        let wasm = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if state.cache.is_none() {
            let opened =
                ArtifactCache::default_directory().and_then(|directory| ArtifactCache::open(&directory));
            state.cache = Some(opened.map_err(|error| error.to_string())?);
        }
        let cache = state.cache.as_ref().expect("opened above");
        let artifact = cache
            .get_or_compile(name, &wasm, &mut |progress| (self.progress)(progress))
            .map_err(|error| error.to_string())?;
        let found = (Arc::new(artifact.file), artifact.len);
        state.ready.insert(name.clone(), found.clone());
        Ok(found)
    }

    /// Whether every module has been prepared.
    pub(crate) fn are_ready(&self) -> bool {
        // Held for as long as a module is compiled, and then they are not.
        let state = self.state.try_lock();
        state.is_some_and(|state| self.modules.iter().all(|(name, _)| state.ready.contains_key(name)))
    }

    /// Prepares every module.
    ///
    /// # Errors
    /// The first that cannot be.
    pub(crate) fn prepare(&self) -> Result<(), String> {
        self.modules.iter().try_for_each(|(name, _)| self.get(name).map(drop))
    }
}
