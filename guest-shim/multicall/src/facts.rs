//! What the virtual machine tells of a file, in the words of utilities: modes, blocks, devices, owners.

use cordon_vm::types::{FileStatus, FileType};

/// The unit in which blocks are counted, and the size of the blocks in which files are taken to be kept.
pub const UNIT: u64 = 512;
pub const BLOCK: u64 = 4096;

/// The blocks that a file takes, in [`UNIT`]s, if it is kept in whole [`BLOCK`]s.
pub fn blocks(known: &FileStatus) -> u64 {
    match known.file_type {
        FileType::RegularFile | FileType::Directory => known.size.div_ceil(BLOCK) * (BLOCK / UNIT),
        FileType::SymbolicLink | FileType::CharacterDevice | FileType::Fifo => 0,
    }
}

/// Major and minor number of a device by its name: those that Linux gives to the devices which a VM has.
pub fn device_numbers(path: &str, known: &FileStatus) -> Option<(u64, u64)> {
    if known.file_type != FileType::CharacterDevice {
        return None;
    }
    Some(match path.rsplit('/').next() {
        Some("null") => (1, 3),
        Some("zero") => (1, 5),
        Some("full") => (1, 7),
        Some("random") => (1, 8),
        Some("urandom") => (1, 9),
        Some("tty") => (5, 0),
        _ => (0, 0),
    })
}

/// A mode as `ls -l` shows it.
pub fn letters(kind: FileType, mode: u32) -> String {
    let mut text = String::from(match kind {
        FileType::RegularFile => '-',
        FileType::Directory => 'd',
        FileType::SymbolicLink => 'l',
        FileType::CharacterDevice => 'c',
        FileType::Fifo => 'p',
    });
    for (shift, special, set) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => set.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}
