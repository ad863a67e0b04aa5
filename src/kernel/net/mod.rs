//! Sockets of one VM: TCP and UDP on its loopback, and Unix stream sockets.
//!
//! Owns addresses and ports, backlogs, connections and their bounded buffers. Nothing leaves the VM here: whoever
//! connects to an address that is not its own is answered by a [`Connector`], which refuses unless the embedder gives
//! another. What a connection is for descriptors is a [`File`](crate::file::File) like any other.

mod buffer;
mod connection;
mod datagram;
mod error;
mod listener;
mod names;
mod ports;
#[cfg(test)]
mod tests;
mod unix;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::{Mutex, RwLock};
use protocol::abi::{NetworkError, NetworkErrorCode, TlsRequest, TlsSession};

pub use self::buffer::SOCKET_CAPACITY;
pub use self::connection::{Connection, Endpoint};
pub use self::datagram::{DATAGRAM_MAX, DatagramSocket};
pub use self::error::SocketError;
pub use self::listener::{BACKLOG_MAX, Connecting, Listener};
pub use self::names::known_addresses;
use self::ports::Ports;
pub use self::ports::{Bound, Family};
pub use self::unix::BoundPath;
use self::unix::UnixNames;
use crate::limits::{Meter, Share};
use crate::wait::Wakers;

/// A connection to somewhere beyond the VM, once it is there.
pub type OutwardConnection = Pin<Box<dyn Future<Output = Result<Outside, NetworkError>> + Send>>;

/// The addresses of a name beyond the VM, once they are known: at least one.
pub type LookingUp = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, NetworkError>> + Send>>;

/// TLS that is begun beyond the VM, once both ends have agreed.
pub type StartingTls = Pin<Box<dyn Future<Output = Result<TlsSession, NetworkError>> + Send>>;

/// Connects beyond the VM.
pub trait Connector: Send + Sync {
    /// Begins a TCP connection.
    fn connect(self: Arc<Self>, to: SocketAddr) -> OutwardConnection;
    /// Begins to ask for the addresses of a name.
    fn look_up(&self, name: &str) -> LookingUp;
    /// Whether there is anything beyond the VM that could be reached.
    fn reaches_out(&self) -> bool {
        true
    }
}

/// A connection to somewhere beyond the VM.
pub struct Outside {
    /// Its bytes.
    pub stream: Arc<dyn OutsideStream>,
    /// The address of this end.
    pub local: SocketAddr,
}

/// The bytes of a connection to somewhere beyond the VM. Dropping it lets the connection go.
pub trait OutsideStream: Send + Sync {
    /// Reads at least one byte, or none at the end.
    fn poll_receive(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, SocketError>>;
    /// Writes at least one byte of a non-empty buffer.
    fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, SocketError>>;
    /// Ready once `poll_receive` would be.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Ready once `poll_send` would be.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Nothing more will be written.
    fn end_writing(&self);
    /// Has TLS spoken beyond the VM, as a client of it: what is written from now on is its content. Nothing may be written
    /// before both ends have agreed, and a connection on which they have not is lost.
    fn start_tls(&self, request: TlsRequest) -> StartingTls;
}

/// Of a VM without a network: the permission `network` is not granted.
struct NoNetwork;

impl Connector for NoNetwork {
    fn connect(self: Arc<Self>, to: SocketAddr) -> OutwardConnection {
        Box::pin(std::future::ready(Err(no_network(&format!("connecting to {to}")))))
    }

    fn look_up(&self, name: &str) -> LookingUp {
        Box::pin(std::future::ready(Err(no_network(&format!("looking up {name}")))))
    }

    fn reaches_out(&self) -> bool {
        false
    }
}

/// Why nothing is reached where the permission is not granted at all.
pub fn no_network(what: &str) -> NetworkError {
    let text = format!("{what} is refused: permissions.network allows nothing beyond this VM");
    NetworkError::new(NetworkErrorCode::Denied, text)
}

/// The sockets of one VM.
pub struct Network {
    tcp: Mutex<Ports<Listener>>,
    udp: Mutex<Ports<datagram::Inbox>>,
    unix: Mutex<UnixNames>,
    connector: RwLock<Arc<dyn Connector>>,
    /// Who waits for somebody to listen.
    expectant: Mutex<Wakers>,
    /// What is under way in buffers.
    bytes: Arc<Meter>,
    /// Sockets count as open files.
    open_files: Arc<Meter>,
}

impl Network {
    pub(crate) fn new(socket_bytes: u64, open_files: Arc<Meter>) -> Arc<Network> {
        Arc::new(Network {
            tcp: Mutex::default(),
            udp: Mutex::default(),
            unix: Mutex::default(),
            connector: RwLock::new(Arc::new(NoNetwork)),
            expectant: Mutex::default(),
            bytes: Meter::new(socket_bytes),
            open_files,
        })
    }

    /// Says who connects beyond the VM.
    pub fn set_connector(&self, connector: Arc<dyn Connector>) {
        *self.connector.write() = connector;
    }

    fn connector(&self) -> Arc<dyn Connector> {
        self.connector.read().clone()
    }

    /// Begins to ask for the addresses of a name beyond the VM.
    pub fn look_up(&self, name: &str) -> LookingUp {
        self.connector().look_up(name)
    }

    /// Tells a task when somebody begins to listen at a port, whichever that is. To be called before it looks for itself.
    pub fn expect_listener(&self, cx: &Context<'_>) {
        let woken = self.expectant.lock().register(cx);
        woken.wake();
    }

    /// A place among the VM's open files.
    fn room(&self) -> Result<Share, SocketError> {
        Share::take(&self.open_files, 1).ok_or(SocketError::Enfile)
    }

    /// Two Unix stream sockets that are connected with each other.
    ///
    /// # Errors
    /// `ENFILE` at the limit of open files.
    pub fn pair(self: &Arc<Network>) -> Result<(Arc<Connection>, Arc<Connection>), SocketError> {
        connection::pair(self, Endpoint::Unix(None), Endpoint::Unix(None), None)
    }
}

/// The address without what says that it is one of version 4 in the clothes of version 6.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether it is an address of the VM itself.
pub(crate) fn is_local(address: IpAddr) -> bool {
    let address = plain(address);
    address.is_loopback() || address.is_unspecified()
}

/// Where a packet to `address` arrives: the unspecified address means the loopback.
fn destination(address: IpAddr) -> IpAddr {
    match plain(address) {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}
