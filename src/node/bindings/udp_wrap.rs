//! Datagrams on the VM's own addresses.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use isolate::library::{Delivery, OperationId, Scope, copy_bytes, string};
use kernel::net::{DatagramSocket, Family};

use crate::binding::{Args, Binding, Class, Return, functions, set, set_number};
use crate::bindings::buffer::from_bytes;
use crate::environment::Env;
use crate::handle_wrap::{self, Handle, Native, is_no_construction};
use crate::net;
use crate::request;
use crate::stream_base::{EBADF, EINVAL, ENOMEM, ENOTCONN};

pub(super) static BINDING: Binding = Binding { name: "udp_wrap", functions: &[], make: Some(make) };

const ONLY_VERSION_6: u32 = 1;
const REUSES_ADDRESS: u32 = 4;
const REUSES_PORT: u32 = 64;

const EISCONN: i32 = -106;
const EALREADY: i32 = -114;
const EDESTADDRREQ: i32 = -89;
const ENODEV: i32 = -19;

/// What a socket's buffers hold, as it tells of them.
const BUFFER: f64 = 212_992.0;

#[derive(Default)]
struct Udp {
    socket: RefCell<Option<Rc<DatagramSocket>>>,
    peer: Cell<Option<SocketAddr>>,
    receives: Cell<bool>,
    receiving: Cell<Option<OperationId>>,
}

impl Native for Udp {
    fn close(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>, _: &Rc<Handle>) {
        self.abandon();
    }

    fn abandon(&self) {
        self.receives.set(false);
        self.receiving.set(None);
        let socket = self.socket.take();
        drop(socket);
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

impl Udp {
    fn bind(&self, env: &Env, address: SocketAddr, flags: u32) -> i32 {
        if self.socket.borrow().is_some() {
            return EINVAL;
        }
        let only_6 = address.is_ipv6() && flags & ONLY_VERSION_6 != 0;
        let shares = flags & (REUSES_ADDRESS | REUSES_PORT) != 0;
        match env.core.settings().kernel.network().bind(Family::Udp, address, only_6, shares) {
            Ok(bound) => {
                *self.socket.borrow_mut() = Some(Rc::new(DatagramSocket::new(bound)));
                0
            }
            Err(error) => -error.code(),
        }
    }

    /// The socket, bound somewhere.
    fn bound(&self, env: &Env, version_6: bool) -> Result<Rc<DatagramSocket>, i32> {
        if self.socket.borrow().is_none() {
            let any =
                if version_6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
            match self.bind(env, SocketAddr::new(any, 0), 0) {
                0 => {}
                error => return Err(error),
            }
        }
        self.socket.borrow().clone().ok_or(EBADF)
    }
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    request::class(scope, binding, "SendWrap", "UDPSENDWRAP")?;
    let class = Class::new(scope, "UDP", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    let parent = handle_wrap::base(scope, env)?;
    class.template.inherit(parent);
    class.methods(
        scope,
        functions! {
            "recvStart" => recv_start,
            "recvStop" => recv_stop,
            "open" => open,
            "bind" => bind,
            "bind6" => bind6,
            "connect" => connect,
            "connect6" => connect6,
            "disconnect" => disconnect,
            "send" => send,
            "send6" => send6,
            "getpeername" => getpeername,
            "getsockname" => getsockname,
            "addMembership" => no_multicast,
            "dropMembership" => no_multicast,
            "addSourceSpecificMembership" => no_multicast,
            "dropSourceSpecificMembership" => no_multicast,
            "setMulticastInterface" => set_multicast_interface,
            "setMulticastTTL" => set_multicast_ttl,
            "setMulticastLoopback" => set_option,
            "setBroadcast" => set_option,
            "setTTL" => set_ttl,
            "bufferSize" => buffer_size,
            "getSendQueueSize" => zero,
            "getSendQueueCount" => zero,
        },
    )?;
    class.getter(scope, "fd", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(fd))?;
    class.publish(scope, binding, "UDP")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let _ = handle_wrap::attach(scope, &env, args.this(), "UDPWRAP", Rc::new(Udp::default()));
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Handle>, Rc<Udp>)> {
    handle_wrap::receiver::<Udp>(scope, args.this())
}

/// A socket for datagrams is no file of the VM's.
fn fd(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(-1);
}

fn open(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(EINVAL);
}

fn zero(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(0);
}

fn is_address(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> bool {
    let text = value.try_cast::<v8::String>().ok().filter(|text| text.length() <= 64);
    text.is_some_and(|text| {
        let text = text.to_rust_string_lossy(scope);
        text.split('%').next().unwrap_or_default().parse::<IpAddr>().is_ok()
    })
}

/// There is one network, with one machine in it.
fn no_multicast(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, handle, _)) = receiver(scope, &args) else { return };
    let is_valid = is_address(scope, args.get(0));
    result.set_int32(match handle.is_open() {
        false => EBADF,
        true if is_valid => ENODEV,
        true => EINVAL,
    });
}

/// (address) -> status: any of the one interface's
fn set_multicast_interface(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, handle, _)) = receiver(scope, &args) else { return };
    let is_valid = is_address(scope, args.get(0));
    result.set_int32(match handle.is_open() {
        false => EBADF,
        true if is_valid => 0,
        true => EINVAL,
    });
}

fn set_number_between(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    result: &mut Return<'_>,
    range: std::ops::RangeInclusive<i64>,
) {
    let Some((_, handle, udp)) = receiver(scope, args) else { return };
    let number = args.get(0).integer_value(scope).unwrap_or(-1);
    let is_there = handle.is_open() && udp.socket.borrow().is_some();
    result.set_int32(match is_there {
        false => EBADF,
        true if range.contains(&number) => 0,
        true => EINVAL,
    });
}

fn set_ttl(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    set_number_between(scope, &args, &mut result, 1..=255);
}

fn set_multicast_ttl(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    set_number_between(scope, &args, &mut result, 0..=255);
}

/// What only matters on the way to other machines.
fn set_option(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, handle, udp)) = receiver(scope, &args) {
        let is_there = handle.is_open() && udp.socket.borrow().is_some();
        result.set_int32(if is_there { 0 } else { EBADF });
    }
}

/// (size, whether of what comes in, context) -> size
fn buffer_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, udp)) = receiver(scope, &args) else { return };
    let size = args.get(0).number_value(scope).unwrap_or(0.0);
    let is_bound = udp.socket.borrow().is_some();
    if !is_bound || size > f64::from(i32::MAX) {
        let Ok(context) = args.get(2).try_cast::<v8::Object>() else { return };
        let (errno, code) = if is_bound { (EINVAL, "EINVAL") } else { (EBADF, "EBADF") };
        let message = if is_bound { "invalid argument" } else { "bad file descriptor" };
        let what = if args.get(1).is_true() { "uv_recv_buffer_size" } else { "uv_send_buffer_size" };
        let _ = (|| {
            set_number(scope, context, "errno", f64::from(errno))?;
            for (name, text) in [("code", code), ("message", message), ("syscall", what)] {
                let text = string(scope, text);
                set(scope, context, name, text.into())?;
            }
            Some(())
        })();
        return;
    }
    result.set_double(BUFFER);
}

fn bind_to(scope: &mut Scope<'_, '_>, args: &Args<'_>, version_6: bool) -> Option<i32> {
    let (env, handle, udp) = receiver(scope, args)?;
    let flags = args.get(2).uint32_value(scope).unwrap_or(0);
    let Some(address) = net::address(scope, args.get(0), args.get(1), version_6) else { return Some(EINVAL) };
    Some(if handle.is_open() { udp.bind(&env, address, flags) } else { EBADF })
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

fn connect_to(scope: &mut Scope<'_, '_>, args: &Args<'_>, version_6: bool) -> Option<i32> {
    let (env, handle, udp) = receiver(scope, args)?;
    let Some(address) = net::address(scope, args.get(0), args.get(1), version_6) else { return Some(EINVAL) };
    if !handle.is_open() {
        return Some(EBADF);
    }
    if udp.peer.get().is_some() {
        return Some(EISCONN);
    }
    if let Err(error) = udp.bound(&env, version_6) {
        return Some(error);
    }
    udp.peer.set(Some(address));
    Some(0)
}

/// (address, port) -> status
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

fn disconnect(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, _, udp)) = receiver(scope, &args) {
        let was = udp.peer.take();
        result.set_int32(if was.is_some() { 0 } else { ENOTCONN });
    }
}

/// (request, chunks, how many, port, address, callback), or without port and address where it is connected -> status, or
/// the number of bytes and one
fn send_to(scope: &mut Scope<'_, '_>, args: &Args<'_>, version_6: bool) -> Option<i32> {
    let (env, handle, udp) = receiver(scope, args)?;
    if !handle.is_open() {
        return Some(EBADF);
    }
    let Ok(chunks) = args.get(1).try_cast::<v8::Array>() else { return Some(EINVAL) };
    let mut bytes = Vec::new();
    for index in 0..chunks.length() {
        let chunk = chunks.get_index(scope, index)?;
        let Some(more) = copy_bytes(chunk) else { return Some(EINVAL) };
        bytes.extend_from_slice(&more);
        if bytes.len() > kernel::net::DATAGRAM_MAX {
            return Some(-kernel::net::SocketError::Emsgsize.code());
        }
    }
    let to = if args.length() > 4 {
        if udp.peer.get().is_some() {
            return Some(EISCONN);
        }
        net::address(scope, args.get(4), args.get(3), version_6)
    } else {
        match udp.peer.get() {
            Some(peer) => Some(peer),
            None => return Some(EDESTADDRREQ),
        }
    };
    let Some(to) = to else { return Some(EINVAL) };
    let socket = match udp.bound(&env, version_6) {
        Ok(socket) => socket,
        Err(error) => return Some(error),
    };
    Some(match socket.send(to, &bytes) {
        Ok(length) => i32::try_from(length).unwrap_or(0) + 1,
        Err(error) => -error.code(),
    })
}

fn send(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = send_to(scope, &args, false) {
        result.set_int32(status);
    }
}

fn send6(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = send_to(scope, &args, true) {
        result.set_int32(status);
    }
}

fn name(scope: &mut Scope<'_, '_>, args: &Args<'_>, of: fn(&Udp) -> Result<SocketAddr, i32>) -> Option<i32> {
    let (_, handle, udp) = receiver(scope, args)?;
    let Ok(target) = args.get(0).try_cast::<v8::Object>() else { return Some(EINVAL) };
    if !handle.is_open() {
        return Some(EBADF);
    }
    match of(&udp) {
        Ok(address) => {
            net::describe(scope, target, address)?;
            Some(0)
        }
        Err(error) => Some(error),
    }
}

fn getsockname(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let of = |udp: &Udp| udp.socket.borrow().as_ref().map(|socket| socket.local()).ok_or(EBADF);
    if let Some(status) = name(scope, &args, of) {
        result.set_int32(status);
    }
}

fn getpeername(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(status) = name(scope, &args, |udp| udp.peer.get().ok_or(ENOTCONN)) {
        result.set_int32(status);
    }
}

fn recv_start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, udp)) = receiver(scope, &args) else { return };
    if !handle.is_open() {
        return result.set_int32(EBADF);
    }
    if udp.receives.get() {
        return result.set_int32(EALREADY);
    }
    udp.receives.set(true);
    result.set_int32(receive_on(&env, &handle, &udp));
}

fn recv_stop(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, udp)) = receiver(scope, &args) else { return };
    udp.receives.set(false);
    if let Some(id) = udp.receiving.take() {
        handle.cancel(&env, id);
    }
    result.set_int32(0);
}

/// Waits for the next datagram.
fn receive_on(env: &Rc<Env>, handle: &Rc<Handle>, udp: &Rc<Udp>) -> i32 {
    let socket = match udp.bound(env, false) {
        Ok(socket) => socket,
        Err(error) => return error,
    };
    let (known, own, then) = (handle.clone(), udp.clone(), env.clone());
    let id = handle.begin(env, async move {
        let (bytes, from) = poll_fn(|cx| socket.poll_receive(cx)).await;
        let deliver: Delivery = Box::new(move |scope| {
            own.receiving.set(None);
            if !known.is_open() || !own.receives.get() {
                return Some(());
            }
            let peer = own.peer.get();
            receive_on(&then, &known, &own);
            // One that is connected hears nobody else.
            if peer.is_some_and(|peer| peer.port() != from.port()) {
                return Some(());
            }
            let from_object = v8::Object::new(scope);
            net::describe(scope, from_object, from)?;
            let length = v8::Number::new(scope, bytes.len() as f64).into();
            let buffer = from_bytes(scope, &then, &bytes)?;
            let object = known.object(scope)?;
            known
                .call(scope, &then, "onmessage", &[length, object.into(), buffer, from_object.into()])
                .map(drop)
        });
        deliver
    });
    udp.receiving.set(id);
    if id.is_some() { 0 } else { ENOMEM }
}
