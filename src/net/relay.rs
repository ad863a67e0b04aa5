//! One connection: made, and its bytes relayed between the world and the end of a socket pair, in both directions, until
//! both have ended or one is lost.
//!
//! Bytes wait in the sockets' own buffers and in one of this process's for each direction, so that whoever does not read
//! holds up whoever writes and nobody's memory grows. That the world has ended well is said to the supervisor, since the
//! end of a socket pair looks the same when this process was killed.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use protocol::abi::{NetworkError, NetworkErrorCode};
use protocol::network::{FromNetwork, Requests};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep_until, timeout};

use super::accounts::{Account, Way};
use super::control::Told;
use super::requests::Decided;
use super::watch::watch;

/// Bytes that are taken from a socket at once.
const BUFFER_BYTES: usize = 32 * 1024;

/// Makes a connection, tells the supervisor of it, and sees it through.
pub(crate) async fn connect(
    id: u64,
    to: SocketAddr,
    (connect, idle): (Duration, Duration),
    requests: Option<Requests>,
    (told, account): (Told, Arc<Account>),
) {
    let made = match timeout(connect, make(to)).await {
        Ok(made) => made.map_err(|error| failure(to, &error)),
        Err(_) => {
            let text = format!("{to} did not answer in {} ms", connect.as_millis());
            Err(NetworkError::new(NetworkErrorCode::TimedOut, text))
        }
    };
    let (world, local, guest, theirs) = match made {
        Ok(made) => made,
        Err(error) => return told.tell(FromNetwork::Connected { id, result: Err(error) }),
    };
    told.tell_with(FromNetwork::Connected { id, result: Ok(local) }, Some(theirs));
    let connection = Arc::new(Connection::new(id, told, account));
    let relayed = match requests {
        None => connection.relay(world, guest, idle).await,
        Some(requests) => connection.relay_requests(world, guest, idle, &requests, to).await,
    };
    *connection.error.lock() = relayed.err();
}

/// A connection to the world, the address of this end, and the ends of a socket pair: ours and the guest's.
async fn make(to: SocketAddr) -> io::Result<(TcpStream, SocketAddr, UnixStream, OwnedFd)> {
    let world = TcpStream::connect(to).await?;
    world.set_nodelay(true)?;
    let local = world.local_addr()?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok((world, local, UnixStream::from_std(ours.into())?, theirs))
}

/// What is counted of a connection. That it is over is told when this goes, whoever ends it.
struct Connection {
    id: u64,
    told: Told,
    account: Arc<Account>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// When something last happened.
    active: Mutex<Instant>,
    error: Mutex<Option<NetworkError>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.told.tell(FromNetwork::Closed {
            id: self.id,
            error: self.error.get_mut().take(),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        });
    }
}

impl Connection {
    fn new(id: u64, told: Told, account: Arc<Account>) -> Connection {
        Connection {
            id,
            told,
            account,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            active: Mutex::new(Instant::now()),
            error: Mutex::new(None),
        }
    }

    /// Relays until both directions have ended.
    async fn relay(&self, world: TcpStream, guest: UnixStream, idle: Duration) -> Result<(), NetworkError> {
        // Watched apart: what is learned of its end must not be taken from who waits for room in it.
        let watched = guest.as_fd().try_clone_to_owned().map_err(|error| lost(&error))?;
        let (mut from_world, mut to_world) = world.into_split();
        let (mut from_guest, mut to_guest) = guest.into_split();
        let incoming = async {
            match self.pump(&mut from_world, &mut to_guest, Way::In).await {
                Ok(()) => {
                    self.told.tell(FromNetwork::Ended { id: self.id });
                    // The guest may be gone already.
                    let _ = to_guest.shutdown().await;
                    Ok(Direction::Ended)
                }
                // The guest does not want any more, which is no error.
                Err(Broken::To(_)) => Ok(Direction::Unwanted),
                Err(Broken::From(error)) => Err(lost(&error)),
                Err(Broken::Limit(error)) => Err(error),
            }
        };
        let outgoing = async {
            match self.pump(&mut from_guest, &mut to_world, Way::Out).await {
                Ok(()) => {
                    to_world.shutdown().await.map_err(|error| lost(&error))?;
                    Ok(Direction::Ended)
                }
                Err(Broken::From(_)) => Ok(Direction::Unwanted),
                Err(Broken::To(error)) => Err(lost(&error)),
                Err(Broken::Limit(error)) => Err(error),
            }
        };
        let gone = closed(watched);
        tokio::pin!(incoming, outgoing, gone);
        let (mut has_incoming, mut has_outgoing) = (true, true);
        while has_incoming || has_outgoing {
            let ended = tokio::select! {
                ended = &mut incoming, if has_incoming => {
                    has_incoming = false;
                    ended?
                }
                ended = &mut outgoing, if has_outgoing => {
                    has_outgoing = false;
                    ended?
                }
                // It has said all it has to say; whether it still listens is to be seen.
                () = &mut gone, if !has_outgoing => Direction::Unwanted,
                () = self.idle(idle) => {
                    return Err(timed_out(idle));
                }
            };
            if ended == Direction::Unwanted {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Relays requests and answers, each decided by itself.
    async fn relay_requests(
        self: &Arc<Self>,
        world: TcpStream,
        guest: UnixStream,
        idle: Duration,
        requests: &Requests,
        to: SocketAddr,
    ) -> Result<(), NetworkError> {
        let decided = Decided::new(requests, to)?;
        let relaying = async {
            let first = peek(&guest).await.map_err(|error| lost(&error))?;
            decided.relay(Counted { stream: world, connection: self.clone() }, guest, first).await?;
            self.told.tell(FromNetwork::Ended { id: self.id });
            Ok(())
        };
        tokio::select! {
            relayed = relaying => relayed,
            () = self.idle(idle) => Err(timed_out(idle)),
        }
    }

    /// Until nothing has happened for that long.
    async fn idle(&self, idle: Duration) {
        loop {
            let until = *self.active.lock() + idle;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Passes bytes on until there are no more.
    async fn pump(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        way: Way,
    ) -> Result<(), Broken> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let length = from.read(&mut buffer).await.map_err(Broken::From)?;
            self.count(way, length).map_err(Broken::Limit)?;
            if length == 0 {
                return Ok(());
            }
            to.write_all(&buffer[..length]).await.map_err(Broken::To)?;
            *self.active.lock() = Instant::now();
        }
    }

    /// So many bytes have come or go now.
    ///
    /// # Errors
    /// The VM may not have as many.
    fn count(&self, way: Way, length: usize) -> Result<(), NetworkError> {
        *self.active.lock() = Instant::now();
        self.account.take(way, length as u64)?;
        let count = match way {
            Way::In => &self.bytes_in,
            Way::Out => &self.bytes_out,
        };
        count.fetch_add(length as u64, Relaxed);
        Ok(())
    }
}

/// How a direction ended that did not fail.
#[derive(PartialEq, Eq)]
enum Direction {
    /// All was passed on.
    Ended,
    /// The guest has let go of the connection.
    Unwanted,
}

/// Which end of a direction failed.
enum Broken {
    From(io::Error),
    To(io::Error),
    /// Neither: no more bytes may go.
    Limit(NetworkError),
}

/// Until nobody has the other end of a socket any more, of which this is a descriptor of its own: whoever has ended their
/// direction of it may still read.
async fn closed(socket: OwnedFd) {
    let Ok(watched) = watch(socket, Interest::WRITABLE) else { return };
    loop {
        match watched.ready(Interest::WRITABLE).await {
            Ok(ready) if ready.ready().is_write_closed() => return,
            // The next change is either that the guest has read something, or its end.
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => return,
        }
    }
}

/// The first byte that a guest sends, which stays where it is; none if it sends none.
async fn peek(guest: &UnixStream) -> io::Result<Option<u8>> {
    guest.readable().await?;
    let mut first = [0];
    let (_, length) = rustix::net::recv(guest, &mut first, RecvFlags::PEEK)?;
    Ok((length == 1).then_some(first[0]))
}

/// The world's side of a connection, counted as it is read and written by others.
struct Counted {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let length = buffer.filled().len() - before;
        self.connection.count(Way::In, length).map_err(io::Error::other)?;
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(length)) = &written {
            self.connection.count(Way::Out, *length).map_err(io::Error::other)?;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn timed_out(idle: Duration) -> NetworkError {
    let text = format!("nothing happened for {} ms", idle.as_millis());
    NetworkError::new(NetworkErrorCode::TimedOut, text)
}

fn lost(error: &io::Error) -> NetworkError {
    let code = match error.kind() {
        io::ErrorKind::TimedOut => NetworkErrorCode::TimedOut,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => NetworkErrorCode::Unreachable,
        _ => NetworkErrorCode::Reset,
    };
    NetworkError::new(code, format!("the connection is lost: {error}"))
}

/// Why no connection was made.
fn failure(to: SocketAddr, error: &io::Error) -> NetworkError {
    let code = match error.kind() {
        io::ErrorKind::ConnectionRefused => NetworkErrorCode::Refused,
        io::ErrorKind::TimedOut => NetworkErrorCode::TimedOut,
        io::ErrorKind::ConnectionReset => NetworkErrorCode::Reset,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => NetworkErrorCode::Unreachable,
        _ => match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE | rustix::io::Errno::NOBUFS) => {
                NetworkErrorCode::Limit
            }
            _ => NetworkErrorCode::Failed,
        },
    };
    NetworkError::new(code, format!("{to}: {error}"))
}
