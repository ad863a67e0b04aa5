//! The natives behind `cordon:vm/process`, `cordon:vm/host` and `cordon:vm/engine`.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use super::vm_files::file_at;
use super::{Args, Native, Return, array_of, here, here_as, natives, text_of, texts_of, u32_of};
use crate::binding::errors;
use crate::binding::values;
use crate::realm::core::{Core, Scope, string};
use crate::realm::resources::Child;
use crate::run::inbox::IsolateHandle;
use crate::run::operations::{self, Output};
use crate::run::outcome::CallId;
use kernel::{Disposition, Errno, ExitStatus, Grouping, Signal, SignalSet, SpawnRequest};
use protocol::abi::HostCallError;

pub(super) static NATIVES: &[Native] = natives! {
    "processSpawn" => spawn,
    "childWait" => child_wait,
    "childTryWait" => child_try_wait,
    "childKill" => child_kill,
    "childDrop" => child_drop,
    "processKill" => kill,
    "processId" => id,
    "processParentId" => parent_id,
    "processArguments" => arguments,
    "processEnvironment" => environment,
    "processCwd" => current_directory,
    "processChdir" => set_current_directory,
    "processUmask" => set_umask,
    "processDisposition" => disposition,
    "processSetDisposition" => set_disposition,
    "processTakeSignal" => take_signal,
    "processWaitSignal" => wait_signal,
    "hostFunctions" => host_functions,
    "hostCall" => host_call,
    "engineReport" => engine_report,
};

/// A signal argument by its name; throws `EINVAL` for an unknown one.
fn signal_of(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<Signal> {
    let name = text_of(scope, args, index)?;
    let signal = values::signal(&name);
    if signal.is_none() {
        errors::throw_errno(scope, Errno::Einval, "signal", Some(&name));
    }
    signal
}

/// (program, arguments, [name, value, ...], directory or undefined, [descriptor, file number, ...], [signal, ...])
/// -> [number of the child, process id]
fn spawn(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm, process)) = here_as(scope) else { return };
    let Some(program) = text_of(scope, &args, 0) else { return };
    let (Some(argv), Some(env)) = (texts_of(scope, &args, 1), texts_of(scope, &args, 2)) else { return };
    let cwd = if args.get(3).is_undefined() {
        None
    } else {
        let Some(cwd) = text_of(scope, &args, 3) else { return };
        Some(cwd)
    };
    let mut fds = Vec::new();
    let Ok(pairs) = args.get(4).try_cast::<v8::Array>() else { return };
    for at in (0..pairs.length()).step_by(2) {
        let number = |index| pairs.get_index(scope, index).and_then(|value| value.uint32_value(scope));
        let (Some(target), Some(file)) = (number(at), number(at + 1)) else { return };
        let Some(file) = file_at(scope, &realm, file, "spawn") else { return };
        fds.push((target, file));
    }
    let Some(names) = texts_of(scope, &args, 5) else { return };
    let mut ignored_signals = SignalSet::default();
    for name in &names {
        let Some(signal) = values::signal(name) else {
            return errors::throw_errno(scope, Errno::Einval, "signal", Some(name));
        };
        ignored_signals.insert(signal);
    }
    if realm.resources.borrow().children.len() as u64 >= core.limits().processes * 16 {
        return errors::throw_errno(scope, Errno::Eagain, "spawn", Some(&program));
    }
    let mut variables = env.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (variables.next(), variables.next()) {
        pairs.push((name, value));
    }
    let request = SpawnRequest {
        program: program.clone(),
        argv,
        env: pairs,
        cwd,
        fds,
        ignored_signals,
        default_signals: SignalSet::default(),
        grouping: Grouping::Inherit,
    };
    match core.settings().kernel.spawn(&process, request) {
        Ok(child) => {
            let pid = child.pid();
            let id = realm.resources.borrow_mut().children.add(Child { process: child, waited: None });
            let id = v8::Integer::new_from_unsigned(scope, id);
            let pid = v8::Integer::new_from_unsigned(scope, pid);
            result.set(v8::Array::new_with_elements(scope, &[id.into(), pid.into()]).into());
        }
        Err(errno) => errors::throw_errno(scope, errno, "spawn", Some(&program)),
    }
}

/// Waits for a child, once.
fn poll_child(child: &mut Child, cx: &Context<'_>) -> Poll<ExitStatus> {
    if let Some(status) = child.waited {
        return Poll::Ready(status);
    }
    let polled = child.process.poll_wait(cx);
    if let Poll::Ready(status) = polled {
        child.waited = Some(status);
    }
    polled
}

/// Sends a signal, if the scope `process` allows it.
fn send(core: &Core, pid: u32, signal: Signal) -> Result<(), Errno> {
    let settings = core.settings();
    if !settings.services.may_signal(signal) {
        return Err(Errno::Eacces);
    }
    settings.kernel.kill(pid, signal)
}

/// (number) -> promise of the exit status
fn child_wait(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    if realm.resources.borrow().children.get(id).is_none() {
        return errors::throw_errno(scope, Errno::Echild, "wait", None);
    }
    let waiter = std::rc::Rc::downgrade(&realm);
    let future = poll_fn(move |cx| {
        let Some(realm) = waiter.upgrade() else { return Poll::Ready(Err(Errno::Echild)) };
        let mut resources = realm.resources.borrow_mut();
        let Some(child) = resources.children.get_mut(id) else { return Poll::Ready(Err(Errno::Echild)) };
        poll_child(child, cx).map(|status| Ok(Output::Exit(status)))
    });
    if let Some(promise) = operations::start(scope, &core, &realm, "wait", future) {
        result.set(promise);
    }
}

/// (number) -> exit status or undefined
fn child_try_wait(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let polled = match realm.resources.borrow_mut().children.get_mut(id) {
        None => Err(Errno::Echild),
        Some(child) => Ok(poll_child(child, &Context::from_waker(Waker::noop()))),
    };
    match polled {
        Ok(Poll::Ready(status)) => result.set(values::exit_status(scope, status)),
        Ok(Poll::Pending) => {}
        Err(errno) => errors::throw_errno(scope, errno, "tryWait", None),
    }
}

/// (number, signal)
fn child_kill(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let Some(signal) = signal_of(scope, &args, 1) else { return };
    let target = match realm.resources.borrow().children.get(id) {
        Some(child) if child.waited.is_none() => Ok(child.process.pid()),
        _ => Err(Errno::Esrch),
    };
    if let Err(errno) = target.and_then(|pid| send(&core, pid, signal)) {
        errors::throw_errno(scope, errno, "kill", None);
    }
}

/// The child goes on without its handle; the kernel reaps it. May come after the end of the realm.
fn child_drop(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(realm) = Core::of(scope).current_realm(scope) else { return };
    let id = u32_of(scope, &args, 0);
    let dropped = realm.resources.borrow_mut().children.remove(id);
    drop(dropped);
}

/// (process id, signal)
fn kill(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((core, _)) = here(scope) else { return };
    let pid = u32_of(scope, &args, 0);
    let Some(signal) = signal_of(scope, &args, 1) else { return };
    if let Err(errno) = send(&core, pid, signal) {
        errors::throw_errno(scope, errno, "kill", None);
    }
}

fn id(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, process)) = here_as(scope) {
        result.set_uint32(process.pid());
    }
}

fn parent_id(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, process)) = here_as(scope) {
        result.set_uint32(process.ppid());
    }
}

fn arguments(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, process)) = here_as(scope) {
        result.set(array_of(scope, process.argv()).into());
    }
}

/// [name, value, ...]
fn environment(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, process)) = here_as(scope) {
        let flat: Vec<String> = process.env().iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect();
        result.set(array_of(scope, &flat).into());
    }
}

fn current_directory(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    match process.cwd() {
        Ok(path) => result.set(string(scope, &path).into()),
        Err(errno) => errors::throw_errno(scope, errno, "getcwd", None),
    }
}

fn set_current_directory(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    if let Err(errno) = process.chdir(&path) {
        errors::throw_errno(scope, errno, "chdir", Some(&path));
    }
}

fn set_umask(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let mask = u32_of(scope, &args, 0) & 0o777;
    result.set_uint32(process.set_umask(mask));
}

/// The dispositions by the numbers that `vm.js` has for them.
const DISPOSITIONS: [Disposition; 3] = [Disposition::Default, Disposition::Ignore, Disposition::Handle];

/// (signal) -> number of the disposition
fn disposition(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(signal) = signal_of(scope, &args, 0) else { return };
    let disposition = process.disposition(signal);
    let number = DISPOSITIONS.iter().position(|&known| known == disposition).unwrap_or_default();
    result.set_uint32(number as u32);
}

/// (signal, number of the disposition)
fn set_disposition(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(signal) = signal_of(scope, &args, 0) else { return };
    let wanted = DISPOSITIONS.get(u32_of(scope, &args, 1) as usize).ok_or(Errno::Einval);
    if let Err(errno) = wanted.and_then(|&wanted| process.set_disposition(signal, wanted)) {
        errors::throw_errno(scope, errno, "setDisposition", None);
    }
}

/// () -> signal or undefined
fn take_signal(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    if let Some(signal) = process.take_signal() {
        result.set(string(scope, values::signal_name(signal)).into());
    }
}

/// () -> promise of a signal
fn wait_signal(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm, process)) = here_as(scope) else { return };
    let future = poll_fn(move |cx| process.poll_signal(cx).map(|signal| Ok(Output::Signal(signal))));
    if let Some(promise) = operations::start(scope, &core, &realm, "waitSignal", future) {
        result.set(promise);
    }
}

fn host_functions(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((core, _)) = here(scope) else { return };
    result.set(array_of(scope, &core.settings().host_functions).into());
}

/// (name, JSON text) -> promise of a JSON text
fn host_call(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let (Some(name), Some(input)) = (text_of(scope, &args, 0), text_of(scope, &args, 1)) else { return };
    let settings = core.settings();
    let refusal = if !settings.host_functions.contains(&name) {
        Some(HostCallError::Unknown {})
    } else if input.len() as u64 > settings.limits.host_call_bytes {
        Some(HostCallError::TooLarge {})
    } else {
        None
    };
    if let Some(refusal) = refusal {
        let error = errors::call_error(scope, &refusal);
        if let Some(resolver) = v8::PromiseResolver::new(scope) {
            resolver.reject(scope, error);
            result.set(resolver.get_promise(scope).into());
        }
        return;
    }
    let Some((call, promise)) = operations::start_host_call(scope, &core, &realm) else {
        return errors::throw_errno(scope, Errno::Eagain, "call", None);
    };
    settings.services.host_call(IsolateHandle(core.inbox.clone()), CallId(call), &name, input);
    result.set(promise.into());
}

fn engine_report(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some((core, _)) = here(scope) else { return };
    result.set(string(scope, &core.settings().engine_report).into());
}
