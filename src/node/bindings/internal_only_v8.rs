//! Looking through V8's heap, which would show what other realms of the VM hold: there is none of it.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions, unsupported_feature};

pub(super) static BINDING: Binding = Binding {
    name: "internal_only_v8",
    functions: functions! { "queryObjects" => query_objects, },
    make: None,
};

fn query_objects(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    unsupported_feature(scope, "v8.queryObjects");
}
