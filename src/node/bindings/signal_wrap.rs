//! Signals that a program listens to.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;

use isolate::library::{Delivery, Scope};
use kernel::{Disposition, Errno, Signal};

use crate::binding::{Args, Binding, Class, Return, functions};
use crate::environment::Env;
use crate::handle_wrap::{self, Handle, Native};
use crate::system_error::number;

pub(super) static BINDING: Binding = Binding { name: "signal_wrap", functions: &[], make: Some(make) };

/// Who listens in a realm. A signal goes to all that listen to it, whoever of them has taken it from the kernel.
#[derive(Default)]
struct Listeners(RefCell<Vec<Rc<Handle>>>);

/// The native half of a `Signal`.
#[derive(Default)]
struct SignalWrap {
    signal: Cell<Option<Signal>>,
    operation: Cell<Option<isolate::library::OperationId>>,
}

impl Native for SignalWrap {
    fn close(&self, _: &mut Scope<'_, '_>, env: &Rc<Env>, handle: &Rc<Handle>) {
        end(env, handle, self);
    }

    fn abandon(&self) {
        self.signal.take();
        self.operation.take();
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let parent = handle_wrap::base(scope, env)?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "Signal", constructor)?;
    class.template.inherit(parent);
    class.methods(scope, functions! { "start" => start, "stop" => stop, })?;
    class.publish(scope, binding, "Signal")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    handle_wrap::attach(scope, &env, args.this(), "SIGNALWRAP", Rc::new(SignalWrap::default()));
}

/// The signal that an open handle listens to.
fn heard(handle: &Handle) -> Option<Signal> {
    handle.native::<SignalWrap>()?.signal.get()
}

/// (signal) -> 0, or the number of an error
fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, wrap)) = handle_wrap::receiver::<SignalWrap>(scope, args.this()) else { return };
    let Some(process) = env.process() else { return };
    let wanted = args.get(0).int32_value(scope).and_then(|number| u8::try_from(number).ok());
    let Some(signal) = wanted.and_then(Signal::from_number) else {
        return result.set_int32(number(Errno::Einval));
    };
    if !handle.is_open() {
        return result.set_int32(number(Errno::Einval));
    }
    end(&env, &handle, &wrap);
    if let Err(errno) = process.set_disposition(signal, Disposition::Handle) {
        return result.set_int32(number(errno));
    }
    wrap.signal.set(Some(signal));
    env.state::<Listeners>().0.borrow_mut().push(handle.clone());
    listen(&env, &handle, &wrap);
    result.set_int32(0);
}

fn stop(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, wrap)) = handle_wrap::receiver::<SignalWrap>(scope, args.this()) else { return };
    end(&env, &handle, &wrap);
    result.set_int32(0);
}

/// Stops listening; a signal that nobody listens to any more does again what it does by default.
fn end(env: &Env, handle: &Rc<Handle>, wrap: &SignalWrap) {
    if let Some(operation) = wrap.operation.take() {
        handle.cancel(env, operation);
    }
    let Some(signal) = wrap.signal.take() else { return };
    let listeners = env.state::<Listeners>();
    listeners.0.borrow_mut().retain(|other| !Rc::ptr_eq(other, handle));
    let is_heard = listeners.0.borrow().iter().any(|other| heard(other) == Some(signal));
    if !is_heard && let Some(process) = env.process() {
        // What cannot be disposed of was not listened to.
        let _ = process.set_disposition(signal, Disposition::Default);
    }
}

/// Waits for signals, again and again.
fn listen(env: &Rc<Env>, handle: &Rc<Handle>, wrap: &Rc<SignalWrap>) {
    let Some(process) = env.process() else { return };
    let (then, owner, own) = (env.clone(), handle.clone(), wrap.clone());
    let operation = async move {
        let signal = poll_fn(|cx| process.poll_signal(cx)).await;
        let deliver: Delivery = Box::new(move |scope| {
            own.operation.take();
            listen(&then, &owner, &own);
            let listeners: Vec<_> = then.state::<Listeners>().0.borrow().clone();
            for listener in listeners {
                if heard(&listener) == Some(signal) {
                    let number = v8::Integer::new(scope, i32::from(signal.number())).into();
                    listener.call(scope, &then, "onsignal", &[number])?;
                }
            }
            Some(())
        });
        deliver
    };
    wrap.operation.set(handle.begin(env, operation));
}
