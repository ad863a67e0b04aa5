//! Contexts of `vm`: a global object whose properties are those of an object outside.

use std::cell::RefCell;

use isolate::library::{Scope, inner_context, string};

use crate::binding::{Args, Return, define, get};
use crate::bindings::util::private_symbol;
use crate::environment::Env;

/// Most contexts that one realm makes; each takes some hundred kilobytes of V8's heap.
const CONTEXTS_MAX: usize = 4096;

/// The contexts of a realm, by the number that their interceptors carry.
#[derive(Default)]
struct Contexts {
    made: RefCell<Vec<Contextified>>,
}

#[derive(Clone)]
struct Contextified {
    context: v8::Weak<v8::Context>,
    /// Held by the context's global object as well.
    sandbox: v8::Weak<v8::Object>,
}

/// Gives a new context `SharedArrayBuffer`, which V8 leaves out: its own, or the realm's stand-in where there is none.
fn give_shared_memory(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    context: v8::Local<'_, v8::Context>,
) -> Option<()> {
    const NAME: &str = "SharedArrayBuffer";
    let outer = scope.get_current_context().global(scope);
    let stand_in = get(scope, outer, NAME)?;
    let scope = &mut v8::ContextScope::new(scope, context);
    let class = if env.core.is_frozen() { stand_in } else { isolate::library::shared_array_buffer(scope)? };
    let global = context.global(scope);
    define(scope, global, NAME, class, v8::PropertyAttribute::DONT_ENUM)
}

/// The context of a contextified object; the present one for `undefined` and `null`. `None` with an exception pending for
/// anything else.
pub(in crate::bindings) fn context_of<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    value: v8::Local<'_, v8::Value>,
) -> Option<v8::Local<'s, v8::Context>> {
    if value.is_null_or_undefined() {
        return Some(scope.get_current_context());
    }
    let found = value.try_cast::<v8::Object>().ok().and_then(|object| context_made_of(scope, env, object));
    if found.is_none() {
        isolate::library::throw_type(scope, "an object of vm.createContext is wanted");
    }
    found
}

/// The context that was made of an object, if one was.
pub(in crate::bindings) fn context_made_of<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
) -> Option<v8::Local<'s, v8::Context>> {
    let key = private_symbol(scope, env, "contextify_context_private_symbol")?;
    let number = object.get_private(scope, key)?;
    let number = usize::try_from(number.uint32_value(scope)?).ok()?;
    let context = env.state::<Contexts>().made.borrow().get(number.checked_sub(1)?)?.context.clone();
    context.to_local(scope)
}

/// (object or symbol, name, origin, strings, wasm, microtaskQueue, symbol of `import()`)
pub(super) fn make_context<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(realm) = env.realm() else { return };
    let contexts = env.state::<Contexts>();
    let number = contexts.made.borrow().len() + 1;
    if number > CONTEXTS_MAX {
        return isolate::library::throw_no_memory(scope, "too many contexts");
    }
    let sandbox: Option<v8::Local<v8::Object>> = args.get(0).try_cast().ok();
    let template = v8::ObjectTemplate::new(scope);
    if sandbox.is_some() {
        let Ok(id) = i32::try_from(number) else { return };
        let data: v8::Local<v8::Value> = v8::Integer::new(scope, id).into();
        let named = v8::NamedPropertyHandlerConfiguration::new()
            .getter(get_named)
            .setter(set_named)
            .query(query_named)
            .descriptor(describe_named)
            .definer(define_named)
            .deleter(delete_named)
            .enumerator(enumerate)
            .data(data)
            .flags(v8::PropertyHandlerFlags::HAS_NO_SIDE_EFFECT);
        template.set_named_property_handler(named);
        let indexed = v8::IndexedPropertyHandlerConfiguration::new()
            .getter(get_indexed)
            .setter(set_indexed)
            .deleter(delete_indexed)
            .definer(define_indexed)
            .data(data);
        template.set_indexed_property_handler(indexed);
    }
    let Some(context) = inner_context(scope, &env.core, &realm, template) else {
        return isolate::library::throw_no_memory(scope, "There is no memory for another context");
    };
    context.set_allow_generation_from_strings(!args.get(3).is_false());
    let global = context.global(scope);
    let target = sandbox.unwrap_or(global);
    let made = (|| {
        let key = private_symbol(scope, &env, "contextify_context_private_symbol")?;
        let id = v8::Number::new(scope, number as f64);
        target.set_private(scope, key, id.into())?;
        let symbol: v8::Local<v8::Symbol> =
            args.get(6).try_cast().unwrap_or_else(|_| env.symbol(scope, "vm_dynamic_import_missing_flag"));
        let key = private_symbol(scope, &env, "host_defined_option_symbol")?;
        target.set_private(scope, key, symbol.into())?;
        // The object keeps its context, and the context its object.
        let name = string(scope, "node:contextify:sandbox");
        let key = v8::Private::for_api(scope, Some(name));
        target.set_private(scope, key, global.into())?;
        global.set_private(scope, key, target.into())?;
        // While it is not in the table its properties are its own.
        give_shared_memory(scope, &env, context)
    })();
    if made.is_none() {
        return;
    }
    contexts
        .made
        .borrow_mut()
        .push(Contextified { context: v8::Weak::new(scope, context), sandbox: v8::Weak::new(scope, target) });
    if sandbox.is_none() {
        result.set(global.into());
    } else {
        result.set(target.into());
    }
}

/// The object and the global object of a context, by the data of its interceptors.
fn parts<'s>(
    scope: &mut Scope<'s, '_>,
    data: v8::Local<'_, v8::Value>,
) -> Option<(v8::Local<'s, v8::Object>, v8::Local<'s, v8::Object>)> {
    let env = Env::of(scope)?;
    let number = usize::try_from(data.uint32_value(scope)?).ok()?;
    let entry = env.state::<Contexts>().made.borrow().get(number.checked_sub(1)?)?.clone();
    let context = entry.context.to_local(scope)?;
    let global = context.global(scope);
    Some((entry.sandbox.to_local(scope)?, global))
}

fn get_named(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) -> v8::Intercepted {
    let Some((sandbox, global)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    let value = match sandbox.get_real_named_property(scope, name) {
        Some(value) => Some(value),
        None => global.get_real_named_property(scope, name),
    };
    match value {
        Some(value) if value == sandbox => result.set(global.into()),
        Some(value) => result.set(value),
        None => return v8::Intercepted::kNo,
    }
    v8::Intercepted::kYes
}

fn set_named(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    value: v8::Local<'_, v8::Value>,
    args: v8::PropertyCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Boolean>,
) -> v8::Intercepted {
    let Some((sandbox, global)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    let on_global = global.get_real_named_property_attributes(scope, name);
    let on_sandbox = sandbox.get_real_named_property_attributes(scope, name);
    let read_only = [&on_global, &on_sandbox]
        .iter()
        .any(|attributes| attributes.as_ref().is_some_and(v8::PropertyAttribute::is_read_only));
    if read_only {
        return v8::Intercepted::kNo;
    }
    let is_declared = on_global.is_some() || on_sandbox.is_some();
    // An undeclared name in strict code is an error, which V8 throws.
    if !is_declared && args.should_throw_on_error() && !value.is_function() {
        return v8::Intercepted::kNo;
    }
    if !is_declared && name.is_symbol() {
        return v8::Intercepted::kNo;
    }
    let has_accessor = on_sandbox.is_some() && is_accessor(scope, sandbox, name);
    if sandbox.set(scope, name.into(), value).is_none() || has_accessor {
        return v8::Intercepted::kYes;
    }
    v8::Intercepted::kNo
}

fn is_accessor(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: v8::Local<'_, v8::Name>,
) -> bool {
    let Some(descriptor) = object.get_own_property_descriptor(scope, name) else { return false };
    let Ok(descriptor) = descriptor.try_cast::<v8::Object>() else { return false };
    ["get", "set"].into_iter().any(|key| {
        let key = string(scope, key);
        descriptor.get(scope, key.into()).is_some_and(|value| !value.is_undefined())
    })
}

fn query_named(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Integer>,
) -> v8::Intercepted {
    let Some((sandbox, global)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    let on_sandbox = sandbox.get_real_named_property_attributes(scope, name);
    let attributes = match on_sandbox {
        Some(attributes) => Some(attributes),
        None => global.get_real_named_property_attributes(scope, name),
    };
    match attributes {
        Some(attributes) => {
            result.set(v8::Integer::new_from_unsigned(scope, attributes.as_u32()));
            v8::Intercepted::kYes
        }
        None => v8::Intercepted::kNo,
    }
}

fn describe_named(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) -> v8::Intercepted {
    let Some((sandbox, _)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    if sandbox.has_own_property(scope, name) != Some(true) {
        return v8::Intercepted::kNo;
    }
    match sandbox.get_own_property_descriptor(scope, name) {
        Some(descriptor) => {
            result.set(descriptor);
            v8::Intercepted::kYes
        }
        None => v8::Intercepted::kNo,
    }
}

fn define_named(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    descriptor: &v8::PropertyDescriptor,
    args: v8::PropertyCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Boolean>,
) -> v8::Intercepted {
    let Some((sandbox, global)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    let attributes = global.get_real_named_property_attributes(scope, name);
    let on_sandbox = sandbox.get_real_named_property_attributes(scope, name);
    // What can be neither reconfigured nor written is V8's to refuse.
    let fixed = |attributes: &v8::PropertyAttribute| attributes.is_read_only() && attributes.is_dont_delete();
    if attributes.as_ref().is_some_and(fixed) && on_sandbox.is_none() {
        return v8::Intercepted::kNo;
    }
    let mut copy = if descriptor.has_get() || descriptor.has_set() {
        let getter = if descriptor.has_get() { descriptor.get() } else { v8::undefined(scope).into() };
        let setter = if descriptor.has_set() { descriptor.set() } else { v8::undefined(scope).into() };
        v8::PropertyDescriptor::new_from_get_set(getter, setter)
    } else {
        let value = if descriptor.has_value() { descriptor.value() } else { v8::undefined(scope).into() };
        if descriptor.has_writable() {
            v8::PropertyDescriptor::new_from_value_writable(value, descriptor.writable())
        } else {
            v8::PropertyDescriptor::new_from_value(value)
        }
    };
    if descriptor.has_enumerable() {
        copy.set_enumerable(descriptor.enumerable());
    }
    if descriptor.has_configurable() {
        copy.set_configurable(descriptor.configurable());
    }
    let _ = sandbox.define_property(scope, name, &copy);
    v8::Intercepted::kNo
}

fn delete_named(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Boolean>,
) -> v8::Intercepted {
    let Some((sandbox, _)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    if sandbox.delete(scope, name.into()) == Some(true) {
        return v8::Intercepted::kNo;
    }
    result.set_bool(false);
    v8::Intercepted::kYes
}

fn enumerate(
    scope: &mut Scope<'_, '_>,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Array>,
) {
    let Some((sandbox, _)) = parts(scope, args.data()) else { return };
    let names = sandbox.get_own_property_names(
        scope,
        v8::GetPropertyNamesArgs {
            mode: v8::KeyCollectionMode::OwnOnly,
            property_filter: v8::PropertyFilter::ALL_PROPERTIES,
            index_filter: v8::IndexFilter::SkipIndices,
            key_conversion: v8::KeyConversionMode::ConvertToString,
        },
    );
    if let Some(names) = names {
        result.set(names);
    }
}

fn get_indexed(
    scope: &mut Scope<'_, '_>,
    index: u32,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) -> v8::Intercepted {
    let Some((sandbox, _)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    match sandbox.get_index(scope, index) {
        Some(value) if !value.is_undefined() => {
            result.set(value);
            v8::Intercepted::kYes
        }
        _ => v8::Intercepted::kNo,
    }
}

fn set_indexed(
    scope: &mut Scope<'_, '_>,
    index: u32,
    value: v8::Local<'_, v8::Value>,
    args: v8::PropertyCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Boolean>,
) -> v8::Intercepted {
    if let Some((sandbox, _)) = parts(scope, args.data()) {
        let _ = sandbox.set_index(scope, index, value);
    }
    v8::Intercepted::kNo
}

fn define_indexed(
    scope: &mut Scope<'_, '_>,
    index: u32,
    descriptor: &v8::PropertyDescriptor,
    args: v8::PropertyCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Boolean>,
) -> v8::Intercepted {
    if let Some((sandbox, _)) = parts(scope, args.data())
        && descriptor.has_value()
    {
        let value = descriptor.value();
        let _ = sandbox.set_index(scope, index, value);
    }
    v8::Intercepted::kNo
}

fn delete_indexed(
    scope: &mut Scope<'_, '_>,
    index: u32,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Boolean>,
) -> v8::Intercepted {
    let Some((sandbox, _)) = parts(scope, args.data()) else { return v8::Intercepted::kNo };
    if sandbox.delete_index(scope, index) == Some(true) {
        return v8::Intercepted::kNo;
    }
    result.set_bool(false);
    v8::Intercepted::kYes
}
