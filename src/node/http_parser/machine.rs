//! A parser of HTTP/1 as a state machine over bytes, wherever they are cut. It accepts and refuses what llhttp does, by the
//! same names of errors.

use std::rc::Rc;

use super::headers::{Framing, Name};
use super::protocol::{
    Answer, Failure, Head, Kind, Leniency, Methods, PAUSED, ParseError, Protocol, Refusal, Sink, Told,
};

/// Longest value of a header that is looked at here; longer ones frame no message.
const FRAMING_VALUE_MAX: usize = 8192;

/// Longest name of a header that is looked at here.
const NAME_MAX: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a message.
    Start,
    Method,
    BeforeUrl,
    Url,
    BeforeProtocol,
    Protocol,
    Major,
    Dot,
    Minor,
    AfterVersion,
    LineFeedAfterVersion,
    LineFeedAfterUrl,
    StatusCode,
    AfterStatusCode,
    Status,
    LineFeedAfterStatus,
    FieldStart,
    Field,
    ValueStart,
    LineFeedAfterEmptyValue,
    Value,
    LineFeedAfterValue,
    /// A line that begins with a space goes on with the value before.
    AfterValue,
    LineFeedAfterHeaders,
    /// Whoever is told knows the headers; what follows them has not been looked at.
    AfterHeaders,
    Body,
    BodyToTheEnd,
    ChunkSizeStart,
    ChunkSize,
    ExtensionName,
    ExtensionValue,
    ExtensionQuoted,
    LineFeedAfterChunkSize,
    ChunkData,
    AfterChunkData,
    LineFeedAfterChunkData,
    /// The peer has said that nothing follows.
    Closed,
    Failed(ParseError),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Machine {
    kind: Kind,
    leniency: Leniency,
    methods: Rc<Methods>,
    state: State,
    /// A method, a protocol's name, the name of a header: as far as it has come.
    word: Vec<u8>,
    /// The value of a header that frames the message.
    value: Vec<u8>,
    /// A piece of the value has been told.
    value_was_told: bool,
    /// A length was followed by a space.
    length_is_over: bool,
    name: Name,
    method: usize,
    major: u8,
    minor: u8,
    status: u16,
    status_digits: u8,
    framing: Framing,
    /// The URL has not come to the end of its scheme.
    in_scheme: bool,
    /// No header has come yet.
    is_first: bool,
    /// The name of a chunk's extension has not begun.
    is_bare: bool,
    /// Of the body or the chunk.
    left: u64,
    trailing: bool,
    upgrade: bool,
}

/// What goes on after a byte.
enum Step {
    /// The next byte.
    Next,
    /// The same byte, in the state that is set now.
    Again,
    /// No further byte is this protocol's.
    Stop,
}

const fn error(code: &'static str, reason: &'static str) -> ParseError {
    ParseError::new(code, reason)
}

const METHOD: ParseError = error("HPE_INVALID_METHOD", "Invalid method encountered");
const TOKEN: ParseError = error("HPE_INVALID_HEADER_TOKEN", "Invalid header token");
const CHUNK_SIZE: ParseError = error("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size");

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What the sink says of it, at so many bytes.
fn told<T>(answer: Told<T>, at: usize) -> Result<T, Failure> {
    answer.map_err(|refusal| match refusal {
        Refusal::Threw => Failure::Threw,
        Refusal::Gone => Failure::Gone,
        Refusal::Error(error) => Failure::Parse(at, error),
    })
}

impl Machine {
    pub fn new(kind: Kind, leniency: Leniency, methods: Rc<Methods>) -> Machine {
        Machine {
            kind,
            leniency,
            methods,
            state: State::Start,
            word: Vec::new(),
            value: Vec::new(),
            value_was_told: false,
            length_is_over: false,
            name: Name::Other,
            method: 0,
            major: 0,
            minor: 0,
            status: 0,
            status_digits: 0,
            framing: Framing::default(),
            in_scheme: false,
            is_first: true,
            is_bare: true,
            left: 0,
            trailing: false,
            upgrade: false,
        }
    }

    fn is_connect(&self) -> bool {
        self.kind == Kind::Request
            && self.methods.all.get(self.method).is_some_and(|method| method == "CONNECT")
    }

    /// Only the end of the connection ends the message.
    fn needs_end(&self) -> bool {
        let framing = &self.framing;
        if self.kind == Kind::Request || matches!(self.status, 100..=199 | 204 | 304) || framing.skip_body {
            return false;
        }
        if framing.transfer_encoding && !framing.chunked {
            return true;
        }
        !(framing.chunked || framing.content_length.is_some())
    }

    fn keeps_alive(&self) -> bool {
        let framing = &self.framing;
        let wanted = if self.major > 0 && self.minor > 0 { !framing.closes } else { framing.keeps_alive };
        wanted && !self.needs_end()
    }

    fn version_is_known(&self) -> bool {
        self.leniency.version() || matches!((self.major, self.minor), (0, 9) | (1, 0) | (1, 1) | (2, 0))
    }

    /// Runs of bytes that only have to be passed on.
    fn run(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) -> Result<Option<usize>, Failure> {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match self.state {
            State::Url => rest.iter().position(|byte| !byte.is_ascii_graphic()).unwrap_or(rest.len()),
            State::Status => rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len()),
            State::Field => rest.iter().position(|byte| !is_token(*byte)).unwrap_or(rest.len()),
            State::Value => {
                let relaxed = self.leniency.header_value();
                let ends = |byte: u8| match byte {
                    b'\r' | b'\n' | 0 => true,
                    b'\t' | b' '..=b'~' | 0x80.. => false,
                    _ => !relaxed,
                };
                rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len())
            }
            State::Body | State::ChunkData => {
                usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len())
            }
            State::BodyToTheEnd => rest.len(),
            _ => return Ok(None),
        };
        let piece = rest.get(..length).unwrap_or_default();
        if piece.is_empty() {
            return Ok(None);
        }
        let end = at + length;
        // Where a piece ends within the bytes, its error is told of behind what ends it.
        let position = (end + 1).min(bytes.len());
        match self.state {
            State::Url => {
                if self.in_scheme {
                    let colon = piece.iter().position(|byte| *byte == b':');
                    let scheme = piece.get(..colon.unwrap_or(length)).unwrap_or_default();
                    if let Some(other) = scheme.iter().position(|byte| !byte.is_ascii_alphabetic()) {
                        let unexpected = error("HPE_INVALID_URL", "Unexpected char in url schema");
                        return Err(Failure::Parse(at + other, unexpected));
                    }
                    self.in_scheme = colon.is_none();
                }
                told(sink.url(piece), position)?;
            }
            State::Status => told(sink.status(piece), position)?,
            State::Field => {
                let room = NAME_MAX.saturating_sub(self.word.len());
                self.word.extend(piece.iter().take(room.min(piece.len())));
                if piece.len() > room {
                    // No name that is looked at is that long.
                    self.word.fill(b' ');
                }
                told(sink.field(piece), position)?;
            }
            State::Value => {
                if self.name == Name::ContentLength {
                    for (index, byte) in piece.iter().enumerate() {
                        self.length_byte(*byte).map_err(|error| {
                            let behind = usize::from(error.reason == "Content-Length overflow");
                            Failure::Parse(at + index + behind, error)
                        })?;
                    }
                } else if self.name != Name::Other {
                    let room = FRAMING_VALUE_MAX.saturating_sub(self.value.len());
                    self.value.extend(piece.iter().take(room));
                }
                self.value_was_told = true;
                told(sink.value(piece), position)?;
            }
            State::Body | State::ChunkData => {
                self.left -= length as u64;
                told(sink.body(piece), end)?;
            }
            _ => told(sink.body(piece), end)?,
        }
        Ok(Some(end))
    }

    fn length_byte(&mut self, byte: u8) -> Result<(), ParseError> {
        match byte {
            b' ' | b'\t' if self.framing.content_length.is_some() => {
                self.length_is_over = true;
                Ok(())
            }
            _ if self.length_is_over => Err(Framing::no_digit()),
            _ => self.framing.length_digit(byte),
        }
    }

    /// One byte, in a state that is no run.
    fn step(&mut self, byte: u8, at: usize, sink: &mut dyn Sink) -> Result<Step, Failure> {
        let fail = |error: ParseError| Err(Failure::Parse(at, error));
        // Where the byte itself was read already.
        let behind = |error: ParseError| Err(Failure::Parse(at + 1, error));
        match self.state {
            State::Start => match byte {
                b'\r' | b'\n' => {}
                _ => {
                    self.begin();
                    self.state = if self.kind == Kind::Request { State::Method } else { State::Protocol };
                    told(sink.message_begin(), at)?;
                    return Ok(Step::Again);
                }
            },
            State::Method => return self.method_byte(byte, at),
            State::BeforeUrl => match byte {
                b' ' => {}
                _ if matches!(byte, b'/' | b'*') || (self.is_connect() && byte > b' ' && byte != 0x7f) => {
                    self.state = State::Url;
                    return Ok(Step::Again);
                }
                _ if byte.is_ascii_alphabetic() => {
                    self.in_scheme = true;
                    self.state = State::Url;
                    return Ok(Step::Again);
                }
                b'\r' | b'\n' => return behind(error("HPE_INVALID_URL", "Invalid characters in url")),
                _ => return fail(error("HPE_INVALID_URL", "Unexpected start char in url")),
            },
            State::Url => match byte {
                b' ' | b'\r' | b'\n' if self.in_scheme => {
                    return behind(error("HPE_INVALID_URL", "Invalid characters in url"));
                }
                b' ' => self.state = State::BeforeProtocol,
                // As before there were versions.
                b'\r' | b'\n' => {
                    (self.major, self.minor) = (0, 9);
                    self.state = State::LineFeedAfterUrl;
                    if byte == b'\n' {
                        return Ok(Step::Again);
                    }
                }
                b'\t' | 0x0c => return behind(error("HPE_INVALID_URL", "Invalid characters in url")),
                _ => return fail(error("HPE_INVALID_URL", "Invalid char in url path")),
            },
            State::LineFeedAfterUrl => {
                if byte != b'\n' {
                    return fail(error("HPE_INVALID_URL", "Expected CRLF"));
                }
                self.state = State::FieldStart;
            }
            State::BeforeProtocol => {
                if byte != b' ' {
                    self.word.clear();
                    self.state = State::Protocol;
                    return Ok(Step::Again);
                }
            }
            State::Protocol => return self.protocol_byte(byte, at),
            State::Major => {
                if !byte.is_ascii_digit() {
                    return fail(error("HPE_INVALID_VERSION", "Invalid major version"));
                }
                self.major = byte - b'0';
                self.state = State::Dot;
            }
            State::Dot => {
                if byte != b'.' {
                    return fail(error("HPE_INVALID_VERSION", "Expected dot"));
                }
                self.state = State::Minor;
            }
            State::Minor => {
                if !byte.is_ascii_digit() {
                    return fail(error("HPE_INVALID_VERSION", "Invalid minor version"));
                }
                self.minor = byte - b'0';
                if !self.version_is_known() {
                    return Err(Failure::Parse(at + 1, error("HPE_INVALID_VERSION", "Invalid HTTP version")));
                }
                self.state = State::AfterVersion;
            }
            State::AfterVersion => return self.after_version(byte, at),
            State::LineFeedAfterVersion => {
                self.state = State::FieldStart;
                if byte != b'\n' {
                    if !self.leniency.optional_lf_after_cr() {
                        return fail(error("HPE_STRICT", "Expected CRLF after version"));
                    }
                    return Ok(Step::Again);
                }
            }
            State::StatusCode => {
                if !byte.is_ascii_digit() {
                    return fail(error("HPE_INVALID_STATUS", "Invalid status code"));
                }
                self.status = self.status * 10 + u16::from(byte - b'0');
                self.status_digits += 1;
                if self.status_digits == 3 {
                    self.state = State::AfterStatusCode;
                }
            }
            State::AfterStatusCode => match byte {
                b' ' => self.state = State::Status,
                b'\r' | b'\n' => {
                    self.state = State::Status;
                    return Ok(Step::Again);
                }
                _ => return fail(error("HPE_INVALID_STATUS", "Invalid response status")),
            },
            State::Status => match byte {
                b'\r' => self.state = State::LineFeedAfterStatus,
                _ if self.leniency.optional_cr_before_lf() => self.state = State::FieldStart,
                _ => return behind(error("HPE_CR_EXPECTED", "Missing expected CR after response line")),
            },
            State::LineFeedAfterStatus => {
                self.state = State::FieldStart;
                if byte != b'\n' {
                    if !self.leniency.optional_lf_after_cr() {
                        return fail(error("HPE_STRICT", "Expected LF after CR"));
                    }
                    return Ok(Step::Again);
                }
            }
            State::FieldStart
            | State::Field
            | State::ValueStart
            | State::LineFeedAfterEmptyValue
            | State::Value
            | State::LineFeedAfterValue
            | State::AfterValue
            | State::LineFeedAfterHeaders => return self.header_byte(byte, at, sink),
            // Not asked about single bytes.
            State::AfterHeaders | State::Body | State::BodyToTheEnd => {}
            State::ChunkSizeStart
            | State::ChunkSize
            | State::ExtensionName
            | State::ExtensionValue
            | State::ExtensionQuoted
            | State::LineFeedAfterChunkSize
            | State::ChunkData
            | State::AfterChunkData
            | State::LineFeedAfterChunkData => return self.chunk_byte(byte, at, sink),
            State::Closed => match byte {
                b'\r' | b'\n' => {}
                _ if self.leniency.data_after_close() => {
                    self.state = State::Start;
                    return Ok(Step::Again);
                }
                _ => {
                    let closed = error("HPE_CLOSED_CONNECTION", "Data after `Connection: close`");
                    return Err(Failure::Parse(at + 1, closed));
                }
            },
            State::Failed(error) => return fail(error),
        }
        Ok(Step::Next)
    }

    fn begin(&mut self) {
        self.word.clear();
        self.value.clear();
        self.framing = Framing::default();
        self.method = 0;
        self.status = 0;
        self.status_digits = 0;
        self.in_scheme = false;
        self.is_first = true;
        self.trailing = false;
        self.upgrade = false;
    }

    fn method_byte(&mut self, byte: u8, at: usize) -> Result<Step, Failure> {
        if byte == b' '
            && let Some(method) = self.methods.all.iter().position(|name| name.as_bytes() == self.word)
        {
            self.method = method;
            self.state = State::BeforeUrl;
            return Ok(Step::Next);
        }
        self.word.push(byte);
        let known = self.methods.all.iter().any(|name| name.as_bytes().starts_with(&self.word));
        if known {
            return Ok(Step::Next);
        }
        self.word.pop();
        if self.methods.all.iter().any(|name| name.as_bytes() == self.word) {
            return Err(Failure::Parse(at, error("HPE_INVALID_METHOD", "Expected space after method")));
        }
        Err(Failure::Parse(at, METHOD))
    }

    fn protocol_byte(&mut self, byte: u8, at: usize) -> Result<Step, Failure> {
        self.word.push(byte);
        let expected = error("HPE_INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/");
        if !b"HTTP/".starts_with(&self.word) {
            return Err(Failure::Parse(at, expected));
        }
        if self.word.len() == 5 {
            let method = self.methods.all.get(self.method);
            let is_http = method.is_some_and(|method| method == "PRI" || self.methods.http.contains(method));
            if self.kind == Kind::Request && !is_http {
                let other = error("HPE_INVALID_CONSTANT", "Invalid method for HTTP/x.x request");
                return Err(Failure::Parse(at, other));
            }
            self.state = State::Major;
        }
        Ok(Step::Next)
    }

    fn after_version(&mut self, byte: u8, at: usize) -> Result<Step, Failure> {
        if self.kind == Kind::Response {
            if byte != b' ' {
                return Err(Failure::Parse(at, error("HPE_INVALID_VERSION", "Expected space after version")));
            }
            self.state = State::StatusCode;
            return Ok(Step::Next);
        }
        self.state = match byte {
            b'\r' => State::LineFeedAfterVersion,
            b'\n' if self.leniency.optional_cr_before_lf() => State::FieldStart,
            _ => {
                let at = if byte == b'\n' { at + 1 } else { at };
                return Err(Failure::Parse(at, error("HPE_INVALID_VERSION", "Expected CRLF after version")));
            }
        };
        Ok(Step::Next)
    }

    fn header_byte(&mut self, byte: u8, at: usize, sink: &mut dyn Sink) -> Result<Step, Failure> {
        let fail = |error: ParseError| Err(Failure::Parse(at, error));
        let behind = |error: ParseError| Err(Failure::Parse(at + 1, error));
        match self.state {
            State::FieldStart => match byte {
                b' ' if self.is_first && !self.leniency.headers() => {
                    return behind(error("HPE_UNEXPECTED_SPACE", "Unexpected space after start line"));
                }
                b' ' | b'\t' if self.is_first => {}
                b'\r' => self.state = State::LineFeedAfterHeaders,
                b'\n' if self.leniency.optional_cr_before_lf() => return self.headers_complete(at + 1, sink),
                b'\n' => return behind(error("HPE_INVALID_HEADER_TOKEN", "Invalid header field char")),
                _ if is_token(byte) => {
                    self.word.clear();
                    self.value.clear();
                    self.is_first = false;
                    self.state = State::Field;
                    return Ok(Step::Again);
                }
                _ => return fail(TOKEN),
            },
            State::Field => match byte {
                b':' => {
                    self.name = Name::of(&self.word);
                    self.value_was_told = false;
                    self.length_is_over = false;
                    self.state = State::ValueStart;
                    self.framing
                        .begin(self.name, self.leniency)
                        .map_err(|error| Failure::Parse(at + 1, error))?;
                }
                _ => return fail(TOKEN),
            },
            State::ValueStart => match byte {
                b' ' | b'\t' => {}
                b'\r' => self.state = State::LineFeedAfterEmptyValue,
                b'\n' if !self.leniency.optional_cr_before_lf() => {
                    return behind(error("HPE_INVALID_HEADER_TOKEN", "Invalid header value char"));
                }
                b'\n' => {
                    self.state = State::AfterValue;
                }
                _ if self.name == Name::ContentLength && self.framing.content_length.is_some() => {
                    return fail(error("HPE_UNEXPECTED_CONTENT_LENGTH", "Duplicate Content-Length"));
                }
                _ => {
                    // Without a value it asks for nothing.
                    self.framing.upgrade |= self.name == Name::Upgrade;
                    self.state = State::Value;
                    return Ok(Step::Again);
                }
            },
            State::Value => match byte {
                b'\r' => self.state = State::LineFeedAfterValue,
                b'\n' if self.leniency.optional_cr_before_lf() => self.state = State::AfterValue,
                b'\n' => return fail(error("HPE_CR_EXPECTED", "Missing expected CR after header value")),
                _ => return fail(error("HPE_INVALID_HEADER_TOKEN", "Invalid header value char")),
            },
            State::LineFeedAfterEmptyValue | State::LineFeedAfterValue => {
                let empty = self.state == State::LineFeedAfterEmptyValue;
                self.state = State::AfterValue;
                if byte != b'\n' {
                    if !self.leniency.optional_lf_after_cr() {
                        let reason = if empty {
                            "Expected LF after CR"
                        } else {
                            "Missing expected LF after header value"
                        };
                        return fail(error(if empty { "HPE_STRICT" } else { "HPE_LF_EXPECTED" }, reason));
                    }
                    return Ok(Step::Again);
                }
            }
            State::AfterValue => {
                if matches!(byte, b' ' | b'\t') {
                    if !self.leniency.headers() {
                        let folded =
                            error("HPE_INVALID_HEADER_TOKEN", "Unexpected whitespace after header value");
                        return fail(folded);
                    }
                    self.state = State::Value;
                    return Ok(Step::Again);
                }
                self.value_complete(at, sink)?;
                self.state = State::FieldStart;
                return Ok(Step::Again);
            }
            State::LineFeedAfterHeaders => {
                if byte != b'\n' && !self.leniency.optional_lf_after_cr() {
                    return fail(error("HPE_STRICT", "Expected LF after headers"));
                }
                return self.headers_complete(at + 1, sink);
            }
            _ => {}
        }
        Ok(Step::Next)
    }

    fn value_complete(&mut self, at: usize, sink: &mut dyn Sink) -> Result<(), Failure> {
        if !self.value_was_told {
            if self.name == Name::ContentLength {
                let empty = error("HPE_INVALID_CONTENT_LENGTH", "Empty Content-Length");
                return Err(Failure::Parse(at, empty));
            }
            if self.name == Name::TransferEncoding {
                let empty = error("HPE_INVALID_TRANSFER_ENCODING", "Empty Transfer-Encoding");
                return Err(Failure::Parse(at, empty));
            }
            told(sink.value(&[]), at)?;
        }
        let value = std::mem::take(&mut self.value);
        let strict = self.kind == Kind::Request && !self.leniency.transfer_encoding();
        self.framing.end(self.name, &value, strict).map_err(|error| Failure::Parse(at, error))
    }

    /// An empty line: of the headers, or of those behind the last chunk.
    fn headers_complete(&mut self, at: usize, sink: &mut dyn Sink) -> Result<Step, Failure> {
        if self.trailing {
            told(sink.chunk_complete(), at)?;
            return self.complete_before(at, sink);
        }
        let is_preface = self.kind == Kind::Request
            && self.methods.all.get(self.method).is_some_and(|method| method == "PRI");
        if is_preface {
            return Err(Failure::Parse(at, error("HPE_PAUSED_H2_UPGRADE", "Pause on PRI/Upgrade")));
        }
        let framing = self.framing;
        self.upgrade = if framing.upgrade && framing.connection_upgrade {
            self.kind == Kind::Request || self.status == 101
        } else {
            self.is_connect()
        };
        let head = Head {
            major: self.major,
            minor: self.minor,
            method: self.method,
            status: self.status,
            upgrade: self.upgrade,
            keep_alive: self.keeps_alive(),
        };
        self.state = State::AfterHeaders;
        match told(sink.headers_complete(&head), at)? {
            Answer::Go => {}
            Answer::NoBody => self.framing.skip_body = true,
            Answer::Upgrade => self.upgrade = true,
        }
        Ok(Step::Next)
    }

    /// What follows the headers, and the message's end if nothing does.
    fn after_headers(&mut self, at: usize, sink: &mut dyn Sink) -> Result<Step, Failure> {
        let framing = self.framing;
        let has_body = framing.chunked || framing.content_length.is_some_and(|length| length > 0);
        if self.upgrade && (self.is_connect() || framing.skip_body || !has_body) {
            return self.complete_before(at, sink);
        }
        let has_none = self.kind == Kind::Response && matches!(self.status, 100..=199 | 204 | 304);
        if framing.skip_body || has_none {
            return self.complete_before(at, sink);
        }
        if framing.chunked {
            self.state = State::ChunkSizeStart;
            return Ok(Step::Next);
        }
        if framing.transfer_encoding {
            if self.kind == Kind::Request
                && !self.leniency.chunked_length()
                && !self.leniency.transfer_encoding()
            {
                let invalid =
                    error("HPE_INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`");
                return Err(Failure::Parse(at, invalid));
            }
            self.state = State::BodyToTheEnd;
            return Ok(Step::Next);
        }
        match framing.content_length {
            None if self.needs_end() => self.state = State::BodyToTheEnd,
            None | Some(0) => return self.complete_before(at, sink),
            Some(length) => {
                self.left = length;
                self.state = State::Body;
            }
        }
        Ok(Step::Next)
    }

    fn chunk_byte(&mut self, byte: u8, at: usize, sink: &mut dyn Sink) -> Result<Step, Failure> {
        let fail = |error: ParseError| Err(Failure::Parse(at, error));
        let behind = |error: ParseError| Err(Failure::Parse(at + 1, error));
        match self.state {
            State::ChunkSizeStart => {
                let Some(digit) = char::from(byte).to_digit(16) else { return fail(CHUNK_SIZE) };
                self.left = u64::from(digit);
                self.state = State::ChunkSize;
            }
            State::ChunkSize => match (char::from(byte).to_digit(16), byte) {
                (Some(digit), _) => {
                    let longer = self.left.checked_mul(16).and_then(|l| l.checked_add(u64::from(digit)));
                    let Some(longer) = longer else {
                        return behind(error("HPE_INVALID_CHUNK_SIZE", "Chunk size overflow"));
                    };
                    self.left = longer;
                }
                (None, b'\r') => self.state = State::LineFeedAfterChunkSize,
                (None, b'\n') if self.leniency.optional_cr_before_lf() => {
                    self.state = State::LineFeedAfterChunkSize;
                    return Ok(Step::Again);
                }
                (None, b'\n') => {
                    return behind(error("HPE_CR_EXPECTED", "Missing expected CR after chunk size"));
                }
                (None, b';') => self.begin_extension(),
                (None, b' ') if self.leniency.spaces_after_chunk_size() => {}
                _ => return behind(CHUNK_SIZE),
            },
            State::ExtensionName => match byte {
                _ if is_token(byte) => {
                    self.is_bare = false;
                    told(sink.chunk_extension(&[byte]), at + 1)?;
                }
                _ if self.is_bare => {
                    return behind(error("HPE_STRICT", "Invalid character in chunk extensions"));
                }
                b'=' => self.state = State::ExtensionValue,
                b';' => self.begin_extension(),
                b'\r' => self.state = State::LineFeedAfterChunkSize,
                b'\n' if self.leniency.optional_cr_before_lf() => {
                    self.state = State::LineFeedAfterChunkSize;
                    return Ok(Step::Again);
                }
                b'\n' => {
                    let absent = error("HPE_CR_EXPECTED", "Missing expected CR after chunk extension name");
                    return fail(absent);
                }
                _ => return behind(error("HPE_STRICT", "Invalid character in chunk extensions name")),
            },
            State::ExtensionValue => match byte {
                b'"' => self.state = State::ExtensionQuoted,
                _ if is_token(byte) => told(sink.chunk_extension(&[byte]), at + 1)?,
                b';' => self.begin_extension(),
                b'\r' => self.state = State::LineFeedAfterChunkSize,
                b'\n' if self.leniency.optional_cr_before_lf() => {
                    self.state = State::LineFeedAfterChunkSize;
                    return Ok(Step::Again);
                }
                b'\n' => {
                    let absent = error("HPE_CR_EXPECTED", "Missing expected CR after chunk extension value");
                    return fail(absent);
                }
                _ => return behind(error("HPE_STRICT", "Invalid character in chunk extensions value")),
            },
            State::ExtensionQuoted => match byte {
                b'"' => self.state = State::ExtensionValue,
                b'\t' | b' '..=b'~' | 0x80.. => told(sink.chunk_extension(&[byte]), at + 1)?,
                _ => {
                    let invalid = error("HPE_STRICT", "Invalid character in chunk extensions quoted value");
                    return behind(invalid);
                }
            },
            State::LineFeedAfterChunkSize => {
                let absent = byte != b'\n';
                if absent && !self.leniency.optional_lf_after_cr() {
                    return fail(error("HPE_STRICT", "Expected LF after chunk size"));
                }
                told(sink.chunk_header(), at + 1)?;
                if self.left == 0 {
                    self.trailing = true;
                    self.state = State::FieldStart;
                } else {
                    self.state = State::ChunkData;
                }
                if absent {
                    return Ok(Step::Again);
                }
            }
            State::ChunkData => {
                self.state = State::AfterChunkData;
                return Ok(Step::Again);
            }
            State::AfterChunkData => match byte {
                b'\r' => self.state = State::LineFeedAfterChunkData,
                b'\n' if self.leniency.optional_cr_before_lf() => {
                    self.state = State::ChunkSizeStart;
                    told(sink.chunk_complete(), at + 1)?;
                }
                _ if self.leniency.optional_crlf_after_chunk() => {
                    self.state = State::ChunkSizeStart;
                    told(sink.chunk_complete(), at)?;
                    return Ok(Step::Again);
                }
                _ => return fail(error("HPE_STRICT", "Expected LF after chunk data")),
            },
            State::LineFeedAfterChunkData => {
                if byte != b'\n' && !self.leniency.optional_lf_after_cr() {
                    return fail(error("HPE_STRICT", "Expected LF after chunk data"));
                }
                self.state = State::ChunkSizeStart;
                told(sink.chunk_complete(), at + 1)?;
                if byte != b'\n' {
                    return Ok(Step::Again);
                }
            }
            _ => {}
        }
        Ok(Step::Next)
    }

    fn begin_extension(&mut self) {
        self.is_bare = true;
        self.state = State::ExtensionName;
    }

    /// The message is over; the byte at hand is its last.
    fn complete_before(&mut self, at: usize, sink: &mut dyn Sink) -> Result<Step, Failure> {
        let goes_on = self.keeps_alive() || self.leniency.keep_alive();
        self.state = if goes_on || self.upgrade { State::Start } else { State::Closed };
        told(sink.message_complete(), at)?;
        Ok(if self.upgrade { Step::Stop } else { Step::Next })
    }
}

impl Protocol for Machine {
    fn execute(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<usize, Failure> {
        let mut at = 0;
        let run = self.execute_from(bytes, &mut at, sink);
        match run {
            // It goes on where it stands.
            Err(Failure::Parse(_, PAUSED)) => {}
            Err(Failure::Parse(_, error)) => self.state = State::Failed(error),
            Ok(()) | Err(Failure::Threw | Failure::Gone) => {}
        }
        run.map(|()| at)
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        match self.state {
            // Who was told of an error need not be told again.
            State::Start | State::Closed | State::Failed(_) => Ok(()),
            State::BodyToTheEnd => {
                self.state = State::Closed;
                told(sink.message_complete(), 0)
            }
            _ => Err(Failure::Parse(0, error("HPE_INVALID_EOF_STATE", "Invalid EOF state"))),
        }
    }

    fn is_upgraded(&self) -> bool {
        self.upgrade
    }
}

impl Machine {
    fn execute_from(&mut self, bytes: &[u8], at: &mut usize, sink: &mut dyn Sink) -> Result<(), Failure> {
        loop {
            if let Some(end) = self.run(bytes, *at, sink)? {
                *at = end;
            }
            // What the bytes so far say is so, whether more come or not.
            let step = match self.state {
                State::AfterHeaders => self.after_headers(*at, sink)?,
                State::Body if self.left == 0 => self.complete_before(*at, sink)?,
                _ => Step::Again,
            };
            match step {
                Step::Next => continue,
                Step::Stop => return Ok(()),
                Step::Again => {}
            }
            let Some(byte) = bytes.get(*at) else { return Ok(()) };
            match self.step(*byte, *at, sink)? {
                Step::Next => *at += 1,
                Step::Again => {}
                Step::Stop => {
                    // Complete with this byte.
                    *at += 1;
                    return Ok(());
                }
            }
        }
    }
}
