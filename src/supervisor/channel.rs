//! The supervisor's end of a worker's broker channel.

use std::collections::VecDeque;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use tokio::io::AsyncReadExt;

use super::budget::Held;
use crate::unix_socket::{self, ReadHalf, WriteHalf};
use protocol::broker::{FromWorker, ToWorker};
use protocol::descriptor::send_with_descriptor;
use protocol::wire::{DecodeError, FrameDecoder, decode, encode_frame, weigh};

/// Bytes taken from the socket at once.
const READ_BYTES: usize = 64 * 1024;
/// Messages are joined up to this size for one write.
const WRITE_BYTES: usize = 64 * 1024;

/// Why a channel cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Decode(#[from] DecodeError),
}

/// A socket pair: our end, and the worker's as standard input.
pub(crate) fn pair() -> io::Result<(Reader, Writer, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair()?;
    let (read, write) = unix_socket::split(ours.into())?;
    let reader =
        Reader { socket: read, decoder: FrameDecoder::new(), buffer: vec![0; READ_BYTES], weight: None };
    let writer = Writer { socket: write, waiting: VecDeque::new(), bytes: 0, sent: 0 };
    Ok((reader, writer, theirs.into()))
}

/// What the worker sends.
pub(crate) struct Reader {
    socket: ReadHalf,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
    /// Of the next message, once it is known.
    weight: Option<usize>,
}

impl Reader {
    /// The next message; none at the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<FromWorker>, ChannelError> {
        match self.weigh().await? {
            Some(_) => self.take().map(Some),
            None => Ok(None),
        }
    }

    /// Bytes that the next message takes in memory, once it is there whole; none at the end. Dropping the future loses
    /// nothing.
    pub(crate) async fn weigh(&mut self) -> Result<Option<usize>, ChannelError> {
        loop {
            if self.weight.is_some() {
                return Ok(self.weight);
            }
            if let Some(content) = self.decoder.peek()? {
                self.weight = Some(weigh(content)?);
                continue;
            }
            match self.socket.read(&mut self.buffer).await? {
                0 => return Ok(None),
                length => self.decoder.push(&self.buffer[..length]),
            }
        }
    }

    /// The message that was weighed.
    pub(crate) fn take(&mut self) -> Result<FromWorker, ChannelError> {
        self.weight = None;
        let content = self.decoder.next_frame()?;
        Ok(decode(content.unwrap_or_default())?)
    }

    /// Whether a message is there that was not taken.
    pub(crate) fn has_message(&self) -> bool {
        self.weight.is_some()
    }
}

/// What is sent to the worker. Messages wait here until they are written, so that a worker that does not read keeps
/// nobody waiting who does not want to.
pub(crate) struct Writer {
    socket: WriteHalf,
    waiting: VecDeque<Chunk>,
    /// Bytes of all that waits.
    bytes: usize,
    /// How much of the first chunk is written.
    sent: usize,
}

/// Whole frames, the descriptor that the first of them announces, and what they hold in budgets until they are written.
struct Chunk {
    bytes: Vec<u8>,
    file: Option<Arc<File>>,
    held: Held,
}

impl Writer {
    /// Adds a message, with a descriptor if one is announced by it.
    ///
    /// # Errors
    /// It is too long. Nothing was added.
    pub(crate) fn push(
        &mut self,
        message: &ToWorker,
        file: Option<Arc<File>>,
        held: Held,
    ) -> Result<(), ChannelError> {
        let frame = encode_frame(message)?;
        self.bytes += frame.len();
        match self.waiting.back_mut() {
            Some(last) if file.is_none() && last.bytes.len() + frame.len() <= WRITE_BYTES => {
                last.bytes.extend_from_slice(&frame);
                last.held.join(held);
            }
            _ => self.waiting.push_back(Chunk { bytes: frame, file, held }),
        }
        Ok(())
    }

    /// Bytes that wait to be written.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether everything is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether more should be added before something is written.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.front().is_none_or(|first| self.waiting.len() == 1 && first.bytes.len() < WRITE_BYTES)
    }

    /// Writes as much as the worker takes now, waiting until it takes something. Dropping the future loses nothing.
    pub(crate) async fn write(&mut self) -> Result<(), ChannelError> {
        let Writer { socket, waiting, sent, .. } = self;
        let Some(first) = waiting.front() else { return Ok(()) };
        let rest = &first.bytes[*sent..];
        let file = first.file.as_ref().filter(|_| *sent == 0).map(|file| file.as_fd());
        *sent +=
            poll_fn(|cx| socket.poll_send(cx, |socket| send_with_descriptor(socket, rest, file))).await?;
        if self.sent == first.bytes.len() {
            self.bytes -= self.sent;
            self.waiting.pop_front();
            self.sent = 0;
        }
        Ok(())
    }

    /// Sends a message and waits until it is written.
    pub(crate) async fn send(&mut self, message: &ToWorker) -> Result<(), ChannelError> {
        self.send_with(message, None).await
    }

    /// Likewise, with a descriptor if one is announced by it.
    pub(crate) async fn send_with(
        &mut self,
        message: &ToWorker,
        file: Option<Arc<File>>,
    ) -> Result<(), ChannelError> {
        self.push(message, file, Held::default())?;
        while !self.is_empty() {
            self.write().await?;
        }
        Ok(())
    }
}
