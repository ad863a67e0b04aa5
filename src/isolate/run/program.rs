//! From a job's text to running code: where it lies, its types taken out, and how an evaluation is compiled and begun.

use std::rc::Rc;

use crate::binding::errors;
use crate::platform::paths;
use crate::platform::source::{language_of, strip_types};
use crate::realm::core::{Awaited, Core, Realm, Scope, string};
use crate::run::outcome::{Language, SourceOptions, codes};

/// Where a job stands after its first turn.
pub enum Begun {
    /// It goes on as long as something is awaited or pending.
    Waits(Awaited),
    /// Its value is there already.
    Value(Option<String>),
}

/// The absolute path that inline code goes by.
pub fn file_path(realm: &Rc<Realm>, options: &SourceOptions, default: &str) -> String {
    let cwd = realm.process().and_then(|process| process.cwd().ok()).unwrap_or_else(|| "/".to_owned());
    match options.file_path.as_deref() {
        None => paths::join(&cwd, default),
        Some(url) if url.starts_with("file:") => {
            paths::file_url(url).unwrap_or_else(|| paths::join(&cwd, default))
        }
        Some(path) if path.starts_with('/') => paths::normalize(path),
        Some(path) => paths::normalize(&paths::join(&cwd, path)),
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
    if options.language.unwrap_or_else(|| language_of(path)) == Language::JavaScript {
        return Some(source);
    }
    match strip_types(source, module) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = error.position.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
            let message = string(scope, &format!("{} ({path}{at})", error.message));
            let exception = v8::Exception::syntax_error(scope, message);
            scope.throw_exception(exception);
            None
        }
    }
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
