//! One VM, as the supervisor holds it: the handle of whoever created it, and how its end is told. The [`task`] speaks
//! with its worker.

mod calls;
mod decisions;
mod host_calls;
mod overdue;
mod requests;
mod task;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::budget::{Budget, Held};
use super::guest_programs::GuestPrograms;
use super::launcher::client::Process;
use super::outside::{Channel, Egress, HostMounts};
use super::own_commands::CommandSet;
use super::worker::{Worker, loss};
pub(super) use calls::HOST_FS_TIME;
use host_calls::HostCalls;
pub use overdue::ANSWER_TIME;
use protocol::abi::HostCallError;
use protocol::config::{Access, CreateVmConfig, Mount};
use protocol::engine::EngineReport;
use protocol::policy::Policy;
use protocol::wire::{
    Bytes, ConnectionState, ErrorData, HostCallOutcome, OutputStream, Progress, RequestUpdate, VmRequest,
    VmResponse, code,
};
use task::Task;

/// Messages for a worker that wait for its channel; a full queue makes whoever sends more wait. That is never for long:
/// a worker reads promptly whatever its guest does, and one that does not is ended.
const COMMANDS_QUEUED: usize = 64;
/// Events that wait for whoever created the VM; a full queue stops reading from the worker.
const EVENTS_QUEUED: usize = 256;

/// Bytes that messages for one VM may hold until its worker has taken them, and that messages of it may hold until its
/// client has: two frames of the longest kind each.
const VM_BYTES: u32 = 32 * 1024 * 1024;

/// What happens in a VM. Fields are those of the wire's messages of the same name.
#[derive(Debug)]
#[allow(missing_docs, reason = "variants are documented; their fields are the wire's")]
pub(crate) enum VmEvent {
    /// A request is answered.
    Response { id: u64, result: Result<VmResponse, ErrorData> },
    /// A request's program has started.
    Started { id: u64, pid: u32 },
    /// Output of a request that streams.
    Output { id: u64, stream: OutputStream, data: Bytes },
    /// Standard input was taken.
    InputTaken { id: u64, bytes: u64 },
    /// A connection to a server in the VM has come so far.
    Connection { id: u64, state: ConnectionState },
    /// Guest code calls a host function; answered by [`Vm::host_result`].
    HostCall { call: u64, name: String, input: String },
    /// The VM ended by itself. Requests that are made all the same are answered with this error.
    Lost { error: ErrorData },
}

/// An event, and what it holds until whoever created the VM has dealt with it.
pub(crate) type Event = (VmEvent, Held);

enum Command {
    Request { id: u64, request: VmRequest },
    Update { id: u64, update: RequestUpdate },
    Mount { id: u64, mount: Mount },
    Unmount { id: u64, guest: String },
}

impl Command {
    /// The id of the answer that it gets, if any.
    fn answered_as(&self) -> Option<u64> {
        match self {
            Command::Request { id, .. } | Command::Mount { id, .. } | Command::Unmount { id, .. } => {
                Some(*id)
            }
            Command::Update { .. } => None,
        }
    }
}

/// What a VM can reach outside, and who decides.
pub(super) struct Outside {
    policy: Arc<Policy>,
    mounts: Arc<HostMounts>,
    commands: Arc<CommandSet>,
    /// None where guests may run none.
    programs: Option<Arc<GuestPrograms>>,
    egress: Arc<Egress>,
    host_calls: Arc<HostCalls>,
}

impl Outside {
    pub(super) fn new(
        policy: Arc<Policy>,
        mounts: HostMounts,
        (commands, programs): (Arc<CommandSet>, GuestPrograms),
        egress: Arc<Egress>,
        config: &CreateVmConfig,
    ) -> Outside {
        let may_compile = config.permissions.web_assembly == Access::Allow;
        let programs = may_compile.then(|| Arc::new(programs));
        let host_calls = Arc::new(HostCalls::new(&config.limits));
        Outside { policy, mounts: Arc::new(mounts), commands, programs, egress, host_calls }
    }
}

type Commands = mpsc::Receiver<(Command, Held)>;

/// A running VM. Dropping it ends it. What is sent to it waits while its worker has much to read already.
pub(crate) struct Vm {
    commands: mpsc::Sender<(Command, Held)>,
    incoming: Budget,
    host_calls: Arc<HostCalls>,
    process: Arc<Process>,
    engine: EngineReport,
    disposed: Arc<AtomicBool>,
}

impl Vm {
    /// What runs the VM.
    pub(crate) fn engine(&self) -> &EngineReport {
        &self.engine
    }

    /// Asks the VM for something; answered by [`VmEvent::Response`] with that id.
    pub(crate) async fn request(&self, id: u64, request: VmRequest, held: Held) {
        self.send(Command::Request { id, request }, held).await;
    }

    /// Cancels a request, which is still answered, or gives it input or credit.
    pub(crate) async fn update(&self, id: u64, update: RequestUpdate, held: Held) {
        self.send(Command::Update { id, update }, held).await;
    }

    /// Shows a host directory; answered like a request.
    pub(crate) async fn mount(&self, id: u64, mount: Mount, held: Held) {
        self.send(Command::Mount { id, mount }, held).await;
    }

    /// Takes a mount away; answered like a request.
    pub(crate) async fn unmount(&self, id: u64, guest: String, held: Held) {
        self.send(Command::Unmount { id, guest }, held).await;
    }

    /// Answers a host call. One that is not open (any more) is ignored.
    pub(crate) fn host_result(&self, call: u64, outcome: HostCallOutcome, held: Held) {
        let result = match outcome {
            HostCallOutcome::Returned { output } if output.len() as u64 > self.host_calls.bytes_max => {
                Err(HostCallError::TooLarge {})
            }
            HostCallOutcome::Returned { output } => Ok(output),
            HostCallOutcome::Threw { message } => Err(HostCallError::Failed { message }),
        };
        self.host_calls.settle(call, result, held);
    }

    /// Ends the VM at once; requests under way are answered with `ERR_CANCELLED`.
    pub(crate) fn dispose(&self) {
        self.disposed.store(true, Ordering::Release);
        self.process.kill();
    }

    async fn send(&self, command: Command, mut held: Held) {
        self.incoming.hold(held.bytes(), &mut held).await;
        // Taken as long as this handle is there, also when the VM is not.
        let _ = self.commands.send((command, held)).await;
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.dispose();
    }
}

/// Starts the task of a claimed worker, which may still be making its VM.
pub(super) fn start(
    worker: Worker,
    permits: (OwnedSemaphorePermit, Channel),
    config: &CreateVmConfig,
    outside: Outside,
) -> (Vm, mpsc::Receiver<Event>) {
    let (commands, mut commands_receiver) = mpsc::channel(COMMANDS_QUEUED);
    let (events, events_receiver) = mpsc::channel(EVENTS_QUEUED);
    let host_calls = outside.host_calls.clone();
    let Worker { process, mut ended, reader, writer, engine, is_made, .. } = worker;
    let process = Arc::new(process);
    let mut task = Task::new((reader, writer), events, config, outside, is_made);
    let killer = process.clone();
    let disposed = Arc::new(AtomicBool::new(false));
    let was_disposed = disposed.clone();
    tokio::spawn(async move {
        let ended_well = task.run(&mut commands_receiver).await;
        killer.kill();
        let mut reason = task.reason();
        if was_disposed.load(Ordering::Acquire) {
            reason = Some(ErrorData::new(code::CANCELLED, "the VM was disposed of"));
        }
        let mut error = loss(&mut ended, reason, Path::new("worker")).await;
        if let Err(problem) = ended_well {
            error.details.insert("channel".into(), problem);
        }
        if let Some(names) = task.refused_calls() {
            error.details.insert("refusedCalls".into(), names);
        }
        let events = task.end(&error).await;
        drop(permits);
        let _ = events.send((VmEvent::Lost { error: error.clone() }, Held::default())).await;
        // Some were on their way, and others come until whoever created the VM has heard of it.
        while let Some((command, held)) = commands_receiver.recv().await {
            if let Some(id) = command.answered_as() {
                // The worker has not heard of these.
                let result = Err(error.clone().progress(Progress::NotStarted));
                let _ = events.send((VmEvent::Response { id, result }, held)).await;
            }
        }
    });
    let incoming = Budget::new(VM_BYTES);
    (Vm { commands, incoming, host_calls, process, engine, disposed }, events_receiver)
}
