//! The launcher's own program.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::thread::UnshareFlags;

use super::protocol::{Exit, FromLauncher, PACKET_BYTES_MAX, ToLauncher};
use protocol::descriptor::{receive_with_descriptors, send_with_descriptor};

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

struct Worker {
    token: u64,
    pidfd: OwnedFd,
    child: Child,
}

fn serve(pid_namespace: bool) -> io::Result<()> {
    // PID 1 dies with the process that waits for it; without a namespace, with the supervisor's main thread at the
    // latest. The closing of the control socket is what normally ends it.
    if pid_namespace {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    let control = io::stdin();
    let control = control.as_fd();
    answer(control, &FromLauncher::Hello { pid_namespace })?;
    let mut workers: HashMap<u64, Worker> = HashMap::new();
    let mut packet = vec![0; PACKET_BYTES_MAX];
    loop {
        let (readable, ended) = wait(control, &workers)?;
        for token in ended {
            if let Some(mut worker) = workers.remove(&token) {
                let exit = worker.child.wait().map(exit_of).unwrap_or(Exit::Unknown);
                answer(control, &FromLauncher::Exited { token: worker.token, exit })?;
            }
        }
        if !readable {
            continue;
        }
        let received = match receive_with_descriptors(control, &mut packet) {
            Ok(received) if received.length > 0 => received,
            // Closed; reset, if it was closed with an answer of ours unread.
            Ok(_) | Err(rustix::io::Errno::CONNRESET) => break,
            Err(error) => return Err(error.into()),
        };
        let message = rmp_serde::from_slice(&packet[..received.length]).map_err(io::Error::other)?;
        match message {
            ToLauncher::Start { token, executable, arguments, show_stderr } => {
                let started = received
                    .descriptors
                    .into_iter()
                    .next()
                    .ok_or_else(|| io::Error::other("no channel attached"))
                    .and_then(|channel| start(token, &executable, &arguments, show_stderr, channel));
                match started {
                    Ok(worker) => drop(workers.insert(token, worker)),
                    Err(error) => {
                        let message = format!("cannot start {}: {error}", executable.display());
                        answer(control, &FromLauncher::Failed { token, message })?;
                    }
                }
            }
            ToLauncher::Kill { token } => {
                if let Some(worker) = workers.get(&token) {
                    // It may have ended just now; then there is nothing left to kill.
                    let _ = pidfd_send_signal(&worker.pidfd, Signal::KILL);
                }
            }
        }
    }
    for worker in workers.values() {
        let _ = pidfd_send_signal(&worker.pidfd, Signal::KILL);
    }
    Ok(())
}

/// Waits until there is a packet or a worker has ended.
fn wait(control: BorrowedFd<'_>, workers: &HashMap<u64, Worker>) -> io::Result<(bool, Vec<u64>)> {
    let mut fds = Vec::with_capacity(1 + workers.len());
    fds.push(PollFd::from_borrowed_fd(control, PollFlags::IN));
    let tokens: Vec<u64> = workers
        .values()
        .map(|worker| {
            fds.push(PollFd::new(&worker.pidfd, PollFlags::IN));
            worker.token
        })
        .collect();
    rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
    let readable = !fds[0].revents().is_empty();
    let ended =
        fds[1..].iter().zip(tokens).filter(|(fd, _)| !fd.revents().is_empty()).map(|(_, token)| token);
    Ok((readable, ended.collect()))
}

fn start(
    token: u64,
    executable: &std::path::Path,
    arguments: &[String],
    show_stderr: bool,
    channel: OwnedFd,
) -> io::Result<Worker> {
    // Every other descriptor of ours is close-on-exec; the worker gets its channel as standard input.
    let mut child = Command::new(executable)
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(channel))
        .stdout(Stdio::null())
        .stderr(if show_stderr { Stdio::inherit() } else { Stdio::null() })
        .spawn()?;
    match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
        Ok(pidfd) => Ok(Worker { token, pidfd, child }),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error.into())
        }
    }
}

fn exit_of(status: std::process::ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}

fn answer(control: BorrowedFd<'_>, message: &FromLauncher) -> io::Result<()> {
    let packet = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
    match send_with_descriptor(control, &packet, None) {
        // The supervisor is gone: the next receive says so and ends us.
        Ok(_) | Err(rustix::io::Errno::PIPE) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
