//! One stream of a session as the protocol sees it: its headers under way, what is to be sent, how far it is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use isolate::library::monotonic;

use crate::request::Done;

/// Bytes that each stream is counted with, beside what it holds.
pub(in crate::bindings::http2) const EXCHANGE_SIZE: usize = 768;

/// Bytes that each header is counted with, beside its characters: as HTTP/2 counts them.
const HEADER_SIZE: usize = 32;

/// A header that has come in.
pub(in crate::bindings::http2) struct Header {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
    pub is_sensitive: bool,
}

impl Header {
    fn size(&self) -> usize {
        self.name.len().saturating_add(self.value.len()).saturating_add(HEADER_SIZE)
    }
}

/// Something to be sent.
struct Chunk {
    bytes: Vec<u8>,
    start: usize,
    done: Done,
}

/// What an attempt to take something to send gave.
pub(super) enum Taken {
    /// So many bytes.
    Bytes(usize),
    /// There is nothing now.
    Later,
    /// There is nothing, and will never be; and before that so many bytes.
    Last(usize),
}

/// See the module.
pub(in crate::bindings::http2) struct Exchange {
    pub id: i32,
    /// Why it was, or is to be, closed.
    pub code: Cell<u32>,
    pub is_destroyed: Cell<bool>,
    pub is_writable: Cell<bool>,
    pub is_read: Cell<bool>,
    pub has_trailers: Cell<bool>,
    pub peer_has_reset: Cell<bool>,
    pub category: Cell<u32>,
    headers: RefCell<Vec<Header>>,
    /// Bytes of the headers that are under way, and of those that JavaScript has.
    pub headers_size: Cell<usize>,
    pub retained_size: Cell<usize>,
    header_pairs_max: usize,
    header_bytes_max: usize,
    queue: RefCell<VecDeque<Chunk>>,
    /// Bytes in the queue.
    pub available: Cell<usize>,
    /// Bytes that JavaScript has got while it wanted none.
    pub unconsumed: Cell<usize>,
    pub statistics: Statistics,
}

/// What performance observers are told.
pub(in crate::bindings::http2) struct Statistics {
    pub start: Duration,
    pub first_header: Cell<Option<Duration>>,
    pub first_byte: Cell<Option<Duration>>,
    pub first_byte_sent: Cell<Option<Duration>>,
    pub sent: Cell<u64>,
    pub received: Cell<u64>,
}

/// Notes when something happened first.
pub(super) fn note(moment: &Cell<Option<Duration>>) {
    if moment.get().is_none() {
        moment.set(Some(monotonic()));
    }
}

pub(super) fn count(counter: &Cell<u64>, amount: usize) {
    counter.set(counter.get().saturating_add(amount as u64));
}

impl Exchange {
    pub fn new(id: i32, category: u32, header_pairs_max: usize, header_bytes_max: usize) -> Exchange {
        Exchange {
            id,
            code: Cell::new(0),
            is_destroyed: Cell::new(false),
            is_writable: Cell::new(true),
            is_read: Cell::new(false),
            has_trailers: Cell::new(false),
            peer_has_reset: Cell::new(false),
            category: Cell::new(category),
            headers: RefCell::default(),
            headers_size: Cell::new(0),
            retained_size: Cell::new(0),
            header_pairs_max,
            header_bytes_max,
            queue: RefCell::default(),
            available: Cell::new(0),
            unconsumed: Cell::new(0),
            statistics: Statistics {
                start: monotonic(),
                first_header: Cell::new(None),
                first_byte: Cell::new(None),
                first_byte_sent: Cell::new(None),
                sent: Cell::new(0),
                received: Cell::new(0),
            },
        }
    }

    /// Takes a header. Its size, or nothing if there are too many already.
    pub(super) fn add_header(&self, header: Header, has_memory: impl FnOnce(usize) -> bool) -> Option<usize> {
        let size = header.size();
        let total = self.headers_size.get().saturating_add(size);
        if self.headers.borrow().len() >= self.header_pairs_max
            || total > self.header_bytes_max
            || !has_memory(size)
        {
            return None;
        }
        note(&self.statistics.first_header);
        self.headers.borrow_mut().push(header);
        self.headers_size.set(total);
        Some(size)
    }

    /// The headers that have come in.
    pub(super) fn take_headers(&self) -> Vec<Header> {
        let size = self.headers_size.replace(0);
        self.retained_size.set(self.retained_size.get().saturating_add(size));
        self.headers.take()
    }

    /// Forgets headers. How many bytes that were.
    pub(super) fn clear_headers(&self) -> usize {
        self.headers.borrow_mut().clear();
        self.headers_size.replace(0)
    }

    /// Has something sent.
    pub fn enqueue(&self, bytes: Vec<u8>, done: Done) {
        self.available.set(self.available.get().saturating_add(bytes.len()));
        self.queue.borrow_mut().push_back(Chunk { bytes, start: 0, done });
    }

    /// What waits for chunks that will not be sent.
    pub fn clear_queue(&self) -> Vec<Done> {
        self.available.set(0);
        self.queue.borrow_mut().drain(..).map(|chunk| chunk.done).collect()
    }

    /// Takes at most so many bytes of what is to be sent. `copy` gets pieces in order with the place of each; `written`
    /// gets what waits for chunks that are taken whole, and whether they had any bytes.
    pub(super) fn take(
        &self,
        length: usize,
        mut copy: impl FnMut(usize, &[u8]),
        mut written: impl FnMut(Done, bool),
    ) -> Taken {
        let mut amount = 0;
        let mut queue = self.queue.borrow_mut();
        while let Some(chunk) = queue.front_mut() {
            let rest = chunk.bytes.get(chunk.start..).unwrap_or_default();
            let piece = rest.get(..length - amount).unwrap_or(rest);
            copy(amount, piece);
            amount += piece.len();
            chunk.start += piece.len();
            if chunk.start < chunk.bytes.len() {
                break;
            }
            if let Some(chunk) = queue.pop_front() {
                written(chunk.done, !chunk.bytes.is_empty());
            }
        }
        self.available.set(self.available.get().saturating_sub(amount));
        if amount > 0 {
            note(&self.statistics.first_byte_sent);
            count(&self.statistics.sent, amount);
        }
        match (queue.is_empty() && !self.is_writable.get(), amount) {
            (true, amount) => Taken::Last(amount),
            (false, 0) => Taken::Later,
            (false, amount) => Taken::Bytes(amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done() -> Done {
        Box::new(|_, _, _| Some(()))
    }

    #[test]
    fn chunks_are_taken_in_order() {
        let exchange = Exchange::new(1, 0, 128, 65535);
        exchange.enqueue(b"hello ".to_vec(), done());
        exchange.enqueue(Vec::new(), done());
        exchange.enqueue(b"world".to_vec(), done());
        let mut bytes = [0u8; 8];
        let mut ends = Vec::new();
        let taken = exchange.take(
            8,
            |at, piece| bytes[at..at + piece.len()].copy_from_slice(piece),
            |_, had_bytes| ends.push(had_bytes),
        );
        assert!(matches!(taken, Taken::Bytes(8)));
        assert_eq!(&bytes, b"hello wo");
        assert_eq!(ends, [true, false]);
        assert_eq!(exchange.available.get(), 3);
        exchange.is_writable.set(false);
        assert!(matches!(exchange.take(8, |_, _| {}, |_, _| {}), Taken::Last(3)));
        assert!(matches!(exchange.take(8, |_, _| {}, |_, _| {}), Taken::Last(0)));
    }

    #[test]
    fn headers_have_limits() {
        let exchange = Exchange::new(1, 0, 2, 100);
        let header = |length| Header { name: b"x".to_vec(), value: vec![0; length], is_sensitive: false };
        assert_eq!(exchange.add_header(header(9), |_| true), Some(42));
        assert_eq!(exchange.add_header(header(90), |_| true), None);
        assert_eq!(exchange.add_header(header(9), |_| false), None);
        assert_eq!(exchange.add_header(header(9), |_| true), Some(42));
        assert_eq!(exchange.add_header(header(0), |_| true), None);
        assert_eq!(exchange.take_headers().len(), 2);
        assert_eq!(exchange.retained_size.get(), 84);
    }
}
