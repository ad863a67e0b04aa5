//! Timers, output, time and randomness.

use std::time::Duration;

use super::{Args, Native, Return, here, here_as, natives, text_of, u32_of};
use crate::binding::errors;
use crate::binding::values;
use crate::engine::clock;
use crate::realm::core::{Scope, string};
use crate::run::output;

/// Most random bytes that one call gives, as the standard says.
const RANDOM_LIMIT: usize = 65_536;

pub(super) static NATIVES: &[Native] = natives! {
    "timerStart" => timer_start,
    "immediateStart" => immediate_start,
    "timerStop" => timer_stop,
    "queueMicrotask" => queue_microtask,
    "reportUncaught" => report_uncaught,
    "writeOutput" => write_output,
    "now" => now,
    "timeOrigin" => time_origin,
    "randomFill" => random_fill,
    "randomUuid" => random_uuid,
};

/// Whether one more timer may be started; throws if not.
fn room_for_timer(scope: &mut Scope<'_, '_>) -> Option<std::rc::Rc<crate::realm::core::Realm>> {
    let (core, realm) = here(scope)?;
    let limit = core.limits().timers;
    if realm.timers.borrow().count() as u64 >= limit {
        errors::throw(scope, &format!("more than limits.timers ({limit}) timers"), "ERR_TIMER_LIMIT");
        return None;
    }
    Some(realm)
}

/// (milliseconds, repeat) -> number
fn timer_start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(realm) = room_for_timer(scope) else { return };
    let delay = args.get(0).number_value(scope).unwrap_or(0.0);
    let id = realm.timers.borrow_mut().start(clock::moment(), delay, args.get(1).is_true());
    result.set_uint32(id);
}

fn immediate_start(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(realm) = room_for_timer(scope) else { return };
    let id = realm.timers.borrow_mut().start_immediate();
    result.set_uint32(id);
}

fn timer_stop(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    realm.timers.borrow_mut().stop(id);
}

fn queue_microtask(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    if let Ok(task) = args.get(0).try_cast::<v8::Function>() {
        realm.microtasks.enqueue_microtask(scope, task);
    }
}

/// (value): an exception that a listener or microtask left; ends the job after the turn
fn report_uncaught(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let value = v8::Global::new(scope, args.get(0));
    realm.uncaught.borrow_mut().get_or_insert(value);
}

/// (descriptor, text): waits while the reader is slow; what cannot be written is lost, as everywhere with consoles
fn write_output(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((core, _, process)) = here_as(scope) else { return };
    let descriptor = u32_of(scope, &args, 0);
    let Some(text) = text_of(scope, &args, 1) else { return };
    output::write(&core, &process, descriptor, text.as_bytes());
}

/// Milliseconds of monotonic time since the VM's clock began.
fn now(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_double(milliseconds(clock::monotonic()));
}

/// Milliseconds since the Unix epoch at which `now` is 0.
fn time_origin(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_double(milliseconds(clock::wall().saturating_sub(clock::monotonic())));
}

/// Whole milliseconds come out whole.
fn milliseconds(time: Duration) -> f64 {
    time.as_secs() as f64 * 1000.0 + f64::from(time.subsec_nanos()) / 1e6
}

/// (view of integers)
fn random_fill(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Ok(view) = args.get(0).try_cast::<v8::ArrayBufferView>() else { return };
    let mut bytes = vec![0; view.byte_length().min(RANDOM_LIMIT)];
    match getrandom::fill(&mut bytes) {
        Ok(()) => {
            values::fill_view(view, &bytes);
        }
        Err(_) => errors::throw(scope, "no random numbers can be had", "ERR_NO_ENTROPY"),
    }
}

fn random_uuid(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return errors::throw(scope, "no random numbers can be had", "ERR_NO_ENTROPY");
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    result.set(string(scope, &parts.join("-")).into());
}
