//! Diagnostic reports. None is written; what decides when one would be is remembered by nobody.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding = Binding {
    name: "report",
    functions: functions! {
        "shouldReportOnUncaughtException" => no,
        "shouldReportOnSignal" => no,
        "shouldReportOnFatalError" => no,
    },
    make: None,
};

fn no(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(false);
}
