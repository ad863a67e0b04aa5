//! Copying and removing what lies below a path, with everything that the virtual machine knows of a file: kind, mode,
//! times, links among the files that are copied.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use cordon_posix::umask;
use cordon_vm::filesystem;
use cordon_vm::types::{Errno, FileStatus, FileType, Symlinks};
use uucore::display::Quotable;

use super::{errno_text, reason};

/// A directory while it is filled.
const PRIVATE: u32 = 0o700;

/// Copies trees from one place to another.
pub struct Copier {
    /// Where files that have several names were copied to, by device and inode.
    copied: HashMap<(u64, u64), String>,
    /// Modes and times are those of what is copied; else modes are what the umask leaves of them.
    is_exact: bool,
}

impl Copier {
    /// One that keeps modes and times, or not.
    pub fn new(is_exact: bool) -> Copier {
        Copier { is_exact, copied: HashMap::new() }
    }
}

/// Whether there is a named pipe at a path or below it. What cannot be looked into has none.
pub fn has_fifo(path: &str) -> bool {
    let kind = filesystem::status(path, Symlinks::NoFollow).map(|known| known.file_type);
    kind.is_ok_and(|kind| kind == FileType::Fifo || (kind == FileType::Directory && has_fifo_below(path)))
}

fn has_fifo_below(directory: &str) -> bool {
    let entries = filesystem::read_directory(directory).unwrap_or_default();
    entries.iter().any(|entry| match entry.file_type {
        FileType::Fifo => true,
        FileType::Directory => has_fifo_below(&below(directory, &entry.name)),
        _ => false,
    })
}

/// Gives a file the mode of another, less the umask.
fn settle(known: &FileStatus, target: &str) -> Result<(), Errno> {
    match known.file_type {
        FileType::SymbolicLink => Ok(()),
        _ => filesystem::set_mode(target, known.mode & 0o777 & !umask()),
    }
}

impl Copier {
    /// Makes `target`, which must not exist, a copy of `source`. An error is told in words; what was made stays.
    pub fn copy(&mut self, source: &str, target: &str) -> Result<(), String> {
        let about = |what: &str, path: &str| {
            let message = format!("{what} {}", path.quote());
            move |errno| format!("{message}: {}", errno_text(errno))
        };
        let known = filesystem::status(source, Symlinks::NoFollow).map_err(about("cannot stat", source))?;
        if known.links > 1 && known.file_type != FileType::Directory {
            let first = self.copied.entry((known.device, known.inode)).or_insert_with(|| target.to_owned());
            if first != target {
                return filesystem::create_link(first, target).map_err(about("cannot create link", target));
            }
        }
        match known.file_type {
            FileType::Directory => {
                filesystem::create_directory(target, PRIVATE)
                    .map_err(about("cannot create directory", target))?;
                let entries = filesystem::read_directory(source).map_err(about("cannot access", source))?;
                for entry in entries {
                    self.copy(&below(source, &entry.name), &below(target, &entry.name))?;
                }
            }
            FileType::SymbolicLink => {
                let to =
                    filesystem::read_symlink(source).map_err(about("cannot read symbolic link", source))?;
                filesystem::create_symlink(&to, target)
                    .map_err(about("cannot create symbolic link", target))?;
            }
            FileType::RegularFile => copy_contents(source, target)?,
            FileType::Fifo => {
                filesystem::create_fifo(target, known.mode & 0o777)
                    .map_err(about("cannot create fifo", target))?;
            }
            FileType::CharacterDevice => {
                return Err(format!("cannot copy special file {}", source.quote()));
            }
        }
        if !self.is_exact {
            return settle(&known, target).map_err(about("setting permissions for", target));
        }
        keep(&known, target).map_err(about("cannot preserve mode and times for", target))
    }
}

fn copy_contents(source: &str, target: &str) -> Result<(), String> {
    let mut from = File::open(source)
        .map_err(|error| format!("cannot open {} for reading: {}", source.quote(), reason(&error)))?;
    let mut to = File::create_new(target)
        .map_err(|error| format!("cannot create regular file {}: {}", target.quote(), reason(&error)))?;
    io::copy(&mut from, &mut to)
        .map_err(|error| format!("error writing {}: {}", target.quote(), reason(&error)))?;
    Ok(())
}

fn keep(known: &FileStatus, target: &str) -> Result<(), Errno> {
    if known.file_type != FileType::SymbolicLink {
        filesystem::set_mode(target, known.mode & 0o7777)?;
    }
    filesystem::set_times(target, known.accessed, known.modified, Symlinks::NoFollow)
}

/// Removes a path and everything below. An error is told in words.
pub fn remove(path: &str) -> Result<(), String> {
    let failed = |errno| format!("cannot remove {}: {}", path.quote(), errno_text(errno));
    let known = filesystem::status(path, Symlinks::NoFollow).map_err(failed)?;
    if known.file_type != FileType::Directory {
        return filesystem::remove_file(path).map_err(failed);
    }
    for entry in filesystem::read_directory(path).map_err(failed)? {
        remove(&below(path, &entry.name))?;
    }
    filesystem::remove_directory(path).map_err(failed)
}

/// The path of a name in a directory.
pub fn below(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}
