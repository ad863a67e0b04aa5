//! Threads. This is the main one.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions, set, set_number};
use crate::environment::Env;

pub(super) static BINDING: Binding =
    Binding { name: "worker", functions: functions! { "getEnvMessagePort" => no_port, }, make: Some(make) };

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    for (name, value) in [("isMainThread", true), ("isInternalThread", false), ("ownsProcessState", true)] {
        let value = v8::Boolean::new(scope, value);
        set(scope, binding, name, value.into())?;
    }
    let name = string(scope, "");
    set(scope, binding, "threadName", name.into())?;
    set_number(scope, binding, "threadId", 0.0)
}

/// The main thread has no port to another.
fn no_port(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
