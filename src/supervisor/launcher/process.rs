//! The launcher's own program.

use std::fs;
use std::io;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::Signal;
use rustix::thread::UnshareFlags;

use super::children::Children;

/// The argument with which the launcher starts itself as PID 1 of a new namespace.
const AS_INIT: &str = "--as-init";

/// Runs the launcher; standard input is the control socket.
pub fn run() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some(AS_INIT) => serve(true),
        None => match enter_namespaces() {
            Ok(()) => return become_init(),
            Err(_) => serve(false),
        },
        Some(other) => {
            Err(io::Error::other(format!("unknown argument {other:?}; this is started by cordon itself")))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cordon-launcher: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A user namespace of our own, in which we may have a PID namespace of our own.
fn enter_namespaces() -> io::Result<()> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    // SAFETY: neither flag unshares the descriptor table or the address space, and this process has one thread.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWPID) }?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

/// Starts the launcher as PID 1 and waits for its end. Both hold this end of the control socket; what ends the child
/// is that the supervisor's end closes.
fn become_init() -> ExitCode {
    let status = Command::new("/proc/self/exe").arg(AS_INIT).env_clear().stdin(Stdio::inherit()).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cordon-launcher: cannot start as PID 1: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(pid_namespace: bool) -> io::Result<()> {
    // PID 1 dies with the process that waits for it; without a namespace, with the supervisor's main thread at the
    // latest. The closing of the control socket is what normally ends it.
    if pid_namespace {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    Children::serve(&io::stdin(), pid_namespace)
}
