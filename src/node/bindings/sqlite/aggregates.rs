//! Aggregates and window functions of JavaScript's for SQL.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::rc::{Rc, Weak};

use isolate::library::Scope;
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::functions::{Traits, length_of, result_of};
use super::{database, errors, keep_also, options, values};
use crate::binding::{Args, Return, get};
use crate::sqlite::here;

/// Where the functions stand in the array that the database's object keeps.
const START: u32 = 0;
const STEP: u32 = 1;
const INVERSE: u32 = 2;
const RESULT: u32 = 3;

/// Most aggregations of one function that are under way.
const STATES_MAX: usize = 1 << 20;

/// What SQLite keeps of an aggregate.
struct Aggregate {
    connection: Weak<Connection>,
    functions: v8::Weak<v8::Array>,
    big_ints: bool,
    /// What has come of each aggregation so far, by the number that SQLite keeps for it.
    states: RefCell<HashMap<u64, State>>,
    last: Cell<u64>,
}

/// One aggregation.
struct State {
    value: v8::Global<v8::Value>,
    /// Its value has been asked for along the way: nobody wants to know it at the end.
    is_window: bool,
}

/// (name, options)
pub(super) fn aggregate(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = define(scope, &args);
}

fn define(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<()> {
    let (_, connection) = database::connected(scope, args.this())?;
    let name = options::string_argument(scope, args.get(0), "name")?;
    let given = options::required_object(scope, args.get(1))?;
    let start = get(scope, given, "start")?;
    if start.is_undefined() {
        let message = "The \"options.start\" argument must be a function or a primitive value.";
        errors::invalid_type(scope, message);
        return None;
    }
    let Ok(step) = get(scope, given, "step")?.try_cast::<v8::Function>() else {
        errors::invalid_type(scope, "The \"options.step\" argument must be a function.");
        return None;
    };
    let result = get(scope, given, "result")?;
    let mut traits = Traits::default();
    for (name, field) in [
        ("useBigIntArguments", &mut traits.big_ints),
        ("varargs", &mut traits.varargs),
        ("directOnly", &mut traits.direct_only),
    ] {
        if let Some(value) = options::boolean(scope, given, name)? {
            *field = value;
        }
    }
    let inverse = options::function(scope, given, "inverse")?;
    let mut count = -1;
    if !traits.varargs {
        // The first is what has come of it so far.
        count = length_of(scope, step)?;
        if let Some(inverse) = inverse {
            count = count.max(length_of(scope, inverse)?);
        }
        count = (count - 1).max(0);
    }
    let name = database::c_text(scope, name)?;
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let elements = [start, step.into(), inverse.map_or(undefined, Into::into), result];
    let functions = v8::Array::new_with_elements(scope, &elements);
    keep_also(scope, args.this(), functions.into())?;
    // Getters may have closed it.
    if !connection.is_open() {
        errors::invalid_state(scope, "database is not open");
        return None;
    }
    let aggregate = Aggregate {
        connection: Rc::downgrade(&connection),
        functions: v8::Weak::new(scope, functions),
        big_ints: traits.big_ints,
        states: RefCell::default(),
        last: Cell::new(0),
    };
    let aggregate = Box::into_raw(Box::new(aggregate)).cast::<c_void>();
    let is_window = inverse.is_some();
    let code = connection.call(scope, || {
        // SAFETY: the connection is open, and the name ends with a zero. SQLite has the aggregate from now on, and gives it
        // back also if this fails.
        unsafe {
            ffi::sqlite3_create_window_function(
                connection.raw(),
                name.as_ptr(),
                count,
                traits.flags(),
                aggregate,
                Some(step_forward),
                Some(finish),
                is_window.then_some(value_so_far),
                is_window.then_some(step_back),
                Some(destroy),
            )
        }
    });
    connection.check(scope, code, ffi::SQLITE_OK)
}

unsafe extern "C" fn destroy(aggregate: *mut c_void) {
    // SAFETY: `define` made it of a box, and SQLite gives it back once.
    drop(unsafe { Box::from_raw(aggregate.cast::<Aggregate>()) });
}

/// Which aggregation is at hand: 0 if it has not begun and need not.
///
/// # Safety
/// The context is that of the running function.
unsafe fn number_of(context: *mut ffi::sqlite3_context, begins: bool) -> Option<*mut u64> {
    let size = if begins { size_of::<u64>() as c_int } else { 0 };
    // SAFETY: as above: SQLite gives zeros at first, and the same place later.
    let place = unsafe { ffi::sqlite3_aggregate_context(context, size) }.cast::<u64>();
    (!place.is_null()).then_some(place)
}

impl Aggregate {
    fn function<'s>(&self, scope: &mut Scope<'s, '_>, index: u32) -> Option<v8::Local<'s, v8::Value>> {
        self.functions.to_local(scope)?.get_index(scope, index)
    }

    /// What an aggregation begins with. `None` with an exception pending.
    fn start<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
        let start = self.function(scope, START)?;
        match start.try_cast::<v8::Function>() {
            Ok(function) => {
                let receiver = v8::undefined(scope).into();
                function.call(scope, receiver, &[])
            }
            Err(_) => Some(start),
        }
    }

    fn state<'s>(&self, scope: &mut Scope<'s, '_>, number: u64) -> Option<v8::Local<'s, v8::Value>> {
        let state = self.states.borrow().get(&number).map(|state| state.value.clone());
        match state {
            Some(state) => Some(v8::Local::new(scope, &state)),
            None => self.start(scope),
        }
    }

    fn set_state(&self, scope: &mut Scope<'_, '_>, number: u64, value: v8::Local<'_, v8::Value>) {
        let value = v8::Global::new(scope, value);
        let mut states = self.states.borrow_mut();
        let is_window = states.get(&number).is_some_and(|state| state.is_window);
        states.insert(number, State { value, is_window });
    }

    fn result<'s>(&self, scope: &mut Scope<'s, '_>, number: u64) -> Option<values::Given> {
        let state = self.state(scope, number)?;
        let value = match self.function(scope, RESULT)?.try_cast::<v8::Function>() {
            Ok(function) => {
                let receiver = v8::undefined(scope).into();
                function.call(scope, receiver, &[state])?
            }
            Err(_) => state,
        };
        result_of(scope, value)
    }
}

/// # Safety
/// The context is that of the running function.
unsafe fn aggregate_of<'a>(context: *mut ffi::sqlite3_context) -> &'a Aggregate {
    // SAFETY: SQLite has the aggregate as long as it can call it.
    unsafe { &*ffi::sqlite3_user_data(context).cast::<Aggregate>() }
}

/// # Safety
/// SQLite has called with these.
unsafe fn step_with(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
    which: u32,
) {
    // SAFETY: as above.
    let (aggregate, place) = unsafe { (aggregate_of(context), number_of(context, true)) };
    let Some(place) = place else {
        // SAFETY: the context is this call's.
        return unsafe { ffi::sqlite3_result_error_nomem(context) };
    };
    // SAFETY: SQLite keeps the place, which is aligned for numbers of that size.
    let mut number = unsafe { place.read() };
    if number == 0 {
        number = aggregate.last.get().wrapping_add(1).max(1);
        aggregate.last.set(number);
        // SAFETY: as above.
        unsafe { place.write(number) };
    }
    let connection = aggregate.connection.upgrade();
    let done = here::with_scope(|scope| {
        connection?.call_back(scope, |scope| {
            if aggregate.states.borrow().len() >= STATES_MAX {
                isolate::library::throw_no_memory(scope, "too many aggregations");
                return None;
            }
            let state = aggregate.state(scope, number)?;
            let function = aggregate.function(scope, which)?.try_cast::<v8::Function>().ok()?;
            let mut all = vec![state];
            // SAFETY: SQLite has called with them.
            all.extend(unsafe { values::arguments(scope, count, arguments, aggregate.big_ints) }?);
            let receiver = v8::undefined(scope).into();
            let state = function.call(scope, receiver, &all)?;
            aggregate.set_state(scope, number, state);
            Some(())
        })
    });
    if done.flatten().is_none() {
        // SAFETY: the context is this call's.
        unsafe { values::set_error(context, "") };
    }
}

unsafe extern "C" fn step_forward(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite has called with them.
    unsafe { step_with(context, count, arguments, STEP) };
}

unsafe extern "C" fn step_back(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite has called with them.
    unsafe { step_with(context, count, arguments, INVERSE) };
}

/// # Safety
/// The context is that of the running function.
unsafe fn result_with(context: *mut ffi::sqlite3_context, is_last: bool) {
    // SAFETY: as above; the place is SQLite's, and holds a number.
    let (aggregate, number) =
        unsafe { (aggregate_of(context), number_of(context, false).map_or(0, |place| place.read())) };
    if is_last {
        let is_window = aggregate.states.borrow().get(&number).is_some_and(|state| state.is_window);
        if is_window {
            let state = aggregate.states.borrow_mut().remove(&number);
            return drop(state);
        }
    } else if let Some(state) = aggregate.states.borrow_mut().get_mut(&number) {
        state.is_window = true;
    }
    let connection = aggregate.connection.upgrade();
    let given =
        here::with_scope(|scope| connection?.call_back(scope, |scope| aggregate.result(scope, number)));
    if is_last {
        let state = aggregate.states.borrow_mut().remove(&number);
        drop(state);
    }
    // SAFETY: the context is this call's.
    unsafe {
        match given.flatten() {
            Some(given) => values::set_result(context, given),
            None => values::set_error(context, ""),
        }
    }
}

unsafe extern "C" fn finish(context: *mut ffi::sqlite3_context) {
    // SAFETY: SQLite has called with it.
    unsafe { result_with(context, true) };
}

unsafe extern "C" fn value_so_far(context: *mut ffi::sqlite3_context) {
    // SAFETY: SQLite has called with it.
    unsafe { result_with(context, false) };
}
