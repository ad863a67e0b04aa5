//! Calls to the supervisor: numbered questions over the channel, and whoever waits for each answer.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::channel::Sender;
use kernel::{Errno, HostFs, HostFsReply, HostFsRequest, MountId};
use protocol::abi::HostCallError;
use protocol::broker::{BrokerCall, BrokerReply, CALLS_MAX, FromWorker};
use protocol::wire::{ErrorData, code};

/// The way to the supervisor, which can be asked.
pub(super) struct Broker {
    sender: Arc<Sender>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    calls: HashMap<u64, Waiter>,
}

/// Who waits: a task, or a thread. A thread of its own kind because the executor's thread, too, may ask and wait.
enum Waiter {
    Task(oneshot::Sender<Answer>),
    Thread(mpsc::SyncSender<Answer>),
}

pub(super) struct Answer {
    pub(super) reply: BrokerReply,
    pub(super) descriptor: Option<OwnedFd>,
}

impl Broker {
    pub(super) fn new(sender: Arc<Sender>) -> Self {
        Broker { sender, waiting: Mutex::default() }
    }

    /// Asks; says whether it did: not if too many questions are open.
    fn ask(&self, body: BrokerCall, waiter: Waiter) -> bool {
        let call = {
            let mut waiting = self.waiting.lock();
            if waiting.calls.len() >= CALLS_MAX {
                return false;
            }
            waiting.last += 1;
            let call = waiting.last;
            waiting.calls.insert(call, waiter);
            call
        };
        self.sender.send(&FromWorker::Call { call, body });
        true
    }

    /// Asks and blocks until the answer is there.
    fn ask_and_wait(&self, body: BrokerCall) -> Option<Answer> {
        let (sender, receiver) = mpsc::sync_channel(1);
        if !self.ask(body, Waiter::Thread(sender)) {
            return None;
        }
        receiver.recv().ok()
    }

    /// An answer has arrived.
    pub(super) fn answered(&self, call: u64, answer: Answer) {
        let waiting = self.waiting.lock().calls.remove(&call);
        match waiting {
            Some(Waiter::Task(task)) => drop(task.send(answer)),
            Some(Waiter::Thread(thread)) => drop(thread.send(answer)),
            None => {}
        }
    }

    /// The native code of a command module: a descriptor, and its length; or why there is none. Blocks.
    pub(super) fn command_artifact(&self, module: &str) -> Result<(OwnedFd, u64), ErrorData> {
        let answer = self.ask_and_wait(BrokerCall::CommandArtifact { module: module.to_owned() });
        let Some(Answer { reply: BrokerReply::CommandArtifact { result }, descriptor }) = answer else {
            let text = format!("the supervisor gave no answer, or {CALLS_MAX} calls are under way already");
            return Err(ErrorData::new(code::INTERNAL, text));
        };
        let length = result?;
        let lost = || ErrorData::new(code::INTERNAL, "the descriptor of a program was lost on its way");
        Ok((descriptor.ok_or_else(lost)?, length))
    }

    /// Calls a function of the client's.
    pub(super) fn host_function(
        &self,
        name: String,
        input: String,
    ) -> impl Future<Output = Result<String, HostCallError>> + Send + 'static {
        let (sender, receiver) = oneshot::channel();
        let asked = self.ask(BrokerCall::HostFunction { name, input }, Waiter::Task(sender));
        async move {
            if !asked {
                return Err(HostCallError::Failed {
                    message: format!("{CALLS_MAX} calls are under way already"),
                });
            }
            match receiver.await {
                Ok(Answer { reply: BrokerReply::HostFunction { result }, .. }) => result,
                _ => Err(HostCallError::Failed { message: "the supervisor gave no answer".to_owned() }),
            }
        }
    }
}

impl HostFs for Broker {
    fn call(&self, mount: MountId, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        match self.ask_and_wait(BrokerCall::HostFilesystem { mount, request }) {
            Some(Answer { reply: BrokerReply::HostFilesystem { result }, .. }) => result,
            Some(_) => Err(Errno::Eio),
            None => Err(Errno::Eagain),
        }
    }
}
