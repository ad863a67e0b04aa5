//! One request and its answer over a connection: drives the crate's state machine, and moves its bytes.

use ureq_proto::client::state::{RecvBody, RecvResponse, SendBody};
use ureq_proto::client::{
    Await100Result, Call, RecvBodyResult, RecvResponseResult, SendRequestResult, header_raw,
};
use ureq_proto::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use ureq_proto::{BodyMode, Error};

use crate::body::Body;
use crate::connection::{Clock, Connection};
use crate::failure::{self, Failure};

/// Bytes that the head of an answer may have, as curl's.
const HEAD_BYTES_MAX: usize = 300 * 1024;
/// Bytes of a body that are moved at once.
const CHUNK: usize = 64 * 1024;
/// How long it is waited for whether a body is wanted, in milliseconds, as by curl.
const EXPECT_MS: u32 = 1000;

/// What is asked for.
pub struct Asked<'a> {
    pub method: Method,
    pub uri: Uri,
    pub version: Version,
    pub headers: &'a [(String, Vec<u8>)],
    pub body: Option<&'a Body>,
}

/// The head of an answer.
pub struct Head {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
}

/// Who is told of what goes over the connection.
pub trait Watch {
    /// The head of a request.
    fn asked(&mut self, head: &[u8]);
    /// The head of an answer as it came, those that are not the last among them.
    fn answered(&mut self, head: &[u8]) -> Result<(), Failure>;
    /// So many bytes of a body were sent.
    fn sent(&mut self, bytes: usize);
}

/// An answer whose body is still to come.
pub struct Answer {
    state: State,
    received: u64,
    /// Whatever the answer says, there is no telling what the other end thinks of the connection.
    is_broken: bool,
}

enum State {
    Body(Box<Call<RecvBody>>),
    Done { closes: bool },
}

fn protocol(error: &Error) -> Failure {
    match error {
        Error::HttpParseTooManyHeaders => Failure::new(failure::RECEIVE, "Too many response headers"),
        Error::ChunkLenNotAscii | Error::ChunkLenNotANumber | Error::ChunkExpectedCrLf => {
            Failure::new(failure::RECEIVE, "Malformed encoding found in chunked-encoding")
        }
        error => Failure::new(failure::PROTOCOL, format!("Unsupported answer: {error}")),
    }
}

fn request(asked: &Asked<'_>) -> Result<Request<()>, Failure> {
    let mut builder =
        Request::builder().method(asked.method.clone()).uri(asked.uri.clone()).version(asked.version);
    for (name, value) in asked.headers {
        builder = header_raw(builder, name, value);
    }
    builder
        .body(())
        .map_err(|error| Failure::new(failure::ARGUMENT, format!("A header cannot be sent: {error}")))
}

/// Asks, and receives the head of the answer.
pub fn exchange(
    connection: &mut Connection,
    asked: &Asked<'_>,
    clock: &mut Clock,
    watch: &mut dyn Watch,
) -> Result<(Head, Answer), Failure> {
    let bad = |error: Error| Failure::new(failure::ARGUMENT, format!("The request cannot be sent: {error}"));
    let lines: usize = asked.headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let mut buffer = vec![0; lines + asked.uri.to_string().len() + 4096];
    let mut call = Call::new(request(asked)?).map_err(bad)?;
    call.allow_non_standard_methods(true);
    if asked.body.is_some() {
        call.force_send_body();
    }
    let mut call = call.proceed();
    let mut head = Vec::new();
    while !call.can_proceed() {
        let length = call.write(&mut buffer).map_err(bad)?;
        head.extend_from_slice(&buffer[..length]);
    }
    connection.send(&head, clock)?;
    watch.asked(&head);
    clock.times.asked = clock.elapsed();
    let mut is_broken = false;
    let call = match call.proceed().map_err(bad)? {
        None => return Err(Failure::new(failure::SEND, "The request was not sent")),
        Some(SendRequestResult::RecvResponse(call)) => call,
        Some(SendRequestResult::SendBody(call)) => {
            send_body(connection, call, asked, clock, watch, &mut is_broken)?
        }
        Some(SendRequestResult::Await100(mut call)) => {
            while call.can_keep_await_100() && connection.waits_to_be_received(clock, EXPECT_MS)? {
                if connection.input().is_empty() && connection.receive(clock, &nothing)? == 0 {
                    return Err(Failure::new(failure::EMPTY, "Empty reply from server"));
                }
                let used = call.try_read_100(connection.input()).map_err(|error| protocol(&error))?;
                if used > 0 {
                    watch.answered(&connection.input()[..used])?;
                    connection.take(used);
                } else if call.can_keep_await_100() && connection.receive(clock, &nothing)? == 0 {
                    return Err(Failure::new(failure::EMPTY, "Empty reply from server"));
                }
            }
            match call.proceed().map_err(bad)? {
                Await100Result::RecvResponse(call) => call,
                Await100Result::SendBody(call) => {
                    send_body(connection, call, asked, clock, watch, &mut is_broken)?
                }
            }
        }
    };
    receive_head(connection, call, clock, watch, is_broken)
}

fn nothing() -> String {
    "0 bytes received".to_owned()
}

/// Sends a body until its end, or until the other end answers.
fn send_body(
    connection: &mut Connection,
    mut call: Call<SendBody>,
    asked: &Asked<'_>,
    clock: &Clock,
    watch: &mut dyn Watch,
    is_broken: &mut bool,
) -> Result<Call<RecvResponse>, Failure> {
    let bad = |error: Error| Failure::new(failure::SEND, format!("The body cannot be sent: {error}"));
    let empty = Body::default();
    let mut reading = asked.body.unwrap_or(&empty).read();
    let (mut input, mut output) = (vec![0; CHUNK], vec![0; CHUNK + 64]);
    'all: while !call.can_proceed() {
        let most = call.calculate_max_input(output.len()).min(CHUNK);
        let length = reading.next(&mut input[..most])?;
        watch.sent(length);
        let mut rest = &input[..length];
        loop {
            let (used, made) = call.write(rest, &mut output).map_err(bad)?;
            rest = &rest[used..];
            let mut made = &output[..made];
            while !made.is_empty() {
                match connection.send_unless_answered(made, clock) {
                    Ok(Some(sent)) => made = &made[sent..],
                    Ok(None) if is_interim(connection, clock)? => {
                        connection.send(made, clock)?;
                        made = &[];
                    }
                    Ok(None) => {
                        *is_broken = true;
                        break 'all;
                    }
                    // It may have answered before it went.
                    Err(failure) if failure.code == failure::SEND => {
                        *is_broken = true;
                        break 'all;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        // It has become shorter than was told.
        if length == 0 && !call.can_proceed() {
            let text = "Failed to open/read local data from file/application";
            return Err(Failure::new(failure::READ, text));
        }
    }
    match call.can_proceed() {
        true => call.proceed().ok_or_else(|| Failure::new(failure::SEND, "The body was not sent")),
        // The state machine knows no answer before the end: one is received as if there had been no body.
        false => receiver(asked),
    }
}

/// Whether what has been answered is that the body is wanted.
fn is_interim(connection: &mut Connection, clock: &Clock) -> Result<bool, Failure> {
    if connection.input().is_empty() {
        connection.receive(clock, &nothing)?;
    }
    Ok(connection.input().starts_with(b"HTTP/1.1 1"))
}

fn receiver(asked: &Asked<'_>) -> Result<Call<RecvResponse>, Failure> {
    let bad = |_| Failure::new(failure::SEND, "The body was not sent");
    let request =
        Request::builder().method(asked.method.clone()).uri(asked.uri.clone()).header("content-length", "0");
    let request = request.body(()).map_err(|_| Failure::new(failure::SEND, "The body was not sent"))?;
    let mut call = Call::new(request).map_err(bad)?;
    call.allow_non_standard_methods(true);
    call.force_send_body();
    let mut call = call.proceed();
    let mut buffer = vec![0; asked.uri.to_string().len() + 4096];
    while !call.can_proceed() {
        call.write(&mut buffer).map_err(bad)?;
    }
    match call.proceed().map_err(bad)? {
        Some(SendRequestResult::RecvResponse(call)) => Ok(call),
        Some(SendRequestResult::SendBody(mut call)) => {
            call.write(&[], &mut buffer).map_err(bad)?;
            call.proceed().ok_or_else(|| Failure::new(failure::SEND, "The body was not sent"))
        }
        _ => Err(Failure::new(failure::SEND, "The body was not sent")),
    }
}

fn receive_head(
    connection: &mut Connection,
    mut call: Call<RecvResponse>,
    clock: &mut Clock,
    watch: &mut dyn Watch,
    is_broken: bool,
) -> Result<(Head, Answer), Failure> {
    let mut has_answered = false;
    // How far it is known that there is no end of a head.
    let mut looked = 0;
    loop {
        if !connection.input().is_empty() {
            if !has_answered {
                clock.times.answered = clock.elapsed();
                has_answered = true;
            }
            let input = connection.input();
            if !b"HTTP/1.".starts_with(&input[..input.len().min(7)]) {
                return Err(Failure::new(failure::PROTOCOL, "Received HTTP/0.9 when not allowed"));
            }
            if has_end(&input[looked..]) {
                let (used, response) = call.try_response(input, false).map_err(|error| protocol(&error))?;
                looked = 0;
                if used > 0 {
                    watch.answered(&connection.input()[..used])?;
                    connection.take(used);
                }
                if let Some(response) = response {
                    return Ok(answer(call, response, is_broken));
                }
                if used > 0 {
                    continue;
                }
            }
            looked = connection.input().len().saturating_sub(3);
            if connection.input().len() > HEAD_BYTES_MAX {
                let text =
                    format!("Too large response headers: {} > {HEAD_BYTES_MAX}", connection.input().len());
                return Err(Failure::new(failure::RECEIVE, text));
            }
        }
        if connection.receive(clock, &nothing)? == 0 {
            return Err(match connection.input().is_empty() {
                true => Failure::new(failure::EMPTY, "Empty reply from server"),
                false => Failure::new(failure::PARTIAL, "The head of the answer is not complete"),
            });
        }
    }
}

/// Whether an empty line is there, which ends a head: without one it need not be read again and again.
fn has_end(bytes: &[u8]) -> bool {
    let is_line = |rest: &[u8]| rest.starts_with(b"\n") || rest.starts_with(b"\r\n");
    bytes.iter().enumerate().any(|(at, byte)| *byte == b'\n' && is_line(&bytes[at + 1..]))
}

fn answer(call: Call<RecvResponse>, response: Response<()>, is_broken: bool) -> (Head, Answer) {
    let (parts, ()) = response.into_parts();
    let head = Head { status: parts.status, version: parts.version, headers: parts.headers };
    let state = match call.proceed() {
        Some(RecvResponseResult::RecvBody(call)) => State::Body(Box::new(call)),
        Some(RecvResponseResult::Redirect(call)) => State::Done { closes: call.must_close_connection() },
        Some(RecvResponseResult::Cleanup(call)) => State::Done { closes: call.must_close_connection() },
        None => State::Done { closes: true },
    };
    (head, Answer { state, received: 0, is_broken })
}

impl Answer {
    /// Bytes of the body, as they come; none at the end. `buffer` is where they are.
    pub fn read(
        &mut self,
        connection: &mut Connection,
        clock: &Clock,
        buffer: &mut [u8],
    ) -> Result<usize, Failure> {
        loop {
            let State::Body(call) = &mut self.state else { return Ok(0) };
            let (used, made) = call.read(connection.input(), buffer).map_err(|error| protocol(&error))?;
            connection.take(used);
            self.received += made as u64;
            if made > 0 {
                return Ok(made);
            }
            let mode = call.body_mode();
            let until_end = mode == BodyMode::CloseDelimited;
            if call.can_proceed() && !until_end {
                self.finish(false);
                return Ok(0);
            }
            if used > 0 && !connection.input().is_empty() {
                continue;
            }
            let received = self.received;
            let progress = || match mode {
                BodyMode::LengthDelimited(left) => {
                    format!("{received} out of {} bytes received", received + left)
                }
                _ => format!("{received} bytes received"),
            };
            if connection.receive(clock, &progress)? == 0 {
                if until_end || call.is_ended_chunked() {
                    self.finish(true);
                    return Ok(0);
                }
                return Err(Failure::new(
                    failure::PARTIAL,
                    match mode {
                        BodyMode::LengthDelimited(left) => {
                            format!("transfer closed with {left} bytes remaining to read")
                        }
                        _ => "transfer closed with outstanding read data remaining".to_owned(),
                    },
                ));
            }
        }
    }

    fn finish(&mut self, is_closed: bool) {
        let state = std::mem::replace(&mut self.state, State::Done { closes: true });
        let State::Body(call) = state else { return };
        let closes = match call.proceed() {
            Some(RecvBodyResult::Redirect(call)) => call.must_close_connection(),
            Some(RecvBodyResult::Cleanup(call)) => call.must_close_connection(),
            None => true,
        };
        self.state = State::Done { closes: closes || is_closed };
    }

    /// Whether another request may go over the connection.
    pub fn leaves_connection(&self) -> bool {
        !self.is_broken && matches!(self.state, State::Done { closes: false })
    }
}
