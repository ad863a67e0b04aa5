//! Namespaces of the worker's own, and an empty root directory in them.

use std::fs;
use std::io;

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount,
};
use rustix::process::{getgid, getuid, pivot_root};
use rustix::thread::UnshareFlags;

use super::{Kind, layer, optional};
use protocol::enclosure::{Layer, LayerName};

/// Enters them, as far as the host allows. The network process keeps the network of the host.
pub(super) fn enter(kind: Kind) -> Vec<Layer> {
    let user = optional(LayerName::UserNamespace, "its ids mean nothing on the host", enter_user_namespace);
    if let Some(reason) = user.missing.clone() {
        // Without one there is no right to the others.
        let rest = [
            (LayerName::MountNamespace, "an empty root directory"),
            (LayerName::NetworkNamespace, "no interface, no port, no abstract socket"),
            (LayerName::IpcAndUtsNamespaces, "no shared memory of the host, no host name"),
        ];
        let rest = rest.map(|(name, keeps)| layer(name, keeps, Some(format!("no user namespace: {reason}"))));
        return [user].into_iter().chain(rest).filter(|layer| kind.has(layer.name)).collect();
    }
    let mut layers = vec![
        user,
        optional(LayerName::MountNamespace, "an empty root directory", || {
            unshare(UnshareFlags::NEWNS)?;
            empty_root()
        }),
    ];
    if kind.has(LayerName::NetworkNamespace) {
        layers.push(optional(
            LayerName::NetworkNamespace,
            "no interface, no port, no abstract socket",
            || unshare(UnshareFlags::NEWNET),
        ));
    }
    layers.push(optional(
        LayerName::IpcAndUtsNamespaces,
        "no shared memory of the host, no host name",
        || unshare(UnshareFlags::NEWIPC | UnshareFlags::NEWUTS),
    ));
    layers
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: only namespaces are unshared, neither descriptors nor memory, and the process has one thread.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

fn enter_user_namespace() -> io::Result<()> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    unshare(UnshareFlags::NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

/// Makes an empty filesystem, which nothing can be written to, the root directory.
fn empty_root() -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // Over any directory that every host has; the old root goes away with what is below.
    mount("none", "/proc", "tmpfs", flags, Some(c"size=4k,nr_inodes=2"))?;
    rustix::process::chdir("/proc")?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    Ok(mount_remount("/", flags | MountFlags::RDONLY, c"")?)
}
