//! Users and groups, of which a VM has one ([`kernel::user`]).

use std::rc::Rc;

use isolate::library::{Scope, string};
use kernel::{Errno, user};

use crate::binding::{Args, Binding, Return, functions, set, set_number};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "credentials",
    functions: functions! {
        "safeGetenv" => safe_getenv,
        "getTempDir" => get_temp_dir,
        "getuid" => own_id,
        "geteuid" => own_id,
        "getgid" => own_id,
        "getegid" => own_id,
        "getgroups" => get_groups,
        "setuid" => set_user,
        "seteuid" => set_effective_user,
        "setgid" => set_group,
        "setegid" => set_effective_group,
        "setgroups" => set_groups,
        "initgroups" => init_groups,
    },
    make: Some(make),
};

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let yes = v8::Boolean::new(scope, true);
    set(scope, binding, "implementsPosixCredentials", yes.into())
}

fn variable(scope: &mut Scope<'_, '_>, name: &str) -> Option<String> {
    crate::process::variable(scope, name)
}

fn safe_getenv(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let name = args.get(0).to_rust_string_lossy(scope);
    if let Some(value) = variable(scope, &name) {
        result.set(string(scope, &value).into());
    }
}

fn get_temp_dir(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let names = ["TMPDIR", "TMP", "TEMP"];
    let directory = names.into_iter().find_map(|name| variable(scope, name).filter(|path| !path.is_empty()));
    let directory = directory.unwrap_or_else(|| "/tmp".to_owned());
    let cut = match directory.strip_suffix('/') {
        Some(cut) if !cut.is_empty() => cut,
        _ => &directory,
    };
    result.set(string(scope, cut).into());
}

fn own_id(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Integer::new_from_unsigned(scope, user::ID).into());
}

fn get_groups(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let group = v8::Integer::new_from_unsigned(scope, user::ID).into();
    result.set(v8::Array::new_with_elements(scope, &[group]).into());
}

/// What a setter answers for a name that nobody has.
const UNKNOWN: i32 = 1;

/// What `initgroups` answers if that is its second argument.
const UNKNOWN_GROUP: i32 = 2;

/// Most bytes that are read of the files that name users and groups.
const NAMES_MAX: u64 = 1024 * 1024;

/// The number of a user or a group that is given by number or by name; none if nobody has that name.
fn named(scope: &mut Scope<'_, '_>, who: v8::Local<'_, v8::Value>, file: &str) -> Option<u32> {
    if who.is_number() {
        return who.uint32_value(scope);
    }
    let name = who.to_rust_string_lossy(scope);
    let process = Env::of(scope)?.process()?;
    let text = process.read_file(file, NAMES_MAX).ok()?;
    String::from_utf8_lossy(&text).lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(&name);
        fields.nth(1).filter(|_| is_it)?.parse().ok()
    })
}

/// Becomes who one is already; to become anybody else takes privileges.
fn take_identity(
    scope: &mut Scope<'_, '_>,
    who: v8::Local<'_, v8::Value>,
    (syscall, file): (&'static str, &str),
    result: &mut Return<'_>,
) {
    match named(scope, who, file) {
        None => result.set_int32(UNKNOWN),
        Some(user::ID) => result.set_int32(0),
        Some(_) => refuse(scope, syscall),
    }
}

/// The old form of an error, which Node keeps for these.
fn refuse(scope: &mut Scope<'_, '_>, syscall: &str) {
    let message = string(scope, "EPERM, Operation not permitted");
    let error = v8::Exception::error(scope, message);
    if let Ok(object) = error.try_cast::<v8::Object>() {
        let (code, syscall) = (string(scope, "EPERM").into(), string(scope, syscall).into());
        let described = set_number(scope, object, "errno", Errno::Eperm.code().into())
            .and_then(|()| set(scope, object, "code", code))
            .and_then(|()| set(scope, object, "syscall", syscall));
        if described.is_none() {
            return;
        }
    }
    scope.throw_exception(error);
}

fn set_user(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    take_identity(scope, args.get(0), ("setuid", PASSWD), &mut result);
}

fn set_effective_user(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    take_identity(scope, args.get(0), ("seteuid", PASSWD), &mut result);
}

fn set_group(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    take_identity(scope, args.get(0), ("setgid", GROUP), &mut result);
}

fn set_effective_group(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    take_identity(scope, args.get(0), ("setegid", GROUP), &mut result);
}

/// (groups) -> 0, or which of them, counted from 1, nobody has. To be in others, or to drop one's own, takes privileges.
fn set_groups(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(groups) = args.get(0).try_cast::<v8::Array>() else { return };
    for index in 0..groups.length() {
        let Some(group) = groups.get_index(scope, index) else { return };
        if named(scope, group, GROUP).is_none() {
            return result.set_uint32(index + 1);
        }
    }
    refuse(scope, "setgroups");
}

/// (user, group) -> which of them nobody has; whatever the user, it takes privileges
fn init_groups(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    match named(scope, args.get(1), GROUP) {
        None => result.set_int32(UNKNOWN_GROUP),
        Some(_) => refuse(scope, "initgroups"),
    }
}
