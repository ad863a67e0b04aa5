//! The one place where the `fs` permissions of the VM are asked.
//!
//! Every path operation of the kernel comes here with the absolute, fully resolved path before it takes effect, while
//! the name space cannot change. Knows nothing of rules and patterns: those belong to whoever implements
//! [`FsPolicy`].
//!
//! What could lead around a decision, and what is done about it:
//! - symbolic links, `..`, relative paths, open directories: decided on the resolved path;
//! - a failed resolution tells its error only where the operation would have been allowed at the path as written;
//! - another name for a file (hard link, rename): needs reading and writing the file where it is, so it cannot become
//!   more accessible than it was;
//! - renaming a directory: only where no rule tells its contents apart, before and after;
//! - `/proc/self/fd`, `/dev/fd`: a file with a path is decided on that path as when it was opened first; what has no
//!   path (pipes, streams) can be opened again only with the access that the descriptor has;
//! - symbolic links beneath a host mount: the host resolves them before the decision where rules differ there, and
//!   the operation then names the resolved path. Someone on the *host*, or a guest with a second process, could still
//!   exchange a directory for a link that was there before; new links are therefore not created in such mounts.

use std::sync::Arc;

use super::Caller;
use super::mount::HostPath;
use super::walk::Failure;
use crate::Errno;

/// What is about to be done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FsOperation {
    /// Read the contents of a file, or the target of a symbolic link.
    Read,
    /// Change the contents of a file.
    Write,
    /// Make a new name: a file, a directory, a link, the target of a rename.
    Create,
    /// Take a name away: unlink, rmdir, the source of a rename, what a rename replaces.
    Remove,
    /// Learn that it is there and what it is; also entering a directory.
    Stat,
    /// List a directory.
    List,
    /// Give a file another name (asked of the existing file, besides `Read` and `Write`).
    Link,
    /// Change permission bits or times.
    SetAttributes,
    /// Run it as a program or script, or as the interpreter of a script.
    Execute,
}

impl FsOperation {
    /// Whether it changes something, so that a read-only mount refuses it.
    pub(crate) fn changes(self) -> bool {
        use FsOperation::{Create, Link, Remove, SetAttributes, Write};
        matches!(self, Write | Create | Remove | Link | SetAttributes)
    }
}

/// The `fs` permissions of a VM. Implementations must be quick, must not block and must not call into the kernel:
/// they are asked under the lock of the name space, so that nothing can change between decision and deed.
pub trait FsPolicy: Send + Sync {
    /// Whether `op` may be done at `path`: absolute, without symbolic links, `.`, `..` and doubled slashes. The
    /// calling process's own directory in `/proc` is always written `/proc/self`.
    fn allows(&self, op: FsOperation, path: &str) -> bool;

    /// Whether no rule tells `path` and anything beneath it apart. Directories are renamed only where this holds of
    /// both ends, since their contents would change sides of a rule; host mounts where it does not hold have their
    /// symbolic links resolved before each decision. Answering `false` is always safe.
    fn uniform_below(&self, path: &str) -> bool {
        let _ = path;
        false
    }
}

/// Allows everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl FsPolicy for AllowAll {
    fn allows(&self, _: FsOperation, _: &str) -> bool {
        true
    }

    fn uniform_below(&self, _: &str) -> bool {
        true
    }
}

/// Asks the policy.
pub(crate) struct Access(Arc<dyn FsPolicy>);

impl Access {
    pub(crate) fn new(policy: Arc<dyn FsPolicy>) -> Access {
        Access(policy)
    }

    /// `EACCES` unless all of `ops` may be done at `path`.
    pub(crate) fn decide(&self, caller: &Caller<'_>, ops: &[FsOperation], path: &str) -> Result<(), Errno> {
        if caller.exempt {
            return Ok(());
        }
        let own = own_proc_path(caller, path);
        let path = own.as_deref().unwrap_or(path);
        if ops.iter().all(|&op| self.0.allows(op, path)) { Ok(()) } else { Err(Errno::Eacces) }
    }

    /// The error of a resolution that failed, if the caller may learn it.
    pub(crate) fn tell(&self, caller: &Caller<'_>, ops: &[FsOperation], failure: Failure) -> Errno {
        self.decide(caller, ops, &failure.path).err().unwrap_or(failure.errno)
    }

    /// Whether no rule tells apart what lies at and beneath `path`.
    pub(crate) fn uniform_below(&self, caller: &Caller<'_>, path: &str) -> bool {
        caller.exempt || self.0.uniform_below(path)
    }

    /// Decides about a place beneath a host mount and returns the place to name to the host. Called without the tree
    /// lock, since the host may have to be asked where links lead.
    pub(crate) fn admit(
        &self,
        caller: &Caller<'_>,
        ops: &[FsOperation],
        host: HostPath,
        path: &str,
        follow: bool,
    ) -> Result<HostPath, Errno> {
        // The mount's own path: what is left of `path` without the part that lies beneath the mount.
        let end = path.len() - host.relative.len();
        let mount = path[..end].trim_end_matches('/');
        let host = if self.uniform_below(caller, if mount.is_empty() { "/" } else { mount }) {
            self.decide(caller, ops, path)?;
            host
        } else {
            let resolved = match resolve(&host, follow) {
                Ok(resolved) => resolved,
                Err(errno) => return Err(self.decide(caller, ops, path).err().unwrap_or(errno)),
            };
            let path = match resolved.relative.as_str() {
                "" => mount.to_owned(),
                relative => format!("{mount}/{relative}"),
            };
            self.decide(caller, ops, &path)?;
            resolved
        };
        if host.mount.read_only && ops.iter().any(|op| op.changes()) {
            return Err(Errno::Erofs);
        }
        Ok(host)
    }
}

/// Where `host` lies once all links on the way are followed; its last part need not be there.
fn resolve(host: &HostPath, follow: bool) -> Result<HostPath, Errno> {
    match host.canonical(follow) {
        Err(Errno::Enoent) => {}
        outcome => return outcome,
    }
    if follow && host.canonical(false).is_ok() {
        // A link to nowhere. What is created through it would lie where it points, and nobody decided about that.
        return Err(Errno::Eacces);
    }
    let parent = host.parent().ok_or(Errno::Enoent)?.canonical(true)?;
    let name = host.relative.rsplit('/').next().unwrap_or_default();
    Ok(parent.child(name))
}

/// `path` with the caller's own directory in `/proc` written `/proc/self`.
fn own_proc_path(caller: &Caller<'_>, path: &str) -> Option<String> {
    let rest = path.strip_prefix("/proc/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let own = rest[..end].parse() == Ok(caller.pid);
    own.then(|| format!("/proc/self{}", &rest[end..]))
}
