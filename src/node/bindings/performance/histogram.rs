//! `Histogram`: how often values were recorded.

use std::rc::Rc;

use isolate::library::Scope;

use super::numbers::Numbers;
use crate::binding::{self, Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;

pub(super) const CLASS: &str = "performance.Histogram";

/// What can be asked of each.
pub(super) const METHODS: &[Function] = functions! {
    "count" => count,
    "countBigInt" => count_big,
    "exceeds" => exceeds,
    "exceedsBigInt" => exceeds_big,
    "min" => min,
    "minBigInt" => min_big,
    "max" => max,
    "maxBigInt" => max_big,
    "mean" => mean,
    "stddev" => deviation,
    "skewness" => skewness,
    "kurtosis" => kurtosis,
    "ewmaMean" => nothing,
    "ewmaStddev" => nothing,
    "ewmaErrorRate" => nothing,
    "percentile" => percentile,
    "percentileBigInt" => percentile_big,
    "percentiles" => percentiles,
    "percentilesBigInt" => percentiles_big,
    "percentilesAt" => percentiles_at,
    "cdf" => share_below,
    "countAt" => count_at,
    "reset" => reset,
    "resetCount" => reset_count,
    "snapshot" => snapshot,
    "diff" => diff,
};

const RECORDING: &[Function] = functions! {
    "record" => record,
    "recordDelta" => record_delta,
    "recordCorrected" => record_corrected,
    "add" => add,
    "subtract" => subtract,
};

pub(super) fn publish(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let class = Class::new(scope, "Histogram", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(scope, METHODS)?;
    class.methods(scope, RECORDING)?;
    class.keep(scope, env, CLASS);
    let function = class.template.get_function(scope)?;
    fill(scope, env, function)?;
    binding::set(scope, binding, "Histogram", function.into())
}

/// Gives a class what Node's has besides: functions that say that there is no such thing.
pub(super) fn fill(scope: &mut Scope<'_, '_>, env: &Env, class: v8::Local<'_, v8::Function>) -> Option<()> {
    let facts = env.facts.clone();
    let described = facts.binding("performance")?.get("Histogram")?.get("class")?;
    let prototype = binding::get(scope, class.into(), "prototype")?.try_cast::<v8::Object>().ok()?;
    for (holder, names) in [(prototype, "members"), (class.into(), "statics")] {
        for name in described.get(names)?.as_array()?.iter().filter_map(|name| name.as_str()) {
            let key = isolate::library::string(scope, name);
            if !holder.has_own_property(scope, key.into())? {
                let method = binding::unsupported(scope, &format!("performance.Histogram.{name}"))?;
                binding::set(scope, holder, name, method.into())?;
            }
        }
    }
    Some(())
}

/// A whole number that is not negative.
pub(super) fn whole(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<u64> {
    if let Ok(big) = value.try_cast::<v8::BigInt>() {
        let (number, is_exact) = big.i64_value();
        return u64::try_from(number).ok().filter(|_| is_exact);
    }
    let number = value.number_value(scope)?;
    (0.0..=9_223_372_036_854_775_807.0).contains(&number).then_some(number as u64)
}

/// Of bounds and figures. `None` with an exception pending.
pub(super) fn numbers(
    scope: &mut Scope<'_, '_>,
    lowest: v8::Local<'_, v8::Value>,
    highest: v8::Local<'_, v8::Value>,
    figures: v8::Local<'_, v8::Value>,
) -> Option<Rc<Numbers>> {
    let bounds = (whole(scope, lowest), whole(scope, highest), figures.uint32_value(scope));
    let made = match bounds {
        (Some(lowest), Some(highest), Some(figures)) => {
            Numbers::new(lowest, highest, u8::try_from(figures).unwrap_or(0))
        }
        _ => None,
    };
    if made.is_none() {
        isolate::library::throw_no_memory(scope, "There is no such histogram, or no memory for it");
    }
    made.map(Rc::new)
}

/// new (lowest, highest, figures, half-life, threshold)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let half_life = args.get(3);
    if half_life.is_number() && half_life.number_value(scope) != Some(0.0) {
        return binding::unsupported_feature(scope, "a histogram with a half-life");
    }
    let Some(numbers) = numbers(scope, args.get(0), args.get(1), args.get(2)) else { return };
    let _ = handle::attach(scope, &env, args.this(), numbers);
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Rc<Numbers>> {
    handle::receiver::<Numbers>(scope, args.this()).map(|(_, numbers)| numbers)
}

/// Another histogram. `None` with an exception pending.
fn other(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Rc<Numbers>> {
    let env = Env::of(scope)?;
    let numbers = match args.get(0).try_cast::<v8::Object>() {
        Ok(object) => handle::of::<Numbers>(scope, &env, object),
        Err(_) => None,
    };
    if numbers.is_none() {
        isolate::library::throw_type(scope, "The first argument must be a histogram");
    }
    numbers
}

fn answer(scope: &mut Scope<'_, '_>, args: &Args<'_>, mut result: Return<'_>, ask: fn(&Numbers) -> f64) {
    if let Some(numbers) = receiver(scope, args) {
        result.set_double(ask(&numbers));
    }
}

fn answer_big(scope: &mut Scope<'_, '_>, args: &Args<'_>, mut result: Return<'_>, ask: fn(&Numbers) -> i64) {
    if let Some(numbers) = receiver(scope, args) {
        result.set(v8::BigInt::new_from_i64(scope, ask(&numbers)).into());
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, |numbers| numbers.count() as f64);
}

fn count_big(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer_big(scope, &args, result, |numbers| signed(numbers.count()));
}

fn exceeds(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, |numbers| numbers.exceeds() as f64);
}

fn exceeds_big(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer_big(scope, &args, result, |numbers| signed(numbers.exceeds()));
}

fn min(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, |numbers| numbers.min() as f64);
}

fn min_big(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer_big(scope, &args, result, Numbers::min);
}

fn max(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, |numbers| numbers.max() as f64);
}

fn max_big(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer_big(scope, &args, result, Numbers::max);
}

fn mean(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, Numbers::mean);
}

fn deviation(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, Numbers::deviation);
}

fn skewness(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, Numbers::skewness);
}

fn kurtosis(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, Numbers::kurtosis);
}

/// Averages over time, which are 0 without a half-life.
fn nothing(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, |_| 0.0);
}

fn percentile(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    let Some(at) = args.get(0).number_value(scope) else { return };
    result.set_double(numbers.percentile(at) as f64);
}

fn percentile_big(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    let Some(at) = args.get(0).number_value(scope) else { return };
    result.set(v8::BigInt::new_from_i64(scope, numbers.percentile(at)).into());
}

/// Puts all percentiles into a map.
fn put(scope: &mut Scope<'_, '_>, args: &Args<'_>, is_big: bool) -> Option<()> {
    let numbers = receiver(scope, args)?;
    let Ok(map) = args.get(0).try_cast::<v8::Map>() else {
        isolate::library::throw_type(scope, "The first argument must be a map");
        return None;
    };
    for (percentile, value) in numbers.percentiles() {
        let key = v8::Number::new(scope, percentile).into();
        let value = match is_big {
            true => v8::BigInt::new_from_i64(scope, signed(value)).into(),
            false => v8::Number::new(scope, value as f64).into(),
        };
        map.set(scope, key, value)?;
    }
    Some(())
}

fn percentiles(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = put(scope, &args, false);
}

fn percentiles_big(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = put(scope, &args, true);
}

/// (map, percentiles as a Float64Array)
fn percentiles_at(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    let (Ok(map), Ok(wanted)) =
        (args.get(0).try_cast::<v8::Map>(), args.get(1).try_cast::<v8::Float64Array>())
    else {
        return isolate::library::throw_type(scope, "a map and an array of numbers are wanted");
    };
    for index in 0..u32::try_from(wanted.length()).unwrap_or(u32::MAX) {
        let value = wanted.get_index(scope, index).and_then(|value| value.number_value(scope));
        let Some(at) = value else { return };
        let key = v8::Number::new(scope, at).into();
        let value = v8::Number::new(scope, numbers.percentile(at) as f64).into();
        if map.set(scope, key, value).is_none() {
            return;
        }
    }
}

fn share_below(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    let Some(value) = args.get(0).number_value(scope) else { return };
    result.set_double(numbers.share_below(value));
}

fn count_at(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    let Some(value) = args.get(0).number_value(scope) else { return };
    result.set_double(numbers.count_at(value) as f64);
}

fn reset(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(numbers) = receiver(scope, &args) {
        numbers.reset();
    }
}

fn reset_count(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, |numbers| f64::from(numbers.resets()));
}

/// A new object with a copy. `None` with an exception pending.
fn copied<'s>(
    scope: &mut Scope<'s, '_>,
    numbers: &Numbers,
) -> Option<(v8::Local<'s, v8::Object>, Rc<Numbers>)> {
    let env = Env::of(scope)?;
    let Some(copy) = numbers.copy() else {
        isolate::library::throw_no_memory(scope, "There is no memory for the histogram");
        return None;
    };
    let copy = Rc::new(copy);
    Some((handle::create(scope, &env, CLASS, copy.clone())?, copy))
}

fn snapshot<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    if let Some((object, _)) = copied(scope, &numbers) {
        result.set(object.into());
    }
}

/// (earlier one) -> what came since
fn diff<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    let Some(earlier) = other(scope, &args) else { return };
    if let Some((object, copy)) = copied(scope, &numbers) {
        copy.subtract(&earlier);
        result.set(object.into());
    }
}

fn record(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    match whole(scope, args.get(0)) {
        Some(value) => numbers.record(value),
        None => isolate::library::throw_type(scope, "a whole number is wanted"),
    }
}

fn record_delta(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(numbers) = receiver(scope, &args) {
        numbers.record_delta();
    }
}

fn record_corrected(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    match (whole(scope, args.get(0)), whole(scope, args.get(1))) {
        (Some(value), Some(interval)) => numbers.record_corrected(value, interval),
        _ => isolate::library::throw_type(scope, "whole numbers are wanted"),
    }
}

fn add(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    if let Some(other) = other(scope, &args) {
        result.set_double(numbers.add(&other) as f64);
    }
}

fn subtract(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(numbers) = receiver(scope, &args) else { return };
    if let Some(other) = other(scope, &args) {
        numbers.subtract(&other);
        result.set_double(0.0);
    }
}
