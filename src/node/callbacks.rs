//! What V8 asks and tells: stack traces, `import()`, `import.meta`, rejected promises; and what becomes of an exception
//! that nothing has caught. The answers are the library's own.

use std::rc::Rc;

use isolate::library::{Core, Scope, codes, describe, string};

use crate::binding;
use crate::bindings::module_wrap;
use crate::environment::{Callback, Env, peek, poke};

/// Sets the callbacks of an isolate.
pub(crate) fn install(isolate: &mut v8::OwnedIsolate) {
    isolate.set_prepare_stack_trace_callback(prepare_stack_trace);
    isolate.set_host_import_module_dynamically_callback(import);
    isolate.set_host_initialize_import_meta_object_callback(initialize_import_meta);
}

/// The data that a script or module carries: whose `import()` it is.
pub(crate) fn host_options<'s>(
    scope: &mut Scope<'s, '_>,
    symbol: v8::Local<'_, v8::Symbol>,
) -> v8::Local<'s, v8::Data> {
    let options = v8::PrimitiveArray::new(scope, 1);
    options.set(scope, 0, symbol.into());
    options.into()
}

/// Where a text of a program's comes from, and whose `import()` is in it.
pub(crate) fn origin<'s>(
    scope: &mut Scope<'s, '_>,
    name: v8::Local<'s, v8::String>,
    (line, column): (i32, i32),
    symbol: v8::Local<'_, v8::Symbol>,
    is_module: bool,
) -> v8::ScriptOrigin<'s> {
    let options = Some(host_options(scope, symbol));
    v8::ScriptOrigin::new(scope, name.into(), line, column, true, -1, None, false, false, is_module, options)
}

/// The symbol in such data.
pub(crate) fn host_symbol<'s>(
    scope: &mut Scope<'s, '_>,
    options: v8::Local<'s, v8::Data>,
) -> Option<v8::Local<'s, v8::Value>> {
    let options: v8::Local<v8::FixedArray> = options.try_cast().ok()?;
    if options.length() == 0 {
        return None;
    }
    options.get(scope, 0)?.try_cast().ok()
}

fn prepare_stack_trace<'s>(
    scope: &mut Scope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    trace: v8::Local<'s, v8::Array>,
) -> v8::Local<'s, v8::Value> {
    let prepared = Env::of(scope).and_then(|env| {
        let prepare = env.callback(scope, Callback::PrepareStackTrace)?;
        let global = scope.get_current_context().global(scope);
        let receiver = v8::undefined(scope).into();
        prepare.call(scope, receiver, &[global.into(), error, trace.into()])
    });
    match prepared {
        Some(prepared) => prepared,
        // Before the library has said how, or because that threw.
        None => v8::undefined(scope).into(),
    }
}

fn import<'s>(
    scope: &mut Scope<'s, '_>,
    options: v8::Local<'s, v8::Data>,
    resource: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    attributes: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    v8::tc_scope!(let scope, scope);
    let result = (|| {
        let env = Env::of(scope)?;
        let import = env.callback(scope, Callback::ImportDynamically)?;
        let symbol = match host_symbol(scope, options) {
            Some(symbol) => symbol,
            None => env.symbol(scope, "vm_dynamic_import_missing_flag").into(),
        };
        let attributes = module_wrap::attributes(scope, attributes, 2)?;
        let phase = v8::Integer::new(scope, module_wrap::EVALUATION_PHASE);
        let receiver = v8::undefined(scope).into();
        let arguments = [symbol, specifier.into(), phase.into(), attributes.into(), resource];
        import.call(scope, receiver, &arguments)?.try_cast::<v8::Promise>().ok()
    })();
    if result.is_some() || scope.has_terminated() {
        return result;
    }
    // What the library throws is the promise's.
    let exception = scope.exception().unwrap_or_else(|| v8::undefined(scope).into());
    scope.reset();
    let resolver = v8::PromiseResolver::new(scope)?;
    resolver.reject(scope, exception);
    Some(resolver.get_promise(scope))
}

extern "C" fn initialize_import_meta(
    context: v8::Local<'_, v8::Context>,
    module: v8::Local<'_, v8::Module>,
    meta: v8::Local<'_, v8::Object>,
) {
    v8::callback_scope!(unsafe scope, context);
    let _ = (|| {
        let env = Env::of(scope)?;
        let wrap = module_wrap::object_of(scope, &env, module)?;
        let symbol = module_wrap::symbol_of(scope, &env, wrap)?;
        if symbol == env.symbol(scope, "source_text_module_default_hdo") {
            return default_import_meta(scope, &env, wrap, meta).map(|()| v8::undefined(scope).into());
        }
        let initialize = env.callback(scope, Callback::ImportMeta)?;
        let receiver = v8::undefined(scope).into();
        initialize.call(scope, receiver, &[symbol, meta.into(), wrap.into()])
    })();
}

/// What a module of a program's own finds in `import.meta`.
fn default_import_meta(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    wrap: v8::Local<'_, v8::Object>,
    meta: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let url = binding::get(scope, wrap, "url")?;
    let path = file_path(&url.to_rust_string_lossy(scope));
    if let Some(path) = path {
        let (directory, name) = (string(scope, parent(&path)), string(scope, &path));
        binding::set(scope, meta, "dirname", directory.into())?;
        binding::set(scope, meta, "filename", name.into())?;
    }
    let main = binding::get(scope, wrap, "isMain")?;
    let main = v8::Boolean::new(scope, main.is_true());
    binding::set(scope, meta, "main", main.into())?;
    let make_resolve = env.callback(scope, Callback::ImportMetaResolve)?;
    let receiver = v8::undefined(scope).into();
    let resolve = make_resolve.call(scope, receiver, &[url])?;
    binding::set(scope, meta, "resolve", resolve)?;
    binding::set(scope, meta, "url", url)
}

/// The path of a file's URL.
fn file_path(url: &str) -> Option<String> {
    if !url.starts_with("file:") {
        return None;
    }
    url::Url::parse(url).ok()?.to_file_path().ok()?.into_os_string().into_string().ok()
}

fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => path.get(..at).unwrap_or("/"),
    }
}

/// V8 tells of a promise that was rejected without a handler, and of the like.
pub(crate) fn promise_rejected(scope: &mut Scope<'_, '_>, env: &Env, message: &v8::PromiseRejectMessage<'_>) {
    let Some(callback) = env.callback(scope, Callback::PromiseReject) else { return };
    let event = v8::Integer::new(scope, message.get_event() as i32);
    let value = message.get_value().unwrap_or_else(|| v8::undefined(scope).into());
    let receiver = v8::undefined(scope).into();
    v8::tc_scope!(let scope, scope);
    callback.call(scope, receiver, &[event.into(), message.get_promise().into(), value]);
}

/// The exit code of a program that a signal for its own failure has ended.
const ABORTED: i32 = 134;

/// Whether an exception that no code catches ends the program at once: it was asked for, and nobody takes them all.
fn aborts(env: &Env) -> bool {
    // An option of V8's, which the library does not know.
    let is_asked = |argument: &String| argument.replace('_', "-") == "--abort-on-uncaught-exception";
    let is_asked = env.exec_arguments.borrow().iter().any(is_asked);
    is_asked && u32::from_ne_bytes(peek(&env.shared.abort_toggle, 0)) != 0
}

/// An exception that nothing has caught goes to the guest's own handlers, and if there are none it is the program's end:
/// whether they took it.
pub(crate) fn uncaught(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    exception: v8::Local<'_, v8::Value>,
    message: Option<v8::Local<'_, v8::Message>>,
    from_promise: bool,
) -> bool {
    v8::tc_scope!(let scope, scope);
    // What the program ends with if its handler throws, or if there is no handler because it has taken that away.
    let mut failed = 7;
    let handled = (|| {
        if aborts(env) {
            return Some(false);
        }
        let process = env.process_object(scope)?;
        let handler = binding::get(scope, process, "_fatalException")?;
        let Ok(handler) = handler.try_cast::<v8::Function>() else {
            failed = 6;
            return None;
        };
        let from_promise = v8::Boolean::new(scope, from_promise);
        let handled = handler.call(scope, process.into(), &[exception, from_promise.into()])?;
        Some(!handled.is_false())
    })();
    // The handler may have called `process.exit`.
    if handled == Some(true) || env.has_exited() || scope.has_terminated() {
        return handled == Some(true);
    }
    let (exception, message) = match scope.exception() {
        // The handler threw: that is what is told, as Node does.
        Some(thrown) if handled.is_none() => (thrown, scope.message()),
        _ => (exception, message),
    };
    scope.reset();
    let code = env.exit_code(if handled.is_none() { failed } else { 1 });
    let code = if aborts(env) { ABORTED } else { code };
    let default = if from_promise { codes::UNHANDLED_REJECTION } else { codes::UNCAUGHT };
    let wasm = Core::of(scope).wasm();
    let report = describe(scope, wasm, exception, message, default);
    // A proxy is looked through, not asked: it might never answer. Nor is what has been interrupted asked for more.
    let is_asked = !exception.is_proxy() && !env.core.is_interrupted();
    let told = if is_asked { text_of(scope, env, exception, message) } else { None };
    if env.core.is_interrupted() {
        // By a getter that does not end, say: whoever interrupted it tells why.
        env.exit(scope, code);
        return false;
    }
    let text = told.unwrap_or(report.text);
    if let Some(process) = env.process() {
        crate::process::write_text(&env.core, &process, 2, &text);
        if let Some(hint) = &report.data.hint {
            crate::process::write_text(&env.core, &process, 2, &format!("hint: {hint}\n"));
        }
    }
    *env.fatal.borrow_mut() = Some(report.data);
    poke(&env.shared.exit, 0, 1i32.to_ne_bytes());
    env.exit(scope, code);
    false
}

/// What Node prints of an exception that ends it.
fn text_of(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    exception: v8::Local<'_, v8::Value>,
    message: Option<v8::Local<'_, v8::Message>>,
) -> Option<String> {
    let made = v8::Exception::create_message(scope, exception);
    let source = source_of(scope, message.unwrap_or(made)).unwrap_or_default();
    let source = string(scope, &source);
    let exception = v8::Local::new(scope, exception);
    let text = env.call_main(scope, "describeFatal", &[exception, source.into()])?;
    let text = text.to_string(scope)?;
    isolate::library::text(scope, text)
}

/// Longest source line that is shown.
const LINE_MAX: usize = 4096;

/// Where it was thrown: the file, the line, and carets below it.
pub(crate) fn source_of(scope: &mut Scope<'_, '_>, message: v8::Local<'_, v8::Message>) -> Option<String> {
    source_in(scope, message, (0, 0))
}

/// As [`source_of`], in a text that begins at that line and column of its file.
pub(crate) fn source_in(
    scope: &mut Scope<'_, '_>,
    message: v8::Local<'_, v8::Message>,
    begins: (i32, i32),
) -> Option<String> {
    let file = message.get_script_resource_name(scope)?;
    if !file.is_string() {
        return None;
    }
    let file = file.to_rust_string_lossy(scope);
    let line = message.get_line_number(scope)?;
    if let Some(mapped) =
        crate::bindings::errors::mapped_source(scope, &file, line, message.get_start_column())
    {
        return Some(mapped);
    }
    let text = message.get_source_line(scope)?;
    if text.length() > LINE_MAX {
        return Some(format!("{file}:{line}\n"));
    }
    let text = text.to_rust_string_lossy(scope);
    let (start, end) = (message.get_start_column(), message.get_end_column());
    // The first line is not whole.
    let is_first = i32::try_from(line).is_ok_and(|line| line.checked_sub(1) == Some(begins.0));
    let before = if is_first { usize::try_from(begins.1).unwrap_or(0) } else { 0 };
    let (start, end) =
        if start >= before { (start - before, end.saturating_sub(before)) } else { (start, end) };
    let before: String = text.chars().take(start).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let carets = "^".repeat(end.saturating_sub(start).clamp(1, LINE_MAX));
    Some(format!("{file}:{line}\n{text}\n{before}{carets}\n"))
}

/// For the binding `errors`: as [`uncaught`], from within guest code.
pub(crate) fn trigger(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    error: v8::Local<'_, v8::Value>,
    from_promise: bool,
) {
    // Before anybody looks at its stack, which makes V8 forget where it was thrown.
    let message = v8::Exception::create_message(scope, error);
    let from_promise = from_promise && !is_of_main_module(scope);
    let _ = uncaught(scope, env, error, Some(message), from_promise);
}

/// Whether the library tells of what the main module has thrown: that reaches it as a promise's rejection, but is what
/// ends the program.
fn is_of_main_module(scope: &mut Scope<'_, '_>) -> bool {
    let frame = v8::StackTrace::current_stack_trace(scope, 1).and_then(|stack| stack.get_frame(scope, 0));
    let name = frame.and_then(|frame| frame.get_script_name(scope));
    name.is_some_and(|name| name.to_rust_string_lossy(scope) == "node:internal/modules/run_main")
}
