//! What a CommonJS module exports by name, as far as its text tells.

use isolate::library::{Scope, exported_names, string};

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding =
    Binding { name: "cjs_lexer", functions: functions! { "parse" => parse, }, make: None };

/// (source) -> [set of names, specifiers of modules whose exports are exported as well]
fn parse(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(source) = super::buffer::text(scope, args.get(0)) else { return };
    let Some(source) = isolate::library::text(scope, source) else { return };
    let found = exported_names(&source);
    let names = v8::Set::new(scope);
    for name in &found.names {
        let name = string(scope, name);
        if names.add(scope, name.into()).is_none() {
            return;
        }
    }
    let specifiers: Vec<v8::Local<v8::Value>> =
        found.reexports.iter().map(|specifier| string(scope, specifier).into()).collect();
    let specifiers = v8::Array::new_with_elements(scope, &specifiers);
    result.set(v8::Array::new_with_elements(scope, &[names.into(), specifiers.into()]).into());
}
