//! Permission bits, owners and times.

use isolate::library::Scope;
use kernel::{Errno, FileTimes, Process, Symlinks, user};

use crate::binding::{Args, Return};
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call};

/// (path, mode, request)
pub(super) fn chmod<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let mode = arguments::mode(scope, &args, 1);
    call.run(scope, result, Subject::path("chmod", &path), move |process| {
        process.chmod(&path, mode)?;
        Ok(Answer::Undefined)
    });
}

/// (descriptor, mode, request)
pub(super) fn fchmod<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let mode = arguments::mode(scope, &args, 1);
    call.run(scope, result, Subject::new("fchmod"), move |process| {
        process.fchmod(&*process.fds().get(descriptor)?, mode)?;
        Ok(Answer::Undefined)
    });
}

/// Everything belongs to the VM's one user and can be given to nobody else. -1 leaves an owner as it is.
fn owner(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Result<(), Errno> {
    let is_own = |index: i32| {
        let number = args.get(index).integer_value(scope).unwrap_or(0);
        number == i64::from(user::ID) || matches!(number, -1 | 0xffff_ffff)
    };
    if is_own(1) && is_own(2) { Ok(()) } else { Err(Errno::Eperm) }
}

/// (path, user, group, request)
fn chown_by_path<'s>(
    scope: &mut Scope<'s, '_>,
    args: Args<'s>,
    result: Return<'s>,
    syscall: &'static str,
    symlinks: Symlinks,
) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let owner = owner(scope, &args);
    call.run(scope, result, Subject::path(syscall, &path), move |process| {
        process.stat(&path, symlinks)?;
        owner?;
        Ok(Answer::Undefined)
    });
}

pub(super) fn chown<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    chown_by_path(scope, args, result, "chown", Symlinks::Follow);
}

pub(super) fn lchown<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    chown_by_path(scope, args, result, "lchown", Symlinks::NoFollow);
}

/// (descriptor, user, group, request)
pub(super) fn fchown<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let owner = owner(scope, &args);
    call.run(scope, result, Subject::new("fchown"), move |process| {
        process.fds().get(descriptor)?;
        owner?;
        Ok(Answer::Undefined)
    });
}

/// Seconds as nanoseconds; a file of the VM is no older than the epoch.
fn nanoseconds(seconds: f64) -> Option<u64> {
    if !seconds.is_finite() {
        return None;
    }
    let whole = seconds.floor();
    let part = ((seconds - whole) * 1e9).floor();
    (whole.max(0.0) as u64).checked_mul(1_000_000_000)?.checked_add(if whole < 0.0 { 0 } else { part as u64 })
}

fn times(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Result<FileTimes, Errno> {
    let time = |index: i32| {
        let seconds = args.get(index).number_value(scope).unwrap_or(f64::NAN);
        nanoseconds(seconds).map(Some).ok_or(Errno::Einval)
    };
    Ok(FileTimes { accessed: time(1)?, modified: time(2)? })
}

/// (path, accessed, modified, request)
fn set_times<'s>(
    scope: &mut Scope<'s, '_>,
    args: Args<'s>,
    result: Return<'s>,
    syscall: &'static str,
    symlinks: Symlinks,
) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let times = times(scope, &args);
    call.run(scope, result, Subject::path(syscall, &path), move |process: &Process| {
        process.utimens(&path, times?, symlinks)?;
        Ok(Answer::Undefined)
    });
}

pub(super) fn utimes<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    set_times(scope, args, result, "utime", Symlinks::Follow);
}

pub(super) fn lutimes<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    set_times(scope, args, result, "lutime", Symlinks::NoFollow);
}

/// (descriptor, accessed, modified, request)
pub(super) fn futimes<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 3) else { return };
    let Some(descriptor) = arguments::descriptor(scope, &args, 0) else { return };
    let times = times(scope, &args);
    call.run(scope, result, Subject::new("futime"), move |process| {
        process.futimens(&*process.fds().get(descriptor)?, times?)?;
        Ok(Answer::Undefined)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_nanoseconds_that_cannot_be_before_the_epoch() {
        assert_eq!(nanoseconds(1.5), Some(1_500_000_000));
        assert_eq!(nanoseconds(-1.5), Some(0));
        assert_eq!(nanoseconds(f64::NAN), None);
        assert_eq!(nanoseconds(1e300), None);
    }
}
