//! `setAuthorizer`: JavaScript is asked what statements may do.

use std::ffi::{c_char, c_int, c_void};
use std::rc::Rc;

use isolate::library::{Scope, string};
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::{database, errors, keep};
use crate::binding::{Args, Return};
use crate::sqlite::here;

const KEPT: &str = "cordon:sqlite:authorizer";

/// What SQLite is given to ask with. The database's object keeps the function, and the connection this.
pub(super) struct Authorizer {
    connection: std::rc::Weak<Connection>,
    function: v8::Weak<v8::Function>,
}

/// (function or null)
pub(super) fn set(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, connection)) = database::connected(scope, args.this()) else { return };
    if args.get(0).is_null() {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_set_authorizer(connection.raw(), None, std::ptr::null_mut()) };
        connection.set_authorizer(None);
        let _ = keep(scope, args.this(), KEPT, args.get(0));
        return;
    }
    let Ok(function) = args.get(0).try_cast::<v8::Function>() else {
        return errors::invalid_type(scope, "The \"callback\" argument must be a function.");
    };
    if keep(scope, args.this(), KEPT, function.into()).is_none() {
        return;
    }
    let authorizer = Box::new(Authorizer {
        connection: Rc::downgrade(&connection),
        function: v8::Weak::new(scope, function),
    });
    let pointer = std::ptr::from_ref::<Authorizer>(&authorizer).cast_mut().cast::<c_void>();
    // SAFETY: the connection is open; it keeps what is pointed to until another takes its place or it is closed.
    let code = unsafe { ffi::sqlite3_set_authorizer(connection.raw(), Some(ask), pointer) };
    connection.set_authorizer(Some(authorizer));
    let _ = connection.check(scope, code, ffi::SQLITE_OK);
}

unsafe extern "C" fn ask(
    authorizer: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    third: *const c_char,
    fourth: *const c_char,
) -> c_int {
    // SAFETY: the connection keeps it, and does not let go of it while SQLite asks.
    let authorizer = unsafe { &*authorizer.cast::<Authorizer>() };
    let connection = authorizer.connection.upgrade();
    let answer = here::with_scope(|scope| {
        connection?.ask(scope, |scope| {
            let function = authorizer.function.to_local(scope)?;
            let mut arguments = vec![v8::Integer::new(scope, action).into()];
            for text in [first, second, third, fourth] {
                // SAFETY: each is null or ends with a zero.
                arguments.push(match unsafe { errors::text(text) } {
                    Some(text) => string(scope, &text).into(),
                    None => v8::null(scope).into(),
                });
            }
            let receiver = v8::undefined(scope).into();
            let answer = function.call(scope, receiver, &arguments)?;
            if !answer.is_int32() {
                let message = "Authorizer callback must return an integer authorization code";
                errors::invalid_type(scope, message);
                return None;
            }
            let answer = answer.int32_value(scope)?;
            if ![ffi::SQLITE_OK, ffi::SQLITE_DENY, ffi::SQLITE_IGNORE].contains(&answer) {
                let message = "Authorizer callback returned a invalid authorization code";
                errors::out_of_range(scope, message);
                return None;
            }
            Some(answer)
        })
    });
    answer.flatten().unwrap_or(ffi::SQLITE_DENY)
}
