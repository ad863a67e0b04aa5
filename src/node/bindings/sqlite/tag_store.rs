//! `SQLTagStore`: statements by the template literals that they were written as, the last used of them kept.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use isolate::library::{Scope, string};
use libsqlite3_sys as ffi;

use super::statement::{self, Statement, illegal};
use super::{DATABASE, binding_parameters, database, errors, getter, iterator, keep, kept, rows};
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

const CLASS: &str = "sqlite.SQLTagStore";

/// Under which a store keeps its statements: a map.
const STATEMENTS: &str = "cordon:sqlite:statements";

/// How many statements a store has, unless that is said.
const CAPACITY: i32 = 1000;

const METHODS: &[Function] = functions! {
    "get" => get,
    "all" => all,
    "iterate" => iterate,
    "run" => run,
    "clear" => clear,
};

/// The native half of a store.
struct TagStore {
    capacity: usize,
    /// The texts of its statements; what was used last comes last.
    order: RefCell<VecDeque<String>>,
}

pub(super) fn register(scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
    let class = Class::new(scope, "SQLTagStore", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(illegal))?;
    class.methods(scope, METHODS)?;
    getter(scope, &class, "capacity", capacity);
    getter(scope, &class, "db", database_of);
    getter(scope, &class, "size", size);
    class.keep(scope, env, CLASS);
    Some(())
}

/// Of a database: (largest number of statements) -> store
pub(super) fn create<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, _)) = database::connected(scope, args.this()) else { return };
    let mut capacity = CAPACITY;
    let given = args.get(0);
    if !given.is_undefined() {
        const WRONG: &str = "The \"maxSize\" argument must be a positive integer.";
        if !given.is_number() {
            return errors::invalid_type(scope, WRONG);
        }
        capacity = given.int32_value(scope).unwrap_or(0);
        if !given.is_int32() || capacity <= 0 {
            return errors::out_of_range(scope, WRONG);
        }
    }
    let store = TagStore { capacity: usize::try_from(capacity).unwrap_or(1), order: RefCell::default() };
    let made = (|| {
        let object = handle::create(scope, &env, CLASS, Rc::new(store))?;
        let statements = v8::Map::new(scope);
        keep(scope, object, STATEMENTS, statements.into())?;
        keep(scope, object, DATABASE, args.this().into())?;
        Some(object)
    })();
    if let Some(object) = made {
        result.set(object.into());
    }
}

/// The text of a template literal, with parameters in the place of its values.
fn sql_of(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<String> {
    let Ok(parts) = args.get(0).try_cast::<v8::Array>() else {
        errors::invalid_type(scope, "First argument must be an array of strings (template literal).");
        return None;
    };
    let mut sql = String::new();
    for index in 0..parts.length() {
        let Ok(part) = parts.get_index(scope, index)?.try_cast::<v8::String>() else {
            errors::invalid_type(scope, "Template literal parts must be strings.");
            return None;
        };
        if index > 0 {
            sql.push('?');
        }
        sql.push_str(&isolate::library::text(scope, part)?);
    }
    Some(sql)
}

/// A statement that stands ready with a call's values. `None` with an exception pending.
fn begin<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
) -> Option<(v8::Local<'s, v8::Object>, Rc<Statement>, *mut ffi::sqlite3_stmt)> {
    let (env, store) = handle::receiver::<TagStore>(scope, args.this())?;
    let database = kept(scope, args.this(), DATABASE)?.try_cast::<v8::Object>().ok()?;
    let (_, connection) = database::connected(scope, database)?;
    let sql = sql_of(scope, args)?;
    let statements = kept(scope, args.this(), STATEMENTS)?.try_cast::<v8::Map>().ok()?;
    let key = string(scope, &sql).into();
    let known = match statements.get(scope, key)?.try_cast::<v8::Object>() {
        Ok(object) => handle::of::<Statement>(scope, &env, object)
            .filter(|statement| !statement.is_finalized())
            .map(|statement| (object, statement)),
        Err(_) => None,
    };
    let (object, statement) = match known {
        Some(known) => known,
        None => {
            if !connection.is_open() {
                errors::invalid_state(scope, "database is not open");
                return None;
            }
            let (_, half) = database::receiver(scope, database)?;
            let made = statement::prepare(scope, &env, (database, &connection), &sql, half.manner())?;
            statements.set(scope, key, made.0.into())?;
            made
        }
    };
    let removed = {
        let mut order = store.order.borrow_mut();
        if let Some(at) = order.iter().position(|known| *known == sql) {
            order.remove(at);
        }
        order.push_back(sql);
        if order.len() > store.capacity { order.pop_front() } else { None }
    };
    if let Some(removed) = removed {
        let key = string(scope, &removed).into();
        statements.delete(scope, key)?;
    }
    let raw = statement.idle(scope)?;
    let code = statement.reset(scope, raw);
    statement.connection.check(scope, code, ffi::SQLITE_OK)?;
    binding_parameters::bind_in_order(scope, &statement, raw, args, 1)?;
    Some((object, statement, raw))
}

fn get<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, statement, raw)) = begin(scope, &args) else { return };
    if let Some(row) = rows::first(scope, &statement, raw) {
        result.set(row);
    }
}

fn all<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, statement, raw)) = begin(scope, &args) else { return };
    if let Some(rows) = rows::all(scope, &statement, raw) {
        result.set(rows.into());
    }
}

fn iterate<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((object, statement, _)) = begin(scope, &args) else { return };
    if let Some(iterator) = iterator::create(scope, &statement, object) {
        result.set(iterator.into());
    }
}

fn run<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, statement, raw)) = begin(scope, &args) else { return };
    if let Some(changes) = rows::changes(scope, &statement, raw) {
        result.set(changes.into());
    }
}

fn clear(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, store)) = handle::receiver::<TagStore>(scope, args.this()) else { return };
    store.order.borrow_mut().clear();
    if let Some(statements) = kept(scope, args.this(), STATEMENTS)
        && let Ok(statements) = statements.try_cast::<v8::Map>()
    {
        statements.clear();
    }
}

fn capacity(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, store)) = handle::receiver::<TagStore>(scope, args.this()) {
        result.set_double(store.capacity as f64);
    }
}

fn size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, store)) = handle::receiver::<TagStore>(scope, args.this()) {
        result.set_double(store.order.borrow().len() as f64);
    }
}

fn database_of<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if handle::receiver::<TagStore>(scope, args.this()).is_some()
        && let Some(database) = kept(scope, args.this(), DATABASE)
    {
        result.set(database);
    }
}
