//! What the kernel and the embedder put into the tree: directories, devices, programs, mounts. Bound by no
//! permission and no quota; no guest can reach any of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;

use super::inode::{Content, Directory, Inode, Mounted};
use super::mount::{HostPath, Mount, Point};
use super::recent::Recent;
use super::{Filesystem, NAME_MAX, PATH_MAX, entry_cost};
use crate::file::device::Device;
use crate::limits::Share;
use crate::{Errno, HostFs, MountId, Program, user};

/// A place to put something.
enum Spot {
    Memory(Arc<Inode>),
    Host(HostPath),
}

impl Filesystem {
    pub(super) fn lay_out(&self) {
        // The layout is part of this file; it cannot fail.
        let laid_out = self.try_lay_out();
        debug_assert_eq!(laid_out, Ok(()));
    }

    fn try_lay_out(&self) -> Result<(), Errno> {
        for path in ["/bin", "/etc", user::HOME, "/workspace"] {
            self.make_directories(path)?;
        }
        let Spot::Memory(tmp) = self.make_directories("/tmp")? else { return Err(Errno::Exdev) };
        tmp.set_mode(0o1777, self.file_time());
        let Spot::Memory(proc) = self.make_directories("/proc")? else { return Err(Errno::Exdev) };
        proc.directory().ok_or(Errno::Enotdir)?.state.write().mounted = Some(Mounted::Proc);

        let sealed = Content::Directory(Directory { sealed: true, ..Directory::default() });
        let dev = self.forced_inode(sealed, 0o755);
        self.attach_forced(&self.root, "dev", dev.clone());
        for &(name, device) in Device::ALL {
            self.attach_forced(&dev, name, self.forced_inode(Content::Device(device), 0o666));
        }
        let links = [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")];
        for (name, below) in links {
            let link = self.forced_link(&format!("/proc/self/fd{below}"));
            self.attach_forced(&dev, name, link);
        }
        self.install_file("/etc/passwd", user::passwd().as_bytes(), 0o644)?;
        self.install_file("/etc/group", user::group().as_bytes(), 0o644)
    }

    fn forced_inode(&self, content: Content, mode: u32) -> Arc<Inode> {
        self.make_inode(content, mode, Share::force(&self.inodes, 1))
    }

    fn forced_link(&self, target: &str) -> Arc<Inode> {
        self.forced_inode(Content::Symlink { target: target.into(), _share: None }, 0o777)
    }

    fn attach_forced(&self, directory: &Arc<Inode>, name: &str, inode: Arc<Inode>) {
        self.bytes.force(entry_cost(name));
        self.attach_paid(directory, name, inode);
    }

    /// Makes the directories of an absolute path that are not there, as far as they lie in memory.
    fn make_directories(&self, path: &str) -> Result<Spot, Errno> {
        let mut spot = Spot::Memory(self.root.clone());
        for name in parts(path)? {
            spot = match spot {
                Spot::Host(host) => Spot::Host(host.child(name)),
                Spot::Memory(directory) => {
                    let content = directory.directory().ok_or(Errno::Enotdir)?;
                    match content.lookup(name) {
                        Some(child) => match child.directory().ok_or(Errno::Enotdir)?.mounted() {
                            Some(Mounted::Host(mount)) => Spot::Host(HostPath::root(mount)),
                            Some(Mounted::Proc) => return Err(Errno::Ebusy),
                            None => Spot::Memory(child),
                        },
                        None if content.sealed => return Err(Errno::Ebusy),
                        None => {
                            let child = self.forced_inode(Content::Directory(Directory::default()), 0o755);
                            self.attach_forced(&directory, name, child.clone());
                            Spot::Memory(child)
                        }
                    }
                }
            };
        }
        Ok(spot)
    }

    /// Puts `inode` at an absolute path, in the place of a file that is there.
    fn install(&self, path: &str, inode: Arc<Inode>) -> Result<(), Errno> {
        let (parent, name) = path.rsplit_once('/').ok_or(Errno::Einval)?;
        if name.is_empty() || name.len() > NAME_MAX || matches!(name, "." | "..") {
            return Err(Errno::Einval);
        }
        let mut _replaced = None;
        let _tree = self.tree.write();
        let parent =
            if parent.is_empty() { Spot::Memory(self.root.clone()) } else { self.make_directories(parent)? };
        let Spot::Memory(parent) = parent else { return Err(Errno::Exdev) };
        if let Some(before) = parent.directory().and_then(|directory| directory.lookup(name)) {
            if before.is_directory() {
                return Err(Errno::Eisdir);
            }
            _replaced = self.detach(&parent, name);
            self.forget(&before);
        }
        self.attach_forced(&parent, name, inode);
        Ok(())
    }

    pub(crate) fn install_program(&self, path: &str, program: Program) -> Result<(), Errno> {
        let text =
            format!("This is the program {}; its code lies outside of the filesystem.\n", program.module);
        let inode = self.forced_inode(self.empty_file(Some(program)), 0o755);
        write_all(&inode, text.as_bytes())?;
        self.install(path, inode)
    }

    pub(crate) fn install_file(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Errno> {
        let inode = self.forced_inode(self.empty_file(None), mode & 0o7777);
        write_all(&inode, contents)?;
        self.install(path, inode)
    }

    pub(crate) fn install_symlink(&self, path: &str, target: &str) -> Result<(), Errno> {
        if target.is_empty() || target.len() >= PATH_MAX || target.contains('\0') {
            return Err(Errno::Einval);
        }
        self.install(path, self.forced_link(target))
    }

    pub(crate) fn mount(
        &self,
        path: &str,
        id: MountId,
        read_only: bool,
        fs: Arc<dyn HostFs>,
    ) -> Result<(), Errno> {
        let _tree = self.tree.write();
        let make = |point| {
            let children = Mutex::new(BTreeMap::new());
            Arc::new(Mount {
                id,
                point,
                read_only,
                fs: fs.clone(),
                clock: self.clock.clone(),
                children,
                recent: Recent::default(),
                copied: AtomicUsize::new(0),
            })
        };
        match self.make_directories(path)? {
            Spot::Host(host) if host.relative.is_empty() => Err(Errno::Ebusy),
            Spot::Host(HostPath { mount, relative }) => {
                let nested = make(Point::Within(Arc::downgrade(&mount), relative.clone()));
                mount.children.lock().insert(relative, nested);
                Ok(())
            }
            Spot::Memory(inode) if Arc::ptr_eq(&inode, &self.root) => Err(Errno::Ebusy),
            Spot::Memory(inode) => {
                let content = inode.directory().ok_or(Errno::Enotdir)?;
                if content.sealed {
                    return Err(Errno::Ebusy);
                }
                content.state.write().mounted =
                    Some(Mounted::Host(make(Point::Memory(Arc::downgrade(&inode)))));
                Ok(())
            }
        }
    }

    pub(crate) fn unmount(&self, path: &str) -> Result<(), Errno> {
        let mut _gone = None;
        let _tree = self.tree.write();
        let mut directory = self.root.clone();
        let mut names = parts(path)?.into_iter();
        let mut mount = loop {
            let name = names.next().ok_or(Errno::Einval)?;
            let child = directory.directory().and_then(|d| d.lookup(name)).ok_or(Errno::Enoent)?;
            let mounted = child.directory().ok_or(Errno::Enotdir)?.mounted();
            match mounted {
                Some(Mounted::Host(mount)) if names.len() == 0 => {
                    if !mount.children.lock().is_empty() {
                        return Err(Errno::Ebusy);
                    }
                    _gone = child.directory().and_then(|d| d.state.write().mounted.take());
                    return Ok(());
                }
                Some(Mounted::Host(mount)) => break mount,
                Some(Mounted::Proc) => return Err(Errno::Einval),
                None => directory = child,
            }
        };
        let mut relative = String::new();
        for name in names {
            let place = HostPath { mount: mount.clone(), relative: relative.clone() }.child(name);
            if place.relative.is_empty() {
                mount = place.mount;
                relative.clear();
            } else {
                relative = place.relative;
            }
        }
        let Point::Within(outer, key) = &mount.point else { return Err(Errno::Einval) };
        if !relative.is_empty() {
            return Err(Errno::Einval);
        }
        if !mount.children.lock().is_empty() {
            return Err(Errno::Ebusy);
        }
        let outer = outer.upgrade().ok_or(Errno::Einval)?;
        let removed = outer.children.lock().remove(key);
        _gone = removed.map(Mounted::Host);
        Ok(())
    }

    /// The text of `/proc/mounts`. Host mounts are told by where they lie, never by what lies behind them.
    pub(crate) fn mounts_text(&self) -> String {
        let mut text = String::from("memory / memory rw 0 0\nproc /proc proc ro 0 0\n");
        let mut pending = vec![(self.root.clone(), String::new())];
        while let Some((inode, path)) = pending.pop() {
            let Some(directory) = inode.directory() else { continue };
            let state = directory.state.read();
            if let Some(Mounted::Host(mount)) = &state.mounted {
                mount.describe(&path, &mut text);
                continue;
            }
            let children = state.entries.iter().filter(|(_, child)| child.is_directory());
            pending.extend(children.map(|(name, child)| (child.clone(), format!("{path}/{name}"))));
        }
        text
    }
}

impl Mount {
    fn describe(&self, path: &str, text: &mut String) {
        let access = if self.read_only { "ro" } else { "rw" };
        let escaped =
            path.replace('\\', "\\134").replace(' ', "\\040").replace('\n', "\\012").replace('\t', "\\011");
        text.push_str(&format!("host {escaped} host {access} 0 0\n"));
        for (relative, nested) in self.children.lock().iter() {
            nested.describe(&format!("{path}/{relative}"), text);
        }
    }
}

/// The names of an absolute path that the embedder gave.
fn parts(path: &str) -> Result<Vec<&str>, Errno> {
    if !path.starts_with('/') || path.contains('\0') || path.len() >= PATH_MAX {
        return Err(Errno::Einval);
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(Errno::Einval);
    }
    if parts.iter().any(|part| part.len() > NAME_MAX) {
        return Err(Errno::Enametoolong);
    }
    Ok(parts)
}

fn write_all(inode: &Inode, contents: &[u8]) -> Result<(), Errno> {
    let file = inode.file().ok_or(Errno::Einval)?;
    let written = file.data.write().install(contents)?;
    if written == contents.len() { Ok(()) } else { Err(Errno::Enospc) }
}
