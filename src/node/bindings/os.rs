//! What `os` says: of the VM, never of the host.

use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Scope, monotonic, string};
use kernel::{Errno, Process, machine, user};

use crate::binding::{Args, Binding, Return, functions, get, set, set_number};
use crate::environment::Env;
use crate::system_error::Subject;

use super::process_methods::{answer_in, free_memory};

pub(super) static BINDING: Binding = Binding {
    name: "os",
    functions: functions! {
        "getHostname" => get_hostname,
        "getLoadAvg" => get_load_avg,
        "getUptime" => get_uptime,
        "getTotalMem" => get_total_mem,
        "getFreeMem" => get_free_mem,
        "getCPUs" => get_cpus,
        "getInterfaceAddresses" => get_interface_addresses,
        "getHomeDirectory" => get_home_directory,
        "getUserInfo" => get_user_info,
        "getPriority" => get_priority,
        "setPriority" => set_priority,
        "getAvailableParallelism" => get_available_parallelism,
        "getOSInformation" => get_os_information,
    },
    make: Some(make),
};

/// What its one processor is called.
const PROCESSOR: &str = "cordon virtual CPU";

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let no = v8::Boolean::new(scope, false);
    set(scope, binding, "isBigEndian", no.into())
}

fn here(scope: &mut Scope<'_, '_>) -> Option<(Rc<Env>, Arc<Process>)> {
    let env = Env::of(scope)?;
    let process = env.process()?;
    Some((env, process))
}

fn get_hostname(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(string(scope, machine::HOSTNAME).into());
}

/// How busy the host is concerns no guest.
fn get_load_avg(_: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    answer_in(args.get(0), &[0.0, 0.0, 0.0]);
}

fn get_uptime(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Number::new(scope, monotonic().as_secs_f64()).into());
}

fn get_total_mem(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    result.set(v8::Number::new(scope, env.core.limits().memory_bytes as f64).into());
}

fn get_free_mem(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let free = free_memory(scope, &env);
    result.set(v8::Number::new(scope, free).into());
}

/// () -> of each processor: model, speed, and milliseconds as a user, with low priority, in the system, idle, interrupted
fn get_cpus(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let mut parts: Vec<v8::Local<v8::Value>> = vec![string(scope, PROCESSOR).into()];
    let worked = monotonic().as_millis() as f64;
    for number in [0.0, worked, 0.0, 0.0, 0.0, 0.0] {
        parts.push(v8::Number::new(scope, number).into());
    }
    result.set(v8::Array::new_with_elements(scope, &parts).into());
}

/// () -> of each address: interface, address, mask, family, hardware address, whether internal, scope
fn get_interface_addresses(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let mut parts: Vec<v8::Local<v8::Value>> = Vec::new();
    for text in ["lo", "127.0.0.1", "255.0.0.0", "IPv4", "00:00:00:00:00:00"] {
        parts.push(string(scope, text).into());
    }
    parts.push(v8::Boolean::new(scope, true).into());
    parts.push(v8::Integer::new(scope, -1).into());
    result.set(v8::Array::new_with_elements(scope, &parts).into());
}

fn get_home_directory(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let home = crate::process::variable(scope, "HOME").filter(|home| !home.is_empty());
    result.set(string(scope, home.as_deref().unwrap_or(user::HOME)).into());
}

/// (options) -> { uid, gid, username, homedir, shell }
fn get_user_info(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, process)) = here(scope) else { return };
    let mut as_buffer = false;
    if let Ok(options) = args.get(0).try_cast::<v8::Object>() {
        let Some(encoding) = get(scope, options, "encoding") else { return };
        as_buffer = encoding.is_string() && encoding.to_rust_string_lossy(scope) == "buffer";
    }
    // As the VM has begun the program, whatever that has made of it since.
    let own = |name, default| process.env_var(name).filter(|value| !value.is_empty()).unwrap_or(default);
    let object = v8::Object::new(scope);
    let made = (|| {
        set_number(scope, object, "uid", user::ID.into())?;
        set_number(scope, object, "gid", user::ID.into())?;
        for (name, text) in [
            ("username", own("USER", user::NAME)),
            ("homedir", own("HOME", user::HOME)),
            ("shell", user::SHELL),
        ] {
            let value = match as_buffer {
                true => super::buffer::from_bytes(scope, &env, text.as_bytes())?,
                false => string(scope, text).into(),
            };
            set(scope, object, name, value)?;
        }
        Some(())
    })();
    if made.is_some() {
        result.set(object.into());
    }
}

/// The process of that id, 0 being who asks.
fn exists(env: &Env, pid: i32) -> Result<(), Errno> {
    let found = match u32::try_from(pid) {
        Ok(0) => true,
        Ok(pid) => env.core.settings().kernel.process(pid).is_some(),
        Err(_) => false,
    };
    if found { Ok(()) } else { Err(Errno::Esrch) }
}

fn describe(
    scope: &mut Scope<'_, '_>,
    context: v8::Local<'_, v8::Value>,
    syscall: &'static str,
    errno: Errno,
) {
    if let Ok(object) = context.try_cast::<v8::Object>() {
        let message = string(scope, errno.message());
        let _ = Subject::new(syscall).describe(scope, object, errno);
        let _ = set(scope, object, "message", message.into());
    }
}

/// (pid, object for the error) -> priority: all have the same
fn get_priority(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, _)) = here(scope) else { return };
    let pid = args.get(0).int32_value(scope).unwrap_or(-1);
    match exists(&env, pid) {
        Ok(()) => result.set_int32(0),
        Err(errno) => describe(scope, args.get(1), "uv_os_getpriority", errno),
    }
}

/// (pid, priority, object for the error) -> 0, or an error: there is no other priority than that of all
fn set_priority(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, _)) = here(scope) else { return };
    let pid = args.get(0).int32_value(scope).unwrap_or(-1);
    let priority = args.get(1).int32_value(scope).unwrap_or(-1);
    let outcome = exists(&env, pid).and(if priority == 0 { Ok(()) } else { Err(Errno::Eacces) });
    result.set_int32(match outcome {
        Ok(()) => 0,
        Err(errno) => {
            describe(scope, args.get(2), "uv_os_setpriority", errno);
            crate::system_error::number(errno)
        }
    });
}

fn get_available_parallelism(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(1);
}

/// () -> [system, version, release, machine]
fn get_os_information(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let parts = [machine::SYSTEM, machine::VERSION, machine::RELEASE, machine::ARCHITECTURE]
        .map(|text| string(scope, text).into());
    result.set(v8::Array::new_with_elements(scope, &parts).into());
}
