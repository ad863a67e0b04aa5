//! `/proc`: what the kernel tells about itself and its processes, computed when it is asked.
//!
//! Owns the names and texts there. A process sees the descriptors of itself only.

use std::fmt::Write;
use std::sync::Arc;

use super::fs::walk::Node;
use super::fs::{Caller, Filesystem};
use super::{DirectoryEntry, Errno, FileKind, FileStatus, OpenFile, Pid, Process, Signal, machine, user};

/// The device number of `/proc`.
const DEVICE: u64 = 2;

/// A place in `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcNode {
    Root,
    SelfLink,
    /// `sys`, and `kernel` in it.
    Sys,
    SysKernel,
    Parameter(Parameter),
    Global(Global),
    Process(Pid),
    Entry(Pid, Entry),
    Descriptors(Pid),
    Descriptor(Pid, u32),
}

/// A file about the whole VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    Uptime,
    Meminfo,
    Version,
    Mounts,
    Loadavg,
}

/// A file in `sys/kernel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    Arch,
    Hostname,
    Osrelease,
    Ostype,
    Version,
}

/// A file or link about one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Cmdline,
    Comm,
    Environ,
    Status,
    Cwd,
    Exe,
    Root,
    Stat,
}

const GLOBALS: &[(&str, Global)] = &[
    ("loadavg", Global::Loadavg),
    ("meminfo", Global::Meminfo),
    ("mounts", Global::Mounts),
    ("uptime", Global::Uptime),
    ("version", Global::Version),
];

const PARAMETERS: &[(&str, Parameter)] = &[
    ("arch", Parameter::Arch),
    ("hostname", Parameter::Hostname),
    ("osrelease", Parameter::Osrelease),
    ("ostype", Parameter::Ostype),
    ("version", Parameter::Version),
];

const ENTRIES: &[(&str, Entry)] = &[
    ("cmdline", Entry::Cmdline),
    ("comm", Entry::Comm),
    ("cwd", Entry::Cwd),
    ("environ", Entry::Environ),
    ("exe", Entry::Exe),
    ("root", Entry::Root),
    ("stat", Entry::Stat),
    ("status", Entry::Status),
];

/// Where a link of `/proc` leads.
pub(crate) enum ProcLink {
    /// To a path.
    Text(String),
    /// To a place in the filesystem and the path it has, whatever lies at that path now.
    Node(Node, String),
    /// To something open without a path, which [`ProcNode::opened`] gives.
    Open,
}

impl ProcNode {
    pub(crate) fn kind(&self) -> FileKind {
        match self {
            ProcNode::Root
            | ProcNode::Sys
            | ProcNode::SysKernel
            | ProcNode::Process(_)
            | ProcNode::Descriptors(_) => FileKind::Directory,
            ProcNode::SelfLink | ProcNode::Descriptor(..) => FileKind::Symlink,
            ProcNode::Entry(_, Entry::Cwd | Entry::Exe | Entry::Root) => FileKind::Symlink,
            ProcNode::Global(_) | ProcNode::Parameter(_) | ProcNode::Entry(..) => FileKind::Regular,
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind() == FileKind::Directory
    }

    pub(crate) fn is_link(&self) -> bool {
        self.kind() == FileKind::Symlink
    }

    pub(crate) fn parent(&self) -> Option<ProcNode> {
        match self {
            ProcNode::Root => None,
            ProcNode::SelfLink | ProcNode::Sys | ProcNode::Global(_) | ProcNode::Process(_) => {
                Some(ProcNode::Root)
            }
            ProcNode::SysKernel => Some(ProcNode::Sys),
            ProcNode::Parameter(_) => Some(ProcNode::SysKernel),
            ProcNode::Entry(pid, _) | ProcNode::Descriptors(pid) => Some(ProcNode::Process(*pid)),
            ProcNode::Descriptor(pid, _) => Some(ProcNode::Descriptors(*pid)),
        }
    }

    /// The absolute path, with the process's number where there is one.
    pub(crate) fn path(&self) -> String {
        match self {
            ProcNode::Root => "/proc".to_owned(),
            ProcNode::SelfLink => "/proc/self".to_owned(),
            ProcNode::Sys => "/proc/sys".to_owned(),
            ProcNode::SysKernel => "/proc/sys/kernel".to_owned(),
            ProcNode::Parameter(parameter) => {
                format!("/proc/sys/kernel/{}", name_of(PARAMETERS, *parameter))
            }
            ProcNode::Global(global) => format!("/proc/{}", name_of(GLOBALS, *global)),
            ProcNode::Process(pid) => format!("/proc/{pid}"),
            ProcNode::Entry(pid, entry) => format!("/proc/{pid}/{}", name_of(ENTRIES, *entry)),
            ProcNode::Descriptors(pid) => format!("/proc/{pid}/fd"),
            ProcNode::Descriptor(pid, number) => format!("/proc/{pid}/fd/{number}"),
        }
    }

    pub(crate) fn child(&self, fs: &Filesystem, name: &str) -> Option<ProcNode> {
        match *self {
            ProcNode::Root if name == "self" => Some(ProcNode::SelfLink),
            ProcNode::Root if name == "sys" => Some(ProcNode::Sys),
            ProcNode::Sys => (name == "kernel").then_some(ProcNode::SysKernel),
            ProcNode::SysKernel => {
                let known = PARAMETERS.iter().find(|(n, _)| *n == name);
                known.map(|&(_, parameter)| ProcNode::Parameter(parameter))
            }
            ProcNode::Root => {
                if let Some(&(_, global)) = GLOBALS.iter().find(|(n, _)| *n == name) {
                    return Some(ProcNode::Global(global));
                }
                let pid = parse_number(name)?;
                process(fs, pid).ok().map(|_| ProcNode::Process(pid))
            }
            ProcNode::Process(pid) if name == "fd" => Some(ProcNode::Descriptors(pid)),
            ProcNode::Process(pid) => {
                ENTRIES.iter().find(|(n, _)| *n == name).map(|&(_, entry)| ProcNode::Entry(pid, entry))
            }
            ProcNode::Descriptors(pid) => {
                let number = parse_number(name)?;
                process(fs, pid).ok()?.fds().contains(number).then_some(ProcNode::Descriptor(pid, number))
            }
            _ => None,
        }
    }

    pub(crate) fn entries(&self, fs: &Filesystem, caller: &Caller<'_>) -> Result<Vec<DirectoryEntry>, Errno> {
        let nodes: Vec<(String, ProcNode)> = match *self {
            ProcNode::Root => {
                let table = fs.processes.upgrade().ok_or(Errno::Enoent)?;
                let processes =
                    table.all().into_iter().map(|p| (p.pid().to_string(), ProcNode::Process(p.pid())));
                let globals =
                    GLOBALS.iter().map(|&(name, global)| (name.to_owned(), ProcNode::Global(global)));
                let rest = [("self".to_owned(), ProcNode::SelfLink), ("sys".to_owned(), ProcNode::Sys)];
                globals.chain(processes).chain(rest).collect()
            }
            ProcNode::Sys => vec![("kernel".to_owned(), ProcNode::SysKernel)],
            ProcNode::SysKernel => PARAMETERS
                .iter()
                .map(|&(name, parameter)| (name.to_owned(), ProcNode::Parameter(parameter)))
                .collect(),
            ProcNode::Process(pid) => {
                let entries =
                    ENTRIES.iter().map(|&(name, entry)| (name.to_owned(), ProcNode::Entry(pid, entry)));
                entries.chain([("fd".to_owned(), ProcNode::Descriptors(pid))]).collect()
            }
            ProcNode::Descriptors(pid) => {
                let numbers = own(caller, pid)?.numbers();
                numbers.into_iter().map(|n| (n.to_string(), ProcNode::Descriptor(pid, n))).collect()
            }
            _ => return Err(Errno::Enotdir),
        };
        let entry = |(name, node): (String, ProcNode)| DirectoryEntry {
            name,
            inode: node.inode(),
            kind: node.kind(),
        };
        let mut entries: Vec<DirectoryEntry> = nodes.into_iter().map(entry).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    pub(crate) fn status(&self, fs: &Filesystem) -> FileStatus {
        let kind = self.kind();
        let now = fs.clock.realtime();
        FileStatus {
            device: DEVICE,
            inode: self.inode(),
            kind,
            mode: match kind {
                FileKind::Directory => 0o555,
                FileKind::Symlink => 0o777,
                _ => 0o444,
            },
            links: if kind == FileKind::Directory { 2 } else { 1 },
            size: 0,
            allocated: 0,
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    /// Where a link leads.
    pub(crate) fn link(&self, fs: &Filesystem, caller: &Caller<'_>) -> Result<ProcLink, Errno> {
        match *self {
            ProcNode::SelfLink => Ok(ProcLink::Text(caller.pid.to_string())),
            ProcNode::Entry(_, Entry::Root) => Ok(ProcLink::Text("/".to_owned())),
            ProcNode::Entry(pid, Entry::Exe) => match process(fs, pid)?.exe() {
                "" => Err(Errno::Enoent),
                path => Ok(ProcLink::Text(path.to_owned())),
            },
            ProcNode::Entry(pid, Entry::Cwd) => {
                let node = process(fs, pid)?.cwd_node();
                // One that was removed can be entered by this name alone. Nothing is in it, nor can be.
                let path = fs.path_of_node(&node).unwrap_or_else(|_| format!("/proc/{pid}/cwd"));
                Ok(ProcLink::Node(node, path))
            }
            ProcNode::Descriptor(pid, number) => {
                let link = own(caller, pid)?.look(number, |file| match file.place(fs)? {
                    Some((node, path)) => Ok(ProcLink::Node(node, path)),
                    None => Ok(ProcLink::Open),
                });
                link.unwrap_or(Err(Errno::Enoent))
            }
            _ => Err(Errno::Einval),
        }
    }

    /// The open file that a link leads to. Must not be dropped under the tree lock.
    pub(crate) fn opened(&self, caller: &Caller<'_>) -> Result<Arc<OpenFile>, Errno> {
        match *self {
            ProcNode::Descriptor(pid, number) => own(caller, pid)?.get(number).map_err(|_| Errno::Enoent),
            _ => Err(Errno::Einval),
        }
    }

    /// What a link shows when it is read.
    pub(crate) fn readlink(&self, fs: &Filesystem, caller: &Caller<'_>) -> Result<String, Errno> {
        match (self.link(fs, caller)?, *self) {
            (ProcLink::Node(node, _), ProcNode::Entry(..)) => fs.path_of_node(&node),
            (ProcLink::Text(path) | ProcLink::Node(_, path), _) => Ok(path),
            (ProcLink::Open, ProcNode::Descriptor(pid, number)) => {
                own(caller, pid)?.look(number, |file| file.description()).map_err(|_| Errno::Enoent)
            }
            (ProcLink::Open, _) => Err(Errno::Einval),
        }
    }

    /// The text of a file.
    pub(crate) fn text(&self, fs: &Filesystem) -> Result<String, Errno> {
        match *self {
            ProcNode::Global(global) => Ok(global.text(fs)),
            ProcNode::Parameter(parameter) => Ok(format!("{}\n", parameter.text())),
            ProcNode::Entry(pid, entry) => entry.text(&*process(fs, pid)?),
            _ => Err(Errno::Einval),
        }
    }

    fn inode(&self) -> u64 {
        let (pid, low) = match *self {
            ProcNode::Root => (0, 1),
            ProcNode::SelfLink => (0, 2),
            ProcNode::Sys => (0, 3),
            ProcNode::SysKernel => (0, 4),
            ProcNode::Global(global) => (0, 16 + global as u64),
            ProcNode::Parameter(parameter) => (0, 64 + parameter as u64),
            ProcNode::Process(pid) => (pid, 1),
            ProcNode::Descriptors(pid) => (pid, 2),
            ProcNode::Entry(pid, entry) => (pid, 16 + entry as u64),
            ProcNode::Descriptor(pid, number) => (pid, 256 + u64::from(number)),
        };
        u64::from(pid) << 32 | low
    }
}

impl Global {
    fn text(self, fs: &Filesystem) -> String {
        match self {
            Global::Uptime => {
                let centiseconds = fs.clock.monotonic() / 10_000_000;
                let (seconds, rest) = (centiseconds / 100, centiseconds % 100);
                format!("{seconds}.{rest:02} 0.00\n")
            }
            Global::Meminfo => {
                let usage = fs.usage();
                let free = usage.bytes_limit.saturating_sub(usage.bytes_used) / 1024;
                let total = usage.bytes_limit / 1024;
                format!("MemTotal: {total:>15} kB\nMemFree: {free:>16} kB\nMemAvailable: {free:>11} kB\n")
            }
            Global::Version => {
                format!("{} version {} {}\n", machine::SYSTEM, machine::RELEASE, machine::VERSION)
            }
            Global::Mounts => fs.mounts_text(),
            Global::Loadavg => {
                let count = fs.processes.upgrade().map_or(0, |table| table.all().len());
                format!("0.00 0.00 0.00 1/{count} 0\n")
            }
        }
    }
}

impl Parameter {
    fn text(self) -> &'static str {
        match self {
            Parameter::Arch => machine::ARCHITECTURE,
            Parameter::Hostname => machine::HOSTNAME,
            Parameter::Osrelease => machine::RELEASE,
            Parameter::Ostype => machine::SYSTEM,
            Parameter::Version => machine::VERSION,
        }
    }
}

impl Entry {
    fn text(self, process: &Process) -> Result<String, Errno> {
        let name = process.argv().first().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
        Ok(match self {
            Entry::Cmdline => process.argv().iter().fold(String::new(), |text, arg| text + arg + "\0"),
            Entry::Comm => format!("{name}\n"),
            Entry::Environ => process.env().iter().fold(String::new(), |mut text, (key, value)| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{key}={value}\0");
                text
            }),
            Entry::Status => {
                let (letter, word) = state(process);
                let (pid, ppid, umask) = (process.pid(), process.ppid(), process.umask());
                let (group, session) = (process.group(), process.session());
                let pending = process.pending().linux_mask();
                let user = user::ID;
                let (ignored, handled) = (process.ignored().linux_mask(), process.handled().linux_mask());
                format!(
                    "Name:\t{name}\nUmask:\t{umask:04o}\nState:\t{letter} ({word})\nTgid:\t{pid}\nPid:\t{pid}\n\
                     PPid:\t{ppid}\nUid:\t{user}\t{user}\t{user}\t{user}\nGid:\t{user}\t{user}\t{user}\t{user}\n\
                     NSpgid:\t{group}\nNSsid:\t{session}\nThreads:\t1\nSigPnd:\t{pending:016x}\n\
                     SigIgn:\t{ignored:016x}\nSigCgt:\t{handled:016x}\n"
                )
            }
            Entry::Stat => stat(process, name),
            Entry::Cwd | Entry::Exe | Entry::Root => return Err(Errno::Einval),
        })
    }
}

/// The letter and word for what a process does.
fn state(process: &Process) -> (char, &'static str) {
    if process.exit_status().is_some() {
        ('Z', "zombie")
    } else if process.stopped().is_some() {
        ('T', "stopped")
    } else {
        ('R', "running")
    }
}

/// What `/dev/tty` is by its numbers, 5 and 0.
const TERMINAL_DEVICE: i64 = 5 << 8;

/// The 52 numbers of `/proc/PID/stat`; 0 for what is not counted here.
fn stat(process: &Process, name: &str) -> String {
    /// No terminal, and so no group in its foreground.
    const NO_TERMINAL: i64 = -1;
    let terminal = process.terminal();
    let foreground = terminal.as_ref().and_then(|terminal| terminal.foreground());
    let (letter, _) = state(process);
    let mut fields = [0_i64; 52];
    // By their numbers in proc(5), which count from 1. The first three are no plain numbers.
    let known = [
        (4, i64::from(process.ppid())),
        (5, i64::from(process.group())),
        (6, i64::from(process.session())),
        (7, terminal.map_or(0, |_| TERMINAL_DEVICE)),
        (8, foreground.map_or(NO_TERMINAL, i64::from)),
        (18, 20),
        (20, 1),
        (38, i64::from(Signal::Chld.number())),
    ];
    for (number, value) in known {
        fields[number - 1] = value;
    }
    let mut text = format!("{} ({name}) {letter}", process.pid());
    for field in &fields[3..] {
        // Writing to a string cannot fail.
        let _ = write!(text, " {field}");
    }
    text.push('\n');
    text
}

fn name_of<T: PartialEq>(names: &'static [(&'static str, T)], wanted: T) -> &'static str {
    names.iter().find(|(_, item)| *item == wanted).map_or("", |(name, _)| name)
}

/// A number as `/proc` writes it: no sign, no leading zero.
fn parse_number(name: &str) -> Option<u32> {
    let number: u32 = name.parse().ok()?;
    (number.to_string() == name).then_some(number)
}

fn process(fs: &Filesystem, pid: Pid) -> Result<Arc<Process>, Errno> {
    fs.processes.upgrade().and_then(|table| table.get(pid)).ok_or(Errno::Enoent)
}

/// The caller's descriptors; those of others are nobody's business.
fn own<'a>(caller: &Caller<'a>, pid: Pid) -> Result<&'a super::DescriptorTable, Errno> {
    if caller.pid == pid { Ok(caller.fds) } else { Err(Errno::Eacces) }
}
