//! `ChannelWrap`: a resolver. It asks servers that a program has named, as far as they are in the VM; the network's own
//! servers are nobody that a VM may ask.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use isolate::library::{Scope, string, text, throw_type};
use simple_dns::{QTYPE, TYPE};

use super::PENDING;
use super::answers::{self, Asked, TLSA};
use super::ask::{self, Failure, Manner};
use crate::binding::{Args, Class, Return, functions};
use crate::coded_error::{Kind, throw};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
use crate::request::{self, Complete};

const EINVAL: i32 = -22;

/// Most servers of one resolver.
const SERVERS_MAX: u32 = 64;

/// What those are told who ask the network.
const DENIED: Failure = "EACCES";
const CANCELLED: Failure = "ECANCELLED";

/// Where names are asked for, and whom one asks who has said nothing.
const PORT: u16 = 53;
const DEFAULT_SERVER: &str = "127.0.0.1";

/// The native half.
struct Channel {
    manner: RefCell<Manner>,
    /// The program has said whom to ask.
    is_set: Cell<bool>,
    pending: Cell<usize>,
    /// Counts cancellations: what was asked before the last is not answered.
    epoch: Cell<u64>,
    wakers: RefCell<Vec<Waker>>,
    last: Cell<u16>,
}

pub(super) fn make(scope: &mut Scope<'_, '_>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "ChannelWrap", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(
        scope,
        functions! {
            "getHostByAddr" => query_names,
            "queryA" => query_a,
            "queryAny" => query_any,
            "queryAaaa" => query_aaaa,
            "queryCaa" => query_caa,
            "queryCname" => query_cname,
            "queryMx" => query_mx,
            "queryNaptr" => query_naptr,
            "queryNs" => query_ns,
            "queryPtr" => query_ptr,
            "querySrv" => query_srv,
            "querySoa" => query_soa,
            "queryTlsa" => query_tlsa,
            "queryTxt" => query_txt,
            "getServers" => get_servers,
            "setServers" => set_servers,
            "setLocalAddress" => set_local_address,
            "cancel" => cancel,
        },
    )?;
    class.publish(scope, binding, "ChannelWrap")
}

/// (timeout, tries, longest timeout)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let milliseconds = |index| {
        let number = args.get(index).integer_value(scope).unwrap_or(-1);
        u64::try_from(number).ok().filter(|number| *number > 0).map(Duration::from_millis)
    };
    let (timeout, timeout_max) = (milliseconds(0), milliseconds(2));
    let tries = args.get(1).uint32_value(scope).unwrap_or(1);
    let manner = Manner { servers: Vec::new(), timeout, timeout_max, tries, local: (None, None) };
    let channel = Channel {
        manner: RefCell::new(manner),
        is_set: Cell::new(false),
        pending: Cell::new(0),
        epoch: Cell::new(0),
        wakers: RefCell::default(),
        last: Cell::new(0),
    };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(channel));
}

impl Channel {
    /// Asks, unless that is cancelled.
    async fn ask(self: Rc<Self>, env: Rc<Env>, name: String, kind: QTYPE) -> Result<Vec<u8>, Failure> {
        let (epoch, manner) = (self.epoch.get(), self.manner.borrow().clone());
        if !self.is_set.get() {
            return Err(DENIED);
        }
        self.last.set(self.last.get().wrapping_add(1));
        let mut asking = pin!(ask::ask(env, manner, self.last.get(), name, kind));
        poll_fn(|cx| {
            if self.epoch.get() != epoch {
                return Poll::Ready(Err(CANCELLED));
            }
            let polled = asking.as_mut().poll(cx);
            if polled.is_pending() && !self.wakers.borrow().iter().any(|waker| waker.will_wake(cx.waker())) {
                self.wakers.borrow_mut().push(cx.waker().clone());
            }
            polled
        })
        .await
    }
}

/// (request, name) -> status
fn query(scope: &mut Scope<'_, '_>, args: &Args<'_>, result: &mut Return<'_>, asked: Asked, kind: QTYPE) {
    let Some((env, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    let (Ok(request), Ok(name)) =
        (args.get(0).try_cast::<v8::Object>(), args.get(1).try_cast::<v8::String>())
    else {
        return throw_type(scope, "The request must be an object, and the name a string");
    };
    let Some(mut name) = text(scope, name) else { return };
    if asked == Asked::Names {
        match reverse(&name) {
            Some(reversed) => name = reversed,
            None => return result.set_int32(EINVAL),
        }
    }
    channel.pending.set(channel.pending.get().saturating_add(1));
    let (own, asking) = (channel.clone(), channel.clone().ask(env.clone(), name, kind));
    let future = async move {
        let answer = asking.await;
        let complete: Complete = Box::new(move |scope, _| {
            own.pending.set(own.pending.get().saturating_sub(1));
            if own.pending.get() == 0 {
                own.wakers.borrow_mut().clear();
            }
            let made = match answer {
                Ok(answer) => answers::make(scope, &answer, asked)?,
                Err(failure) => Err(failure),
            };
            Some(match made {
                Ok(values) => {
                    let mut arguments = vec![v8::Integer::new(scope, 0).into()];
                    arguments.extend(values);
                    arguments
                }
                Err(failure) => vec![string(scope, failure).into()],
            })
        });
        complete
    };
    match request::dispatch(scope, &env, request, future) {
        Some(()) => result.set_int32(0),
        None => channel.pending.set(channel.pending.get().saturating_sub(1)),
    }
}

/// The name under which the names of an address are asked for.
fn reverse(address: &str) -> Option<String> {
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits = address.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let digits: String = digits.map(|digit| format!("{digit:x}.")).collect();
            format!("{digits}ip6.arpa")
        }
    })
}

/// The methods that ask for records of one kind.
macro_rules! queries {
    ($($function:ident = $kind:expr;)*) => {
        $(fn $function(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
            query(scope, &args, &mut result, Asked::Records($kind), QTYPE::TYPE($kind));
        })*
    };
}

queries! {
    query_a = TYPE::A;
    query_aaaa = TYPE::AAAA;
    query_caa = TYPE::CAA;
    query_cname = TYPE::CNAME;
    query_mx = TYPE::MX;
    query_naptr = TYPE::NAPTR;
    query_ns = TYPE::NS;
    query_ptr = TYPE::PTR;
    query_srv = TYPE::SRV;
    query_soa = TYPE::SOA;
    query_tlsa = TYPE::Unknown(TLSA);
    query_txt = TYPE::TXT;
}

fn query_any(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    query(scope, &args, &mut result, Asked::Everything, QTYPE::ANY);
}

fn query_names(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    query(scope, &args, &mut result, Asked::Names, QTYPE::TYPE(TYPE::PTR));
}

/// () -> [[address, port], ...]
fn get_servers<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    let mut servers: Vec<(String, u16)> = Vec::new();
    if channel.is_set.get() {
        let manner = channel.manner.borrow();
        servers.extend(manner.servers.iter().map(|server| (server.ip().to_string(), server.port())));
    } else {
        servers.push((DEFAULT_SERVER.to_owned(), PORT));
    }
    let mut pairs: Vec<v8::Local<v8::Value>> = Vec::new();
    for (address, port) in &servers {
        let pair = [string(scope, address).into(), v8::Integer::new(scope, i32::from(*port)).into()];
        pairs.push(v8::Array::new_with_elements(scope, &pair).into());
    }
    result.set(v8::Array::new_with_elements(scope, &pairs).into());
}

fn server_of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<SocketAddr> {
    let server: v8::Local<v8::Array> = value.try_cast().ok()?;
    let address: v8::Local<v8::String> = server.get_index(scope, 1)?.try_cast().ok()?;
    let port = server.get_index(scope, 2)?.integer_value(scope)?;
    let address = text(scope, address)?;
    let address: IpAddr = address.split('%').next()?.parse().ok()?;
    Some(SocketAddr::new(address, u16::try_from(port).ok()?))
}

/// ([[family, address, port], ...]) -> status
fn set_servers(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    if channel.pending.get() > 0 {
        return result.set_int32(PENDING);
    }
    let Ok(list) = args.get(0).try_cast::<v8::Array>() else {
        return throw_type(scope, "The servers must be an array");
    };
    let mut servers = Vec::new();
    for index in 0..list.length().min(SERVERS_MAX) {
        let Some(value) = list.get_index(scope, index) else { return };
        match server_of(scope, value) {
            Some(server) => servers.push(server),
            None => return throw_type(scope, "A server must be an array of a family, an address and a port"),
        }
    }
    channel.manner.borrow_mut().servers = servers;
    channel.is_set.set(true);
    result.set_int32(0);
}

/// (address, address of the other version or undefined)
fn set_local_address(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    let mut local = (None, None);
    for index in 0..2 {
        let value = args.get(index);
        if index > 0 && value.is_undefined() {
            break;
        }
        let address = super::address_of(scope, value);
        let message = match address {
            Some(IpAddr::V4(address)) if local.0.is_none() => {
                local.0 = Some(address);
                continue;
            }
            Some(IpAddr::V6(address)) if local.1.is_none() => {
                local.1 = Some(address);
                continue;
            }
            Some(IpAddr::V4(_)) => "Cannot specify two IPv4 addresses.",
            Some(IpAddr::V6(_)) => "Cannot specify two IPv6 addresses.",
            None => "Invalid IP address.",
        };
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_VALUE");
    }
    channel.manner.borrow_mut().local = local;
}

/// What is being asked is not answered.
fn cancel(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    channel.epoch.set(channel.epoch.get().wrapping_add(1));
    let wakers = channel.wakers.take();
    wakers.into_iter().for_each(Waker::wake);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_names_to_ask_for() {
        assert_eq!(reverse("1.2.3.4").as_deref(), Some("4.3.2.1.in-addr.arpa"));
        let long = reverse("::1").unwrap();
        assert!(long.starts_with("1.0.0.0.") && long.ends_with(".0.ip6.arpa") && long.len() == 72);
        assert_eq!(reverse("localhost"), None);
    }
}
