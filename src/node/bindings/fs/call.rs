//! How a function of the binding is done: at once, for a request whose `oncomplete` is called, or for a promise.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Delivery, Scope};
use kernel::{DirectoryEntry, Errno, FileStatus, FilesystemUsage, Process};

use crate::binding::{Args, Return};
use crate::environment::Env;
use crate::request::{self, Complete};
use crate::system_error::Subject;

use super::pool::{self, Active};
use super::stat::{self, Place};
use super::text::Encoding;

/// The description of `kUsePromises`.
pub(in crate::bindings) const USE_PROMISES: &str = "fs_use_promises_symbol";

/// What makes a value that has no form of its own here.
pub(in crate::bindings) type Make =
    Box<dyn for<'s, 'i> FnOnce(&mut Scope<'s, 'i>, &Rc<Env>) -> Option<v8::Local<'s, v8::Value>>>;

/// What a call gives.
pub(in crate::bindings) enum Answer {
    Undefined,
    Number(f64),
    Name(String, Encoding),
    /// What is known of a file; with `true` in numbers of 64 bits.
    Status(FileStatus, bool),
    Usage(FilesystemUsage, bool),
    /// Names in a directory, with `true` their kinds as well.
    Entries(Vec<DirectoryEntry>, Encoding, bool),
    Make(Make),
}

/// Why a call gives nothing.
pub(in crate::bindings) struct Failed {
    pub errno: Errno,
    /// What that is about, if not what the call is about.
    pub subject: Option<Box<Subject>>,
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Failed {
        Failed { errno, subject: None }
    }
}

impl Failed {
    /// A failure of a part of a call.
    pub fn of(errno: Errno, subject: Subject) -> Failed {
        Failed { errno, subject: Some(Box::new(subject)) }
    }
}

pub(in crate::bindings) type Outcome = Result<Answer, Failed>;

/// Who waits for a call.
enum Waits<'s> {
    Caller,
    Request(v8::Local<'s, v8::Object>),
    Promise,
}

/// A call that is being taken apart.
pub(in crate::bindings) struct Call<'s> {
    pub env: Rc<Env>,
    pub process: Arc<Process>,
    waits: Waits<'s>,
    /// Takes the error of a call that does not throw it.
    failure: Option<v8::Local<'s, v8::Object>>,
}

impl<'s> Call<'s> {
    /// `request` is the index of the argument that says who waits. `None` with an exception pending where no job runs.
    pub fn new(scope: &mut Scope<'s, '_>, args: &Args<'s>, request: i32) -> Option<Call<'s>> {
        let env = Env::of(scope)?;
        let Some(process) = env.process() else {
            crate::binding::unsupported_feature(scope, "a file while the library starts");
            return None;
        };
        let value = args.get(request);
        let waits = if let Ok(object) = value.try_cast::<v8::Object>() {
            Waits::Request(object)
        } else if value.is_symbol() && value.strict_equals(env.symbol(scope, USE_PROMISES).into()) {
            Waits::Promise
        } else {
            Waits::Caller
        };
        Some(Call { env, process, waits, failure: None })
    }

    /// An error is told by properties of that argument, if it is an object.
    pub fn failing_into(mut self, args: &Args<'s>, index: i32) -> Call<'s> {
        self.failure = args.get(index).try_cast().ok();
        self
    }

    /// Whether its caller gets the answer before any more guest code runs.
    pub fn is_awaited_at_once(&self) -> bool {
        matches!(self.waits, Waits::Caller)
    }

    /// Does what waits for nothing.
    pub fn run(
        self,
        scope: &mut Scope<'s, '_>,
        result: Return<'s>,
        subject: Subject,
        work: impl FnOnce(&Process) -> Outcome + 'static,
    ) {
        if matches!(self.waits, Waits::Caller) {
            let outcome = work(&self.process);
            return self.answer(scope, result, &subject, outcome);
        }
        let process = self.process.clone();
        self.start(scope, result, subject, async move { work(&process) });
    }

    /// Does what may have to wait.
    pub fn wait(
        self,
        scope: &mut Scope<'s, '_>,
        result: Return<'s>,
        subject: Subject,
        work: impl Future<Output = Outcome> + 'static,
    ) {
        if matches!(self.waits, Waits::Caller) {
            let outcome = self.env.core.wait(work).unwrap_or_else(|errno| Err(errno.into()));
            return self.answer(scope, result, &subject, outcome);
        }
        self.start(scope, result, subject, work);
    }

    /// Gives the caller what it waited for.
    fn answer(self, scope: &mut Scope<'s, '_>, mut result: Return<'s>, subject: &Subject, outcome: Outcome) {
        let failed = match outcome {
            Ok(answer) => {
                if let Some(value) = value_of(scope, &self.env, answer, Place::Shared) {
                    result.set(value);
                }
                return;
            }
            Err(failed) => failed,
        };
        let subject = failed.subject.as_deref().unwrap_or(subject);
        match self.failure {
            Some(object) => {
                let _ = subject.describe(scope, object, failed.errno);
            }
            None => subject.throw(scope, failed.errno),
        }
    }

    fn start(
        self,
        scope: &mut Scope<'s, '_>,
        mut result: Return<'s>,
        subject: Subject,
        work: impl Future<Output = Outcome> + 'static,
    ) {
        match self.waits {
            Waits::Caller => {}
            Waits::Request(object) => {
                let (object, then) = (v8::Global::new(scope, object), self.env.clone());
                let active = Active { kind: "FSReqCallback", object: Some(object.clone()) };
                let operation = async move {
                    let complete = completion(work.await, subject);
                    let deliver: Delivery = Box::new(move |scope| {
                        let object = v8::Local::new(scope, &object);
                        let arguments = complete(scope, &then)?;
                        request::complete(scope, &then, object, &arguments)
                    });
                    deliver
                };
                let _ = pool::start(scope, &self.env, active, operation);
            }
            Waits::Promise => {
                if let Some(promise) = promise(scope, &self.env, subject, work) {
                    result.set(promise.into());
                }
            }
        }
    }
}

/// The arguments of `oncomplete`.
fn completion(outcome: Outcome, subject: Subject) -> Complete {
    Box::new(move |scope, env| match outcome {
        Ok(answer) => {
            let value = value_of(scope, env, answer, Place::Shared)?;
            let none = v8::null(scope).into();
            Some(if value.is_undefined() { vec![none] } else { vec![none, value] })
        }
        Err(failed) => Some(vec![error_of(scope, &failed, &subject)?]),
    })
}

fn error_of<'s>(
    scope: &mut Scope<'s, '_>,
    failed: &Failed,
    subject: &Subject,
) -> Option<v8::Local<'s, v8::Value>> {
    failed.subject.as_deref().unwrap_or(subject).error(scope, failed.errno)
}

/// A promise of what a future gives. `None` with an exception pending if nothing more can be begun.
pub(in crate::bindings) fn promise<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    subject: Subject,
    work: impl Future<Output = Outcome> + 'static,
) -> Option<v8::Local<'s, v8::Promise>> {
    let resolver = v8::PromiseResolver::new(scope)?;
    let (then, settled) = (env.clone(), v8::Global::new(scope, resolver));
    let operation = async move {
        let outcome = work.await;
        let deliver: Delivery = Box::new(move |scope| {
            let resolver = v8::Local::new(scope, &settled);
            match outcome {
                Ok(answer) => {
                    let value = value_of(scope, &then, answer, Place::Own)?;
                    resolver.resolve(scope, value)?;
                }
                Err(failed) => {
                    let error = error_of(scope, &failed, &subject)?;
                    resolver.reject(scope, error)?;
                }
            }
            Some(())
        });
        deliver
    };
    pool::start(scope, env, Active { kind: "FSReqPromise", object: None }, operation)?;
    Some(resolver.get_promise(scope))
}

/// The value of an answer. `None` with an exception pending.
pub(in crate::bindings) fn value_of<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    answer: Answer,
    place: Place,
) -> Option<v8::Local<'s, v8::Value>> {
    Some(match answer {
        Answer::Undefined => v8::undefined(scope).into(),
        Answer::Number(number) => v8::Number::new(scope, number).into(),
        Answer::Name(name, encoding) => encoding.encode(scope, env, &name)?,
        Answer::Status(status, is_big) => stat::value(scope, env, &status, is_big, place)?,
        Answer::Usage(usage, is_big) => stat::usage_value(scope, &usage, is_big)?,
        Answer::Entries(entries, encoding, with_kinds) => {
            let (mut names, mut kinds) = (Vec::new(), Vec::new());
            for entry in &entries {
                names.push(encoding.encode(scope, env, &entry.name)?);
                kinds.push(v8::Integer::new(scope, stat::entry_kind(entry.kind)).into());
            }
            let names = v8::Array::new_with_elements(scope, &names);
            if !with_kinds {
                return Some(names.into());
            }
            let kinds = v8::Array::new_with_elements(scope, &kinds);
            v8::Array::new_with_elements(scope, &[names.into(), kinds.into()]).into()
        }
        Answer::Make(make) => make(scope, env)?,
    })
}
