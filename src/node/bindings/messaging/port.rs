//! `MessagePort`, `MessageChannel` and broadcast channels.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Poll, Waker};

use isolate::library::{
    Delivery, Environment as _, OperationId, Scope, forget, memory_for, reference, spawn, string,
    throw_no_memory,
};

use super::message::Message;
use super::transfer_list;
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return, functions, set};
use crate::coded_error::{self, Kind};
use crate::environment::Env;
use crate::handle;
use crate::threads::lock;

/// One end of a channel, wherever its object is: in this thread, in another, or in a message on its way.
#[derive(Default)]
pub(crate) struct Port {
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
    /// How many of those that wait are delivered even if the port is closed meanwhile: they were there when the first of them
    /// was delivered.
    batch: usize,
    waker: Option<Waker>,
}

impl Port {
    pub(crate) fn pair() -> (Arc<Port>, Arc<Port>) {
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

    /// Puts a message behind those that wait. What comes back has no reader any more, and goes when no lock is held.
    fn post(&self, message: Message) -> Option<Message> {
        let mut message = Some(message);
        self.change(|state| {
            if !state.closing {
                state.queue.extend(message.take());
            }
        });
        message
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

/// How long a message of another thread stays unseen at most where clocks are frozen.
const VISIBLE_AFTER: std::time::Duration = std::time::Duration::from_millis(1);

/// The native half of a `MessagePort`.
struct PortObject {
    /// None once it was closed or sent away.
    port: RefCell<Option<Arc<Port>>>,
    /// The broadcast channel that it belongs to.
    channel: Option<String>,
    wrap: AsyncWrap,
    operation: Cell<Option<OperationId>>,
    referenced: Cell<bool>,
    is_closing: Cell<bool>,
    /// Where its object is, if that is not the realm's own context.
    context: Option<v8::Global<v8::Context>>,
}

/// The ports of one realm that have not been closed.
#[derive(Default)]
pub(crate) struct OpenPorts {
    ports: RefCell<Vec<std::rc::Weak<PortObject>>>,
    /// How many there are when those that were closed are swept out.
    sweep_at: Cell<usize>,
}

impl OpenPorts {
    fn add(&self, port: &Rc<PortObject>) {
        let mut ports = self.ports.borrow_mut();
        if ports.len() >= self.sweep_at.get().max(64) {
            ports.retain(|port| port.upgrade().is_some_and(|port| port.port.borrow().is_some()));
            self.sweep_at.set(2 * ports.len());
        }
        ports.push(Rc::downgrade(port));
    }

    /// The job is over: the other ends are told.
    pub(crate) fn abandon(&self) {
        for port in self.ports.take() {
            let port = port.upgrade().and_then(|half| half.port.take());
            drop(port);
        }
    }
}

pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let illegal = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_port);
    // What it has in common with other handles lies on a prototype of its own, which the library replaces.
    let base = Class::new(scope, "HandleWrap", illegal)?;
    base.methods(
        scope,
        functions! {
            "close" => close,
            "ref" => reference_port,
            "unref" => unreference_port,
            "hasRef" => has_ref,
        },
    )?;
    base.methods(scope, async_methods!(PortObject, wrap))?;
    let class = Class::new(scope, "MessagePort", illegal)?;
    class.template.inherit(base.template);
    class.methods(scope, functions! { "postMessage" => post_message, "start" => start, })?;
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
pub(crate) fn object_for<'s>(
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
    let here = scope.get_current_context();
    let context = (!is_own_context(scope, env, here)).then(|| v8::Global::new(scope, here));
    let object = handle::template(scope, env, "MessagePort")?.instance_template(scope).new_instance(scope)?;
    let wrap = AsyncWrap::new(scope, env, object, "MESSAGEPORT");
    let half = Rc::new(PortObject {
        port: RefCell::new(Some(port)),
        channel,
        wrap,
        operation: Cell::new(None),
        referenced: Cell::new(true),
        is_closing: Cell::new(false),
        context,
    });
    handle::attach(scope, env, object, half.clone())?;
    env.state::<OpenPorts>().add(&half);
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
            match &waits.context {
                None => deliver(scope, &then, object, &waits),
                Some(context) => {
                    let context = v8::Local::new(scope, context);
                    let scope = &mut v8::ContextScope::new(scope, context);
                    deliver(scope, &then, object, &waits)
                }
            }
        });
        deliver
    };
    let realm = env.realm()?;
    let Some(id) = spawn(&env.core, &realm, operation) else {
        isolate::library::throw_no_memory(scope, "too many open ports");
        return None;
    };
    half.operation.set(Some(id));
    reference(&env.core, &realm, id, keeps_alive(half));
    Some(())
}

fn keeps_alive(half: &PortObject) -> bool {
    half.referenced.get() || half.is_closing.get()
}

/// Whether a context is the one that the library has booted in.
fn is_own_context(scope: &mut Scope<'_, '_>, env: &Env, context: v8::Local<'_, v8::Context>) -> bool {
    let own = env.process_object(scope).and_then(|process| process.get_creation_context(scope));
    own.is_none_or(|own| own == context)
}

/// Delivers the messages that are there, or the end.
fn deliver(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    half: &Rc<PortObject>,
) -> Option<()> {
    let Some(first) = next(half, true) else {
        let is_over = half.port.borrow().as_ref().is_some_and(|port| lock(&port.state).closing);
        return if is_over { end(scope, env, object, half) } else { listen(scope, env, object, half) };
    };
    // The next ones are waited for before any listeners run, which may throw.
    listen(scope, env, object, half)?;
    emit(scope, env, object, half, first)?;
    while !env.has_exited() && !env.core.is_interrupted() {
        // Each ends as a callback of its own does.
        env.settle(scope)?;
        let Some(message) = next(half, false) else { break };
        emit(scope, env, object, half, message)?;
    }
    Some(())
}

/// The next message of a batch: of those that wait now if one begins.
fn next(half: &PortObject, begins: bool) -> Option<Message> {
    let port = half.port.borrow().clone()?;
    let mut state = lock(&port.state);
    if state.batch == 0 && begins {
        state.batch = state.queue.len();
    }
    if !state.receiving || state.batch == 0 {
        return None;
    }
    state.batch -= 1;
    state.queue.pop_front()
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
    // The other end is told when nobody has this one any more.
    let port = half.port.take();
    drop(port);
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
    let port = half.port.borrow().clone().filter(|_| !half.is_closing.get());
    let Some(port) = port else {
        // What is transferred is gone all the same.
        let _ = Message::write(scope, &env, args.get(0), &transfer, Some(args.this()));
        return;
    };
    let targets: Vec<Arc<Port>> = match &half.channel {
        None => lock(&port.peer).upgrade().into_iter().collect(),
        Some(channel) => env.group.others_in(channel, &port),
    };
    if targets.len() <= 1 {
        let Some(message) = Message::write(scope, &env, args.get(0), &transfer, Some(args.this())) else {
            return;
        };
        if !memory_for(message.weight()) {
            return throw_no_memory(scope, "There is no memory for the message");
        }
        if let Some(target) = targets.first() {
            let undelivered = target.post(message);
            drop(undelivered);
        }
    } else {
        for target in targets {
            let Some(message) = Message::write(scope, &env, args.get(0), &[], Some(args.this())) else {
                return;
            };
            if !memory_for(message.weight()) {
                return throw_no_memory(scope, "There is no memory for the message");
            }
            let undelivered = target.post(message);
            drop(undelivered);
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
    let Some((env, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    let port = half.port.borrow().clone();
    let Some(port) = port else { return };
    let dropped = {
        let mut state = lock(&port.state);
        let batch = state.batch.min(state.queue.len());
        state.queue.split_off(batch)
    };
    drop(dropped);
    port.change(|state| state.closing = true);
    // Until it is closed there is something left to do.
    if let (Some(operation), Some(realm)) = (half.operation.get(), env.realm()) {
        half.is_closing.set(true);
        reference(&env.core, &realm, operation, true);
    }
}

fn set_reference(scope: &mut Scope<'_, '_>, args: &Args<'_>, referenced: bool) {
    let Some((env, half)) = handle::receiver::<PortObject>(scope, args.this()) else { return };
    half.referenced.set(referenced);
    if let (Some(operation), Some(realm)) = (half.operation.get(), env.realm()) {
        reference(&env.core, &realm, operation, keeps_alive(&half));
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
        // It delivers all that is there, so it waits for what may not be seen yet.
        while lock(&port.state).queue.front().is_some_and(|message| !message.is_visible()) {
            env.core.sleep(VISIBLE_AFTER);
            if env.core.is_interrupted() {
                return;
            }
        }
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
    let message = port.and_then(|port| {
        let mut state = lock(&port.state);
        state.queue.pop_front_if(|message| message.is_visible())
    });
    match message {
        Some(message) => {
            if let Some((value, _)) = message.read(scope, &env) {
                result.set(value);
            }
        }
        None => result.set(env.symbol(scope, "no_message_symbol").into()),
    }
}

/// (port, contextified object) -> the same end of the channel, as an object of that context
pub(super) fn move_to_context<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, object, half)) = argument(scope, &args) else {
        let message = "The \"port\" argument must be a MessagePort instance";
        return coded_error::throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    };
    if half.port.borrow().is_none() || half.is_closing.get() {
        let message = "Cannot send data on closed MessagePort";
        return coded_error::throw(scope, Kind::Error, message, "ERR_CLOSED_MESSAGE_PORT");
    }
    let context = args.get(1).try_cast::<v8::Object>().ok();
    let Some(context) =
        context.and_then(|context| super::super::contextify::context_made_of(scope, &env, context))
    else {
        return coded_error::throw(scope, Kind::Type, "Invalid context argument", "ERR_INVALID_ARG_TYPE");
    };
    let Some(port) = take(scope, &env, object) else { return };
    let moved = {
        let scope = &mut v8::ContextScope::new(scope, context);
        object_for(scope, &env, port)
    };
    if let Some(moved) = moved {
        result.set(moved.into());
    }
}

/// (name) -> a port of the broadcast channel of that name
pub(super) fn broadcast_channel<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(name) = args.get(0).to_string(scope) else { return };
    let Some(name) = isolate::library::text(scope, name) else { return };
    let port = Arc::new(Port::default());
    env.group.join_channel(&name, &port);
    if let Some(object) = object_in(scope, &env, port, Some(name)) {
        result.set(object.into());
    }
}

pub(super) fn is_port(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> bool {
    handle::of::<PortObject>(scope, env, object).is_some()
}

pub(super) fn is_open(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> bool {
    handle::of::<PortObject>(scope, env, object)
        .is_some_and(|half| half.port.borrow().is_some() && !half.is_closing.get())
}

/// Takes the end of a channel from its object, to be sent away.
pub(super) fn take(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
) -> Option<Arc<Port>> {
    let half = handle::of::<PortObject>(scope, env, object)?;
    let port = half.port.take()?;
    {
        let mut state = lock(&port.state);
        state.receiving = false;
        state.batch = 0;
    }
    if let (Some(operation), Some(realm)) = (half.operation.take(), env.realm()) {
        forget(&env.core, &realm, operation);
    }
    Some(port)
}
