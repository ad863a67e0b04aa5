//! What isolate and command runtime need of the worker around them.

use std::sync::Arc;

use super::calls::Calls;
use super::channel::Sender;
use super::supervisor::Supervisor;
use crate::broker::{FromWorker, HostFunctionError};
use crate::command::{self, ArtifactFile, HostCall, HostCallError};
use crate::isolate::{self, CallError, CallId, Completion, IsolateHandle, JobId};
use crate::kernel::{Errno, Pid, Process, Signal};
use crate::policy::{Policy, Scope};
use crate::wire::{ErrorData, code};

/// For the command runtime.
pub(super) struct CommandServices {
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) policy: Arc<Policy>,
    pub(super) host_functions: Vec<String>,
    pub(super) engine_report: String,
}

impl command::Services for CommandServices {
    fn open_artifact(&self, module: &str) -> Result<ArtifactFile, Errno> {
        // The supervisor has verified what it hands out, and nobody can write to it any more.
        let (file, len) = self.supervisor.command_artifact(module).ok_or(Errno::Enoent)?;
        Ok(ArtifactFile { file, len })
    }

    fn host_functions(&self) -> Vec<String> {
        self.host_functions.clone()
    }

    fn call_host(&self, name: String, input: String) -> HostCall {
        let call = self.supervisor.host_function(name, input);
        Box::pin(async move {
            call.await.map_err(|error| match error {
                HostFunctionError::Unknown {} => HostCallError::Unknown,
                HostFunctionError::Denied {} => HostCallError::Denied,
                HostFunctionError::TooLarge {} => HostCallError::TooLarge,
                HostFunctionError::TimedOut {} => HostCallError::TimedOut,
                HostFunctionError::Failed { message } => HostCallError::Failed(message),
            })
        })
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
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) policy: Arc<Policy>,
    pub(super) sender: Arc<Sender>,
    pub(super) calls: Arc<Calls>,
    pub(super) isolate: IsolateHandle,
}

impl isolate::Services for IsolateServices {
    fn finished(&self, job: JobId, completion: Completion) {
        self.calls.job_finished(job.0, completion);
    }

    fn host_call(&self, call: CallId, name: &str, input: String) {
        let asked = self.supervisor.host_function(name.to_owned(), input);
        let isolate = self.isolate.clone();
        self.calls.spawn(async move {
            let result = asked.await.map_err(|error| match error {
                HostFunctionError::Unknown {} => CallError::Unknown,
                HostFunctionError::Denied {} => CallError::Denied,
                HostFunctionError::TooLarge {} => CallError::TooLarge,
                HostFunctionError::TimedOut {} => CallError::TimedOut,
                HostFunctionError::Failed { message } => CallError::Failed(message),
            });
            isolate.host_reply(call, result);
        });
    }

    fn may_signal(&self, signal: Signal) -> bool {
        self.policy.allows(Scope::Process, "signal", signal.name())
    }

    fn fatal(&self, reason: &str) {
        let error = ErrorData::new(code::OUT_OF_MEMORY, format!("V8 could not go on: {reason}"))
            .field("limits.heapBytes");
        self.sender.send(&FromWorker::Dying { error });
    }
}
