//! `cordon:vm/process`: starting, waiting for and signalling programs of the VM.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wasmtime::component::Resource;

use kernel::{Disposition, Errno, ExitStatus, Grouping, Pid, Process, Signal, SpawnRequest};

use super::super::guest::{Ended, Guest};
use super::bindings::cordon::vm::process;
use super::errors::Failure;

/// A program that this one started.
pub struct Child {
    pub(super) process: Arc<Process>,
    /// How it ended, once that was told to the program.
    pub(super) waited: Option<ExitStatus>,
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.waited.is_none() {
            self.process.detach();
        }
    }
}

impl Guest {
    /// What a program asks for when it starts another.
    pub(super) fn spawn_request(
        &self,
        options: process::SpawnOptions,
        grouping: Grouping,
    ) -> Result<SpawnRequest, Failure> {
        let mut fds = Vec::with_capacity(options.descriptors.len());
        for (number, handle) in &options.descriptors {
            fds.push((*number, self.open_file(handle)?.clone()));
        }
        Ok(SpawnRequest {
            program: options.program,
            argv: options.arguments,
            env: options.environment,
            cwd: options.current_directory,
            fds,
            ignored_signals: options.ignored_signals.into_iter().map(from_contract).collect(),
            default_signals: Default::default(),
            grouping,
        })
    }

    fn signal(&self, pid: Pid, signal: process::Signal) -> Result<(), Failure> {
        let signal = from_contract(signal);
        if !self.services.may_signal(&self.process, pid, signal) {
            return Err(Errno::Eacces.into());
        }
        self.kernel.kill(pid, signal)?;
        is_alive(&self.process)
    }
}

/// Who kills itself does not come back to do more.
fn is_alive(process: &Process) -> Result<(), Failure> {
    match process.killed() {
        Some(_) => Err(Failure::Trap(Ended::Killed.into())),
        None => Ok(()),
    }
}

/// Who stops itself comes back when it is continued. If it is killed instead, it does not come back.
pub(super) async fn live_on(process: &Process) -> Result<(), Failure> {
    poll_fn(|cx| process.poll_runnable(cx)).await;
    is_alive(process)
}

impl process::HostChild for Guest {
    fn id(&mut self, child: Resource<Child>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&child)?.process.pid())
    }

    async fn wait(&mut self, child: Resource<Child>) -> Result<process::ExitStatus, Failure> {
        let child = self.table.get_mut(&child)?;
        let status = match child.waited {
            Some(status) => status,
            None => {
                poll_fn(|cx| match child.process.poll_wait(cx) {
                    Poll::Ready(status) => Poll::Ready(Ok(status)),
                    Poll::Pending => self.process.poll_interrupted(cx).map(|()| Err(Errno::Eintr)),
                })
                .await?
            }
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
        let request = self.spawn_request(options, Grouping::Inherit)?;
        let process = self.kernel.spawn(&self.process, request)?;
        Ok(self.table.push(Child { process, waited: None })?)
    }

    async fn kill(&mut self, id: u32, signal: process::Signal) -> Result<(), Failure> {
        self.signal(id, signal)?;
        live_on(&self.process).await
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
        // One that was removed has no name any more.
        Ok(self.process.cwd().unwrap_or_default())
    }

    fn set_current_directory(&mut self, path: String) -> Result<(), Failure> {
        Ok(self.process.chdir(&path)?)
    }

    fn set_umask(&mut self, mask: u32) -> wasmtime::Result<u32> {
        Ok(self.process.set_umask(mask))
    }

    fn get_disposition(&mut self, signal: process::Signal) -> wasmtime::Result<process::Disposition> {
        Ok(match self.process.disposition(from_contract(signal)) {
            Disposition::Default => process::Disposition::Default,
            Disposition::Ignore => process::Disposition::Ignore,
            Disposition::Handle => process::Disposition::Handle,
        })
    }

    async fn set_disposition(
        &mut self,
        signal: process::Signal,
        disposition: process::Disposition,
    ) -> Result<(), Failure> {
        let wanted = match disposition {
            process::Disposition::Default => Disposition::Default,
            process::Disposition::Ignore => Disposition::Ignore,
            process::Disposition::Handle => Disposition::Handle,
        };
        self.process.set_disposition(from_contract(signal), wanted)?;
        // It may have been pending, and does what it does by default now.
        live_on(&self.process).await
    }

    fn take_signal(&mut self) -> wasmtime::Result<Option<process::Signal>> {
        Ok(self.process.take_signal().map(signal_to_contract))
    }

    async fn wait_signal(&mut self) -> wasmtime::Result<process::Signal> {
        Ok(signal_to_contract(poll_fn(|cx| self.process.poll_signal(cx)).await))
    }
}

pub(super) fn to_contract(status: ExitStatus) -> process::ExitStatus {
    match status {
        ExitStatus::Exited(code) => process::ExitStatus::Exited(code),
        ExitStatus::Signaled(signal) => process::ExitStatus::Signaled(signal_to_contract(signal)),
    }
}

/// The signals by the names that the contract gives them.
macro_rules! signals {
    ($($contract:ident $kernel:ident,)*) => {
        pub(super) fn from_contract(signal: process::Signal) -> Signal {
            match signal { $(process::Signal::$contract => Signal::$kernel,)* }
        }

        pub(super) fn signal_to_contract(signal: Signal) -> process::Signal {
            match signal { $(Signal::$kernel => process::Signal::$contract,)* }
        }
    };
}

signals! {
    Hangup Hup,
    Interrupt Int,
    Quit Quit,
    IllegalInstruction Ill,
    Trap Trap,
    Abort Abrt,
    BusError Bus,
    ArithmeticError Fpe,
    Kill Kill,
    User1 Usr1,
    SegmentationFault Segv,
    User2 Usr2,
    Pipe Pipe,
    Alarm Alrm,
    Terminate Term,
    StackFault Stkflt,
    Child Chld,
    Continue Cont,
    Stop Stop,
    TerminalStop Tstp,
    TerminalInput Ttin,
    TerminalOutput Ttou,
    Urgent Urg,
    CpuLimit Xcpu,
    FileSizeLimit Xfsz,
    VirtualAlarm Vtalrm,
    ProfilingAlarm Prof,
    WindowChange Winch,
    Io Io,
    Power Pwr,
    BadSystemCall Sys,
}
