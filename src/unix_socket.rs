//! The two directions of a connected Unix stream socket (unix(7)), for an event loop.
//!
//! A socket of Tokio's is watched for room to write from the beginning, so that each time the other end reads, this
//! process is woken to learn what it does not wait for. Here nobody watches for room who has not found it lacking.
//! Knows nothing of what is sent.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{SendFlags, Shutdown};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// Both directions of a socket, which becomes non-blocking.
///
/// # Errors
/// It cannot be watched.
pub(crate) fn split(socket: OwnedFd) -> io::Result<(ReadHalf, WriteHalf)> {
    let socket = Arc::new(socket);
    Ok((ReadHalf::new(socket.clone())?, WriteHalf::new(socket)?))
}

fn watch(socket: Arc<OwnedFd>, interest: Interest) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the descriptor stays open as long as what it is given to, which holds it and never another.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(io::Error::from)
}

/// What arrives.
pub(crate) struct ReadHalf(AsyncFd<Arc<OwnedFd>>);

impl ReadHalf {
    /// Reads from a socket, which becomes non-blocking.
    ///
    /// # Errors
    /// It cannot be watched.
    pub(crate) fn new(socket: Arc<OwnedFd>) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(ReadHalf(watch(socket, Interest::READABLE)?))
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            let unfilled = buffer.initialize_unfilled();
            match retry_on_intr(|| rustix::io::read(&self.0, &mut *unfilled)) {
                Ok(length) => {
                    // Whoever was given less than there was room for has emptied the socket.
                    if (1..unfilled.len()).contains(&length) {
                        ready.clear_ready();
                    }
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
    }
}

/// What is sent.
pub(crate) struct WriteHalf {
    socket: Arc<OwnedFd>,
    /// Watched for room, by a descriptor of its own, from when there was none until something could be sent.
    full: Option<AsyncFd<Arc<OwnedFd>>>,
}

impl WriteHalf {
    /// Writes to a socket, which becomes non-blocking.
    ///
    /// # Errors
    /// It cannot be made so.
    pub(crate) fn new(socket: Arc<OwnedFd>) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(WriteHalf { socket, full: None })
    }

    /// Sends in a way of the caller's, now or once there is room.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut send: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match send(self.socket.as_fd()) {
                Err(Errno::AGAIN) => {}
                sent => {
                    self.full = None;
                    return Poll::Ready(sent.map_err(io::Error::from));
                }
            }
            let full = match &mut self.full {
                Some(full) => full,
                none => none.insert(watch(self.socket.try_clone()?.into(), Interest::WRITABLE)?),
            };
            ready!(full.poll_write_ready(cx))?.clear_ready();
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |socket| retry_on_intr(|| rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(rustix::net::shutdown(&self.socket, Shutdown::Write).map_err(io::Error::from))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn pair() -> ((ReadHalf, WriteHalf), (ReadHalf, WriteHalf)) {
        let (here, there) = UnixStream::pair().unwrap();
        (split(here.into()).unwrap(), split(there.into()).unwrap())
    }

    #[tokio::test]
    async fn more_than_the_socket_holds_arrives_whole_and_in_order() {
        let ((mut answers, mut write), (mut read, mut answer)) = pair();
        let sent: Vec<u8> = (0..4_000_000_u32).map(|number| (number % 251) as u8).collect();
        let expected = sent.clone();
        let sending = tokio::spawn(async move {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        });
        // Nobody reads until it is full.
        tokio::task::yield_now().await;
        let mut received = Vec::new();
        read.read_to_end(&mut received).await.unwrap();
        assert!(received == expected, "{} bytes", received.len());
        sending.await.unwrap();
        // Only one direction has ended.
        answer.write_all(b"got it").await.unwrap();
        let mut text = [0; 6];
        answers.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"got it");
    }

    #[tokio::test]
    async fn room_is_watched_for_only_while_there_is_none() {
        let ((_answers, mut write), (mut read, _answer)) = pair();
        write.write_all(b"fits").await.unwrap();
        assert!(write.full.is_none());
        let chunk = vec![7; 65_536];
        let filling = async {
            loop {
                write.write_all(&chunk).await.unwrap();
            }
        };
        let short = tokio::time::timeout(std::time::Duration::from_millis(50), filling).await;
        assert!(short.is_err() && write.full.is_some());
        let mut taken = vec![0; 1 << 20];
        while read.read(&mut taken).await.unwrap() == taken.len() {}
        write.write_all(b"fits again").await.unwrap();
        assert!(write.full.is_none());
    }

    #[tokio::test]
    async fn whoever_writes_to_nobody_is_told() {
        let ((mut answers, mut write), other) = pair();
        drop(other);
        let error = write.write_all(b"?").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(answers.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
