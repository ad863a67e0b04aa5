//! Datagrams on the VM's loopback.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::{Bound, Family, Network, SocketError, destination, is_local, plain};
use crate::limits::Share;
use crate::wait::Wakers;

/// Longest datagram.
pub const DATAGRAM_MAX: usize = 65_507;

/// Most bytes that wait at one socket; what comes beyond is lost, as on any network.
const WAITING_MAX: usize = 256 * 1024;

/// What a datagram takes besides its bytes.
const OVERHEAD: usize = 128;

/// What has arrived.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Datagram>,
    bytes: usize,
    readers: Wakers,
}

struct Datagram {
    from: SocketAddr,
    bytes: Vec<u8>,
    _share: Share,
}

/// A bound socket for datagrams.
pub struct DatagramSocket {
    bound: Bound,
    inbox: Arc<Inbox>,
}

impl DatagramSocket {
    /// A socket at an address of datagrams.
    pub fn new(bound: Bound) -> DatagramSocket {
        let inbox = Arc::new(Inbox::default());
        if bound.family == Family::Udp {
            bound.network.udp.lock().set_target(bound.address().port(), bound.id, &inbox);
        }
        DatagramSocket { bound, inbox }
    }

    /// Where it is.
    pub fn local(&self) -> SocketAddr {
        self.bound.address()
    }

    /// Sends a datagram; nobody says whether it arrives.
    ///
    /// # Errors
    /// `EMSGSIZE`; `EACCES` for an address beyond the VM.
    pub fn send(&self, to: SocketAddr, bytes: &[u8]) -> Result<usize, SocketError> {
        if bytes.len() > DATAGRAM_MAX {
            return Err(SocketError::Emsgsize);
        }
        if !is_local(to.ip()) {
            return Err(SocketError::Eacces);
        }
        if to.port() == 0 {
            return Err(crate::Errno::Einval.into());
        }
        let network: &Arc<Network> = &self.bound.network;
        let arrives = SocketAddr::new(destination(plain(to.ip())), to.port());
        let mut from = self.local();
        if from.ip().is_unspecified() {
            from.set_ip(destination(arrives.ip()));
        }
        let target = network.udp.lock().find(arrives);
        let Some(target) = target else { return Ok(bytes.len()) };
        let size = bytes.len() + OVERHEAD;
        let Some(share) = Share::take(&network.bytes, size as u64) else { return Ok(bytes.len()) };
        let mut state = target.state.lock();
        if state.bytes + size > WAITING_MAX {
            return Ok(bytes.len());
        }
        state.bytes += size;
        state.waiting.push_back(Datagram { from, bytes: bytes.to_vec(), _share: share });
        let woken = state.readers.take();
        drop(state);
        woken.wake();
        Ok(bytes.len())
    }

    /// The next datagram, and who has sent it.
    pub fn poll_receive(&self, cx: &Context<'_>) -> Poll<(Vec<u8>, SocketAddr)> {
        let mut state = self.inbox.state.lock();
        let Some(datagram) = state.waiting.pop_front() else {
            let woken = state.readers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        };
        state.bytes = state.bytes.saturating_sub(datagram.bytes.len() + OVERHEAD);
        drop(state);
        let mut from = datagram.from;
        // At a socket of version 6, addresses of version 4 look like this.
        if let (true, IpAddr::V4(v4)) = (self.local().is_ipv6(), from.ip()) {
            from.set_ip(IpAddr::V6(v4.to_ipv6_mapped()));
        }
        Poll::Ready((datagram.bytes, from))
    }
}
