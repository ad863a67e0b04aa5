//! What the supervisor serves beyond the VM: directories of the host. (Host functions are the client's; network egress
//! will live here.)

mod descriptors;
mod directory;
mod forbidden;
mod mount_table;
mod mounts;
mod opening;
mod remove_tree;
mod rules;

pub(crate) use descriptors::{Channel, Descriptors};
pub(crate) use forbidden::Forbidden;
pub(crate) use mounts::HostMounts;
