//! Opening and closing.

use isolate::library::Scope;
use kernel::{Errno, OpenFlags, Process};

use crate::binding::{Args, Return};
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call, Make};

/// Opens a file and enters it into the table of descriptors.
pub(super) fn open_descriptor(
    process: &Process,
    path: &str,
    flags: OpenFlags,
    mode: u32,
) -> Result<u32, Errno> {
    let file = process.open(path, flags, mode)?;
    process.fds().insert(file, true)
}

/// (path, flags, mode, request) -> descriptor
pub(super) fn open<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let (flags, mode) = (arguments::flags(scope, &args, 1), arguments::mode(scope, &args, 2));
    call.run(scope, result, Subject::path("open", &path), move |process| {
        let descriptor = open_descriptor(process, &path, flags, mode)?;
        let make: Make = Box::new(move |scope, env| {
            if let Some(told) = env.thread.as_ref().and_then(|thread| thread.opened(descriptor)) {
                env.warn(scope, &told)?;
            }
            Some(v8::Integer::new_from_unsigned(scope, descriptor).into())
        });
        Ok(Answer::Make(make))
    });
}

/// (descriptor, request)
pub(super) fn close<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 1) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    call.run(scope, result, Subject::new("close"), move |process| {
        process.fds().close(descriptor)?;
        let make: Make = Box::new(move |scope, env| {
            if let Some(told) = env.thread.as_ref().and_then(|thread| thread.closed(descriptor)) {
                env.warn(scope, &told)?;
            }
            Some(v8::undefined(scope).into())
        });
        Ok(Answer::Make(make))
    });
}
