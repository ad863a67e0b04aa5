//! Unix stream sockets: names in the filesystem, and abstract ones.
//!
//! A name in the filesystem is a file of its own, made when a socket is bound to it; who may connect is who may write to
//! that file.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::listener::At;
use super::{Connecting, Listener, Network, SocketError};
use crate::fs::inode::MEMORY_DEVICE;
use crate::{Errno, OpenFlags, Process};

/// Longest path of a socket, the terminating zero of C included.
const SOCKET_PATH_MAX: usize = 108;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Inode(u64),
    Abstract(String),
}

/// A name that a socket is or was bound to.
#[derive(Clone)]
pub(super) struct UnixName {
    key: Key,
    path: String,
}

impl UnixName {
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Who listens at which names.
#[derive(Default)]
pub(super) struct UnixNames(HashMap<Key, Weak<Listener>>);

impl UnixNames {
    pub(super) fn find(&self, name: &UnixName) -> Option<Arc<Listener>> {
        self.0.get(&name.key)?.upgrade()
    }

    fn enter(&mut self, name: &UnixName, listener: &Arc<Listener>) {
        // Those whose listeners are gone.
        self.0.retain(|_, listener| listener.strong_count() > 0);
        self.0.insert(name.key.clone(), Arc::downgrade(listener));
    }
}

/// A name that a socket is bound to.
pub struct BoundPath {
    network: Arc<Network>,
    name: UnixName,
}

impl BoundPath {
    /// The path.
    pub fn path(&self) -> &str {
        self.name.path()
    }

    /// Listens there.
    pub fn listen(self, backlog: u32) -> Arc<Listener> {
        let listener = Listener::new(At::Path(self.name.clone()), backlog);
        self.network.unix.lock().enter(&self.name, &listener);
        listener
    }
}

fn check(path: &str) -> Result<(), SocketError> {
    match path.len() {
        0 => Err(Errno::Einval.into()),
        SOCKET_PATH_MAX.. => Err(Errno::Enametoolong.into()),
        _ => Ok(()),
    }
}

impl Network {
    /// Binds a socket to a path on behalf of a process; one that begins with a zero is no file's.
    ///
    /// # Errors
    /// `EADDRINUSE` if there is such a file, and what making it may fail with.
    pub fn bind_path(self: &Arc<Network>, process: &Process, path: &str) -> Result<BoundPath, SocketError> {
        check(path)?;
        if path.starts_with('\0') {
            let name = UnixName { key: Key::Abstract(path.to_owned()), path: path.to_owned() };
            if self.unix.lock().find(&name).is_some() {
                return Err(SocketError::Eaddrinuse);
            }
            return Ok(BoundPath { network: self.clone(), name });
        }
        let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::WRITE;
        let file = process.open(path, flags, 0o777).map_err(|errno| match errno {
            Errno::Eexist => SocketError::Eaddrinuse,
            errno => errno.into(),
        })?;
        let status = file.status()?;
        if status.device != MEMORY_DEVICE {
            process.unlink(path)?;
            return Err(Errno::Eperm.into());
        }
        let name = UnixName { key: Key::Inode(status.inode), path: path.to_owned() };
        Ok(BoundPath { network: self.clone(), name })
    }

    /// Begins a connection with whoever listens at a path, on behalf of a process.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`, `ECONNREFUSED` where there is no socket.
    pub fn connect_path(
        self: &Arc<Network>,
        process: &Process,
        path: &str,
    ) -> Result<Connecting, SocketError> {
        check(path)?;
        let key = if path.starts_with('\0') {
            Key::Abstract(path.to_owned())
        } else {
            let file = process.open(path, OpenFlags::WRITE, 0).map_err(|errno| match errno {
                Errno::Eisdir => SocketError::Econnrefused,
                errno => errno.into(),
            })?;
            let status = file.status()?;
            if status.device != MEMORY_DEVICE {
                return Err(SocketError::Econnrefused);
            }
            Key::Inode(status.inode)
        };
        let name = UnixName { key, path: path.to_owned() };
        if self.unix.lock().find(&name).is_none() {
            return Err(SocketError::Econnrefused);
        }
        Ok(Connecting::to_path(self, name))
    }
}
