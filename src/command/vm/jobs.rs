//! `cordon:vm/jobs`: sessions, process groups, and what becomes of children.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use wasmtime::component::Resource;

use kernel::{ChildStatus, Errno, Grouping, SpawnRequest, WaitOptions};

use super::super::guest::Guest;
use super::bindings::cordon::vm::{jobs, process};
use super::descriptors::Descriptor;
use super::errors::Failure;
use super::process::{Child, from_contract, live_on, signal_to_contract, to_contract};

fn grouping(grouping: jobs::Grouping) -> Grouping {
    match grouping {
        jobs::Grouping::Inherit => Grouping::Inherit,
        jobs::Grouping::NewGroup => Grouping::NewGroup,
        jobs::Grouping::Join(group) => Grouping::Join(group),
        jobs::Grouping::NewSession => Grouping::NewSession,
    }
}

fn options(changes: jobs::Changes) -> WaitOptions {
    WaitOptions {
        stopped: changes.contains(jobs::Changes::STOPPED),
        continued: changes.contains(jobs::Changes::CONTINUED),
    }
}

fn status(status: ChildStatus) -> jobs::ChildStatus {
    match status {
        ChildStatus::Ended(status) => jobs::ChildStatus::Ended(to_contract(status)),
        ChildStatus::Stopped(signal) => jobs::ChildStatus::Stopped(signal_to_contract(signal)),
        ChildStatus::Continued => jobs::ChildStatus::Continued,
    }
}

impl Guest {
    /// What is known of a child now. An end is kept: the kernel tells of it once.
    fn poll_child(
        &mut self,
        cx: &Context<'_>,
        child: &Resource<Child>,
        options: WaitOptions,
    ) -> Result<Poll<ChildStatus>, Failure> {
        let child = self.table.get_mut(child)?;
        if let Some(status) = child.waited {
            return Ok(Poll::Ready(ChildStatus::Ended(status)));
        }
        let polled = child.process.poll_wait_for(cx, options);
        if let Poll::Ready(ChildStatus::Ended(status)) = polled {
            child.waited = Some(status);
        }
        Ok(polled)
    }
}

impl jobs::Host for Guest {
    fn spawn(
        &mut self,
        options: process::SpawnOptions,
        default_signals: Vec<process::Signal>,
        group: jobs::Grouping,
        foreground: Option<Resource<Descriptor>>,
    ) -> Result<Resource<Child>, Failure> {
        let default_signals = default_signals.into_iter().map(from_contract).collect();
        let request = self.spawn_request(options, grouping(group))?;
        let request = SpawnRequest { default_signals, ..request };
        let process = match foreground {
            Some(terminal) => {
                let terminal = self.open_file(&terminal)?.clone();
                self.kernel.spawn_in_foreground(&self.process, request, &terminal)?
            }
            None => self.kernel.spawn(&self.process, request)?,
        };
        Ok(self.table.push(Child { process, waited: None })?)
    }

    async fn wait(
        &mut self,
        child: Resource<Child>,
        changes: jobs::Changes,
    ) -> Result<jobs::ChildStatus, Failure> {
        let options = options(changes);
        poll_fn(|cx| match self.poll_child(cx, &child, options) {
            Ok(Poll::Ready(told)) => Poll::Ready(Ok(status(told))),
            Ok(Poll::Pending) => self.process.poll_interrupted(cx).map(|()| Err(Errno::Eintr.into())),
            Err(failure) => Poll::Ready(Err(failure)),
        })
        .await
    }

    fn try_wait(
        &mut self,
        child: Resource<Child>,
        changes: jobs::Changes,
    ) -> Result<Option<jobs::ChildStatus>, Failure> {
        let cx = Context::from_waker(Waker::noop());
        Ok(match self.poll_child(&cx, &child, options(changes))? {
            Poll::Ready(told) => Some(status(told)),
            Poll::Pending => None,
        })
    }

    async fn kill_group(&mut self, group: u32, signal: process::Signal) -> Result<(), Failure> {
        let (session, signal) = (self.process.session(), from_contract(signal));
        let members = self.kernel.processes();
        let members: Vec<_> = members
            .into_iter()
            .filter(|process| process.session() == session && process.group() == group)
            .collect();
        if members.is_empty() {
            return Err(Errno::Esrch.into());
        }
        if !members.iter().all(|member| self.services.may_signal(&self.process, member.pid(), signal)) {
            return Err(Errno::Eacces.into());
        }
        members.iter().for_each(|member| member.signal(signal));
        live_on(&self.process).await
    }

    fn get_group(&mut self) -> wasmtime::Result<u32> {
        Ok(self.process.group())
    }

    fn get_session(&mut self) -> wasmtime::Result<u32> {
        Ok(self.process.session())
    }

    fn set_group(&mut self, group: u32) -> Result<(), Failure> {
        Ok(self.process.setpgid(0, group)?)
    }

    fn start_session(&mut self) -> Result<u32, Failure> {
        Ok(self.process.setsid()?)
    }
}
