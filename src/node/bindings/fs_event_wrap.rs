//! `fs.watch`: the changes of a file or directory of the VM's own filesystem.

use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use isolate::library::{Delivery, Scope, string};
use kernel::{Errno, FsChange, FsWatch};

use crate::binding::{Args, Binding, Class, Return, functions};
use crate::environment::Env;
use crate::handle_wrap::{self, Handle, Native};
use crate::system_error::number;

use super::fs::arguments;
use super::fs::looking::{INTERVAL, Looking};
use super::fs::text::Encoding;

pub(super) static BINDING: Binding = Binding { name: "fs_event_wrap", functions: &[], make: Some(make) };

/// Most changes that are told in one turn.
const CHANGES_AT_ONCE: usize = 256;

/// Who knows of changes.
enum Source {
    /// The kernel, of what is in memory.
    Kernel(Arc<FsWatch>),
    /// Nobody: it is looked at again and again.
    Looking(Looking),
}

/// What is watched.
struct Watched {
    source: Source,
    /// The last part of its path.
    name: String,
    encoding: Encoding,
}

/// The native half of an `FSEvent`.
#[derive(Default)]
struct FsEvent {
    watched: RefCell<Option<Rc<Watched>>>,
}

impl Native for FsEvent {
    fn close(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>, _: &Rc<Handle>) {
        self.abandon();
    }

    fn abandon(&self) {
        let watched = self.watched.take();
        drop(watched);
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let parent = handle_wrap::base(scope, env)?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "FSEvent", constructor)?;
    class.template.inherit(parent);
    class.methods(scope, functions! { "start" => start, })?;
    class.getter(scope, "initialized", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(initialized))?;
    class.publish(scope, binding, "FSEvent")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    handle_wrap::attach(scope, &env, args.this(), "FSEVENTWRAP", Rc::new(FsEvent::default()));
}

fn initialized(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, event)) = handle_wrap::receiver::<FsEvent>(scope, args.this()) else { return };
    result.set_bool(event.watched.borrow().is_some());
}

/// (path, persistent, recursive, encoding) -> 0, or the number of an error
fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, event)) = handle_wrap::receiver::<FsEvent>(scope, args.this()) else { return };
    let Some(process) = env.process() else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let encoding = Encoding::of(scope, args.get(3));
    if event.watched.borrow().is_some() || !handle.is_open() {
        return result.set_int32(0);
    }
    let source = match process.watch(&path) {
        Ok(watch) => Ok(Source::Kernel(watch)),
        Err(Errno::Enosys) => Looking::begin(&process, &path).map(Source::Looking),
        Err(errno) => Err(errno),
    };
    let source = match source {
        Ok(source) => source,
        Err(errno) => return result.set_int32(number(errno)),
    };
    if !args.get(1).is_true() {
        handle.set_referenced(&env, false);
    }
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let watched = Rc::new(Watched { source, name, encoding });
    event.watched.replace(Some(watched.clone()));
    listen(&env, &handle, watched);
    result.set_int32(0);
}

/// Waits for changes, again and again until the handle is closed.
fn listen(env: &Rc<Env>, handle: &Rc<Handle>, watched: Rc<Watched>) {
    let (then, owner) = (env.clone(), handle.clone());
    let operation = async move {
        let changes = watched.changes(&then).await;
        let deliver: Delivery = Box::new(move |scope| {
            // The next begins before this one is told: guest code may throw.
            listen(&then, &owner, watched.clone());
            for change in changes {
                if !owner.is_open() {
                    break;
                }
                tell(scope, &then, &owner, &watched, &change)?;
            }
            Some(())
        });
        deliver
    };
    handle.begin(env, operation);
}

impl Watched {
    /// What has changed, once there is something.
    async fn changes(&self, env: &Rc<Env>) -> Vec<FsChange> {
        match &self.source {
            Source::Kernel(watch) => {
                let mut changes = vec![poll_fn(|cx| watch.poll_change(cx)).await];
                let mut context = Context::from_waker(Waker::noop());
                while changes.len() < CHANGES_AT_ONCE
                    && let Poll::Ready(change) = watch.poll_change(&mut context)
                {
                    changes.push(change);
                }
                changes
            }
            Source::Looking(looking) => loop {
                env.sleep(INTERVAL).await;
                let changes = looking.compare();
                if !changes.is_empty() {
                    return changes;
                }
            },
        }
    }
}

fn tell(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    handle: &Handle,
    watched: &Watched,
    change: &FsChange,
) -> Option<()> {
    let status = v8::Integer::new(scope, 0).into();
    let kind = string(scope, if change.renamed { "rename" } else { "change" }).into();
    let name = change.name.as_deref().unwrap_or(&watched.name);
    let name = watched.encoding.encode(scope, env, name)?;
    handle.call(scope, env, "onchange", &[status, kind, name]).map(drop)
}
