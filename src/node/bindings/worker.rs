//! Threads: what this one is, and the class `Worker`, which starts others.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use isolate::library::{
    Delivery, OperationId, Scope, THREADS_MAX, Thread, ThreadEnd, ThreadStart, monotonic, reference, spawn,
    string, text,
};

use serde_json::Map;

use super::messaging::{Port, object_for};
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Binding, Class, Return, functions, set, set_number, unsupported_feature};
use crate::coded_error::{self, Kind};
use crate::environment::Env;
use crate::handle;
use crate::options::{self, Options, Whose};
use crate::threads::{Environment, LIMITS, Start, Started, Variables, lock};

pub(super) static BINDING: Binding =
    Binding { name: "worker", functions: functions! { "getEnvMessagePort" => get_port, }, make: Some(make) };

/// The places of limits.
const YOUNG_GENERATION: usize = 0;
const OLD_GENERATION: usize = 1;
const CODE_RANGE: usize = 2;
const STACK: usize = 3;

const MIB: f64 = 1024.0 * 1024.0;

/// The young generation of a thread that says nothing of it, in MiB.
const YOUNG_GENERATION_MIB: f64 = 16.0;

/// The stack of a thread that says nothing of it, in MiB; what Node gives one.
const STACK_MIB: f64 = 4.0;

/// The least stack, in MiB.
const STACK_MIN_MIB: f64 = 192.0 / 1024.0;

/// Most arguments of a thread, and most variables.
const TEXTS_MAX: u32 = 1 << 16;

/// The native half of a `Worker`.
struct Worker {
    wrap: AsyncWrap,
    /// Until it is started.
    start: RefCell<Option<Start>>,
    thread: RefCell<Option<Rc<Thread>>>,
    /// Waits for its end.
    operation: Cell<Option<OperationId>>,
    referenced: Cell<bool>,
    is_over: Cell<bool>,
    limits: [f64; LIMITS],
    started: Arc<Started>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let own = env.thread.as_ref();
    for (name, value) in [
        ("isMainThread", own.is_none()),
        ("isInternalThread", own.is_some_and(|thread| thread.is_internal)),
        ("ownsProcessState", own.is_none()),
    ] {
        let value = v8::Boolean::new(scope, value);
        set(scope, binding, name, value.into())?;
    }
    let name = string(scope, own.map_or("", |thread| &thread.name));
    set(scope, binding, "threadName", name.into())?;
    set_number(scope, binding, "threadId", own.map_or(0.0, |thread| f64::from(thread.number)))?;
    if let Some(thread) = own {
        let limits = limits_array(scope, &thread.limits)?;
        set(scope, binding, "resourceLimits", limits.into())?;
    }
    let class = Class::new(scope, "Worker", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(
        scope,
        functions! {
            "startThread" => start_thread,
            "stopThread" => stop_thread,
            "hasRef" => has_ref,
            "ref" => reference_worker,
            "unref" => unreference_worker,
            "getResourceLimits" => get_resource_limits,
            "loopStartTime" => loop_start_time,
            "loopIdleTime" => loop_idle_time,
            "getHeapStatistics" => get_heap_statistics,
            "cpuUsage" => cpu_usage,
            "takeHeapSnapshot" => unsupported,
            "startCpuProfile" => unsupported,
            "stopCpuProfile" => unsupported,
            "startHeapProfile" => unsupported,
            "stopHeapProfile" => unsupported,
        },
    )?;
    class.methods(scope, async_methods!(Worker, wrap))?;
    class.publish(scope, binding, "Worker")
}

fn limits_array<'s>(
    scope: &mut Scope<'s, '_>,
    limits: &[f64; LIMITS],
) -> Option<v8::Local<'s, v8::Float64Array>> {
    let buffer = v8::ArrayBuffer::new(scope, LIMITS * 8);
    let array = v8::Float64Array::new(scope, buffer, 0, LIMITS)?;
    super::process_methods::answer_in(array.into(), limits);
    Some(array)
}

/// () -> this thread's port to the one that has started it; nothing in the main thread
fn get_port(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(thread) = env.thread.clone() else { return };
    let known = thread.port_object.borrow().clone();
    if let Some(known) = known {
        return result.set(v8::Local::new(scope, &known).into());
    }
    let Some(port) = thread.port.take() else { return };
    if let Some(object) = object_for(scope, &env, port) {
        *thread.port_object.borrow_mut() = Some(v8::Global::new(scope, object));
        result.set(object.into());
    }
}

/// The texts of an array. `None` with an exception pending.
fn texts(scope: &mut Scope<'_, '_>, array: v8::Local<'_, v8::Array>) -> Option<Vec<String>> {
    if array.length() > TEXTS_MAX {
        isolate::library::throw_no_memory(scope, "too many arguments");
        return None;
    }
    let mut texts = Vec::new();
    for index in 0..array.length() {
        let value = array.get_index(scope, index)?.to_string(scope)?;
        texts.push(text(scope, value)?);
    }
    Some(texts)
}

fn pairs(texts: Vec<String>) -> Vec<(String, String)> {
    let mut texts = texts.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        pairs.push((name, value));
    }
    pairs
}

/// The environment of this thread as it is now.
fn own_variables(scope: &mut Scope<'_, '_>, env: &Env, function: &str) -> Option<Vec<(String, String)>> {
    let list: v8::Local<v8::Array> = env.call_main(scope, function, &[])?.try_cast().ok()?;
    Some(pairs(texts(scope, list)?))
}

/// What a thread finds in its environment: a copy of this one's (null), what an object says, or this one's own (undefined).
fn environment(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    wanted: v8::Local<'_, v8::Value>,
) -> Option<Environment> {
    if let Ok(object) = wanted.try_cast::<v8::Object>() {
        let names = object.get_own_property_names(scope, v8::GetPropertyNamesArgs::default())?;
        if names.length() > TEXTS_MAX {
            isolate::library::throw_no_memory(scope, "too many variables");
            return None;
        }
        let mut variables = Vec::new();
        for index in 0..names.length() {
            let name = names.get_index(scope, index)?;
            let value = object.get(scope, name)?.to_string(scope)?;
            let name = name.to_string(scope)?;
            variables.push((text(scope, name)?, text(scope, value)?));
        }
        return Some(Environment::Own(variables));
    }
    if wanted.is_null() {
        return Some(Environment::Own(own_variables(scope, env, "environmentPairs")?));
    }
    let shared = env.variables.borrow().clone();
    let shared = match shared {
        Some(shared) => shared,
        None => {
            let variables = Variables::new(own_variables(scope, env, "shareEnvironment")?);
            *env.variables.borrow_mut() = Some(variables.clone());
            variables
        }
    };
    Some(Environment::Shared(shared))
}

/// What a thread's limits are, from what was asked for: below 0 is the default.
fn limits(scope: &mut Scope<'_, '_>, env: &Env, wanted: v8::Local<'_, v8::Value>) -> [f64; LIMITS] {
    let mut limits = [-1.0; LIMITS];
    if let Ok(array) = wanted.try_cast::<v8::Float64Array>() {
        for (index, limit) in (0..).zip(&mut limits) {
            let value = array.get_index(scope, index).and_then(|value| value.number_value(scope));
            *limit = value.filter(|value| value.is_finite()).unwrap_or(-1.0);
        }
    }
    let heap = env.core.limits().heap_bytes as f64 / MIB;
    let or = |index: usize, default: f64| if limits[index] > 0.0 { limits[index] } else { default };
    [
        or(YOUNG_GENERATION, YOUNG_GENERATION_MIB),
        or(OLD_GENERATION, heap),
        or(CODE_RANGE, isolate::CODE_RANGE as f64 / MIB),
        or(STACK, STACK_MIB).max(STACK_MIN_MIB),
    ]
}

fn set_texts(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    texts: &[String],
) -> Option<()> {
    let texts: Vec<v8::Local<v8::Value>> = texts.iter().map(|text| string(scope, text).into()).collect();
    let array = v8::Array::new_with_elements(scope, &texts);
    set(scope, object, name, array.into())
}

/// (url, environment, execArgv, limits, trackUnmanagedFds, isInternal, name)
fn construct<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(
            scope,
            "Class constructor Worker cannot be invoked without 'new'",
        );
    }
    let Some(env) = Env::of(scope) else { return };
    let _ = construct_in(scope, &env, &args);
}

fn construct_in<'s>(scope: &mut Scope<'s, '_>, env: &Rc<Env>, args: &Args<'s>) -> Option<()> {
    let this = args.this();
    let environment = environment(scope, env, args.get(1))?;
    let said = match &environment {
        Environment::Own(pairs) => {
            pairs.iter().find(|(name, _)| name == "NODE_OPTIONS").map(|(_, value)| value.clone())
        }
        Environment::Shared(variables) => variables.get("NODE_OPTIONS"),
    };
    let mut values = env.options.borrow().clone();
    let mut exec_arguments = env.exec_arguments.borrow().clone();
    let given = args.get(2).try_cast::<v8::Array>().ok();
    if args.get(1).is_object() || given.is_some() {
        let said = match options::split(&said.unwrap_or_default()) {
            Ok(words) => options::read(&env.facts, &words, Whose::ThreadEnvironment, Map::new()),
            Err(wrong) => Options { errors: vec![wrong], ..Options::default() },
        };
        if !said.errors.is_empty() && args.get(1).is_object() {
            return set_texts(scope, this, "invalidNodeOptions", &said.errors);
        }
        values = said.values;
    }
    if let Some(given) = given {
        exec_arguments = texts(scope, given)?;
        let said = options::read(&env.facts, &exec_arguments, Whose::Thread, values);
        let wrong = if said.errors.is_empty() { &said.invalid } else { &said.errors };
        if !wrong.is_empty() {
            return set_texts(scope, this, "invalidExecArgv", wrong);
        }
        exec_arguments.truncate(said.taken - usize::from(said.has_end));
        values = said.values;
    }
    let limits = limits(scope, env, args.get(3));
    let is_internal = args.get(5).is_true();
    let name = args.get(6).to_string(scope)?;
    let name = text(scope, name)?;
    let (here, there) = Port::pair();
    let number = env.group.number();
    let started = Arc::new(Started::default());
    let start = Start {
        number,
        name: name.clone(),
        is_internal,
        group: env.group.clone(),
        port: there,
        environment,
        exec_arguments,
        options: values,
        limits,
        tracks_descriptors: args.get(4).is_true(),
        started: started.clone(),
    };
    let wrap = AsyncWrap::new(scope, env, this, "WORKER");
    let worker = Worker {
        wrap,
        start: RefCell::new(Some(start)),
        thread: RefCell::default(),
        operation: Cell::new(None),
        referenced: Cell::new(true),
        is_over: Cell::new(false),
        limits,
        started,
    };
    handle::attach(scope, env, this, Rc::new(worker))?;
    let port = object_for(scope, env, here)?;
    set(scope, this, "messagePort", port.into())?;
    set_number(scope, this, "threadId", f64::from(number))?;
    let name = string(scope, &name);
    set(scope, this, "threadName", name.into())
}

/// Bytes of a limit in MiB.
fn bytes(limit: f64) -> usize {
    (limit * MIB) as usize
}

fn start_thread(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    let Some(start) = worker.start.take() else { return };
    let (Some(realm), Some(process)) = (env.realm(), env.process()) else { return };
    if !crate::store::has_code() {
        // A worker that was not forked has kept nothing before.
        env.scripts.keep(scope);
    }
    let begin = ThreadStart {
        name: format!("thread-{}", start.number),
        process,
        stack: bytes(worker.limits[STACK]),
        heap: Some(bytes(worker.limits[OLD_GENERATION])),
        young_generation: Some(bytes(worker.limits[YOUNG_GENERATION])),
        library: Box::new(move || crate::library_of_thread(start)),
    };
    let thread = match Thread::start(&env.core, &realm, begin) {
        Ok(thread) => thread,
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::QuotaExceeded => {
                    format!("EAGAIN: a VM has at most {THREADS_MAX} threads beside its main one")
                }
                ErrorKind::OutOfMemory => {
                    "ENOMEM: the VM's memory is used up (limits.memoryBytes)".to_owned()
                }
                _ => "EAGAIN".to_owned(),
            };
            let message = format!("Worker initialization failure: {why}");
            return coded_error::throw(scope, Kind::Error, &message, "ERR_WORKER_INIT_FAILED");
        }
    };
    *worker.thread.borrow_mut() = Some(thread.clone());
    let object = v8::Global::new(scope, args.this());
    let (env_then, waiting) = (env.clone(), worker.clone());
    let operation = async move {
        let end = poll_fn(|cx| thread.poll_end(cx)).await;
        let deliver: Delivery = Box::new(move |scope| {
            let object = v8::Local::new(scope, &object);
            ended(scope, &env_then, object, &waiting, end)
        });
        deliver
    };
    match spawn(&env.core, &realm, operation) {
        Some(id) => {
            worker.operation.set(Some(id));
            reference(&env.core, &realm, id, worker.referenced.get());
        }
        None => {
            let thread = worker.thread.take();
            if let Some(thread) = thread {
                thread.end();
                thread.release(&realm);
            }
            isolate::library::throw_errno(scope, kernel::Errno::Eagain, "startThread", None);
        }
    }
}

/// The thread is over, and nothing of it is left.
fn ended(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    worker: &Worker,
    end: ThreadEnd,
) -> Option<()> {
    worker.operation.set(None);
    let thread = worker.thread.take();
    if let (Some(thread), Some(realm)) = (thread, env.realm()) {
        thread.release(&realm);
    }
    let object = v8::Local::new(scope, object);
    let (code, why): (v8::Local<v8::Value>, v8::Local<v8::Value>) = if end.out_of_memory {
        (string(scope, "ERR_WORKER_OUT_OF_MEMORY").into(), string(scope, "JS heap out of memory").into())
    } else {
        (v8::null(scope).into(), v8::null(scope).into())
    };
    let number = v8::Integer::new(scope, end.code).into();
    let called = worker.wrap.call_method(scope, env, object, "onexit", &[number, code, why]);
    worker.is_over.set(true);
    worker.wrap.destroy(scope, env);
    called.map(drop)
}

fn stop_thread(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    let thread = worker.thread.borrow().clone();
    if let Some(thread) = thread {
        thread.end();
    }
}

fn set_reference(scope: &mut Scope<'_, '_>, args: &Args<'_>, referenced: bool) {
    let Some((env, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    worker.referenced.set(referenced);
    if let (Some(operation), Some(realm)) = (worker.operation.get(), env.realm()) {
        reference(&env.core, &realm, operation, referenced);
    }
}

fn reference_worker(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_reference(scope, &args, true);
}

fn unreference_worker(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_reference(scope, &args, false);
}

fn has_ref(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    if !worker.is_over.get() {
        result.set_bool(worker.referenced.get());
    }
}

fn get_resource_limits(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    if let Some(limits) = limits_array(scope, &worker.limits) {
        result.set(limits.into());
    }
}

/// () -> when its loop began, in milliseconds, or -1
fn loop_start_time(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    result.set(v8::Number::new(scope, worker.started.at().unwrap_or(-1.0)).into());
}

/// How long a loop has waited would tell what others do: nobody is told.
fn loop_idle_time(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if handle::receiver::<Worker>(scope, args.this()).is_some() {
        result.set(v8::Number::new(scope, 0.0).into());
    }
}

/// What waits for numbers of a thread's.
struct Asked<T> {
    answer: Option<Option<T>>,
    waker: Option<Waker>,
}

/// An answer that is on its way from another thread; one that is dropped without is none.
struct Answer<T>(Arc<Mutex<Asked<T>>>);

impl<T> Answer<T> {
    fn settle(&self, answer: Option<T>) {
        let waker = {
            let mut asked = lock(&self.0);
            if asked.answer.is_none() {
                asked.answer = Some(answer);
            }
            asked.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.settle(None);
    }
}

/// The object whose `ondone` will be called, made with a method of the worker; none if that does not run.
fn taker<'s>(scope: &mut Scope<'s, '_>) -> v8::Local<'s, v8::Object> {
    v8::Object::new(scope)
}

/// () -> an object whose `ondone` is called with the numbers of its heap
fn get_heap_statistics(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    let thread = worker.thread.borrow().clone();
    let (Some(thread), Some(realm)) = (thread, env.realm()) else { return };
    let asked = Arc::new(Mutex::new(Asked { answer: None, waker: None }));
    let answer = Answer(asked.clone());
    thread.look(move |isolate| {
        let numbers = super::v8::heap_numbers(&mut isolate.get_heap_statistics());
        answer.settle(Some(numbers));
    });
    let object = taker(scope);
    let taken = v8::Global::new(scope, object);
    let operation = async move {
        let numbers = poll_fn(|cx| {
            let mut asked = lock(&asked);
            match asked.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    asked.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        let deliver: Delivery = Box::new(move |scope| {
            // One that ended before it could answer never does, as in Node.
            let Some(numbers) = numbers else { return Some(()) };
            let told = v8::Object::new(scope);
            for (name, number) in numbers {
                set_number(scope, told, name, number)?;
            }
            done(scope, &taken, &[told.into()])
        });
        deliver
    };
    if spawn(&env.core, &realm, operation).is_some() {
        result.set(object.into());
    }
}

/// () -> an object whose `ondone` is called with an error, if there is one, and { user, system }
fn cpu_usage(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, worker)) = handle::receiver::<Worker>(scope, args.this()) else { return };
    if worker.thread.borrow().is_none() {
        return;
    }
    let Some(realm) = env.realm() else { return };
    let object = taker(scope);
    let taken = v8::Global::new(scope, object);
    // As everywhere, the clock that guest code may see is all that tells of work.
    let began = worker.started.at().unwrap_or(0.0) * 1000.0;
    let worked = (monotonic().as_micros() as f64 - began).max(0.0);
    let operation = async move {
        let deliver: Delivery = Box::new(move |scope| {
            let told = v8::Object::new(scope);
            set_number(scope, told, "user", worked)?;
            set_number(scope, told, "system", 0.0)?;
            let null = v8::null(scope).into();
            done(scope, &taken, &[null, told.into()])
        });
        deliver
    };
    if spawn(&env.core, &realm, operation).is_some() {
        result.set(object.into());
    }
}

fn done<'s>(
    scope: &mut Scope<'s, '_>,
    taker: &v8::Global<v8::Object>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Option<()> {
    let taker = v8::Local::new(scope, taker);
    let method = crate::binding::get(scope, taker, "ondone")?;
    let Ok(method) = method.try_cast::<v8::Function>() else { return Some(()) };
    method.call(scope, taker.into(), arguments).map(drop)
}

fn unsupported(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle::receiver::<Worker>(scope, args.this()).is_some() {
        unsupported_feature(scope, "profiling a thread");
    }
}
