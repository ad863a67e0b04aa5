//! What one VM reaches of the network: which names it may ask for and whom it may connect to, by the policy; how many
//! connections it has, and what has become of them.
//!
//! A rule for a name is one for the addresses that this VM was given for the name, and for nothing that a later question
//! brings: a name is resolved once for each connection, by the question before it. Knows no socket: those are the
//! [network process](crate::supervisor::network)'s.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::secrets::Withheld;
use crate::supervisor::Inner;
use crate::supervisor::network::{Happened, Network, Observer, Wanted, has_ended, next_id};
use protocol::abi::{Connected, ConnectionEvent, NetworkError, NetworkErrorCode, TlsRequest, TlsSession};
use protocol::config::{Access, ConfigError, CreateVmConfig, NetworkLimits, NetworkScope, check_for_secrets};
use protocol::network::{Account, Placeholder, Requests};
use protocol::policy::{Host, NetworkDenial, Passage, Policy, shown_target};
use protocol::wire::{Decision, DecisionScope, NetworkUsage};

/// Pairs of a name and an address that are remembered of one VM; of more, the oldest are forgotten.
const NAMES_MAX: usize = 4096;

/// Names of one address among them: more are those of a server that answers whatever it is asked.
const NAMES_OF_ADDRESS_MAX: usize = 64;

/// How long a question about a name may take in all.
const LOOK_UP_TIME: Duration = Duration::from_secs(20);

/// How long the network process may take to say what is left.
const USAGE_TIME: Duration = Duration::from_secs(5);

/// The time in which `limits.network.lookups` are counted.
const LOOK_UP_WINDOW: Duration = Duration::from_secs(60);

/// Told what the worker has to know of a connection. It must not wait.
pub(in crate::supervisor) type Tell = Box<dyn Fn(u64, ConnectionEvent) + Send + Sync>;

/// The network of one VM. Dropping it ends its connections.
pub(in crate::supervisor) struct Egress {
    supervisor: Weak<Inner>,
    policy: Arc<Policy>,
    rules: Mutex<Rules>,
    withheld: Withheld,
    limits: NetworkLimits,
    /// Tells this VM from others in the network process.
    owner: u64,
    names: Mutex<Names>,
    look_ups: Mutex<LookUps>,
    connections: Mutex<HashMap<u64, Open>>,
    bytes: Mutex<Bytes>,
    /// Connections that were made, and names that were asked for, in all.
    connections_made: AtomicU64,
    looked_up: AtomicU64,
    tell: OnceLock<Tell>,
}

/// The rules as they are written, for who reads requests.
struct Rules {
    scope: NetworkScope,
    /// Counts how often they were changed.
    generation: u64,
}

/// What was decided of a connection, and by which rules.
struct Decided {
    wanted: Wanted,
    names: Vec<Host>,
    generation: u64,
}

/// Why a connection was not made.
enum NotMade {
    /// The rules have changed meanwhile.
    Changed,
    Failed(NetworkError),
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
    to: SocketAddr,
    /// The names for which the VM had the address then.
    names: Vec<Host>,
    /// Whether it carries requests, which can be decided by other rules.
    has_requests: bool,
    /// Why it is ended, where the rules do not allow it any more.
    denied: Option<NetworkError>,
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
            rules: Mutex::new(Rules { scope: config.permissions.network.clone(), generation: 0 }),
            withheld,
            limits: config.limits.network.clone(),
            owner: next_id(),
            names: Mutex::default(),
            look_ups: Mutex::new(LookUps { since: Instant::now(), count: 0 }),
            connections: Mutex::default(),
            bytes: Mutex::default(),
            connections_made: AtomicU64::new(0),
            looked_up: AtomicU64::new(0),
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
        let mut has_died = false;
        loop {
            let decided = self.decide(to)?;
            match self.connect_once(decided).await {
                Ok(made) => return Ok(made),
                Err(NotMade::Changed) => {}
                // One that has died since is no reason to fail.
                Err(NotMade::Failed(error)) if has_ended(&error) && !has_died => has_died = true,
                Err(NotMade::Failed(error)) => return Err(error),
            }
        }
    }

    /// Decides a connection.
    fn decide(&self, to: SocketAddr) -> Result<Decided, NetworkError> {
        // Before anything is decided: whatever is decided by newer rules meanwhile is decided once more.
        let generation = self.rules.lock().generation;
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
                scope: self.scope(),
                any,
                watch: self.policy.journal().watching(),
                extra_ca_certs: self.withheld.extra_ca_certs.clone(),
                secrets: secrets.collect(),
                names: names.clone(),
            }
        });
        let proxy = self.supervisor()?.proxies.way(&names, to)?;
        let NetworkLimits { connect_ms, idle_ms, .. } = self.limits;
        let wanted = Wanted { to, connect_ms, idle_ms, requests, account: self.account()?, proxy };
        Ok(Decided { wanted, names, generation })
    }

    async fn connect_once(self: &Arc<Self>, decided: Decided) -> Result<(Connected, OwnedFd), NotMade> {
        let network = self.network().await.map_err(NotMade::Failed)?;
        let Decided { wanted, names, generation } = decided;
        let place = self.place(&network, &wanted, names).map_err(NotMade::Failed)?;
        let has_changed = || self.rules.lock().generation != generation;
        // From here on it is among those that a change of the rules ends.
        if has_changed() {
            return Err(NotMade::Changed);
        }
        let observer: Weak<dyn Observer> = Arc::downgrade(&(self.clone() as Arc<dyn Observer>));
        let (local, descriptor) = match network.connect(place.id, wanted, observer).await {
            Ok(made) => made,
            Err(_) if has_changed() => return Err(NotMade::Changed),
            Err(error) => return Err(NotMade::Failed(error)),
        };
        if has_changed() {
            // It was asked for after whoever changed them had looked.
            self.hold(place.id).await.map_err(NotMade::Failed)?;
            if self.connections.lock().get(&place.id).is_none_or(|open| open.denied.is_some()) {
                return Err(NotMade::Changed);
            }
        }
        self.connections_made.fetch_add(1, Ordering::Relaxed);
        // What the host's own address is, is nobody's business in the VM.
        let hidden: IpAddr = match local {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let local = SocketAddr::new(hidden, local.port());
        Ok((Connected { connection: place.keep(), local }, descriptor))
    }

    /// Puts other rules in the place of those in force. Connections are held to them by [`hold_all`](Self::hold_all).
    ///
    /// # Errors
    /// They are not for a VM that has secrets: those before stay.
    pub(in crate::supervisor) fn set_rules(&self, scope: &NetworkScope) -> Result<(), ConfigError> {
        if !self.withheld.secrets.is_empty() {
            check_for_secrets(scope)?;
        }
        let mut rules = self.rules.lock();
        self.policy.set_network(scope)?;
        rules.scope = scope.clone();
        rules.generation += 1;
        Ok(())
    }

    /// The rules that are in force.
    pub(in crate::supervisor) fn scope(&self) -> NetworkScope {
        self.rules.lock().scope.clone()
    }

    /// Holds all connections to the rules that are in force, and has those that carry requests tell of decisions as they are
    /// watched.
    ///
    /// # Errors
    /// The network process takes no questions.
    pub(in crate::supervisor) async fn hold_all(&self) -> Result<(), NetworkError> {
        let all: Vec<u64> = self.connections.lock().keys().copied().collect();
        for id in all {
            match self.hold(id).await {
                Err(error) if !has_ended(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends a connection that the rules do not allow any more, and has requests of another decided by them.
    async fn hold(&self, id: u64) -> Result<(), NetworkError> {
        let open = self.connections.lock().get(&id).map(|open| {
            let Open { network, to, names, has_requests, .. } = open;
            (network.clone(), *to, names.clone(), *has_requests)
        });
        let Some((network, to, names, has_requests)) = open else { return Ok(()) };
        let why = match self.policy.may_still_connect(&names, to) {
            Ok(passage) if has_requests => {
                let watch = self.policy.journal().watching();
                return network.decide(id, (self.scope(), passage == Passage::Bytes), watch).await;
            }
            Ok(Passage::Bytes) => return Ok(()),
            Ok(Passage::Requests) => {
                let address = Some(to.ip());
                let target = shown_target(&names, to);
                let why = format!(
                    "the connection to {target} is ended: only requests of HTTP are allowed there now, and it carries bytes"
                );
                let journal = self.policy.journal();
                journal.note(Access::Deny, DecisionScope::Network, "connect", "permissions.network", || {
                    (target, address)
                });
                why
            }
            Err(denial) => denial.message,
        };
        if let Some(open) = self.connections.lock().get_mut(&id) {
            open.denied = Some(NetworkError::new(NetworkErrorCode::Reset, why));
        }
        network.cut(id).await
    }

    /// What the VM has had so far. What the network process had told before has been heard then.
    pub(in crate::supervisor) async fn usage(&self) -> NetworkUsage {
        let (open, network) = {
            let connections = self.connections.lock();
            let network = connections.values().next().map(|open| open.network.clone());
            (connections.len() as u64, network)
        };
        let left = match network {
            Some(network) => tokio::time::timeout(USAGE_TIME, network.left(self.owner)).await.ok(),
            None => None,
        };
        let bytes = self.bytes.lock();
        let had = |most: u64, left: u64, over: u64| most.saturating_sub(left).max(over);
        let (bytes_in, bytes_out) = match left {
            Some(Ok(Some((left_in, left_out)))) => (
                had(self.limits.bytes_in, left_in, bytes.incoming),
                had(self.limits.bytes_out, left_out, bytes.outgoing),
            ),
            _ => (bytes.incoming, bytes.outgoing),
        };
        NetworkUsage {
            bytes_in,
            bytes_out,
            connections: open,
            connections_made: self.connections_made.load(Ordering::Relaxed),
            lookups: self.looked_up.load(Ordering::Relaxed),
        }
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
        let inner = self.supervisor()?;
        inner.networks.get(&inner).await
    }

    fn supervisor(&self) -> Result<Arc<Inner>, NetworkError> {
        let gone = || NetworkError::new(NetworkErrorCode::Failed, "the supervisor has ended");
        self.supervisor.upgrade().ok_or_else(gone)
    }

    /// A place among the VM's connections.
    fn place(
        self: &Arc<Self>,
        network: &Arc<Network>,
        wanted: &Wanted,
        names: Vec<Host>,
    ) -> Result<Place, NetworkError> {
        let mut connections = self.connections.lock();
        if connections.len() as u64 >= self.limits.connections {
            let text = format!(
                "the VM has {} connections beyond it, which is all it may have at once (limits.network.connections)",
                connections.len()
            );
            return Err(NetworkError::new(NetworkErrorCode::Limit, text));
        }
        let id = next_id();
        let open = Open {
            network: network.clone(),
            to: wanted.to,
            names,
            has_requests: wanted.requests.is_some(),
            denied: None,
            early: Some(Vec::new()),
        };
        connections.insert(id, open);
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
        self.looked_up.fetch_add(1, Ordering::Relaxed);
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
        let mut connections = self.connections.lock();
        let open = connections.get_mut(&connection);
        let event = match what {
            Happened::Decided(batch) => {
                let is_its = |made: &Decision| made.scope == DecisionScope::Network;
                return self.policy.journal().merge(batch, is_its);
            }
            Happened::Ended => ConnectionEvent::Ended {},
            Happened::Closed { error, bytes_in, bytes_out } => {
                let mut bytes = self.bytes.lock();
                bytes.incoming = bytes.incoming.saturating_add(bytes_in);
                bytes.outgoing = bytes.outgoing.saturating_add(bytes_out);
                match open.as_ref().and_then(|open| open.denied.clone()).or(error) {
                    Some(error) => ConnectionEvent::Lost { error },
                    None => ConnectionEvent::Closed {},
                }
            }
        };
        match open {
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
        if let Some(known) = names.iter().position(|known| known == name) {
            // The last that was asked for is by which the guest goes.
            names[known..].rotate_left(1);
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
