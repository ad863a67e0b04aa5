//! `fs.watchFile`: looks at a file again and again.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Delivery, Scope};
use kernel::{Errno, FileStatus, Symlinks};

use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle_wrap::{self, Handle, Native};

use super::arguments;
use super::stat;

/// Shortest time between two looks.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// What is looked at.
struct Watched {
    path: String,
    interval: Duration,
    is_big: bool,
    /// What was seen last; none before the first look.
    seen: RefCell<Option<Result<FileStatus, Errno>>>,
    /// As it was when it was there last.
    last: RefCell<Option<FileStatus>>,
}

/// The native half of a `StatWatcher`.
struct StatWatcher {
    is_big: bool,
    watched: RefCell<Option<Rc<Watched>>>,
}

impl Native for StatWatcher {
    fn close(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>, _: &Rc<Handle>) {
        self.abandon();
    }

    fn abandon(&self) {
        self.watched.take();
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let parent = handle_wrap::base(scope, env)?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "StatWatcher", constructor)?;
    class.template.inherit(parent);
    class.methods(scope, functions! { "start" => start, })?;
    class.publish(scope, binding, "StatWatcher")
}

/// (bigint)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let watcher = StatWatcher { is_big: args.get(0).is_true(), watched: RefCell::default() };
    handle_wrap::attach(scope, &env, args.this(), "STATWATCHER", Rc::new(watcher));
}

/// (path, milliseconds) -> 0
fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, watcher)) = handle_wrap::receiver::<StatWatcher>(scope, args.this()) else {
        return;
    };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let interval = Duration::from_millis(u64::from(args.get(1).uint32_value(scope).unwrap_or(0)));
    result.set_int32(0);
    if watcher.watched.borrow().is_some() || !handle.is_open() {
        return;
    }
    let watched = Rc::new(Watched {
        path,
        interval: interval.max(INTERVAL_MIN),
        is_big: watcher.is_big,
        seen: RefCell::default(),
        last: RefCell::default(),
    });
    watcher.watched.replace(Some(watched.clone()));
    look(&env, &handle, watched, false);
}

/// Looks, at once or after the interval, until there is something to tell; and then again, until the handle is closed.
fn look(env: &Rc<Env>, handle: &Rc<Handle>, watched: Rc<Watched>, mut waits: bool) {
    let Some(process) = env.process() else { return };
    let (then, owner) = (env.clone(), handle.clone());
    let operation = async move {
        let change = loop {
            if waits {
                then.sleep(watched.interval).await;
            }
            waits = true;
            let now = process.stat(&watched.path, Symlinks::Follow);
            if let Some(change) = watched.compare(now) {
                break change;
            }
        };
        let deliver: Delivery = Box::new(move |scope| {
            look(&then, &owner, watched.clone(), true);
            let zero = [0; stat::FIELDS];
            let fields = |status: Option<FileStatus>| status.map_or(zero, |status| stat::fields(&status));
            let numbers = [fields(change.now), fields(change.before)].concat();
            let status = v8::Integer::new(scope, change.status).into();
            let values = stat::shared(scope, &then, &numbers, watched.is_big)?;
            owner.call(scope, &then, "onchange", &[status, values]).map(drop)
        });
        deliver
    };
    handle.begin(env, operation);
}

/// What is told.
struct Change {
    status: i32,
    now: Option<FileStatus>,
    before: Option<FileStatus>,
}

impl Watched {
    fn compare(&self, now: Result<FileStatus, Errno>) -> Option<Change> {
        let seen = self.seen.replace(Some(now));
        let before = *self.last.borrow();
        match now {
            Err(errno) if seen == Some(Err(errno)) => None,
            Err(errno) => Some(Change { status: crate::system_error::number(errno), now: None, before }),
            Ok(status) => {
                self.last.replace(Some(status));
                let is_new = match seen {
                    None => false,
                    Some(Err(_)) => true,
                    Some(Ok(seen)) => seen != status,
                };
                is_new.then_some(Change { status: 0, now: Some(status), before })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_that_something_came_went_or_changed() {
        let watched = Watched {
            path: String::new(),
            interval: INTERVAL_MIN,
            is_big: false,
            seen: RefCell::default(),
            last: RefCell::default(),
        };
        let file = FileStatus {
            device: 1,
            inode: 2,
            kind: kernel::FileKind::Regular,
            mode: 0o644,
            links: 1,
            size: 0,
            allocated: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
        };
        let grown = FileStatus { size: 1, ..file };
        let told = |now| watched.compare(now).map(|change| (change.status, change.now, change.before));
        assert_eq!(told(Err(Errno::Enoent)), Some((-2, None, None)));
        assert_eq!(told(Err(Errno::Enoent)), None);
        assert_eq!(told(Ok(file)), Some((0, Some(file), None)));
        assert_eq!(told(Ok(file)), None);
        assert_eq!(told(Ok(grown)), Some((0, Some(grown), Some(file))));
        assert_eq!(told(Err(Errno::Enoent)), Some((-2, None, Some(grown))));
    }
}
