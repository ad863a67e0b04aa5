//! Arguments and results: bytes, text in an encoding, numbers.

use std::cell::Cell;
use std::rc::Rc;

use isolate::library::{Scope, memory_for, string};

use super::errors::{self, Error, Result};
use crate::binding::Args;
use crate::bytes::{self, Memory, Units};
pub(crate) use crate::encoding::Encoding;
use crate::environment::Env;
use crate::handle;

/// What has to be left of the VM's memory for another object that OpenSSL has a part of, of which V8 knows nothing.
const SPARE: usize = 1 << 20;

/// That is looked at for so many objects at once, which are far smaller together.
const OBJECTS: u32 = 16;

thread_local! {
    /// How many more objects there may be before that is looked at again.
    static OBJECTS_LEFT: Cell<u32> = const { Cell::new(0) };
}

/// Whether there is room for another object, once those that nobody has any more are collected: V8 knows nothing of what
/// they hold, and would see no reason to.
pub(crate) fn is_room(scope: &mut Scope<'_, '_>) -> bool {
    if let Some(left) = OBJECTS_LEFT.get().checked_sub(1) {
        OBJECTS_LEFT.set(left);
        return true;
    }
    if !memory_for(SPARE) {
        scope.low_memory_notification();
        return memory_for(SPARE);
    }
    OBJECTS_LEFT.set(OBJECTS - 1);
    true
}

/// Gives an object its native half. `None` with an exception pending if there are too many, or no memory.
pub(crate) fn attach<T: 'static>(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    value: Rc<T>,
) -> Option<()> {
    if !is_room(scope) {
        isolate::library::throw_no_memory(
            scope,
            "There is no memory for another object of the binding crypto",
        );
        return None;
    }
    handle::attach(scope, env, object, value)
}

/// A new object with a native half, of a class among the templates whose prototype a program may have exchanged. `None` with
/// an exception pending if there is none of it to be had.
pub(crate) fn create<'s, T: 'static>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    class: &'static str,
    value: Rc<T>,
) -> Option<v8::Local<'s, v8::Value>> {
    let template = handle::template(scope, env, class)?;
    let object = template.instance_template(scope).new_instance(scope)?;
    let class = template.get_function(scope)?;
    let prototype = crate::binding::get(scope, class.into(), "prototype")?;
    object.set_prototype(scope, prototype)?;
    attach(scope, env, object, value)?;
    Some(object.into())
}

/// A string's bytes in an encoding.
pub(crate) fn decode(
    scope: &mut Scope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    encoding: Encoding,
) -> Result<Vec<u8>> {
    encoding.encode(scope, text).ok_or(Error::Pending)
}

/// What base64 or base64url says, as lenient as Node is.
pub(crate) fn from_base64(scope: &mut Scope<'_, '_>, text: v8::Local<'_, v8::String>) -> Result<Vec<u8>> {
    decode(scope, text, Encoding::Base64)
}

/// Bytes as base64url, for JSON Web Keys.
pub(crate) fn to_base64url(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// Bytes as a string in an encoding, or as a `Buffer`.
pub(crate) fn encode<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    bytes: &[u8],
    encoding: Encoding,
) -> Option<v8::Local<'s, v8::Value>> {
    match encoding {
        Encoding::Buffer => buffer(scope, env, bytes),
        _ => Some(encoding.decode(scope, bytes)?.into()),
    }
}

/// A `Buffer` with these bytes.
pub(crate) fn buffer<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    bytes: &[u8],
) -> Option<v8::Local<'s, v8::Value>> {
    crate::bindings::buffer::from_bytes(scope, env, bytes)
}

/// An `ArrayBuffer` with these bytes.
pub(crate) fn array_buffer<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::Value>> {
    let view: v8::Local<v8::ArrayBufferView> = isolate::library::bytes(scope, bytes)?.try_cast().ok()?;
    Some(view.buffer(scope)?.into())
}

/// The bytes of a view or a buffer. `None` where the value is neither.
pub(crate) fn bytes(value: v8::Local<'_, v8::Value>) -> Result<Option<Vec<u8>>> {
    let Some(memory) = Memory::of(value) else { return Ok(None) };
    if !memory_for(memory.len()) {
        return Err(errors::no_memory());
    }
    Ok(Some(memory.bytes().into_owned()))
}

/// The bytes that a library function has made sure are there.
pub(crate) fn required(value: v8::Local<'_, v8::Value>, name: &str) -> Result<Vec<u8>> {
    bytes(value)?.ok_or_else(|| no_bytes(name))
}

fn no_bytes(name: &str) -> Error {
    errors::coded(
        "ERR_INVALID_ARG_TYPE",
        format!(
            "The \"{name}\" argument must be an instance of ArrayBuffer, Buffer, TypedArray, or DataView."
        ),
    )
}

/// The bytes of a view or buffer; none for anything else.
pub(crate) fn optional(value: v8::Local<'_, v8::Value>) -> Result<Vec<u8>> {
    Ok(bytes(value)?.unwrap_or_default())
}

/// Reads a string in the encoding that the next argument names, or bytes, where they lie if that can be.
pub(crate) fn with_data<R>(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
    encoding: v8::Local<'_, v8::Value>,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    let Ok(text) = value.try_cast::<v8::String>() else {
        return with_bytes(value, "data", read);
    };
    let encoding = Encoding::of(scope, encoding, Encoding::Utf8);
    // ASCII is the same in all of these.
    let as_is = matches!(encoding, Encoding::Utf8 | Encoding::Latin1 | Encoding::Ascii);
    let mut read = Some(read);
    if as_is && text.is_onebyte() {
        let done = bytes::with_units(scope, text, |units| match units {
            Units::Latin1(units) if units.is_ascii() => read.take().map(|read| read(units)),
            _ => None,
        })
        .ok_or(Error::Pending)?;
        if let Some(done) = done {
            return Ok(done);
        }
    }
    let bytes = decode(scope, text, encoding)?;
    read.take().map(|read| read(&bytes)).ok_or_else(errors::no_memory)
}

/// Reads the bytes of a view or a buffer where they lie, as [`required`] has them.
pub(crate) fn with_bytes<R>(
    value: v8::Local<'_, v8::Value>,
    name: &str,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    match Memory::of(value) {
        // What is shared is copied.
        Some(memory) if memory_for(if memory.is_shared() { memory.len() } else { 0 }) => {
            Ok(read(&memory.bytes()))
        }
        Some(_) => Err(errors::no_memory()),
        None => Err(no_bytes(name)),
    }
}

/// Longest name of an algorithm, a curve or the like.
const NAME_MAX: usize = 1024;

/// A name. `None` for what is no string, or none that could be one.
pub(crate) fn name(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String> {
    let text = value.try_cast::<v8::String>().ok()?;
    (text.length() <= NAME_MAX).then(|| text.to_rust_string_lossy(scope))
}

/// A name that the library has made sure is there.
pub(crate) fn required_name(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Result<String> {
    name(scope, args.get(index)).ok_or_else(|| errors::node("ERR_INVALID_ARG_VALUE"))
}

/// An argument that is a whole number of 32 bits.
pub(crate) fn int(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<i32> {
    if value.is_int32() { value.int32_value(scope) } else { None }
}

/// An argument that is a whole number of 32 bits without a sign.
pub(crate) fn uint(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<u32> {
    if value.is_uint32() { value.uint32_value(scope) } else { None }
}

/// A list of names.
pub(crate) fn names<'s>(scope: &mut Scope<'s, '_>, names: &[String]) -> v8::Local<'s, v8::Value> {
    let names: Vec<v8::Local<v8::Value>> = names.iter().map(|name| string(scope, name).into()).collect();
    v8::Array::new_with_elements(scope, &names).into()
}
