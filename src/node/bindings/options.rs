//! Node's command line: what Node's binary has as defaults, and what the program's differs in.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;
use crate::facts;

pub(super) static BINDING: Binding = Binding {
    name: "options",
    functions: functions! {
        "getCLIOptionsValues" => get_values,
        "getEmbedderOptions" => get_embedder_options,
    },
    make: None,
};

/// An object without a prototype: option -> value.
fn get_values(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let null = v8::null(scope).into();
    let object = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    let given = env.options.borrow().clone();
    for (name, value) in &given {
        if let Some(value) = facts::make(scope, &env, value, name) {
            let _ = set(scope, object, name, value);
        }
    }
    let facts = env.facts.clone();
    if let Some(defaults) = facts.answer("optionValues").and_then(|value| value.as_object()) {
        let _ = facts::fill(scope, &env, object, defaults, "options");
    }
    result.set(object.into());
}

fn get_embedder_options(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let object = v8::Object::new(scope);
    let facts = env.facts.clone();
    if let Some(options) = facts.answer("embedderOptions").and_then(|value| value.as_object()) {
        let _ = facts::fill(scope, &env, object, options, "options");
    }
    result.set(object.into());
}
