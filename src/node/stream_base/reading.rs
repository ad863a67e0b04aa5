//! What comes in: read while JavaScript wants it, one piece for each turn.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, ready};

use isolate::library::{Delivery, Scope, fill_view};

use super::{ARRAY_BUFFER_OFFSET, EINVAL, ENOTCONN, EOF, End, READ_BYTES_OR_ERROR, Stream, tell};
use crate::environment::Env;
use crate::handle_wrap::Handle;

/// Most that is read at once.
const CHUNK: usize = 64 * 1024;

/// What has come in.
pub(crate) enum Incoming {
    Data(Vec<u8>),
    /// `UV_EOF` or an error.
    End(i32),
}

/// Reads one piece.
async fn read(end: End, most: usize) -> Incoming {
    let mut failed = None;
    poll_fn(move |cx| {
        if let Some(error) = failed {
            return Poll::Ready(Incoming::End(error));
        }
        ready!(end.poll_readable(cx));
        let mut buffer = vec![0; most];
        Poll::Ready(match ready!(end.poll_read(cx, &mut buffer)) {
            Ok(0) => Incoming::End(EOF),
            Ok(length) => {
                buffer.truncate(length);
                Incoming::Data(buffer)
            }
            Err(error) => {
                // Whatever the program has asked for meanwhile ends before it hears of this, as in libuv: a stream that is
                // being shut down may be closed by then.
                failed = Some(error);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    })
    .await
}

impl Stream {
    /// JavaScript wants what comes in. An error's number, or 0.
    pub fn read_start(self: &Rc<Stream>, env: &Rc<Env>, handle: &Rc<Handle>) -> i32 {
        if !handle.is_open() {
            return EINVAL;
        }
        if !self.is_connected() {
            return ENOTCONN;
        }
        self.reads.set(true);
        self.read_on(env, handle)
    }

    /// JavaScript wants nothing for now.
    pub fn read_stop(&self, env: &Env, handle: &Handle) {
        self.reads.set(false);
        if let Some(id) = self.reading.take() {
            handle.cancel(env, id);
        }
    }

    /// Begins to read the next piece, unless that is under way.
    fn read_on(self: &Rc<Stream>, env: &Rc<Env>, handle: &Rc<Handle>) -> i32 {
        if self.reading.get().is_some() {
            return 0;
        }
        let stash = self.stash.take();
        let end = self.reader.borrow().clone();
        // What is only written to never has anything.
        let (None, None) = (&stash, &end) else {
            let (stream, known, then) = (self.clone(), handle.clone(), env.clone());
            let future = async move {
                let incoming = match (stash, end) {
                    (Some(stash), _) => stash,
                    (None, Some(end)) => read(end, CHUNK).await,
                    (None, None) => Incoming::End(EOF),
                };
                let deliver: Delivery = Box::new(move |scope| stream.deliver(scope, &then, &known, incoming));
                deliver
            };
            return match handle.begin(env, future) {
                Some(id) => {
                    self.reading.set(Some(id));
                    0
                }
                None => super::ENOMEM,
            };
        };
        0
    }

    fn deliver(
        self: Rc<Stream>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        handle: &Rc<Handle>,
        incoming: Incoming,
    ) -> Option<()> {
        if !handle.is_open() {
            return Some(());
        }
        self.reading.set(None);
        if !self.reads.get() {
            *self.stash.borrow_mut() = Some(incoming);
            return Some(());
        }
        match &incoming {
            Incoming::Data(bytes) => {
                self.bytes_read.set(self.bytes_read.get().saturating_add(bytes.len() as u64));
                // Begun before the guest's code runs, which may throw, or want no more of it.
                self.read_on(env, handle);
            }
            Incoming::End(_) => self.reads.set(false),
        }
        let consumer = self.consumer.borrow().clone();
        match consumer {
            Some(consumer) => {
                let _turn = super::Turn::of_loop(env);
                consumer.take(scope, env, &incoming)
            }
            None => self.hand_over(scope, env, handle, incoming),
        }
    }

    /// Calls `onread`.
    pub fn hand_over(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        handle: &Rc<Handle>,
        incoming: Incoming,
    ) -> Option<()> {
        let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
        tell(env, ARRAY_BUFFER_OFFSET, 0);
        let bytes = match incoming {
            Incoming::End(error) => {
                tell(env, READ_BYTES_OR_ERROR, error);
                return handle.call(scope, env, "onread", &[undefined]).map(drop);
            }
            Incoming::Data(bytes) => bytes,
        };
        let own = self.user_buffer.borrow().clone();
        let Some(own) = own else {
            let view: v8::Local<v8::Uint8Array> = isolate::library::bytes(scope, &bytes)?.try_cast().ok()?;
            let buffer = view.buffer(scope)?;
            tell(env, READ_BYTES_OR_ERROR, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
            return handle.call(scope, env, "onread", &[buffer.into()]).map(drop);
        };
        // The guest's own buffer may be smaller than what has come, or gone; it may give another each time.
        let mut rest = bytes.as_slice();
        let mut target = v8::Local::new(scope, &own);
        while !rest.is_empty() {
            let length = fill_view(target.into(), rest);
            if length == 0 || !handle.is_open() {
                break;
            }
            rest = rest.get(length..).unwrap_or_default();
            if !rest.is_empty() && !self.reads.get() {
                break;
            }
            tell(env, READ_BYTES_OR_ERROR, i32::try_from(length).unwrap_or(i32::MAX));
            let next = handle.call(scope, env, "onread", &[undefined])?;
            if let Ok(next) = next.try_cast::<v8::Uint8Array>() {
                *self.user_buffer.borrow_mut() = Some(v8::Global::new(scope, next));
                target = next;
            }
            if !self.reads.get() {
                break;
            }
        }
        if !rest.is_empty() && handle.is_open() {
            *self.stash.borrow_mut() = Some(Incoming::Data(rest.to_vec()));
        }
        Some(())
    }

    /// What comes in goes to memory of the guest's.
    pub fn use_buffer(&self, buffer: v8::Global<v8::Uint8Array>) {
        *self.user_buffer.borrow_mut() = Some(buffer);
    }
}
