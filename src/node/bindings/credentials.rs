//! Users and groups. A VM has one user, `root` to its programs and nobody outside.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "credentials",
    functions: functions! {
        "safeGetenv" => safe_getenv,
        "getTempDir" => get_temp_dir,
        "getuid" => zero,
        "geteuid" => zero,
        "getgid" => zero,
        "getegid" => zero,
        "getgroups" => get_groups,
    },
    make: Some(make),
};

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

fn zero(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Integer::new(scope, 0).into());
}

fn get_groups(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let group = v8::Integer::new(scope, 0).into();
    result.set(v8::Array::new_with_elements(scope, &[group]).into());
}
