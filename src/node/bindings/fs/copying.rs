//! Copying: one file, and trees as `fs.cp` does.

use isolate::library::{Scope, string, throw};
use kernel::{Errno, FileKind, FileStatus, FileTimes, HOST_TRANSFER_MAX, OpenFlags, Process, Symlinks};

use crate::binding::{Args, Return, set, set_number};
use crate::coded_error::{self, Kind};
use crate::environment::Env;
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call};

/// Bits of the mode of `copyFile`.
const EXCLUSIVE: u64 = 1;
const CLONE_ONLY: u64 = 4;

/// How deep a tree may be that is copied.
const DEPTH_MAX: usize = 256;

/// Copies a regular file's contents and permission bits.
fn copy_file(process: &Process, source: &str, destination: &str, mode: u64) -> Result<(), Errno> {
    let from = process.open(source, OpenFlags::READ, 0)?;
    let status = from.status()?;
    if status.kind == FileKind::Directory {
        return Err(Errno::Eisdir);
    }
    if mode & CLONE_ONLY != 0 {
        return Err(Errno::Enotsup);
    }
    let mut flags = OpenFlags::WRITE | OpenFlags::CREATE;
    flags.set(OpenFlags::EXCLUSIVE, mode & EXCLUSIVE != 0);
    let to = process.open(destination, flags, status.mode)?;
    let there = to.status()?;
    if (there.device, there.inode) == (status.device, status.inode) {
        return Ok(());
    }
    let copied = (|| {
        if there.kind == FileKind::Regular {
            to.truncate(0)?;
            if there.mode != status.mode {
                process.fchmod(&to, status.mode)?;
            }
        }
        let mut chunk = vec![0; HOST_TRANSFER_MAX];
        let mut offset = 0;
        loop {
            let count = from.pread(&mut chunk, offset)?;
            let mut rest = chunk.get(..count).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            while !rest.is_empty() {
                let written = to.pwrite(rest, offset)?;
                if written == 0 {
                    return Err(Errno::Eio);
                }
                offset = offset.saturating_add(written as u64);
                rest = rest.get(written..).unwrap_or_default();
            }
        }
    })();
    if copied.is_err() {
        let _ = process.unlink(destination);
    }
    copied
}

/// (source, destination, mode, request)
pub(super) fn copy<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(source) = arguments::path(scope, &args, 0) else { return };
    let Some(destination) = arguments::path(scope, &args, 1) else { return };
    let Some(mode) = arguments::bits(scope, &args, 2) else { return };
    let mode = u64::from(mode);
    call.run(scope, result, Subject::paths("copyfile", &source, &destination), move |process| {
        copy_file(process, &source, &destination, mode)?;
        Ok(Answer::Undefined)
    });
}

/// A tree that is to be copied.
pub(super) struct Copying {
    source: String,
    destination: String,
    force: bool,
    dereference: bool,
    error_on_exist: bool,
    verbatim_symlinks: bool,
    preserve_timestamps: bool,
    /// Of `copyFile`; none where nobody can say.
    mode: Option<u64>,
}

/// Why a tree was not copied.
pub(super) enum Failed {
    /// One of the library's own errors.
    Coded {
        message: String,
        code: &'static str,
    },
    Errno {
        errno: Errno,
        path: String,
    },
    /// As of a call of its own.
    Call {
        errno: Errno,
        subject: Subject,
    },
}

impl Failed {
    fn coded<T>(code: &'static str, message: String) -> Result<T, Failed> {
        Err(Failed::Coded { message, code })
    }

    fn at(path: &str) -> impl FnOnce(Errno) -> Failed {
        move |errno| Failed::Errno { errno, path: path.to_owned() }
    }

    pub fn error<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
        match self {
            Failed::Coded { message, code } => Some(coded_error::make(scope, Kind::Error, message, code)),
            Failed::Call { errno, subject } => subject.error(scope, *errno),
            Failed::Errno { errno, path } => {
                let text = format!("{}, {} '{path}'", errno.name(), said(*errno));
                plain_error(scope, *errno, &text, "cp", path)
            }
        }
    }
}

/// An error of a call that is not libuv's: its number is that of the system.
pub(super) fn plain_error<'s>(
    scope: &mut Scope<'s, '_>,
    errno: Errno,
    message: &str,
    syscall: &str,
    path: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let message = string(scope, message);
    let error = v8::Exception::error(scope, message);
    let object = error.try_cast().ok()?;
    set_number(scope, object, "errno", f64::from(errno.code()))?;
    for (name, text) in [("code", errno.name()), ("path", path), ("syscall", syscall)] {
        let text = string(scope, text);
        set(scope, object, name, text.into())?;
    }
    Some(error)
}

/// The system's own words for an error: those that differ from libuv's by more than their first letter.
pub(super) fn said(errno: Errno) -> String {
    let text = match errno {
        Errno::Eexist => "File exists",
        Errno::Eisdir => "Is a directory",
        Errno::Ebusy => "Device or resource busy",
        Errno::Eio => "Input/output error",
        Errno::Eloop => "Too many levels of symbolic links",
        Errno::Enametoolong => "File name too long",
        Errno::Exdev => "Invalid cross-device link",
        Errno::Erofs => "Read-only file system",
        errno => errno.message(),
    };
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

impl Copying {
    /// (source, destination, force, dereference, errorOnExist, verbatimSymlinks, preserveTimestamps, mode)
    pub fn of(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Copying> {
        Some(Copying {
            source: arguments::path(scope, args, 0)?,
            destination: arguments::path(scope, args, 1)?,
            force: args.get(2).is_true(),
            dereference: args.get(3).is_true(),
            error_on_exist: args.get(4).is_true(),
            verbatim_symlinks: args.get(5).is_true(),
            preserve_timestamps: args.get(6).is_true(),
            mode: (args.length() > 7).then(|| arguments::unsigned(scope, args, 7)),
        })
    }

    fn directory(&self, process: &Process, from: &str, to: &str, depth: usize) -> Result<(), Failed> {
        if depth > DEPTH_MAX {
            return Err(Failed::at(from)(Errno::Eloop));
        }
        for entry in process.read_dir(from).map_err(Failed::at(from))? {
            let (source, target) = (format!("{from}/{}", entry.name), format!("{to}/{}", entry.name));
            let symlinks = if self.dereference { Symlinks::Follow } else { Symlinks::NoFollow };
            let status = process.stat(&source, symlinks).map_err(Failed::at(&source))?;
            match status.kind {
                FileKind::Symlink => self.symlink(process, &source, &target)?,
                FileKind::Directory => {
                    make_directory(process, &target).map_err(Failed::at(&target))?;
                    self.directory(process, &source, &target, depth + 1)?;
                    if self.preserve_timestamps {
                        keep_times(process, &target, &status).map_err(Failed::at(&target))?;
                    }
                }
                _ => self.file(process, &source, &target, &status)?,
            }
        }
        Ok(())
    }

    fn file(&self, process: &Process, source: &str, target: &str, status: &FileStatus) -> Result<(), Failed> {
        if process.stat(target, Symlinks::NoFollow).is_ok() {
            if !self.force {
                return match self.error_on_exist {
                    false => Ok(()),
                    true => Failed::coded(
                        "ERR_FS_CP_EEXIST",
                        format!(
                            "[ERR_FS_CP_EEXIST]: Target already exists: cp returned EEXIST ({target} already exists)"
                        ),
                    ),
                };
            }
            if process.stat(target, Symlinks::Follow).is_ok_and(|there| there.kind == FileKind::Directory) {
                return Err(Failed::at(target)(Errno::Eisdir));
            }
        }
        let copied = copy_file(process, source, target, self.mode.unwrap_or(0) & !EXCLUSIVE);
        if let (Err(errno), Some(_)) = (copied, self.mode) {
            return Err(Failed::Call { errno, subject: Subject::paths("copyfile", source, target) });
        }
        copied.map_err(Failed::at(target))?;
        if self.preserve_timestamps {
            keep_times(process, target, status).map_err(Failed::at(target))?;
        }
        Ok(())
    }

    fn symlink(&self, process: &Process, source: &str, target: &str) -> Result<(), Failed> {
        let held = process.readlink(source).map_err(Failed::at(source))?;
        if self.verbatim_symlinks {
            return process.symlink(&held, target).map_err(Failed::at(&self.destination));
        }
        let leads_to = resolve(process, source, &held);
        if let Ok(there) = process.stat(target, Symlinks::NoFollow) {
            if there.kind != FileKind::Symlink {
                return Err(Failed::at(target)(Errno::Eexist));
            }
            let before = process.readlink(target).map_err(Failed::at(target))?;
            let before = resolve(process, target, &before);
            if !self.dereference && is_directory(process, &leads_to) && is_inside(&before, &leads_to) {
                return Failed::coded(
                    "ERR_FS_CP_EINVAL",
                    format!("Cannot copy {leads_to} to a subdirectory of self {before}"),
                );
            }
            if is_directory(process, target) && is_inside(&leads_to, &before) {
                return Failed::coded(
                    "ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY",
                    format!("cannot overwrite {before} with {leads_to}"),
                );
            }
            process.unlink(target).map_err(Failed::at(target))?;
        }
        process.symlink(&leads_to, target).map_err(Failed::at(target))
    }
}

fn is_directory(process: &Process, path: &str) -> bool {
    process.stat(path, Symlinks::Follow).is_ok_and(|status| status.kind == FileKind::Directory)
}

fn make_directory(process: &Process, path: &str) -> Result<(), Errno> {
    match process.mkdir(path, 0o777) {
        Err(Errno::Eexist) if is_directory(process, path) => Ok(()),
        outcome => outcome,
    }
}

fn keep_times(process: &Process, path: &str, status: &FileStatus) -> Result<(), Errno> {
    let times = FileTimes { accessed: Some(status.accessed), modified: Some(status.modified) };
    process.utimens(path, times, Symlinks::Follow)
}

/// What a link leads to, absolute, as far as its path says.
fn resolve(process: &Process, link: &str, held: &str) -> String {
    let start = match (held.starts_with('/'), link.starts_with('/')) {
        (true, _) => String::new(),
        (false, true) => format!("{link}/.."),
        (false, false) => format!("{}/{link}/..", process.cwd().unwrap_or_default()),
    };
    plain(&format!("{start}/{held}"))
}

/// An absolute path without `.` and `..`.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a path is another or lies beneath it.
fn is_inside(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Copies a tree to where nothing is yet.
pub(super) fn copy_new_directory(process: &Process, copying: &Copying) -> Result<(), Failed> {
    let (source, destination) = (&copying.source, &copying.destination);
    let status = process.stat(source, Symlinks::Follow).map_err(Failed::at(source))?;
    make_directory(process, destination).map_err(Failed::at(destination))?;
    copying.directory(process, source, destination, 0)?;
    if copying.preserve_timestamps {
        keep_times(process, destination, &status).map_err(Failed::at(destination))?;
    }
    process.chmod(destination, status.mode).map_err(Failed::at(destination))
}

fn throw_failed(scope: &mut Scope<'_, '_>, failed: &Failed) {
    if let Some(error) = failed.error(scope) {
        scope.throw_exception(error);
    }
}

/// (source, destination, force, dereference, errorOnExist, verbatimSymlinks, preserveTimestamps)
pub(super) fn cp_sync_copy_dir(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let Some(copying) = Copying::of(scope, &args) else { return };
    let (source, destination) = (&copying.source, &copying.destination);
    let copied = (|| {
        let status = process.stat(source, Symlinks::Follow).map_err(Failed::at(source))?;
        process.make_tree(destination, 0o777).map_err(Failed::at(destination))?;
        copying.directory(&process, source, destination, 0)?;
        if copying.preserve_timestamps {
            keep_times(&process, destination, &status).map_err(Failed::at(destination))?;
        }
        Ok(())
    })();
    if let Err(failed) = copied {
        throw_failed(scope, &failed);
    }
}

/// (source, destination, mode, preserveTimestamps): a file in place of another
pub(super) fn cp_sync_override_file(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let Some(source) = arguments::path(scope, &args, 0) else { return };
    let Some(destination) = arguments::path(scope, &args, 1) else { return };
    let (mode, keeps) = (arguments::unsigned(scope, &args, 2), args.get(3).is_true());
    let copied = (|| {
        let status = process.stat(&source, Symlinks::Follow).map_err(Failed::at(&source))?;
        process.unlink(&destination).map_err(Failed::at(&destination))?;
        copy_file(&process, &source, &destination, mode).map_err(Failed::at(&destination))?;
        if keeps {
            keep_times(&process, &destination, &status).map_err(Failed::at(&destination))?;
        }
        Ok(())
    })();
    if let Err(failed) = copied {
        throw_failed(scope, &failed);
    }
}

/// (source, destination, dereference, recursive): whether that can be copied there; what lies above it is made.
pub(super) fn cp_sync_check_paths(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let Some(source) = arguments::path(scope, &args, 0) else { return };
    let Some(destination) = arguments::path(scope, &args, 1) else { return };
    let (dereference, recursive) = (args.get(2).is_true(), args.get(3).is_true());
    let (symlinks, syscall) =
        if dereference { (Symlinks::Follow, "stat") } else { (Symlinks::NoFollow, "lstat") };
    let status = match process.stat(&source, symlinks) {
        Ok(status) => status,
        Err(errno) => return Subject::path(syscall, &source).throw(scope, errno),
    };
    let there = process.stat(&destination, symlinks).ok();
    if let Err((code, message)) =
        check(&process, (&source, &status), (&destination, there.as_ref()), recursive)
    {
        return throw(scope, &message, code);
    }
    if let Some((parent, _)) = destination.trim_end_matches('/').rsplit_once('/')
        && !parent.is_empty()
        && !is_directory(&process, parent)
        && let Err(errno) = process.make_tree(parent, 0o777)
    {
        throw_failed(scope, &Failed::at(&destination)(errno));
    }
}

type Refusal = (&'static str, String);

fn check(
    process: &Process,
    (source, status): (&str, &FileStatus),
    (destination, there): (&str, Option<&FileStatus>),
    recursive: bool,
) -> Result<(), Refusal> {
    let is_same =
        |one: &FileStatus, other: &FileStatus| (one.device, one.inode) == (other.device, other.inode);
    let is_directory = status.kind == FileKind::Directory;
    let shown = if is_directory && !source.ends_with('/') { format!("{source}/") } else { source.to_owned() };
    if let Some(there) = there {
        if is_same(status, there) {
            return Err(("ERR_FS_CP_EINVAL", format!("src and dest cannot be the same {destination}")));
        }
        match (is_directory, there.kind == FileKind::Directory) {
            (true, false) => {
                return Err((
                    "ERR_FS_CP_DIR_TO_NON_DIR",
                    format!("Cannot overwrite non-directory {destination} with directory {source}"),
                ));
            }
            (false, true) => {
                return Err((
                    "ERR_FS_CP_NON_DIR_TO_DIR",
                    format!("Cannot overwrite directory {destination} with non-directory {source}"),
                ));
            }
            _ => {}
        }
    }
    if is_directory {
        let mut above = Some(plain(&match destination.starts_with('/') {
            true => destination.to_owned(),
            false => format!("{}/{destination}", process.cwd().unwrap_or_default()),
        }));
        while let Some(path) = above {
            let parent = path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
            above = parent.filter(|parent| !parent.is_empty());
            let status_above = above.as_ref().and_then(|path| process.stat(path, Symlinks::Follow).ok());
            if status_above.is_some_and(|above| is_same(status, &above)) {
                return Err((
                    "ERR_FS_CP_EINVAL",
                    format!("Cannot copy {shown} to a subdirectory of self {destination}"),
                ));
            }
        }
        if !recursive {
            return Err((
                "ERR_FS_EISDIR",
                format!("Recursive option not enabled, cannot copy a directory: {shown}"),
            ));
        }
    }
    if status.kind == FileKind::Fifo {
        return Err(("ERR_FS_CP_FIFO_PIPE", format!("Cannot copy a FIFO pipe: {destination}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_the_systems_own() {
        assert_eq!(said(Errno::Eperm), "Operation not permitted");
        assert_eq!(said(Errno::Eexist), "File exists");
    }

    #[test]
    fn a_path_is_inside_of_what_lies_above_it() {
        assert!(is_inside("/a/b", "/a"));
        assert!(is_inside("/a", "/a"));
        assert!(!is_inside("/ab", "/a"));
    }
}
