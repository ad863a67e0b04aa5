//! Diagnostic reports. None can be written; one that is asked for tells of the VM alone, as far as packages look for what they
//! run on. What a program sets of them it can read again.

use std::cell::{Cell, RefCell};

use isolate::library::{Scope, string};
use serde_json::json;

use kernel::machine;

use crate::binding::{Args, Binding, Return, functions, unsupported_feature};
use crate::environment::Env;

/// The C library that Node's own binaries are made for, at least.
const GLIBC: &str = "2.28";

/// What a program has set.
#[derive(Default)]
struct Settings {
    flags: [Cell<bool>; 6],
    texts: [RefCell<String>; 3],
}

macro_rules! flags {
    ($($get:ident, $set:ident = $at:literal;)*) => {
        $(fn $get(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
            let Some(env) = Env::of(scope) else { return };
            result.set_bool(env.state::<Settings>().flags[$at].get());
        }
        fn $set(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
            let Some(env) = Env::of(scope) else { return };
            env.state::<Settings>().flags[$at].set(args.get(0).is_true());
        })*
    };
}

macro_rules! texts {
    ($($get:ident, $set:ident = $at:literal;)*) => {
        $(fn $get(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
            let Some(env) = Env::of(scope) else { return };
            let text = env.state::<Settings>().texts[$at].borrow().clone();
            result.set(string(scope, &text).into());
        }
        fn $set(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
            let Some(env) = Env::of(scope) else { return };
            let Some(text) = args.get(0).to_string(scope) else { return };
            let Some(text) = isolate::library::text(scope, text) else { return };
            *env.state::<Settings>().texts[$at].borrow_mut() = text;
        })*
    };
}

flags! {
    get_compact, set_compact = 0;
    get_exclude_network, set_exclude_network = 1;
    get_exclude_env, set_exclude_env = 2;
    on_fatal_error, set_on_fatal_error = 3;
    on_signal, set_on_signal = 4;
    on_uncaught, set_on_uncaught = 5;
}

texts! {
    get_directory, set_directory = 0;
    get_filename, set_filename = 1;
    get_signal, set_signal = 2;
}

pub(super) static BINDING: Binding = Binding {
    name: "report",
    functions: functions! {
        "writeReport" => unsupported,
        "getReport" => get_report,
        "getCompact" => get_compact,
        "setCompact" => set_compact,
        "getExcludeNetwork" => get_exclude_network,
        "setExcludeNetwork" => set_exclude_network,
        "getExcludeEnv" => get_exclude_env,
        "setExcludeEnv" => set_exclude_env,
        "getDirectory" => get_directory,
        "setDirectory" => set_directory,
        "getFilename" => get_filename,
        "setFilename" => set_filename,
        "getSignal" => get_signal,
        "setSignal" => set_signal,
        "shouldReportOnFatalError" => on_fatal_error,
        "setReportOnFatalError" => set_on_fatal_error,
        "shouldReportOnSignal" => on_signal,
        "setReportOnSignal" => set_on_signal,
        "shouldReportOnUncaughtException" => on_uncaught,
        "setReportOnUncaughtException" => set_on_uncaught,
    },
    make: None,
};

/// The report's head, as JSON: what the machine and the versions are.
fn get_report(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let process = env.process();
    let version =
        env.facts.answer("versions").and_then(|versions| versions.get("node")?.as_str()).unwrap_or_default();
    let report = json!({
        "header": {
            "reportVersion": 5,
            "event": "JavaScript API",
            "trigger": "GetReport",
            "filename": null,
            "processId": process.as_ref().map(|process| process.pid()),
            "cwd": process.and_then(|process| process.cwd().ok()),
            "nodejsVersion": format!("v{version}"),
            "glibcVersionRuntime": GLIBC,
            "wordSize": 64,
            "arch": "x64",
            "platform": "linux",
            "osName": machine::SYSTEM,
            "osRelease": machine::RELEASE,
            "osVersion": machine::VERSION,
            "osMachine": machine::ARCHITECTURE,
            "host": machine::HOSTNAME,
        },
        "sharedObjects": [],
    });
    result.set(string(scope, &report.to_string()).into());
}

fn unsupported(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    unsupported_feature(scope, "process.report");
}
