//! Why a call of a host function gave nothing: one list for guests, worker and supervisor.

use serde::{Deserialize, Serialize};

/// Why a host function gave no result; `call-error` of `cordon:vm/host`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum HostCallError {
    /// No function of that name is registered.
    #[error("no host function of that name is registered")]
    Unknown {},
    /// The permission scope `hostFunctions` denies it.
    #[error("permissions.hostFunctions denies it")]
    Denied {},
    /// Input or output is over `limits.hostCallBytes`.
    #[error("input or output is larger than limits.hostCallBytes")]
    TooLarge {},
    /// It took longer than `limits.hostCallMs`.
    #[error("it took longer than limits.hostCallMs")]
    TimedOut {},
    /// The function failed.
    #[error("{message}")]
    Failed {
        /// Its own words.
        message: String,
    },
}
