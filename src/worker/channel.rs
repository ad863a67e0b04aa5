//! The worker's end of the broker channel. It is standard input.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;

use protocol::broker::{FromWorker, ToWorker};
use protocol::descriptor::receive_with_descriptors;
use protocol::wire::{ErrorData, FRAME_BYTES_MAX, FrameDecoder, code, decode, encode_frame};

/// Bytes taken from the channel at once.
const READ_BYTES: usize = 64 * 1024;

/// How often, and after what pauses, a dying process tries to say why.
const LAST_ATTEMPTS: u32 = 1000;
const LAST_PAUSE: Duration = Duration::from_millis(1);

/// Takes the channel over from standard input.
pub(super) fn open() -> io::Result<(Sender, Receiver)> {
    open_with(vec![0; READ_BYTES])
}

/// Likewise in a process that was forked, with the buffer of the channel before: a new one would be memory of this
/// process's own from its first moment.
pub(super) fn open_with(buffer: Vec<u8>) -> io::Result<(Sender, Receiver)> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::net::getsockname(&socket)?;
    let sender = Sender::new(UnixStream::from(socket.try_clone()?));
    let receiver = Receiver { socket, decoder: FrameDecoder::new(), buffer, descriptors: VecDeque::new() };
    Ok((sender, receiver))
}

/// Sends messages, from any thread. Blocks while the supervisor does not read; credit bounds how much of that a guest
/// can cause.
pub(super) struct Sender {
    socket: Mutex<UnixStream>,
}

impl Sender {
    pub(super) fn new(socket: UnixStream) -> Sender {
        Sender { socket: Mutex::new(socket) }
    }

    /// Sends a message. When the supervisor is gone the reading thread notices.
    pub(super) fn send(&self, message: &FromWorker) {
        let frame = match encode_frame(message) {
            Ok(frame) => frame,
            Err(_) => {
                // Only an answer can be that long.
                let FromWorker::Response { id, .. } = message else { return };
                let error =
                    ErrorData::new(code::LIMIT, format!("the answer is longer than {FRAME_BYTES_MAX} bytes"));
                let Ok(frame) = encode_frame(&FromWorker::Response { id: *id, response: Err(error) }) else {
                    return;
                };
                frame
            }
        };
        self.send_frame(&frame);
    }

    /// Sends a message that has been encoded before.
    pub(super) fn send_frame(&self, frame: &[u8]) {
        let _ = self.socket.lock().write_all(frame);
    }

    /// Sends a frame before the process ends, without allocating. Gives up if another thread is in the middle of one for
    /// too long.
    pub(super) fn send_last(&self, frame: &[u8]) {
        for _ in 0..LAST_ATTEMPTS {
            if let Some(mut socket) = self.socket.try_lock() {
                let _ = socket.write_all(frame);
                return;
            }
            std::thread::sleep(LAST_PAUSE);
        }
    }
}

/// Receives messages, on one thread.
pub(super) struct Receiver {
    socket: OwnedFd,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

/// What came of waiting for a message.
pub(super) enum Received {
    Message(ToWorker),
    /// Nothing by that time.
    Late,
    /// The supervisor is gone, or sends what is no message.
    Gone,
}

impl Receiver {
    /// Closes it. Its buffer is of use to another.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// The next message; none when the supervisor is gone or sends what is no message.
    pub(super) fn next(&mut self) -> Option<ToWorker> {
        match self.next_by(None) {
            Received::Message(message) => Some(message),
            Received::Late | Received::Gone => None,
        }
    }

    /// The next message, if it comes by that time.
    pub(super) fn next_by(&mut self, end: Option<Instant>) -> Received {
        loop {
            match self.decoder.next_frame() {
                Ok(Some(content)) => return decode(content).map_or(Received::Gone, Received::Message),
                Ok(None) => {}
                Err(_) => return Received::Gone,
            }
            // Waiting in poll(2) and not in recvmsg(2): the latter wakes this thread, too, when the supervisor reads.
            if !self.is_readable(end.map(|end| end.saturating_duration_since(Instant::now()))) {
                return Received::Late;
            }
            match receive_with_descriptors(self.socket.as_fd(), &mut self.buffer) {
                Ok(received) if received.length > 0 => {
                    self.descriptors.extend(received.descriptors);
                    self.decoder.push(&self.buffer[..received.length]);
                }
                Ok(_) | Err(_) => return Received::Gone,
            }
        }
    }

    /// Whether there is something to read now.
    pub(super) fn has_something(&self) -> bool {
        !self.decoder.is_at_boundary() || self.is_readable(Some(Duration::ZERO))
    }

    /// Whether the socket can be read without waiting, before that time is over.
    fn is_readable(&self, time: Option<Duration>) -> bool {
        let mut readable = [PollFd::new(&self.socket, PollFlags::IN)];
        // What is longer than the system can say is for ever.
        let time = time.and_then(|time| time.try_into().ok());
        // An error is met again, and told, by reading.
        retry_on_intr(|| poll(&mut readable, time.as_ref())).map_or(true, |ready| ready > 0)
    }

    /// The socket, to wait for.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The descriptor that the message just received announced.
    pub(super) fn take_descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }
}
