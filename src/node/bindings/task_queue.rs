//! `process.nextTick`, microtasks, and promises that are rejected.

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "task_queue",
    functions: functions! {
        "enqueueMicrotask" => enqueue_microtask,
        "setTickCallback" => set_tick_callback,
        "runMicrotasks" => run_microtasks,
        "setPromiseRejectCallback" => set_promise_reject_callback,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let buffer = v8::ArrayBuffer::new(scope, 2);
    let _ = env.shared.tick.set(buffer.get_backing_store());
    let info = v8::Uint8Array::new(scope, buffer, 0, 2)?;
    set(scope, binding, "tickInfo", info.into())
}

fn enqueue_microtask(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let (Some(env), Ok(function)) = (Env::of(scope), args.get(0).try_cast::<v8::Function>()) else { return };
    if let Some(realm) = env.realm() {
        realm.enqueue_microtask(scope, function);
    }
}

fn set_tick_callback(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::Tick, args.get(0));
    }
}

fn run_microtasks(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    if let Some(realm) = Env::of(scope).and_then(|env| env.realm()) {
        realm.run_microtasks(scope);
    }
}

fn set_promise_reject_callback(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::PromiseReject, args.get(0));
    }
}
