//! Streams as native code uses them, whatever they are: what reads TLS or HTTP out of one, and writes to it.

use std::rc::Rc;
use std::sync::Arc;

use isolate::library::Scope;
use kernel::net::OutsideStream;

use super::{Consumer, ECANCELED, Incoming, Stream};
use crate::environment::Env;
use crate::handle_wrap::{self, Handle};
use crate::request::{self, Done};

/// How a write of native code's has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is over, with this status; nobody else is told.
    Over(i32),
    /// Its end is told later.
    UnderWay,
}

/// A stream. `None` of its methods means that an exception is pending.
pub(crate) trait Base {
    /// Wants what comes in. An error's number, or 0.
    fn read_start(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32>;

    /// Wants nothing for now.
    fn read_stop(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32>;

    /// Writes bytes.
    fn write(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>, done: Done) -> Option<Written>;

    /// Ends what is written, behind all that is under way; the request is completed then. An error's number, or 0.
    fn shut_down(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        request: v8::Local<'_, v8::Value>,
    ) -> Option<i32>;

    /// Says who takes what comes in; without, JavaScript does.
    fn set_consumer(&self, consumer: Option<Rc<dyn Consumer>>);

    /// Gives JavaScript what comes in, as if nobody else took it.
    fn hand_over(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: Incoming) -> Option<()>;

    fn is_open(&self) -> bool;

    /// The descriptor that it was opened for; -1 where there is none.
    fn descriptor(&self) -> i32;

    /// The connection that it is, if that leads beyond the VM.
    fn outside(&self) -> Option<Arc<dyn OutsideStream>> {
        None
    }
}

/// The stream that a value is the handle of.
pub(crate) fn of(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    value: v8::Local<'_, v8::Value>,
) -> Option<Rc<dyn Base>> {
    if let Some((handle, stream)) = handle_wrap::of::<Stream>(scope, env, value) {
        return Some(Rc::new(File { handle, stream }));
    }
    if let Some(stream) = crate::bindings::js_stream::base(scope, env, value) {
        return Some(stream);
    }
    crate::bindings::crypto::tls_stream(scope, env, value)
}

/// One over a file of the kernel's.
struct File {
    handle: Rc<Handle>,
    stream: Rc<Stream>,
}

impl Base for File {
    fn read_start(&self, _: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32> {
        Some(self.stream.read_start(env, &self.handle))
    }

    fn read_stop(&self, _: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<i32> {
        self.stream.read_stop(env, &self.handle);
        Some(0)
    }

    fn write(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>, done: Done) -> Option<Written> {
        let none = v8::undefined(scope).into();
        let answer = self.stream.write(scope, env, &self.handle, none, bytes)?;
        match answer.try_cast::<v8::Object>() {
            Ok(request) if request::wait(scope, env, request, done) => Some(Written::UnderWay),
            Ok(_) => Some(Written::Over(ECANCELED)),
            Err(_) => Some(Written::Over(answer.int32_value(scope)?)),
        }
    }

    fn shut_down(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        request: v8::Local<'_, v8::Value>,
    ) -> Option<i32> {
        Some(self.stream.shut_down(scope, env, &self.handle, request))
    }

    fn set_consumer(&self, consumer: Option<Rc<dyn Consumer>>) {
        self.stream.set_consumer(consumer);
    }

    fn hand_over(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: Incoming) -> Option<()> {
        self.stream.hand_over(scope, env, &self.handle, incoming)
    }

    fn is_open(&self) -> bool {
        self.handle.is_open()
    }

    fn descriptor(&self) -> i32 {
        self.stream.known_descriptor()
    }

    fn outside(&self) -> Option<Arc<dyn OutsideStream>> {
        self.stream.end()?.connection()?.outside().cloned()
    }
}
