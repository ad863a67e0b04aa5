//! What is known of files and filesystems, as arrays of numbers.

use std::cell::OnceCell;
use std::rc::Rc;

use isolate::library::Scope;
use kernel::{Errno, FileKind, FileStatus, FilesystemUsage, Symlinks, user};

use crate::binding::{Args, Return, set};
use crate::environment::Env;
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call};

/// Numbers of one file: see `kFsStatsFieldsNumber`.
pub(in crate::bindings) const FIELDS: usize = 18;

/// Which array an answer lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bindings) enum Place {
    /// `statValues`, which the library reads at once.
    Shared,
    /// One of its own.
    Own,
}

/// Block size that files are said to have.
const BLOCK: u64 = 4096;

/// Linux's number of tmpfs.
const TMPFS: u64 = 0x0102_1994;

/// `statValues` and `bigintStatValues`: room for two files.
#[derive(Default)]
struct Values {
    numbers: OnceCell<v8::Global<v8::Float64Array>>,
    big: OnceCell<v8::Global<v8::BigInt64Array>>,
}

pub(in crate::bindings) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let values = env.state::<Values>();
    let buffer = v8::ArrayBuffer::new(scope, FIELDS * 2 * 8);
    let numbers = v8::Float64Array::new(scope, buffer, 0, FIELDS * 2)?;
    let _ = values.numbers.set(v8::Global::new(scope, numbers));
    set(scope, binding, "statValues", numbers.into())?;
    let buffer = v8::ArrayBuffer::new(scope, FIELDS * 2 * 8);
    let big = v8::BigInt64Array::new(scope, buffer, 0, FIELDS * 2)?;
    let _ = values.big.set(v8::Global::new(scope, big));
    set(scope, binding, "bigintStatValues", big.into())
}

/// The bits of `S_IFMT`.
pub(in crate::bindings) fn mode_of(status: &FileStatus) -> u32 {
    let kind = match status.kind {
        FileKind::Regular => 0o100_000,
        FileKind::Directory => 0o040_000,
        FileKind::Symlink => 0o120_000,
        FileKind::CharacterDevice => 0o020_000,
        FileKind::Fifo => 0o010_000,
    };
    kind | (status.mode & 0o7777)
}

/// The kind of a directory's entry: see `UV_DIRENT_FILE` and its like.
pub(in crate::bindings) fn entry_kind(kind: FileKind) -> i32 {
    match kind {
        FileKind::Regular => 1,
        FileKind::Directory => 2,
        FileKind::Symlink => 3,
        FileKind::Fifo => 4,
        FileKind::CharacterDevice => 6,
    }
}

/// The numbers of a file, in their order.
pub(in crate::bindings) fn fields(status: &FileStatus) -> [u64; FIELDS] {
    const SECOND: u64 = 1_000_000_000;
    let born = status.modified.min(status.changed);
    [
        status.device,
        u64::from(mode_of(status)),
        status.links,
        user::ID.into(),
        user::ID.into(),
        0,
        BLOCK,
        status.inode,
        status.size,
        status.allocated.div_ceil(BLOCK).saturating_mul(BLOCK / 512),
        status.accessed / SECOND,
        status.accessed % SECOND,
        status.modified / SECOND,
        status.modified % SECOND,
        status.changed / SECOND,
        status.changed % SECOND,
        born / SECOND,
        born % SECOND,
    ]
}

fn bytes_of(fields: &[u64], is_big: bool) -> Vec<u8> {
    let number = |field: &u64| if is_big { field.to_ne_bytes() } else { (*field as f64).to_ne_bytes() };
    fields.iter().flat_map(number).collect()
}

/// An array of numbers of its own.
fn own<'s>(scope: &mut Scope<'s, '_>, fields: &[u64], is_big: bool) -> Option<v8::Local<'s, v8::Value>> {
    let buffer = v8::ArrayBuffer::new(scope, fields.len() * 8);
    let view: v8::Local<v8::ArrayBufferView> = if is_big {
        v8::BigInt64Array::new(scope, buffer, 0, fields.len())?.into()
    } else {
        v8::Float64Array::new(scope, buffer, 0, fields.len())?.into()
    };
    isolate::library::fill_view(view, &bytes_of(fields, is_big));
    Some(view.into())
}

/// The array of a file.
pub(in crate::bindings) fn value<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    status: &FileStatus,
    is_big: bool,
    place: Place,
) -> Option<v8::Local<'s, v8::Value>> {
    match place {
        Place::Own => own(scope, &fields(status), is_big),
        Place::Shared => shared(scope, env, &fields(status), is_big),
    }
}

/// The shared array, which begins with these numbers then.
pub(in crate::bindings) fn shared<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    fields: &[u64],
    is_big: bool,
) -> Option<v8::Local<'s, v8::Value>> {
    let values = env.state::<Values>();
    let view: v8::Local<v8::ArrayBufferView> = if is_big {
        v8::Local::new(scope, values.big.get()?).into()
    } else {
        v8::Local::new(scope, values.numbers.get()?).into()
    };
    isolate::library::fill_view(view, &bytes_of(fields, is_big));
    Some(view.into())
}

/// The array of a filesystem.
pub(in crate::bindings) fn usage_value<'s>(
    scope: &mut Scope<'s, '_>,
    usage: &FilesystemUsage,
    is_big: bool,
) -> Option<v8::Local<'s, v8::Value>> {
    let free = usage.bytes_limit.saturating_sub(usage.bytes_used) / BLOCK;
    let fields = [
        TMPFS,
        BLOCK,
        BLOCK,
        usage.bytes_limit / BLOCK,
        free,
        free,
        usage.inodes_limit,
        usage.inodes_limit.saturating_sub(usage.inodes_used),
    ];
    own(scope, &fields, is_big)
}

/// (path, bigint, request, throwIfNoEntry)
fn by_path<'s>(
    scope: &mut Scope<'s, '_>,
    args: Args<'s>,
    result: Return<'s>,
    syscall: &'static str,
    symlinks: Symlinks,
) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let (is_big, may_lack) = (args.get(1).is_true(), args.get(3).is_false());
    call.run(scope, result, Subject::path(syscall, &path), move |process| {
        match process.stat(&path, symlinks) {
            Ok(status) => Ok(Answer::Status(status, is_big)),
            Err(Errno::Enoent | Errno::Enotdir) if may_lack => Ok(Answer::Undefined),
            Err(errno) => Err(errno.into()),
        }
    });
}

pub(in crate::bindings) fn stat<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    by_path(scope, args, result, "stat", Symlinks::Follow);
}

pub(in crate::bindings) fn lstat<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    by_path(scope, args, result, "lstat", Symlinks::NoFollow);
}

/// (descriptor, bigint, request)
pub(in crate::bindings) fn fstat<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let is_big = args.get(1).is_true();
    call.run(scope, result, Subject::new("fstat"), move |process| {
        Ok(Answer::Status(process.fds().get(descriptor)?.status()?, is_big))
    });
}

/// (path, bigint, request)
pub(in crate::bindings) fn statfs<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let is_big = args.get(1).is_true();
    let kernel = call.env.core.settings().kernel.clone();
    call.run(scope, result, Subject::path("statfs", &path), move |process| {
        process.stat(&path, Symlinks::Follow)?;
        Ok(Answer::Usage(kernel.usage(), is_big))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_numbers_in_their_order() {
        let status = FileStatus {
            device: 1,
            inode: 7,
            kind: FileKind::Directory,
            mode: 0o755,
            links: 2,
            size: 5,
            allocated: 513,
            accessed: 1_500_000_000,
            modified: 2_000_000_001,
            changed: 3_000_000_000,
        };
        let fields = fields(&status);
        assert_eq!(fields[..10], [1, 0o040_755, 2, 1000, 1000, 0, 4096, 7, 5, 8]);
        assert_eq!(fields[10..], [1, 500_000_000, 2, 1, 3, 0, 2, 1]);
    }
}
