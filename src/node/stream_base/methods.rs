//! What JavaScript calls on streams.

use std::rc::Rc;

use isolate::library::{Scope, copy_bytes, heap_holds, memory_for, string};

use super::{EBADF, EINVAL, Stream};
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::{self, Handle};

/// The class that all streams inherit from.
pub(crate) fn base<'s>(scope: &mut Scope<'s, '_>, env: &Env) -> Option<v8::Local<'s, v8::FunctionTemplate>> {
    if let Some(known) = handle::template(scope, env, "LibuvStreamWrap") {
        return Some(known);
    }
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "LibuvStreamWrap", constructor)?;
    let parent = handle_wrap::base(scope, env)?;
    class.template.inherit(parent);
    class.methods(
        scope,
        functions! {
            "readStart" => read_start,
            "readStop" => read_stop,
            "shutdown" => shutdown,
            "useUserBuffer" => use_user_buffer,
            "writev" => writev,
            "writeBuffer" => write_buffer,
            "writeAsciiString" => write_latin1,
            "writeUtf8String" => write_utf8,
            "writeUcs2String" => write_ucs2,
            "writeLatin1String" => write_latin1,
            "setBlocking" => set_blocking,
            "hasPendingRead" => has_pending_read,
        },
    )?;
    class.getter(scope, "fd", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(fd))?;
    class.getter(scope, "bytesRead", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_read))?;
    class.getter(scope, "bytesWritten", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_written))?;
    class.getter(scope, "writeQueueSize", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(queue_size))?;
    let name = string(scope, "isStreamBase");
    let yes = v8::Boolean::new(scope, true);
    class.template.prototype_template(scope).set(name.into(), yes.into());
    class.keep(scope, env, "LibuvStreamWrap");
    Some(class.template)
}

fn construct(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    isolate::library::throw_type(scope, "Illegal constructor");
}

fn stream(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Handle>, Rc<Stream>)> {
    handle_wrap::receiver::<Stream>(scope, args.this())
}

fn read_start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((env, handle, stream)) = stream(scope, &args) {
        result.set_int32(stream.read_start(&env, &handle));
    }
}

fn read_stop(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((env, handle, stream)) = stream(scope, &args) {
        stream.read_stop(&env, &handle);
        result.set_int32(0);
    }
}

fn shutdown(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((env, handle, stream)) = stream(scope, &args) {
        let status = stream.shut_down(scope, &env, &handle, args.get(0));
        result.set_int32(status);
    }
}

fn use_user_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, stream)) = stream(scope, &args) else { return };
    match args.get(0).try_cast::<v8::Uint8Array>() {
        Ok(buffer) => {
            stream.use_buffer(v8::Global::new(scope, buffer));
            result.set_int32(0);
        }
        Err(_) => result.set_int32(EINVAL),
    }
}

fn set_blocking(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(0);
}

/// Whether something has come that JavaScript does not know of yet.
fn has_pending_read(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, handle, stream)) = stream(scope, &args) else { return };
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let end = stream.reader.borrow().clone().filter(|_| handle.is_open());
    result.set_bool(end.is_some_and(|end| end.poll_readable(&mut cx).is_ready()));
}

/// The descriptor; one is made for whoever asks for that of a socket.
fn fd(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = stream(scope, &args) else { return };
    let mut descriptor = stream.descriptor.get();
    if descriptor.is_none() && handle.is_open() {
        descriptor = (|| {
            let file = stream.end()?.file().clone();
            let descriptor = env.process()?.fds().insert_from(3, file, true).ok()?;
            stream.descriptor.set(Some(descriptor));
            Some(descriptor)
        })();
    }
    let number = descriptor.filter(|_| handle.is_open()).and_then(|number| i32::try_from(number).ok());
    result.set_int32(number.unwrap_or(-1));
}

fn bytes_read(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, stream)) = stream(scope, &args) {
        result.set_double(stream.bytes_read.get() as f64);
    }
}

fn bytes_written(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, stream)) = stream(scope, &args) {
        result.set_double(stream.bytes_written.get() as f64);
    }
}

fn queue_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, stream)) = stream(scope, &args) {
        result.set_double(stream.write_queue_size() as f64);
    }
}

/// How characters become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Characters {
    Utf8,
    Latin1,
    Ucs2,
}

/// A string's bytes. `None` with an exception pending if there is no memory for them.
pub(crate) fn string_bytes(
    scope: &mut Scope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    characters: Characters,
) -> Option<Vec<u8>> {
    if characters == Characters::Utf8 {
        return isolate::library::text(scope, text).map(String::into_bytes);
    }
    let length = text.length();
    if !heap_holds(scope, text) || !memory_for(length.saturating_mul(4)) {
        isolate::library::throw_no_memory(scope, "There is no memory for a copy of the string");
        return None;
    }
    if characters == Characters::Latin1 {
        let mut bytes = vec![0; length];
        text.write_one_byte_v2(scope, 0, &mut bytes, v8::WriteFlags::empty());
        return Some(bytes);
    }
    let mut units = vec![0u16; length];
    text.write_v2(scope, 0, &mut units, v8::WriteFlags::empty());
    Some(units.into_iter().flat_map(u16::to_le_bytes).collect())
}

fn write<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    result: &mut Return<'s>,
    bytes: impl FnOnce(&mut Scope<'s, '_>) -> Option<Vec<u8>>,
) {
    let Some((env, handle, stream)) = stream(scope, args) else { return };
    let Some(bytes) = bytes(scope) else { return };
    if let Some(value) = stream.write(scope, &env, &handle, args.get(0), bytes) {
        result.set(value);
    }
}

fn no_bytes(scope: &mut Scope<'_, '_>) -> Option<Vec<u8>> {
    isolate::library::throw_type(scope, "The \"data\" argument must be a Uint8Array or a string");
    None
}

fn write_buffer<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let value = args.get(1);
    write(scope, &args, &mut result, |scope| view_bytes(scope, value));
}

/// The bytes of a view. `None` with an exception pending for what is none.
pub(crate) fn view_bytes(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Vec<u8>> {
    if !value.is_array_buffer_view() {
        return no_bytes(scope);
    }
    let bytes = copy_bytes(value);
    if bytes.is_none() {
        isolate::library::throw_no_memory(scope, "There is no memory for what is to be written");
    }
    bytes
}

fn write_string<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    result: &mut Return<'s>,
    characters: Characters,
) {
    let value = args.get(1);
    write(scope, args, result, |scope| match value.try_cast::<v8::String>() {
        Ok(text) => string_bytes(scope, text, characters),
        Err(_) => no_bytes(scope),
    });
}

fn write_utf8<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    write_string(scope, &args, &mut result, Characters::Utf8);
}

fn write_latin1<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    write_string(scope, &args, &mut result, Characters::Latin1);
}

fn write_ucs2<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    write_string(scope, &args, &mut result, Characters::Ucs2);
}

/// (request, chunks, whether all are buffers): else each is followed by its encoding
fn writev<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let (chunks, all_buffers) = (args.get(1), args.get(2).is_true());
    write(scope, &args, &mut result, |scope| {
        let Ok(chunks) = chunks.try_cast::<v8::Array>() else { return no_bytes(scope) };
        chunk_bytes(scope, chunks, all_buffers)
    });
}

/// The bytes of chunks in a row.
pub(crate) fn chunk_bytes(
    scope: &mut Scope<'_, '_>,
    chunks: v8::Local<'_, v8::Array>,
    all_buffers: bool,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let step = if all_buffers { 1 } else { 2 };
    let mut index = 0;
    while index < chunks.length() {
        let chunk = chunks.get_index(scope, index)?;
        let more = match chunk.try_cast::<v8::String>() {
            Err(_) => view_bytes(scope, chunk)?,
            Ok(text) => {
                let encoding = chunks.get_index(scope, index.saturating_add(1))?;
                let encoding = encoding.to_rust_string_lossy(scope).to_ascii_lowercase();
                let characters = match encoding.as_str() {
                    "latin1" | "binary" | "ascii" => Characters::Latin1,
                    "ucs2" | "ucs-2" | "utf16le" | "utf-16le" => Characters::Ucs2,
                    "hex" => {
                        bytes.extend(hex(&isolate::library::text(scope, text)?));
                        index = index.saturating_add(step);
                        continue;
                    }
                    "base64" | "base64url" => {
                        bytes.extend(crate::stream_base::methods::base64(&isolate::library::text(
                            scope, text,
                        )?));
                        index = index.saturating_add(step);
                        continue;
                    }
                    _ => Characters::Utf8,
                };
                string_bytes(scope, text, characters)?
            }
        };
        if !memory_for(bytes.len().saturating_add(more.len())) {
            isolate::library::throw_no_memory(scope, "There is no memory for what is to be written");
            return None;
        }
        bytes.extend_from_slice(&more);
        index = index.saturating_add(step);
    }
    Some(bytes)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map_while(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// What Node reads as base 64: both alphabets, whatever else lies between.
fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

/// A file that is opened by its descriptor. An error's number, or 0.
pub(crate) fn open(
    stream: &Stream,
    env: &Env,
    descriptor: v8::Local<'_, v8::Value>,
    scope: &mut Scope<'_, '_>,
) -> i32 {
    let Some(descriptor) = descriptor.uint32_value(scope) else { return EBADF };
    let Some(process) = env.process() else { return EBADF };
    let Ok(file) = process.fds().get(descriptor) else { return EBADF };
    let (reads, writes) = (file.is_readable(), file.is_writable());
    let end = if file.is_terminal() { super::End::Terminal(process, file) } else { super::End::File(file) };
    stream.connect(reads.then(|| end.clone()), writes.then_some(end));
    stream.set_descriptor(descriptor);
    0
}
