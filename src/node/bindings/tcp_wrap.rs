//! TCP, on the VM's own addresses; whoever connects beyond them is answered by the kernel's connector.

use std::rc::Rc;

use isolate::library::{Scope, string};
use kernel::net::{Endpoint, Family};

use crate::binding::{Args, Binding, Return, functions};
use crate::environment::Env;
use crate::handle_wrap::{self, Handle};
use crate::net;
use crate::request;
use crate::stream_base::{self, EBADF, EINVAL, ENOTCONN, Stream};

pub(super) static BINDING: Binding = Binding { name: "tcp_wrap", functions: &[], make: Some(make) };

const ONLY_VERSION_6: u32 = 1;
const SHARES_PORT: u32 = 2;

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    request::class(scope, binding, "TCPConnectWrap", "TCPCONNECTWRAP")?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let methods = functions! {
        "open" => open,
        "bind" => bind,
        "listen" => listen,
        "connect" => connect,
        "bind6" => bind6,
        "connect6" => connect6,
        "getsockname" => getsockname,
        "getpeername" => getpeername,
        "setNoDelay" => set_option,
        "setKeepAlive" => set_option,
        "setTypeOfService" => set_option,
        "getTypeOfService" => get_type_of_service,
        "reset" => reset,
    };
    let class = net::class(scope, env, "TCP", constructor, methods)?;
    let instance = class.template.instance_template(scope);
    let null: v8::Local<v8::Value> = v8::null(scope).into();
    let key = string(scope, "reading");
    let no = v8::Boolean::new(scope, false);
    instance.set(key.into(), no.into());
    let key = string(scope, "onconnection");
    instance.set(key.into(), null.into());
    let owner = env.symbol(scope, "owner_symbol");
    instance.set(owner.into(), null.into());
    class.publish(scope, binding, "TCP")
}

/// (kind): a socket or a server
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let provider = match args.get(0).uint32_value(scope) {
        Some(0) => "TCPWRAP",
        Some(1) => "TCPSERVERWRAP",
        _ => return isolate::library::throw_type(scope, "There is no such kind of socket"),
    };
    let _ = handle_wrap::attach(scope, &env, args.this(), provider, Rc::new(Stream::default()));
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Handle>, Rc<Stream>)> {
    handle_wrap::receiver::<Stream>(scope, args.this())
}

/// (descriptor) -> status
fn open(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = receiver(scope, &args) else { return };
    if !handle.is_open() || stream.is_connected() {
        return result.set_int32(EINVAL);
    }
    let status = stream_base::open(&stream, &env, args.get(0), scope);
    result.set_int32(status);
}

fn bind_to(scope: &mut Scope<'_, '_>, args: &Args<'_>, version_6: bool) -> Option<i32> {
    let (env, handle, stream) = receiver(scope, args)?;
    let flags = args.get(2).uint32_value(scope).unwrap_or(0);
    let Some(address) = net::address(scope, args.get(0), args.get(1), version_6) else { return Some(EINVAL) };
    if !handle.is_open() || stream.is_connected() || stream.socket.is_bound() {
        return Some(EINVAL);
    }
    let only_6 = version_6 && flags & ONLY_VERSION_6 != 0;
    let bound =
        env.core.settings().kernel.network().bind(Family::Tcp, address, only_6, flags & SHARES_PORT != 0);
    Some(stream.socket.bind(bound))
}

/// (address, port, flags) -> status
fn bind(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = bind_to(scope, &args, false) {
        result.set_int32(status);
    }
}

fn bind6(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = bind_to(scope, &args, true) {
        result.set_int32(status);
    }
}

/// (backlog) -> status
fn listen(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = receiver(scope, &args) else { return };
    let backlog = args.get(0).uint32_value(scope).unwrap_or(0);
    result.set_int32(net::listen(&env, &handle, &stream, backlog, "TCP"));
}

fn connect_to(scope: &mut Scope<'_, '_>, args: &Args<'_>, version_6: bool) -> Option<i32> {
    let (env, handle, stream) = receiver(scope, args)?;
    let (Ok(request), Some(address)) =
        (args.get(0).try_cast::<v8::Object>(), net::address(scope, args.get(1), args.get(2), version_6))
    else {
        return Some(EINVAL);
    };
    let from = match stream.socket.take_bound() {
        Ok(from) => from,
        Err(status) => return Some(status),
    };
    let connecting = env.core.settings().kernel.network().connect(from, address);
    Some(net::connect(scope, &env, &handle, &stream, request, Ok(connecting)))
}

/// (request, address, port) -> status
fn connect(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = connect_to(scope, &args, false) {
        result.set_int32(status);
    }
}

fn connect6(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = connect_to(scope, &args, true) {
        result.set_int32(status);
    }
}

fn name(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    of: fn(&Stream) -> Result<Option<std::net::SocketAddr>, i32>,
    none: i32,
) -> Option<i32> {
    let (_, handle, stream) = receiver(scope, args)?;
    if !handle.is_open() {
        return Some(EBADF);
    }
    let Ok(target) = args.get(0).try_cast::<v8::Object>() else { return Some(EINVAL) };
    match of(&stream) {
        Ok(Some(address)) => {
            net::describe(scope, target, address)?;
            Some(0)
        }
        Ok(None) => Some(none),
        Err(status) => Some(status),
    }
}

fn inet(endpoint: &Endpoint) -> Option<std::net::SocketAddr> {
    match endpoint {
        Endpoint::Inet(address) => Some(*address),
        Endpoint::Unix(_) => None,
    }
}

/// (object) -> status; the object is told the address
fn getsockname(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let of = |stream: &Stream| match stream.end().as_ref().and_then(|end| end.connection()) {
        Some(connection) => Ok(inet(connection.local())),
        None => stream.socket.local(),
    };
    if let Some(status) = name(scope, &args, of, EBADF) {
        result.set_int32(status);
    }
}

fn getpeername(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let of = |stream: &Stream| {
        Ok(stream
            .end()
            .as_ref()
            .and_then(|end| end.connection())
            .and_then(|connection| inet(connection.peer())))
    };
    if let Some(status) = name(scope, &args, of, ENOTCONN) {
        result.set_int32(status);
    }
}

/// Between two programs of one VM nothing is put off, and no connection is lost.
fn set_option(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, handle, _)) = receiver(scope, &args) {
        result.set_int32(if handle.is_open() { 0 } else { EBADF });
    }
}

fn get_type_of_service(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(0);
}

/// (callback) -> status: ends the connection by force
fn reset(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = receiver(scope, &args) else { return };
    if !handle.is_open() {
        return result.set_int32(0);
    }
    if let Some(connection) = stream.end().as_ref().and_then(|end| end.connection()) {
        connection.reset();
    }
    handle.close(scope, &env, args.get(0).try_cast().ok());
    result.set_int32(0);
}
