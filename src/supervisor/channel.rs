//! The supervisor's end of a worker's broker channel.

use std::collections::VecDeque;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use tokio::io::AsyncReadExt;

use crate::unix_socket::{self, ReadHalf, WriteHalf};
use protocol::broker::{FromWorker, ToWorker};
use protocol::descriptor::send_with_descriptor;
use protocol::wire::{DecodeError, FrameDecoder, decode, encode_frame};

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
    let reader = Reader { socket: read, decoder: FrameDecoder::new(), buffer: vec![0; READ_BYTES] };
    Ok((reader, Writer { socket: write, waiting: VecDeque::new(), sent: 0 }, theirs.into()))
}

/// What the worker sends.
pub(crate) struct Reader {
    socket: ReadHalf,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
}

impl Reader {
    /// The next message; none at the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<FromWorker>, ChannelError> {
        loop {
            if let Some(content) = self.decoder.next_frame()? {
                return Ok(Some(decode(content)?));
            }
            match self.socket.read(&mut self.buffer).await? {
                0 => return Ok(None),
                length => self.decoder.push(&self.buffer[..length]),
            }
        }
    }
}

/// What is sent to the worker. Messages wait here until they are written, so that a worker that does not read keeps
/// nobody waiting who does not want to.
pub(crate) struct Writer {
    socket: WriteHalf,
    waiting: VecDeque<Chunk>,
    /// How much of the first chunk is written.
    sent: usize,
}

/// Whole frames, and the descriptor that the first of them announces.
struct Chunk {
    bytes: Vec<u8>,
    file: Option<Arc<File>>,
}

impl Writer {
    /// Adds a message, with a descriptor if one is announced by it.
    pub(crate) fn push(&mut self, message: &ToWorker, file: Option<Arc<File>>) -> Result<(), ChannelError> {
        let frame = encode_frame(message)?;
        match self.waiting.back_mut() {
            Some(last) if file.is_none() && last.bytes.len() + frame.len() <= WRITE_BYTES => {
                last.bytes.extend_from_slice(&frame);
            }
            _ => self.waiting.push_back(Chunk { bytes: frame, file }),
        }
        Ok(())
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
        let Writer { socket, waiting, sent } = self;
        let Some(first) = waiting.front() else { return Ok(()) };
        let rest = &first.bytes[*sent..];
        let file = first.file.as_ref().filter(|_| *sent == 0).map(|file| file.as_fd());
        *sent +=
            poll_fn(|cx| socket.poll_send(cx, |socket| send_with_descriptor(socket, rest, file))).await?;
        if self.sent == first.bytes.len() {
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
        self.push(message, file)?;
        while !self.is_empty() {
            self.write().await?;
        }
        Ok(())
    }
}
