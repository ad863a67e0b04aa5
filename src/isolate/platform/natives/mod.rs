//! The native functions behind the modules `cordon:vm/...`, in static tables. They reach guest code only through what
//! `guest-shim/js/vm/interfaces.js` makes of them; each is still safe for any argument, since a bug there must not become a
//! fault here.

mod vm_files;
mod vm_process;

use std::rc::Rc;

use crate::binding::errors;
use crate::binding::values;
use crate::realm::core::{Core, Realm, Scope, string};
use kernel::Process;

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a, v8::Value>;

/// One native function, as a table lists it.
struct Native {
    /// Its name for the bootstrap, in camelCase.
    name: &'static str,
    /// What V8 calls; made by a function, since that is no constant.
    callback: fn() -> v8::FunctionCallback,
}

/// A table of native functions by their names.
macro_rules! natives {
    ($($name:literal => $function:path,)*) => {
        &[$(Native { name: $name, callback: || v8::MapFnTo::<v8::FunctionCallback>::map_fn_to($function) },)*]
    };
}
use natives;

/// All tables, one for each file.
static TABLES: &[&[Native]] = &[vm_files::NATIVES, vm_process::NATIVES];

/// What an object with every native function is made from, once for all realms of an isolate.
pub(crate) fn template(isolate: &mut v8::OwnedIsolate) -> v8::Global<v8::ObjectTemplate> {
    v8::scope!(let scope, isolate);
    let template = v8::ObjectTemplate::new(scope);
    for native in TABLES.iter().copied().flatten() {
        let function = v8::FunctionTemplate::builder_raw((native.callback)())
            .constructor_behavior(v8::ConstructorBehavior::Throw)
            .build(scope);
        let name = v8::String::new(scope, native.name).unwrap_or_else(|| v8::String::empty(scope));
        template.set(name.into(), function.into());
    }
    v8::Global::new(scope, template)
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
