//! The command modules of this installation as native code, each verified or compiled once for this supervisor.
//!
//! What is handed out lies in sealed memory, once for all VMs. A cache that cannot be used keeps nobody from running
//! commands: the code is compiled by this process then. What cannot be had at all is remembered for a while with its
//! reason, so that every command says why and none of them tries again what takes long.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::installation::Installation;
use compile::cache::{Artifact, ArtifactCache, CacheError, Progress};
use compile::memory::MemoryArtifacts;
use protocol::broker::BrokerReply;
use protocol::wire::{ErrorData, code};

/// How long a failure is remembered. Sooner if the module or the cache's directory is no longer what it was.
const FAILURE_LIFE: Duration = Duration::from_secs(30);

/// What to do where a module itself is at fault.
const MODULE_HINT: &str =
    "put a module that works in its place, or build the project's own again with `make build`";

/// A module's code: a file in sealed memory, and how many bytes it has. `ERR_NOT_INSTALLED`: the message says why in words
/// that a guest may read, the hint what to do and where.
pub(super) type Found = Result<(Arc<File>, u64), ErrorData>;

/// What is answered to a process that has asked for a module's code, with the file that goes beside it.
pub(super) fn reply(found: Found) -> (BrokerReply, Option<Arc<File>>) {
    let (result, file) = match found {
        Ok((file, length)) => (Ok(length), Some(file)),
        Err(error) => (Err(error), None),
    };
    (BrokerReply::CommandArtifact { result }, file)
}

/// Native code of the commands. Calls block while a module is verified or compiled.
pub(crate) struct Artifacts {
    modules: Vec<(String, PathBuf)>,
    progress: Box<dyn Fn(Progress<'_>) + Send + Sync>,
    /// One lock: two modules are never compiled at once, which bounds the memory that takes.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    place: Option<Place>,
    ready: HashMap<String, (Arc<File>, u64)>,
    failed: HashMap<String, Failure>,
}

/// Where native code is kept.
enum Place {
    Directory(ArtifactCache),
    Memory(MemoryArtifacts),
}

/// Where commands' native code is kept, as a user is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandCache {
    /// In this directory, for every process of the user's.
    Directory(PathBuf),
    /// In this directory, as far as it is there. The rest is compiled anew by each process.
    Unwritable {
        /// The directory.
        directory: PathBuf,
        /// Why nothing more can be kept there.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// In memory, compiled anew by each process.
    Memory {
        /// Why there is no directory.
        reason: String,
        /// How there could be one.
        hint: String,
    },
}

/// Looks where native code would be kept.
pub(crate) fn command_cache() -> Result<CommandCache, ErrorData> {
    let cache = match open_cache() {
        Ok(cache) => cache,
        Err(error @ CacheError::Compile(_)) => {
            return Err(ErrorData::new(code::NOT_INSTALLED, error.to_string()));
        }
        Err(error) => {
            let (reason, hint) = (error.to_string(), error.hint().unwrap_or_default());
            return Ok(CommandCache::Memory { reason, hint });
        }
    };
    let directory = cache.path().to_owned();
    Ok(match cache.try_writing() {
        Ok(()) => CommandCache::Directory(directory),
        Err(error) => {
            let (reason, hint) = (error.to_string(), error.hint().unwrap_or_default());
            CommandCache::Unwritable { directory, reason, hint }
        }
    })
}

fn open_cache() -> Result<ArtifactCache, CacheError> {
    ArtifactCache::open(&ArtifactCache::default_directory()?)
}

struct Failure {
    error: ErrorData,
    since: Instant,
    /// What it may have come from, as it was then.
    causes: Causes,
}

/// Whatever a user changes to mend a failure, room on the disk apart.
#[derive(PartialEq)]
struct Causes {
    /// The module's identity, length and last change.
    module: Option<(u64, u64, i64, i64)>,
    /// The directory's identity, mode and owner. What is in it changes with every attempt, of other processes as well.
    directory: Option<(u64, u32, u32)>,
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

    /// Whether there is a module of that name.
    pub(crate) fn has(&self, module: &str) -> bool {
        self.modules.iter().any(|(name, _)| name == module)
    }

    /// A module's code.
    ///
    /// # Errors
    /// As [`Found`] says.
    pub(super) fn get(&self, module: &str) -> Found {
        let state = &mut *self.state.lock();
        if let Some((file, length)) = state.ready.get(module) {
            return Ok((file.clone(), *length));
        }
        let Some((name, path)) = self.modules.iter().find(|(name, _)| name == module) else {
            let text = format!("no command module {module:?} is installed");
            return Err(ErrorData::new(code::NOT_INSTALLED, text).hint("build the modules with `make build`"));
        };
        if let Some(failure) = state.failed.get(name)
            && failure.since.elapsed() < FAILURE_LIFE
            && failure.causes == Causes::now(path)
        {
            return Err(failure.error.clone());
        }
        match self.make(&mut state.place, name, path) {
            Ok(Artifact { file, len, .. }) => {
                state.failed.remove(name);
                let found = (Arc::new(file), len);
                state.ready.insert(name.clone(), found.clone());
                Ok(found)
            }
            Err(error) => {
                let causes = Causes::now(path);
                let failure = Failure { error: error.clone(), since: Instant::now(), causes };
                state.failed.insert(name.clone(), failure);
                Err(error)
            }
        }
    }

    fn make(&self, place: &mut Option<Place>, name: &str, path: &Path) -> Result<Artifact, ErrorData> {
        let failed = |why: &dyn std::fmt::Display, hint: String| {
            ErrorData::new(code::NOT_INSTALLED, format!("{name} has no native code: {why}")).hint(hint)
        };
        let of_cache = |error: CacheError| failed(&error, error.hint().unwrap_or(MODULE_HINT.to_owned()));
        let wasm = std::fs::read(path).map_err(|error| {
            failed(
                &format_args!("its module cannot be read: {error}"),
                format!("see to {}, then try again", path.display()),
            )
        })?;
        let progress = &mut |progress: Progress<'_>| (self.progress)(progress);
        let place = match place {
            Some(place) => place,
            None => place.insert(Place::open(name, progress).map_err(of_cache)?),
        };
        match place {
            Place::Directory(cache) => cache.get_or_compile(name, &wasm, progress),
            Place::Memory(memory) => memory.compile(name, &wasm, progress),
        }
        .map_err(of_cache)
    }

    /// Whether every module has been prepared.
    pub(crate) fn are_ready(&self) -> bool {
        let names: Vec<&str> = self.modules.iter().map(|(name, _)| name.as_str()).collect();
        self.have(&names)
    }

    /// Whether these modules have been prepared.
    pub(super) fn have(&self, names: &[&str]) -> bool {
        // Held for as long as a module is compiled, and then they are not.
        let state = self.state.try_lock();
        state.is_some_and(|state| names.iter().all(|name| state.ready.contains_key(*name)))
    }

    /// Prepares every module that can be.
    pub(crate) fn try_all(&self) {
        for (name, _) in &self.modules {
            let _ = self.get(name);
        }
    }

    /// Prepares every module.
    ///
    /// # Errors
    /// The first that cannot be.
    pub(crate) fn prepare(&self) -> Result<(), ErrorData> {
        self.modules.iter().try_for_each(|(name, _)| self.get(name).map(drop))
    }
}

impl Place {
    /// The cache; memory where that cannot be used, which is said unless there just is none.
    fn open(name: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Self, CacheError> {
        match open_cache() {
            Ok(cache) => Ok(Place::Directory(cache)),
            Err(error @ CacheError::Compile(_)) => Err(error),
            Err(error) => {
                if !error.is_absence() {
                    progress(Progress::NotKept { name, error: &error });
                }
                Ok(Place::Memory(MemoryArtifacts::new()?))
            }
        }
    }
}

impl Causes {
    fn now(module: &Path) -> Self {
        let status = |path: &Path| std::fs::metadata(path).ok();
        let directory = ArtifactCache::default_directory().ok();
        Causes {
            module: status(module)
                .map(|module| (module.ino(), module.len(), module.ctime(), module.ctime_nsec())),
            directory: directory
                .and_then(|directory| status(&directory))
                .map(|directory| (directory.ino(), directory.mode(), directory.uid())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const MODULE: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

    /// Artifacts of one module, and how often the compiler ran.
    fn artifacts(path: &Path) -> (Artifacts, Arc<AtomicUsize>) {
        let compiled = Arc::new(AtomicUsize::new(0));
        let counted = compiled.clone();
        let progress = Box::new(move |progress: Progress<'_>| {
            if matches!(progress, Progress::Compiling { .. }) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let modules = vec![("quiet".to_owned(), path.to_owned())];
        (Artifacts { modules, progress, state: Mutex::default() }, compiled)
    }

    #[test]
    fn a_failure_is_remembered_with_its_reason_until_its_cause_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quiet.wasm");
        std::fs::write(&path, "text").unwrap();
        let (artifacts, compiled) = artifacts(&path);
        artifacts.state.lock().place = Some(Place::Memory(MemoryArtifacts::new().unwrap()));
        for _ in 0..3 {
            let error = artifacts.get("quiet").unwrap_err();
            assert_eq!(error.code, code::NOT_INSTALLED);
            assert!(error.message.contains("no WebAssembly module"), "{error:?}");
            assert!(error.hint.is_some());
        }
        assert_eq!(compiled.load(Ordering::Relaxed), 1, "it was tried again without a reason");
        std::fs::write(&path, wat::parse_str(MODULE).unwrap()).unwrap();
        let (_, length) = artifacts.get("quiet").unwrap();
        assert!(length > 0);
        assert_eq!(artifacts.get("quiet").unwrap().1, length);
        assert_eq!(compiled.load(Ordering::Relaxed), 2, "what there is need not be made again");
    }

    #[test]
    fn a_failure_is_not_remembered_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quiet.wasm");
        std::fs::write(&path, "text").unwrap();
        let (artifacts, compiled) = artifacts(&path);
        artifacts.state.lock().place = Some(Place::Memory(MemoryArtifacts::new().unwrap()));
        artifacts.get("quiet").unwrap_err();
        let long_ago = Instant::now().checked_sub(FAILURE_LIFE).unwrap();
        artifacts.state.lock().failed.get_mut("quiet").unwrap().since = long_ago;
        artifacts.get("quiet").unwrap_err();
        assert_eq!(compiled.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_message_that_guests_read_names_no_path_of_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing.wasm");
        let (artifacts, _) = artifacts(&path);
        let error = artifacts.get("quiet").unwrap_err();
        let named = folder.path().to_str().unwrap();
        assert!(!error.message.contains(named), "{error:?}");
        assert!(error.hint.unwrap().contains(named));
    }
}
