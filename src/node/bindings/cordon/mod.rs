//! What is cordon's own: the time zone that a program sets through its environment, the environment where threads share it,
//! taking types out of TypeScript, reading responses for undici, the words of a refusal.

mod responses;

use std::rc::Rc;

use isolate::library::{Scope, set_time_zone, string, strip_types};

use crate::binding::{Args, Binding, Return, functions, set, set_number};
use crate::environment::Env;
use crate::refusal;

pub(super) static BINDING: Binding = Binding {
    name: "cordon",
    functions: functions! {
        "setTimeZone" => set_zone,
        "getVariable" => get_variable,
        "setVariable" => set_variable,
        "deleteVariable" => delete_variable,
        "variableNames" => variable_names,
        "stripTypes" => strip,
        "refusal" => refusal::get,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    responses::publish(scope, binding)
}

/// (source) -> { code } or { error: { code, message, snippet, startLine, startColumn } }
fn strip(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(source) = args.get(0).to_string(scope) else { return };
    let Some(source) = isolate::library::text(scope, source) else { return };
    let object = v8::Object::new(scope);
    let made = match strip_types(source, None) {
        Ok(code) => {
            let code = string(scope, &code);
            set(scope, object, "code", code.into())
        }
        Err(error) => (|| {
            let told = v8::Object::new(scope);
            let code =
                string(scope, if error.is_unsupported { "UnsupportedSyntax" } else { "InvalidSyntax" });
            set(scope, told, "code", code.into())?;
            let message = string(scope, &error.message);
            set(scope, told, "message", message.into())?;
            let snippet = string(scope, &error.snippet);
            set(scope, told, "snippet", snippet.into())?;
            let (line, column) = error.position.unwrap_or((1, 1));
            set_number(scope, told, "startLine", line as f64)?;
            set_number(scope, told, "startColumn", column as f64)?;
            set(scope, object, "error", told.into())
        })(),
    };
    if made.is_some() {
        result.set(object.into());
    }
}

/// (IANA name): an unknown one is UTC
fn set_zone(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let name = args.get(0).to_rust_string_lossy(scope);
    set_time_zone(scope, &name);
}

/// The environment that threads share, and the name of a variable.
fn variable<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
) -> Option<(std::sync::Arc<crate::threads::Variables>, String)> {
    let variables = Env::of(scope)?.variables.borrow().clone()?;
    let name = args.get(0).to_string(scope)?;
    Some((variables, isolate::library::text(scope, name)?))
}

/// (name) -> value, or nothing
fn get_variable<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((variables, name)) = variable(scope, &args) else { return };
    if let Some(value) = variables.get(&name) {
        result.set(string(scope, &value).into());
    }
}

/// (name, value)
fn set_variable<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((variables, name)) = variable(scope, &args) else { return };
    let Some(value) = args.get(1).to_string(scope) else { return };
    let Some(value) = isolate::library::text(scope, value) else { return };
    if !variables.set(name, value) {
        isolate::library::throw_no_memory(scope, "There is no memory for the variable");
    }
}

/// (name)
fn delete_variable<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    if let Some((variables, name)) = variable(scope, &args) {
        variables.remove(&name);
    }
}

/// () -> names
fn variable_names(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let variables = Env::of(scope).and_then(|env| env.variables.borrow().clone());
    let names = variables.map(|variables| variables.names()).unwrap_or_default();
    let names: Vec<v8::Local<v8::Value>> = names.iter().map(|name| string(scope, name).into()).collect();
    result.set(v8::Array::new_with_elements(scope, &names).into());
}
