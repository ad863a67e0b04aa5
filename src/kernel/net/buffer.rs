//! One direction of a connection: a bounded buffer between a writer and a reader.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::SocketError;
use crate::limits::{Meter, Share};
use crate::wait::Wakers;

/// Most bytes of one direction that are under way.
pub const SOCKET_CAPACITY: usize = 64 * 1024;

/// What a buffer takes from the VM's limit when it first holds something.
const FIRST: usize = 4096;

pub(super) struct Buffer {
    state: Mutex<State>,
    bytes: Arc<Meter>,
}

#[derive(Default)]
struct State {
    buffer: VecDeque<u8>,
    /// For how much was taken from the limit.
    room: usize,
    share: Vec<Share>,
    no_more_comes: bool,
    nobody_reads: bool,
    /// Something was written after that.
    is_refused: bool,
    is_reset: bool,
    /// Its end knows.
    is_told: bool,
    readers: Wakers,
    writers: Wakers,
}

impl Buffer {
    pub(super) fn new(bytes: &Arc<Meter>) -> Buffer {
        Buffer { state: Mutex::default(), bytes: bytes.clone() }
    }

    /// Takes what is there; 0 once nothing is there and nothing will come any more.
    pub(super) fn read(&self, cx: &Context<'_>, target: &mut [u8]) -> Poll<Result<usize, SocketError>> {
        let mut state = self.state.lock();
        if state.buffer.is_empty() {
            if state.is_reset {
                state.is_told = true;
                return Poll::Ready(Err(SocketError::Econnreset));
            }
            if state.no_more_comes || target.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let woken = state.readers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        let length = target.len().min(state.buffer.len());
        let (front, back) = state.buffer.as_slices();
        let first = length.min(front.len());
        target[..first].copy_from_slice(&front[..first]);
        target[first..length].copy_from_slice(&back[..length - first]);
        state.buffer.drain(..length);
        let emptied = if state.buffer.is_empty() { state.give_back() } else { None };
        let woken = state.writers.take();
        drop(state);
        drop(emptied);
        woken.wake();
        Poll::Ready(Ok(length))
    }

    /// Ready once a read would not wait.
    pub(super) fn readable(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.buffer.is_empty() || state.no_more_comes || state.is_reset {
            return Poll::Ready(());
        }
        let woken = state.readers.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }

    /// Puts in what fits.
    pub(super) fn write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, SocketError>> {
        let mut state = self.state.lock();
        if state.no_more_comes || state.nobody_reads {
            return Poll::Ready(Err(SocketError::Epipe));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let wanted = bytes.len().min(SOCKET_CAPACITY.saturating_sub(state.buffer.len()));
        state.grow(&self.bytes, wanted);
        let length = wanted.min(state.room.saturating_sub(state.buffer.len()));
        if length == 0 {
            // What is there will be read, or it is the VM's limit that nothing of this buffer's can change.
            if state.buffer.is_empty() {
                return Poll::Ready(Err(SocketError::Enobufs));
            }
            let woken = state.writers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        state.buffer.extend(&bytes[..length]);
        let woken = state.readers.take();
        drop(state);
        woken.wake();
        Poll::Ready(Ok(length))
    }

    /// Whether the reader is gone, and this is the first that asks about it before it writes: what it writes is on its way
    /// to somebody who is not there any more, as it may be in TCP.
    pub(super) fn is_lost(&self) -> bool {
        let mut state = self.state.lock();
        state.nobody_reads && !state.no_more_comes && !std::mem::replace(&mut state.is_refused, true)
    }

    /// Whether the writer has ended the connection by force, and nobody at this end has been told.
    pub(super) fn tells_reset(&self) -> bool {
        let mut state = self.state.lock();
        state.is_reset && !std::mem::replace(&mut state.is_told, true)
    }

    pub(super) fn is_reset(&self) -> bool {
        self.state.lock().is_reset
    }

    /// Ready once a write would not wait.
    pub(super) fn writable(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.no_more_comes || state.nobody_reads || state.buffer.len() < SOCKET_CAPACITY {
            return Poll::Ready(());
        }
        let woken = state.writers.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }

    /// The writer is done.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.no_more_comes = true;
        let woken = (state.readers.take(), state.writers.take());
        drop(state);
        woken.0.wake();
        woken.1.wake();
    }

    /// The reader is gone. Whether something was left that it has not read.
    pub(super) fn abandon(&self) -> bool {
        let mut state = self.state.lock();
        state.nobody_reads = true;
        let left = std::mem::take(&mut state.buffer);
        let share = state.give_back();
        let woken = state.writers.take();
        drop(state);
        drop(share);
        woken.wake();
        !left.is_empty()
    }

    /// The writer has ended the connection by force.
    pub(super) fn reset(&self) {
        let mut state = self.state.lock();
        state.is_reset = true;
        state.no_more_comes = true;
        let woken = state.readers.take();
        drop(state);
        woken.wake();
    }
}

impl State {
    /// Makes room for so many more bytes, by powers of two, as far as the VM's limit allows.
    fn grow(&mut self, meter: &Arc<Meter>, more: usize) {
        let wanted = (self.buffer.len() + more).next_power_of_two().clamp(FIRST, SOCKET_CAPACITY);
        while self.room < wanted {
            let step = self.room.max(FIRST);
            let Some(share) = Share::take(meter, step as u64) else { return };
            self.share.push(share);
            self.room += step;
        }
    }

    fn give_back(&mut self) -> Option<Vec<Share>> {
        self.room = 0;
        self.buffer = VecDeque::new();
        (!self.share.is_empty()).then(|| std::mem::take(&mut self.share))
    }
}
