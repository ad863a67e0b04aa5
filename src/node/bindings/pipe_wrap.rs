//! Pipes: ends of the kernel's pipes, and Unix sockets.

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};
use crate::environment::Env;
use crate::handle_wrap;
use crate::net;
use crate::request;
use crate::stream_base::{self, EBADF, EINVAL, Stream};

pub(super) static BINDING: Binding = Binding { name: "pipe_wrap", functions: &[], make: Some(make) };

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    request::class(scope, binding, "PipeConnectWrap", "PIPECONNECTWRAP")?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let methods = functions! {
        "bind" => bind,
        "listen" => listen,
        "connect" => connect,
        "open" => open,
        "fchmod" => fchmod,
    };
    let class = net::class(scope, env, "Pipe", constructor, methods)?;
    class.publish(scope, binding, "Pipe")
}

/// (kind): a socket, a server, or one that passes handles
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let provider = match args.get(0).uint32_value(scope) {
        Some(0 | 2) => "PIPEWRAP",
        Some(1) => "PIPESERVERWRAP",
        _ => return isolate::library::throw_type(scope, "There is no such kind of pipe"),
    };
    let _ = handle_wrap::attach(scope, &env, args.this(), provider, Rc::new(Stream::default()));
}

fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String> {
    let text = value.try_cast::<v8::String>().ok().filter(|text| text.length() < 4096)?;
    Some(text.to_rust_string_lossy(scope))
}

/// (path) -> status
fn bind(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    let (Some(path), Some(process)) = (text(scope, args.get(0)), env.process()) else {
        return result.set_int32(EINVAL);
    };
    if !handle.is_open() || stream.is_connected() || stream.socket.is_bound() {
        return result.set_int32(EINVAL);
    }
    let bound = env.core.settings().kernel.network().bind_path(&process, &path);
    let bound = bound.map_err(|error| match error {
        // As libuv has it.
        kernel::net::SocketError::Other(kernel::Errno::Enoent) => kernel::net::SocketError::Eacces,
        error => error,
    });
    result.set_int32(stream.socket.bind_path(bound, &process));
}

/// (backlog) -> status
fn listen(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    let backlog = args.get(0).uint32_value(scope).unwrap_or(0);
    result.set_int32(net::listen(&env, &handle, &stream, backlog, "Pipe"));
}

/// (request, path) -> status
fn connect(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    let (Ok(request), Some(path), Some(process)) =
        (args.get(0).try_cast::<v8::Object>(), text(scope, args.get(1)), env.process())
    else {
        return result.set_int32(EINVAL);
    };
    let connecting = env.core.settings().kernel.network().connect_path(&process, &path);
    result.set_int32(net::connect(scope, &env, &handle, &stream, request, connecting));
}

/// (descriptor) -> status
fn open(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    if !handle.is_open() || stream.is_connected() {
        return result.set_int32(EINVAL);
    }
    let status = stream_base::open(&stream, &env, args.get(0), scope);
    result.set_int32(status);
}

/// A VM has one user, who may use every socket already.
fn fchmod(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    result.set_int32(if stream.socket.is_bound() { 0 } else { EBADF });
}
