//! Calls to the supervisor: numbered questions over the channel, and whoever waits for each answer.
//!
//! Questions about host directories are asked in the middle of calls of the kernel, by a thread that waits for the answer.
//! One that runs commands lets another run the rest of them meanwhile, so that no program waits for another's host.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::block_in_place;

use super::channel::Sender;
use super::network::Link;
use kernel::{Errno, HostFs, HostFsReply, HostFsRequest, MountId};
use protocol::abi::{HostCallError, NetworkError, NetworkErrorCode};
use protocol::broker::{BrokerCall, BrokerReply, CALLS_MAX, FromWorker, HOST_FS_CALLS_MAX};
use protocol::wire::{Bytes, ErrorData, code};

/// The way to the supervisor, which can be asked.
pub(super) struct Broker {
    sender: Arc<Sender>,
    waiting: Mutex<Waiting>,
    /// How many threads ask about host directories.
    asking: Mutex<usize>,
    /// There is one less of them.
    fewer: Condvar,
    /// See [`HostFs::moment`].
    moment: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    calls: HashMap<u64, Waiter>,
}

/// An answer that is there by then is not worth a change of threads.
const QUICK: Duration = Duration::from_millis(2);

/// Who waits: a task, or a thread. A thread of its own kind because the executor's thread, too, may ask and wait.
enum Waiter {
    Task(oneshot::Sender<Answer>),
    Thread(mpsc::SyncSender<Answer>),
}

pub(super) struct Answer {
    pub(super) reply: BrokerReply,
    pub(super) descriptor: Option<OwnedFd>,
    /// The connection that it gives.
    pub(super) link: Option<Link>,
}

impl Broker {
    pub(super) fn new(sender: Arc<Sender>) -> Self {
        Broker {
            sender,
            waiting: Mutex::default(),
            asking: Mutex::default(),
            fewer: Condvar::new(),
            moment: AtomicU64::new(0),
        }
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
        match receiver.recv_timeout(QUICK) {
            Err(RecvTimeoutError::Timeout) => give_way(|| receiver.recv().ok()),
            answer => answer.ok(),
        }
    }

    /// One of the questions about host directories that may be open at once, until this is dropped. Every question ends,
    /// so this does not wait for ever.
    fn turn(&self) -> Turn<'_> {
        let mut asking = self.asking.lock();
        if *asking >= HOST_FS_CALLS_MAX {
            drop(asking);
            asking = give_way(|| {
                let mut asking = self.asking.lock();
                self.fewer.wait_while(&mut asking, |asking| *asking >= HOST_FS_CALLS_MAX);
                asking
            });
        }
        *asking += 1;
        Turn(self)
    }

    /// Something has reached the VM that may follow upon what happened to its mounts.
    pub(super) fn heard(&self) {
        self.moment.fetch_add(1, Ordering::SeqCst);
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
        self.native_code(BrokerCall::CommandArtifact { module: module.to_owned() })
    }

    /// The same of a module that the guest has made.
    pub(super) fn guest_program(&self, module: Vec<u8>) -> Result<(OwnedFd, u64), ErrorData> {
        self.native_code(BrokerCall::GuestProgram { module: Bytes(module) })
    }

    fn native_code(&self, call: BrokerCall) -> Result<(OwnedFd, u64), ErrorData> {
        let answer = self.ask_and_wait(call);
        let Some(Answer { reply: BrokerReply::CommandArtifact { result }, descriptor, .. }) = answer else {
            let text = format!("the supervisor gave no answer, or {CALLS_MAX} calls are under way already");
            return Err(ErrorData::new(code::INTERNAL, text));
        };
        let length = result?;
        let lost = || ErrorData::new(code::INTERNAL, "the descriptor of a program was lost on its way");
        Ok((descriptor.ok_or_else(lost)?, length))
    }

    /// Asks for something of the network. The answer is none if it is not one to that question, or none came.
    pub(super) fn network(
        &self,
        call: BrokerCall,
    ) -> impl Future<Output = Result<Answer, NetworkError>> + Send + 'static {
        let (sender, receiver) = oneshot::channel();
        let asked = self.ask(call, Waiter::Task(sender));
        async move {
            if !asked {
                let text = format!("{CALLS_MAX} calls are under way already");
                return Err(NetworkError::new(NetworkErrorCode::Limit, text));
            }
            let gone = |_| NetworkError::new(NetworkErrorCode::Failed, "the supervisor gave no answer");
            receiver.await.map_err(gone)
        }
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

/// See [`Broker::turn`].
struct Turn<'a>(&'a Broker);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.asking.lock() -= 1;
        self.0.fewer.notify_one();
    }
}

/// Waits for something. A thread that runs commands hands the others on before.
fn give_way<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(wait),
        _ => wait(),
    }
}

impl HostFs for Broker {
    fn call(&self, mount: MountId, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        let _turn = self.turn();
        let changes = request.changes();
        let answer = self.ask_and_wait(BrokerCall::HostFilesystem { mount, request });
        if changes {
            self.heard();
        }
        match answer {
            Some(Answer { reply: BrokerReply::HostFilesystem { result }, .. }) => result,
            Some(_) => Err(Errno::Eio),
            None => Err(Errno::Eagain),
        }
    }

    fn moment(&self) -> Option<u64> {
        Some(self.moment.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use protocol::wire::{FrameDecoder, decode};
    use tokio::runtime::{Builder, Runtime};

    /// As the runtime of commands is.
    fn commands() -> Runtime {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).max_blocking_threads(HOST_FS_CALLS_MAX).build().unwrap()
    }

    fn stat() -> HostFsRequest {
        HostFsRequest::Stat { path: String::new() }
    }

    /// A supervisor that answers when it is told to.
    struct Supervisor {
        socket: UnixStream,
        decoder: FrameDecoder,
    }

    impl Supervisor {
        fn new() -> (Supervisor, Arc<Broker>) {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let broker = Arc::new(Broker::new(Arc::new(Sender::new(theirs))));
            (Supervisor { socket: ours, decoder: FrameDecoder::new() }, broker)
        }

        /// The number of the next question.
        fn asked(&mut self) -> u64 {
            loop {
                if let Some(content) = self.decoder.next_frame().unwrap() {
                    let FromWorker::Call { call, .. } = decode(content).unwrap() else { panic!() };
                    return call;
                }
                let mut bytes = [0; 4096];
                let length = self.socket.read(&mut bytes).unwrap();
                self.decoder.push(&bytes[..length]);
            }
        }
    }

    fn answer(broker: &Broker, call: u64) {
        let reply = BrokerReply::HostFilesystem { result: Ok(HostFsReply::Done) };
        broker.answered(call, Answer { reply, descriptor: None, link: None });
    }

    #[test]
    fn who_waits_for_the_host_holds_up_no_other_command() {
        let (mut supervisor, broker) = Supervisor::new();
        let commands = commands();
        let waiting = broker.clone();
        let slow = commands.spawn(async move { waiting.call(MountId(0), stat()) });
        let call = supervisor.asked();
        // The only thread is in the middle of the other's call.
        assert_eq!(commands.block_on(commands.spawn(async { 7 })).unwrap(), 7);
        assert!(!slow.is_finished());
        answer(&broker, call);
        assert_eq!(commands.block_on(slow).unwrap(), Ok(HostFsReply::Done));
    }

    #[test]
    fn more_questions_than_may_be_open_wait_for_their_turn() {
        let (mut supervisor, broker) = Supervisor::new();
        let threads: Vec<_> = (0..2 * HOST_FS_CALLS_MAX)
            .map(|_| {
                let broker = broker.clone();
                std::thread::spawn(move || broker.call(MountId(0), stat()))
            })
            .collect();
        let mut open: BTreeSet<u64> = (0..HOST_FS_CALLS_MAX).map(|_| supervisor.asked()).collect();
        assert_eq!(broker.waiting.lock().calls.len(), HOST_FS_CALLS_MAX);
        for _ in 0..HOST_FS_CALLS_MAX {
            answer(&broker, open.pop_first().unwrap());
            open.insert(supervisor.asked());
            assert!(broker.waiting.lock().calls.len() <= HOST_FS_CALLS_MAX);
        }
        open.into_iter().for_each(|call| answer(&broker, call));
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Ok(HostFsReply::Done));
        }
    }
}
