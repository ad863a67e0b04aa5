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

use serde::{Deserialize, Serialize};

use crate::config::{Access, ConfigError, PathScope, PatternScope, Permissions};
pub use address::special;
pub use host::{Host, HostError};
pub use host_pattern::HostPattern;
pub use network::{HttpTarget, NetworkDenial, NetworkPolicy, Passage};
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

impl Scope {
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
    /// The first rule that matches decides.
    fn answer(&self, is_it: impl Fn(&Operation) -> bool, what: &str) -> Option<Access> {
        let matches = |rule: &&Rule<Operation>| {
            rule.operations.as_ref().is_none_or(|list| list.iter().any(&is_it))
                && rule.patterns.as_ref().is_none_or(|patterns| patterns.matches(what))
        };
        self.rules.iter().find(matches).map(|rule| rule.mode).or(self.default)
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
    network: NetworkPolicy,
    denials: AtomicU64,
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
        let network = NetworkPolicy::new(&permissions.network)?;
        Ok(Policy { fs, paths, names, network, denials: AtomicU64::new(0) })
    }

    /// Decides a file operation on an absolute, fully resolved guest path.
    pub fn allows_path(&self, operation: FsOperation, path: &str) -> bool {
        self.count(self.fs.answer(|one| *one == operation, path))
    }

    /// Whether no rule could tell apart two paths at or below `path`: only then may a directory be moved as a whole.
    pub fn uniform_below(&self, path: &str) -> bool {
        self.paths.iter().all(|pattern| !pattern.reaches_below(path))
    }

    /// Decides an operation on something with a name.
    pub fn allows(&self, scope: Scope, operation: &str, name: &str) -> bool {
        self.count(self.names[scope as usize].answer(|one| one == operation, name))
    }

    /// Whether some rule of the network or its default could allow anything to leave the VM.
    pub fn reaches_out(&self) -> bool {
        self.network.reaches_out()
    }

    /// Decides the lookup of a name: see [`NetworkPolicy::may_look_up`].
    ///
    /// # Errors
    /// It is denied.
    pub fn may_look_up(&self, name: &Host) -> Result<(), NetworkDenial> {
        self.count_denial(self.network.may_look_up(name))
    }

    /// Decides a TCP connection: see [`NetworkPolicy::may_connect`].
    ///
    /// # Errors
    /// It is denied.
    pub fn may_connect(&self, names: &[Host], to: SocketAddr) -> Result<Passage, NetworkDenial> {
        self.count_denial(self.network.may_connect(names, to))
    }

    /// Decides one HTTP request: see [`NetworkPolicy::may_request`].
    ///
    /// # Errors
    /// It is denied.
    pub fn may_request(&self, request: &HttpTarget<'_>) -> Result<(), NetworkDenial> {
        self.count_denial(self.network.may_request(request))
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

    /// What nothing decides is denied.
    fn count(&self, decision: Option<Access>) -> bool {
        let allowed = decision == Some(Access::Allow);
        if !allowed {
            self.denials.fetch_add(1, Ordering::Relaxed);
        }
        allowed
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
