//! From a job to running code: how each kind of work is compiled and begun.

use std::rc::Rc;

use crate::binding::errors;
use crate::platform::modules::{self, FileFormat, resolve};
use crate::platform::source::language_of;
use crate::realm::core::{Awaited, Core, Realm, Scope, string};
use crate::run::outcome::{Format, Language, SourceOptions, Work, codes};
use kernel::{Errno, FileKind, Symlinks};

/// Where a job stands after its first turn.
pub enum Begun {
    /// It goes on as long as something is awaited or pending.
    Waits(Awaited),
    /// Its value is there already.
    Value(Option<String>),
}

/// Compiles and runs what a job asks for, up to its first wait. `None` with an exception pending if that failed.
pub(crate) fn begin(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    work: Work,
) -> Option<Begun> {
    if let Work::Evaluate { options, .. }
    | Work::Execute { options, .. }
    | Work::ExecuteFile { options, .. } = &work
    {
        define_inputs(scope, &options.inputs)?;
    }
    match work {
        Work::Evaluate { source, options } => evaluate(scope, core, realm, source, &options),
        Work::Execute { source, options } => execute(scope, core, realm, source, &options),
        Work::ExecuteFile { path, options } => execute_file(scope, core, realm, &path, &options),
        // Further isolates have a library, which begins them.
        Work::Thread => Some(Begun::Waits(Awaited::Nothing)),
    }
}

/// Defines what the caller gives to the code, as plain properties of the global object.
fn define_inputs(scope: &mut Scope<'_, '_>, inputs: &[(String, String)]) -> Option<()> {
    for (name, json) in inputs {
        let (name, json) = (string(scope, name), string(scope, json));
        let value = v8::json::parse(scope, json)?;
        let global = scope.get_current_context().global(scope);
        global.create_data_property(scope, name.into(), value)?;
    }
    Some(())
}

/// The absolute path that inline code goes by.
pub fn file_path(realm: &Rc<Realm>, options: &SourceOptions, default: &str) -> String {
    let cwd = realm.process().and_then(|process| process.cwd().ok()).unwrap_or_else(|| "/".to_owned());
    match options.file_path.as_deref() {
        None => resolve::join(&cwd, default),
        Some(url) if url.starts_with("file:") => {
            resolve::file_url(url).unwrap_or_else(|| resolve::join(&cwd, default))
        }
        Some(path) if path.starts_with('/') => resolve::normalize(path),
        Some(path) => resolve::normalize(&resolve::join(&cwd, path)),
    }
}

/// The text without types, if it has any. `module` says whether it is one, where that is known. `None` with an exception
/// pending if it is not TypeScript, or more of it than can be erased.
pub fn plain_text(
    scope: &mut Scope<'_, '_>,
    source: String,
    path: &str,
    options: &SourceOptions,
    module: Option<bool>,
) -> Option<String> {
    match options.language.unwrap_or_else(|| language_of(path)) {
        Language::JavaScript => Some(source),
        Language::TypeScript => modules::strip(scope, source, path, module),
    }
}

fn execute(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    source: String,
    options: &SourceOptions,
) -> Option<Begun> {
    let format = options.format_in(realm.is_retained());
    let path = file_path(realm, options, format.inline_name());
    let text = plain_text(scope, source, &path, options, Some(format == Format::Module))?;
    match format {
        Format::Module => {
            let index = modules::load_source(scope, realm, &path, &text, None)?;
            run_module(scope, core, realm, index)
        }
        Format::Script => {
            let script = compile_script(scope, &text, &path, 0)?;
            script.run(scope)?;
            Some(Begun::Waits(Awaited::Nothing))
        }
        Format::CommonJs => run_common_js(scope, realm, &path, Some(&text)),
    }
}

fn execute_file(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
    options: &SourceOptions,
) -> Option<Begun> {
    let process = realm.process()?;
    let given = SourceOptions { file_path: Some(path.to_owned()), ..SourceOptions::default() };
    let full = file_path(realm, &given, "");
    let found = match process.stat(&full, Symlinks::Follow) {
        Ok(status) if status.kind == FileKind::Directory => Err(Errno::Eisdir),
        Ok(_) => Ok(process.realpath(&full).unwrap_or(full)),
        Err(errno) => Err(errno),
    };
    let full = match found {
        Ok(full) => full,
        Err(errno) => {
            errors::throw_errno(scope, errno, "open", Some(path));
            return None;
        }
    };
    let format = match options.format {
        Some(Format::Module) => FileFormat::Module,
        Some(Format::CommonJs) => FileFormat::CommonJs,
        Some(Format::Script) => {
            let text = modules::read_text(scope, core, realm, &full)?;
            let script = compile_script(scope, &text, &full, 0)?;
            script.run(scope)?;
            return Some(Begun::Waits(Awaited::Nothing));
        }
        None => modules::format_of(scope, core, realm, &process, &full)?,
    };
    match format {
        FileFormat::Module => {
            let index = modules::load_module(scope, core, realm, &full)?;
            run_module(scope, core, realm, index)
        }
        FileFormat::CommonJs => run_common_js(scope, realm, &full, None),
        FileFormat::Json => {
            errors::throw(scope, &format!("{full} is JSON, not a program"), codes::SYNTAX);
            None
        }
    }
}

fn run_module(scope: &mut Scope<'_, '_>, core: &Rc<Core>, realm: &Rc<Realm>, index: usize) -> Option<Begun> {
    modules::link(scope, core, realm, index)?;
    let promise = modules::evaluate(scope, realm, index)?;
    // Its rejection is this job's failure, not an unhandled one.
    promise.mark_as_handled();
    Some(Begun::Waits(Awaited::Promise(v8::Global::new(scope, promise))))
}

fn run_common_js(
    scope: &mut Scope<'_, '_>,
    realm: &Rc<Realm>,
    path: &str,
    source: Option<&str>,
) -> Option<Begun> {
    let run = realm.hook(scope, "runCommonJs")?;
    let path = string(scope, path);
    let source = match source {
        Some(text) => string(scope, text).into(),
        None => v8::undefined(scope).into(),
    };
    let receiver = v8::undefined(scope).into();
    run.call(scope, receiver, &[path.into(), source])?;
    Some(Begun::Waits(Awaited::Nothing))
}

fn compile_script<'s>(
    scope: &mut Scope<'s, '_>,
    text: &str,
    path: &str,
    column: i32,
) -> Option<v8::Local<'s, v8::Script>> {
    compile_at(scope, text, path, (0, column))
}

/// Compiles a script whose first character is at this line and column, counted from 0.
fn compile_at<'s>(
    scope: &mut Scope<'s, '_>,
    text: &str,
    path: &str,
    (line, column): (i32, i32),
) -> Option<v8::Local<'s, v8::Script>> {
    let name = string(scope, path);
    let text = string(scope, text);
    let environment = Core::of(scope).current_realm(scope).and_then(|realm| realm.environment());
    let options = environment.and_then(|environment| environment.host_options(scope));
    let origin =
        v8::ScriptOrigin::new(scope, name.into(), line, column, false, 0, None, false, false, false, options);
    v8::Script::compile(scope, text, Some(&origin))
}

/// Goes the way of an evaluation with a text of its own.
pub(crate) fn rehearse(scope: &mut Scope<'_, '_>, text: &str) -> Option<()> {
    let script = compile_expression(scope, text, "[rehearsal].js")?;
    let value = script.run(scope)?;
    let text = v8::json::stringify(scope, value)?;
    let text = text.to_rust_string_lossy(scope);
    let text = string(scope, &text);
    v8::json::parse(scope, text).map(drop)
}

/// Places that are tried as the start of the last statement of a text with `await` in it.
const STATEMENT_ATTEMPTS: usize = 32;

fn evaluate(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    source: String,
    options: &SourceOptions,
) -> Option<Begun> {
    let path = file_path(realm, options, "[eval].js");
    let text = plain_text(scope, source, &path, options, None)?;
    evaluate_text(scope, core, &text, &path)
}

/// Begins an evaluation of a text without types.
pub fn evaluate_text(scope: &mut Scope<'_, '_>, core: &Rc<Core>, text: &str, path: &str) -> Option<Begun> {
    let script = compile_expression(scope, text, path)?;
    let value = script.run(scope)?;
    if let Ok(promise) = value.try_cast::<v8::Promise>() {
        promise.mark_as_handled();
        return Some(Begun::Waits(Awaited::Promise(v8::Global::new(scope, promise))));
    }
    if let Some(promise) = adopt_thenable(scope, value)? {
        promise.mark_as_handled();
        return Some(Begun::Waits(Awaited::Promise(v8::Global::new(scope, promise))));
    }
    to_json(scope, core, value).map(Begun::Value)
}

/// A promise of a thenable that is none itself, as `await` would make one.
fn adopt_thenable<'s>(
    scope: &mut Scope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Option<Option<v8::Local<'s, v8::Promise>>> {
    let Ok(object) = value.try_cast::<v8::Object>() else { return Some(None) };
    let key = string(scope, "then");
    if !object.get(scope, key.into())?.is_function() {
        return Some(None);
    }
    let resolver = v8::PromiseResolver::new(scope)?;
    resolver.resolve(scope, value)?;
    Some(Some(resolver.get_promise(scope)))
}

/// Compiles a text whose value is wanted: an expression, or statements of which the last is one.
pub(crate) fn compile_expression<'s>(
    scope: &mut Scope<'s, '_>,
    text: &str,
    path: &str,
) -> Option<v8::Local<'s, v8::Script>> {
    // `{ a: 1 }` is meant as an object, as on every prompt.
    if text.trim_start().starts_with('{') {
        v8::tc_scope!(let attempt, scope);
        if let Some(script) = compile_script(attempt, &format!("({text}\n)"), path, -1) {
            return Some(script);
        }
        attempt.reset();
    }
    // In a script `await (x)` is a call of a function of that name, which nobody means.
    let awaits = text.contains("await") && !compiles(scope, &format!("class C {{ static {{\n{text}\n}} }}"));
    if awaits && let Some(script) = compile_awaiting(scope, text, path) {
        return Some(script);
    }
    compile_script(scope, text, path, 0)
}

/// Whether a text is a script. In the static block of a class `await` is neither a name nor an operator.
fn compiles(scope: &mut Scope<'_, '_>, text: &str) -> bool {
    v8::tc_scope!(let attempt, scope);
    compile_script(attempt, text, "[probe]", 0).is_some()
}

/// A text with `await` in it, as the body of an async function: an expression, or statements whose last is the value
/// if it is an expression.
fn compile_awaiting<'s>(
    scope: &mut Scope<'s, '_>,
    text: &str,
    path: &str,
) -> Option<v8::Local<'s, v8::Script>> {
    v8::tc_scope!(let scope, scope);
    if let Some(script) = compile_wrapped(scope, "(async () => (\n", text, "\n))()", path) {
        return Some(script);
    }
    let body = text.trim_end().trim_end_matches(';');
    let ends = body.rmatch_indices([';', '\n']).map(|(at, _)| at + 1).take(STATEMENT_ATTEMPTS);
    for at in ends {
        let (before, last) = body.split_at(at);
        if last.trim().is_empty() {
            continue;
        }
        // On one line with what comes before it, so that positions stay what they are.
        let wrapped = format!("{before}return ({last}\n)");
        if let Some(script) = compile_wrapped(scope, "(async () => {\n", &wrapped, "\n})()", path) {
            return Some(script);
        }
    }
    compile_wrapped(scope, "(async () => {\n", text, "\n})()", path)
}

fn compile_wrapped<'s>(
    scope: &mut Scope<'s, '_>,
    before: &str,
    text: &str,
    after: &str,
    path: &str,
) -> Option<v8::Local<'s, v8::Script>> {
    // The wrapping is a line of its own before the first.
    compile_at(scope, &format!("{before}{text}{after}"), path, (-1, 0))
}

/// The JSON text of a value: `None` inside for `undefined`. Throws where there is none.
pub(crate) fn to_json(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    value: v8::Local<'_, v8::Value>,
) -> Option<Option<String>> {
    if value.is_undefined() || value.is_function() || value.is_symbol() {
        return Some(None);
    }
    let problem = {
        v8::tc_scope!(let attempt, scope);
        match v8::json::stringify(attempt, value) {
            Some(text) => {
                let limit = core.limits().host_call_bytes;
                let length = text.utf8_length(attempt);
                if length as u64 <= limit {
                    let text = text.to_rust_string_lossy(attempt);
                    // What `toJSON` made `undefined` comes out as that word, which is no JSON.
                    return Some((text != "undefined").then_some(text));
                }
                Err(format!(
                    "the value's JSON text has {length} bytes, more than limits.hostCallBytes ({limit})"
                ))
            }
            None if attempt.has_terminated() => return None,
            None => Ok(attempt.message().map(|message| message.get(attempt).to_rust_string_lossy(attempt))),
        }
    };
    match problem {
        Ok(message) => {
            let message = message.unwrap_or_default();
            let message = message.strip_prefix("Uncaught ").unwrap_or(&message);
            let message = format!("the value cannot be written as JSON: {message}");
            errors::throw(scope, &message, codes::NOT_SERIALIZABLE);
        }
        Err(message) => errors::throw(scope, &message, codes::VALUE_TOO_LARGE),
    }
    None
}
