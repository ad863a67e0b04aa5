//! `MessagePort`, `MessageChannel` and broadcast channels.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};

use isolate::library::{
    Delivery, OperationId, Scope, forget, memory_for, reference, spawn, string, throw_no_memory,
};

use super::message::Message;
use super::transfer_list;
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return, functions, set};
use crate::coded_error::{self, Kind};
use crate::environment::Env;
use crate::handle;

/// One end of a channel, wherever its object is.
#[derive(Default)]
pub(super) struct Port {
    state: Mutex<State>,
    peer: Mutex<Weak<Port>>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Message>,
    /// The other end is gone: when the queue is empty this one is, too.
    closing: bool,
    /// Messages are delivered.
    receiving: bool,
    waker: Option<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Port {
    fn pair() -> (Arc<Port>, Arc<Port>) {
        let (one, other) = (Arc::new(Port::default()), Arc::new(Port::default()));
        *lock(&one.peer) = Arc::downgrade(&other);
        *lock(&other.peer) = Arc::downgrade(&one);
        (one, other)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = lock(&self.state);
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn has_something(&self) -> bool {
        let state = lock(&self.state);
        (state.receiving && !state.queue.is_empty())
            || (state.closing && (state.queue.is_empty() || !state.receiving))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(peer) = lock(&self.peer).upgrade() {
            peer.change(|state| state.closing = true);
        }
    }
}

/// The native half of a `MessagePort`.
struct PortObject {
    /// None once it was closed or sent away.
    port: RefCell<Option<Arc<Port>>>,
    /// The broadcast channel that it belongs to.
    channel: Option<String>,
    wrap: AsyncWrap,
    operation: Cell<Option<OperationId>>,
    referenced: Cell<bool>,
}

/// Broadcast channels of a realm.
#[derive(Default)]
struct Channels(RefCell<HashMap<String, Vec<Weak<Port>>>>);

pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let illegal = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_port);
    let class = Class::new(scope, "MessagePort", illegal)?;
    class.methods(
        scope,
        functions! {
            "postMessage" => post_message,
            "start" => start,
            "close" => close,
            "ref" => reference_port,
            "unref" => unreference_port,
            "hasRef" => has_ref,
        },
    )?;
    class.methods(scope, async_methods!(PortObject, wrap))?;
    class.keep(scope, env, "MessagePort");
    class.publish(scope, binding, "MessagePort")?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_channel);
    let class = Class::new(scope, "MessageChannel", constructor)?;
    class.publish(scope, binding, "MessageChannel")
}

fn construct_port(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    coded_error::throw(scope, Kind::Type, "Constructor cannot be called", "ERR_CONSTRUCT_CALL_INVALID");
}

fn construct_channel(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        coded_error::throw(
            scope,
            Kind::Type,
            "Class constructor MessageChannel cannot be invoked without `new`",
            "ERR_CONSTRUCT_CALL_REQUIRED",
        );
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let (one, other) = Port::pair();
    for (name, port) in [("port1", one), ("port2", other)] {
        let Some(object) = object_for(scope, &env, port) else { return };
        if set(scope, args.this(), name, object.into()).is_none() {
            return;
        }
    }
}

/// A new object for an end of a channel. `None` with an exception pending.
pub(super) fn object_for<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    port: Arc<Port>,
) -> Option<v8::Local<'s, v8::Object>> {
    object_in(scope, env, port, None)
}

fn object_in<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    port: Arc<Port>,
    channel: Option<String>,
) -> Option<v8::Local<'s, v8::Object>> {
    let object = handle::template(scope, env, "MessagePort")?.instance_template(scope).new_instance(scope)?;
    let wrap = AsyncWrap::new(scope, env, object, "MESSAGEPORT");
    let half = Rc::new(PortObject {
        port: RefCell::new(Some(port)),
        channel,
        wrap,
        operation: Cell::new(None),
        referenced: Cell::new(true),
    });
    handle::attach(scope, env, object, half.clone())?;
    listen(scope, env, object, &half)?;
    let key = env.symbol(scope, "oninit");
    if let Ok(initialize) = object.get(scope, key.into())?.try_cast::<v8::Function>() {
        initialize.call(scope, object.into(), &[])?;
    }
    Some(object)
}

/// Waits for the next message, or for the end.
fn listen(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    half: &Rc<PortObject>,
) -> Option<()> {
    let Some(port) = half.port.borrow().clone() else { return Some(()) };
    // Weak: a port that nobody can reach and that gets nothing any more may be collected.
    let (object, then, waits) = (v8::Global::new(scope, object), env.clone(), half.clone());
    let operation = async move {
        poll_fn(|cx| {
            if port.has_something() {
                return Poll::Ready(());
            }
            lock(&port.state).waker = Some(cx.waker().clone());
            if port.has_something() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let deliver: Delivery = Box::new(move |scope| {
            let object = v8::Local::new(scope, &object);
            waits.operation.set(None);
            deliver(scope, &then, object, &waits)
        });
        deliver
    };
    let realm = env.realm()?;
    let id = spawn(&env.core, &realm, operation)?;
    half.operation.set(Some(id));
    reference(&env.core, &realm, id, keeps_alive(half));
    Some(())
}

fn keeps_alive(half: &PortObject) -> bool {
    half.referenced.get()
}

/// Delivers one message, or the end.
fn deliver(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    half: &Rc<PortObject>,
) -> Option<()> {
    let Some(port) = half.port.borrow().clone() else { return Some(()) };
    let message = {
        let mut state = lock(&port.state);
        if state.receiving { state.queue.pop_front() } else { None }
    };
    match message {
        Some(message) => {
            // The next one is waited for before this one's listeners run, which may throw.
            listen(scope, env, object, half)?;
            emit(scope, env, object, half, message)
        }
        None if lock(&port.state).closing => end(scope, env, object, half),
        None => listen(scope, env, object, half),
    }
}

fn emit(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    half: &PortObject,
    message: Message,
) -> Option<()> {
    let object = v8::Local::new(scope, object);
    let (value, ports, kind) = {
        v8::tc_scope!(let attempt, scope);
        match message.read(attempt, env) {
            Some((value, ports)) => (value, ports, "message"),
            None => {
                let error = attempt.exception()?;
                attempt.reset();
                (error, Vec::new(), "messageerror")
            }
        }
    };
    let ports: Vec<v8::Local<v8::Value>> = ports.into_iter().map(Into::into).collect();
    let ports = v8::Array::new_with_elements(scope, &ports);
    let kind = string(scope, kind);
    let emit: v8::Local<v8::Function> =
        crate::bindings::builtins::exported(scope, env, "emitMessage")?.try_cast().ok()?;
    half.wrap.call(scope, env, object, emit, &[value, ports.into(), kind.into()]).map(drop)
}

/// The port is gone: its object is told.
fn end(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    half: &PortObject,
) -> Option<()> {
    half.port.take();
    if let (Some(operation), Some(realm)) = (half.operation.take(), env.realm()) {
        forget(&env.core, &realm, operation);
    }
    let object = v8::Local::new(scope, object);
    let key = env.symbol(scope, "handle_onclose");
    let Ok(closed) = object.get(scope, key.into())?.try_cast::<v8::Function>() else { return Some(()) };
    half.wrap.call(scope, env, object, closed, &[]).map(drop)
}

/// (value, transfer list or options)
fn post_message<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    if args.length() == 0 {
        coded_error::throw(
            scope,
            Kind::Type,
            "Not enough arguments to MessagePort.postMessage",
            "ERR_MISSING_ARGS",
        );
        return;
    }
    let options = args.get(1);
    if !options.is_null_or_undefined() && !options.is_object() {
        coded_error::throw(
            scope,
            Kind::Type,
            "Optional transferList argument must be an iterable",
            "ERR_INVALID_ARG_TYPE",
        );
        return;
    }
    let Some(transfer) = transfer_list(scope, options) else { return };
    let Some(port) = half.port.borrow().clone() else {
        // What is transferred is gone all the same.
        let _ = Message::write(scope, &env, args.get(0), &transfer, Some(args.this()));
        return;
    };
    let targets: Vec<Arc<Port>> = match &half.channel {
        None => lock(&port.peer).upgrade().into_iter().collect(),
        Some(channel) => {
            let channels = env.state::<Channels>();
            let mut channels = channels.0.borrow_mut();
            let members = channels.entry(channel.clone()).or_default();
            members.retain(|member| member.strong_count() > 0);
            members.iter().filter_map(Weak::upgrade).filter(|member| !Arc::ptr_eq(member, &port)).collect()
        }
    };
    if targets.len() <= 1 {
        let Some(message) = Message::write(scope, &env, args.get(0), &transfer, Some(args.this())) else {
            return;
        };
        if !memory_for(message.weight()) {
            return throw_no_memory(scope, "There is no memory for the message");
        }
        if let Some(target) = targets.first() {
            target.change(|state| state.queue.push_back(message));
        }
    } else {
        for target in targets {
            let Some(message) = Message::write(scope, &env, args.get(0), &[], Some(args.this())) else {
                return;
            };
            if !memory_for(message.weight()) {
                return throw_no_memory(scope, "There is no memory for the message");
            }
            target.change(|state| state.queue.push_back(message));
        }
    }
    result.set_bool(true);
}

fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    let port = half.port.borrow().clone();
    if let Some(port) = port {
        port.change(|state| state.receiving = true);
    }
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    let port = half.port.borrow().clone();
    let Some(port) = port else { return };
    if let Some(peer) = lock(&port.peer).upgrade() {
        peer.change(|state| state.closing = true);
    }
    port.change(|state| {
        state.queue.clear();
        state.closing = true;
    });
}

fn set_reference(scope: &mut Scope<'_, '_>, args: &Args<'_>, referenced: bool) {
    let Some((env, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    half.referenced.set(referenced);
    if let (Some(operation), Some(realm)) = (half.operation.get(), env.realm()) {
        reference(&env.core, &realm, operation, referenced);
    }
}

fn reference_port(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_reference(scope, &args, true);
}

fn unreference_port(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_reference(scope, &args, false);
}

fn has_ref(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    if half.port.borrow().is_some() {
        result.set_bool(half.referenced.get());
    }
}

fn argument<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
) -> Option<(Rc<Env>, v8::Local<'s, v8::Object>, Rc<PortObject>)> {
    let env = Env::of(scope)?;
    let object: v8::Local<v8::Object> = args.get(0).try_cast().ok()?;
    let half = handle::of::<PortObject>(scope, &env, object)?;
    Some((env, object, half))
}

/// (port): no message is delivered until it is started again
pub(super) fn stop<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((_, _, half)) = argument(scope, &args) else { return };
    let port = half.port.borrow().clone();
    if let Some(port) = port {
        port.change(|state| state.receiving = false);
    }
}

/// (port): delivers what waits, now
pub(super) fn drain<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((env, object, half)) = argument(scope, &args) else { return };
    let Some(port) = half.port.borrow().clone() else { return };
    let waiting = lock(&port.state).queue.len();
    for _ in 0..waiting {
        let Some(message) = lock(&port.state).queue.pop_front() else { return };
        if emit(scope, &env, object, &half, message).is_none() {
            return;
        }
    }
}

/// (port) -> the next message, or a symbol that says that there is none
pub(super) fn receive<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, _, half)) = argument(scope, &args) else {
        coded_error::throw(
            scope,
            Kind::Type,
            "The \"port\" argument must be a MessagePort instance",
            "ERR_INVALID_ARG_TYPE",
        );
        return;
    };
    let port = half.port.borrow().clone();
    let message = port.and_then(|port| lock(&port.state).queue.pop_front());
    match message {
        Some(message) => {
            if let Some((value, _)) = message.read(scope, &env) {
                result.set(value);
            }
        }
        None => result.set(env.symbol(scope, "no_message_symbol").into()),
    }
}

/// (name) -> a port of the broadcast channel of that name
pub(super) fn broadcast_channel<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(name) = args.get(0).to_string(scope) else { return };
    let Some(name) = isolate::library::text(scope, name) else { return };
    let port = Arc::new(Port::default());
    env.state::<Channels>().0.borrow_mut().entry(name.clone()).or_default().push(Arc::downgrade(&port));
    if let Some(object) = object_in(scope, &env, port, Some(name)) {
        result.set(object.into());
    }
}

pub(super) fn is_port(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> bool {
    handle::of::<PortObject>(scope, env, object).is_some()
}

pub(super) fn is_open(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> bool {
    handle::of::<PortObject>(scope, env, object).is_some_and(|half| half.port.borrow().is_some())
}

/// Takes the end of a channel from its object, to be sent away.
pub(super) fn take(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
) -> Option<Arc<Port>> {
    let half = handle::of::<PortObject>(scope, env, object)?;
    let port = half.port.take()?;
    lock(&port.state).receiving = false;
    if let (Some(operation), Some(realm)) = (half.operation.take(), env.realm()) {
        forget(&env.core, &realm, operation);
    }
    Some(port)
}
