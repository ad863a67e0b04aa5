//! `navigator.locks`: requests of this thread, and the callbacks that run while they have their locks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Delivery, OperationId, Scope, forget, reference, spawn, string, throw_no_memory};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;
use crate::locks::{Event, Notice, Outcome, Wanted};

pub(super) static BINDING: Binding = Binding {
    name: "locks",
    functions: functions! {
        "request" => request,
        "query" => query,
    },
    make: None,
};

const FULL: &str = "there are too many requests for locks";
const SHARED: &str = "shared";
const EXCLUSIVE: &str = "exclusive";
/// What the library takes for a stolen lock.
const STOLEN: &str = "LOCK_STOLEN";

/// The requests of a realm that have not come to their end.
#[derive(Default)]
pub(crate) struct Requests(RefCell<HashMap<u64, Open>>);

/// Callbacks that were called and whose promises have not settled: which request each is of, and what to settle then.
#[derive(Default)]
struct Running {
    last: Cell<u64>,
    callbacks: RefCell<HashMap<u64, Called>>,
}

/// Of which request a callback is, if it has its lock, and what to settle.
type Called = (Option<u64>, v8::Global<v8::PromiseResolver>);

struct Open {
    name: String,
    exclusive: bool,
    /// Until it is called.
    callback: Option<v8::Global<v8::Function>>,
    /// Settled when the lock is given back.
    released: v8::Global<v8::PromiseResolver>,
    /// Waits for what becomes of it through others.
    event: Option<OperationId>,
}

impl Requests {
    /// The job is over: others may have its locks.
    pub(crate) fn abandon(&self, env: &Env) {
        env.state::<Running>().callbacks.take();
        let open = self.0.take();
        if !open.is_empty() {
            let open: Vec<u64> = open.into_keys().collect();
            env.group.locks.release(env.thread_number(), &open);
        }
    }
}

/// (name, client, mode, steal, ifAvailable, callback) -> a promise of what the callback comes to
fn request<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let Ok(callback) = args.get(5).try_cast::<v8::Function>() else {
        return isolate::library::throw_type(scope, "a request for a lock needs a callback");
    };
    let mut text = |index| {
        let text = args.get(index).to_string(scope)?;
        isolate::library::text(scope, text)
    };
    let (Some(name), Some(client), Some(mode)) = (text(0), text(1), text(2)) else { return };
    let wanted = Wanted { name: name.clone(), client, exclusive: mode != SHARED };
    let (steals, waits) = (args.get(3).is_true(), !args.get(4).is_true());
    let Some(released) = v8::PromiseResolver::new(scope) else { return };
    result.set(released.get_promise(scope).into());
    let open = Open {
        name,
        exclusive: wanted.exclusive,
        callback: Some(v8::Global::new(scope, callback)),
        released: v8::Global::new(scope, released),
        event: None,
    };
    by_turns(scope, &env, move |scope, env| ask(scope, env, open, wanted, steals, waits));
}

/// Does what depends on other threads. Where clocks are frozen each such look takes a turn of the event loop: what others do
/// between two is then as coarse a clock as their messages are.
fn by_turns(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    look: impl for<'s, 'i> FnOnce(&mut Scope<'s, 'i>, &Rc<Env>) + 'static,
) {
    if !env.core.is_frozen() || !env.group.is_shared() {
        return look(scope, env);
    }
    let Some(realm) = env.realm() else { return };
    let owner = Rc::downgrade(env);
    let delivery: Delivery = Box::new(move |scope| {
        look(scope, &owner.upgrade()?);
        Some(())
    });
    if spawn(&env.core, &realm, std::future::ready(delivery)).is_none() {
        throw_no_memory(scope, FULL);
    }
}

fn ask(scope: &mut Scope<'_, '_>, env: &Rc<Env>, open: Open, wanted: Wanted, steals: bool, waits: bool) {
    let outcome = env.group.locks.request(env.thread_number(), wanted, steals, waits);
    if let Outcome::Made(made) = outcome {
        env.state::<Requests>().0.borrow_mut().insert(made.id, open);
        wait(env, made.id, made.notice);
        for stolen in made.stolen {
            lose(scope, env, stolen);
        }
        if made.held {
            run(scope, env, made.id);
        }
        return;
    }
    let released = v8::Local::new(scope, &open.released);
    match (outcome, open.callback) {
        (Outcome::Missed, Some(callback)) => {
            let (callback, none) = (v8::Local::new(scope, &callback), v8::null(scope).into());
            call(scope, env, callback, none, released, None);
        }
        _ => {
            let message = string(scope, FULL);
            let error = v8::Exception::range_error(scope, message);
            released.reject(scope, error);
        }
    }
}

/// Sees to it that this thread learns what becomes of a request through others. That keeps nothing alive.
fn wait(env: &Rc<Env>, id: u64, notice: Arc<Notice>) {
    let Some(realm) = env.realm() else { return };
    let told = notice.clone();
    let owner = Rc::downgrade(env);
    let event = async move {
        let event = poll_fn(|cx| told.poll(cx)).await;
        let delivery: Delivery = Box::new(move |scope| {
            let env = owner.upgrade()?;
            match event {
                Event::Granted => {
                    wait(&env, id, notice);
                    run(scope, &env, id);
                }
                Event::Stolen => lose(scope, &env, id),
            }
            Some(())
        });
        delivery
    };
    let Some(operation) = spawn(&env.core, &realm, event) else { return };
    reference(&env.core, &realm, operation, false);
    if let Some(open) = env.state::<Requests>().0.borrow_mut().get_mut(&id) {
        open.event = Some(operation);
    }
}

/// The request has its lock: calls its callback.
fn run(scope: &mut Scope<'_, '_>, env: &Rc<Env>, id: u64) {
    let taken = {
        let requests = env.state::<Requests>();
        let mut requests = requests.0.borrow_mut();
        let Some(open) = requests.get_mut(&id) else { return };
        open.callback
            .take()
            .map(|callback| (callback, open.released.clone(), open.name.clone(), open.exclusive))
    };
    let Some((callback, released, name, exclusive)) = taken else { return };
    let (callback, released) = (v8::Local::new(scope, &callback), v8::Local::new(scope, &released));
    let Some(lock) = describe(scope, &name, exclusive) else { return };
    call(scope, env, callback, lock.into(), released, Some(id));
}

fn describe<'s>(scope: &mut Scope<'s, '_>, name: &str, exclusive: bool) -> Option<v8::Local<'s, v8::Object>> {
    let lock = v8::Object::new(scope);
    let (name, mode) = (string(scope, name), string(scope, if exclusive { EXCLUSIVE } else { SHARED }));
    set(scope, lock, "name", name.into())?;
    set(scope, lock, "mode", mode.into())?;
    Some(lock)
}

/// Calls a callback. When what it gives has settled, so has the request.
fn call(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    callback: v8::Local<'_, v8::Function>,
    lock: v8::Local<'_, v8::Value>,
    released: v8::Local<'_, v8::PromiseResolver>,
    id: Option<u64>,
) {
    v8::tc_scope!(let scope, scope);
    let receiver = v8::undefined(scope).into();
    let given = callback.call(scope, receiver, &[lock]);
    if scope.has_terminated() {
        return;
    }
    let settled = (|| {
        let Some(given) = given else {
            let thrown = scope.exception()?;
            scope.reset();
            finish(scope, env, id);
            return released.reject(scope, thrown);
        };
        let Ok(promise) = given.try_cast::<v8::Promise>() else {
            finish(scope, env, id);
            return released.resolve(scope, given);
        };
        let running = env.state::<Running>();
        let number = running.last.get() + 1;
        running.last.set(number);
        running.callbacks.borrow_mut().insert(number, (id, v8::Global::new(scope, released)));
        let data = v8::Number::new(scope, number as f64);
        let fulfilled = v8::Function::builder(fulfilled).data(data.into()).build(scope)?;
        let rejected = v8::Function::builder(rejected).data(data.into()).build(scope)?;
        promise.then2(scope, fulfilled, rejected)?;
        Some(true)
    })();
    if settled.is_none() && !scope.has_terminated() {
        scope.reset();
    }
}

fn fulfilled<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    if let Some(released) = settled(scope, &args) {
        released.resolve(scope, args.get(0));
    }
}

fn rejected<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    if let Some(released) = settled(scope, &args) {
        released.reject(scope, args.get(0));
    }
}

fn settled<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>) -> Option<v8::Local<'s, v8::PromiseResolver>> {
    let env = Env::of(scope)?;
    let number = args.data().number_value(scope)? as u64;
    let (id, released) = env.state::<Running>().callbacks.borrow_mut().remove(&number)?;
    finish(scope, &env, id);
    Some(v8::Local::new(scope, &released))
}

/// Takes a request out of the table, with what waits for it. None if it has come to its end before.
fn close(env: &Env, id: u64) -> Option<Open> {
    let open = env.state::<Requests>().0.borrow_mut().remove(&id)?;
    if let (Some(event), Some(realm)) = (open.event, env.realm()) {
        forget(&env.core, &realm, event);
    }
    Some(open)
}

/// Gives a lock back, and runs what has waited for it in this thread.
fn finish(scope: &mut Scope<'_, '_>, env: &Rc<Env>, id: Option<u64>) {
    let Some(id) = id else { return };
    if close(env, id).is_none() {
        return;
    }
    for next in env.group.locks.release(env.thread_number(), &[id]) {
        run(scope, env, next);
    }
}

/// Somebody has taken its lock.
fn lose(scope: &mut Scope<'_, '_>, env: &Rc<Env>, id: u64) {
    let Some(open) = close(env, id) else { return };
    let released = v8::Local::new(scope, &open.released);
    let message = string(scope, STOLEN);
    let error = v8::Exception::error(scope, message);
    released.reject(scope, error);
}

/// () -> a promise of { held, pending }: of this thread's, as in Node
fn query<'s>(scope: &mut Scope<'s, '_>, _: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(resolver) = v8::PromiseResolver::new(scope) else { return };
    if let Some(told) = tell(scope, &env) {
        resolver.resolve(scope, told.into());
    }
    result.set(resolver.get_promise(scope).into());
}

fn tell<'s>(scope: &mut Scope<'s, '_>, env: &Env) -> Option<v8::Local<'s, v8::Object>> {
    let (held, pending) = env.group.locks.of(env.thread_number());
    let told = v8::Object::new(scope);
    for (key, locks) in [("held", held), ("pending", pending)] {
        let list = v8::Array::new(scope, 0);
        for (index, lock) in locks.iter().enumerate() {
            let one = describe(scope, &lock.name, lock.exclusive)?;
            let client = string(scope, &lock.client);
            set(scope, one, "clientId", client.into())?;
            list.set_index(scope, u32::try_from(index).ok()?, one.into())?;
        }
        set(scope, told, key, list.into())?;
    }
    Some(told)
}
