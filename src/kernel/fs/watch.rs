//! Who is told of changes to files of the VM's own: watches on files and directories in memory.
//!
//! A change is noted under the locks that it is made under; whoever waits is woken once these are free again
//! ([`Watches::wake`]), by the operation that made it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::access::FsOperation::{List, Stat};
use super::inode::Inode;
use super::walk::Node;
use super::{At, Caller, Filesystem};
use crate::{Errno, Symlinks, Wakers, Woken};

/// Most watches of one VM; each makes every change a little slower.
const WATCHES_MAX: usize = 512;

/// Most changes that one watch keeps; those after them are lost.
const CHANGES_MAX: usize = 4096;

/// What happened to something that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsChange {
    /// A name came or went; else contents or status changed.
    pub renamed: bool,
    /// Which entry of the watched directory; none is the watched thing itself.
    pub name: Option<String>,
}

/// A watch on a file or directory. It ends when it is dropped.
pub struct FsWatch {
    inode: Arc<Inode>,
    state: Mutex<State>,
    /// Counts the watches that there are.
    count: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    changes: VecDeque<FsChange>,
    wakers: Wakers,
}

impl FsWatch {
    /// Ready with the next change.
    pub fn poll_change(&self, cx: &mut Context<'_>) -> Poll<FsChange> {
        let woken = {
            let mut state = self.state.lock();
            if let Some(change) = state.changes.pop_front() {
                return Poll::Ready(change);
            }
            state.wakers.register(cx)
        };
        woken.wake();
        Poll::Pending
    }

    fn note(&self, change: FsChange) -> Woken {
        let mut state = self.state.lock();
        // Nobody needs to be told the same twice.
        if state.changes.len() >= CHANGES_MAX || state.changes.back() == Some(&change) {
            return Woken::default();
        }
        state.changes.push_back(change);
        state.wakers.take()
    }
}

impl Drop for FsWatch {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Relaxed);
    }
}

/// The watches of one filesystem.
#[derive(Default)]
pub(crate) struct Watches {
    count: Arc<AtomicUsize>,
    all: Mutex<Vec<Weak<FsWatch>>>,
    /// Who is to be woken.
    woken: Mutex<Vec<Woken>>,
}

impl Watches {
    fn add(&self, inode: Arc<Inode>) -> Result<Arc<FsWatch>, Errno> {
        let mut all = self.all.lock();
        all.retain(|watch| watch.strong_count() > 0);
        if all.len() >= WATCHES_MAX {
            return Err(Errno::Enospc);
        }
        self.count.fetch_add(1, Relaxed);
        let watch = Arc::new(FsWatch { inode, state: Mutex::default(), count: self.count.clone() });
        all.push(Arc::downgrade(&watch));
        Ok(watch)
    }

    fn note(&self, mut what: impl FnMut(&FsWatch) -> Option<FsChange>) {
        if self.count.load(Relaxed) == 0 {
            return;
        }
        let watches: Vec<Arc<FsWatch>> = self.all.lock().iter().filter_map(Weak::upgrade).collect();
        for watch in watches {
            if let Some(change) = what(&watch) {
                let woken = watch.note(change);
                self.woken.lock().push(woken);
            }
        }
    }

    /// A name came into a directory or went from it.
    pub(crate) fn renamed(&self, directory: &Arc<Inode>, name: &str, inode: &Arc<Inode>) {
        self.note(|watch| {
            if Arc::ptr_eq(&watch.inode, directory) {
                Some(FsChange { renamed: true, name: Some(name.to_owned()) })
            } else if Arc::ptr_eq(&watch.inode, inode) {
                Some(FsChange { renamed: true, name: None })
            } else {
                None
            }
        });
    }

    /// The contents or the status of something changed.
    pub(crate) fn changed(&self, inode: &Inode) {
        self.note(|watch| {
            if std::ptr::eq(&*watch.inode, inode) {
                return Some(FsChange { renamed: false, name: None });
            }
            let state = watch.inode.directory()?.state.read();
            let (name, _) = state.entries.iter().find(|(_, child)| std::ptr::eq(&***child, inode))?;
            Some(FsChange { renamed: false, name: Some(name.to_string()) })
        });
    }

    /// Wakes who has been told of something. No lock of the filesystem may be held.
    pub(crate) fn wake(&self) {
        if self.count.load(Relaxed) == 0 {
            return;
        }
        let woken = std::mem::take(&mut *self.woken.lock());
        woken.into_iter().for_each(Woken::wake);
    }
}

impl Filesystem {
    /// Begins to watch what lies at a path. `ENOSYS` for what is not in memory: nobody tells of changes there.
    pub(crate) fn watch(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<Arc<FsWatch>, Errno> {
        let _tree = self.tree.read();
        let found = self.walk(caller, at, Symlinks::Follow, &[Stat])?;
        let inode = match &found.node {
            Node::Memory(inode) => inode.clone(),
            _ => return Err(Errno::Enosys),
        };
        let needed = if inode.is_directory() { [Stat, List].as_slice() } else { &[Stat] };
        self.access.decide(caller, needed, &found.path)?;
        self.watches.add(inode)
    }
}
