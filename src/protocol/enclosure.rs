//! What keeps a worker in: the layers that the host offers, as they were found when the worker enclosed itself, and what of
//! them a VM may ask for.
//!
//! Data and its comparison only: workers make it, the supervisor holds them to it, `cordon doctor` shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Enclosure;

/// The layers that there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum LayerName {
    /// Nothing is inherited but the broker channel.
    #[serde(rename = "descriptors")]
    Descriptors,
    /// No program can raise privileges (prctl(2), `PR_SET_NO_NEW_PRIVS`).
    #[serde(rename = "no new privileges")]
    NoNewPrivileges,
    /// setrlimit(2).
    #[serde(rename = "resource limits")]
    ResourceLimits,
    /// user_namespaces(7).
    #[serde(rename = "user namespace")]
    UserNamespace,
    /// mount_namespaces(7), with an empty root directory.
    #[serde(rename = "mount namespace")]
    MountNamespace,
    /// network_namespaces(7).
    #[serde(rename = "network namespace")]
    NetworkNamespace,
    /// ipc_namespaces(7) and uts_namespaces(7).
    #[serde(rename = "IPC and UTS namespaces")]
    IpcAndUtsNamespaces,
    /// pid_namespaces(7).
    #[serde(rename = "PID namespace")]
    PidNamespace,
    /// Other processes of the user cannot trace it (prctl(2), `PR_SET_DUMPABLE`).
    #[serde(rename = "not dumpable")]
    NotDumpable,
    /// capabilities(7).
    #[serde(rename = "capabilities")]
    Capabilities,
    /// landlock(7).
    #[serde(rename = "Landlock")]
    Landlock,
    /// With `permissions.jit: "deny"`: the filter of a worker, and before that is there prctl(2), `PR_SET_MDWE`.
    #[serde(rename = "executable memory")]
    ExecutableMemory,
    /// seccomp(2), with a list of what is allowed.
    #[serde(rename = "seccomp")]
    Seccomp,
}

impl LayerName {
    /// What people and JSON call it.
    pub fn name(self) -> &'static str {
        match self {
            LayerName::Descriptors => "descriptors",
            LayerName::NoNewPrivileges => "no new privileges",
            LayerName::ResourceLimits => "resource limits",
            LayerName::UserNamespace => "user namespace",
            LayerName::MountNamespace => "mount namespace",
            LayerName::NetworkNamespace => "network namespace",
            LayerName::IpcAndUtsNamespaces => "IPC and UTS namespaces",
            LayerName::PidNamespace => "PID namespace",
            LayerName::NotDumpable => "not dumpable",
            LayerName::Capabilities => "capabilities",
            LayerName::Landlock => "Landlock",
            LayerName::ExecutableMemory => "executable memory",
            LayerName::Seccomp => "seccomp",
        }
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One layer of a worker's enclosure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// Which it is.
    pub name: LayerName,
    /// What it keeps from whom.
    pub keeps: String,
    /// Why it is not in force; none if it is.
    pub missing: Option<String>,
    /// What of it this host does not offer, where the rest is in force.
    pub partial: Option<String>,
}

/// Every layer, in the order in which they were set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct EnclosureReport {
    /// The layers.
    pub layers: Vec<Layer>,
}

impl EnclosureReport {
    /// Whether this is as much as was asked for.
    ///
    /// # Errors
    /// What is lacking, for people: each layer, with the reason.
    pub fn satisfies(&self, asked: Enclosure) -> Result<(), String> {
        let holds = |name| self.layers.iter().any(|layer| layer.name == name && layer.missing.is_none());
        let all = |names: &[LayerName]| names.iter().all(|name| holds(*name));
        let files_are_out_of_reach =
            all(&[LayerName::UserNamespace, LayerName::MountNamespace]) || holds(LayerName::Landlock);
        let is_enough = match asked {
            Enclosure::Any => true,
            Enclosure::Strong => {
                all(&[LayerName::Seccomp, LayerName::NoNewPrivileges]) && files_are_out_of_reach
            }
            Enclosure::Full => {
                !self.layers.is_empty()
                    && self.layers.iter().all(|layer| layer.missing.is_none() && layer.partial.is_none())
            }
        };
        if is_enough {
            return Ok(());
        }
        let lacking = self.layers.iter().filter_map(|layer| {
            let reason = layer.missing.as_ref().or(layer.partial.as_ref())?;
            Some(format!("{} ({reason})", layer.name))
        });
        Err(lacking.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(layers: &[(LayerName, bool)]) -> EnclosureReport {
        let layer = |&(name, holds): &(LayerName, bool)| Layer {
            name,
            keeps: String::new(),
            missing: (!holds).then(|| "old".to_owned()),
            partial: None,
        };
        EnclosureReport { layers: layers.iter().map(layer).collect() }
    }

    #[test]
    fn strong_is_the_filter_and_one_way_to_keep_files_away() {
        use LayerName::{Landlock, MountNamespace, NoNewPrivileges, Seccomp, UserNamespace};
        let base = [(Seccomp, true), (NoNewPrivileges, true)];
        let with = |more: &[(LayerName, bool)]| report(&[&base, more].concat()).satisfies(Enclosure::Strong);
        assert_eq!(with(&[(Landlock, true), (UserNamespace, false)]), Ok(()));
        assert_eq!(with(&[(Landlock, false), (UserNamespace, true), (MountNamespace, true)]), Ok(()));
        assert_eq!(with(&[(Landlock, false), (UserNamespace, true)]), Err("Landlock (old)".to_owned()));
        assert_eq!(
            report(&[(Seccomp, false), (NoNewPrivileges, true), (Landlock, true)])
                .satisfies(Enclosure::Strong),
            Err("seccomp (old)".to_owned())
        );
        // What says nothing has nothing.
        assert!(report(&[]).satisfies(Enclosure::Strong).is_err());
    }

    #[test]
    fn full_is_every_layer_and_any_is_none() {
        let mut partial = report(&[(LayerName::Seccomp, true), (LayerName::Landlock, true)]);
        assert_eq!(partial.satisfies(Enclosure::Full), Ok(()));
        partial.layers[1].partial = Some("no ports".to_owned());
        assert_eq!(partial.satisfies(Enclosure::Full), Err("Landlock (no ports)".to_owned()));
        assert!(report(&[]).satisfies(Enclosure::Full).is_err());
        assert_eq!(report(&[]).satisfies(Enclosure::Any), Ok(()));
    }

    #[test]
    fn names_are_those_of_json() {
        for name in [LayerName::Seccomp, LayerName::IpcAndUtsNamespaces, LayerName::Landlock] {
            assert_eq!(serde_json::to_value(name).unwrap(), name.name());
        }
    }
}
