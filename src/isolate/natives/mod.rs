//! The native functions that the bootstrap JavaScript is built on. They reach guest code only through what the
//! bootstrap makes of them; each is still safe for any argument, since a bug there must not become a fault here.

mod clone;
mod inspect;
mod require;
mod text;
mod url;
mod vm_files;
mod vm_process;
mod web;

use std::rc::Rc;

use super::core::{Core, Realm, Scope, string};
use super::{errors, values};
use kernel::Process;

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a, v8::Value>;

/// Defines native functions on an object, by their own names in camelCase.
macro_rules! define {
    ($scope:ident, $object:ident, { $($name:literal => $function:path,)* }) => {
        $(
            let function = v8::Function::builder($function)
                .constructor_behavior(v8::ConstructorBehavior::Throw)
                .build($scope)?;
            let key = v8::String::new($scope, $name)?;
            $object.create_data_property($scope, key.into(), function.into())?;
        )*
    };
}
use define;

/// The object with every native function.
pub(super) fn object<'s>(scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
    let object = v8::Object::new(scope);
    clone::install(scope, object)?;
    inspect::install(scope, object)?;
    require::install(scope, object)?;
    text::install(scope, object)?;
    url::install(scope, object)?;
    vm_files::install(scope, object)?;
    vm_process::install(scope, object)?;
    web::install(scope, object)?;
    Some(object)
}

/// The core and the realm of the running native function; throws where the realm is gone.
fn here(scope: &mut Scope<'_, '_>) -> Option<(Rc<Core>, Rc<Realm>)> {
    let core = Core::of(scope);
    match core.current_realm(scope) {
        Some(realm) => Some((core, realm)),
        None => {
            errors::throw(scope, "this context has been disposed of", "ERR_CONTEXT_GONE");
            None
        }
    }
}

/// As [`here`], with the process that the realm's code runs as.
fn here_as(scope: &mut Scope<'_, '_>) -> Option<(Rc<Core>, Rc<Realm>, std::sync::Arc<Process>)> {
    let (core, realm) = here(scope)?;
    match realm.process() {
        Some(process) => Some((core, realm, process)),
        None => {
            errors::throw_errno(scope, kernel::Errno::Esrch, "process", None);
            None
        }
    }
}

/// An argument as text; `None` (and an exception) where it cannot become any.
fn text_of(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<String> {
    let value = args.get(index).to_string(scope)?;
    values::text(scope, value)
}

fn u32_of(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> u32 {
    args.get(index).uint32_value(scope).unwrap_or(0)
}

/// The elements of an array argument as texts.
fn texts_of(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<Vec<String>> {
    let array: v8::Local<v8::Array> = args.get(index).try_cast().ok()?;
    let mut texts = Vec::new();
    for at in 0..array.length() {
        let value = array.get_index(scope, at)?.to_string(scope)?;
        texts.push(values::text(scope, value)?);
    }
    Some(texts)
}

/// An array of texts.
fn array_of<'s>(scope: &mut Scope<'s, '_>, texts: &[String]) -> v8::Local<'s, v8::Array> {
    let values: Vec<v8::Local<v8::Value>> = texts.iter().map(|text| string(scope, text).into()).collect();
    v8::Array::new_with_elements(scope, &values)
}
