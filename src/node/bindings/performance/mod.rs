//! Clocks, observers and histograms of `perf_hooks`. Times are those that guest code may see.

mod histogram;
mod loop_delay;
mod numbers;

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Scope, monotonic, string, wall};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Callback, Env, peek, poke};

pub(super) static BINDING: Binding = Binding {
    name: "performance",
    functions: functions! {
        "createELDHistogram" => loop_delay::create,
        "setupObservers" => setup_observers,
        "updateGarbageCollectionTracking" => nothing,
        "notify" => notify,
        "loopIdleTime" => loop_idle_time,
        "markBootstrapComplete" => mark_bootstrap_complete,
        "now" => now,
        "uvMetricsInfo" => uv_metrics_info,
    },
    make: Some(make),
};

/// Milestones by their place.
const TIME_ORIGIN_TIMESTAMP: usize = 0;
const BOOTSTRAP_COMPLETE: usize = 7;
const MILESTONES: usize = 8;

/// Kinds of entries, by their places in `observerCounts`.
const KINDS: usize = 6;
pub(crate) const HTTP2: usize = 2;

/// How many observe entries of each kind.
#[derive(Default)]
struct Observers(OnceCell<v8::SharedRef<v8::BackingStore>>);

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let buffer = v8::ArrayBuffer::new(scope, MILESTONES * 8);
    let _ = env.shared.milestones.set(buffer.get_backing_store());
    let milestones = v8::Float64Array::new(scope, buffer, 0, MILESTONES)?;
    set(scope, binding, "milestones", milestones.into())?;
    let buffer = v8::ArrayBuffer::new(scope, KINDS * 4);
    let _ = env.state::<Observers>().0.set(buffer.get_backing_store());
    let counts = v8::Uint32Array::new(scope, buffer, 0, KINDS)?;
    set(scope, binding, "observerCounts", counts.into())?;
    histogram::publish(scope, env, binding)?;
    loop_delay::register(scope, env)
}

/// Whether anybody observes entries of a kind.
pub(crate) fn is_observed(env: &Env, kind: usize) -> bool {
    u32::from_ne_bytes(peek(&env.state::<Observers>().0, kind)) > 0
}

/// Milliseconds, as entries have times.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

/// Tells observers of something that has lasted from then until then.
pub(crate) fn tell<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    (name, kind): (&str, &str),
    (start, end): (Duration, Duration),
    details: v8::Local<'s, v8::Value>,
) -> Option<()> {
    let Some(observer) = env.callback(scope, Callback::PerformanceObserver) else { return Some(()) };
    let receiver = v8::undefined(scope).into();
    let arguments = [
        string(scope, name).into(),
        string(scope, kind).into(),
        v8::Number::new(scope, milliseconds(start)).into(),
        v8::Number::new(scope, milliseconds(end.saturating_sub(start))).into(),
        details,
    ];
    observer.call(scope, receiver, &arguments).map(drop)
}

/// How long before the VM's clock its time origin lies: programs take a time of 0 for one that was never taken, and in
/// Node, which has booted by then, none sees it.
const BOOT: Duration = Duration::from_millis(1);

fn since_origin() -> Duration {
    monotonic().saturating_add(BOOT)
}

/// Tells when the VM began: the template's own times are nobody's.
pub(crate) fn begin(env: &Env) {
    let origin = wall().saturating_sub(since_origin());
    let microseconds = origin.as_micros() as f64;
    poke(&env.shared.milestones, TIME_ORIGIN_TIMESTAMP, microseconds.to_ne_bytes());
    for index in 1..MILESTONES {
        poke(&env.shared.milestones, index, 0.0f64.to_ne_bytes());
    }
}

fn setup_observers(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::PerformanceObserver, args.get(0));
    }
}

/// Collections are not told of: when they happen says what others do in the process.
fn nothing(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

/// (type, entry)
fn notify(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(observer) = env.callback(scope, Callback::PerformanceObserver) else { return };
    let receiver = v8::undefined(scope).into();
    let arguments = [0, 1, 2, 3, 4].map(|index| v8::Local::new(scope, args.get(index)));
    observer.call(scope, receiver, &arguments);
}

/// How long the loop has waited would tell what others do: nobody is told.
fn loop_idle_time(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Number::new(scope, 0.0).into());
}

fn mark_bootstrap_complete(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        let now = monotonic().as_nanos() as f64;
        poke(&env.shared.milestones, BOOTSTRAP_COMPLETE, now.to_ne_bytes());
    }
}

/// Milliseconds since the VM's beginning.
fn now(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Number::new(scope, since_origin().as_nanos() as f64 / 1e6).into());
}

fn uv_metrics_info(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let zeros = [(); 3].map(|()| v8::Number::new(scope, 0.0).into());
    result.set(v8::Array::new_with_elements(scope, &zeros).into());
}
