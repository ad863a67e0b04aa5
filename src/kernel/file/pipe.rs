//! Pipes: a bounded buffer between processes.
//!
//! Owns capacity, atomic small writes, end of file and broken pipes. Does not know who reads or writes; the signal
//! that goes with `EPIPE` is sent by `process`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use parking_lot::{Mutex, MutexGuard};

use super::{File, anonymous, without_position};
use crate::limits::{Meter, Share};
use crate::wait::{Wakers, Woken};
use crate::{Errno, FileKind, FileStatus};

/// How many bytes a pipe holds.
pub const PIPE_CAPACITY: usize = 64 * 1024;
/// Writes of up to this many bytes go in whole or not at all.
pub const PIPE_BUF: usize = 4096;

/// What both ends share.
pub(super) struct Pipe {
    /// Tells pipes apart, as an inode number does. No address: guests see it.
    id: u64,
    /// Whether ends may still be opened where there are none.
    is_named: bool,
    state: Mutex<State>,
    _share: Share,
}

#[derive(Default)]
struct State {
    buffer: VecDeque<u8>,
    readers: Side,
    writers: Side,
}

/// The ends of one kind.
#[derive(Default)]
struct Side {
    open: u32,
    /// How many there have been.
    opened: u64,
    waiting: Wakers,
}

impl State {
    fn space(&self) -> usize {
        PIPE_CAPACITY - self.buffer.len()
    }

    /// Waits, on this side, for a change. Wakes outside of the lock.
    fn wait<T>(
        mut state: MutexGuard<'_, State>,
        side: fn(&mut State) -> &mut Side,
        cx: &Context<'_>,
    ) -> Poll<T> {
        let woken = side(&mut state).waiting.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }
}

impl Side {
    /// Counts a new end, and gives whom that wakes of the other kind.
    fn open(&mut self, others: &mut Side) -> Woken {
        self.open += 1;
        self.opened += 1;
        others.waiting.take()
    }
}

/// What an end waits for before anything else: that there is one of the other kind, where there was none when it was opened
/// by name. It is the number of those that there had been.
type Awaited = Option<u64>;

/// Whether what was awaited of the other kind has come, if it was.
fn has_come(awaited: Awaited, others: &Side) -> bool {
    others.open > 0 || awaited.is_none_or(|before| others.opened > before)
}

/// Whether those of the other kind have gone, once what was awaited of them has come.
fn is_over(awaited: Awaited, others: &Side) -> bool {
    others.open == 0 && has_come(awaited, others)
}

impl Pipe {
    /// A pipe without ends, if its buffer fits into the VM's limit.
    pub(super) fn new(bytes: &Arc<Meter>, is_named: bool) -> Option<Arc<Pipe>> {
        let share = Share::take(bytes, PIPE_CAPACITY as u64)?;
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Some(Arc::new(Pipe { id, is_named, state: Mutex::default(), _share: share }))
    }

    /// An end that reads; with `waits` it does not find the end before somebody could write.
    pub(super) fn open_reader(self: &Arc<Pipe>, waits: bool) -> ReadEnd {
        let mut state = self.state.lock();
        let State { readers, writers, .. } = &mut *state;
        let awaited = (waits && writers.open == 0).then_some(writers.opened);
        let woken = readers.open(writers);
        drop(state);
        woken.wake();
        ReadEnd { pipe: self.clone(), awaited }
    }

    /// An end that writes; with `waits` the pipe is not broken before somebody could read.
    pub(super) fn open_writer(self: &Arc<Pipe>, waits: bool) -> WriteEnd {
        let mut state = self.state.lock();
        let State { readers, writers, .. } = &mut *state;
        let awaited = (waits && readers.open == 0).then_some(readers.opened);
        let woken = writers.open(readers);
        drop(state);
        woken.wake();
        WriteEnd { pipe: self.clone(), awaited }
    }

    pub(super) fn has_readers(&self) -> bool {
        self.state.lock().readers.open > 0
    }
}

/// A new pipe, if its buffer fits into the VM's limit.
pub(crate) fn pipe(bytes: &Arc<Meter>) -> Option<(Arc<ReadEnd>, Arc<WriteEnd>)> {
    let pipe = Pipe::new(bytes, false)?;
    Some((Arc::new(pipe.open_reader(false)), Arc::new(pipe.open_writer(false))))
}

/// Where a pipe is read. Its readers share this; with the last of them it is dropped.
pub(crate) struct ReadEnd {
    pipe: Arc<Pipe>,
    awaited: Awaited,
}

/// Where a pipe is written. Its writers share this; with the last of them it is dropped.
pub(crate) struct WriteEnd {
    pipe: Arc<Pipe>,
    awaited: Awaited,
}

impl ReadEnd {
    /// Takes what is there; 0 once nothing is there and nobody can write any more.
    pub(super) fn read(&self, cx: &Context<'_>, target: &mut [u8]) -> Poll<usize> {
        if target.is_empty() {
            return Poll::Ready(0);
        }
        let mut state = self.pipe.state.lock();
        if state.buffer.is_empty() {
            if is_over(self.awaited, &state.writers) {
                return Poll::Ready(0);
            }
            return State::wait(state, |state| &mut state.readers, cx);
        }
        let length = target.len().min(state.buffer.len());
        let (front, back) = state.buffer.as_slices();
        let from_front = length.min(front.len());
        target[..from_front].copy_from_slice(&front[..from_front]);
        target[from_front..length].copy_from_slice(&back[..length - from_front]);
        state.buffer.drain(..length);
        let woken = state.writers.waiting.take();
        drop(state);
        woken.wake();
        Poll::Ready(length)
    }

    /// Ready once a read would not wait.
    pub(super) fn readable(&self, cx: &Context<'_>) -> Poll<()> {
        let state = self.pipe.state.lock();
        if !state.buffer.is_empty() || is_over(self.awaited, &state.writers) {
            return Poll::Ready(());
        }
        State::wait(state, |state| &mut state.readers, cx)
    }

    /// Ready once somebody could write.
    pub(super) fn opened(&self, cx: &Context<'_>) -> Poll<()> {
        let state = self.pipe.state.lock();
        if has_come(self.awaited, &state.writers) {
            return Poll::Ready(());
        }
        State::wait(state, |state| &mut state.readers, cx)
    }
}

impl WriteEnd {
    /// Puts in what fits; `EPIPE` once nobody can read any more.
    pub(super) fn write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut state = self.pipe.state.lock();
        if is_over(self.awaited, &state.readers) {
            return Poll::Ready(Err(Errno::Epipe));
        }
        // A small write waits for room for all of it, so that writers do not mix within a line.
        let needed = if bytes.len() <= PIPE_BUF { bytes.len() } else { 1 };
        if state.readers.open == 0 || state.space() < needed {
            return State::wait(state, |state| &mut state.writers, cx);
        }
        let length = bytes.len().min(state.space());
        // By powers of two up to the capacity and never beyond, as doubling by itself would.
        let wanted = (state.buffer.len() + length).next_power_of_two();
        let more = wanted - state.buffer.len();
        state.buffer.reserve_exact(more);
        state.buffer.extend(&bytes[..length]);
        let woken = state.readers.waiting.take();
        drop(state);
        woken.wake();
        Poll::Ready(Ok(length))
    }

    /// Ready once a write of [`PIPE_BUF`] bytes would not wait.
    pub(super) fn writable(&self, cx: &Context<'_>) -> Poll<()> {
        let state = self.pipe.state.lock();
        let has_room = state.readers.open > 0 && state.space() >= PIPE_BUF;
        if has_room || is_over(self.awaited, &state.readers) {
            return Poll::Ready(());
        }
        State::wait(state, |state| &mut state.writers, cx)
    }

    /// Ready once somebody could read.
    pub(super) fn opened(&self, cx: &Context<'_>) -> Poll<()> {
        let state = self.pipe.state.lock();
        if has_come(self.awaited, &state.readers) {
            return Poll::Ready(());
        }
        State::wait(state, |state| &mut state.writers, cx)
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        let mut state = self.pipe.state.lock();
        state.readers.open -= 1;
        if state.readers.open == 0 && !self.pipe.is_named {
            // Nobody will ever read this.
            state.buffer = VecDeque::new();
        }
        let woken = state.writers.waiting.take();
        drop(state);
        woken.wake();
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        let mut state = self.pipe.state.lock();
        state.writers.open -= 1;
        let woken = state.readers.waiting.take();
        drop(state);
        woken.wake();
    }
}

/// What both ends have in common as open files.
macro_rules! end_of_pipe {
    () => {
        fn kind(&self) -> FileKind {
            FileKind::Fifo
        }

        fn status(&self) -> Result<FileStatus, Errno> {
            Ok(anonymous(FileKind::Fifo, self.pipe.id, 0o600))
        }

        without_position!();

        fn description(&self) -> String {
            format!("pipe:[{}]", self.pipe.id)
        }
    };
}

impl File for ReadEnd {
    end_of_pipe!();

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        _: &Mutex<u64>,
    ) -> Poll<Result<usize, Errno>> {
        self.read(cx, buffer).map(Ok)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.readable(cx)
    }
}

impl File for WriteEnd {
    end_of_pipe!();

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        _: &Mutex<u64>,
        _: bool,
    ) -> Poll<Result<usize, Errno>> {
        self.write(cx, bytes)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.writable(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Count, idle};
    use crate::wait::{Interrupt, block_on};
    use std::future::poll_fn;
    use std::task::Waker;

    fn ends() -> (Arc<ReadEnd>, Arc<WriteEnd>) {
        pipe(&Meter::new(1 << 20)).unwrap()
    }

    #[test]
    fn small_writes_are_whole_and_large_ones_fill_what_is_free() {
        let (reader, writer) = ends();
        assert_eq!(writer.write(&idle(), &vec![1; PIPE_CAPACITY - 10]), Poll::Ready(Ok(PIPE_CAPACITY - 10)));
        assert!(writer.write(&idle(), &[2; 11]).is_pending());
        assert!(writer.writable(&idle()).is_pending());
        assert_eq!(writer.write(&idle(), &vec![3; PIPE_BUF + 1]), Poll::Ready(Ok(10)));
        let mut all = vec![0; PIPE_CAPACITY + 1];
        assert_eq!(reader.read(&idle(), &mut all), Poll::Ready(PIPE_CAPACITY));
        assert_eq!(all[PIPE_CAPACITY - 10..PIPE_CAPACITY], [3; 10]);
    }

    #[test]
    fn the_last_writer_brings_the_end_and_the_last_reader_breaks_the_pipe() {
        let (reader, writer) = ends();
        let second = writer.clone();
        drop(writer);
        assert!(reader.read(&idle(), &mut [0; 4]).is_pending());
        assert_eq!(second.write(&idle(), b"x"), Poll::Ready(Ok(1)));
        drop(second);
        assert_eq!(reader.read(&idle(), &mut [0; 4]), Poll::Ready(1));
        assert_eq!(reader.read(&idle(), &mut [0; 4]), Poll::Ready(0));

        let (reader, writer) = ends();
        drop(reader.clone());
        assert_eq!(writer.write(&idle(), b"x"), Poll::Ready(Ok(1)));
        drop(reader);
        assert_eq!(writer.write(&idle(), b"x"), Poll::Ready(Err(Errno::Epipe)));
        assert!(writer.writable(&idle()).is_ready());
    }

    #[test]
    fn every_poller_is_woken_once_per_change() {
        let (reader, writer) = ends();
        let counts: Vec<Arc<Count>> = (0..5).map(|_| Arc::default()).collect();
        for count in &counts {
            let waker = Waker::from(count.clone());
            let cx = Context::from_waker(&waker);
            for _ in 0..3 {
                assert!(reader.read(&cx, &mut [0]).is_pending());
            }
        }
        assert!(writer.write(&idle(), b"abc").is_ready());
        assert!(counts.iter().all(|count| count.0.load(Ordering::SeqCst) == 1));
    }

    #[test]
    fn pipes_are_held_to_the_limit_of_their_buffers() {
        let meter = Meter::new(PIPE_CAPACITY as u64);
        let ends = pipe(&meter).unwrap();
        assert!(pipe(&meter).is_none());
        drop(ends);
        assert!(pipe(&meter).is_some());
    }

    #[test]
    fn threads_pass_megabytes_through_in_order() {
        let (reader, writer) = ends();
        let total = 3 << 20;
        let thread = std::thread::spawn(move || {
            let interrupt = Interrupt::new();
            let data: Vec<u8> = (0..total).map(|i| (i % 251) as u8).collect();
            let mut rest = &data[..];
            while !rest.is_empty() {
                let step = rest.len().min(10_000);
                let written = block_on(poll_fn(|cx| writer.write(cx, &rest[..step])), &interrupt);
                rest = &rest[written.unwrap().unwrap()..];
            }
        });
        let interrupt = Interrupt::new();
        let (mut seen, mut buffer) = (0_usize, vec![0; 7000]);
        loop {
            let length = block_on(poll_fn(|cx| reader.read(cx, &mut buffer)), &interrupt).unwrap();
            if length == 0 {
                break;
            }
            assert!(buffer[..length].iter().enumerate().all(|(i, &byte)| byte == ((seen + i) % 251) as u8));
            seen += length;
        }
        assert_eq!(seen, total);
        thread.join().unwrap();
    }
}
