//! What clients have asked for and is under way: each request's streams, deadline and end.
//!
//! The `io` thread takes requests and never performs them. What runs is started on the thread where it will run, or,
//! when requests before it still wait for files, after them on the thread `calls`, which performs all others. Whichever
//! thread sees the end of a call answers it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

use super::deadlines::{Deadlines, Late};
use super::files;
use super::streams::{Captured, Credit, Input, Sent};
use super::transfers::Transfers;
use super::vm::{THREAD_STACK, VirtualMachine};
use isolate::{self, Cause, Completion, ContextError, ContextId, Job, JobId, SourceOptions};
use kernel::{Errno, ExitStatus, Grouping, OpenFile, Pid, Process, Scope, Signal, SpawnRequest, Stream};
use protocol::broker::FromWorker;
use protocol::wire::{
    Bytes, Capture, ErrorData, EvaluateOptions, ExecutionOptions, ExecutionResult, INPUT_WINDOW, Language,
    Outcome, OutputStream, RequestUpdate, SourceFormat, VmRequest, VmResponse, code,
};

/// The kernel's own process, whose children the programs of calls are.
const SYSTEM: Pid = 1;
/// Programs that could not be had and whose calls were not answered yet.
const REFUSALS_MAX: usize = 256;

/// All calls of one VM.
pub(super) struct Calls {
    runtime: tokio::runtime::Handle,
    /// Until its thread is started.
    unstarted: Mutex<Option<tokio::runtime::Runtime>>,
    /// Work that the thread `calls` has been given and has not done.
    waiting: AtomicUsize,
    deadlines: Arc<Deadlines>,
    open: Mutex<HashMap<u64, Arc<Call>>>,
    transfers: Transfers,
    /// Why programs could not be had, until their calls are answered; at most [`REFUSALS_MAX`].
    refusals: Mutex<HashMap<Pid, ErrorData>>,
    /// Contexts are numbered here, so that no number is used twice.
    last_context: Mutex<u64>,
}

/// One call that runs something.
struct Call {
    vm: Arc<VirtualMachine>,
    id: u64,
    /// The program that it runs; none for a job of the isolate.
    command: Option<String>,
    input: Arc<Input>,
    output: Output,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    target: Option<Target>,
    /// What the call has started, from its first process on. It ends with the call.
    scope: Option<Scope>,
    /// Why it was ended from outside, if it was.
    ended: Option<Cause>,
}

/// What runs for a call.
#[derive(Clone, Copy)]
enum Target {
    Job,
    Program,
}

/// What becomes of a call's output.
enum Output {
    Captured { stdout: Arc<Captured>, stderr: Arc<Captured> },
    Sent(Arc<Credit>),
    Dropped,
}

impl Calls {
    /// Without the threads that it takes to take a request.
    pub(super) fn new() -> std::io::Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Arc::new(Calls {
            runtime: runtime.handle().clone(),
            unstarted: Mutex::new(Some(runtime)),
            waiting: AtomicUsize::new(0),
            deadlines: Deadlines::new(),
            open: Mutex::default(),
            transfers: Transfers::default(),
            refusals: Mutex::default(),
            last_context: Mutex::new(0),
        }))
    }

    /// Starts the thread that performs requests, and that of the deadlines. The second time there is nothing to do.
    pub(super) fn start_threads(&self) -> std::io::Result<()> {
        let Some(runtime) = self.unstarted.lock().take() else { return Ok(()) };
        std::thread::Builder::new()
            .name("calls".to_owned())
            .stack_size(THREAD_STACK)
            .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
        self.deadlines.start_thread()
    }

    /// Runs a future on the thread `calls`.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Performs something on the thread `calls`, after what it was given before.
    pub(super) fn perform(self: &Arc<Self>, work: impl FnOnce() + Send + 'static) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let calls = self.clone();
        self.spawn(async move {
            work();
            calls.waiting.fetch_sub(1, Ordering::AcqRel);
        });
    }

    /// Files under way.
    pub(super) fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    /// Takes a request.
    pub(super) fn begin(self: &Arc<Self>, vm: &Arc<VirtualMachine>, id: u64, request: VmRequest) {
        let Err(request) = self.transfers.begin(self, vm, id, request) else { return };
        let Some(options) = request.execution() else {
            let (calls, vm) = (self.clone(), vm.clone());
            self.perform(move || {
                let response = calls.answer(&vm, &request);
                vm.respond(id, response);
            });
            return;
        };
        let command = match &request {
            VmRequest::Spawn { command, .. } => Some(command.clone()),
            _ => None,
        };
        let is_program = command.is_some();
        let call = Arc::new(Call::new(vm.clone(), id, command, options));
        {
            let mut open = self.open.lock();
            if open.len() as u64 >= vm.limits.calls {
                drop(open);
                let text = format!("{} calls are under way already", vm.limits.calls);
                vm.respond(id, Err(ErrorData::new(code::LIMIT, text).field("limits.calls")));
                return;
            }
            open.insert(id, call.clone());
        }
        // From here on, or a call would have the time for itself that it waits for others.
        let late: Arc<dyn Late> = call.clone();
        self.deadlines.add(vm.deadline(options.timeout_ms), Arc::downgrade(&late));
        let calls = self.clone();
        let start = move || {
            if call.state.lock().ended.is_some() {
                return;
            }
            if let Err(error) = calls.start_call(&call, request) {
                calls.finish(&call, Err(error));
            }
        };
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.perform(start);
        } else if !is_program {
            vm.isolate.perform(start);
        } else if let Err(start) = vm.commands.perform(start) {
            // The first program starts the engine, which takes its time.
            self.perform(start);
        }
    }

    /// Takes what reaches a request. Unknown ones have ended by themselves.
    pub(super) fn update(&self, id: u64, update: &RequestUpdate) {
        let call = self.open.lock().get(&id).cloned();
        let Some(call) = call else { return self.transfers.update(id, update) };
        match update {
            RequestUpdate::Cancel {} => call.end(Cause::Cancelled),
            RequestUpdate::Input { data, end } => {
                if !call.input.push(&data.0, *end) {
                    // A client that ignores the window loses the call, not the VM.
                    let text =
                        format!("more than INPUT_WINDOW ({INPUT_WINDOW}) bytes of input were sent ahead");
                    self.finish(&call, Err(ErrorData::new(code::LIMIT, text)));
                    call.end(Cause::Cancelled);
                }
            }
            RequestUpdate::Credit { bytes } => {
                if let Output::Sent(credit) = &call.output {
                    credit.grant(*bytes);
                }
            }
        }
    }

    /// A job of the isolate is over.
    pub(super) fn job_finished(&self, id: u64, completion: Completion) {
        let call = self.open.lock().get(&id).cloned();
        if let Some(call) = call {
            self.finish(&call, Ok(job_ended(completion)));
        }
    }

    /// A program could not be had. If it is a call's own, its call is answered with that.
    pub(super) fn refused(&self, process: &Process, why: &ErrorData) {
        // Other programs tell of their children themselves.
        if process.ppid() != SYSTEM {
            return;
        }
        let refusals = &mut *self.refusals.lock();
        // Those of orphans are never asked for.
        if refusals.len() >= REFUSALS_MAX {
            refusals.clear();
        }
        refusals.insert(process.pid(), why.clone());
    }

    /// Answers a request that runs nothing.
    fn answer(&self, vm: &Arc<VirtualMachine>, request: &VmRequest) -> Result<VmResponse, ErrorData> {
        if let Some(answered) = files::perform(&vm.kernel, request) {
            return answered;
        }
        match request {
            VmRequest::EngineReport {} => Ok(VmResponse::Engine { engine: vm.engine.clone() }),
            VmRequest::CreateContext {} => {
                let context = {
                    let mut last = self.last_context.lock();
                    *last += 1;
                    *last
                };
                vm.isolate.create_context(ContextId(context)).map_err(context_error)?;
                Ok(VmResponse::Context { context })
            }
            VmRequest::ResetContext { context } => {
                vm.isolate.reset_context(ContextId(*context)).map_err(context_error)?;
                Ok(VmResponse::Done {})
            }
            VmRequest::DisposeContext { context } => {
                vm.isolate.dispose_context(ContextId(*context)).map_err(context_error)?;
                Ok(VmResponse::Done {})
            }
            VmRequest::Kill { pid, signal } => {
                let known = Signal::ALL.iter().find(|known| known.name() == signal);
                let signal = *known.ok_or_else(|| files::error(Errno::Einval, signal))?;
                vm.kernel.kill(*pid, signal).map_err(|errno| files::error(errno, &pid.to_string()))?;
                Ok(VmResponse::Done {})
            }
            _ => Err(ErrorData::new(code::PROTOCOL, "the request has no answer")),
        }
    }

    fn start_call(self: &Arc<Self>, call: &Arc<Call>, request: VmRequest) -> Result<(), ErrorData> {
        match request {
            VmRequest::Evaluate { source, evaluate, options } => {
                self.start_job(call, "[eval]", &options, &evaluate, |options| isolate::Work::Evaluate {
                    source,
                    options,
                })
            }
            VmRequest::Execute { source, evaluate, options } => {
                self.start_job(call, "[execute]", &options, &evaluate, |options| isolate::Work::Execute {
                    source,
                    options,
                })
            }
            VmRequest::ExecuteFile { path, options } => {
                let name = path.clone();
                self.start_job(call, &name, &options, &EvaluateOptions::default(), |options| {
                    isolate::Work::ExecuteFile { path, options }
                })
            }
            VmRequest::Spawn { command, options } => self.start_program(call, command, options),
            _ => Err(ErrorData::new(code::PROTOCOL, "the request runs nothing")),
        }
    }

    fn start_job(
        self: &Arc<Self>,
        call: &Arc<Call>,
        name: &str,
        options: &ExecutionOptions,
        evaluate: &EvaluateOptions,
        work: impl FnOnce(SourceOptions) -> isolate::Work,
    ) -> Result<(), ErrorData> {
        let vm = &call.vm;
        let cwd = vm.directory(options.cwd.as_deref());
        let mut argv = vec![name.to_owned()];
        argv.extend(options.args.iter().cloned());
        let env = vm.environment(&options.env, &cwd);
        let process = vm
            .kernel
            .create_process(None, argv, env, &cwd, call.descriptors())
            .map_err(|errno| start_error(errno, name, &cwd))?;
        call.state.lock().scope = Some(process.scope().clone());
        let source = SourceOptions {
            file_path: evaluate.file_path.clone(),
            language: match evaluate.language {
                Language::Javascript => None,
                Language::Typescript => Some(isolate::Language::TypeScript),
            },
            format: evaluate.format.map(|format| match format {
                SourceFormat::Module => isolate::Format::Module,
                SourceFormat::Script => isolate::Format::Script,
            }),
            inputs: evaluate.inputs.clone().into_iter().collect(),
        };
        let context = evaluate.context.map(ContextId);
        let job = Job { id: JobId(call.id), process, context, work: work(source) };
        vm.isolate.run(job);
        call.set_target(Target::Job);
        Ok(())
    }

    fn start_program(
        self: &Arc<Self>,
        call: &Arc<Call>,
        command: String,
        options: ExecutionOptions,
    ) -> Result<(), ErrorData> {
        let vm = &call.vm;
        // The embedder starts it, so no guest's permission is asked; what it starts in turn is asked about.
        let cwd = vm.directory(options.cwd.as_deref());
        let env = vm.environment(&options.env, &cwd);
        let mut argv = vec![command.clone()];
        argv.extend(options.args.iter().cloned());
        let request = SpawnRequest {
            program: command.clone(),
            argv,
            env,
            cwd: Some(cwd.clone()),
            fds: call.descriptors(),
            ignored_signals: Default::default(),
            grouping: Grouping::NewSession,
        };
        let process = vm
            .kernel
            .spawn(vm.kernel.system(), request)
            .map_err(|errno| start_error(errno, &command, &cwd))?;
        if options.report_pid {
            vm.sender.send(&FromWorker::Started { id: call.id, pid: process.pid() });
        }
        call.state.lock().scope = Some(process.scope().clone());
        call.set_target(Target::Program);
        Arc::new(RunningProgram { calls: self.clone(), call: call.clone(), process }).look();
        Ok(())
    }

    /// Answers a call, and ends with it whatever it has started and left behind.
    fn finish(&self, call: &Call, ended: Result<Ended, ErrorData>) {
        if self.open.lock().remove(&call.id).is_none() {
            return;
        }
        call.end_scope();
        let response = ended.map(|ended| VmResponse::Executed { result: call.result(ended) });
        call.output.close();
        call.vm.respond(call.id, response);
    }
}

impl Call {
    fn new(vm: Arc<VirtualMachine>, id: u64, command: Option<String>, options: &ExecutionOptions) -> Self {
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
    fn descriptors(&self) -> Vec<(u32, Arc<OpenFile>)> {
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
    fn set_target(&self, target: Target) {
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
    fn end_scope(&self) {
        let scope = self.state.lock().scope.clone();
        if let Some(scope) = scope {
            self.vm.kernel.end_scope(&scope);
        }
    }

    /// Ends what runs; the first cause counts. Where that has to wait for other calls, this one is answered without it.
    fn end(&self, cause: Cause) {
        let target = {
            let mut state = self.state.lock();
            if state.ended.is_some() {
                return;
            }
            state.ended = Some(cause);
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

    fn result(&self, ended: Ended) -> ExecutionResult {
        let Ended { outcome, value, exit_code, signal, error } = ended;
        let taken = |stream: &Arc<Captured>| stream.take();
        let ((stdout, stdout_truncated), (stderr, stderr_truncated)) = match &self.output {
            Output::Captured { stdout, stderr } => (taken(stdout), taken(stderr)),
            Output::Sent(_) | Output::Dropped => Default::default(),
        };
        ExecutionResult {
            outcome,
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
struct RunningProgram {
    calls: Arc<Calls>,
    call: Arc<Call>,
    process: Arc<Process>,
}

impl RunningProgram {
    /// Answers the call if the program has ended; else this is called again when it has.
    fn look(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        if let Poll::Ready(status) = self.process.poll_wait(&Context::from_waker(&waker)) {
            let cause = self.call.state.lock().ended;
            let command = self.call.command.as_deref().unwrap_or_default();
            let refused = self.calls.refusals.lock().remove(&self.process.pid()).filter(|_| cause.is_none());
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
    fn close(&self) {
        if let Output::Sent(credit) = self {
            credit.close();
        }
    }
}

/// How a call ended, before its output is added.
struct Ended {
    outcome: Outcome,
    value: Option<String>,
    exit_code: Option<i32>,
    signal: Option<String>,
    error: Option<ErrorData>,
}

fn job_ended(Completion { outcome, value, exit_code, error }: Completion) -> Ended {
    Ended {
        outcome: match outcome {
            isolate::Outcome::Succeeded => Outcome::Succeeded,
            isolate::Outcome::Failed => Outcome::Failed,
            isolate::Outcome::Cancelled => Outcome::Cancelled,
            isolate::Outcome::TimedOut => Outcome::TimedOut,
        },
        value,
        exit_code: Some(exit_code),
        signal: None,
        error: error.map(guest_error),
    }
}

fn program_ended(command: &str, status: ExitStatus, cause: Option<Cause>) -> Ended {
    let (exit_code, signal) = match status {
        ExitStatus::Exited(code) => (Some(i32::from(code)), None),
        ExitStatus::Signaled(signal) => (None, Some(signal.name().to_owned())),
    };
    let (outcome, error) = match (cause, exit_code, &signal) {
        (Some(Cause::TimedOut), ..) => (
            Outcome::TimedOut,
            Some(ErrorData::new(code::TIMED_OUT, format!("{command} took longer than it may"))),
        ),
        (Some(Cause::Cancelled), ..) => {
            (Outcome::Cancelled, Some(ErrorData::new(code::CANCELLED, format!("{command} was cancelled"))))
        }
        // Programs are ended by signals in any case; that cause is the isolate's own.
        (None | Some(Cause::Signaled), Some(0), _) => (Outcome::Succeeded, None),
        (None | Some(Cause::Signaled), Some(number), _) => {
            let error = ErrorData::new(code::EXIT, format!("{command} exited with code {number}"));
            (Outcome::Failed, Some(error.detail("exitCode", number)))
        }
        (None | Some(Cause::Signaled), None, signal) => {
            let name = signal.as_deref().unwrap_or("a signal");
            let error = ErrorData::new(code::EXIT, format!("{command} was ended by {name}"));
            (Outcome::Failed, Some(error.detail("signal", name)))
        }
    };
    Ended { outcome, value: None, exit_code, signal, error }
}

/// Why a program or job could not be started.
fn start_error(errno: Errno, what: &str, cwd: &str) -> ErrorData {
    match errno {
        Errno::Eagain => ErrorData::new(code::LIMIT, format!("the VM has its limit of processes: {what}"))
            .field("limits.processes"),
        Errno::Enoent | Errno::Enotdir => files::error(errno, what).detail("cwd", cwd),
        Errno::Eacces => files::error(errno, what).field("permissions.fs"),
        errno => files::error(errno, what),
    }
}

fn context_error(error: ContextError) -> ErrorData {
    match error {
        ContextError::Limit => ErrorData::new(code::LIMIT, error.to_string()).field("limits.contexts"),
        ContextError::Exists | ContextError::Unknown => ErrorData::new(code::NOT_FOUND, error.to_string()),
    }
}

fn guest_error(error: isolate::ErrorData) -> ErrorData {
    let isolate::ErrorData { code, name, message, stack, cause, errors, hint, field, location } = error;
    let field = field.map(str::to_owned);
    let mut data = ErrorData { code, name, message, stack, hint, field, ..ErrorData::default() };
    for (name, value) in [("location", location), ("cause", cause), ("errors", errors)] {
        data.details.extend(value.map(|value| (name.to_owned(), value)));
    }
    data
}
