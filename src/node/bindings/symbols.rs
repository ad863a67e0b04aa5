//! Symbols that the library and native code both know, each by its description.

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Binding, set};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding { name: "symbols", functions: &[], make: None };

/// All of them, as the scripts of `internal/per_context` take them.
pub(crate) fn symbols<'s>(scope: &mut Scope<'s, '_>, env: &Rc<Env>) -> Option<v8::Local<'s, v8::Object>> {
    let object = v8::Object::new(scope);
    let facts = env.facts.clone();
    for name in facts.binding("symbols")?.keys() {
        let symbol = env.symbol(scope, name);
        set(scope, object, name, symbol.into())?;
    }
    Some(object)
}
