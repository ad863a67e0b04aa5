//! `Database`: a connection to a database, by the name that Node gives it.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_int};
use std::rc::Rc;

use isolate::library::{Scope, copy_bytes, string};
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::statement::{self, Manner};
use super::{
    aggregates, authorizer, errors, functions as user_functions, getter, limits, modules, options, session,
    tag_store,
};
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

const METHODS: &[Function] = functions! {
    "open" => open,
    "close" => close,
    "prepare" => prepare,
    "exec" => exec,
    "function" => user_functions::function,
    "createTagStore" => tag_store::create,
    "location" => location,
    "aggregate" => aggregates::aggregate,
    "createSession" => session::create,
    "applyChangeset" => session::apply,
    "enableLoadExtension" => enable_load_extension,
    "enableDefensive" => enable_defensive,
    "loadExtension" => load_extension,
    "serialize" => serialize,
    "deserialize" => deserialize,
    "setAuthorizer" => authorizer::set,
    "createModule" => modules::create,
};

/// How it is opened.
struct Settings {
    location: String,
    read_only: bool,
    foreign_keys: bool,
    double_quoted: bool,
    allows_extensions: bool,
    timeout: c_int,
    limits: Vec<(c_int, c_int)>,
    manner: Manner,
}

/// The native half of a database.
pub(super) struct Database {
    settings: Settings,
    connection: RefCell<Option<Rc<Connection>>>,
    is_defensive: Cell<bool>,
    may_load: Cell<bool>,
}

pub(super) fn publish(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let class = Class::new(scope, "Database", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(scope, METHODS)?;
    getter(scope, &class, "isOpen", is_open);
    getter(scope, &class, "isTransaction", is_transaction);
    getter(scope, &class, "limits", limits::of_database);
    let name = string(scope, "sqlite-type");
    let symbol = v8::Symbol::for_key(scope, name);
    let module = string(scope, "node:sqlite");
    class.template.instance_template(scope).set(symbol.into(), module.into());
    limits::register(scope, env)?;
    super::publish(scope, env, binding, "Database", &class, dispose)
}

/// What an object is the database of, and its connection. `None` with an exception pending if it is not open.
pub(super) fn connected(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
) -> Option<(Rc<Env>, Rc<Connection>)> {
    let (env, database) = handle::receiver::<Database>(scope, object)?;
    Some((env, database.connection(scope)?))
}

impl Database {
    fn connection(&self, scope: &mut Scope<'_, '_>) -> Option<Rc<Connection>> {
        let Some(connection) = self.connection.borrow().clone() else {
            errors::invalid_state(scope, "database is not open");
            return None;
        };
        if connection.is_authorizing() {
            errors::invalid_state(scope, "database cannot be accessed from an authorizer callback");
            return None;
        }
        Some(connection)
    }

    fn open(&self, scope: &mut Scope<'_, '_>, env: &Env) -> Option<()> {
        if self.connection.borrow().is_some() {
            errors::invalid_state(scope, "database is already open");
            return None;
        }
        let settings = &self.settings;
        let mode = match settings.read_only {
            true => ffi::SQLITE_OPEN_READONLY,
            false => ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE,
        };
        let connection = Connection::open(scope, env, &settings.location, mode | ffi::SQLITE_OPEN_URI)?;
        for (what, on) in [
            (ffi::SQLITE_DBCONFIG_DQS_DML, settings.double_quoted),
            (ffi::SQLITE_DBCONFIG_DQS_DDL, settings.double_quoted),
            (ffi::SQLITE_DBCONFIG_ENABLE_FKEY, settings.foreign_keys),
            (ffi::SQLITE_DBCONFIG_DEFENSIVE, self.is_defensive.get()),
        ] {
            configure(scope, &connection, what, on)?;
        }
        for (limit, value) in &settings.limits {
            // SAFETY: the connection is open.
            unsafe { ffi::sqlite3_limit(connection.raw(), *limit, *value) };
        }
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_busy_timeout(connection.raw(), settings.timeout) };
        *self.connection.borrow_mut() = Some(connection);
        Some(())
    }
}

fn configure(scope: &mut Scope<'_, '_>, connection: &Connection, what: c_int, on: bool) -> Option<()> {
    let mut answer: c_int = 0;
    // SAFETY: the connection is open, and the arguments are those of these options.
    let code = unsafe { ffi::sqlite3_db_config(connection.raw(), what, c_int::from(on), &raw mut answer) };
    connection.check(scope, code, ffi::SQLITE_OK)
}

/// new (path, options)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return crate::coded_error::throw(
            scope,
            crate::coded_error::Kind::Type,
            "Cannot call constructor without `new`",
            "ERR_CONSTRUCT_CALL_REQUIRED",
        );
    }
    let Some(env) = Env::of(scope) else { return };
    let Some((database, opens)) = read(scope, &args) else { return };
    let database = Rc::new(database);
    if handle::attach(scope, &env, args.this(), database.clone()).is_some() && opens {
        let _ = database.open(scope, &env);
    }
}

/// What the constructor is given, and whether to open it at once.
fn read(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Database, bool)> {
    let location = options::location(scope, args.get(0))?;
    let mut settings = Settings {
        location,
        read_only: false,
        foreign_keys: true,
        double_quoted: false,
        allows_extensions: false,
        timeout: 0,
        limits: Vec::new(),
        manner: Manner::default(),
    };
    let (mut opens, mut is_defensive) = (true, true);
    if let Some(given) = options::object(scope, args.get(1))? {
        for (name, field) in [
            ("open", &mut opens),
            ("readOnly", &mut settings.read_only),
            ("enableForeignKeyConstraints", &mut settings.foreign_keys),
            ("enableDoubleQuotedStringLiterals", &mut settings.double_quoted),
            ("allowExtension", &mut settings.allows_extensions),
        ] {
            if let Some(value) = options::boolean(scope, given, name)? {
                *field = value;
            }
        }
        if let Some(timeout) = options::integer(scope, given, "timeout")? {
            settings.timeout = timeout;
        }
        settings.manner = settings.manner.read(scope, given)?;
        if let Some(value) = options::boolean(scope, given, "defensive")? {
            is_defensive = value;
        }
        settings.limits = limits::read(scope, given)?;
    }
    let may_load = Cell::new(settings.allows_extensions);
    let database = Database {
        settings,
        connection: RefCell::default(),
        is_defensive: Cell::new(is_defensive),
        may_load,
    };
    Some((database, opens))
}

fn open(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, database)) = handle::receiver::<Database>(scope, args.this()) {
        let _ = database.open(scope, &env);
    }
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, database)) = handle::receiver::<Database>(scope, args.this()) else { return };
    let Some(connection) = database.connection(scope) else { return };
    if connection.is_in_callback() {
        return errors::invalid_state(scope, "database cannot be closed while in a callback");
    }
    database.connection.take();
    connection.finalize_all();
    connection.close();
}

fn dispose(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, database)) = handle::receiver::<Database>(scope, args.this()) else { return };
    let connection = database.connection.borrow().clone();
    if let Some(connection) = connection
        && !connection.is_in_callback()
    {
        database.connection.take();
        connection.finalize_all();
        connection.close();
    }
}

fn is_open(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, database)) = handle::receiver::<Database>(scope, args.this()) {
        result.set_bool(database.connection.borrow().is_some());
    }
}

fn is_transaction(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, connection)) = connected(scope, args.this()) {
        // SAFETY: the connection is open.
        result.set_bool(unsafe { ffi::sqlite3_get_autocommit(connection.raw()) } == 0);
    }
}

/// (sql, options)
fn prepare<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, database)) = handle::receiver::<Database>(scope, args.this()) else { return };
    let Some(connection) = database.connection(scope) else { return };
    let Some(sql) = options::string_argument(scope, args.get(0), "sql") else { return };
    let mut manner = database.settings.manner;
    let Some(given) = options::object(scope, args.get(1)) else { return };
    if let Some(given) = given {
        let Some(read) = manner.read(scope, given) else { return };
        manner = read;
    }
    // Getters of the options may have closed it.
    if !connection.is_open() {
        return errors::invalid_state(scope, "database is not open");
    }
    if let Some((object, _)) = statement::prepare(scope, &env, (args.this(), &connection), &sql, manner) {
        result.set(object.into());
    }
}

impl Database {
    /// How its statements are, unless they say otherwise.
    pub fn manner(&self) -> Manner {
        self.settings.manner
    }
}

/// (sql)
fn exec(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, connection)) = connected(scope, args.this()) else { return };
    let Some(sql) = options::string_argument(scope, args.get(0), "sql") else { return };
    // It ends where C says that it does.
    let bytes = sql.into_bytes().into_iter().take_while(|byte| *byte != 0).collect::<Vec<u8>>();
    let Ok(sql) = CString::new(bytes) else { return };
    let code = connection.call(scope, || {
        // SAFETY: the connection is open: nobody closes it while it calls JavaScript. The text ends with a zero.
        unsafe {
            ffi::sqlite3_exec(
                connection.raw(),
                sql.as_ptr(),
                None,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        }
    });
    let _ = connection.check(scope, code, ffi::SQLITE_OK);
}

/// The name of one of a connection's databases.
fn name_of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<CString> {
    if value.is_undefined() {
        return Some(c"main".to_owned());
    }
    let name = options::string_argument(scope, value, "dbName")?;
    c_text(scope, name)
}

/// A text of C's: without zeros.
pub(super) fn c_text(scope: &mut Scope<'_, '_>, text: String) -> Option<CString> {
    match CString::new(text) {
        Ok(text) => Some(text),
        Err(_) => {
            errors::invalid_value(scope, "The text must not contain null bytes.");
            None
        }
    }
}

/// (name) -> where it lies, or null
fn location(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connected(scope, args.this()) else { return };
    let Some(name) = name_of(scope, args.get(0)) else { return };
    // SAFETY: the connection is open; the texts end with zeros.
    let path = unsafe { errors::text(ffi::sqlite3_db_filename(connection.raw(), name.as_ptr())) };
    match path.filter(|path| !path.is_empty()) {
        Some(path) => result.set(string(scope, &path).into()),
        None => result.set_null(),
    }
}

/// (allow): what would be loaded is code, so that nothing is
fn enable_load_extension(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, database)) = handle::receiver::<Database>(scope, args.this()) else { return };
    if database.connection(scope).is_none() {
        return;
    }
    let Some(allow) = options::boolean_argument(scope, args.get(0), "allow") else { return };
    if !allow {
        return database.may_load.set(false);
    }
    if !database.settings.allows_extensions {
        let message = "Cannot enable extension loading because it was disabled at database creation.";
        return errors::invalid_state(scope, message);
    }
    crate::binding::unsupported_feature(scope, "loading extensions of SQLite");
}

/// (path, entry point)
fn load_extension(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, database)) = handle::receiver::<Database>(scope, args.this()) else { return };
    if database.connection(scope).is_none() {
        return;
    }
    if !database.may_load.get() {
        return errors::invalid_state(scope, "extension loading is not allowed");
    }
    crate::binding::unsupported_feature(scope, "loading extensions of SQLite");
}

/// (active)
fn enable_defensive(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, connection)) = connected(scope, args.this()) else { return };
    let Some(active) = options::boolean_argument(scope, args.get(0), "active") else { return };
    let _ = configure(scope, &connection, ffi::SQLITE_DBCONFIG_DEFENSIVE, active);
}

/// (name) -> its bytes
fn serialize<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, connection)) = connected(scope, args.this()) else { return };
    let Some(name) = name_of(scope, args.get(0)) else { return };
    let mut size: ffi::sqlite3_int64 = 0;
    let start = connection.call(scope, || {
        // SAFETY: the connection is open, the name ends with a zero, and there is room for the size.
        unsafe { ffi::sqlite3_serialize(connection.raw(), name.as_ptr(), &mut size, 0) }
    });
    if connection.rethrow(scope).is_none() {
        return;
    }
    if start.is_null() {
        // Of no such name it has a size below 0.
        if size <= 0 {
            let error = errors::last_error(scope, connection.raw());
            scope.throw_exception(error);
        } else {
            isolate::library::throw_no_memory(scope, "There is no memory for the database");
        }
        return;
    }
    // SAFETY: there are so many bytes, which are given back once they were copied.
    let array = unsafe {
        let bytes = std::slice::from_raw_parts(start, usize::try_from(size).unwrap_or(0));
        let array = isolate::library::bytes(scope, bytes);
        ffi::sqlite3_free(start.cast());
        array
    };
    if let Some(array) = array {
        result.set(array);
    }
}

/// (bytes, options)
fn deserialize(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, connection)) = connected(scope, args.this()) else { return };
    if connection.is_in_callback() {
        return errors::invalid_state(scope, "database cannot be deserialized while in a callback");
    }
    if !args.get(0).is_uint8_array() {
        return errors::invalid_type(scope, "The \"buffer\" argument must be a Uint8Array.");
    }
    let Some(bytes) = copy_bytes(args.get(0)) else {
        return isolate::library::throw_no_memory(scope, "There is no memory for the database");
    };
    if bytes.is_empty() {
        return errors::invalid_value(scope, "The \"buffer\" argument must not be empty.");
    }
    let Some(given) = options::object(scope, args.get(1)) else { return };
    let name = match given {
        Some(given) => match options::text(scope, given, "dbName") {
            Some(name) => name,
            None => return,
        },
        None => None,
    };
    let Some(name) = c_text(scope, name.unwrap_or_else(|| "main".to_owned())) else { return };
    // Getters of the options may have closed it.
    if !connection.is_open() {
        return errors::invalid_state(scope, "database is not open");
    }
    connection.finalize_statements();
    let size = bytes.len() as i64;
    // SAFETY: it gives so much memory, or null.
    let copy = unsafe { ffi::sqlite3_malloc64(bytes.len() as u64) }.cast::<u8>();
    if copy.is_null() {
        return isolate::library::throw_no_memory(scope, "There is no memory for the database");
    }
    // SAFETY: there is room for so many bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len()) };
    let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
    let code = connection.call(scope, || {
        // SAFETY: the connection is open, the name ends with a zero, and the memory is SQLite's from now on.
        unsafe { ffi::sqlite3_deserialize(connection.raw(), name.as_ptr(), copy, size, size, flags as _) }
    });
    let _ = connection.check(scope, code, ffi::SQLITE_OK);
}

/// What an object is the database of, open or not. `None` with an exception pending if it is none.
pub(super) fn receiver(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
) -> Option<(Rc<Env>, Rc<Database>)> {
    handle::receiver::<Database>(scope, object)
}
