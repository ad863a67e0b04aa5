//! Rules of HTTP that are without effect because any bytes may go where they would decide.
//!
//! A rule that narrows HTTP (denies it, or allows some methods, paths or schemes) decides nothing for a host and a port
//! to which raw connections are allowed: whoever is kept from a request there writes it into a connection. It makes no
//! difference which of the two rules comes first, since they are for different operations; a rule before that denies
//! `connect` does. That is found out for every host and port at once: rules tell apart only so many kinds of hosts and
//! ports, and one of each kind is put to the policy itself.
//!
//! A name and an address are different hosts here, though the one may lead to the other: which it does is not known when
//! rules are written. Rules by `*` are for both.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::address;
use super::host::Host;
use super::host_pattern::{HostPattern, Kind};
use super::network::{FIELD, NetworkPolicy, Rule, Target};
use crate::config::{Access, ConfigError, NetworkOperation};

/// A part of a name that no canonical name has.
const FRESH: &str = "X";

/// One host or port of a kind, and which rules are for that kind, a bit for each.
struct Sample {
    rules: Vec<u64>,
    /// Whether the default is an allowing one for it.
    open: bool,
    /// How it is called in an error.
    shown: String,
}

impl Rule {
    /// Whether it decides over HTTP and means that something of it is denied, but not every connection.
    fn narrows_requests(&self) -> bool {
        self.is_for(NetworkOperation::Http)
            && !self.is_for(NetworkOperation::Connect)
            && (self.mode == Access::Deny || self.tells_requests_apart())
    }
}

impl NetworkPolicy {
    /// Checks that each rule which narrows HTTP is in force wherever it is for.
    ///
    /// # Errors
    /// One is not: both fields are named, and what to do.
    pub(crate) fn check_contradictions(&self) -> Result<(), ConfigError> {
        let narrowing = self.bits(Rule::narrows_requests);
        if narrowing.iter().all(|word| *word == 0) {
            return Ok(());
        }
        let connecting = self.bits(|rule| rule.is_for(NetworkOperation::Connect));
        let (hosts, ports) = (self.hosts(), self.ports());
        let mut found: Option<(usize, Option<usize>, String)> = None;
        for host in &hosts {
            for port in &ports {
                let common = |of: &[u64]| {
                    let words = host.rules.iter().zip(&port.rules).zip(of).map(|((a, b), c)| a & b & c);
                    words
                        .enumerate()
                        .find(|(_, word)| *word != 0)
                        .map(|(at, word)| at * 64 + word.trailing_zeros() as usize)
                };
                let Some(narrow) = common(&narrowing) else { continue };
                let connect = common(&connecting);
                let allowed = match connect.and_then(|index| self.rules.get(index)) {
                    Some(rule) => rule.mode == Access::Allow,
                    None => host.open,
                };
                if allowed && found.as_ref().is_none_or(|(index, ..)| narrow < *index) {
                    found = Some((narrow, connect, format!("{} port {}", host.shown, port.shown)));
                }
            }
        }
        let Some((narrow, connect, place)) = found else { return Ok(()) };
        let (other, less) = match connect {
            Some(index) => (format!("{FIELD}.rules[{index}]"), "restrict that to operations [\"http\"]"),
            None => (format!("{FIELD}.default"), "set that to \"deny\""),
        };
        Err(ConfigError {
            path: format!("{FIELD}.rules[{narrow}]"),
            message: format!(
                "has no effect on {place}: {other} allows raw connections there, over which any request can be sent; \
                 {less}, deny \"connect\" there in a rule before, or give the two different hosts or ports"
            ),
        })
    }

    /// The rules of which something holds.
    fn bits(&self, holds: impl Fn(&Rule) -> bool) -> Vec<u64> {
        let chunks = self.rules.chunks(64);
        chunks
            .map(|rules| rules.iter().rev().fold(0, |word, rule| word << 1 | u64::from(holds(rule))))
            .collect()
    }

    /// A host of each kind: names that are in rules, one below each that stands for those below it, one that is in none;
    /// and the first address of each range between two of which no rule, and nothing that is special, begins or ends.
    fn hosts(&self) -> Vec<Sample> {
        let patterns =
            || self.rules.iter().flat_map(|rule| rule.hosts.iter().flatten()).map(HostPattern::kind);
        let names = patterns().filter_map(|kind| match kind {
            Kind::Name(name) => Some((name.clone(), name.clone())),
            Kind::Below(suffix) => Some((format!("{FRESH}{suffix}"), format!("*{suffix}"))),
            _ => None,
        });
        let names = names.chain([(FRESH.to_owned(), "any name".to_owned())]);
        let own = patterns().filter_map(|kind| match kind {
            Kind::Address(address) => Some(IpNet::from(*address)),
            Kind::Prefix(prefix) => Some(*prefix),
            _ => None,
        });
        let first: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let addresses: BTreeSet<IpAddr> =
            own.flat_map(address::edges_of).chain(address::edges()).chain(first).collect();
        let by_name = names.map(|(name, shown)| self.host(&Target::new(&[Host::Name(name)], None), shown));
        let by_address = addresses
            .into_iter()
            .map(|address| self.host(&Target::new(&[], Some(address)), address.to_string()));
        distinct(by_name.chain(by_address))
    }

    fn host(&self, target: &Target<'_>, shown: String) -> Sample {
        Sample {
            rules: self.bits(|rule| rule.is_for_host(target)),
            open: self.by_default(target).is_ok(),
            shown,
        }
    }

    /// The first port of each range between two of which no rule begins or ends.
    fn ports(&self) -> Vec<Sample> {
        let ranges = self.rules.iter().flat_map(|rule| rule.ports.iter().flatten());
        let edges = ranges.flat_map(|range| [Some(range.first()), range.last().checked_add(1)]);
        let ports: BTreeSet<u16> = edges.flatten().chain([1]).collect();
        distinct(ports.into_iter().map(|port| Sample {
            rules: self.bits(|rule| rule.is_for_port(port)),
            open: true,
            shown: port.to_string(),
        }))
    }
}

/// The first of each kind.
fn distinct(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
    let mut seen = HashSet::new();
    samples.filter(|sample| seen.insert((sample.rules.clone(), sample.open))).collect()
}
