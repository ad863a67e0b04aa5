//! The permission scopes as they are written: one key per scope, `"allow"`, `"deny"` or a set of rules.
//!
//! What a scope decides is `policy`'s business; this file only reads, bounds and names.

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{ConfigError, NetworkScope, bounds};
use crate::policy::{FsOperation, Pattern, Scope, Subject};

/// Whether something is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It is.
    Allow,
    /// It is not.
    Deny,
}

pub(super) const EXPECTED_ACCESS: &str = "\"allow\" or \"deny\"";

impl Access {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "allow" => Some(Access::Allow),
            "deny" => Some(Access::Deny),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AccessVisitor;
        impl Visitor<'_> for AccessVisitor {
            type Value = Access;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str(EXPECTED_ACCESS)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Access, E> {
                Access::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        // `deserialize_any`: a wrong type is then reported as what it is, in both encodings.
        deserializer.deserialize_any(AccessVisitor)
    }
}

/// Declares a scope (`Access` or rules), its rules and one rule; they differ in the name of the pattern list and in
/// what an operation is.
macro_rules! scope {
    ($scope:ident, $rules:ident, $rule:ident, $patterns:ident, $operation:ty, $what:literal) => {
        #[doc = concat!("A permission scope whose rules name ", $what, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(untagged)]
        pub enum $scope {
            /// One answer for everything.
            Access(Access),
            /// An answer by rules.
            Rules($rules),
        }

        #[doc = concat!("Rules over ", $what, ": the first that matches decides, else the default.")]
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $rules {
            /// The answer where no rule matches; the scope's own default when left out.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "schema", ts(optional))]
            pub default: Option<Access>,
            /// The rules, in order.
            #[serde(deserialize_with = "bounds::list::<_, _, { bounds::RULES }>")]
            #[cfg_attr(feature = "schema", schemars(length(max = bounds::RULES)))]
            pub rules: Vec<$rule>,
        }

        #[doc = concat!("One rule over ", $what, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $rule {
            /// The answer where the rule matches.
            pub mode: Access,
            /// The operations it is for; every operation when left out.
            #[serde(
                default,
                skip_serializing_if = "Option::is_none",
                deserialize_with = "bounds::optional_list::<_, _, { bounds::OPERATIONS }>"
            )]
            #[cfg_attr(feature = "schema", ts(optional), schemars(length(max = bounds::OPERATIONS)))]
            pub operations: Option<Vec<$operation>>,
            #[doc = concat!("The ", $what, " it is for, as globs; all when left out.")]
            #[serde(
                default,
                skip_serializing_if = "Option::is_none",
                deserialize_with = "bounds::optional_list::<_, _, { bounds::PATTERNS }>"
            )]
            #[cfg_attr(feature = "schema", ts(optional), schemars(length(max = bounds::PATTERNS)))]
            pub $patterns: Option<Vec<Pattern>>,
        }

        impl<'de> Deserialize<'de> for $scope {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ScopeVisitor;
                impl<'de> Visitor<'de> for ScopeVisitor {
                    type Value = $scope;
                    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                        write!(f, "{EXPECTED_ACCESS}, or an object with `rules`")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$scope, E> {
                        Access::parse(text)
                            .map($scope::Access)
                            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$scope, A::Error> {
                        $rules::deserialize(MapAccessDeserializer::new(map)).map($scope::Rules)
                    }
                }
                deserializer.deserialize_any(ScopeVisitor)
            }
        }

        impl $scope {
            /// All patterns of its rules.
            fn patterns(&self) -> impl Iterator<Item = &Pattern> {
                let rules = match self {
                    $scope::Access(_) => &[][..],
                    $scope::Rules(set) => &set.rules,
                };
                rules.iter().flat_map(|rule| rule.$patterns.iter().flatten())
            }

            /// Each rule, with the field that it is.
            fn rules(&self, field: &str) -> impl Iterator<Item = (String, &$rule)> {
                let rules = match self {
                    $scope::Access(_) => &[][..],
                    $scope::Rules(set) => &set.rules,
                };
                let field = move |index| format!("permissions.{field}.rules[{index}]");
                rules.iter().enumerate().map(move |(index, rule)| (field(index), rule))
            }

            /// Checks every pattern for what the scope asks about.
            fn check_patterns(&self, field: &str, subject: Subject) -> Result<(), ConfigError> {
                for (field, rule) in self.rules(field) {
                    for (index, pattern) in rule.$patterns.iter().flatten().enumerate() {
                        subject.check(pattern).map_err(|message| {
                            ConfigError::new(format!("{field}.{}[{index}]", stringify!($patterns)), message)
                        })?;
                    }
                }
                Ok(())
            }

            /// Checks the lengths of the lists.
            fn check_lengths(&self, field: &str) -> Result<(), ConfigError> {
                let $scope::Rules(set) = self else { return Ok(()) };
                if set.rules.len() > bounds::RULES {
                    return Err(ConfigError::new(
                        format!("permissions.{field}.rules"),
                        format!("more than {} rules", bounds::RULES),
                    ));
                }
                for (index, rule) in set.rules.iter().enumerate() {
                    if rule.operations.as_ref().is_some_and(|list| list.len() > bounds::OPERATIONS) {
                        return Err(ConfigError::new(
                            format!("permissions.{field}.rules[{index}].operations"),
                            format!("more than {} operations", bounds::OPERATIONS),
                        ));
                    }
                    if rule.$patterns.as_ref().is_some_and(|list| list.len() > bounds::PATTERNS) {
                        return Err(ConfigError::new(
                            format!("permissions.{field}.rules[{index}].{}", stringify!($patterns)),
                            format!("more than {} patterns", bounds::PATTERNS),
                        ));
                    }
                }
                Ok(())
            }
        }
    };
}

scope!(PathScope, PathRules, PathRule, paths, FsOperation, "absolute paths of the VM");
scope!(PatternScope, PatternRules, PatternRule, patterns, String, "names");

/// What a VM may do. A scope that is left out keeps its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Permissions {
    /// The VM's filesystem, by path. Default: allow (the filesystem is virtual; host directories need a mount).
    pub fs: PathScope,
    /// What leaves the VM for the network: lookups of names, connections, requests. Default: deny.
    pub network: NetworkScope,
    /// Starting programs in the VM, by what will run: `sh`, or a utility's name. Default: allow.
    pub child_process: PatternScope,
    /// Signals between the VM's processes, by the signal's name. Default: allow.
    pub process: PatternScope,
    /// Environment variables that guest programs see, by name. Default: allow (there are only the VM's own and those
    /// that the client gave).
    pub env: PatternScope,
    /// Host functions that guest code may call, by name. Default: allow those that the client registered.
    pub host_functions: PatternScope,
    /// The guest's `WebAssembly`. Default: deny.
    pub web_assembly: Access,
    /// Just-in-time compilation of the guest's JavaScript. Default: allow.
    pub jit: Access,
}

impl Default for Permissions {
    fn default() -> Self {
        let allow = PatternScope::Access(Access::Allow);
        Permissions {
            fs: PathScope::Access(Access::Allow),
            network: NetworkScope::Access(Access::Deny),
            child_process: allow.clone(),
            process: allow.clone(),
            env: allow.clone(),
            host_functions: allow,
            web_assembly: Access::Deny,
            jit: Access::Allow,
        }
    }
}

impl Permissions {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let names = [
            ("childProcess", Scope::ChildProcess, &self.child_process),
            ("process", Scope::Process, &self.process),
            ("env", Scope::Env, &self.env),
            ("hostFunctions", Scope::HostFunctions, &self.host_functions),
        ];
        self.fs.check_lengths("fs")?;
        names.iter().try_for_each(|(field, _, scope)| scope.check_lengths(field))?;
        self.network.check_lengths()?;
        // Before any is compiled.
        let names_patterns = names.iter().flat_map(|(_, _, scope)| scope.patterns());
        check_cost(self.fs.patterns().chain(self.network.patterns()).chain(names_patterns))?;
        self.fs.check_patterns("fs", Subject::Path)?;
        self.network.check()?;
        names.iter().try_for_each(|(field, scope, written)| written.check_names(field, *scope))
    }
}

/// What compiling all patterns costs is bounded by their number and their bytes.
fn check_cost<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Result<(), ConfigError> {
    let (mut count, mut bytes) = (0, 0);
    for pattern in patterns {
        count += 1;
        bytes += pattern.as_str().len();
    }
    if count > bounds::PATTERNS_IN_ALL || bytes > bounds::PATTERN_BYTES_IN_ALL {
        let text = format!(
            "{count} patterns of {bytes} bytes in all scopes together; at most {} of {} bytes",
            bounds::PATTERNS_IN_ALL,
            bounds::PATTERN_BYTES_IN_ALL
        );
        return Err(ConfigError::new("permissions", text));
    }
    Ok(())
}

impl PatternScope {
    /// Checks that operations and patterns are such as the scope is asked about.
    fn check_names(&self, field: &str, scope: Scope) -> Result<(), ConfigError> {
        let known = scope.operations();
        for (field, rule) in self.rules(field) {
            let unknown = |operation: &String| !known.contains(&operation.as_str());
            let operations = rule.operations.as_deref().unwrap_or_default();
            if let Some(index) = operations.iter().position(unknown) {
                let operation = &operations[index];
                let known = known.join(", ");
                let message = format!("{operation:?} is no operation of {}: {known}", scope.field());
                return Err(ConfigError::new(format!("{field}.operations[{index}]"), message));
            }
        }
        self.check_patterns(field, scope.subject())
    }
}
