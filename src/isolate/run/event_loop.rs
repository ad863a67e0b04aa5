//! The event loop: messages from other threads, timers, operations, and the turns in which guest code runs.
//!
//! A turn is the only place where guest code runs. It notes whose code it is (so that another thread can end exactly
//! that), runs, empties the realm's microtasks, and takes stock. Frozen clocks stand still from one turn to the next and
//! jump where something outside has happened: a job begins, a timer is due, an answer is there.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Isolate;
use crate::binding::errors::{self, Report};
use crate::engine::buffers;
use crate::engine::clock;
use crate::engine::faults::Exhausted;
use crate::engine::helpers;
use crate::library::{Ending, Environment};
use crate::realm;
use crate::realm::core::{ActiveJob, Awaited, Core, Realm, Scope};
use crate::run::inbox::{Message, Running, SignalWaker};
use crate::run::operations::Settled;
use crate::run::outcome::{Cause, Completion, ContextId, ErrorData, Job, JobId, Outcome, Work, codes};
use crate::run::output;
use crate::run::program::{self, Begun};
use crate::run::threads;
use kernel::{ExitStatus, Process};
use protocol::engine::WasmLevel;

/// How often V8's background work is looked at while a job waits for nothing else.
const BACKGROUND_POLL: Duration = Duration::from_millis(1);

/// Most of V8's tasks that are run before anything else gets its turn. A task may post itself again, for as long as V8's
/// helper has not done its part.
const TASKS_AT_ONCE: usize = 32;

/// Exit code of a program whose main promise nothing can settle any more.
const NEVER_SETTLED_EXIT: u8 = 13;

/// Why a turn gave nothing.
enum Failure {
    /// The program has asked to end, with this exit code; and why, if something was thrown.
    Exited(i32, Option<ErrorData>),
    /// Something was thrown that the guest's own handler has taken.
    Handled,
    Threw(Box<Report>),
    Ended(Cause),
    OutOfMemory(Exhausted),
}

type Turn<R> = Result<R, Failure>;

impl Isolate {
    pub(crate) fn run_loop(&mut self) {
        loop {
            self.run_timers();
            self.pump();
            self.look_at_background_work();
            if self.spare.is_none() && self.keeps_spare && self.core.inbox.is_empty() {
                self.spare = self.next_realm();
            }
            let deadline = self.deadline();
            let message = self.core.inbox.next(deadline);
            let others = self.core.inbox.len();
            match message {
                Some(Message::ShutDown) => return,
                Some(message) => self.handle_message(message),
                None => {}
            }
            // A round takes all that has ended when it begins, before it looks at immediates; what ends through these
            // comes in the next round.
            for _ in 0..others {
                match self.core.inbox.next(Some(Instant::now())) {
                    Some(Message::ShutDown) => return,
                    Some(message) => self.handle_message(message),
                    None => break,
                }
            }
            self.run_immediates();
        }
    }

    /// The last phase of a round.
    fn run_immediates(&mut self) {
        for realm in self.realms() {
            let Some(environment) = realm.environment() else { continue };
            let mut is_due = environment.has_immediates();
            while is_due && !realm.is_stopped() {
                let ended = self.turn(&realm, |scope, _, _| environment.run_immediates(scope));
                // Behind one that threw the rest follow.
                is_due = matches!(ended, Err(Failure::Handled)) && environment.leaves_immediates();
                self.after(&realm, ended);
            }
        }
    }

    fn handle_message(&mut self, message: Message) {
        match message {
            Message::Run(job) => self.accept(job),
            Message::Perform(work) => work(),
            Message::Look(look) => look(&mut self.isolate),
            Message::CreateContext(context) => self.retain_context(context),
            Message::ResetContext(context) => {
                self.dispose_context(context);
                self.retain_context(context);
            }
            Message::DisposeContext(context) => self.dispose_context(context),
            Message::HostReply(call, result) => {
                let settled = self.core.operations.borrow_mut().answer(call.0, result);
                self.deliver(settled);
            }
            Message::Wake(operation) => {
                let settled = self.core.operations.borrow_mut().poll(operation);
                self.deliver(settled);
            }
            Message::Cancel(job, cause) => self.end(job, cause),
            Message::ShutDown => {}
        }
    }

    /// When there is something to do without a message.
    fn deadline(&mut self) -> Option<Instant> {
        let mut deadline = None;
        let mut waits = false;
        for realm in self.realms() {
            waits |= realm.active.borrow().is_some();
            if realm.is_stopped() {
                continue;
            }
            let next = realm.environment().and_then(|environment| match environment.has_immediates() {
                true => Some(Instant::now()),
                false => environment.deadline(),
            });
            deadline = match (deadline, next) {
                (Some(a), Some(b)) => Some(std::cmp::min::<Instant>(a, b)),
                (a, b) => a.or(b),
            };
        }
        if !waits && self.core.inbox.is_empty() {
            buffers::rest();
        }
        self.watches_background = waits && self.isolate.has_pending_background_tasks();
        if std::mem::take(&mut self.leaves_tasks) || self.watches_background {
            let soon = Instant::now() + BACKGROUND_POLL;
            deadline = Some(deadline.map_or(soon, |deadline| deadline.min(soon)));
        }
        deadline
    }

    fn realms(&self) -> Vec<Rc<Realm>> {
        let mut realms: Vec<_> = self.core.realms.borrow().values().cloned().collect();
        realms.sort_by_key(|realm| realm.id);
        realms
    }

    /// A realm that nobody has used; `None` when retained contexts have left no memory for one.
    fn fresh_realm(&mut self) -> Option<Rc<Realm>> {
        self.spare.take().or_else(|| self.next_realm())
    }

    /// One that was made before the claim, else a new one.
    pub(crate) fn next_realm(&mut self) -> Option<Rc<Realm>> {
        let Some(realm) = self.early.pop() else { return self.create_realm() };
        v8::scope!(let scope, &mut self.isolate);
        let context = v8::Local::new(scope, &realm.context);
        let scope = &mut v8::ContextScope::new(scope, context);
        realm::configure(scope, &realm)?;
        Some(realm)
    }

    pub(crate) fn create_realm(&mut self) -> Option<Rc<Realm>> {
        let realm = realm::create(&mut self.isolate, &self.core, &*self.library);
        if self.guard.exhausted().is_some() {
            // The limit was reached here: what was terminated is the library's boot.
            self.isolate.cancel_terminate_execution();
            self.guard.recover(&mut self.isolate);
        }
        realm
    }

    fn retained(&self, context: ContextId) -> Option<Rc<Realm>> {
        self.core.realms.borrow().values().find(|realm| realm.retained.get() == Some(context)).cloned()
    }

    fn run_timers(&mut self) {
        let now = clock::present();
        for realm in self.realms() {
            if realm.is_stopped() {
                continue;
            }
            // What came while it was stopped goes first.
            for settled in realm.held.take() {
                self.deliver(Some(settled));
            }
            let Some(environment) = realm.environment() else { continue };
            if environment.deadline().is_some_and(|deadline| deadline <= now) {
                clock::advance();
                let ended = self.turn(&realm, |scope, _, _| environment.run_timers(scope));
                self.after(&realm, ended);
            }
        }
    }

    fn deliver(&mut self, settled: Option<Settled>) {
        let Some(settled) = settled else { return };
        let Some(realm) = self.core.realm(settled.realm) else { return };
        if realm.is_stopped() {
            realm.held.borrow_mut().push(settled);
            return;
        }
        realm.settled(settled.referenced);
        clock::advance();
        let ended = self.turn(&realm, |scope, _, _| settled.deliver(scope));
        self.after(&realm, ended);
    }

    /// Runs the tasks that V8 has left for this thread. Finalisers among them are guest code, so they run only while a
    /// call is under way, whose time bounds them: an endless one is ended with it.
    fn pump(&mut self) {
        let realms = self.realms();
        if realms.iter().all(|realm| realm.active.borrow().is_none()) {
            return;
        }
        let platform = v8::V8::get_current_platform();
        let mut ran = 0;
        while ran < TASKS_AT_ONCE {
            if self.core.inbox.enter(Running::Background).is_err() {
                return;
            }
            let again = v8::Platform::pump_message_loop(&platform, &self.isolate, false);
            let interrupted = self.core.inbox.is_interrupted();
            self.core.inbox.leave();
            if self.guard.exhausted().is_some() {
                // What a finaliser made is nobody's in particular.
                self.guard.recover(&mut self.isolate);
            }
            ran += usize::from(again);
            if !again || interrupted {
                break;
            }
        }
        if ran == 0 {
            return;
        }
        self.leaves_tasks = ran == TASKS_AT_ONCE;
        if self.leaves_tasks {
            helpers::start();
        }
        // A task may have resolved promises of any realm.
        for realm in realms {
            if realm.active.borrow().is_some() || realm.retained.get().is_some() {
                let ended = self.turn(&realm, |_, _, _| Some(()));
                self.after(&realm, ended);
            }
        }
    }

    /// Jobs that waited for V8's background work (asynchronous compilation of wasm) alone are over with it.
    fn look_at_background_work(&mut self) {
        if !std::mem::take(&mut self.watches_background) || self.isolate.has_pending_background_tasks() {
            return;
        }
        for realm in self.realms() {
            let active = realm.active.borrow().clone();
            if let Some(job) = active {
                self.check(&realm, &job);
            }
        }
    }

    /// Runs `work` in a realm as one turn.
    fn turn<R>(
        &mut self,
        realm: &Rc<Realm>,
        work: impl FnOnce(&mut Scope<'_, '_>, &Rc<Core>, &Rc<Realm>) -> Option<R>,
    ) -> Turn<R> {
        let core = self.core.clone();
        let running = realm.active.borrow().as_ref().map_or(Running::Background, |job| Running::Job(job.id));
        if let Err(cause) = core.inbox.enter(running) {
            return Err(Failure::Ended(cause));
        }
        let mut handled_by_guest = false;
        let value = {
            v8::scope!(let scope, &mut self.isolate);
            let context = v8::Local::new(scope, &realm.context);
            let scope = &mut v8::ContextScope::new(scope, context);
            v8::tc_scope!(let scope, scope);
            let value = work(scope, &core, realm);
            if let Some(environment) = realm.environment() {
                handled_by_guest = settle(scope, &*environment, value.is_some())
                    && value.is_none()
                    && environment.exited().is_none();
                if environment.exited().is_none()
                    && let Some(now) = clock::behind()
                {
                    environment.count_timers_from(scope, now);
                }
            }
            value
        };
        let cause = core.inbox.leave();
        if let Some(exhausted) = self.guard.exhausted() {
            return Err(Failure::OutOfMemory(exhausted));
        }
        self.guard.settle(&mut self.isolate);
        if let Some(environment) = realm.environment()
            && cause.is_none()
            && let Some(code) = environment.exited()
        {
            return Err(Failure::Exited(code, environment.fatal()));
        }
        match (cause, value) {
            (Some(cause), _) => Err(Failure::Ended(cause)),
            (None, Some(value)) => Ok(value),
            (None, None) if handled_by_guest => Err(Failure::Handled),
            // Ended on behalf of another job: what was cut off belonged to nobody.
            (None, None) => Err(Failure::Ended(Cause::Cancelled)),
        }
    }

    /// Takes stock after a turn that gave nothing of interest.
    fn after(&mut self, realm: &Rc<Realm>, ended: Turn<()>) {
        let active = realm.active.borrow().clone();
        let Some(job) = active else {
            // Code that a finished job left behind in a retained context: nobody is told of its errors.
            if matches!(ended, Err(Failure::OutOfMemory(_))) {
                realm::quiesce(&self.core, realm);
                self.guard.recover(&mut self.isolate);
            }
            return;
        };
        match ended {
            Ok(()) | Err(Failure::Handled) => self.check(realm, &job),
            Err(failure) => self.fail(realm, &job, failure),
        }
    }

    /// Nothing is left that could make a program run: tells it, and ends it with what it says.
    fn end_program(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>, environment: &Rc<dyn Environment>) {
        if realm.is_retained() {
            return self.succeed(realm, job, None);
        }
        let ended = self.turn(realm, |scope, _, _| environment.end(scope));
        match ended {
            Ok(Ending::Alive) | Err(Failure::Handled) => {}
            Ok(Ending::Over(code)) => self.exit(realm, job, code, None),
            Err(failure) => self.fail(realm, job, failure),
        }
    }

    /// A program has ended by itself.
    fn exit(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>, code: i32, error: Option<ErrorData>) {
        realm::quiesce(&self.core, realm);
        // A process has less room for it than a thread.
        let exit_code = if self.owns_processes { code & 0xff } else { code };
        let outcome = if code == 0 && error.is_none() { Outcome::Succeeded } else { Outcome::Failed };
        let error = error.or_else(|| {
            let said =
                || errors::plain(codes::EXITED, "Error", &format!("the program exited with code {code}"));
            (code != 0).then(|| said().data)
        });
        self.finish(realm, job, Completion { outcome, value: None, exit_code, error });
    }

    /// Whether the job is over now.
    fn check(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>) {
        let awaited = job.awaited.borrow().clone();
        let state = match &awaited {
            Awaited::Nothing => None,
            Awaited::Promise(promise) => {
                v8::scope!(let scope, &mut self.isolate);
                Some(v8::Local::new(scope, promise).state())
            }
        };
        let idle = realm.is_idle() && !self.isolate.has_pending_background_tasks();
        match (state, awaited) {
            (Some(v8::PromiseState::Fulfilled), Awaited::Promise(promise)) if job.evaluates => {
                let ended = self.turn(realm, |scope, core, _| {
                    let promise = v8::Local::new(scope, &promise);
                    let value = promise.result(scope);
                    program::to_json(scope, core, value)
                });
                match ended {
                    Ok(value) => self.succeed(realm, job, value),
                    Err(failure) => self.fail(realm, job, failure),
                }
            }
            (Some(v8::PromiseState::Rejected), Awaited::Promise(promise)) => {
                let ended = self.turn(realm, |scope, core, _| {
                    let value = v8::Local::new(scope, &promise).result(scope);
                    Some(Box::new(errors::describe(scope, core.wasm, value, None, codes::UNCAUGHT)))
                });
                self.fail(realm, job, ended.map_or_else(|failure| failure, Failure::Threw));
            }
            (Some(v8::PromiseState::Pending), _) if idle => {
                let report = errors::plain(
                    codes::NEVER_SETTLED,
                    "Error",
                    "the program waits for a promise that nothing can settle any more",
                );
                self.finish_failed(realm, job, &report, NEVER_SETTLED_EXIT);
            }
            (None | Some(v8::PromiseState::Fulfilled), _) if idle => match realm.environment() {
                Some(environment) => self.end_program(realm, job, &environment),
                None => self.succeed(realm, job, None),
            },
            _ => {}
        }
    }

    fn accept(&mut self, job: Job) {
        let (realm, code, message) = match job.context {
            None => (self.fresh_realm(), codes::OUT_OF_MEMORY, "there is no memory for another context"),
            Some(context) => {
                (self.retained(context), codes::UNKNOWN_CONTEXT, "there is no context of that name")
            }
        };
        let Some(realm) = realm else {
            let report = errors::plain(code, "Error", message);
            let completion =
                Completion { outcome: Outcome::Failed, value: None, exit_code: 1, error: Some(report.data) };
            return self.refuse(&job.process, job.id, completion);
        };
        if realm.active.borrow().is_some() {
            realm.waiting.borrow_mut().push_back(job);
        } else {
            self.start(&realm, job);
        }
    }

    fn start(&mut self, realm: &Rc<Realm>, job: Job) {
        let Job { id, process, work, .. } = job;
        let evaluates = matches!(work, Work::Evaluate { .. });
        // A program in a file, or one on a thread of its own, is worth V8's compiling it beside it.
        if matches!(work, Work::ExecuteFile { .. } | Work::Thread) {
            helpers::start();
        }
        let active = Rc::new(ActiveJob { id, evaluates, awaited: Awaited::Nothing.into() });
        *realm.active.borrow_mut() = Some(active.clone());
        *realm.process.borrow_mut() = Some(process.clone());
        self.watch_signals(id, &process);
        clock::advance();
        let ended = self.turn(realm, |scope, _, realm| realm.environment()?.begin(scope, work));
        match ended {
            Ok(Begun::Value(value)) => self.succeed(realm, &active, value),
            Ok(Begun::Waits(awaited)) => {
                *active.awaited.borrow_mut() = awaited;
                self.check(realm, &active);
            }
            Err(Failure::Handled) => self.check(realm, &active),
            Err(failure) => self.fail(realm, &active, failure),
        }
    }

    /// Has the job ended when a signal ends its process, and held between turns while one has stopped it.
    fn watch_signals(&self, job: JobId, process: &Arc<Process>) {
        let waker = SignalWaker { inbox: self.core.inbox.clone(), process: process.clone(), job };
        Arc::new(waker).watch();
    }

    /// Settles a job that was ended from outside.
    fn end(&mut self, id: JobId, cause: Cause) {
        for realm in self.realms() {
            let active = realm.active.borrow().clone();
            if let Some(job) = active
                && job.id == id
            {
                return self.fail(&realm, &job, Failure::Ended(cause));
            }
            let waiting = {
                let mut waiting = realm.waiting.borrow_mut();
                let at = waiting.iter().position(|job| job.id == id);
                at.and_then(|at| waiting.remove(at))
            };
            if let Some(job) = waiting {
                let completion = Completion::ended(cause, job.process.killed());
                return self.refuse(&job.process, id, completion);
            }
        }
    }

    /// Where there is no memory for it, jobs of this context will find none.
    fn retain_context(&mut self, context: ContextId) {
        if let Some(realm) = self.fresh_realm() {
            realm.retained.set(Some(context));
        }
    }

    fn dispose_context(&mut self, context: ContextId) {
        let Some(realm) = self.retained(context) else { return };
        realm.retained.set(None);
        let waiting = realm.waiting.take();
        let active = realm.active.borrow().clone();
        if let Some(job) = active {
            self.fail(&realm, &job, Failure::Ended(Cause::Cancelled));
        }
        for job in waiting {
            self.refuse(&job.process, job.id, Completion::ended(Cause::Cancelled, None));
        }
        realm::dispose(&self.core, &realm);
    }

    fn succeed(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>, value: Option<String>) {
        let completion = Completion { outcome: Outcome::Succeeded, value, exit_code: 0, error: None };
        self.finish(realm, job, completion);
    }

    fn fail(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>, failure: Failure) {
        match failure {
            Failure::Exited(code, error) => self.exit(realm, job, code, error),
            Failure::Handled => {}
            Failure::Threw(report) => self.finish_failed(realm, job, &report, 1),
            Failure::Ended(cause) => {
                let Some(process) = realm.process() else { return };
                realm::quiesce(&self.core, realm);
                self.finish(realm, job, Completion::ended(cause, process.killed()));
            }
            Failure::OutOfMemory(exhausted) => {
                realm::quiesce(&self.core, realm);
                let limits = self.core.limits();
                let (field, message) = match exhausted {
                    Exhausted::Heap => (
                        "limits.heapBytes",
                        format!("the JavaScript heap is full: limits.heapBytes is {}", limits.heap_bytes),
                    ),
                    Exhausted::Memory => (
                        "limits.memoryBytes",
                        format!("the VM's memory is used up: limits.memoryBytes is {}", limits.memory_bytes),
                    ),
                };
                let mut report = errors::plain(codes::OUT_OF_MEMORY, "RangeError", &message);
                report.data.field = Some(field);
                if !self.owns_processes {
                    // Whoever started it is told, and its heap goes with it.
                    let error = Some(report.data);
                    let outcome = Outcome::Failed;
                    return self.finish(realm, job, Completion { outcome, value: None, exit_code: 1, error });
                }
                self.finish_failed(realm, job, &report, 134);
                self.guard.recover(&mut self.isolate);
            }
        }
    }

    fn finish_failed(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>, report: &Report, exit: u8) {
        if let Some(process) = realm.process() {
            output::write(&self.core, &process, 2, report.text.as_bytes());
        }
        // What the program had under way ends with it; a retained context keeps its values only.
        realm::quiesce(&self.core, realm);
        let error = Some(report.data.clone());
        let exit_code = i32::from(exit);
        self.finish(realm, job, Completion { outcome: Outcome::Failed, value: None, exit_code, error });
    }

    fn finish(&mut self, realm: &Rc<Realm>, job: &Rc<ActiveJob>, completion: Completion) {
        realm.active.take();
        threads::join_threads(realm);
        if let Some(process) = realm.process()
            && self.owns_processes
        {
            let status = match process.killed() {
                Some(signal) => ExitStatus::Signaled(signal),
                None => ExitStatus::Exited(u8::try_from(completion.exit_code).unwrap_or(1)),
            };
            process.exit(status);
        }
        let keeps = realm.retained.get().is_some();
        if !keeps {
            realm::dispose(&self.core, realm);
        } else {
            v8::scope!(let scope, &mut self.isolate);
            let context = v8::Local::new(scope, &realm.context);
            let scope = &mut v8::ContextScope::new(scope, context);
            if let Some(environment) = realm.environment() {
                environment.forget_unfinished(scope);
            }
        }
        self.core.inbox.forget(job.id);
        self.core.settings().services.finished(job.id, completion);
        self.keeps_spare = !self.is_further;
        let next = if keeps { realm.waiting.borrow_mut().pop_front() } else { None };
        if let Some(job) = next {
            self.start(realm, job);
        }
    }

    /// Settles a job that never ran.
    fn refuse(&mut self, process: &Process, job: JobId, completion: Completion) {
        if self.owns_processes {
            process.exit(ExitStatus::Exited(u8::try_from(completion.exit_code).unwrap_or(1)));
        }
        self.core.inbox.forget(job);
        self.core.settings().services.finished(job, completion);
    }
}

/// Sees a piece of guest code through: what was put off to its end follows, or its exception goes to the guest's own
/// handler. What was put off waits for the next piece then, as in Node, which sees to it that there is one. False if
/// it was terminated.
fn settle(
    scope: &mut v8::PinnedRef<'_, v8::TryCatch<'_, '_, v8::HandleScope<'_>>>,
    environment: &dyn Environment,
    went_well: bool,
) -> bool {
    if went_well && (environment.exited().is_some() || environment.settle(scope).is_some()) {
        return true;
    }
    if scope.has_terminated() {
        return false;
    }
    if let Some(exception) = scope.exception() {
        let message = scope.message();
        scope.reset();
        environment.uncaught(scope, exception, message);
    }
    true
}

/// V8's callback for promises that are rejected without a handler, and for handlers that come later.
pub(crate) unsafe extern "C" fn promise_rejected(message: v8::PromiseRejectMessage<'_>) {
    v8::callback_scope!(unsafe scope, &message);
    let core = Core::of(scope);
    let promise = message.get_promise();
    let object: v8::Local<v8::Object> = promise.into();
    let Some(context) = object.get_creation_context(scope) else { return };
    let Some(realm) = core.realm_of(scope, context) else { return };
    if let Some(environment) = realm.environment() {
        environment.promise_rejected(scope, &message);
    }
}

/// V8's callback for exceptions that no caller could catch: those of microtasks and of finalisers. They are the guest's own
/// handlers' at once, before the next microtask, as in Node; nobody is told of those that a finished job has left behind.
/// Without a callback V8 prints them itself.
pub(crate) unsafe extern "C" fn uncaught(
    message: v8::Local<'_, v8::Message>,
    exception: v8::Local<'_, v8::Value>,
) {
    v8::callback_scope!(unsafe scope, message);
    let core = Core::of(scope);
    if let Some(realm) = core.current_realm(scope)
        && realm.active.borrow().is_some()
        && let Some(environment) = realm.environment()
    {
        environment.uncaught(scope, exception, Some(message));
    }
}

/// Whether a V8 that has WebAssembly may generate code for it here.
pub(crate) unsafe extern "C" fn allow_wasm(
    context: v8::Local<'_, v8::Context>,
    _source: v8::Local<'_, v8::String>,
) -> bool {
    v8::callback_scope!(unsafe scope, context);
    Core::of(scope).wasm == WasmLevel::Allowed
}
