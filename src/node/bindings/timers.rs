//! Timers and immediates: when the event loop calls the library back for them.

use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Scope, monotonic};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "timers",
    functions: functions! {
        "setupTimers" => setup_timers,
        "getLibuvNow" => get_libuv_now,
        "scheduleTimer" => schedule_timer,
        "toggleTimerRef" => toggle_timer_ref,
        "toggleImmediateRef" => toggle_immediate_ref,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let buffer = v8::ArrayBuffer::new(scope, 12);
    let _ = env.shared.immediates.set(buffer.get_backing_store());
    let info = v8::Uint32Array::new(scope, buffer, 0, 3)?;
    let timeouts = v8::ArrayBuffer::new(scope, 4);
    let _ = env.shared.timeouts.set(timeouts.get_backing_store());
    let timeouts = v8::Int32Array::new(scope, timeouts, 0, 1)?;
    set(scope, binding, "timeoutInfo", timeouts.into())?;
    set(scope, binding, "immediateInfo", info.into())
}

/// Milliseconds since the VM's beginning, as guest code may see them.
pub(crate) fn now() -> f64 {
    milliseconds(monotonic())
}

/// A time as timers count.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_millis() as f64
}

fn setup_timers(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::Immediates, args.get(0));
        env.set_callback(scope, Callback::Timers, args.get(1));
    }
}

fn get_libuv_now(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Number::new(scope, now()).into());
}

fn schedule_timer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    if let Some(milliseconds) = args.get(0).number_value(scope).filter(|number| number.is_finite()) {
        env.schedule_timer(milliseconds);
    }
}

fn toggle_timer_ref(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.reference_timer(args.get(0).is_true());
    }
}

/// `immediateInfo` says how many keep the loop alive.
fn toggle_immediate_ref(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
