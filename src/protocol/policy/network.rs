//! What may leave the VM for the network.
//!
//! Three questions, each about something that is resolved already: may this name be looked up, may a connection be made
//! to this address, may this request be sent. Rules are asked in order and the first that matches decides; where none
//! does, the default. Pure: whoever asks resolves names, connects, and parses HTTP.
//!
//! An address that is no public one ([`special`]) is allowed by a rule only if that names the address, itself or by a
//! prefix of such addresses: a name leads wherever its owner's resolver says, so names and `*` are about the public network.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::host::Host;
use super::host_pattern::HostPattern;
use super::journal::Journal;
use super::pattern::{Kind, Matcher};
use super::{special, url_path};
use crate::config::{
    Access, ConfigError, HttpMethod, HttpScheme, NetworkOperation, NetworkRule, NetworkScope, PortRange,
};
use crate::wire::{DecisionScope, DecisionWatch};

pub(super) const FIELD: &str = "permissions.network";
/// So much of a path or a method is shown in a denial.
const SHOWN: usize = 200;

/// What may go over a connection that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Passage {
    /// Whatever bytes.
    Bytes,
    /// HTTP requests, each decided by itself.
    Requests,
}

/// An HTTP request, on the connection over which it would be sent.
#[derive(Clone, Copy, Debug)]
pub struct HttpTarget<'a> {
    /// How it is sent.
    pub scheme: HttpScheme,
    /// The host that it names; the caller has seen that all parts of the request name the same.
    pub host: &'a Host,
    /// The port that the connection goes to.
    pub port: u16,
    /// The method, as it is sent.
    pub method: &'a str,
    /// The path as it is sent, with or without a query.
    pub path: &'a str,
    /// The address that the connection goes to.
    pub address: IpAddr,
}

/// A refusal, in a sentence that a person or a model can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct NetworkDenial {
    /// The field of the configuration that decides: `permissions.network`, or one of its rules.
    pub field: String,
    /// What was refused, why, and what to change.
    pub message: String,
}

/// The rule that has allowed something; none where the default did.
pub type By = Option<usize>;

impl HttpTarget<'_> {
    /// Scheme and authority, as in an URL.
    fn origin(&self) -> String {
        let authority = self.host.with_port(self.port);
        let authority = match self.port == self.scheme.port() {
            true => authority.trim_end_matches(&format!(":{}", self.port)),
            false => &authority,
        };
        format!("{}://{authority}", self.scheme.name())
    }

    /// Method and URL without the query, as they are told.
    pub fn shown(&self) -> String {
        let shown = |text: &str| text.chars().take(SHOWN).collect::<String>().escape_debug().to_string();
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {}{}", shown(self.method), self.origin(), shown(path))
    }
}

/// The name that a guest goes by, if it goes by one: the last that it has asked for.
fn named(names: &[Host]) -> Option<&Host> {
    names.iter().rfind(|name| matches!(name, Host::Name(_)))
}

/// Where a connection goes, by the name that the guest goes by.
pub fn shown_target(names: &[Host], to: SocketAddr) -> String {
    named(names).map_or_else(|| to.to_string(), |name| name.with_port(to.port()))
}

/// Notes a decision.
pub(super) fn note<T>(
    journal: &Journal,
    operation: &str,
    decided: &Result<T, NetworkDenial>,
    by: impl FnOnce(&T) -> By,
    what: impl FnOnce() -> (String, Option<IpAddr>),
) {
    if journal.watching() == DecisionWatch::Off {
        return;
    }
    let (decision, field) = match decided {
        Ok(allowed) => match by(allowed) {
            Some(index) => (Access::Allow, format!("{FIELD}.rules[{index}]")),
            None => (Access::Allow, FIELD.to_owned()),
        },
        Err(denial) => (Access::Deny, denial.field.clone()),
    };
    journal.note(decision, DecisionScope::Network, operation, &field, what);
}

/// Notes the decision over a request.
pub fn note_request(journal: &Journal, decided: &Result<By, NetworkDenial>, request: &HttpTarget<'_>) {
    note(journal, "http", decided, |by| *by, || (request.shown(), Some(request.address.to_canonical())));
}

/// A rule, ready to be asked.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) mode: Access,
    operations: Option<Vec<NetworkOperation>>,
    pub(super) hosts: Option<Vec<HostPattern>>,
    pub(super) ports: Option<Vec<PortRange>>,
    methods: Option<Vec<HttpMethod>>,
    paths: Option<Matcher>,
    schemes: Option<Vec<HttpScheme>>,
    /// Whether nothing matches it.
    void: bool,
}

/// What is asked about: names by which the guest knows it, and its address, as far as there are any.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    names: &'a [Host],
    address: Option<IpAddr>,
    special: Option<&'static str>,
}

impl<'a> Target<'a> {
    pub(super) fn new(names: &'a [Host], address: Option<IpAddr>) -> Self {
        let address = address.map(|address| address.to_canonical());
        Target { names, address, special: address.and_then(special) }
    }
}

/// Why something is not allowed.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// By this rule.
    Rule(usize),
    /// Nothing allows it.
    Default,
}

impl Rule {
    fn new(rule: &NetworkRule, field: &str) -> Result<Rule, ConfigError> {
        let paths = rule.paths.as_ref().map(|list| Matcher::new(list, Kind::Path)).transpose();
        let paths = paths.map_err(|message| ConfigError { path: format!("{field}.paths"), message })?;
        Ok(Rule {
            mode: rule.mode,
            operations: rule.operations.clone(),
            hosts: rule.hosts.clone(),
            ports: rule.ports.clone(),
            methods: rule.methods.clone(),
            paths,
            schemes: rule.schemes.clone(),
            void: rule.has_an_empty_list(),
        })
    }

    pub(super) fn is_for(&self, operation: NetworkOperation) -> bool {
        self.operations.as_ref().is_none_or(|list| list.contains(&operation))
    }

    pub(super) fn is_for_port(&self, port: u16) -> bool {
        self.ports.as_ref().is_none_or(|list| list.iter().any(|range| range.contains(port)))
    }

    /// Whether one of its hosts is a name or the address of what is asked about, and if it allows that, may allow it.
    pub(super) fn is_for_host(&self, target: &Target<'_>) -> bool {
        if let (Access::Allow, Some(address), Some(_)) = (self.mode, target.address, target.special) {
            return self.hosts.iter().flatten().any(|host| host.opens_special(address));
        }
        let fits = |host: &HostPattern| {
            let name = |name: &Host| matches!(name, Host::Name(name) if host.fits_name(name));
            target.names.iter().any(name) || target.address.is_some_and(|address| host.fits_address(address))
        };
        self.hosts.as_ref().is_none_or(|list| list.iter().any(fits))
    }

    /// Whether it tells requests of HTTP apart by more than host and port.
    pub(super) fn tells_requests_apart(&self) -> bool {
        self.methods.is_some() || self.paths.is_some() || self.schemes.is_some()
    }

    /// Whether it is for everything of its operations and hosts.
    fn is_whole(&self) -> bool {
        self.ports.is_none() && !self.tells_requests_apart()
    }

    fn is_for_request(&self, request: &HttpTarget<'_>, path: Result<&str, &str>) -> bool {
        self.schemes.as_ref().is_none_or(|list| list.contains(&request.scheme))
            && self.methods.as_ref().is_none_or(|list| list.iter().any(|one| one.as_str() == request.method))
            && self.paths.as_ref().is_none_or(|paths| match path {
                Ok(path) => paths.matches(path),
                Err(_) => self.mode == Access::Deny,
            })
    }
}

/// The decisions over what leaves a VM for the network.
#[derive(Debug)]
pub struct NetworkPolicy {
    pub(super) rules: Vec<Rule>,
    default: Access,
}

impl NetworkPolicy {
    /// The policy that a scope describes.
    ///
    /// # Errors
    /// A path is no glob or too large, which a configuration that was checked has not.
    pub fn new(scope: &NetworkScope) -> Result<Self, ConfigError> {
        let rules = scope.rules().iter().enumerate();
        let rules = rules.map(|(index, rule)| Rule::new(rule, &format!("{FIELD}.rules[{index}]")));
        Ok(NetworkPolicy { rules: rules.collect::<Result<_, _>>()?, default: scope.default_access() })
    }

    /// Whether some rule or the default could allow anything to leave the VM.
    pub fn reaches_out(&self) -> bool {
        for rule in &self.rules {
            match rule.mode {
                Access::Allow if !rule.void => return true,
                Access::Deny if rule.is_whole() && rule.hosts.is_none() && rule.operations.is_none() => {
                    return false;
                }
                _ => {}
            }
        }
        self.default == Access::Allow
    }

    /// Decides the lookup of a name, or of what an address is called.
    ///
    /// It is allowed where `dns`, `connect` or `http` could be, on whatever port: what may be reached may be looked up. A
    /// rule that denies is about lookups only if it is for `dns` and tells no ports or requests apart. Names that resolve to
    /// addresses which a rule allows by address need a rule by name beside it, since nobody knows that before.
    ///
    /// # Errors
    /// It is denied.
    pub fn may_look_up(&self, name: &Host) -> Result<(), NetworkDenial> {
        self.look_up_by(name).map(drop)
    }

    /// As [`may_look_up`](Self::may_look_up), and by which rule.
    pub(super) fn look_up_by(&self, name: &Host) -> Result<By, NetworkDenial> {
        use NetworkOperation::{Connect, Dns, Http};
        let denied = |target: &Target<'_>, refusal| {
            Err(denial(&format!("looking up {name}"), target, refusal, &name.to_string(), None))
        };
        let names = std::slice::from_ref(name);
        let target = match name {
            Host::Address(address) => Target::new(&[], Some(*address)),
            Host::Name(_) => Target::new(names, None),
        };
        if name.is_localhost() {
            return Err(NetworkDenial {
                field: FIELD.to_owned(),
                message: format!(
                    "looking up {name} outside is refused: it is the VM itself; this machine's loopback is reached by its \
                     address, with --allow network=127.0.0.1:PORT"
                ),
            });
        }
        if !name.is_canonical() {
            return denied(&target, Refusal::Default);
        }
        let mut open = [Dns, Connect, Http].to_vec();
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.is_for_host(&target)) {
            match rule.mode {
                Access::Allow if !rule.void && open.iter().any(|operation| rule.is_for(*operation)) => {
                    return Ok(Some(index));
                }
                Access::Deny if rule.is_whole() && rule.is_for(Dns) => {
                    return denied(&target, Refusal::Rule(index));
                }
                Access::Deny if rule.is_whole() => open.retain(|operation| !rule.is_for(*operation)),
                _ => {}
            }
        }
        match self.by_default(&target) {
            Ok(()) if !open.is_empty() => Ok(None),
            _ => denied(&target, Refusal::Default),
        }
    }

    /// Decides a TCP connection to `to`, an address that the guest has been given for `names`, if for any.
    ///
    /// # Errors
    /// It is denied: neither any bytes nor some request may go there.
    pub fn may_connect(&self, names: &[Host], to: SocketAddr) -> Result<Passage, NetworkDenial> {
        self.connect_by(names, to).map(|(passage, _)| passage)
    }

    /// As [`may_connect`](Self::may_connect), and by which rule.
    pub(super) fn connect_by(&self, names: &[Host], to: SocketAddr) -> Result<(Passage, By), NetworkDenial> {
        let target = Target::new(names, Some(to.ip()));
        let to = SocketAddr::new(to.ip().to_canonical(), to.port());
        let canonical = names.iter().all(Host::is_canonical);
        let refusal = match self.connect(&target, to.port()) {
            Ok(by) if canonical => return Ok((Passage::Bytes, by)),
            Err(refusal) if canonical => match self.some_request(&target, to.port()) {
                Ok(by) => return Ok((Passage::Requests, by)),
                Err(_) => refusal,
            },
            Ok(_) => Refusal::Default,
            Err(refusal) => refusal,
        };
        let flag = shown_target(names, to);
        let what = match named(names) {
            Some(_) => format!("{flag} ({})", Host::Address(to.ip())),
            None => flag.clone(),
        };
        Err(denial(&format!("connecting to {what}"), &target, refusal, &flag, Some(to)))
    }

    /// Decides one HTTP request on a connection whose passage is [`Passage::Requests`].
    ///
    /// # Errors
    /// It is denied.
    pub fn may_request(&self, request: &HttpTarget<'_>) -> Result<(), NetworkDenial> {
        self.decide_request(request).map(drop)
    }

    /// As [`may_request`](Self::may_request), and by which rule, if not by default: what [`note_request`] takes.
    ///
    /// # Errors
    /// It is denied.
    pub fn decide_request(&self, request: &HttpTarget<'_>) -> Result<By, NetworkDenial> {
        let path = url_path::normal(request.path);
        let to = SocketAddr::new(request.address.to_canonical(), request.port);
        let names = std::slice::from_ref(request.host);
        let target = Target::new(names, Some(to.ip()));
        let what = || request.shown();
        let never = |why: &str| {
            Err(NetworkDenial { field: FIELD.to_owned(), message: format!("{} is refused: {why}", what()) })
        };
        if !HttpMethod::is_one(request.method) {
            return never("its method is none: those are upper case letters and \"-\"");
        }
        if request.method == "CONNECT" {
            return never("it asks for a tunnel through which any bytes go; connect to the host itself");
        }
        if matches!(request.host, Host::Address(address) if address.to_canonical() != to.ip()) {
            return never(&format!("it is for another address than its connection's, {}", to.ip()));
        }
        if !request.host.is_canonical() {
            return never("its host is not in the canonical form");
        }
        let path = path.as_deref().map_err(|why| *why);
        let decision = self.first(&target, |rule| {
            rule.is_for(NetworkOperation::Http)
                && rule.is_for_port(request.port)
                && rule.is_for_request(request, path)
        });
        decision.map_err(|refusal| {
            let mut denial = denial(&what(), &target, refusal, &request.origin(), Some(to));
            let by_path = match refusal {
                Refusal::Rule(index) => self.rules.get(index).is_some_and(|rule| rule.paths.is_some()),
                Refusal::Default => self.rules.iter().any(|rule| rule.paths.is_some()),
            };
            if let (Err(why), true) = (path, by_path) {
                denial.message += &format!(" (its path could be read in more than one way: {why})");
            }
            denial
        })
    }

    /// Decides raw connections.
    pub(super) fn connect(&self, target: &Target<'_>, port: u16) -> Result<By, Refusal> {
        self.first(target, |rule| rule.is_for(NetworkOperation::Connect) && rule.is_for_port(port))
    }

    /// Whether there may be a request that is allowed.
    fn some_request(&self, target: &Target<'_>, port: u16) -> Result<By, Refusal> {
        self.first(target, |rule| {
            rule.is_for(NetworkOperation::Http)
                && rule.is_for_port(port)
                && !rule.void
                && (rule.mode == Access::Allow || !rule.tells_requests_apart())
        })
    }

    /// The first rule that matches decides, else the default.
    fn first(&self, target: &Target<'_>, matches: impl Fn(&Rule) -> bool) -> Result<By, Refusal> {
        let found = self.rules.iter().enumerate().find(|(_, rule)| rule.is_for_host(target) && matches(rule));
        match found {
            Some((index, Rule { mode: Access::Allow, .. })) => Ok(Some(index)),
            Some((index, _)) => Err(Refusal::Rule(index)),
            None => self.by_default(target).map(|()| None),
        }
    }

    pub(super) fn by_default(&self, target: &Target<'_>) -> Result<(), Refusal> {
        match (self.default, target.special) {
            (Access::Allow, None) => Ok(()),
            _ => Err(Refusal::Default),
        }
    }
}

/// Says what was refused and what to change; `flag` is what follows `--allow network=`.
fn denial(
    what: &str,
    target: &Target<'_>,
    refusal: Refusal,
    flag: &str,
    to: Option<SocketAddr>,
) -> NetworkDenial {
    let (field, message) = match (refusal, target.address, target.special) {
        (Refusal::Rule(index), ..) => {
            let field = format!("{FIELD}.rules[{index}]");
            let message =
                format!("{what} is refused by {field}; change that rule, or allow it in a rule before");
            (field, message)
        }
        (Refusal::Default, Some(address), Some(special)) => {
            let flag = to.map_or_else(|| address.to_string(), |to| to.to_string());
            let message = format!(
                "{what} is refused: {address} is {special}, which only a rule that names the address allows; allow it in \
                 {FIELD}, or with --allow network={flag}"
            );
            (FIELD.to_owned(), message)
        }
        (Refusal::Default, ..) => {
            let message = format!(
                "{what} is refused: no rule of {FIELD} allows it; allow it there, or with --allow network={flag}"
            );
            (FIELD.to_owned(), message)
        }
    };
    NetworkDenial { field, message }
}
