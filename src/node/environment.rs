//! Node in one realm: its process object, the functions that the library has handed over to be called back, the state of
//! its event loop. Node's C++ calls it `Environment` too.

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use isolate::library::{
    Begun, Core, Ending, Environment, ErrorData, Realm, Scope, Work, moment, present, string,
};
use kernel::Process;

use crate::async_wrap::AsyncState;
use crate::binding;
use crate::facts::Facts;
use crate::handle::Handles;
use crate::scripts::Scripts;
use crate::threads;

/// Most alarms of one realm: twice the operations that may be under way.
const ALARMS_MAX: usize = 8192;

/// The exit code of a program whose first module waits for something that will not come.
const NEVER_SETTLED_EXIT: i32 = 13;

/// What the library hands over to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Callback {
    /// `internalBinding` and `require` of the library.
    InternalBinding,
    Require,
    /// What the scripts of `internal/per_context` export.
    PerContextExports,
    /// After each piece of guest code with something put off to its end.
    Tick,
    PromiseReject,
    Timers,
    Immediates,
    PrepareStackTrace,
    SourceMapErrorSource,
    ImportDynamically,
    ImportMeta,
    ImportMetaResolve,
    /// Of async hooks: `init`, `before`, `after`, `destroy`, `promise_resolve`.
    AsyncHooks,
    /// Calls what native code calls back, with hooks around it.
    Trampoline,
    PerformanceObserver,
    /// What this crate's own script gives back.
    Main,
    /// What the scripts of the library find unchanged by anybody.
    Primordials,
    BufferPrototype,
    /// Makes an object for a transferred value.
    Deserialize,
}

/// Something that is done in the last phase of the loop's round. `None` with an exception pending if that threw.
type Immediate = Box<dyn for<'s, 'i> FnOnce(&mut Scope<'s, 'i>) -> Option<()>>;

/// See the module.
pub(crate) struct Env {
    pub core: Rc<Core>,
    realm: Weak<Realm>,
    pub facts: Arc<Facts>,
    pub scripts: Rc<Scripts>,
    pub handles: Handles,
    pub async_state: AsyncState,
    pub process_object: OnceCell<v8::Global<v8::Object>>,
    callbacks: RefCell<HashMap<Callback, v8::Global<v8::Value>>>,
    symbols: RefCell<HashMap<String, v8::Global<v8::Symbol>>>,
    /// Private symbols by their names among those of `util`.
    pub private_symbols: RefCell<HashMap<String, v8::Global<v8::Private>>>,
    /// Class templates that several bindings share, or that more than one constructor makes.
    pub templates: RefCell<HashMap<&'static str, v8::Global<v8::FunctionTemplate>>>,
    /// Memory that JavaScript and this crate both look at.
    pub shared: Shared,
    timer: Cell<Option<Instant>>,
    /// Operations that wait for a time.
    alarms: RefCell<Vec<(Instant, Waker)>>,
    timer_is_referenced: Cell<bool>,
    /// What native code has put off to the last phase of the loop's round.
    immediates: RefCell<VecDeque<Immediate>>,
    exit: Cell<Option<i32>>,
    /// Why, if something was thrown.
    pub fatal: RefCell<Option<ErrorData>>,
    /// What bindings keep for the realm, by its type.
    states: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    /// What `process.argv` is after the first: the main file, if there is one, and the program's own arguments.
    pub arguments: RefCell<Vec<String>>,
    /// `process.execArgv`.
    pub exec_arguments: RefCell<Vec<String>>,
    /// Options of the program's command line that differ from the defaults.
    pub options: RefCell<serde_json::Map<String, serde_json::Value>>,
    /// What the threads of a program have in common.
    pub group: Arc<threads::Group>,
    /// What this is, unless it is the main thread.
    pub thread: Option<Rc<threads::Own>>,
    /// The environment, where threads share it.
    pub variables: RefCell<Option<Arc<threads::Variables>>>,
}

/// Memory that JavaScript and this crate both look at. JavaScript may write anything to it at any time.
#[derive(Default)]
pub(crate) struct Shared {
    /// `tickInfo`: whether a tick is scheduled, whether a rejection waits for its warning.
    pub tick: OnceCell<v8::SharedRef<v8::BackingStore>>,
    /// `immediateInfo`: how many there are, how many keep the loop alive, whether some are outstanding.
    pub immediates: OnceCell<v8::SharedRef<v8::BackingStore>>,
    /// `timeoutInfo`: how many timers keep the loop alive.
    pub timeouts: OnceCell<v8::SharedRef<v8::BackingStore>>,
    /// What `process.exitCode` is: exiting, the code, whether it is set.
    pub exit: OnceCell<v8::SharedRef<v8::BackingStore>>,
    /// `milestones` of `performance`.
    pub milestones: OnceCell<v8::SharedRef<v8::BackingStore>>,
    /// `shouldAbortOnUncaughtToggle`: whether nobody has said that it takes all exceptions.
    pub abort_toggle: OnceCell<v8::SharedRef<v8::BackingStore>>,
    /// `async_id_fields` and `async_hook_fields`.
    pub async_ids: OnceCell<v8::SharedRef<v8::BackingStore>>,
    pub async_hooks: OnceCell<v8::SharedRef<v8::BackingStore>>,
}

/// Reads one number out of shared memory.
pub(crate) fn peek<const N: usize>(
    store: &OnceCell<v8::SharedRef<v8::BackingStore>>,
    index: usize,
) -> [u8; N] {
    let mut bytes = [0; N];
    if let Some(store) = store.get()
        && let Some(cells) = store.get(index * N..(index + 1) * N)
    {
        for (byte, cell) in bytes.iter_mut().zip(cells) {
            *byte = cell.get();
        }
    }
    bytes
}

/// Writes one number into shared memory.
pub(crate) fn poke<const N: usize>(
    store: &OnceCell<v8::SharedRef<v8::BackingStore>>,
    index: usize,
    bytes: [u8; N],
) {
    if let Some(store) = store.get()
        && let Some(cells) = store.get(index * N..(index + 1) * N)
    {
        for (byte, cell) in bytes.iter().zip(cells) {
            cell.set(*byte);
        }
    }
}

impl Env {
    pub fn new(
        core: &Rc<Core>,
        realm: &Rc<Realm>,
        facts: Arc<Facts>,
        scripts: Rc<Scripts>,
        thread: Option<Rc<threads::Own>>,
    ) -> Rc<Env> {
        let group = thread.as_ref().map_or_else(Arc::default, |thread| thread.group.clone());
        let options = thread.as_ref().map(|thread| thread.options.clone()).unwrap_or_default();
        Rc::new(Env {
            core: core.clone(),
            realm: Rc::downgrade(realm),
            facts,
            scripts,
            handles: Handles::default(),
            async_state: AsyncState::default(),
            process_object: OnceCell::new(),
            callbacks: RefCell::default(),
            symbols: RefCell::default(),
            private_symbols: RefCell::default(),
            templates: RefCell::default(),
            shared: Shared::default(),
            timer: Cell::new(None),
            alarms: RefCell::default(),
            timer_is_referenced: Cell::new(false),
            immediates: RefCell::default(),
            exit: Cell::new(None),
            fatal: RefCell::default(),
            states: RefCell::default(),
            arguments: RefCell::default(),
            exec_arguments: RefCell::default(),
            options: RefCell::new(options),
            group,
            thread,
            variables: RefCell::default(),
        })
    }

    /// The environment of the running native function; none (and no exception) where its realm is gone.
    pub fn of(scope: &mut Scope<'_, '_>) -> Option<Rc<Env>> {
        let realm = Core::of(scope).current_realm(scope)?;
        realm.environment()?.as_any().downcast::<Env>().ok()
    }

    pub fn realm(&self) -> Option<Rc<Realm>> {
        self.realm.upgrade()
    }

    /// The kernel's process that the guest's code runs as. While the library boots there is none.
    pub fn process(&self) -> Option<Arc<Process>> {
        self.realm()?.process()
    }

    pub fn set_callback(&self, scope: &mut Scope<'_, '_>, name: Callback, value: v8::Local<'_, v8::Value>) {
        let value = v8::Global::new(scope, value);
        self.callbacks.borrow_mut().insert(name, value);
    }

    pub fn callback_value<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        name: Callback,
    ) -> Option<v8::Local<'s, v8::Value>> {
        let value = self.callbacks.borrow().get(&name).cloned()?;
        Some(v8::Local::new(scope, &value))
    }

    pub fn callback<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        name: Callback,
    ) -> Option<v8::Local<'s, v8::Function>> {
        self.callback_value(scope, name)?.try_cast().ok()
    }

    /// The symbol that the library and this crate know each by its description.
    pub fn symbol<'s>(&self, scope: &mut Scope<'s, '_>, description: &str) -> v8::Local<'s, v8::Symbol> {
        let known = self.symbols.borrow().get(description).cloned();
        if let Some(symbol) = known {
            return v8::Local::new(scope, &symbol);
        }
        let text = string(scope, description);
        let symbol = v8::Symbol::new(scope, Some(text));
        let global = v8::Global::new(scope, symbol);
        self.symbols.borrow_mut().insert(description.to_owned(), global);
        symbol
    }

    /// What a binding keeps for the realm: made when it is first asked for.
    pub fn state<T: Default + 'static>(&self) -> Rc<T> {
        let state = self
            .states
            .borrow_mut()
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Rc::new(T::default()))
            .clone();
        state.downcast().unwrap_or_default()
    }

    /// This thread's number; the main one has 0.
    pub fn thread_number(&self) -> u32 {
        self.thread.as_ref().map_or(0, |thread| thread.number)
    }

    /// The process object.
    pub fn process_object<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
        Some(v8::Local::new(scope, self.process_object.get()?))
    }

    /// An internal binding's object, made if need be.
    pub fn internal_binding<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        name: &str,
    ) -> Option<v8::Local<'s, v8::Object>> {
        self.call_with_text(scope, Callback::InternalBinding, name)
    }

    /// A module of the library, loaded if need be.
    pub fn require<'s>(&self, scope: &mut Scope<'s, '_>, id: &str) -> Option<v8::Local<'s, v8::Object>> {
        self.call_with_text(scope, Callback::Require, id)
    }

    fn call_with_text<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        callback: Callback,
        text: &str,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let function = self.callback(scope, callback)?;
        let text = string(scope, text);
        let receiver = v8::undefined(scope).into();
        function.call(scope, receiver, &[text.into()])?.try_cast().ok()
    }

    /// A function of this crate's own script ([`crate::boot`]).
    pub fn main<'s>(&self, scope: &mut Scope<'s, '_>, name: &str) -> Option<v8::Local<'s, v8::Function>> {
        let main: v8::Local<v8::Object> = self.callback_value(scope, Callback::Main)?.try_cast().ok()?;
        binding::get(scope, main, name)?.try_cast().ok()
    }

    /// Calls a function of this crate's own script.
    pub fn call_main<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        name: &str,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        let function = self.main(scope, name)?;
        let receiver = v8::undefined(scope).into();
        function.call(scope, receiver, arguments)
    }

    /// Has the timers run in so many milliseconds from the moment that guest code is shown; not any more below 0.
    pub fn schedule_timer(&self, milliseconds: f64) {
        let wait = Duration::try_from_secs_f64(milliseconds.max(1.0) / 1000.0).unwrap_or(Duration::MAX);
        self.timer.set(moment().checked_add(wait));
    }

    /// Waits, in an operation, from the moment that guest code is shown.
    pub fn sleep(self: &Rc<Self>, wait: Duration) -> impl Future<Output = ()> + use<> {
        let (env, until) = (self.clone(), moment().checked_add(wait));
        poll_fn(move |cx| match until {
            Some(until) if until <= present() => Poll::Ready(()),
            Some(until) => {
                if env.alarms.borrow().len() >= ALARMS_MAX {
                    // Most are of operations that are no more; those that still live come again.
                    let all = env.alarms.take();
                    all.into_iter().for_each(|(_, waker)| waker.wake());
                }
                env.alarms.borrow_mut().push((until, cx.waker().clone()));
                Poll::Pending
            }
            None => Poll::Pending,
        })
    }

    /// Wakes the operations whose time has come.
    fn wake_alarms(&self) {
        let now = present();
        let (due, later) = self.alarms.take().into_iter().partition(|(until, _)| *until <= now);
        *self.alarms.borrow_mut() = later;
        let due: Vec<(Instant, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Has something done in the last phase of this round of the loop, before what JavaScript has put off to there.
    pub fn set_immediate(&self, what: impl for<'s, 'i> FnOnce(&mut Scope<'s, 'i>) -> Option<()> + 'static) {
        self.immediates.borrow_mut().push_back(Box::new(what));
    }

    pub fn reference_timer(&self, referenced: bool) {
        self.timer_is_referenced.set(referenced);
    }

    /// Runs the timers that are due. How long until the next one; negative where that does not keep the loop alive, 0 where
    /// there is none.
    fn run_timers_now(&self, scope: &mut Scope<'_, '_>) -> Option<f64> {
        let Some(timers) = self.callback(scope, Callback::Timers) else { return Some(0.0) };
        let process = self.process_object(scope)?;
        let now = v8::Number::new(scope, crate::bindings::timers::now());
        timers.call(scope, process.into(), &[now.into()])?.number_value(scope)
    }

    /// How many timers and immediates keep the loop alive, as the library counts them.
    pub fn referenced_timers(&self) -> (usize, usize) {
        let timeouts = i32::from_ne_bytes(peek(&self.shared.timeouts, 0));
        let immediates = u32::from_ne_bytes(peek(&self.shared.immediates, 1));
        (usize::try_from(timeouts).unwrap_or(0), immediates as usize)
    }

    /// The program ends now, with this exit code: its code is terminated.
    pub fn exit(&self, scope: &mut Scope<'_, '_>, code: i32) {
        self.exit.set(Some(code));
        scope.terminate_execution();
    }

    pub fn has_exited(&self) -> bool {
        self.exit.get().is_some()
    }

    /// The exit code that the program has set.
    pub fn exit_code(&self, default: i32) -> i32 {
        let is_set = i32::from_ne_bytes(peek(&self.shared.exit, 2)) != 0;
        if is_set { i32::from_ne_bytes(peek(&self.shared.exit, 1)) } else { default }
    }

    /// Ends a callback into the library: what was put off to its end, and microtasks.
    fn run_ticks(&self, scope: &mut Scope<'_, '_>) -> Option<()> {
        let realm = self.realm()?;
        let pending = |index| peek::<1>(&self.shared.tick, index) != [0];
        if !pending(0) {
            realm.run_microtasks(scope);
        }
        if !pending(0) && !pending(1) {
            return Some(());
        }
        let Some(tick) = self.callback(scope, Callback::Tick) else { return Some(()) };
        let receiver = self.process_object(scope)?;
        tick.call(scope, receiver.into(), &[]).map(drop)
    }

    /// Tells the program something that it should know and need not.
    pub fn warn(&self, scope: &mut Scope<'_, '_>, text: &str) -> Option<()> {
        let text = string(scope, text).into();
        self.call_main(scope, "warn", &[text]).map(drop)
    }

    /// Whether the program's first module waits for something that will not come.
    fn entry_waits(&self, scope: &mut Scope<'_, '_>) -> bool {
        let Some(key) =
            crate::bindings::util::private_symbol(scope, self, "entry_point_promise_private_symbol")
        else {
            return false;
        };
        let global = scope.get_current_context().global(scope);
        let promise = global.get_private(scope, key).and_then(|value| value.try_cast::<v8::Promise>().ok());
        promise.is_some_and(|promise| promise.state() == v8::PromiseState::Pending)
    }

    fn emit<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        event: &str,
        code: i32,
    ) -> Option<v8::Local<'s, v8::Value>> {
        let process = self.process_object(scope)?;
        let emit: v8::Local<v8::Function> = binding::get(scope, process, "emit")?.try_cast().ok()?;
        let (event, code) = (string(scope, event), v8::Integer::new(scope, code));
        emit.call(scope, process.into(), &[event.into(), code.into()])
    }
}

impl Environment for Env {
    fn configure(&self, scope: &mut Scope<'_, '_>) -> Option<()> {
        crate::process::configure(scope, self)
    }

    fn begin(&self, scope: &mut Scope<'_, '_>, work: Work) -> Option<Begun> {
        crate::boot::begin(scope, self, work)
    }

    fn settle(&self, scope: &mut Scope<'_, '_>) -> Option<()> {
        self.run_ticks(scope)
    }

    fn uncaught(
        &self,
        scope: &mut Scope<'_, '_>,
        exception: v8::Local<'_, v8::Value>,
        message: Option<v8::Local<'_, v8::Message>>,
    ) -> bool {
        crate::callbacks::uncaught(scope, self, exception, message, false)
    }

    fn fatal(&self) -> Option<ErrorData> {
        self.fatal.borrow().clone()
    }

    fn exited(&self) -> Option<i32> {
        self.exit.get()
    }

    fn count_timers_from(&self, scope: &mut Scope<'_, '_>, now: Duration) {
        if self.timer.get().is_none() {
            return;
        }
        v8::tc_scope!(let scope, scope);
        let shown = v8::Number::new(scope, crate::bindings::timers::now());
        let now = v8::Number::new(scope, crate::bindings::timers::milliseconds(now));
        let _ = self.call_main(scope, "countTimersFrom", &[shown.into(), now.into()]);
    }

    fn deadline(&self) -> Option<Instant> {
        let alarm = self.alarms.borrow().iter().map(|(until, _)| *until).min();
        self.timer.get().into_iter().chain(alarm).min()
    }

    fn run_timers(&self, scope: &mut Scope<'_, '_>) -> Option<()> {
        self.wake_alarms();
        if self.timer.get().is_none_or(|due| due > present()) {
            return Some(());
        }
        self.timer.set(None);
        let Some(next) = self.run_timers_now(scope) else {
            // One of them threw: the others run in the next round.
            self.timer.set(Some(moment()));
            return None;
        };
        if next != 0.0 {
            let wait = next.abs() - crate::bindings::timers::now();
            self.schedule_timer(wait);
            self.reference_timer(next > 0.0);
        }
        Some(())
    }

    fn has_immediates(&self) -> bool {
        let number = |index| u32::from_ne_bytes(peek(&self.shared.immediates, index));
        // Outstanding ones are left over from a round that threw.
        number(0) > 0 || number(2) > 0 || !self.immediates.borrow().is_empty()
    }

    fn leaves_immediates(&self) -> bool {
        u32::from_ne_bytes(peek(&self.shared.immediates, 2)) != 0
    }

    fn run_immediates(&self, scope: &mut Scope<'_, '_>) -> Option<()> {
        // What they put off is for the next round.
        let count = self.immediates.borrow().len();
        for _ in 0..count {
            let immediate = self.immediates.borrow_mut().pop_front();
            if let Some(immediate) = immediate {
                immediate(scope)?;
            }
        }
        let number = |index| u32::from_ne_bytes(peek(&self.shared.immediates, index));
        if number(0) == 0 && number(2) == 0 {
            return Some(());
        }
        let Some(immediates) = self.callback(scope, Callback::Immediates) else { return Some(()) };
        let process = self.process_object(scope)?;
        immediates.call(scope, process.into(), &[]).map(drop)
    }

    fn is_alive(&self) -> bool {
        let immediates = u32::from_ne_bytes(peek(&self.shared.immediates, 1)) > 0;
        (self.timer.get().is_some() && self.timer_is_referenced.get())
            || immediates
            || !self.immediates.borrow().is_empty()
    }

    fn end(&self, scope: &mut Scope<'_, '_>) -> Option<Ending> {
        if i32::from_ne_bytes(peek(&self.shared.exit, 0)) != 0 {
            // A listener threw, which a handler has taken: it is told once all the same.
            let default = if self.entry_waits(scope) { NEVER_SETTLED_EXIT } else { 0 };
            return Some(Ending::Over(self.exit_code(default)));
        }
        self.emit(scope, "beforeExit", self.exit_code(0))?;
        self.settle(scope)?;
        if self.realm().is_some_and(|realm| !realm.is_idle()) {
            return Some(Ending::Alive);
        }
        poke(&self.shared.exit, 0, 1i32.to_ne_bytes());
        let default = if self.entry_waits(scope) { NEVER_SETTLED_EXIT } else { 0 };
        self.emit(scope, "exit", self.exit_code(default))?;
        Some(Ending::Over(self.exit_code(default)))
    }

    fn promise_rejected(&self, scope: &mut Scope<'_, '_>, message: &v8::PromiseRejectMessage<'_>) {
        crate::callbacks::promise_rejected(scope, self, message);
    }

    fn forget_unfinished(&self, scope: &mut Scope<'_, '_>) {
        v8::tc_scope!(let scope, scope);
        let _ = self.call_main(scope, "forgetUnfinished", &[]);
        // With nothing scheduled any more, the library learns that nothing is due.
        let _ = self.run_timers_now(scope);
    }

    fn quiesce(&self) {
        self.exit.set(None);
        self.fatal.take();
        self.timer.set(None);
        self.alarms.take();
        let immediates = self.immediates.take();
        drop(immediates);
        self.state::<crate::bindings::fs::pool::Pool>().clear();
        poke(&self.shared.immediates, 0, [0; 4]);
        poke(&self.shared.immediates, 1, [0; 4]);
        poke(&self.shared.immediates, 2, [0; 4]);
        poke(&self.shared.tick, 0, [0]);
        poke(&self.shared.tick, 1, [0]);
        crate::bindings::async_wrap::clear(self);
        self.state::<crate::handle_wrap::OpenHandles>().abandon();
        self.state::<crate::bindings::messaging::OpenPorts>().abandon();
        self.state::<crate::bindings::locks::Requests>().abandon(self);
        if let (Some(thread), Some(process)) = (&self.thread, self.process()) {
            thread.close_descriptors(&process);
        }
    }

    fn inspect(&self, scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String> {
        let value = v8::Local::new(scope, value);
        let text = self.call_main(scope, "inspect", &[value])?.to_string(scope)?;
        isolate::library::text(scope, text)
    }

    fn host_options<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Data>> {
        let symbol = self.symbol(scope, "vm_dynamic_import_default_internal");
        Some(crate::callbacks::host_options(scope, symbol))
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
