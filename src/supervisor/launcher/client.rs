//! The supervisor's end of the launcher.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::sync::oneshot;

use super::protocol::{Exit, FromLauncher, PACKET_BYTES_MAX, ToLauncher};
use protocol::descriptor::{receive_with_descriptors, send_with_descriptor};

/// A running launcher. Dropping the last handle closes its control socket, which ends it and every worker.
pub(crate) struct Launcher {
    control: Arc<OwnedFd>,
    state: Arc<State>,
    child: Mutex<Child>,
    tokens: AtomicU64,
}

#[derive(Default)]
struct State {
    processes: Mutex<Processes>,
}

#[derive(Default)]
struct Processes {
    /// Who waits for the end of which process.
    exits: HashMap<u64, oneshot::Sender<Ended>>,
    pid_namespace: bool,
    gone: bool,
}

/// How a worker ended, and why if the launcher knows.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) message: Option<String>,
}

impl Launcher {
    /// Starts a launcher and waits until it is ready.
    pub(crate) fn start(executable: &Path) -> io::Result<Launcher> {
        let (control, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let mut child = Command::new(executable)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            // Ctrl-C on the terminal is for the embedder to hear and decide about, not for the workers to die of.
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", executable.display())))?;
        let state = Arc::new(State::default());
        let control = Arc::new(control);
        match receive(&control) {
            Ok(Some(FromLauncher::Hello { pid_namespace })) => {
                state.processes.lock().pid_namespace = pid_namespace
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::Error::other(format!("{} ended before it was ready", executable.display())));
            }
        }
        let (reader, reader_state) = (control.clone(), state.clone());
        std::thread::Builder::new()
            .name("cordon-launcher".into())
            .spawn(move || read(&reader, &reader_state))?;
        Ok(Launcher { control, state, child: Mutex::new(child), tokens: AtomicU64::new(1) })
    }

    /// Whether workers die with the launcher because they are in its PID namespace.
    pub(crate) fn has_pid_namespace(&self) -> bool {
        self.state.processes.lock().pid_namespace
    }

    /// Whether the launcher has ended; then it cannot start workers any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.state.processes.lock().gone
    }

    /// Executes a worker, or a template, with its end of the channel.
    pub(crate) fn execute(
        self: &Arc<Self>,
        executable: &Path,
        arguments: Vec<String>,
        template: bool,
        show_stderr: bool,
        channel: &OwnedFd,
    ) -> io::Result<(Process, oneshot::Receiver<Ended>)> {
        self.begin(channel, |token| ToLauncher::Execute {
            token,
            executable: executable.to_owned(),
            arguments,
            template,
            show_stderr,
        })
    }

    /// Has a template fork a worker, with its end of the channel.
    pub(crate) fn fork(
        self: &Arc<Self>,
        template: &Process,
        channel: &OwnedFd,
    ) -> io::Result<(Process, oneshot::Receiver<Ended>)> {
        self.begin(channel, |token| ToLauncher::Fork { token, template: template.token })
    }

    fn begin(
        self: &Arc<Self>,
        channel: &OwnedFd,
        message: impl FnOnce(u64) -> ToLauncher,
    ) -> io::Result<(Process, oneshot::Receiver<Ended>)> {
        let token = self.tokens.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        {
            let mut processes = self.state.processes.lock();
            if processes.gone {
                return Err(io::Error::other("the launcher has ended"));
            }
            processes.exits.insert(token, sender);
        }
        if let Err(error) = self.send(&message(token), Some(channel)) {
            self.state.processes.lock().exits.remove(&token);
            return Err(error);
        }
        Ok((Process { launcher: self.clone(), token }, receiver))
    }

    fn send(&self, message: &ToLauncher, channel: Option<&OwnedFd>) -> io::Result<()> {
        let packet = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
        if packet.len() > PACKET_BYTES_MAX {
            return Err(io::Error::other("the path of the worker is too long"));
        }
        send_with_descriptor(&*self.control, &packet, channel.map(AsFd::as_fd))?;
        Ok(())
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // The reading thread has a handle to the socket, too, so say it explicitly.
        let _ = rustix::net::shutdown(&*self.control, rustix::net::Shutdown::Both);
        let _ = self.child.get_mut().wait();
    }
}

/// A worker or a template; it is killed when this is dropped.
pub(crate) struct Process {
    launcher: Arc<Launcher>,
    token: u64,
}

impl Process {
    /// Kills it, if it has not ended.
    pub(crate) fn kill(&self) {
        // Without a launcher there is no process of its.
        let _ = self.launcher.send(&ToLauncher::Kill { token: self.token }, None);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn receive(control: &OwnedFd) -> io::Result<Option<FromLauncher>> {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    let received = receive_with_descriptors(control, &mut packet)?;
    if received.length == 0 {
        return Ok(None);
    }
    rmp_serde::from_slice(&packet[..received.length]).map(Some).map_err(io::Error::other)
}

fn read(control: &OwnedFd, state: &State) {
    while let Ok(Some(message)) = receive(control) {
        let (token, ended) = match message {
            FromLauncher::Hello { .. } => continue,
            FromLauncher::Failed { token, message } => {
                (token, Ended { exit: Exit::Unknown, message: Some(message) })
            }
            FromLauncher::Exited { token, exit } => (token, Ended { exit, message: None }),
        };
        let waiting = state.processes.lock().exits.remove(&token);
        if let Some(waiting) = waiting {
            let _ = waiting.send(ended);
        }
    }
    let mut processes = state.processes.lock();
    processes.gone = true;
    for (_, waiting) in processes.exits.drain() {
        let message = Some("the launcher ended, and its workers with it".to_owned());
        let _ = waiting.send(Ended { exit: Exit::Unknown, message });
    }
}
