//! `FileHandle`: a descriptor as an object, closed at the latest when the object is collected.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Scope, string, throw_type};
use kernel::{Errno, Process};

use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::system_error::Subject;

use super::super::messaging::{self, Native, Transferable};
use super::arguments;
use super::call::{self, Answer, Call, Make};
use super::open::open_descriptor;

/// The name of the class among the templates of a realm.
const CLASS: &str = "FileHandle";

/// The native half.
struct FileHandle {
    wrap: AsyncWrap,
    process: Arc<Process>,
    /// None once it is closed, or somebody else's.
    descriptor: Cell<Option<u32>>,
    /// Where reading as a stream begins, and how much of it there is; none for where the file is, and for all.
    offset: Option<u64>,
    length: Option<u64>,
}

/// A file as a stream that is read.
pub(in crate::bindings) struct Source {
    half: Rc<FileHandle>,
    offset: Cell<Option<u64>>,
    left: Cell<Option<u64>>,
}

impl Source {
    /// None of what is no file's handle.
    pub fn of(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> Option<Source> {
        let half = handle::of::<FileHandle>(scope, env, object)?;
        let (offset, left) = (Cell::new(half.offset), Cell::new(half.length));
        Some(Source { half, offset, left })
    }

    /// The next bytes, none at the end. An error's number, as libuv has it.
    pub async fn read(&self, most: usize) -> Result<Vec<u8>, i32> {
        let length =
            self.left.get().map_or(most, |left| usize::try_from(left).map_or(most, |left| left.min(most)));
        if length == 0 {
            return Ok(Vec::new());
        }
        let failed = |errno: Errno| -errno.code();
        let descriptor = self.half.descriptor.get().ok_or(Errno::Ebadf).map_err(failed)?;
        let file = self.half.process.fds().get(descriptor).map_err(failed)?;
        let bytes = super::io::read_some(&file, length, self.offset.get()).await.map_err(failed)?;
        let count = bytes.len() as u64;
        self.offset.set(self.offset.get().map(|offset| offset.saturating_add(count)));
        self.left.set(self.left.get().map(|left| left.saturating_sub(count)));
        Ok(bytes)
    }
}

impl Drop for FileHandle {
    fn drop(&mut self) {
        if let Some(descriptor) = self.descriptor.take() {
            let _ = self.process.fds().close(descriptor);
        }
    }
}

pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, CLASS, constructor)?;
    class.methods(scope, async_methods!(FileHandle, wrap))?;
    class.methods(
        scope,
        functions! {
            "close" => close,
            "closeSync" => close_sync,
            "releaseFD" => release,
        },
    )?;
    class.getter(scope, "fd", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(descriptor))?;
    class.keep(scope, env, CLASS);
    messaging::register::<FileHandle>(env);
    class.publish(scope, binding, CLASS)
}

/// A descriptor on its way to another thread; closed if it does not arrive.
struct Sent(Option<(Arc<Process>, u32)>);

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some((process, number)) = self.0.take() {
            let _ = process.fds().close(number);
        }
    }
}

impl Native for Sent {
    fn object<'s>(
        mut self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let (_, descriptor) = self.0.take()?;
        let number = v8::Integer::new_from_unsigned(scope, descriptor).into();
        handle::construct(scope, env, CLASS, &[number])
    }
}

impl Transferable for FileHandle {
    const IS_COPIED: bool = false;

    fn send(&self, scope: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        let Some(number) = self.descriptor.take() else {
            let message = string(scope, "Cannot clone object of unsupported type.");
            messaging::throw_clone_error(scope, message.into());
            return None;
        };
        Some(Box::new(Sent(Some((self.process.clone(), number)))))
    }
}

/// (descriptor, offset, length)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(process) = env.process() else { return };
    let Some(number) = arguments::descriptor(scope, &args, 0) else { return };
    let wrap = AsyncWrap::new(scope, &env, args.this(), "FILEHANDLE");
    let part = |index| {
        let number = args.get(index).integer_value(scope).filter(|_| !args.get(index).is_undefined())?;
        u64::try_from(number).ok()
    };
    let (offset, length) = (part(1), part(2));
    let half = FileHandle { wrap, process, descriptor: Cell::new(Some(number)), offset, length };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(half));
}

fn descriptor(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, half)) = handle::receiver::<FileHandle>(scope, args.this()) else { return };
    let number = half.descriptor.get().and_then(|number| i32::try_from(number).ok());
    result.set_int32(number.unwrap_or(-1));
}

/// () -> promise
fn close<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, half)) = handle::receiver::<FileHandle>(scope, args.this()) else { return };
    let number = half.descriptor.take();
    let work = async move {
        let number = number.ok_or(Errno::Ebadf)?;
        half.process.fds().close(number)?;
        Ok(Answer::Undefined)
    };
    if let Some(promise) = call::promise(scope, &env, Subject::new("close"), work) {
        result.set(promise.into());
    }
}

fn close_sync(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, half)) = handle::receiver::<FileHandle>(scope, args.this()) else { return };
    let closed = match half.descriptor.take() {
        Some(number) => half.process.fds().close(number),
        None => Err(Errno::Ebadf),
    };
    if let Err(errno) = closed {
        Subject::new("close").throw(scope, errno);
    }
}

/// () -> the descriptor, which is the caller's from now on
fn release(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, half)) = handle::receiver::<FileHandle>(scope, args.this()) else { return };
    let number = half.descriptor.take().and_then(|number| i32::try_from(number).ok());
    result.set_int32(number.unwrap_or(-1));
}

/// (path, flags, mode, request) -> handle
pub(super) fn open<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let (flags, mode) = (arguments::flags(scope, &args, 1), arguments::mode(scope, &args, 2));
    call.run(scope, result, Subject::path("open", &path), move |process| {
        let descriptor = open_descriptor(process, &path, flags, mode)?;
        let make: Make = Box::new(move |scope, env| {
            let number = v8::Integer::new_from_unsigned(scope, descriptor).into();
            Some(handle::construct(scope, env, CLASS, &[number])?.into())
        });
        Ok(Answer::Make(make))
    });
}
