//! What keeps a worker in: the layers that the host offers, as they were found when the worker enclosed itself.
//!
//! Data only: the supervisor and `cordon doctor` show it.

use serde::{Deserialize, Serialize};

/// One layer of a worker's enclosure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// Its name: `seccomp`, `network namespace`.
    pub name: String,
    /// What it keeps from whom.
    pub keeps: String,
    /// Why it is not in force; none if it is.
    pub missing: Option<String>,
}

/// Every layer, in the order in which they were set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct EnclosureReport {
    /// The layers.
    pub layers: Vec<Layer>,
}
