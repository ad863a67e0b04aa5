//! What files' requests wait in when more are made than may be under way: a program may begin as many as it likes, as it
//! may in Node, where they wait for a thread.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use isolate::library::{Delivery, Scope, spawn};
use kernel::Errno;

use crate::environment::Env;

/// Requests that are under way at once.
const RUNNING_MAX: usize = 512;

/// Most that wait for that.
const WAITING_MAX: usize = 1 << 17;

/// Something that was begun and has not ended, as `process` tells of it.
#[derive(Clone)]
pub(crate) struct Active {
    /// Of what kind it is.
    pub kind: &'static str,
    /// The request's object, where it has one.
    pub object: Option<v8::Global<v8::Object>>,
}

type Operation = Pin<Box<dyn Future<Output = Delivery>>>;

/// The requests of a realm.
#[derive(Default)]
pub(crate) struct Pool {
    running: Cell<usize>,
    waiting: RefCell<VecDeque<Operation>>,
    active: RefCell<BTreeMap<u64, Active>>,
    last: Cell<u64>,
}

impl Pool {
    /// The job is over.
    pub fn clear(&self) {
        self.running.set(0);
        let waiting = self.waiting.take();
        let active = self.active.take();
        drop((waiting, active));
    }

    /// What has not ended, in the order of its beginning.
    pub fn active(&self) -> Vec<Active> {
        self.active.borrow().values().cloned().collect()
    }
}

/// Has an operation done, sooner or later. `None` with an exception pending if there are too many.
pub(in crate::bindings) fn start(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    active: Active,
    operation: impl Future<Output = Delivery> + 'static,
) -> Option<()> {
    let pool = env.state::<Pool>();
    let id = pool.last.get().wrapping_add(1);
    pool.last.set(id);
    let owner = pool.clone();
    let operation = async move {
        let deliver = operation.await;
        let ended = owner.active.borrow_mut().remove(&id);
        drop(ended);
        deliver
    };
    if pool.waiting.borrow().len() < WAITING_MAX {
        pool.waiting.borrow_mut().push_back(Box::pin(operation));
        if fill(env, &pool) {
            pool.active.borrow_mut().insert(id, active);
            return Some(());
        }
    }
    isolate::library::throw_errno(scope, Errno::Eagain, "dispatch", None);
    None
}

/// Begins what may be begun. `false` if nothing is under way then, so that nothing would begin what waits.
fn fill(env: &Rc<Env>, pool: &Rc<Pool>) -> bool {
    while pool.running.get() < RUNNING_MAX {
        let Some(operation) = pool.waiting.borrow_mut().pop_front() else { break };
        // Taken when it is polled first, so that it is not lost where it cannot be begun.
        let taken = Rc::new(Cell::new(Some(operation)));
        let (then, begun) = (env.clone(), taken.clone());
        let counted = async move {
            let deliver = match begun.take() {
                Some(operation) => operation.await,
                None => Box::new(|_: &mut Scope<'_, '_>| Some(())),
            };
            let deliver: Delivery = Box::new(move |scope| {
                let pool = then.state::<Pool>();
                pool.running.set(pool.running.get().saturating_sub(1));
                fill(&then, &pool);
                deliver(scope)
            });
            deliver
        };
        let Some(realm) = env.realm() else { return false };
        if spawn(&env.core, &realm, counted).is_none() {
            if let Some(operation) = taken.take() {
                pool.waiting.borrow_mut().push_front(operation);
            }
            return pool.running.get() > 0;
        }
        pool.running.set(pool.running.get() + 1);
    }
    true
}
