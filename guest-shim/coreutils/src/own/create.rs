//! `mkdir` and `mktemp`: what they make has the mode that is asked for. WASI has no word for modes, but what it makes has
//! what the umask leaves, and a mode can be set afterwards.

use std::ffi::OsString;

use cordon_posix::{umask, with_umask};
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use uucore::mode::parse_chmod;

/// What a directory has of which nothing is said, less the umask.
const DIRECTORY_MODE: u32 = 0o777;
/// The bits that creating makes.
const PERMISSIONS: u32 = 0o777;

pub fn mkdir(args: std::vec::IntoIter<OsString>) -> i32 {
    let Some(request) = read(&args) else { return uu_mkdir::uumain(args) };
    let Request { mode, with_parents, new } = request;
    // Those above keep to the umask.
    let mask = if with_parents { umask() } else { !mode & PERMISSIONS };
    let status = with_umask(mask, || uu_mkdir::uumain(args));
    if with_parents || mode & !PERMISSIONS != 0 {
        for path in new {
            let made = filesystem::status(&path, Symlinks::Follow);
            if made.is_ok_and(|made| made.file_type == FileType::Directory) {
                // It is ours, and was there a moment ago.
                let _ = filesystem::set_mode(&path, mode);
            }
        }
    }
    status
}

/// A request that names a mode.
struct Request {
    mode: u32,
    with_parents: bool,
    /// The directories that are not there yet.
    new: Vec<String>,
}

/// None where no mode is asked for, and for what uutils' refuses.
fn read(args: &std::vec::IntoIter<OsString>) -> Option<Request> {
    let matches = uu_mkdir::uu_app().try_get_matches_from(args.as_slice()).ok()?;
    let mode = matches.get_one::<String>("mode")?;
    let mode = parse_chmod(DIRECTORY_MODE, mode, true, umask()).ok()?;
    let directories = matches.get_many::<OsString>("dirs")?;
    let is_new = |path: &&str| filesystem::status(path, Symlinks::NoFollow).is_err();
    let new = directories.filter_map(|path| path.to_str()).filter(is_new).map(str::to_owned).collect();
    Some(Request { mode, with_parents: matches.get_flag("parents"), new })
}

/// Nobody else may look into a temporary file or directory.
pub fn mktemp(args: std::vec::IntoIter<OsString>) -> i32 {
    with_umask(umask() | 0o077, || uu_mktemp::uumain(args))
}
