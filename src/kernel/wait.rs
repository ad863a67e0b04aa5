//! How anything waits (how parents wait for children is told in `process::wait`): lists of wakers, and a way for a plain thread to block on a future until it is ready or interrupted.
//!
//! The kernel never blocks by itself. Its blocking operations have a `poll_*` form for executors; [`block_on`] turns
//! that into a blocking call for the isolate's thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use parking_lot::Mutex;

use super::Errno;

/// Most tasks in one list of [`Wakers`]. Tasks that were dropped while they waited stay in the list until the next
/// change, which a guest can put off for ever; at this many all are woken and those that still live come again. Far
/// above the number of processes that a VM may have, or living ones alone would keep waking each other.
const WAKERS_MAX: usize = 4096;

/// Who wants to be told of a change. Lives inside the lock that protects what changes.
#[derive(Debug, Default)]
pub struct Wakers(Vec<Waker>);

impl Wakers {
    /// Adds the task that polls; the same task is held once however often it polls. What is returned has to be woken
    /// once the lock is free again; it is nearly always nobody.
    pub fn register(&mut self, cx: &Context<'_>) -> Woken {
        if self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            return Woken::default();
        }
        let woken = if self.0.len() < WAKERS_MAX { Woken::default() } else { self.take() };
        self.0.push(cx.waker().clone());
        woken
    }

    /// Takes the wakers out, to be woken with [`Woken::wake`] once the lock is free again.
    pub fn take(&mut self) -> Woken {
        Woken(std::mem::take(&mut self.0))
    }
}

/// Tasks that were taken out of a [`Wakers`] list.
#[must_use = "they wait until they are woken"]
#[derive(Debug, Default)]
pub struct Woken(Vec<Waker>);

impl Woken {
    /// Wakes them. No lock of the kernel may be held: a waker may poll at once.
    pub fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

/// The blocking call was ended by [`Interrupt::trip`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl From<Interrupted> for Errno {
    fn from(_: Interrupted) -> Errno {
        Errno::Eintr
    }
}

/// A switch that ends the blocking calls of a thread from another thread. It stays tripped until it is reset.
#[derive(Debug, Default)]
pub struct Interrupt {
    tripped: AtomicBool,
    wakers: Mutex<Wakers>,
}

impl Interrupt {
    /// A switch that is not tripped.
    pub fn new() -> Arc<Interrupt> {
        Arc::default()
    }

    /// Ends every call that waits with this switch now, and those to come until [`reset`](Self::reset).
    pub fn trip(&self) {
        self.tripped.store(true, Ordering::SeqCst);
        let woken = self.wakers.lock().take();
        woken.wake();
    }

    /// Lets calls wait again.
    pub fn reset(&self) {
        self.tripped.store(false, Ordering::SeqCst);
    }

    /// Whether it is tripped.
    pub fn is_tripped(&self) -> bool {
        self.tripped.load(Ordering::SeqCst)
    }

    /// Ready once it is tripped.
    pub fn poll_tripped(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_tripped() {
            return Poll::Ready(());
        }
        let woken = self.wakers.lock().register(cx);
        woken.wake();
        // Tripped between the check and the registration: the waker may have come too late for it.
        if self.is_tripped() { Poll::Ready(()) } else { Poll::Pending }
    }
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Blocks this thread until `future` is ready or `interrupt` is tripped.
pub fn block_on<F: Future>(future: F, interrupt: &Interrupt) -> Result<F::Output, Interrupted> {
    let never = None;
    Ok(block_on_until(future, interrupt, never)?.expect("without a deadline only the future ends the wait"))
}

/// Blocks this thread until `future` is ready (`Some`), `deadline` has passed (`None`) or `interrupt` is tripped.
pub fn block_on_until<F: Future>(
    future: F,
    interrupt: &Interrupt,
    deadline: Option<Instant>,
) -> Result<Option<F::Output>, Interrupted> {
    thread_local! {
        // One waker for each thread: a list that this thread is on already recognises it.
        static UNPARK: Arc<Unpark> =
            Arc::new(Unpark { thread: std::thread::current(), woken: AtomicBool::new(false) });
    }
    let unpark = UNPARK.with(Arc::clone);
    let waker = Waker::from(unpark.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        unpark.woken.store(false, Ordering::Release);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Ok(Some(output));
        }
        if interrupt.poll_tripped(&cx).is_ready() {
            return Err(Interrupted);
        }
        while !unpark.woken.load(Ordering::Acquire) {
            match deadline {
                None => std::thread::park(),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|d| !d.is_zero())
                    else {
                        return Ok(None);
                    };
                    std::thread::park_timeout(left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ready_future_is_returned_even_when_interrupted() {
        let interrupt = Interrupt::new();
        interrupt.trip();
        assert_eq!(block_on(std::future::ready(3), &interrupt), Ok(3));
    }

    #[test]
    fn tasks_that_never_come_back_do_not_pile_up() {
        struct Task(AtomicBool);
        impl Wake for Task {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let task = || Arc::new(Task(AtomicBool::new(false)));
        let mut wakers = Wakers::default();
        let first = task();
        wakers.register(&Context::from_waker(&first.clone().into())).wake();
        for _ in 0..3 * WAKERS_MAX {
            wakers.register(&Context::from_waker(&task().into())).wake();
            assert!(wakers.0.len() <= WAKERS_MAX);
        }
        assert!(first.0.load(Ordering::SeqCst));
    }

    #[test]
    fn another_thread_ends_the_wait() {
        let interrupt = Interrupt::new();
        let other = interrupt.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            other.trip();
        });
        assert_eq!(block_on(std::future::pending::<()>(), &interrupt), Err(Interrupted));
        thread.join().unwrap();
        interrupt.reset();
        let soon = Instant::now() + Duration::from_millis(2);
        assert_eq!(block_on_until(std::future::pending::<()>(), &interrupt, Some(soon)), Ok(None));
    }
}
