//! `StatementIterator`: the rows of a statement, one after the other.

use std::cell::Cell as Field;
use std::rc::Rc;

use isolate::library::Scope;
use libsqlite3_sys as ffi;

use super::statement::{Statement, illegal};
use super::{errors, keep, rows};
use crate::binding::{self, Args, Class, Function, Return, functions};
use crate::environment::{Callback, Env};
use crate::handle;

const CLASS: &str = "sqlite.StatementIterator";

const METHODS: &[Function] = functions! {
    "next" => next,
    "return" => finish,
};

/// The native half of an iterator.
struct Rows {
    statement: Rc<Statement>,
    epoch: u64,
    is_done: Field<bool>,
}

pub(super) fn register(scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
    let class =
        Class::new(scope, "StatementIterator", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(illegal))?;
    class.methods(scope, METHODS)?;
    class.keep(scope, env, CLASS);
    let primordials = env.callback_value(scope, Callback::Primordials)?.try_cast::<v8::Object>().ok()?;
    let iterator = binding::get(scope, primordials, "IteratorPrototype")?;
    let function = class.template.get_function(scope)?;
    let prototype = binding::get(scope, function.into(), "prototype")?.try_cast::<v8::Object>().ok()?;
    prototype.set_prototype(scope, iterator).map(drop)
}

/// Of a statement that has begun. `None` with an exception pending.
pub(super) fn create<'s>(
    scope: &mut Scope<'s, '_>,
    statement: &Rc<Statement>,
    object: v8::Local<'s, v8::Object>,
) -> Option<v8::Local<'s, v8::Object>> {
    let env = Env::of(scope)?;
    let rows =
        Rows { statement: statement.clone(), epoch: statement.epoch.get(), is_done: Field::new(false) };
    let iterator = handle::create(scope, &env, CLASS, Rc::new(rows))?;
    keep(scope, iterator, "cordon:sqlite:statement", object.into())?;
    Some(iterator)
}

fn answer<'s>(
    scope: &mut Scope<'s, '_>,
    is_done: bool,
    value: v8::Local<'s, v8::Value>,
) -> v8::Local<'s, v8::Value> {
    let is_done = v8::Boolean::new(scope, is_done).into();
    rows::bare(scope, &[("done", is_done), ("value", value)]).into()
}

fn over<'s>(scope: &mut Scope<'s, '_>, result: &mut Return<'s>) {
    let null = v8::null(scope).into();
    let answer = answer(scope, true, null);
    result.set(answer);
}

fn next<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, rows)) = handle::receiver::<Rows>(scope, args.this()) else { return };
    let statement = &rows.statement;
    let Some(raw) = statement.idle(scope) else { return };
    if rows.is_done.get() {
        return over(scope, &mut result);
    }
    if rows.epoch != statement.epoch.get() {
        return errors::invalid_state(scope, "iterator was invalidated");
    }
    let code = statement.step(scope, raw);
    if code != ffi::SQLITE_ROW {
        rows.is_done.set(true);
        let checked = statement.connection.check(scope, code, ffi::SQLITE_DONE);
        statement.reset(scope, raw);
        if checked.is_some() {
            over(scope, &mut result);
        }
        return;
    }
    if statement.connection.rethrow(scope).is_none() {
        return;
    }
    if let Some(row) = rows::row(scope, statement, raw) {
        let answer = answer(scope, false, row);
        result.set(answer);
    }
}

fn finish<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, rows)) = handle::receiver::<Rows>(scope, args.this()) else { return };
    let statement = &rows.statement;
    let Some(raw) = statement.idle(scope) else { return };
    // Not of an iteration that has begun since.
    if !rows.is_done.replace(true) && rows.epoch == statement.epoch.get() {
        statement.reset(scope, raw);
    }
    over(scope, &mut result);
}
