//! What nghttp2's callbacks and the session have in common. The callbacks only note here what has happened; the session
//! tells JavaScript of it once nghttp2 has returned.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::exchange::{EXCHANGE_SIZE, Exchange, Header};
use super::memory::Memory;
use crate::bindings::http2::fields::Fields;
use crate::bindings::http2::options::{Options, Padding};
use crate::request::Done;

/// Bytes that each session is counted with, beside what it holds.
const SESSION_SIZE: usize = 1024;

/// Most bytes of one block of headers, whatever the settings say.
const HEADER_BYTES_MAX: u32 = (1 << 24) - 1;

/// Something that JavaScript may be told of.
pub(in crate::bindings::http2) enum Event {
    Headers {
        exchange: Rc<Exchange>,
        category: u32,
        flags: u8,
        headers: Vec<Header>,
    },
    Data {
        id: i32,
        bytes: Vec<u8>,
    },
    DataEnd(Rc<Exchange>),
    Closed {
        exchange: Rc<Exchange>,
        code: u32,
    },
    Priority {
        id: i32,
        parent: i32,
        weight: i32,
        exclusive: bool,
    },
    Settings(Vec<(i32, u32)>),
    SettingsAcknowledged,
    Ping([u8; 8]),
    PingAcknowledged([u8; 8]),
    Goaway {
        code: u32,
        last: i32,
        data: Vec<u8>,
    },
    Altsvc {
        id: i32,
        origin: Vec<u8>,
        value: Vec<u8>,
    },
    Origins(Vec<Vec<u8>>),
    FrameError {
        id: i32,
        kind: u8,
        code: u32,
    },
    Error(i32),
    /// All is sent but trailers.
    WantsTrailers(Rc<Exchange>),
    /// More could be sent.
    WantsWrite {
        exchange: Rc<Exchange>,
        length: usize,
    },
    /// A write without bytes has had its turn.
    Written(Done),
}

/// See the module.
pub(in crate::bindings::http2) struct Shared {
    pub fields: Fields,
    pub padding: Padding,
    session_memory_max: u64,
    header_pairs_max: usize,
    pub events: RefCell<VecDeque<Event>>,
    exchanges: RefCell<HashMap<i32, Rc<Exchange>>>,
    /// What waits for the bytes that were given to send.
    pub written: RefCell<Vec<Done>>,
    /// Bytes that the session holds, beside nghttp2's own.
    charged: Cell<usize>,
    pub(super) memory: Rc<Memory>,
    pub is_closing: Cell<bool>,
    /// Whoever sends a GOAWAY now, it is not nghttp2 of its own.
    pub expects_goaway: Cell<bool>,
    pub goaway_was_sent: Cell<bool>,
    pub(super) rejected: Cell<u32>,
    pub(super) invalid: Cell<u32>,
    /// Why a callback has refused to go on.
    pub refusal: Cell<Option<&'static str>>,
    pub counts: Counts,
}

/// What performance observers are told.
#[derive(Default)]
pub(in crate::bindings::http2) struct Counts {
    pub frames_received: Cell<u64>,
    pub frames_sent: Cell<u64>,
    pub streams: Cell<u64>,
    pub streams_max: Cell<usize>,
}

impl Shared {
    pub fn new(options: &Options, fields: Fields) -> Shared {
        Shared {
            fields,
            padding: options.padding,
            session_memory_max: options.session_memory_max,
            header_pairs_max: options.header_pairs_max,
            events: RefCell::default(),
            exchanges: RefCell::default(),
            written: RefCell::default(),
            charged: Cell::new(0),
            memory: Rc::default(),
            is_closing: Cell::new(false),
            expects_goaway: Cell::new(false),
            goaway_was_sent: Cell::new(false),
            rejected: Cell::new(0),
            invalid: Cell::new(0),
            refusal: Cell::new(None),
            counts: Counts::default(),
        }
    }

    pub fn tell(&self, event: Event) {
        self.events.borrow_mut().push_back(event);
    }

    pub fn next_event(&self) -> Option<Event> {
        self.events.borrow_mut().pop_front()
    }

    pub fn find(&self, id: i32) -> Option<Rc<Exchange>> {
        self.exchanges.borrow().get(&id).cloned()
    }

    /// Begins a stream.
    pub fn begin(&self, id: i32, category: u32, header_bytes_max: u32) -> Rc<Exchange> {
        let most = usize::try_from(header_bytes_max.min(HEADER_BYTES_MAX)).unwrap_or(usize::MAX);
        let exchange = Rc::new(Exchange::new(id, category, self.header_pairs_max, most));
        self.charge(EXCHANGE_SIZE);
        self.counts.streams.set(self.counts.streams.get() + 1);
        let before = self.exchanges.borrow_mut().insert(id, exchange.clone());
        drop(before);
        let count = self.exchanges.borrow().len();
        self.counts.streams_max.set(self.counts.streams_max.get().max(count));
        exchange
    }

    /// Ends a stream: what comes for it from now on is nobody's.
    pub fn end(&self, exchange: &Exchange) -> bool {
        let Some(exchange) = self.exchanges.borrow_mut().remove(&exchange.id) else { return false };
        let headers = exchange.headers_size.replace(0).saturating_add(exchange.retained_size.replace(0));
        self.discharge(headers.saturating_add(exchange.available.get()).saturating_add(EXCHANGE_SIZE));
        true
    }

    /// Whether another stream may begin.
    pub fn takes_stream(&self, concurrent_max: u32) -> bool {
        let count = self.exchanges.borrow().len();
        usize::try_from(concurrent_max).is_ok_and(|most| count < most) && self.has_memory(EXCHANGE_SIZE)
    }

    pub fn charge(&self, bytes: usize) {
        self.charged.set(self.charged.get().saturating_add(bytes));
    }

    pub fn discharge(&self, bytes: usize) {
        self.charged.set(self.charged.get().saturating_sub(bytes));
    }

    /// Whether so many bytes more are not too much for the session.
    pub fn has_memory(&self, bytes: usize) -> bool {
        let total = [self.charged.get(), self.memory.used(), SESSION_SIZE]
            .iter()
            .fold(bytes, |sum, part| sum.saturating_add(*part));
        total as u64 <= self.session_memory_max
    }
}
