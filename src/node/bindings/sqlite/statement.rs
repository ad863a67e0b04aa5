//! `Statement`: a prepared statement.

use std::cell::{Cell as Field, RefCell};
use std::collections::HashMap;
use std::ffi::c_int;
use std::rc::Rc;

use isolate::library::{Scope, string};
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::{DATABASE, binding_parameters, errors, getter, iterator, keep, options, rows};
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

pub(super) const CLASS: &str = "sqlite.Statement";

const METHODS: &[Function] = functions! {
    "iterate" => iterate,
    "all" => all,
    "get" => get,
    "run" => run,
    "columns" => columns,
    "stat" => stat,
    "resetStats" => reset_stats,
    "setAllowBareNamedParameters" => set_allow_bare_named_parameters,
    "setAllowUnknownNamedParameters" => set_allow_unknown_named_parameters,
    "setReadBigInts" => set_read_big_ints,
    "setReturnArrays" => set_return_arrays,
    "close" => close,
};

/// What SQLite counts of a statement.
const COUNTERS: &[(&str, c_int)] = &[
    ("fullscanStep", ffi::SQLITE_STMTSTATUS_FULLSCAN_STEP),
    ("sort", ffi::SQLITE_STMTSTATUS_SORT),
    ("autoindex", ffi::SQLITE_STMTSTATUS_AUTOINDEX),
    ("vmStep", ffi::SQLITE_STMTSTATUS_VM_STEP),
    ("reprepare", ffi::SQLITE_STMTSTATUS_REPREPARE),
    ("run", ffi::SQLITE_STMTSTATUS_RUN),
    ("filterMiss", ffi::SQLITE_STMTSTATUS_FILTER_MISS),
    ("filterHit", ffi::SQLITE_STMTSTATUS_FILTER_HIT),
    ("memused", ffi::SQLITE_STMTSTATUS_MEMUSED),
];

/// How parameters are given to a statement, and rows by it.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub big_ints: bool,
    pub arrays: bool,
    pub bare_names: bool,
    pub unknown_names: bool,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner { big_ints: false, arrays: false, bare_names: true, unknown_names: false }
    }
}

impl Manner {
    /// What options say of it. `None` with an exception pending.
    pub fn read(mut self, scope: &mut Scope<'_, '_>, given: v8::Local<'_, v8::Object>) -> Option<Manner> {
        for (name, field) in [
            ("readBigInts", &mut self.big_ints),
            ("returnArrays", &mut self.arrays),
            ("allowBareNamedParameters", &mut self.bare_names),
            ("allowUnknownNamedParameters", &mut self.unknown_names),
        ] {
            if let Some(value) = options::boolean(scope, given, name)? {
                *field = value;
            }
        }
        Some(self)
    }
}

/// The native half of a statement.
pub(super) struct Statement {
    /// Null once it has ended.
    raw: Field<*mut ffi::sqlite3_stmt>,
    pub connection: Rc<Connection>,
    pub manner: Field<Manner>,
    is_running: Field<bool>,
    /// Counts how often it has begun anew: iterators belong to one time.
    pub epoch: Field<u64>,
    /// The names of its parameters without the sign before them.
    pub bare_names: RefCell<Option<HashMap<Vec<u8>, Vec<u8>>>>,
}

impl Statement {
    /// `None` with an exception pending if it has ended.
    pub fn raw(&self, scope: &mut Scope<'_, '_>) -> Option<*mut ffi::sqlite3_stmt> {
        let raw = self.raw.get();
        if raw.is_null() {
            errors::invalid_state(scope, "statement has been finalized");
            return None;
        }
        if self.connection.is_authorizing() {
            errors::invalid_state(scope, "database cannot be accessed from an authorizer callback");
            return None;
        }
        Some(raw)
    }

    /// As [`raw`](Self::raw), of one that nobody is using now.
    pub fn idle(&self, scope: &mut Scope<'_, '_>) -> Option<*mut ffi::sqlite3_stmt> {
        let raw = self.raw(scope)?;
        if self.is_running.get() {
            errors::invalid_state(scope, "statement is already being executed");
            return None;
        }
        Some(raw)
    }

    /// Does something during which nobody else uses or ends it.
    pub fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        let outer = self.is_running.replace(true);
        let result = work();
        self.is_running.set(outer);
        result
    }

    /// Goes on to the next row.
    pub fn step(&self, scope: &mut Scope<'_, '_>, raw: *mut ffi::sqlite3_stmt) -> c_int {
        // SAFETY: it is alive, and while it runs nobody ends it.
        self.hold(|| self.connection.call(scope, || unsafe { ffi::sqlite3_step(raw) }))
    }

    /// Begins anew.
    pub fn reset(&self, scope: &mut Scope<'_, '_>, raw: *mut ffi::sqlite3_stmt) -> c_int {
        self.epoch.set(self.epoch.get().wrapping_add(1));
        // SAFETY: as for a step: aggregates that are under way are told of their end.
        self.hold(|| self.connection.call(scope, || unsafe { ffi::sqlite3_reset(raw) }))
    }

    pub fn is_finalized(&self) -> bool {
        self.raw.get().is_null()
    }

    /// Ends it.
    pub fn finalize(&self) {
        if self.is_running.get() {
            return;
        }
        let raw = self.raw.replace(std::ptr::null_mut());
        if !raw.is_null() {
            self.connection.call_quietly(|| {
                // SAFETY: it was alive, and ends once.
                unsafe { ffi::sqlite3_finalize(raw) }
            });
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.is_running.set(false);
        self.finalize();
    }
}

pub(super) fn publish(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let class = Class::new(scope, "Statement", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(illegal))?;
    class.methods(scope, METHODS)?;
    getter(scope, &class, "sourceSQL", source_sql);
    getter(scope, &class, "expandedSQL", expanded_sql);
    class.keep(scope, env, CLASS);
    super::publish(scope, env, binding, "Statement", &class, dispose)
}

pub(super) fn illegal(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    errors::illegal_constructor(scope);
}

/// A new statement of a database. `None` with an exception pending.
pub(super) fn prepare<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    (database, connection): (v8::Local<'s, v8::Object>, &Rc<Connection>),
    sql: &str,
    manner: Manner,
) -> Option<(v8::Local<'s, v8::Object>, Rc<Statement>)> {
    let mut raw = std::ptr::null_mut();
    let length = c_int::try_from(sql.len()).unwrap_or(c_int::MAX);
    let code = connection.call(scope, || {
        // SAFETY: the connection is open, the text has so many bytes, and there is room for the pointer.
        unsafe {
            ffi::sqlite3_prepare_v2(
                connection.raw(),
                sql.as_ptr().cast(),
                length,
                &mut raw,
                std::ptr::null_mut(),
            )
        }
    });
    let statement = Rc::new(Statement {
        raw: Field::new(raw),
        connection: connection.clone(),
        manner: Field::new(manner),
        is_running: Field::new(false),
        epoch: Field::new(0),
        bare_names: RefCell::default(),
    });
    connection.check(scope, code, ffi::SQLITE_OK)?;
    if raw.is_null() {
        errors::invalid_value(scope, "The SQL query contains no statements.");
        return None;
    }
    connection.enter_statement(&statement);
    let object = handle::create(scope, env, CLASS, statement.clone())?;
    keep(scope, object, DATABASE, database.into())?;
    Some((object, statement))
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Rc<Statement>> {
    handle::receiver::<Statement>(scope, args.this()).map(|(_, statement)| statement)
}

/// Begins with the parameters of a call. `None` with an exception pending.
fn begin<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>) -> Option<(Rc<Statement>, *mut ffi::sqlite3_stmt)> {
    let statement = receiver(scope, args)?;
    let raw = statement.idle(scope)?;
    let code = statement.reset(scope, raw);
    statement.connection.check(scope, code, ffi::SQLITE_OK)?;
    binding_parameters::bind(scope, &statement, raw, args)?;
    Some((statement, statement_after_binding(scope, args)?))
}

/// What binding has left: its getters may have ended the statement.
fn statement_after_binding(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<*mut ffi::sqlite3_stmt> {
    receiver(scope, args)?.idle(scope)
}

fn all<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((statement, raw)) = begin(scope, &args) else { return };
    if let Some(rows) = rows::all(scope, &statement, raw) {
        result.set(rows.into());
    }
}

fn get<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((statement, raw)) = begin(scope, &args) else { return };
    if let Some(row) = rows::first(scope, &statement, raw) {
        result.set(row);
    }
}

fn run<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((statement, raw)) = begin(scope, &args) else { return };
    if let Some(changes) = rows::changes(scope, &statement, raw) {
        result.set(changes.into());
    }
}

fn iterate<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((statement, _)) = begin(scope, &args) else { return };
    if let Some(iterator) = iterator::create(scope, &statement, args.this()) {
        result.set(iterator.into());
    }
}

fn columns<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(statement) = receiver(scope, &args) else { return };
    let Some(raw) = statement.raw(scope) else { return };
    if let Some(columns) = rows::columns(scope, raw) {
        result.set(columns.into());
    }
}

fn stat(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(statement) = receiver(scope, &args) else { return };
    let Some(raw) = statement.raw(scope) else { return };
    let Some(name) = options::string_argument(scope, args.get(0), "counter") else { return };
    let Some((_, counter)) = COUNTERS.iter().find(|(known, _)| *known == name) else {
        return errors::invalid_value(scope, "The \"counter\" argument is not a valid statistic name.");
    };
    // SAFETY: the statement is alive.
    result.set_int32(unsafe { ffi::sqlite3_stmt_status(raw, *counter, 0) });
}

fn reset_stats(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(statement) = receiver(scope, &args) else { return };
    let Some(raw) = statement.raw(scope) else { return };
    for (_, counter) in COUNTERS {
        // SAFETY: the statement is alive.
        unsafe { ffi::sqlite3_stmt_status(raw, *counter, 1) };
    }
}

fn set_manner(scope: &mut Scope<'_, '_>, args: &Args<'_>, name: &str, set: impl FnOnce(&mut Manner, bool)) {
    let Some(statement) = receiver(scope, args) else { return };
    if statement.raw(scope).is_none() {
        return;
    }
    let Some(value) = options::boolean_argument(scope, args.get(0), name) else { return };
    let mut manner = statement.manner.get();
    set(&mut manner, value);
    statement.manner.set(manner);
}

fn set_allow_bare_named_parameters(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_manner(scope, &args, "allowBareNamedParameters", |manner, value| manner.bare_names = value);
}

fn set_allow_unknown_named_parameters(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_manner(scope, &args, "enabled", |manner, value| manner.unknown_names = value);
}

fn set_read_big_ints(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_manner(scope, &args, "readBigInts", |manner, value| manner.big_ints = value);
}

fn set_return_arrays(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    set_manner(scope, &args, "returnArrays", |manner, value| manner.arrays = value);
}

fn source_sql(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(statement) = receiver(scope, &args) else { return };
    let Some(raw) = statement.raw(scope) else { return };
    // SAFETY: the statement is alive, and its text ends with a zero.
    let sql = unsafe { errors::text(ffi::sqlite3_sql(raw)) }.unwrap_or_default();
    result.set(string(scope, &sql).into());
}

fn expanded_sql(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(statement) = receiver(scope, &args) else { return };
    let Some(raw) = statement.raw(scope) else { return };
    // SAFETY: the statement is alive; the text ends with a zero and is given back.
    let sql = unsafe {
        let text = ffi::sqlite3_expanded_sql(raw);
        let sql = errors::text(text);
        ffi::sqlite3_free(text.cast());
        sql
    };
    match sql {
        Some(sql) => result.set(string(scope, &sql).into()),
        None => isolate::library::throw_no_memory(scope, "Expanded SQL text would exceed configured limits"),
    }
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(statement) = receiver(scope, &args) else { return };
    if statement.idle(scope).is_some() {
        statement.finalize();
    }
}

fn dispose(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(statement) = receiver(scope, &args) else { return };
    if !statement.is_finalized() && statement.idle(scope).is_some() {
        statement.finalize();
    }
}
