//! Reading and writing.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Scope, memory_for, throw};
use kernel::{Errno, FileKind, HOST_TRANSFER_MAX, OpenFile, OpenFlags, Process};

use crate::binding::{Args, Return};
use crate::bytes::Memory;
use crate::environment::Env;
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call, Failed, Make};
use super::memory;
use super::open::open_descriptor;
use super::text::Encoding;

/// Most bytes that are read at once from what has no end that is known.
const CHUNK: usize = 64 * 1024;

/// Bytes that are read at first of what says nothing of its length.
const FIRST: usize = 4096;

/// Most bytes of a file of unknown length that is read as one piece.
pub(super) const READ_AT_ONCE: usize = 16 * 1024 * 1024;

/// Most buffers of one call, as Linux has it.
const BUFFERS_MAX: u32 = 1024;

/// Reads at most so many bytes, as read(2) does: of a file all that are there, of a pipe what is there by now.
pub(super) async fn read_some(
    file: &OpenFile,
    length: usize,
    position: Option<u64>,
) -> Result<Vec<u8>, Errno> {
    let wanted = if file.is_seekable() { length.min(left(file, position)) } else { length.min(CHUNK) };
    if !memory_for(wanted) {
        return Err(Errno::Enomem);
    }
    let mut bytes = vec![0; wanted];
    let count = read_into(file, &mut bytes, position).await?;
    bytes.truncate(count);
    if bytes.len() < bytes.capacity() / 2 {
        bytes.shrink_to_fit();
    }
    Ok(bytes)
}

/// How much there is to be read at most, of a file that has an end.
fn left(file: &OpenFile, position: Option<u64>) -> usize {
    let Ok(status) = file.status() else { return usize::MAX };
    if status.kind != FileKind::Regular || status.size == 0 {
        // What says nothing of its length may have any.
        return usize::MAX;
    }
    usize::try_from(status.size.saturating_sub(position.unwrap_or(0))).unwrap_or(usize::MAX).max(1)
}

/// As [`read_some`], into memory that is there.
async fn read_into(file: &OpenFile, bytes: &mut [u8], position: Option<u64>) -> Result<usize, Errno> {
    let mut filled = 0;
    loop {
        let rest = bytes.get_mut(filled..).unwrap_or_default();
        let room = rest.len().min(HOST_TRANSFER_MAX);
        let Some(part) = rest.get_mut(..room) else { return Ok(filled) };
        let outcome = match position {
            Some(position) => file.pread(part, position.saturating_add(filled as u64)),
            None => poll_fn(|cx| file.poll_read(cx, part)).await,
        };
        let count = match outcome {
            Ok(count) => count.min(room),
            Err(errno) if filled == 0 => return Err(errno),
            Err(_) => return Ok(filled),
        };
        filled += count;
        if count == 0 || filled >= bytes.len() || !file.is_seekable() {
            return Ok(filled);
        }
    }
}

/// Writes all of it, as write(2) does that waits; less only where that fails in between.
pub(super) async fn write_all(file: &OpenFile, bytes: &[u8], position: Option<u64>) -> Result<usize, Errno> {
    let mut written = 0;
    loop {
        let rest = bytes.get(written..).unwrap_or_default();
        let part = rest.get(..HOST_TRANSFER_MAX).unwrap_or(rest);
        let outcome = match position {
            Some(position) => file.pwrite(part, position.saturating_add(written as u64)),
            None => poll_fn(|cx| file.poll_write(cx, part)).await,
        };
        match outcome {
            Ok(count) => written += count.min(part.len()),
            Err(errno) if written == 0 => return Err(errno),
            Err(_) => return Ok(written),
        }
        if outcome == Ok(0) || written >= bytes.len() {
            return Ok(written);
        }
    }
}

/// Everything from the present offset on: `EFBIG` beyond so many bytes.
pub(super) async fn read_to_end(file: &OpenFile, limit: usize) -> Result<Vec<u8>, Errno> {
    let expected = file.status().map_or(0, |status| usize::try_from(status.size).unwrap_or(usize::MAX));
    if !memory_for(expected) {
        return Err(Errno::Enomem);
    }
    // One byte more tells the end.
    let first = expected.min(limit).saturating_add(1);
    let mut bytes = vec![0; if expected == 0 { FIRST } else { first }];
    let mut filled = 0;
    loop {
        let rest = bytes.get_mut(filled..).unwrap_or_default();
        let room = rest.len().min(HOST_TRANSFER_MAX);
        let part = rest.get_mut(..room).unwrap_or_default();
        let count = poll_fn(|cx| file.poll_read(cx, part)).await?.min(room);
        filled += count;
        if filled > limit {
            return Err(Errno::Efbig);
        }
        if count == 0 {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        if filled == bytes.len() {
            let more = filled.saturating_mul(2);
            if !memory_for(more) {
                return Err(Errno::Enomem);
            }
            bytes.resize(more, 0);
        }
    }
}

fn file_of(process: &Process, descriptor: u32) -> Result<Arc<OpenFile>, Errno> {
    process.fds().get(descriptor)
}

/// The memory of a view, to read from and write to where it lies: unless other threads have it too.
fn own_memory(view: v8::Local<'_, v8::ArrayBufferView>) -> Option<Memory> {
    Memory::of(view.into()).filter(|memory| !memory.is_shared())
}

/// (descriptor, buffer, offset, length, position, request) -> bytes read
pub(super) fn read<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 5) else { return };
    let Ok(view) = args.get(1).try_cast::<v8::ArrayBufferView>() else {
        return isolate::library::throw_type(scope, "a buffer is wanted");
    };
    let offset = arguments::size(scope, &args, 2);
    let length = arguments::size(scope, &args, 3).min(view.byte_length().saturating_sub(offset));
    let position = arguments::position(scope, &args, 4);
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let file = file_of(&call.process, descriptor);
    if let (true, Ok(file), Some(memory)) = (call.is_awaited_at_once(), &file, own_memory(view))
        && file.is_seekable()
    {
        let (file, core) = (file.clone(), call.env.core.clone());
        return call.run(scope, result, Subject::new("read"), move |_| {
            let mut count = Ok(0);
            memory.fill(offset..offset.saturating_add(length), |bytes| {
                count = core.wait(read_into(&file, bytes, position)).and_then(|count| count);
                bytes.len()
            });
            Ok(Answer::Number(count? as f64))
        });
    }
    let view = v8::Global::new(scope, view);
    call.wait(scope, result, Subject::new("read"), async move {
        let bytes = read_some(&*file?, length, position).await?;
        let fill: Make = Box::new(move |scope, _| {
            memory::copy_in(v8::Local::new(scope, &view), offset, &bytes);
            Some(v8::Number::new(scope, bytes.len() as f64).into())
        });
        Ok(Answer::Make(fill))
    });
}

/// The views of an array. `None` with an exception pending if it has anything else, or too many.
fn views<'s>(
    scope: &mut Scope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Option<Vec<v8::Local<'s, v8::ArrayBufferView>>> {
    let Ok(list) = value.try_cast::<v8::Array>() else {
        isolate::library::throw_type(scope, "an array of buffers is wanted");
        return None;
    };
    let mut views = Vec::new();
    for index in 0..list.length() {
        let Ok(view) = list.get_index(scope, index)?.try_cast::<v8::ArrayBufferView>() else {
            isolate::library::throw_type(scope, "an array of buffers is wanted");
            return None;
        };
        views.push(view);
    }
    Some(views)
}

/// (descriptor, buffers, position, request) -> bytes read
pub(super) fn read_buffers<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(views) = views(scope, args.get(1)) else { return };
    let length = views.iter().map(|view| view.byte_length()).fold(0, usize::saturating_add);
    let position = arguments::position(scope, &args, 2);
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let file = file_of(&call.process, descriptor);
    let too_many = views.len() > BUFFERS_MAX as usize;
    let views: Vec<_> = views.into_iter().map(|view| v8::Global::new(scope, view)).collect();
    call.wait(scope, result, Subject::new("read"), async move {
        if too_many {
            return Err(Errno::Einval.into());
        }
        let bytes = read_some(&*file?, length, position).await?;
        let fill: Make = Box::new(move |scope, _| {
            let mut rest = bytes.as_slice();
            for view in &views {
                let copied = memory::copy_in(v8::Local::new(scope, view), 0, rest);
                rest = rest.get(copied..).unwrap_or_default();
            }
            Some(v8::Number::new(scope, bytes.len() as f64).into())
        });
        Ok(Answer::Make(fill))
    });
}

fn write<'s>(
    scope: &mut Scope<'s, '_>,
    call: Call<'s>,
    descriptor: u32,
    bytes: Option<Vec<u8>>,
    position: Option<u64>,
    result: Return<'s>,
) {
    let file = file_of(&call.process, descriptor);
    call.wait(scope, result, Subject::new("write"), async move {
        let (file, bytes) = (file?, bytes.ok_or(Errno::Enomem)?);
        Ok(Answer::Number(write_all(&file, &bytes, position).await? as f64))
    });
}

/// (descriptor, buffer, offset, length, position, request, object for the error) -> bytes written
pub(super) fn write_buffer<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 5) else { return };
    let call = call.failing_into(&args, 6);
    let Ok(view) = args.get(1).try_cast::<v8::ArrayBufferView>() else {
        return isolate::library::throw_type(scope, "a buffer is wanted");
    };
    let (offset, length) = (arguments::size(scope, &args, 2), arguments::size(scope, &args, 3));
    let position = arguments::position(scope, &args, 4);
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    if let (true, Ok(file), Some(memory)) =
        (call.is_awaited_at_once(), file_of(&call.process, descriptor), own_memory(view))
        && file.is_seekable()
    {
        let core = call.env.core.clone();
        return call.run(scope, result, Subject::new("write"), move |_| {
            let bytes = memory.slice(offset..offset.saturating_add(length));
            Ok(Answer::Number(core.wait(write_all(&file, &bytes, position))?? as f64))
        });
    }
    let bytes = memory::copy_out(view, offset, length);
    write(scope, call, descriptor, bytes, position, result);
}

/// (descriptor, buffers, position, request) -> bytes written
pub(super) fn write_buffers<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(views) = views(scope, args.get(1)) else { return };
    let position = arguments::position(scope, &args, 2);
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let length = views.iter().map(|view| view.byte_length()).fold(0, usize::saturating_add);
    let bytes = memory_for(length).then(|| {
        let parts = views.iter().map(|view| memory::copy_out(*view, 0, usize::MAX).unwrap_or_default());
        parts.collect::<Vec<_>>().concat()
    });
    write(scope, call, descriptor, bytes, position, result);
}

/// (descriptor, text, position, encoding, request, object for the error) -> bytes written
pub(super) fn write_string<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 4) else { return };
    let call = call.failing_into(&args, 5);
    let Some(text) = args.get(1).to_string(scope) else { return };
    let position = arguments::position(scope, &args, 2);
    let encoding = Encoding::of(scope, args.get(3));
    let env = call.env.clone();
    let Some(bytes) = encoding.decode(scope, &env, text) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    write(scope, call, descriptor, Some(bytes), position, result);
}

/// A descriptor, or a path that is opened for this call.
enum Target {
    Descriptor(u32),
    Path(String),
}

impl Target {
    fn of(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Target> {
        Some(if args.get(0).is_number() {
            Target::Descriptor(arguments::descriptor(scope, args, 0)?)
        } else {
            Target::Path(arguments::path(scope, args, 0)?)
        })
    }

    /// The open file.
    fn file(&self, process: &Process, flags: OpenFlags, mode: u32) -> Result<Arc<OpenFile>, Failed> {
        match self {
            Target::Descriptor(descriptor) => Ok(file_of(process, *descriptor)?),
            Target::Path(path) => {
                let fail = |errno| Failed::of(errno, Subject::path("open", path));
                // It takes a descriptor for the time, as it does in Node.
                let descriptor = open_descriptor(process, path, flags, mode).map_err(fail)?;
                let file = file_of(process, descriptor).map_err(fail)?;
                process.fds().close(descriptor).map_err(fail)?;
                Ok(file)
            }
        }
    }
}

/// Bytes as a text; `None` with an exception pending if V8 has no string of that length.
fn string_of<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::Value>> {
    let longest = v8::String::MAX_LENGTH;
    if bytes.len() > longest {
        throw_too_long(scope);
        return None;
    }
    match v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal) {
        Some(text) => Some(text.into()),
        None => {
            throw_too_long(scope);
            None
        }
    }
}

fn throw_too_long(scope: &mut Scope<'_, '_>) {
    let message = format!("Cannot create a string longer than {:#x} characters", v8::String::MAX_LENGTH);
    throw(scope, &message, "ERR_STRING_TOO_LONG");
}

/// (path or descriptor, flags) -> text
pub(super) fn read_file_utf8<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    // There is no request: it is always done at once.
    let Some(call) = Call::new(scope, &args, args.length()) else { return };
    let Some(target) = Target::of(scope, &args) else { return };
    let flags = arguments::flags(scope, &args, 1);
    let process = call.process.clone();
    call.wait(scope, result, Subject::new("read"), async move {
        let file = target.file(&process, flags, 0o666)?;
        let bytes = read_to_end(&file, usize::MAX).await?;
        let make: Make = Box::new(move |scope: &mut Scope<'_, '_>, _: &Rc<Env>| string_of(scope, &bytes));
        Ok(Answer::Make(make))
    });
}

/// (path or descriptor, text, flags, mode)
pub(super) fn write_file_utf8<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, args.length()) else { return };
    let Some(target) = Target::of(scope, &args) else { return };
    let Some(text) = args.get(1).to_string(scope) else { return };
    let Some(text) = isolate::library::text(scope, text) else { return };
    let (flags, mode) = (arguments::flags(scope, &args, 2), arguments::mode(scope, &args, 3));
    let process = call.process.clone();
    call.wait(scope, result, Subject::new("write"), async move {
        let file = target.file(&process, flags, mode)?;
        write_whole(&file, text.as_bytes()).await?;
        Ok(Answer::Undefined)
    });
}

/// Writes everything, or fails.
pub(super) async fn write_whole(file: &OpenFile, bytes: &[u8]) -> Result<(), Errno> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match write_all(file, rest, None).await? {
            0 => return Err(Errno::Eio),
            count => rest = rest.get(count..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// (descriptor, length, request)
pub(super) fn ftruncate<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let length = arguments::unsigned(scope, &args, 1);
    call.run(scope, result, Subject::new("ftruncate"), move |process| {
        file_of(process, descriptor)?.truncate(length)?;
        Ok(Answer::Undefined)
    });
}

fn sync<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>, syscall: &'static str) {
    let Some(call) = Call::new(scope, &args, 1) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    call.run(scope, result, Subject::new(syscall), move |process| {
        file_of(process, descriptor)?.sync()?;
        Ok(Answer::Undefined)
    });
}

pub(super) fn fsync<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    sync(scope, args, result, "fsync");
}

pub(super) fn fdatasync<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    sync(scope, args, result, "fdatasync");
}
