//! What isolate and command runtime need of the worker around them.

use std::sync::Arc;

use super::broker::Broker;
use super::calls::Calls;
use super::channel::Sender;
use command::{self, ArtifactFile, HostCall};
use isolate::{self, CallId, Completion, Fatal, IsolateHandle, JobId};
use kernel::{Pid, Process, Signal};
use protocol::broker::{FromWorker, guest_programs_denied};
use protocol::config::{Access, Limits};
use protocol::policy::{Policy, Scope};
use protocol::wire::{ErrorData, code, encode_frame};

/// For the command runtime.
pub(super) struct CommandServices {
    pub(super) broker: Arc<Broker>,
    pub(super) policy: Arc<Policy>,
    pub(super) web_assembly: Access,
    pub(super) host_functions: Vec<String>,
    pub(super) engine_report: String,
    pub(super) calls: Arc<Calls>,
}

impl command::Services for CommandServices {
    fn open_artifact(&self, module: &str) -> Result<ArtifactFile, ErrorData> {
        // The supervisor checked the bytes while it copied them into memory that is sealed: nobody writes to it any more.
        let (file, len) = self.broker.command_artifact(module)?;
        Ok(ArtifactFile { file, len })
    }

    fn permits_guest_programs(&self) -> Result<(), ErrorData> {
        if self.web_assembly == Access::Allow { Ok(()) } else { Err(guest_programs_denied()) }
    }

    fn compile_guest_program(&self, module: Vec<u8>) -> Result<ArtifactFile, ErrorData> {
        // It is sealed as well, and its contents are nobody's but the guest's.
        let (file, len) = self.broker.guest_program(module)?;
        Ok(ArtifactFile { file, len })
    }

    fn refused(&self, process: &Process, why: &ErrorData) {
        self.calls.refused(process, why);
    }

    fn host_functions(&self) -> Vec<String> {
        self.host_functions.clone()
    }

    fn call_host(&self, name: String, input: String) -> HostCall {
        let call = self.broker.host_function(name, input);
        Box::pin(call)
    }

    fn may_spawn(&self, _: &Process, program: &str) -> bool {
        self.policy.allows(Scope::ChildProcess, "spawn", program)
    }

    fn may_signal(&self, _: &Process, _: Pid, signal: Signal) -> bool {
        self.policy.allows(Scope::Process, "signal", signal.name())
    }

    fn engine_report(&self) -> String {
        self.engine_report.clone()
    }
}

/// For the isolate.
pub(super) struct IsolateServices {
    broker: Arc<Broker>,
    policy: Arc<Policy>,
    sender: Arc<Sender>,
    calls: Arc<Calls>,
    last_words: LastWords,
}

/// What is said when the VM's memory is used up.
struct LastWords {
    heap_bytes: u64,
    /// A frame, made while there was memory.
    refused: Vec<u8>,
}

impl LastWords {
    fn new(limits: &Limits) -> Self {
        let text = format!("the VM's memory is used up: limits.memoryBytes is {}", limits.memory_bytes);
        let error = ErrorData::new(code::OUT_OF_MEMORY, text).field("limits.memoryBytes");
        let refused = encode_frame(&FromWorker::Dying { error }).unwrap_or_default();
        LastWords { heap_bytes: limits.heap_bytes, refused }
    }
}

impl IsolateServices {
    pub(super) fn new(
        broker: Arc<Broker>,
        policy: Arc<Policy>,
        sender: Arc<Sender>,
        calls: Arc<Calls>,
        limits: &Limits,
    ) -> Self {
        IsolateServices { broker, policy, sender, calls, last_words: LastWords::new(limits) }
    }
}

impl isolate::Services for IsolateServices {
    fn finished(&self, job: JobId, completion: Completion) {
        self.calls.job_finished(job.0, completion);
    }

    fn host_call(&self, isolate: IsolateHandle, call: CallId, name: &str, input: String) {
        let asked = self.broker.host_function(name.to_owned(), input);
        self.calls.spawn(async move {
            let result = asked.await;
            isolate.host_reply(call, result);
        });
    }

    fn may_signal(&self, signal: Signal) -> bool {
        self.policy.allows(Scope::Process, "signal", signal.name())
    }

    fn fatal(&self, why: Fatal<'_>) {
        let error = match why {
            Fatal::Memory => return self.sender.send_last(&self.last_words.refused),
            Fatal::Heap(place) => {
                let limit = self.last_words.heap_bytes;
                let text = format!("the JavaScript heap is full: limits.heapBytes is {limit} ({place})");
                ErrorData::new(code::OUT_OF_MEMORY, text).field("limits.heapBytes")
            }
            Fatal::Defect(words) => ErrorData::new(code::WORKER_LOST, format!("V8 could not go on: {words}")),
        };
        self.sender.send(&FromWorker::Dying { error });
    }
}
