//! Host directories that a VM sees.

use serde::{Deserialize, Serialize};

use super::{ConfigError, absolute_path, bounds};

/// Places that are the VM's own.
pub(super) const TAKEN: &[&str] = &["/", "/dev", "/proc", "/bin"];

/// A host directory at a place in the VM. Listing it is the permission to use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mount {
    /// An absolute path of a directory on the supervisor's machine.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_path"))]
    pub host: String,
    /// An absolute path in the VM; made if it does not exist.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::mount_point"))]
    pub guest: String,
    /// Whether the VM may only read. Default: true.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<bool>"))]
    pub read_only: bool,
}

fn yes() -> bool {
    true
}

impl Mount {
    /// Whether the paths of the mount make sense; `field` is where it stands in a configuration.
    ///
    /// # Errors
    /// A path is not absolute, too long, or of no use as a mount.
    pub fn check(&self, field: &str) -> Result<(), ConfigError> {
        if !self.host.starts_with('/') || self.host.contains('\0') {
            return Err(ConfigError::new(
                format!("{field}.host"),
                format!("{:?} is not an absolute path", self.host),
            ));
        }
        absolute_path(&format!("{field}.guest"), &self.guest)?;
        if TAKEN.contains(&self.guest.as_str()) {
            return Err(ConfigError::new(
                format!("{field}.guest"),
                format!("{} is the VM's own", self.guest),
            ));
        }
        Ok(())
    }
}

pub(super) fn check(mounts: &[Mount]) -> Result<(), ConfigError> {
    if mounts.len() > bounds::MOUNTS {
        return Err(ConfigError::new("mounts", format!("more than {}", bounds::MOUNTS)));
    }
    for (index, mount) in mounts.iter().enumerate() {
        mount.check(&format!("mounts[{index}]"))?;
        if mounts[..index].iter().any(|other| other.guest == mount.guest) {
            return Err(ConfigError::new(
                format!("mounts[{index}].guest"),
                format!("{} is mounted twice", mount.guest),
            ));
        }
    }
    Ok(())
}
