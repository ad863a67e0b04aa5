//! Streams as the library's sockets use them: pipes and TCP connections are one class of native half, whatever file of
//! the kernel's lies beneath. Node's `StreamBase`.
//!
//! `reading` has what comes in, `writing` what goes out, `methods` what JavaScript calls.

mod base;
mod end;
mod methods;
mod reading;
mod turn;
mod writers;
mod writing;

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use isolate::library::{OperationId, Scope};
use kernel::{Attributes, ChangeWhen, Process, Terminal};

pub(crate) use self::base::{Base, Written, of};
pub(crate) use self::end::End;
pub(crate) use self::methods::{Characters, base, open, string_bytes, view_bytes};
pub(crate) use self::reading::Incoming;
pub(crate) use self::turn::Turn;
pub(crate) use self::writers::{Writes, write_methods};
use self::writing::Item;
pub(crate) use self::writing::new_write_request;
use crate::environment::{Env, poke};
use crate::handle_wrap::{Handle, Native};
use crate::net::Socket;

/// `UV_EOF`: no more will come.
pub(crate) const EOF: i32 = -4095;
pub(crate) const EBADF: i32 = -9;
pub(crate) const EPERM: i32 = -1;
pub(crate) const EPIPE: i32 = -32;
pub(crate) const EINVAL: i32 = -22;
pub(crate) const ENOMEM: i32 = -12;
pub(crate) const ENOTCONN: i32 = -107;
pub(crate) const ECANCELED: i32 = -125;

/// Indices of `streamBaseState`.
const READ_BYTES_OR_ERROR: usize = 0;
const ARRAY_BUFFER_OFFSET: usize = 1;
const BYTES_WRITTEN: usize = 2;
const LAST_WRITE_WAS_ASYNC: usize = 3;
const LAST_WRITE_ERROR: usize = 4;

/// `streamBaseState` of a realm.
#[derive(Default)]
pub(crate) struct SharedState(pub OnceCell<v8::SharedRef<v8::BackingStore>>);

fn tell(env: &Env, index: usize, value: i32) {
    poke(&env.state::<SharedState>().0, index, value.to_ne_bytes());
}

/// Tells JavaScript how much was read, or why nothing.
pub(crate) fn tell_read(env: &Env, read: i32) {
    tell(env, ARRAY_BUFFER_OFFSET, 0);
    tell(env, READ_BYTES_OR_ERROR, read);
}

/// Tells JavaScript that a write has failed.
pub(crate) fn tell_write_error(env: &Env, error: i32) {
    tell(env, LAST_WRITE_ERROR, error);
}

/// Tells JavaScript of a write, and whether its end is yet to come.
pub(crate) fn tell_write(env: &Env, length: usize, is_under_way: bool) {
    tell(env, LAST_WRITE_ERROR, 0);
    tell(env, BYTES_WRITTEN, i32::try_from(length).unwrap_or(i32::MAX));
    tell(env, LAST_WRITE_WAS_ASYNC, i32::from(is_under_way));
}

/// Takes what comes in, in JavaScript's place.
pub(crate) trait Consumer {
    /// `None` with an exception pending if the guest's code threw.
    fn take(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: &Incoming) -> Option<()>;
}

/// The native half of a stream.
#[derive(Default)]
pub(crate) struct Stream {
    /// Where it is read and written; none before it is connected, and once it is closed.
    reader: RefCell<Option<End>>,
    writer: RefCell<Option<End>>,
    is_connected: Cell<bool>,
    /// JavaScript wants what comes in.
    reads: Cell<bool>,
    reading: Cell<Option<OperationId>>,
    /// What has come in while JavaScript wanted nothing.
    stash: RefCell<Option<Incoming>>,
    user_buffer: RefCell<Option<v8::Global<v8::Uint8Array>>>,
    consumer: RefCell<Option<Rc<dyn Consumer>>>,
    /// What is to be written, in order.
    queue: RefCell<VecDeque<Item>>,
    queued: Cell<usize>,
    writes: Cell<bool>,
    bytes_read: Cell<u64>,
    bytes_written: Cell<u64>,
    /// The descriptor of the process that it was opened for, or that was made for whoever asked.
    descriptor: Cell<Option<u32>>,
    /// What a terminal's modes were before it was made raw here.
    raw: RefCell<Option<RawMode>>,
    /// What it is as a socket.
    pub socket: Socket,
}

/// A terminal that was made raw: it is what it was before once this is dropped, whoever forgets to say so.
struct RawMode {
    terminal: Arc<Terminal>,
    before: Attributes,
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let cx = Context::from_waker(Waker::noop());
        let _ = self.terminal.poll_set_attributes(&cx, ChangeWhen::Now, self.before);
    }
}

impl Stream {
    /// It has something to read, something to write, or both.
    pub fn connect(&self, reader: Option<End>, writer: Option<End>) {
        *self.reader.borrow_mut() = reader;
        *self.writer.borrow_mut() = writer;
        self.is_connected.set(true);
    }

    /// The terminal that it is, if it is one.
    pub fn terminal(&self) -> Option<Arc<Terminal>> {
        self.end().and_then(|end| end.file().terminal().cloned())
    }

    /// Makes a terminal raw, or what it was before. An error's number, or 0.
    pub fn set_raw(&self, process: &Process, raw: bool) -> i32 {
        let (Some(end), Some(terminal)) = (self.end(), self.terminal()) else { return EINVAL };
        let before = self.raw.borrow().as_ref().map(|raw| raw.before);
        let wanted = match (before, raw) {
            (None, false) | (Some(_), true) => return 0,
            (Some(before), false) => before,
            (None, true) => {
                let now = terminal.attributes();
                // As libuv has it: what is written is processed further on.
                Attributes { output: now.output, ..now.raw() }
            }
        };
        let before = before.unwrap_or_else(|| terminal.attributes());
        let cx = Context::from_waker(Waker::noop());
        match process.poll_set_terminal_attributes(&cx, end.file(), ChangeWhen::Now, wanted) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(errno)) => return -errno.code(),
            // It is in the background and has stopped itself thereby.
            Poll::Pending => return -kernel::Errno::Eintr.code(),
        }
        let given_up = self.raw.replace(raw.then_some(RawMode { terminal, before }));
        // The modes are those already.
        drop(given_up);
        0
    }

    /// The descriptor, where it has one already; else -1.
    pub fn known_descriptor(&self) -> i32 {
        self.descriptor.get().and_then(|number| i32::try_from(number).ok()).unwrap_or(-1)
    }

    pub fn set_descriptor(&self, descriptor: u32) {
        self.descriptor.set(Some(descriptor));
    }

    pub fn is_connected(&self) -> bool {
        self.is_connected.get()
    }

    /// Either end, whichever is there.
    pub fn end(&self) -> Option<End> {
        let reader = self.reader.borrow().clone();
        reader.or_else(|| self.writer.borrow().clone())
    }

    /// The end that a child's descriptor of that number is to be: a standard input reads.
    pub fn end_for(&self, number: u32) -> Option<End> {
        let (reader, writer) = (self.reader.borrow().clone(), self.writer.borrow().clone());
        if number == 0 { reader.or(writer) } else { writer.or(reader) }
    }

    /// Says who takes what comes in.
    pub fn set_consumer(&self, consumer: Option<Rc<dyn Consumer>>) {
        let before = std::mem::replace(&mut *self.consumer.borrow_mut(), consumer);
        drop(before);
    }

    fn let_go(&self) {
        self.reads.set(false);
        self.reading.set(None);
        self.stash.take();
        self.user_buffer.take();
        self.set_consumer(None);
        drop(self.raw.take());
        self.queued.set(0);
        let ends = (self.reader.take(), self.writer.take());
        drop(ends);
        self.socket.close();
    }

    /// Gives up the descriptor, unless it is one of the standard streams'.
    fn close_descriptor(&self, env: &Env) {
        if let (Some(descriptor), Some(process)) = (self.descriptor.take(), env.process())
            && descriptor > 2
        {
            let _ = process.fds().close(descriptor);
        }
    }
}

impl Native for Stream {
    fn close(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, handle: &Rc<Handle>) {
        let queue = self.queue.take();
        self.let_go();
        self.close_descriptor(env);
        for item in queue {
            item.complete_later(env, handle, ECANCELED);
        }
        self.socket.cancel(env, handle);
        let _ = scope;
    }

    fn abandon(&self) {
        self.queue.take();
        self.let_go();
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
