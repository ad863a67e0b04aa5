//! This process's standard input and output as streams of a connection.
//!
//! Sockets and pipes, which is what a client that starts a sidecar gives it, are polled. Whatever else stands there (a
//! file, a terminal) cannot be, and is waited for on threads of the runtime, which costs each message two more changes
//! of thread.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::FileType;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;

use crate::unix_socket::{ReadHalf, WriteHalf};

/// Where a client's bytes come from.
pub type Input = Box<dyn AsyncRead + Send + Unpin>;
/// Where a client's bytes go to.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Takes standard input over. It becomes non-blocking.
///
/// # Errors
/// It is closed.
pub fn stdin() -> io::Result<Input> {
    let (kind, own) = take(io::stdin())?;
    Ok(match kind {
        FileType::Socket => Box::new(ReadHalf::new(own.into())?),
        FileType::Fifo => Box::new(pipe::Receiver::from_owned_fd(own)?),
        _ => Box::new(tokio::io::stdin()),
    })
}

/// Takes standard output over. It becomes non-blocking.
///
/// # Errors
/// It is closed.
pub fn stdout() -> io::Result<Output> {
    let (kind, own) = take(io::stdout())?;
    Ok(match kind {
        FileType::Socket => Box::new(WriteHalf::new(own.into())?),
        FileType::Fifo => Box::new(pipe::Sender::from_owned_fd(own)?),
        _ => Box::new(tokio::io::stdout()),
    })
}

fn take(stream: impl AsFd) -> io::Result<(FileType, OwnedFd)> {
    let own = stream.as_fd().try_clone_to_owned()?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&own)?.st_mode);
    Ok((kind, own))
}
