//! Directories: making, listing and removing them.

use isolate::library::{Scope, throw};
use kernel::{DirectoryEntry, Errno, FileKind, Process, Symlinks};

use crate::binding::{Args, Return};
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call, Failed, Make};
use super::copying;
use super::stat::entry_kind;
use super::text::Encoding;

/// Most names that a recursive listing gives.
const NAMES_MAX: usize = 1 << 20;

/// Most bytes of these.
const NAMES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How often a name for a temporary directory is made up.
const NAMES_TRIED: usize = 100;

/// What comes before the last part of a path.
fn parent(path: &str) -> Option<&str> {
    let trimmed = path.trim_end_matches('/');
    let (parent, _) = trimmed.rsplit_once('/')?;
    Some(if parent.is_empty() { "/" } else { parent })
}

fn is_directory(process: &Process, path: &str) -> bool {
    process.stat(path, Symlinks::Follow).is_ok_and(|status| status.kind == FileKind::Directory)
}

/// Makes a directory and those above it that are not there. Gives the first that was made.
fn make_all(process: &Process, path: &str, mode: u32) -> Result<Option<String>, Errno> {
    let mut wanted = vec![path];
    let mut first = None;
    while let Some(next) = wanted.last().copied() {
        match process.mkdir(next, mode) {
            Ok(()) => {
                first.get_or_insert_with(|| next.to_owned());
                wanted.pop();
            }
            Err(Errno::Enoent) => match parent(next).filter(|parent| *parent != next) {
                // A directory that could not be made for another reason than that there is nothing above it.
                Some(parent) if !is_directory(process, parent) => wanted.push(parent),
                _ => return Err(Errno::Enoent),
            },
            Err(_) if is_directory(process, next) => {
                wanted.pop();
            }
            Err(Errno::Eexist) if wanted.len() > 1 => return Err(Errno::Enotdir),
            Err(errno) => return Err(errno),
        }
    }
    Ok(first)
}

/// (path, mode, recursive, request) -> with `recursive` the first directory that was made
pub(super) fn mkdir<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let (mode, recursive) = (arguments::mode(scope, &args, 1), args.get(2).is_true());
    call.run(scope, result, Subject::path("mkdir", &path), move |process| {
        if !recursive {
            process.mkdir(&path, mode)?;
            return Ok(Answer::Undefined);
        }
        match make_all(process, &path, mode)? {
            Some(first) => Ok(Answer::Name(first, Encoding::Utf8)),
            None => Ok(Answer::Undefined),
        }
    });
}

/// (prefix, encoding, request) -> path
pub(super) fn mkdtemp<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(prefix) = arguments::path(scope, &args, 0) else { return };
    let encoding = Encoding::of(scope, args.get(1));
    let kernel = call.env.core.settings().kernel.clone();
    call.run(scope, result, Subject::path("mkdtemp", &format!("{prefix}XXXXXX")), move |process| {
        for _ in 0..NAMES_TRIED {
            let mut random = [0; 6];
            kernel.random(&mut random);
            let path = format!("{prefix}{}", random.map(letter).into_iter().collect::<String>());
            match process.mkdir(&path, 0o700) {
                Ok(()) => return Ok(Answer::Name(path, encoding)),
                Err(Errno::Eexist) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(Errno::Eexist.into())
    });
}

/// A letter or digit.
fn letter(random: u8) -> char {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    LETTERS.get(usize::from(random) % LETTERS.len()).map_or('x', |letter| char::from(*letter))
}

/// (path, encoding, withFileTypes, request) -> names, or names and kinds
pub(super) fn readdir<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let encoding = Encoding::of(scope, args.get(1));
    let with_kinds = args.get(2).is_true();
    call.run(scope, result, Subject::path("scandir", &path), move |process| {
        Ok(Answer::Entries(process.read_dir(&path)?, encoding, with_kinds))
    });
}

/// A directory of a recursive listing, by its path from where that began.
struct Listed {
    directory: String,
    entries: Vec<DirectoryEntry>,
}

fn joined(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        _ if directory.ends_with('/') => format!("{directory}{name}"),
        _ => format!("{directory}/{name}"),
    }
}

/// Everything in a directory and those in it, breadth first; links to directories are followed.
fn list_all(process: &Process, path: &str) -> Result<Vec<Listed>, Failed> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut waiting = std::collections::VecDeque::from([String::new()]);
    let (mut names, mut bytes) = (0, 0);
    while let Some(directory) = waiting.pop_front() {
        let whole = if directory.is_empty() { path.to_owned() } else { joined(path, &directory) };
        let entries = match process.read_dir(&whole) {
            Ok(entries) => entries,
            Err(errno) => return Err(Failed::of(errno, Subject::path("scandir", &whole))),
        };
        names += entries.len();
        for entry in &entries {
            let relative = joined(&directory, &entry.name);
            bytes += relative.len();
            let is_directory = match entry.kind {
                FileKind::Directory => true,
                FileKind::Symlink => is_directory(process, &joined(path, &relative)),
                _ => false,
            };
            if is_directory {
                waiting.push_back(relative);
            }
        }
        if names > NAMES_MAX || bytes > NAMES_BYTES_MAX {
            return Err(Errno::Enomem.into());
        }
        listed.push(Listed { directory, entries });
    }
    Ok(listed)
}

/// (path, encoding, withFileTypes, request) -> names, or [names, kinds, how many of them in each directory, directories]
pub(super) fn readdir_recursive<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let encoding = Encoding::of(scope, args.get(1));
    let with_kinds = args.get(2).is_true();
    call.run(scope, result, Subject::path("scandir", &path), move |process| {
        let listed = list_all(process, &path)?;
        let make: Make = Box::new(move |scope, env| {
            let (mut names, mut kinds, mut counts) = (Vec::new(), Vec::new(), Vec::new());
            let mut directories = Vec::new();
            for Listed { directory, entries } in &listed {
                for entry in entries {
                    let name = if with_kinds { entry.name.clone() } else { joined(directory, &entry.name) };
                    names.push(encoding.encode(scope, env, &name)?);
                    kinds.push(u8::try_from(entry_kind(entry.kind)).unwrap_or(0));
                }
                if with_kinds {
                    counts.extend(u32::try_from(entries.len()).unwrap_or(u32::MAX).to_ne_bytes());
                    directories.push(encoding.encode(scope, env, directory)?);
                }
            }
            let names = v8::Array::new_with_elements(scope, &names);
            if !with_kinds {
                return Some(names.into());
            }
            let kinds = isolate::library::bytes(scope, &kinds)?;
            let buffer: v8::Local<v8::Uint8Array> =
                isolate::library::bytes(scope, &counts)?.try_cast().ok()?;
            let buffer = buffer.buffer(scope)?;
            let counts = v8::Uint32Array::new(scope, buffer, 0, directories.len())?;
            let directories = v8::Array::new_with_elements(scope, &directories);
            let parts = [names.into(), kinds, counts.into(), directories.into()];
            Some(v8::Array::new_with_elements(scope, &parts).into())
        });
        Ok(Answer::Make(make))
    });
}

/// (path, request)
pub(super) fn rmdir<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 1) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    call.run(scope, result, Subject::path("rmdir", &path), move |process| {
        process.rmdir(&path)?;
        Ok(Answer::Undefined)
    });
}

/// (path, retries, recursive, delay): removes whatever it is. Nothing in a VM becomes removable by waiting.
pub(super) fn rm_sync<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some(call) = Call::new(scope, &args, args.length()) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let recursive = args.get(2).is_true();
    let status = match call.process.stat(&path, Symlinks::NoFollow) {
        Ok(status) => status,
        Err(Errno::Enoent) => return,
        Err(errno) => return throw_rm(scope, errno, &path),
    };
    let outcome = match (status.kind, recursive) {
        (FileKind::Directory, false) => {
            return throw(scope, &format!("Path is a directory: {path}"), "ERR_FS_EISDIR");
        }
        (FileKind::Directory, true) => call.process.remove_tree(&path),
        _ => call.process.unlink(&path),
    };
    if let Err(errno) = outcome {
        throw_rm(scope, errno, &path);
    }
}

fn throw_rm(scope: &mut Scope<'_, '_>, errno: Errno, path: &str) {
    let text = format!("{}, {}: '{path}'", errno.name(), copying::said(errno));
    if let Some(error) = copying::plain_error(scope, errno, &text, "rm", path) {
        scope.throw_exception(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_the_last_part_is_found() {
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/a/"), Some("/"));
        assert_eq!(parent("a/b/"), Some("a"));
        assert_eq!(parent("a"), None);
    }
}
