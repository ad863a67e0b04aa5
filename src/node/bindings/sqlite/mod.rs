//! `node:sqlite`: databases, statements, sessions.

mod aggregates;
mod authorizer;
mod backup;
mod binding_parameters;
mod connection;
mod database;
mod errors;
mod functions;
mod iterator;
mod limits;
mod modules;
mod options;
mod rows;
mod session;
mod statement;
mod tag_store;
mod values;

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{self, Binding, Class, functions, set};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "sqlite",
    functions: functions! {
        "backup" => backup::backup,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    database::publish(scope, env, binding)?;
    statement::publish(scope, env, binding)?;
    session::publish(scope, env, binding)?;
    iterator::register(scope, env)?;
    tag_store::register(scope, env)?;
    let length = v8::Integer::new(scope, 2).into();
    let backup = binding::get(scope, binding, "backup")?.try_cast::<v8::Object>().ok()?;
    binding::define(scope, backup, "length", length, v8::PropertyAttribute::DONT_ENUM)
}

/// A class, with its `Symbol.dispose`, as a property of the binding.
fn publish<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    binding: v8::Local<'_, v8::Object>,
    name: &'static str,
    class: &Class<'s>,
    dispose: impl v8::MapFnTo<v8::FunctionCallback>,
) -> Option<()> {
    let function = class.template.get_function(scope)?;
    let prototype = binding::get(scope, function.into(), "prototype")?.try_cast::<v8::Object>().ok()?;
    let primordials = env.callback_value(scope, Callback::Primordials)?.try_cast::<v8::Object>().ok()?;
    let symbol = binding::get(scope, primordials, "SymbolDispose")?;
    let signature = v8::Signature::new(scope, class.template);
    let dispose = v8::FunctionTemplate::builder(dispose)
        .signature(signature)
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope);
    let dispose = dispose.get_function(scope)?;
    prototype.set(scope, symbol, dispose.into())?;
    set(scope, binding, name, function.into())
}

/// A read-only property that each object shows as its own.
fn getter(
    scope: &mut Scope<'_, '_>,
    class: &Class<'_>,
    name: &str,
    getter: impl v8::MapFnTo<v8::FunctionCallback>,
) {
    let instance = class.template.instance_template(scope);
    let name = string(scope, name);
    let getter = v8::FunctionTemplate::builder(getter).build(scope);
    instance.set_accessor_property(name.into(), Some(getter), None, v8::PropertyAttribute::DONT_DELETE);
}

/// What an object keeps from being collected, by a name that nobody else sees.
fn keep(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let name = string(scope, name);
    let key = v8::Private::for_api(scope, Some(name));
    object.set_private(scope, key, value).map(drop)
}

/// What it keeps under that name.
fn kept<'s>(
    scope: &mut Scope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let name = string(scope, name);
    let key = v8::Private::for_api(scope, Some(name));
    object.get_private(scope, key)
}

/// An object keeps one thing more.
fn keep_also(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    value: v8::Local<'_, v8::Value>,
) -> Option<()> {
    const LIST: &str = "cordon:sqlite:kept";
    let list = match kept(scope, object, LIST)?.try_cast::<v8::Array>() {
        Ok(list) => list,
        Err(_) => {
            let list = v8::Array::new(scope, 0);
            keep(scope, object, LIST, list.into())?;
            list
        }
    };
    let length = list.length();
    list.set_index(scope, length, value).map(drop)
}

/// Under which an object keeps its database.
const DATABASE: &str = "cordon:sqlite:database";
