//! Errors as Node makes them: of a class, with a `code`.

use isolate::library::{Scope, string};

use crate::binding::set;

/// What an error is an instance of.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Error,
    Range,
    Type,
}

/// One of Node's errors.
pub(crate) fn make<'s>(
    scope: &mut Scope<'s, '_>,
    kind: Kind,
    message: &str,
    code: &str,
) -> v8::Local<'s, v8::Value> {
    let message = string(scope, message);
    let error = match kind {
        Kind::Error => v8::Exception::error(scope, message),
        Kind::Range => v8::Exception::range_error(scope, message),
        Kind::Type => v8::Exception::type_error(scope, message),
    };
    if let Ok(object) = error.try_cast::<v8::Object>() {
        let code = string(scope, code);
        let _ = set(scope, object, "code", code.into());
    }
    error
}

/// Throws one of Node's errors.
pub(crate) fn throw(scope: &mut Scope<'_, '_>, kind: Kind, message: &str, code: &str) {
    let error = make(scope, kind, message, code);
    scope.throw_exception(error);
}
