//! Node's command line: what Node's binary has as defaults, and what the program's differs in.

use isolate::library::{Scope, string};
use serde_json::{Map, Value};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;
use crate::facts;

pub(super) static BINDING: Binding = Binding {
    name: "options",
    functions: functions! {
        "getCLIOptionsValues" => get_values,
        "getOptionsAsFlags" => get_flags,
        "getEmbedderOptions" => get_embedder_options,
        "getCLIOptionsInfo" => get_info,
        "getEnvOptionsInputType" => get_environment_option_types,
        "getNamespaceOptionsInputType" => get_namespace_option_types,
    },
    make: None,
};

/// Where a VM's defaults are not those of Node's binary as it told of them: there is no file for web storage, and the
/// binary had been given two options for that.
const DEFAULTS: &[(&str, bool)] = &[
    ("--experimental-webstorage", false),
    ("--no-experimental-webstorage", true),
    ("--expose-internals", false),
    ("--warnings", true),
    ("--no-warnings", false),
];

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
    for (name, value) in DEFAULTS.iter().filter(|(name, _)| !given.contains_key(*name)) {
        let value = v8::Boolean::new(scope, *value);
        let _ = set(scope, object, name, value.into());
    }
    let facts = env.facts.clone();
    if let Some(defaults) = facts.answer("optionValues").and_then(|value| value.as_object()) {
        let _ = facts::fill(scope, &env, object, defaults, "options");
    }
    result.set(object.into());
}

/// What the command line sets, as arguments again: `--name`, `--no-name`, `--name=value`.
fn get_flags(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let flags = flags(&env.options.borrow());
    let flags: Vec<v8::Local<v8::Value>> = flags.iter().map(|flag| string(scope, flag).into()).collect();
    result.set(v8::Array::new_with_elements(scope, &flags).into());
}

fn flags(set: &Map<String, Value>) -> Vec<String> {
    let mut flags = Vec::new();
    for (name, value) in set.iter().filter(|(name, _)| name.starts_with('-')) {
        let values = match value.get("array") {
            Some(Value::Array(list)) => list.iter().filter_map(|one| one.get("value")).collect(),
            _ => Vec::from_iter(value.get("value")),
        };
        for value in values {
            match value {
                Value::Bool(true) => flags.push(name.clone()),
                // Its opposite is there as well.
                Value::Bool(false) => {}
                Value::String(text) => flags.push(format!("{name}={text}")),
                other => flags.push(format!("{name}={other}")),
            }
        }
    }
    flags
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

fn answer(scope: &mut Scope<'_, '_>, name: &str, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let facts = env.facts.clone();
    if let Some(value) = facts.answer(name).and_then(|described| facts::make(scope, &env, described, name)) {
        result.set(value);
    }
}

fn get_info(scope: &mut Scope<'_, '_>, _: Args<'_>, result: Return<'_>) {
    answer(scope, "optionInfo", result);
}

fn get_environment_option_types(scope: &mut Scope<'_, '_>, _: Args<'_>, result: Return<'_>) {
    answer(scope, "environmentOptionTypes", result);
}

fn get_namespace_option_types(scope: &mut Scope<'_, '_>, _: Args<'_>, result: Return<'_>) {
    answer(scope, "namespaceOptionTypes", result);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Whose, read, split};

    #[test]
    fn what_is_set_becomes_arguments_again() {
        let given = split("--test --no-warnings -r ./a --require=./b --stack-trace-limit=5").unwrap();
        let flags = flags(&read(&facts::Facts::shared(), &given, Whose::Program, Map::new()).values);
        for flag in ["--test", "--no-warnings", "--require=./a", "--require=./b"] {
            assert!(flags.iter().any(|one| one == flag), "{flag} is not in {flags:?}");
        }
        assert!(!flags.iter().any(|flag| flag == "--warnings"));
    }
}
