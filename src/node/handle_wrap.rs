//! Handles: native objects that live until they are closed, and keep the program from being over while something of
//! theirs is under way, unless they are unreferenced. Node's `HandleWrap`; pipes, sockets and child processes are its
//! kinds.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;

use isolate::library::{Delivery, OperationId, Scope, forget, reference, spawn};

use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;

/// What a handle is.
pub(crate) trait Native: 'static {
    /// Lets go of all that it has; called once, when the handle is closed.
    fn close(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, handle: &Rc<Handle>);

    /// Lets go of what others could miss, as [`Native::close`] does, without a word to JavaScript: the job is over.
    fn abandon(&self);

    fn as_any(self: Rc<Self>) -> Rc<dyn Any>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Closed,
}

/// The native half of a handle.
pub(crate) struct Handle {
    pub wrap: AsyncWrap,
    /// Until it is closed it is not collected.
    object: RefCell<Option<v8::Global<v8::Object>>>,
    phase: Cell<Phase>,
    referenced: Cell<bool>,
    /// What is under way for as long as it is wanted: reading, listening, waiting for a child's end.
    lasting: RefCell<Vec<OperationId>>,
    native: Rc<dyn Native>,
}

/// The open handles of one realm.
#[derive(Default)]
pub(crate) struct OpenHandles(RefCell<HashMap<usize, Rc<Handle>>>);

impl OpenHandles {
    /// The job is over: ports, pipes and what else others see of it are given up.
    pub fn abandon(&self) {
        let handles = self.0.take();
        for handle in handles.into_values() {
            handle.phase.set(Phase::Closed);
            handle.lasting.borrow_mut().clear();
            handle.native.abandon();
            handle.object.take();
        }
    }

    /// Those that keep the program from being over, in the order of their numbers.
    pub fn active(&self) -> Vec<Rc<Handle>> {
        let handles = self.0.borrow();
        let mut active: Vec<_> = handles
            .values()
            .filter(|handle| handle.referenced.get() && !handle.lasting.borrow().is_empty())
            .cloned()
            .collect();
        active.sort_by(|one, other| one.wrap.async_id().total_cmp(&other.wrap.async_id()));
        active
    }

    fn add(&self, handle: &Rc<Handle>) {
        self.0.borrow_mut().insert(Rc::as_ptr(handle).addr(), handle.clone());
    }

    fn remove(&self, handle: &Rc<Handle>) {
        let removed = self.0.borrow_mut().remove(&Rc::as_ptr(handle).addr());
        drop(removed);
    }
}

/// Gives an object that is being constructed its native half. `None` with an exception pending if there are too many.
pub(crate) fn attach(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    provider: &'static str,
    native: Rc<dyn Native>,
) -> Option<Rc<Handle>> {
    let wrap = AsyncWrap::new(scope, env, object, provider);
    let handle = Rc::new(Handle {
        wrap,
        object: RefCell::new(None),
        phase: Cell::new(Phase::Open),
        referenced: Cell::new(true),
        lasting: RefCell::default(),
        native,
    });
    handle::attach(scope, env, object, handle.clone())?;
    *handle.object.borrow_mut() = Some(v8::Global::new(scope, object));
    env.state::<OpenHandles>().add(&handle);
    Some(handle)
}

/// The environment, the handle and its kind of a method's receiver. `None` with an exception pending for another.
pub(crate) fn receiver<T: Native>(
    scope: &mut Scope<'_, '_>,
    this: v8::Local<'_, v8::Object>,
) -> Option<(Rc<Env>, Rc<Handle>, Rc<T>)> {
    let (env, handle) = handle::receiver::<Handle>(scope, this)?;
    match handle.native.clone().as_any().downcast::<T>() {
        Ok(native) => Some((env, handle, native)),
        Err(_) => {
            isolate::library::throw_type(scope, "Illegal invocation");
            None
        }
    }
}

/// The handle that a value is, if it is one of that kind.
pub(crate) fn of<T: Native>(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    value: v8::Local<'_, v8::Value>,
) -> Option<(Rc<Handle>, Rc<T>)> {
    let object: v8::Local<v8::Object> = value.try_cast().ok()?;
    let handle = handle::of::<Handle>(scope, env, object)?;
    let native = handle.native.clone().as_any().downcast::<T>().ok()?;
    Some((handle, native))
}

impl Handle {
    pub fn is_open(&self) -> bool {
        self.phase.get() == Phase::Open
    }

    /// Its kind, if it is that one.
    pub fn native<T: Native>(&self) -> Option<Rc<T>> {
        self.native.clone().as_any().downcast().ok()
    }

    /// Its object; none once it is closed.
    pub fn object<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
        let object = self.object.borrow().clone()?;
        Some(v8::Local::new(scope, &object))
    }

    /// Calls a method of the object, if it has one of that name.
    pub fn call<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Env,
        name: &str,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        match self.object(scope) {
            Some(object) => self.wrap.call_method(scope, env, object, name, arguments),
            None => Some(v8::undefined(scope).into()),
        }
    }

    /// Begins something that keeps the program from being over while the handle is referenced, until it ends or the handle
    /// is closed. `None` if nothing more can be begun.
    pub fn begin(
        self: &Rc<Handle>,
        env: &Rc<Env>,
        future: impl Future<Output = Delivery> + 'static,
    ) -> Option<OperationId> {
        let realm = env.realm()?;
        let own = Rc::new(Cell::new(0));
        let (known, handle) = (own.clone(), self.clone());
        let operation = async move {
            let deliver = future.await;
            let deliver: Delivery = Box::new(move |scope| {
                handle.lasting.borrow_mut().retain(|id| *id != known.get());
                deliver(scope)
            });
            deliver
        };
        let id = spawn(&env.core, &realm, operation)?;
        own.set(id);
        self.lasting.borrow_mut().push(id);
        if !self.referenced.get() {
            reference(&env.core, &realm, id, false);
        }
        Some(id)
    }

    /// Ends something that was begun.
    pub fn cancel(&self, env: &Env, id: OperationId) {
        self.lasting.borrow_mut().retain(|other| *other != id);
        if let Some(realm) = env.realm() {
            forget(&env.core, &realm, id);
        }
    }

    pub fn set_referenced(&self, env: &Env, referenced: bool) {
        self.referenced.set(referenced);
        let Some(realm) = env.realm() else { return };
        for id in self.lasting.borrow().iter() {
            reference(&env.core, &realm, *id, referenced);
        }
    }

    /// Closes it; `callback` is called once that is done.
    pub fn close(
        self: &Rc<Handle>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        callback: Option<v8::Local<'_, v8::Function>>,
    ) {
        if !self.is_open() {
            return;
        }
        self.phase.set(Phase::Closing);
        let lasting = self.lasting.take();
        if let Some(realm) = env.realm() {
            for id in lasting {
                forget(&env.core, &realm, id);
            }
        }
        let native = self.native.clone();
        native.close(scope, env, self);
        let callback = callback.map(|callback| v8::Global::new(scope, callback));
        let (handle, then) = (self.clone(), env.clone());
        later(env, move |scope| {
            handle.phase.set(Phase::Closed);
            let object = handle.object(scope);
            handle.object.take();
            then.state::<OpenHandles>().remove(&handle);
            let called = match (callback, object) {
                (Some(callback), Some(object)) => {
                    let callback = v8::Local::new(scope, &callback);
                    handle.wrap.call(scope, &then, object, callback, &[]).map(drop)
                }
                _ => Some(()),
            };
            handle.wrap.destroy(scope, &then);
            called
        });
    }
}

/// Has something done in a turn of its own, and keeps the program from being over until then. Lost where nothing more can
/// be begun.
pub(crate) fn later(
    env: &Rc<Env>,
    what: impl for<'s, 'i> FnOnce(&mut Scope<'s, 'i>) -> Option<()> + 'static,
) {
    if let Some(realm) = env.realm() {
        spawn(&env.core, &realm, async move {
            let deliver: Delivery = Box::new(what);
            deliver
        });
    }
}

/// Whether a call is no constructor's: then an exception is pending.
pub(crate) fn is_no_construction(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> bool {
    if !args.is_construct_call() {
        isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    !args.is_construct_call()
}

/// The class that all handles inherit from.
pub(crate) fn base<'s>(scope: &mut Scope<'s, '_>, env: &Env) -> Option<v8::Local<'s, v8::FunctionTemplate>> {
    let known = env.templates.borrow().get("HandleWrap").cloned();
    if let Some(known) = known {
        return Some(v8::Local::new(scope, &known));
    }
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "HandleWrap", constructor)?;
    class.methods(scope, async_methods!(Handle, wrap))?;
    class.methods(
        scope,
        functions! {
            "close" => close,
            "hasRef" => has_ref,
            "ref" => add_ref,
            "unref" => remove_ref,
        },
    )?;
    class.keep(scope, env, "HandleWrap");
    Some(class.template)
}

fn construct(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    isolate::library::throw_type(scope, "Illegal constructor");
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, handle)) = handle::receiver::<Handle>(scope, args.this()) else { return };
    handle.close(scope, &env, args.get(0).try_cast().ok());
}

fn has_ref(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, handle)) = handle::receiver::<Handle>(scope, args.this()) {
        result.set_bool(handle.referenced.get() && handle.phase.get() != Phase::Closed);
    }
}

fn add_ref(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, handle)) = handle::receiver::<Handle>(scope, args.this()) {
        handle.set_referenced(&env, true);
    }
}

fn remove_ref(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, handle)) = handle::receiver::<Handle>(scope, args.this()) {
        handle.set_referenced(&env, false);
    }
}
