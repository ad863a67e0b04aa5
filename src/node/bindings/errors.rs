//! How errors are shown, and what becomes of those that nothing catches.

use std::cell::Cell;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions};
use crate::callbacks;
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "errors",
    functions: functions! {
        "setPrepareStackTraceCallback" => set_prepare_stack_trace,
        "setGetSourceMapErrorSource" => set_get_source_map_error_source,
        "setSourceMapsEnabled" => set_source_maps_enabled,
        "setMaybeCacheGeneratedSourceMap" => ignored,
        "setEnhanceStackForFatalException" => ignored,
        "noSideEffectsToString" => no_side_effects_to_string,
        "triggerUncaughtException" => trigger_uncaught_exception,
        "getErrorSourcePositions" => get_error_source_positions,
    },
    make: None,
};

fn set_prepare_stack_trace(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::PrepareStackTrace, args.get(0));
    }
}

/// Whether stacks and source lines are those of what a file was made from.
#[derive(Default)]
struct SourceMaps {
    are_enabled: Cell<bool>,
}

fn set_get_source_map_error_source(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::SourceMapErrorSource, args.get(0));
    }
}

fn set_source_maps_enabled(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.state::<SourceMaps>().are_enabled.set(args.get(0).is_true());
    }
}

/// Where in its source something was thrown, if the file has a source map and such are asked for.
pub(crate) fn mapped_source(
    scope: &mut Scope<'_, '_>,
    file: &str,
    line: usize,
    column: usize,
) -> Option<String> {
    let env = Env::of(scope)?;
    if !env.state::<SourceMaps>().are_enabled.get() {
        return None;
    }
    let find = env.callback(scope, Callback::SourceMapErrorSource)?;
    v8::tc_scope!(let attempt, scope);
    let receiver = v8::undefined(attempt).into();
    let file = string(attempt, file).into();
    let line = v8::Number::new(attempt, line as f64).into();
    let column = v8::Number::new(attempt, column as f64).into();
    let found = find.call(attempt, receiver, &[file, line, column])?.try_cast::<v8::String>().ok()?;
    isolate::library::text(attempt, found)
}

/// The library's own part of it is in JavaScript, which this crate calls by other names.
fn ignored(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

fn no_side_effects_to_string(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(text) = args.get(0).to_detail_string(scope) {
        result.set(text.into());
    }
}

fn trigger_uncaught_exception(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let from_promise = args.get(1).is_true();
    callbacks::trigger(scope, &env, args.get(0), from_promise);
}

/// (error) -> { sourceLine, scriptResourceName, lineNumber, startColumn }
fn get_error_source_positions(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let message = v8::Exception::create_message(scope, args.get(0));
    let object = v8::Object::new(scope);
    let _ = (|| {
        let line = match message.get_source_line(scope) {
            Some(line) => line.into(),
            None => string(scope, "").into(),
        };
        crate::binding::set(scope, object, "sourceLine", line)?;
        let name = message.get_script_resource_name(scope).unwrap_or_else(|| v8::undefined(scope).into());
        crate::binding::set(scope, object, "scriptResourceName", name)?;
        let number = message.get_line_number(scope).unwrap_or(0);
        crate::binding::set_number(scope, object, "lineNumber", number as f64)?;
        crate::binding::set_number(scope, object, "startColumn", message.get_start_column() as f64)
    })();
    result.set(object.into());
}
