//! Errors in both directions: errors that natives throw, and what a client and a terminal are told of a value that
//! guest code threw.

use crate::binding::values::set;
use crate::realm::core::{Core, Scope, string};
use crate::run::outcome::{ErrorData, codes};
use kernel::Errno;
use protocol::abi::HostCallError;
use protocol::engine::WasmLevel;

/// Longest text of one part of an error that leaves the isolate.
const TEXT_LIMIT: usize = 64 * 1024;

/// Longest text of an error's cause, and of the errors that it sums up, as a client gets it.
const PART_LIMIT: usize = 16 * 1024;

/// How the names of this program's own scripts begin.
const OWN_CODE: [&str; 2] = ["cordon:", "node:"];

/// Longest source line that a code frame shows; of longer ones it shows what is around the position.
const FRAME_WIDTH: usize = 120;

/// What to do where code fails for want of WebAssembly.
pub(crate) const WASM_HINT: &str = "WebAssembly is off in this VM: permissions.webAssembly is \"deny\" by default. \
    To grant it: permissions: { webAssembly: \"allow\" } (wire, TypeScript), web_assembly: Access::Allow (Rust), \
    --allow-wasm (command line).";

/// An error object with a `code`.
pub(crate) fn coded<'s>(scope: &mut Scope<'s, '_>, message: &str, code: &str) -> v8::Local<'s, v8::Value> {
    let message = string(scope, message);
    let error = v8::Exception::error(scope, message);
    if let Ok(object) = error.try_cast::<v8::Object>() {
        let code = string(scope, code);
        set(scope, object, "code", code.into());
    }
    error
}

/// The error object of a failed kernel operation.
pub fn errno<'s>(
    scope: &mut Scope<'s, '_>,
    errno: Errno,
    what: &str,
    path: Option<&str>,
) -> v8::Local<'s, v8::Value> {
    let at = path.map_or(String::new(), |path| format!(" '{path}'"));
    let error = coded(scope, &format!("{}: {}, {what}{at}", errno.name(), errno.message()), errno.name());
    if let (Ok(object), Some(path)) = (error.try_cast::<v8::Object>(), path) {
        let path = string(scope, path);
        set(scope, object, "path", path.into());
    }
    error
}

/// The error object of a host call that gave no result.
pub(crate) fn call_error<'s>(scope: &mut Scope<'s, '_>, error: &HostCallError) -> v8::Local<'s, v8::Value> {
    let (message, code) = match error {
        HostCallError::Unknown {} => {
            ("no host function of that name is registered", "ERR_HOST_FUNCTION_UNKNOWN")
        }
        HostCallError::Denied {} => {
            ("permission denied: the scope permissions.hostFunctions does not allow this function", "EACCES")
        }
        HostCallError::TooLarge {} => {
            ("the input or the result is larger than limits.hostCallBytes", "ERR_HOST_CALL_SIZE")
        }
        HostCallError::TimedOut {} => {
            ("the host function took longer than limits.hostCallMs", "ERR_HOST_CALL_TIMEOUT")
        }
        HostCallError::Failed { message } => (message.as_str(), "ERR_HOST_CALL_FAILED"),
    };
    coded(scope, message, code)
}

/// Throws an error with a code.
pub fn throw(scope: &mut Scope<'_, '_>, message: &str, code: &str) {
    let error = coded(scope, message, code);
    scope.throw_exception(error);
}

/// Throws a `TypeError`.
pub fn throw_type(scope: &mut Scope<'_, '_>, message: &str) {
    let message = string(scope, message);
    let error = v8::Exception::type_error(scope, message);
    scope.throw_exception(error);
}

/// Throws the error of a failed kernel operation.
pub fn throw_errno(scope: &mut Scope<'_, '_>, cause: Errno, what: &str, path: Option<&str>) {
    let error = errno(scope, cause, what, path);
    scope.throw_exception(error);
}

/// What is told of an uncaught value.
pub struct Report {
    /// As a client gets it.
    pub data: ErrorData,
    /// What a terminal shows: position, code frame, stack, hint. Ends with a line feed.
    pub text: String,
}

/// Describes a thrown value. May run guest code (getters of the value), so it belongs into a turn; what that throws
/// is ignored.
pub fn describe(
    scope: &mut Scope<'_, '_>,
    wasm: WasmLevel,
    exception: v8::Local<'_, v8::Value>,
    message: Option<v8::Local<'_, v8::Message>>,
    default_code: &str,
) -> Report {
    v8::tc_scope!(let scope, scope);
    let made = v8::Exception::create_message(scope, exception);
    let message = message.unwrap_or(made);
    let mut data = ErrorData { code: default_code.to_owned(), guest: true, ..ErrorData::default() };
    let mut shown = None;
    let native = exception.is_native_error();
    let mut read: [Option<String>; 4] = Default::default();
    if let Ok(object) = exception.try_cast::<v8::Object>()
        && (native || !exception.is_proxy())
    {
        for (value, name) in read.iter_mut().zip(["name", "message", "stack", "code"]) {
            // A getter may have used up the call's memory, which V8 forgets once it has unwound.
            if scope.has_terminated() {
                break;
            }
            *value = property(scope, object, name);
        }
    }
    let [name, text, stack, code] = read;
    // What is no native error but carries what one has is shown as one, like `DOMException`.
    if native || (name.is_some() && text.is_some() && stack.is_some()) {
        data.name = name.unwrap_or_else(|| "Error".to_owned());
        data.message = text.unwrap_or_default();
        data.stack = stack;
        if let Some(code) = code.filter(|code| !code.is_empty()) {
            data.code = code;
        } else if data.name == "SyntaxError" && data.stack.as_deref().is_none_or(|s| !s.contains("\n    at "))
        {
            data.code = codes::SYNTAX.to_owned();
        }
        if !scope.has_terminated() {
            data.cause = part(scope, exception, "cause");
            data.errors = part(scope, exception, "errors");
        }
        if (data.cause.is_some() || data.errors.is_some()) && !scope.has_terminated() {
            shown = inspected(scope, exception).map(clip);
        }
    } else {
        data.name = "Error".to_owned();
        let text = if scope.has_terminated() { "a value".to_owned() } else { message_of(scope, exception) };
        data.message = format!("Uncaught {}", clip(text));
    }
    let location = Location::of(scope, message);
    data.location = location.as_ref().map(Location::name);
    let source_line = location.as_ref().map_or("", |location| location.line_text.as_str());
    data.hint = hint(wasm, &data, source_line);
    let text = printed(&data, location.as_ref(), shown.as_deref());
    Report { data, text }
}

/// An own property of an error that says more of it, in words; none if it is not there, or a getter.
fn part(scope: &mut Scope<'_, '_>, error: v8::Local<'_, v8::Value>, name: &str) -> Option<String> {
    let object: v8::Local<v8::Object> = error.try_cast().ok()?;
    if error.is_proxy() {
        return None;
    }
    let key = string(scope, name);
    let descriptor: v8::Local<v8::Object> =
        object.get_own_property_descriptor(scope, key.into())?.try_cast().ok()?;
    // The descriptor is the realm's own, but its prototype may be the guest's.
    let key = string(scope, "value");
    if !descriptor.has_own_property(scope, key.into())? {
        return None;
    }
    let value = descriptor.get(scope, key.into())?;
    inspected(scope, value).map(|text| clip_to(text, PART_LIMIT))
}

/// An error of the isolate itself, with nothing thrown.
pub(crate) fn plain(code: &str, name: &str, message: &str) -> Report {
    let data = ErrorData {
        code: code.to_owned(),
        name: name.to_owned(),
        message: message.to_owned(),
        ..ErrorData::default()
    };
    let text = printed(&data, None, None);
    Report { data, text }
}

fn hint(wasm: WasmLevel, data: &ErrorData, source_line: &str) -> Option<String> {
    if wasm == WasmLevel::Allowed {
        return None;
    }
    let named = data.message.contains("WebAssembly");
    let reached =
        matches!(data.name.as_str(), "ReferenceError" | "TypeError") && source_line.contains("WebAssembly");
    (named || reached).then(|| WASM_HINT.to_owned())
}

/// A property that is a string (or a number, as text). Its getter is not run for a call that has been ended: V8 has
/// forgotten about that once an earlier getter was unwound.
fn property(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>, name: &str) -> Option<String> {
    if Core::of(scope).inbox.is_interrupted() {
        return None;
    }
    let key = string(scope, name);
    let value = object.get(scope, key.into())?;
    if value.is_string() || value.is_number() { Some(clip(value.to_rust_string_lossy(scope))) } else { None }
}

/// A value that is no error, in words: through the console's inspection where that is there.
fn message_of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> String {
    if let Some(text) = inspected(scope, value) {
        return text;
    }
    value
        .to_detail_string(scope)
        .map_or_else(|| "a value".to_owned(), |text| text.to_rust_string_lossy(scope))
}

/// A value as the console shows it, which bounds how deep and how long that gets and runs no getters but that of an
/// error's `stack`, and the inspection that a value brings itself.
fn inspected(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String> {
    let core = Core::of(scope);
    if core.inbox.is_interrupted() {
        return None;
    }
    core.current_realm(scope)?.environment()?.inspect(scope, value)
}

fn is_own(file: &str) -> bool {
    OWN_CODE.iter().any(|own| file.starts_with(own))
}

struct Location {
    file: String,
    line: usize,
    /// Counted from 0, in UTF-16 units.
    column: usize,
    end_column: usize,
    line_text: String,
}

impl Location {
    fn of(scope: &mut Scope<'_, '_>, message: v8::Local<'_, v8::Message>) -> Option<Location> {
        let line = message.get_line_number(scope)?;
        let file = message.get_script_resource_name(scope)?;
        if line == 0 || !file.is_string() {
            return None;
        }
        if is_own(&file.to_rust_string_lossy(scope)) {
            // Thrown by a native or by the library: who called it is what the reader wants to know.
            return Location::of_caller(scope, message);
        }
        Some(Location {
            file: clip(file.to_rust_string_lossy(scope)),
            line,
            column: message.get_start_column(),
            end_column: message.get_end_column(),
            line_text: message
                .get_source_line(scope)
                .map_or_else(String::new, |text| text.to_rust_string_lossy(scope)),
        })
    }

    /// The first frame of the stack that is not this program's own JavaScript.
    fn of_caller(scope: &mut Scope<'_, '_>, message: v8::Local<'_, v8::Message>) -> Option<Location> {
        let stack = message.get_stack_trace(scope)?;
        for index in 0..stack.get_frame_count() {
            let frame = stack.get_frame(scope, index)?;
            let Some(file) = frame.get_script_name(scope).map(|name| name.to_rust_string_lossy(scope)) else {
                continue;
            };
            if is_own(&file) {
                continue;
            }
            let (line, column) = (frame.get_line_number(), frame.get_column().saturating_sub(1));
            let source = frame.get_script_source(scope).map(|text| text.to_rust_string_lossy(scope));
            let line_text = source.and_then(|text| text.lines().nth(line.checked_sub(1)?).map(str::to_owned));
            return Some(Location {
                file: clip(file),
                line,
                column,
                end_column: column + 1,
                line_text: line_text.unwrap_or_default(),
            });
        }
        None
    }

    fn name(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column + 1)
    }

    /// The source line with carets below, cut to what is around the position.
    fn frame(&self) -> String {
        let units: Vec<char> = self.line_text.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        if units.is_empty() {
            return String::new();
        }
        let start = self.column.saturating_sub(FRAME_WIDTH / 2).min(units.len());
        let end = (start + FRAME_WIDTH).min(units.len());
        let column = self.column.clamp(start, end);
        let width = self.end_column.saturating_sub(self.column).clamp(1, (end - column).max(1));
        let line: String = units[start..end].iter().collect();
        format!("{}\n{}{}\n", line.trim_end(), " ".repeat(column - start), "^".repeat(width))
    }
}

/// What a terminal shows. `shown` is the error with all its parts, where it has any besides its stack.
fn printed(data: &ErrorData, location: Option<&Location>, shown: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(location) = location {
        text.push_str(&format!("{}\n{}\n", location.name(), location.frame()));
    }
    let head = if data.message.starts_with("Uncaught ") {
        data.message.clone()
    } else if data.message.is_empty() {
        data.name.clone()
    } else {
        format!("{}: {}", data.name, data.message)
    };
    match shown.or(data.stack.as_deref()) {
        // A stack begins with name and message as they were when it was captured.
        Some(stack) if !stack.trim().is_empty() => text.push_str(stack.trim_end()),
        _ => text.push_str(&head),
    }
    text.push('\n');
    if let Some(hint) = &data.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

fn clip(text: String) -> String {
    clip_to(text, TEXT_LIMIT)
}

fn clip_to(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
