//! The way into the isolate from other threads: a queue of messages, and the one thing that cannot wait for its turn,
//! ending the job that is running right now.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::run::outcome::{CallId, Cause, ContextId, Job, JobId};
use kernel::{Interrupt, Process};
use protocol::abi::HostCallError;

/// See [`Message::Look`].
pub(crate) type Look = Box<dyn FnOnce(&mut v8::OwnedIsolate) + Send>;

/// What the event loop is told.
pub(crate) enum Message {
    Run(Job),
    Perform(Box<dyn FnOnce() + Send>),
    /// Looks at the isolate, outside any context.
    Look(Look),
    CreateContext(ContextId),
    ResetContext(ContextId),
    DisposeContext(ContextId),
    HostReply(CallId, Result<String, HostCallError>),
    /// The operation of this number may have something to say.
    Wake(u64),
    Cancel(JobId, Cause),
    ShutDown,
}

/// Whose code is on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    /// Nobody's: the event loop itself.
    Nothing,
    /// This job's.
    Job(JobId),
    /// Some context's that has no job (finalisers, timers left over in a retained context).
    Background,
}

struct State {
    queue: VecDeque<Message>,
    running: Running,
    /// Jobs that were handed in and not settled.
    live: HashSet<JobId>,
    /// Jobs that were ended from outside and have not been settled yet.
    ended: Vec<(JobId, Cause)>,
    contexts: HashSet<ContextId>,
    context_limit: usize,
    engine: Option<v8::IsolateHandle>,
    /// A signal did something to a job's process that is no end.
    nudged: bool,
    /// What runs has been told to end. V8 forgets a termination once it has unwound to the native code below.
    interrupted: bool,
    shut_down: bool,
}

/// Shared by the event loop and every handle.
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
    /// Ends what the isolate's thread waits for in the kernel.
    interrupt: Arc<Interrupt>,
    /// The isolate's thread waits for a program, so that no job can begin.
    waits_for_programs: AtomicBool,
}

/// A handle to the isolate for other threads. Every method may be called after the isolate is gone: then it does
/// nothing.
#[derive(Clone)]
pub struct IsolateHandle(pub(crate) Arc<Inbox>);

/// Why a retained context cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is one of that name.
    #[error("there is a context of that name already")]
    Exists,
    /// None of that name.
    #[error("there is no context of that name")]
    Unknown,
    /// `limits.contexts` of them exist.
    #[error("the VM has as many contexts as limits.contexts allows")]
    Limit,
}

impl Inbox {
    pub(crate) fn new() -> Arc<Inbox> {
        Arc::new(Inbox {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                running: Running::Nothing,
                live: HashSet::new(),
                ended: Vec::new(),
                contexts: HashSet::new(),
                context_limit: 0,
                engine: None,
                nudged: false,
                interrupted: false,
                shut_down: false,
            }),
            changed: Condvar::new(),
            interrupt: Interrupt::new(),
            waits_for_programs: AtomicBool::new(false),
        })
    }

    /// The isolate's thread begins or ends to wait for a program.
    pub(crate) fn set_waits_for_programs(&self, waits: bool) {
        self.waits_for_programs.store(waits, Ordering::SeqCst);
    }

    pub(crate) fn attach(&self, engine: v8::IsolateHandle) {
        self.state.lock().engine = Some(engine);
    }

    pub(crate) fn set_context_limit(&self, limit: usize) {
        self.state.lock().context_limit = limit;
    }

    /// The switch that ends what this thread waits for in the kernel.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().queue.is_empty()
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    pub(crate) fn push(&self, message: Message) {
        let mut state = self.state.lock();
        if !state.shut_down {
            state.queue.push_back(message);
            self.changed.notify_one();
        }
    }

    /// Lets the event loop go round once, to see what signals have done.
    fn nudge(&self) {
        self.state.lock().nudged = true;
        self.changed.notify_one();
    }

    /// The next message, waiting for it until `deadline` (for ever without one); `None` when that has passed, and after
    /// [`nudge`](Self::nudge).
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Option<Message> {
        let mut state = self.state.lock();
        loop {
            // The loop goes round in either case; messages first, or signals without end could hold them up.
            let nudged = std::mem::take(&mut state.nudged);
            if let Some(message) = state.queue.pop_front() {
                return Some(message);
            }
            if state.shut_down {
                return Some(Message::ShutDown);
            }
            if nudged {
                return None;
            }
            match deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) => {
                    if self.changed.wait_until(&mut state, deadline).timed_out() {
                        return state.queue.pop_front();
                    }
                }
            }
        }
    }

    /// Notes whose code runs from now on. `Err` says that this job has been ended: it must not run any more.
    pub(crate) fn enter(&self, running: Running) -> Result<(), Cause> {
        let mut state = self.state.lock();
        if let Running::Job(job) = running
            && let Some((_, cause)) = state.ended.iter().find(|(ended, _)| *ended == job)
        {
            return Err(*cause);
        }
        if state.shut_down {
            return Err(Cause::Cancelled);
        }
        state.running = running;
        Ok(())
    }

    /// Guest code has left the stack. A termination that was meant for it is taken back; its cause is returned.
    pub(crate) fn leave(&self) -> Option<Cause> {
        let mut state = self.state.lock();
        let was = std::mem::replace(&mut state.running, Running::Nothing);
        state.interrupted = false;
        // Under the same lock that `end` terminates under: no termination can arrive after this for the old job.
        if let Some(engine) = &state.engine {
            engine.cancel_terminate_execution();
        }
        self.interrupt.reset();
        if state.shut_down {
            return Some(Cause::Cancelled);
        }
        match was {
            Running::Job(job) => state.ended.iter().find(|(ended, _)| *ended == job).map(|(_, cause)| *cause),
            _ => None,
        }
    }

    /// Ends what runs, whatever it is; its job goes on.
    pub(crate) fn terminate_running(&self) {
        let state = self.state.lock();
        if state.running != Running::Nothing
            && let Some(engine) = &state.engine
        {
            engine.terminate_execution();
            self.interrupt.trip();
        }
    }

    /// Whether what runs has been told to end: no guest code may be entered any more before [`Self::leave`].
    pub(crate) fn is_interrupted(&self) -> bool {
        let state = self.state.lock();
        state.interrupted || state.shut_down
    }

    /// The job has been settled: its name may be used again.
    pub(crate) fn forget(&self, job: JobId) {
        let mut state = self.state.lock();
        state.live.remove(&job);
        state.ended.retain(|(ended, _)| *ended != job);
    }

    fn end(&self, job: JobId, cause: Cause) -> bool {
        let mut state = self.state.lock();
        if state.shut_down || !state.live.contains(&job) || state.ended.iter().any(|(ended, _)| *ended == job)
        {
            return true;
        }
        state.ended.push((job, cause));
        // Code without a job must not keep a job that was ended from being settled.
        if (state.running == Running::Job(job) || state.running == Running::Background)
            && let Some(engine) = &state.engine
        {
            engine.terminate_execution();
            self.interrupt.trip();
            state.interrupted = true;
        }
        state.queue.push_back(Message::Cancel(job, cause));
        self.changed.notify_one();
        !matches!(state.running, Running::Job(other) if other != job)
    }
}

impl IsolateHandle {
    /// Runs a job. [`crate::Services::finished`] is called for it exactly once, whatever happens.
    pub fn run(&self, job: Job) {
        let mut state = self.0.state.lock();
        if !state.shut_down {
            state.live.insert(job.id);
            state.queue.push_back(Message::Run(job));
            self.0.changed.notify_one();
        }
    }

    /// Whether the isolate's thread waits for a program's end: a job would begin only after that.
    pub fn waits_for_programs(&self) -> bool {
        self.0.waits_for_programs.load(Ordering::SeqCst)
    }

    /// Performs something on the isolate's thread, outside any context.
    pub fn perform(&self, work: impl FnOnce() + Send + 'static) {
        self.0.push(Message::Perform(Box::new(work)));
    }

    /// Whether guest code runs now.
    pub fn is_running(&self) -> bool {
        self.0.state.lock().running != Running::Nothing
    }

    /// Whether there are jobs that have not been settled.
    pub fn has_jobs(&self) -> bool {
        !self.0.state.lock().live.is_empty()
    }

    /// Ends a job: one that is running is interrupted, one that waits is settled. Unknown jobs are ignored. False says
    /// that this has to wait until another job, which is running, gives way.
    pub fn end(&self, job: JobId, cause: Cause) -> bool {
        self.0.end(job, cause)
    }

    /// Whether a job is under way or over: not one that still waits for its turn.
    pub fn has_begun(&self, job: JobId) -> bool {
        let state = self.0.state.lock();
        !state.queue.iter().any(|message| matches!(message, Message::Run(waiting) if waiting.id == job))
    }

    /// Creates a context that keeps its state between jobs.
    ///
    /// # Errors
    /// If there is one of that name, or there are too many.
    pub fn create_context(&self, context: ContextId) -> Result<(), ContextError> {
        let mut state = self.0.state.lock();
        if state.contexts.contains(&context) {
            return Err(ContextError::Exists);
        }
        if state.contexts.len() >= state.context_limit {
            return Err(ContextError::Limit);
        }
        state.contexts.insert(context);
        drop(state);
        self.0.push(Message::CreateContext(context));
        Ok(())
    }

    /// Makes a context as it was when it was created. Jobs that run in it are cancelled.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn reset_context(&self, context: ContextId) -> Result<(), ContextError> {
        if !self.0.state.lock().contexts.contains(&context) {
            return Err(ContextError::Unknown);
        }
        self.0.push(Message::ResetContext(context));
        Ok(())
    }

    /// Removes a context. Jobs that run in it are cancelled.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn dispose_context(&self, context: ContextId) -> Result<(), ContextError> {
        if !self.0.state.lock().contexts.remove(&context) {
            return Err(ContextError::Unknown);
        }
        self.0.push(Message::DisposeContext(context));
        Ok(())
    }

    /// Answers a host call. Unknown calls are ignored.
    pub fn host_reply(&self, call: CallId, result: Result<String, HostCallError>) {
        self.0.push(Message::HostReply(call, result));
    }

    /// Makes [`crate::Isolate::serve`] return; what runs is interrupted.
    pub fn shut_down(&self) {
        let mut state = self.0.state.lock();
        state.shut_down = true;
        state.queue.clear();
        if state.running != Running::Nothing
            && let Some(engine) = &state.engine
        {
            engine.terminate_execution();
        }
        self.0.interrupt.trip();
        self.0.changed.notify_one();
    }
}

/// Wakes one pending operation of the event loop.
pub(crate) struct OperationWaker {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) operation: u64,
}

impl Wake for OperationWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inbox.push(Message::Wake(self.operation));
    }
}

/// Ends a job when a signal has ended its process, and tells the event loop when one has stopped or continued it.
pub(crate) struct SignalWaker {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) process: Arc<Process>,
    pub(crate) job: JobId,
}

impl SignalWaker {
    /// Looks at what signals have done, and waits for the next.
    pub(crate) fn watch(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        if self.process.poll_killed(&Context::from_waker(&waker)).is_ready() {
            self.inbox.end(self.job, Cause::Signaled);
        }
    }
}

impl Wake for SignalWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.watch();
        self.inbox.nudge();
    }
}
