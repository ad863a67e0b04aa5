//! Operations that guest code waits for with a promise: kernel calls that would block and calls of host functions.
//!
//! A kernel operation is a future that this thread polls when its waker says so; no executor is needed.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

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

enum Kind {
    Kernel(Pin<Box<dyn Future<Output = Ended>>>, Waker),
    HostCall,
}

struct Operation {
    realm: RealmId,
    resolver: v8::Global<v8::PromiseResolver>,
    /// The function that was called, for error messages.
    what: &'static str,
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
    resolver: v8::Global<v8::PromiseResolver>,
    what: &'static str,
    result: Result<Answer, Failure>,
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
        let Kind::Kernel(future, waker) = &mut self.pending.get_mut(&id)?.kind else { return None };
        let Poll::Ready(ended) = future.as_mut().poll(&mut Context::from_waker(waker)) else { return None };
        let operation = self.pending.remove(&id)?;
        Some(operation.settle(ended.map(Answer::Output).map_err(Failure::Errno)))
    }

    /// Takes the answer to a host call.
    pub fn answer(&mut self, id: u64, result: Result<String, HostCallError>) -> Option<Settled> {
        if !matches!(self.pending.get(&id)?.kind, Kind::HostCall) {
            return None;
        }
        let operation = self.pending.remove(&id)?;
        Some(operation.settle(result.map(Answer::Json).map_err(Failure::Call)))
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

impl Operation {
    fn settle(self, result: Result<Answer, Failure>) -> Settled {
        Settled { realm: self.realm, resolver: self.resolver, what: self.what, result }
    }
}

impl Settled {
    /// Settles the promise. Reactions run with the microtasks of the turn.
    pub fn deliver(self, scope: &mut Scope<'_, '_>) {
        let resolver = v8::Local::new(scope, &self.resolver);
        match self.result {
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
    let operation = Operation {
        realm: realm.id,
        resolver: v8::Global::new(scope, resolver),
        what,
        kind: Kind::Kernel(future, waker),
    };
    match ended {
        Some(ended) => {
            operation.settle(ended.map(Answer::Output).map_err(Failure::Errno)).deliver(scope);
        }
        None => {
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
    let operation = Operation {
        realm: realm.id,
        resolver: v8::Global::new(scope, resolver),
        what: "call",
        kind: Kind::HostCall,
    };
    let mut operations = core.operations.borrow_mut();
    let id = operations.fresh();
    operations.pending.insert(id, operation);
    realm.pending.set(realm.pending.get() + 1);
    Some((id, promise))
}
