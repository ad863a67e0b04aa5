//! Errors of SQLite, and of how it is called.

use std::ffi::{CStr, c_char, c_int};

use isolate::library::{Scope, string};
use libsqlite3_sys as ffi;

use crate::binding::set;
use crate::coded_error::{self, Kind};

pub(super) fn invalid_type(scope: &mut Scope<'_, '_>, message: &str) {
    coded_error::throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
}

pub(super) fn invalid_value(scope: &mut Scope<'_, '_>, message: &str) {
    coded_error::throw(scope, Kind::Type, message, "ERR_INVALID_ARG_VALUE");
}

pub(super) fn out_of_range(scope: &mut Scope<'_, '_>, message: &str) {
    coded_error::throw(scope, Kind::Range, message, "ERR_OUT_OF_RANGE");
}

pub(super) fn invalid_state(scope: &mut Scope<'_, '_>, message: &str) {
    coded_error::throw(scope, Kind::Error, message, "ERR_INVALID_STATE");
}

pub(super) fn illegal_constructor(scope: &mut Scope<'_, '_>) {
    coded_error::throw(scope, Kind::Error, "Illegal constructor", "ERR_ILLEGAL_CONSTRUCTOR");
}

/// A text of SQLite's, copied.
///
/// # Safety
/// It is null or ends with a zero.
pub(super) unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as above.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// What SQLite says of a number.
pub(super) fn description(code: c_int) -> String {
    // SAFETY: it gives a text that lives for ever.
    unsafe { text(ffi::sqlite3_errstr(code)) }.unwrap_or_default()
}

/// An error as SQLite has told it of a connection.
pub(super) fn last_error<'s>(
    scope: &mut Scope<'s, '_>,
    connection: *mut ffi::sqlite3,
) -> v8::Local<'s, v8::Value> {
    // SAFETY: the connection is open, or null, for which there are texts too. What it says is copied at once.
    let (code, message) = unsafe {
        (ffi::sqlite3_extended_errcode(connection), text(ffi::sqlite3_errmsg(connection)).unwrap_or_default())
    };
    let error = coded_error::make(scope, Kind::Error, &message, "ERR_SQLITE_ERROR");
    if let Ok(object) = error.try_cast::<v8::Object>() {
        let number = v8::Integer::new(scope, code).into();
        let described = string(scope, &description(code)).into();
        let _ = set(scope, object, "errcode", number).and_then(|()| set(scope, object, "errstr", described));
    }
    error
}

/// Throws what SQLite says of a number.
pub(super) fn throw_code(scope: &mut Scope<'_, '_>, code: c_int) {
    let error = coded_error::make(scope, Kind::Error, &description(code), "ERR_SQLITE_ERROR");
    if let Ok(object) = error.try_cast::<v8::Object>() {
        let number = v8::Integer::new(scope, code).into();
        let _ = set(scope, object, "errcode", number);
    }
    scope.throw_exception(error);
}
