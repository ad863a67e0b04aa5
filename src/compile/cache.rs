//! The cache of compiled commands: a directory that only its owner may enter, one file per artifact.
//!
//! An artifact is native code that workers map and run, so what is opened here is checked as if it were code: the
//! directory has to be the user's own, and every file carries a code (HMAC-SHA-256) over its name and contents, made with
//! a key that only the owner can read ([`super::key`]): who can write a file but not read the key can forge none. What is
//! handed out is never the file but a sealed copy in memory, made while it is checked, so that nothing that happens to
//! the file afterwards reaches a worker. What does not match is removed and built anew; what cannot be kept is handed out
//! all the same. A file is named after everything that shaped it (module, compiler, processor), written under another
//! name and renamed when complete: a reader sees all of it or nothing.
//!
//! Layout of a file: the artifact, then a trailer with magic and code.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::compiler::Compiler;
pub use super::error::CacheError;
use super::key::{self, Key};
use super::sealed::{self, SealedWriter};

/// Ends every artifact file, followed by the code over its name and what precedes it.
const TRAILER_MAGIC: &[u8; 16] = b"cordon keyed v1\n";
const TRAILER_BYTES: u64 = 16 + 32;

/// Native code of one program. coreutils has 19 MB; a file that says it is longer is not read.
const ARTIFACT_BYTES_MAX: u64 = 512 << 20;

/// Artifacts of one program that are kept: each version of the program, the compiler or the processor makes one.
const ARTIFACTS_PER_PROGRAM: usize = 8;

/// A file that is being written has this ending; one this old was left by a crash.
pub(super) const UNFINISHED: &str = ".unfinished";
const UNFINISHED_LIFE: Duration = Duration::from_secs(60 * 60);

/// What a caller may tell a user who waits.
#[derive(Debug)]
pub enum Progress<'a> {
    /// An artifact was damaged or foreign and has been removed.
    Discarded {
        /// The program.
        name: &'a str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another process compiles the same program; its result will be used.
    Waiting {
        /// The program.
        name: &'a str,
    },
    /// The compiler starts.
    Compiling {
        /// The program.
        name: &'a str,
        /// Size of the module.
        bytes: usize,
    },
    /// The artifact is handed out, but could not be kept: other processes will compile it again.
    NotKept {
        /// The program.
        name: &'a str,
        /// Why.
        error: &'a CacheError,
    },
    /// The compiler is done.
    Compiled {
        /// The program.
        name: &'a str,
        /// How long it took.
        took: Duration,
        /// Size of the artifact.
        bytes: usize,
    },
}

/// A verified artifact.
#[derive(Debug)]
pub struct Artifact {
    /// The program.
    pub name: String,
    /// A file in memory that nobody can change any more, not even this process. Workers get a duplicate of the
    /// descriptor and map it.
    pub file: File,
    /// Bytes of native code and its tables, which is all that the file has.
    pub len: u64,
}

/// The directory, and the compiler that fills it.
pub struct ArtifactCache {
    directory: OwnedFd,
    path: PathBuf,
    compiler: Compiler,
    fingerprint: [u8; 32],
    key: Key,
}

impl ArtifactCache {
    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the cache is unless the caller knows better.
    pub fn default_directory() -> Result<PathBuf, CacheError> {
        let of = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = of("CORDON_CACHE_DIR")
            .or_else(|| of("XDG_CACHE_HOME").map(|cache| cache.join("cordon")))
            .or_else(|| of("HOME").map(|home| home.join(".cache/cordon")))
            .ok_or(CacheError::NoPlace)?;
        Ok(base.join("commands"))
    }

    /// Opens the directory, making it if there is none.
    pub fn open(directory: &Path) -> Result<Self, CacheError> {
        let failed = |doing, source: io::Error| CacheError::Io { doing, path: directory.to_owned(), source };
        let absent = |source| CacheError::Absent { path: directory.to_owned(), source };
        if let Some(parent) = directory.parent() {
            std::fs::create_dir_all(parent).map_err(absent)?;
        }
        match rustix::fs::mkdir(directory, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            // One that is there is not missing because its filesystem may not be written to.
            Err(_) if directory.is_dir() => {}
            Err(errno) => return Err(absent(errno.into())),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(directory, flags, Mode::empty())
            .map_err(|errno| failed("open", errno.into()))?;
        let status = rustix::fs::fstat(&opened).map_err(|errno| failed("examine", errno.into()))?;
        let untrusted = |reason: String| Err(CacheError::Untrusted { path: directory.to_owned(), reason });
        if status.st_uid != rustix::process::geteuid().as_raw() {
            return untrusted(format!("it belongs to user {}", status.st_uid));
        }
        if status.st_mode & 0o022 != 0 {
            return untrusted(format!("others may write to it (mode {:o})", status.st_mode & 0o777));
        }
        let key = key::read_or_make(&opened).map_err(|source| CacheError::Io {
            doing: "make or read",
            path: directory.join(key::FILE),
            source,
        })?;
        let compiler = Compiler::new()?;
        let fingerprint = compiler.fingerprint();
        Ok(ArtifactCache { directory: opened, path: directory.to_owned(), compiler, fingerprint, key })
    }

    /// Whether something can be kept in it now.
    ///
    /// # Errors
    /// Why not: a file can be neither made nor filled there.
    pub fn try_writing(&self) -> Result<(), CacheError> {
        let name = format!("trial.{}{UNFINISHED}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let tried = rustix::fs::openat(&self.directory, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(io::Error::from)
            .and_then(|opened| {
                let mut file = File::from(opened);
                file.write_all(&[0; 4096]).and_then(|()| file.sync_all())
            });
        self.forget(OsStr::new(&name));
        tried.map_err(|source| self.io("write", &name, source))
    }

    /// The artifact of a program, from the cache or compiled now. Where the cache does not do its part the artifact is
    /// compiled and handed out all the same, and `progress` is told why it is not kept.
    ///
    /// # Errors
    /// The module cannot be compiled, or the system gives no memory for its code.
    pub fn get_or_compile(
        &self,
        name: &str,
        wasm: &[u8],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Artifact, CacheError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(CacheError::Name(name.to_owned()));
        }
        let file_name = format!("{name}-{}.cwasm", self.name_of(wasm));
        let lock = match self.find_or_lock(name, &file_name, progress) {
            Ok(Found::Artifact(artifact)) => return Ok(artifact),
            Ok(Found::Nothing(lock)) => Ok(lock),
            Err(error @ CacheError::Memory(_)) => return Err(error),
            Err(error) => Err(error),
        };
        let (artifact, native) = sealed::compile(&self.compiler, name, wasm, progress)?;
        let kept = lock.and_then(|_lock| self.store(&file_name, &native));
        match kept {
            Ok(()) => self.prune(name, &file_name),
            Err(error) => progress(Progress::NotKept { name, error: &error }),
        }
        Ok(artifact)
    }

    fn find_or_lock(
        &self,
        name: &str,
        file_name: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Found, CacheError> {
        if let Some(artifact) = self.open_verified(name, file_name, progress)? {
            return Ok(Found::Artifact(artifact));
        }
        let lock = self.lock(name, progress)?;
        // Whoever held the lock may have built it.
        match self.open_verified(name, file_name, progress)? {
            Some(artifact) => Ok(Found::Artifact(artifact)),
            None => Ok(Found::Nothing(lock)),
        }
    }

    fn name_of(&self, wasm: &[u8]) -> String {
        let mut digest = Sha256::new();
        // Of another form, it is another file: versions of cordon that share a cache do not remove each other's.
        digest.update(TRAILER_MAGIC);
        digest.update(self.fingerprint);
        digest.update(wasm);
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The code of an artifact of that name, to be fed its contents.
    fn code(&self, file_name: &str) -> Hmac<Sha256> {
        let mut code = self.key.code();
        // A name of the cache has no zero in it, so what follows the first is the contents.
        code.update(file_name.as_bytes());
        code.update(&[0]);
        code
    }

    /// Copies an artifact and checks it; a file that fails the check is removed.
    fn open_verified(
        &self,
        name: &str,
        file_name: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Artifact>, CacheError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let checked = match rustix::fs::openat(&self.directory, file_name, flags, Mode::empty()) {
            Ok(opened) => self.check(name, file_name, File::from(opened))?,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => Err("it is a symbolic link"),
            Err(errno) => return Err(self.io("open", file_name, errno.into())),
        };
        match checked {
            Ok(artifact) => Ok(Some(artifact)),
            Err(reason) => {
                progress(Progress::Discarded { name, reason });
                match rustix::fs::unlinkat(&self.directory, file_name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => Ok(None),
                    Err(errno) => Err(self.io("remove", file_name, errno.into())),
                }
            }
        }
    }

    /// Copies a file into sealed memory, and says what is wrong with it unless it is ours, complete and unchanged.
    fn check(
        &self,
        name: &str,
        file_name: &str,
        mut file: File,
    ) -> Result<Result<Artifact, &'static str>, CacheError> {
        let failed = |source| self.io("read", file_name, source);
        let status = file.metadata().map_err(failed)?;
        if !status.is_file() {
            return Ok(Err("it is no regular file"));
        }
        if status.uid() != rustix::process::geteuid().as_raw() {
            return Ok(Err("it belongs to somebody else"));
        }
        if status.mode() & 0o022 != 0 {
            return Ok(Err("others may write to it"));
        }
        let Some(len) = status.len().checked_sub(TRAILER_BYTES) else { return Ok(Err("it is too short")) };
        if len > ARTIFACT_BYTES_MAX {
            return Ok(Err("it is too long"));
        }
        let mut trailer = [0; TRAILER_BYTES as usize];
        file.read_exact_at(&mut trailer, len).map_err(failed)?;
        let Some(expected) = trailer.strip_prefix(TRAILER_MAGIC) else { return Ok(Err("it has no trailer")) };
        let mut code = self.code(file_name);
        let mut copy = SealedWriter::new(name).map_err(CacheError::Memory)?;
        let mut buffer = vec![0; 256 * 1024];
        let mut left = len;
        while left > 0 {
            let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match file.read(&mut buffer[..want]) {
                Ok(0) => return Ok(Err("it was cut off while it was read")),
                Ok(more) => {
                    // What is checked is what was copied, whatever becomes of the file.
                    code.update(&buffer[..more]);
                    copy.write(&buffer[..more]).map_err(CacheError::Memory)?;
                    left -= more as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        if code.verify_slice(expected).is_err() {
            return Ok(Err("it was not made with this cache's key, or has changed since"));
        }
        let file = copy.seal().map_err(CacheError::Memory)?;
        Ok(Ok(Artifact { name: name.to_owned(), file, len }))
    }

    /// Keeps other processes from compiling the same program; given up when the file is dropped.
    fn lock(&self, name: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Result<File, CacheError> {
        let file_name = format!("{name}.lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, &file_name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.io("open", &file_name, errno.into()))?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            progress(Progress::Waiting { name });
            loop {
                match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                    Ok(()) => break,
                    Err(Errno::INTR) => {}
                    Err(errno) => return Err(self.io("lock", &file_name, errno.into())),
                }
            }
        }
        Ok(file.into())
    }

    fn store(&self, file_name: &str, native: &[u8]) -> Result<(), CacheError> {
        let unfinished = format!("{file_name}.{}{UNFINISHED}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |errno: Errno| self.io("create", &unfinished, errno.into());
        if native.len() as u64 > ARTIFACT_BYTES_MAX {
            let text = format!("it is longer than {ARTIFACT_BYTES_MAX} bytes");
            return Err(self.io("keep", file_name, io::Error::other(text)));
        }
        let mut code = self.code(file_name);
        code.update(native);
        // A file of this name can only be what a process of the same id left; it may be read-only already.
        let _ = rustix::fs::unlinkat(&self.directory, &unfinished, AtFlags::empty());
        let mut file: File = rustix::fs::openat(&self.directory, &unfinished, flags, Mode::RUSR | Mode::WUSR)
            .map_err(failed)?
            .into();
        let written = file
            .write_all(native)
            .and_then(|()| file.write_all(TRAILER_MAGIC))
            .and_then(|()| file.write_all(&code.finalize().into_bytes()))
            .and_then(|()| Ok(rustix::fs::fchmod(&file, Mode::RUSR)?))
            .and_then(|()| file.sync_all())
            .and_then(|()| {
                Ok(rustix::fs::renameat(&self.directory, &unfinished, &self.directory, file_name)?)
            });
        written.map_err(|source| {
            let _ = rustix::fs::unlinkat(&self.directory, &unfinished, AtFlags::empty());
            self.io("write", &unfinished, source)
        })
    }

    /// Removes what nobody will ask for again. Failures are harmless: the next one tries again.
    fn prune(&self, name: &str, keep: &str) {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return };
        let mut artifacts = Vec::new();
        for entry in entries.flatten() {
            let file_name = entry.file_name();
            let Some(text) = file_name.to_str() else { continue };
            let Ok(modified) = entry.metadata().and_then(|status| status.modified()) else { continue };
            if text.ends_with(UNFINISHED) {
                if SystemTime::now().duration_since(modified).is_ok_and(|age| age > UNFINISHED_LIFE) {
                    self.forget(&file_name);
                }
            } else if is_artifact_of(name, text) && text != keep {
                artifacts.push((modified, file_name));
            }
        }
        artifacts.sort();
        let surplus = (artifacts.len() + 1).saturating_sub(ARTIFACTS_PER_PROGRAM);
        for (_, file_name) in &artifacts[..surplus] {
            self.forget(file_name);
        }
    }

    fn forget(&self, file_name: &OsStr) {
        let _ = rustix::fs::unlinkat(&self.directory, file_name, AtFlags::empty());
    }

    fn io(&self, doing: &'static str, file_name: &str, source: io::Error) -> CacheError {
        CacheError::Io { doing, path: self.path.join(file_name), source }
    }
}

/// What is in the cache.
enum Found {
    Artifact(Artifact),
    /// Nothing, and nobody else makes it while this is held.
    Nothing(File),
}

/// Whether a file of the cache holds an artifact of the program `name`, which another's name may begin with.
fn is_artifact_of(name: &str, file_name: &str) -> bool {
    file_name
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".cwasm"))
        .is_some_and(|key| key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
