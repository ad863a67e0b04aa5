//! The one way in which files of the host are opened for a VM, or touched without being opened.
//!
//! Nothing here waits for whoever is at the other end of a pipe, becomes a terminal's session, or gives out what is
//! neither a file nor a directory. Paths are resolved beneath the directory (cap-std).

use std::io;
use std::path::Path;

use cap_fs_ext::{DirExt, SystemTimeSpec};
use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use rustix::fs::{AtFlags, OFlags, Timespec, Timestamps, UTIME_OMIT, utimensat};
use rustix::io::Errno;

use protocol::abi::OpenFlags;

/// Opens a file or directory.
///
/// # Errors
/// As open(2); `ENXIO` for what is neither.
pub(super) fn open(
    root: &Dir,
    path: impl AsRef<Path>,
    flags: OpenFlags,
    mode: u32,
) -> io::Result<(std::fs::File, Metadata)> {
    let mut custom = OFlags::NONBLOCK | OFlags::NOCTTY;
    if flags.contains(OpenFlags::NO_FOLLOW) {
        custom |= OFlags::NOFOLLOW;
    }
    if flags.contains(OpenFlags::DIRECTORY) {
        custom |= OFlags::DIRECTORY;
    }
    let mut options = OpenOptions::new();
    options
        .read(flags.contains(OpenFlags::READ) || !flags.writes())
        .write(flags.contains(OpenFlags::WRITE) && !flags.contains(OpenFlags::APPEND))
        .append(flags.contains(OpenFlags::APPEND))
        .create(flags.contains(OpenFlags::CREATE) && !flags.contains(OpenFlags::EXCLUSIVE))
        .create_new(flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE))
        .truncate(flags.contains(OpenFlags::TRUNCATE))
        .mode(mode & 0o777)
        .custom_flags(custom.bits() as i32);
    let file = root.open_with(path, &options)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(Errno::NXIO.into());
    }
    Ok((file.into_std(), metadata))
}

/// Sets the permission bits of a file or directory, links followed.
///
/// # Errors
/// As chmod(2); `ENXIO` for what is neither.
pub(super) fn set_mode(root: &Dir, path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
    // cap-std opens what it may not change otherwise, and opening a pipe waits.
    let metadata = root.metadata(&path)?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(Errno::NXIO.into());
    }
    root.set_permissions(path, Permissions::from_mode(mode & 0o777))
}

/// Sets times, in nanoseconds since the epoch; none leaves one as it is. The file is not opened.
///
/// # Errors
/// As utimensat(2).
pub(super) fn set_times(
    root: &Dir,
    path: impl AsRef<Path>,
    accessed: Option<u64>,
    modified: Option<u64>,
    follow: bool,
) -> io::Result<()> {
    if !follow {
        return root.set_symlink_times(path, system_time(accessed), system_time(modified));
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::PATH.bits() as i32);
    let file = root.open_with(path, &options)?;
    let times = Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) };
    Ok(utimensat(&file, "", &times, AtFlags::EMPTY_PATH)?)
}

fn timespec(time: Option<u64>) -> Timespec {
    match time {
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        Some(time) => {
            Timespec { tv_sec: (time / 1_000_000_000) as i64, tv_nsec: (time % 1_000_000_000) as _ }
        }
    }
}

fn system_time(time: Option<u64>) -> Option<SystemTimeSpec> {
    time.map(|nanoseconds| {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(nanoseconds);
        SystemTimeSpec::from(cap_std::time::SystemTime::from_std(time))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    use cap_std::ambient_authority;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    /// A directory with a pipe in it that nobody has open.
    fn with_pipe() -> (tempfile::TempDir, Dir) {
        let folder = tempfile::tempdir().unwrap();
        mknodat(CWD, folder.path().join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::fs::write(folder.path().join("file"), "text").unwrap();
        let root = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        (folder, root)
    }

    /// Every flag that opens for something.
    const WAYS: [OpenFlags; 5] = [
        OpenFlags::READ,
        OpenFlags::WRITE,
        OpenFlags::APPEND,
        OpenFlags::READ.union(OpenFlags::WRITE),
        OpenFlags::WRITE.union(OpenFlags::TRUNCATE),
    ];

    #[test]
    fn nothing_waits_for_a_pipe() {
        let (_folder, root) = with_pipe();
        for flags in WAYS {
            let refused = open(&root, "pipe", flags, 0).map(drop).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(Errno::NXIO.raw_os_error()), "{flags:?}");
            assert!(open(&root, "file", flags, 0).is_ok(), "{flags:?}");
        }
        assert!(set_mode(&root, "pipe", 0o600).is_err());
        set_times(&root, "pipe", Some(1), Some(2), true).unwrap();
        assert!(root.read_dir("pipe").is_err());
    }

    #[test]
    fn times_are_set_of_what_may_not_be_opened_too() {
        let (folder, root) = with_pipe();
        let file = folder.path().join("file");
        set_mode(&root, "file", 0).unwrap();
        set_times(&root, "file", None, Some(1_500_000_000_000_000_007), true).unwrap();
        let found = std::fs::metadata(&file).unwrap();
        assert_eq!((found.mtime(), found.mtime_nsec()), (1_500_000_000, 7));
        assert!(found.atime() > 1_600_000_000);
        std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
        set_times(&root, "link", None, Some(2_000_000_000), false).unwrap();
        assert_eq!(std::fs::symlink_metadata(folder.path().join("link")).unwrap().mtime(), 2);
        set_times(&root, "link", None, Some(3_000_000_000), true).unwrap();
        assert_eq!(std::fs::metadata(file).unwrap().mtime(), 3);
    }

    #[test]
    fn nothing_outside_is_touched() {
        let (folder, _) = with_pipe();
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        std::os::unix::fs::symlink("../file", folder.path().join("inner/out")).unwrap();
        let inner = Dir::open_ambient_dir(folder.path().join("inner"), ambient_authority()).unwrap();
        for path in ["out", "../file"] {
            assert!(open(&inner, path, OpenFlags::READ, 0).is_err());
            assert!(set_mode(&inner, path, 0).is_err());
            assert!(set_times(&inner, path, None, Some(0), true).is_err());
        }
    }
}
