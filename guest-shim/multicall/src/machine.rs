//! What the virtual machine says it is.

use std::fs;

/// What `/proc/sys/kernel` has under this name: `hostname`, `ostype`, `osrelease`, `version` or `arch`.
pub fn parameter(name: &str) -> String {
    fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default().trim_end().to_owned()
}
