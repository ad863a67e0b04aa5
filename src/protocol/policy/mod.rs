//! What a VM may do: the one place where a permission is decided.
//!
//! Pure: it sees names and paths, never files or processes. Whoever performs an operation resolves it first (symbolic
//! links, `PATH`, relative paths) and asks with what would really be touched. A scope that cannot be decided is
//! denied.

mod address;
mod contradiction;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod host;
mod host_pattern;
mod journal;
mod network;
#[cfg(test)]
mod network_properties;
mod pattern;
#[cfg(test)]
mod properties;
mod subject;
mod url_path;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::config::{Access, ConfigError, NetworkScope, PathScope, PatternScope, Permissions};
use crate::wire::DecisionScope;
pub use address::special;
pub use host::{Host, HostError};
pub use host_pattern::HostPattern;
pub use journal::Journal;
pub use network::{By, HttpTarget, NetworkDenial, NetworkPolicy, Passage, note_request, shown_target};
pub use pattern::Pattern;
use pattern::{Kind, Matcher};
pub(crate) use subject::Subject;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FsOperation {
    /// Reading contents, or the target of a symbolic link.
    Read,
    /// Changing contents, length, mode or times.
    Write,
    /// Making a file, directory or link.
    Create,
    /// Removing a name.
    Remove,
    /// Learning that a file exists and what is known of it.
    Stat,
    /// Listing a directory.
    List,
    /// Starting a file as a program.
    Execute,
}

/// A permission scope whose rules go by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Starting programs.
    ChildProcess,
    /// Signals between processes.
    Process,
    /// Environment variables.
    Env,
    /// Host functions.
    HostFunctions,
}

impl FsOperation {
    /// The operation as rules name it.
    pub fn name(self) -> &'static str {
        match self {
            FsOperation::Read => "read",
            FsOperation::Write => "write",
            FsOperation::Create => "create",
            FsOperation::Remove => "remove",
            FsOperation::Stat => "stat",
            FsOperation::List => "list",
            FsOperation::Execute => "execute",
        }
    }
}

impl Scope {
    /// The scope, as whoever is told of decisions knows it.
    fn told(self) -> DecisionScope {
        match self {
            Scope::ChildProcess => DecisionScope::ChildProcess,
            Scope::Process => DecisionScope::Process,
            Scope::Env => DecisionScope::Env,
            Scope::HostFunctions => DecisionScope::HostFunctions,
        }
    }

    /// The field of `permissions` that decides.
    pub fn field(self) -> &'static str {
        match self {
            Scope::ChildProcess => "permissions.childProcess",
            Scope::Process => "permissions.process",
            Scope::Env => "permissions.env",
            Scope::HostFunctions => "permissions.hostFunctions",
        }
    }

    /// The operations that it is asked about.
    pub(crate) fn operations(self) -> &'static [&'static str] {
        match self {
            Scope::ChildProcess => &["spawn"],
            Scope::Process => &["signal"],
            Scope::Env => &["read"],
            Scope::HostFunctions => &["call"],
        }
    }

    /// What it is asked about.
    pub(crate) fn subject(self) -> Subject {
        match self {
            Scope::ChildProcess => Subject::Program,
            Scope::Process => Subject::Signal,
            Scope::Env => Subject::Variable,
            Scope::HostFunctions => Subject::HostFunction,
        }
    }

    const ALL: [Scope; 4] = [Scope::ChildProcess, Scope::Process, Scope::Env, Scope::HostFunctions];

    fn of(self, permissions: &Permissions) -> &PatternScope {
        match self {
            Scope::ChildProcess => &permissions.child_process,
            Scope::Process => &permissions.process,
            Scope::Env => &permissions.env,
            Scope::HostFunctions => &permissions.host_functions,
        }
    }
}

/// A rule, ready to be asked.
#[derive(Debug)]
struct Rule<Operation> {
    mode: Access,
    operations: Option<Vec<Operation>>,
    patterns: Option<Matcher>,
}

/// The rules of one scope and what holds where none matches.
#[derive(Debug)]
struct Rules<Operation> {
    rules: Vec<Rule<Operation>>,
    default: Option<Access>,
}

impl<Operation> Rules<Operation> {
    /// The first rule that matches decides: how, and which it is; none is the default.
    fn answer(&self, is_it: impl Fn(&Operation) -> bool, what: &str) -> (Option<Access>, Option<usize>) {
        let matches = |rule: &&Rule<Operation>| {
            rule.operations.as_ref().is_none_or(|list| list.iter().any(&is_it))
                && rule.patterns.as_ref().is_none_or(|patterns| patterns.matches(what))
        };
        match self.rules.iter().position(|rule| matches(&rule)) {
            Some(index) => (self.rules.get(index).map(|rule| rule.mode), Some(index)),
            None => (self.default, None),
        }
    }
}

/// Compiles a scope as it is written: `$scope` is `PathScope` or `PatternScope`, `$patterns` their rules' list.
macro_rules! compile {
    ($scope:ident, $written:expr, $own:expr, $field:expr, $patterns:ident, $kind:expr) => {{
        let own = match $own {
            $scope::Access(access) => Some(*access),
            $scope::Rules(set) => set.default,
        };
        match $written {
            $scope::Access(access) => Ok(Rules { rules: Vec::new(), default: Some(*access) }),
            $scope::Rules(set) => {
                let rules = set.rules.iter().enumerate().map(|(index, rule)| {
                    let patterns = rule.$patterns.as_ref().map(|list| Matcher::new(list, $kind)).transpose();
                    let patterns = patterns.map_err(|message| ConfigError {
                        path: format!("{}.rules[{index}].{}", $field, stringify!($patterns)),
                        message,
                    })?;
                    Ok(Rule { mode: rule.mode, operations: rule.operations.clone(), patterns })
                });
                rules
                    .collect::<Result<Vec<_>, ConfigError>>()
                    .map(|rules| Rules { rules, default: set.default.or(own) })
            }
        }
    }};
}

/// The decisions of one VM, with a count of what was denied.
#[derive(Debug)]
pub struct Policy {
    fs: Rules<FsOperation>,
    /// The patterns of `fs`, as they are written.
    paths: Vec<Pattern>,
    /// In the order of [`Scope::ALL`].
    names: [Rules<String>; 4],
    /// Whoever owns the VM may put another in its place.
    network: RwLock<Arc<NetworkPolicy>>,
    denials: AtomicU64,
    journal: Journal,
}

impl Policy {
    /// The policy that these permissions describe.
    ///
    /// # Errors
    /// A pattern is no glob or too large, which a configuration that was checked has not.
    pub fn new(permissions: &Permissions) -> Result<Self, ConfigError> {
        let defaults = Permissions::default();
        let fs = compile!(PathScope, &permissions.fs, &defaults.fs, "permissions.fs", paths, Kind::Path)?;
        let paths = match &permissions.fs {
            PathScope::Access(_) => Vec::new(),
            PathScope::Rules(set) => {
                set.rules.iter().flat_map(|rule| rule.paths.iter().flatten()).cloned().collect()
            }
        };
        let compile = |scope: Scope| {
            let (written, own) = (scope.of(permissions), scope.of(&defaults));
            compile!(PatternScope, written, own, scope.field(), patterns, Kind::Name)
        };
        let [child_process, process, env, host_functions] = Scope::ALL;
        let names = [compile(child_process)?, compile(process)?, compile(env)?, compile(host_functions)?];
        let network = RwLock::new(Arc::new(NetworkPolicy::new(&permissions.network)?));
        Ok(Policy { fs, paths, names, network, denials: AtomicU64::new(0), journal: Journal::default() })
    }

    /// What is kept of its decisions.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Decides over the network by these rules from now on.
    ///
    /// # Errors
    /// They are none, which rules that were checked are not: those before stay.
    pub fn set_network(&self, scope: &NetworkScope) -> Result<(), ConfigError> {
        let policy = Arc::new(NetworkPolicy::new(scope)?);
        *self.network.write().unwrap_or_else(PoisonError::into_inner) = policy;
        Ok(())
    }

    fn network(&self) -> Arc<NetworkPolicy> {
        self.network.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Decides a file operation on an absolute, fully resolved guest path.
    pub fn allows_path(&self, operation: FsOperation, path: &str) -> bool {
        let answer = self.fs.answer(|one| *one == operation, path);
        self.count(answer, (DecisionScope::Fs, "permissions.fs"), operation.name(), path)
    }

    /// Decides again what was decided where it was asked first: that it is allowed has been noted there.
    pub fn still_allows_path(&self, operation: FsOperation, path: &str) -> bool {
        let (answer, rule) = self.fs.answer(|one| *one == operation, path);
        answer == Some(Access::Allow)
            || self.count((answer, rule), (DecisionScope::Fs, "permissions.fs"), operation.name(), path)
    }

    /// Whether no rule could tell apart two paths at or below `path`: only then may a directory be moved as a whole.
    pub fn uniform_below(&self, path: &str) -> bool {
        self.paths.iter().all(|pattern| !pattern.reaches_below(path))
    }

    /// Decides an operation on something with a name.
    pub fn allows(&self, scope: Scope, operation: &str, name: &str) -> bool {
        let answer = self.names[scope as usize].answer(|one| one == operation, name);
        self.count(answer, (scope.told(), scope.field()), operation, name)
    }

    /// Whether some rule of the network or its default could allow anything to leave the VM.
    pub fn reaches_out(&self) -> bool {
        self.network().reaches_out()
    }

    /// Decides the lookup of a name: see [`NetworkPolicy::may_look_up`].
    ///
    /// # Errors
    /// It is denied.
    pub fn may_look_up(&self, name: &Host) -> Result<(), NetworkDenial> {
        let decided = self.network().look_up_by(name);
        network::note(&self.journal, "dns", &decided, |by| *by, || (name.to_string(), None));
        self.count_denial(decided).map(drop)
    }

    /// Decides a TCP connection: see [`NetworkPolicy::may_connect`].
    ///
    /// # Errors
    /// It is denied.
    pub fn may_connect(&self, names: &[Host], to: SocketAddr) -> Result<Passage, NetworkDenial> {
        let decided = self.network().connect_by(names, to);
        // Where requests are decided, each of them is noted.
        if !matches!(decided, Ok((Passage::Requests, _))) {
            let what = || (shown_target(names, to), Some(to.ip().to_canonical()));
            network::note(&self.journal, "connect", &decided, |(_, by)| *by, what);
        }
        self.count_denial(decided).map(|(passage, _)| passage)
    }

    /// Decides whether a connection that is open may go on; only that it may not is noted.
    ///
    /// # Errors
    /// It may not.
    pub fn may_still_connect(&self, names: &[Host], to: SocketAddr) -> Result<Passage, NetworkDenial> {
        let decided = self.network().connect_by(names, to);
        if decided.is_err() {
            let what = || (shown_target(names, to), Some(to.ip().to_canonical()));
            network::note(&self.journal, "connect", &decided, |(_, by)| *by, what);
        }
        self.count_denial(decided).map(|(passage, _)| passage)
    }

    /// How many operations were denied so far.
    pub fn denials(&self) -> u64 {
        self.denials.load(Ordering::Relaxed)
    }

    fn count_denial<T>(&self, decision: Result<T, NetworkDenial>) -> Result<T, NetworkDenial> {
        if decision.is_err() {
            self.denials.fetch_add(1, Ordering::Relaxed);
        }
        decision
    }

    /// Counts and notes a decision. What nothing decides is denied.
    fn count(
        &self,
        (answer, rule): (Option<Access>, Option<usize>),
        (scope, field): (DecisionScope, &str),
        operation: &str,
        what: &str,
    ) -> bool {
        let decision = answer.unwrap_or(Access::Deny);
        if decision == Access::Deny {
            self.denials.fetch_add(1, Ordering::Relaxed);
        }
        if self.journal.wants(decision, scope) {
            let field = match rule {
                Some(index) => format!("{field}.rules[{index}]"),
                None => field.to_owned(),
            };
            self.journal.note(decision, scope, operation, &field, || (what.to_owned(), None));
        }
        decision == Access::Allow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(permissions: serde_json::Value) -> Policy {
        Policy::new(&serde_json::from_value(permissions).unwrap()).unwrap()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let policy = policy(json!({ "fs": { "default": "deny", "rules": [
            { "mode": "deny", "paths": ["/data/secret/**"] },
            { "mode": "allow", "operations": ["read", "stat", "list"], "paths": ["/data/**", "/data"] },
        ] } }));
        assert!(policy.allows_path(FsOperation::Read, "/data/a"));
        assert!(policy.allows_path(FsOperation::Read, "/data"));
        assert!(!policy.allows_path(FsOperation::Write, "/data/a"));
        assert!(!policy.allows_path(FsOperation::Read, "/data/secret/a/b"));
        assert!(!policy.allows_path(FsOperation::Read, "/other"));
        assert_eq!(policy.denials(), 3);
    }

    #[test]
    fn rules_without_a_default_keep_the_scopes_own() {
        let policy = policy(json!({
            "fs": { "rules": [] }, "network": { "rules": [] }, "hostFunctions": { "rules": [{ "mode": "deny", "patterns": ["orders.*"] }] }
        }));
        assert!(policy.allows_path(FsOperation::Write, "/x"));
        assert!(!policy.reaches_out());
        assert!(!policy.allows(Scope::HostFunctions, "call", "orders.list"));
        assert!(policy.allows(Scope::HostFunctions, "call", "time"));
    }

    #[test]
    fn a_star_stays_within_one_part_of_a_path() {
        let policy = policy(json!({ "fs": { "rules": [{ "mode": "deny", "paths": ["/a/*"] }] } }));
        assert!(!policy.allows_path(FsOperation::Read, "/a/b"));
        assert!(policy.allows_path(FsOperation::Read, "/a/b/c"));
    }

    #[test]
    fn a_directory_is_uniform_only_where_no_pattern_reaches_into_it() {
        let policy =
            policy(json!({ "fs": { "rules": [{ "mode": "deny", "paths": ["/a/b/**", "/x/*.key"] }] } }));
        assert!(!policy.uniform_below("/"));
        assert!(!policy.uniform_below("/a"));
        assert!(!policy.uniform_below("/a/b/c"));
        assert!(!policy.uniform_below("/x"));
        assert!(policy.uniform_below("/c"));
        assert!(policy.uniform_below("/ab"));
    }

    #[test]
    fn a_bad_glob_makes_no_policy() {
        let wrong =
            json!({ "fs": { "rules": [{ "mode": "deny" }, { "mode": "deny", "paths": ["/a", "/a["] }] } });
        let wrong = Policy::new(&serde_json::from_value(wrong).unwrap()).unwrap_err();
        assert_eq!(wrong.path, "permissions.fs.rules[1].paths");
        assert!(wrong.message.contains("/a["), "{wrong}");
    }

    #[test]
    fn scopes_are_found_where_they_are_kept() {
        for (index, scope) in Scope::ALL.into_iter().enumerate() {
            assert_eq!(scope as usize, index);
        }
    }

    proptest::proptest! {
        #[test]
        fn deny_all_denies_whatever_the_path(path in "/[a-z./]{0,30}") {
            let policy = policy(json!({ "fs": "deny" }));
            for operation in [FsOperation::Read, FsOperation::Write, FsOperation::Stat, FsOperation::Execute] {
                proptest::prop_assert!(!policy.allows_path(operation, &path));
            }
        }

        #[test]
        fn uniform_directories_really_are(dir in "/[ab](/[ab]){0,2}", below in "(/[abc]){1,3}", rule in "/[ab*](/[ab*]){0,3}") {
            let policy = policy(json!({ "fs": { "rules": [{ "mode": "deny", "paths": [rule] }] } }));
            if policy.uniform_below(&dir) {
                let one = policy.allows_path(FsOperation::Read, &format!("{dir}{below}"));
                let other = policy.allows_path(FsOperation::Read, &format!("{dir}/zzz"));
                proptest::prop_assert_eq!(one, other);
            }
        }
    }
}
