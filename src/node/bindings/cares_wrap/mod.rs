//! Names and addresses: those of the VM itself, and where the permission `network` allows it those beyond, which the
//! kernel's network asks for. Resolvers ask servers in the VM, where a program names one.

mod answers;
mod ask;
mod channel;

use std::net::IpAddr;
use std::rc::Rc;

use isolate::library::{Delivery, Scope, spawn, string, text, throw_errno};
use kernel::net::{SocketError, known_addresses};
use protocol::abi::{NetworkError, NetworkErrorCode};

use crate::binding::{Args, Binding, Return, functions};
use crate::bindings::buffer::from_bytes;
use crate::environment::Env;
use crate::refusal;
use crate::request::{self, Complete};

pub(super) static BINDING: Binding = Binding {
    name: "cares_wrap",
    functions: functions! {
        "getaddrinfo" => getaddrinfo,
        "getnameinfo" => getnameinfo,
        "canonicalizeIP" => canonicalize_ip,
        "convertIpv6StringToBuffer" => convert_ipv6,
        "strerror" => strerror,
    },
    make: Some(make),
};

const EAI_AGAIN: i32 = -3001;
const EAI_FAIL: i32 = -3004;
const EAI_NODATA: i32 = -3007;
const EAI_NONAME: i32 = -3008;

const IPV4_FIRST: u32 = 1;
const IPV6_FIRST: u32 = 2;

/// `DNS_ESETSRVPENDING`
const PENDING: i32 = -1000;

/// Ports with names that programs print.
const SERVICES: &[(u16, &str)] = &[
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "domain"),
    (80, "http"),
    (110, "pop3"),
    (143, "imap2"),
    (443, "https"),
    (993, "imaps"),
    (995, "pop3s"),
];

/// What errors of resolvers are called, by their numbers.
const ERRORS: &[&str] = &[
    "Successful completion",
    "DNS server returned answer with no data",
    "DNS server claims query was misformatted",
    "DNS server returned general failure",
    "Domain name not found",
    "DNS server does not implement requested operation",
    "DNS server refused query",
    "Misformatted DNS query",
    "Misformatted domain name",
    "Unsupported address family",
    "Misformatted DNS reply",
    "Could not contact DNS servers",
    "Timeout while contacting DNS servers",
    "End of file",
    "Error reading file",
    "Out of memory",
    "Channel is being destroyed",
    "Misformatted string",
    "Illegal flags specified",
    "Given hostname is not numeric",
    "Illegal hints flags specified",
    "c-ares library initialization not yet performed",
    "Error loading iphlpapi.dll",
    "Could not find GetNetworkParams function",
    "DNS query cancelled",
];

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    request::class(scope, binding, "GetAddrInfoReqWrap", "GETADDRINFOREQWRAP")?;
    request::class(scope, binding, "GetNameInfoReqWrap", "GETNAMEINFOREQWRAP")?;
    request::class(scope, binding, "QueryReqWrap", "QUERYWRAP")?;
    channel::make(scope, binding)
}

/// Those of the family that is wanted, in the order that is.
fn chosen(mut addresses: Vec<IpAddr>, family: u32, order: u32) -> Result<Vec<IpAddr>, i32> {
    match order {
        IPV4_FIRST => addresses.sort_by_key(IpAddr::is_ipv6),
        IPV6_FIRST => addresses.sort_by_key(IpAddr::is_ipv4),
        _ => {}
    }
    addresses.retain(|address| match family {
        4 => address.is_ipv4(),
        6 => address.is_ipv6(),
        _ => true,
    });
    if addresses.is_empty() { Err(EAI_NODATA) } else { Ok(addresses) }
}

/// What `dns` says of a question that failed.
fn status(error: &NetworkError) -> i32 {
    match error.code {
        NetworkErrorCode::NotFound => EAI_NONAME,
        NetworkErrorCode::NoAnswer | NetworkErrorCode::TimedOut => EAI_AGAIN,
        NetworkErrorCode::Denied | NetworkErrorCode::Limit => -SocketError::from(error).code(),
        _ => EAI_FAIL,
    }
}

/// (request, name, family, hints, order) -> status
fn getaddrinfo(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let (Ok(request), Ok(name)) =
        (args.get(0).try_cast::<v8::Object>(), args.get(1).try_cast::<v8::String>())
    else {
        return isolate::library::throw_type(scope, "The name must be a string");
    };
    let Some(name) = text(scope, name) else { return };
    let family = args.get(2).uint32_value(scope).unwrap_or(0);
    let order = args.get(4).uint32_value(scope).unwrap_or(0);
    let network = env.core.settings().kernel.network().clone();
    let (request, then) = (v8::Global::new(scope, request), env.clone());
    let future = async move {
        let (found, reason) = match known_addresses(&name) {
            Some(found) if found.is_empty() => (Err(EAI_NONAME), None),
            Some(found) => (Ok(found), None),
            None => match network.look_up(&name).await {
                Ok(found) => (Ok(found), None),
                Err(error) => (Err(status(&error)), Some(error.message)),
            },
        };
        let found = found.and_then(|found| chosen(found, family, order));
        let deliver: Delivery = Box::new(move |scope| {
            let request = v8::Local::new(scope, &request);
            let arguments = match found {
                Err(error) => [v8::Integer::new(scope, error).into(), v8::null(scope).into()],
                Ok(found) => {
                    let found: Vec<v8::Local<v8::Value>> =
                        found.iter().map(|address| string(scope, &address.to_string()).into()).collect();
                    let found = v8::Array::new_with_elements(scope, &found);
                    [v8::Integer::new(scope, 0).into(), found.into()]
                }
            };
            refusal::told(&then, reason, || request::complete(scope, &then, request, &arguments))
        });
        deliver
    };
    let Some(realm) = env.realm() else { return };
    match spawn(&env.core, &realm, future) {
        Some(_) => result.set_int32(0),
        None => throw_errno(scope, kernel::Errno::Eagain, "getaddrinfo", None),
    }
}

/// (request, address, port) -> status
fn getnameinfo(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Ok(request) = args.get(0).try_cast::<v8::Object>() else {
        return isolate::library::throw_type(scope, "The request must be an object");
    };
    let Some(address) = args.get(1).to_string(scope) else { return };
    let Some(address) = text(scope, address) else { return };
    let port = args.get(2).uint32_value(scope).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
    let is_loopback = address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let service = SERVICES.iter().find(|(known, _)| *known == port);
    let service = service.map_or_else(|| port.to_string(), |(_, name)| (*name).to_owned());
    let complete: Complete = Box::new(move |scope, _| {
        // Others' addresses have no names here.
        if !is_loopback {
            return Some(vec![v8::Integer::new(scope, EAI_NONAME).into()]);
        }
        Some(vec![
            v8::Integer::new(scope, 0).into(),
            string(scope, "localhost").into(),
            string(scope, &service).into(),
        ])
    });
    if request::dispatch(scope, &env, request, std::future::ready(complete)).is_some() {
        result.set_int32(0);
    }
}

fn address_of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<IpAddr> {
    let text = value.try_cast::<v8::String>().ok().filter(|text| text.length() <= 64)?;
    text.to_rust_string_lossy(scope).parse().ok()
}

/// (address) -> the same in its usual form; undefined for what is none
fn canonicalize_ip(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(address) = address_of(scope, args.get(0)) {
        result.set(string(scope, &address.to_string()).into());
    }
}

/// (address) -> its bytes
fn convert_ipv6<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let (Some(env), Some(IpAddr::V6(address))) = (Env::of(scope), address_of(scope, args.get(0))) else {
        return;
    };
    if let Some(buffer) = from_bytes(scope, &env, &address.octets()) {
        result.set(buffer);
    }
}

fn strerror(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let number = args.get(0).int32_value(scope).unwrap_or(-1);
    let text = match usize::try_from(number).ok().and_then(|number| ERRORS.get(number)) {
        Some(text) => text,
        None if number == PENDING => "There are pending queries.",
        None => "unknown",
    };
    result.set(string(scope, text).into());
}
