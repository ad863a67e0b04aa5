//! `limits` of a database: SQLite's own bounds, which can be lowered.

use std::ffi::c_int;
use std::rc::Rc;

use isolate::library::{Scope, string};
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::{DATABASE, database, errors, keep, kept, options};
use crate::binding::{Args, Class, Return};
use crate::environment::Env;
use crate::handle;

const CLASS: &str = "sqlite.Limits";
const KEPT: &str = "cordon:sqlite:limits";

const LIMITS: &[(&str, c_int)] = &[
    ("length", ffi::SQLITE_LIMIT_LENGTH),
    ("sqlLength", ffi::SQLITE_LIMIT_SQL_LENGTH),
    ("column", ffi::SQLITE_LIMIT_COLUMN),
    ("exprDepth", ffi::SQLITE_LIMIT_EXPR_DEPTH),
    ("compoundSelect", ffi::SQLITE_LIMIT_COMPOUND_SELECT),
    ("vdbeOp", ffi::SQLITE_LIMIT_VDBE_OP),
    ("functionArg", ffi::SQLITE_LIMIT_FUNCTION_ARG),
    ("attach", ffi::SQLITE_LIMIT_ATTACHED),
    ("likePatternLength", ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH),
    ("variableNumber", ffi::SQLITE_LIMIT_VARIABLE_NUMBER),
    ("triggerDepth", ffi::SQLITE_LIMIT_TRIGGER_DEPTH),
];

/// What the constructor's option says.
pub(super) fn read(
    scope: &mut Scope<'_, '_>,
    given: v8::Local<'_, v8::Object>,
) -> Option<Vec<(c_int, c_int)>> {
    let Some(value) = options::given(scope, given, "limits")? else { return Some(Vec::new()) };
    let Ok(object) = value.try_cast::<v8::Object>() else {
        errors::invalid_type(scope, "The \"options.limits\" argument must be an object.");
        return None;
    };
    let mut limits = Vec::new();
    for (name, limit) in LIMITS {
        let Some(value) = options::given(scope, object, name)? else { continue };
        if !value.is_int32() {
            errors::invalid_type(
                scope,
                &format!("The \"options.limits.{name}\" argument must be an integer."),
            );
            return None;
        }
        let value = value.int32_value(scope)?;
        if value < 0 {
            let message = format!("The \"options.limits.{name}\" argument must be non-negative.");
            errors::out_of_range(scope, &message);
            return None;
        }
        limits.push((*limit, value));
    }
    Some(limits)
}

pub(super) fn register(scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
    let class =
        Class::new(scope, "", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(super::statement::illegal))?;
    let instance = class.template.instance_template(scope);
    // The last that is defined is shown first.
    for (name, _) in LIMITS.iter().rev() {
        let name = string(scope, name);
        let configuration = v8::AccessorConfiguration::new(get)
            .setter(set)
            .property_attribute(v8::PropertyAttribute::DONT_DELETE);
        instance.set_accessor_with_configuration(name.into(), configuration);
    }
    class.keep(scope, env, CLASS);
    Some(())
}

/// A database's limits: always the same object.
pub(super) fn of_database<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let object = args.this();
    if database::receiver(scope, object).is_none() {
        return;
    }
    if let Some(limits) = kept(scope, object, KEPT).filter(|limits| limits.is_object()) {
        return result.set(limits);
    }
    let made = (|| {
        let env = Env::of(scope)?;
        let limits = handle::create(scope, &env, CLASS, Rc::new(()))?;
        keep(scope, limits, DATABASE, object.into())?;
        keep(scope, object, KEPT, limits.into())?;
        Some(limits)
    })();
    if let Some(limits) = made {
        result.set(limits.into());
    }
}

/// Which limit is meant, of which connection. `None` with an exception pending.
fn limit_of(
    scope: &mut Scope<'_, '_>,
    holder: v8::Local<'_, v8::Object>,
    name: v8::Local<'_, v8::Name>,
) -> Option<(Rc<Connection>, c_int)> {
    let name = name.to_rust_string_lossy(scope);
    let (_, limit) = LIMITS.iter().find(|(known, _)| *known == name)?;
    let object = kept(scope, holder, DATABASE)?.try_cast::<v8::Object>().ok()?;
    let (_, connection) = database::connected(scope, object)?;
    Some((connection, *limit))
}

fn get<'s>(
    scope: &mut Scope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    args: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) {
    if let Some((connection, limit)) = limit_of(scope, args.holder(), name) {
        // SAFETY: the connection is open.
        result.set_int32(unsafe { ffi::sqlite3_limit(connection.raw(), limit, -1) });
    }
}

fn set<'s>(
    scope: &mut Scope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    value: v8::Local<'s, v8::Value>,
    args: v8::PropertyCallbackArguments<'s>,
    _: v8::ReturnValue<'_, ()>,
) {
    let Some((connection, limit)) = limit_of(scope, args.holder(), name) else { return };
    let wanted = if value.is_int32() {
        value.int32_value(scope)
    } else {
        let is_infinite = value.is_number() && value.number_value(scope) == Some(f64::INFINITY);
        is_infinite.then_some(c_int::MAX)
    };
    let Some(wanted) = wanted else {
        return errors::invalid_type(scope, "Limit value must be a non-negative integer or Infinity.");
    };
    if wanted < 0 {
        return errors::out_of_range(scope, "Limit value must be non-negative.");
    }
    // SAFETY: the connection is open.
    unsafe { ffi::sqlite3_limit(connection.raw(), limit, wanted) };
}
