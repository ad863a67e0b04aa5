//! Channels that native code publishes to: it publishes nothing.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding = Binding {
    name: "diagnostics_channel",
    functions: functions! {
        "linkNativeChannel" => nothing,
        "notifyChannelActive" => nothing,
        "notifyChannelInactive" => nothing,
    },
    make: None,
};

/// No native code looks at whether somebody subscribes.
fn nothing(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
