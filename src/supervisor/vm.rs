//! One VM, as the supervisor holds it: the task that speaks with its worker, decides its calls and reports its end.
//!
//! What comes from the worker is hostile input: ids that nobody asked about are dropped, calls are decided here
//! whatever the worker has decided, a frame that is none ends the VM, and so does not ending what it is told to end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::MissedTickBehavior;

use super::artifacts::Artifacts;
use super::channel::{Reader, Writer};
use super::host_calls::HostCalls;
use super::launcher::client::Process;
use super::outside::HostMounts;
use super::overdue::{ANSWER_TIME, Overdue, TICK};
use super::worker::{CLAIM_TIMEOUT, Worker, loss, not_claimed};
use protocol::abi::HostCallError;
use protocol::broker::{BrokerCall, BrokerReply, CALLS_MAX, ClaimedMount, FromWorker, ToWorker};
use protocol::config::{CreateVmConfig, Mount};
use protocol::engine::EngineReport;
use protocol::policy::{Policy, Scope};
use protocol::wire::{
    Bytes, ErrorData, HostCallOutcome, OutputStream, RequestUpdate, VmRequest, VmResponse, code,
};

/// Messages for a worker that wait for its channel; a full queue makes whoever sends more wait. That is never for long:
/// a worker reads promptly whatever its guest does, and one that does not is ended.
const COMMANDS_QUEUED: usize = 64;
/// Events that wait for whoever created the VM; a full queue stops reading from the worker.
const EVENTS_QUEUED: usize = 256;

/// Names of refused system calls that are kept of one VM, and how long one may be.
const REFUSED_CALLS_MAX: usize = 32;
const CALL_NAME_MAX: usize = 32;

/// What happens in a VM. Fields are those of the wire's messages of the same name.
#[derive(Debug)]
#[allow(missing_docs, reason = "variants are documented; their fields are the wire's")]
pub enum VmEvent {
    /// A request is answered.
    Response { id: u64, result: Result<VmResponse, ErrorData> },
    /// A request's program has started.
    Started { id: u64, pid: u32 },
    /// Output of a request that streams.
    Output { id: u64, stream: OutputStream, data: Bytes },
    /// Standard input was taken.
    InputTaken { id: u64, bytes: u64 },
    /// Guest code calls a host function; answered by [`Vm::host_result`].
    HostCall { call: u64, name: String, input: String },
    /// The VM ended by itself. Requests that are made all the same are answered with this error.
    Lost { error: ErrorData },
}

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

/// A running VM. Dropping it ends it. What is sent to it waits while its worker has much to read already.
pub struct Vm {
    commands: mpsc::Sender<Command>,
    host_calls: Arc<HostCalls>,
    process: Arc<Process>,
    engine: EngineReport,
    disposed: Arc<AtomicBool>,
}

impl Vm {
    /// What runs the VM.
    pub fn engine(&self) -> &EngineReport {
        &self.engine
    }

    /// Asks the VM for something; answered by [`VmEvent::Response`] with that id.
    pub async fn request(&self, id: u64, request: VmRequest) {
        self.send(Command::Request { id, request }).await;
    }

    /// Cancels a request, which is still answered, or gives it input or credit.
    pub async fn update(&self, id: u64, update: RequestUpdate) {
        self.send(Command::Update { id, update }).await;
    }

    /// Shows a host directory; answered like a request.
    pub async fn mount(&self, id: u64, mount: Mount) {
        self.send(Command::Mount { id, mount }).await;
    }

    /// Takes a mount away; answered like a request.
    pub async fn unmount(&self, id: u64, guest: String) {
        self.send(Command::Unmount { id, guest }).await;
    }

    /// Answers a host call. One that is not open (any more) is ignored.
    pub fn host_result(&self, call: u64, outcome: HostCallOutcome) {
        self.host_calls.settle(
            call,
            match outcome {
                HostCallOutcome::Returned { output } if output.len() as u64 > self.host_calls.bytes_max => {
                    Err(HostCallError::TooLarge {})
                }
                HostCallOutcome::Returned { output } => Ok(output),
                HostCallOutcome::Threw { message } => Err(HostCallError::Failed { message }),
            },
        );
    }

    /// Ends the VM at once; requests under way are answered with `ERR_CANCELLED`.
    pub fn dispose(&self) {
        self.disposed.store(true, Ordering::Release);
        self.process.kill();
    }

    async fn send(&self, command: Command) {
        // Taken as long as this handle is there, also when the VM is not.
        let _ = self.commands.send(command).await;
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.dispose();
    }
}

/// The answer to a call of the worker's, with a file if it announces one.
pub(super) struct Answer {
    pub(super) call: u64,
    pub(super) reply: BrokerReply,
    pub(super) file: Option<Arc<std::fs::File>>,
}

/// Starts the task of a claimed worker, which may still be making its VM.
pub(super) fn start(
    worker: Worker,
    permit: OwnedSemaphorePermit,
    config: &CreateVmConfig,
    policy: Policy,
    mounts: HostMounts,
    artifacts: Arc<Artifacts>,
) -> (Vm, mpsc::Receiver<VmEvent>) {
    let (commands, mut commands_receiver) = mpsc::channel(COMMANDS_QUEUED);
    let (events, events_receiver) = mpsc::channel(EVENTS_QUEUED);
    let (answers, answers_receiver) = mpsc::channel(CALLS_MAX);
    let host_calls = Arc::new(HostCalls::new(&config.limits));
    let Worker { process, mut ended, reader, writer, engine, is_made, .. } = worker;
    let process = Arc::new(process);
    let task = Task {
        reader,
        writer,
        events,
        answers,
        made_by: (!is_made).then(|| Instant::now() + CLAIM_TIMEOUT),
        pending: HashSet::new(),
        open_calls: HashMap::new(),
        overdue: Overdue::new(&config.limits),
        worker_has_read: false,
        client_held_up: false,
        requests_max: config.limits.calls as usize * 2,
        host_functions: config.host_functions.iter().cloned().collect(),
        policy: Arc::new(policy),
        mounts: Arc::new(mounts),
        artifacts,
        host_calls: host_calls.clone(),
        refused_calls: BTreeSet::new(),
        reason: None,
    };
    let killer = process.clone();
    let disposed = Arc::new(AtomicBool::new(false));
    let was_disposed = disposed.clone();
    tokio::spawn(async move {
        let mut task = task;
        let ended_well = task.run(&mut commands_receiver, answers_receiver).await;
        killer.kill();
        if was_disposed.load(Ordering::Acquire) {
            task.reason = Some(ErrorData::new(code::CANCELLED, "the VM was disposed of"));
        }
        let mut error = loss(&mut ended, task.reason.take(), Path::new("worker")).await;
        if let Err(problem) = ended_well {
            error.details.insert("channel".into(), problem);
        }
        if !task.refused_calls.is_empty() {
            let names: Vec<String> = std::mem::take(&mut task.refused_calls).into_iter().collect();
            error.details.insert("refusedCalls".into(), names.join(" "));
        }
        task.host_calls.clear();
        for id in std::mem::take(&mut task.pending) {
            let _ = task.events.send(VmEvent::Response { id, result: Err(error.clone()) }).await;
        }
        drop(permit);
        let _ = task.events.send(VmEvent::Lost { error: error.clone() }).await;
        // Some were on their way, and others come until whoever created the VM has heard of it.
        while let Some(command) = commands_receiver.recv().await {
            if let Some(id) = command.answered_as() {
                let _ = task.events.send(VmEvent::Response { id, result: Err(error.clone()) }).await;
            }
        }
    });
    (Vm { commands, host_calls, process, engine, disposed }, events_receiver)
}

/// Who answers a call of the worker's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    /// We do, since then. The thread that asks may be the one that should end a call.
    Supervisor { since: Instant },
    /// Whoever created the VM. No thread of the worker waits for that.
    Client,
}

struct Task {
    reader: Reader,
    writer: Writer,
    events: mpsc::Sender<VmEvent>,
    answers: mpsc::Sender<Answer>,
    /// Until when the worker has to have made its VM, if it has not.
    made_by: Option<Instant>,
    pending: HashSet<u64>,
    /// The worker's calls that are not answered, and for whom it waits.
    open_calls: HashMap<u64, WaitsFor>,
    overdue: Overdue,
    /// Since the last tick the worker has taken something.
    worker_has_read: bool,
    /// Since the last tick something had to wait for whoever created the VM.
    client_held_up: bool,
    requests_max: usize,
    host_functions: HashSet<String>,
    policy: Arc<Policy>,
    mounts: Arc<HostMounts>,
    artifacts: Arc<Artifacts>,
    host_calls: Arc<HostCalls>,
    /// System calls that the worker says its enclosure has refused to it.
    refused_calls: BTreeSet<String>,
    reason: Option<ErrorData>,
}

impl Task {
    /// Until the channel closes, or breaks with what is told here.
    async fn run(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        mut answers: mpsc::Receiver<Answer>,
    ) -> Result<(), String> {
        let mut clock = tokio::time::interval(TICK);
        // A tick stands for a second in which the worker was listened to, so none are made up for.
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                message = self.reader.next() => match message.map_err(|error| error.to_string())? {
                    Some(message) => self.on_message(message).await,
                    None => return Ok(()),
                },
                Some(answer) = answers.recv() => self.on_answer(answer),
                command = commands.recv(), if self.writer.has_room() => match command {
                    Some(command) => self.on_command(command).await,
                    None => return Ok(()),
                },
                written = self.writer.write(), if !self.writer.is_empty() => {
                    self.worker_has_read = true;
                    written.map_err(|error| error.to_string())
                }
                () = self.host_calls.end_next() => Ok(()),
                _ = clock.tick(), if self.waits_for_worker() => {
                    if self.made_by.is_some_and(|end| end <= Instant::now()) {
                        self.reason = Some(not_claimed());
                        return Ok(());
                    }
                    if self.is_overdue() {
                        self.reason = Some(unresponsive());
                        return Ok(());
                    }
                    Ok(())
                }
            };
            step?;
        }
    }

    async fn on_command(&mut self, command: Command) -> Result<(), String> {
        let message = match command {
            Command::Request { id, request } => {
                if self.pending.len() >= self.requests_max {
                    let error =
                        ErrorData::new(code::LIMIT, "too many requests under way").field("limits.calls");
                    return self.respond_now(id, Err(error)).await;
                }
                self.pending.insert(id);
                self.overdue.begin(id, &request);
                ToWorker::Request { id, request }
            }
            Command::Mount { id, mount } => match self.open_mount(mount).await {
                Ok(mount) => {
                    self.pending.insert(id);
                    ToWorker::Mount { id, mount }
                }
                Err(error) => return self.respond_now(id, Err(error)).await,
            },
            Command::Unmount { id, guest } => {
                self.mounts.close(&guest);
                self.pending.insert(id);
                ToWorker::Unmount { id, guest }
            }
            Command::Update { id, update } => {
                if let RequestUpdate::Cancel {} = update {
                    self.overdue.cancel(id);
                }
                ToWorker::Update { id, update }
            }
        };
        self.writer.push(&message, None).map_err(|error| error.to_string())
    }

    /// Whether there is anything that the worker has to do in some time.
    fn waits_for_worker(&self) -> bool {
        self.made_by.is_some() || !self.pending.is_empty() || !self.writer.is_empty()
    }

    /// Whether the worker has left unanswered for too long what it was told to end. A second in which it waited for us,
    /// for a slow host directory or code that is being compiled, or we for the client, does not count. One full of quick
    /// questions does, or a worker could put off its end by asking.
    fn is_overdue(&mut self) -> bool {
        let waited = |waits_for: &WaitsFor| matches!(waits_for, WaitsFor::Supervisor { since } if since.elapsed() >= TICK);
        let waited = self.open_calls.values().any(waited);
        let unread = !std::mem::take(&mut self.worker_has_read) && !self.writer.is_empty();
        let held_up = std::mem::take(&mut self.client_held_up);
        if held_up || waited {
            return false;
        }
        self.overdue.tick(unread)
    }

    async fn open_mount(&self, mount: Mount) -> Result<ClaimedMount, ErrorData> {
        mount.check("mount").map_err(ErrorData::from)?;
        let mounts = self.mounts.clone();
        tokio::task::spawn_blocking(move || mounts.open(&mount, "mount"))
            .await
            .unwrap_or_else(|error| Err(ErrorData::new(code::INTERNAL, error.to_string())))
    }

    async fn on_message(&mut self, message: FromWorker) -> Result<(), String> {
        match message {
            FromWorker::Response { id, response: mut result } => {
                distrust(&mut result);
                if self.pending.remove(&id) {
                    self.overdue.answered(id);
                    self.emit(VmEvent::Response { id, result }).await;
                }
            }
            FromWorker::Started { id, pid } if self.pending.contains(&id) => {
                self.emit(VmEvent::Started { id, pid }).await;
            }
            FromWorker::Output { id, stream, data } if self.pending.contains(&id) => {
                self.emit(VmEvent::Output { id, stream, data }).await;
            }
            FromWorker::InputTaken { id, bytes } if self.pending.contains(&id) => {
                self.emit(VmEvent::InputTaken { id, bytes }).await;
            }
            FromWorker::Started { .. } | FromWorker::Output { .. } | FromWorker::InputTaken { .. } => {}
            FromWorker::Dying { error } => self.reason = Some(error),
            FromWorker::RefusedCalls { calls } => self.note_refused(calls),
            FromWorker::Call { call, body } => self.on_call(call, body).await?,
            FromWorker::Claimed {} if self.made_by.is_some() => self.made_by = None,
            FromWorker::Refused { error } if self.made_by.is_some() => self.reason = Some(error),
            FromWorker::Ready { .. } | FromWorker::Claimed {} | FromWorker::Refused { .. } => {
                return Err("the worker spoke out of turn".to_owned());
            }
        }
        Ok(())
    }

    async fn on_call(&mut self, call: u64, body: BrokerCall) -> Result<(), String> {
        let waits_for = match &body {
            BrokerCall::HostFilesystem { .. } | BrokerCall::CommandArtifact { .. } => {
                WaitsFor::Supervisor { since: Instant::now() }
            }
            BrokerCall::HostFunction { .. } => WaitsFor::Client,
        };
        if self.open_calls.len() >= CALLS_MAX || self.open_calls.insert(call, waits_for).is_some() {
            return Err("the worker has too many calls under way, or two with one number".to_owned());
        }
        let answers = self.answers.clone();
        match body {
            BrokerCall::HostFilesystem { mount, request } => {
                let mounts = self.mounts.clone();
                tokio::task::spawn_blocking(move || {
                    let result = mounts.answer(mount, request);
                    let _ = answers.try_send(Answer {
                        call,
                        reply: BrokerReply::HostFilesystem { result },
                        file: None,
                    });
                });
            }
            BrokerCall::CommandArtifact { module } => {
                let artifacts = self.artifacts.clone();
                tokio::task::spawn_blocking(move || {
                    let (result, file) = match artifacts.get(&module) {
                        Ok((file, length)) => (Ok(length), Some(file)),
                        Err(error) => (Err(error), None),
                    };
                    let _ = answers.try_send(Answer {
                        call,
                        reply: BrokerReply::CommandArtifact { result },
                        file,
                    });
                });
            }
            BrokerCall::HostFunction { name, input } => self.call_host_function(call, name, input).await,
        }
        Ok(())
    }

    async fn call_host_function(&mut self, call: u64, name: String, input: String) {
        let refused = if !self.host_functions.contains(&name) {
            Some(HostCallError::Unknown {})
        } else if !self.policy.allows(Scope::HostFunctions, "call", &name) {
            Some(HostCallError::Denied {})
        } else if input.len() as u64 > self.host_calls.bytes_max {
            Some(HostCallError::TooLarge {})
        } else {
            None
        };
        self.host_calls.begin(call, self.answers.clone());
        if let Some(error) = refused {
            self.host_calls.settle(call, Err(error));
            return;
        }
        self.emit(VmEvent::HostCall { call, name, input }).await;
    }

    /// Keeps the names for the error that tells of the VM's end.
    fn note_refused(&mut self, calls: Vec<String>) {
        let are_names =
            |name: &String| name.len() <= CALL_NAME_MAX && name.bytes().all(|byte| byte.is_ascii_graphic());
        for name in calls.into_iter().filter(are_names) {
            if self.refused_calls.len() < REFUSED_CALLS_MAX {
                self.refused_calls.insert(name);
            }
        }
    }

    fn on_answer(&mut self, answer: Answer) -> Result<(), String> {
        self.open_calls.remove(&answer.call);
        let message = ToWorker::Reply { call: answer.call, reply: answer.reply };
        self.writer.push(&message, answer.file).map_err(|error| error.to_string())
    }

    async fn respond_now(&mut self, id: u64, result: Result<VmResponse, ErrorData>) -> Result<(), String> {
        self.emit(VmEvent::Response { id, result }).await;
        Ok(())
    }

    async fn emit(&mut self, event: VmEvent) {
        // Whoever created the VM is gone only when the VM is, too.
        if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            let _ = self.events.send(event).await;
            self.client_held_up = true;
        }
    }
}

/// Marks what a worker cannot know.
fn distrust(result: &mut Result<VmResponse, ErrorData>) {
    match result {
        Err(error) => error.distrust(),
        Ok(VmResponse::Executed { result }) => {
            if let Some(error) = &mut result.error {
                error.distrust();
            }
        }
        Ok(_) => {}
    }
}

fn unresponsive() -> ErrorData {
    let seconds = ANSWER_TIME.as_secs();
    ErrorData::new(
        code::UNRESPONSIVE,
        format!(
            "the VM was ended because it did not end a call, or read what was sent to it, for {seconds} s"
        ),
    )
    .hint("make another VM; some of what was running in this one could not be interrupted")
}
