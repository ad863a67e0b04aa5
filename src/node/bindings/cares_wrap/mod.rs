//! Names and addresses: those of the VM itself. Resolvers ask servers in the VM, where a program names one; nobody else is
//! asked: that would be the permission `network`.

mod answers;
mod ask;
mod channel;

use std::net::IpAddr;
use std::rc::Rc;

use isolate::library::{Scope, string, text};

use crate::binding::{Args, Binding, Return, functions};
use crate::bindings::buffer::from_bytes;
use crate::environment::Env;
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

const IPV6_FIRST: u32 = 2;

/// Longest name, and longest part of one.
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

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

/// The addresses of a name.
fn addresses(name: &str, family: u32, version_6_first: bool) -> Result<Vec<&'static str>, i32> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_own = name == "localhost" || name.ends_with(".localhost") || name == kernel::machine::HOSTNAME;
    if !is_own {
        // Such a name is nobody's anywhere.
        let is_invalid = name == "invalid"
            || name.ends_with(".invalid")
            || name.len() > NAME_MAX
            || name.split('.').any(|label| label.is_empty() || label.len() > LABEL_MAX);
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
