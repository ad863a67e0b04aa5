//! The task of one VM: speaks with its worker, decides its calls, and ends it when it breaks the protocol.
//!
//! What comes from the worker is hostile input: calls are decided here whatever the worker has decided, what it sends
//! without credit or out of turn ends the VM, and so do a frame that is none and not ending what it is told to end. The
//! task waits for nobody but in one place, so a client that reads nothing keeps no deadline from being held.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::MissedTickBehavior;

use super::calls::{Answer, Calls, DONE_MAX, Done, HOST_FS_TIME};
use super::decisions::{PULL_TIME, Takes};
use super::overdue::{ANSWER_TIME, Overdue, TICK};
use super::requests::{Kind, OutOfTurn, Requests, Told};
use super::{Command, Commands, EVENTS_QUEUED, Event, Outside, VM_BYTES, VmEvent};
use crate::supervisor::budget::{Budget, Held};
use crate::supervisor::channel::{ChannelError, Reader, Writer};
use crate::supervisor::worker::{CLAIM_TIMEOUT, not_claimed};
use protocol::abi::{ConnectionEvent, Errno, HostCallError, NetworkError, NetworkErrorCode};
use protocol::broker::{BrokerCall, BrokerReply, ClaimedMount, FromWorker, ToWorker};
use protocol::config::{Access, CreateVmConfig, Mount, NetworkScope};
use protocol::policy::Scope;
use protocol::wire::{
    DecisionBatch, DecisionScope, DecisionWatch, ErrorData, Progress, RequestUpdate, VmRequest, VmResponse,
    code,
};

/// Names of refused system calls that are kept of one VM, and how long one may be.
const REFUSED_CALLS_MAX: usize = 32;
const CALL_NAME_MAX: usize = 32;

/// Characters of each text of the reason that a worker gives for its end. Everybody who waits for it is told.
const REASON_CHARS_MAX: usize = 2000;

/// Bytes of answers that may wait for a worker to take them. One that asks for more without reading is ended.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(super) struct Task {
    reader: Reader,
    writer: Writer,
    events: mpsc::Sender<Event>,
    /// Events that whoever created the VM has had no room for. While there are any the worker is not listened to.
    unsent: VecDeque<Event>,
    /// What the worker's messages hold until whoever created the VM has dealt with them.
    outgoing: Budget,
    requests: Requests,
    requests_max: usize,
    connections_max: usize,
    calls: Calls,
    done: mpsc::Receiver<Done>,
    overdue: Overdue,
    /// Until when the worker has to have made its VM, if it has not.
    made_by: Option<Instant>,
    /// Since the last tick the worker has taken something.
    worker_has_read: bool,
    /// The worker was asked for a sign of life and has given none.
    pinged: bool,
    host_functions: HashSet<String>,
    outside: Outside,
    /// Who wants to be told of decisions.
    takes: Takes,
    /// System calls that the worker says its enclosure has refused to it.
    refused_calls: BTreeSet<String>,
    reason: Option<ErrorData>,
}

/// Messages of a worker that are still taken once nothing can be written to it, and for how long.
const LAST_WORDS: usize = 64;
const LAST_WORDS_TIME: Duration = Duration::from_millis(500);

impl Task {
    pub(super) fn new(
        (reader, writer): (Reader, Writer),
        events: mpsc::Sender<Event>,
        config: &CreateVmConfig,
        outside: Outside,
        is_made: bool,
    ) -> Task {
        let requests_max = config.limits.calls as usize * 2;
        let (sender, done) = mpsc::channel(DONE_MAX + requests_max);
        let told = sender.downgrade();
        outside.egress.tell_by(Box::new(move |connection, event| {
            // There is room for what can become of every connection that the VM may have.
            if let Some(told) = told.upgrade() {
                let _ = told.try_send(Done::Connection { connection, event });
            }
        }));
        Task {
            reader,
            writer,
            events,
            unsent: VecDeque::new(),
            outgoing: Budget::new(VM_BYTES),
            requests: Requests::default(),
            requests_max,
            // The worker refuses what is above its limit; until it has, as many more are on their way.
            connections_max: 2 * config.limits.inbound_connections as usize,
            calls: Calls::new(sender),
            done,
            overdue: Overdue::new(&config.limits),
            made_by: (!is_made).then(|| Instant::now() + CLAIM_TIMEOUT),
            worker_has_read: false,
            pinged: false,
            host_functions: config.host_functions.iter().cloned().collect(),
            outside,
            takes: Takes::default(),
            refused_calls: BTreeSet::new(),
            reason: None,
        }
    }

    /// Until the channel closes, or breaks with what is told here.
    pub(super) async fn run(&mut self, commands: &mut Commands) -> Result<(), String> {
        let mut clock = tokio::time::interval(TICK);
        // A tick stands for a second in which the worker was listened to, so none are made up for.
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pull = tokio::time::interval(PULL_TIME);
        pull.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                message = next(&mut self.reader, &self.outgoing), if self.unsent.is_empty() => {
                    match message.map_err(|error| error.to_string())? {
                        Some((message, held)) => self.on_message(message, held),
                        None => return Ok(()),
                    }
                }
                () = room(&self.events), if !self.unsent.is_empty() => {
                    if let Some((event, held)) = self.unsent.pop_front()
                        && let Some(unsent) = self.offer(event, held)
                    {
                        self.unsent.push_front(unsent);
                    }
                    Ok(())
                }
                Some(done) = self.done.recv() => self.on_done(done),
                _ = pull.tick(), if self.takes.is_waited_for() => {
                    if self.takes.pull() { self.ask_for_decisions() } else { Ok(()) }
                }
                command = commands.recv(), if self.takes_commands() => match command {
                    Some((command, held)) => self.on_command(command, held),
                    None => return Ok(()),
                },
                written = self.writer.write(), if !self.writer.is_empty() => {
                    self.worker_has_read = true;
                    match written {
                        Ok(()) => Ok(()),
                        Err(error) => {
                            self.hear_last_words().await;
                            Err(error.to_string())
                        }
                    }
                }
                () = self.outside.host_calls.end_next() => Ok(()),
                _ = clock.tick(), if self.waits_for_worker() => match self.on_tick() {
                    Some(reason) => {
                        self.reason = Some(reason);
                        return Ok(());
                    }
                    None => Ok(()),
                },
            };
            step?;
        }
    }

    /// What a worker that reads no more has said before, which may be why: only so much, and only for so long.
    async fn hear_last_words(&mut self) {
        let heard = async {
            for _ in 0..LAST_WORDS {
                match next(&mut self.reader, &self.outgoing).await {
                    Ok(Some((message, held))) if self.unsent.is_empty() => {
                        if self.on_message(message, held).is_err() {
                            return;
                        }
                    }
                    _ => return,
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS_TIME, heard).await;
    }

    /// Why the VM ended, if the task or the worker knew.
    pub(super) fn reason(&mut self) -> Option<ErrorData> {
        self.reason.take()
    }

    /// The names of the system calls that were refused to the worker, if any were.
    pub(super) fn refused_calls(&mut self) -> Option<String> {
        let names: Vec<String> = std::mem::take(&mut self.refused_calls).into_iter().collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// Answers all requests with why the VM is gone, after what was to be told before. Gives back where more can be told.
    pub(super) async fn end(mut self, error: &ErrorData) -> mpsc::Sender<Event> {
        let error = error.clone().progress(Progress::Unknown);
        self.outside.host_calls.clear();
        for event in self.unsent {
            let _ = self.events.send(event).await;
        }
        // What was decided last is told before.
        if let Some(id) = self.takes.waited()
            && !self.outside.policy.journal().is_empty()
            && self.requests.end(id).is_some()
        {
            let batch = self.outside.policy.journal().take();
            let event = VmEvent::Response { id, result: Ok(VmResponse::Decisions { batch }) };
            let _ = self.events.send((event, Held::default())).await;
        }
        for id in self.requests.end_all() {
            let event = VmEvent::Response { id, result: Err(error.clone()) };
            let _ = self.events.send((event, Held::default())).await;
        }
        self.events
    }

    fn on_command(&mut self, command: Command, held: Held) -> Result<(), String> {
        if let Some(id) = command.answered_as()
            && let Some(field) = self.full(&command)
        {
            let error = ErrorData::new(code::LIMIT, "too many requests under way").field(field);
            self.respond(id, Err(error.progress(Progress::NotStarted)));
            return Ok(());
        }
        let message = match command {
            Command::Request { id, request: VmRequest::WatchDecisions { watch } } => {
                return self.watch_decisions(id, watch);
            }
            Command::Request { id, request: VmRequest::TakeDecisions { wait } } => {
                self.take_decisions(id, wait);
                return Ok(());
            }
            Command::Request { id, request: VmRequest::SetNetwork { network } } => {
                self.set_network(id, &network);
                return Ok(());
            }
            Command::Request { id, request: VmRequest::NetworkUsage {} } => {
                self.requests.begin_as(id, Kind::Supervisor);
                let (egress, done) = (self.outside.egress.clone(), self.calls.done());
                tokio::spawn(async move {
                    let _ = done.try_send(Done::Usage { id, usage: egress.usage().await });
                });
                return Ok(());
            }
            Command::Request { id, request } => {
                self.requests.begin(id, &request);
                self.overdue.begin(id, &request);
                ToWorker::Request { id, request }
            }
            Command::Mount { id, mount } => {
                self.open_mount(id, mount);
                return Ok(());
            }
            Command::Unmount { id, guest } => {
                self.requests.begin_as(id, Kind::Unmounting(self.outside.mounts.at(&guest)));
                ToWorker::Unmount { id, guest }
            }
            Command::Update { id, update } => {
                if let RequestUpdate::Cancel {} = update {
                    if self.takes.waits(id) {
                        self.takes.waited();
                        self.requests.end(id);
                        self.respond(id, Err(ErrorData::new(code::CANCELLED, "nobody waits any more")));
                        return Ok(());
                    }
                    self.overdue.cancel(id);
                }
                match self.requests.update(id, update) {
                    Some(update) => ToWorker::Update { id, update },
                    None => return Ok(()),
                }
            }
        };
        self.tell(&message, held)
    }

    /// Has decisions kept, here and in the worker and where requests are read, and those that are over told to who waits.
    fn watch_decisions(&mut self, id: u64, watch: DecisionWatch) -> Result<(), String> {
        let journal = self.outside.policy.journal();
        // What the worker allows of files and variables it tells itself.
        journal.watch(watch);
        let egress = self.outside.egress.clone();
        tokio::spawn(async move {
            let _ = egress.hold_all().await;
        });
        if watch == DecisionWatch::Off
            && let Some(waited) = self.takes.waited()
        {
            self.requests.end(waited);
            let batch = DecisionBatch::default();
            self.respond(waited, Ok(VmResponse::Decisions { batch }));
        }
        self.respond(id, Ok(VmResponse::Done {}));
        self.tell(&ToWorker::WatchDecisions { watch }, Held::default())
    }

    fn take_decisions(&mut self, id: u64, wait: bool) {
        self.requests.begin_as(id, Kind::Supervisor);
        if !wait {
            // What was told on the way here is heard before.
            let (egress, done) = (self.outside.egress.clone(), self.calls.done());
            tokio::spawn(async move {
                egress.usage().await;
                let _ = done.try_send(Done::Settled { id });
            });
        } else if self.outside.policy.journal().watching() == DecisionWatch::Off {
            self.tell_decisions(id);
        } else if let Some(before) = self.takes.wait(id) {
            self.tell_decisions(before);
        }
    }

    /// Answers a request with the decisions that were not told.
    fn tell_decisions(&mut self, id: u64) {
        if self.requests.end(id).is_some() {
            let batch = self.outside.policy.journal().take();
            self.respond(id, Ok(VmResponse::Decisions { batch }));
        }
    }

    fn ask_for_decisions(&mut self) -> Result<(), String> {
        self.tell(&ToWorker::TakeDecisions {}, Held::default())
    }

    /// The worker tells what it has decided: of all but what is decided here, and of the network what it has not asked for.
    fn on_decisions(&mut self, batch: DecisionBatch) -> Result<(), String> {
        let Some((told, again)) = self.takes.answered() else {
            return Err("the worker spoke out of turn".to_owned());
        };
        self.outside.policy.journal().merge(batch, |made| match made.scope {
            DecisionScope::HostFunctions => false,
            DecisionScope::Network => made.decision == Access::Deny,
            _ => true,
        });
        if (!told.is_empty() || !self.outside.policy.journal().is_empty())
            && let Some(waited) = self.takes.waited()
        {
            self.tell_decisions(waited);
        }
        for id in told {
            self.tell_decisions(id);
        }
        if again { self.ask_for_decisions() } else { Ok(()) }
    }

    /// Puts other rules of the network in place: here at once, then where connections are, and then in the worker.
    fn set_network(&mut self, id: u64, network: &serde_json::Value) {
        let egress = self.outside.egress.clone();
        let set = NetworkScope::from_json(network).and_then(|scope| egress.set_rules(&scope));
        if let Err(error) = set {
            return self.respond(id, Err(error.into()));
        }
        self.requests.begin_as(id, Kind::Supervisor);
        let done = self.calls.done();
        tokio::spawn(async move {
            let result = egress.hold_all().await.map_err(|error| {
                let text = format!(
                    "the rules are in force for all that is new; connections are held up: {}",
                    error.message
                );
                ErrorData::new(code::TIMED_OUT, text)
            });
            let _ = done.try_send(Done::RulesSet { id, result });
        });
    }

    /// The limit that such a request is one too many for, if so.
    fn full(&self, command: &Command) -> Option<&'static str> {
        match command {
            Command::Request { request: VmRequest::Connect { .. }, .. } => {
                // None at all may be allowed, which the worker says.
                let is_full = self.requests.connections() >= self.connections_max.max(1);
                is_full.then_some("limits.inboundConnections")
            }
            _ => (self.requests.len() >= self.requests_max).then_some("limits.calls"),
        }
    }

    /// Not while much waits for the worker, or for whoever would be told that it is refused.
    fn takes_commands(&self) -> bool {
        self.writer.has_room() && self.unsent.len() < EVENTS_QUEUED
    }

    fn tell(&mut self, message: &ToWorker, held: Held) -> Result<(), String> {
        self.writer.push(message, None, held).map_err(|error| error.to_string())
    }

    /// Whether there is anything that has to happen in some time.
    fn waits_for_worker(&self) -> bool {
        self.made_by.is_some() || !self.requests.is_empty() || !self.writer.is_empty()
    }

    /// Looks for what is late, once a second while there is something that can be. Answers why the VM must end, if so.
    fn on_tick(&mut self) -> Option<ErrorData> {
        let now = Instant::now();
        self.calls.end_late();
        for id in now.checked_sub(HOST_FS_TIME).map_or(Vec::new(), |then| self.requests.opening_since(then)) {
            let text = format!("mount.host: it could not be opened in {} s", HOST_FS_TIME.as_secs());
            self.requests.end(id);
            self.respond(id, Err(ErrorData::new(code::TIMED_OUT, text).field("mount.host")));
        }
        if self.made_by.is_some_and(|end| end <= now) {
            return Some(not_claimed());
        }
        if self.is_overdue() {
            return Some(unresponsive());
        }
        if !self.pinged && self.made_by.is_none() {
            self.pinged = self.tell(&ToWorker::Ping {}, Held::default()).is_ok();
        }
        None
    }

    /// Whether the worker has left unanswered for too long what it was told to end, or what it was sent, or whether it
    /// lives. A second in which it waited for us, for a slow host directory or code that is being compiled, or we for the
    /// client, does not count. One full of quick questions does, or a worker could put off its end by asking.
    fn is_overdue(&mut self) -> bool {
        let unread = !std::mem::take(&mut self.worker_has_read) && !self.writer.is_empty();
        let waits_for_client = !self.unsent.is_empty() || self.reader.has_message();
        if waits_for_client || self.calls.waited_for(TICK) {
            return false;
        }
        self.overdue.tick(unread || self.pinged)
    }

    /// Opens a host directory for a request, beside this task: one that hangs holds up nothing else.
    fn open_mount(&mut self, id: u64, mount: Mount) {
        if let Err(error) = mount.check("mount") {
            self.respond(id, Err(error.into()));
            return;
        }
        self.requests.begin_as(id, Kind::Opening(Instant::now()));
        let (mounts, done) = (self.outside.mounts.clone(), self.calls.done());
        tokio::task::spawn_blocking(move || {
            let result = mounts.open(&mount, "mount");
            // There is room for one of each request. If the VM is gone its mounts are, too.
            let _ = done.try_send(Done::Opened { id, result });
        });
    }

    fn on_opened(&mut self, id: u64, result: Result<ClaimedMount, ErrorData>) -> Result<(), String> {
        // A request that waited too long has been answered.
        let waiting = self.requests.end(id).is_some();
        match result {
            Ok(mount) if waiting => {
                self.requests.begin_as(id, Kind::Mounting(mount.mount));
                self.tell(&ToWorker::Mount { id, mount }, Held::default())
            }
            Ok(mount) => {
                self.outside.mounts.close(mount.mount);
                Ok(())
            }
            Err(error) => {
                if waiting {
                    self.respond(id, Err(error));
                }
                Ok(())
            }
        }
    }

    fn on_message(&mut self, message: FromWorker, held: Held) -> Result<(), String> {
        let out_of_turn = |error: OutOfTurn| error.to_string();
        match message {
            FromWorker::Response { id, response } => self.on_response(id, response, held)?,
            FromWorker::Started { id, pid } => {
                if self.requests.started(id).map_err(out_of_turn)? == Told::Client {
                    self.emit(VmEvent::Started { id, pid }, held);
                }
            }
            FromWorker::Output { id, stream, data } => {
                if self.requests.output(id, stream, data.0.len()).map_err(out_of_turn)? == Told::Client {
                    self.emit(VmEvent::Output { id, stream, data }, held);
                }
            }
            FromWorker::InputTaken { id, bytes } => {
                if self.requests.input_taken(id, bytes).map_err(out_of_turn)? == Told::Client {
                    self.emit(VmEvent::InputTaken { id, bytes }, held);
                }
            }
            FromWorker::Connection { id, state } => {
                if self.requests.connection(id, state).map_err(out_of_turn)? == Told::Client {
                    self.overdue.connected(id);
                    self.emit(VmEvent::Connection { id, state }, held);
                }
            }
            FromWorker::Dying { error } => self.reason = Some(last_words(error)),
            FromWorker::RefusedCalls { calls } => self.note_refused(calls),
            FromWorker::Call { call, body } => self.on_call(call, body, held)?,
            FromWorker::Decisions { batch } => self.on_decisions(batch)?,
            FromWorker::Pong {} if self.pinged => self.pinged = false,
            FromWorker::Claimed {} if self.made_by.is_some() => self.made_by = None,
            FromWorker::Refused { error } if self.made_by.is_some() => {
                self.reason = Some(last_words(error));
            }
            FromWorker::Ready { .. }
            | FromWorker::Pong {}
            | FromWorker::Claimed {}
            | FromWorker::Refused { .. } => return Err("the worker spoke out of turn".to_owned()),
        }
        Ok(())
    }

    fn on_response(
        &mut self,
        id: u64,
        mut result: Result<VmResponse, ErrorData>,
        held: Held,
    ) -> Result<(), String> {
        if let Ok(response) = &result
            && !self.requests.takes(id, response)
        {
            // It is still open, and answered with the VM's end.
            return Err("the worker gave an answer of another kind".to_owned());
        }
        let Some(request) = self.requests.end(id) else {
            return Err("the worker answered what nobody had asked".to_owned());
        };
        self.overdue.answered(id);
        match (&request.kind, &result) {
            // A directory that the VM did not take, or gave up, is not kept open for it.
            (Kind::Mounting(mount), Err(_)) => self.outside.mounts.close(*mount),
            (Kind::Unmounting(mounts), Ok(_)) => {
                mounts.iter().for_each(|mount| self.outside.mounts.close(*mount))
            }
            _ => {}
        }
        distrust(&mut result);
        self.emit(VmEvent::Response { id, result }, held);
        Ok(())
    }

    fn on_call(&mut self, call: u64, body: BrokerCall, held: Held) -> Result<(), String> {
        match body {
            BrokerCall::HostFilesystem { mount, request } => {
                let client_paths = self.requests.client_paths();
                self.calls.host_fs(call, (mount, request), &self.outside.mounts, client_paths)
            }
            BrokerCall::CommandArtifact { module } => {
                self.calls.artifact(call, module, &self.outside.commands)
            }
            BrokerCall::GuestProgram { module } => {
                self.calls.guest_program(call, module.0, held, self.outside.programs.as_ref())
            }
            BrokerCall::HostFunction { name, input } => self.call_host_function(call, name, input, held),
            BrokerCall::LookUp { name } => self.calls.look_up(call, name, &self.outside.egress),
            BrokerCall::Connect { to } => self.calls.connect(call, to, &self.outside.egress),
            BrokerCall::StartTls { connection, request } => {
                self.calls.start_tls(call, (connection, request), held, &self.outside.egress)
            }
        }
    }

    fn call_host_function(
        &mut self,
        call: u64,
        name: String,
        input: String,
        held: Held,
    ) -> Result<(), String> {
        let host_calls = &self.outside.host_calls;
        let refused = if !self.host_functions.contains(&name) {
            Some(HostCallError::Unknown {})
        } else if !self.outside.policy.allows(Scope::HostFunctions, "call", &name) {
            Some(HostCallError::Denied {})
        } else if input.len() as u64 > host_calls.bytes_max {
            Some(HostCallError::TooLarge {})
        } else {
            None
        };
        self.calls.open_for_client(call)?;
        host_calls.begin(call, self.calls.done());
        match refused {
            Some(error) => host_calls.settle(call, Err(error), Held::default()),
            None => self.emit(VmEvent::HostCall { call, name, input }, held),
        }
        Ok(())
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

    fn on_done(&mut self, done: Done) -> Result<(), String> {
        match done {
            Done::Answer(answer) => self.on_answer(answer),
            Done::Opened { id, result } => self.on_opened(id, result),
            Done::Connection { connection, event } => {
                if !matches!(event, ConnectionEvent::Ended {}) {
                    self.outside.egress.forget(connection);
                }
                self.tell(&ToWorker::Outward { connection, event }, Held::default())
            }
            Done::RulesSet { id, result } => {
                self.requests.end(id);
                match result {
                    Ok(()) => {
                        self.requests.begin_as(id, Kind::SettingNetwork);
                        // Others may have come since.
                        let scope = self.outside.egress.scope();
                        self.tell(&ToWorker::SetNetwork { id, scope }, Held::default())
                    }
                    Err(error) => {
                        self.respond(id, Err(error));
                        Ok(())
                    }
                }
            }
            Done::Usage { id, usage } => {
                if self.requests.end(id).is_some() {
                    self.respond(id, Ok(VmResponse::NetworkUsage { usage }));
                }
                Ok(())
            }
            Done::Settled { id } => {
                if self.takes.ask(id) {
                    self.ask_for_decisions()
                } else {
                    Ok(())
                }
            }
        }
    }

    fn on_answer(&mut self, answer: Answer) -> Result<(), String> {
        let Answer { call, reply, file, mut held } = answer;
        let Some(slot) = self.calls.close(call) else {
            self.outside.mounts.forget(&reply);
            if let BrokerReply::Connect { result: Ok(connected) } = reply {
                self.outside.egress.give_up(connected.connection);
            }
            return Ok(());
        };
        held.join(slot);
        let message = ToWorker::Reply { call, reply };
        match self.writer.push(&message, file, held) {
            Err(ChannelError::Decode(_)) => {
                // Too long for a frame, which is the asker's affair and not the VM's end.
                let ToWorker::Reply { reply, .. } = message else { return Ok(()) };
                self.tell(&ToWorker::Reply { call, reply: too_long(reply) }, Held::default())?;
            }
            pushed => pushed.map_err(|error| error.to_string())?,
        }
        if self.writer.bytes() > ANSWER_BYTES_MAX {
            return Err("the worker does not take the answers that it asked for".to_owned());
        }
        Ok(())
    }

    fn respond(&mut self, id: u64, result: Result<VmResponse, ErrorData>) {
        self.emit(VmEvent::Response { id, result }, Held::default());
    }

    /// Tells whoever created the VM, now or when there is room.
    fn emit(&mut self, event: VmEvent, held: Held) {
        let unsent = if self.unsent.is_empty() { self.offer(event, held) } else { Some((event, held)) };
        self.unsent.extend(unsent);
    }

    /// Tells whoever created the VM if there is room; else gives it back. Nobody is there only when the VM is not, either.
    fn offer(&self, event: VmEvent, held: Held) -> Option<Event> {
        match self.events.try_send((event, held)) {
            Err(TrySendError::Full(unsent)) => Some(unsent),
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }
}

/// Waits until one more event can be sent. Only the task sends any.
async fn room(events: &mpsc::Sender<Event>) {
    drop(events.reserve().await);
}

/// The worker's next message, with what it holds; none at the end. Waits for room in the budget. Dropping the future
/// loses nothing.
async fn next(reader: &mut Reader, budget: &Budget) -> Result<Option<(FromWorker, Held)>, ChannelError> {
    let Some(weight) = reader.weigh().await? else { return Ok(None) };
    let mut held = Held::default();
    budget.hold(weight, &mut held).await;
    Ok(Some((reader.take()?, held)))
}

/// What is said in place of an answer that fits no frame.
fn too_long(reply: BrokerReply) -> BrokerReply {
    match reply {
        BrokerReply::HostFilesystem { .. } => BrokerReply::HostFilesystem { result: Err(Errno::Enomem) },
        BrokerReply::HostFunction { .. } => {
            BrokerReply::HostFunction { result: Err(HostCallError::TooLarge {}) }
        }
        BrokerReply::CommandArtifact { .. } => BrokerReply::CommandArtifact {
            result: Err(ErrorData::new(code::INTERNAL, "an answer that is longer than a frame")),
        },
        // None of these is ever as long.
        BrokerReply::LookUp { .. } => BrokerReply::LookUp { result: Err(no_room()) },
        BrokerReply::StartTls { .. } => BrokerReply::StartTls { result: Err(no_room()) },
        BrokerReply::Connect { .. } => BrokerReply::Connect { result: Err(no_room()) },
    }
}

fn no_room() -> NetworkError {
    NetworkError::new(NetworkErrorCode::Failed, "an answer that is longer than a frame")
}

/// Why a worker says that it ends, as it can be told to everybody who waits for it: without what only the supervisor can
/// know, and no longer than a reason is.
fn last_words(mut error: ErrorData) -> ErrorData {
    error.distrust();
    let ErrorData { guest, code, name, message, hint, field, .. } = error;
    let short = |text: String| match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    };
    ErrorData {
        guest,
        code: short(code),
        name: short(name),
        message: short(message),
        hint: hint.map(short),
        field: field.map(short),
        ..ErrorData::default()
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
