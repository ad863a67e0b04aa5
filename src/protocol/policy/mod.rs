//! What a VM may do: the one place where a permission is decided.
//!
//! Pure: it sees names and paths, never files or processes. Whoever performs an operation resolves it first (symbolic
//! links, `PATH`, relative paths) and asks with what would really be touched. A scope that cannot be decided is
//! denied.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod pattern;
#[cfg(test)]
mod properties;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::config::{Access, PathRule, PathScope, PatternRule, PatternScope, Permissions};
pub use pattern::Pattern;

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
    /// Connections that leave the VM.
    Network,
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
            Scope::Network => "permissions.network",
            Scope::ChildProcess => "permissions.childProcess",
            Scope::Process => "permissions.process",
            Scope::Env => "permissions.env",
            Scope::HostFunctions => "permissions.hostFunctions",
        }
    }

    fn of(self, permissions: &Permissions) -> &PatternScope {
        match self {
            Scope::Network => &permissions.network,
            Scope::ChildProcess => &permissions.child_process,
            Scope::Process => &permissions.process,
            Scope::Env => &permissions.env,
            Scope::HostFunctions => &permissions.host_functions,
        }
    }
}

/// The decisions of one VM, with a count of what was denied.
#[derive(Debug)]
pub struct Policy {
    permissions: Permissions,
    defaults: Permissions,
    denials: AtomicU64,
}

impl Policy {
    /// The policy that these permissions describe.
    pub fn new(permissions: Permissions) -> Self {
        Policy { permissions, defaults: Permissions::default(), denials: AtomicU64::new(0) }
    }

    /// Decides a file operation on an absolute, fully resolved guest path.
    pub fn allows_path(&self, operation: FsOperation, path: &str) -> bool {
        let matches = |rule: &PathRule| {
            rule.operations.as_ref().is_none_or(|list| list.contains(&operation))
                && rule.paths.as_ref().is_none_or(|list| list.iter().any(|p| p.matches_path(path)))
        };
        self.count(self.permissions.fs.answer(matches).or_else(|| self.defaults.fs.answer(matches)))
    }

    /// Whether no rule could tell apart two paths at or below `path`: only then may a directory be moved as a whole.
    pub fn uniform_below(&self, path: &str) -> bool {
        match &self.permissions.fs {
            PathScope::Access(_) => true,
            PathScope::Rules(set) => set
                .rules
                .iter()
                .all(|rule| rule.paths.iter().flatten().all(|pattern| !pattern.reaches_below(path))),
        }
    }

    /// Decides an operation on something with a name.
    pub fn allows(&self, scope: Scope, operation: &str, name: &str) -> bool {
        let matches = |rule: &PatternRule| {
            rule.operations.as_ref().is_none_or(|list| list.iter().any(|one| one == operation))
                && rule.patterns.as_ref().is_none_or(|list| list.iter().any(|p| p.matches_name(name)))
        };
        let answer = |permissions: &Permissions| scope.of(permissions).answer(matches);
        self.count(answer(&self.permissions).or_else(|| answer(&self.defaults)))
    }

    /// How many operations were denied so far.
    pub fn denials(&self) -> u64 {
        self.denials.load(Ordering::Relaxed)
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
        Policy::new(serde_json::from_value(permissions).unwrap())
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
        assert!(!policy.allows(Scope::Network, "connect", "example.org:443"));
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
    fn a_bad_glob_is_refused_when_it_is_read() {
        let wrong = serde_json::from_value::<Permissions>(
            json!({ "fs": { "rules": [{ "mode": "deny", "paths": ["/a["] }] } }),
        );
        assert!(wrong.unwrap_err().to_string().contains("/a["));
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
