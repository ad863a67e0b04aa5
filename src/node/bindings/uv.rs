//! Names and messages of the event loop's errors.

use isolate::library::{Scope, string};
use serde_json::Value;

use crate::binding::{Args, Binding, Return, functions};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "uv",
    functions: functions! {
        "errname" => errname,
        "getErrorMessage" => get_error_message,
        "getErrorMap" => get_error_map,
    },
    make: None,
};

/// Number, name, message of each error.
fn errors(env: &Env) -> impl Iterator<Item = (i64, &str, &str)> {
    let list = env.facts.answer("uvErrors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|error| Some((error.get(0)?.as_i64()?, error.get(1)?.as_str()?, error.get(2)?.as_str()?)))
}

fn answer(scope: &mut Scope<'_, '_>, args: &Args<'_>, mut result: Return<'_>, message: bool) {
    let Some(env) = Env::of(scope) else { return };
    let Some(number) = args.get(0).int32_value(scope) else { return };
    let known = errors(&env).find(|(known, _, _)| *known == i64::from(number));
    let text = match known {
        Some((_, _, text)) if message => string(scope, text),
        Some((_, name, _)) => string(scope, name),
        None => string(scope, &format!("Unknown system error {number}")),
    };
    result.set(text.into());
}

fn errname(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, false);
}

fn get_error_message(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    answer(scope, &args, result, true);
}

/// () -> a map from numbers to [name, message]
fn get_error_map(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let map = v8::Map::new(scope);
    for (number, name, message) in errors(&env) {
        let number = v8::Number::new(scope, number as f64);
        let (name, message) = (string(scope, name).into(), string(scope, message).into());
        let entry = v8::Array::new_with_elements(scope, &[name, message]);
        if map.set(scope, number.into(), entry.into()).is_none() {
            return;
        }
    }
    result.set(map.into());
}
