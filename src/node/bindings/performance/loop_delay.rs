//! `monitorEventLoopDelay`: how late a timer comes, again and again.

use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Delivery, Scope};

use super::histogram;
use super::numbers::Numbers;
use crate::binding::{self, Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

const CLASS: &str = "performance.LoopDelay";

const METHODS: &[Function] = functions! {
    "start" => start,
    "stop" => stop,
};

pub(super) fn register(scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
    let class = Class::new(scope, "Histogram", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(illegal))?;
    class.methods(scope, histogram::METHODS)?;
    class.methods(scope, METHODS)?;
    class.keep(scope, env, CLASS);
    let function = class.template.get_function(scope)?;
    histogram::fill(scope, env, function)
}

fn illegal(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    isolate::library::throw_type(scope, "Illegal constructor");
}

/// (resolution, by iteration, lowest, highest, figures)
pub(super) fn create<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    if args.get(1).is_true() {
        return binding::unsupported_feature(scope, "monitorEventLoopDelay with samplePerIteration");
    }
    let milliseconds = args.get(0).uint32_value(scope).unwrap_or(10).max(1);
    let Some(numbers) = histogram::numbers(scope, args.get(2), args.get(3), args.get(4)) else { return };
    numbers.resolution.set(Duration::from_millis(u64::from(milliseconds)));
    if let Some(object) = handle::create(scope, &env, CLASS, numbers) {
        result.set(object.into());
    }
}

/// (reset)
fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, numbers)) = handle::receiver::<Numbers>(scope, args.this()) else { return };
    if args.get(0).is_true() {
        numbers.reset();
    }
    numbers.forget_previous();
    numbers.record_delta();
    let turn = numbers.last_sampling.get().wrapping_add(1);
    numbers.last_sampling.set(turn);
    numbers.sampling.set(Some(turn));
    wait(scope, &env, &numbers, turn);
}

fn stop(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, numbers)) = handle::receiver::<Numbers>(scope, args.this()) {
        numbers.sampling.set(None);
    }
}

/// Records once more after a while, and so on, as long as somebody has the histogram; no program goes on because of it.
fn wait(scope: &mut Scope<'_, '_>, env: &Rc<Env>, numbers: &Rc<Numbers>, turn: u64) {
    let Some(realm) = env.realm() else { return };
    let (then, next) = (env.clone(), Rc::downgrade(numbers));
    let sleep = env.sleep(numbers.resolution.get());
    let operation = async move {
        sleep.await;
        let deliver: Delivery = Box::new(move |scope| {
            if let Some(numbers) = next.upgrade().filter(|numbers| numbers.sampling.get() == Some(turn)) {
                numbers.record_delta();
                wait(scope, &then, &numbers, turn);
            }
            Some(())
        });
        deliver
    };
    match isolate::library::spawn(&env.core, &realm, operation) {
        Some(id) => isolate::library::reference(&env.core, &realm, id, false),
        None => isolate::library::throw_no_memory(scope, "too many operations"),
    }
}
