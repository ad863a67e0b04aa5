//! Connections beyond the VM: asked of the supervisor, and what their descriptors carry, for the kernel's sockets.
//!
//! A descriptor is one end of a socket pair; the network process has the other. It is read and written without waiting; a
//! thread of its own waits for those that somebody waits for, as there is no other in a worker that waits for descriptors.
//! That bytes have ended is believed once the supervisor said so: a pair ends in the same way when the network process was
//! killed.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::broker::{Answer, Broker};
use super::threads;
use kernel::net::{
    Connector, LookingUp, Outside, OutsideStream, OutwardConnection, SocketError, StartingTls, no_network,
};
use protocol::abi::{Connected, ConnectionEvent, NetworkError, NetworkErrorCode, TlsRequest};
use protocol::broker::{BrokerCall, BrokerReply};
use protocol::policy::{Host, Policy};

/// The ways out of one VM.
pub(super) struct Outward {
    broker: Arc<Broker>,
    policy: Arc<Policy>,
    reactor: OnceLock<Arc<Reactor>>,
    fates: Fates,
}

/// What has become of connections that are open, by the supervisor's numbers.
type Fates = Arc<Mutex<HashMap<u64, Weak<Fate>>>>;

impl Outward {
    pub(super) fn new(broker: Arc<Broker>, policy: Arc<Policy>) -> Arc<Outward> {
        Arc::new(Outward { broker, policy, reactor: OnceLock::new(), fates: Fates::default() })
    }

    /// A connection that the supervisor has just given: from now on what becomes of it is noted.
    pub(super) fn link(&self, connected: &Connected, socket: OwnedFd) -> Link {
        let number = connected.connection;
        let fate = Arc::new(Fate { number, fates: self.fates.clone(), state: Mutex::default() });
        self.fates.lock().insert(number, Arc::downgrade(&fate));
        Link { socket, fate }
    }

    /// Something has become of a connection.
    pub(super) fn happened(&self, connection: u64, event: ConnectionEvent) {
        let fate = self.fates.lock().get(&connection).and_then(Weak::upgrade);
        let Some(fate) = fate else { return };
        fate.set(match event {
            ConnectionEvent::Ended {} | ConnectionEvent::Closed {} => End::Well,
            ConnectionEvent::Lost { error } => End::Lost(SocketError::from(&error)),
        });
    }

    fn reactor(&self) -> io::Result<Arc<Reactor>> {
        if let Some(reactor) = self.reactor.get() {
            return Ok(reactor.clone());
        }
        let started = Reactor::start()?;
        Ok(self.reactor.get_or_init(|| started).clone())
    }
}

impl Connector for Outward {
    fn connect(self: Arc<Self>, to: SocketAddr) -> OutwardConnection {
        if !self.policy.reaches_out() {
            // Nobody is asked, and who watches decisions is told of this one.
            let _ = self.policy.may_connect(&[], to);
            return Box::pin(std::future::ready(Err(no_network(&format!("connecting to {to}")))));
        }
        let asking = self.broker.network(BrokerCall::Connect { to });
        Box::pin(async move {
            let Answer { reply: BrokerReply::Connect { result }, link, .. } = asking.await? else {
                return Err(no_answer());
            };
            let Connected { local, .. } = result?;
            let Link { socket, fate } = link.ok_or_else(no_answer)?;
            let failed = |error: io::Error| {
                NetworkError::new(NetworkErrorCode::Failed, format!("the connection cannot be used: {error}"))
            };
            let reactor = self.reactor().map_err(failed)?;
            let watched = reactor.watch(socket);
            let broker = self.broker.clone();
            Ok(Outside {
                stream: Arc::new(Pair { broker, reactor, watched, fate, received: AtomicU64::new(0) }),
                local,
            })
        })
    }

    fn look_up(&self, name: &str) -> LookingUp {
        if !self.policy.reaches_out() {
            if let Ok(host) = Host::parse(name) {
                let _ = self.policy.may_look_up(&host);
            }
            return Box::pin(std::future::ready(Err(no_network(&format!("looking up {name}")))));
        }
        let asking = self.broker.network(BrokerCall::LookUp { name: name.to_owned() });
        Box::pin(async move {
            let Answer { reply: BrokerReply::LookUp { result }, .. } = asking.await? else {
                return Err(no_answer());
            };
            result
        })
    }

    fn reaches_out(&self) -> bool {
        self.policy.reaches_out()
    }
}

fn no_answer() -> NetworkError {
    NetworkError::new(NetworkErrorCode::Failed, "the supervisor gave another answer")
}

/// A connection on its way from the supervisor to whoever asked for it.
pub(super) struct Link {
    socket: OwnedFd,
    fate: Arc<Fate>,
}

/// What has become of a connection.
struct Fate {
    number: u64,
    fates: Fates,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    end: Option<End>,
    /// Who waits to hear of it.
    wakers: Vec<Waker>,
}

#[derive(Clone, Copy)]
enum End {
    /// All that was sent has arrived.
    Well,
    Lost(SocketError),
}

impl Fate {
    /// The first that is said stays, but that what ended well may still be lost in the other direction.
    fn set(&self, end: End) {
        let wakers = {
            let mut state = self.state.lock();
            match (state.end, end) {
                (None, _) | (Some(End::Well), End::Lost(_)) => state.end = Some(end),
                _ => {}
            }
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lost(&self) -> Option<SocketError> {
        match self.state.lock().end {
            Some(End::Lost(error)) => Some(error),
            _ => None,
        }
    }

    /// How it ended; waits until that is known.
    fn poll_end(&self, cx: &Context<'_>) -> Poll<End> {
        let mut state = self.state.lock();
        match state.end {
            Some(end) => Poll::Ready(end),
            None => {
                register(&mut state.wakers, cx);
                Poll::Pending
            }
        }
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        self.fates.lock().remove(&self.number);
    }
}

fn register(wakers: &mut Vec<Waker>, cx: &Context<'_>) {
    if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
        wakers.push(cx.waker().clone());
    }
}

/// One end of a socket pair, as the kernel's sockets take it.
struct Pair {
    broker: Arc<Broker>,
    reactor: Arc<Reactor>,
    watched: Arc<Watched>,
    fate: Arc<Fate>,
    /// Bytes that were read.
    received: AtomicU64,
}

impl OutsideStream for Pair {
    fn poll_receive(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, SocketError>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        match retry_on_intr(|| recv(&self.watched.socket, &mut *buffer, RecvFlags::DONTWAIT)) {
            Ok((_, length)) if length > 0 => {
                self.received.fetch_add(length as u64, Ordering::Relaxed);
                Poll::Ready(Ok(length))
            }
            Err(Errno::AGAIN) => match self.fate.lost() {
                Some(error) => Poll::Ready(Err(error)),
                None => {
                    self.reactor.wait_for(&self.watched, Direction::Read, cx);
                    Poll::Pending
                }
            },
            // Whether that is its end or it was cut off.
            Ok(_) | Err(_) => self.fate.poll_end(cx).map(|end| match end {
                End::Well => Ok(0),
                End::Lost(error) => Err(error),
            }),
        }
    }

    fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, SocketError>> {
        if let Some(error) = self.fate.lost() {
            return Poll::Ready(Err(error));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match retry_on_intr(|| send(&self.watched.socket, bytes, flags)) {
            Ok(length) => Poll::Ready(Ok(length)),
            Err(Errno::AGAIN) => {
                self.reactor.wait_for(&self.watched, Direction::Write, cx);
                Poll::Pending
            }
            // The other end has let go of it, and why is about to be said.
            Err(_) => self.fate.poll_end(cx).map(|end| match end {
                End::Well => Err(SocketError::Epipe),
                End::Lost(error) => Err(error),
            }),
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_ready(Direction::Read, cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_ready(Direction::Write, cx)
    }

    fn end_writing(&self) {
        let _ = shutdown(&self.watched.socket, Shutdown::Write);
    }

    fn start_tls(&self, request: TlsRequest) -> StartingTls {
        let request = TlsRequest { received: self.received.load(Ordering::Relaxed), ..request };
        let asking = self.broker.network(BrokerCall::StartTls { connection: self.fate.number, request });
        let fate = self.fate.clone();
        Box::pin(async move {
            let Answer { reply: BrokerReply::StartTls { result }, .. } = asking.await? else {
                return Err(no_answer());
            };
            // Whatever comes of the bytes now is no other error.
            if let Err(error) = &result {
                fate.set(End::Lost(SocketError::from(error)));
            }
            result
        })
    }
}

impl Pair {
    fn poll_ready(&self, direction: Direction, cx: &Context<'_>) -> Poll<()> {
        let mut asked = [PollFd::new(&self.watched.socket, direction.flags())];
        let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        let is_ready = retry_on_intr(|| poll(&mut asked, Some(&now))).is_ok_and(|ready| ready > 0);
        if is_ready || self.fate.lost().is_some() {
            return Poll::Ready(());
        }
        self.reactor.wait_for(&self.watched, direction, cx);
        Poll::Pending
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.reactor.forget(&self.watched);
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Read,
    Write,
}

impl Direction {
    fn flags(self) -> PollFlags {
        match self {
            Direction::Read => PollFlags::IN,
            Direction::Write => PollFlags::OUT,
        }
    }
}

/// Waits for descriptors, on the thread `network`.
struct Reactor {
    /// Interrupts the waiting when there is more to wait for.
    more: OwnedFd,
    watched: Mutex<Vec<Arc<Watched>>>,
}

/// A descriptor, and who waits for it.
struct Watched {
    socket: OwnedFd,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    readers: Vec<Waker>,
    writers: Vec<Waker>,
}

impl Waiting {
    fn flags(&self) -> PollFlags {
        let read = if self.readers.is_empty() { PollFlags::empty() } else { PollFlags::IN };
        let write = if self.writers.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        read | write
    }
}

impl Reactor {
    fn start() -> io::Result<Arc<Reactor>> {
        let more = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let reactor = Arc::new(Reactor { more, watched: Mutex::default() });
        let runs = Arc::downgrade(&reactor);
        threads::start(threads::Name::Network, move || {
            while let Some(reactor) = runs.upgrade() {
                reactor.wait();
            }
        })?;
        Ok(reactor)
    }

    fn watch(&self, socket: OwnedFd) -> Arc<Watched> {
        let watched = Arc::new(Watched { socket, waiting: Mutex::default() });
        self.watched.lock().push(watched.clone());
        watched
    }

    fn forget(&self, watched: &Arc<Watched>) {
        self.watched.lock().retain(|known| !Arc::ptr_eq(known, watched));
        // It may be waited for just now, which keeps it open.
        self.interrupt();
    }

    fn wait_for(&self, watched: &Watched, direction: Direction, cx: &Context<'_>) {
        {
            let mut waiting = watched.waiting.lock();
            let before = waiting.flags();
            match direction {
                Direction::Read => register(&mut waiting.readers, cx),
                Direction::Write => register(&mut waiting.writers, cx),
            }
            if waiting.flags() == before {
                return;
            }
        }
        self.interrupt();
    }

    fn interrupt(&self) {
        // Full means that it will wake anyway.
        let _ = rustix::io::write(&self.more, &1_u64.to_ne_bytes());
    }

    /// Waits once, and wakes those whose time has come.
    fn wait(&self) {
        let asked: Vec<(Arc<Watched>, PollFlags)> = {
            let watched = self.watched.lock();
            let asked = watched.iter().map(|one| (one.clone(), one.waiting.lock().flags()));
            asked.filter(|(_, flags)| !flags.is_empty()).collect()
        };
        let more = PollFd::new(&self.more, PollFlags::IN);
        let sockets = asked.iter().map(|(one, flags)| PollFd::from_borrowed_fd(one.socket.as_fd(), *flags));
        let mut descriptors: Vec<PollFd<'_>> = std::iter::once(more).chain(sockets).collect();
        if poll(&mut descriptors, None).is_err() {
            return;
        }
        if !descriptors[0].revents().is_empty() {
            let _ = rustix::io::read(&self.more, &mut [0; 8]);
        }
        for ((watched, _), descriptor) in asked.iter().zip(&descriptors[1..]) {
            let happened = descriptor.revents();
            if happened.is_empty() {
                continue;
            }
            let wakers = {
                let mut waiting = watched.waiting.lock();
                let broken = happened.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
                let mut wakers = Vec::new();
                if broken || happened.contains(PollFlags::IN) {
                    wakers.append(&mut waiting.readers);
                }
                if broken || happened.contains(PollFlags::OUT) {
                    wakers.append(&mut waiting.writers);
                }
                wakers
            };
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair(outward: &Outward) -> (Pair, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let connected = Connected { connection: 7, local: ([0, 0, 0, 0], 1).into() };
        let Link { socket, fate } = outward.link(&connected, ours.into());
        let reactor = outward.reactor().unwrap();
        let watched = reactor.watch(socket);
        (Pair { broker: outward.broker.clone(), reactor, watched, fate, received: AtomicU64::new(0) }, theirs)
    }

    fn outward() -> Arc<Outward> {
        let (socket, _) = UnixStream::pair().unwrap();
        let sender = Arc::new(super::super::channel::Sender::new(socket));
        let policy = protocol::policy::Policy::new(&Default::default()).unwrap();
        Outward::new(Arc::new(Broker::new(sender)), Arc::new(policy))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn receive(pair: &Pair) -> Result<Vec<u8>, SocketError> {
        run(async {
            let mut buffer = [0; 16];
            let length = poll_fn(|cx| pair.poll_receive(cx, &mut buffer)).await?;
            Ok(buffer[..length].to_vec())
        })
    }

    #[test]
    fn who_waits_is_woken_when_bytes_arrive() {
        let outward = outward();
        let (pair, mut far) = pair(&outward);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| receive(&pair));
            far.write_all(b"hello").unwrap();
            assert_eq!(waiting.join().unwrap().unwrap(), b"hello");
        });
        pair.end_writing();
        assert_eq!(far.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn an_end_is_believed_once_it_was_said() {
        let outward = outward();
        for (event, expected) in [
            (ConnectionEvent::Ended {}, Ok(Vec::new())),
            (
                ConnectionEvent::Lost { error: NetworkError::new(NetworkErrorCode::Reset, "gone") },
                Err(SocketError::Econnreset),
            ),
        ] {
            let (pair, mut far) = pair(&outward);
            far.write_all(b"last").unwrap();
            drop(far);
            assert_eq!(receive(&pair).unwrap(), b"last");
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| receive(&pair));
                outward.happened(7, event);
                assert_eq!(waiting.join().unwrap(), expected);
            });
            drop(pair);
            assert!(outward.fates.lock().is_empty());
        }
    }

    #[test]
    fn who_can_write_no_more_hears_why() {
        let outward = outward();
        let (pair, far) = pair(&outward);
        drop(far);
        let send = |cx: &mut Context<'_>| pair.poll_send(cx, b"more");
        assert!(send(&mut Context::from_waker(Waker::noop())).is_pending());
        let error = NetworkError::new(NetworkErrorCode::Limit, "no more bytes");
        outward.happened(7, ConnectionEvent::Lost { error });
        assert_eq!(run(poll_fn(send)), Err(SocketError::Emfile));
    }

    #[test]
    fn who_writes_waits_for_room() {
        let outward = outward();
        let (pair, mut far) = pair(&outward);
        let sent = run(async {
            let mut sent = 0;
            let bytes = vec![1; 1 << 16];
            while let Poll::Ready(length) =
                poll_fn(|cx| Poll::Ready(pair.poll_send(cx, &bytes))).await.map(Result::unwrap)
            {
                sent += length;
            }
            sent
        });
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| run(poll_fn(|cx| pair.poll_writable(cx))));
            far.read_exact(&mut vec![0; sent]).unwrap();
            waiting.join().unwrap();
        });
    }
}
