//! What async hooks and `AsyncLocalStorage` know of native objects: their numbers, and calling back into JavaScript as
//! them. Node's `AsyncWrap`; the binding of that name is in `bindings/`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use isolate::library::{Scope, string};

use crate::binding;
use crate::bindings::async_wrap;
use crate::environment::{Callback, Env, peek, poke};

/// Indices of `async_hook_fields`.
const INIT: usize = 0;
const BEFORE: usize = 1;
const AFTER: usize = 2;
const DESTROY: usize = 3;

/// Somebody asks for resources.
const USES_RESOURCE: usize = 8;

/// Indices of `async_id_fields`.
const EXECUTION_ASYNC_ID: usize = 0;
const ASYNC_ID_COUNTER: usize = 2;
const DEFAULT_TRIGGER_ASYNC_ID: usize = 3;

/// Of one realm.
#[derive(Default)]
pub(crate) struct AsyncState {
    /// Objects whose end the hooks are told.
    pub watched: RefCell<HashMap<u64, v8::Weak<v8::Object>>>,
}

/// The numbers of a native object.
pub(crate) struct AsyncWrap {
    provider: &'static str,
    async_id: Cell<f64>,
    trigger: Cell<f64>,
    /// What `AsyncLocalStorage` held when the object was made.
    frame: RefCell<Option<v8::Global<v8::Value>>>,
}

fn id(env: &Env, index: usize) -> f64 {
    f64::from_ne_bytes(peek(&env.shared.async_ids, index))
}

fn set_id(env: &Env, index: usize, value: f64) {
    poke(&env.shared.async_ids, index, value.to_ne_bytes());
}

fn has_hook(env: &Env, index: usize) -> bool {
    u32::from_ne_bytes(peek(&env.shared.async_hooks, index)) > 0
}

impl AsyncWrap {
    /// Of an object that is made now. `provider` is a name of `internalBinding('async_wrap').Providers`.
    pub fn new(
        scope: &mut Scope<'_, '_>,
        env: &Env,
        object: v8::Local<'_, v8::Object>,
        provider: &'static str,
    ) -> AsyncWrap {
        let wrap = AsyncWrap {
            provider,
            async_id: Cell::new(-1.0),
            trigger: Cell::new(0.0),
            frame: RefCell::new(None),
        };
        wrap.renew(scope, env, object);
        wrap
    }

    /// Gives the object a new number, as it begins something new.
    pub fn renew(&self, scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) {
        let async_id = id(env, ASYNC_ID_COUNTER) + 1.0;
        set_id(env, ASYNC_ID_COUNTER, async_id);
        self.async_id.set(async_id);
        let trigger = id(env, DEFAULT_TRIGGER_ASYNC_ID);
        self.trigger.set(if trigger < 0.0 { id(env, EXECUTION_ASYNC_ID) } else { trigger });
        let frame = scope.get_continuation_preserved_embedder_data();
        *self.frame.borrow_mut() = (!frame.is_undefined()).then(|| v8::Global::new(scope, frame));
        if has_hook(env, INIT) {
            let arguments = [
                v8::Number::new(scope, async_id).into(),
                string(scope, self.provider).into(),
                v8::Number::new(scope, self.trigger.get()).into(),
                object.into(),
            ];
            let _ = call_hook(scope, env, "init", &arguments);
        }
    }

    pub fn async_id(&self) -> f64 {
        self.async_id.get()
    }

    /// A name of `internalBinding('async_wrap').Providers`.
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    pub fn trigger_async_id(&self) -> f64 {
        self.trigger.get()
    }

    /// What it is, by its number in `Providers`.
    pub fn provider_type(&self, env: &Env) -> f64 {
        let described = env.facts.binding("async_wrap").and_then(|facts| {
            facts.get("Providers")?.get("object")?.get(self.provider)?.get("value")?.as_f64()
        });
        described.unwrap_or(0.0)
    }

    /// Calls a function as this object, in its asynchronous context. `None` with an exception pending if it threw.
    pub fn call<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Env,
        object: v8::Local<'s, v8::Object>,
        function: v8::Local<'s, v8::Function>,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        let (async_id, trigger) = (self.async_id.get(), self.trigger.get());
        let frame = self.frame.borrow().clone();
        let frame = match frame {
            Some(frame) => v8::Local::new(scope, &frame),
            None => v8::undefined(scope).into(),
        };
        let outer = scope.get_continuation_preserved_embedder_data();
        scope.set_continuation_preserved_embedder_data(frame);
        if async_wrap::push(scope, env, (async_id, trigger), Some(object)).is_none() {
            scope.set_continuation_preserved_embedder_data(outer);
            return None;
        }
        let result = self.call_hooked(scope, env, object, function, arguments);
        // What is thrown to nobody is handled where it happened.
        if result.is_some()
            || v8::StackTrace::current_stack_trace(scope, 1).is_some_and(|trace| trace.get_frame_count() > 0)
        {
            async_wrap::pop(env);
        }
        scope.set_continuation_preserved_embedder_data(outer);
        result
    }

    /// Calls a function as this object, with the hooks before and after it.
    fn call_hooked<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Env,
        object: v8::Local<'s, v8::Object>,
        function: v8::Local<'s, v8::Function>,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        let is_hooked = [BEFORE, AFTER, USES_RESOURCE].into_iter().any(|hook| has_hook(env, hook));
        if !is_hooked {
            return function.call(scope, object.into(), arguments);
        }
        let number = v8::Number::new(scope, self.async_id.get()).into();
        if let Some(trampoline) = env.callback(scope, Callback::Trampoline) {
            let first = [number, object.into(), function.into()];
            let all: Vec<v8::Local<v8::Value>> = first.into_iter().chain(arguments.iter().copied()).collect();
            return trampoline.call(scope, object.into(), &all);
        }
        if has_hook(env, BEFORE) {
            call_hook(scope, env, "before", &[number])?;
        }
        let result = function.call(scope, object.into(), arguments);
        if result.is_some() && has_hook(env, AFTER) {
            call_hook(scope, env, "after", &[number])?;
        }
        result
    }

    /// Calls a method of the object, if it has one of that name: `oncomplete`, `onread`, `onexit`.
    pub fn call_method<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Env,
        object: v8::Local<'s, v8::Object>,
        name: &str,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        let method = binding::get(scope, object, name)?;
        match method.try_cast::<v8::Function>() {
            Ok(method) => self.call(scope, env, object, method, arguments),
            Err(_) => Some(v8::undefined(scope).into()),
        }
    }

    /// The object's work is over.
    pub fn destroy(&self, scope: &mut Scope<'_, '_>, env: &Env) {
        if has_hook(env, DESTROY) {
            let number = v8::Number::new(scope, self.async_id.get()).into();
            let _ = call_hook(scope, env, "destroy", &[number]);
        }
    }
}

fn call_hook(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    name: &str,
    arguments: &[v8::Local<'_, v8::Value>],
) -> Option<()> {
    let Some(hooks) = env.callback_value(scope, Callback::AsyncHooks) else { return Some(()) };
    let hooks: v8::Local<v8::Object> = hooks.try_cast().ok()?;
    let hook: v8::Local<v8::Function> = binding::get(scope, hooks, name)?.try_cast().ok()?;
    let receiver = v8::undefined(scope).into();
    hook.call(scope, receiver, arguments).map(drop)
}

/// Methods that every class with an [`AsyncWrap`] has, over a way to it.
macro_rules! async_methods {
    ($half:ty, $wrap:ident) => {{
        fn get_async_id(
            scope: &mut isolate::library::Scope<'_, '_>,
            args: $crate::binding::Args<'_>,
            mut result: $crate::binding::Return<'_>,
        ) {
            if let Some((_, half)) = $crate::handle::receiver::<$half>(scope, args.this()) {
                result.set(v8::Number::new(scope, half.$wrap.async_id()).into());
            }
        }
        fn get_trigger_async_id(
            scope: &mut isolate::library::Scope<'_, '_>,
            args: $crate::binding::Args<'_>,
            mut result: $crate::binding::Return<'_>,
        ) {
            if let Some((_, half)) = $crate::handle::receiver::<$half>(scope, args.this()) {
                result.set(v8::Number::new(scope, half.$wrap.trigger_async_id()).into());
            }
        }
        fn async_reset(
            scope: &mut isolate::library::Scope<'_, '_>,
            args: $crate::binding::Args<'_>,
            _: $crate::binding::Return<'_>,
        ) {
            if let Some((env, half)) = $crate::handle::receiver::<$half>(scope, args.this()) {
                // Hooks are told of what it is used for now, if that is said.
                let resource = args.get(0).try_cast::<v8::Object>().unwrap_or_else(|_| args.this());
                half.$wrap.renew(scope, &env, resource);
            }
        }
        fn get_provider_type(
            scope: &mut isolate::library::Scope<'_, '_>,
            args: $crate::binding::Args<'_>,
            mut result: $crate::binding::Return<'_>,
        ) {
            if let Some((env, half)) = $crate::handle::receiver::<$half>(scope, args.this()) {
                result.set(v8::Number::new(scope, half.$wrap.provider_type(&env)).into());
            }
        }
        $crate::binding::functions! {
            "getAsyncId" => get_async_id,
            "getTriggerAsyncId" => get_trigger_async_id,
            "asyncReset" => async_reset,
            "getProviderType" => get_provider_type,
        }
    }};
}
pub(crate) use async_methods;

/// Has `destroy` called for a number, from the event loop.
pub(crate) fn queue_destroy(env: &std::rc::Rc<Env>, id: f64) {
    queue_destroy_unless(env, id, None);
}

/// As [`queue_destroy`], unless an object says by then that it was called already: its property `destroyed` is not false.
fn queue_destroy_unless(env: &std::rc::Rc<Env>, id: f64, known: Option<v8::Global<v8::Object>>) {
    let Some(realm) = env.realm() else { return };
    let then = env.clone();
    let operation = async move {
        let deliver: isolate::library::Delivery = Box::new(move |scope| {
            if let Some(known) = known {
                let known = v8::Local::new(scope, &known);
                if !binding::get(scope, known, "destroyed")?.is_false() {
                    return Some(());
                }
            }
            let number = v8::Number::new(scope, id).into();
            call_hook(scope, &then, "destroy", &[number])
        });
        deliver
    };
    if let Some(operation) = isolate::library::spawn(&env.core, &realm, operation) {
        isolate::library::reference(&env.core, &realm, operation, false);
    }
}

/// Has `destroy` called when an object is collected, unless another one says that it was called already.
pub(crate) fn destroy_when_collected(
    scope: &mut Scope<'_, '_>,
    env: &std::rc::Rc<Env>,
    object: v8::Local<'_, v8::Object>,
    id: f64,
    known: Option<v8::Local<'_, v8::Object>>,
) {
    let known = known.map(|known| v8::Global::new(scope, known));
    let owner = std::rc::Rc::downgrade(env);
    let weak = v8::Weak::with_finalizer(
        scope,
        object,
        Box::new(move |_| {
            if let Some(env) = owner.upgrade() {
                let watched = env.async_state.watched.borrow_mut().remove(&id.to_bits());
                drop(watched);
                queue_destroy_unless(&env, id, known);
            }
        }),
    );
    env.async_state.watched.borrow_mut().insert(id.to_bits(), weak);
}
