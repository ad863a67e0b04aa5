//! What a worker asks its supervisor for: how many questions it may have open, who works on each, and how long they may.
//!
//! Work on host directories and on native code is done on the runtime's threads for what blocks, which cannot be
//! stopped: an operation that takes too long is answered without it, and counts as one of the VM's until it returns.
//! What a question means is decided by the [task](super::task); this module knows no channel.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::supervisor::artifacts;
use crate::supervisor::budget::{Budget, Held};
use crate::supervisor::guest_programs::GuestPrograms;
use crate::supervisor::outside::{Egress, HostMounts};
use crate::supervisor::own_commands::CommandSet;
use protocol::abi::{
    ConnectionEvent, Errno, HostFsReply, HostFsRequest, MountId, NetworkError, NetworkErrorCode, TlsRequest,
};
use protocol::broker::{self, BrokerReply, CALLS_MAX, ClaimedMount, HOST_FS_CALLS_MAX};
use protocol::network::CONNECTIONS_MAX;
use protocol::wire::{ErrorData, NetworkUsage, code};

/// How long an operation in a host directory may take: a disk answers in milliseconds, a network's share that has died
/// never. It is answered with `ETIMEDOUT` then.
pub(in crate::supervisor) const HOST_FS_TIME: Duration = Duration::from_secs(30);
/// How long native code may be waited for, which may have to be compiled.
const ARTIFACT_TIME: Duration = Duration::from_secs(120);

/// How long the network may be waited for: longer than the network's own limits let anything take, so that an answer says
/// which of them it was.
const NETWORK_TIME: Duration = Duration::from_secs(25 * 60 * 60);

/// Questions of one worker that are open, until the answer is written. Twice what a worker has at once: it reads an
/// answer, and asks again, before it is known here that all of what was written with it has been taken.
const OPEN_MAX: u32 = 2 * CALLS_MAX as u32;
/// Those about host directories.
const HOST_FS_OPEN_MAX: u32 = 2 * HOST_FS_CALLS_MAX as u32;

/// The answer to a question, with a file if it announces one.
pub(super) struct Answer {
    pub(super) call: u64,
    pub(super) reply: BrokerReply,
    pub(super) file: Option<Arc<std::fs::File>>,
    /// What it holds in budgets until it is written.
    pub(super) held: Held,
}

/// What was done for a VM beside its task.
pub(super) enum Done {
    /// A question of the worker's has its answer.
    Answer(Answer),
    /// A host directory was opened for a request, or not.
    Opened { id: u64, result: Result<ClaimedMount, ErrorData> },
    /// Something has become of a connection beyond the VM.
    Connection { connection: u64, event: ConnectionEvent },
    /// A request's rules of the network are in force, or could not be everywhere.
    RulesSet { id: u64, result: Result<(), ErrorData> },
    /// What the VM has had of the network, for a request.
    Usage { id: u64, usage: NetworkUsage },
    /// What has been decided outside before a request for decisions is known.
    Settled { id: u64 },
}

/// Native code that is fetched or compiled for one worker at once. It asks for one after the other.
const ARTIFACT_THREADS: u32 = 8;

/// Programs of a guest that are compiled, or wait for their turn, at once.
const COMPILATIONS_MAX: usize = 4;

/// Most of [`Done`] that can wait to be heard of, beside one for each request that opens a directory.
pub(super) const DONE_MAX: usize = (OPEN_MAX + HOST_FS_OPEN_MAX + ARTIFACT_THREADS) as usize
    + COMPILATIONS_MAX
    + CONNECTION_EVENTS_MAX * CONNECTIONS_MAX as usize;

/// What can become of one connection: its end at the other end, and its end.
const CONNECTION_EVENTS_MAX: usize = 2;

/// Who answers a question, and what it holds.
enum Open {
    /// We do, since then and until then. The thread that asks may be the one that should end a call, if one waits.
    Supervisor { since: Instant, ends: Instant, is_waited_for: bool, late: fn() -> BrokerReply, slot: Held },
    /// Whoever created the VM. No thread of the worker waits for that.
    Client { slot: Held },
}

/// The questions of one VM's worker.
pub(super) struct Calls {
    open: HashMap<u64, Open>,
    slots: Budget,
    host_fs_slots: Budget,
    /// One for each operation that a thread works on, also when it is answered already.
    host_fs_threads: Budget,
    artifact_threads: Budget,
    /// Programs of the guest's that are being compiled. They end with the VM.
    compilations: JoinSet<()>,
    /// Questions to the network. They end with the VM.
    network: JoinSet<()>,
    done: mpsc::Sender<Done>,
}

impl Calls {
    pub(super) fn new(done: mpsc::Sender<Done>) -> Calls {
        Calls {
            open: HashMap::new(),
            slots: Budget::new(OPEN_MAX),
            host_fs_slots: Budget::new(HOST_FS_OPEN_MAX),
            host_fs_threads: Budget::new(HOST_FS_OPEN_MAX),
            artifact_threads: Budget::new(ARTIFACT_THREADS),
            compilations: JoinSet::new(),
            network: JoinSet::new(),
            done,
        }
    }

    /// Where answers that come later go.
    pub(super) fn done(&self) -> mpsc::Sender<Done> {
        self.done.clone()
    }

    /// Opens a question that the client answers.
    pub(super) fn open_for_client(&mut self, call: u64) -> Result<(), String> {
        let slot = self.slot(call)?;
        self.open.insert(call, Open::Client { slot });
        Ok(())
    }

    /// Has an operation in a host directory done.
    pub(super) fn host_fs(
        &mut self,
        call: u64,
        (mount, request): (MountId, HostFsRequest),
        mounts: &Arc<HostMounts>,
        client_paths: Vec<String>,
    ) -> Result<(), String> {
        let mut slot = self.slot(call)?;
        slot.join(self.host_fs_slots.try_hold(1).ok_or_else(too_many)?);
        self.open_for_us(call, slot, HOST_FS_TIME, || host_fs_reply(Err(Errno::Etimedout)));
        let Some(thread) = self.host_fs_threads.try_hold(1) else {
            // All that may work for this VM hang in operations that were given up.
            self.send(call, host_fs_reply(Err(Errno::Etimedout)), None);
            return Ok(());
        };
        let (mounts, done) = (mounts.clone(), self.done());
        tokio::task::spawn_blocking(move || {
            let result = mounts.answer(mount, request, &client_paths);
            drop(thread);
            send(&done, call, host_fs_reply(result), None);
        });
        Ok(())
    }

    /// Has a module's native code fetched or compiled.
    pub(super) fn artifact(
        &mut self,
        call: u64,
        module: String,
        commands: &Arc<CommandSet>,
    ) -> Result<(), String> {
        let slot = self.slot(call)?;
        self.open_for_us(call, slot, ARTIFACT_TIME, no_artifact);
        let Some(thread) = self.artifact_threads.try_hold(1) else {
            let error = ErrorData::new(code::LIMIT, "too many commands of this VM are being compiled");
            self.send(call, BrokerReply::CommandArtifact { result: Err(error) }, None);
            return Ok(());
        };
        let (commands, done) = (commands.clone(), self.done());
        tokio::task::spawn_blocking(move || {
            let (reply, file) = artifacts::reply(commands.get(&module));
            drop(thread);
            send(&done, call, reply, file);
        });
        Ok(())
    }

    /// Has a program of the guest's compiled, where the VM may run any.
    pub(super) fn guest_program(
        &mut self,
        call: u64,
        module: Vec<u8>,
        held: Held,
        programs: Option<&Arc<GuestPrograms>>,
    ) -> Result<(), String> {
        let slot = self.slot(call)?;
        self.open_for_us(call, slot, ARTIFACT_TIME, no_artifact);
        while self.compilations.try_join_next().is_some() {}
        let refused = match programs {
            None => Some(broker::guest_programs_denied()),
            Some(_) if self.compilations.len() >= COMPILATIONS_MAX => {
                Some(ErrorData::new(code::LIMIT, "too many programs of this VM are being compiled"))
            }
            Some(_) => None,
        };
        if let Some(error) = refused {
            self.send(call, BrokerReply::CommandArtifact { result: Err(error) }, None);
            return Ok(());
        }
        let (programs, done) = (programs.cloned(), self.done());
        self.compilations.spawn(async move {
            let Some(programs) = programs else { return };
            let (reply, file) = artifacts::reply(programs.compile(module).await);
            drop(held);
            send(&done, call, reply, file);
        });
        Ok(())
    }

    /// Has the addresses of a name asked for.
    pub(super) fn look_up(&mut self, call: u64, name: String, egress: &Arc<Egress>) -> Result<(), String> {
        self.open_for_network(call, || BrokerReply::LookUp { result: Err(late()) })?;
        let (egress, done) = (egress.clone(), self.done());
        self.network.spawn(async move {
            let result = egress.look_up(&name).await;
            send(&done, call, BrokerReply::LookUp { result }, None);
        });
        Ok(())
    }

    /// Has a connection made.
    pub(super) fn connect(&mut self, call: u64, to: SocketAddr, egress: &Arc<Egress>) -> Result<(), String> {
        self.open_for_network(call, || BrokerReply::Connect { result: Err(late()) })?;
        let (egress, done) = (egress.clone(), self.done());
        self.network.spawn(async move {
            match egress.connect(to).await {
                Ok((connected, descriptor)) => {
                    let reply = BrokerReply::Connect { result: Ok(connected) };
                    send(&done, call, reply, Some(Arc::new(descriptor.into())));
                    // What has happened meanwhile comes after the answer.
                    egress.announced(connected.connection);
                }
                Err(error) => send(&done, call, BrokerReply::Connect { result: Err(error) }, None),
            }
        });
        Ok(())
    }

    /// Has TLS begun on a connection.
    pub(super) fn start_tls(
        &mut self,
        call: u64,
        (connection, request): (u64, TlsRequest),
        held: Held,
        egress: &Arc<Egress>,
    ) -> Result<(), String> {
        self.open_for_network(call, || BrokerReply::StartTls { result: Err(late()) })?;
        let (egress, done) = (egress.clone(), self.done());
        self.network.spawn(async move {
            let result = egress.start_tls(connection, request).await;
            drop(held);
            send(&done, call, BrokerReply::StartTls { result }, None);
        });
        Ok(())
    }

    /// Opens a question for the network. No thread of the worker waits for the answer.
    fn open_for_network(&mut self, call: u64, late: fn() -> BrokerReply) -> Result<(), String> {
        let slot = self.slot(call)?;
        while self.network.try_join_next().is_some() {}
        let since = Instant::now();
        let ends = since + NETWORK_TIME;
        self.open.insert(call, Open::Supervisor { since, ends, is_waited_for: false, late, slot });
        Ok(())
    }

    /// Takes what a question has held, which its answer holds until it is written; none if it has been answered.
    pub(super) fn close(&mut self, call: u64) -> Option<Held> {
        self.open.remove(&call).map(|open| match open {
            Open::Supervisor { slot, .. } | Open::Client { slot } => slot,
        })
    }

    /// Questions that we have had for that long while a thread of the worker waits.
    pub(super) fn waited_for(&self, time: Duration) -> bool {
        self.open
            .values()
            .any(|open| matches!(open, Open::Supervisor { since, is_waited_for: true, .. } if since.elapsed() >= time))
    }

    /// Answers what is late.
    pub(super) fn end_late(&mut self) {
        let now = Instant::now();
        let late: Vec<(u64, BrokerReply)> = self
            .open
            .iter()
            .filter_map(|(call, open)| match open {
                Open::Supervisor { ends, late, .. } if *ends <= now => Some((*call, late())),
                _ => None,
            })
            .collect();
        for (call, reply) in late {
            self.send(call, reply, None);
        }
    }

    fn open_for_us(&mut self, call: u64, slot: Held, time: Duration, late: fn() -> BrokerReply) {
        let since = Instant::now();
        let ends = since + time;
        self.open.insert(call, Open::Supervisor { since, ends, is_waited_for: true, late, slot });
    }

    fn slot(&self, call: u64) -> Result<Held, String> {
        if self.open.contains_key(&call) {
            return Err(format!("the worker asked twice as number {call}"));
        }
        self.slots.try_hold(1).ok_or_else(too_many)
    }

    fn send(&self, call: u64, reply: BrokerReply, file: Option<Arc<std::fs::File>>) {
        send(&self.done, call, reply, file);
    }
}

/// Without waiting: there is room for an answer to each question that may be open, and for one more to each that was
/// answered late. Who is gone needs none.
fn send(done: &mpsc::Sender<Done>, call: u64, reply: BrokerReply, file: Option<Arc<std::fs::File>>) {
    let _ = done.try_send(Done::Answer(Answer { call, reply, file, held: Held::default() }));
}

fn host_fs_reply(result: Result<HostFsReply, Errno>) -> BrokerReply {
    BrokerReply::HostFilesystem { result }
}

fn late() -> NetworkError {
    let text = format!("the network has given no answer in {} s", NETWORK_TIME.as_secs());
    NetworkError::new(NetworkErrorCode::TimedOut, text)
}

fn no_artifact() -> BrokerReply {
    let text = format!("it is still being compiled after {} s", ARTIFACT_TIME.as_secs());
    let error = ErrorData::new(code::TIMED_OUT, text).hint("`cordon prepare` compiles all commands ahead");
    BrokerReply::CommandArtifact { result: Err(error) }
}

fn too_many() -> String {
    "the worker has too many questions open, or does not take their answers".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::outside::Descriptors;

    fn calls() -> (Calls, mpsc::Receiver<Done>) {
        let (sender, done) = mpsc::channel(DONE_MAX);
        (Calls::new(sender), done)
    }

    fn answer(done: &mut mpsc::Receiver<Done>) -> Option<Answer> {
        match done.try_recv() {
            Ok(Done::Answer(answer)) => Some(answer),
            _ => None,
        }
    }

    #[test]
    fn a_question_that_takes_too_long_is_answered_without_its_work() {
        let (mut calls, mut done) = calls();
        let slot = calls.slot(1).unwrap();
        calls.open_for_us(1, slot, Duration::ZERO, || host_fs_reply(Err(Errno::Etimedout)));
        let slot = calls.slot(2).unwrap();
        calls.open_for_us(2, slot, HOST_FS_TIME, no_artifact);
        calls.end_late();
        let late = answer(&mut done).unwrap();
        assert!(matches!(late.reply, BrokerReply::HostFilesystem { result: Err(Errno::Etimedout) }));
        assert!(answer(&mut done).is_none());
        assert!(calls.close(late.call).is_some());
        // What its work comes to later finds no question.
        calls.send(1, host_fs_reply(Ok(HostFsReply::Done)), None);
        assert!(calls.close(answer(&mut done).unwrap().call).is_none());
        assert!(calls.waited_for(Duration::ZERO) && !calls.waited_for(HOST_FS_TIME));
    }

    #[test]
    fn questions_are_counted_until_their_answers_are_written() {
        let (mut calls, _done) = calls();
        let unwritten: Vec<Held> = (0..u64::from(OPEN_MAX))
            .map(|call| {
                calls.open_for_client(call).unwrap();
                calls.close(call).unwrap()
            })
            .collect();
        assert!(calls.open_for_client(1).is_err());
        drop(unwritten);
        calls.open_for_client(1).unwrap();
        assert!(calls.open_for_client(1).is_err(), "one number twice");
    }

    #[tokio::test]
    async fn work_that_hangs_takes_no_more_threads_than_the_vm_may_have() {
        let (mut calls, mut done) = calls();
        let policy = Arc::new(protocol::policy::Policy::new(&Default::default()).unwrap());
        let mounts = Arc::new(HostMounts::new(policy, Arc::default(), &Descriptors::of_this_process()));
        let hanging = calls.host_fs_threads.try_hold(HOST_FS_OPEN_MAX).unwrap();
        let stat = || (MountId(0), HostFsRequest::Stat { path: String::new() });
        calls.host_fs(1, stat(), &mounts, Vec::new()).unwrap();
        let refused = answer(&mut done).unwrap();
        assert!(matches!(refused.reply, BrokerReply::HostFilesystem { result: Err(Errno::Etimedout) }));
        drop(hanging);
        calls.host_fs(2, stat(), &mounts, Vec::new()).unwrap();
        let Some(Done::Answer(answered)) = done.recv().await else { panic!("no answer") };
        assert!(matches!(answered.reply, BrokerReply::HostFilesystem { result: Err(Errno::Enodev) }));
    }
}
