//! What one VM reaches of the network: which names it may ask for and whom it may connect to, by the policy; how many
//! connections it has, and what has become of them.
//!
//! A rule for a name is one for the addresses that this VM was given for the name, and for nothing that a later question
//! brings: a name is resolved once for each connection, by the question before it. Knows no socket: those are the
//! [network process](crate::supervisor::network)'s.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::secrets::Withheld;
use crate::supervisor::Inner;
use crate::supervisor::network::{Happened, Network, Observer, Wanted, has_ended, next_id};
use protocol::abi::{Connected, ConnectionEvent, NetworkError, NetworkErrorCode, TlsRequest, TlsSession};
use protocol::config::{CreateVmConfig, NetworkLimits, NetworkScope};
use protocol::network::{Account, Placeholder, Requests};
use protocol::policy::{Host, NetworkDenial, Passage, Policy};

/// Pairs of a name and an address that are remembered of one VM; of more, the oldest are forgotten.
const NAMES_MAX: usize = 4096;

/// Names of one address among them: more are those of a server that answers whatever it is asked.
const NAMES_OF_ADDRESS_MAX: usize = 64;

/// How long a question about a name may take in all.
const LOOK_UP_TIME: Duration = Duration::from_secs(20);

/// The time in which `limits.network.lookups` are counted.
const LOOK_UP_WINDOW: Duration = Duration::from_secs(60);

/// Told what the worker has to know of a connection. It must not wait.
pub(in crate::supervisor) type Tell = Box<dyn Fn(u64, ConnectionEvent) + Send + Sync>;

/// The network of one VM. Dropping it ends its connections.
pub(in crate::supervisor) struct Egress {
    supervisor: Weak<Inner>,
    policy: Arc<Policy>,
    /// Its rules as they are written, for who reads requests.
    scope: NetworkScope,
    withheld: Withheld,
    limits: NetworkLimits,
    /// Tells this VM from others in the network process.
    owner: u64,
    names: Mutex<Names>,
    look_ups: Mutex<LookUps>,
    connections: Mutex<HashMap<u64, Open>>,
    bytes: Mutex<Bytes>,
    tell: OnceLock<Tell>,
}

/// Which names an address was given for, and in which order.
#[derive(Default)]
struct Names {
    of: HashMap<IpAddr, Vec<Host>>,
    order: VecDeque<(IpAddr, Host)>,
}

/// Questions about names in the present window.
struct LookUps {
    since: Instant,
    count: u64,
}

/// Bytes of connections that are over.
#[derive(Default)]
struct Bytes {
    incoming: u64,
    outgoing: u64,
}

/// A connection that is there or being made.
struct Open {
    network: Arc<Network>,
    /// What has happened before the worker knew of it; none once it does.
    early: Option<Vec<ConnectionEvent>>,
}

impl Egress {
    pub(in crate::supervisor) fn new(
        supervisor: Weak<Inner>,
        policy: Arc<Policy>,
        config: &CreateVmConfig,
        withheld: Withheld,
    ) -> Arc<Egress> {
        Arc::new(Egress {
            supervisor,
            policy,
            scope: config.permissions.network.clone(),
            withheld,
            limits: config.limits.network.clone(),
            owner: next_id(),
            names: Mutex::default(),
            look_ups: Mutex::new(LookUps { since: Instant::now(), count: 0 }),
            connections: Mutex::default(),
            bytes: Mutex::default(),
            tell: OnceLock::new(),
        })
    }

    /// Says who tells the worker what becomes of connections.
    pub(in crate::supervisor) fn tell_by(&self, tell: Tell) {
        let _ = self.tell.set(tell);
    }

    /// The addresses of a name, if the VM may ask for it.
    ///
    /// # Errors
    /// It may not, there are too many questions, or there is no answer.
    pub(in crate::supervisor) async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, NetworkError> {
        let host = Host::parse(name)
            .map_err(|error| NetworkError::new(NetworkErrorCode::NotFound, error.to_string()))?;
        let canonical = match &host {
            // It stands for itself, which nobody is asked for.
            Host::Address(address) => return Ok(vec![*address]),
            Host::Name(canonical) => canonical,
        };
        self.policy.may_look_up(&host).map_err(denied)?;
        self.count_look_up()?;
        let asking = async {
            // One that has died since is no reason to fail.
            match self.network().await?.look_up(canonical.clone()).await {
                Err(error) if has_ended(&error) => self.network().await?.look_up(canonical.clone()).await,
                answer => answer,
            }
        };
        let addresses = tokio::time::timeout(LOOK_UP_TIME, asking).await.map_err(|_| {
            let text = format!("no server of names has answered for {name} in {} s", LOOK_UP_TIME.as_secs());
            NetworkError::new(NetworkErrorCode::NoAnswer, text)
        })??;
        let mut names = self.names.lock();
        addresses.iter().for_each(|address| names.remember(*address, &host));
        Ok(addresses)
    }

    /// A connection, if the VM may have it: what the worker is told, and the descriptor of its bytes. The worker is told of
    /// nothing that happens to it until [`announced`](Self::announced).
    ///
    /// # Errors
    /// It may not, has too many, or there is none.
    pub(in crate::supervisor) async fn connect(
        self: &Arc<Self>,
        to: SocketAddr,
    ) -> Result<(Connected, OwnedFd), NetworkError> {
        // An address of version 4 in the clothes of version 6 is what it stands for.
        let to = SocketAddr::new(to.ip().to_canonical(), to.port());
        let names = self.names.lock().of.get(&to.ip()).cloned().unwrap_or_default();
        let passage = self.policy.may_connect(&names, to).map_err(denied)?;
        let address = Host::Address(to.ip());
        let gets = |secret: &Placeholder| {
            secret.hosts.iter().any(|host| host.fits(&address) || names.iter().any(|name| host.fits(name)))
        };
        // Only who reads requests can put a secret into one.
        let any = passage == Passage::Bytes;
        let requests = (!any || self.withheld.secrets.iter().any(gets)).then(|| {
            let secrets = self.withheld.secrets.iter().map(|secret| {
                let value = secret.value.clone().filter(|_| gets(secret));
                Placeholder { value, ..secret.clone() }
            });
            Requests {
                scope: self.scope.clone(),
                any,
                extra_ca_certs: self.withheld.extra_ca_certs.clone(),
                secrets: secrets.collect(),
                names: names.clone(),
            }
        });
        let NetworkLimits { connect_ms, idle_ms, .. } = self.limits;
        let wanted = Wanted { to, connect_ms, idle_ms, requests, account: self.account()? };
        match self.connect_once(&wanted).await {
            Err(error) if has_ended(&error) => self.connect_once(&wanted).await,
            made => made,
        }
    }

    async fn connect_once(self: &Arc<Self>, wanted: &Wanted) -> Result<(Connected, OwnedFd), NetworkError> {
        let network = self.network().await?;
        let place = self.place(&network)?;
        let observer: Weak<dyn Observer> = Arc::downgrade(&(self.clone() as Arc<dyn Observer>));
        let (local, descriptor) = network.connect(place.id, wanted, observer).await?;
        // What the host's own address is, is nobody's business in the VM.
        let hidden: IpAddr = match local {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let local = SocketAddr::new(hidden, local.port());
        Ok((Connected { connection: place.keep(), local }, descriptor))
    }

    /// TLS on one of the VM's connections, spoken by the network process.
    ///
    /// # Errors
    /// There is no such connection, the request is too long, or the other end and it did not agree.
    pub(in crate::supervisor) async fn start_tls(
        &self,
        connection: u64,
        request: TlsRequest,
    ) -> Result<TlsSession, NetworkError> {
        if !request.fits() {
            let text =
                format!("names, protocols and certificates have more than {} bytes", TlsRequest::BYTES_MAX);
            return Err(NetworkError::new(NetworkErrorCode::Limit, text));
        }
        let network = self.connections.lock().get(&connection).map(|open| open.network.clone());
        let Some(network) = network else {
            return Err(NetworkError::new(NetworkErrorCode::Reset, "the connection is over"));
        };
        network.start_tls(connection, request).await
    }

    /// The worker has been told of a connection, and can be told what has become of it.
    pub(in crate::supervisor) fn announced(&self, connection: u64) {
        let mut connections = self.connections.lock();
        let early = connections.get_mut(&connection).and_then(|open| open.early.take()).unwrap_or_default();
        for event in early {
            self.tell(connection, event);
        }
    }

    /// The worker has been told that a connection is over: its place is free.
    pub(in crate::supervisor) fn forget(&self, connection: u64) {
        self.connections.lock().remove(&connection);
    }

    /// Ends a connection that the worker did not get.
    pub(in crate::supervisor) fn give_up(&self, connection: u64) {
        let open = self.connections.lock().remove(&connection);
        if let Some(open) = open {
            open.network.end(connection);
        }
    }

    async fn network(&self) -> Result<Arc<Network>, NetworkError> {
        let Some(inner) = self.supervisor.upgrade() else {
            return Err(NetworkError::new(NetworkErrorCode::Failed, "the supervisor has ended"));
        };
        inner.networks.get(&inner).await
    }

    /// A place among the VM's connections.
    fn place(self: &Arc<Self>, network: &Arc<Network>) -> Result<Place, NetworkError> {
        let mut connections = self.connections.lock();
        if connections.len() as u64 >= self.limits.connections {
            let text = format!(
                "the VM has {} connections beyond it, which is all it may have at once (limits.network.connections)",
                connections.len()
            );
            return Err(NetworkError::new(NetworkErrorCode::Limit, text));
        }
        let id = next_id();
        connections.insert(id, Open { network: network.clone(), early: Some(Vec::new()) });
        Ok(Place { egress: self.clone(), id, is_kept: false })
    }

    /// What the VM may still have.
    fn account(&self) -> Result<Account, NetworkError> {
        let bytes = self.bytes.lock();
        let left = |most: u64, had: u64, field| match most.saturating_sub(had) {
            0 => {
                let text = format!(
                    "the VM has had {had} bytes of the network, which is all it may (limits.network.{field})"
                );
                Err(NetworkError::new(NetworkErrorCode::Limit, text))
            }
            left => Ok(left),
        };
        Ok(Account {
            owner: self.owner,
            bytes_in: left(self.limits.bytes_in, bytes.incoming, "bytesIn")?,
            bytes_out: left(self.limits.bytes_out, bytes.outgoing, "bytesOut")?,
        })
    }

    fn count_look_up(&self) -> Result<(), NetworkError> {
        let mut look_ups = self.look_ups.lock();
        if look_ups.since.elapsed() >= LOOK_UP_WINDOW {
            *look_ups = LookUps { since: Instant::now(), count: 0 };
        }
        if look_ups.count >= self.limits.lookups {
            let text =
                format!("{} names were asked for in a minute (limits.network.lookups)", look_ups.count);
            return Err(NetworkError::new(NetworkErrorCode::Limit, text));
        }
        look_ups.count += 1;
        Ok(())
    }

    fn tell(&self, connection: u64, event: ConnectionEvent) {
        if let Some(tell) = self.tell.get() {
            tell(connection, event);
        }
    }
}

impl Observer for Egress {
    fn happened(&self, connection: u64, what: Happened) {
        let event = match what {
            Happened::Ended => ConnectionEvent::Ended {},
            Happened::Closed { error, bytes_in, bytes_out } => {
                let mut bytes = self.bytes.lock();
                bytes.incoming = bytes.incoming.saturating_add(bytes_in);
                bytes.outgoing = bytes.outgoing.saturating_add(bytes_out);
                match error {
                    Some(error) => ConnectionEvent::Lost { error },
                    None => ConnectionEvent::Closed {},
                }
            }
        };
        let mut connections = self.connections.lock();
        match connections.get_mut(&connection) {
            Some(Open { early: Some(early), .. }) => early.push(event),
            Some(_) => self.tell(connection, event),
            None => {}
        }
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        for (id, open) in self.connections.get_mut().drain() {
            open.network.end(id);
        }
    }
}

/// A place among a VM's connections, which is free again unless it is kept.
struct Place {
    egress: Arc<Egress>,
    id: u64,
    is_kept: bool,
}

impl Place {
    fn keep(mut self) -> u64 {
        self.is_kept = true;
        self.id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_kept {
            self.egress.give_up(self.id);
        }
    }
}

impl Names {
    fn remember(&mut self, address: IpAddr, name: &Host) {
        let names = self.of.entry(address).or_default();
        if names.contains(name) {
            return;
        }
        if names.len() == NAMES_OF_ADDRESS_MAX {
            names.remove(0);
        }
        names.push(name.clone());
        self.order.push_back((address, name.clone()));
        while self.order.len() > NAMES_MAX {
            let Some((address, name)) = self.order.pop_front() else { return };
            if let Some(names) = self.of.get_mut(&address) {
                names.retain(|known| *known != name);
                if names.is_empty() {
                    self.of.remove(&address);
                }
            }
        }
    }
}

fn denied(denial: NetworkDenial) -> NetworkError {
    NetworkError::new(NetworkErrorCode::Denied, denial.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_names_are_forgotten() {
        let mut names = Names::default();
        let name = |number: usize| Host::parse(&format!("n{number}.example.org")).unwrap();
        let address = |number: usize| IpAddr::V4(Ipv4Addr::from(0x0800_0000 + number as u32 / 2));
        for number in 0..NAMES_MAX + 3 {
            names.remember(address(number), &name(number));
            names.remember(address(number), &name(number));
        }
        assert_eq!(names.order.len(), NAMES_MAX);
        assert!(!names.of.contains_key(&address(0)));
        assert_eq!(names.of[&address(2)], [name(3)]);
        assert_eq!(names.of.values().map(Vec::len).sum::<usize>(), NAMES_MAX);
    }
}
