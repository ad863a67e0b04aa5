//! What the supervisor serves beyond the VM: host directories. (Host functions are the client's; network egress will
//! live here.)

mod mounts;

pub use mounts::HostMounts;
