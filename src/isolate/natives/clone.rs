//! `structuredClone`, through V8's own serializer. Shared memory and WebAssembly modules never pass: nothing could be
//! at the other end.

use super::{Args, Native, Return, here, natives};
use crate::core::{Scope, string};
use crate::errors;
use crate::values;

/// Array buffers that one call may transfer.
const TRANSFER_LIMIT: u32 = 1024;

pub(super) static NATIVES: &[Native] = natives! {
    "structuredClone" => structured_clone,
};

struct Delegate;

impl v8::ValueSerializerImpl for Delegate {
    fn throw_data_clone_error<'s>(&self, scope: &mut Scope<'s, '_>, message: v8::Local<'s, v8::String>) {
        throw_data_clone_error(scope, message);
    }

    fn get_shared_array_buffer_id<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        _buffer: v8::Local<'s, v8::SharedArrayBuffer>,
    ) -> Option<u32> {
        let message = string(scope, "SharedArrayBuffer could not be cloned.");
        throw_data_clone_error(scope, message);
        None
    }

    fn get_wasm_module_transfer_id(
        &self,
        scope: &mut Scope<'_, '_>,
        _module: v8::Local<v8::WasmModuleObject>,
    ) -> Option<u32> {
        let message = string(scope, "WebAssembly.Module could not be cloned.");
        throw_data_clone_error(scope, message);
        None
    }
}

impl v8::ValueDeserializerImpl for Delegate {}

/// Throws a `DataCloneError` of the realm.
fn throw_data_clone_error(scope: &mut Scope<'_, '_>, message: v8::Local<'_, v8::String>) {
    let Some((_, realm)) = here(scope) else { return };
    let Some(make) = realm.hook(scope, "dataCloneError") else { return };
    let receiver = v8::undefined(scope).into();
    if let Some(error) = make.call(scope, receiver, &[message.into()]) {
        scope.throw_exception(error);
    }
}

/// Bytes that a value has outside the heap, if it is a buffer or a view itself: they are there three times for a moment.
fn size_of(value: v8::Local<'_, v8::Value>) -> usize {
    if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
        return view.byte_length();
    }
    value.try_cast::<v8::ArrayBuffer>().map_or(0, |buffer| buffer.byte_length())
}

/// (value, array of array buffers) -> copy
fn structured_clone<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'_>) {
    if let Some(copy) = clone(scope, &args) {
        result.set(copy);
    }
}

fn clone<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>) -> Option<v8::Local<'s, v8::Value>> {
    use v8::{ValueDeserializerHelper, ValueSerializerHelper};
    let context = scope.get_current_context();
    let mut transferred: Vec<v8::Local<v8::ArrayBuffer>> = Vec::new();
    if let Ok(list) = args.get(1).try_cast::<v8::Array>() {
        for index in 0..list.length().min(TRANSFER_LIMIT) {
            let item = list.get_index(scope, index)?;
            match item.try_cast::<v8::ArrayBuffer>() {
                Ok(buffer)
                    if buffer.is_detachable() && !buffer.was_detached() && !transferred.contains(&buffer) =>
                {
                    transferred.push(buffer);
                }
                _ => {
                    let message = string(scope, "a value in the transfer list cannot be transferred");
                    throw_data_clone_error(scope, message);
                    return None;
                }
            }
        }
    }
    let size = if transferred.is_empty() { size_of(args.get(0)) } else { 0 };
    if !values::memory_for(size.saturating_mul(2)) {
        values::throw_no_memory(scope, "There is no memory for a copy of the value");
        return None;
    }
    let serializer = v8::ValueSerializer::new(scope, Box::new(Delegate));
    for (id, buffer) in (0..).zip(&transferred) {
        serializer.transfer_array_buffer(id, *buffer);
    }
    serializer.write_header();
    serializer.write_value(context, args.get(0))?;
    let bytes = serializer.release();
    let deserializer = v8::ValueDeserializer::new(scope, Box::new(Delegate), &bytes);
    for (id, buffer) in (0..).zip(&transferred) {
        let store = buffer.get_backing_store();
        let moved = v8::ArrayBuffer::with_backing_store(scope, &store);
        buffer.detach(None);
        deserializer.transfer_array_buffer(id, moved);
    }
    if deserializer.read_header(context).is_none() {
        errors::throw_type(scope, "the value could not be cloned");
        return None;
    }
    deserializer.read_value(context)
}
