//! Directories that are read entry by entry.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::Scope;
use kernel::{DirectoryEntry, Errno, OpenFile, OpenFlags, Process};

use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Binding, Class, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::system_error::Subject;

use super::fs::arguments;
use super::fs::call::{Answer, Call, Make};
use super::fs::stat::entry_kind;
use super::fs::text::Encoding;

pub(super) static BINDING: Binding = Binding {
    name: "fs_dir",
    functions: functions! {
        "opendir" => opendir,
        "opendirSync" => opendir_sync,
    },
    make: Some(make),
};

/// The name of the class among the templates of a realm.
const CLASS: &str = "DirHandle";

/// Most entries that one call gives.
const ENTRIES_MAX: usize = 4096;

/// An open directory.
struct Directory {
    file: Arc<OpenFile>,
    /// What was not given yet; none before it is first asked.
    rest: RefCell<Option<VecDeque<DirectoryEntry>>>,
}

/// The native half of a `DirHandle`.
struct DirHandle {
    wrap: AsyncWrap,
    /// None once it is closed.
    directory: RefCell<Option<Rc<Directory>>>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, CLASS, constructor)?;
    class.methods(scope, async_methods!(DirHandle, wrap))?;
    class.methods(scope, functions! { "read" => read, "close" => close, })?;
    class.keep(scope, env, CLASS);
    class.publish(scope, binding, CLASS)
}

/// A directory is opened by [`opendir`]: what is constructed otherwise is closed.
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if crate::handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let wrap = AsyncWrap::new(scope, &env, args.this(), "DIRHANDLE");
    let half = DirHandle { wrap, directory: RefCell::default() };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(half));
}

fn open(process: &Process, path: &str) -> Result<Answer, super::fs::call::Failed> {
    let file = process.open(path, OpenFlags::READ | OpenFlags::DIRECTORY, 0)?;
    let make: Make = Box::new(move |scope, env| {
        let object = handle::construct(scope, env, CLASS, &[])?;
        let half = handle::of::<DirHandle>(scope, env, object)?;
        half.directory.replace(Some(Rc::new(Directory { file, rest: RefCell::default() })));
        Some(object.into())
    });
    Ok(Answer::Make(make))
}

/// (path, encoding, request) -> handle
fn opendir<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    call.run(scope, result, Subject::path("opendir", &path), move |process| open(process, &path));
}

/// (path) -> handle
fn opendir_sync<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, args.length()) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    call.run(scope, result, Subject::path("opendir", &path), move |process| open(process, &path));
}

/// (encoding, how many, request) -> [name, kind, name, kind, ...], or null at the end
fn read<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some((_, half)) = handle::receiver::<DirHandle>(scope, args.this()) else { return };
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let encoding = Encoding::of(scope, args.get(0));
    let most = arguments::size(scope, &args, 1).clamp(1, ENTRIES_MAX);
    let directory = half.directory.borrow().clone();
    call.run(scope, result, Subject::new("scandir"), move |process| {
        let directory = directory.ok_or(Errno::Ebadf)?;
        let known = directory.rest.take();
        let mut rest = match known {
            Some(rest) => rest,
            None => process.read_directory(&directory.file)?.into(),
        };
        let part: Vec<DirectoryEntry> = rest.drain(..most.min(rest.len())).collect();
        directory.rest.replace(Some(rest));
        let make: Make = Box::new(move |scope, env| {
            if part.is_empty() {
                return Some(v8::null(scope).into());
            }
            let mut values = Vec::new();
            for entry in &part {
                values.push(encoding.encode(scope, env, &entry.name)?);
                values.push(v8::Integer::new(scope, entry_kind(entry.kind)).into());
            }
            Some(v8::Array::new_with_elements(scope, &values).into())
        });
        Ok(Answer::Make(make))
    });
}

/// (request)
fn close<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some((_, half)) = handle::receiver::<DirHandle>(scope, args.this()) else { return };
    let Some(call) = Call::new(scope, &args, 0) else { return };
    let directory = half.directory.take();
    call.run(scope, result, Subject::new("closedir"), move |_| {
        directory.ok_or(Errno::Ebadf)?;
        Ok(Answer::Undefined)
    });
}
