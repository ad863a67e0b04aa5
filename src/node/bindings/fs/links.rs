//! Names: links, renaming, removing, and where a path really leads.

use isolate::library::Scope;

use crate::binding::{Args, Return};
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call};
use super::text::Encoding;

/// (from, to, request)
pub(super) fn rename<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(from) = arguments::path(scope, &args, 0) else { return };
    let Some(to) = arguments::path(scope, &args, 1) else { return };
    call.run(scope, result, Subject::paths("rename", &from, &to), move |process| {
        process.rename(&from, &to)?;
        Ok(Answer::Undefined)
    });
}

/// (existing, new, request)
pub(super) fn link<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(existing) = arguments::path(scope, &args, 0) else { return };
    let Some(new) = arguments::path(scope, &args, 1) else { return };
    call.run(scope, result, Subject::paths("link", &existing, &new), move |process| {
        process.link(&existing, &new)?;
        Ok(Answer::Undefined)
    });
}

/// (target, path, flags, request)
pub(super) fn symlink<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(target) = arguments::path(scope, &args, 0) else { return };
    let Some(path) = arguments::path(scope, &args, 1) else { return };
    call.run(scope, result, Subject::paths("symlink", &target, &path), move |process| {
        process.symlink(&target, &path)?;
        Ok(Answer::Undefined)
    });
}

/// (path, encoding, request) -> target
pub(super) fn readlink<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let encoding = Encoding::of(scope, args.get(1));
    call.run(scope, result, Subject::path("readlink", &path), move |process| {
        Ok(Answer::Name(process.readlink(&path)?, encoding))
    });
}

/// (path, encoding, request) -> path
pub(super) fn realpath<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let encoding = Encoding::of(scope, args.get(1));
    call.run(scope, result, Subject::path("realpath", &path), move |process| {
        Ok(Answer::Name(process.realpath(&path)?, encoding))
    });
}

/// (path, request)
pub(super) fn unlink<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 1) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    call.run(scope, result, Subject::path("unlink", &path), move |process| {
        process.unlink(&path)?;
        Ok(Answer::Undefined)
    });
}
