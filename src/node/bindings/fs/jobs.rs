//! Several system calls as one piece of work: reading, writing or copying whole files. `ondone` is called at the end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Delivery, Scope, throw_type};
use kernel::{Errno, FileKind, OpenFlags, Process};

use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::request::Complete;
use crate::system_error::Subject;

use super::copying::{self, Copying};
use super::memory;
use super::open::open_descriptor;
use super::pool::Active;
use super::{arguments, io, pool};

/// What is to be done.
enum Task {
    Read { path: String, flags: OpenFlags, limit: u64 },
    Write { path: String, flags: OpenFlags, mode: u32, bytes: Vec<u8> },
    CopyDirectory(Copying),
}

/// The native half of a job.
struct Job {
    wrap: AsyncWrap,
    /// Taken when it is begun.
    task: RefCell<Option<Task>>,
}

pub(super) fn make(scope: &mut Scope<'_, '_>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructors: [(&str, v8::FunctionCallback); 3] = [
        ("ReadFileJob", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_read)),
        ("WriteFileJob", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_write)),
        ("CpDirJob", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_copy)),
    ];
    for (name, constructor) in constructors {
        let class = Class::new(scope, name, constructor)?;
        class.methods(scope, async_methods!(Job, wrap))?;
        class.methods(scope, functions! { "run" => run, })?;
        class.publish(scope, binding, name)?;
    }
    Some(())
}

fn attach(scope: &mut Scope<'_, '_>, args: &Args<'_>, task: Task) {
    if !args.is_construct_call() {
        return throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let wrap = AsyncWrap::new(scope, &env, args.this(), "FSREQCALLBACK");
    let _ = handle::attach(scope, &env, args.this(), Rc::new(Job { wrap, task: RefCell::new(Some(task)) }));
}

/// (path, flags, limit, ...)
fn construct_read(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let (flags, limit) = (arguments::flags(scope, &args, 1), arguments::unsigned(scope, &args, 2));
    attach(scope, &args, Task::Read { path, flags, limit });
}

/// (path, flags, mode, data)
fn construct_write(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let (flags, mode) = (arguments::flags(scope, &args, 1), arguments::mode(scope, &args, 2));
    let Ok(data) = args.get(3).try_cast::<v8::ArrayBufferView>() else {
        return throw_type(scope, "a buffer is wanted");
    };
    let Some(bytes) = memory::copy_out(data, 0, usize::MAX) else {
        return isolate::library::throw_no_memory(scope, "There is no memory for a copy of the data");
    };
    attach(scope, &args, Task::Write { path, flags, mode, bytes });
}

/// (source, destination, force, dereference, errorOnExist, verbatimSymlinks, preserveTimestamps, mode)
fn construct_copy(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(copying) = Copying::of(scope, &args) else { return };
    attach(scope, &args, Task::CopyDirectory(copying));
}

/// Begins. Nothing is refused before that: permissions are asked where the work is done.
fn run(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, job)) = handle::receiver::<Job>(scope, args.this()) else { return };
    let Some(task) = job.task.take() else { return throw_type(scope, "the job has begun") };
    let Some(process) = env.process() else { return };
    let (object, then) = (v8::Global::new(scope, args.this()), env.clone());
    let operation = async move {
        let complete = perform(&process, task).await;
        let deliver: Delivery = Box::new(move |scope| {
            let object = v8::Local::new(scope, &object);
            let arguments = complete(scope, &then)?;
            let called = job.wrap.call_method(scope, &then, object, "ondone", &arguments);
            job.wrap.destroy(scope, &then);
            called.map(drop)
        });
        deliver
    };
    let _ = pool::start(scope, &env, Active { kind: "FSReqCallback", object: None }, operation);
}

async fn perform(process: &Arc<Process>, task: Task) -> Complete {
    match task {
        Task::Read { path, flags, limit } => {
            let read = read(process, &path, flags, limit).await;
            Box::new(move |scope, env| {
                let undefined = v8::undefined(scope).into();
                let none = v8::Integer::new(scope, -1).into();
                Some(match read {
                    Ok(Contents::Bytes(bytes)) => {
                        let buffer = super::super::buffer::from_bytes(scope, env, &bytes)?;
                        vec![v8::null(scope).into(), buffer, none]
                    }
                    Ok(Contents::Open(descriptor, size)) => vec![
                        v8::null(scope).into(),
                        undefined,
                        v8::Integer::new_from_unsigned(scope, descriptor).into(),
                        v8::Number::new(scope, size as f64).into(),
                    ],
                    Err((errno, syscall)) => {
                        vec![Subject::path(syscall, &path).error(scope, errno)?, undefined, none]
                    }
                })
            })
        }
        Task::Write { path, flags, mode, bytes } => {
            let written = write(process, &path, flags, mode, &bytes).await;
            Box::new(move |scope, _| {
                Some(vec![match written {
                    Ok(()) => v8::null(scope).into(),
                    Err((errno, syscall)) => Subject::path(syscall, &path).error(scope, errno)?,
                }])
            })
        }
        Task::CopyDirectory(copying) => {
            let copied = copying::copy_new_directory(process, &copying);
            Box::new(move |scope, _| {
                Some(vec![match copied {
                    Ok(()) => v8::null(scope).into(),
                    Err(failed) => failed.error(scope)?,
                }])
            })
        }
    }
}

/// What reading a file has given.
enum Contents {
    Bytes(Vec<u8>),
    /// It is larger than was wanted, or has no size that is known: the caller reads it in parts.
    Open(u32, u64),
}

type Failure = (Errno, &'static str);

async fn read(process: &Process, path: &str, flags: OpenFlags, limit: u64) -> Result<Contents, Failure> {
    let descriptor = open_descriptor(process, path, flags, 0o666).map_err(|errno| (errno, "open"))?;
    let read = async {
        let file = process.fds().get(descriptor).map_err(|errno| (errno, "fstat"))?;
        let status = file.status().map_err(|errno| (errno, "fstat"))?;
        match status.kind {
            FileKind::Directory => Err((Errno::Eisdir, "read")),
            FileKind::Regular if status.size <= limit => {
                let most = usize::try_from(limit).unwrap_or(usize::MAX).max(io::READ_AT_ONCE);
                io::read_to_end(&file, most).await.map(Contents::Bytes).map_err(|errno| (errno, "read"))
            }
            FileKind::Regular => Ok(Contents::Open(descriptor, status.size)),
            _ => Ok(Contents::Open(descriptor, 0)),
        }
    }
    .await;
    if !matches!(read, Ok(Contents::Open(..))) {
        process.fds().close(descriptor).map_err(|errno| (errno, "close"))?;
    }
    read
}

async fn write(
    process: &Process,
    path: &str,
    flags: OpenFlags,
    mode: u32,
    bytes: &[u8],
) -> Result<(), Failure> {
    let descriptor = open_descriptor(process, path, flags, mode).map_err(|errno| (errno, "open"))?;
    let written = async {
        let file = process.fds().get(descriptor)?;
        io::write_whole(&file, bytes).await
    }
    .await;
    process.fds().close(descriptor).map_err(|errno| (errno, "close"))?;
    written.map_err(|errno| (errno, "write"))
}
