//! V8's serialization of values: `v8.Serializer` and `v8.Deserializer`.

use std::rc::{Rc, Weak};

use isolate::library::{Scope, memory_for, string};
use v8::{ValueDeserializerHelper, ValueSerializerHelper};

use crate::binding::{Args, Binding, Class, Return, functions, get, set};
use crate::bytes::{Memory, throw_no_memory};
use crate::coded_error::{Kind, throw};
use crate::environment::Env;
use crate::handle;

pub(super) static BINDING: Binding = Binding { name: "serdes", functions: &[], make: Some(make) };

/// What V8 says of values that it cannot read.
const UNREADABLE: &str = "Unable to deserialize cloned data.";

/// The native half of a `Serializer`.
struct Serializer {
    native: v8::ValueSerializer<'static>,
}

/// The native half of a `Deserializer`.
struct Deserializer {
    /// Goes before what it reads.
    native: v8::ValueDeserializer<'static>,
    /// Never written to: the native one holds where it is.
    data: Vec<u8>,
}

/// The object whose native half V8 calls back.
struct Owner {
    object: v8::Weak<v8::Object>,
    env: Weak<Env>,
}

impl Owner {
    fn new(scope: &mut Scope<'_, '_>, env: &Rc<Env>, object: v8::Local<'_, v8::Object>) -> Owner {
        Owner { object: v8::Weak::new(scope, object), env: Rc::downgrade(env) }
    }

    /// Calls a method of the object's. None, without an exception, where there is none of that name.
    fn call<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        name: &str,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<Option<v8::Local<'s, v8::Value>>> {
        self.env.upgrade()?;
        // V8 forbids it while it reads, except to whoever knows what it does.
        v8::allow_javascript_execution_scope!(let allowed, scope);
        let scope: &mut Scope<'s, '_> = allowed;
        let object = self.object.to_local(scope)?;
        let method = match get(scope, object, name) {
            Some(method) => method.try_cast::<v8::Function>().ok()?,
            None => return Some(None),
        };
        Some(method.call(scope, object.into(), arguments))
    }
}

fn throw_error(scope: &mut Scope<'_, '_>, message: &str) {
    let message = string(scope, message);
    let error = v8::Exception::error(scope, message);
    scope.throw_exception(error);
}

impl Owner {
    fn throw_clone_error<'s>(&self, scope: &mut Scope<'s, '_>, message: v8::Local<'s, v8::String>) {
        match self.call(scope, "_getDataCloneError", &[message.into()]) {
            Some(Some(error)) => {
                scope.throw_exception(error);
            }
            Some(None) => {}
            None => {
                let error = v8::Exception::error(scope, message);
                scope.throw_exception(error);
            }
        }
    }

    fn throw_not_cloneable<'s>(&self, scope: &mut Scope<'s, '_>, value: v8::Local<'s, v8::Value>) {
        let Some(text) = value.to_detail_string(scope) else { return };
        let text = text.to_rust_string_lossy(scope);
        let message = string(scope, &format!("{text} could not be cloned."));
        self.throw_clone_error(scope, message);
    }
}

impl v8::ValueSerializerImpl for Owner {
    fn throw_data_clone_error<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        message: v8::Local<'s, v8::String>,
    ) {
        self.throw_clone_error(scope, message);
    }

    fn write_host_object<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        _: &dyn ValueSerializerHelper,
    ) -> Option<bool> {
        match self.call(scope, "_writeHostObject", &[object.into()]) {
            Some(written) => written.map(|_| true),
            None => {
                self.throw_not_cloneable(scope, object.into());
                None
            }
        }
    }

    fn get_shared_array_buffer_id<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        buffer: v8::Local<'s, v8::SharedArrayBuffer>,
    ) -> Option<u32> {
        // V8 takes it for granted that something is thrown where there is no number.
        match self.call(scope, "_getSharedArrayBufferId", &[buffer.into()]) {
            Some(id) => id?.uint32_value(scope),
            None => {
                self.throw_not_cloneable(scope, buffer.into());
                None
            }
        }
    }

    fn get_wasm_module_transfer_id(
        &self,
        scope: &mut v8::PinScope<'_, '_>,
        _: v8::Local<v8::WasmModuleObject>,
    ) -> Option<u32> {
        let message = string(scope, "#<Module> could not be cloned.");
        self.throw_clone_error(scope, message);
        None
    }
}

impl v8::ValueDeserializerImpl for Owner {
    fn read_host_object<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        _: &dyn ValueDeserializerHelper,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let Some(read) = self.call(scope, "_readHostObject", &[]) else {
            throw_error(scope, UNREADABLE);
            return None;
        };
        let object = read?.try_cast::<v8::Object>();
        if object.is_err() {
            isolate::library::throw_type(scope, "readHostObject must return an object");
        }
        object.ok()
    }

    fn get_shared_array_buffer_from_id<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        _: u32,
    ) -> Option<v8::Local<'s, v8::SharedArrayBuffer>> {
        throw_error(scope, UNREADABLE);
        None
    }

    fn get_wasm_module_from_id<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        _: u32,
    ) -> Option<v8::Local<'s, v8::WasmModuleObject>> {
        throw_error(scope, UNREADABLE);
        None
    }
}

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "Serializer", v8::MapFnTo::map_fn_to(construct_serializer))?;
    class.methods(
        scope,
        functions! {
            "writeHeader" => write_header,
            "writeValue" => write_value,
            "releaseBuffer" => release_buffer,
            "transferArrayBuffer" => serializer_transfer,
            "writeUint32" => write_uint32,
            "writeUint64" => write_uint64,
            "writeDouble" => write_double,
            "writeRawBytes" => write_raw_bytes,
            "_setTreatArrayBufferViewsAsHostObjects" => set_treat_views_as_host_objects,
        },
    )?;
    class.publish(scope, binding, "Serializer")?;
    let class = Class::new(scope, "Deserializer", v8::MapFnTo::map_fn_to(construct_deserializer))?;
    class.methods(
        scope,
        functions! {
            "readHeader" => read_header,
            "readValue" => read_value,
            "getWireFormatVersion" => get_wire_format_version,
            "transferArrayBuffer" => deserializer_transfer,
            "readUint32" => read_uint32,
            "readUint64" => read_uint64,
            "readDouble" => read_double,
            "_readRawBytes" => read_raw_bytes,
        },
    )?;
    class.publish(scope, binding, "Deserializer")
}

/// Whether a class is called with `new`; throws if not.
fn is_constructed(scope: &mut Scope<'_, '_>, args: &Args<'_>, name: &str) -> bool {
    if !args.is_construct_call() {
        let message = format!("Class constructor {name} cannot be invoked without 'new'");
        throw(scope, Kind::Type, &message, "ERR_CONSTRUCT_CALL_REQUIRED");
    }
    args.is_construct_call()
}

fn construct_serializer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !is_constructed(scope, &args, "Serializer") {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let owner = Owner::new(scope, &env, args.this());
    let native = v8::ValueSerializer::new(scope, Box::new(owner));
    let _ = handle::attach(scope, &env, args.this(), Rc::new(Serializer { native }));
}

fn serializer(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Rc<Serializer>> {
    handle::receiver::<Serializer>(scope, args.this()).map(|(_, serializer)| serializer)
}

fn write_header(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(serializer) = serializer(scope, &args) {
        serializer.native.write_header();
    }
}

fn write_value(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let context = scope.get_current_context();
    if let Some(written) = serializer.native.write_value(context, args.get(0)) {
        result.set_bool(written);
    }
}

/// () -> a buffer with all that was written
fn release_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, serializer)) = handle::receiver::<Serializer>(scope, args.this()) else { return };
    let bytes = serializer.native.release();
    if let Some(buffer) = super::buffer::from_bytes(scope, &env, &bytes) {
        result.set(buffer);
    }
}

/// (number, buffer)
fn serializer_transfer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let Some(id) = args.get(0).uint32_value(scope) else { return };
    let Ok(buffer) = args.get(1).try_cast::<v8::ArrayBuffer>() else {
        let message = "arrayBuffer must be an ArrayBuffer";
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    };
    serializer.native.transfer_array_buffer(id, buffer);
}

fn write_uint32(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let Some(value) = args.get(0).uint32_value(scope) else { return };
    serializer.native.write_uint32(value);
}

/// (upper half, lower half)
fn write_uint64(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let Some(high) = args.get(0).uint32_value(scope) else { return };
    let Some(low) = args.get(1).uint32_value(scope) else { return };
    serializer.native.write_uint64(u64::from(high) << 32 | u64::from(low));
}

fn write_double(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let Some(value) = args.get(0).number_value(scope) else { return };
    serializer.native.write_double(value);
}

fn write_raw_bytes(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let Some(memory) = Memory::of(args.get(0)) else {
        let message = "source must be a TypedArray or a DataView";
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    };
    if !memory_for(memory.len().saturating_mul(2)) {
        return throw_no_memory(scope);
    }
    serializer.native.write_raw_bytes(&memory.bytes());
}

fn set_treat_views_as_host_objects(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(serializer) = serializer(scope, &args) else { return };
    let on = args.get(0).boolean_value(scope);
    serializer.native.set_treat_array_buffer_views_as_host_objects(on);
}

/// (bytes)
fn construct_deserializer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !is_constructed(scope, &args, "Deserializer") {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    if !args.get(0).is_array_buffer_view() {
        let message = "buffer must be a TypedArray or a DataView";
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    }
    let Some(memory) = Memory::expect(scope, args.get(0)) else { return };
    if !memory_for(memory.len()) {
        return throw_no_memory(scope);
    }
    let data = memory.bytes().into_owned();
    let owner = Owner::new(scope, &env, args.this());
    let native = v8::ValueDeserializer::new(scope, Box::new(owner), &data);
    if set(scope, args.this(), "buffer", args.get(0)).is_none() {
        return;
    }
    let _ = handle::attach(scope, &env, args.this(), Rc::new(Deserializer { native, data }));
}

fn deserializer(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Rc<Deserializer>> {
    handle::receiver::<Deserializer>(scope, args.this()).map(|(_, deserializer)| deserializer)
}

fn read_header(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let context = scope.get_current_context();
    if let Some(read) = deserializer.native.read_header(context) {
        result.set_bool(read);
    }
}

fn read_value(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let context = scope.get_current_context();
    if let Some(value) = deserializer.native.read_value(context) {
        result.set(value);
    }
}

fn get_wire_format_version(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(deserializer) = deserializer(scope, &args) {
        result.set_uint32(deserializer.native.get_wire_format_version());
    }
}

/// (number, buffer)
fn deserializer_transfer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let Some(id) = args.get(0).uint32_value(scope) else { return };
    if let Ok(buffer) = args.get(1).try_cast::<v8::ArrayBuffer>() {
        deserializer.native.transfer_array_buffer(id, buffer);
    } else if let Ok(buffer) = args.get(1).try_cast::<v8::SharedArrayBuffer>() {
        deserializer.native.transfer_shared_array_buffer(id, buffer);
    } else {
        let message = "arrayBuffer must be an ArrayBuffer or SharedArrayBuffer";
        throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    }
}

fn read_uint32(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let mut value = 0;
    if !deserializer.native.read_uint32(&mut value) {
        return throw_error(scope, "ReadUint32() failed");
    }
    result.set_uint32(value);
}

/// () -> [upper half, lower half]
fn read_uint64(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let mut value = 0;
    if !deserializer.native.read_uint64(&mut value) {
        return throw_error(scope, "ReadUint64() failed");
    }
    let high = v8::Integer::new_from_unsigned(scope, (value >> 32) as u32).into();
    let low = v8::Integer::new_from_unsigned(scope, value as u32).into();
    result.set(v8::Array::new_with_elements(scope, &[high, low]).into());
}

fn read_double(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let mut value = 0.0;
    if !deserializer.native.read_double(&mut value) {
        return throw_error(scope, "ReadDouble() failed");
    }
    result.set_double(value);
}

/// (length) -> where in the data the bytes are
fn read_raw_bytes(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(deserializer) = deserializer(scope, &args) else { return };
    let Some(length) = args.get(0).integer_value(scope) else { return };
    let read = usize::try_from(length).ok().and_then(|length| deserializer.native.read_raw_bytes(length));
    let Some(bytes) = read else { return throw_error(scope, "ReadRawBytes() failed") };
    let offset = bytes.as_ptr().addr().saturating_sub(deserializer.data.as_ptr().addr());
    result.set_double(offset as f64);
}
