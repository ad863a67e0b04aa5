//! What the supervisor serves beyond the VM: directories of the host, and the network. (Host functions are the client's.)

mod descriptors;
mod directory;
mod egress;
mod forbidden;
mod mount_table;
mod mounts;
mod opening;
mod remove_tree;
mod rules;
mod secrets;

pub(crate) use descriptors::{Channel, Descriptors};
pub(super) use egress::Egress;
pub(crate) use forbidden::Forbidden;
pub(crate) use mounts::HostMounts;
pub(super) use secrets::Withheld;
