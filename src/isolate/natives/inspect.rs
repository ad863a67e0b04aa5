//! What the console's inspection cannot learn from JavaScript without running guest code: what an object really is.

use super::{Args, Native, Return, natives};
use crate::core::{Scope, string};

pub(super) static NATIVES: &[Native] = natives! {
    "kindOf" => kind_of,
    "promiseDetails" => promise_details,
    "proxyDetails" => proxy_details,
    "previewEntries" => preview_entries,
    "constructorName" => constructor_name,
};

/// The kind of an object by its internals, which no guest can fake.
fn kind_of(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let value = args.get(0);
    let kind = if value.is_proxy() {
        "Proxy"
    } else if value.is_array() {
        "Array"
    } else if value.is_function() {
        "Function"
    } else if value.is_native_error() {
        "Error"
    } else if value.is_map() {
        "Map"
    } else if value.is_set() {
        "Set"
    } else if value.is_date() {
        "Date"
    } else if value.is_reg_exp() {
        "RegExp"
    } else if value.is_promise() {
        "Promise"
    } else if value.is_typed_array() {
        "TypedArray"
    } else if value.is_data_view() {
        "DataView"
    } else if value.is_array_buffer() {
        "ArrayBuffer"
    } else if value.is_shared_array_buffer() {
        "SharedArrayBuffer"
    } else if value.is_weak_map() {
        "WeakMap"
    } else if value.is_weak_set() {
        "WeakSet"
    } else if value.is_map_iterator() {
        "MapIterator"
    } else if value.is_set_iterator() {
        "SetIterator"
    } else if value.is_generator_object() {
        "Generator"
    } else if value.is_arguments_object() {
        "Arguments"
    } else if value.is_module_namespace_object() {
        "Module"
    } else if value.is_string_object() {
        "String"
    } else if value.is_number_object() {
        "Number"
    } else if value.is_boolean_object() {
        "Boolean"
    } else if value.is_symbol_object() {
        "Symbol"
    } else if value.is_big_int_object() {
        "BigInt"
    } else {
        "Object"
    };
    result.set(string(scope, kind).into());
}

/// `undefined` while pending, else `[fulfilled, value]`.
fn promise_details(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(promise) = args.get(0).try_cast::<v8::Promise>() else { return };
    let state = promise.state();
    if state != v8::PromiseState::Pending {
        let fulfilled = v8::Boolean::new(scope, state == v8::PromiseState::Fulfilled);
        let value = promise.result(scope);
        result.set(v8::Array::new_with_elements(scope, &[fulfilled.into(), value]).into());
    }
}

/// `[target, handler]`; both `null` when revoked.
fn proxy_details(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(proxy) = args.get(0).try_cast::<v8::Proxy>() else { return };
    let pair = [proxy.get_target(scope), proxy.get_handler(scope)];
    result.set(v8::Array::new_with_elements(scope, &pair).into());
}

/// `[entries, isKeyValue]` of a map, set, weak collection or iterator.
fn preview_entries(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    let (Some(entries), key_value) = object.preview_entries(scope) else { return };
    let key_value = v8::Boolean::new(scope, key_value);
    result.set(v8::Array::new_with_elements(scope, &[entries.into(), key_value.into()]).into());
}

fn constructor_name(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let _ = &scope;
    if let Ok(object) = args.get(0).try_cast::<v8::Object>() {
        result.set(object.get_constructor_name().into());
    }
}
