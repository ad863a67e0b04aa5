//! `Session`: records changes, which can be applied to another database.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::rc::Rc;

use isolate::library::{Scope, copy_bytes, string};
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::{DATABASE, database, errors, keep, options};
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::sqlite::here;

const CLASS: &str = "sqlite.Session";

const METHODS: &[Function] = functions! {
    "changeset" => changeset,
    "patchset" => patchset,
    "close" => close,
};

/// The native half of a session.
pub(super) struct Session {
    /// Null once it has ended.
    raw: Cell<*mut ffi::sqlite3_session>,
    connection: Rc<Connection>,
    is_running: Cell<bool>,
}

impl Session {
    /// Ends it.
    pub fn delete(&self) {
        let raw = self.raw.replace(std::ptr::null_mut());
        if !raw.is_null() {
            self.connection.call_quietly(|| {
                // SAFETY: it was alive, and its connection is; it ends once.
                unsafe { ffi::sqlite3session_delete(raw) }
            });
        }
    }

    /// `None` with an exception pending if it, or its database, is closed.
    fn raw(&self, scope: &mut Scope<'_, '_>) -> Option<*mut ffi::sqlite3_session> {
        if !self.connection.is_open() {
            errors::invalid_state(scope, "database is not open");
            return None;
        }
        let raw = self.raw.get();
        if raw.is_null() {
            errors::invalid_state(scope, "session is not open");
            return None;
        }
        if self.is_running.get() {
            errors::invalid_state(scope, "session is currently in use");
            return None;
        }
        Some(raw)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.delete();
    }
}

pub(super) fn publish(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let class = Class::new(
        scope,
        "Session",
        v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(super::statement::illegal),
    )?;
    class.methods(scope, METHODS)?;
    class.keep(scope, env, CLASS);
    super::publish(scope, env, binding, "Session", &class, dispose)
}

/// Of a database: (options) -> session
pub(super) fn create<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if let Some(session) = begin(scope, &args) {
        result.set(session.into());
    }
}

fn begin<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>) -> Option<v8::Local<'s, v8::Object>> {
    let (mut table, mut name) = (None, None);
    let (env, connection) = database::connected(scope, args.this())?;
    if let Some(given) = options::object(scope, args.get(0))? {
        table = options::text(scope, given, "table")?;
        name = options::text(scope, given, "db")?;
    }
    let name = database::c_text(scope, name.unwrap_or_else(|| "main".to_owned()))?;
    let table = match table {
        Some(table) => Some(database::c_text(scope, table)?),
        None => None,
    };
    // Getters of the options may have closed it.
    if !connection.is_open() {
        errors::invalid_state(scope, "database is not open");
        return None;
    }
    let mut raw = std::ptr::null_mut();
    // SAFETY: the connection is open, the name ends with a zero, and there is room for the pointer.
    let code = unsafe { ffi::sqlite3session_create(connection.raw(), name.as_ptr(), &mut raw) };
    connection.check(scope, code, ffi::SQLITE_OK)?;
    let session = Rc::new(Session {
        raw: Cell::new(raw),
        connection: connection.clone(),
        is_running: Cell::new(false),
    });
    // SAFETY: the session is alive; null stands for all tables.
    let code = unsafe {
        ffi::sqlite3session_attach(raw, table.as_ref().map_or(std::ptr::null(), |table| table.as_ptr()))
    };
    connection.check(scope, code, ffi::SQLITE_OK)?;
    connection.enter_session(&session);
    let object = handle::create(scope, &env, CLASS, session)?;
    keep(scope, object, DATABASE, args.this().into())?;
    Some(object)
}

type Write = unsafe extern "C" fn(*mut ffi::sqlite3_session, *mut c_int, *mut *mut c_void) -> c_int;

fn written<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>, write: Write) -> Option<v8::Local<'s, v8::Value>> {
    let (_, session) = handle::receiver::<Session>(scope, args.this())?;
    let raw = session.raw(scope)?;
    let (mut size, mut start): (c_int, *mut c_void) = (0, std::ptr::null_mut());
    session.is_running.set(true);
    // SAFETY: the session is alive, and there is room for the size and the pointer.
    let code = session.connection.call(scope, || unsafe { write(raw, &mut size, &mut start) });
    session.is_running.set(false);
    let made = session.connection.check(scope, code, ffi::SQLITE_OK).and_then(|()| {
        let size = if start.is_null() { 0 } else { usize::try_from(size).unwrap_or(0) };
        let bytes = match size {
            0 => &[],
            // SAFETY: there are so many bytes.
            size => unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size) },
        };
        isolate::library::bytes(scope, bytes)
    });
    // SAFETY: it is SQLite's, or null, and given back once.
    unsafe { ffi::sqlite3_free(start) };
    made
}

fn changeset<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if let Some(bytes) = written(scope, &args, ffi::sqlite3session_changeset) {
        result.set(bytes);
    }
}

fn patchset<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if let Some(bytes) = written(scope, &args, ffi::sqlite3session_patchset) {
        result.set(bytes);
    }
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, session)) = handle::receiver::<Session>(scope, args.this()) else { return };
    if session.raw(scope).is_none() {
        return;
    }
    if session.connection.is_in_callback() {
        return errors::invalid_state(scope, "session cannot be closed while in a callback");
    }
    session.delete();
}

fn dispose(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, session)) = handle::receiver::<Session>(scope, args.this()) else { return };
    if session.connection.is_open() && !session.connection.is_in_callback() && !session.is_running.get() {
        session.delete();
    }
}

/// What is asked while changes are applied.
struct Application {
    connection: Rc<Connection>,
    filter: Option<v8::Global<v8::Function>>,
    on_conflict: Option<v8::Global<v8::Function>>,
}

/// Of a database: (changes, options) -> whether they were applied
pub(super) fn apply(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(applied) = apply_changes(scope, &args) {
        result.set_bool(applied);
    }
}

fn apply_changes(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<bool> {
    let (_, connection) = database::connected(scope, args.this())?;
    if !args.get(0).is_uint8_array() {
        errors::invalid_type(scope, "The \"changeset\" argument must be a Uint8Array.");
        return None;
    }
    let mut application = Application { connection: connection.clone(), filter: None, on_conflict: None };
    if let Some(given) = options::object(scope, args.get(1))? {
        let on_conflict = options::function(scope, given, "onConflict")?;
        application.on_conflict = on_conflict.map(|function| v8::Global::new(scope, function));
        let filter = options::function(scope, given, "filter")?;
        application.filter = filter.map(|function| v8::Global::new(scope, function));
    }
    let Some(mut bytes) = copy_bytes(args.get(0)) else {
        isolate::library::throw_no_memory(scope, "There is no memory for the changes");
        return None;
    };
    // Getters of the options may have closed it.
    if !connection.is_open() {
        errors::invalid_state(scope, "database is not open");
        return None;
    }
    let Ok(size) = c_int::try_from(bytes.len()) else {
        errors::out_of_range(scope, "The changeset is too large.");
        return None;
    };
    let has_filter = application.filter.is_some();
    let code = connection.call(scope, || {
        // SAFETY: the connection is open, nobody closes it while it calls JavaScript, and there are so many bytes.
        unsafe {
            ffi::sqlite3changeset_apply(
                connection.raw(),
                size,
                bytes.as_mut_ptr().cast(),
                if has_filter { Some(filter) } else { None },
                Some(on_conflict),
                std::ptr::from_ref(&application).cast_mut().cast(),
            )
        }
    });
    connection.rethrow(scope)?;
    match code {
        ffi::SQLITE_OK => Some(true),
        // A conflict has ended it.
        ffi::SQLITE_ABORT => Some(false),
        code => {
            errors::throw_code(scope, code);
            None
        }
    }
}

unsafe extern "C" fn filter(application: *mut c_void, table: *const c_char) -> c_int {
    // SAFETY: it lives as long as the changes are applied.
    let application = unsafe { &*application.cast::<Application>() };
    // SAFETY: it ends with a zero.
    let table = unsafe { errors::text(table) }.unwrap_or_default();
    let answer = here::with_scope(|scope| {
        application.connection.call_back(scope, |scope| {
            let function = v8::Local::new(scope, application.filter.as_ref()?);
            let receiver = v8::null(scope).into();
            let table = string(scope, &table).into();
            let answer = function.call(scope, receiver, &[table])?;
            Some(answer.boolean_value(scope))
        })
    });
    c_int::from(answer.flatten() == Some(true))
}

unsafe extern "C" fn on_conflict(
    application: *mut c_void,
    kind: c_int,
    _: *mut ffi::sqlite3_changeset_iter,
) -> c_int {
    // SAFETY: it lives as long as the changes are applied.
    let application = unsafe { &*application.cast::<Application>() };
    let Some(on_conflict) = &application.on_conflict else { return ffi::SQLITE_CHANGESET_ABORT };
    let answer = here::with_scope(|scope| {
        application.connection.call_back(scope, |scope| {
            let function = v8::Local::new(scope, on_conflict);
            let receiver = v8::null(scope).into();
            let kind = v8::Integer::new(scope, kind).into();
            let answer = function.call(scope, receiver, &[kind])?;
            // What is no number SQLite refuses.
            Some(if answer.is_int32() { answer.int32_value(scope)? } else { -1 })
        })
    });
    answer.flatten().unwrap_or(ffi::SQLITE_CHANGESET_ABORT)
}
