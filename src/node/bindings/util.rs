//! What `util` asks of V8: promises' and proxies' insides, previews of collections, call sites, lazy properties.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions, set, set_number};
use crate::environment::{Env, poke};

pub(super) static BINDING: Binding = Binding {
    name: "util",
    functions: functions! {
        "getSharedArrayBufferGrowable" => get_shared_array_buffer_growable,
        "isInsideNodeModules" => is_inside_node_modules,
        "defineLazyProperties" => define_lazy_properties,
        "getPromiseDetails" => get_promise_details,
        "getProxyDetails" => get_proxy_details,
        "getCallerLocation" => get_caller_location,
        "previewEntries" => preview_entries,
        "getOwnNonIndexProperties" => get_own_non_index_properties,
        "getConstructorName" => get_constructor_name,
        "getExternalValue" => get_external_value,
        "getCallSites" => get_call_sites,
        "sleep" => sleep,
        "parseEnv" => parse_env,
        "arrayBufferViewHasBuffer" => array_buffer_view_has_buffer,
        "constructSharedArrayBuffer" => construct_shared_array_buffer,
        "markPromiseAsHandled" => mark_promise_as_handled,
        "guessHandleType" => guess_handle_type,
    },
    make: Some(make),
};

/// Most frames of a stack that are told of.
const FRAMES_MAX: usize = 200;

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let private = private_symbols(scope, env)?;
    set(scope, binding, "privateSymbols", private.into())?;
    let buffer = v8::ArrayBuffer::new(scope, 4);
    let _ = env.shared.abort_toggle.set(buffer.get_backing_store());
    poke(&env.shared.abort_toggle, 0, 1u32.to_ne_bytes());
    let toggle = v8::Uint32Array::new(scope, buffer, 0, 1)?;
    set(scope, binding, "shouldAbortOnUncaughtToggle", toggle.into())
}

/// Private symbols as the library takes them: as values, by which it reads and sets properties that no guest sees.
pub(crate) fn private_symbols<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
) -> Option<v8::Local<'s, v8::Object>> {
    let facts = env.facts.clone();
    // Only a template takes what is no value in V8's eyes.
    let template = v8::ObjectTemplate::new(scope);
    for name in facts.binding("util")?.get("privateSymbols")?.get("object")?.as_object()?.keys() {
        let key = string(scope, name);
        let symbol = private_symbol(scope, env, name)?;
        template.set(key.into(), symbol.into());
    }
    template.new_instance(scope)
}

/// One of them, by the name of the property that has it.
pub(crate) fn private_symbol<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    name: &str,
) -> Option<v8::Local<'s, v8::Private>> {
    let known = env.private_symbols.borrow().get(name).cloned();
    if let Some(known) = known {
        return Some(v8::Local::new(scope, &known));
    }
    let described = env.facts.binding("util")?.get("privateSymbols")?.get("object")?.get(name)?;
    let description = string(scope, described.get("symbol")?.as_str()?);
    let symbol = v8::Private::for_api(scope, Some(description));
    let global = v8::Global::new(scope, symbol);
    env.private_symbols.borrow_mut().insert(name.to_owned(), global);
    Some(symbol)
}

fn get_shared_array_buffer_growable(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(buffer) = args.get(0).try_cast::<v8::SharedArrayBuffer>() else { return };
    let key = string(scope, "growable");
    let object: v8::Local<v8::Object> = buffer.into();
    if let Some(value) = object.get(scope, key.into()) {
        result.set(value);
    }
}

/// (frames) -> whether the first frame of guest code lies in a `node_modules`
fn is_inside_node_modules(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let limit = args.get(0).uint32_value(scope).map_or(10, |limit| limit as usize).clamp(1, FRAMES_MAX);
    result.set_bool(false);
    let Some(stack) = v8::StackTrace::current_stack_trace(scope, limit) else { return };
    for index in 0..stack.get_frame_count() {
        let Some(frame) = stack.get_frame(scope, index) else { break };
        let Some(name) = frame.get_script_name(scope) else { continue };
        let name = name.to_rust_string_lossy(scope);
        if name.starts_with("node:") || name.is_empty() {
            continue;
        }
        return result.set_bool(name.contains("/node_modules/"));
    }
}

/// (target, module, names, enumerable): getters that load a module of the library when they are first asked.
fn define_lazy_properties(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let (Ok(target), Ok(names)) = (args.get(0).try_cast::<v8::Object>(), args.get(2).try_cast::<v8::Array>())
    else {
        return;
    };
    let hidden = args.get(3).is_false();
    for index in 0..names.length() {
        let Some(name) = names.get_index(scope, index) else { return };
        let Ok(name) = name.try_cast::<v8::Name>() else { return };
        let defined = target.set_lazy_data_property_with_data(
            scope,
            name,
            lazy_property,
            args.get(1),
            if hidden { v8::PropertyAttribute::DONT_ENUM } else { v8::PropertyAttribute::NONE },
            v8::SideEffectType::HasNoSideEffect,
            v8::SideEffectType::HasSideEffectToReceiver,
        );
        if defined.is_none() {
            return;
        }
    }
}

fn lazy_property(
    scope: &mut Scope<'_, '_>,
    name: v8::Local<'_, v8::Name>,
    args: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) {
    let Some(env) = Env::of(scope) else { return };
    let id = args.data().to_rust_string_lossy(scope);
    let Some(module) = env.require(scope, &id) else { return };
    if let Some(value) = module.get(scope, name.into()) {
        result.set(value);
    }
}

/// (promise) -> [state, result]
fn get_promise_details(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(promise) = args.get(0).try_cast::<v8::Promise>() else { return };
    let number = v8::Integer::new(scope, promise.state() as i32).into();
    let details = if promise.state() == v8::PromiseState::Pending {
        v8::Array::new_with_elements(scope, &[number])
    } else {
        let value = promise.result(scope);
        v8::Array::new_with_elements(scope, &[number, value])
    };
    result.set(details.into());
}

/// (value, both) -> the proxy's target and handler, or its target; undefined for what is no proxy
fn get_proxy_details(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(proxy) = args.get(0).try_cast::<v8::Proxy>() else { return };
    let target = proxy.get_target(scope);
    if args.length() == 1 || args.get(1).is_true() {
        let handler = proxy.get_handler(scope);
        result.set(v8::Array::new_with_elements(scope, &[target, handler]).into());
    } else {
        result.set(target);
    }
}

/// () -> [line, column, file] of who called the function that asks
fn get_caller_location(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(stack) = v8::StackTrace::current_stack_trace(scope, 2) else { return };
    if stack.get_frame_count() != 2 {
        return;
    }
    let Some(frame) = stack.get_frame(scope, 1) else { return };
    let file = match frame.get_script_name_or_source_url(scope) {
        Some(name) => name.into(),
        None => v8::undefined(scope).into(),
    };
    let line = v8::Number::new(scope, frame.get_line_number() as f64).into();
    let column = v8::Number::new(scope, frame.get_column() as f64).into();
    result.set(v8::Array::new_with_elements(scope, &[line, column, file]).into());
}

/// (value, isIterator) -> entries, and whether they come in pairs
fn preview_entries(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    let (entries, in_pairs) = object.preview_entries(scope);
    let Some(entries) = entries else { return };
    // A second argument asks for whether they come in pairs, too.
    if args.length() == 1 {
        return result.set(entries.into());
    }
    let in_pairs = v8::Boolean::new(scope, in_pairs).into();
    result.set(v8::Array::new_with_elements(scope, &[entries.into(), in_pairs]).into());
}

fn get_own_non_index_properties(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    let bits = args.get(1).uint32_value(scope).unwrap_or(0);
    let filter = match bits {
        2 => v8::PropertyFilter::ONLY_ENUMERABLE,
        _ => v8::PropertyFilter::ALL_PROPERTIES,
    };
    let names = object.get_property_names(
        scope,
        v8::GetPropertyNamesArgs {
            mode: v8::KeyCollectionMode::OwnOnly,
            property_filter: filter,
            index_filter: v8::IndexFilter::SkipIndices,
            key_conversion: v8::KeyConversionMode::KeepNumbers,
        },
    );
    if let Some(names) = names {
        result.set(names.into());
    }
}

fn get_constructor_name(_: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Ok(object) = args.get(0).try_cast::<v8::Object>() {
        result.set(object.get_constructor_name().into());
    }
}

/// No value of a VM's is a pointer.
fn get_external_value(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::BigInt::new_from_u64(scope, 0).into());
}

/// (frames) -> call sites: { functionName, scriptId, scriptName, lineNumber, columnNumber, column }
fn get_call_sites(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let limit = args.get(0).uint32_value(scope).map_or(10, |limit| limit as usize).clamp(1, FRAMES_MAX);
    let Some(stack) = v8::StackTrace::current_stack_trace(scope, limit + 1) else { return };
    let mut sites: Vec<v8::Local<v8::Value>> = Vec::new();
    // The first is the library's function that asks.
    for index in 1..stack.get_frame_count() {
        let Some(frame) = stack.get_frame(scope, index) else { break };
        let object = v8::Object::new(scope);
        let made = (|| {
            let empty = string(scope, "");
            let name = frame.get_function_name(scope).unwrap_or(empty);
            set(scope, object, "functionName", name.into())?;
            let id = string(scope, &frame.get_script_id().to_string());
            set(scope, object, "scriptId", id.into())?;
            let name = frame.get_script_name_or_source_url(scope).unwrap_or(empty);
            set(scope, object, "scriptName", name.into())?;
            set_number(scope, object, "lineNumber", frame.get_line_number() as f64)?;
            set_number(scope, object, "columnNumber", frame.get_column() as f64)?;
            set_number(scope, object, "column", frame.get_column() as f64)
        })();
        if made.is_none() {
            return;
        }
        sites.push(object.into());
    }
    result.set(v8::Array::new_with_elements(scope, &sites).into());
}

/// Longest that a call may sleep: what ends its job ends the sleep, too.
fn sleep(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let (Some(env), Some(milliseconds)) = (Env::of(scope), args.get(0).uint32_value(scope)) else { return };
    env.core.sleep(std::time::Duration::from_millis(milliseconds.into()));
}

/// (text of a `.env` file) -> its variables
fn parse_env(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = args.get(0).to_string(scope) else { return };
    let Some(text) = isolate::library::text(scope, text) else { return };
    let null = v8::null(scope).into();
    let object = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    for (name, value) in crate::process::parse_env(&text) {
        let value = string(scope, &value);
        if set(scope, object, &name, value.into()).is_none() {
            return;
        }
    }
    result.set(object.into());
}

fn array_buffer_view_has_buffer(_: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Ok(view) = args.get(0).try_cast::<v8::ArrayBufferView>() {
        result.set_bool(view.has_buffer());
    }
}

/// For the library's own use. Where clocks are frozen there is no shared memory, since whoever shares memory has a clock:
/// what is not shared does as well for what stays in one thread.
fn construct_shared_array_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(length) = args.get(0).integer_value(scope).and_then(|length| usize::try_from(length).ok())
    else {
        return isolate::library::throw_no_memory(scope, "Array buffer allocation failed");
    };
    let Some(env) = Env::of(scope) else { return };
    if !isolate::library::memory_for(length) {
        return isolate::library::throw_no_memory(scope, "Array buffer allocation failed");
    }
    if env.core.is_frozen() {
        return result.set(v8::ArrayBuffer::new(scope, length).into());
    }
    if let Some(buffer) = v8::SharedArrayBuffer::new(scope, length) {
        result.set(buffer.into());
    }
}

fn mark_promise_as_handled(_: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Ok(promise) = args.get(0).try_cast::<v8::Promise>() {
        promise.mark_as_handled();
    }
}

/// (descriptor) -> what it is, as the library numbers kinds: see `guessHandleType` of `internal/util`
fn guess_handle_type(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let (Some(env), Some(descriptor)) = (Env::of(scope), args.get(0).uint32_value(scope)) else { return };
    result.set(v8::Integer::new(scope, crate::process::kind_of(&env, descriptor)).into());
}
