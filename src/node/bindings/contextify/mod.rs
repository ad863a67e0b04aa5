//! Scripts, functions and contexts of `vm`, and the functions of CommonJS modules. Cached data of guests is always
//! rejected, and none is produced.

mod context;

use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Class, Return, functions, set};
use crate::callbacks;
use crate::environment::Env;
use crate::handle;

pub(super) use context::{context_made_of, context_of};

use super::module_wrap::{decorate, decorate_stack};

pub(super) static BINDING: Binding = Binding {
    name: "contextify",
    functions: functions! {
        "makeContext" => context::make_context,
        "compileFunction" => compile_function,
        "compileFunctionForCJSLoader" => compile_function_for_cjs_loader,
        "containsModuleSyntax" => contains_module_syntax,
        "startSigintWatchdog" => start_sigint_watchdog,
        "stopSigintWatchdog" => no,
        "watchdogHasPendingSigint" => no,
    },
    make: Some(make),
};

/// The native half of a `ContextifyScript`.
struct ContextifyScript {
    script: v8::Global<v8::UnboundScript>,
    /// At which line and column of its file its text begins.
    begins: (i32, i32),
}

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_script);
    let class = Class::new(scope, "ContextifyScript", constructor)?;
    class.methods(
        scope,
        functions! {
            "createCachedData" => create_cached_data,
            "runInContext" => run_in_context,
        },
    )?;
    class.publish(scope, binding, "ContextifyScript")
}

/// () -> whether SIGINT is watched while something is evaluated. Nothing need be done for it: who sends a program SIGINT
/// while that computes ends it, as any program that has not asked for it otherwise.
fn start_sigint_watchdog(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(true);
}

fn no(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(false);
}

/// Runs something that may take no longer than so many milliseconds: a termination beyond that is an error of the code
/// that runs. `None` with an exception pending, or terminated, if it gave nothing.
pub(super) fn within<R>(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    milliseconds: Option<i64>,
    run: impl FnOnce(&mut Scope<'_, '_>) -> Option<R>,
) -> Option<R> {
    let Some(milliseconds) = milliseconds.and_then(|milliseconds| u64::try_from(milliseconds).ok()) else {
        return run(scope);
    };
    let watchdog = env.core.watch(Duration::from_millis(milliseconds));
    v8::tc_scope!(let attempt, scope);
    let value = run(attempt);
    if watchdog.has_ended_it() && value.is_none() {
        attempt.cancel_terminate_execution();
        attempt.reset();
        let message = format!("Script execution timed out after {milliseconds}ms");
        isolate::library::throw(attempt, &message, "ERR_SCRIPT_EXECUTION_TIMEOUT");
    }
    if attempt.has_caught() {
        attempt.rethrow();
    }
    value
}

/// (code, filename, lineOffset, columnOffset, cachedData, produceCachedData, parsingContext or symbol)
fn construct_script(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let (Some(code), Some(name)) = (args.get(0).to_string(scope), args.get(1).to_string(scope)) else {
        return;
    };
    let line = args.get(2).int32_value(scope).unwrap_or(0);
    let column = args.get(3).int32_value(scope).unwrap_or(0);
    let symbol = args.get(7).try_cast::<v8::Symbol>().or_else(|_| args.get(6).try_cast::<v8::Symbol>());
    let symbol = symbol.unwrap_or_else(|_| v8::Symbol::new(scope, Some(name)));
    let origin = callbacks::origin(scope, name, (line, column), symbol, false);
    let mut source = v8::script_compiler::Source::new(code, Some(&origin));
    let script = {
        v8::tc_scope!(let attempt, scope);
        let script = v8::script_compiler::compile_unbound_script(
            attempt,
            &mut source,
            v8::script_compiler::CompileOptions::NoCompileOptions,
            v8::script_compiler::NoCacheReason::NoReason,
        );
        if script.is_none() {
            decorate_stack(attempt, &env, (line, column));
            attempt.rethrow();
        }
        script
    };
    let Some(script) = script else { return };
    let this = args.this();
    let _ = (|| {
        if args.get(4).is_array_buffer_view() {
            let rejected = v8::Boolean::new(scope, true);
            set(scope, this, "cachedDataRejected", rejected.into())?;
        }
        if args.get(5).is_true() {
            let produced = v8::Boolean::new(scope, false);
            set(scope, this, "cachedDataProduced", produced.into())?;
        }
        let map = script.get_source_mapping_url(scope);
        set(scope, this, "sourceMapURL", map)?;
        let source_url = script.get_source_url(scope);
        set(scope, this, "sourceURL", source_url)?;
        let key = crate::bindings::util::private_symbol(scope, &env, "host_defined_option_symbol")?;
        this.set_private(scope, key, symbol.into())?;
        let script = v8::Global::new(scope, script);
        handle::attach(scope, &env, this, Rc::new(ContextifyScript { script, begins: (line, column) }))
    })();
}

fn create_cached_data(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, _)) = handle::receiver::<ContextifyScript>(scope, args.this()) else { return };
    if let Some(buffer) = crate::bindings::buffer::from_bytes(scope, &env, &[]) {
        result.set(buffer);
    }
}

/// (contextified object or null, timeout, displayErrors, breakOnSigint, breakOnFirstLine)
fn run_in_context(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, half)) = handle::receiver::<ContextifyScript>(scope, args.this()) else { return };
    let Some(context) = context_of(scope, &env, args.get(0)) else { return };
    let timeout = args.get(1).integer_value(scope).filter(|timeout| *timeout > 0);
    let decorates = args.get(2).is_true();
    let value = within(scope, &env, timeout, |scope| {
        let scope = &mut v8::ContextScope::new(scope, context);
        v8::tc_scope!(let attempt, scope);
        let script = v8::Local::new(attempt, &half.script).bind_to_current_context(attempt);
        let value = script.run(attempt);
        if value.is_none() && attempt.has_caught() {
            if decorates {
                decorate_stack(attempt, &env, half.begins);
            }
            attempt.rethrow();
        }
        value.map(|value| v8::Global::new(attempt, value))
    });
    if let Some(value) = value {
        result.set(v8::Local::new(scope, &value));
    }
}

/// Names of the parameters that wrap a CommonJS module.
const COMMON_JS: [&str; 5] = ["exports", "require", "module", "__filename", "__dirname"];

/// Compiles a function's body with host options that say whose `import()` it is.
fn function_of<'s>(
    scope: &mut Scope<'s, '_>,
    code: v8::Local<'s, v8::String>,
    name: v8::Local<'s, v8::String>,
    position: (i32, i32),
    symbol: v8::Local<'s, v8::Symbol>,
    parameters: &[v8::Local<'s, v8::String>],
    extensions: &[v8::Local<'s, v8::Object>],
) -> Option<v8::Local<'s, v8::Function>> {
    let origin = callbacks::origin(scope, name, position, symbol, false);
    let mut source = v8::script_compiler::Source::new(code, Some(&origin));
    v8::script_compiler::compile_function(
        scope,
        &mut source,
        parameters,
        extensions,
        v8::script_compiler::CompileOptions::NoCompileOptions,
        v8::script_compiler::NoCacheReason::NoReason,
    )
}

/// (code, filename, lineOffset, columnOffset, cachedData, produceCachedData, parsingContext, contextExtensions,
/// parameters, symbol) -> { function, sourceMapURL, ... }
fn compile_function<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let (Some(code), Some(name)) = (args.get(0).to_string(scope), args.get(1).to_string(scope)) else {
        return;
    };
    let line = args.get(2).int32_value(scope).unwrap_or(0);
    let column = args.get(3).int32_value(scope).unwrap_or(0);
    let Some(context) = context_of(scope, &env, args.get(6)) else { return };
    let mut extensions = Vec::new();
    if let Ok(list) = args.get(7).try_cast::<v8::Array>() {
        for index in 0..list.length() {
            match list.get_index(scope, index).map(|value| value.try_cast::<v8::Object>()) {
                Some(Ok(object)) => extensions.push(object),
                _ => return isolate::library::throw_type(scope, "context extensions are objects"),
            }
        }
    }
    let mut parameters = Vec::new();
    if let Ok(list) = args.get(8).try_cast::<v8::Array>() {
        for index in 0..list.length() {
            let Some(name) = list.get_index(scope, index).and_then(|value| value.to_string(scope)) else {
                return;
            };
            parameters.push(name);
        }
    }
    let symbol = args.get(9).try_cast::<v8::Symbol>().unwrap_or_else(|_| v8::Symbol::new(scope, Some(name)));
    let scope = &mut v8::ContextScope::new(scope, context);
    let function = {
        v8::tc_scope!(let attempt, scope);
        let function = function_of(attempt, code, name, (line, column), symbol, &parameters, &extensions);
        if function.is_none() {
            decorate_stack(attempt, &env, (line, column));
            attempt.rethrow();
        }
        function
    };
    let Some(function) = function else { return };
    let object = v8::Object::new(scope);
    let made = (|| {
        set(scope, object, "function", function.into())?;
        let undefined = v8::undefined(scope).into();
        set(scope, object, "sourceMapURL", undefined)?;
        set(scope, object, "sourceURL", undefined)?;
        if args.get(4).is_array_buffer_view() {
            let rejected = v8::Boolean::new(scope, true);
            set(scope, object, "cachedDataRejected", rejected.into())?;
        }
        if args.get(5).is_true() {
            let produced = v8::Boolean::new(scope, false);
            set(scope, object, "cachedDataProduced", produced.into())?;
        }
        let key = crate::bindings::util::private_symbol(scope, &env, "host_defined_option_symbol")?;
        function.set_private(scope, key, symbol.into())
    })();
    if made.is_some() {
        result.set(object.into());
    }
}

/// What of a syntax error says that the text is a module's rather than wrong.
const MODULE_ERRORS: [&str; 3] = [
    "Cannot use import statement outside a module",
    "Unexpected token 'export'",
    "Cannot use 'import.meta' outside a module",
];

/// Errors that a module does not have: what it may be if there is one of them and it compiles as a module.
const RETRY_ERRORS: [&str; 6] = [
    "Identifier '__filename' has already been declared",
    "Identifier '__dirname' has already been declared",
    "Identifier 'exports' has already been declared",
    "Identifier 'module' has already been declared",
    "Identifier 'require' has already been declared",
    "await is only valid in async functions and the top level bodies of modules",
];

/// Whether a text that failed to compile as a function does as a module, and only so.
fn is_module(
    scope: &mut Scope<'_, '_>,
    code: v8::Local<'_, v8::String>,
    name: v8::Local<'_, v8::Value>,
    message: &str,
) -> bool {
    if MODULE_ERRORS.iter().any(|known| message.contains(known)) {
        return true;
    }
    if !RETRY_ERRORS.iter().any(|known| message.contains(known)) {
        return false;
    }
    v8::tc_scope!(let attempt, scope);
    let origin = v8::ScriptOrigin::new(attempt, name, 0, 0, true, -1, None, false, false, true, None);
    let mut source = v8::script_compiler::Source::new(code, Some(&origin));
    v8::script_compiler::compile_module(attempt, &mut source).is_some()
}

/// (code, filename, isSea, detectModule) -> { function, canParseAsESM, sourceMapURL, cachedDataRejected }
fn compile_function_for_cjs_loader(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let (Some(code), Some(name)) = (args.get(0).to_string(scope), args.get(1).to_string(scope)) else {
        return;
    };
    if super::module_wrap::account(scope, &env).is_none() {
        return;
    }
    let detects = args.get(3).is_true();
    let symbol = env.symbol(scope, "vm_dynamic_import_default_internal");
    let parameters = COMMON_JS.map(|name| string(scope, name));
    let mut can_be_module = false;
    let function = {
        v8::tc_scope!(let attempt, scope);
        let function = function_of(attempt, code, name, (0, 0), symbol, &parameters, &[]);
        if function.is_none() {
            if attempt.has_terminated() {
                return;
            }
            let message = attempt.message().map(|message| message.get(attempt).to_rust_string_lossy(attempt));
            can_be_module = is_module(attempt, code, name.into(), &message.unwrap_or_default());
            if !detects || !can_be_module {
                decorate(attempt, &env);
                attempt.rethrow();
                return;
            }
            attempt.reset();
        }
        function
    };
    let object = v8::Object::new(scope);
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let no = v8::Boolean::new(scope, false).into();
    let can_be_module = v8::Boolean::new(scope, can_be_module).into();
    let map = function.map(|_| source_map_url(scope, code)).unwrap_or(undefined);
    let made = (|| {
        set(scope, object, "cachedDataRejected", no)?;
        set(scope, object, "sourceMapURL", map)?;
        set(scope, object, "sourceURL", undefined)?;
        set(scope, object, "canParseAsESM", can_be_module)?;
        set(scope, object, "function", function.map_or(undefined, Into::into))
    })();
    if made.is_some() {
        result.set(object.into());
    }
}

/// What the last comment of a text says of its source map.
fn source_map_url<'s>(
    scope: &mut Scope<'s, '_>,
    code: v8::Local<'_, v8::String>,
) -> v8::Local<'s, v8::Value> {
    /// How far from its end a text is searched.
    const TAIL: usize = 64 * 1024;
    let text = isolate::library::text(scope, code).unwrap_or_default();
    let mut from = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let tail = text.get(from..).unwrap_or_default();
    let found =
        tail.rfind("//# sourceMappingURL=").and_then(|at| tail.get(at + 21..)?.split_whitespace().next());
    match found {
        Some(url) => string(scope, url).into(),
        None => v8::undefined(scope).into(),
    }
}

/// (code, filename, resource name, "no CJS variables") -> whether the text is a module's
fn contains_module_syntax(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let (Some(code), Some(name)) = (args.get(0).to_string(scope), args.get(1).to_string(scope)) else {
        return;
    };
    let symbol = env.symbol(scope, "vm_dynamic_import_default_internal");
    let parameters = if args.get(3).is_undefined() {
        COMMON_JS.map(|name| string(scope, name)).to_vec()
    } else {
        Vec::new()
    };
    v8::tc_scope!(let attempt, scope);
    let message = match function_of(attempt, code, name, (0, 0), symbol, &parameters, &[]) {
        Some(_) => None,
        None => attempt.message().map(|message| message.get(attempt).to_rust_string_lossy(attempt)),
    };
    if attempt.has_terminated() {
        return;
    }
    attempt.reset();
    result.set_bool(message.is_some_and(|message| is_module(attempt, code, name.into(), &message)));
}
