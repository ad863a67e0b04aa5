//! The shell's view of the virtual machine: the only module that calls `cordon:vm`. Owns nothing but handles; knows
//! nothing of the shell's language.

use std::rc::Rc;

use cordon_vm::{begin, descriptors, filesystem, process};
pub use cordon_vm::{
    descriptors::Whence,
    filesystem::OpenFlags,
    process::{ExitStatus, Signal},
    types::{Errno, FileStatus, FileType, Symlinks},
};

/// One open file description, shared by all numbers that refer to it.
pub type Handle = Rc<descriptors::Descriptor>;

/// Where the shell finds itself when it has to start another instance.
pub const SHELL_PATH: &str = "/bin/sh";

/// How much one read asks for.
const READ_BYTES: u32 = 64 * 1024;

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

pub fn parent_id() -> u32 {
    process::parent_id()
}

pub fn current_directory() -> String {
    process::current_directory()
}

pub fn set_current_directory(path: &str) -> Result<(), Errno> {
    process::set_current_directory(path)
}

/// Sets the file creation mask and returns the one before.
pub fn set_umask(mask: u32) -> u32 {
    process::set_umask(mask)
}

pub fn set_ignored(signal: Signal, ignored: bool) -> Result<(), Errno> {
    process::set_ignored(signal, ignored)
}

pub fn kill(id: u32, signal: Signal) -> Result<(), Errno> {
    process::kill(id, signal)
}

pub fn inherited(number: u32) -> Option<Handle> {
    descriptors::inherited(number).ok().map(Rc::new)
}

pub fn pipe() -> Result<(Handle, Handle), Errno> {
    descriptors::pipe().map(|(read, write)| (Rc::new(read), Rc::new(write)))
}

pub fn memory_file() -> Result<Handle, Errno> {
    descriptors::memory_file().map(Rc::new)
}

/// A nameless file that reads as `contents` from its start.
pub fn file_with(contents: &[u8]) -> Result<Handle, Errno> {
    let file = memory_file()?;
    file.write(contents)?;
    file.seek(0, Whence::Start)?;
    Ok(file)
}

/// Everything from the current offset on.
pub fn read_to_end(handle: &Handle) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    loop {
        let part = handle.read(READ_BYTES)?;
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
    filesystem::open(path, flags, 0o666).map(Rc::new)
}

pub fn read_file(path: &str) -> Result<Vec<u8>, Errno> {
    filesystem::read_file(path)
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
}

/// A started program.
pub struct Child {
    resource: process::Child,
    pub id: u32,
}

impl Child {
    pub fn start(program: Program<'_>) -> Result<Child, Errno> {
        let resource = process::spawn(&process::SpawnOptions {
            program: program.path.to_owned(),
            arguments: program.arguments,
            environment: program.environment,
            current_directory: None,
            descriptors: program.descriptors.iter().map(|(number, handle)| (*number, &**handle)).collect(),
            ignored_signals: program.ignored_signals,
        })?;
        let id = resource.id();
        Ok(Child { resource, id })
    }

    /// Waits for the end; the shell's exit status for it.
    pub fn wait(&self) -> i32 {
        self.resource.wait().map_or(127, exit_code)
    }

    pub fn try_wait(&self) -> Option<i32> {
        self.resource.try_wait().ok().flatten().map(exit_code)
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    match status {
        ExitStatus::Exited(code) => code.into(),
        ExitStatus::Signaled(signal) => 128 + signal_number(signal),
    }
}

/// Signals by the names and numbers that `kill` and `trap` take.
const SIGNALS: [(Signal, &str, i32); 31] = [
    (Signal::Hangup, "HUP", 1),
    (Signal::Interrupt, "INT", 2),
    (Signal::Quit, "QUIT", 3),
    (Signal::IllegalInstruction, "ILL", 4),
    (Signal::Trap, "TRAP", 5),
    (Signal::Abort, "ABRT", 6),
    (Signal::BusError, "BUS", 7),
    (Signal::ArithmeticError, "FPE", 8),
    (Signal::Kill, "KILL", 9),
    (Signal::User1, "USR1", 10),
    (Signal::SegmentationFault, "SEGV", 11),
    (Signal::User2, "USR2", 12),
    (Signal::Pipe, "PIPE", 13),
    (Signal::Alarm, "ALRM", 14),
    (Signal::Terminate, "TERM", 15),
    (Signal::StackFault, "STKFLT", 16),
    (Signal::Child, "CHLD", 17),
    (Signal::Continue, "CONT", 18),
    (Signal::Stop, "STOP", 19),
    (Signal::TerminalStop, "TSTP", 20),
    (Signal::TerminalInput, "TTIN", 21),
    (Signal::TerminalOutput, "TTOU", 22),
    (Signal::Urgent, "URG", 23),
    (Signal::CpuLimit, "XCPU", 24),
    (Signal::FileSizeLimit, "XFSZ", 25),
    (Signal::VirtualAlarm, "VTALRM", 26),
    (Signal::ProfilingAlarm, "PROF", 27),
    (Signal::WindowChange, "WINCH", 28),
    (Signal::Io, "IO", 29),
    (Signal::Power, "PWR", 30),
    (Signal::BadSystemCall, "SYS", 31),
];

pub fn signal_number(signal: Signal) -> i32 {
    SIGNALS.iter().find(|(known, _, _)| *known == signal).map_or(0, |(_, _, number)| *number)
}

pub fn signal_name(signal: Signal) -> &'static str {
    SIGNALS.iter().find(|(known, _, _)| *known == signal).map_or("", |(_, name, _)| name)
}

/// By name, with or without `SIG`, or by number.
pub fn find_signal(text: &str) -> Option<Signal> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = text.parse::<i32>().ok();
    SIGNALS
        .iter()
        .find(|(_, known, code)| *known == name || Some(*code) == number)
        .map(|(signal, _, _)| *signal)
}

pub fn signal_names() -> impl Iterator<Item = (&'static str, i32)> {
    SIGNALS.iter().map(|(_, name, number)| (*name, *number))
}

/// What a message says of an error.
pub fn describe(errno: Errno) -> &'static str {
    match errno {
        Errno::E2big => "Argument list too long",
        Errno::Eacces => "Permission denied",
        Errno::Eagain => "Resource temporarily unavailable",
        Errno::Ebadf => "Bad file descriptor",
        Errno::Ebusy => "Device or resource busy",
        Errno::Echild => "No child processes",
        Errno::Edquot => "Disk quota exceeded",
        Errno::Eexist => "File exists",
        Errno::Efbig => "File too large",
        Errno::Einval => "Invalid argument",
        Errno::Eio => "Input/output error",
        Errno::Eisdir => "Is a directory",
        Errno::Eloop => "Too many levels of symbolic links",
        Errno::Emfile | Errno::Enfile => "Too many open files",
        Errno::Enametoolong => "File name too long",
        Errno::Enoent => "No such file or directory",
        Errno::Enoexec => "Exec format error",
        Errno::Enomem => "Cannot allocate memory",
        Errno::Enospc => "No space left on device",
        Errno::Enotdir => "Not a directory",
        Errno::Enotempty => "Directory not empty",
        Errno::Enotsup => "Operation not supported",
        Errno::Enotty => "Inappropriate ioctl for device",
        Errno::Enxio => "No such device or address",
        Errno::Eperm => "Operation not permitted",
        Errno::Epipe => "Broken pipe",
        Errno::Erofs => "Read-only file system",
        Errno::Espipe => "Illegal seek",
        Errno::Esrch => "No such process",
        Errno::Etxtbsy => "Text file busy",
        _ => "Operation failed",
    }
}
