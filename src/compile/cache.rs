//! The cache of compiled commands: a directory that only its owner may enter, one file per artifact.
//!
//! An artifact is native code that workers map and run, so what is opened here is checked as if it were code: the
//! directory has to be the user's own, and every file carries the digest of its contents. What does not match is
//! removed and built anew. A file is named after everything that shaped it (module, compiler, processor), written
//! under another name and renamed when complete: a reader sees all of it or nothing.
//!
//! Layout of a file: the artifact from offset 0, because it is mapped, then a trailer with magic and digest.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::compiler::{CompileError, Compiler};

/// Ends every artifact file, followed by the SHA-256 of what precedes it.
const TRAILER_MAGIC: &[u8; 16] = b"cordon artifact\n";
const TRAILER_BYTES: u64 = 16 + 32;

/// Artifacts of one program that are kept: each version of the program, the compiler or the processor makes one.
const ARTIFACTS_PER_PROGRAM: usize = 8;

/// A file that is being written has this ending; one this old was left by a crash.
const UNFINISHED: &str = ".unfinished";
const UNFINISHED_LIFE: Duration = Duration::from_secs(60 * 60);

/// Why there is no artifact. The texts name no path of the host, for guests may come to read them; the hints do.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Neither `CORDON_CACHE_DIR` nor `XDG_CACHE_HOME` nor `HOME` says where the cache is.
    #[error("no place for the cache: set CORDON_CACHE_DIR, XDG_CACHE_HOME or HOME")]
    NoPlace,
    /// There is no directory, and none can be made.
    #[error("the cache of compiled commands cannot be made: {source}")]
    Absent {
        /// The directory.
        path: PathBuf,
        /// Why it cannot be made.
        source: io::Error,
    },
    /// The directory is somebody else's, or others may write to it, so its files must not be run.
    #[error("the cache of compiled commands cannot be trusted: {reason}")]
    Untrusted {
        /// The directory.
        path: PathBuf,
        /// Whose it is or who may write.
        reason: String,
    },
    /// A file operation failed.
    #[error("cannot {doing} {}, in the cache of compiled commands: {source}", path.file_name().unwrap_or_default().display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A name that is no plain word could leave the directory.
    #[error("{0:?} is no name of a program: letters, digits, '-' and '_' only")]
    Name(String),
    /// The compiler refused.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl CacheError {
    /// Whether there is just no directory, so that nothing is wrong with doing without.
    pub fn is_absence(&self) -> bool {
        matches!(self, CacheError::NoPlace | CacheError::Absent { .. })
    }

    /// What to do about it; none if the module is at fault.
    pub fn hint(&self) -> Option<String> {
        match self {
            CacheError::NoPlace => Some("set CORDON_CACHE_DIR to a folder of your own".to_owned()),
            CacheError::Absent { path, .. } => {
                Some(format!("make {} possible, or set CORDON_CACHE_DIR to another folder", path.display()))
            }
            CacheError::Untrusted { path, .. } => Some(format!(
                "make {} your own and writable for you alone, or set CORDON_CACHE_DIR to another folder",
                path.display()
            )),
            CacheError::Io { path, .. } => Some(format!(
                "see that {} can be written and that its disk has room, or set CORDON_CACHE_DIR to another folder",
                path.display()
            )),
            CacheError::Name(_) | CacheError::Compile(_) => None,
        }
    }
}

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
    /// Open for reading; workers get a duplicate of the descriptor and map the first `len` bytes.
    pub file: File,
    /// Bytes of native code and its tables, without the trailer.
    pub len: u64,
}

/// The directory, and the compiler that fills it.
pub struct ArtifactCache {
    directory: OwnedFd,
    path: PathBuf,
    compiler: Compiler,
    fingerprint: [u8; 32],
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
        let compiler = Compiler::new()?;
        let fingerprint = compiler.fingerprint();
        Ok(ArtifactCache { directory: opened, path: directory.to_owned(), compiler, fingerprint })
    }

    /// The artifact of a program, from the cache or compiled now.
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
        let file_name = format!("{name}-{}.cwasm", self.key(wasm));
        if let Some(artifact) = self.open_verified(name, &file_name, progress)? {
            return Ok(artifact);
        }
        let _lock = self.lock(name, progress)?;
        // Whoever held the lock may have built it.
        if let Some(artifact) = self.open_verified(name, &file_name, progress)? {
            return Ok(artifact);
        }
        progress(Progress::Compiling { name, bytes: wasm.len() });
        let started = Instant::now();
        let native = self.compiler.compile(name, wasm)?;
        self.store(&file_name, &native)?;
        progress(Progress::Compiled { name, took: started.elapsed(), bytes: native.len() });
        self.prune(name, &file_name);
        self.open_verified(name, &file_name, progress)?.ok_or_else(|| {
            self.io("find again", &file_name, io::Error::other("it does not hold what was written"))
        })
    }

    fn key(&self, wasm: &[u8]) -> String {
        let mut digest = Sha256::new();
        digest.update(self.fingerprint);
        digest.update(wasm);
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Opens an artifact and checks it; a file that fails the check is removed.
    fn open_verified(
        &self,
        name: &str,
        file_name: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Artifact>, CacheError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let checked = match rustix::fs::openat(&self.directory, file_name, flags, Mode::empty()) {
            Ok(opened) => check(File::from(opened)).map_err(|source| self.io("read", file_name, source))?,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => Err("it is a symbolic link"),
            Err(errno) => return Err(self.io("open", file_name, errno.into())),
        };
        match checked {
            Ok((file, len)) => Ok(Some(Artifact { name: name.to_owned(), file, len })),
            Err(reason) => {
                progress(Progress::Discarded { name, reason });
                match rustix::fs::unlinkat(&self.directory, file_name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => Ok(None),
                    Err(errno) => Err(self.io("remove", file_name, errno.into())),
                }
            }
        }
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
        // A file of this name can only be what a process of the same id left; it may be read-only already.
        let _ = rustix::fs::unlinkat(&self.directory, &unfinished, AtFlags::empty());
        let mut file: File = rustix::fs::openat(&self.directory, &unfinished, flags, Mode::RUSR | Mode::WUSR)
            .map_err(failed)?
            .into();
        let written = file
            .write_all(native)
            .and_then(|()| file.write_all(TRAILER_MAGIC))
            .and_then(|()| file.write_all(&Sha256::digest(native)))
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

/// Whether a file of the cache holds an artifact of the program `name`, which another's name may begin with.
fn is_artifact_of(name: &str, file_name: &str) -> bool {
    file_name
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".cwasm"))
        .is_some_and(|key| key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a file is an artifact as it was written: ours, complete and unchanged. Gives the length without trailer.
fn check(mut file: File) -> io::Result<Result<(File, u64), &'static str>> {
    let status = file.metadata()?;
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
    let mut trailer = [0; TRAILER_BYTES as usize];
    file.read_exact_at(&mut trailer, len)?;
    let Some(expected) = trailer.strip_prefix(TRAILER_MAGIC) else { return Ok(Err("it has no trailer")) };
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut left = len;
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.read_exact(&mut buffer[..want])?;
        digest.update(&buffer[..want]);
        left -= want as u64;
    }
    if digest.finalize().as_slice() != expected {
        return Ok(Err("its contents do not match their digest"));
    }
    file.rewind()?;
    Ok(Ok((file, len)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const MODULE: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

    struct Counted(usize, Vec<&'static str>);

    fn get(cache: &ArtifactCache, wasm: &[u8]) -> (Artifact, Counted) {
        let mut seen = Counted(0, Vec::new());
        let mut progress = |progress: Progress<'_>| match progress {
            Progress::Compiling { .. } => seen.0 += 1,
            Progress::Discarded { reason, .. } => seen.1.push(reason),
            Progress::Waiting { .. } | Progress::Compiled { .. } => {}
        };
        let artifact = cache.get_or_compile("quiet", wasm, &mut progress).unwrap();
        (artifact, seen)
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "cwasm")).collect()
    }

    #[test]
    fn what_was_compiled_is_found_again_until_it_is_damaged() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("cordon/commands");
        let cache = ArtifactCache::open(&directory).unwrap();
        let wasm = wat::parse_str(MODULE).unwrap();
        let (first, seen) = get(&cache, &wasm);
        assert_eq!((seen.0, seen.1.len()), (1, 0));
        let again = ArtifactCache::open(&directory).unwrap();
        assert_eq!(get(&again, &wasm).1.0, 0);
        assert_eq!(get(&again, &wasm).0.len, first.len);

        let file = files(&directory).pop().unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let cases = [
            (flipped, "its contents do not match their digest"),
            (whole[..whole.len() - 1].to_vec(), "it has no trailer"),
            (whole[..7].to_vec(), "it is too short"),
        ];
        for (contents, reason) in cases {
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, contents).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
            let (_, seen) = get(&cache, &wasm);
            assert_eq!((seen.0, seen.1), (1, vec![reason]));
        }
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!(get(&cache, &wasm).1.1, ["others may write to it"]);
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("commands");
        ArtifactCache::open(&directory).unwrap();
        assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(ArtifactCache::open(&directory), Err(CacheError::Untrusted { .. })));
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        assert!(matches!(ArtifactCache::open(&link), Err(CacheError::Io { .. })));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_absent_and_another_failure_is_not() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        let absent = ArtifactCache::open(&file.join("cordon/commands")).err().unwrap();
        assert!(absent.is_absence(), "{absent}");
        let occupied = ArtifactCache::open(&file).err().unwrap();
        assert!(!occupied.is_absence(), "{occupied}");
        for error in [absent, occupied] {
            let path = home.path().to_str().unwrap();
            assert!(!error.to_string().contains(path), "{error}");
            assert!(error.hint().unwrap().contains(path));
        }
    }

    #[test]
    fn old_versions_of_a_program_are_removed() {
        let home = tempfile::tempdir().unwrap();
        let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
        for version in 0..ARTIFACTS_PER_PROGRAM + 3 {
            let module =
                format!(r#"(module (memory (export "memory") {}) (func (export "_start")))"#, version + 1);
            get(&cache, &wat::parse_str(module).unwrap());
        }
        assert_eq!(files(&cache.path).len(), ARTIFACTS_PER_PROGRAM);
    }

    #[test]
    fn what_is_no_program_and_names_that_are_no_names_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
        let mut ignore = |_: Progress<'_>| {};
        let refused = cache.get_or_compile("text", b"#!/bin/sh\n", &mut ignore);
        assert!(matches!(refused, Err(CacheError::Compile(CompileError::NotWasm(_)))));
        for name in ["", "../quiet", "a/b", ".lock", "name with blanks"] {
            assert!(matches!(cache.get_or_compile(name, b"", &mut ignore), Err(CacheError::Name(_))));
        }
    }
}
