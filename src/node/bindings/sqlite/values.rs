//! Values across the border: those of SQLite's statements and functions, and JavaScript's.

use std::ffi::{c_char, c_int};

use isolate::library::{Scope, copy_bytes, heap_takes};
use libsqlite3_sys as ffi;

use super::errors;

/// Largest number that JavaScript has without loss.
const SAFE: i64 = (1 << 53) - 1;

/// A value of SQLite's, copied.
pub(super) enum Cell {
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
    Null,
    /// There is no memory for it.
    TooLarge,
}

/// Bytes of SQLite's, copied.
///
/// # Safety
/// There are so many, or the pointer is null.
unsafe fn copied(pointer: *const u8, length: c_int) -> Option<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(0);
    if pointer.is_null() || length == 0 {
        return Some(Vec::new());
    }
    if !isolate::library::memory_for(length) {
        return None;
    }
    // SAFETY: as above.
    Some(unsafe { std::slice::from_raw_parts(pointer, length) }.to_vec())
}

impl Cell {
    /// A column of the row at hand.
    ///
    /// # Safety
    /// The statement is alive, and stands at a row.
    pub unsafe fn of_column(statement: *mut ffi::sqlite3_stmt, index: c_int) -> Cell {
        // SAFETY: as above; the pointers hold until the next call for the column, and the bytes are copied before.
        unsafe {
            match ffi::sqlite3_column_type(statement, index) {
                ffi::SQLITE_INTEGER => Cell::Integer(ffi::sqlite3_column_int64(statement, index)),
                ffi::SQLITE_FLOAT => Cell::Real(ffi::sqlite3_column_double(statement, index)),
                ffi::SQLITE_TEXT => {
                    let start = ffi::sqlite3_column_text(statement, index);
                    let length = ffi::sqlite3_column_bytes(statement, index);
                    copied(start, length).map_or(Cell::TooLarge, Cell::Text)
                }
                ffi::SQLITE_BLOB => {
                    let start = ffi::sqlite3_column_blob(statement, index);
                    let length = ffi::sqlite3_column_bytes(statement, index);
                    copied(start.cast(), length).map_or(Cell::TooLarge, Cell::Blob)
                }
                _ => Cell::Null,
            }
        }
    }

    /// An argument of a function.
    ///
    /// # Safety
    /// The value is SQLite's, and alive.
    pub unsafe fn of_value(value: *mut ffi::sqlite3_value) -> Cell {
        // SAFETY: as above, and as for columns.
        unsafe {
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => Cell::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => Cell::Real(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let start = ffi::sqlite3_value_text(value);
                    let length = ffi::sqlite3_value_bytes(value);
                    copied(start, length).map_or(Cell::TooLarge, Cell::Text)
                }
                ffi::SQLITE_BLOB => {
                    let start = ffi::sqlite3_value_blob(value);
                    let length = ffi::sqlite3_value_bytes(value);
                    copied(start.cast(), length).map_or(Cell::TooLarge, Cell::Blob)
                }
                _ => Cell::Null,
            }
        }
    }

    /// As JavaScript's. `None` with an exception pending.
    pub fn value<'s>(self, scope: &mut Scope<'s, '_>, big: bool) -> Option<v8::Local<'s, v8::Value>> {
        Some(match self {
            Cell::Integer(number) if big => v8::BigInt::new_from_i64(scope, number).into(),
            Cell::Integer(number) if (-SAFE..=SAFE).contains(&number) => {
                v8::Number::new(scope, number as f64).into()
            }
            Cell::Integer(number) => {
                let message =
                    format!("Value is too large to be represented as a JavaScript number: {number}");
                errors::out_of_range(scope, &message);
                return None;
            }
            Cell::Real(number) => v8::Number::new(scope, number).into(),
            Cell::Text(bytes) => {
                let text = match heap_takes(scope, bytes.len()) {
                    true => v8::String::new_from_utf8(scope, &bytes, v8::NewStringType::Normal),
                    false => None,
                };
                match text {
                    Some(text) => text.into(),
                    None => {
                        isolate::library::throw_no_memory(scope, "There is no memory for the text");
                        return None;
                    }
                }
            }
            Cell::Blob(bytes) => isolate::library::bytes(scope, &bytes)?,
            Cell::Null => v8::null(scope).into(),
            Cell::TooLarge => {
                isolate::library::throw_no_memory(scope, "There is no memory for the value");
                return None;
            }
        })
    }
}

/// What of JavaScript SQLite has.
pub(super) enum Given {
    Cell(Cell),
    /// A number that is too large.
    LargeBigInt,
    Promise,
    Other,
}

/// A value of JavaScript's. `None` with an exception pending.
pub(super) fn given(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Given> {
    let cell = if value.is_number() {
        Cell::Real(value.number_value(scope)?)
    } else if let Ok(text) = value.try_cast::<v8::String>() {
        Cell::Text(isolate::library::text(scope, text)?.into_bytes())
    } else if value.is_null() {
        Cell::Null
    } else if value.is_array_buffer_view() || value.is_array_buffer() {
        copy_bytes(value).map_or(Cell::TooLarge, Cell::Blob)
    } else if let Ok(number) = value.try_cast::<v8::BigInt>() {
        match number.i64_value() {
            (number, true) => Cell::Integer(number),
            (_, false) => return Some(Given::LargeBigInt),
        }
    } else if value.is_promise() {
        return Some(Given::Promise);
    } else {
        return Some(Given::Other);
    };
    Some(Given::Cell(cell))
}

/// Gives a function's result to SQLite.
///
/// # Safety
/// The context is that of the running function.
pub(super) unsafe fn set_result(context: *mut ffi::sqlite3_context, given: Given) {
    // SAFETY: as above; SQLite copies the bytes.
    unsafe {
        match given {
            Given::Cell(Cell::Integer(number)) => ffi::sqlite3_result_int64(context, number),
            Given::Cell(Cell::Real(number)) => ffi::sqlite3_result_double(context, number),
            Given::Cell(Cell::Text(text)) => ffi::sqlite3_result_text64(
                context,
                text.as_ptr().cast(),
                text.len() as u64,
                ffi::SQLITE_TRANSIENT(),
                ffi::SQLITE_UTF8 as u8,
            ),
            Given::Cell(Cell::Blob(bytes)) => ffi::sqlite3_result_blob64(
                context,
                bytes.as_ptr().cast(),
                bytes.len() as u64,
                ffi::SQLITE_TRANSIENT(),
            ),
            Given::Cell(Cell::Null) => ffi::sqlite3_result_null(context),
            Given::Cell(Cell::TooLarge) => ffi::sqlite3_result_error_nomem(context),
            Given::LargeBigInt => set_error(context, "BigInt value is too large for SQLite"),
            Given::Promise => {
                set_error(context, "Asynchronous user-defined functions are not supported");
            }
            Given::Other => {
                set_error(context, "Returned JavaScript value cannot be converted to a SQLite value");
            }
        }
    }
}

/// A function has failed.
///
/// # Safety
/// As for results.
pub(super) unsafe fn set_error(context: *mut ffi::sqlite3_context, message: &str) {
    let length = c_int::try_from(message.len()).unwrap_or(0);
    // SAFETY: as above; SQLite copies the text.
    unsafe { ffi::sqlite3_result_error(context, message.as_ptr().cast::<c_char>(), length) };
}

/// The arguments of a function. `None` with an exception pending.
///
/// # Safety
/// SQLite has called with them.
pub(super) unsafe fn arguments<'s>(
    scope: &mut Scope<'s, '_>,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
    big: bool,
) -> Option<Vec<v8::Local<'s, v8::Value>>> {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 0 || values.is_null() {
        return Some(Vec::new());
    }
    // SAFETY: as above.
    let values = unsafe { std::slice::from_raw_parts(values, count) };
    let mut arguments = Vec::with_capacity(count);
    for value in values {
        // SAFETY: as above.
        arguments.push(unsafe { Cell::of_value(*value) }.value(scope, big)?);
    }
    Some(arguments)
}
