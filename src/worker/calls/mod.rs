//! What clients have asked for and is under way: each request's streams, deadline and end.
//!
//! The `io` thread takes requests and never performs them. What runs is started on the thread where it will run, or,
//! when requests before it still wait for files, after them on the thread `calls`, which performs all others. Whichever
//! thread sees the end of a call answers it.

mod call;
mod connections;
mod listing;
mod outcome;
mod terminals;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::deadlines::{Deadlines, Late};
use crate::files;
use crate::threads;
use crate::transfers::Transfers;
use crate::vm::VirtualMachine;
use isolate::{self, Cause, Completion, ContextId, Job, JobId, SourceOptions};
use kernel::{Errno, Grouping, Pid, Process, Signal, SpawnRequest};
use protocol::broker::FromWorker;
use protocol::wire::{
    ErrorData, EvaluateOptions, ExecutionOptions, INPUT_WINDOW, Language, Progress, RequestUpdate,
    SourceFormat, VmRequest, VmResponse, code,
};

use call::{Call, Output, RunningProgram, Target};
use connections::Connections;
use outcome::{Ended, context_error, job_ended, start_error};
use terminals::Terminals;

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
    deadlines: Deadlines,
    open: Mutex<HashMap<u64, Arc<Call>>>,
    transfers: Transfers,
    terminals: Terminals,
    connections: Connections,
    /// Why programs could not be had, until their calls are answered; at most [`REFUSALS_MAX`].
    refusals: Mutex<HashMap<Pid, ErrorData>>,
    /// Contexts are numbered here, so that no number is used twice.
    last_context: Mutex<u64>,
}

impl Calls {
    /// Without the thread that performs requests.
    pub(super) fn new() -> std::io::Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Arc::new(Calls {
            runtime: runtime.handle().clone(),
            unstarted: Mutex::new(Some(runtime)),
            waiting: AtomicUsize::new(0),
            deadlines: Deadlines::new(),
            open: Mutex::default(),
            transfers: Transfers::default(),
            terminals: Terminals::default(),
            connections: Connections::default(),
            refusals: Mutex::default(),
            last_context: Mutex::new(0),
        }))
    }

    /// Starts the thread that performs requests. The second time there is nothing to do.
    pub(super) fn start_thread(&self) -> std::io::Result<()> {
        let Some(runtime) = self.unstarted.lock().take() else { return Ok(()) };
        threads::start(threads::Name::Calls, move || runtime.block_on(std::future::pending::<()>()))?;
        Ok(())
    }

    /// Ends what is late. Gives the time when that is to be done again.
    pub(super) fn end_late(&self) -> Option<Instant> {
        self.deadlines.next()
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
        let Err(request) = self.terminals.begin(self, vm, id, request) else { return };
        let Err(request) = self.connections.begin(self, vm, id, request) else { return };
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
                let error = ErrorData::new(code::LIMIT, text).field("limits.calls");
                vm.respond(id, Err(error.progress(Progress::NotStarted)));
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
                calls.finish(&call, Err(error.progress(Progress::NotStarted)));
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
        let Some(call) = call else {
            if !self.terminals.update(id, update) && !self.connections.update(id, update) {
                self.transfers.update(id, update);
            }
            return;
        };
        match update {
            RequestUpdate::Cancel {} => call.end(Cause::Cancelled),
            RequestUpdate::Input { data, end } => {
                if !call.input.push(&data.0, *end) {
                    // A client that ignores the window loses the call, not the VM.
                    let text =
                        format!("more than INPUT_WINDOW ({INPUT_WINDOW}) bytes of input were sent ahead");
                    self.finish(&call, Err(ErrorData::new(code::LIMIT, text).progress(call.progress())));
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
            VmRequest::ListProcesses {} => {
                Ok(VmResponse::Processes { processes: listing::processes(&vm.kernel) })
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
                SourceFormat::CommonJs => isolate::Format::CommonJs,
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
            default_signals: Default::default(),
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
