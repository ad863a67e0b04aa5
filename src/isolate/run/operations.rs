//! Operations that guest code waits for with a promise: kernel calls that would block and calls of host functions.
//!
//! A kernel operation is a future that this thread polls when its waker says so; no executor is needed.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::binding::errors;
use crate::binding::values;
use crate::realm::core::{Core, Realm, RealmId, Scope, string};
use crate::run::inbox::OperationWaker;
use kernel::{Errno, ExitStatus, Signal};
use protocol::abi::HostCallError;

/// Operations of one realm that may be under way at once.
const OPERATION_LIMIT: usize = 4096;

/// What an operation gives.
pub(crate) enum Output {
    Undefined,
    Bytes(Vec<u8>),
    Exit(ExitStatus),
    Signal(Signal),
}

/// What an operation ends with.
pub(crate) type Ended = Result<Output, Errno>;

/// Names an operation.
pub type OperationId = u64;

/// What is done in a turn of its realm when an operation has ended. `None` with an exception pending if that threw.
pub type Delivery = Box<dyn for<'s, 'i> FnOnce(&mut Scope<'s, 'i>) -> Option<()>>;

enum Kind {
    Kernel(Pin<Box<dyn Future<Output = Ended>>>, Waker, Promised),
    HostCall(Promised),
    Library(Pin<Box<dyn Future<Output = Delivery>>>, Waker),
}

/// The promise that an operation settles.
struct Promised {
    resolver: v8::Global<v8::PromiseResolver>,
    /// The function that was called, for error messages.
    what: &'static str,
}

struct Operation {
    realm: RealmId,
    /// Whether it keeps its job from being over.
    referenced: bool,
    kind: Kind,
}

/// Every operation of the isolate, by number.
#[derive(Default)]
pub(crate) struct Operations {
    pending: HashMap<u64, Operation>,
    last: u64,
}

/// An operation that has ended and wants its promise settled, in a turn of its realm.
pub(crate) struct Settled {
    pub realm: RealmId,
    pub referenced: bool,
    end: End,
}

enum End {
    Promise(Promised, Result<Answer, Failure>),
    Delivery(Delivery),
}

enum Answer {
    Output(Output),
    Json(String),
}

enum Failure {
    Errno(Errno),
    Call(HostCallError),
}

impl Operations {
    /// Polls the operation that was woken.
    pub fn poll(&mut self, id: u64) -> Option<Settled> {
        let end = match &mut self.pending.get_mut(&id)?.kind {
            Kind::Kernel(future, waker, _) => match future.as_mut().poll(&mut Context::from_waker(waker)) {
                Poll::Ready(ended) => Ok(ended),
                Poll::Pending => return None,
            },
            Kind::Library(future, waker) => match future.as_mut().poll(&mut Context::from_waker(waker)) {
                Poll::Ready(delivery) => Err(delivery),
                Poll::Pending => return None,
            },
            Kind::HostCall(_) => return None,
        };
        let Operation { realm, referenced, kind } = self.pending.remove(&id)?;
        let end = match (end, kind) {
            (Ok(ended), Kind::Kernel(_, _, promised)) => {
                End::Promise(promised, ended.map(Answer::Output).map_err(Failure::Errno))
            }
            (Err(delivery), _) => End::Delivery(delivery),
            (Ok(_), _) => return None,
        };
        Some(Settled { realm, referenced, end })
    }

    /// Takes the answer to a host call.
    pub fn answer(&mut self, id: u64, result: Result<String, HostCallError>) -> Option<Settled> {
        if !matches!(self.pending.get(&id)?.kind, Kind::HostCall(_)) {
            return None;
        }
        let Operation { realm, referenced, kind } = self.pending.remove(&id)?;
        let end = match kind {
            Kind::HostCall(promised) => {
                End::Promise(promised, result.map(Answer::Json).map_err(Failure::Call))
            }
            Kind::Kernel(..) | Kind::Library(..) => return None,
        };
        Some(Settled { realm, referenced, end })
    }

    /// Drops everything that belongs to a realm.
    pub fn cancel(&mut self, realm: RealmId) {
        self.pending.retain(|_, operation| operation.realm != realm);
    }

    fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Settled {
    /// Settles the promise, whose reactions run with the microtasks of the turn, or does what the library wants done.
    pub fn deliver(self, scope: &mut Scope<'_, '_>) -> Option<()> {
        match self.end {
            End::Promise(promised, result) => {
                promised.settle(scope, result);
                Some(())
            }
            End::Delivery(delivery) => delivery(scope),
        }
    }
}

impl Promised {
    fn settle(self, scope: &mut Scope<'_, '_>, result: Result<Answer, Failure>) {
        let resolver = v8::Local::new(scope, &self.resolver);
        match result {
            Ok(answer) => {
                if let Some(value) = value_of(scope, answer) {
                    resolver.resolve(scope, value);
                }
            }
            Err(failure) => {
                let error = match failure {
                    Failure::Errno(errno) => errors::errno(scope, errno, self.what, None),
                    Failure::Call(error) => errors::call_error(scope, &error),
                };
                resolver.reject(scope, error);
            }
        }
    }
}

fn value_of<'s>(scope: &mut Scope<'s, '_>, answer: Answer) -> Option<v8::Local<'s, v8::Value>> {
    Some(match answer {
        Answer::Output(Output::Undefined) => v8::undefined(scope).into(),
        Answer::Output(Output::Bytes(bytes)) => values::bytes(scope, &bytes)?,
        Answer::Output(Output::Exit(status)) => values::exit_status(scope, status),
        Answer::Output(Output::Signal(signal)) => string(scope, values::signal_name(signal)).into(),
        Answer::Json(text) => string(scope, &text).into(),
    })
}

/// Starts a kernel operation and returns its promise.
pub(crate) fn start<'s>(
    scope: &mut Scope<'s, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    what: &'static str,
    future: impl Future<Output = Ended> + 'static,
) -> Option<v8::Local<'s, v8::Value>> {
    let mut future: Pin<Box<dyn Future<Output = Ended>>> = Box::pin(future);
    let resolver = v8::PromiseResolver::new(scope)?;
    let promise = resolver.get_promise(scope);
    let id = core.operations.borrow_mut().fresh();
    let waker = Waker::from(Arc::new(OperationWaker { inbox: core.inbox.clone(), operation: id }));
    let ended = if realm.pending.get() >= OPERATION_LIMIT {
        Some(Err(Errno::Eagain))
    } else {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => None,
        }
    };
    let promised = Promised { resolver: v8::Global::new(scope, resolver), what };
    match ended {
        Some(ended) => promised.settle(scope, ended.map(Answer::Output).map_err(Failure::Errno)),
        None => {
            let kind = Kind::Kernel(future, waker, promised);
            let operation = Operation { realm: realm.id, referenced: true, kind };
            realm.pending.set(realm.pending.get() + 1);
            core.operations.borrow_mut().pending.insert(id, operation);
        }
    }
    Some(promise.into())
}

/// Enters a host call and returns its number and its promise; `None` at the limit of operations.
pub(crate) fn start_host_call<'s>(
    scope: &mut Scope<'s, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
) -> Option<(u64, v8::Local<'s, v8::Promise>)> {
    if realm.pending.get() >= OPERATION_LIMIT {
        return None;
    }
    let resolver = v8::PromiseResolver::new(scope)?;
    let promise = resolver.get_promise(scope);
    let promised = Promised { resolver: v8::Global::new(scope, resolver), what: "call" };
    let operation = Operation { realm: realm.id, referenced: true, kind: Kind::HostCall(promised) };
    let mut operations = core.operations.borrow_mut();
    let id = operations.fresh();
    operations.pending.insert(id, operation);
    realm.pending.set(realm.pending.get() + 1);
    Some((id, promise))
}

/// Has a library's operation polled until it ends; what it gives is done in a turn of its own, never before this
/// returns. `None` at the limit of operations.
pub fn spawn(
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    future: impl Future<Output = Delivery> + 'static,
) -> Option<OperationId> {
    let operation_waker = |id| Arc::new(OperationWaker { inbox: core.inbox.clone(), operation: id });
    let id = enter(core, realm, |id| Kind::Library(Box::pin(future), Waker::from(operation_waker(id))))?;
    // It is polled from the event loop, like every time that it says so.
    operation_waker(id).wake_by_ref();
    Some(id)
}

fn enter(core: &Rc<Core>, realm: &Rc<Realm>, kind: impl FnOnce(u64) -> Kind) -> Option<OperationId> {
    if realm.pending.get() >= OPERATION_LIMIT {
        return None;
    }
    let mut operations = core.operations.borrow_mut();
    let id = operations.fresh();
    operations.pending.insert(id, Operation { realm: realm.id, referenced: true, kind: kind(id) });
    realm.pending.set(realm.pending.get() + 1);
    Some(id)
}

/// Says whether an operation keeps its job from being over.
pub fn reference(core: &Rc<Core>, realm: &Rc<Realm>, id: OperationId, referenced: bool) {
    let mut operations = core.operations.borrow_mut();
    let Some(operation) = operations.pending.get_mut(&id).filter(|operation| operation.realm == realm.id)
    else {
        return;
    };
    if std::mem::replace(&mut operation.referenced, referenced) != referenced {
        let count = realm.unreferenced.get();
        realm.unreferenced.set(if referenced { count.saturating_sub(1) } else { count + 1 });
    }
}

/// Drops an operation of a library's: nothing is done at its end.
pub fn forget(core: &Rc<Core>, realm: &Rc<Realm>, id: OperationId) {
    let operation = {
        let mut operations = core.operations.borrow_mut();
        if operations.pending.get(&id).is_none_or(|operation| operation.realm != realm.id) {
            return;
        }
        operations.pending.remove(&id)
    };
    if let Some(operation) = operation {
        realm.settled(operation.referenced);
    }
}
