//! `--learn`: what a run needs of the permissions. While it runs nothing of the scopes that are learned is denied but what the
//! configuration denies by a rule, and special addresses that no rule names; at the end the smallest permissions are told that
//! would have let it do the same.
//!
//! Learned are `network`, `childProcess` and `process`. Files are not, nor variables: of those nobody knows which a program has
//! looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::usage;
use super::printable;
use crate::client::Error;
use protocol::config::{
    Access, CreateVmConfig, HttpScheme, NetworkOperation, NetworkRule, NetworkRules, NetworkScope,
    PatternScope, PortRange,
};
use protocol::policy::{Host, HttpTarget, NetworkPolicy, special};
use protocol::wire::{Decision, DecisionBatch, DecisionScope};

/// The ports at which requests are taken apart while learning; what goes to others is a connection, whatever it carries.
const HTTP_PORTS: [u16; 2] = [80, 443];
/// Paths that are told of one host; where there are more, all are allowed.
const PATHS_MAX: usize = 32;

/// Has nothing denied that would be learned, but what is denied by rules.
pub(super) fn widen(config: &mut CreateVmConfig) -> Result<(), Error> {
    eprintln!(
        "cordon: --learn: this run may start every program, send every signal and reach the whole public network, but for \
         what rules deny; only learn from code that you trust"
    );
    for scope in [&mut config.permissions.child_process, &mut config.permissions.process] {
        match scope {
            PatternScope::Access(access) => *access = Access::Allow,
            PatternScope::Rules(set) => set.default = Some(Access::Allow),
        }
    }
    let mut rules = config.permissions.network.rules().to_vec();
    let ports = HTTP_PORTS.map(|port| PortRange::new(port, port)).into_iter().collect::<Result<Vec<_>, _>>();
    let ports = ports.map_err(usage)?;
    rules.push(NetworkRule {
        operations: Some(vec![NetworkOperation::Connect]),
        ports: Some(ports),
        ..NetworkRule::new(Access::Deny)
    });
    config.permissions.network = NetworkScope::Rules(NetworkRules { default: Some(Access::Allow), rules });
    config.check()?;
    Ok(())
}

/// What was decided so far.
#[derive(Default)]
pub(super) struct Learned {
    names: BTreeSet<String>,
    /// Hosts and ports of connections, and their addresses.
    connections: BTreeSet<(String, u16, Option<IpAddr>)>,
    requests: BTreeSet<Asked>,
    programs: BTreeSet<String>,
    signals: BTreeSet<String>,
    denied: BTreeSet<String>,
    dropped: u64,
}

/// A request of HTTP, as a decision tells it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    host: String,
    port: u16,
    is_private: bool,
    method: String,
    path: String,
    address: Option<IpAddr>,
}

impl Asked {
    fn read(target: &str, address: Option<IpAddr>) -> Option<Asked> {
        let (method, url) = target.split_once(' ')?;
        let (scheme, rest) = url.split_once("://")?;
        let is_private = scheme == HttpScheme::Https.name();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = place(authority).unwrap_or_else(|| {
            let scheme = if is_private { HttpScheme::Https } else { HttpScheme::Http };
            (bare(authority), scheme.port())
        });
        let (method, path) = (method.to_owned(), if path.is_empty() { "/" } else { path }.to_owned());
        Some(Asked { host, port, is_private, method, path, address })
    }

    fn scheme(&self) -> HttpScheme {
        if self.is_private { HttpScheme::Https } else { HttpScheme::Http }
    }
}

/// Takes `HOST:PORT` apart.
fn place(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.is_empty()).then_some(())?;
    Some((bare(host), port.parse().ok()?))
}

/// A host without the brackets of an address of IPv6.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// A rule in its JSON form, and as an option where it has one.
struct Written {
    rule: Value,
    options: Vec<String>,
}

impl Learned {
    pub(super) fn take(&mut self, batch: &DecisionBatch) {
        self.dropped = self.dropped.saturating_add(batch.dropped);
        for decision in &batch.decisions {
            self.note(decision);
        }
    }

    fn note(&mut self, made: &Decision) {
        if made.decision == Access::Deny {
            if !matches!(made.scope, DecisionScope::Fs | DecisionScope::Env) {
                self.denied.insert(format!("{} {} ({})", made.operation, made.target, made.rule));
            }
            return;
        }
        let address = made.address.as_ref().and_then(|address| address.parse().ok());
        match (made.scope, made.operation.as_str()) {
            (DecisionScope::Network, "dns") => drop(self.names.insert(made.target.clone())),
            (DecisionScope::Network, "http") => self.requests.extend(Asked::read(&made.target, address)),
            (DecisionScope::Network, _) => {
                self.connections.extend(place(&made.target).map(|(host, port)| (host, port, address)))
            }
            (DecisionScope::ChildProcess, _) => drop(self.programs.insert(made.target.clone())),
            (DecisionScope::Process, _) => drop(self.signals.insert(made.target.clone())),
            _ => {}
        }
    }

    /// Says what was learned: into a file, or on standard error.
    pub(super) fn tell(&self, file: Option<&Path>) -> Result<(), Error> {
        let rules = self.rules();
        let network = match rules.is_empty() {
            true => json!("deny"),
            false => json!({ "rules": rules.iter().map(|written| &written.rule).collect::<Vec<_>>() }),
        };
        let names = |names: &BTreeSet<String>| match names.is_empty() {
            true => json!("deny"),
            false => {
                let patterns: Vec<String> = names.iter().map(|name| escaped(name)).collect();
                json!({ "default": "deny", "rules": [{ "mode": "allow", "patterns": patterns }] })
            }
        };
        let permissions = json!({
            "network": network,
            "childProcess": names(&self.programs),
            "process": names(&self.signals),
        });
        let document = json!({ "permissions": permissions });
        // It has to be one that can be used.
        CreateVmConfig::from_json(&document)
            .map_err(|error| Error::from(error).hint("the run has done more than rules can tell apart"))?;
        let text = format!("{document:#}\n");
        match file {
            Some(path) => {
                let wrong = |error| usage(format!("--learn {}: {error}", path.display()));
                std::fs::write(path, &text).map_err(wrong)?;
                eprintln!("cordon: --learn: what the run has needed is in {}", path.display());
            }
            None => eprint!("cordon: --learn: what the run has needed:\n{}", printable(&text)),
        }
        eprintln!("cordon: --learn: as options, without methods: {}", printable(&self.options(&rules)));
        for what in &self.denied {
            eprintln!("cordon: --learn: it was refused, and is not part of that: {}", printable(what));
        }
        if self.dropped > 0 {
            eprintln!("cordon: --learn: {} decisions came too fast to be kept: learn again", self.dropped);
        }
        Ok(())
    }

    fn options(&self, rules: &[Written]) -> String {
        let mut options = String::new();
        for option in rules.iter().flat_map(|written| &written.options) {
            let _ = write!(options, "--allow {} ", quoted(&format!("network={option}")));
        }
        for (scope, names) in [("childProcess", &self.programs), ("process", &self.signals)] {
            let _ = write!(options, "--deny {scope} ");
            for name in names {
                let _ = write!(options, "--allow {} ", quoted(&format!("{scope}={}", escaped(name))));
            }
        }
        options.trim_end().to_owned()
    }

    /// The fewest rules for what went over the network.
    fn rules(&self) -> Vec<Written> {
        let mut rules = Vec::new();
        // What a name leads to that only means something from here is opened by its address.
        let host_of = |host: &str, address: Option<IpAddr>| match address.filter(|at| special(*at).is_some())
        {
            Some(address) => address.to_string(),
            None => host.to_owned(),
        };
        let mut places: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
        for (host, port, address) in &self.connections {
            places.entry(*port).or_default().insert(host_of(host, *address));
        }
        for (port, hosts) in &places {
            rules.push(Written {
                rule: json!({ "mode": "allow", "operations": ["connect"], "hosts": hosts, "ports": [port] }),
                options: hosts.iter().map(|host| authority(host, Some(*port))).collect(),
            });
        }
        let is_connected =
            |host: &String, port: &u16| places.get(port).is_some_and(|hosts| hosts.contains(host));
        let mut asked: BTreeMap<(String, u16, bool), Vec<&Asked>> = BTreeMap::new();
        for request in &self.requests {
            let host = host_of(&request.host, request.address);
            if !is_connected(&host, &request.port) {
                asked.entry((host, request.port, request.is_private)).or_default().push(request);
            }
        }
        for ((host, port, is_private), requests) in &asked {
            rules.extend(of_requests(host, *port, *is_private, requests));
        }
        let covered: BTreeSet<&String> =
            places.values().flatten().chain(asked.keys().map(|(host, ..)| host)).collect();
        let names: Vec<&String> = self.names.iter().filter(|name| !covered.contains(name)).collect();
        if !names.is_empty() {
            rules.push(Written {
                rule: json!({ "mode": "allow", "operations": ["dns"], "hosts": names }),
                // No option is for lookups alone; this one is for more.
                options: names.iter().map(|name| name.to_string()).collect(),
            });
        }
        rules
    }
}

/// The rules for requests to one host: one for all methods that have asked for the same paths.
fn of_requests(host: &str, port: u16, is_private: bool, requests: &[&Asked]) -> Vec<Written> {
    let scheme = if is_private { HttpScheme::Https } else { HttpScheme::Http };
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for request in requests {
        methods.entry(&request.method).or_default().insert(&request.path);
    }
    let rule = |methods: &[&str], paths: Option<&BTreeSet<&str>>| {
        let mut rule = json!({
            "mode": "allow", "operations": ["http"], "hosts": [host], "ports": [port],
            "methods": methods, "schemes": [scheme.name()],
        });
        if let Some(paths) = paths {
            rule["paths"] = paths.iter().map(|path| json!(escaped(path))).collect();
        }
        rule
    };
    let mut groups: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for (method, paths) in methods {
        groups.entry(paths).or_default().push(method);
    }
    let default_port = if port == scheme.port() { None } else { Some(port) };
    let origin = format!("{}://{}", scheme.name(), authority(host, default_port));
    let mut rules = Vec::new();
    let mut all: Vec<&str> = Vec::new();
    for (paths, methods) in groups {
        let narrow = rule(&methods, Some(&paths));
        // Paths that servers may read in more than one way are allowed by no rule that has paths.
        if paths.len() <= PATHS_MAX && requests.iter().all(|asked| allows(&narrow, asked, &methods, &paths)) {
            let options = paths.iter().map(|path| format!("{origin}{}", escaped(path)));
            rules.push(Written {
                rule: narrow,
                options: options.filter(|option| !option.ends_with('/')).collect(),
            });
        } else {
            all.extend(methods);
        }
    }
    // The option has no way to name "/" alone.
    let has_root = requests.iter().any(|asked| asked.path.ends_with('/'));
    if !all.is_empty() {
        rules.push(Written { rule: rule(&all, None), options: vec![origin] });
    } else if has_root && let Some(first) = rules.first_mut() {
        first.options.push(origin);
    }
    rules
}

/// Whether a rule allows a request, or is not there for it.
fn allows(rule: &Value, asked: &Asked, methods: &[&str], paths: &BTreeSet<&str>) -> bool {
    if !methods.contains(&asked.method.as_str()) || !paths.contains(asked.path.as_str()) {
        return true;
    }
    let (Ok(scope), Ok(host)) =
        (NetworkScope::from_json(&json!({ "rules": [rule] })), Host::parse(&asked.host))
    else {
        return false;
    };
    let Ok(policy) = NetworkPolicy::new(&scope) else { return false };
    let address = match (asked.address, &host) {
        (Some(address), _) => address,
        (None, Host::Address(address)) => *address,
        (None, Host::Name(_)) => return false,
    };
    let target = HttpTarget {
        scheme: asked.scheme(),
        host: &host,
        port: asked.port,
        method: &asked.method,
        path: &asked.path,
        address,
    };
    policy.may_request(&target).is_ok()
}

fn authority(host: &str, port: Option<u16>) -> String {
    match (host.contains(':'), port) {
        (true, Some(port)) => format!("[{host}]:{port}"),
        (true, None) => format!("[{host}]"),
        (false, Some(port)) => format!("{host}:{port}"),
        (false, None) => host.to_owned(),
    }
}

/// A text as a glob that matches it alone.
fn escaped(text: &str) -> String {
    let mut glob = String::new();
    for c in text.chars() {
        if "?*[]{}!,\\".contains(c) {
            glob.push('\\');
        }
        glob.push(c);
    }
    glob
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,[]".contains(c);
    if word.chars().all(is_plain) && !word.contains(['[', ']']) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
