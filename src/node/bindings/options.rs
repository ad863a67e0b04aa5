//! Node's command line: what Node's binary has as defaults, and what the program's differs in.

use isolate::library::{Scope, string};
use serde_json::{Map, Value, json};

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

/// Types of options, as `env-options` numbers them in Node's `OptionType`.
const BOOLEAN: u64 = 2;
const INTEGER: u64 = 3;
const UNSIGNED: u64 = 4;
const STRING: u64 = 5;
const STRINGS: u64 = 7;
const FIRST_WITH_VALUE: u64 = INTEGER;

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
    for (name, value) in set {
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

/// What options of a command line set, as the facts describe values: each with its type from Node's own table. Options
/// that Node does not have, and those of V8's own, set nothing.
pub(crate) fn read(facts: &facts::Facts, given: &[String]) -> Map<String, Value> {
    let table = |name: &str| facts.answer("optionInfo")?.get("object")?.get(name)?.get("map")?.as_array();
    let look_up = |list: Option<&Vec<Value>>, key: &str| {
        let entry =
            list?.iter().find(|entry| entry.pointer("/0/value").and_then(Value::as_str) == Some(key))?;
        entry.get(1).cloned()
    };
    let mut set = Map::new();
    let mut rest = given.iter();
    while let Some(argument) = rest.next() {
        let (name, mut value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let alias = look_up(table("aliases"), name);
        let name = match alias.as_ref().and_then(|alias| alias.pointer("/array/0/value")) {
            Some(Value::String(long)) => long.as_str(),
            _ => name,
        };
        let plain = name.strip_prefix("--no-").map(|rest| format!("--{rest}"));
        let negated = plain.filter(|plain| look_up(table("options"), plain).is_some());
        let known = negated.as_deref().unwrap_or(name);
        let Some(kind) = look_up(table("options"), known)
            .and_then(|option| option.pointer("/object/type/value").and_then(Value::as_u64))
        else {
            continue;
        };
        if kind >= FIRST_WITH_VALUE && value.is_none() {
            value = rest.next().cloned();
        }
        match (kind, value) {
            (BOOLEAN, None) => {
                let is_set = negated.is_none();
                let opposite = known.replacen("--", "--no-", 1);
                set.insert(known.to_owned(), json!({ "value": is_set }));
                set.insert(opposite, json!({ "value": !is_set }));
            }
            (INTEGER | UNSIGNED, Some(value)) => {
                if let Ok(number) = value.parse::<i64>() {
                    set.insert(known.to_owned(), json!({ "value": number }));
                }
            }
            (STRING, Some(value)) => {
                set.insert(known.to_owned(), json!({ "value": value }));
            }
            (STRINGS, Some(value)) => {
                let list = set.entry(known).or_insert_with(|| json!({ "array": [] }));
                if let Some(list) = list.get_mut("array").and_then(Value::as_array_mut) {
                    list.push(json!({ "value": value }));
                }
            }
            _ => {}
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_the_types_of_nodes_table() {
        let given =
            "--test --no-warnings -r ./a --require=./b -C x --env-file .env --nonsense --stack-trace-limit=5";
        let given: Vec<String> = given.split(' ').map(str::to_owned).collect();
        let set = read(&facts::Facts::shared(), &given);
        assert_eq!(set["--test"], json!({ "value": true }));
        assert_eq!(set["--warnings"], json!({ "value": false }));
        assert_eq!(set["--no-warnings"], json!({ "value": true }));
        assert_eq!(set["--require"], json!({ "array": [{ "value": "./a" }, { "value": "./b" }] }));
        assert_eq!(set["--conditions"], json!({ "array": [{ "value": "x" }] }));
        assert!(!set.contains_key("--nonsense"));
        let flags = flags(&set);
        assert!(
            ["--test", "--no-warnings", "--require=./b"]
                .iter()
                .all(|flag| flags.iter().any(|one| one == flag))
        );
        assert!(!flags.iter().any(|flag| flag == "--warnings"));
    }
}
