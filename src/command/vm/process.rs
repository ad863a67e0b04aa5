//! `cordon:vm/process`: starting, waiting for and signalling programs of the VM.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wasmtime::component::Resource;

use kernel::{Errno, ExitStatus, Pid, Process, Signal, SpawnRequest};

use super::super::guest::{Ended, Guest};
use super::bindings::cordon::vm::process;
use super::errors::Failure;

/// A program that this one started.
pub struct Child {
    process: Arc<Process>,
    /// How it ended, once that was told to the program.
    waited: Option<ExitStatus>,
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.waited.is_none() {
            self.process.detach();
        }
    }
}

impl Guest {
    fn signal(&self, pid: Pid, signal: process::Signal) -> Result<(), Failure> {
        let signal = from_contract(signal);
        if !self.services.may_signal(&self.process, pid, signal) {
            return Err(Errno::Eacces.into());
        }
        self.kernel.kill(pid, signal)?;
        // Who kills itself does not come back to do more.
        if self.process.killed().is_some() {
            return Err(Failure::Trap(Ended::Killed.into()));
        }
        Ok(())
    }
}

impl process::HostChild for Guest {
    fn id(&mut self, child: Resource<Child>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&child)?.process.pid())
    }

    async fn wait(&mut self, child: Resource<Child>) -> Result<process::ExitStatus, Failure> {
        let child = self.table.get_mut(&child)?;
        let status = match child.waited {
            Some(status) => status,
            None => poll_fn(|cx| child.process.poll_wait(cx)).await,
        };
        child.waited = Some(status);
        Ok(to_contract(status))
    }

    fn try_wait(&mut self, child: Resource<Child>) -> Result<Option<process::ExitStatus>, Failure> {
        let child = self.table.get_mut(&child)?;
        if child.waited.is_none()
            && let Poll::Ready(status) = child.process.poll_wait(&Context::from_waker(Waker::noop()))
        {
            child.waited = Some(status);
        }
        Ok(child.waited.map(to_contract))
    }

    fn kill(&mut self, child: Resource<Child>, signal: process::Signal) -> Result<(), Failure> {
        let child = self.table.get(&child)?;
        // Its number may be another's by now.
        if child.waited.is_some() {
            return Err(Errno::Esrch.into());
        }
        self.signal(child.process.pid(), signal)
    }

    fn drop(&mut self, child: Resource<Child>) -> wasmtime::Result<()> {
        self.table.delete(child)?;
        Ok(())
    }
}

impl process::Host for Guest {
    fn spawn(&mut self, options: process::SpawnOptions) -> Result<Resource<Child>, Failure> {
        let mut fds = Vec::with_capacity(options.descriptors.len());
        for (number, handle) in &options.descriptors {
            fds.push((*number, self.open_file(handle)?.clone()));
        }
        let request = SpawnRequest {
            program: options.program,
            argv: options.arguments,
            env: options.environment,
            cwd: options.current_directory,
            fds,
            ignored_signals: options.ignored_signals.into_iter().map(from_contract).collect(),
        };
        let process = self.kernel.spawn(&self.process, request)?;
        Ok(self.table.push(Child { process, waited: None })?)
    }

    fn kill(&mut self, id: u32, signal: process::Signal) -> Result<(), Failure> {
        self.signal(id, signal)
    }

    fn id(&mut self) -> wasmtime::Result<u32> {
        Ok(self.process.pid())
    }

    fn parent_id(&mut self) -> wasmtime::Result<u32> {
        Ok(self.process.ppid())
    }

    fn arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.process.argv().to_vec())
    }

    fn environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.process.env().to_vec())
    }

    fn current_directory(&mut self) -> wasmtime::Result<String> {
        // A directory that was removed has no name any more; programs are told the root, from where all paths work.
        Ok(self.process.cwd().unwrap_or_else(|_| "/".to_owned()))
    }

    fn set_current_directory(&mut self, path: String) -> Result<(), Failure> {
        Ok(self.process.chdir(&path)?)
    }

    fn set_umask(&mut self, mask: u32) -> wasmtime::Result<u32> {
        Ok(self.process.set_umask(mask))
    }

    fn set_ignored(&mut self, signal: process::Signal, ignored: bool) -> Result<(), Failure> {
        Ok(self.process.set_ignored(from_contract(signal), ignored)?)
    }
}

fn from_contract(signal: process::Signal) -> Signal {
    match signal {
        process::Signal::Hangup => Signal::Hup,
        process::Signal::Interrupt => Signal::Int,
        process::Signal::Quit => Signal::Quit,
        process::Signal::Kill => Signal::Kill,
        process::Signal::User1 => Signal::Usr1,
        process::Signal::User2 => Signal::Usr2,
        process::Signal::Pipe => Signal::Pipe,
        process::Signal::Alarm => Signal::Alrm,
        process::Signal::Terminate => Signal::Term,
        process::Signal::Child => Signal::Chld,
        process::Signal::Continue => Signal::Cont,
        process::Signal::Stop => Signal::Stop,
    }
}

fn to_contract(status: ExitStatus) -> process::ExitStatus {
    let signal = match status {
        ExitStatus::Exited(code) => return process::ExitStatus::Exited(code),
        ExitStatus::Signaled(signal) => signal,
    };
    process::ExitStatus::Signaled(match signal {
        Signal::Hup => process::Signal::Hangup,
        Signal::Int => process::Signal::Interrupt,
        Signal::Quit => process::Signal::Quit,
        Signal::Kill => process::Signal::Kill,
        Signal::Usr1 => process::Signal::User1,
        Signal::Usr2 => process::Signal::User2,
        Signal::Pipe => process::Signal::Pipe,
        Signal::Alrm => process::Signal::Alarm,
        Signal::Term => process::Signal::Terminate,
        Signal::Chld => process::Signal::Child,
        Signal::Cont => process::Signal::Continue,
        Signal::Stop => process::Signal::Stop,
        // No program can send these, so the contract has no names for them: a shell's number says as much.
        Signal::Abrt | Signal::Segv | Signal::Tstp => {
            return process::ExitStatus::Exited(status.shell_code());
        }
    })
}
