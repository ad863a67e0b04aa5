//! Child processes: programs of the VM, started by the kernel.

use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Delivery, Scope, string};
use kernel::{Errno, ExitStatus, OpenFile, Process};

use crate::binding::{Args, Binding, Class, Return, functions, get, set_number};
use crate::child::{self, Failure, STDIO_MAX, Wanted};
use crate::environment::Env;
use crate::handle_wrap::{self, Handle, Native};
use crate::stream_base::{EBADF, EINVAL, End, Stream};

pub(super) static BINDING: Binding = Binding {
    name: "process_wrap",
    functions: functions! { "getEnvPairs" => get_env_pairs, },
    make: Some(make),
};

/// Of the flags of `spawn`; the others are about windows.
const DETACHED: u32 = 1;

const ESRCH: i32 = -3;

/// A child that was started.
#[derive(Default)]
struct Child(RefCell<Option<Arc<Process>>>);

impl Native for Child {
    fn close(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>, _: &Rc<Handle>) {
        self.abandon();
    }

    /// The child goes on without its handle; the kernel reaps it.
    fn abandon(&self) {
        if let Some(child) = self.0.take() {
            child.detach();
        }
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "Process", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    let parent = handle_wrap::base(scope, env)?;
    class.template.inherit(parent);
    class.methods(scope, functions! { "spawn" => spawn, "kill" => kill, })?;
    class.publish(scope, binding, "Process")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let _ = handle_wrap::attach(scope, &env, args.this(), "PROCESSWRAP", Rc::new(Child::default()));
}

/// (environment object) -> `NAME=value` texts of it
fn get_env_pairs(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let object = match args.get(0).try_cast::<v8::Object>() {
        Ok(object) => object,
        Err(_) => {
            let Some(process) = env.process_object(scope) else { return };
            let Some(variables) = get(scope, process, "env") else { return };
            let Ok(variables) = variables.try_cast::<v8::Object>() else { return };
            variables
        }
    };
    let Some(names) = object.get_own_property_names(scope, v8::GetPropertyNamesArgs::default()) else {
        return;
    };
    let mut pairs: Vec<v8::Local<v8::Value>> = Vec::new();
    for index in 0..names.length() {
        let Some(name) = names.get_index(scope, index) else { return };
        let Some(value) = object.get(scope, name) else { return };
        if value.is_undefined() {
            continue;
        }
        let equals = string(scope, "=");
        let (Some(name), Some(value)) = (name.to_string(scope), value.to_string(scope)) else { return };
        let Some(pair) = v8::String::concat(scope, name, equals) else { return };
        let Some(pair) = v8::String::concat(scope, pair, value) else { return };
        pairs.push(pair.into());
    }
    result.set(v8::Array::new_with_elements(scope, &pairs).into());
}

/// What one descriptor of a child's becomes.
struct Wiring {
    /// The streams that get the other ends, once the child is there.
    streams: Vec<(Rc<Stream>, Option<End>, Option<End>)>,
    fds: Vec<(u32, Arc<OpenFile>)>,
}

/// (file, arguments, directory, variables, stdio, flags, user, group) -> status
fn spawn<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, handle, child)) = handle_wrap::receiver::<Child>(scope, args.this()) else { return };
    let Some(process) = env.process() else { return result.set_int32(-Errno::Esrch.code()) };
    if !handle.is_open() || child.0.borrow().is_some() {
        return result.set_int32(EINVAL);
    }
    let flags = args.get(5).uint32_value(scope).unwrap_or(0);
    let wanted = Wanted {
        file: args.get(0),
        arguments: args.get(1),
        directory: args.get(2),
        variables: args.get(3),
        user: args.get(6),
        group: args.get(7),
        detached: flags & DETACHED != 0,
    };
    let started = wire(scope, &env, &process, args.get(4)).and_then(|wiring| {
        let started = child::start(scope, &env, &process, &wanted, wiring.fds);
        // Where nothing was started, the library reads their end.
        for (stream, reader, writer) in wiring.streams {
            stream.connect(reader, writer);
        }
        started
    });
    let started = match started {
        Ok(started) => started,
        Err(Failure::Threw) => return,
        Err(Failure::Status(status)) => return result.set_int32(status),
    };
    *child.0.borrow_mut() = Some(started.clone());
    wait(&env, &handle, started.clone());
    if set_number(scope, args.this(), "pid", f64::from(started.pid())).is_some() {
        result.set_int32(0);
    }
}

/// Has `onexit` called.
fn wait(env: &Rc<Env>, handle: &Rc<Handle>, child: Arc<Process>) {
    let (known, then) = (handle.clone(), env.clone());
    handle.begin(env, async move {
        let status = poll_fn(|cx| child.poll_wait(cx)).await;
        let deliver: Delivery = Box::new(move |scope| {
            let (code, signal) = match status {
                ExitStatus::Exited(code) => (i32::from(code), ""),
                ExitStatus::Signaled(signal) => (0, signal.name()),
            };
            let (code, signal) = (v8::Integer::new(scope, code), string(scope, signal));
            known.call(scope, &then, "onexit", &[code.into(), signal.into()]).map(drop)
        });
        deliver
    });
}

/// Reads what the descriptors of a child are to be, and makes the pipes among them.
fn wire(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    process: &Process,
    stdio: v8::Local<'_, v8::Value>,
) -> Result<Wiring, Failure> {
    let kernel = &env.core.settings().kernel;
    let mut wiring = Wiring { streams: Vec::new(), fds: Vec::new() };
    let Ok(stdio) = stdio.try_cast::<v8::Array>() else { return Ok(wiring) };
    if stdio.length() > STDIO_MAX {
        return Err(Errno::Emfile.into());
    }
    for number in 0..stdio.length() {
        let entry = stdio.get_index(scope, number).ok_or(Failure::Threw)?;
        let entry: v8::Local<v8::Object> = entry.try_cast().map_err(|_| Failure::Status(EINVAL))?;
        let kind = get(scope, entry, "type").ok_or(Failure::Threw)?.to_rust_string_lossy(scope);
        match kind.as_str() {
            "ignore" if number > 2 => {}
            "ignore" => wiring.fds.push((number, kernel.null())),
            "pipe" | "overlapped" => {
                let object = get(scope, entry, "handle").ok_or(Failure::Threw)?;
                let (handle, stream) =
                    handle_wrap::of::<Stream>(scope, env, object).ok_or(Failure::Status(EINVAL))?;
                if !handle.is_open() || stream.is_connected() {
                    return Err(Failure::Status(EINVAL));
                }
                if number > 2 {
                    let (near, far) =
                        kernel.network().pair().map_err(|error| Failure::Status(-error.code()))?;
                    let near = End::socket(near);
                    wiring.fds.push((number, far.open_file()));
                    wiring.streams.push((stream, Some(near.clone()), Some(near)));
                    continue;
                }
                let (read, write) = kernel.pipe()?;
                if number == 0 {
                    wiring.fds.push((number, read));
                    wiring.streams.push((stream, None, Some(End::File(write))));
                } else {
                    wiring.fds.push((number, write));
                    wiring.streams.push((stream, Some(End::File(read)), None));
                }
            }
            "wrap" => {
                let object = get(scope, entry, "handle").ok_or(Failure::Threw)?;
                let (_, stream) =
                    handle_wrap::of::<Stream>(scope, env, object).ok_or(Failure::Status(EINVAL))?;
                let end = stream.end_for(number).ok_or(Failure::Status(EBADF))?;
                wiring.fds.push((number, end.file().clone()));
            }
            _ => {
                let descriptor = get(scope, entry, "fd").ok_or(Failure::Threw)?;
                let descriptor = descriptor.uint32_value(scope).ok_or(Failure::Threw)?;
                wiring.fds.push((number, process.fds().get(descriptor)?));
            }
        }
    }
    Ok(wiring)
}

/// (signal) -> status
fn kill(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, _, child)) = handle_wrap::receiver::<Child>(scope, args.this()) else { return };
    let Some(signal) = args.get(0).int32_value(scope) else { return };
    let child = child.0.borrow().clone();
    result.set_int32(child.map_or(ESRCH, |child| child::kill(&env, &child, signal)));
}
