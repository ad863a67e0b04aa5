//! What statements give: rows, columns, how much was changed.

use std::ffi::{c_char, c_int};

use isolate::library::{Scope, string};
use libsqlite3_sys as ffi;

use super::errors;
use super::statement::Statement;
use super::values::Cell;

/// More rows than these are not put together in one call.
const ROWS_MAX: usize = 1 << 26;

/// An object of these properties, without a prototype.
pub(super) fn bare<'s>(
    scope: &mut Scope<'s, '_>,
    properties: &[(&str, v8::Local<'s, v8::Value>)],
) -> v8::Local<'s, v8::Object> {
    let names: Vec<v8::Local<v8::Name>> =
        properties.iter().map(|(name, _)| string(scope, name).into()).collect();
    let values: Vec<v8::Local<v8::Value>> = properties.iter().map(|(_, value)| *value).collect();
    let null = v8::null(scope).into();
    v8::Object::with_prototype_and_properties(scope, null, &names, &values)
}

/// The names of the columns. `None` with an exception pending.
fn names<'s>(scope: &mut Scope<'s, '_>, raw: *mut ffi::sqlite3_stmt) -> Option<Vec<v8::Local<'s, v8::Name>>> {
    // SAFETY: the statement is alive; names end with a zero, and are copied.
    let count = unsafe { ffi::sqlite3_column_count(raw) };
    let mut names = Vec::new();
    for index in 0..count {
        // SAFETY: as above.
        let Some(name) = (unsafe { errors::text(ffi::sqlite3_column_name(raw, index)) }) else {
            errors::invalid_state(scope, &format!("Cannot get name of column {index}"));
            return None;
        };
        names.push(string(scope, &name).into());
    }
    Some(names)
}

/// The row at hand.
pub(super) fn row<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
) -> Option<v8::Local<'s, v8::Value>> {
    let manner = statement.manner.get();
    // SAFETY: the statement is alive.
    let count = unsafe { ffi::sqlite3_column_count(raw) };
    let mut values = Vec::new();
    for index in 0..count {
        // SAFETY: the statement is alive, and stands at a row.
        let cell = unsafe { Cell::of_column(raw, index) };
        values.push(cell.value(scope, manner.big_ints)?);
    }
    if manner.arrays {
        return Some(v8::Array::new_with_elements(scope, &values).into());
    }
    let names = names(scope, raw)?;
    let null = v8::null(scope).into();
    Some(v8::Object::with_prototype_and_properties(scope, null, &names, &values).into())
}

/// All rows. `None` with an exception pending.
pub(super) fn all<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
) -> Option<v8::Local<'s, v8::Array>> {
    let rows = v8::Array::new(scope, 0);
    // Setters of the guest's may run where rows are added.
    let outcome = statement.hold(|| {
        for index in 0..ROWS_MAX {
            v8::scope!(let scope, scope);
            let code = statement.step(scope, raw);
            if code != ffi::SQLITE_ROW {
                return statement.connection.check(scope, code, ffi::SQLITE_DONE);
            }
            statement.connection.rethrow(scope)?;
            let row = row(scope, statement, raw)?;
            rows.set_index(scope, u32::try_from(index).ok()?, row)?;
        }
        isolate::library::throw_no_memory(scope, "too many rows");
        None
    });
    finish(scope, statement, raw, outcome)?;
    Some(rows)
}

/// Begins anew, whatever has come of it.
fn finish<T>(
    scope: &mut Scope<'_, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
    outcome: Option<T>,
) -> Option<T> {
    statement.reset(scope, raw);
    outcome
}

/// The first row, or undefined. `None` with an exception pending.
pub(super) fn first<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
) -> Option<v8::Local<'s, v8::Value>> {
    let outcome = (|| {
        let code = statement.step(scope, raw);
        if code != ffi::SQLITE_ROW {
            statement.connection.check(scope, code, ffi::SQLITE_DONE)?;
            return Some(v8::undefined(scope).into());
        }
        statement.connection.rethrow(scope)?;
        // SAFETY: the statement is alive.
        if unsafe { ffi::sqlite3_column_count(raw) } == 0 {
            return Some(v8::undefined(scope).into());
        }
        row(scope, statement, raw)
    })();
    finish(scope, statement, raw, outcome)
}

/// Runs it, and tells how much it has changed. `None` with an exception pending.
pub(super) fn changes<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Statement,
    raw: *mut ffi::sqlite3_stmt,
) -> Option<v8::Local<'s, v8::Object>> {
    statement.step(scope, raw);
    // It says what has become of the step.
    let code = statement.reset(scope, raw);
    statement.connection.check(scope, code, ffi::SQLITE_OK)?;
    let connection = statement.connection.raw();
    // SAFETY: the connection is open: its statement is alive.
    let (changes, row) =
        unsafe { (ffi::sqlite3_changes64(connection), ffi::sqlite3_last_insert_rowid(connection)) };
    let big = statement.manner.get().big_ints;
    let number = |scope: &mut Scope<'s, '_>, number: i64| -> v8::Local<'s, v8::Value> {
        if big {
            v8::BigInt::new_from_i64(scope, number).into()
        } else {
            v8::Number::new(scope, number as f64).into()
        }
    };
    let (row, changes) = (number(scope, row), number(scope, changes));
    let object = v8::Object::new(scope);
    crate::binding::set(scope, object, "changes", changes)?;
    crate::binding::set(scope, object, "lastInsertRowid", row)?;
    Some(object)
}

type Describe = unsafe extern "C" fn(*mut ffi::sqlite3_stmt, c_int) -> *const c_char;

/// What is known of the columns.
pub(super) fn columns<'s>(
    scope: &mut Scope<'s, '_>,
    raw: *mut ffi::sqlite3_stmt,
) -> Option<v8::Local<'s, v8::Array>> {
    const DESCRIPTIONS: &[(&str, Describe)] = &[
        ("column", ffi::sqlite3_column_origin_name),
        ("database", ffi::sqlite3_column_database_name),
        ("name", ffi::sqlite3_column_name),
        ("table", ffi::sqlite3_column_table_name),
        ("type", ffi::sqlite3_column_decltype),
    ];
    // SAFETY: the statement is alive.
    let count = unsafe { ffi::sqlite3_column_count(raw) };
    let mut columns: Vec<v8::Local<v8::Value>> = Vec::new();
    for index in 0..count {
        let mut properties = Vec::new();
        for (name, describe) in DESCRIPTIONS {
            // SAFETY: the statement is alive; the text ends with a zero, or is null.
            let value = match unsafe { errors::text(describe(raw, index)) } {
                Some(text) => string(scope, &text).into(),
                None => v8::null(scope).into(),
            };
            properties.push((*name, value));
        }
        columns.push(bare(scope, &properties).into());
    }
    Some(v8::Array::new_with_elements(scope, &columns))
}
