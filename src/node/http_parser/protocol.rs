//! What a parser of the protocol is asked and what it tells.

/// Which side's messages are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

/// What of the protocol's rules is not insisted upon: the bits are those of `HTTPParser`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leniency(pub u32);

impl Leniency {
    const HEADERS: u32 = 1;
    const CHUNKED_LENGTH: u32 = 1 << 1;
    const KEEP_ALIVE: u32 = 1 << 2;
    const TRANSFER_ENCODING: u32 = 1 << 3;
    const VERSION: u32 = 1 << 4;
    const DATA_AFTER_CLOSE: u32 = 1 << 5;
    const OPTIONAL_LF_AFTER_CR: u32 = 1 << 6;
    const OPTIONAL_CRLF_AFTER_CHUNK: u32 = 1 << 7;
    const OPTIONAL_CR_BEFORE_LF: u32 = 1 << 8;
    const SPACES_AFTER_CHUNK_SIZE: u32 = 1 << 9;
    const HEADER_VALUE_RELAXED: u32 = 1 << 10;

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    pub fn headers(self) -> bool {
        self.has(Self::HEADERS)
    }

    pub fn chunked_length(self) -> bool {
        self.has(Self::CHUNKED_LENGTH)
    }

    pub fn keep_alive(self) -> bool {
        self.has(Self::KEEP_ALIVE)
    }

    pub fn transfer_encoding(self) -> bool {
        self.has(Self::TRANSFER_ENCODING)
    }

    pub fn version(self) -> bool {
        self.has(Self::VERSION)
    }

    pub fn data_after_close(self) -> bool {
        self.has(Self::DATA_AFTER_CLOSE)
    }

    pub fn optional_lf_after_cr(self) -> bool {
        self.has(Self::OPTIONAL_LF_AFTER_CR)
    }

    pub fn optional_crlf_after_chunk(self) -> bool {
        self.has(Self::OPTIONAL_CRLF_AFTER_CHUNK)
    }

    pub fn optional_cr_before_lf(self) -> bool {
        self.has(Self::OPTIONAL_CR_BEFORE_LF)
    }

    pub fn spaces_after_chunk_size(self) -> bool {
        self.has(Self::SPACES_AFTER_CHUNK_SIZE)
    }

    pub fn header_value(self) -> bool {
        self.has(Self::HEADER_VALUE_RELAXED) || self.headers()
    }
}

/// Methods, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Methods {
    pub all: Vec<String>,
    /// Those of HTTP; the others are of protocols like it.
    pub http: Vec<String>,
}

/// What is known of a message once its headers are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub major: u8,
    pub minor: u8,
    /// Its number.
    pub method: usize,
    pub status: u16,
    pub upgrade: bool,
    pub keep_alive: bool,
}

/// What is to become of a message whose headers are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// As they say.
    Go,
    /// It has no body, whatever they say.
    NoBody,
    /// What follows is another protocol's.
    Upgrade,
}

/// Something that is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub code: &'static str,
    pub reason: &'static str,
}

impl ParseError {
    pub const fn new(code: &'static str, reason: &'static str) -> ParseError {
        ParseError { code, reason }
    }
}

/// A sink wants no more for now: what follows is read as if there had been no break.
pub(crate) const PAUSED: ParseError = ParseError::new("HPE_PAUSED", "Paused");

/// Why parsing has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The sink has thrown.
    Threw,
    /// Nobody is interested any more.
    Gone,
    /// At so many bytes.
    Parse(usize, ParseError),
}

/// Why a sink wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Threw,
    /// Nobody is interested any more.
    Gone,
    Error(ParseError),
}

pub(crate) type Told<T = ()> = Result<T, Refusal>;

/// Is told of messages. Texts come in pieces, one after the other.
pub(crate) trait Sink {
    fn message_begin(&mut self) -> Told;
    fn url(&mut self, piece: &[u8]) -> Told;
    fn status(&mut self, piece: &[u8]) -> Told;
    fn field(&mut self, piece: &[u8]) -> Told;
    /// A value may be empty: then one piece of it is.
    fn value(&mut self, piece: &[u8]) -> Told;
    fn headers_complete(&mut self, head: &Head) -> Told<Answer>;
    fn body(&mut self, piece: &[u8]) -> Told;
    fn chunk_extension(&mut self, piece: &[u8]) -> Told;
    fn chunk_header(&mut self) -> Told;
    fn chunk_complete(&mut self) -> Told;
    fn message_complete(&mut self) -> Told;
}

/// Reads messages, one after the other.
pub(crate) trait Protocol {
    /// Reads bytes: how many of them, which are all unless another protocol's follow.
    fn execute(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<usize, Failure>;

    /// No more bytes will come.
    fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Failure>;

    /// What has been read last asks for another protocol.
    fn is_upgraded(&self) -> bool;
}
