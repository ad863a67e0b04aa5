//! The shell's view of the virtual machine: the only module that calls `cordon:vm`. Owns nothing but handles; knows
//! nothing of the shell's language. Signals are in a file of their own.

pub mod signals;

use std::rc::Rc;

use crate::bytes;
use cordon_vm::{begin, descriptors, filesystem, jobs, polling, process, replace, terminal};
pub use cordon_vm::{
    descriptors::Whence,
    filesystem::OpenFlags,
    process::{ExitStatus, Signal},
    terminal::{Attributes, LocalModes},
    types::{Errno, FileStatus, FileType, Symlinks},
};

/// One open file description, shared by all numbers that refer to it.
pub type Handle = Rc<File>;

pub struct File {
    descriptor: descriptors::Descriptor,
    /// An absolute path that led to it when it was opened.
    place: Option<String>,
    /// It is a file in memory where other shells have a pipe.
    is_pipe: bool,
}

impl File {
    /// Opens the same file anew, with an offset and flags of its own. What no path leads to any more, a pipe of this
    /// shell for one, is shared instead.
    pub fn reopen(self: &Handle, flags: OpenFlags) -> Result<Handle, Errno> {
        let own = self.status()?;
        match &self.place {
            Some(place)
                if status(place)
                    .is_ok_and(|other| (other.device, other.inode) == (own.device, own.inode)) =>
            {
                open(place, flags)
            }
            _ => Ok(self.clone()),
        }
    }

    pub fn status(&self) -> Result<FileStatus, Errno> {
        let mut status = self.descriptor.status()?;
        if self.is_pipe {
            status.file_type = FileType::Fifo;
        }
        Ok(status)
    }

    /// Reads up to `length` bytes; nothing at the end. `EINTR` when a signal was caught meanwhile.
    pub fn read(&self, length: u32) -> Result<Vec<u8>, Errno> {
        let read = self.descriptor.read(length);
        if read == Err(Errno::Eintr) {
            signals::catch();
        }
        read
    }

    /// Whether there is something to read, or the end, before so much time has passed.
    pub fn wait_readable(&self, timeout: std::time::Duration) -> Result<bool, Errno> {
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        polling::wait_readable(&self.descriptor, milliseconds)
    }

    /// Writes all of it, whatever signals arrive.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        loop {
            match self.descriptor.write(bytes) {
                Err(Errno::Eintr) => signals::catch(),
                outcome => return outcome,
            }
        }
    }

    /// The same for text, which may hold bytes that are no characters.
    pub fn write_text(&self, text: &str) -> Result<(), Errno> {
        self.write(&bytes::encode(text))
    }

    pub fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        self.descriptor.seek(offset, whence)
    }

    pub fn is_terminal(&self) -> bool {
        self.descriptor.is_terminal()
    }
}

fn handle(descriptor: descriptors::Descriptor) -> Handle {
    Rc::new(File { descriptor, place: None, is_pipe: false })
}

/// Where the shell finds itself when it has to start another instance.
pub const SHELL_PATH: &str = "/bin/sh";

pub use cordon_vm::USER_ID;

/// What the virtual machine says it is; the names are those of `/proc/sys/kernel`.
pub use cordon_multicall::machine::parameter as machine;

/// The home directory of a user of that name.
pub fn home_of(name: &str) -> Option<String> {
    cordon_multicall::users::home(name)
}

/// How much one read asks for.
const READ_BYTES: u32 = 64 * 1024;

/// Lets time pass.
pub fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}

/// Waits for the process that this will be; nothing else may come before.
pub fn begin() {
    begin::wait();
}

pub fn arguments() -> Vec<String> {
    process::arguments()
}

pub fn environment() -> Vec<(String, String)> {
    process::environment()
}

pub fn process_id() -> u32 {
    process::id()
}

/// The processes of a group, of the caller's own where that is 0; the caller last, which may end by what it sends them.
pub fn process_group(group: u64) -> Vec<u32> {
    let field_after_parent = |id: &str| -> Option<u64> {
        let text = String::from_utf8(read_file(&format!("/proc/{id}/stat")).ok()?).ok()?;
        // The name, in parentheses, may have blanks of its own.
        text.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
    };
    let own = process_id();
    let Some(group) = Some(group).filter(|group| *group != 0).or_else(|| field_after_parent("self")) else {
        return Vec::new();
    };
    let names = directory_names("/proc").unwrap_or_default();
    let members = names.iter().filter(|name| field_after_parent(name) == Some(group));
    let mut ids: Vec<u32> = members.filter_map(|name| name.parse().ok()).collect();
    ids.sort_by_key(|id| *id == own);
    ids
}

pub fn parent_id() -> u32 {
    process::parent_id()
}

/// None once that directory was removed.
pub fn current_directory() -> Option<String> {
    Some(process::current_directory()).filter(|directory| !directory.is_empty())
}

pub fn set_current_directory(path: &str) -> Result<(), Errno> {
    process::set_current_directory(path)
}

/// Makes the current directory one that was removed, as that was which cannot be entered again: from any other,
/// relative paths would name something.
pub fn enter_removed_directory() -> Result<(), Errno> {
    let path = format!("/tmp/.removed-{}", process::id());
    filesystem::create_directory(&path, 0o700)?;
    let entered = process::set_current_directory(&path);
    filesystem::remove_directory(&path)?;
    entered
}

/// Whether two paths lead to the same file.
pub fn same_file(left: &str, right: &str) -> bool {
    matches!((status(left), status(right)),
        (Ok(left), Ok(right)) if (left.device, left.inode) == (right.device, right.inode))
}

/// Sets the file creation mask and returns the one before.
pub fn set_umask(mask: u32) -> u32 {
    process::set_umask(mask)
}

pub fn inherited(number: u32) -> Option<Handle> {
    let descriptor = descriptors::inherited(number).ok()?;
    Some(Rc::new(File { descriptor, place: Some(format!("/proc/self/fd/{number}")), is_pipe: false }))
}

pub fn pipe() -> Result<(Handle, Handle), Errno> {
    descriptors::pipe().map(|(read, write)| (handle(read), handle(write)))
}

pub fn memory_file() -> Result<Handle, Errno> {
    Ok(Rc::new(File { descriptor: descriptors::memory_file()?, place: None, is_pipe: true }))
}

/// A nameless file that reads as `contents` from its start.
pub fn file_with(contents: &[u8]) -> Result<Handle, Errno> {
    let descriptor = descriptors::memory_file_of(contents)?;
    Ok(Rc::new(File { descriptor, place: None, is_pipe: true }))
}

/// Everything from the current offset on, whatever signals arrive.
pub fn read_to_end(handle: &Handle) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    loop {
        let part = match handle.read(READ_BYTES) {
            Err(Errno::Eintr) => continue,
            part => part?,
        };
        if part.is_empty() {
            return Ok(bytes);
        }
        if bytes.is_empty() {
            bytes = part;
        } else {
            bytes.extend_from_slice(&part);
        }
    }
}

pub fn open(path: &str, flags: OpenFlags) -> Result<Handle, Errno> {
    // Files that a shell creates are readable and writable by all, less the mask.
    let descriptor = filesystem::open(path, flags, 0o666)?;
    let place = if path.starts_with('/') {
        Some(path.to_owned())
    } else {
        current_directory().map(|directory| format!("{directory}/{path}"))
    };
    Ok(Rc::new(File { descriptor, place, is_pipe: false }))
}

pub fn read_file(path: &str) -> Result<Vec<u8>, Errno> {
    match filesystem::read_file(path) {
        // A pipe, a device.
        Err(Errno::Espipe) => read_to_end(&open(path, OpenFlags::READ)?),
        read => read,
    }
}

pub fn status(path: &str) -> Result<FileStatus, Errno> {
    filesystem::status(path, Symlinks::Follow)
}

/// Like `status`, of a symbolic link itself.
pub fn link_status(path: &str) -> Result<FileStatus, Errno> {
    filesystem::status(path, Symlinks::NoFollow)
}

/// The names in a directory.
pub fn directory_names(path: &str) -> Result<Vec<String>, Errno> {
    Ok(filesystem::read_directory(path)?.into_iter().map(|entry| entry.name).collect())
}

/// A program to start.
pub struct Program<'a> {
    pub path: &'a str,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub descriptors: Vec<(u32, Handle)>,
    pub ignored_signals: Vec<Signal>,
    pub group: Group<'a>,
    /// What it does not ignore although this process does.
    pub default_signals: Vec<Signal>,
}

/// The process group that a program starts in, and the terminal that this group gets.
pub enum Group<'a> {
    /// That of this process.
    Inherit,
    New(Option<&'a Handle>),
    Join(u32, Option<&'a Handle>),
}

/// What has become of a program.
pub enum Change {
    /// The exit status for it, and the signal if one ended it.
    Ended(i32, Option<Signal>),
    Stopped(Signal),
}

/// A started program.
pub struct Child {
    resource: process::Child,
    pub id: u32,
}

impl Child {
    pub fn start(program: Program<'_>) -> Result<Child, Errno> {
        let options = process::SpawnOptions {
            program: program.path.to_owned(),
            arguments: program.arguments,
            environment: program.environment,
            current_directory: None,
            descriptors: program
                .descriptors
                .iter()
                .map(|(number, handle)| (*number, &handle.descriptor))
                .collect(),
            ignored_signals: program.ignored_signals,
        };
        let (grouping, terminal) = match program.group {
            Group::Inherit => (jobs::Grouping::Inherit, None),
            Group::New(terminal) => (jobs::Grouping::NewGroup, terminal),
            Group::Join(group, terminal) => (jobs::Grouping::Join(group), terminal),
        };
        let resource = match grouping {
            jobs::Grouping::Inherit => process::spawn(&options)?,
            grouping => {
                let terminal = terminal.map(|handle| &handle.descriptor);
                jobs::spawn(&options, &program.default_signals, grouping, terminal)?
            }
        };
        let id = resource.id();
        Ok(Child { resource, id })
    }

    /// Waits for the end, whatever signals arrive; the shell's exit status for it.
    pub fn wait(&self) -> i32 {
        loop {
            if let Some(status) = self.wait_or_catch() {
                return status;
            }
        }
    }

    /// Waits for the end as if it were the shell's: signals are passed on, and one that ends it ends the shell. The exit
    /// status otherwise.
    pub fn replace_shell(&self) -> i32 {
        exit_code(replace::stand_in(&self.resource))
    }

    /// Waits for the end, but only until a signal is caught.
    pub fn wait_or_catch(&self) -> Option<i32> {
        let ended = self.resource.wait();
        if ended.is_err() {
            signals::catch();
        }
        ended.ok().map(exit_code)
    }

    /// Waits until it has ended or was stopped; none when a signal was caught before.
    pub fn wait_change(&self) -> Option<Change> {
        loop {
            let change = match jobs::wait(&self.resource, jobs::Changes::STOPPED) {
                Ok(change) => change,
                Err(_) => {
                    signals::catch();
                    return None;
                }
            };
            if let Some(change) = described(change) {
                return Some(change);
            }
        }
    }

    /// The same if it is known already.
    pub fn try_change(&self) -> Option<Change> {
        described(jobs::try_wait(&self.resource, jobs::Changes::STOPPED).ok().flatten()?)
    }

    pub fn try_wait(&self) -> Option<i32> {
        self.resource.try_wait().ok().flatten().map(exit_code)
    }
}

fn described(status: jobs::ChildStatus) -> Option<Change> {
    Some(match status {
        jobs::ChildStatus::Ended(status) => {
            let signal = match status {
                ExitStatus::Signaled(signal) => Some(signal),
                ExitStatus::Exited(_) => None,
            };
            Change::Ended(exit_code(status), signal)
        }
        jobs::ChildStatus::Stopped(signal) => Change::Stopped(signal),
        jobs::ChildStatus::Continued => return None,
    })
}

/// Makes this process lead a group of its own. `EPERM` where it leads a session.
pub fn lead_group() -> Result<(), Errno> {
    jobs::set_group(0)
}

pub fn own_group() -> u32 {
    jobs::get_group()
}

pub fn kill_group(group: u32, signal: Signal) -> Result<(), Errno> {
    jobs::kill_group(group, signal)
}

/// Puts a group in the foreground of a terminal.
pub fn set_foreground(handle: &Handle, group: u32) -> Result<(), Errno> {
    terminal::set_foreground(&handle.descriptor, group)
}

/// A terminal's modes, if it is one.
pub fn attributes(handle: &Handle) -> Option<Attributes> {
    terminal::get_attributes(&handle.descriptor).ok()
}

pub fn set_attributes(handle: &Handle, attributes: &Attributes) -> Result<(), Errno> {
    terminal::set_attributes(&handle.descriptor, terminal::ChangeWhen::Drained, *attributes)
}

/// How many columns a terminal shows; 80 where it does not say.
pub fn columns(handle: &Handle) -> usize {
    let columns = terminal::get_size(&handle.descriptor).map_or(0, |size| size.columns);
    if columns == 0 { 80 } else { columns.into() }
}

fn exit_code(status: ExitStatus) -> i32 {
    match status {
        ExitStatus::Exited(code) => code.into(),
        ExitStatus::Signaled(signal) => 128 + signals::number(signal),
    }
}

/// What a message says where no further program can be started.
pub const CANNOT_FORK: &str =
    "Cannot fork: the VM runs as many commands as it may, or has no memory for one more";

/// What a message says of an error.
pub use cordon_multicall::launch::errno_text as describe;
