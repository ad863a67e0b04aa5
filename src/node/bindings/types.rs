//! `util.types`: what kind of object a value is, asked of V8 itself.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};

macro_rules! tests {
    ($($name:literal => $function:ident = $test:ident,)*) => {
        $(fn $function(_: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
            result.set_bool(args.get(0).$test());
        })*
        pub(super) static BINDING: Binding = Binding {
            name: "types",
            functions: functions! {
                $($name => $function,)*
                "isAnyArrayBuffer" => is_any_array_buffer,
                "isBoxedPrimitive" => is_boxed_primitive,
            },
            make: None,
        };
    };
}

tests! {
    "isArgumentsObject" => is_arguments_object = is_arguments_object,
    "isArrayBuffer" => is_array_buffer = is_array_buffer,
    "isAsyncFunction" => is_async_function = is_async_function,
    "isBigIntObject" => is_big_int_object = is_big_int_object,
    "isBooleanObject" => is_boolean_object = is_boolean_object,
    "isDate" => is_date = is_date,
    "isExternal" => is_external = is_external,
    "isGeneratorFunction" => is_generator_function = is_generator_function,
    "isGeneratorObject" => is_generator_object = is_generator_object,
    "isMap" => is_map = is_map,
    "isMapIterator" => is_map_iterator = is_map_iterator,
    "isModuleNamespaceObject" => is_module_namespace_object = is_module_namespace_object,
    "isNativeError" => is_native_error = is_native_error,
    "isNumberObject" => is_number_object = is_number_object,
    "isPromise" => is_promise = is_promise,
    "isProxy" => is_proxy = is_proxy,
    "isRegExp" => is_reg_exp = is_reg_exp,
    "isSet" => is_set = is_set,
    "isSetIterator" => is_set_iterator = is_set_iterator,
    "isSharedArrayBuffer" => is_shared_array_buffer = is_shared_array_buffer,
    "isStringObject" => is_string_object = is_string_object,
    "isSymbolObject" => is_symbol_object = is_symbol_object,
    "isWeakMap" => is_weak_map = is_weak_map,
    "isWeakSet" => is_weak_set = is_weak_set,
}

fn is_any_array_buffer(_: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let value = args.get(0);
    result.set_bool(value.is_array_buffer() || value.is_shared_array_buffer());
}

fn is_boxed_primitive(_: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let value = args.get(0);
    result.set_bool(
        value.is_number_object()
            || value.is_string_object()
            || value.is_boolean_object()
            || value.is_big_int_object()
            || value.is_symbol_object(),
    );
}
