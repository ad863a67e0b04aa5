//! Reading options, with Node's words about those that are wrong.

use isolate::library::Scope;

use super::errors;
use crate::binding::get;

/// The object of options; none if it was left out. `None` with an exception pending if it is something else.
pub(super) fn object<'s>(
    scope: &mut Scope<'s, '_>,
    value: v8::Local<'_, v8::Value>,
) -> Option<Option<v8::Local<'s, v8::Object>>> {
    if value.is_undefined() { Some(None) } else { required_object(scope, value).map(Some) }
}

/// Likewise, where it must be given.
pub(super) fn required_object<'s>(
    scope: &mut Scope<'s, '_>,
    value: v8::Local<'_, v8::Value>,
) -> Option<v8::Local<'s, v8::Object>> {
    match value.try_cast::<v8::Object>() {
        Ok(object) => Some(v8::Local::new(scope, object)),
        Err(_) => {
            errors::invalid_type(scope, "The \"options\" argument must be an object.");
            None
        }
    }
}

/// An option that is not undefined.
pub(super) fn given<'s>(
    scope: &mut Scope<'s, '_>,
    options: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<Option<v8::Local<'s, v8::Value>>> {
    let value = get(scope, options, name)?;
    Some((!value.is_undefined()).then_some(value))
}

pub(super) fn boolean(
    scope: &mut Scope<'_, '_>,
    options: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<Option<bool>> {
    let Some(value) = given(scope, options, name)? else { return Some(None) };
    if value.is_boolean() {
        return Some(Some(value.is_true()));
    }
    errors::invalid_type(scope, &format!("The \"options.{name}\" argument must be a boolean."));
    None
}

pub(super) fn text(
    scope: &mut Scope<'_, '_>,
    options: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<Option<String>> {
    let Some(value) = given(scope, options, name)? else { return Some(None) };
    match value.try_cast::<v8::String>() {
        Ok(value) => isolate::library::text(scope, value).map(Some),
        Err(_) => {
            errors::invalid_type(scope, &format!("The \"options.{name}\" argument must be a string."));
            None
        }
    }
}

pub(super) fn integer(
    scope: &mut Scope<'_, '_>,
    options: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<Option<i32>> {
    let Some(value) = given(scope, options, name)? else { return Some(None) };
    if value.is_int32() {
        return value.int32_value(scope).map(Some);
    }
    errors::invalid_type(scope, &format!("The \"options.{name}\" argument must be an integer."));
    None
}

pub(super) fn function<'s>(
    scope: &mut Scope<'s, '_>,
    options: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<Option<v8::Local<'s, v8::Function>>> {
    let Some(value) = given(scope, options, name)? else { return Some(None) };
    match value.try_cast() {
        Ok(function) => Some(Some(function)),
        Err(_) => {
            errors::invalid_type(scope, &format!("The \"options.{name}\" argument must be a function."));
            None
        }
    }
}

/// An argument that must be a string.
pub(super) fn string_argument(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
    name: &str,
) -> Option<String> {
    match value.try_cast::<v8::String>() {
        Ok(value) => isolate::library::text(scope, value),
        Err(_) => {
            errors::invalid_type(scope, &format!("The \"{name}\" argument must be a string."));
            None
        }
    }
}

/// An argument that must be a boolean.
pub(super) fn boolean_argument(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
    name: &str,
) -> Option<bool> {
    if value.is_boolean() {
        return Some(value.is_true());
    }
    errors::invalid_type(scope, &format!("The \"{name}\" argument must be a boolean."));
    None
}

/// Where a database lies: a path, bytes of one, or a URL.
pub(super) fn location(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String> {
    const WRONG: &str = "The \"path\" argument must be a string, Uint8Array, or URL without null bytes.";
    let text = if let Ok(text) = value.try_cast::<v8::String>() {
        isolate::library::text(scope, text)?
    } else if value.is_uint8_array() {
        let bytes = isolate::library::copy_bytes(value)?;
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => {
                errors::invalid_type(scope, WRONG);
                return None;
            }
        }
    } else if let Ok(url) = value.try_cast::<v8::Object>() {
        let href = get(scope, url, "href")?;
        let Ok(href) = href.try_cast::<v8::String>() else {
            errors::invalid_type(scope, WRONG);
            return None;
        };
        let href = isolate::library::text(scope, href)?;
        if !href.starts_with("file:") {
            let message = "The URL must be of scheme file:";
            crate::coded_error::throw(
                scope,
                crate::coded_error::Kind::Type,
                message,
                "ERR_INVALID_URL_SCHEME",
            );
            return None;
        }
        href
    } else {
        errors::invalid_type(scope, WRONG);
        return None;
    };
    if text.contains('\0') {
        errors::invalid_type(scope, WRONG);
        return None;
    }
    Some(text)
}
