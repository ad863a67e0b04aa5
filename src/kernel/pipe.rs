//! Pipes: a bounded buffer between processes.
//!
//! Owns capacity, atomic small writes, end of file and broken pipes. Does not know who reads or writes; the signal
//! that goes with `EPIPE` is sent by `process`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::Errno;
use super::limits::{Meter, Share};
use super::wait::{Wakers, Woken};

/// How many bytes a pipe holds.
pub const PIPE_CAPACITY: usize = 64 * 1024;
/// Writes of up to this many bytes go in whole or not at all.
pub const PIPE_BUF: usize = 4096;

struct Pipe {
    /// Tells pipes apart, as an inode number does. No address: guests see it.
    id: u64,
    state: Mutex<State>,
    _share: Share,
}

#[derive(Default)]
struct State {
    buffer: VecDeque<u8>,
    readers: usize,
    writers: usize,
    waiting_readers: Wakers,
    waiting_writers: Wakers,
}

impl State {
    fn space(&self) -> usize {
        PIPE_CAPACITY - self.buffer.len()
    }
}

/// A new pipe, if its buffer fits into the VM's limit.
pub(crate) fn pipe(bytes: &Arc<Meter>) -> Option<(ReadEnd, WriteEnd)> {
    let share = Share::take(bytes, PIPE_CAPACITY as u64)?;
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    let state = State { readers: 1, writers: 1, ..State::default() };
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let pipe = Arc::new(Pipe { id, state: Mutex::new(state), _share: share });
    Some((ReadEnd(pipe.clone()), WriteEnd(pipe)))
}

/// Where a pipe is read. A clone is one more reader.
pub(crate) struct ReadEnd(Arc<Pipe>);

/// Where a pipe is written. A clone is one more writer.
pub(crate) struct WriteEnd(Arc<Pipe>);

impl ReadEnd {
    /// Takes what is there; 0 once nothing is there and nobody can write any more.
    pub(crate) fn poll_read(&self, cx: &Context<'_>, target: &mut [u8]) -> Poll<usize> {
        if target.is_empty() {
            return Poll::Ready(0);
        }
        let mut state = self.0.state.lock();
        if state.buffer.is_empty() {
            if state.writers == 0 {
                return Poll::Ready(0);
            }
            let woken = state.waiting_readers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        let length = target.len().min(state.buffer.len());
        let (front, back) = state.buffer.as_slices();
        let from_front = length.min(front.len());
        target[..from_front].copy_from_slice(&front[..from_front]);
        target[from_front..length].copy_from_slice(&back[..length - from_front]);
        state.buffer.drain(..length);
        let woken = state.waiting_writers.take();
        drop(state);
        woken.wake();
        Poll::Ready(length)
    }

    /// Ready once a read would not wait.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.state.lock();
        if !state.buffer.is_empty() || state.writers == 0 {
            return Poll::Ready(());
        }
        let woken = state.waiting_readers.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }

    /// A number that both ends share and no other pipe has.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }
}

impl WriteEnd {
    /// Puts in what fits; `EPIPE` once nobody can read any more.
    pub(crate) fn poll_write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut state = self.0.state.lock();
        if state.readers == 0 {
            return Poll::Ready(Err(Errno::Epipe));
        }
        // A small write waits for room for all of it, so that writers do not mix within a line.
        let needed = if bytes.len() <= PIPE_BUF { bytes.len() } else { 1 };
        if state.space() < needed {
            let woken = state.waiting_writers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        let length = bytes.len().min(state.space());
        // By powers of two up to the capacity and never beyond, as doubling by itself would.
        let wanted = (state.buffer.len() + length).next_power_of_two();
        let more = wanted - state.buffer.len();
        state.buffer.reserve_exact(more);
        state.buffer.extend(&bytes[..length]);
        let woken = state.waiting_readers.take();
        drop(state);
        woken.wake();
        Poll::Ready(Ok(length))
    }

    /// Ready once a write of [`PIPE_BUF`] bytes would not wait.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.state.lock();
        if state.readers == 0 || state.space() >= PIPE_BUF {
            return Poll::Ready(());
        }
        let woken = state.waiting_writers.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }

    /// The same number as the read end's.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }
}

impl Clone for ReadEnd {
    fn clone(&self) -> ReadEnd {
        self.0.state.lock().readers += 1;
        ReadEnd(self.0.clone())
    }
}

impl Clone for WriteEnd {
    fn clone(&self) -> WriteEnd {
        self.0.state.lock().writers += 1;
        WriteEnd(self.0.clone())
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.readers -= 1;
        let woken = if state.readers == 0 {
            // Nobody will ever read this.
            state.buffer = VecDeque::new();
            state.waiting_writers.take()
        } else {
            Woken::default()
        };
        drop(state);
        woken.wake();
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.writers -= 1;
        let woken = if state.writers == 0 { state.waiting_readers.take() } else { Woken::default() };
        drop(state);
        woken.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::super::wait::{Interrupt, block_on};
    use super::*;
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    fn ends() -> (ReadEnd, WriteEnd) {
        pipe(&Meter::new(1 << 20)).unwrap()
    }

    fn idle() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn small_writes_are_whole_and_large_ones_fill_what_is_free() {
        let (reader, writer) = ends();
        assert_eq!(
            writer.poll_write(&idle(), &vec![1; PIPE_CAPACITY - 10]),
            Poll::Ready(Ok(PIPE_CAPACITY - 10))
        );
        assert!(writer.poll_write(&idle(), &[2; 11]).is_pending());
        assert!(writer.poll_ready(&idle()).is_pending());
        assert_eq!(writer.poll_write(&idle(), &vec![3; PIPE_BUF + 1]), Poll::Ready(Ok(10)));
        let mut all = vec![0; PIPE_CAPACITY + 1];
        assert_eq!(reader.poll_read(&idle(), &mut all), Poll::Ready(PIPE_CAPACITY));
        assert_eq!(all[PIPE_CAPACITY - 10..PIPE_CAPACITY], [3; 10]);
    }

    #[test]
    fn the_last_writer_brings_the_end_and_the_last_reader_breaks_the_pipe() {
        let (reader, writer) = ends();
        let second = writer.clone();
        drop(writer);
        assert!(reader.poll_read(&idle(), &mut [0; 4]).is_pending());
        assert_eq!(second.poll_write(&idle(), b"x"), Poll::Ready(Ok(1)));
        drop(second);
        assert_eq!(reader.poll_read(&idle(), &mut [0; 4]), Poll::Ready(1));
        assert_eq!(reader.poll_read(&idle(), &mut [0; 4]), Poll::Ready(0));

        let (reader, writer) = ends();
        drop(reader.clone());
        assert_eq!(writer.poll_write(&idle(), b"x"), Poll::Ready(Ok(1)));
        drop(reader);
        assert_eq!(writer.poll_write(&idle(), b"x"), Poll::Ready(Err(Errno::Epipe)));
        assert!(writer.poll_ready(&idle()).is_ready());
    }

    #[test]
    fn every_poller_is_woken_once_per_change() {
        let (reader, writer) = ends();
        let counts: Vec<Arc<Count>> = (0..5).map(|_| Arc::default()).collect();
        for count in &counts {
            let waker = Waker::from(count.clone());
            let cx = Context::from_waker(&waker);
            for _ in 0..3 {
                assert!(reader.poll_read(&cx, &mut [0]).is_pending());
            }
        }
        assert!(writer.poll_write(&idle(), b"abc").is_ready());
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
                let written = block_on(poll_fn(|cx| writer.poll_write(cx, &rest[..step])), &interrupt);
                rest = &rest[written.unwrap().unwrap()..];
            }
        });
        let interrupt = Interrupt::new();
        let (mut seen, mut buffer) = (0_usize, vec![0; 7000]);
        loop {
            let length = block_on(poll_fn(|cx| reader.poll_read(cx, &mut buffer)), &interrupt).unwrap();
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
