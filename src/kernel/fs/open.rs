//! Opening files, and finding programs.

use std::sync::Arc;

use super::access::FsOperation::{self, Create, Execute, List, Read, Stat, Write};
use super::inode::{Content, Inode};
use super::mount::HostPath;
use super::walk::{Found, Last, Node, Slot, Walker};
use super::{At, Caller, Filesystem};
use crate::file::File;
use crate::file::device::Device;
use crate::file::directory::Directory;
use crate::file::fifo::NamedPipe;
use crate::file::host::Host;
use crate::file::proc::ProcText;
use crate::file::regular::Regular;
use crate::file::terminal::TerminalFile;
use crate::procfs::ProcNode;
use crate::{DirectoryEntry, Errno, FileKind, OpenFile, OpenFlags, Program, Symlinks, Terminal};

/// How far opening came under the tree lock.
enum Opening {
    Done(Arc<OpenFile>),
    /// Something that is open has to be opened again, without the lock.
    Again(Arc<OpenFile>),
    /// The host has to be asked, without the lock.
    Host {
        host: HostPath,
        path: String,
        slash: bool,
    },
}

/// What an executable file turned out to be.
pub(crate) enum Executable {
    Program(Program),
    /// Not a program: what it starts with, for the line that names its interpreter.
    Text(Vec<u8>),
}

/// How much of a script is looked at for the line that names its interpreter.
const SCRIPT_HEAD: usize = 256;

impl Filesystem {
    pub(crate) fn open(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        at: &At<'_>,
        flags: OpenFlags,
        mode: u32,
    ) -> Result<Arc<OpenFile>, Errno> {
        check_flags(flags)?;
        let mode = mode & !caller.umask & 0o7777;
        let opening = if flags.contains(OpenFlags::CREATE) {
            let _tree = self.tree.write();
            self.open_or_create(caller, at, flags, mode)?
        } else {
            let _tree = self.tree.read();
            let symlinks =
                if flags.contains(OpenFlags::NO_FOLLOW) { Symlinks::NoFollow } else { Symlinks::Follow };
            let found = self.walk(caller, at, symlinks, operations(flags))?;
            self.open_found(caller, found, flags)?
        };
        match opening {
            Opening::Done(file) => Ok(file),
            Opening::Again(file) => file.reopen(self, flags),
            Opening::Host { host, path, slash } => self.open_host(caller, host, path, slash, flags, mode),
        }
    }

    /// The contents of a regular file of at most `limit` bytes. Of a mount, a short one is one question to the host.
    pub(crate) fn read_file(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        at: &At<'_>,
        limit: u64,
    ) -> Result<Vec<u8>, Errno> {
        let flags = OpenFlags::READ;
        let opening = {
            let _tree = self.tree.read();
            let found = self.walk(caller, at, Symlinks::Follow, operations(flags))?;
            self.open_found(caller, found, flags)?
        };
        let file = match opening {
            Opening::Done(file) => file,
            Opening::Again(file) => file.reopen(self, flags)?,
            Opening::Host { host, path, slash } => {
                if !slash {
                    let host = self.access.admit(caller, operations(flags), host.clone(), &path, true)?;
                    match host.contents() {
                        Err(Errno::Efbig) => {}
                        Ok(contents) if contents.len() as u64 > limit => return Err(Errno::Efbig),
                        outcome => return outcome,
                    }
                }
                self.open_host(caller, host, path, slash, flags, 0)?
            }
        };
        file.read_whole(limit)
    }

    fn open_or_create(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        at: &At<'_>,
        flags: OpenFlags,
        mode: u32,
    ) -> Result<Opening, Errno> {
        let ops = operations(flags);
        let exclusive = flags.contains(OpenFlags::EXCLUSIVE);
        let mut walker =
            Walker::new(self, caller, at).map_err(|failure| self.access.tell(caller, ops, failure))?;
        loop {
            let slot = walker.slot().map_err(|failure| self.access.tell(caller, ops, failure))?;
            let Last::Name(name) = &slot.last else {
                // A directory, whichever: `.`, `..` or the root.
                self.access.decide(caller, &[Stat], &slot.directory_path)?;
                return Err(if exclusive { Errno::Eexist } else { Errno::Eisdir });
            };
            if slot.slash && matches!(slot.directory, Node::Memory(_)) {
                // Whatever is there or not: this makes files, and what has a slash behind it is none.
                return Err(Errno::Eisdir);
            }
            let path = slot.path(name);
            let (directory, child) = match &slot.directory {
                Node::Memory(directory) => (directory, directory.directory().and_then(|d| d.lookup(name))),
                Node::Host(host) => {
                    return Ok(Opening::Host { host: host.child(name), path, slash: slot.slash });
                }
                Node::Proc(node) => return self.open_proc_slot(caller, *node, name, path, flags),
                Node::Open(_) => return Err(Errno::Enotdir),
            };
            let Some(child) = child else {
                self.access.decide(caller, &[Create], &path)?;
                self.access.decide(caller, ops, &path)?;
                return self.create_file(directory, name, path, flags, mode).map(Opening::Done);
            };
            if let (Content::Symlink { target, .. }, false) = (&child.content, exclusive) {
                if flags.contains(OpenFlags::NO_FOLLOW) {
                    self.access.decide(caller, ops, &path)?;
                    return Err(Errno::Eloop);
                }
                walker.redirect_last(target).map_err(|failure| self.access.tell(caller, ops, failure))?;
                continue;
            }
            self.access.decide(caller, if exclusive { &[Stat] } else { ops }, &path)?;
            if exclusive {
                return Err(Errno::Eexist);
            }
            if child.is_directory() {
                return Err(Errno::Eisdir);
            }
            return self.open_inode(caller, child, path, flags).map(Opening::Done);
        }
    }

    fn open_proc_slot(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        directory: ProcNode,
        name: &str,
        path: String,
        flags: OpenFlags,
    ) -> Result<Opening, Errno> {
        let missing = directory.child(self, name).is_none();
        if missing || flags.contains(OpenFlags::EXCLUSIVE) {
            self.access.decide(caller, &[Create], &path)?;
            return Err(if missing { Errno::Enoent } else { Errno::Eexist });
        }
        let symlinks =
            if flags.contains(OpenFlags::NO_FOLLOW) { Symlinks::NoFollow } else { Symlinks::Follow };
        let at = At { start: Node::Proc(directory), path: name };
        let found = self.walk(caller, &at, symlinks, operations(flags))?;
        self.open_found(caller, found, flags)
    }

    fn create_file(
        self: &Arc<Self>,
        directory: &Arc<Inode>,
        name: &str,
        path: String,
        flags: OpenFlags,
        mode: u32,
    ) -> Result<Arc<OpenFile>, Errno> {
        check_may_change(directory)?;
        // The description first: when there are too many, no empty file is left behind.
        let inode = self.new_inode(self.empty_file(None), mode)?;
        let file = OpenFile::new(self, Regular::new(self, inode.clone()), flags, Some(path))?;
        self.attach(directory, name, inode)?;
        Ok(file)
    }

    fn open_found(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        found: Found,
        flags: OpenFlags,
    ) -> Result<Opening, Errno> {
        let Found { node, path, slash } = found;
        match node {
            Node::Host(host) => Ok(Opening::Host { host, path, slash }),
            Node::Memory(inode) => {
                let ops = if inode.is_directory() { &[Stat] } else { operations(flags) };
                self.access.decide(caller, ops, &path)?;
                self.open_inode(caller, inode, path, flags).map(Opening::Done)
            }
            Node::Proc(node) => {
                let ops = if node.is_directory() { &[Stat] } else { operations(flags) };
                self.access.decide(caller, ops, &path)?;
                self.open_proc(node, path, flags).map(Opening::Done)
            }
            Node::Open(file) => Ok(Opening::Again(file)),
        }
    }

    fn open_inode(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        inode: Arc<Inode>,
        path: String,
        flags: OpenFlags,
    ) -> Result<Arc<OpenFile>, Errno> {
        let writes = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
        match &inode.content {
            Content::Directory(_) if writes => return Err(Errno::Eisdir),
            Content::Symlink { .. } if flags.contains(OpenFlags::DIRECTORY) => return Err(Errno::Enotdir),
            Content::Symlink { .. } => return Err(Errno::Eloop),
            Content::File(_) | Content::Device(_) | Content::Fifo(_)
                if flags.contains(OpenFlags::DIRECTORY) =>
            {
                return Err(Errno::Enotdir);
            }
            _ => {}
        }
        let wanted = 4 * u32::from(flags.contains(OpenFlags::READ)) + 2 * u32::from(writes);
        if !inode.permits(wanted) {
            return Err(Errno::Eacces);
        }
        let file: Arc<dyn File> = match &inode.content {
            Content::File(file) if writes && file.program.is_some() => return Err(Errno::Etxtbsy),
            Content::Device(Device::Tty) => TerminalFile::new(self.terminal_of(caller)?),
            Content::Device(device) => device.open(self.random)?,
            Content::Directory(_) => Directory::new(self, Node::Memory(inode.clone())),
            Content::Fifo(fifo) => NamedPipe::open(self, &inode, fifo, flags)?,
            _ => Regular::new(self, inode.clone()),
        };
        let opened = OpenFile::new(self, file, flags, Some(path))?;
        if let (Some(file), true) = (inode.file(), flags.contains(OpenFlags::TRUNCATE)) {
            file.data.write().truncate(0)?;
            inode.touch(self.file_time());
            self.watches.changed(&inode);
        }
        Ok(opened)
    }

    /// The controlling terminal of whoever asks. `ENXIO` if there is none.
    fn terminal_of(&self, caller: &Caller<'_>) -> Result<Arc<Terminal>, Errno> {
        let table = self.processes.upgrade().ok_or(Errno::Enxio)?;
        let session = table.get(caller.pid).ok_or(Errno::Enxio)?.session();
        table.terminal_of(session).ok_or(Errno::Enxio)
    }

    fn open_proc(
        self: &Arc<Self>,
        node: ProcNode,
        path: String,
        flags: OpenFlags,
    ) -> Result<Arc<OpenFile>, Errno> {
        let writes = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
        let file: Arc<dyn File> = match node.kind() {
            FileKind::Directory if writes => return Err(Errno::Eisdir),
            FileKind::Directory => Directory::new(self, Node::Proc(node)),
            _ if flags.contains(OpenFlags::DIRECTORY) => return Err(Errno::Enotdir),
            FileKind::Symlink => return Err(Errno::Eloop),
            _ if writes => return Err(Errno::Eacces),
            _ => ProcText::new(self, node.text(self)?, node.status(self))?,
        };
        OpenFile::new(self, file, flags, Some(path))
    }

    fn open_host(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        host: HostPath,
        path: String,
        slash: bool,
        mut flags: OpenFlags,
        mode: u32,
    ) -> Result<Arc<OpenFile>, Errno> {
        if slash && flags.contains(OpenFlags::CREATE) {
            let host = self.access.admit(caller, &[Stat], host, &path, false)?;
            if let Some(parent) = host.parent() {
                parent.check_directory()?;
            }
            return Err(Errno::Eisdir);
        }
        if slash {
            flags.insert(OpenFlags::DIRECTORY);
        }
        let follow = slash || !flags.intersects(OpenFlags::NO_FOLLOW | OpenFlags::EXCLUSIVE);
        let host = if flags.contains(OpenFlags::CREATE) {
            self.admit_creation(caller, host, &path, follow, flags)?
        } else {
            let ops = if flags.contains(OpenFlags::DIRECTORY) { &[Stat] } else { operations(flags) };
            self.access.admit(caller, ops, host, &path, follow)?
        };
        let path = self.path_of_node(&Node::Host(host.clone()))?;
        if host.mount.read_only {
            flags.remove(OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
        }
        // Room first: a file that is opened or created on the host cannot be taken back.
        let room = OpenFile::room(self)?;
        let (file, status) = host.open(flags - OpenFlags::NONBLOCK, mode)?;
        let file: Arc<dyn File> = match status.kind {
            FileKind::Directory => Directory::new(self, Node::Host(host)),
            _ => Host::new(file, host),
        };
        Ok(OpenFile::in_room(room, file, flags, Some(path)))
    }

    /// `O_CREAT` beneath a mount: whether something is created is only known to the host, so both are decided. On a
    /// read-only mount nothing is created and the flag means nothing more than opening.
    fn admit_creation(
        &self,
        caller: &Caller<'_>,
        host: HostPath,
        path: &str,
        follow: bool,
        flags: OpenFlags,
    ) -> Result<HostPath, Errno> {
        let ops = operations(flags);
        if !host.mount.read_only {
            let host = self.access.admit(caller, ops, host, path, follow)?;
            return match self.access.admit(caller, &[Create], host.clone(), path, follow) {
                // May not be created, but may be opened if it is there already.
                Err(Errno::Eacces)
                    if host.status(follow).is_ok() && !flags.contains(OpenFlags::EXCLUSIVE) =>
                {
                    Ok(host)
                }
                outcome => outcome,
            };
        }
        let there = host.status(follow);
        if there.is_ok() && flags.contains(OpenFlags::EXCLUSIVE) {
            self.access.admit(caller, &[Stat], host, path, follow)?;
            return Err(Errno::Eexist);
        }
        let missing = there == Err(Errno::Enoent);
        let admitted = self.access.admit(caller, ops, host, path, follow)?;
        if missing { Err(Errno::Erofs) } else { Ok(admitted) }
    }

    /// Resolves a path; an error is told only to those who may do `ops` there. Decides nothing about what was found.
    pub(super) fn walk(
        &self,
        caller: &Caller<'_>,
        at: &At<'_>,
        symlinks: Symlinks,
        ops: &[FsOperation],
    ) -> Result<Found, Errno> {
        Walker::new(self, caller, at)
            .and_then(|walker| walker.find(symlinks))
            .map_err(|failure| self.access.tell(caller, ops, failure))
    }

    /// The directory that holds the last part of a path; errors as with [`walk`](Self::walk).
    pub(super) fn slot(&self, caller: &Caller<'_>, at: &At<'_>, ops: &[FsOperation]) -> Result<Slot, Errno> {
        Walker::new(self, caller, at)
            .and_then(|mut walker| walker.slot())
            .map_err(|failure| self.access.tell(caller, ops, failure))
    }

    /// The entries of an open directory.
    pub(crate) fn entries(
        &self,
        caller: &Caller<'_>,
        directory: &Node,
    ) -> Result<Vec<DirectoryEntry>, Errno> {
        let (host, path) = {
            let _tree = self.tree.read();
            let path = self.path_of_node(directory)?;
            match directory {
                Node::Memory(inode) => {
                    self.access.decide(caller, &[List], &path)?;
                    let directory = inode.directory().ok_or(Errno::Enotdir)?;
                    let state = directory.state.read();
                    let entries = state.entries.iter().map(|(name, inode)| DirectoryEntry {
                        name: name.to_string(),
                        inode: inode.id,
                        kind: inode.kind(),
                    });
                    return Ok(entries.collect());
                }
                Node::Proc(node) => {
                    self.access.decide(caller, &[List], &path)?;
                    return node.entries(self, caller);
                }
                Node::Host(host) => (host.clone(), path),
                Node::Open(_) => return Err(Errno::Enotdir),
            }
        };
        let host = self.access.admit(caller, &[List], host, &path, true)?;
        let mut entries = host.entries()?;
        host.add_mounts(&mut entries);
        Ok(entries)
    }

    /// Looks at a file that is to be executed. Returns its resolved path and what it is.
    pub(crate) fn executable(
        self: &Arc<Self>,
        caller: &Caller<'_>,
        at: &At<'_>,
    ) -> Result<(String, Executable), Errno> {
        let (host, path, slash) = {
            // Declared before the lock: what was found may be something open, not to be closed under it.
            let found;
            let _tree = self.tree.read();
            found = self.walk(caller, at, Symlinks::Follow, &[Execute])?;
            match found.node {
                Node::Memory(inode) => {
                    self.access.decide(caller, &[Execute], &found.path)?;
                    let file = inode.file().filter(|_| inode.permits(1)).ok_or(Errno::Eacces)?;
                    let executable = match &file.program {
                        Some(program) => Executable::Program(program.clone()),
                        None => {
                            let mut head = vec![0; SCRIPT_HEAD];
                            let length = file.data.read().read(0, &mut head);
                            head.truncate(length);
                            Executable::Text(head)
                        }
                    };
                    return Ok((found.path, executable));
                }
                Node::Host(host) => (host, found.path, found.slash),
                Node::Proc(_) | Node::Open(_) => return Err(Errno::Eacces),
            }
        };
        let host = self.access.admit(caller, &[Execute], host, &path, true)?;
        let status = host.status(true)?;
        if slash && status.kind != FileKind::Directory {
            return Err(Errno::Enotdir);
        }
        if status.kind != FileKind::Regular || status.mode & 0o111 == 0 {
            return Err(Errno::Eacces);
        }
        let path = self.path_of_node(&Node::Host(host.clone()))?;
        let (file, _) = host.open(OpenFlags::READ, 0)?;
        let mut head = vec![0; SCRIPT_HEAD];
        let length = file.read(0, &mut head)?;
        head.truncate(length);
        Ok((path, Executable::Text(head)))
    }
}

/// What opening an existing file with these flags does to it.
fn operations(flags: OpenFlags) -> &'static [FsOperation] {
    let writes = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
    match (flags.contains(OpenFlags::READ), writes) {
        (true, true) => &[Read, Write],
        (true, false) if flags.contains(OpenFlags::DIRECTORY) => &[Stat],
        (true, false) => &[Read],
        (false, _) => &[Write],
    }
}

fn check_flags(flags: OpenFlags) -> Result<(), Errno> {
    let access = flags.intersects(OpenFlags::READ | OpenFlags::WRITE);
    let changes = flags.intersects(OpenFlags::TRUNCATE | OpenFlags::APPEND);
    let both = OpenFlags::CREATE | OpenFlags::DIRECTORY;
    if !access || (changes && !flags.contains(OpenFlags::WRITE)) || flags.contains(both) {
        return Err(Errno::Einval);
    }
    Ok(())
}

/// Whether names may be made and taken away in a directory in memory.
pub(super) fn check_may_change(directory: &Arc<Inode>) -> Result<(), Errno> {
    let content = directory.directory().ok_or(Errno::Enotdir)?;
    if content.is_removed() {
        return Err(Errno::Enoent);
    }
    if content.sealed || !directory.permits(2) { Err(Errno::Eacces) } else { Ok(()) }
}

impl Slot {
    /// The absolute path of `name` in this directory.
    pub(super) fn path(&self, name: &str) -> String {
        super::join(&self.directory_path, name)
    }
}
