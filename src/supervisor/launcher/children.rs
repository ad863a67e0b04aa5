//! The launcher's children: templates and workers that it executed, and workers that a template forked. All of them are
//! children of this process, since a template forks siblings, so that all are reaped here and outlive their template.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use protocol::descriptor::{receive_with_descriptors, send_with_descriptor};
use protocol::fork::{FORK, FORKED_BYTES, Forked};
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

use super::namespace::PidNamespace;
use super::protocol::{Exit, FromLauncher, PACKET_BYTES_MAX, ToLauncher};

/// Events that one wait takes.
const EVENTS: usize = 64;

/// What an event is about: the control socket, the end of a process, an answer of a template.
const CONTROL: u64 = 0;
const ENDED: u64 = 1 << 62;
const ANSWERED: u64 = 2 << 62;
const TOKEN: u64 = ENDED - 1;

/// All children, by the supervisor's tokens.
pub(super) struct Children<'a> {
    control: BorrowedFd<'a>,
    events: OwnedFd,
    /// Where this process may make others.
    namespace: Option<PidNamespace>,
    processes: HashMap<u64, OwnedFd>,
    templates: HashMap<u64, Template>,
    /// Workers that a template was asked for, and whether they are not wanted any more.
    awaited: HashMap<u64, bool>,
}

/// What is asked of a template.
struct Template {
    socket: OwnedFd,
    /// The workers that it has yet to fork, in order.
    awaited: VecDeque<u64>,
}

impl<'a> Children<'a> {
    /// Starts, reaps and kills children until the control socket closes; then ends them all.
    pub(super) fn serve(control: &'a impl AsFd, pid_namespace: bool) -> io::Result<()> {
        let control = control.as_fd();
        let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&events, control, epoll::EventData::new_u64(CONTROL), epoll::EventFlags::IN)?;
        let mut children = Children {
            control,
            events,
            namespace: pid_namespace.then(PidNamespace::own).transpose()?,
            processes: HashMap::new(),
            templates: HashMap::new(),
            awaited: HashMap::new(),
        };
        children.answer(&FromLauncher::Hello { pid_namespace })?;
        let mut packet = vec![0; PACKET_BYTES_MAX];
        loop {
            let mut ready = Vec::with_capacity(EVENTS);
            let buffer = rustix::buffer::spare_capacity(&mut ready);
            match epoll::wait(&children.events, buffer, None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for event in ready {
                match event.data.u64() {
                    CONTROL => {
                        if !children.on_request(&mut packet)? {
                            return Ok(());
                        }
                    }
                    token if token & ANSWERED != 0 => children.on_forked(token & TOKEN)?,
                    token => children.on_end(token & TOKEN)?,
                }
            }
        }
    }

    /// Takes one request; false when the supervisor is gone.
    fn on_request(&mut self, packet: &mut [u8]) -> io::Result<bool> {
        let received = match receive_with_descriptors(self.control, packet) {
            Ok(received) if received.length > 0 => received,
            // Closed; reset, if it was closed with an answer of ours unread.
            Ok(_) | Err(Errno::CONNRESET) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let message = rmp_serde::from_slice(&packet[..received.length]).map_err(io::Error::other)?;
        let mut descriptors = received.descriptors.into_iter();
        let mut channel = || descriptors.next().ok_or_else(|| io::Error::other("no channel attached"));
        let (token, started) = match message {
            ToLauncher::Execute { token, executable, arguments, template, show_stderr } => {
                let started = channel()
                    .and_then(|channel| {
                        self.execute(token, &executable, &arguments, template, show_stderr, channel)
                    })
                    .map_err(|error| format!("cannot start {}: {error}", executable.display()));
                (token, started)
            }
            ToLauncher::Fork { token, template } => {
                let forked = channel().and_then(|channel| self.fork(token, template, &channel));
                (token, forked.map_err(|error| format!("cannot fork a worker: {error}")))
            }
            ToLauncher::Kill { token } => {
                self.kill(token);
                return Ok(true);
            }
        };
        if let Err(message) = started {
            self.answer(&FromLauncher::Failed { token, message })?;
        }
        Ok(true)
    }

    fn execute(
        &mut self,
        token: u64,
        executable: &Path,
        arguments: &[String],
        template: bool,
        show_stderr: bool,
        channel: OwnedFd,
    ) -> io::Result<()> {
        let (socket, stdout) = if template {
            let (ours, theirs) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
            (Some(ours), Stdio::from(theirs))
        } else {
            (None, Stdio::null())
        };
        // Every other descriptor of ours is close-on-exec; the child gets its channel as standard input.
        let mut command = Command::new(executable);
        command
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(channel))
            .stdout(stdout)
            .stderr(if show_stderr { Stdio::inherit() } else { Stdio::null() });
        let child = match &self.namespace {
            // What a template forks is to be a child of this process, which the first of a namespace cannot ask for.
            Some(namespace) if !template => namespace.apart(|| command.spawn()),
            _ => command.spawn(),
        }?;
        let pid = Pid::from_child(&child);
        let added = pidfd_open(pid, PidfdFlags::empty())
            .map_err(io::Error::from)
            .and_then(|pidfd| self.add(token, pidfd));
        if let Err(error) = added {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            return Err(error);
        }
        if let Some(socket) = socket {
            let what = epoll::EventData::new_u64(ANSWERED | token);
            epoll::add(&self.events, &socket, what, epoll::EventFlags::IN)?;
            self.templates.insert(token, Template { socket, awaited: VecDeque::new() });
        }
        Ok(())
    }

    /// Keeps a child until its end.
    fn add(&mut self, token: u64, pidfd: OwnedFd) -> io::Result<()> {
        epoll::add(&self.events, &pidfd, epoll::EventData::new_u64(ENDED | token), epoll::EventFlags::IN)?;
        self.processes.insert(token, pidfd);
        Ok(())
    }

    fn fork(&mut self, token: u64, template: u64, channel: &OwnedFd) -> io::Result<()> {
        let Some(template) = self.templates.get_mut(&template) else {
            return Err(io::Error::other("its template has ended"));
        };
        send_with_descriptor(&template.socket, &[FORK], Some(channel.as_fd()))?;
        template.awaited.push_back(token);
        self.awaited.insert(token, false);
        Ok(())
    }

    fn kill(&mut self, token: u64) {
        if let Some(unwanted) = self.awaited.get_mut(&token) {
            *unwanted = true;
        } else if let Some(pidfd) = self.processes.get(&token) {
            // It may have ended just now; then there is nothing left to kill.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }

    /// A template has forked a worker, or has closed its socket.
    fn on_forked(&mut self, token: u64) -> io::Result<()> {
        let Some(template) = self.templates.get_mut(&token) else { return Ok(()) };
        let mut bytes = [0; FORKED_BYTES];
        let received = receive_with_descriptors(&template.socket, &mut bytes);
        let Some((received, answer)) = received.ok().and_then(|received| {
            let answer = Forked::decode(&bytes[..received.length])?;
            Some((received, answer))
        }) else {
            // The end of the process itself is another event.
            return self.forget_template(token);
        };
        let Some(worker) = template.awaited.pop_front() else { return Ok(()) };
        let unwanted = self.awaited.remove(&worker).unwrap_or(true);
        let failed = |message: String| FromLauncher::Failed { token: worker, message };
        match (answer, received.descriptors.into_iter().next()) {
            (Forked::Worker(_), Some(pidfd)) => {
                if unwanted {
                    let _ = pidfd_send_signal(&pidfd, Signal::KILL);
                }
                self.add(worker, pidfd)
            }
            (Forked::Worker(_), None) => self.answer(&failed("a template sent no pidfd".to_owned())),
            (Forked::Refused(errno), _) => {
                let error = io::Error::from_raw_os_error(errno);
                self.answer(&failed(format!("cannot fork a worker: {error}")))
            }
        }
    }

    /// Fails what a template has yet to do.
    fn forget_template(&mut self, token: u64) -> io::Result<()> {
        let Some(template) = self.templates.remove(&token) else { return Ok(()) };
        for worker in template.awaited {
            self.awaited.remove(&worker);
            let message = "its template ended before it forked".to_owned();
            self.answer(&FromLauncher::Failed { token: worker, message })?;
        }
        Ok(())
    }

    fn on_end(&mut self, token: u64) -> io::Result<()> {
        let Some(pidfd) = self.processes.remove(&token) else { return Ok(()) };
        let exit = match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => Exit::Unknown,
            },
            Ok(None) | Err(_) => Exit::Unknown,
        };
        self.forget_template(token)?;
        self.answer(&FromLauncher::Exited { token, exit })
    }

    fn answer(&self, message: &FromLauncher) -> io::Result<()> {
        let packet = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
        match send_with_descriptor(self.control, &packet, None) {
            // The supervisor is gone: the next receive says so and ends us.
            Ok(_) | Err(Errno::PIPE) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Children<'_> {
    fn drop(&mut self) {
        for pidfd in self.processes.values() {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
}
