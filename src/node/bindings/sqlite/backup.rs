//! `backup`: copies a database page by page, some in each turn of the event loop.

use std::cell::Cell;
use std::ffi::{CString, c_int};
use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Delivery, Scope};
use libsqlite3_sys as ffi;

use super::connection::Connection;
use super::{database, errors, options};
use crate::binding::{Args, Return, set_number};
use crate::environment::Env;

/// Pages of one turn, unless that is said.
const RATE: c_int = 100;

/// How long to wait for who has locked one of the databases.
const PATIENCE: Duration = Duration::from_millis(25);

/// A copy that is being made.
struct Backup {
    source: Rc<Connection>,
    target: Rc<Connection>,
    /// Null once it has ended.
    raw: Cell<*mut ffi::sqlite3_backup>,
    rate: c_int,
    progress: Option<v8::Global<v8::Function>>,
    resolver: v8::Global<v8::PromiseResolver>,
}

impl Backup {
    fn finish(&self) {
        let raw = self.raw.replace(std::ptr::null_mut());
        if !raw.is_null() {
            self.target.call_quietly(|| {
                // SAFETY: it was alive, and ends once; SQLite keeps both connections until then.
                unsafe { ffi::sqlite3_backup_finish(raw) }
            });
        }
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        self.finish();
    }
}

/// (database, path, options) -> promise of the number of pages
pub(super) fn backup<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if let Some(promise) = begin(scope, &args) {
        result.set(promise.into());
    }
}

fn begin<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>) -> Option<v8::Local<'s, v8::Promise>> {
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else {
        errors::invalid_type(scope, "The \"sourceDb\" argument must be an object.");
        return None;
    };
    let (env, source) = database::connected(scope, object)?;
    let location = options::location(scope, args.get(1))?;
    let (mut names, mut rate, mut progress) = ((None, None), RATE, None);
    if let Some(given) = options::object(scope, args.get(2))? {
        if let Some(value) = options::integer(scope, given, "rate")? {
            rate = value;
        }
        names.0 = options::text(scope, given, "source")?;
        names.1 = options::text(scope, given, "target")?;
        progress = options::function(scope, given, "progress")?;
    }
    let main = || "main".to_owned();
    let names = (
        database::c_text(scope, names.0.unwrap_or_else(main))?,
        database::c_text(scope, names.1.unwrap_or_else(main))?,
    );
    let progress = progress.map(|function| v8::Global::new(scope, function));
    let resolver = v8::PromiseResolver::new(scope)?;
    let promise = resolver.get_promise(scope);
    let resolver = v8::Global::new(scope, resolver);
    let then = env.clone();
    start(scope, &env, None, move |scope| {
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_URI;
        let opened = {
            v8::tc_scope!(let scope, scope);
            let opened = open(scope, &then, (&source, &names), &location, flags);
            match (opened, scope.exception()) {
                (Some(opened), _) => Ok(opened),
                (None, Some(exception)) => Err(v8::Global::new(scope, exception)),
                (None, None) => return None,
            }
        };
        match opened {
            Ok((target, raw)) => {
                let raw = Cell::new(raw);
                let backup = Rc::new(Backup { source, target, raw, rate, progress, resolver });
                step(scope, &then, &backup)
            }
            Err(exception) => {
                let exception = v8::Local::new(scope, &exception);
                v8::Local::new(scope, &resolver).reject(scope, exception).map(drop)
            }
        }
    })?;
    Some(promise)
}

/// The copy's own database, and the copying. `None` with an exception pending.
fn open(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    (source, names): (&Rc<Connection>, &(CString, CString)),
    location: &str,
    flags: c_int,
) -> Option<(Rc<Connection>, *mut ffi::sqlite3_backup)> {
    if !source.is_open() {
        errors::invalid_state(scope, "database is not open");
        return None;
    }
    let target = Connection::open(scope, env, location, flags)?;
    // SAFETY: both connections are open, and the names end with zeros.
    let raw = target.call_quietly(|| unsafe {
        ffi::sqlite3_backup_init(target.raw(), names.1.as_ptr(), source.raw(), names.0.as_ptr())
    });
    if raw.is_null() {
        let error = errors::last_error(scope, target.raw());
        scope.throw_exception(error);
        return None;
    }
    Some((target, raw))
}

/// Has this done in a turn of the event loop. `None` with an exception pending if nothing more can be begun.
fn start(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    wait: Option<Duration>,
    work: impl for<'s, 'i> FnOnce(&mut Scope<'s, 'i>) -> Option<()> + 'static,
) -> Option<()> {
    let realm = env.realm()?;
    let sleep = wait.map(|wait| env.sleep(wait));
    let operation = async move {
        if let Some(sleep) = sleep {
            sleep.await;
        }
        let deliver: Delivery = Box::new(work);
        deliver
    };
    if isolate::library::spawn(&env.core, &realm, operation).is_none() {
        isolate::library::throw_no_memory(scope, "too many operations");
        return None;
    }
    Some(())
}

/// Copies some pages, and goes on in another turn until all are copied.
fn step(scope: &mut Scope<'_, '_>, env: &Rc<Env>, backup: &Rc<Backup>) -> Option<()> {
    let resolver = v8::Local::new(scope, &backup.resolver);
    let raw = backup.raw.get();
    let code = backup.source.call_quietly(|| {
        // SAFETY: it is alive.
        unsafe { ffi::sqlite3_backup_step(raw, backup.rate) }
    });
    // SAFETY: it is alive.
    let (left, all) = unsafe { (ffi::sqlite3_backup_remaining(raw), ffi::sqlite3_backup_pagecount(raw)) };
    let waits = matches!(code, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED);
    if !waits && !matches!(code, ffi::SQLITE_OK | ffi::SQLITE_DONE) {
        backup.finish();
        let error = errors::last_error(scope, backup.target.raw());
        return resolver.reject(scope, error).map(drop);
    }
    if left != 0
        && let Some(progress) = &backup.progress
    {
        let progress = v8::Local::new(scope, progress);
        let told = v8::Object::new(scope);
        set_number(scope, told, "totalPages", f64::from(all))?;
        set_number(scope, told, "remainingPages", f64::from(left))?;
        let thrown = {
            v8::tc_scope!(let scope, scope);
            let receiver = v8::null(scope).into();
            progress.call(scope, receiver, &[told.into()]);
            if scope.has_terminated() {
                return None;
            }
            scope.exception().map(|exception| v8::Global::new(scope, exception))
        };
        if let Some(thrown) = thrown {
            backup.finish();
            let thrown = v8::Local::new(scope, &thrown);
            return resolver.reject(scope, thrown).map(drop);
        }
    }
    if code == ffi::SQLITE_DONE {
        backup.finish();
        let all = v8::Integer::new(scope, all).into();
        return resolver.resolve(scope, all).map(drop);
    }
    let (then, next) = (env.clone(), backup.clone());
    start(scope, env, waits.then_some(PATIENCE), move |scope| step(scope, &then, &next))
}
