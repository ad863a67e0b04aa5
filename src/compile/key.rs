//! The key of a cache: random bytes in a file of its directory that only the owner can read. Made once, by whoever comes
//! first.
//!
//! It keeps out who can write a file there but not read one. Whoever can read it is the user, whose programs may as well
//! replace cordon itself; that no guest is shown the directory is seen to where mounts are opened.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use hmac::{Hmac, Mac};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::Sha256;

use super::cache::UNFINISHED;

/// The file's name.
pub(super) const FILE: &str = "key";
const BYTES: usize = 32;

/// How often a key is looked for while others make and remove one.
const ATTEMPTS: usize = 8;

/// The key of one cache.
pub(super) struct Key([u8; BYTES]);

impl Key {
    /// A message authentication code, of nothing yet.
    pub(super) fn code(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("a key may have any length")
    }
}

/// The key in that directory. One that others could read, or that is none, is replaced, and with it whatever was made
/// with it.
///
/// # Errors
/// It can be neither read nor made.
pub(super) fn read_or_make(directory: impl AsFd) -> io::Result<Key> {
    let directory = directory.as_fd();
    for _ in 0..ATTEMPTS {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match rustix::fs::openat(directory, FILE, flags, Mode::empty()) {
            Ok(opened) => {
                if let Some(key) = read(File::from(opened))? {
                    return Ok(key);
                }
                remove(directory, FILE)?;
            }
            Err(Errno::LOOP) => remove(directory, FILE)?,
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        make(directory)?;
    }
    Err(io::Error::other("another process keeps removing it"))
}

/// The key in a file, if it is one that nobody else can know.
fn read(mut file: File) -> io::Result<Option<Key>> {
    let status = file.metadata()?;
    let is_ours = status.is_file()
        && status.len() == BYTES as u64
        && status.uid() == rustix::process::geteuid().as_raw()
        && status.mode() & 0o077 == 0;
    if !is_ours {
        return Ok(None);
    }
    let mut key = Key([0; BYTES]);
    file.read_exact(&mut key.0)?;
    Ok(Some(key))
}

/// Makes one, unless there is one by then: the name appears with all of its contents.
fn make(directory: impl AsFd) -> io::Result<()> {
    let directory = directory.as_fd();
    let mut key = [0; BYTES];
    let mut filled = 0;
    while filled < BYTES {
        match getrandom(&mut key[filled..], GetRandomFlags::empty()) {
            Ok(more) => filled += more,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    // The end of the name has it removed with other unfinished files, should this process crash.
    let name = format!("{FILE}.{}{UNFINISHED}", unique());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(directory, &name, flags, Mode::RUSR | Mode::WUSR)?);
    let linked =
        file.write_all(&key).and_then(|()| file.sync_all()).and_then(|()| {
            match rustix::fs::linkat(directory, &name, directory, FILE, AtFlags::empty()) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(errno) => Err(errno.into()),
            }
        });
    remove(directory, &name)?;
    linked
}

/// A name that no other process or thread uses.
fn unique() -> String {
    format!("{}-{}", std::process::id(), rustix::thread::gettid().as_raw_nonzero())
}

fn remove(directory: impl AsFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn open(path: &std::path::Path) -> File {
        File::open(path).unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = read_or_make(open(folder.path())).unwrap();
        assert_ne!(first.0, [0; BYTES]);
        assert_eq!(read_or_make(open(folder.path())).unwrap().0, first.0);
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    }

    #[test]
    fn a_key_that_others_may_know_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let foreign = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(foreign.path(), [7; BYTES]).unwrap();
        let spoil: [&dyn Fn(); 3] = [
            &|| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap(),
            &|| std::fs::write(&file, "short").unwrap(),
            &|| {
                std::fs::remove_file(&file).unwrap();
                symlink(foreign.path(), &file).unwrap();
            },
        ];
        let mut last = read_or_make(open(folder.path())).unwrap();
        for spoil in spoil {
            spoil();
            let key = read_or_make(open(folder.path())).unwrap();
            assert!(key.0 != last.0 && key.0 != [7; BYTES]);
            last = key;
        }
    }
}
