//! Ports: who has which, and who conflicts with whom.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use super::{Network, SocketError, is_local, plain};
use crate::limits::Share;

/// Ports that are given to whoever does not ask for one.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;

/// Whose ports they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Who has which ports of one family. `T` is what arrives there.
pub(super) struct Ports<T> {
    taken: BTreeMap<u16, Vec<Entry<T>>>,
    next: u16,
    last_id: u64,
}

struct Entry<T> {
    id: u64,
    address: IpAddr,
    only_version_6: bool,
    shares: bool,
    target: Weak<T>,
}

impl<T> Default for Ports<T> {
    fn default() -> Self {
        Ports { taken: BTreeMap::new(), next: *EPHEMERAL.start(), last_id: 0 }
    }
}

/// Whether what arrives at `address` is for whoever is bound to `at`.
fn covers(at: IpAddr, only_version_6: bool, address: IpAddr) -> bool {
    match (at, address) {
        _ if at == address => true,
        (IpAddr::V4(at), IpAddr::V4(_)) => at.is_unspecified(),
        (IpAddr::V6(at), IpAddr::V6(_)) => at.is_unspecified(),
        (IpAddr::V6(at), IpAddr::V4(_)) => at.is_unspecified() && !only_version_6,
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

impl<T> Ports<T> {
    fn is_free(&self, port: u16, address: IpAddr, only_version_6: bool, shares: bool) -> bool {
        self.taken.get(&port).is_none_or(|entries| {
            entries.iter().all(|entry| {
                (shares && entry.shares)
                    || !(covers(entry.address, entry.only_version_6, address)
                        || covers(address, only_version_6, entry.address))
            })
        })
    }

    /// Takes a port; 0 asks for any.
    fn take(
        &mut self,
        at: SocketAddr,
        only_version_6: bool,
        shares: bool,
    ) -> Result<(u64, u16), SocketError> {
        let address = plain(at.ip());
        let port = match at.port() {
            0 => self.any(address, only_version_6).ok_or(SocketError::Eaddrinuse)?,
            port if self.is_free(port, address, only_version_6, shares) => port,
            _ => return Err(SocketError::Eaddrinuse),
        };
        self.last_id += 1;
        let id = self.last_id;
        let entry = Entry { id, address, only_version_6, shares, target: Weak::new() };
        self.taken.entry(port).or_default().push(entry);
        Ok((id, port))
    }

    fn any(&mut self, address: IpAddr, only_version_6: bool) -> Option<u16> {
        for _ in EPHEMERAL {
            let port = self.next;
            self.next = if port >= *EPHEMERAL.end() { *EPHEMERAL.start() } else { port + 1 };
            if self.is_free(port, address, only_version_6, false) {
                return Some(port);
            }
        }
        None
    }

    pub(super) fn release(&mut self, port: u16, id: u64) {
        if let Some(entries) = self.taken.get_mut(&port) {
            entries.retain(|entry| entry.id != id);
            if entries.is_empty() {
                self.taken.remove(&port);
            }
        }
    }

    pub(super) fn set_target(&mut self, port: u16, id: u64, target: &Arc<T>) {
        let entries = self.taken.get_mut(&port);
        if let Some(entry) = entries.and_then(|entries| entries.iter_mut().find(|entry| entry.id == id)) {
            entry.target = Arc::downgrade(target);
        }
    }

    /// Who is to have what arrives: the one that is bound most narrowly.
    pub(super) fn find(&self, to: SocketAddr) -> Option<Arc<T>> {
        let entries = self.taken.get(&to.port())?;
        let living = |exact: bool| {
            entries
                .iter()
                .filter(|entry| (entry.address == to.ip()) == exact)
                .filter(|entry| covers(entry.address, entry.only_version_6, to.ip()))
                .find_map(|entry| entry.target.upgrade())
        };
        living(true).or_else(|| living(false))
    }
}

/// An address that somebody has, until this is dropped.
pub struct Bound {
    pub(super) network: Arc<Network>,
    pub(super) family: Family,
    pub(super) id: u64,
    address: SocketAddr,
    _share: Share,
}

impl Bound {
    /// The address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let (port, id) = (self.address.port(), self.id);
        match self.family {
            Family::Tcp => self.network.tcp.lock().release(port, id),
            Family::Udp => self.network.udp.lock().release(port, id),
        }
    }
}

impl Network {
    /// Takes an address of the VM's; port 0 asks for any. `shares` lets others that share have it too.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` for what is no address of the VM's, `EADDRINUSE`, `ENFILE` at the limit of open files.
    pub fn bind(
        self: &Arc<Network>,
        family: Family,
        at: SocketAddr,
        only_version_6: bool,
        shares: bool,
    ) -> Result<Bound, SocketError> {
        if !is_local(at.ip()) {
            return Err(SocketError::Eaddrnotavail);
        }
        let share = self.room()?;
        let (id, port) = match family {
            Family::Tcp => self.tcp.lock().take(at, only_version_6, shares)?,
            Family::Udp => self.udp.lock().take(at, only_version_6, shares)?,
        };
        let mut address = at;
        address.set_port(port);
        Ok(Bound { network: self.clone(), family, id, address, _share: share })
    }
}
