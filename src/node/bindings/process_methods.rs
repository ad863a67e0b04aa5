//! What `process` has of functions: time, the working directory, memory, signals, and its end.

use std::cell::OnceCell;
use std::rc::Rc;

use isolate::library::{Scope, monotonic, string};
use kernel::{Errno, Process, Signal};

use crate::binding::{Args, Binding, Return, functions, get, set};
use crate::environment::{Env, poke};
use crate::handle_wrap::OpenHandles;
use crate::system_error::{Subject, number};

use super::fs::pool::Pool;

pub(super) static BINDING: Binding = Binding {
    name: "process_methods",
    functions: functions! {
        "hrtime" => hrtime,
        "hrtimeBigInt" => hrtime_big_int,
        "uptime" => uptime,
        "abort" => abort,
        "reallyExit" => really_exit,
        "chdir" => chdir,
        "cwd" => cwd,
        "umask" => umask,
        "memoryUsage" => memory_usage,
        "rss" => rss,
        "constrainedMemory" => constrained_memory,
        "availableMemory" => available_memory,
        "cpuUsage" => cpu_usage,
        "threadCpuUsage" => cpu_usage,
        "resourceUsage" => resource_usage,
        "_getActiveRequests" => get_active_requests,
        "_getActiveHandles" => get_active_handles,
        "getActiveResourcesInfo" => get_active_resources_info,
        "dlopen" => dlopen,
        "_kill" => kill,
        "_rawDebug" => raw_debug,
        "patchProcessObject" => patch_process_object,
        "loadEnvFile" => load_env_file,
        "setEmitWarningSync" => set_emit_warning_sync,
    },
    make: Some(make),
};

/// Longest `.env` file.
const ENV_FILE_MAX: u64 = 1024 * 1024;

/// Most timers that are told of.
const TIMERS_TOLD_MAX: usize = 100_000;

/// Memory that `hrtime` answers in: two halves of the seconds, the nanoseconds; or all nanoseconds as one number.
#[derive(Default)]
struct Time(OnceCell<v8::SharedRef<v8::BackingStore>>);

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let buffer = v8::ArrayBuffer::new(scope, 12);
    let _ = env.state::<Time>().0.set(buffer.get_backing_store());
    let view = v8::Uint32Array::new(scope, buffer, 0, 3)?;
    set(scope, binding, "hrtimeBuffer", view.into())
}

fn hrtime(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let (state, now) = (env.state::<Time>(), monotonic());
    poke(&state.0, 0, ((now.as_secs() >> 32) as u32).to_ne_bytes());
    poke(&state.0, 1, (now.as_secs() as u32).to_ne_bytes());
    poke(&state.0, 2, now.subsec_nanos().to_ne_bytes());
}

fn hrtime_big_int(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let now = u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX);
    poke(&env.state::<Time>().0, 0, now.to_ne_bytes());
}

fn uptime(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Number::new(scope, monotonic().as_secs_f64()).into());
}

/// Ends as a process does that has aborted.
fn abort(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    if let Some(process) = env.process() {
        process.signal(Signal::Abrt);
    }
    env.exit(scope, 128 + i32::from(Signal::Abrt.number()));
}

fn really_exit(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let code = args.get(0).int32_value(scope).unwrap_or(0);
    env.exit(scope, code);
}

/// The environment and its process; none before a job begins.
fn here(scope: &mut Scope<'_, '_>) -> Option<(Rc<Env>, std::sync::Arc<Process>)> {
    let env = Env::of(scope)?;
    let process = env.process()?;
    Some((env, process))
}

fn cwd(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((_, process)) = here(scope) else { return };
    match process.cwd() {
        Ok(path) => result.set(string(scope, &byte_text::shown(&path)).into()),
        Err(errno) => Subject::new("uv_cwd").throw(scope, errno),
    }
}

fn chdir(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, process)) = here(scope) else { return };
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Err(errno) = process.chdir(&path) {
        let cwd = process.cwd().unwrap_or_default();
        Subject::paths("chdir", &cwd, &path).throw(scope, errno);
    }
}

/// (undefined, or the new mask) -> the mask before
fn umask(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, process)) = here(scope) else { return };
    let before = if args.get(0).is_undefined() {
        process.umask()
    } else {
        let mask = args.get(0).uint32_value(scope).unwrap_or(0);
        process.set_umask(mask)
    };
    result.set(v8::Integer::new_from_unsigned(scope, before).into());
}

/// What V8's heap and the VM's own files take, in bytes: all that a VM knows of its memory.
struct Memory {
    total: f64,
    heap_total: f64,
    heap_used: f64,
    external: f64,
}

fn memory(scope: &mut Scope<'_, '_>, env: &Env) -> Memory {
    let heap = scope.get_heap_statistics();
    let files = env.core.settings().kernel.usage().bytes_used as f64;
    let external = heap.external_memory() as f64;
    Memory {
        total: heap.total_physical_size() as f64 + external + heap.malloced_memory() as f64 + files,
        heap_total: heap.total_heap_size() as f64,
        heap_used: heap.used_heap_size() as f64,
        external,
    }
}

/// Writes numbers into an array of the library's.
pub(super) fn answer_in(array: v8::Local<'_, v8::Value>, numbers: &[f64]) {
    if let Ok(array) = array.try_cast::<v8::Float64Array>() {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        isolate::library::fill_view(array.into(), &bytes);
    }
}

fn memory_usage(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let memory = memory(scope, &env);
    answer_in(
        args.get(0),
        &[memory.total, memory.heap_total, memory.heap_used, memory.external, memory.external],
    );
}

fn rss(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let memory = memory(scope, &env);
    result.set(v8::Number::new(scope, memory.total).into());
}

fn constrained_memory(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    result.set(v8::Number::new(scope, env.core.limits().memory_bytes as f64).into());
}

fn available_memory(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let free = free_memory(scope, &env);
    result.set(v8::Number::new(scope, free).into());
}

/// What is left of the VM's memory, in bytes.
pub(super) fn free_memory(scope: &mut Scope<'_, '_>, env: &Env) -> f64 {
    (env.core.limits().memory_bytes as f64 - memory(scope, env).total).max(0.0)
}

/// Microseconds of work. The clock that guest code may see is all that tells of it: a finer one would be a way around
/// what that one is for.
fn worked() -> f64 {
    monotonic().as_micros() as f64
}

fn cpu_usage(_: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    answer_in(args.get(0), &[worked(), 0.0]);
}

fn resource_usage(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let most = memory(scope, &env).total / 1024.0;
    answer_in(args.get(0), &[worked(), 0.0, most.floor()]);
}

/// () -> the objects of requests under way
fn get_active_requests(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let mut objects: Vec<v8::Local<v8::Value>> = Vec::new();
    for active in env.state::<Pool>().active() {
        if let Some(object) = active.object {
            objects.push(v8::Local::new(scope, &object).into());
        }
    }
    result.set(v8::Array::new_with_elements(scope, &objects).into());
}

/// () -> of the handles that keep the program from being over, whom they belong to
fn get_active_handles(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let owner = env.symbol(scope, "owner_symbol");
    let mut objects: Vec<v8::Local<v8::Value>> = Vec::new();
    for handle in env.state::<OpenHandles>().active() {
        let Some(object) = handle.object(scope) else { continue };
        let Some(value) = object.get(scope, owner.into()) else { return };
        objects.push(if value.is_undefined() { object.into() } else { value });
    }
    result.set(v8::Array::new_with_elements(scope, &objects).into());
}

/// () -> what kinds of things keep the program from being over
fn get_active_resources_info(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let requests = env.state::<Pool>().active().into_iter().map(|active| active.kind);
    let handles = env.state::<OpenHandles>().active();
    let handles = handles.iter().map(|handle| kind_of(handle.wrap.provider()));
    // JavaScript may have written any number.
    let (timeouts, immediates) = env.referenced_timers();
    let timers = std::iter::repeat_n("Timeout", timeouts.min(TIMERS_TOLD_MAX));
    let immediates = std::iter::repeat_n("Immediate", immediates.min(TIMERS_TOLD_MAX));
    let kinds: Vec<v8::Local<v8::Value>> = requests
        .chain(handles)
        .chain(timers)
        .chain(immediates)
        .map(|kind| string(scope, kind).into())
        .collect();
    result.set(v8::Array::new_with_elements(scope, &kinds).into());
}

/// What a provider's handles are called there.
fn kind_of(provider: &'static str) -> &'static str {
    match provider {
        "TCPWRAP" => "TCPSocketWrap",
        "TCPSERVERWRAP" => "TCPServerWrap",
        "PIPEWRAP" => "PipeWrap",
        "PIPESERVERWRAP" => "PipeWrap",
        "PROCESSWRAP" => "ProcessWrap",
        "FSEVENTWRAP" => "FSEventWrap",
        "STATWATCHER" => "StatWatcher",
        "SIGNALWRAP" => "SignalWrap",
        "UDPWRAP" => "UDPWrap",
        "TTYWRAP" => "TTYWrap",
        "MESSAGEPORT" => "MessagePort",
        other => other,
    }
}

/// (process, signal) -> 0, or libuv's number of an error
fn kill(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, process)) = here(scope) else { return };
    let pid = args.get(0).int32_value(scope).unwrap_or(0);
    let signal = args.get(1).int32_value(scope).unwrap_or(-1);
    let outcome = send(&env, &process, pid, signal);
    result.set_int32(outcome.err().map_or(0, number));
}

/// Sends a signal: to the process, or where its number is 0 or below, to the group that this names.
fn send(env: &Env, process: &Process, pid: i32, signal: i32) -> Result<(), Errno> {
    let kernel = &env.core.settings().kernel;
    let group = match pid {
        0 => Some(process.group()),
        1.. => None,
        _ => Some(pid.unsigned_abs()),
    };
    let target = pid.unsigned_abs();
    if signal == 0 {
        let exists = match group {
            Some(group) => kernel.processes().iter().any(|process| process.group() == group),
            None => kernel.process(target).is_some(),
        };
        return if exists { Ok(()) } else { Err(Errno::Esrch) };
    }
    let signal = u8::try_from(signal).ok().and_then(Signal::from_number).ok_or(Errno::Einval)?;
    if group.is_none() && target == process.pid() {
        // What it does to itself needs no permission: it may end anyhow.
        process.signal(signal);
        return Ok(());
    }
    if !env.core.settings().services.may_signal(signal) {
        return Err(Errno::Eperm);
    }
    match group {
        Some(group) => kernel.kill_group(group, signal),
        None => kernel.kill(target, signal),
    }
}

/// Native code of a guest's own would be outside of everything that bounds guests.
fn dlopen(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let path = args.get(1).to_rust_string_lossy(scope);
    let message =
        format!("{path}: native addons are not supported in a cordon VM (docs/node-compatibility.md)");
    isolate::library::throw(scope, &message, "ERR_CORDON_UNSUPPORTED");
}

fn raw_debug(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, process)) = here(scope) else { return };
    let text = args.get(0).to_rust_string_lossy(scope);
    crate::process::write_text(&env.core, &process, 2, &format!("{text}\n"));
}

fn patch_process_object(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let (Some(env), Ok(object)) = (Env::of(scope), args.get(0).try_cast::<v8::Object>()) else { return };
    let _ = crate::process::patch(scope, &env, object);
}

/// (path): sets the variables of a `.env` file that are not set yet
fn load_env_file(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, process)) = here(scope) else { return };
    let path = if args.length() > 0 { args.get(0).to_rust_string_lossy(scope) } else { ".env".to_owned() };
    let text = match process.read_file(&path, ENV_FILE_MAX) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(errno) => return Subject::path("open", &path).throw(scope, errno),
    };
    let _ = (|| {
        let object = env.process_object(scope)?;
        let variables: v8::Local<v8::Object> = get(scope, object, "env")?.try_cast().ok()?;
        for (name, value) in crate::process::parse_env(&text) {
            let key = string(scope, &name);
            if !variables.has_own_property(scope, key.into())? {
                let value = string(scope, &value);
                variables.set(scope, key.into(), value.into())?;
            }
        }
        Some(())
    })();
}

/// For warnings of native code, which has none.
fn set_emit_warning_sync(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
