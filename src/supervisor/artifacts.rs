//! Command modules as native code: this installation's, each verified or compiled once for this supervisor, and
//! embedders' own ([`super::own_commands`]).
//!
//! What is handed out lies in sealed memory, once for all VMs. A cache that cannot be used keeps nobody from running
//! commands: the code is compiled by this process then. What cannot be had at all is remembered for a while with its
//! reason, so that every command says why and none of them tries again what takes long.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::installation::Installation;
use compile::cache::{Artifact, ArtifactCache, CacheError, Progress};
use compile::memory::MemoryArtifacts;
use protocol::broker::BrokerReply;
use protocol::wire::{ErrorData, code};

/// How long a failure is remembered. Sooner if the module or the cache's directory is no longer what it was.
const FAILURE_LIFE: Duration = Duration::from_secs(30);
/// Failures that are remembered at once.
const FAILURES_MAX: usize = 1024;

/// What to do where a module itself is at fault.
const MODULE_HINT: &str =
    "put a module that works in its place, or build the project's own again with `make build`";

/// A module's code: a file in sealed memory, and how many bytes it has.
pub(super) type Code = (Arc<File>, u64);
/// Code, or why there is none. `ERR_NOT_INSTALLED`: the message says why in words that a guest may read, the hint what to
/// do and where.
pub(super) type Found = Result<Code, ErrorData>;

/// What is answered to a process that has asked for a module's code, with the file that goes beside it.
pub(super) fn reply(found: Found) -> (BrokerReply, Option<Arc<File>>) {
    let (result, file) = match found {
        Ok((file, length)) => (Ok(length), Some(file)),
        Err(error) => (Err(error), None),
    };
    (BrokerReply::CommandArtifact { result }, file)
}

/// Native code of commands. Calls block while a module is verified or compiled.
pub(crate) struct Artifacts {
    /// What is installed.
    modules: Vec<Module>,
    progress: Box<dyn Fn(Progress<'_>) + Send + Sync>,
    known: Mutex<Known>,
    /// Held while one is verified or compiled: never two at once, which bounds the memory that takes.
    place: Mutex<Option<Place>>,
}

/// A module of a command, in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// The command's name.
    pub(crate) name: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
}

/// What became of the modules that were asked for.
#[derive(Default)]
struct Known {
    ready: HashMap<PathBuf, Ready>,
    failed: HashMap<PathBuf, Failure>,
}

/// Code that is in memory.
struct Ready {
    file: Weak<File>,
    /// What it was made of.
    module: Option<Identity>,
    length: u64,
    /// Of what is installed it stays there. An embedder's own does as long as a VM has it.
    _kept: Option<Arc<File>>,
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

/// Of a file: device and inode, length and last change.
type Identity = (u64, u64, u64, i64, i64);

fn identity(path: &Path) -> Option<Identity> {
    let status = std::fs::metadata(path).ok()?;
    Some((status.dev(), status.ino(), status.len(), status.ctime(), status.ctime_nsec()))
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
    module: Option<Identity>,
    /// The directory's identity, mode and owner. What is in it changes with every attempt, of other processes as well.
    directory: Option<(u64, u32, u32)>,
}

impl Artifacts {
    pub(crate) fn new(
        installation: &Installation,
        progress: Box<dyn Fn(Progress<'_>) + Send + Sync>,
    ) -> Arc<Self> {
        let modules = installation.command_modules();
        let modules = modules.into_iter().map(|(name, path)| Module { name, path }).collect();
        Arc::new(Artifacts { modules, progress, known: Mutex::default(), place: Mutex::default() })
    }

    /// The names of all modules that are installed.
    pub(crate) fn names(&self) -> Vec<String> {
        self.modules.iter().map(|module| module.name.clone()).collect()
    }

    /// Whether a module of that name is installed.
    pub(crate) fn has(&self, module: &str) -> bool {
        self.modules.iter().any(|known| known.name == module)
    }

    /// The code of a module that is installed.
    ///
    /// # Errors
    /// As [`Found`] says.
    pub(super) fn get(&self, module: &str) -> Found {
        let Some(found) = self.modules.iter().find(|known| known.name == module) else {
            let text = format!("no command module {module:?} is installed");
            return Err(ErrorData::new(code::NOT_INSTALLED, text).hint("build the modules with `make build`"));
        };
        self.code(found, true)
    }

    /// The code of an embedder's own module, which is in memory as long as somebody has it.
    ///
    /// # Errors
    /// As [`Found`] says.
    pub(super) fn get_own(&self, module: &Module) -> Found {
        self.code(module, false)
    }

    fn code(&self, module: &Module, is_installed: bool) -> Found {
        if let Some(found) = self.known.lock().find(module, is_installed) {
            return found;
        }
        let mut place = self.place.lock();
        // Whoever held it may have made it.
        if let Some(found) = self.known.lock().find(module, is_installed) {
            return found;
        }
        let of = identity(&module.path);
        let made = self.make(&mut place, &module.name, &module.path);
        self.known.lock().note(module, of, is_installed, made)
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
        let known = self.known.lock();
        self.modules.iter().all(|module| known.ready.contains_key(&module.path))
    }

    /// Whether these modules have been prepared.
    pub(super) fn have(&self, names: &[&str]) -> bool {
        let known = self.known.lock();
        let is_ready = |module: &Module| known.ready.contains_key(&module.path);
        names.iter().all(|name| self.modules.iter().any(|module| module.name == *name && is_ready(module)))
    }

    /// Prepares every module that can be.
    pub(crate) fn try_all(&self) {
        for module in &self.modules {
            let _ = self.get(&module.name);
        }
    }

    /// Prepares every module.
    ///
    /// # Errors
    /// The first that cannot be.
    pub(crate) fn prepare(&self) -> Result<(), ErrorData> {
        self.modules.iter().try_for_each(|module| self.get(&module.name).map(drop))
    }
}

impl Known {
    /// What is known of a module, if that still holds.
    fn find(&self, module: &Module, is_installed: bool) -> Option<Found> {
        if let Some(ready) = self.ready.get(&module.path)
            && let Some(file) = ready.file.upgrade()
            && (is_installed || ready.module == identity(&module.path))
        {
            return Some(Ok((file, ready.length)));
        }
        let failure = self.failed.get(&module.path)?;
        let holds = failure.since.elapsed() < FAILURE_LIFE && failure.causes == Causes::now(&module.path);
        holds.then(|| Err(failure.error.clone()))
    }

    /// Notes what was made of a module, and forgets what is of no use any more.
    fn note(
        &mut self,
        module: &Module,
        of: Option<Identity>,
        is_installed: bool,
        made: Result<Artifact, ErrorData>,
    ) -> Found {
        self.ready.retain(|_, ready| ready.file.strong_count() > 0);
        self.failed.retain(|_, failure| failure.since.elapsed() < FAILURE_LIFE);
        match made {
            Ok(Artifact { file, len, .. }) => {
                self.failed.remove(&module.path);
                let file = Arc::new(file);
                let kept = is_installed.then(|| file.clone());
                let ready = Ready { file: Arc::downgrade(&file), module: of, length: len, _kept: kept };
                self.ready.insert(module.path.clone(), ready);
                Ok((file, len))
            }
            Err(error) => {
                let causes = Causes::now(&module.path);
                let failure = Failure { error: error.clone(), since: Instant::now(), causes };
                if self.failed.len() < FAILURES_MAX {
                    self.failed.insert(module.path.clone(), failure);
                }
                Err(error)
            }
        }
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
        let directory = ArtifactCache::default_directory().ok();
        Causes {
            module: identity(module),
            directory: directory
                .and_then(|directory| std::fs::metadata(directory).ok())
                .map(|directory| (directory.ino(), directory.mode(), directory.uid())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const MODULE: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

    fn quiet(path: &Path) -> Module {
        Module { name: "quiet".to_owned(), path: path.to_owned() }
    }

    /// Artifacts of one module, and how often the compiler ran.
    fn artifacts(path: &Path) -> (Artifacts, Arc<AtomicUsize>) {
        let compiled = Arc::new(AtomicUsize::new(0));
        let counted = compiled.clone();
        let progress = Box::new(move |progress: Progress<'_>| {
            if matches!(progress, Progress::Compiling { .. }) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let modules = vec![quiet(path)];
        (Artifacts { modules, progress, known: Mutex::default(), place: Mutex::default() }, compiled)
    }

    #[test]
    fn a_failure_is_remembered_with_its_reason_until_its_cause_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quiet.wasm");
        std::fs::write(&path, "text").unwrap();
        let (artifacts, compiled) = artifacts(&path);
        *artifacts.place.lock() = Some(Place::Memory(MemoryArtifacts::new().unwrap()));
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
        *artifacts.place.lock() = Some(Place::Memory(MemoryArtifacts::new().unwrap()));
        artifacts.get("quiet").unwrap_err();
        let long_ago = Instant::now().checked_sub(FAILURE_LIFE).unwrap();
        artifacts.known.lock().failed.get_mut(&path).unwrap().since = long_ago;
        artifacts.get("quiet").unwrap_err();
        assert_eq!(compiled.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_own_module_is_in_memory_while_somebody_has_it_and_as_it_is_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quiet.wasm");
        std::fs::write(&path, wat::parse_str(MODULE).unwrap()).unwrap();
        let (artifacts, compiled) = artifacts(folder.path());
        *artifacts.place.lock() = Some(Place::Memory(MemoryArtifacts::new().unwrap()));
        let (first, _) = artifacts.get_own(&quiet(&path)).unwrap();
        let (second, _) = artifacts.get_own(&quiet(&path)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let other = MODULE.replace("_start", "_initialize").replace("1)", "2)");
        std::fs::write(&path, wat::parse_str(&other).unwrap()).unwrap();
        assert!(!artifacts.get_own(&quiet(&path)).is_ok_and(|(third, _)| Arc::ptr_eq(&first, &third)));
        assert_eq!(compiled.load(Ordering::Relaxed), 2);
        drop((first, second));
        std::fs::write(&path, wat::parse_str(MODULE).unwrap()).unwrap();
        drop(artifacts.get_own(&quiet(&path)).unwrap());
        artifacts.get_own(&quiet(&path)).unwrap();
        assert_eq!(compiled.load(Ordering::Relaxed), 4, "nobody had it any more");
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
