//! What goes through: bytes from the other side are decrypted and handed on, what is written is encrypted and passed to
//! the stream beneath. Both wait for the handshake.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use isolate::library::{OperationId, Scope, fill_view, memory_for, string};
use protocol::abi::TlsRequest;

use super::super::ossl::tls::{Connection, Failure, Stop};
use super::super::secure_context::SecureContext;
use super::super::{errors, values};
use super::CLASS;
use super::handshake::Asker;
use crate::async_wrap::AsyncWrap;
use crate::binding::{get, set};
use crate::environment::Env;
use crate::handle;
use crate::request::{self, Done};
use crate::stream_base::{self, Base, Consumer, ECANCELED, EINVAL, ENOMEM, EOF, Incoming, Turn, Written};

/// `UV_EPROTO`.
pub(super) const EPROTO: i32 = -71;
/// `UV_ENOBUFS`.
const ENOBUFS: i32 = -105;

/// Most bytes that are decrypted at once.
const CHUNK: usize = 16 * 1024;

/// Most bytes that wait while a handshake does: more than any client has to say before it is answered.
const UNREAD_MAX: usize = 1 << 20;

/// Something that is being written, for whom.
pub(super) enum Write {
    /// JavaScript's request.
    Request(v8::Global<v8::Object>),
    Native(Done),
}

/// The native half.
pub(super) struct TlsWrap {
    pub wrap: AsyncWrap,
    object: RefCell<Option<v8::Weak<v8::Object>>>,
    /// None once it is destroyed.
    connection: RefCell<Option<Rc<Connection>>>,
    pub stream: Rc<dyn Base>,
    pub secure_context: Rc<SecureContext>,
    pub is_started: Cell<bool>,
    /// Nothing more will come.
    has_ended: Cell<bool>,
    is_shut_down: Cell<bool>,
    /// What is to be encrypted once that is possible.
    clear: RefCell<Vec<u8>>,
    write: RefCell<Option<Write>>,
    /// A write without bytes, for the sake of its end.
    empty_write: RefCell<Option<Write>>,
    /// The write may be told its end.
    may_finish: Cell<bool>,
    /// Bytes that the stream beneath is writing.
    passing: Cell<usize>,
    /// JavaScript is in a method that writes: its request is not known to it yet.
    is_writing: Cell<bool>,
    /// How often [`TlsWrap::cycle`] is to run.
    depth: Cell<u32>,
    /// The stream beneath is still writing for whoever had it before.
    pub waits_for_others: Cell<bool>,
    pub bytes_read: Cell<u64>,
    pub bytes_written: Cell<u64>,
    pub user_buffer: RefCell<Option<v8::Global<v8::Uint8Array>>>,
    consumer: RefCell<Option<Rc<dyn Consumer>>>,
    /// What the host is to be asked for, once it can be.
    pub request_outside: RefCell<Option<TlsRequest>>,
    /// The host is being asked.
    pub outside: RefCell<Option<OperationId>>,
    /// The stream beneath has ended before the host has answered.
    pub delayed_end: Cell<Option<i32>>,
}

/// Takes what the stream beneath reads.
struct Listener(Rc<TlsWrap>);

impl Consumer for Listener {
    fn take(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: &Incoming) -> Option<()> {
        self.0.come_in(scope, env, incoming)
    }
}

impl TlsWrap {
    /// A new one with its object. `None` with an exception pending.
    pub fn create<'s>(
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        stream: Rc<dyn Base>,
        secure_context: Rc<SecureContext>,
        is_server: bool,
        waits_for_others: bool,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let Some(context) = secure_context.context() else {
            errors::coded("ERR_CRYPTO_INVALID_STATE", "The secure context is closed").throw(scope);
            return None;
        };
        if !values::is_room(scope) {
            isolate::library::throw_no_memory(scope, "There is no memory for another TLS connection");
            return None;
        }
        let connection = match Connection::new(context, is_server) {
            Ok(connection) => Rc::new(connection),
            Err(stack) => {
                errors::openssl(stack, "SSL_new").throw(scope);
                return None;
            }
        };
        let template = handle::template(scope, env, CLASS)?;
        let object = template.instance_template(scope).new_instance(scope)?;
        let half = Rc::new(TlsWrap {
            wrap: AsyncWrap::new(scope, env, object, "TLSWRAP"),
            object: RefCell::new(Some(v8::Weak::new(scope, object))),
            connection: RefCell::new(Some(connection)),
            stream,
            secure_context,
            is_started: Cell::new(false),
            has_ended: Cell::new(false),
            is_shut_down: Cell::new(false),
            clear: RefCell::default(),
            write: RefCell::default(),
            empty_write: RefCell::default(),
            may_finish: Cell::new(false),
            passing: Cell::new(0),
            is_writing: Cell::new(false),
            depth: Cell::new(0),
            waits_for_others: Cell::new(waits_for_others),
            bytes_read: Cell::new(0),
            bytes_written: Cell::new(0),
            user_buffer: RefCell::default(),
            consumer: RefCell::default(),
            request_outside: RefCell::default(),
            outside: RefCell::default(),
            delayed_end: Cell::new(None),
        });
        values::attach(scope, env, object, half.clone())?;
        half.stream.set_consumer(Some(Rc::new(Listener(half.clone()))));
        Some(object)
    }

    pub fn connection(&self) -> Option<Rc<Connection>> {
        self.connection.borrow().clone()
    }

    /// None once it is collected.
    pub fn object<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
        self.object.borrow().as_ref()?.to_local(scope)
    }

    pub fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Nothing more will come. Whether that is new.
    pub fn end(&self) -> bool {
        !self.has_ended.replace(true)
    }

    pub fn set_consumer(&self, consumer: Option<Rc<dyn Consumer>>) {
        let before = self.consumer.replace(consumer);
        drop(before);
    }

    /// Bytes that were not passed on yet.
    pub fn queue_size(&self) -> usize {
        self.connection().map_or(0, |connection| connection.unsent().saturating_add(self.passing.get()))
    }

    /// Calls a method of the object, if it has one of that name.
    pub fn call(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        name: &str,
        make: impl for<'s> FnOnce(&mut Scope<'s, '_>) -> Option<Vec<v8::Local<'s, v8::Value>>>,
    ) -> Option<()> {
        let Some(object) = self.object(scope) else { return Some(()) };
        let arguments = make(scope)?;
        let turn = Turn::of_code(env);
        self.wrap.call_method(scope, env, object, name, &arguments)?;
        turn.end(scope, env)
    }

    /// Something has come in beneath.
    pub fn come_in(
        self: &Rc<Self>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        incoming: &Incoming,
    ) -> Option<()> {
        if self.has_ended.get() {
            return Some(());
        }
        match incoming {
            // The host has answered before, and its answer comes by another way.
            Incoming::End(error)
                if self.connection().is_some_and(|connection| connection.is_beginning_outside()) =>
            {
                self.delayed_end.set(Some(*error));
                Some(())
            }
            Incoming::End(error) => {
                // What has been said before is heard first.
                self.clear_out(scope, env)?;
                if *error == EOF && self.has_ended.replace(true) {
                    return Some(());
                }
                self.emit(scope, env, Incoming::End(*error))
            }
            Incoming::Data(bytes) => self.receive(scope, env, bytes),
        }
    }

    /// Bytes of the other side's.
    pub fn receive(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: &[u8]) -> Option<()> {
        if self.has_ended.get() {
            return Some(());
        }
        let Some(connection) = self.connection() else { return Some(()) };
        let waiting = connection.unread().saturating_add(bytes.len());
        if waiting > UNREAD_MAX || !memory_for(waiting) || !connection.put(bytes) {
            self.has_ended.set(true);
            return self.emit(scope, env, Incoming::End(ENOBUFS));
        }
        self.cycle(scope, env)
    }

    /// Goes on with whatever can be gone on with.
    pub fn cycle(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        let depth = self.depth.get();
        // Not within itself; once more is enough for all that has been asked for meanwhile.
        self.depth.set((depth + 1).min(2));
        if depth > 0 {
            return Some(());
        }
        while self.depth.get() > 0 {
            let done = self
                .clear_in(scope, env)
                .and_then(|()| self.clear_out(scope, env))
                .and_then(|()| self.pass_on(scope, env));
            if done.is_none() {
                // The guest's code threw. What is left is done in another turn.
                self.depth.set(0);
                self.later(env, |own, scope, env| own.cycle(scope, env));
                return None;
            }
            self.depth.set(self.depth.get().saturating_sub(1));
        }
        Some(())
    }

    /// Has OpenSSL do something, then tells what has happened meanwhile. `None` with an exception pending.
    fn run<R>(
        self: &Rc<Self>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        connection: &Rc<Connection>,
        run: impl FnOnce(&mut Asker<'_, '_, '_>) -> R,
    ) -> Option<R> {
        let mut asker = Asker::new(scope, env, self);
        let result = run(&mut asker);
        if asker.threw {
            return None;
        }
        self.tell_events(scope, env, connection)?;
        Some(result)
    }

    /// Encrypts what waits for that.
    fn clear_in(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        let Some(connection) = self.connection() else { return Some(()) };
        let bytes = self.clear.take();
        if bytes.is_empty() {
            return Some(());
        }
        let written = self.run(scope, env, &connection, |asker| match connection.write(asker, &bytes) {
            Err(Stop::Wait) => {
                *self.clear.borrow_mut() = bytes;
                Ok(())
            }
            written => written,
        })?;
        match written {
            Ok(()) => Some(()),
            Err(stop) => {
                let message = match stop {
                    Stop::Failed(failure) => failure.message,
                    _ => String::new(),
                };
                self.may_finish.set(true);
                self.finish(scope, env, EPROTO, Some(&message))
            }
        }
    }

    /// Decrypts what has come, and hands it on.
    pub fn clear_out(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            if self.has_ended.get() {
                return Some(());
            }
            let Some(connection) = self.connection() else { return Some(()) };
            let read = self.run(scope, env, &connection, |asker| connection.read(asker, &mut buffer))?;
            if self.connection().is_none() {
                return Some(());
            }
            match read {
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default().to_vec();
                    self.emit(scope, env, Incoming::Data(bytes))?;
                }
                Err(Stop::Closed) => {
                    if !self.has_ended.replace(true) {
                        self.emit(scope, env, Incoming::End(EOF))?;
                    }
                    return Some(());
                }
                Err(Stop::Failed(failure)) => {
                    // The other side is told why.
                    if connection.unsent() > 0 {
                        self.pass_on(scope, env)?;
                    }
                    return self.fail(scope, env, &failure);
                }
                Err(Stop::Wait) => return Some(()),
            }
        }
    }

    /// Tells of an error.
    pub fn fail(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, failure: &Failure) -> Option<()> {
        self.call(scope, env, "onerror", |scope| {
            let message = string(scope, &failure.message);
            let error = v8::Exception::error(scope, message);
            let object: v8::Local<v8::Object> = error.try_cast().ok()?;
            let reason = failure.reason.clone().unwrap_or_default();
            if let Some(library) = &failure.library {
                let library = string(scope, library).into();
                set(scope, object, "library", library)?;
            }
            let text = string(scope, &reason).into();
            set(scope, object, "reason", text)?;
            let code: String =
                reason.chars().map(|c| if c == ' ' { '_' } else { c.to_ascii_uppercase() }).collect();
            let code = string(scope, &format!("ERR_SSL_{code}")).into();
            set(scope, object, "code", code)?;
            Some(vec![error])
        })
    }

    /// Passes on what is encrypted.
    pub fn pass_on(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        let Some(connection) = self.connection() else { return Some(()) };
        if self.passing.get() > 0 || connection.awaits_session() || self.waits_for_others.get() {
            return Some(());
        }
        if connection.is_established() && self.write.borrow().is_some() {
            self.may_finish.set(true);
        }
        let bytes = connection.take();
        if bytes.is_empty() {
            if self.clear.borrow().is_empty() {
                if !self.is_writing.get() {
                    return self.finish(scope, env, 0, None);
                }
                self.later(env, |own, scope, env| own.finish(scope, env, 0, None));
            }
            return Some(());
        }
        self.passing.set(bytes.len());
        let own = self.clone();
        let done: Done = Box::new(move |scope, env, status| own.passed_on(scope, env, status));
        match self.stream.write(scope, env, bytes, done)? {
            Written::UnderWay => Some(()),
            Written::Over(0) => {
                self.later(env, |own, scope, env| own.passed_on(scope, env, 0));
                Some(())
            }
            Written::Over(error) => self.finish(scope, env, error, None),
        }
    }

    /// Has something done in the last phase of this round of the loop.
    fn later(
        self: &Rc<Self>,
        env: &Rc<Env>,
        what: fn(&Rc<TlsWrap>, &mut Scope<'_, '_>, &Rc<Env>) -> Option<()>,
    ) {
        let (own, then) = (self.clone(), env.clone());
        env.set_immediate(move |scope| {
            let _turn = Turn::of_loop(&then);
            what(&own, scope, &then)
        });
    }

    /// The stream beneath has written.
    fn passed_on(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, mut status: i32) -> Option<()> {
        let empty = self.empty_write.take();
        if let Some(empty) = empty {
            return self.complete(scope, env, empty, status, None);
        }
        if self.connection().is_none() {
            status = ECANCELED;
        }
        if status != 0 {
            if self.is_shut_down.get() {
                return Some(());
            }
            return self.finish(scope, env, status, None);
        }
        let done = self.clear_in(scope, env);
        self.passing.set(0);
        done?;
        self.pass_on(scope, env)
    }

    /// Ends the write, if it may know.
    fn finish(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        status: i32,
        message: Option<&str>,
    ) -> Option<()> {
        if !self.may_finish.get() {
            return Some(());
        }
        let write = self.write.take();
        match write {
            Some(write) => self.complete(scope, env, write, status, message),
            None => Some(()),
        }
    }

    /// Tells a write its end.
    fn complete(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        write: Write,
        status: i32,
        message: Option<&str>,
    ) -> Option<()> {
        let request = match write {
            Write::Native(done) => return done(scope, env, status),
            Write::Request(request) => v8::Local::new(scope, &request),
        };
        if let Some(message) = message {
            let message = string(scope, message).into();
            set(scope, request, "error", message)?;
        }
        let status: v8::Local<v8::Value> = v8::Integer::new(scope, status).into();
        if !get(scope, request, "oncomplete")?.is_function() {
            // The library has not learnt of it yet: it looks for this.
            return set(scope, request, "writeStatus", status);
        }
        let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
        let object = self.object(scope).map_or(undefined, Into::into);
        let turn = Turn::of_code(env);
        request::complete(scope, env, request, &[status, object, undefined])?;
        turn.end(scope, env)
    }

    /// Writes bytes. An error's number and what it is about; `None` with an exception pending.
    pub fn write(
        self: &Rc<Self>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        bytes: Vec<u8>,
        write: Write,
    ) -> Option<Result<(), (i32, &'static str)>> {
        if self.connection().is_none() {
            return Some(Err((EPROTO, "Write after DestroySSL")));
        }
        if self.write.borrow().is_some() || self.empty_write.borrow().is_some() {
            return Some(Err((EINVAL, "")));
        }
        self.bytes_written.set(self.bytes_written.get().saturating_add(bytes.len() as u64));
        if bytes.is_empty() {
            return self.write_nothing(scope, env, write).map(Ok);
        }
        let connection = self.connection()?;
        if !memory_for(bytes.len().saturating_mul(2)) || i32::try_from(bytes.len()).is_err() {
            return Some(Err((ENOMEM, "")));
        }
        *self.write.borrow_mut() = Some(write);
        let was_writing = self.is_writing.replace(true);
        let done = (|| {
            let written =
                self.run(scope, env, &connection, |asker| match connection.write(asker, &bytes) {
                    Err(Stop::Wait) => {
                        self.clear.borrow_mut().extend_from_slice(&bytes);
                        Ok(())
                    }
                    written => written,
                })?;
            if written.is_err() {
                let gone = self.write.take();
                drop(gone);
                return Some(Err((EPROTO, "")));
            }
            self.pass_on(scope, env)?;
            Some(Ok(()))
        })();
        self.is_writing.set(was_writing);
        done
    }

    /// A write without bytes drives the handshake, and ends with whatever is under way.
    fn write_nothing(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, write: Write) -> Option<()> {
        self.clear_out(scope, env)?;
        if self.queue_size() > 0 {
            *self.write.borrow_mut() = Some(write);
            let was_writing = self.is_writing.replace(true);
            let passed = self.pass_on(scope, env);
            self.is_writing.set(was_writing);
            return passed;
        }
        *self.empty_write.borrow_mut() = Some(write);
        let own = self.clone();
        let done: Done = Box::new(move |scope, env, status| own.passed_on(scope, env, status));
        match self.stream.write(scope, env, Vec::new(), done)? {
            Written::UnderWay => {}
            Written::Over(_) => self.later(env, |own, scope, env| {
                let empty = own.empty_write.take();
                match empty {
                    Some(empty) => own.complete(scope, env, empty, 0, None),
                    None => Some(()),
                }
            }),
        }
        Some(())
    }

    /// Says that nothing more will be said, and ends the stream beneath. An error's number, or 0.
    pub fn shut_down(
        self: &Rc<Self>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        request: v8::Local<'_, v8::Value>,
    ) -> Option<i32> {
        if let Some(connection) = self.connection() {
            self.run(scope, env, &connection, |asker| connection.shut_down(asker))?;
        }
        self.is_shut_down.set(true);
        self.pass_on(scope, env)?;
        self.stream.shut_down(scope, env, request)
    }

    /// Hands on what was decrypted.
    pub fn emit(self: &Rc<Self>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: Incoming) -> Option<()> {
        if let Incoming::Data(bytes) = &incoming {
            self.bytes_read.set(self.bytes_read.get().saturating_add(bytes.len() as u64));
        }
        let consumer = self.consumer.borrow().clone();
        match consumer {
            Some(consumer) => consumer.take(scope, env, &incoming),
            None => self.hand_over(scope, env, incoming),
        }
    }

    /// Calls `onread`.
    pub fn hand_over(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: Incoming) -> Option<()> {
        let Some(object) = self.object(scope) else { return Some(()) };
        let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
        let bytes = match incoming {
            Incoming::End(error) => {
                stream_base::tell_read(env, error);
                return self.call(scope, env, "onread", |scope| Some(vec![v8::undefined(scope).into()]));
            }
            Incoming::Data(bytes) => bytes,
        };
        let own = self.user_buffer.borrow().clone();
        let Some(own) = own else {
            stream_base::tell_read(env, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
            return self.call(scope, env, "onread", |scope| Some(vec![values::array_buffer(scope, &bytes)?]));
        };
        let mut rest = bytes.as_slice();
        let mut target = v8::Local::new(scope, &own);
        while !rest.is_empty() {
            let length = fill_view(target.into(), rest);
            if length == 0 {
                break;
            }
            rest = rest.get(length..).unwrap_or_default();
            stream_base::tell_read(env, i32::try_from(length).unwrap_or(i32::MAX));
            let turn = Turn::of_code(env);
            let next = self.wrap.call_method(scope, env, object, "onread", &[undefined])?;
            turn.end(scope, env)?;
            if let Ok(next) = next.try_cast::<v8::Uint8Array>() {
                *self.user_buffer.borrow_mut() = Some(v8::Global::new(scope, next));
                target = next;
            }
            if self.connection().is_none() {
                break;
            }
        }
        Some(())
    }

    /// Ends it: nothing is read or written any more.
    pub fn destroy(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        if self.connection().is_none() {
            return Some(());
        }
        self.may_finish.set(true);
        let told = self.finish(scope, env, ECANCELED, Some("Canceled because of SSL destruction"));
        let connection = self.connection.take();
        // Freed only when nothing of OpenSSL's runs for it any more: whoever runs it has a reference.
        drop(connection);
        self.forget_outside(env);
        self.clear.take();
        self.stream.set_consumer(None);
        told
    }
}
