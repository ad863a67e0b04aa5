//! Connections: two directions, and who is at which end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::buffer::{Buffer, SOCKET_CAPACITY};
use super::{Bound, Network, Outside, OutsideStream, SocketError};
use crate::file::{File, anonymous, without_position};
use crate::limits::Share;
use crate::{Errno, FileKind, FileStatus, OpenFile, OpenFlags};

/// An end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Of TCP.
    Inet(SocketAddr),
    /// Of a Unix socket, with its path if it has one.
    Unix(Option<String>),
}

/// One end of a connection, from that end.
pub struct Connection {
    /// Tells sockets apart, as an inode number does.
    id: u64,
    way: Way,
    local: Endpoint,
    peer: Endpoint,
    /// The port that it was given for itself.
    _port: Option<Bound>,
    _share: Share,
}

enum Way {
    /// Within the VM.
    Inside { incoming: Arc<Buffer>, outgoing: Arc<Buffer> },
    /// Beyond it.
    Outside(Arc<dyn OutsideStream>),
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Both ends of a new connection: the first is at `near`, and keeps `port`.
pub(super) fn pair(
    network: &Arc<Network>,
    near: Endpoint,
    far: Endpoint,
    port: Option<Bound>,
) -> Result<(Arc<Connection>, Arc<Connection>), SocketError> {
    let shares = (network.room()?, network.room()?);
    let one = Arc::new(Buffer::new(&network.bytes));
    let other = Arc::new(Buffer::new(&network.bytes));
    let first = Connection {
        id: next_id(),
        way: Way::Inside { incoming: one.clone(), outgoing: other.clone() },
        local: near.clone(),
        peer: far.clone(),
        _port: port,
        _share: shares.0,
    };
    let second = Connection {
        id: next_id(),
        way: Way::Inside { incoming: other, outgoing: one },
        local: far,
        peer: near,
        _port: None,
        _share: shares.1,
    };
    Ok((Arc::new(first), Arc::new(second)))
}

impl Connection {
    pub(super) fn outward(
        network: &Network,
        outside: Outside,
        peer: SocketAddr,
    ) -> Result<Arc<Connection>, SocketError> {
        let share = network.room()?;
        let (local, peer) = (Endpoint::Inet(outside.local), Endpoint::Inet(peer));
        let way = Way::Outside(outside.stream);
        Ok(Arc::new(Connection { id: next_id(), way, local, peer, _port: None, _share: share }))
    }

    /// This end.
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// The other end.
    pub fn peer(&self) -> &Endpoint {
        &self.peer
    }

    /// Reads what is there; 0 is the end.
    pub fn poll_receive(&self, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<Result<usize, SocketError>> {
        match &self.way {
            Way::Inside { incoming, .. } => incoming.read(cx, target),
            Way::Outside(stream) => stream.poll_receive(cx, target),
        }
    }

    /// Writes what fits.
    pub fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, SocketError>> {
        match &self.way {
            Way::Inside { incoming, outgoing } => match outgoing.write(cx, bytes) {
                Poll::Ready(Err(SocketError::Epipe)) if matches!(self.peer, Endpoint::Inet(_)) => {
                    if incoming.tells_reset() {
                        Poll::Ready(Err(SocketError::Econnreset))
                    } else if !incoming.is_reset() && outgoing.is_lost() {
                        Poll::Ready(Ok(bytes.len().min(SOCKET_CAPACITY)))
                    } else {
                        Poll::Ready(Err(SocketError::Epipe))
                    }
                }
                written => written,
            },
            Way::Outside(stream) => stream.poll_send(cx, bytes),
        }
    }

    /// Nothing more will be written.
    pub fn shut_down(&self) {
        match &self.way {
            Way::Inside { outgoing, .. } => outgoing.end(),
            Way::Outside(stream) => stream.end_writing(),
        }
    }

    /// Ends it by force: the peer is told so.
    pub fn reset(&self) {
        if let Way::Inside { outgoing, .. } = &self.way {
            outgoing.reset();
        }
    }

    /// Where its bytes go if that is beyond the VM.
    pub fn outside(&self) -> Option<&Arc<dyn OutsideStream>> {
        match &self.way {
            Way::Inside { .. } => None,
            Way::Outside(stream) => Some(stream),
        }
    }

    /// It as an open file.
    pub fn open_file(self: &Arc<Connection>) -> Arc<OpenFile> {
        // Its place among the open files is taken by the connection itself.
        OpenFile::uncounted(self.clone(), OpenFlags::READ | OpenFlags::WRITE)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Way::Inside { incoming, outgoing } = &self.way {
            if incoming.abandon() {
                outgoing.reset();
            }
            outgoing.end();
        }
    }
}

impl File for Connection {
    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous(FileKind::Fifo, self.id, 0o777))
    }

    without_position!();

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        _: &Mutex<u64>,
    ) -> Poll<Result<usize, Errno>> {
        self.poll_receive(cx, buffer).map_err(SocketError::errno)
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        _: &Mutex<u64>,
        _: bool,
    ) -> Poll<Result<usize, Errno>> {
        self.poll_send(cx, bytes).map_err(SocketError::errno)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.way {
            Way::Inside { incoming, .. } => incoming.readable(cx),
            Way::Outside(stream) => stream.poll_readable(cx),
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.way {
            Way::Inside { outgoing, .. } => outgoing.writable(cx),
            Way::Outside(stream) => stream.poll_writable(cx),
        }
    }

    fn connection(&self) -> Option<&Connection> {
        Some(self)
    }

    fn can_reopen(&self) -> bool {
        false
    }

    fn shut_down(&self) -> Result<(), Errno> {
        Connection::shut_down(self);
        Ok(())
    }

    fn description(&self) -> String {
        format!("socket:[{}]", self.id)
    }
}
