//! How others read and write it.

use std::rc::{Rc, Weak};

use isolate::library::Scope;

use super::wrap::{TlsWrap, Write};
use super::{handle, receiver};
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::request::Done;
use crate::stream_base::{self, Base, Consumer, EBADF, EINVAL, Incoming, Writes, Written};

/// Puts the methods on the class.
pub(super) fn methods(scope: &mut Scope<'_, '_>, class: &Class<'_>) -> Option<()> {
    // The class is of this very scope, which its type does not say.
    let template = v8::Local::new(scope, class.template);
    let class = Class { template };
    class.methods(
        scope,
        functions! {
            "readStart" => read_start,
            "readStop" => read_stop,
            "shutdown" => shutdown,
            "useUserBuffer" => use_user_buffer,
        },
    )?;
    stream_base::write_methods::<TlsWrap>(scope, &class)?;
    class.getter(scope, "fd", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(fd))?;
    class.getter(scope, "bytesRead", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_read))?;
    class.getter(scope, "bytesWritten", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_written))?;
    class.getter(scope, "writeQueueSize", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(queue_size))
}

fn read_start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, wrap, _turn)) = receiver(scope, &args) else { return };
    if let Some(status) = begin(scope, &env, &wrap) {
        result.set_int32(status);
    }
}

fn begin(scope: &mut Scope<'_, '_>, env: &Rc<Env>, wrap: &TlsWrap) -> Option<i32> {
    if wrap.has_ended() || wrap.connection().is_none() { Some(0) } else { wrap.stream.read_start(scope, env) }
}

fn read_stop(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, wrap, _turn)) = receiver(scope, &args) else { return };
    if let Some(status) = wrap.stream.read_stop(scope, &env) {
        result.set_int32(status);
    }
}

/// (request) -> status
fn shutdown(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, wrap, _turn)) = receiver(scope, &args) else { return };
    if !args.get(0).is_object() {
        return result.set_int32(EINVAL);
    }
    if let Some(status) = wrap.shut_down(scope, &env, args.get(0)) {
        result.set_int32(status);
    }
}

fn use_user_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap, _turn)) = receiver(scope, &args) else { return };
    match args.get(0).try_cast::<v8::Uint8Array>() {
        Ok(buffer) => {
            *wrap.user_buffer.borrow_mut() = Some(v8::Global::new(scope, buffer));
            result.set_int32(0);
        }
        Err(_) => result.set_int32(EINVAL),
    }
}

fn write<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    result: &mut Return<'s>,
    bytes: Vec<u8>,
) -> Option<()> {
    let (env, wrap, _turn) = receiver(scope, args)?;
    let given = args.get(0).try_cast::<v8::Object>().ok();
    let object = match given {
        Some(object) => object,
        None => stream_base::new_write_request(scope, &env)?,
    };
    let length = bytes.len();
    let request = Write::Request(v8::Global::new(scope, object));
    let written = wrap.write(scope, &env, bytes, request)?;
    stream_base::tell_write(&env, length, written.is_ok());
    if let Err((error, message)) = written {
        if !message.is_empty() {
            let message = isolate::library::string(scope, message).into();
            crate::binding::set(scope, object, "error", message)?;
        }
        stream_base::tell_write_error(&env, error);
        if given.is_some() {
            result.set_int32(error);
            return Some(());
        }
    }
    match given {
        None => result.set(object.into()),
        Some(_) => result.set_int32(0),
    }
    Some(())
}

impl Writes for TlsWrap {
    fn write<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>, result: &mut Return<'s>, bytes: Vec<u8>) {
        let _ = write(scope, args, result, bytes);
    }
}

fn fd(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, wrap)) = handle::receiver::<TlsWrap>(scope, args.this()) {
        result.set_int32(wrap.stream.descriptor());
    }
}

fn bytes_read(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, wrap)) = handle::receiver::<TlsWrap>(scope, args.this()) {
        result.set_double(wrap.bytes_read.get() as f64);
    }
}

fn bytes_written(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, wrap)) = handle::receiver::<TlsWrap>(scope, args.this()) {
        result.set_double(wrap.bytes_written.get() as f64);
    }
}

fn queue_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, wrap)) = handle::receiver::<TlsWrap>(scope, args.this()) {
        result.set_double(wrap.queue_size() as f64);
    }
}

/// It for native code, which does not keep it: its object does, for as long as it is not collected.
pub(super) struct Handle(pub Weak<TlsWrap>);

impl Base for Handle {
    fn read_start(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32> {
        let Some(wrap) = self.0.upgrade() else { return Some(EBADF) };
        begin(scope, env, &wrap)
    }

    fn read_stop(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32> {
        let Some(wrap) = self.0.upgrade() else { return Some(0) };
        wrap.stream.read_stop(scope, env)
    }

    fn write(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>, done: Done) -> Option<Written> {
        let Some(wrap) = self.0.upgrade().filter(|wrap| wrap.connection().is_some()) else {
            return Some(Written::Over(EBADF));
        };
        match wrap.write(scope, env, bytes, Write::Native(done))? {
            Ok(()) => Some(Written::UnderWay),
            Err((error, _)) => Some(Written::Over(error)),
        }
    }

    fn shut_down(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        request: v8::Local<'_, v8::Value>,
    ) -> Option<i32> {
        let Some(wrap) = self.0.upgrade() else { return Some(EBADF) };
        wrap.shut_down(scope, env, request)
    }

    fn set_consumer(&self, consumer: Option<Rc<dyn Consumer>>) {
        if let Some(wrap) = self.0.upgrade() {
            wrap.set_consumer(consumer);
        }
    }

    fn hand_over(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: Incoming) -> Option<()> {
        match self.0.upgrade() {
            Some(wrap) => wrap.hand_over(scope, env, incoming),
            None => Some(()),
        }
    }

    fn is_open(&self) -> bool {
        self.0.upgrade().is_some_and(|wrap| wrap.connection().is_some() && wrap.stream.is_open())
    }

    fn descriptor(&self) -> i32 {
        self.0.upgrade().map_or(-1, |wrap| wrap.stream.descriptor())
    }
}
