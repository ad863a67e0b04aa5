//! `mkdir`, `mkfifo` and `mktemp`: what they make has the mode that is asked for. WASI has no word for modes, but what it makes has
//! what the umask leaves, and a mode can be set afterwards.

use std::env;
use std::ffi::OsString;
use std::io;

use cordon_multicall::{options, say};
use cordon_posix::{umask, with_umask};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use uucore::display::Quotable;
use uucore::mode::parse_chmod;

use super::errno_text;

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
    let is_new = |path: &String| filesystem::status(path, Symlinks::NoFollow).is_err();
    let new = directories.map(|path| path.to_text().into_owned()).filter(is_new).collect();
    Some(Request { mode, with_parents: matches.get_flag("parents"), new })
}

/// What a named pipe has of which nothing is said, less the umask.
const FIFO_MODE: u32 = 0o666;

pub fn mkfifo(args: std::vec::IntoIter<OsString>) -> i32 {
    let usage = "Usage: mkfifo [OPTION]... NAME...\nCreate named pipes (FIFOs) with the given NAMEs.\n\n  \
        -m, --mode=MODE    set file permission bits to MODE, not a=rw - umask\n      \
            --help         display this help and exit\n      \
            --version      output version information and exit";
    let parsed = match options::begin("mkfifo", usage, args, "m:Z", &["mode:=m", "context::=Z"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let fail = |message: String| {
        say(&mut io::stderr(), &format!("mkfifo: {message}"));
        1
    };
    if parsed.operands.is_empty() {
        return options::misused("mkfifo", "missing operand");
    }
    let mode = match parsed.value('m').map(|text| parse_chmod(FIFO_MODE, text, false, umask())) {
        None => None,
        Some(Ok(mode)) if mode & !PERMISSIONS == 0 => Some(mode),
        Some(Ok(_)) => return fail("mode must specify only file permission bits".into()),
        Some(Err(_)) => return fail("invalid mode".into()),
    };
    let mut status = 0;
    for name in &parsed.operands {
        let name = name.to_text();
        let made = filesystem::create_fifo(&name, FIFO_MODE);
        if let Err(errno) = made {
            status = fail(format!("cannot create fifo {}: {}", name.quote(), errno_text(errno)));
        } else if let Some(mode) = mode
            && let Err(errno) = filesystem::set_mode(&name, mode)
        {
            status = fail(format!("cannot set permissions of {}: {}", name.quote(), errno_text(errno)));
        }
    }
    status
}

/// Nobody else may look into a temporary file or directory.
pub fn mktemp(args: std::vec::IntoIter<OsString>) -> i32 {
    // An empty one is none.
    if env::var_os("TMPDIR").is_some_and(|directory| directory.is_empty()) {
        // SAFETY: this program has one thread.
        unsafe { env::remove_var("TMPDIR") };
    }
    with_umask(umask() | 0o077, || uu_mktemp::uumain(args))
}
