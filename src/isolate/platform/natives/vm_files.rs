//! The natives behind `cordon:vm/filesystem` and `cordon:vm/descriptors`. Open files are numbers here; the classes
//! around them are JavaScript's.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use super::{Args, Native, Return, here, here_as, natives, text_of, u32_of};
use crate::binding::errors;
use crate::binding::values;
use crate::realm::core::{Core, Realm, Scope, string};
use crate::run::operations::{self, Output};
use crate::run::output;
use kernel::{Errno, FileKind, FileStatus, FileTimes, OpenFile, OpenFlags, Symlinks, Whence};

/// Most bytes that one `read` gives, as `wit/descriptors.wit` says.
const READ_LIMIT: usize = 1024 * 1024;

/// Largest file that `readFile` gives whole.
const FILE_LIMIT: usize = 512 * 1024 * 1024;

pub(super) static NATIVES: &[Native] = natives! {
    "fsOpen" => open,
    "fsReadFile" => read_file,
    "fsWriteFile" => write_file,
    "fsStatus" => status,
    "fsReadDirectory" => read_directory,
    "fsCreateDirectory" => create_directory,
    "fsCreateFifo" => create_fifo,
    "fsRemoveDirectory" => remove_directory,
    "fsRemoveFile" => remove_file,
    "fsRename" => rename,
    "fsCreateSymlink" => create_symlink,
    "fsReadSymlink" => read_symlink,
    "fsCreateLink" => create_link,
    "fsSetMode" => set_mode,
    "fsSetTimes" => set_times,
    "fsCanonicalPath" => canonical_path,
    "fileInherited" => inherited,
    "filePipe" => pipe,
    "fileMemory" => memory_file,
    "fileMemoryOf" => memory_file_of,
    "fileRead" => file_read,
    "fileWrite" => file_write,
    "fileSeek" => file_seek,
    "fileTruncate" => file_truncate,
    "fileStatus" => file_status,
    "fileDuplicate" => file_duplicate,
    "fileIsTerminal" => file_is_terminal,
    "fileClose" => file_close,
    "encodeUtf8" => encode_utf8,
};

/// Enters an open file and returns its number; `EMFILE` at the limit.
fn enter(core: &Core, realm: &Rc<Realm>, file: Arc<OpenFile>) -> Result<u32, Errno> {
    let mut resources = realm.resources.borrow_mut();
    if resources.files.len() as u64 >= core.limits().descriptors {
        return Err(Errno::Emfile);
    }
    Ok(resources.files.add(file))
}

/// The open file behind a number; throws `EBADF` if there is none.
pub(super) fn file_at(
    scope: &mut Scope<'_, '_>,
    realm: &Rc<Realm>,
    id: u32,
    what: &str,
) -> Option<Arc<OpenFile>> {
    let file = realm.resources.borrow().files.get(id).cloned();
    if file.is_none() {
        errors::throw_errno(scope, Errno::Ebadf, what, None);
    }
    file
}

/// A native over one path that gives nothing.
fn on_path(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    what: &str,
    act: impl FnOnce(&kernel::Process, &str) -> Result<(), Errno>,
) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, args, 0) else { return };
    if let Err(errno) = act(&process, &path) {
        errors::throw_errno(scope, errno, what, Some(&path));
    }
}

/// A native over two paths that gives nothing.
fn on_paths(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    what: &str,
    act: impl FnOnce(&kernel::Process, &str, &str) -> Result<(), Errno>,
) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let (Some(first), Some(second)) = (text_of(scope, args, 0), text_of(scope, args, 1)) else { return };
    if let Err(errno) = act(&process, &first, &second) {
        errors::throw_errno(scope, errno, what, Some(&format!("{first}' -> '{second}")));
    }
}

fn symlinks(args: &Args<'_>, index: i32) -> Symlinks {
    if args.get(index).is_true() { Symlinks::Follow } else { Symlinks::NoFollow }
}

/// (path, flags, mode) -> number
fn open(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let flags = OpenFlags::from_bits_truncate(u32_of(scope, &args, 1)) - OpenFlags::NONBLOCK;
    let mode = u32_of(scope, &args, 2) & 0o7777;
    match process.open(&path, flags, mode).and_then(|file| enter(&core, &realm, file)) {
        Ok(id) => result.set_uint32(id),
        Err(errno) => errors::throw_errno(scope, errno, "open", Some(&path)),
    }
}

fn read_file(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let read = process.open(&path, OpenFlags::READ, 0).and_then(|file| {
        if file.kind() == FileKind::Directory {
            return Err(Errno::Eisdir);
        }
        output::read_all(&core, &file, FILE_LIMIT)
    });
    match read {
        Ok(contents) => {
            if let Some(bytes) = values::bytes(scope, &contents) {
                result.set(bytes);
            }
        }
        Err(errno) => errors::throw_errno(scope, errno, "read", Some(&path)),
    }
}

/// (path, bytes)
fn write_file(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((core, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let Some(bytes) = values::copy_bytes(args.get(1)) else {
        return errors::throw_type(scope, "contents: not a Uint8Array");
    };
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let written = process.open(&path, flags, 0o666).and_then(|file| output::write_all(&core, &file, &bytes));
    if let Err(errno) = written {
        errors::throw_errno(scope, errno, "write", Some(&path));
    }
}

fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "regular-file",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symbolic-link",
        FileKind::CharacterDevice => "character-device",
        FileKind::Fifo => "fifo",
    }
}

/// The record `file-status` of `wit/types.wit`.
fn status_object<'s>(scope: &mut Scope<'s, '_>, status: &FileStatus) -> v8::Local<'s, v8::Value> {
    let object = v8::Object::new(scope);
    let mut number = |name: &str, value: u64| {
        let value = v8::BigInt::new_from_u64(scope, value);
        values::set(scope, object, name, value.into());
    };
    number("device", status.device);
    number("inode", status.inode);
    number("links", status.links);
    number("size", status.size);
    number("accessed", status.accessed);
    number("modified", status.modified);
    number("changed", status.changed);
    let kind = string(scope, kind_name(status.kind));
    values::set(scope, object, "fileType", kind.into());
    let mode = v8::Integer::new_from_unsigned(scope, status.mode);
    values::set(scope, object, "mode", mode.into());
    object.into()
}

/// (path, follow)
fn status(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    match process.stat(&path, symlinks(&args, 1)) {
        Ok(status) => result.set(status_object(scope, &status)),
        Err(errno) => errors::throw_errno(scope, errno, "stat", Some(&path)),
    }
}

fn read_directory(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let entries = match process.read_dir(&path) {
        Ok(entries) => entries,
        Err(errno) => return errors::throw_errno(scope, errno, "readdir", Some(&path)),
    };
    let mut list: Vec<v8::Local<v8::Value>> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let object = v8::Object::new(scope);
        let name = string(scope, &entry.name);
        values::set(scope, object, "name", name.into());
        let inode = v8::BigInt::new_from_u64(scope, entry.inode);
        values::set(scope, object, "inode", inode.into());
        let kind = string(scope, kind_name(entry.kind));
        values::set(scope, object, "fileType", kind.into());
        list.push(object.into());
    }
    result.set(v8::Array::new_with_elements(scope, &list).into());
}

fn create_directory(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let mode = u32_of(scope, &args, 1) & 0o7777;
    on_path(scope, &args, "mkdir", |process, path| process.mkdir(path, mode));
}

fn create_fifo(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let mode = u32_of(scope, &args, 1) & 0o7777;
    on_path(scope, &args, "mkfifo", |process, path| process.mkfifo(path, mode));
}

fn remove_directory(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    on_path(scope, &args, "rmdir", |process, path| process.rmdir(path));
}

fn remove_file(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    on_path(scope, &args, "unlink", |process, path| process.unlink(path));
}

fn rename(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    on_paths(scope, &args, "rename", |process, source, target| process.rename(source, target));
}

/// (target, path)
fn create_symlink(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    on_paths(scope, &args, "symlink", |process, target, path| process.symlink(target, path));
}

fn read_symlink(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    match process.readlink(&path) {
        Ok(target) => result.set(string(scope, &target).into()),
        Err(errno) => errors::throw_errno(scope, errno, "readlink", Some(&path)),
    }
}

/// (existing, path)
fn create_link(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    on_paths(scope, &args, "link", |process, existing, path| process.link(existing, path));
}

fn set_mode(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let mode = u32_of(scope, &args, 1) & 0o7777;
    on_path(scope, &args, "chmod", |process, path| process.chmod(path, mode));
}

fn big_u64(args: &Args<'_>, index: i32) -> Option<u64> {
    let value: v8::Local<v8::BigInt> = args.get(index).try_cast().ok()?;
    Some(value.u64_value().0)
}

/// (path, accessed, modified, follow)
fn set_times(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let times = FileTimes { accessed: big_u64(&args, 1), modified: big_u64(&args, 2) };
    let symlinks = symlinks(&args, 3);
    on_path(scope, &args, "utimens", |process, path| process.utimens(path, times, symlinks));
}

fn canonical_path(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    match process.realpath(&path) {
        Ok(canonical) => result.set(string(scope, &canonical).into()),
        Err(errno) => errors::throw_errno(scope, errno, "realpath", Some(&path)),
    }
}

/// (descriptor number) -> number
fn inherited(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm, process)) = here_as(scope) else { return };
    let number = u32_of(scope, &args, 0);
    match process.fds().get(number).and_then(|file| enter(&core, &realm, file)) {
        Ok(id) => result.set_uint32(id),
        Err(errno) => errors::throw_errno(scope, errno, "inherited", None),
    }
}

/// () -> [number to read from, number to write to]
fn pipe(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let made = core.settings().kernel.pipe().and_then(|(read, write)| {
        let read = enter(&core, &realm, read)?;
        let write = enter(&core, &realm, write).inspect_err(|_| {
            realm.resources.borrow_mut().files.remove(read);
        })?;
        Ok((read, write))
    });
    match made {
        Ok((read, write)) => {
            let read = v8::Integer::new_from_unsigned(scope, read);
            let write = v8::Integer::new_from_unsigned(scope, write);
            result.set(v8::Array::new_with_elements(scope, &[read.into(), write.into()]).into());
        }
        Err(errno) => errors::throw_errno(scope, errno, "pipe", None),
    }
}

fn memory_file(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    match core.settings().kernel.memory_file().and_then(|file| enter(&core, &realm, file)) {
        Ok(id) => result.set_uint32(id),
        Err(errno) => errors::throw_errno(scope, errno, "memoryFile", None),
    }
}

/// (bytes) -> number
fn memory_file_of(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let Some(bytes) = values::copy_bytes(args.get(0)) else {
        return errors::throw_type(scope, "contents: not a Uint8Array");
    };
    match core.settings().kernel.memory_file_of(&bytes).and_then(|file| enter(&core, &realm, file)) {
        Ok(id) => result.set_uint32(id),
        Err(errno) => errors::throw_errno(scope, errno, "memoryFileOf", None),
    }
}

/// (number, length) -> promise of bytes
fn file_read(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let length = (u32_of(scope, &args, 1) as usize).min(READ_LIMIT);
    let Some(file) = file_at(scope, &realm, id, "read") else { return };
    let future = async move {
        let mut buffer = vec![0; length];
        let count = poll_fn(|cx| file.poll_read(cx, &mut buffer)).await?;
        buffer.truncate(count);
        Ok(Output::Bytes(buffer))
    };
    if let Some(promise) = operations::start(scope, &core, &realm, "read", future) {
        result.set(promise);
    }
}

/// (number, bytes) -> promise
fn file_write(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(file) = file_at(scope, &realm, id, "write") else { return };
    let Some(bytes) = values::copy_bytes(args.get(1)) else {
        return errors::throw_type(scope, "bytes: not a Uint8Array");
    };
    let future = async move {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let count = poll_fn(|cx| file.poll_write(cx, rest)).await?;
            rest = rest.get(count.max(1)..).unwrap_or_default();
        }
        Ok(Output::Undefined)
    };
    if let Some(promise) = operations::start(scope, &core, &realm, "write", future) {
        result.set(promise);
    }
}

/// (number, offset, 0 | 1 | 2) -> offset
fn file_seek(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(file) = file_at(scope, &realm, id, "seek") else { return };
    let offset = args.get(1).try_cast::<v8::BigInt>().map_or(0, |value| value.i64_value().0);
    let whence = match u32_of(scope, &args, 2) {
        0 => Whence::Start,
        1 => Whence::Current,
        _ => Whence::End,
    };
    match file.seek(offset, whence) {
        Ok(offset) => result.set(v8::BigInt::new_from_u64(scope, offset).into()),
        Err(errno) => errors::throw_errno(scope, errno, "seek", None),
    }
}

/// (number, size)
fn file_truncate(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(file) = file_at(scope, &realm, id, "truncate") else { return };
    if let Err(errno) = big_u64(&args, 1).ok_or(Errno::Einval).and_then(|size| file.truncate(size)) {
        errors::throw_errno(scope, errno, "truncate", None);
    }
}

fn file_status(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(file) = file_at(scope, &realm, id, "status") else { return };
    match file.status() {
        Ok(status) => result.set(status_object(scope, &status)),
        Err(errno) => errors::throw_errno(scope, errno, "status", None),
    }
}

fn file_duplicate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(file) = file_at(scope, &realm, id, "duplicate") else { return };
    match enter(&core, &realm, file) {
        Ok(id) => result.set_uint32(id),
        Err(errno) => errors::throw_errno(scope, errno, "duplicate", None),
    }
}

fn file_is_terminal(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(file) = file_at(scope, &realm, id, "isTerminal") else { return };
    result.set_bool(file.is_terminal());
}

/// Closing twice does nothing, nor does a finaliser that comes after the end of its realm.
fn file_close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(realm) = Core::of(scope).current_realm(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let closed = realm.resources.borrow_mut().files.remove(id);
    drop(closed);
}

/// (text) -> its UTF-8
fn encode_utf8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text_of(scope, &args, 0) else { return };
    if let Some(bytes) = values::bytes(scope, text.as_bytes()) {
        result.set(bytes);
    }
}
