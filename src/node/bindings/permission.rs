//! Node's own permission model, which is off: a VM's permissions are decided in its kernel and outside it.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding =
    Binding { name: "permission", functions: functions! { "has" => has, }, make: None };

fn has(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(true);
}
