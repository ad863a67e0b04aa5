//! Async hooks: their numbers in memory that JavaScript shares, and the stack of contexts beyond what that holds.

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Callback, Env, peek, poke};

pub(super) static BINDING: Binding = Binding {
    name: "async_wrap",
    functions: functions! {
        "setupHooks" => setup_hooks,
        "setCallbackTrampoline" => set_callback_trampoline,
        "pushAsyncContext" => push_async_context,
        "popAsyncContext" => pop_async_context,
        "executionAsyncResource" => execution_async_resource,
        "clearAsyncIdStack" => clear_async_id_stack,
        "queueDestroyAsyncId" => queue_destroy_async_id,
        "setPromiseHooks" => set_promise_hooks,
        "getPromiseHooks" => get_promise_hooks,
        "registerDestroyHook" => register_destroy_hook,
    },
    make: Some(make),
};

/// Where in `async_hook_fields` the depth of the stack is.
const STACK_LENGTH: usize = 7;

/// Pairs of numbers that JavaScript's own part of the stack holds.
const STACK_PAIRS: usize = 16;

/// Deepest stack of contexts.
const STACK_MAX: usize = 1 << 16;

/// What does not fit into the shared part.
#[derive(Default)]
struct Deep {
    pairs: std::cell::RefCell<Vec<(f64, f64)>>,
    hooks: std::cell::RefCell<[Option<v8::Global<v8::Function>>; 4]>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let hooks = v8::ArrayBuffer::new(scope, 9 * 4);
    let _ = env.shared.async_hooks.set(hooks.get_backing_store());
    let hooks = v8::Uint32Array::new(scope, hooks, 0, 9)?;
    set(scope, binding, "async_hook_fields", hooks.into())?;
    let ids = v8::ArrayBuffer::new(scope, 4 * 8);
    let _ = env.shared.async_ids.set(ids.get_backing_store());
    // The number of the code that nothing asynchronous has begun; no default for whose doing something is; hooks are
    // checked, as they are in Node by default.
    poke(&env.shared.async_ids, 0, 1.0f64.to_ne_bytes());
    poke(&env.shared.async_ids, 2, 1.0f64.to_ne_bytes());
    poke(&env.shared.async_ids, 3, (-1.0f64).to_ne_bytes());
    poke(&env.shared.async_hooks, 6, 1u32.to_ne_bytes());
    let ids = v8::Float64Array::new(scope, ids, 0, 4)?;
    set(scope, binding, "async_id_fields", ids.into())?;
    let stack = v8::ArrayBuffer::new(scope, STACK_PAIRS * 2 * 8);
    let stack = v8::Float64Array::new(scope, stack, 0, STACK_PAIRS * 2)?;
    set(scope, binding, "async_ids_stack", stack.into())?;
    let resources = v8::Array::new(scope, 0);
    set(scope, binding, "execution_async_resources", resources.into())
}

fn setup_hooks(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::AsyncHooks, args.get(0));
    }
}

/// For hooks that domains put around what native code calls back: it calls without.
fn set_callback_trampoline(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

fn depth(env: &Env) -> usize {
    u32::from_ne_bytes(peek(&env.shared.async_hooks, STACK_LENGTH)) as usize
}

fn set_depth(env: &Env, depth: usize) {
    poke(&env.shared.async_hooks, STACK_LENGTH, u32::try_from(depth).unwrap_or(u32::MAX).to_ne_bytes());
}

fn id(env: &Env, index: usize) -> f64 {
    f64::from_ne_bytes(peek(&env.shared.async_ids, index))
}

/// JavaScript calls it where its own part of the stack is full.
fn push_async_context(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let (Some(async_id), Some(trigger)) = (args.get(0).number_value(scope), args.get(1).number_value(scope))
    else {
        return;
    };
    let deep = env.state::<Deep>();
    if deep.pairs.borrow().len() >= STACK_MAX {
        return isolate::library::throw_no_memory(scope, "Maximum depth of asynchronous contexts exceeded");
    }
    deep.pairs.borrow_mut().push((id(&env, 0), id(&env, 1)));
    set_depth(&env, depth(&env) + 1);
    poke(&env.shared.async_ids, 0, async_id.to_ne_bytes());
    poke(&env.shared.async_ids, 1, trigger.to_ne_bytes());
}

fn pop_async_context(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let depth = depth(&env).saturating_sub(1);
    let popped = env.state::<Deep>().pairs.borrow_mut().pop();
    let (async_id, trigger) = popped.unwrap_or((0.0, 0.0));
    set_depth(&env, depth);
    poke(&env.shared.async_ids, 0, async_id.to_ne_bytes());
    poke(&env.shared.async_ids, 1, trigger.to_ne_bytes());
    result.set_bool(depth > 0);
}

/// What native code calls back as: it puts nothing on the stack of contexts, whose own part the library knows.
fn execution_async_resource(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

fn clear_async_id_stack(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    env.state::<Deep>().pairs.borrow_mut().clear();
    set_depth(&env, 0);
    poke(&env.shared.async_ids, 0, 0.0f64.to_ne_bytes());
    poke(&env.shared.async_ids, 1, 0.0f64.to_ne_bytes());
}

fn queue_destroy_async_id(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(id) = args.get(0).number_value(scope) else { return };
    crate::async_wrap::queue_destroy(&env, id);
}

fn set_promise_hooks(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let hooks: [Option<v8::Local<v8::Function>>; 4] =
        std::array::from_fn(|index| args.get(index as i32).try_cast().ok());
    scope.set_promise_hooks(hooks[0], hooks[1], hooks[2], hooks[3]);
    *env.state::<Deep>().hooks.borrow_mut() = hooks.map(|hook| hook.map(|hook| v8::Global::new(scope, hook)));
}

fn get_promise_hooks(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let hooks = env.state::<Deep>().hooks.borrow().clone();
    let values = hooks.map(|hook| match hook {
        Some(hook) => v8::Local::new(scope, &hook).into(),
        None => v8::undefined(scope).into(),
    });
    result.set(v8::Array::new_with_elements(scope, &values).into());
}

/// Emits `destroy` for a resource of JavaScript's when that is collected.
fn register_destroy_hook(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let (Some(env), Ok(object)) = (Env::of(scope), args.get(0).try_cast::<v8::Object>()) else { return };
    let Some(id) = args.get(1).number_value(scope) else { return };
    let known = args.get(2).try_cast::<v8::Object>().ok();
    crate::async_wrap::destroy_when_collected(scope, &env, object, id, known);
}
