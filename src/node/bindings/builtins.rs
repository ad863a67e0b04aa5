//! The library's own modules.

use std::rc::Rc;

use isolate::library::{Scope, context_field, string};

use crate::binding::{Args, Binding, Return, functions, get, set};
use crate::environment::{Callback, Env};
use crate::{facts, store};

pub(super) static BINDING: Binding = Binding {
    name: "builtins",
    functions: functions! {
        "compileFunction" => compile_function,
        "hasCachedBuiltins" => has_cached_builtins,
        "setInternalLoaders" => set_internal_loaders,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let ids: Vec<v8::Local<v8::Value>> = store::ids().map(|id| string(scope, id).into()).collect();
    let ids = v8::Array::new_with_elements(scope, &ids);
    set(scope, binding, "builtinIds", ids.into())?;
    let facts = env.facts.clone();
    let categories = v8::Object::new(scope);
    if let Some(described) = facts.answer("categories").and_then(|value| value.as_object()) {
        for (name, ids) in described {
            let ids: Vec<v8::Local<v8::Value>> = ids
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|id| id.as_str())
                .map(|id| string(scope, id).into())
                .collect();
            let ids = v8::Array::new_with_elements(scope, &ids);
            set(scope, categories, name, ids.into())?;
        }
    }
    set(scope, binding, "builtinCategories", categories.into())?;
    // Megabytes, which only `process.binding('natives')` asks for.
    let name = string(scope, "natives");
    binding.set_lazy_data_property(scope, name.into(), natives)?;
    if let Some(described) = facts.binding("builtins") {
        facts::fill(scope, env, binding, described, "builtins")?;
    }
    Some(())
}

fn natives(
    scope: &mut Scope<'_, '_>,
    _: v8::Local<'_, v8::Name>,
    _: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) {
    let object = v8::Object::new(scope);
    for id in store::ids() {
        let text = string(scope, &store::text(id).unwrap_or_default());
        if set(scope, object, id, text.into()).is_none() {
            return;
        }
    }
    result.set(object.into());
}

fn compile_function(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let id = args.get(0).to_rust_string_lossy(scope);
    if let Some(function) = env.scripts.function(scope, &id) {
        result.set(function.into());
    }
}

fn has_cached_builtins(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(true);
}

fn set_internal_loaders(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    // Handed over once, by the library itself.
    if env.callback_value(scope, Callback::InternalBinding).is_none() {
        env.set_callback(scope, Callback::InternalBinding, args.get(0));
        env.set_callback(scope, Callback::Require, args.get(1));
    }
}

/// The embedder's field of a context that has what [`exported`] looks at; contexts made by guests alone have it.
const EXPORTS_FIELD: i32 = 1;

/// What the scripts of `internal/per_context` have exported in the present context, where they are run if need be.
pub(super) fn exported<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    name: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let own: v8::Local<v8::Object> =
        env.callback_value(scope, Callback::PerContextExports)?.try_cast().ok()?;
    let context = scope.get_current_context();
    if own.get_creation_context(scope).is_none_or(|own| own == context) {
        return get(scope, own, name);
    }
    let known =
        context_field(scope, context, EXPORTS_FIELD).and_then(|known| known.try_cast::<v8::Object>().ok());
    let exports = match known {
        Some(known) => known,
        None => {
            let exports = crate::boot::run_per_context(scope, env)?.0;
            context.set_embedder_data(EXPORTS_FIELD, exports.into());
            exports
        }
    };
    get(scope, exports, name)
}
