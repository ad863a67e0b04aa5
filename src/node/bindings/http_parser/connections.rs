//! The connections of a server: which wait for a request, and since when the others have had one.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Scope, monotonic};

use crate::binding::{Args, Return};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;

/// Since when a connection's parser has had a message, in the VM's time.
#[derive(Default)]
pub(super) struct Progress {
    pub since: Cell<Option<Duration>>,
    pub has_headers: Cell<bool>,
}

struct Entry {
    progress: Rc<Progress>,
    parser: v8::Weak<v8::Object>,
    active: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Connections {
    entries: RefCell<HashMap<usize, Entry>>,
}

fn key(progress: &Rc<Progress>) -> usize {
    Rc::as_ptr(progress).addr()
}

impl Connections {
    pub fn enter(&self, progress: &Rc<Progress>, parser: v8::Weak<v8::Object>) {
        let entry = Entry { progress: progress.clone(), parser, active: true };
        self.entries.borrow_mut().insert(key(progress), entry);
    }

    pub fn set_active(&self, progress: &Rc<Progress>, active: bool) {
        if let Some(entry) = self.entries.borrow_mut().get_mut(&key(progress)) {
            entry.active = active;
        }
    }

    pub fn remove(&self, progress: &Rc<Progress>) {
        let removed = self.entries.borrow_mut().remove(&key(progress));
        drop(removed);
    }

    /// Those that are chosen, the idle first and then by their time.
    fn choose<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        chosen: impl Fn(&mut Entry) -> bool,
    ) -> v8::Local<'s, v8::Value> {
        let mut found: Vec<(Option<Duration>, v8::Local<v8::Value>)> = Vec::new();
        let mut entries = self.entries.borrow_mut();
        // Parsers that were collected are no connections any more.
        entries.retain(|_, entry| !entry.parser.is_empty());
        for entry in entries.values_mut() {
            if chosen(entry)
                && let Some(parser) = entry.parser.to_local(scope)
            {
                found.push((entry.progress.since.get(), parser.into()));
            }
        }
        found.sort_by_key(|(since, _)| *since);
        let parsers: Vec<v8::Local<v8::Value>> = found.into_iter().map(|(_, parser)| parser).collect();
        v8::Array::new_with_elements(scope, &parsers).into()
    }
}

pub(super) fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(Connections::default()));
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<Rc<Connections>> {
    handle::receiver::<Connections>(scope, args.this()).map(|(_, connections)| connections)
}

pub(super) fn all(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(connections) = receiver(scope, &args) {
        result.set(connections.choose(scope, |_| true));
    }
}

pub(super) fn idle(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(connections) = receiver(scope, &args) {
        result.set(connections.choose(scope, |entry| entry.progress.since.get().is_none()));
    }
}

pub(super) fn active(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(connections) = receiver(scope, &args) {
        result.set(connections.choose(scope, |entry| entry.active));
    }
}

/// (milliseconds for headers, milliseconds for a request) -> those that take longer; they are told of once
pub(super) fn expired(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(connections) = receiver(scope, &args) else { return };
    let time = |index| {
        let milliseconds = args.get(index).number_value(scope).filter(|number| *number > 0.0)?;
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    };
    let (mut headers, mut request) = (time(0), time(1));
    if headers.is_some() && request.is_some() && headers > request {
        std::mem::swap(&mut headers, &mut request);
    }
    let now = monotonic();
    let is_over = |since: Duration, time: Option<Duration>| {
        time.and_then(|time| now.checked_sub(time)).is_some_and(|deadline| since < deadline)
    };
    result.set(connections.choose(scope, |entry| {
        let Some(since) = entry.progress.since.get().filter(|_| entry.active) else { return false };
        let has_expired =
            (!entry.progress.has_headers.get() && is_over(since, headers)) || is_over(since, request);
        entry.active &= !has_expired;
        has_expired
    }));
}
