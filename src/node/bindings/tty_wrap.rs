//! Terminals, of which a VM's programs have none of their own yet.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};
use crate::environment::Env;

pub(super) static BINDING: Binding =
    Binding { name: "tty_wrap", functions: functions! { "isTTY" => is_tty, }, make: None };

/// (descriptor) -> whether it is a terminal
fn is_tty(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let descriptor = args.get(0).uint32_value(scope).unwrap_or(u32::MAX);
    let file = env.process().and_then(|process| process.fds().get(descriptor).ok());
    result.set_bool(file.is_some_and(|file| file.is_terminal()));
}
