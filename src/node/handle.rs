//! Native halves of JavaScript objects.
//!
//! An object holds a number, and the environment what the number stands for: no pointer lies in V8's sandbox, and
//! whatever a guest makes of a number reaches its own realm's things only, of the type that is asked for.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use isolate::library::{NumberMap, Scope};

use crate::environment::Env;

/// Internal fields of an object with a native half.
pub(crate) const FIELDS: usize = 1;

/// Most native halves of one realm; each costs some hundred bytes that V8's heap limit does not see.
pub(crate) const HANDLES_MAX: usize = 1 << 20;

/// The native halves of one realm.
#[derive(Default)]
pub(crate) struct Handles {
    entries: RefCell<NumberMap<Entry>>,
    last: Cell<u32>,
}

struct Entry {
    value: Rc<dyn Any>,
    /// Removes the entry when the object is collected.
    _object: v8::Weak<v8::Object>,
}

/// Gives an object its native half. `None` with an exception pending if there are too many, or it is no object for one.
pub(crate) fn attach<T: 'static>(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    value: Rc<T>,
) -> Option<()> {
    let handles = &env.handles;
    if object.internal_field_count() < FIELDS || handles.entries.borrow().len() >= HANDLES_MAX {
        isolate::library::throw_no_memory(scope, "too many native objects");
        return None;
    }
    let id = loop {
        let id = handles.last.get().wrapping_add(1);
        handles.last.set(id);
        if id != 0 && !handles.entries.borrow().contains_key(&id) {
            break id;
        }
    };
    let number = v8::Integer::new_from_unsigned(scope, id);
    object.set_internal_field(0, number.into());
    let owner: Weak<Env> = Rc::downgrade(env);
    let finalizer = Box::new(move |_: &mut v8::Isolate| {
        if let Some(env) = owner.upgrade() {
            let entry = env.handles.entries.borrow_mut().remove(&id);
            // What goes with it may remove others.
            drop(entry);
        }
    });
    let weak = v8::Weak::with_finalizer(scope, object, finalizer);
    handles.entries.borrow_mut().insert(id, Entry { value, _object: weak });
    Some(())
}

/// The native half of an object, if it has one of that type.
pub(crate) fn of<T: 'static>(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
) -> Option<Rc<T>> {
    any_of(scope, env, object)?.downcast::<T>().ok()
}

/// The native half of an object, of whatever type.
pub(crate) fn any_of(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
) -> Option<Rc<dyn Any>> {
    if object.internal_field_count() < FIELDS {
        return None;
    }
    let number: v8::Local<v8::Value> = object.get_internal_field(scope, 0)?.try_into().ok()?;
    let id = number.try_cast::<v8::Uint32>().ok()?.value();
    Some(env.handles.entries.borrow().get(&id)?.value.clone())
}

/// The environment of the running native method and the native half of its receiver. `None` with an exception pending
/// where there is none.
pub(crate) fn receiver<T: 'static>(
    scope: &mut Scope<'_, '_>,
    this: v8::Local<'_, v8::Object>,
) -> Option<(Rc<Env>, Rc<T>)> {
    let env = Env::of(scope)?;
    match of::<T>(scope, &env, this) {
        Some(value) => Some((env, value)),
        None => {
            isolate::library::throw_type(scope, "Illegal invocation");
            None
        }
    }
}

/// A new object with a native half, of a class that a binding has put among the templates. `None` with an exception pending
/// if there is none of it to be had.
pub(crate) fn create<'s, T: 'static>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    class: &'static str,
    value: Rc<T>,
) -> Option<v8::Local<'s, v8::Object>> {
    let object = template(scope, env, class)?.instance_template(scope).new_instance(scope)?;
    attach(scope, env, object, value)?;
    Some(object)
}

/// A class that a binding has put among the templates.
pub(crate) fn template<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    class: &'static str,
) -> Option<v8::Local<'s, v8::FunctionTemplate>> {
    let template = env.templates.borrow().get(class).cloned()?;
    Some(v8::Local::new(scope, &template))
}

/// As `new` in JavaScript: calls the constructor of a class that a binding has put among the templates. `None` with an
/// exception pending if that threw.
pub(crate) fn construct<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    class: &'static str,
    arguments: &[v8::Local<'_, v8::Value>],
) -> Option<v8::Local<'s, v8::Object>> {
    template(scope, env, class)?.get_function(scope)?.new_instance(scope, arguments)
}
