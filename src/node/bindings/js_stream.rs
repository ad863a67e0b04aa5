//! Streams whose other end is JavaScript: what is written is handed to functions of the object's, which say when it is
//! done, and what it is given comes in.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use isolate::library::{Scope, copy_bytes, string};

use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Binding, Class, Return, functions, get, set};
use crate::bindings::buffer::from_bytes;
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
use crate::request::{self, Done};
use crate::stream_base::{self, Base, Consumer, EBADF, EINVAL, EOF, Incoming, Writes, Written};

pub(super) static BINDING: Binding = Binding { name: "js_stream", functions: &[], make: Some(make) };

/// `UV_EPROTO`: what JavaScript said is no status.
const EPROTO: i32 = -71;

/// The native half.
struct JsStream {
    wrap: AsyncWrap,
    bytes_read: Cell<u64>,
    bytes_written: Cell<u64>,
    /// Takes what comes in, in JavaScript's place.
    consumer: RefCell<Option<Rc<dyn Consumer>>>,
}

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "JSStream", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(scope, async_methods!(JsStream, wrap))?;
    class.methods(
        scope,
        functions! {
            "finishWrite" => finish,
            "finishShutdown" => finish,
            "readBuffer" => read_buffer,
            "emitEOF" => emit_eof,
            "readStart" => read_start,
            "readStop" => read_stop,
            "shutdown" => shutdown,
        },
    )?;
    stream_base::write_methods::<JsStream>(scope, &class)?;
    let name = string(scope, "isStreamBase");
    let yes = v8::Boolean::new(scope, true);
    class.template.prototype_template(scope).set(name.into(), yes.into());
    class.getter(scope, "fd", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(fd))?;
    class.getter(scope, "bytesRead", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_read))?;
    class.getter(scope, "bytesWritten", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_written))?;
    class.publish(scope, binding, "JSStream")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let wrap = AsyncWrap::new(scope, &env, args.this(), "JSSTREAM");
    let stream = JsStream {
        wrap,
        bytes_read: Cell::new(0),
        bytes_written: Cell::new(0),
        consumer: RefCell::default(),
    };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(stream));
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<JsStream>)> {
    handle::receiver::<JsStream>(scope, args.this())
}

fn fd(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(-1);
}

fn bytes_read(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, stream)) = receiver(scope, &args) {
        result.set_double(stream.bytes_read.get() as f64);
    }
}

fn bytes_written(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, stream)) = receiver(scope, &args) {
        result.set_double(stream.bytes_written.get() as f64);
    }
}

/// Asks JavaScript for something. Its status; `None` with an exception pending if it threw.
fn ask<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    stream: &JsStream,
    object: v8::Local<'s, v8::Object>,
    name: &str,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Option<i32> {
    let answer = stream.wrap.call_method(scope, env, object, name, arguments)?;
    if answer.is_number() { answer.int32_value(scope) } else { Some(EPROTO) }
}

fn read_start<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, stream)) = receiver(scope, &args) else { return };
    if let Some(status) = ask(scope, &env, &stream, args.this(), "onreadstart", &[]) {
        result.set_int32(status);
    }
}

fn read_stop<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, stream)) = receiver(scope, &args) else { return };
    if let Some(status) = ask(scope, &env, &stream, args.this(), "onreadstop", &[]) {
        result.set_int32(status);
    }
}

/// (request) -> status
fn shutdown<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, stream)) = receiver(scope, &args) else { return };
    if !args.get(0).is_object() {
        return result.set_int32(EINVAL);
    }
    if let Some(status) = ask(scope, &env, &stream, args.this(), "onshutdown", &[args.get(0)]) {
        result.set_int32(status);
    }
}

/// (request, status): what was asked for is done
fn finish<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((env, _)) = receiver(scope, &args) else { return };
    let (Ok(request), Some(status)) = (args.get(0).try_cast::<v8::Object>(), args.get(1).int32_value(scope))
    else {
        return;
    };
    let status: v8::Local<v8::Value> = v8::Integer::new(scope, status).into();
    let _turn = stream_base::Turn::of_code(&env);
    // Done before the library has learnt of the request: it looks for this.
    let Some(callback) = get(scope, request, "oncomplete") else { return };
    if !callback.is_function() && !request::is_waited_for(scope, &env, request) {
        let _ = set(scope, request, "writeStatus", status);
        return;
    }
    let undefined = v8::undefined(scope).into();
    let _ = request::complete(scope, &env, request, &[status, args.this().into(), undefined]);
}

/// (bytes): they have come in
fn read_buffer<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((env, stream)) = receiver(scope, &args) else { return };
    let Some(bytes) = copy_bytes(args.get(0)) else { return };
    if bytes.is_empty() {
        return;
    }
    stream.bytes_read.set(stream.bytes_read.get().saturating_add(bytes.len() as u64));
    let _ = come_in(scope, &env, &stream, args.this(), Incoming::Data(bytes));
}

fn emit_eof<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((env, stream)) = receiver(scope, &args) else { return };
    let _ = come_in(scope, &env, &stream, args.this(), Incoming::End(EOF));
}

/// Something has come in.
fn come_in<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    stream: &JsStream,
    object: v8::Local<'s, v8::Object>,
    incoming: Incoming,
) -> Option<()> {
    let consumer = stream.consumer.borrow().clone();
    let _turn = stream_base::Turn::of_code(env);
    match consumer {
        Some(consumer) => consumer.take(scope, env, &incoming),
        None => hand_over(scope, env, stream, object, incoming),
    }
}

/// Calls `onread`.
fn hand_over<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    stream: &JsStream,
    object: v8::Local<'s, v8::Object>,
    incoming: Incoming,
) -> Option<()> {
    let argument: v8::Local<v8::Value> = match incoming {
        Incoming::Data(bytes) => {
            let view: v8::Local<v8::Uint8Array> = isolate::library::bytes(scope, &bytes)?.try_cast().ok()?;
            let buffer = view.buffer(scope)?;
            stream_base::tell_read(env, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
            buffer.into()
        }
        Incoming::End(error) => {
            stream_base::tell_read(env, error);
            v8::undefined(scope).into()
        }
    };
    stream.wrap.call_method(scope, env, object, "onread", &[argument]).map(drop)
}

/// The stream that a value is the handle of, for native code.
pub(crate) fn base(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    value: v8::Local<'_, v8::Value>,
) -> Option<Rc<dyn Base>> {
    let object: v8::Local<v8::Object> = value.try_cast().ok()?;
    let stream = handle::of::<JsStream>(scope, env, object)?;
    let object = v8::Weak::new(scope, object);
    Some(Rc::new(Handle { object, stream: Rc::downgrade(&stream) }))
}

/// One for native code, which does not keep it: its object does, for as long as it is not collected.
struct Handle {
    object: v8::Weak<v8::Object>,
    stream: Weak<JsStream>,
}

impl Handle {
    fn get<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<(v8::Local<'s, v8::Object>, Rc<JsStream>)> {
        Some((self.object.to_local(scope)?, self.stream.upgrade()?))
    }
}

impl Base for Handle {
    fn read_start(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32> {
        let Some((object, stream)) = self.get(scope) else { return Some(EBADF) };
        ask(scope, env, &stream, object, "onreadstart", &[])
    }

    fn read_stop(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32> {
        let Some((object, stream)) = self.get(scope) else { return Some(0) };
        ask(scope, env, &stream, object, "onreadstop", &[])
    }

    fn write(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>, done: Done) -> Option<Written> {
        let Some((object, stream)) = self.get(scope) else { return Some(Written::Over(EBADF)) };
        let request = stream_base::new_write_request(scope, env)?;
        request::wait(scope, env, request, done);
        let count = stream.bytes_written.get().saturating_add(bytes.len() as u64);
        stream.bytes_written.set(count);
        let chunk = from_bytes(scope, env, &bytes)?;
        let chunks = v8::Array::new_with_elements(scope, &[chunk]);
        match ask(scope, env, &stream, object, "onwrite", &[request.into(), chunks.into()])? {
            0 => Some(Written::UnderWay),
            error => Some(Written::Over(error)),
        }
    }

    fn shut_down(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        request: v8::Local<'_, v8::Value>,
    ) -> Option<i32> {
        let Some((object, stream)) = self.get(scope) else { return Some(EBADF) };
        if !request.is_object() {
            return Some(EINVAL);
        }
        let request = v8::Local::new(scope, request);
        ask(scope, env, &stream, object, "onshutdown", &[request])
    }

    fn set_consumer(&self, consumer: Option<Rc<dyn Consumer>>) {
        if let Some(stream) = self.stream.upgrade() {
            let before = stream.consumer.replace(consumer);
            drop(before);
        }
    }

    fn hand_over(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: Incoming) -> Option<()> {
        let Some((object, stream)) = self.get(scope) else { return Some(()) };
        hand_over(scope, env, &stream, object, incoming)
    }

    fn is_open(&self) -> bool {
        !self.object.is_empty()
    }

    fn descriptor(&self) -> i32 {
        -1
    }
}

/// Hands bytes to `onwrite`. What JavaScript is given is as with other streams.
fn write<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    result: &mut Return<'s>,
    bytes: &[u8],
) -> Option<()> {
    let (env, stream) = receiver(scope, args)?;
    let given = args.get(0).try_cast::<v8::Object>().ok();
    let object = match given {
        Some(object) => object,
        None => stream_base::new_write_request(scope, &env)?,
    };
    let chunk = from_bytes(scope, &env, bytes)?;
    let chunks = v8::Array::new_with_elements(scope, &[chunk]);
    stream.bytes_written.set(stream.bytes_written.get().saturating_add(bytes.len() as u64));
    // JavaScript may finish it before this returns; then its request has a status already.
    stream_base::tell_write(&env, bytes.len(), true);
    let status = ask(scope, &env, &stream, args.this(), "onwrite", &[object.into(), chunks.into()])?;
    stream_base::tell_write(&env, bytes.len(), status == 0);
    match given {
        None if status == 0 => result.set(object.into()),
        _ => result.set_int32(status),
    }
    Some(())
}

impl Writes for JsStream {
    fn write<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>, result: &mut Return<'s>, bytes: Vec<u8>) {
        let _ = write(scope, args, result, &bytes);
    }
}
