//! One call that runs something: its streams, what runs for it, and its end.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

use crate::deadlines::Late;
use crate::streams::{Captured, Credit, Input, Sent};
use crate::vm::VirtualMachine;
use isolate::{self, Cause, Completion, JobId};
use kernel::{ExitStatus, OpenFile, Process, Scope, Signal, Stream};
use protocol::wire::{Bytes, Capture, ExecutionOptions, ExecutionResult, OutputStream, Progress};

use super::Calls;
use super::outcome::{Ended, job_ended, program_ended};

/// One call that runs something.
pub(super) struct Call {
    pub(super) vm: Arc<VirtualMachine>,
    pub(super) id: u64,
    /// The program that it runs; none for a job of the isolate.
    pub(super) command: Option<String>,
    pub(super) input: Arc<Input>,
    pub(super) output: Output,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) target: Option<Target>,
    /// What the call has started, from its first process on. It ends with the call.
    pub(super) scope: Option<Scope>,
    /// Why it was ended from outside, if it was.
    pub(super) ended: Option<Cause>,
    /// It was ended before anything of it ran.
    pub(super) unbegun: bool,
}

/// What runs for a call.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Job,
    Program,
}

/// What becomes of a call's output.
pub(super) enum Output {
    Captured { stdout: Arc<Captured>, stderr: Arc<Captured> },
    Sent(Arc<Credit>),
    Dropped,
}

impl Call {
    pub(super) fn new(
        vm: Arc<VirtualMachine>,
        id: u64,
        command: Option<String>,
        options: &ExecutionOptions,
    ) -> Self {
        let given = options.stdin.clone().unwrap_or_default();
        let input = Input::new(id, vm.sender.clone(), given.0, options.stream_stdin);
        let output = match options.capture {
            Capture::All => Output::Captured {
                stdout: Captured::new(vm.limits.output_bytes),
                stderr: Captured::new(vm.limits.output_bytes),
            },
            Capture::Stream => Output::Sent(Credit::new()),
            Capture::None => Output::Dropped,
        };
        Call { vm, id, command, input, output, state: Mutex::default() }
    }

    /// Standard input, output and error.
    pub(super) fn descriptors(&self) -> Vec<(u32, Arc<OpenFile>)> {
        let writable = |stream: Arc<dyn Stream>| OpenFile::from_stream(stream, false, true);
        let sent = |credit: &Arc<Credit>, stream| -> Arc<dyn Stream> {
            Arc::new(Sent { call: self.id, stream, credit: credit.clone(), sender: self.vm.sender.clone() })
        };
        let (stdout, stderr) = match &self.output {
            Output::Captured { stdout, stderr } => (writable(stdout.clone()), writable(stderr.clone())),
            Output::Sent(credit) => {
                (writable(sent(credit, OutputStream::Stdout)), writable(sent(credit, OutputStream::Stderr)))
            }
            Output::Dropped => (self.vm.kernel.null(), self.vm.kernel.null()),
        };
        vec![(0, OpenFile::from_stream(self.input.clone(), true, false)), (1, stdout), (2, stderr)]
    }

    /// Says what runs. If the call was ended meanwhile, that is ended now.
    pub(super) fn set_target(&self, target: Target) {
        let mut state = self.state.lock();
        state.target = Some(target);
        let Some(cause) = state.ended else { return };
        drop(state);
        if matches!(target, Target::Job) {
            self.vm.isolate.end(JobId(self.id), cause);
        }
        self.end_scope();
    }

    /// Kills everything that the call has started.
    pub(super) fn end_scope(&self) {
        let scope = self.state.lock().scope.clone();
        if let Some(scope) = scope {
            self.vm.kernel.end_scope(&scope);
        }
    }

    /// Ends what runs; the first cause counts. Where that has to wait for other calls, this one is answered without it.
    pub(super) fn end(&self, cause: Cause) {
        let target = {
            let mut state = self.state.lock();
            if state.ended.is_some() {
                return;
            }
            state.ended = Some(cause);
            state.unbegun = !match state.target {
                Some(Target::Job) => self.vm.isolate.has_begun(JobId(self.id)),
                Some(Target::Program) => true,
                None => false,
            };
            state.target
        };
        let ends_now = match target {
            // What it has started ends when it is answered.
            Some(Target::Job) => self.vm.isolate.end(JobId(self.id), cause),
            Some(Target::Program) => {
                self.end_scope();
                true
            }
            None => false,
        };
        if !ends_now {
            let ended = match &self.command {
                Some(command) => program_ended(command, ExitStatus::Signaled(Signal::Kill), Some(cause)),
                None => job_ended(Completion::ended(cause, None)),
            };
            self.vm.calls.finish(self, Ok(ended));
        }
    }

    /// What is known of whether it has been begun.
    pub(super) fn progress(&self) -> Progress {
        let state = self.state.lock();
        if state.unbegun || state.target.is_none() { Progress::NotStarted } else { Progress::Ran }
    }

    pub(super) fn result(&self, ended: Ended) -> ExecutionResult {
        let Ended { outcome, value, exit_code, signal, error } = ended;
        let taken = |stream: &Arc<Captured>| stream.take();
        let ((stdout, stdout_truncated), (stderr, stderr_truncated)) = match &self.output {
            Output::Captured { stdout, stderr } => (taken(stdout), taken(stderr)),
            Output::Sent(_) | Output::Dropped => Default::default(),
        };
        ExecutionResult {
            outcome,
            progress: self.progress(),
            value,
            exit_code,
            signal,
            stdout: Bytes(stdout),
            stderr: Bytes(stderr),
            stdout_truncated,
            stderr_truncated,
            error,
        }
    }
}

impl Late for Call {
    fn late(&self) {
        self.end(Cause::TimedOut);
    }
}

/// A program whose call is answered on the thread on which it ends.
pub(super) struct RunningProgram {
    pub(super) calls: Arc<Calls>,
    pub(super) call: Arc<Call>,
    pub(super) process: Arc<Process>,
}

impl RunningProgram {
    /// Answers the call if the program has ended; else this is called again when it has.
    pub(super) fn look(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        if let Poll::Ready(status) = self.process.poll_wait(&Context::from_waker(&waker)) {
            let cause = self.call.state.lock().ended;
            let command = self.call.command.as_deref().unwrap_or_default();
            let refused = self.calls.refusals.lock().remove(&self.process.pid()).filter(|_| cause.is_none());
            // One that could not be had has run nothing.
            let refused = refused.map(|error| error.progress(Progress::NotStarted));
            let ended = refused.map_or_else(|| Ok(program_ended(command, status, cause)), Err);
            self.calls.finish(&self.call, ended);
        }
    }
}

impl Wake for RunningProgram {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Output {
    pub(super) fn close(&self) {
        if let Output::Sent(credit) = self {
            credit.close();
        }
    }
}
