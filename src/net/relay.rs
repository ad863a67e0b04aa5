//! One connection: made, and its bytes relayed between the world and the end of a socket pair, in both directions, until
//! both have ended or one is lost. From some moment on the world may be spoken to in TLS, of which the guest sees the content.
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
use protocol::abi::{NetworkError, NetworkErrorCode, TlsRequest};
use protocol::network::{FromNetwork, Requests};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;

use super::accounts::{Account, Way};
use super::control::Told;
use super::proxy::Tunnel;
use super::requests::{Decided, Rules, TLS_HANDSHAKE};
use super::tls::{Demand, Trust};
use super::watch::watch as watch_descriptor;

/// Bytes that are taken from a socket at once.
const BUFFER_BYTES: usize = 32 * 1024;

/// A connection that is to be made.
pub(crate) struct Wanted {
    pub(crate) to: SocketAddr,
    /// How long the other end may take to answer, and a handshake.
    pub(crate) connect: Duration,
    /// How long nothing may happen.
    pub(crate) idle: Duration,
    pub(crate) requests: Option<(Requests, Arc<Rules>)>,
    /// The way there, if it is not straight.
    pub(crate) tunnel: Option<Tunnel>,
}

/// Makes a connection, tells the supervisor of it, and sees it through.
pub(crate) async fn connect(connection: Connection, wanted: Wanted, orders: mpsc::Receiver<TlsRequest>) {
    let to = wanted.to;
    let made = match timeout(wanted.connect, make(to, wanted.tunnel.as_ref())).await {
        Ok(made) => made,
        Err(_) => Err(no_answer(to, wanted.connect)),
    };
    let (world, local, guest, theirs) = match made {
        Ok(made) => made,
        Err(error) => return connection.fail(error),
    };
    connection.told.tell_with(FromNetwork::Connected { id: connection.id, result: Ok(local) }, Some(theirs));
    let connection = Arc::new(connection);
    let relayed = connection.relay(world, guest, &wanted, orders).await;
    *connection.error.lock() = relayed.err();
}

/// A connection to the world, the address of this end, and the ends of a socket pair: ours and the guest's.
async fn make(
    to: SocketAddr,
    tunnel: Option<&Tunnel>,
) -> Result<(TcpStream, SocketAddr, UnixStream, OwnedFd), NetworkError> {
    let world = match tunnel {
        None => TcpStream::connect(to).await.map_err(|error| failure(to, &error))?,
        Some(tunnel) => tunnel.open(to).await?,
    };
    let joined = || {
        world.set_nodelay(true)?;
        let local = world.local_addr()?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        Ok((local, UnixStream::from_std(ours.into())?, theirs))
    };
    let (local, guest, theirs) = joined().map_err(|error| failure(to, &error))?;
    Ok((world, local, guest, theirs))
}

/// What is counted of a connection. Once it has been made, that it is over is told when this goes, whoever ends it.
pub(crate) struct Connection {
    id: u64,
    told: Told,
    account: Arc<Account>,
    trust: Arc<Trust>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// When something last happened.
    active: Mutex<Instant>,
    error: Mutex<Option<NetworkError>>,
    /// It has failed before it was made, which was told.
    has_failed: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.has_failed {
            return;
        }
        self.told.tell(FromNetwork::Closed {
            id: self.id,
            error: self.error.get_mut().take(),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        });
    }
}

impl Connection {
    pub(crate) fn new(id: u64, told: Told, account: Arc<Account>, trust: Arc<Trust>) -> Connection {
        Connection {
            id,
            told,
            account,
            trust,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            active: Mutex::new(Instant::now()),
            error: Mutex::new(None),
            has_failed: false,
        }
    }

    fn fail(mut self, error: NetworkError) {
        self.has_failed = true;
        self.told.tell(FromNetwork::Connected { id: self.id, result: Err(error) });
    }

    /// Relays until both directions have ended.
    async fn relay(
        self: &Arc<Self>,
        world: TcpStream,
        guest: UnixStream,
        wanted: &Wanted,
        orders: mpsc::Receiver<TlsRequest>,
    ) -> Result<(), NetworkError> {
        match &wanted.requests {
            None => self.relay_bytes(world, guest, wanted, orders).await,
            Some((requests, rules)) => {
                let decided = Decided::new(requests, rules.clone(), wanted.to);
                let authorities = &requests.extra_ca_certs;
                self.relay_requests(world, guest, wanted, (decided, authorities), orders).await
            }
        }
    }

    async fn relay_bytes(
        &self,
        mut world: TcpStream,
        mut guest: UnixStream,
        wanted: &Wanted,
        mut orders: mpsc::Receiver<TlsRequest>,
    ) -> Result<(), NetworkError> {
        let Some(request) = self.relay_until(&mut world, &mut guest, wanted.idle, &mut orders).await? else {
            return Ok(());
        };
        if request.received != self.bytes_in.load(Relaxed) {
            // The server has spoken where a client of TLS does first.
            return Err(NetworkError::new(NetworkErrorCode::Handshake, "wrong version number"));
        }
        let mut world = self.start_tls(world, wanted, &request, Demand::None).await?;
        match self.relay_until(&mut world, &mut guest, wanted.idle, &mut orders).await? {
            None => Ok(()),
            Some(_) => Err(NetworkError::new(NetworkErrorCode::Failed, "TLS within TLS is the guest's own")),
        }
    }

    /// Relays until both directions have ended, or the guest wants TLS: then all that it has sent before has been passed on.
    async fn relay_until(
        &self,
        world: &mut (impl AsyncRead + AsyncWrite + Unpin),
        guest: &mut UnixStream,
        idle: Duration,
        orders: &mut mpsc::Receiver<TlsRequest>,
    ) -> Result<Option<TlsRequest>, NetworkError> {
        // Watched apart: what is learned of its end must not be taken from who waits for room in it.
        let watched = guest.as_fd().try_clone_to_owned().map_err(|error| lost(&error))?;
        let (mut from_world, mut to_world) = tokio::io::split(world);
        let (mut from_guest, mut to_guest) = guest.split();
        let (stop, stopped) = watch::channel(false);
        let incoming = async {
            match self.pump(&mut from_world, &mut to_guest, Way::In, stopped.clone()).await {
                Ok(Pumped::Stopped) => Ok(Direction::Stopped),
                Ok(Pumped::All) => {
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
            match self.pump(&mut from_guest, &mut to_world, Way::Out, stopped.clone()).await {
                Ok(Pumped::Stopped) => Ok(Direction::Stopped),
                Ok(Pumped::All) => {
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
        let mut request = None;
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
                Some(wanted) = orders.recv(), if request.is_none() => {
                    request = Some(wanted);
                    let _ = stop.send(true);
                    continue;
                }
                // It has said all it has to say; whether it still listens is to be seen.
                () = &mut gone, if !has_outgoing && request.is_none() => Direction::Unwanted,
                () = self.idle(idle) => {
                    return Err(timed_out(idle));
                }
            };
            match ended {
                Direction::Unwanted => return Ok(None),
                // There is nobody left to speak TLS with.
                Direction::Ended if request.is_some() => {
                    return Err(NetworkError::new(
                        NetworkErrorCode::Reset,
                        "one end has ended it before TLS was begun",
                    ));
                }
                Direction::Ended | Direction::Stopped => {}
            }
        }
        Ok(request)
    }

    /// Speaks TLS from here on, and tells what was agreed upon. Where nothing was, the end of the connection tells why.
    async fn start_tls(
        &self,
        world: TcpStream,
        wanted: &Wanted,
        request: &TlsRequest,
        demand: Demand<'_>,
    ) -> Result<Box<TlsStream<TcpStream>>, NetworkError> {
        let starting = self.trust.start(world, wanted.to.ip(), request, demand);
        let started = timeout(wanted.connect, starting).await;
        let (stream, session) = started.map_err(|_| no_answer(wanted.to, wanted.connect))??;
        *self.active.lock() = Instant::now();
        self.told.tell(FromNetwork::StartedTls { id: self.id, result: Ok(session) });
        Ok(stream)
    }

    /// Relays requests and answers, each decided by itself.
    async fn relay_requests(
        self: &Arc<Self>,
        world: TcpStream,
        guest: UnixStream,
        wanted: &Wanted,
        (mut decided, authorities): (Decided, &str),
        mut orders: mpsc::Receiver<TlsRequest>,
    ) -> Result<(), NetworkError> {
        let relaying = async {
            let first = tokio::select! {
                biased;
                Some(mut request) = orders.recv() => {
                    decided.over_tls(&mut request)?;
                    let demand = Demand::Verified(authorities);
                    let stream = self.start_tls(world, wanted, &request, demand).await?;
                    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let world = Counted { stream, connection: self.clone() };
                    if is_http2 {
                        decided.relay_http2(world, guest).await?;
                    } else {
                        decided.relay(world, guest).await?;
                    }
                    self.told.tell(FromNetwork::Ended { id: self.id });
                    return Ok(());
                }
                first = peek(&guest) => first.map_err(|error| lost(&error))?,
            };
            if first == Some(TLS_HANDSHAKE) {
                return Err(decided.tls_from_inside());
            }
            decided.relay(Counted { stream: world, connection: self.clone() }, guest).await?;
            self.told.tell(FromNetwork::Ended { id: self.id });
            Ok(())
        };
        tokio::select! {
            relayed = relaying => relayed,
            () = self.idle(wanted.idle) => Err(timed_out(wanted.idle)),
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

    /// Passes bytes on until there are no more, or it is stopped and there are none just now.
    async fn pump(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        way: Way,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<Pumped, Broken> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let stop = stopped.wait_for(|stopped| *stopped);
            let read = match way {
                // What the world has said in the clear and nobody has read is not passed on as if it had come over TLS.
                Way::In => tokio::select! {
                    biased;
                    _ = stop => return Ok(Pumped::Stopped),
                    read = from.read(&mut buffer) => read,
                },
                Way::Out => tokio::select! {
                    biased;
                    read = from.read(&mut buffer) => read,
                    _ = stop => return Ok(Pumped::Stopped),
                },
            };
            let length = match read {
                // TLS whose other end is gone without a word. So it is for Node: content that has an end says so itself.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                read => read.map_err(Broken::From)?,
            };
            self.count(way, length).map_err(Broken::Limit)?;
            if length == 0 {
                return Ok(Pumped::All);
            }
            to.write_all(&buffer[..length]).await.map_err(Broken::To)?;
            to.flush().await.map_err(Broken::To)?;
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
    /// It goes on in another way.
    Stopped,
    /// The guest has let go of the connection.
    Unwanted,
}

/// Why bytes are not passed on any more.
enum Pumped {
    /// There are no more.
    All,
    Stopped,
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
    let Ok(watched) = watch_descriptor(socket, Interest::WRITABLE) else { return };
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
struct Counted<S> {
    stream: S,
    connection: Arc<Connection>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
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

fn no_answer(to: SocketAddr, within: Duration) -> NetworkError {
    let text = format!("{to} did not answer in {} ms", within.as_millis());
    NetworkError::new(NetworkErrorCode::TimedOut, text)
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
