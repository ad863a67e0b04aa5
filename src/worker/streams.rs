//! The streams of a request, a call's standard ones or a file's contents: output that is kept for the result or sent
//! while it is written, input that arrives with the request or in messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::channel::Sender;
use kernel::{Errno, Stream, Wakers};
use protocol::broker::FromWorker;
use protocol::wire::{Bytes, INITIAL_CREDIT, INPUT_WINDOW, OutputStream};

/// Output is sent in messages of at most so many bytes.
const OUTPUT_CHUNK: usize = 64 * 1024;

/// Keeps what is written, up to a limit; more is counted as cut off. Never makes a program wait.
pub(super) struct Captured {
    limit: usize,
    state: Mutex<CapturedState>,
}

#[derive(Default)]
struct CapturedState {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Captured {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Captured { limit: usize::try_from(limit).unwrap_or(usize::MAX), state: Mutex::default() })
    }

    /// What was written so far, and whether some of it was cut off. Nothing is kept from here on.
    pub(super) fn take(&self) -> (Vec<u8>, bool) {
        let mut state = self.state.lock();
        (std::mem::take(&mut state.bytes), state.truncated)
    }
}

impl Stream for Captured {
    fn poll_read(&self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize, Errno>> {
        Poll::Ready(Err(Errno::Ebadf))
    }

    fn poll_write(&self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        let mut state = self.state.lock();
        let room = self.limit.saturating_sub(state.bytes.len());
        state.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        state.truncated |= bytes.len() > room;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// Bytes that a call may send before the client grants more; shared by its two output streams.
pub(super) struct Credit {
    state: Mutex<CreditState>,
}

struct CreditState {
    left: u64,
    /// The call is answered: what is still written goes nowhere.
    closed: bool,
    waiting: Wakers,
}

impl Credit {
    pub(super) fn new() -> Arc<Self> {
        let state = CreditState { left: INITIAL_CREDIT, closed: false, waiting: Wakers::default() };
        Arc::new(Credit { state: Mutex::new(state) })
    }

    /// The client grants more.
    pub(super) fn grant(&self, bytes: u64) {
        let woken = {
            let mut state = self.state.lock();
            // More than the window at once would only mean more memory in flight than was agreed on.
            state.left = state.left.saturating_add(bytes).min(INITIAL_CREDIT);
            state.waiting.take()
        };
        woken.wake();
    }

    /// The call is over.
    pub(super) fn close(&self) {
        let woken = {
            let mut state = self.state.lock();
            state.closed = true;
            state.waiting.take()
        };
        woken.wake();
    }
}

/// Sends what is written.
pub(super) struct Sent {
    pub(super) call: u64,
    pub(super) stream: OutputStream,
    pub(super) credit: Arc<Credit>,
    pub(super) sender: Arc<Sender>,
}

impl Stream for Sent {
    fn poll_read(&self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize, Errno>> {
        Poll::Ready(Err(Errno::Ebadf))
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        let taken = {
            let mut state = self.credit.state.lock();
            if state.closed {
                return Poll::Ready(Err(Errno::Epipe));
            }
            let taken = bytes.len().min(OUTPUT_CHUNK).min(usize::try_from(state.left).unwrap_or(usize::MAX));
            if bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            if taken == 0 {
                let woken = state.waiting.register(cx);
                drop(state);
                woken.wake();
                return Poll::Pending;
            }
            state.left -= taken as u64;
            taken
        };
        let data = Bytes(bytes[..taken].to_vec());
        self.sender.send(&FromWorker::Output { id: self.call, stream: self.stream, data });
        Poll::Ready(Ok(taken))
    }

    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.credit.state.lock();
        if state.left > 0 || state.closed {
            return Poll::Ready(());
        }
        let woken = state.waiting.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }
}

/// Standard input, or a file's contents, from the client.
pub(super) struct Input {
    call: u64,
    sender: Arc<Sender>,
    state: Mutex<InputState>,
}

struct InputState {
    bytes: VecDeque<u8>,
    /// How many of the bytes came with the request. They are no part of the window, so nobody is told that they are
    /// taken.
    given: usize,
    ended: bool,
    waiting: Wakers,
}

impl Input {
    /// Input that begins with `bytes`; more follows if it is streamed.
    pub(super) fn new(call: u64, sender: Arc<Sender>, bytes: Vec<u8>, streamed: bool) -> Arc<Self> {
        let given = bytes.len();
        let state = InputState { bytes: bytes.into(), given, ended: !streamed, waiting: Wakers::default() };
        Arc::new(Input { call, sender, state: Mutex::new(state) })
    }

    /// More input from the client. Says whether it was within the window that was agreed on.
    pub(super) fn push(&self, bytes: &[u8], end: bool) -> bool {
        let woken = {
            let mut state = self.state.lock();
            if state.ended {
                return true;
            }
            if state.bytes.len() - state.given + bytes.len() > INPUT_WINDOW as usize {
                return false;
            }
            state.bytes.extend(bytes);
            state.ended |= end;
            state.waiting.take()
        };
        woken.wake();
        true
    }

    /// Whether the client has said that there is no more of it.
    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// No more is wanted of it: what waits is dropped, and readers find its end.
    pub(super) fn close(&self) {
        let woken = {
            let mut state = self.state.lock();
            state.ended = true;
            state.given = 0;
            state.bytes.clear();
            state.waiting.take()
        };
        woken.wake();
    }
}

impl Stream for Input {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Errno>> {
        let (length, streamed) = {
            let mut state = self.state.lock();
            if state.bytes.is_empty() && !state.ended && !buffer.is_empty() {
                let woken = state.waiting.register(cx);
                drop(state);
                woken.wake();
                return Poll::Pending;
            }
            let (front, _) = state.bytes.as_slices();
            let length = front.len().min(buffer.len());
            buffer[..length].copy_from_slice(&front[..length]);
            state.bytes.drain(..length);
            let given = state.given.min(length);
            state.given -= given;
            (length, length - given)
        };
        if streamed > 0 {
            self.sender.send(&FromWorker::InputTaken { id: self.call, bytes: streamed as u64 });
        }
        Poll::Ready(Ok(length))
    }

    fn poll_write(&self, _: &mut Context<'_>, _: &[u8]) -> Poll<Result<usize, Errno>> {
        Poll::Ready(Err(Errno::Ebadf))
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.bytes.is_empty() || state.ended {
            return Poll::Ready(());
        }
        let woken = state.waiting.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
