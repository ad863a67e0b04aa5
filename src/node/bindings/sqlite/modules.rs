//! `createModule`: virtual tables whose rows JavaScript gives. Hidden columns are parameters of the table.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::rc::{Rc, Weak};

use isolate::library::Scope;
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::functions::result_of;
use super::values::Given;
use super::{database, errors, keep_also, options, values};
use crate::binding::{Args, Return, get};
use crate::sqlite::here;

/// Most columns of a table.
const COLUMNS_MAX: u32 = 2000;

/// Most parameters: each is a bit of the plan.
const PARAMETERS_MAX: usize = 31;

const TYPES: &[&str] = &["INTEGER", "TEXT", "REAL", "BLOB", "ANY"];

/// What SQLite keeps of a module. The database's object keeps the function.
struct Module {
    connection: Weak<Connection>,
    rows: v8::Weak<v8::Function>,
    declaration: CString,
    /// How many columns are rows' own; parameters follow.
    columns: usize,
    /// For each column: its place in a row, or among the parameters.
    places: Vec<Place>,
    parameters: usize,
    big_ints: bool,
    direct_only: bool,
}

#[derive(Clone, Copy)]
enum Place {
    Column(usize),
    Parameter(usize),
}

/// A table of a module: SQLite's own part first.
#[repr(C)]
struct Table {
    base: ffi::sqlite3_vtab,
    module: *const Module,
}

/// A reading of a table: SQLite's own part first.
#[repr(C)]
struct Cursor {
    base: ffi::sqlite3_vtab_cursor,
    module: *const Module,
    iterator: RefCell<Option<v8::Global<v8::Object>>>,
    row: RefCell<Option<v8::Global<v8::Object>>>,
    number: Cell<i64>,
}

static METHODS: ffi::sqlite3_module = ffi::sqlite3_module {
    iVersion: 1,
    xCreate: Some(connect),
    xConnect: Some(connect),
    xBestIndex: Some(best_index),
    xDisconnect: Some(disconnect),
    xDestroy: Some(disconnect),
    xOpen: Some(open),
    xClose: Some(close),
    xFilter: Some(filter),
    xNext: Some(next),
    xEof: Some(eof),
    xColumn: Some(column),
    xRowid: Some(rowid),
    xUpdate: None,
    xBegin: None,
    xSync: None,
    xCommit: None,
    xRollback: None,
    xFindFunction: None,
    xRename: None,
    xSavepoint: None,
    xRelease: None,
    xRollbackTo: None,
    xShadowName: None,
    xIntegrity: None,
};

/// Of a database: (name, options)
pub(super) fn create(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = define(scope, &args);
}

fn define(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<()> {
    let (_, connection) = database::connected(scope, args.this())?;
    let name = options::string_argument(scope, args.get(0), "name")?;
    let given = options::required_object(scope, args.get(1))?;
    let Ok(columns) = get(scope, given, "columns")?.try_cast::<v8::Array>() else {
        errors::invalid_type(scope, "The \"options.columns\" argument must be an array.");
        return None;
    };
    if columns.length() == 0 {
        errors::invalid_value(scope, "The \"options.columns\" array must not be empty.");
        return None;
    }
    let Ok(rows) = get(scope, given, "rows")?.try_cast::<v8::Function>() else {
        errors::invalid_type(scope, "The \"options.rows\" argument must be a function.");
        return None;
    };
    let big_ints = options::boolean(scope, given, "useBigIntArguments")?.unwrap_or(false);
    let direct_only = options::boolean(scope, given, "directOnly")?.unwrap_or(false);
    let mut module = Module {
        connection: Rc::downgrade(&connection),
        rows: v8::Weak::new(scope, rows),
        declaration: CString::default(),
        columns: 0,
        places: Vec::new(),
        parameters: 0,
        big_ints,
        direct_only,
    };
    let declaration = declare(scope, columns, &mut module)?;
    module.declaration = database::c_text(scope, declaration)?;
    let name = database::c_text(scope, name)?;
    keep_also(scope, args.this(), rows.into())?;
    // Getters may have closed it.
    if !connection.is_open() {
        errors::invalid_state(scope, "database is not open");
        return None;
    }
    let module = Box::into_raw(Box::new(module)).cast::<c_void>();
    let code = connection.call(scope, || {
        // SAFETY: the connection is open, the name ends with a zero, and the methods live for ever. SQLite has the module
        // from now on, and gives it back also if this fails.
        unsafe {
            ffi::sqlite3_create_module_v2(connection.raw(), name.as_ptr(), &METHODS, module, Some(destroy))
        }
    });
    connection.check(scope, code, ffi::SQLITE_OK)
}

/// What SQLite is told of the columns.
fn declare(
    scope: &mut Scope<'_, '_>,
    columns: v8::Local<'_, v8::Array>,
    module: &mut Module,
) -> Option<String> {
    let mut declaration = "CREATE TABLE x(".to_owned();
    for index in 0..columns.length().min(COLUMNS_MAX + 1) {
        let Ok(column) = columns.get_index(scope, index)?.try_cast::<v8::Object>() else {
            errors::invalid_type(scope, "Each column in \"options.columns\" must be an object.");
            return None;
        };
        let mut text = |name: &str| -> Option<String> {
            match get(scope, column, name)?.try_cast::<v8::String>() {
                Ok(text) => isolate::library::text(scope, text),
                Err(_) => {
                    let message = format!("The column \"{name}\" property must be a string.");
                    errors::invalid_type(scope, &message);
                    None
                }
            }
        };
        let (name, kind) = (text("name")?, text("type")?);
        if !TYPES.contains(&kind.as_str()) {
            let message =
                "The column \"type\" property must be one of 'INTEGER', 'TEXT', 'REAL', 'BLOB', or 'ANY'.";
            errors::invalid_value(scope, message);
            return None;
        }
        let hidden = get(scope, column, "hidden")?;
        if !hidden.is_undefined() && !hidden.is_boolean() {
            errors::invalid_type(scope, "The column \"hidden\" property must be a boolean.");
            return None;
        }
        let hidden = hidden.is_true();
        if index > 0 {
            declaration.push_str(", ");
        }
        declaration.push_str(&format!("\"{}\"", name.replace('"', "\"\"")));
        if kind != "ANY" {
            declaration.push_str(&format!(" {kind}"));
        }
        if hidden {
            declaration.push_str(" HIDDEN");
            module.places.push(Place::Parameter(module.parameters));
            module.parameters += 1;
        } else {
            module.places.push(Place::Column(module.columns));
            module.columns += 1;
        }
    }
    if module.parameters > PARAMETERS_MAX || columns.length() > COLUMNS_MAX {
        errors::out_of_range(scope, "The \"options.columns\" array has too many columns.");
        return None;
    }
    declaration.push(')');
    Some(declaration)
}

unsafe extern "C" fn destroy(module: *mut c_void) {
    // SAFETY: `define` made it of a box, and SQLite gives it back once, after all its tables.
    drop(unsafe { Box::from_raw(module.cast::<Module>()) });
}

unsafe extern "C" fn connect(
    connection: *mut ffi::sqlite3,
    module: *mut c_void,
    _: c_int,
    _: *const *const c_char,
    table: *mut *mut ffi::sqlite3_vtab,
    _: *mut *mut c_char,
) -> c_int {
    // SAFETY: SQLite has the module as long as tables of it, and has room for the pointer.
    unsafe {
        let known = &*module.cast::<Module>();
        let code = ffi::sqlite3_declare_vtab(connection, known.declaration.as_ptr());
        if code != ffi::SQLITE_OK {
            return code;
        }
        if known.direct_only {
            ffi::sqlite3_vtab_config(connection, ffi::SQLITE_VTAB_DIRECTONLY);
        }
        let made = Box::new(Table { base: ffi::sqlite3_vtab::default(), module: module.cast() });
        *table = Box::into_raw(made).cast();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn disconnect(table: *mut ffi::sqlite3_vtab) -> c_int {
    // SAFETY: `connect` made it of a box, and SQLite gives it back once. What it says of an error is SQLite's to free.
    unsafe {
        let table = Box::from_raw(table.cast::<Table>());
        ffi::sqlite3_free(table.base.zErrMsg.cast());
    }
    ffi::SQLITE_OK
}

/// Parameters that are set to values are asked for in their order; the plan's number says which they are.
unsafe extern "C" fn best_index(table: *mut ffi::sqlite3_vtab, plan: *mut ffi::sqlite3_index_info) -> c_int {
    // SAFETY: both are SQLite's, and alive during the call; so many constraints are there, and as many usages.
    let (module, plan) = unsafe { (&*(*table.cast::<Table>()).module, &mut *plan) };
    let count = usize::try_from(plan.nConstraint).unwrap_or(0);
    let mut chosen = vec![None; module.parameters];
    if count > 0 {
        // SAFETY: as above.
        let constraints = unsafe { std::slice::from_raw_parts(plan.aConstraint, count) };
        for (at, constraint) in constraints.iter().enumerate() {
            let place = usize::try_from(constraint.iColumn).ok().and_then(|column| module.places.get(column));
            let Some(Place::Parameter(parameter)) = place else { continue };
            if c_int::from(constraint.op) != ffi::SQLITE_INDEX_CONSTRAINT_EQ {
                continue;
            }
            // Its value is known only after another table was read.
            if constraint.usable == 0 {
                return ffi::SQLITE_CONSTRAINT;
            }
            if let Some(slot) = chosen.get_mut(*parameter) {
                *slot = Some(at);
            }
        }
        // SAFETY: as above.
        let usages = unsafe { std::slice::from_raw_parts_mut(plan.aConstraintUsage, count) };
        let mut order = 0;
        for (parameter, at) in chosen.iter().enumerate() {
            if let Some(usage) = at.and_then(|at| usages.get_mut(at)) {
                order += 1;
                usage.argvIndex = order;
                usage.omit = 1;
                plan.idxNum |= 1 << parameter;
            }
        }
    }
    plan.estimatedCost = 1_000_000.0 / f64::from(1 + plan.idxNum.count_ones());
    ffi::SQLITE_OK
}

unsafe extern "C" fn open(
    table: *mut ffi::sqlite3_vtab,
    cursor: *mut *mut ffi::sqlite3_vtab_cursor,
) -> c_int {
    // SAFETY: the table is alive, and there is room for the pointer. SQLite fills in its own part.
    unsafe {
        let made = Box::new(Cursor {
            base: ffi::sqlite3_vtab_cursor::default(),
            module: (*table.cast::<Table>()).module,
            iterator: RefCell::default(),
            row: RefCell::default(),
            number: Cell::new(0),
        });
        *cursor = Box::into_raw(made).cast();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(cursor: *mut ffi::sqlite3_vtab_cursor) -> c_int {
    // SAFETY: `open` made it of a box, and SQLite gives it back once; its module is alive.
    let (cursor, module) = unsafe {
        let cursor = Box::from_raw(cursor.cast::<Cursor>());
        let module = &*cursor.module;
        (cursor, module)
    };
    finish(&cursor, module);
    ffi::SQLITE_OK
}

/// Says that no more rows are wanted.
fn finish(cursor: &Cursor, module: &Module) {
    cursor.row.take();
    let Some(iterator) = cursor.iterator.take() else { return };
    let connection = module.connection.upgrade();
    here::with_scope(|scope| {
        connection?.call_back(scope, |scope| {
            let iterator = v8::Local::new(scope, &iterator);
            if let Ok(finish) = get(scope, iterator, "return")?.try_cast::<v8::Function>() {
                finish.call(scope, iterator.into(), &[])?;
            }
            Some(())
        })
    });
}

/// # Safety
/// The cursor is open.
unsafe fn parts<'a>(cursor: *mut ffi::sqlite3_vtab_cursor) -> (&'a Cursor, &'a Module) {
    // SAFETY: as above; its module is alive.
    unsafe {
        let cursor = &*cursor.cast::<Cursor>();
        (cursor, &*cursor.module)
    }
}

/// What a table tells SQLite of a failure.
fn fail(cursor: &Cursor, message: &str) -> c_int {
    let Ok(message) = CString::new(message) else { return ffi::SQLITE_ERROR };
    // SAFETY: the cursor's table is alive; its last message is SQLite's to free, and the new one is a copy.
    unsafe {
        let table = cursor.base.pVtab;
        ffi::sqlite3_free((*table).zErrMsg.cast());
        (*table).zErrMsg = ffi::sqlite3_mprintf(c"%s".as_ptr(), message.as_ptr());
    }
    ffi::SQLITE_ERROR
}

/// What a step of the rows has come to: what is wrong with them, if that is not thrown.
type Stepped = Result<(), &'static str>;

fn answer(cursor: &Cursor, stepped: Option<Option<Stepped>>) -> c_int {
    match stepped.flatten() {
        Some(Ok(())) => ffi::SQLITE_OK,
        Some(Err(message)) => fail(cursor, message),
        None => ffi::SQLITE_ERROR,
    }
}

unsafe extern "C" fn filter(
    cursor: *mut ffi::sqlite3_vtab_cursor,
    plan: c_int,
    _: *const c_char,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) -> c_int {
    // SAFETY: the cursor is open.
    let (cursor, module) = unsafe { parts(cursor) };
    finish(cursor, module);
    cursor.number.set(0);
    let connection = module.connection.upgrade();
    let stepped = here::with_scope(|scope| {
        connection?.call_back(scope, |scope| {
            // SAFETY: SQLite has called with them.
            let given = unsafe { values::arguments(scope, count, arguments, module.big_ints) }?;
            let mut given = given.into_iter();
            let null: v8::Local<v8::Value> = v8::null(scope).into();
            let parameters: Vec<v8::Local<v8::Value>> = (0..module.parameters)
                .map(|parameter| {
                    let is_set = plan & (1 << parameter) != 0;
                    if is_set { given.next().unwrap_or(null) } else { null }
                })
                .collect();
            let rows = module.rows.to_local(scope)?;
            let receiver = v8::undefined(scope).into();
            let Ok(iterable) = rows.call(scope, receiver, &parameters)?.try_cast::<v8::Object>() else {
                return Some(Err("The \"options.rows\" function must return an iterable object"));
            };
            let symbol = v8::Symbol::get_iterator(scope).into();
            let iterator = match iterable.get(scope, symbol)?.try_cast::<v8::Function>() {
                Ok(make) => match make.call(scope, iterable.into(), &[])?.try_cast::<v8::Object>() {
                    Ok(iterator) => iterator,
                    Err(_) => {
                        let message =
                            "The \"options.rows\" iterable's Symbol.iterator method must return an object";
                        return Some(Err(message));
                    }
                },
                Err(_) => iterable,
            };
            *cursor.iterator.borrow_mut() = Some(v8::Global::new(scope, iterator));
            advance(scope, cursor)
        })
    });
    answer(cursor, stepped)
}

/// The next row, or none.
fn advance(scope: &mut Scope<'_, '_>, cursor: &Cursor) -> Option<Stepped> {
    cursor.row.take();
    let iterator = cursor.iterator.borrow().clone();
    let Some(iterator) = iterator else { return Some(Ok(())) };
    let iterator = v8::Local::new(scope, &iterator);
    let Ok(next) = get(scope, iterator, "next")?.try_cast::<v8::Function>() else {
        cursor.iterator.take();
        return Some(Err("The \"options.rows\" iterator must have a next() method"));
    };
    let Some(result) = next.call(scope, iterator.into(), &[]) else {
        // Who has thrown is not told that it is over.
        cursor.iterator.take();
        return None;
    };
    let Ok(result) = result.try_cast::<v8::Object>() else {
        cursor.iterator.take();
        return Some(Err("The \"options.rows\" iterator's next() method must return an object"));
    };
    if get(scope, result, "done")?.boolean_value(scope) {
        cursor.iterator.take();
        return Some(Ok(()));
    }
    let row = match get(scope, result, "value")?.try_cast::<v8::Object>() {
        Ok(row) => row,
        // It has no columns.
        Err(_) => v8::Object::new(scope),
    };
    cursor.number.set(cursor.number.get().saturating_add(1));
    *cursor.row.borrow_mut() = Some(v8::Global::new(scope, row));
    Some(Ok(()))
}

unsafe extern "C" fn next(cursor: *mut ffi::sqlite3_vtab_cursor) -> c_int {
    // SAFETY: the cursor is open.
    let (cursor, module) = unsafe { parts(cursor) };
    let connection = module.connection.upgrade();
    let stepped = here::with_scope(|scope| connection?.call_back(scope, |scope| advance(scope, cursor)));
    answer(cursor, stepped)
}

unsafe extern "C" fn eof(cursor: *mut ffi::sqlite3_vtab_cursor) -> c_int {
    // SAFETY: the cursor is open.
    let (cursor, _) = unsafe { parts(cursor) };
    c_int::from(cursor.row.borrow().is_none())
}

unsafe extern "C" fn column(
    cursor: *mut ffi::sqlite3_vtab_cursor,
    context: *mut ffi::sqlite3_context,
    index: c_int,
) -> c_int {
    // SAFETY: the cursor is open.
    let (cursor, module) = unsafe { parts(cursor) };
    let place = usize::try_from(index).ok().and_then(|index| module.places.get(index));
    let Some(Place::Column(place)) = place else {
        // SAFETY: the context is this call's.
        unsafe { ffi::sqlite3_result_null(context) };
        return ffi::SQLITE_OK;
    };
    let connection = module.connection.upgrade();
    let given = here::with_scope(|scope| {
        connection?.call_back(scope, |scope| {
            let row = cursor.row.borrow().clone()?;
            let value = v8::Local::new(scope, &row).get_index(scope, u32::try_from(*place).ok()?)?;
            result_of(scope, value)
        })
    });
    match given.flatten() {
        // SAFETY: the context is this call's.
        Some(given) => unsafe { values::set_result(context, checked(given)) },
        None => return ffi::SQLITE_ERROR,
    }
    ffi::SQLITE_OK
}

/// A promise is no value of a table's either, and has no word of its own there.
fn checked(given: Given) -> Given {
    if matches!(given, Given::Promise) { Given::Other } else { given }
}

unsafe extern "C" fn rowid(cursor: *mut ffi::sqlite3_vtab_cursor, number: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: the cursor is open, and there is room for the number.
    unsafe { *number = parts(cursor).0.number.get() };
    ffi::SQLITE_OK
}
