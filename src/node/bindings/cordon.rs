//! What is cordon's own: the time zone that a program sets through its environment.

use isolate::library::{Scope, set_time_zone};

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding =
    Binding { name: "cordon", functions: functions! { "setTimeZone" => set_zone, }, make: None };

/// (IANA name): an unknown one is UTC
fn set_zone(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let name = args.get(0).to_rust_string_lossy(scope);
    set_time_zone(scope, &name);
}
