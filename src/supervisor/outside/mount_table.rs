//! Where directories lie in their filesystems, by the kernel's table of mounts (proc_pid_mountinfo(5)): the same
//! directory may be mounted in many places, and another filesystem below any directory.
//!
//! Without `/proc` nothing is known, and nothing is said.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, StatxFlags};

/// The mounts that this process sees.
#[derive(Default)]
pub(super) struct MountTable {
    mounts: Vec<Mounted>,
}

struct Mounted {
    id: u64,
    /// What is mounted.
    root: Position,
    /// Where.
    point: PathBuf,
}

/// A directory of a filesystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The filesystem's device, as the table writes it.
    device: String,
    /// From the root of the filesystem.
    path: PathBuf,
    /// As this process sees it.
    seen_as: PathBuf,
}

impl Position {
    /// Whether this is the other directory, or inside it.
    pub(super) fn is_in(&self, other: &Position) -> bool {
        self.device == other.device && self.path.starts_with(&other.path)
    }
}

impl MountTable {
    /// Of this process, as it is now.
    pub(super) fn read() -> MountTable {
        std::fs::read("/proc/self/mountinfo").map(|text| MountTable::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &[u8]) -> MountTable {
        let lines = text.split(|&byte| byte == b'\n');
        MountTable { mounts: lines.filter_map(Mounted::parse).collect() }
    }

    /// Where an open directory lies.
    pub(super) fn position(&self, directory: impl AsFd) -> Option<Position> {
        let directory = directory.as_fd();
        let status = rustix::fs::statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
        if status.stx_mask & StatxFlags::MNT_ID.bits() == 0 {
            return None;
        }
        let path = std::fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd())).ok()?;
        self.at(status.stx_mnt_id, path)
    }

    fn at(&self, mount: u64, path: PathBuf) -> Option<Position> {
        let mounted = self.mounts.iter().find(|mounted| mounted.id == mount)?;
        let below = path.strip_prefix(&mounted.point).ok()?;
        let Position { device, path: root, .. } = &mounted.root;
        Some(Position { device: device.clone(), path: root.join(below), seen_as: path })
    }

    /// What can be seen from a directory: itself, and whatever is mounted below it.
    pub(super) fn views(&self, directory: &Position) -> Vec<Position> {
        let below = |mounted: &&Mounted| {
            mounted.point != directory.seen_as && mounted.point.starts_with(&directory.seen_as)
        };
        let mounted = self.mounts.iter().filter(below).map(|mounted| mounted.root.clone());
        std::iter::once(directory.clone()).chain(mounted).collect()
    }
}

impl Mounted {
    /// `ID PARENT MAJOR:MINOR ROOT POINT ...`
    fn parse(line: &[u8]) -> Option<Mounted> {
        let mut fields = line.split(|&byte| byte == b' ');
        let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        let device = String::from_utf8(fields.nth(1)?.to_owned()).ok()?;
        let (root, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
        let root = Position { device, path: root, seen_as: point.clone() };
        Some(Mounted { id, root, point })
    }
}

/// Blanks, line ends and backslashes are written as `\` and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let code = (first == b'\\').then(|| after.get(..3)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
        23 22 8:2 / /home rw - ext4 /dev/sda2 rw\n\
        24 22 8:2 /user/.cache /srv/shared\\040files/inside rw - ext4 /dev/sda2 rw\n\
        25 22 0:5 / /proc rw - proc proc rw\n\
        not a line\n";

    fn at(mount: u64, path: &str) -> Position {
        MountTable::parse(TABLE).at(mount, path.into()).unwrap()
    }

    #[test]
    fn a_directory_that_is_mounted_elsewhere_is_the_same() {
        let cache = at(23, "/home/user/.cache/cordon");
        assert!(cache.is_in(&at(24, "/srv/shared files/inside")));
        assert!(cache.is_in(&at(23, "/home/user")));
        assert!(at(24, "/srv/shared files/inside/cordon/deep").is_in(&cache));
        // The same path in another filesystem, and a name that only begins in the same way.
        assert!(!cache.is_in(&at(22, "/user/.cache")));
        assert!(!at(23, "/home/user/.cache/cordons").is_in(&cache));
    }

    #[test]
    fn what_is_mounted_below_a_directory_is_seen_from_it() {
        let table = MountTable::parse(TABLE);
        let cache = at(23, "/home/user/.cache/cordon");
        let sees = |path: &str| table.views(&at(22, path)).iter().any(|view| cache.is_in(view));
        assert!(sees("/") && sees("/srv") && sees("/srv/shared files"));
        assert!(!sees("/srv/shared") && !sees("/usr"));
    }

    #[test]
    fn this_process_knows_where_its_directories_lie() {
        let folder = tempfile::tempdir().unwrap();
        let table = MountTable::read();
        let outer = table.position(std::fs::File::open(folder.path()).unwrap()).unwrap();
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        let inner = table.position(std::fs::File::open(folder.path().join("inner")).unwrap()).unwrap();
        assert!(inner.is_in(&outer) && !outer.is_in(&inner));
    }
}
