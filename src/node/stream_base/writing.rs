//! What goes out: at once as far as it fits, the rest in order.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use isolate::library::{Delivery, Scope, memory_for, spawn};

use super::{
    BYTES_WRITTEN, EBADF, EINVAL, ENOMEM, ENOTCONN, LAST_WRITE_ERROR, LAST_WRITE_WAS_ASYNC, Stream, tell,
};
use crate::binding::get;
use crate::environment::Env;
use crate::handle_wrap::{Handle, later};
use crate::request;

/// Something that is under way.
pub(super) struct Item {
    kind: Kind,
    request: v8::Global<v8::Object>,
}

enum Kind {
    Write { bytes: Vec<u8>, done: usize },
    ShutDown,
}

impl Item {
    /// Completes its request in a turn of its own.
    pub fn complete_later(self, env: &Rc<Env>, handle: &Rc<Handle>, status: i32) {
        let (handle, then) = (handle.clone(), env.clone());
        later(env, move |scope| {
            let _turn = super::Turn::of_loop(&then);
            self.complete(scope, &then, &handle, status)
        });
    }

    fn complete(
        self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        handle: &Rc<Handle>,
        status: i32,
    ) -> Option<()> {
        let request = v8::Local::new(scope, &self.request);
        let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
        let object = handle.object(scope).map_or(undefined, Into::into);
        let status = v8::Integer::new(scope, status).into();
        request::complete(scope, env, request, &[status, object, undefined])
    }
}

impl Stream {
    /// Writes bytes. Gives what JavaScript is given: 0 or an error's number where that is the end of it, else the request
    /// that will be completed; with `request` given, always a number.
    pub fn write<'s>(
        self: &Rc<Stream>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        handle: &Rc<Handle>,
        request: v8::Local<'s, v8::Value>,
        bytes: Vec<u8>,
    ) -> Option<v8::Local<'s, v8::Value>> {
        tell(env, LAST_WRITE_WAS_ASYNC, 0);
        tell(env, LAST_WRITE_ERROR, 0);
        tell(env, BYTES_WRITTEN, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        let error = |scope: &mut Scope<'s, '_>, error| Some(v8::Integer::new(scope, error).into());
        let end = self.writer.borrow().clone();
        let Some(end) = end.filter(|_| handle.is_open()) else { return error(scope, EBADF) };
        let length = bytes.len();
        let mut done = 0;
        if self.queue.borrow().is_empty() {
            let mut cx = Context::from_waker(Waker::noop());
            loop {
                let rest = bytes.get(done..).unwrap_or_default();
                if rest.is_empty() {
                    break;
                }
                match end.poll_write(&mut cx, rest) {
                    Poll::Ready(Ok(0)) | Poll::Pending => break,
                    Poll::Ready(Ok(count)) => done += count,
                    Poll::Ready(Err(number)) => return error(scope, number),
                }
            }
        }
        self.bytes_written.set(self.bytes_written.get().saturating_add(length as u64));
        if done >= length {
            return error(scope, 0);
        }
        if !memory_for(length) {
            return error(scope, ENOMEM);
        }
        let given = request.try_cast::<v8::Object>().ok();
        let object = match given {
            Some(object) => object,
            None => new_write_request(scope, env)?,
        };
        let kind = Kind::Write { bytes, done };
        self.enqueue(env, handle, Item { kind, request: v8::Global::new(scope, object) });
        self.queued.set(self.queued.get().saturating_add(length - done));
        tell(env, LAST_WRITE_WAS_ASYNC, 1);
        match given {
            Some(_) => error(scope, 0),
            None => Some(object.into()),
        }
    }

    /// Ends what is written, behind all that is under way. An error's number, or 0.
    pub fn shut_down(
        self: &Rc<Stream>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        handle: &Rc<Handle>,
        request: v8::Local<'_, v8::Value>,
    ) -> i32 {
        let Ok(request) = request.try_cast::<v8::Object>() else { return EINVAL };
        if !self.is_connected() || !handle.is_open() {
            return ENOTCONN;
        }
        let item = Item { kind: Kind::ShutDown, request: v8::Global::new(scope, request) };
        self.enqueue(env, handle, item);
        0
    }

    fn enqueue(self: &Rc<Stream>, env: &Rc<Env>, handle: &Rc<Handle>, item: Item) {
        self.queue.borrow_mut().push_back(item);
        self.write_on(env, handle);
    }

    /// Bytes that wait to be written.
    pub fn write_queue_size(&self) -> usize {
        self.queued.get()
    }

    /// Goes on with what is first, unless that is under way. Requests keep the program from being over whether their
    /// handle does or not.
    fn write_on(self: &Rc<Stream>, env: &Rc<Env>, handle: &Rc<Handle>) {
        if self.writes.get() || self.queue.borrow().is_empty() {
            return;
        }
        let Some(realm) = env.realm() else { return };
        let (stream, known, then) = (self.clone(), handle.clone(), env.clone());
        let future = async move {
            let status = poll_fn(|cx| stream.poll_first(cx)).await;
            let deliver: Delivery = Box::new(move |scope| {
                stream.writes.set(false);
                let first = stream.queue.borrow_mut().pop_front();
                let Some(first) = first else { return Some(()) };
                stream.write_on(&then, &known);
                let _turn = super::Turn::of_loop(&then);
                first.complete(scope, &then, &known, status)
            });
            deliver
        };
        self.writes.set(spawn(&env.core, &realm, future).is_some());
    }

    fn poll_first(&self, cx: &mut Context<'_>) -> Poll<i32> {
        let mut queue = self.queue.borrow_mut();
        // Closed meanwhile.
        let Some(first) = queue.front_mut() else { return Poll::Ready(0) };
        let Some(end) = self.writer.borrow().clone() else {
            return Poll::Ready(if matches!(first.kind, Kind::ShutDown) { 0 } else { super::EPIPE });
        };
        let Kind::Write { bytes, done } = &mut first.kind else {
            if !end.shut_down() {
                let gone = self.writer.take();
                drop(gone);
            }
            return Poll::Ready(0);
        };
        loop {
            let rest = bytes.get(*done..).unwrap_or_default();
            if rest.is_empty() {
                return Poll::Ready(0);
            }
            match end.poll_write(cx, rest) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) => {
                    *done += count;
                    self.queued.set(self.queued.get().saturating_sub(count));
                }
                Poll::Ready(Err(error)) => {
                    self.queued.set(self.queued.get().saturating_sub(rest.len()));
                    return Poll::Ready(error);
                }
            }
        }
    }
}

/// A `WriteWrap`, as JavaScript would make one.
pub(crate) fn new_write_request<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
) -> Option<v8::Local<'s, v8::Object>> {
    let binding = env.internal_binding(scope, "stream_wrap")?;
    let class: v8::Local<v8::Function> = get(scope, binding, "WriteWrap")?.try_cast().ok()?;
    class.new_instance(scope, &[])
}
