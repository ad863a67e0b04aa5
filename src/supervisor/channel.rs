//! The supervisor's end of a worker's broker channel.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::broker::{FromWorker, ToWorker, send_with_descriptor};
use crate::wire::{DecodeError, FrameDecoder, decode, encode_frame};

/// Bytes taken from the socket at once.
const READ_BYTES: usize = 64 * 1024;

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
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let stream = Arc::new(UnixStream::from_std(ours)?);
    let reader = Reader { stream: stream.clone(), decoder: FrameDecoder::new(), buffer: vec![0; READ_BYTES] };
    Ok((reader, Writer { stream }, theirs.into()))
}

/// What the worker sends.
pub(crate) struct Reader {
    stream: Arc<UnixStream>,
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
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(length) => self.decoder.push(&self.buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What is sent to the worker.
pub(crate) struct Writer {
    stream: Arc<UnixStream>,
}

impl Writer {
    /// Sends a message, with a descriptor if one is announced by it.
    pub(crate) async fn send(
        &mut self,
        message: &ToWorker,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> Result<(), ChannelError> {
        let frame = encode_frame(message)?;
        let mut sent = 0;
        while sent < frame.len() {
            let attached = if sent == 0 { descriptor } else { None };
            sent += self
                .stream
                .async_io(Interest::WRITABLE, || {
                    send_with_descriptor(&*self.stream, &frame[sent..], attached).map_err(io::Error::from)
                })
                .await?;
        }
        Ok(())
    }
}
