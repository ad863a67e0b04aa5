//! What the supervisor serves beyond the VM: directories of the host. (Host functions are the client's; network egress
//! will live here.)

mod directories;
mod forbidden;
mod mount_table;

pub(crate) use directories::HostMounts;
pub(crate) use forbidden::Forbidden;
