//! `Http2Session`: speaks HTTP/2 over a stream that it consumes, and tells the library what it hears.
//!
//! `receiving` has what comes in, `sending` what goes out, `events` what JavaScript is told, `session_methods` what
//! JavaScript calls.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use isolate::library::{Environment as _, Scope};

use super::engine::{Engine, Exchange, Shared, Splitter};
use super::request::Outstanding;
use super::settings::Others;
use super::state::{Callback, State};
use super::stream::Stream;
use crate::async_wrap::AsyncWrap;
use crate::environment::Env;
use crate::stream_base::{Base, Turn};

/// The native half of a session.
pub(super) struct Session {
    pub wrap: AsyncWrap,
    pub object: v8::Weak<v8::Object>,
    pub is_server: bool,
    pub engine: Engine,
    /// What lies beneath. None before there is any, and once it is gone.
    pub base: RefCell<Option<Rc<dyn Base>>>,
    pub streams: RefCell<HashMap<i32, Rc<Stream>>>,
    pub flags: Flags,
    pub splitter: RefCell<Splitter>,
    /// What has come in and could not be read yet.
    pub backlog: RefCell<VecDeque<Vec<u8>>>,
    /// What is to be written next.
    pub outgoing: RefCell<Vec<u8>>,
    /// Streams that are to be reset once what is being written is.
    pub pending_resets: RefCell<Vec<i32>>,
    /// With what the session is to be closed once what has come in is read.
    pub pending_close: Cell<Option<(u32, bool)>>,
    pub pings: RefCell<VecDeque<Outstanding>>,
    pub settings: RefCell<VecDeque<Outstanding>>,
    pub pings_max: usize,
    pub settings_max: usize,
    pub local_others: Others,
    pub remote_others: Others,
    /// Writes since JavaScript has asked last.
    pub chunks_sent: Cell<u32>,
    pub start: Duration,
    pub data_sent: Cell<u64>,
    pub data_received: Cell<u64>,
    pub ping_time: Cell<Duration>,
    pub average_duration: Cell<f64>,
}

/// What a session is about.
#[derive(Default)]
pub(super) struct Flags {
    /// Something that may have made it want to write is being done; whether it does is looked at afterwards.
    pub in_scope: Cell<bool>,
    pub write_scheduled: Cell<bool>,
    pub destroyed: Cell<bool>,
    pub sending: Cell<bool>,
    pub receiving: Cell<bool>,
    pub write_in_progress: Cell<bool>,
    pub reading_stopped: Cell<bool>,
    pub graceful: Cell<bool>,
    pub goaway_submitted: Cell<bool>,
    /// Reading goes on later, since a callback threw.
    pub read_scheduled: Cell<bool>,
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(base) = self.base.take() {
            base.set_consumer(None);
        }
    }
}

impl Session {
    pub fn shared(&self) -> &Rc<Shared> {
        self.engine.shared()
    }

    pub fn object<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
        self.object.to_local(scope)
    }

    pub fn is_closing(&self) -> bool {
        self.shared().is_closing.get()
    }

    /// Whether a GOAWAY that is sent now is nghttp2's own.
    pub fn note_goaway(&self) {
        let expected = self.is_closing()
            || self.flags.destroyed.get()
            || self.flags.graceful.get()
            || self.flags.goaway_submitted.get();
        self.shared().expects_goaway.set(expected);
    }

    /// Calls a function of the library's, as the session.
    pub fn call<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        callback: Callback,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<()> {
        let Some(function) = env.state::<State>().callback(scope, callback) else { return Some(()) };
        let Some(object) = self.object(scope) else { return Some(()) };
        let turn = Turn::of_code(env);
        self.wrap.call(scope, env, object, function, arguments)?;
        turn.end(scope, env)
    }

    /// Calls a method of its object.
    pub fn call_method(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, name: &str) -> Option<()> {
        v8::scope!(let scope, scope);
        let Some(object) = self.object(scope) else { return Some(()) };
        let turn = Turn::of_code(env);
        self.wrap.call_method(scope, env, object, name, &[])?;
        turn.end(scope, env)
    }

    /// Tells the library of an error, with the code of one of its own if that is more than a number says.
    pub fn call_error(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        error: i32,
        code: Option<&str>,
    ) -> Option<()> {
        v8::scope!(let scope, scope);
        let mut arguments = vec![v8::Integer::new(scope, error).into()];
        if let Some(code) = code {
            arguments.push(isolate::library::string(scope, code).into());
        }
        self.call(scope, env, Callback::Error, &arguments)
    }

    /// The native half of a stream.
    pub fn stream(&self, id: i32) -> Option<Rc<Stream>> {
        self.streams.borrow().get(&id).cloned()
    }

    /// The native half of a stream, with its object: made where there is none. `None` with an exception pending.
    pub fn stream_of(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        exchange: &Rc<Exchange>,
    ) -> Option<Rc<Stream>> {
        if let Some(stream) = self.stream(exchange.id) {
            return Some(stream);
        }
        let stream = Stream::make(scope, env, self, exchange.clone())?;
        let before = self.streams.borrow_mut().insert(exchange.id, stream.clone());
        drop(before);
        Some(stream)
    }

    /// Does something that may make the session want to write, and has it write then.
    pub fn submit<R>(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        what: impl FnOnce(&mut Scope<'_, '_>) -> R,
    ) -> R {
        if self.flags.in_scope.get() || self.flags.write_scheduled.get() {
            return what(scope);
        }
        self.flags.in_scope.set(true);
        let result = what(scope);
        self.flags.in_scope.set(false);
        if !self.flags.write_scheduled.get() {
            self.schedule_write(scope, env);
        }
        result
    }

    /// What keeps its object alive.
    pub fn held(self: &Rc<Session>, scope: &mut Scope<'_, '_>) -> Held {
        let object = self.object(scope).map(|object| v8::Global::new(scope, object));
        Held { session: self.clone(), _object: object }
    }

    /// Closes the session: at once, or once what has come in is read.
    pub fn close(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        code: u32,
        socket_is_closed: bool,
    ) -> Option<()> {
        if self.shared().is_closing.replace(true) {
            return Some(());
        }
        self.note_goaway();
        if self.flags.receiving.get() {
            self.pending_close.set(Some((code, socket_is_closed)));
            return Some(());
        }
        self.finish_close(scope, env, code, socket_is_closed)
    }

    /// Closes what was to be closed once everything is read.
    pub fn finish_pending_close(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        match self.pending_close.take() {
            Some((code, socket_is_closed)) if !self.flags.destroyed.get() => {
                self.finish_close(scope, env, code, socket_is_closed)
            }
            _ => Some(()),
        }
    }

    fn finish_close(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        code: u32,
        socket_is_closed: bool,
    ) -> Option<()> {
        let base = self.base.borrow().clone();
        if let Some(base) = &base {
            self.flags.reading_stopped.set(true);
            base.read_stop(scope, env)?;
        }
        if !socket_is_closed {
            self.engine.terminate(code);
            self.send_pending(scope, env)?;
        } else if let Some(base) = &base {
            // The library hears from now on what happens to it.
            base.set_consumer(None);
        }
        self.flags.destroyed.set(true);
        if !self.flags.write_in_progress.get() || base.is_none() {
            self.call_done(scope, env)?;
        }
        for ping in self.pings.take() {
            let then = env.clone();
            put_off(env, move |scope| ping.cancel(scope, &then));
        }
        self.tell_statistics(env);
        Some(())
    }

    /// Tells JavaScript that the session is over, and reads again, to hear of the other side's end.
    pub fn call_done(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        self.call_method(scope, env, "ondone")?;
        let base = self.base.borrow().clone();
        if let Some(base) = base {
            self.flags.reading_stopped.set(false);
            base.read_start(scope, env)?;
        }
        Some(())
    }
}

/// Has something done in the last phase of the loop's round, with what that puts off itself.
pub(super) fn put_off(
    env: &Rc<Env>,
    what: impl for<'s, 'i> FnOnce(&mut Scope<'s, 'i>) -> Option<()> + 'static,
) {
    let then = env.clone();
    env.set_immediate(move |scope| {
        v8::scope!(let scope, scope);
        what(scope)?;
        then.settle(scope)
    });
}

/// A session with its object.
pub(super) struct Held {
    pub session: Rc<Session>,
    _object: Option<v8::Global<v8::Object>>,
}

/// A session that may be gone.
pub(super) type Maybe = Weak<Session>;
