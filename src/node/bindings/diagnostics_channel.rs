//! Channels that native code publishes to: it publishes nothing.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "diagnostics_channel",
    functions: functions! {
        "linkNativeChannel" => link_native_channel,
        "notifyChannelActive" => nothing,
        "notifyChannelInactive" => nothing,
    },
    make: None,
};

fn link_native_channel(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::NativeChannel, args.get(0));
    }
}

/// No native code looks at whether somebody subscribes.
fn nothing(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
