//! What a client is told of decisions over permissions, and of what a VM has had of the network.

use serde::{Deserialize, Serialize};

use crate::config::Access;

/// The most kinds of decisions that are kept until they are told, of those that allow and of those that deny each. Decisions
/// are of one kind if they differ in nothing but their time.
pub const DECISIONS_MAX: usize = 128;

/// The most bytes of their texts, of those that allow and of those that deny each.
pub const DECISION_BYTES_MAX: usize = 32 * 1024;

/// The most bytes of each text of a decision; what is longer is cut off.
pub const DECISION_TEXT_BYTES: usize = 512;

/// Which decisions are kept to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum DecisionWatch {
    /// None.
    #[default]
    Off,
    /// What is denied; and what is allowed of the network, of programs, of signals and of host functions.
    On,
    /// And what is allowed of files and of variables, which is much.
    All,
}

/// The permission scope that a decision is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum DecisionScope {
    /// `permissions.fs`
    Fs,
    /// `permissions.network`
    Network,
    /// `permissions.childProcess`
    ChildProcess,
    /// `permissions.process`
    Process,
    /// `permissions.env`
    Env,
    /// `permissions.hostFunctions`
    HostFunctions,
}

/// A decision over a permission, and how often it was made since it was last told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// When it was first made, as far as the supervisor knows, in milliseconds since the Unix epoch.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub time_ms: u64,
    /// How it came out.
    pub decision: Access,
    /// What of the permissions.
    pub scope: DecisionScope,
    /// What was to be done, as rules name it: `connect`, `http`, `read`.
    pub operation: String,
    /// To what: `example.org:443`, `GET https://example.org/v1/a`, `/data/key`, `TOKEN`. Guests choose it.
    pub target: String,
    /// The address that a name of the network has led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub address: Option<String>,
    /// The field that decided: `permissions.network.rules[2]`; or the scope, where no rule did and its default holds.
    pub rule: String,
    /// How often.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub count: u64,
}

/// Decisions since the last were told, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionBatch {
    /// They.
    pub decisions: Vec<Decision>,
    /// How many more were made that there was no room to keep.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub dropped: u64,
}

impl DecisionBatch {
    /// Whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.dropped == 0
    }
}

/// What a VM has had of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkUsage {
    /// Bytes that it has received, of TLS those of the content.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub bytes_in: u64,
    /// Bytes that it has sent, likewise.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub bytes_out: u64,
    /// Connections that are open or being made.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub connections: u64,
    /// Connections that were made, in all.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub connections_made: u64,
    /// Names that were looked up, in all.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub lookups: u64,
}
