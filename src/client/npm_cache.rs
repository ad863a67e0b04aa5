//! Archives of packages that VMs have downloaded, kept outside of them: each in a file that is called by the SHA-512 of
//! its contents, and looked at again whenever it is taken. So nothing that a VM says of an archive is believed, and nothing
//! that happens to a file here is noticed by a VM.
//!
//! Shared by all that name the same directory, the clients of other languages among them. A cache that cannot be read or
//! written is as good as an empty one. All of this waits for the disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha512};

/// The largest archive that is kept.
pub(super) const ARCHIVE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// What the cache may have on the disk, unless its user says otherwise.
pub(super) const NPM_CACHE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// A file that was not finished in this time never will be.
const UNFINISHED: Duration = Duration::from_secs(60 * 60);

/// The SHA-512 of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest(pub(super) [u8; 64]);

impl Digest {
    /// Where the contents lie, here as in npm's own cache: a relative path.
    pub(super) fn place(&self) -> String {
        let digits = HEXLOWER.encode(&self.0);
        format!("sha512/{}/{}/{}", &digits[..2], &digits[2..4], &digits[4..])
    }

    fn is_of(&self, contents: &[u8]) -> bool {
        Sha512::digest(contents).as_slice() == self.0
    }
}

/// The directory that cordon's user has for it; none if there is no place for caches.
pub(super) fn default_directory() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = of("CORDON_CACHE_DIR")
        .or_else(|| of("XDG_CACHE_HOME").map(|cache| cache.join("cordon")))
        .or_else(|| of("HOME").map(|home| home.join(".cache/cordon")))?;
    Some(base.join("npm"))
}

#[derive(Clone, Debug)]
pub(super) struct NpmCache {
    directory: PathBuf,
    max_bytes: u64,
}

impl NpmCache {
    pub(super) fn new(directory: PathBuf, max_bytes: u64) -> Self {
        NpmCache { directory, max_bytes }
    }

    /// The contents of a digest. A file that has others is removed.
    pub(super) fn take(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.place(digest);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > ARCHIVE_BYTES_MAX {
            return None;
        }
        let mut contents = Vec::new();
        file.take(ARCHIVE_BYTES_MAX).read_to_end(&mut contents).ok()?;
        if !digest.is_of(&contents) {
            let _ = fs::remove_file(&path);
            return None;
        }
        touch(&path);
        Some(contents)
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        fs::symlink_metadata(self.place(digest)).is_ok_and(|metadata| metadata.is_file())
    }

    /// Keeps contents, if they are those of the digest. Whether that was done.
    pub(super) fn keep(&self, digest: &Digest, contents: &[u8]) -> bool {
        let fits = contents.len() as u64 <= ARCHIVE_BYTES_MAX.min(self.max_bytes);
        fits && digest.is_of(contents) && self.write(digest, contents).is_ok()
    }

    fn write(&self, digest: &Digest, contents: &[u8]) -> io::Result<()> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        let unfinished = self.directory.join("tmp").join(HEXLOWER.encode(&random));
        let path = self.place(digest);
        make(&self.directory.join("tmp"))?;
        path.parent().map_or(Ok(()), make)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&unfinished)?;
        let written = file.write_all(contents).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Removes what was used least recently until the rest is as much as there may be, and what was never finished.
    pub(super) fn trim(&self) {
        let now = SystemTime::now();
        for kept in files(&self.directory.join("tmp"), 0) {
            if now.duration_since(kept.modified).is_ok_and(|age| age > UNFINISHED) {
                let _ = fs::remove_file(kept.path);
            }
        }
        let mut kept = files(&self.directory.join("sha512"), 2);
        kept.sort_by_key(|kept| kept.modified);
        let mut total: u64 = kept.iter().map(|kept| kept.size).sum();
        for kept in kept {
            if total <= self.max_bytes {
                break;
            }
            let _ = fs::remove_file(kept.path);
            total -= kept.size;
        }
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.directory.join(digest.place())
    }
}

/// Used now, which is what is looked at when something has to go.
fn touch(path: &Path) {
    let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

struct Kept {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
}

/// The files that lie so many levels beneath a directory.
fn files(directory: &Path, levels: u32) -> Vec<Kept> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if levels > 0 && metadata.is_dir() {
            found.extend(files(&entry.path(), levels - 1));
        } else if levels == 0
            && metadata.is_file()
            && let Ok(modified) = metadata.modified()
        {
            found.push(Kept { path: entry.path(), size: metadata.len(), modified });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(contents: &[u8]) -> Digest {
        Digest(Sha512::digest(contents).into())
    }

    fn cache(max_bytes: u64) -> (tempfile::TempDir, NpmCache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = NpmCache::new(folder.path().join("npm"), max_bytes);
        (folder, cache)
    }

    #[test]
    fn only_contents_of_a_digest_are_kept_and_taken() {
        let (_folder, cache) = cache(1 << 20);
        let (a, b) = (digest(b"a"), digest(b"b"));
        assert!(!cache.keep(&a, b"b"), "under another name");
        assert!(cache.keep(&a, b"a") && cache.has(&a) && !cache.has(&b));
        assert_eq!(cache.take(&a).as_deref(), Some(&b"a"[..]));
        assert!(fs::metadata(cache.place(&a)).unwrap().permissions().readonly());
        // Damaged, and replaced by a link.
        fs::remove_file(cache.place(&a)).unwrap();
        fs::write(cache.place(&a), "other").unwrap();
        assert_eq!((cache.take(&a), cache.has(&a)), (None, false));
        std::os::unix::fs::symlink("/etc/passwd", cache.place(&a)).unwrap();
        assert_eq!((cache.take(&a), cache.has(&a)), (None, false));
        assert!(cache.keep(&a, b"a"));
        assert_eq!(cache.take(&a).as_deref(), Some(&b"a"[..]));
    }

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let (_folder, cache) = cache(25);
        let contents: Vec<[u8; 10]> = (0..3).map(|byte| [byte; 10]).collect();
        let digests: Vec<Digest> = contents.iter().map(|contents| digest(contents)).collect();
        for (age, (digest, contents)) in digests.iter().zip(&contents).enumerate() {
            assert!(cache.keep(digest, contents));
            let then = SystemTime::now() - Duration::from_secs(1000 - 100 * age as u64);
            File::open(cache.place(digest)).unwrap().set_modified(then).unwrap();
        }
        assert!(cache.take(&digests[0]).is_some());
        cache.trim();
        let left: Vec<bool> = digests.iter().map(|digest| cache.has(digest)).collect();
        assert_eq!(left, [true, false, true]);
        assert!(!cache.keep(&digest(&[0; 26]), &[0; 26]), "more than all may have");
    }
}
