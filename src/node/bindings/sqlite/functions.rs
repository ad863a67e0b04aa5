//! Functions of JavaScript's for SQL.

use std::ffi::{c_int, c_void};
use std::rc::{Rc, Weak};

use isolate::library::Scope;
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::{database, errors, keep_also, options, values};
use crate::binding::{Args, Return, get};
use crate::sqlite::here;

/// What SQLite keeps of a function. The database's object keeps the function itself.
struct UserFunction {
    connection: Weak<Connection>,
    function: v8::Weak<v8::Function>,
    big_ints: bool,
}

/// The options that functions and aggregates have in common.
#[derive(Default)]
pub(super) struct Traits {
    pub big_ints: bool,
    pub varargs: bool,
    pub deterministic: bool,
    pub direct_only: bool,
}

impl Traits {
    pub fn flags(&self) -> c_int {
        let mut flags = ffi::SQLITE_UTF8;
        if self.deterministic {
            flags |= ffi::SQLITE_DETERMINISTIC;
        }
        if self.direct_only {
            flags |= ffi::SQLITE_DIRECTONLY;
        }
        flags
    }
}

/// How many parameters a function declares.
pub(super) fn length_of(scope: &mut Scope<'_, '_>, function: v8::Local<'_, v8::Function>) -> Option<c_int> {
    get(scope, function.into(), "length")?.int32_value(scope)
}

/// (name, options, function)
pub(super) fn function(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = define(scope, &args);
}

fn define(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<()> {
    let (_, connection) = database::connected(scope, args.this())?;
    let name = options::string_argument(scope, args.get(0), "name")?;
    let mut traits = Traits::default();
    let callback = if args.length() < 3 { args.get(1) } else { args.get(2) };
    if args.length() >= 3 {
        let given = options::required_object(scope, args.get(1))?;
        for (name, field) in [
            ("useBigIntArguments", &mut traits.big_ints),
            ("varargs", &mut traits.varargs),
            ("deterministic", &mut traits.deterministic),
            ("directOnly", &mut traits.direct_only),
        ] {
            if let Some(value) = options::boolean(scope, given, name)? {
                *field = value;
            }
        }
    }
    let Ok(callback) = callback.try_cast::<v8::Function>() else {
        errors::invalid_type(scope, "The \"function\" argument must be a function.");
        return None;
    };
    let count = if traits.varargs { -1 } else { length_of(scope, callback)? };
    let name = database::c_text(scope, name)?;
    keep_also(scope, args.this(), callback.into())?;
    // Getters may have closed it.
    if !connection.is_open() {
        errors::invalid_state(scope, "database is not open");
        return None;
    }
    let function = UserFunction {
        connection: Rc::downgrade(&connection),
        function: v8::Weak::new(scope, callback),
        big_ints: traits.big_ints,
    };
    let function = Box::into_raw(Box::new(function)).cast::<c_void>();
    let code = connection.call(scope, || {
        // SAFETY: the connection is open, and the name ends with a zero. SQLite has the function from now on, and gives it
        // back also if this fails.
        unsafe {
            ffi::sqlite3_create_function_v2(
                connection.raw(),
                name.as_ptr(),
                count,
                traits.flags(),
                function,
                Some(call),
                None,
                None,
                Some(destroy),
            )
        }
    });
    connection.check(scope, code, ffi::SQLITE_OK)
}

unsafe extern "C" fn destroy(function: *mut c_void) {
    // SAFETY: `define` made it of a box, and SQLite gives it back once.
    drop(unsafe { Box::from_raw(function.cast::<UserFunction>()) });
}

unsafe extern "C" fn call(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite has the function as long as it can call it.
    let function = unsafe { &*ffi::sqlite3_user_data(context).cast::<UserFunction>() };
    let connection = function.connection.upgrade();
    let given = here::with_scope(|scope| {
        connection?.call_back(scope, |scope| {
            let callee = function.function.to_local(scope)?;
            // SAFETY: SQLite has called with them.
            let arguments = unsafe { values::arguments(scope, count, arguments, function.big_ints) }?;
            let receiver = v8::undefined(scope).into();
            let value = callee.call(scope, receiver, &arguments)?;
            result_of(scope, value)
        })
    });
    // SAFETY: the context is this call's.
    unsafe {
        match given.flatten() {
            Some(given) => values::set_result(context, given),
            None => values::set_error(context, ""),
        }
    }
}

/// A function's value: without one it is null.
pub(super) fn result_of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<values::Given> {
    if value.is_undefined() {
        return Some(values::Given::Cell(values::Cell::Null));
    }
    values::given(scope, value)
}
