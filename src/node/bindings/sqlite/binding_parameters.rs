//! Giving a statement its parameters.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_int};

use isolate::library::Scope;
use libsqlite3_sys as ffi;

use super::errors;
use super::statement::Statement;
use super::values::{self, Cell, Given};
use crate::binding::Args;

/// The arguments of a call: an object with names first, if there is one. `None` with an exception pending.
pub(super) fn bind<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
    args: &Args<'s>,
) -> Option<()> {
    clear(scope, statement, raw)?;
    let mut first = 0;
    if let Ok(object) = args.get(0).try_cast::<v8::Object>()
        && !object.is_array_buffer_view()
        && !object.is_array_buffer()
    {
        named(scope, statement, object)?;
        first = 1;
    }
    let mut index = 1;
    for argument in first..args.length() {
        let raw = statement.idle(scope)?;
        // SAFETY: the statement is alive; names end with a zero. Those with a question mark are numbers.
        while let Some(name) = unsafe { name(raw, index) } {
            if name.to_bytes().starts_with(b"?") {
                break;
            }
            index += 1;
        }
        value(scope, statement, args.get(argument), index)?;
        index += 1;
    }
    Some(())
}

/// Values one after the other.
pub(super) fn bind_in_order<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
    args: &Args<'s>,
    first: i32,
) -> Option<()> {
    clear(scope, statement, raw)?;
    for (index, argument) in (first..args.length()).enumerate() {
        value(scope, statement, args.get(argument), c_int::try_from(index + 1).ok()?)?;
    }
    Some(())
}

fn clear(scope: &mut Scope<'_, '_>, statement: &Statement, raw: *mut ffi::sqlite3_stmt) -> Option<()> {
    // SAFETY: the statement is alive.
    let code = unsafe { ffi::sqlite3_clear_bindings(raw) };
    statement.connection.check(scope, code, ffi::SQLITE_OK)
}

/// # Safety
/// The statement is alive, and what is given is not kept any longer.
unsafe fn name<'a>(raw: *mut ffi::sqlite3_stmt, index: c_int) -> Option<&'a CStr> {
    // SAFETY: as above.
    unsafe {
        let name = ffi::sqlite3_bind_parameter_name(raw, index);
        (!name.is_null()).then(|| CStr::from_ptr(name))
    }
}

/// The names without the sign before them. `None` with an exception pending if two are the same.
fn bare_names(scope: &mut Scope<'_, '_>, statement: &Statement, raw: *mut ffi::sqlite3_stmt) -> Option<()> {
    if statement.bare_names.borrow().is_some() {
        return Some(());
    }
    let mut names: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    // SAFETY: the statement is alive.
    let count = unsafe { ffi::sqlite3_bind_parameter_count(raw) };
    for index in 1..=count {
        // SAFETY: as above; the name is copied.
        let Some(full) = (unsafe { name(raw, index) }) else { continue };
        let full = full.to_bytes().to_vec();
        let bare = full.get(1..).unwrap_or_default().to_vec();
        match names.get(&bare) {
            Some(other) if *other != full => {
                let message = format!(
                    "Cannot create bare named parameter '{}' because of conflicting names '{}' and '{}'.",
                    String::from_utf8_lossy(&bare),
                    String::from_utf8_lossy(other),
                    String::from_utf8_lossy(&full),
                );
                errors::invalid_state(scope, &message);
                return None;
            }
            Some(_) => {}
            None => {
                names.insert(bare, full);
            }
        }
    }
    *statement.bare_names.borrow_mut() = Some(names);
    Some(())
}

fn named(scope: &mut Scope<'_, '_>, statement: &Statement, object: v8::Local<'_, v8::Object>) -> Option<()> {
    let manner = statement.manner.get();
    if manner.bare_names {
        let raw = statement.idle(scope)?;
        bare_names(scope, statement, raw)?;
    }
    let keys = object.get_own_property_names(scope, v8::GetPropertyNamesArgs::default())?;
    for at in 0..keys.length() {
        let key = keys.get_index(scope, at)?;
        let text = key.to_rust_string_lossy(scope);
        let index = index_of(scope, statement, text.as_bytes())?;
        if index == 0 {
            if manner.unknown_names {
                continue;
            }
            errors::invalid_state(scope, &format!("Unknown named parameter '{text}'"));
            return None;
        }
        let given = object.get(scope, key)?;
        value(scope, statement, given, index)?;
    }
    Some(())
}

/// The number of a parameter; 0 if there is none of that name.
fn index_of(scope: &mut Scope<'_, '_>, statement: &Statement, name: &[u8]) -> Option<c_int> {
    let raw = statement.idle(scope)?;
    let find = |name: &[u8]| {
        let Ok(name) = CString::new(name) else { return 0 };
        // SAFETY: the statement is alive, and the name ends with a zero.
        unsafe { ffi::sqlite3_bind_parameter_index(raw, name.as_ptr()) }
    };
    let index = find(name);
    if index != 0 || !statement.manner.get().bare_names {
        return Some(index);
    }
    let names = statement.bare_names.borrow();
    Some(names.as_ref().and_then(|names| names.get(name)).map_or(0, |full| find(full)))
}

fn value(
    scope: &mut Scope<'_, '_>,
    statement: &Statement,
    value: v8::Local<'_, v8::Value>,
    index: c_int,
) -> Option<()> {
    let given = values::given(scope, value)?;
    let raw = statement.idle(scope)?;
    // SAFETY: the statement is alive, and SQLite copies the bytes.
    let code = unsafe {
        match given {
            Given::Cell(Cell::Integer(number)) => ffi::sqlite3_bind_int64(raw, index, number),
            Given::Cell(Cell::Real(number)) => ffi::sqlite3_bind_double(raw, index, number),
            Given::Cell(Cell::Text(text)) => ffi::sqlite3_bind_text64(
                raw,
                index,
                text.as_ptr().cast(),
                text.len() as u64,
                ffi::SQLITE_TRANSIENT(),
                ffi::SQLITE_UTF8 as u8,
            ),
            Given::Cell(Cell::Blob(bytes)) => ffi::sqlite3_bind_blob64(
                raw,
                index,
                bytes.as_ptr().cast(),
                bytes.len() as u64,
                ffi::SQLITE_TRANSIENT(),
            ),
            Given::Cell(Cell::Null) => ffi::sqlite3_bind_null(raw, index),
            Given::Cell(Cell::TooLarge) => {
                isolate::library::throw_no_memory(scope, "There is no memory for the value");
                return None;
            }
            Given::LargeBigInt => {
                errors::invalid_value(scope, "BigInt value is too large to bind.");
                return None;
            }
            Given::Promise | Given::Other => {
                let message = format!("Provided value cannot be bound to SQLite parameter {index}.");
                errors::invalid_type(scope, &message);
                return None;
            }
        }
    };
    statement.connection.check(scope, code, ffi::SQLITE_OK)
}
