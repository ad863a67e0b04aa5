//! `Http2Stream`: one stream of a session as JavaScript has it. What the protocol knows of it is its exchange.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use isolate::library::{Scope, memory_for};

use super::engine::{self, Exchange};
use super::session::{Maybe, Session, put_off};
use super::state::{Callback, State};
use crate::async_wrap::AsyncWrap;
use crate::bindings::stream_pipe::Pipe;
use crate::environment::Env;
use crate::handle;
use crate::request::Done;
use crate::stream_base::{self, ECANCELED, ENOMEM, EOF, EPIPE, Turn};

/// The name of the class among the templates of a realm.
pub(super) const CLASS: &str = "Http2Stream";

/// What `shutdown` gives where that is over at once.
const OVER: i32 = 1;

/// The native half of a stream.
pub(crate) struct Stream {
    pub(super) wrap: AsyncWrap,
    pub(super) exchange: Rc<Exchange>,
    session: Maybe,
    object: v8::Weak<v8::Object>,
    /// Keeps the object for as long as the session has the stream.
    held: RefCell<Option<v8::Global<v8::Object>>>,
    /// What is asked for more to send.
    source: RefCell<Option<Weak<Pipe>>>,
    pub(super) bytes_read: Cell<u64>,
    pub(super) bytes_written: Cell<u64>,
}

impl Stream {
    /// With its object. `None` with an exception pending if there are too many.
    pub(super) fn make(
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        session: &Rc<Session>,
        exchange: Rc<Exchange>,
    ) -> Option<Rc<Stream>> {
        let template = handle::template(scope, env, CLASS)?;
        let object = template.instance_template(scope).new_instance(scope)?;
        let stream = Rc::new(Stream {
            wrap: AsyncWrap::new(scope, env, object, "HTTP2STREAM"),
            exchange,
            session: Rc::downgrade(session),
            object: v8::Weak::new(scope, object),
            held: RefCell::new(Some(v8::Global::new(scope, object))),
            source: RefCell::default(),
            bytes_read: Cell::new(0),
            bytes_written: Cell::new(0),
        });
        handle::attach(scope, env, object, stream.clone())?;
        Some(stream)
    }

    /// The session, while it has the stream.
    pub(super) fn session(&self) -> Option<Rc<Session>> {
        self.session.upgrade().filter(|_| !self.exchange.is_destroyed.get())
    }

    pub(crate) fn object<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
        self.object.to_local(scope)
    }

    /// Calls a function of the library's, as the stream.
    pub(super) fn call<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        callback: Callback,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        let function = env.state::<State>().callback(scope, callback);
        let (Some(function), Some(object)) = (function, self.object(scope)) else {
            return Some(v8::undefined(scope).into());
        };
        let turn = Turn::of_code(env);
        let answer = self.wrap.call(scope, env, object, function, arguments)?;
        turn.end(scope, env)?;
        Some(answer)
    }

    /// Gives JavaScript what has come in: bytes, or why no more will come.
    pub(super) fn emit(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        incoming: Result<Vec<u8>, i32>,
    ) -> Option<()> {
        let Some(object) = self.object(scope) else { return Some(()) };
        let argument: v8::Local<v8::Value> = match incoming {
            Ok(bytes) => {
                self.bytes_read.set(self.bytes_read.get().saturating_add(bytes.len() as u64));
                let view: v8::Local<v8::Uint8Array> =
                    isolate::library::bytes(scope, &bytes)?.try_cast().ok()?;
                let buffer = view.buffer(scope)?;
                stream_base::tell_read(env, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                buffer.into()
            }
            Err(error) => {
                stream_base::tell_read(env, error);
                v8::undefined(scope).into()
            }
        };
        let turn = Turn::of_code(env);
        self.wrap.call_method(scope, env, object, "onread", &[argument])?;
        turn.end(scope, env)
    }

    /// Says what is asked for more to send.
    pub(crate) fn set_source(&self, source: Option<Weak<Pipe>>) {
        let before = self.source.replace(source);
        drop(before);
    }

    pub(super) fn source(&self) -> Option<Rc<Pipe>> {
        self.source.borrow().as_ref().and_then(Weak::upgrade)
    }

    /// Has bytes sent; `done` is called once they are. An error's number, or 0: then it is called.
    pub(crate) fn write(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>, done: Done) -> i32 {
        let Some(session) = self.session().filter(|_| self.exchange.is_writable.get()) else { return EOF };
        if !memory_for(bytes.len()) {
            return ENOMEM;
        }
        self.bytes_written.set(self.bytes_written.get().saturating_add(bytes.len() as u64));
        session.submit(scope, env, |_| {
            session.shared().charge(bytes.len());
            self.exchange.enqueue(bytes, done);
            session.engine.resume(self.exchange.id);
        });
        0
    }

    /// Nothing more will be sent. 1 where that is over at once, or an error's number.
    pub(crate) fn shut_down(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> i32 {
        let Some(session) = self.session() else { return EPIPE };
        session.submit(scope, env, |_| {
            self.exchange.is_writable.set(false);
            session.engine.resume(self.exchange.id);
        });
        OVER
    }

    /// JavaScript wants what comes in.
    pub(super) fn read_start(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> i32 {
        let Some(session) = self.session() else { return EPIPE };
        session.submit(scope, env, |_| {
            self.exchange.is_read.set(true);
            session.engine.consume_stream(self.exchange.id, self.exchange.unconsumed.take());
        });
        0
    }

    /// It is nobody's any more: what is under way is let go, in the loop's next round at the latest.
    pub(super) fn destroy(self: &Rc<Stream>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) {
        if self.exchange.is_destroyed.replace(true) {
            return;
        }
        let Some(session) = self.session.upgrade() else { return };
        if session.flags.receiving.get() {
            // What is to be sent of it yet goes out once everything is read.
            let (stream, then) = (self.clone(), env.clone());
            put_off(env, move |scope| {
                stream.clean_up(scope, &then);
                Some(())
            });
            return;
        }
        self.clean_up(scope, env);
    }

    fn clean_up(self: &Rc<Stream>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) {
        let Some(session) = self.session.upgrade() else { return };
        if session.pending_resets.borrow().contains(&self.exchange.id) {
            session.flush_reset(scope, env, &self.exchange);
        }
        if !session.shared().end(&self.exchange) {
            return;
        }
        let removed = session.streams.borrow_mut().remove(&self.exchange.id);
        drop(removed);
        session.note_stream_end(env, &self.exchange.statistics, self.exchange.id);
        if let Some(source) = self.source() {
            source.sink_is_gone(env);
        }
        let (stream, then, held) = (self.clone(), env.clone(), self.held.take());
        put_off(env, move |scope| {
            let _held = held;
            session.complete(scope, &then, stream.exchange.clear_queue(), ECANCELED)
        });
    }
}

impl Session {
    /// Resets a stream, after what is being sent.
    pub(super) fn reset(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        exchange: &Exchange,
        code: u32,
    ) -> Option<()> {
        exchange.code.set(code);
        let waits_for_nothing = (self.flags.receiving.get() && exchange.available.get() == 0)
            || (self.flags.in_scope.get() && matches!(code, engine::CANCEL | engine::REFUSED_STREAM));
        let is_pending =
            if waits_for_nothing { code == engine::CANCEL } else { self.send_pending(scope, env)? };
        if is_pending {
            self.pending_resets.borrow_mut().push(exchange.id);
        } else {
            self.flush_reset(scope, env, exchange);
        }
        Some(())
    }

    pub(super) fn flush_reset(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        exchange: &Exchange,
    ) {
        self.pending_resets.borrow_mut().retain(|id| *id != exchange.id);
        self.submit(scope, env, |_| self.engine.submit_reset(exchange.id, exchange.code.get()));
    }
}
