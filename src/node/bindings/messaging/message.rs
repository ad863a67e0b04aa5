//! A message: a value in V8's serial form, and what goes with it that has no such form.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Instant;

use isolate::library::{Scope, memory_for, present, string, throw_no_memory};
use v8::{ValueDeserializerHelper, ValueSerializerHelper};

use super::port::{self, Port};
use super::transferable;
use crate::binding::get;
use crate::coded_error::{self, Kind};
use crate::environment::{Callback, Env};

/// How a host object is written: as the port of that index, as an object of the library's with its
/// data, or as one of native code.
const PORT: u32 = 0;
const LIBRARY: u32 = 1;
const NATIVE: u32 = 2;

/// Memory of a buffer on its way to another thread.
struct Store(v8::SharedRef<v8::BackingStore>);

// SAFETY: V8 counts the holders of a backing store atomically, and a store belongs to no isolate: what it needs to be freed
// it keeps itself (isolates are made with allocators that are shared, which is the crate's default). Of a buffer that was
// transferred this is the only holder beside the buffer that was detached; memory that is shared is meant to be.
unsafe impl Send for Store {}

/// See the module.
pub(crate) struct Message {
    bytes: Vec<u8>,
    buffers: Vec<Store>,
    shared: Vec<Store>,
    ports: Vec<Arc<Port>>,
    /// Objects of native code, which makes others of them.
    natives: Vec<Box<dyn Native>>,
    /// What makes each object of the library's, in the order in which their data follows the value.
    hosts: Vec<String>,
    sender: ThreadId,
    sent: Instant,
}

/// A native half on its way: makes an object of it where it arrives. `None` with an exception pending if that failed.
pub(crate) trait Native: Send {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>>;
}

struct Writer {
    env: Rc<Env>,
    ports: Vec<v8::Global<v8::Object>>,
    /// Objects of the library's that are transferred rather than copied.
    transferred: Vec<v8::Global<v8::Object>>,
    shared: RefCell<Vec<Store>>,
    /// Objects of native code that can be copied or transferred, each once.
    natives: RefCell<Vec<v8::Global<v8::Object>>>,
    /// Objects of the library's that were met, each once.
    hosts: RefCell<Vec<v8::Global<v8::Object>>>,
}

impl Writer {
    /// Asks an object of the library's for its data, and for what will make another of it.
    fn parts<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
    ) -> Option<(String, v8::Local<'s, v8::Value>)> {
        let transfers = self.transferred.iter().any(|transferred| *transferred == object);
        let symbol = if transfers { "messaging_transfer_symbol" } else { "messaging_clone_symbol" };
        let written = self.calls(scope, object, symbol)?;
        let info = get(scope, written, "deserializeInfo")?.to_string(scope)?;
        let info = isolate::library::text(scope, info)?;
        Some((info, get(scope, written, "data")?))
    }

    fn transfer_mode(&self, scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> u32 {
        let Some(key) =
            crate::bindings::util::private_symbol(scope, &self.env, "transfer_mode_private_symbol")
        else {
            return 0;
        };
        object.get_private(scope, key).and_then(|mode| mode.uint32_value(scope)).unwrap_or(0)
    }

    fn calls<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        symbol: &str,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let key = self.env.symbol(scope, symbol);
        let method = object.get(scope, key.into())?;
        let Ok(method) = method.try_cast::<v8::Function>() else {
            refuse(scope);
            return None;
        };
        method.call(scope, object.into(), &[])?.try_cast().ok()
    }
}

fn throw_missing_transferable(scope: &mut Scope<'_, '_>) {
    let message =
        string(scope, "Object that needs transfer was found in message but not listed in transferList");
    super::throw_clone_error(scope, message.into());
}

/// Throws that an object cannot be cloned.
fn refuse(scope: &mut Scope<'_, '_>) {
    let message = string(scope, "Cannot clone object of unsupported type.");
    super::throw_clone_error(scope, message.into());
}

/// The serializer owns what it asks; whoever made it looks at it, too.
struct Shared(Rc<Writer>);

impl v8::ValueSerializerImpl for Shared {
    fn throw_data_clone_error<'s>(&self, scope: &mut Scope<'s, '_>, message: v8::Local<'s, v8::String>) {
        super::throw_clone_error(scope, message.into());
    }

    fn has_custom_host_object(&self, _: &v8::Isolate) -> bool {
        true
    }

    fn is_host_object<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
    ) -> Option<bool> {
        if crate::handle::any_of(scope, &self.0.env, object).is_some() {
            return Some(true);
        }
        let key = crate::bindings::util::private_symbol(scope, &self.0.env, "transfer_mode_private_symbol")?;
        object.has_private(scope, key)
    }

    fn write_host_object<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        serializer: &dyn ValueSerializerHelper,
    ) -> Option<bool> {
        if let Some(at) = self.0.ports.iter().position(|port| *port == object) {
            serializer.write_uint32(PORT);
            serializer.write_uint32(u32::try_from(at).ok()?);
            return Some(true);
        }
        if port::is_port(scope, &self.0.env, object) {
            throw_missing_transferable(scope);
            return None;
        }
        if transferable::can_be_sent(scope, &self.0.env, object) {
            let transfers = self.0.transferred.iter().any(|transferred| *transferred == object);
            if !transfers && !transferable::can_be_copied(scope, &self.0.env, object) {
                throw_missing_transferable(scope);
                return None;
            }
            let mut natives = self.0.natives.borrow_mut();
            let at = match natives.iter().position(|native| *native == object) {
                Some(at) => at,
                None => {
                    natives.push(v8::Global::new(scope, object));
                    natives.len() - 1
                }
            };
            serializer.write_uint32(NATIVE);
            serializer.write_uint32(u32::try_from(at).ok()?);
            return Some(true);
        }
        let mode = self.0.transfer_mode(scope, object);
        let transfers = mode & 1 != 0 && self.0.transferred.iter().any(|transferred| *transferred == object);
        if !transfers && mode & 2 == 0 {
            if mode & 1 != 0 {
                throw_missing_transferable(scope);
            } else {
                refuse(scope);
            }
            return None;
        }
        // Its data follows the value: asking for it runs code of the library's, which V8 does not allow when it is read.
        let mut hosts = self.0.hosts.borrow_mut();
        let at = match hosts.iter().position(|host| *host == object) {
            Some(at) => at,
            None => {
                hosts.push(v8::Global::new(scope, object));
                hosts.len() - 1
            }
        };
        serializer.write_uint32(LIBRARY);
        serializer.write_uint32(u32::try_from(at).ok()?);
        Some(true)
    }

    fn get_shared_array_buffer_id<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        buffer: v8::Local<'s, v8::SharedArrayBuffer>,
    ) -> Option<u32> {
        if self.0.env.core.is_frozen() {
            // Two threads with one memory have a clock, whatever else is frozen.
            let message = string(scope, "Shared memory could not be cloned: timingMitigation is \"freeze\".");
            super::throw_clone_error(scope, message.into());
            return None;
        }
        let mut shared = self.0.shared.borrow_mut();
        shared.push(Store(buffer.get_backing_store()));
        u32::try_from(shared.len() - 1).ok()
    }

    fn get_wasm_module_transfer_id(
        &self,
        scope: &mut Scope<'_, '_>,
        _: v8::Local<v8::WasmModuleObject>,
    ) -> Option<u32> {
        let message = string(scope, "#<Module> could not be cloned.");
        super::throw_clone_error(scope, message.into());
        None
    }
}

/// Bytes that a value has outside of V8's heap, if it is a buffer or a view itself.
fn bytes_of(value: v8::Local<'_, v8::Value>) -> usize {
    if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
        return view.byte_length();
    }
    value.try_cast::<v8::ArrayBuffer>().map_or(0, |buffer| buffer.byte_length())
}

impl Message {
    /// Writes a value, and takes what is transferred with it from whoever had it. `source` is the port that it is sent
    /// from, which cannot be sent through itself. `None` with an exception pending.
    pub fn write(
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        value: v8::Local<'_, v8::Value>,
        transfer: &[v8::Local<'_, v8::Value>],
        source: Option<v8::Local<'_, v8::Object>>,
    ) -> Option<Message> {
        // A buffer, or a view of one, is there three times for a moment: V8 would end the process for want of memory.
        let size = if transfer.is_empty() { bytes_of(value) } else { 0 };
        if !memory_for(size.saturating_mul(2)) {
            throw_no_memory(scope, "There is no memory for a copy of the value");
            return None;
        }
        let mut writer = Writer {
            env: env.clone(),
            ports: Vec::new(),
            transferred: Vec::new(),
            shared: RefCell::default(),
            natives: RefCell::default(),
            hosts: RefCell::default(),
        };
        let mut buffers = Vec::new();
        let mut waiting: Vec<v8::Local<v8::Value>> =
            transfer.iter().rev().map(|value| v8::Local::new(scope, *value)).collect();
        let untransferable =
            super::super::util::private_symbol(scope, env, "untransferable_object_private_symbol")?;
        while let Some(value) = waiting.pop() {
            let Ok(object) = value.try_cast::<v8::Object>() else {
                return fail(scope, "Found invalid value in transferList.");
            };
            if object.has_private(scope, untransferable)? {
                return fail(scope, "Cannot transfer object of unsupported type.");
            }
            if let Ok(buffer) = object.try_cast::<v8::ArrayBuffer>() {
                if !buffer.is_detachable() || buffer.was_detached() {
                    return fail(scope, "Cannot transfer object of unsupported type.");
                }
                if buffers.contains(&buffer) {
                    return fail(scope, "Transfer list contains duplicate ArrayBuffer");
                }
                buffers.push(buffer);
                continue;
            }
            if port::is_port(scope, env, object) {
                if source.is_some_and(|source| source == object) {
                    return fail(scope, "Transfer list contains source port");
                }
                if writer.ports.iter().any(|port| *port == object) {
                    return fail(scope, "Transfer list contains duplicate MessagePort");
                }
                if !port::is_open(scope, env, object) {
                    return fail(scope, "MessagePort in transfer list is already detached");
                }
                writer.ports.push(v8::Global::new(scope, object));
                continue;
            }
            if transferable::can_be_sent(scope, env, object) {
                writer.transferred.push(v8::Global::new(scope, object));
                continue;
            }
            if writer.transfer_mode(scope, object) & 1 == 0 {
                return fail(scope, "Found invalid value in transferList.");
            }
            writer.transferred.push(v8::Global::new(scope, object));
            // What it consists of goes with it.
            let key = env.symbol(scope, "messaging_transfer_list_symbol");
            if let Ok(method) = object.get(scope, key.into())?.try_cast::<v8::Function>() {
                let parts = method.call(scope, object.into(), &[])?;
                if let Ok(parts) = parts.try_cast::<v8::Array>() {
                    for index in 0..parts.length() {
                        waiting.push(parts.get_index(scope, index)?);
                    }
                }
            }
        }
        let ports = writer.ports.clone();
        let context = scope.get_current_context();
        let value = v8::Local::new(scope, value);
        let writer = Rc::new(writer);
        let serializer = v8::ValueSerializer::new(scope, Box::new(Shared(writer.clone())));
        serializer.write_header();
        for (index, buffer) in buffers.iter().enumerate() {
            serializer.transfer_array_buffer(u32::try_from(index).ok()?, *buffer);
        }
        if serializer.write_value(context, value) != Some(true) {
            return None;
        }
        // More may be met in their data.
        let mut hosts = Vec::new();
        loop {
            let host = writer.hosts.borrow().get(hosts.len()).cloned();
            let Some(host) = host else { break };
            let host = v8::Local::new(scope, &host);
            let (info, data) = writer.parts(scope, host)?;
            hosts.push(info);
            if serializer.write_value(context, data) != Some(true) {
                return None;
            }
        }
        let bytes = serializer.release();
        let stores = buffers
            .iter()
            .map(|buffer| {
                let store = buffer.get_backing_store();
                buffer.detach(None);
                Store(store)
            })
            .collect();
        let mut taken = Vec::new();
        for port in &ports {
            let port = v8::Local::new(scope, port);
            taken.push(port::take(scope, env, port)?);
        }
        let mut natives = Vec::new();
        for native in writer.natives.take() {
            let object = v8::Local::new(scope, &native);
            natives.push(transferable::send(scope, env, object)?);
        }
        let shared = writer.shared.take();
        let (sender, sent) = (std::thread::current().id(), Instant::now());
        Some(Message { bytes, buffers: stores, shared, ports: taken, natives, hosts, sender, sent })
    }

    /// Whether it may be looked for by who does not wait for it. Where clocks are frozen, when another thread sends something
    /// tells no more than the clocks do.
    pub fn is_visible(&self) -> bool {
        self.sender == std::thread::current().id() || self.sent <= present()
    }

    /// Bytes that it holds.
    pub fn weight(&self) -> usize {
        self.bytes.len()
    }

    /// The value, and the ports that came with it. `None` with an exception pending.
    pub fn read<'s>(
        self,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<(v8::Local<'s, v8::Value>, Vec<v8::Local<'s, v8::Object>>)> {
        let context = scope.get_current_context();
        let is_elsewhere = env
            .process_object(scope)
            .and_then(|process| process.get_creation_context(scope))
            .is_some_and(|own| own != context);
        if is_elsewhere && (!self.hosts.is_empty() || !self.natives.is_empty()) {
            // The library is not there to make them.
            let message = "A message object could not be deserialized successfully in the target vm.Context";
            coded_error::throw(scope, Kind::Error, message, "ERR_MESSAGE_TARGET_CONTEXT_UNAVAILABLE");
            return None;
        }
        let mut ports = Vec::new();
        for port in self.ports {
            ports.push(port::object_for(scope, env, port)?);
        }
        let mut natives = Vec::new();
        for native in self.natives {
            let object = native.object(scope, env)?;
            natives.push(v8::Global::new(scope, object));
        }
        let globals = ports.iter().map(|port| v8::Global::new(scope, *port)).collect();
        let mut hosts = Vec::new();
        for info in &self.hosts {
            let make = env.callback(scope, Callback::Deserialize)?;
            let (receiver, info) = (v8::undefined(scope).into(), string(scope, info).into());
            let object: v8::Local<v8::Object> = make.call(scope, receiver, &[info])?.try_cast().ok()?;
            hosts.push(object);
        }
        let made = hosts.iter().map(|host| v8::Global::new(scope, *host)).collect();
        let reader = Reader { ports: globals, natives, shared: self.shared, hosts: made };
        let deserializer = v8::ValueDeserializer::new(scope, Box::new(reader), &self.bytes);
        for (index, store) in self.buffers.iter().enumerate() {
            let buffer = v8::ArrayBuffer::with_backing_store(scope, &store.0);
            deserializer.transfer_array_buffer(u32::try_from(index).ok()?, buffer);
        }
        deserializer.read_header(context)?;
        let value = deserializer.read_value(context)?;
        for host in hosts {
            let data = deserializer.read_value(context)?;
            let key = env.symbol(scope, "messaging_deserialize_symbol");
            let method: v8::Local<v8::Function> = host.get(scope, key.into())?.try_cast().ok()?;
            let data = v8::Local::new(scope, data);
            method.call(scope, host.into(), &[data])?;
        }
        Some((value, ports))
    }
}

fn fail<T>(scope: &mut Scope<'_, '_>, message: &str) -> Option<T> {
    let message = string(scope, message);
    super::throw_clone_error(scope, message.into());
    None
}

struct Reader {
    hosts: Vec<v8::Global<v8::Object>>,
    ports: Vec<v8::Global<v8::Object>>,
    natives: Vec<v8::Global<v8::Object>>,
    shared: Vec<Store>,
}

impl v8::ValueDeserializerImpl for Reader {
    fn read_host_object<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        deserializer: &dyn ValueDeserializerHelper,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let mut kind = u32::MAX;
        deserializer.read_uint32(&mut kind);
        match kind {
            PORT => {
                let mut index = u32::MAX;
                deserializer.read_uint32(&mut index);
                let port = self.ports.get(usize::try_from(index).ok()?)?;
                Some(v8::Local::new(scope, port))
            }
            LIBRARY => {
                let mut index = u32::MAX;
                deserializer.read_uint32(&mut index);
                let host = self.hosts.get(usize::try_from(index).ok()?)?;
                Some(v8::Local::new(scope, host))
            }
            NATIVE => {
                let mut index = u32::MAX;
                deserializer.read_uint32(&mut index);
                let native = self.natives.get(usize::try_from(index).ok()?)?;
                Some(v8::Local::new(scope, native))
            }
            _ => {
                isolate::library::throw_type(scope, "the message cannot be read");
                None
            }
        }
    }

    fn get_shared_array_buffer_from_id<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        id: u32,
    ) -> Option<v8::Local<'s, v8::SharedArrayBuffer>> {
        let store = self.shared.get(usize::try_from(id).ok()?)?;
        Some(v8::SharedArrayBuffer::with_backing_store(scope, &store.0))
    }
}
