//! The broker channel, blocking, for whoever wants to send anything over it.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use protocol::broker::{FromWorker, ToWorker};
use protocol::wire::{FrameDecoder, decode, encode_frame};

pub struct Channel {
    socket: UnixStream,
    decoder: FrameDecoder,
}

impl Channel {
    /// Of standard input, where a worker finds it.
    pub fn open() -> io::Result<Channel> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Channel { socket: UnixStream::from(socket), decoder: FrameDecoder::new() })
    }

    pub fn send(&mut self, message: &FromWorker) -> io::Result<()> {
        let frame = encode_frame(message).map_err(io::Error::other)?;
        self.send_bytes(&frame)
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    pub fn receive(&mut self) -> io::Result<ToWorker> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(content) = self.decoder.next_frame().map_err(io::Error::other)? {
                return decode(content).map_err(io::Error::other);
            }
            match self.socket.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.decoder.push(&buffer[..length]),
            }
        }
    }
}
