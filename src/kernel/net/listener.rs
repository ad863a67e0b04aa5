//! Listening and connecting: the queue between those who connect and the one who accepts.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use protocol::abi::{NetworkError, NetworkErrorCode};

use super::unix::UnixName;
use super::{Bound, Connection, Endpoint, Family, Network, OutwardConnection, SocketError};
use super::{connection, destination, is_local, plain};
use crate::wait::Wakers;

/// Most connections that wait to be accepted by one listener.
pub const BACKLOG_MAX: usize = 512;

/// Accepts connections.
pub struct Listener {
    at: At,
    backlog: usize,
    queue: Mutex<Queue>,
}

pub(super) enum At {
    Port(Bound),
    Path(UnixName),
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Arc<Connection>>,
    acceptors: Wakers,
    connectors: Wakers,
}

impl Listener {
    pub(super) fn new(at: At, backlog: u32) -> Arc<Listener> {
        let backlog = (backlog as usize).clamp(1, BACKLOG_MAX);
        Arc::new(Listener { at, backlog, queue: Mutex::default() })
    }

    /// Where it listens.
    pub fn local(&self) -> Endpoint {
        match &self.at {
            At::Port(bound) => Endpoint::Inet(bound.address()),
            At::Path(name) => Endpoint::Unix(Some(name.path().to_owned())),
        }
    }

    /// The next connection.
    pub fn poll_accept(&self, cx: &Context<'_>) -> Poll<Arc<Connection>> {
        let mut queue = self.queue.lock();
        let (answer, woken) = match queue.waiting.pop_front() {
            Some(connection) => (Poll::Ready(connection), queue.connectors.take()),
            None => (Poll::Pending, queue.acceptors.register(cx)),
        };
        drop(queue);
        woken.wake();
        answer
    }

    /// Enters a connection that `make` gives both ends of, once there is room: gives the near end.
    fn poll_enter(
        &self,
        cx: &Context<'_>,
        make: impl FnOnce() -> Result<(Arc<Connection>, Arc<Connection>), SocketError>,
    ) -> Poll<Result<Arc<Connection>, SocketError>> {
        let mut queue = self.queue.lock();
        if queue.waiting.len() >= self.backlog {
            let woken = queue.connectors.register(cx);
            drop(queue);
            woken.wake();
            return Poll::Pending;
        }
        let (near, far) = match make() {
            Ok(ends) => ends,
            Err(error) => return Poll::Ready(Err(error)),
        };
        queue.waiting.push_back(far);
        let woken = queue.acceptors.take();
        drop(queue);
        woken.wake();
        Poll::Ready(Ok(near))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let queue = std::mem::take(&mut *self.queue.lock());
        for connection in &queue.waiting {
            connection.reset();
        }
        let Queue { waiting, mut connectors, .. } = queue;
        drop(waiting);
        connectors.take().wake();
    }
}

impl Bound {
    /// Listens there.
    ///
    /// # Panics
    /// Never; an address of datagrams gives one that nobody can connect to.
    pub fn listen(self, backlog: u32) -> Arc<Listener> {
        let (network, port, id, family) = (self.network.clone(), self.address().port(), self.id, self.family);
        let listener = Listener::new(At::Port(self), backlog);
        if family == Family::Tcp {
            network.tcp.lock().set_target(port, id, &listener);
            let woken = network.expectant.lock().take();
            woken.wake();
        }
        listener
    }
}

/// A connection that is being made.
pub struct Connecting {
    state: State,
    /// Why there is none, in words, where anybody said so.
    refusal: Option<NetworkError>,
}

enum State {
    Inside { network: Arc<Network>, from: Option<Bound>, target: Target },
    Outside { network: Arc<Network>, connection: OutwardConnection, to: SocketAddr },
    Done,
}

enum Target {
    Port(SocketAddr),
    Path(UnixName),
}

impl Connecting {
    fn new(state: State) -> Connecting {
        Connecting { state, refusal: None }
    }

    /// Why there is no connection, in words, where there are any but the error's own.
    pub fn take_refusal(&mut self) -> Option<NetworkError> {
        self.refusal.take()
    }

    pub(super) fn to_path(network: &Arc<Network>, name: UnixName) -> Connecting {
        Connecting::new(State::Inside { network: network.clone(), from: None, target: Target::Path(name) })
    }

    /// The connection, once it is there.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arc<Connection>, SocketError>> {
        let polled = match &mut self.state {
            State::Inside { network, from, target } => match target {
                Target::Port(to) => poll_port(network, from, *to, cx),
                Target::Path(name) => {
                    let listener = network.unix.lock().find(name);
                    match listener {
                        None => Poll::Ready(Err(SocketError::Econnrefused)),
                        Some(listener) => listener.poll_enter(cx, || {
                            let far = Endpoint::Unix(Some(name.path().to_owned()));
                            connection::pair(network, Endpoint::Unix(None), far, None)
                        }),
                    }
                }
            },
            State::Outside { network, connection, to } => match connection.as_mut().poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(outside)) => Poll::Ready(Connection::outward(network, outside, *to)),
                Poll::Ready(Err(refusal)) => {
                    let error = SocketError::from(&refusal);
                    self.refusal = Some(refusal);
                    Poll::Ready(Err(error))
                }
            },
            State::Done => Poll::Ready(Err(SocketError::Enotconn)),
        };
        if polled.is_ready() {
            self.state = State::Done;
        }
        polled
    }
}

fn loopback(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

/// A connection to the host's loopback. Who may not have one hears what is true in the VM: nobody listens there.
fn loopback_beyond(connection: OutwardConnection) -> OutwardConnection {
    Box::pin(async move {
        connection.await.map_err(|error| match error.code {
            NetworkErrorCode::Denied => NetworkError { code: NetworkErrorCode::Refused, ..error },
            _ => error,
        })
    })
}

fn poll_port(
    network: &Arc<Network>,
    from: &mut Option<Bound>,
    to: SocketAddr,
    cx: &Context<'_>,
) -> Poll<Result<Arc<Connection>, SocketError>> {
    let listener = network.tcp.lock().find(to);
    let Some(listener) = listener else { return Poll::Ready(Err(SocketError::Econnrefused)) };
    listener.poll_enter(cx, || {
        let bound = match from.take() {
            Some(bound) => bound,
            None => network.bind(Family::Tcp, SocketAddr::new(loopback(to.ip()), 0), true, false)?,
        };
        let mut near = bound.address();
        if near.ip().is_unspecified() || near.is_ipv4() != to.is_ipv4() {
            near.set_ip(loopback(to.ip()));
        }
        connection::pair(network, Endpoint::Inet(near), Endpoint::Inet(to), Some(bound))
    })
}

impl Network {
    /// Begins a TCP connection to a port of the VM's own, whoever may reach what beyond it.
    pub fn connect_within(self: &Arc<Network>, from: Option<Bound>, to: SocketAddr) -> Connecting {
        let to = SocketAddr::new(destination(plain(to.ip())), to.port());
        Connecting::new(State::Inside { network: self.clone(), from, target: Target::Port(to) })
    }

    /// Begins a TCP connection, from `from` if that is bound.
    pub fn connect(self: &Arc<Network>, from: Option<Bound>, to: SocketAddr) -> Connecting {
        let network = self.clone();
        if is_local(to.ip()) {
            let to = SocketAddr::new(destination(plain(to.ip())), to.port());
            let connector = self.connector();
            // The machine's own loopback is beyond the VM, too: it is meant where nobody here listens there and somebody
            // may be meant beyond.
            if !(connector.reaches_out() && from.is_none() && self.tcp.lock().find(to).is_none()) {
                return self.connect_within(from, to);
            }
            let connection = loopback_beyond(connector.connect(to));
            return Connecting::new(State::Outside { network, connection, to });
        }
        let connection = self.connector().connect(to);
        Connecting::new(State::Outside { network, connection, to })
    }
}
