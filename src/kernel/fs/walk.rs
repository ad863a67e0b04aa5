//! Path resolution: from a path to the thing it names, or to the directory that would hold it.
//!
//! Owns symbolic links, `.` and `..`, trailing slashes, mount crossing and every bound of resolution. Runs under the
//! tree lock, asks nobody outside, and keeps the absolute path of where it is, so that access can be decided on what
//! a path really leads to. Beneath a host mount only `..` is resolved here: links there are the host's matter.

use std::borrow::Cow;
use std::sync::Arc;

use super::inode::{Content, Directory, Inode, Mounted};
use super::mount::{HostPath, Point};
use super::{At, Caller, Filesystem, LINKS_FOLLOWED_MAX, NAME_MAX, PATH_MAX, join, pop, push};
use crate::procfs::{ProcLink, ProcNode};
use crate::{Errno, OpenFile, Symlinks};

/// What a path can lead to.
#[derive(Clone)]
pub(crate) enum Node {
    Memory(Arc<Inode>),
    /// Beneath a host mount; whether anything is there only the host knows.
    Host(HostPath),
    Proc(ProcNode),
    /// Through `/proc/self/fd`: something open that has no path, such as a pipe.
    Open(Arc<OpenFile>),
}

/// What was found at a path.
pub(crate) struct Found {
    pub(crate) node: Node,
    /// Absolute, without links, `.` and `..`.
    pub(crate) path: String,
    /// The path ended in a slash: what is there has to be a directory.
    pub(crate) slash: bool,
}

/// A directory and a name in it that may or may not be there.
pub(crate) struct Slot {
    pub(crate) directory: Node,
    /// The directory's absolute path.
    pub(crate) directory_path: String,
    pub(crate) last: Last,
    /// The path ended in a slash.
    pub(crate) slash: bool,
}

/// The last part of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Last {
    Name(String),
    Dot,
    DotDot,
    Root,
}

/// A resolution that failed, and the path up to where and as it was written from there on. Access is decided on it
/// before the error is told, so that errors do not tell what lies where nobody may look.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) errno: Errno,
    pub(crate) path: String,
}

/// A resolution under way.
pub(crate) struct Walker<'a> {
    fs: &'a Filesystem,
    caller: &'a Caller<'a>,
    /// Always a directory, or a place beneath a host mount.
    directory: Node,
    path: String,
    rest: Cow<'a, str>,
    position: usize,
    links: u32,
}

/// One part of a path.
struct Part {
    start: usize,
    end: usize,
    /// Nothing but slashes follows.
    last: bool,
}

/// What one part of a path came to.
enum Step {
    /// The walk goes on: a directory was entered, or a link put its target before the rest of the path.
    On,
    /// Something that cannot be entered, and its path.
    Leaf(Node, String),
}

impl<'a> Walker<'a> {
    pub(crate) fn new(
        fs: &'a Filesystem,
        caller: &'a Caller<'a>,
        at: &At<'a>,
    ) -> Result<Walker<'a>, Failure> {
        let refuse = |errno| Failure { errno, path: "/".to_owned() };
        if at.path.len() >= PATH_MAX {
            return Err(refuse(Errno::Enametoolong));
        }
        if at.path.contains('\0') {
            return Err(refuse(Errno::Einval));
        }
        if at.path.is_empty() {
            return Err(refuse(Errno::Enoent));
        }
        let (directory, path) = if at.path.starts_with('/') {
            (fs.root(), "/".to_owned())
        } else {
            let path = fs.path_of_node(&at.start).map_err(refuse)?;
            (at.start.clone(), path)
        };
        Ok(Walker { fs, caller, directory, path, rest: Cow::Borrowed(at.path), position: 0, links: 0 })
    }

    /// What the path leads to.
    pub(crate) fn find(mut self, symlinks: Symlinks) -> Result<Found, Failure> {
        while let Some(part) = self.next_part() {
            let slash = part.last && part.end < self.rest.len();
            let follow = !part.last || slash || symlinks == Symlinks::Follow;
            if let Step::Leaf(node, path) = self.step(&part, follow)? {
                if !part.last || slash {
                    return Err(self.fail(Errno::Enotdir, &part));
                }
                return Ok(Found { node, path, slash: false });
            }
        }
        // Of the last part beneath a host mount it is not known what it is; the caller has to ask for a directory.
        let slash = self.rest.ends_with('/') || self.rest.ends_with("/.");
        Ok(Found { node: self.directory, path: self.path, slash })
    }

    /// The directory that holds the last part of the path, which is not looked at.
    pub(crate) fn slot(&mut self) -> Result<Slot, Failure> {
        while let Some(part) = self.next_part() {
            if part.last {
                let slash = part.end < self.rest.len();
                let last = match &self.rest[part.start..part.end] {
                    "." => Last::Dot,
                    ".." => Last::DotDot,
                    name if name.len() > NAME_MAX => return Err(self.fail(Errno::Enametoolong, &part)),
                    name => Last::Name(name.to_owned()),
                };
                return Ok(self.slot_of(last, slash));
            }
            if let Step::Leaf(..) = self.step(&part, true)? {
                return Err(self.fail(Errno::Enotdir, &part));
            }
        }
        Ok(self.slot_of(Last::Root, false))
    }

    fn slot_of(&self, last: Last, slash: bool) -> Slot {
        Slot { directory: self.directory.clone(), directory_path: self.path.clone(), last, slash }
    }

    /// Goes on at the target of a link that [`slot`](Self::slot) ended at.
    pub(crate) fn redirect_last(&mut self, target: &str) -> Result<(), Failure> {
        let end = self.rest.len();
        match self.redirect(target, end) {
            Ok(_) => Ok(()),
            Err(errno) => Err(Failure { errno, path: self.path.clone() }),
        }
    }

    fn next_part(&mut self) -> Option<Part> {
        let rest = &self.rest[self.position..];
        let start = self.position + rest.find(|c| c != '/')?;
        let end = self.rest[start..].find('/').map_or(self.rest.len(), |length| start + length);
        self.position = end;
        let last = self.rest[end..].bytes().all(|byte| byte == b'/');
        Some(Part { start, end, last })
    }

    fn step(&mut self, part: &Part, follow: bool) -> Result<Step, Failure> {
        let step = match &self.rest[part.start..part.end] {
            "." => Ok(Step::On),
            ".." => self.ascend(),
            name if name.len() > NAME_MAX => Err(Errno::Enametoolong),
            name => match self.child(name) {
                Ok(child) => self.enter(child, part, follow),
                Err(errno) => Err(errno),
            },
        };
        step.map_err(|errno| self.fail(errno, part))
    }

    fn child(&self, name: &str) -> Result<Node, Errno> {
        let child = match &self.directory {
            Node::Memory(inode) => inode.directory().and_then(|d| d.lookup(name)).map(Node::Memory),
            Node::Host(host) if host.relative.len() + name.len() >= PATH_MAX => {
                return Err(Errno::Enametoolong);
            }
            Node::Host(host) => Some(Node::Host(host.child(name))),
            Node::Proc(node) => node.child(self.fs, name).map(Node::Proc),
            Node::Open(_) => None,
        };
        child.ok_or(Errno::Enoent)
    }

    fn enter(&mut self, child: Node, part: &Part, follow: bool) -> Result<Step, Errno> {
        if follow {
            match &child {
                Node::Memory(inode) => {
                    if let Content::Symlink { target, .. } = &inode.content {
                        return self.redirect(target, part.end);
                    }
                }
                Node::Proc(node) if node.is_link() => return self.follow(*node, part),
                _ => {}
            }
        }
        let name = &self.rest[part.start..part.end];
        if is_directory(&child) {
            push(&mut self.path, name);
            self.directory = cross(child);
            Ok(Step::On)
        } else {
            Ok(Step::Leaf(child, join(&self.path, name)))
        }
    }

    /// Follows one of the links of `/proc`, which may lead to things rather than paths.
    fn follow(&mut self, link: ProcNode, part: &Part) -> Result<Step, Errno> {
        match link.link(self.fs, self.caller)? {
            ProcLink::Text(target) => self.redirect(&target, part.end),
            ProcLink::Node(node, path) => {
                self.count_link()?;
                if !is_directory(&node) {
                    return Ok(Step::Leaf(node, path));
                }
                self.directory = node;
                self.path = path;
                Ok(Step::On)
            }
            ProcLink::Open => {
                self.count_link()?;
                // Only as the last part, where it is handed out, so that it is never dropped under the tree lock.
                if !part.last || part.end < self.rest.len() {
                    return Err(Errno::Enotdir);
                }
                let path = join(&self.path, &self.rest[part.start..part.end]);
                Ok(Step::Leaf(Node::Open(link.opened(self.caller)?), path))
            }
        }
    }

    fn redirect(&mut self, target: &str, end: usize) -> Result<Step, Errno> {
        self.count_link()?;
        if target.starts_with('/') {
            self.directory = self.fs.root();
            self.path = "/".to_owned();
        }
        self.rest = Cow::Owned(format!("{target}{}", &self.rest[end..]));
        self.position = 0;
        Ok(Step::On)
    }

    fn count_link(&mut self) -> Result<(), Errno> {
        self.links += 1;
        if self.links > LINKS_FOLLOWED_MAX { Err(Errno::Eloop) } else { Ok(()) }
    }

    fn ascend(&mut self) -> Result<Step, Errno> {
        let parent = match &self.directory {
            Node::Memory(inode) => Some(self.parent_of(inode)?),
            Node::Host(host) => match host.parent() {
                Some(parent) => Some(Node::Host(parent)),
                None => Some(self.above_mount(host)?),
            },
            Node::Proc(node) => match node.parent() {
                Some(parent) => Some(Node::Proc(parent)),
                None => Some(self.fs.root()),
            },
            Node::Open(_) => None,
        };
        self.directory = parent.ok_or(Errno::Enotdir)?;
        pop(&mut self.path);
        Ok(Step::On)
    }

    fn parent_of(&self, inode: &Arc<Inode>) -> Result<Node, Errno> {
        if Arc::ptr_eq(inode, &self.fs.root) {
            return Ok(self.fs.root());
        }
        let (parent, _) = inode.directory().and_then(Directory::place).ok_or(Errno::Enoent)?;
        Ok(Node::Memory(parent))
    }

    fn above_mount(&self, host: &HostPath) -> Result<Node, Errno> {
        match &host.mount.point {
            Point::Memory(inode) => self.parent_of(&inode.upgrade().ok_or(Errno::Enoent)?),
            Point::Within(mount, relative) => {
                let mount = mount.upgrade().ok_or(Errno::Enoent)?;
                let point = HostPath { mount, relative: relative.clone() };
                point.parent().map(Node::Host).ok_or(Errno::Enoent)
            }
        }
    }

    /// The failure at `part`, with the rest of the path resolved as far as its letters go.
    fn fail(&self, errno: Errno, part: &Part) -> Failure {
        let mut path = self.path.clone();
        for name in self.rest[part.start..].split('/') {
            match name {
                "" | "." => {}
                ".." => pop(&mut path),
                name => push(&mut path, name),
            }
        }
        Failure { errno, path }
    }
}

/// What covers a directory, if anything does.
pub(crate) fn cross(node: Node) -> Node {
    match &node {
        Node::Memory(inode) => match inode.directory().and_then(Directory::mounted) {
            Some(Mounted::Proc) => Node::Proc(ProcNode::Root),
            Some(Mounted::Host(mount)) => Node::Host(HostPath::root(mount)),
            None => node,
        },
        _ => node,
    }
}

/// Whether a path may go on through `node`. Beneath a host mount it may: the host will tell.
fn is_directory(node: &Node) -> bool {
    match node {
        Node::Memory(inode) => inode.is_directory(),
        Node::Host(_) => true,
        Node::Proc(node) => node.is_directory(),
        Node::Open(_) => false,
    }
}

impl Filesystem {
    /// The absolute path of a directory or of a place beneath a host mount.
    pub(crate) fn path_of_node(&self, node: &Node) -> Result<String, Errno> {
        match node {
            Node::Memory(inode) => self.path_of(inode),
            Node::Host(host) => {
                let mut path = match &host.mount.point {
                    Point::Memory(inode) => self.path_of(&inode.upgrade().ok_or(Errno::Enoent)?)?,
                    Point::Within(mount, relative) => {
                        let mount = mount.upgrade().ok_or(Errno::Enoent)?;
                        self.path_of_node(&Node::Host(HostPath { mount, relative: relative.clone() }))?
                    }
                };
                if !host.relative.is_empty() {
                    push(&mut path, &host.relative);
                }
                Ok(path)
            }
            Node::Proc(node) => Ok(node.path()),
            Node::Open(_) => Err(Errno::Enotdir),
        }
    }
}
