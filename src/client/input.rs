//! Standard input of a call: what is written goes out in order, within the window, in few messages.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, mpsc};

use protocol::wire::{Bytes, ClientMessage, INPUT_WINDOW, encode_frame};

/// A message carries at most so many bytes, and no more wait to be sent.
const MESSAGE_BYTES: usize = 64 * 1024;
/// With so many messages on their way, small writes wait to be sent together.
const MESSAGES_SMALL: usize = 64;
/// What is no small write.
const BATCH_BYTES: usize = 4096;

/// The input of one call, from the side that fills it.
pub(super) struct Input {
    call: u64,
    frames: mpsc::WeakUnboundedSender<Vec<u8>>,
    state: Mutex<State>,
    /// There may be room for more.
    changed: Arc<Notify>,
}

struct State {
    waiting: VecDeque<u8>,
    /// Lengths of messages that have not been taken yet.
    under_way: VecDeque<usize>,
    window: usize,
    /// No more will be written.
    ended: bool,
    /// No more will be sent.
    closed: bool,
}

impl Input {
    pub(super) fn new(call: u64, frames: mpsc::WeakUnboundedSender<Vec<u8>>) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            under_way: VecDeque::new(),
            window: INPUT_WINDOW as usize,
            ended: false,
            closed: false,
        };
        Input { call, frames, state: Mutex::new(state), changed: Arc::new(Notify::new()) }
    }

    /// Returns once all of it is sent or waits to be sent soon, or nobody will take it any more.
    pub(super) async fn write(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let changed = self.changed.notified();
            match self.accept(bytes) {
                None => return,
                Some(0) => changed.await,
                Some(taken) => bytes = &bytes[taken..],
            }
        }
    }

    /// Ends the input after what was written.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        self.flush(&mut state);
    }

    /// Whether all that was written is sent, with its end, or goes nowhere.
    pub(super) fn is_sent(&self) -> bool {
        self.state.lock().closed
    }

    /// The program took so many bytes.
    pub(super) fn taken(&self, bytes: u64) {
        let mut state = self.state.lock();
        let mut rest = usize::try_from(bytes).unwrap_or(usize::MAX);
        state.window = state.window.saturating_add(rest).min(INPUT_WINDOW as usize);
        while rest > 0
            && let Some(first) = state.under_way.front_mut()
        {
            let taken = rest.min(*first);
            *first -= taken;
            rest -= taken;
            if *first == 0 {
                state.under_way.pop_front();
            }
        }
        self.flush(&mut state);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The program has ended.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.changed.notify_waiters();
    }

    /// Done after the next change; to be asked for before whatever may then have changed.
    pub(super) fn changed(&self) -> OwnedNotified {
        self.changed.clone().notified_owned()
    }

    /// Takes as many of the bytes as there is room for; none at all if they go nowhere.
    pub(super) fn accept(&self, bytes: &[u8]) -> Option<usize> {
        let mut state = self.state.lock();
        if state.closed || state.ended {
            return None;
        }
        let taken = bytes.len().min(MESSAGE_BYTES - state.waiting.len());
        state.waiting.extend(&bytes[..taken]);
        self.flush(&mut state);
        Some(taken)
    }

    fn flush(&self, state: &mut State) {
        while !state.closed && !state.waiting.is_empty() {
            let few = state.under_way.len() < MESSAGES_SMALL || state.waiting.len() >= BATCH_BYTES;
            if state.window == 0 || !few {
                return;
            }
            let length = state.waiting.len().min(state.window);
            let data = state.waiting.drain(..length).collect();
            state.window -= length;
            state.under_way.push_back(length);
            self.send(data, false);
        }
        if state.ended && !state.closed {
            state.closed = true;
            self.send(Vec::new(), true);
        }
    }

    fn send(&self, data: Vec<u8>, end: bool) {
        let message = ClientMessage::Input { id: self.call, data: Bytes(data), end };
        // So few bytes always fit into a frame; a connection that is over takes none.
        if let (Ok(frame), Some(frames)) = (encode_frame(&message), self.frames.upgrade()) {
            let _ = frames.send(frame);
        }
    }
}

const _: () = assert!(MESSAGE_BYTES as u64 <= INPUT_WINDOW && BATCH_BYTES <= MESSAGE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::wire::decode;

    struct Other {
        input: Input,
        sent: mpsc::UnboundedReceiver<Vec<u8>>,
        _frames: mpsc::UnboundedSender<Vec<u8>>,
    }

    fn other() -> Other {
        let (frames, sent) = mpsc::unbounded_channel();
        Other { input: Input::new(1, frames.downgrade()), sent, _frames: frames }
    }

    impl Other {
        /// What was sent since the last time: the length of each message, and whether the last one ends the input.
        fn sent(&mut self) -> (Vec<usize>, bool) {
            let (mut lengths, mut ended) = (Vec::new(), false);
            while let Ok(frame) = self.sent.try_recv() {
                let ClientMessage::Input { data, end, .. } = decode(&frame[4..]).unwrap() else { panic!() };
                lengths.push(data.0.len());
                ended = end;
            }
            (lengths, ended)
        }
    }

    #[tokio::test]
    async fn small_writes_are_sent_at_once_while_they_are_few_and_then_together() {
        let mut other = other();
        for _ in 0..10_000 {
            other.input.write(b"x").await;
        }
        let (lengths, _) = other.sent();
        assert_eq!(lengths[..MESSAGES_SMALL], [1; MESSAGES_SMALL]);
        assert!(lengths[MESSAGES_SMALL..].iter().all(|length| *length == BATCH_BYTES), "{lengths:?}");
        // What is left goes as soon as some of the others are taken.
        let left = 10_000 - lengths.iter().sum::<usize>();
        other.input.taken(MESSAGES_SMALL as u64);
        assert_eq!(other.sent(), (vec![left], false));
    }

    #[tokio::test]
    async fn the_window_is_never_exceeded_whatever_is_said_to_be_taken() {
        let mut other = other();
        other.input.taken(u64::MAX);
        let all = vec![0; 3 * INPUT_WINDOW as usize];
        let mut writing = Box::pin(other.input.write(&all));
        let waits = futures_util::future::poll_immediate(&mut writing).await.is_none();
        assert!(waits, "there is more than the window takes");
        drop(writing);
        assert_eq!(other.sent().0.iter().sum::<usize>() as u64, INPUT_WINDOW);
    }

    #[tokio::test]
    async fn the_end_comes_after_all_that_was_written() {
        let mut other = other();
        let all = vec![0; INPUT_WINDOW as usize + 10];
        other.input.write(&all).await;
        other.input.end();
        other.input.write(b"late").await;
        assert!(!other.sent().1);
        other.input.taken(INPUT_WINDOW);
        assert_eq!(other.sent(), (vec![10, 0], true));
    }

    #[tokio::test]
    async fn a_call_that_is_over_takes_everything_and_sends_nothing() {
        let mut other = other();
        other.input.close();
        other.input.write(&vec![0; 3 * INPUT_WINDOW as usize]).await;
        other.input.end();
        assert_eq!(other.sent(), (vec![], false));
    }
}
