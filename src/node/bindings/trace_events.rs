//! Trace events: nothing is traced.

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "trace_events",
    functions: functions! {
        "hasAgent" => no,
        "isTraceCategoryEnabled" => no,
        "setTraceCategoryStateUpdateHandler" => nothing,
        "getCategoryEnabledBuffer" => get_category_enabled_buffer,
        "getEnabledCategories" => nothing,
        "trace" => nothing,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let no = v8::Boolean::new(scope, false);
    set(scope, binding, "available", no.into())
}

fn no(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(false);
}

fn nothing(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

fn get_category_enabled_buffer(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let buffer = v8::ArrayBuffer::new(scope, 1);
    if let Some(flag) = v8::Uint8Array::new(scope, buffer, 0, 1) {
        result.set(flag.into());
    }
}
