//! Requests: JavaScript objects that stand for something under way, and whose `oncomplete` is called when it has ended.
//! Node's `ReqWrap`. `FSReqCallback`, `WriteWrap`, `ShutdownWrap`, `GetAddrInfoReqWrap` and their like differ in name
//! alone.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use isolate::library::{Delivery, Scope, spawn};

use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return};
use crate::environment::Env;
use crate::handle;

/// The native half of a request.
pub(crate) struct Request {
    pub wrap: AsyncWrap,
    /// Native code that waits for its end, in JavaScript's place.
    waiting: RefCell<Option<Done>>,
}

/// What native code does once something that it asked a stream for has ended with a status. `None` with an exception
/// pending if the guest's code threw.
pub(crate) type Done = Box<dyn for<'s, 'i> FnOnce(&mut Scope<'s, 'i>, &Rc<Env>, i32) -> Option<()>>;

/// What completes a request: makes the arguments of `oncomplete`, in a turn.
pub(crate) type Complete =
    Box<dyn for<'s, 'i> FnOnce(&mut Scope<'s, 'i>, &Rc<Env>) -> Option<Vec<v8::Local<'s, v8::Value>>>>;

/// A class of requests: sets `binding[name]`.
pub(crate) fn class<'s>(
    scope: &mut Scope<'s, '_>,
    binding: v8::Local<'_, v8::Object>,
    name: &str,
    provider: &'static str,
) -> Option<v8::Local<'s, v8::FunctionTemplate>> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let data = crate::binding::string_data(scope, provider);
    let class = Class::with_data(scope, name, constructor, data)?;
    class.methods(scope, async_methods!(Request, wrap))?;
    class.publish(scope, binding, name)?;
    Some(class.template)
}

pub(crate) fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let provider = provider(&args.data().to_rust_string_lossy(scope));
    let wrap = AsyncWrap::new(scope, &env, args.this(), provider);
    let _ = handle::attach(scope, &env, args.this(), Rc::new(Request { wrap, waiting: RefCell::default() }));
}

/// A provider's name for ever.
fn provider(name: &str) -> &'static str {
    const NAMES: &[&str] = &[
        "FSREQCALLBACK",
        "FILEHANDLECLOSEREQ",
        "GETADDRINFOREQWRAP",
        "GETNAMEINFOREQWRAP",
        "QUERYWRAP",
        "PIPECONNECTWRAP",
        "TCPCONNECTWRAP",
        "SHUTDOWNWRAP",
        "WRITEWRAP",
        "UDPSENDWRAP",
    ];
    NAMES.iter().find(|known| **known == name).copied().unwrap_or("NONE")
}

/// Has native code told of a request's end. Whether it is one that can be waited for.
pub(crate) fn wait(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    request: v8::Local<'_, v8::Object>,
    done: Done,
) -> bool {
    let Some(half) = handle::of::<Request>(scope, env, request) else { return false };
    let before = half.waiting.replace(Some(done));
    drop(before);
    true
}

/// Whether native code waits for a request's end.
pub(crate) fn is_waited_for(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    request: v8::Local<'_, v8::Object>,
) -> bool {
    handle::of::<Request>(scope, env, request).is_some_and(|half| half.waiting.borrow().is_some())
}

/// Completes a request: calls its `oncomplete`.
pub(crate) fn complete<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    request: v8::Local<'s, v8::Object>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Option<()> {
    match handle::of::<Request>(scope, env, request) {
        Some(half) => {
            let waiting = half.waiting.take();
            if let Some(done) = waiting {
                let status = arguments.first().and_then(|status| status.int32_value(scope)).unwrap_or(0);
                let told = done(scope, env, status);
                half.wrap.destroy(scope, env);
                return told;
            }
            let called = half.wrap.call_method(scope, env, request, "oncomplete", arguments);
            half.wrap.destroy(scope, env);
            called.map(drop)
        }
        None => {
            let method = crate::binding::get(scope, request, "oncomplete")?;
            let Ok(method) = method.try_cast::<v8::Function>() else { return Some(()) };
            method.call(scope, request.into(), arguments).map(drop)
        }
    }
}

/// Completes a request when a future has ended, never before this returns. The future gives what makes the arguments of
/// the request's `oncomplete`. `None` with an exception pending if nothing more can be begun.
pub(crate) fn dispatch(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    request: v8::Local<'_, v8::Object>,
    future: impl Future<Output = Complete> + 'static,
) -> Option<()> {
    let (object, env_then) = (v8::Global::new(scope, request), env.clone());
    let operation = async move {
        let complete_with = future.await;
        let deliver: Delivery = Box::new(move |scope| {
            let object = v8::Local::new(scope, &object);
            let arguments = complete_with(scope, &env_then)?;
            complete(scope, &env_then, object, &arguments)
        });
        deliver
    };
    let realm = env.realm()?;
    if spawn(&env.core, &realm, operation).is_none() {
        isolate::library::throw_errno(scope, kernel::Errno::Eagain, "dispatch", None);
        return None;
    }
    Some(())
}
