//! Starting other programs, which WASI cannot and the virtual machine can.

use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::process::{self, Child, ExitStatus, Signal, SpawnOptions};
use cordon_vm::types::Errno;

/// Names and Linux numbers of the signals that the virtual machine has.
pub const SIGNALS: &[(&str, i32, Signal)] = &[
    ("HUP", 1, Signal::Hangup),
    ("INT", 2, Signal::Interrupt),
    ("QUIT", 3, Signal::Quit),
    ("ILL", 4, Signal::IllegalInstruction),
    ("TRAP", 5, Signal::Trap),
    ("ABRT", 6, Signal::Abort),
    ("BUS", 7, Signal::BusError),
    ("FPE", 8, Signal::ArithmeticError),
    ("KILL", 9, Signal::Kill),
    ("USR1", 10, Signal::User1),
    ("SEGV", 11, Signal::SegmentationFault),
    ("USR2", 12, Signal::User2),
    ("PIPE", 13, Signal::Pipe),
    ("ALRM", 14, Signal::Alarm),
    ("TERM", 15, Signal::Terminate),
    ("STKFLT", 16, Signal::StackFault),
    ("CHLD", 17, Signal::Child),
    ("CONT", 18, Signal::Continue),
    ("STOP", 19, Signal::Stop),
    ("TSTP", 20, Signal::TerminalStop),
    ("TTIN", 21, Signal::TerminalInput),
    ("TTOU", 22, Signal::TerminalOutput),
    ("URG", 23, Signal::Urgent),
    ("XCPU", 24, Signal::CpuLimit),
    ("XFSZ", 25, Signal::FileSizeLimit),
    ("VTALRM", 26, Signal::VirtualAlarm),
    ("PROF", 27, Signal::ProfilingAlarm),
    ("WINCH", 28, Signal::WindowChange),
    ("IO", 29, Signal::Io),
    ("PWR", 30, Signal::Power),
    ("SYS", 31, Signal::BadSystemCall),
];

/// Starts a program with our standard streams.
///
/// # Errors
/// Those of `cordon:vm/process`.
pub fn start(
    command: &[String],
    environment: Vec<(String, String)>,
    directory: Option<String>,
) -> Result<Child, Errno> {
    start_with(command, environment, directory, &[])
}

/// The same, with other streams in the place of some.
///
/// # Errors
/// Those of `cordon:vm/process`.
pub fn start_with(
    command: &[String],
    environment: Vec<(String, String)>,
    directory: Option<String>,
    instead: &[(u32, &Descriptor)],
) -> Result<Child, Errno> {
    let streams: Vec<_> = (0..3)
        .filter(|number| instead.iter().all(|(other, _)| other != number))
        .filter_map(|number| Some((number, descriptors::inherited(number).ok()?)))
        .collect();
    let own = streams.iter().map(|(number, stream)| (*number, stream));
    process::spawn(&SpawnOptions {
        program: command[0].clone(),
        arguments: command.to_vec(),
        environment,
        current_directory: directory,
        descriptors: own.chain(instead.iter().copied()).collect(),
        ignored_signals: vec![],
    })
}

/// The exit code by which a shell tells how a program ended.
pub fn code_of(status: ExitStatus) -> i32 {
    match status {
        ExitStatus::Exited(code) => i32::from(code),
        ExitStatus::Signaled(signal) => 128 + number_of(signal),
    }
}

/// A signal by its name, with or without `SIG`, or by its number.
pub fn signal_named(text: &str) -> Option<Signal> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = text.parse().ok();
    SIGNALS
        .iter()
        .find(|(known, code, _)| *known == name || Some(*code) == number)
        .map(|(.., signal)| *signal)
}

/// A signal's number in Linux.
pub fn number_of(signal: Signal) -> i32 {
    SIGNALS.iter().find(|(_, _, known)| *known == signal).map_or(0, |(_, number, _)| *number)
}

/// An error in the words of the C library.
pub fn errno_text(errno: Errno) -> &'static str {
    match errno {
        Errno::E2big => "Argument list too long",
        Errno::Eacces => "Permission denied",
        Errno::Eagain => "Resource temporarily unavailable",
        Errno::Ebadf => "Bad file descriptor",
        Errno::Ebusy => "Device or resource busy",
        Errno::Echild => "No child processes",
        Errno::Edquot => "Disk quota exceeded",
        Errno::Eexist => "File exists",
        Errno::Efault => "Bad address",
        Errno::Efbig => "File too large",
        Errno::Eintr => "Interrupted system call",
        Errno::Einval => "Invalid argument",
        Errno::Eio => "Input/output error",
        Errno::Eisdir => "Is a directory",
        Errno::Eloop => "Too many levels of symbolic links",
        Errno::Emfile => "Too many open files",
        Errno::Emlink => "Too many links",
        Errno::Enametoolong => "File name too long",
        Errno::Enfile => "Too many open files in system",
        Errno::Enodev => "No such device",
        Errno::Enoent => "No such file or directory",
        Errno::Enoexec => "Exec format error",
        Errno::Enomem => "Cannot allocate memory",
        Errno::Enospc => "No space left on device",
        Errno::Enosys => "Function not implemented",
        Errno::Enotdir => "Not a directory",
        Errno::Enotempty => "Directory not empty",
        Errno::Enotsup => "Operation not supported",
        Errno::Enotty => "Inappropriate ioctl for device",
        Errno::Enxio => "No such device or address",
        Errno::Eperm => "Operation not permitted",
        Errno::Epipe => "Broken pipe",
        Errno::Erange => "Numerical result out of range",
        Errno::Erofs => "Read-only file system",
        Errno::Espipe => "Illegal seek",
        Errno::Esrch => "No such process",
        Errno::Etimedout => "Connection timed out",
        Errno::Etxtbsy => "Text file busy",
        Errno::Exdev => "Invalid cross-device link",
    }
}
