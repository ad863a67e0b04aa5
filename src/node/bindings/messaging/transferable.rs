//! Objects of native code that messages copy or carry to another thread.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use isolate::library::Scope;

use super::Native;
use crate::environment::Env;
use crate::handle;

/// A native half that can be sent.
pub(crate) trait Transferable: 'static {
    /// Whether it may stay where it is, a copy being sent.
    const IS_COPIED: bool;

    /// What is sent. Where it is transferred, what is left here has nothing of it any more. `None` with an exception pending
    /// if it cannot be sent now.
    fn send(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<Box<dyn Native>>;
}

type Send = fn(&dyn Any, &mut Scope<'_, '_>, &Rc<Env>) -> Option<Box<dyn Native>>;

/// How each kind is sent, in one realm.
#[derive(Default)]
struct Kinds(RefCell<HashMap<TypeId, (bool, Send)>>);

fn send_as<T: Transferable>(
    half: &dyn Any,
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
) -> Option<Box<dyn Native>> {
    half.downcast_ref::<T>()?.send(scope, env)
}

/// Says that objects with a native half of this type can be sent.
pub(crate) fn register<T: Transferable>(env: &Env) {
    env.state::<Kinds>().0.borrow_mut().insert(TypeId::of::<T>(), (T::IS_COPIED, send_as::<T>));
}

fn kind_of(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> Option<(bool, Send)> {
    let half = handle::any_of(scope, env, object)?;
    env.state::<Kinds>().0.borrow().get(&(*half).type_id()).copied()
}

pub(super) fn can_be_sent(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> bool {
    kind_of(scope, env, object).is_some()
}

pub(super) fn can_be_copied(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> bool {
    kind_of(scope, env, object).is_some_and(|(is_copied, _)| is_copied)
}

pub(super) fn send(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
) -> Option<Box<dyn Native>> {
    let half = handle::any_of(scope, env, object)?;
    let (_, send) = kind_of(scope, env, object)?;
    send(&*half, scope, env)
}
