//! Async hooks: their numbers in memory that JavaScript shares, and the stack of contexts.

use std::cell::RefCell;
use std::collections::HashMap;
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

/// Pairs of numbers that the stack holds at first.
const STACK_PAIRS: usize = 16;

/// Deepest stack of contexts.
const STACK_MAX: usize = 1 << 16;

/// The stack of contexts, which JavaScript shares, and what native code has put on it besides.
#[derive(Default)]
struct Stack {
    binding: RefCell<Option<v8::Global<v8::Object>>>,
    /// Pairs of the numbers that each context has hidden.
    pairs: RefCell<Option<v8::SharedRef<v8::BackingStore>>>,
    /// As what native code calls back, by the depth.
    resources: RefCell<HashMap<usize, v8::Global<v8::Object>>>,
    hooks: RefCell<[Option<v8::Global<v8::Function>>; 4]>,
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
    let stack = env.state::<Stack>();
    *stack.binding.borrow_mut() = Some(v8::Global::new(scope, binding));
    grow(scope, &stack, STACK_PAIRS)?;
    let resources = v8::Array::new(scope, 0);
    set(scope, binding, "execution_async_resources", resources.into())
}

fn setup_hooks(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::AsyncHooks, args.get(0));
    }
}

/// What is called in the place of what native code calls back, while there are hooks.
fn set_callback_trampoline(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::Trampoline, args.get(0));
    }
}

/// Gives the stack so many pairs.
fn grow(scope: &mut Scope<'_, '_>, stack: &Stack, pairs: usize) -> Option<()> {
    let binding = stack.binding.borrow().clone()?;
    let binding = v8::Local::new(scope, &binding);
    let buffer = v8::ArrayBuffer::new(scope, pairs * 2 * 8);
    let store = buffer.get_backing_store();
    if let Some(old) = &*stack.pairs.borrow() {
        store.iter().zip(old.iter()).for_each(|(new, old)| new.set(old.get()));
    }
    *stack.pairs.borrow_mut() = Some(store);
    let view = v8::Float64Array::new(scope, buffer, 0, pairs * 2)?;
    set(scope, binding, "async_ids_stack", view.into())
}

/// One of the numbers of the stack.
fn cells(stack: &Stack, index: usize, value: Option<f64>) -> Option<f64> {
    let pairs = stack.pairs.borrow();
    let cells = pairs.as_ref()?.get(index * 8..(index + 1) * 8)?;
    if let Some(value) = value {
        cells.iter().zip(value.to_ne_bytes()).for_each(|(cell, byte)| cell.set(byte));
    }
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(cells).for_each(|(byte, cell)| *byte = cell.get());
    Some(f64::from_ne_bytes(bytes))
}

/// Enters a context. `None` with an exception pending if there are too many.
pub(crate) fn push(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    (async_id, trigger): (f64, f64),
    resource: Option<v8::Local<'_, v8::Object>>,
) -> Option<()> {
    let (stack, depth) = (env.state::<Stack>(), depth(env));
    if depth >= STACK_MAX {
        isolate::library::throw_no_memory(scope, "Maximum depth of asynchronous contexts exceeded");
        return None;
    }
    if cells(&stack, depth * 2 + 1, None).is_none() {
        grow(scope, &stack, (depth + 1) * 3)?;
    }
    cells(&stack, depth * 2, Some(id(env, 0)));
    cells(&stack, depth * 2 + 1, Some(id(env, 1)));
    if let Some(resource) = resource {
        let resource = v8::Global::new(scope, resource);
        stack.resources.borrow_mut().insert(depth, resource);
    }
    set_depth(env, depth + 1);
    poke(&env.shared.async_ids, 0, async_id.to_ne_bytes());
    poke(&env.shared.async_ids, 1, trigger.to_ne_bytes());
    Some(())
}

/// Leaves the last context: whether there are others.
pub(crate) fn pop(env: &Env) -> bool {
    let stack = env.state::<Stack>();
    let Some(depth) = depth(env).checked_sub(1) else { return false };
    let numbers = [0, 1].map(|which| cells(&stack, depth * 2 + which, None).unwrap_or(0.0));
    stack.resources.borrow_mut().remove(&depth);
    set_depth(env, depth);
    poke(&env.shared.async_ids, 0, numbers[0].to_ne_bytes());
    poke(&env.shared.async_ids, 1, numbers[1].to_ne_bytes());
    depth > 0
}

/// Leaves all contexts.
pub(crate) fn clear(env: &Env) {
    env.state::<Stack>().resources.borrow_mut().clear();
    set_depth(env, 0);
    poke(&env.shared.async_ids, 0, 0.0f64.to_ne_bytes());
    poke(&env.shared.async_ids, 1, 0.0f64.to_ne_bytes());
}

fn depth(env: &Env) -> usize {
    u32::from_ne_bytes(peek(&env.shared.async_hooks, STACK_LENGTH)) as usize
}

fn set_depth(env: &Env, depth: usize) {
    poke(&env.shared.async_hooks, STACK_LENGTH, u32::try_from(depth).unwrap_or(u32::MAX).to_ne_bytes());
}

fn id(env: &Env, index: usize) -> f64 {
    f64::from_ne_bytes(peek(&env.shared.async_ids, index))
}

/// JavaScript calls it where the stack is full.
fn push_async_context(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let (Some(async_id), Some(trigger)) = (args.get(0).number_value(scope), args.get(1).number_value(scope))
    else {
        return;
    };
    let _ = push(scope, &env, (async_id, trigger), None);
}

fn pop_async_context(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    result.set_bool(pop(&env));
}

/// (depth) -> as what native code calls back there
fn execution_async_resource(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let depth = args.get(0).uint32_value(scope).unwrap_or(u32::MAX) as usize;
    let resource = env.state::<Stack>().resources.borrow().get(&depth).cloned();
    if let Some(resource) = resource {
        result.set(v8::Local::new(scope, &resource).into());
    }
}

fn clear_async_id_stack(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    clear(&env);
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
    *env.state::<Stack>().hooks.borrow_mut() =
        hooks.map(|hook| hook.map(|hook| v8::Global::new(scope, hook)));
}

fn get_promise_hooks(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let hooks = env.state::<Stack>().hooks.borrow().clone();
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
