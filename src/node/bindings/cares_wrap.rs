//! Names and addresses: those of the VM itself. Nobody else is asked: that would be the permission `network`.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use isolate::library::{Scope, string, text};

use crate::binding::{Args, Binding, Class, Return, functions};
use crate::bindings::buffer::from_bytes;
use crate::bindings::os::HOSTNAME;
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
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

/// What `dns.lookup` says of a name that is no name of the VM's.
const DENIED: i32 = -13;
const EAI_NONAME: i32 = -3008;

/// What resolvers say, by the name that `dns` has for it.
const DENIED_NAME: &str = "EACCES";

const IPV6_FIRST: u32 = 2;

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
    let class =
        Class::new(scope, "ChannelWrap", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_channel))?;
    class.methods(
        scope,
        functions! {
            "getHostByAddr" => query,
            "queryA" => query,
            "queryAny" => query,
            "queryAaaa" => query,
            "queryCaa" => query,
            "queryCname" => query,
            "queryMx" => query,
            "queryNaptr" => query,
            "queryNs" => query,
            "queryPtr" => query,
            "querySrv" => query,
            "querySoa" => query,
            "queryTlsa" => query,
            "queryTxt" => query,
            "getServers" => get_servers,
            "setServers" => set_servers,
            "setLocalAddress" => set_local_address,
            "cancel" => cancel,
        },
    )?;
    class.publish(scope, binding, "ChannelWrap")
}

/// The addresses of a name.
fn addresses(name: &str, family: u32, version_6_first: bool) -> Result<Vec<&'static str>, i32> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_own = name == "localhost" || name.ends_with(".localhost") || name == HOSTNAME;
    if !is_own {
        // This name is nobody's anywhere.
        let is_invalid = name.is_empty() || name == "invalid" || name.ends_with(".invalid");
        return Err(if is_invalid { EAI_NONAME } else { DENIED });
    }
    Ok(match family {
        4 => vec!["127.0.0.1"],
        6 => vec!["::1"],
        _ if version_6_first => vec!["::1", "127.0.0.1"],
        _ => vec!["127.0.0.1", "::1"],
    })
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
    let found = match name.parse::<IpAddr>() {
        Ok(address) => Ok(vec![address.to_string()]),
        Err(_) => addresses(&name, family, order == IPV6_FIRST)
            .map(|found| found.into_iter().map(str::to_owned).collect()),
    };
    let complete: Complete = Box::new(move |scope, _| {
        Some(match found {
            Err(error) => vec![v8::Integer::new(scope, error).into(), v8::null(scope).into()],
            Ok(found) => {
                let found: Vec<v8::Local<v8::Value>> =
                    found.iter().map(|address| string(scope, address).into()).collect();
                let found = v8::Array::new_with_elements(scope, &found);
                vec![v8::Integer::new(scope, 0).into(), found.into()]
            }
        })
    });
    if request::dispatch(scope, &env, request, std::future::ready(complete)).is_some() {
        result.set_int32(0);
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
    // An address without a name goes by itself.
    let host = if is_loopback { "localhost".to_owned() } else { address };
    let service = SERVICES.iter().find(|(known, _)| *known == port);
    let service = service.map_or_else(|| port.to_string(), |(_, name)| (*name).to_owned());
    let complete: Complete = Box::new(move |scope, _| {
        Some(vec![
            v8::Integer::new(scope, 0).into(),
            string(scope, &host).into(),
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
    let number = args.get(0).uint32_value(scope).unwrap_or(u32::MAX);
    let text = ERRORS.get(number as usize).copied().unwrap_or("unknown");
    result.set(string(scope, text).into());
}

/// A resolver: remembers whom it would ask.
#[derive(Default)]
struct Channel {
    servers: RefCell<Option<v8::Global<v8::Value>>>,
}

fn construct_channel(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(Channel::default()));
}

/// (request, name, ...) -> status: every question is refused
fn query(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, _)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    let Ok(request) = args.get(0).try_cast::<v8::Object>() else {
        return isolate::library::throw_type(scope, "The request must be an object");
    };
    let complete: Complete = Box::new(|scope, _| Some(vec![string(scope, DENIED_NAME).into()]));
    if request::dispatch(scope, &env, request, std::future::ready(complete)).is_some() {
        result.set_int32(0);
    }
}

/// () -> [[address, port], ...]
fn get_servers<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    let servers = channel.servers.borrow().clone();
    let Some(servers) = servers else { return result.set(v8::Array::new(scope, 0).into()) };
    let servers = v8::Local::new(scope, &servers);
    let Ok(servers) = servers.try_cast::<v8::Array>() else { return };
    let mut pairs: Vec<v8::Local<v8::Value>> = Vec::new();
    for index in 0..servers.length() {
        let Some(server) = servers.get_index(scope, index) else { return };
        let Ok(server) = server.try_cast::<v8::Array>() else { return };
        let (Some(address), Some(port)) = (server.get_index(scope, 1), server.get_index(scope, 2)) else {
            return;
        };
        pairs.push(v8::Array::new_with_elements(scope, &[address, port]).into());
    }
    result.set(v8::Array::new_with_elements(scope, &pairs).into());
}

/// ([[family, address, port], ...]) -> status
fn set_servers(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, channel)) = handle::receiver::<Channel>(scope, args.this()) else { return };
    *channel.servers.borrow_mut() = Some(v8::Global::new(scope, args.get(0)));
    result.set_int32(0);
}

fn set_local_address(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

/// Every question has been answered by then.
fn cancel(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
