//! Bytes: filling, copying, comparing; strings to bytes and back. `search` finds bytes among others.

mod search;

use std::cmp::Ordering;
use std::rc::Rc;

use isolate::library::{Scope, memory_for};

use crate::binding::{Args, Binding, Return, functions};
use crate::bytes::{Lent, Units, latin1, throw_no_memory, with_units};
use crate::coded_error::{Kind, throw};
use crate::encoding::{Encoding, forgiving_base64};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "buffer",
    functions: functions! {
        "setBufferPrototype" => set_buffer_prototype,
        "createUnsafeArrayBuffer" => create_unsafe_array_buffer,
        "arrayBufferAlignedOffset" => array_buffer_aligned_offset,
        "setDetachKey" => set_detach_key,
        "byteLengthUtf8" => byte_length_utf8,
        "stringLengthUtf8" => string_length_utf8,
        "isUtf8" => is_utf8,
        "isAscii" => is_ascii,
        "isLatin1" => is_latin1,
        "atob" => atob,
        "btoa" => btoa,
        "fill" => fill,
        "copy" => copy,
        "copyArrayBuffer" => copy_array_buffer,
        "compare" => compare,
        "compareOffset" => compare_offset,
        "swap16" => swap::<2>,
        "swap32" => swap::<4>,
        "swap64" => swap::<8>,
        "mask" => mask,
        "indexOfString" => search::index_of_string,
        "indexOfBuffer" => search::index_of_buffer,
        "indexOfNumber" => search::index_of_number,
        "asciiSlice" => ascii_slice,
        "base64Slice" => base64_slice,
        "base64urlSlice" => base64url_slice,
        "latin1Slice" => latin1_slice,
        "hexSlice" => hex_slice,
        "ucs2Slice" => ucs2_slice,
        "utf8Slice" => utf8_slice,
        "base64Write" => base64_write,
        "base64urlWrite" => base64url_write,
        "hexWrite" => hex_write,
        "ucs2Write" => ucs2_write,
        "asciiWriteStatic" => ascii_write,
        "latin1WriteStatic" => latin1_write,
        "utf8WriteStatic" => utf8_write,
    },
    make: None,
};

/// Alignments above this are those of no memory that a VM gets.
const ALIGNMENT_MAX: usize = 4096;

fn set_buffer_prototype(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::BufferPrototype, args.get(0));
    }
}

/// A `Buffer` with these bytes. `None` with an exception pending where there is no memory for it.
pub(crate) fn from_bytes<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    bytes: &[u8],
) -> Option<v8::Local<'s, v8::Value>> {
    let array = isolate::library::bytes(scope, bytes)?;
    let object: v8::Local<v8::Object> = array.try_cast().ok()?;
    let prototype = env.callback_value(scope, Callback::BufferPrototype)?;
    object.set_prototype(scope, prototype)?;
    Some(array)
}

/// An argument that is an index; the default where it is absent. `None` with an exception pending if it is none.
pub(super) fn index(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
    default: usize,
) -> Option<usize> {
    if value.is_int32() {
        // What nearly all are; no guest code runs to read them.
        if let Some(index) = value.int32_value(scope).and_then(|index| usize::try_from(index).ok()) {
            return Some(index);
        }
    } else if value.is_undefined() {
        return Some(default);
    }
    let index = usize::try_from(value.integer_value(scope)?);
    if index.is_err() {
        throw(scope, Kind::Range, "Index out of range", "ERR_OUT_OF_RANGE");
    }
    index.ok()
}

/// An argument that is a string. `None` with an exception pending if it is none.
pub(super) fn text<'s>(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Option<v8::Local<'s, v8::String>> {
    let text = value.try_cast::<v8::String>();
    if text.is_err() {
        throw(scope, Kind::Type, "argument must be a string", "ERR_INVALID_ARG_TYPE");
    }
    text.ok()
}

/// (size) -> a buffer, which may have what buffers of the same VM held before
fn create_unsafe_array_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(size) = args.get(0).number_value(scope) else { return };
    // Beyond what any VM may have, and exact.
    if !(0.0..9e15).contains(&size) || !memory_for(size as usize) {
        return throw_no_memory(scope);
    }
    result.set(isolate::library::uncleared_buffer(scope, size as usize).into());
}

/// (buffer, alignment) -> where in it memory is aligned so
fn array_buffer_aligned_offset(_: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let offset = (|| {
        let buffer = args.get(0).try_cast::<v8::ArrayBuffer>().ok()?;
        let alignment = args.get(1).try_cast::<v8::Number>().ok()?.value();
        // Larger ones would only tell where memory lies.
        let alignment = (alignment as usize).clamp(1, ALIGNMENT_MAX);
        let address = buffer.data()?.as_ptr().addr();
        Some(address.checked_next_multiple_of(alignment)? - address)
    })();
    result.set_uint32(offset.unwrap_or(0) as u32);
}

fn set_detach_key(_: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Ok(buffer) = args.get(0).try_cast::<v8::ArrayBuffer>() {
        buffer.set_detach_key(args.get(1));
    }
}

fn byte_length_utf8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text(scope, args.get(0)) else { return };
    let length = text.utf8_length(scope);
    result.set_double(length as f64);
}

/// (bytes) -> how many UTF-16 units they are as text
fn string_length_utf8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    let bytes = memory.bytes();
    let units: usize = bytes
        .utf8_chunks()
        .map(|chunk| {
            let text = v8::simdutf::utf16_length_from_utf8(chunk.valid().as_bytes());
            text + usize::from(!chunk.invalid().is_empty())
        })
        .sum();
    result.set_double(units as f64);
}

/// The argument of `isUtf8` and `isAscii`. `None` with an exception pending if its buffer is gone.
fn attached<'s>(scope: &mut Scope<'_, '_>, value: v8::Local<'s, v8::Value>) -> Option<Lent<'s>> {
    let buffer = match value.try_cast::<v8::ArrayBufferView>() {
        Ok(view) => view.buffer(scope),
        Err(_) => value.try_cast::<v8::ArrayBuffer>().ok(),
    };
    if buffer.is_some_and(|buffer| buffer.was_detached()) {
        let message = "Cannot validate on a detached buffer";
        throw(scope, Kind::Error, message, "ERR_INVALID_STATE");
        return None;
    }
    Lent::expect(scope, value)
}

fn is_utf8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(memory) = attached(scope, args.get(0)) else { return };
    result.set_bool(v8::simdutf::validate_utf8(&memory.bytes()));
}

fn is_ascii(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(memory) = attached(scope, args.get(0)) else { return };
    result.set_bool(memory.bytes().is_ascii());
}

fn is_latin1(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text(scope, args.get(0)) else { return };
    result.set_bool(text.contains_only_onebyte());
}

/// (text) -> text of the bytes; -1, -2 if it is no base64
fn atob(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text(scope, args.get(0)) else { return };
    if !memory_for(text.length().saturating_mul(2)) {
        return throw_no_memory(scope);
    }
    let Some(bytes) = with_units(scope, text, |units| {
        let digits = match units {
            Units::Latin1(units) => units.iter().filter(|unit| !unit.is_ascii_whitespace()),
            Units::Utf16(_) => return forgiving_base64(units).ok_or(-2),
        };
        // All digits, and one left over.
        let left_over = || {
            digits.clone().count() % 4 == 1
                && digits.clone().all(|digit| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/'))
        };
        forgiving_base64(units).ok_or_else(|| if left_over() { -1 } else { -2 })
    }) else {
        return;
    };
    match bytes {
        Ok(bytes) => {
            if let Some(text) = latin1(scope, &bytes) {
                result.set(text.into());
            }
        }
        Err(why) => result.set_int32(why),
    }
}

/// (text) -> base64; -1 if it has characters that are no bytes
fn btoa(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text(scope, args.get(0)) else { return };
    if !text.contains_only_onebyte() {
        return result.set_int32(-1);
    }
    let Some(bytes) = Encoding::Latin1.encode(scope, text) else { return };
    if let Some(text) = Encoding::Base64.decode(scope, &bytes) {
        result.set(text.into());
    }
}

/// (buffer, value, start, end, encoding) -> -1 if the value is none, -2 if there is no such range
fn fill(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    let Some(start) = index(scope, args.get(2), 0) else { return };
    let Some(end) = index(scope, args.get(3), memory.len()) else { return };
    let value = args.get(1);
    let pattern = if let Ok(text) = value.try_cast::<v8::String>() {
        let encoding = Encoding::of(scope, args.get(4), Encoding::Utf8);
        // Node writes as much of it as fits, and repeats that.
        let room = end.saturating_sub(start).min(memory.len());
        let Some(pattern) = encoded_start(scope, encoding, text, room) else { return };
        pattern
    } else if let Some(bytes) = Lent::of(scope, value) {
        bytes.slice(0..end.saturating_sub(start)).into_owned()
    } else {
        let Some(byte) = value.uint32_value(scope) else { return };
        vec![byte as u8]
    };
    // Guest code may have run while the arguments were read.
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    if start > end || end > memory.len() {
        return result.set_int32(-2);
    }
    if start == end {
        return;
    }
    if pattern.is_empty() {
        return result.set_int32(-1);
    }
    memory.fill(start..end, |out| {
        if let [byte] = pattern.as_slice() {
            out.fill(*byte);
        } else {
            let mut filled = pattern.len().min(out.len());
            for (byte, from) in out.iter_mut().zip(&pattern) {
                *byte = *from;
            }
            // What is there is repeated, so that it is twice as much each time.
            while filled < out.len() {
                let more = filled.min(out.len() - filled);
                out.copy_within(..more, filled);
                filled += more;
            }
        }
        out.len()
    });
}

/// The bytes of a text's beginning, as many as there is room for.
fn encoded_start(
    scope: &mut Scope<'_, '_>,
    encoding: Encoding,
    text: v8::Local<'_, v8::String>,
    room: usize,
) -> Option<Vec<u8>> {
    let bytes = with_units(scope, text, |units| {
        // The last character is cut where the room ends.
        let room = room.saturating_add(4);
        let mut bytes = vec![0; encoding.bytes_max(units).min(room)];
        let length = encoding.write(units, &mut bytes);
        bytes.truncate(length);
        bytes
    })?;
    Some(bytes)
}

/// (source, target, targetStart, sourceStart, count) -> how many were copied
fn copy(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let (Some(target_start), Some(source_start), Some(count)) =
        (index(scope, args.get(2), 0), index(scope, args.get(3), 0), index(scope, args.get(4), 0))
    else {
        return;
    };
    let Some(source) = Lent::expect(scope, args.get(0)) else { return };
    let Some(target) = Lent::expect(scope, args.get(1)) else { return };
    result.set_double(transfer(&source, source_start, &target, target_start, count) as f64);
}

/// (target, targetStart, source, sourceStart, count)
fn copy_array_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let (Some(target_start), Some(source_start), Some(count)) =
        (index(scope, args.get(1), 0), index(scope, args.get(3), 0), index(scope, args.get(4), 0))
    else {
        return;
    };
    let Some(target) = Lent::expect(scope, args.get(0)) else { return };
    let Some(source) = Lent::expect(scope, args.get(2)) else { return };
    transfer(&source, source_start, &target, target_start, count);
}

/// Copies bytes, which may overlap; as many as there are and fit.
fn transfer(source: &Lent, source_start: usize, target: &Lent, target_start: usize, count: usize) -> usize {
    let bytes = source.slice(source_start..source_start.saturating_add(count));
    if source.overlaps(target) {
        // The one is not read while the other is written.
        let bytes = bytes.into_owned();
        return target.write(target_start, &bytes);
    }
    target.write(target_start, &bytes)
}

fn order(ordering: Ordering) -> i32 {
    match ordering {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

fn compare(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(one) = Lent::expect(scope, args.get(0)) else { return };
    let Some(other) = Lent::expect(scope, args.get(1)) else { return };
    result.set_int32(order(one.bytes().cmp(&other.bytes())));
}

/// (source, target, targetStart, sourceStart, targetEnd, sourceEnd)
fn compare_offset(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let (Some(target_start), Some(source_start), Some(target_end), Some(source_end)) = (
        index(scope, args.get(2), 0),
        index(scope, args.get(3), 0),
        index(scope, args.get(4), usize::MAX),
        index(scope, args.get(5), usize::MAX),
    ) else {
        return;
    };
    let Some(source) = Lent::expect(scope, args.get(0)) else { return };
    let Some(target) = Lent::expect(scope, args.get(1)) else { return };
    for (start, memory, name) in
        [(source_start, &source, "sourceStart"), (target_start, &target, "targetStart")]
    {
        if start > memory.len() {
            let message = format!("The value of \"{name}\" is out of range.");
            return throw(scope, Kind::Range, &message, "ERR_OUT_OF_RANGE");
        }
    }
    let (source, target) = (
        source.slice(source_start..source_end.max(source_start)),
        target.slice(target_start..target_end.max(target_start)),
    );
    result.set_int32(order(source.cmp(&target)));
}

/// Reverses the bytes of each `N`; whatever is left at the end stays.
fn swap<const N: usize>(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    memory.fill(0..memory.len(), |bytes| {
        for piece in bytes.as_chunks_mut::<N>().0 {
            piece.reverse();
        }
        bytes.len()
    });
    result.set(args.get(0));
}

/// (source, output, offset, length, mask): writes bytes XORed with the mask's four; whether it could
fn mask(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let (Some(offset), Some(length), Some(mask)) =
        (index(scope, args.get(2), 0), index(scope, args.get(3), 0), args.get(4).uint32_value(scope))
    else {
        return;
    };
    let Some(source) = Lent::expect(scope, args.get(0)) else { return };
    let Some(output) = Lent::expect(scope, args.get(1)) else { return };
    let mut bytes = source.slice(0..length).into_owned();
    for (byte, mask) in bytes.iter_mut().zip(mask.to_le_bytes().iter().cycle()) {
        *byte ^= mask;
    }
    output.write(offset, &bytes);
    result.set_bool(true);
}

/// (buffer, start, end) -> text
fn slice(scope: &mut Scope<'_, '_>, args: &Args<'_>, mut result: Return<'_>, encoding: Encoding) {
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    let length = memory.len();
    if length == 0 {
        let empty = v8::String::empty(scope);
        return result.set(empty.into());
    }
    let Some(start) = index(scope, args.get(1), 0) else { return };
    let Some(end) = index(scope, args.get(2), length) else { return };
    let end = end.max(start);
    // Guest code may have run while the arguments were read.
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    if end > memory.len() {
        return throw(scope, Kind::Range, "Index out of range", "ERR_OUT_OF_RANGE");
    }
    if let Some(text) = encoding.decode(scope, &memory.slice(start..end)) {
        result.set(text.into());
    }
}

/// (buffer, text, offset, length) -> how many bytes were written
fn write(scope: &mut Scope<'_, '_>, args: &Args<'_>, mut result: Return<'_>, encoding: Encoding) {
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    let Some(text) = text(scope, args.get(1)) else { return };
    let Some(offset) = index(scope, args.get(2), 0) else { return };
    if offset > memory.len() {
        let message = "\"offset\" is outside of buffer bounds";
        return throw(scope, Kind::Range, message, "ERR_BUFFER_OUT_OF_BOUNDS");
    }
    let Some(length) = index(scope, args.get(3), usize::MAX) else { return };
    // Guest code may have run while the arguments were read.
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    let range = offset..offset.saturating_add(length);
    let written = with_units(scope, text, |units| memory.fill(range, |out| encoding.write(units, out)));
    if let Some(written) = written {
        result.set_double(written as f64);
    }
}

macro_rules! slices {
    ($($function:ident = $with:ident $encoding:ident,)*) => {
        $(fn $function(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
            $with(scope, &args, result, Encoding::$encoding);
        })*
    };
}

slices! {
    ascii_slice = slice Ascii,
    base64_slice = slice Base64,
    base64url_slice = slice Base64Url,
    latin1_slice = slice Latin1,
    hex_slice = slice Hex,
    ucs2_slice = slice Utf16,
    utf8_slice = slice Utf8,
    ascii_write = write Ascii,
    base64_write = write Base64,
    base64url_write = write Base64Url,
    latin1_write = write Latin1,
    hex_write = write Hex,
    ucs2_write = write Utf16,
    utf8_write = write Utf8,
}
