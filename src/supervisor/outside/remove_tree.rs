//! Removing a directory of the host with everything in it.
//!
//! Descends by descriptor, one directory after the other, and never through a link: whatever a guest exchanges meanwhile,
//! only names that are found within the tree are removed. Depth costs neither stack nor descriptors nor length of a
//! path. The way back up is `..`, taken only if it leads to where the way down came from.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Names that one call removes, or fails to; the rest is for the next, so that none takes long.
const STEPS: usize = 1024;
/// Directories within one another.
const DEPTH_MAX: usize = 1 << 20;

/// The directory that another lies in, and the name it has there.
struct Above {
    id: (u64, u64),
    name: CString,
}

/// What one look at a directory came to.
enum Look {
    /// Nothing is left in it.
    Emptied,
    /// A directory in it that is not empty.
    Holds(CString),
    /// There were more names than steps.
    Spent,
}

/// Removes the directory `name` of `parent` and what is in it; false if there is more to remove. `EINVAL` for what is no
/// name but a way to somewhere: it comes from a worker, which may have been taken over.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<bool> {
    let name = name.as_bytes();
    if matches!(name, b"" | b"." | b"..") || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
        return Err(Errno::INVAL.into());
    }
    let mut steps = STEPS;
    let mut current = open(parent, &CString::new(name)?)?;
    let mut above = vec![Above { id: id(parent)?, name: CString::new(name)? }];
    loop {
        match look(&current, &mut steps)? {
            Look::Spent => return Ok(false),
            Look::Holds(name) => match open(&current, &name) {
                Ok(_) if above.len() >= DEPTH_MAX => return Err(Errno::NAMETOOLONG.into()),
                Ok(next) => {
                    above.push(Above { id: id(&current)?, name });
                    current = next;
                }
                // It is something else by now, which the next look finds.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => return Err(errno.into()),
            },
            Look::Emptied => {
                let Some(Above { id: expected, name }) = above.pop() else { return Ok(true) };
                let up = match above.is_empty() {
                    true => rustix::io::fcntl_dupfd_cloexec(parent, 0)?,
                    false => open(&current, c"..")?,
                };
                if id(&up)? != expected {
                    // It was moved, and who knows to where.
                    return Err(Errno::BUSY.into());
                }
                match rustix::fs::unlinkat(&up, &name, AtFlags::REMOVEDIR) {
                    Ok(()) | Err(Errno::NOENT) => current = up,
                    Err(Errno::NOTEMPTY | Errno::EXIST) if steps > 0 => {
                        above.push(Above { id: expected, name });
                        continue;
                    }
                    Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(false),
                    Err(errno) => return Err(errno.into()),
                }
                if above.is_empty() {
                    return Ok(true);
                }
            }
        }
    }
}

/// Removes what can be removed from a directory at once.
fn look(directory: &OwnedFd, steps: &mut usize) -> Result<Look, Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if *steps == 0 {
            return Ok(Look::Spent);
        }
        if entry.file_type() != FileType::Directory {
            *steps -= 1;
            match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                // Its kind was not known, or is another by now.
                Err(Errno::ISDIR) => {}
                Err(errno) => return Err(errno),
            }
        }
        match rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => *steps -= 1,
            Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(Look::Holds(name.to_owned())),
            // As above, the other way round: left to the next look.
            Err(Errno::NOTDIR) => *steps -= 1,
            Err(errno) => return Err(errno),
        }
    }
    Ok(Look::Emptied)
}

/// Opens a directory that is no link.
fn open(at: impl std::os::fd::AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty())
}

/// What tells a directory from every other.
fn id(directory: impl std::os::fd::AsFd) -> Result<(u64, u64), Errno> {
    let stat = rustix::fs::fstat(directory)?;
    Ok((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use super::*;

    fn remove_all(parent: &OwnedFd, name: &str) -> io::Result<usize> {
        for call in 1.. {
            if remove(parent.as_fd(), OsStr::new(name))? {
                return Ok(call);
            }
        }
        unreachable!()
    }

    fn root() -> (tempfile::TempDir, OwnedFd) {
        // In memory where the machine has that.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let fd = fs::File::open(folder.path()).unwrap().into();
        (folder, fd)
    }

    #[test]
    fn everything_in_it_goes_and_nothing_else() {
        let (folder, root) = root();
        let path = folder.path();
        fs::create_dir_all(path.join("tree/a/b/c")).unwrap();
        fs::create_dir_all(path.join("kept/x")).unwrap();
        fs::write(path.join("kept/f"), "kept").unwrap();
        fs::write(path.join("tree/a/f"), "").unwrap();
        symlink("../../kept", path.join("tree/a/link")).unwrap();
        symlink("kept", path.join("link")).unwrap();
        fs::write(path.join("file"), "").unwrap();
        fs::write(path.join(std::ffi::OsStr::from_bytes(b"tree/\xff")), "").unwrap();
        assert_eq!(remove_all(&root, "tree").unwrap(), 1);
        assert!(!path.join("tree").exists());
        assert_eq!(fs::read_to_string(path.join("kept/f")).unwrap(), "kept");
        for (name, kind) in [("link", Errno::NOTDIR), ("file", Errno::NOTDIR), ("none", Errno::NOENT)] {
            let error = remove(root.as_fd(), OsStr::new(name)).unwrap_err();
            let errno = error.raw_os_error().unwrap();
            assert!([kind.raw_os_error(), Errno::LOOP.raw_os_error()].contains(&errno), "{name}: {error}");
        }
        assert!(path.join("kept/x").exists() && path.join("file").exists());
    }

    #[test]
    fn a_name_never_leads_out_of_the_directory() {
        let (folder, _) = root();
        std::fs::create_dir_all(folder.path().join("mount/d")).unwrap();
        let mount: OwnedFd = fs::File::open(folder.path().join("mount")).unwrap().into();
        let absolute = folder.path().join("mount/d");
        for name in ["", ".", "..", "../mount", "d/..", "d/../..", "d/", "a\0b", absolute.to_str().unwrap()] {
            let error = remove(mount.as_fd(), OsStr::new(name)).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::INVAL.raw_os_error()), "{name:?}");
        }
        assert!(absolute.exists());
    }

    #[test]
    fn neither_depth_nor_number_is_too_much() {
        let (folder, root) = root();
        // Deeper than any path can name, and than there are descriptors.
        let mut deepest = rustix::io::fcntl_dupfd_cloexec(&root, 0).unwrap();
        for _ in 0..5000 {
            rustix::fs::mkdirat(&deepest, "deep", Mode::RWXU).unwrap();
            deepest = open(&deepest, c"deep").unwrap();
        }
        drop(deepest);
        assert!(remove_all(&root, "deep").unwrap() <= 5);
        fs::create_dir_all(folder.path().join("wide/d")).unwrap();
        for number in 0..3 * STEPS {
            fs::write(folder.path().join(format!("wide/d/{number}")), "").unwrap();
        }
        assert!(remove_all(&root, "wide").unwrap() > 1, "one call does not do everything");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_becomes_a_link_is_never_gone_through() {
        let (folder, root) = root();
        let path = folder.path();
        fs::create_dir_all(path.join("kept")).unwrap();
        let precious: Vec<_> = (0..50).map(|number| path.join(format!("kept/{number}"))).collect();
        precious.iter().for_each(|file| fs::write(file, "").unwrap());
        for _ in 0..8 {
            fs::create_dir_all(path.join("tree/d")).unwrap();
            (0..200).for_each(|number| fs::write(path.join(format!("tree/d/{number}")), "").unwrap());
            let exchange = path.to_owned();
            let guest = std::thread::spawn(move || {
                for number in 0..200 {
                    let away = exchange.join(format!("away{number}"));
                    if fs::rename(exchange.join("tree/d"), &away).is_err() {
                        return;
                    }
                    let _ = symlink("../kept", exchange.join("tree/d"));
                    let _ = fs::remove_file(exchange.join("tree/d"));
                    let _ = fs::rename(&away, exchange.join("tree/d"));
                }
            });
            let _ = remove_all(&root, "tree");
            guest.join().unwrap();
            assert!(precious.iter().all(|file| file.exists()));
            for left in fs::read_dir(path).unwrap() {
                let left = left.unwrap();
                if left.file_name() != "kept" {
                    fs::remove_dir_all(left.path()).unwrap();
                }
            }
        }
    }
}
