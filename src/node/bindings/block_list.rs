//! `BlockList` and `SocketAddress`: addresses, and lists of those that nobody is to be connected with.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use isolate::library::{Scope, memory_for, string};

use super::messaging::{self, Native, Transferable};
use crate::binding::{Args, Binding, Class, Return, functions, set, set_number};
use crate::bytes::throw_no_memory;
use crate::coded_error::{Kind, throw};
use crate::environment::Env;
use crate::handle;

pub(super) static BINDING: Binding = Binding { name: "block_list", functions: &[], make: Some(make) };

/// `AF_INET` and `AF_INET6`.
const INET: i32 = 2;
const INET6: i32 = 10;

/// The classes among the templates of a realm.
const ADDRESS: &str = "SocketAddress";
const LIST: &str = "BlockList";

/// Most rules of one list.
const RULES_MAX: usize = 1 << 20;

/// The native half of a `SocketAddress`.
#[derive(Clone)]
pub(super) struct SocketAddress {
    pub ip: IpAddr,
    pub port: u16,
    /// Of IPv6.
    pub flow: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Address(IpAddr),
    Range(IpAddr, IpAddr),
    Subnet(IpAddr, u32),
}

/// The native half of a `BlockList`.
#[derive(Default)]
pub(super) struct BlockList {
    rules: RefCell<Vec<Rule>>,
}

impl Rule {
    fn matches(&self, address: IpAddr) -> bool {
        match *self {
            Rule::Address(known) => compare(known, address) == Some(Ordering::Equal),
            Rule::Range(first, last) => {
                compare(first, address).is_some_and(Ordering::is_le)
                    && compare(address, last).is_some_and(Ordering::is_le)
            }
            Rule::Subnet(network, prefix) => match (network, address) {
                (IpAddr::V4(network), address) => {
                    v4(address).is_some_and(|address| same_prefix(bits4(network), bits4(address), prefix))
                }
                (IpAddr::V6(network), address) => {
                    let address = match address {
                        IpAddr::V4(address) => address.to_ipv6_mapped(),
                        IpAddr::V6(address) => address,
                    };
                    same_prefix(network.to_bits(), address.to_bits(), prefix)
                }
            },
        }
    }

    fn describe(&self) -> String {
        let family = |ip: IpAddr| if ip.is_ipv4() { "IPv4" } else { "IPv6" };
        match *self {
            Rule::Address(ip) => format!("Address: {} {ip}", family(ip)),
            Rule::Range(first, last) => format!("Range: {} {first}-{last}", family(first)),
            Rule::Subnet(ip, prefix) => format!("Subnet: {} {ip}/{prefix}", family(ip)),
        }
    }
}

/// As IPv4, if it is such an address or stands for one.
fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    }
}

/// At the upper end, where prefixes count.
fn bits4(ip: Ipv4Addr) -> u128 {
    u128::from(ip.to_bits()) << 96
}

fn same_prefix(one: u128, other: u128, prefix: u32) -> bool {
    let mask = u128::MAX.checked_shl(128u32.saturating_sub(prefix)).unwrap_or(0);
    (one ^ other) & mask == 0
}

/// None for two that have nothing to do with each other.
fn compare(one: IpAddr, other: IpAddr) -> Option<Ordering> {
    match (v4(one), v4(other), one, other) {
        (Some(one), Some(other), _, _) => Some(one.cmp(&other)),
        (_, _, IpAddr::V6(one), IpAddr::V6(other)) => Some(one.cmp(&other)),
        _ => None,
    }
}

/// A text as an address of that family.
fn parse(text: &str, family: i32) -> Option<IpAddr> {
    if family == INET {
        return text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    // A zone's name after it says nothing about the address.
    let text = text.split('%').next()?;
    text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "SocketAddress", v8::MapFnTo::map_fn_to(construct_address))?;
    class.methods(
        scope,
        functions! { "detail" => detail, "legacyDetail" => legacy_detail, "flowlabel" => flow_label, },
    )?;
    class.keep(scope, env, ADDRESS);
    messaging::register::<SocketAddress>(env);
    class.publish(scope, binding, "SocketAddress")?;
    let class = Class::new(scope, "BlockList", v8::MapFnTo::map_fn_to(construct_list))?;
    class.methods(
        scope,
        functions! {
            "addAddress" => add_address,
            "addAddresses" => add_addresses,
            "addRange" => add_range,
            "addSubnet" => add_subnet,
            "removeAddress" => remove_address,
            "removeRange" => remove_range,
            "removeSubnet" => remove_subnet,
            "check" => check,
            "checkString" => check_string,
            "getRules" => get_rules,
            "getSize" => get_size,
            "clear" => clear,
        },
    )?;
    class.keep(scope, env, LIST);
    messaging::register::<BlockList>(env);
    class.publish(scope, binding, "BlockList")
}

impl Native for SocketAddress {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        handle::create(scope, env, ADDRESS, Rc::new(*self))
    }
}

impl Transferable for SocketAddress {
    const IS_COPIED: bool = true;

    fn send(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        Some(Box::new(self.clone()))
    }
}

impl Native for BlockList {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        handle::create(scope, env, LIST, Rc::new(*self))
    }
}

impl Transferable for BlockList {
    const IS_COPIED: bool = true;

    fn send(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        Some(Box::new(BlockList { rules: self.rules.clone() }))
    }
}

/// (address, port, family, flow label)
fn construct_address(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(
            scope,
            "Class constructor SocketAddress cannot be invoked without 'new'",
        );
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let (Some(port), Some(family), Some(flow)) =
        (args.get(1).uint32_value(scope), args.get(2).int32_value(scope), args.get(3).uint32_value(scope))
    else {
        return;
    };
    // No address is longer.
    let text = if text.length() > 256 { String::new() } else { text.to_rust_string_lossy(scope) };
    let (Some(ip), Ok(port), INET | INET6) = (parse(&text, family), u16::try_from(port), family) else {
        return throw(scope, Kind::Error, "Invalid socket address", "ERR_INVALID_ADDRESS");
    };
    let flow = if family == INET { 0 } else { flow };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(SocketAddress { ip, port, flow }));
}

fn family(ip: IpAddr) -> i32 {
    if ip.is_ipv4() { INET } else { INET6 }
}

/// (object) -> the object, with what the address is
fn detail<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, address)) = handle::receiver::<SocketAddress>(scope, args.this()) else { return };
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else {
        return isolate::library::throw_type(scope, "details go to an object");
    };
    let done = (|| {
        let text = string(scope, &address.ip.to_string());
        for (name, value) in [
            ("address", text.into()),
            ("port", v8::Number::new(scope, f64::from(address.port)).into()),
            ("family", v8::Number::new(scope, f64::from(family(address.ip))).into()),
            ("flowlabel", v8::Number::new(scope, f64::from(address.flow)).into()),
        ] {
            let name = string(scope, name);
            object.set(scope, name.into(), value)?;
        }
        Some(())
    })();
    if done.is_some() {
        result.set(object.into());
    }
}

/// () -> { address, family, port }
fn legacy_detail(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, address)) = handle::receiver::<SocketAddress>(scope, args.this()) else { return };
    let object = v8::Object::new(scope);
    let text = string(scope, &address.ip.to_string());
    let family = string(scope, if address.ip.is_ipv4() { "IPv4" } else { "IPv6" });
    let _ = set(scope, object, "address", text.into());
    let _ = set(scope, object, "family", family.into());
    let _ = set_number(scope, object, "port", f64::from(address.port));
    result.set(object.into());
}

fn flow_label(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, address)) = handle::receiver::<SocketAddress>(scope, args.this()) else { return };
    result.set_uint32(address.flow);
}

fn construct_list(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(
            scope,
            "Class constructor BlockList cannot be invoked without 'new'",
        );
    }
    let Some(env) = Env::of(scope) else { return };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(BlockList::default()));
}

/// An argument that is a `SocketAddress`. `None` with an exception pending if it is none.
fn address(scope: &mut Scope<'_, '_>, env: &Env, value: v8::Local<'_, v8::Value>) -> Option<IpAddr> {
    let object = value.try_cast::<v8::Object>().ok();
    let address = object.and_then(|object| handle::of::<SocketAddress>(scope, env, object));
    if address.is_none() {
        isolate::library::throw_type(scope, "an address is a SocketAddress");
    }
    address.map(|address| address.ip)
}

impl BlockList {
    /// Adds a rule: addresses before the others, and of these the newest first. One address is there once.
    fn add(&self, scope: &mut Scope<'_, '_>, rule: Rule) -> Option<()> {
        let mut rules = self.rules.borrow_mut();
        if let Rule::Address(ip) = rule {
            rules.retain(
                |known| !matches!(known, Rule::Address(known) if compare(*known, ip) == Some(Ordering::Equal)),
            );
        }
        let room = std::mem::size_of::<Rule>().saturating_mul(2);
        if rules.len() >= RULES_MAX || !memory_for(rules.len().saturating_mul(room)) {
            drop(rules);
            throw_no_memory(scope);
            return None;
        }
        let addresses = rules.iter().take_while(|known| matches!(known, Rule::Address(_))).count();
        rules.insert(addresses, rule);
        Some(())
    }

    fn remove(&self, rule: Rule) {
        let same = |known: &Rule| match (*known, rule) {
            (Rule::Address(known), Rule::Address(ip)) => compare(known, ip) == Some(Ordering::Equal),
            (known, rule) => known == rule,
        };
        let mut rules = self.rules.borrow_mut();
        if let Some(at) = rules.iter().position(same) {
            rules.remove(at);
        }
    }

    fn blocks(&self, address: IpAddr) -> bool {
        self.rules.borrow().iter().any(|rule| rule.matches(address))
    }
}

fn add_address(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    if let Some(ip) = address(scope, &env, args.get(0)) {
        let _ = list.add(scope, Rule::Address(ip));
    }
}

fn add_addresses(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    let Ok(addresses) = args.get(0).try_cast::<v8::Array>() else {
        return isolate::library::throw_type(scope, "addresses are a list");
    };
    for index in 0..addresses.length() {
        let Some(value) = addresses.get_index(scope, index) else { return };
        let Some(ip) = address(scope, &env, value) else { return };
        if list.add(scope, Rule::Address(ip)).is_none() {
            return;
        }
    }
}

/// (first, last) -> false if they are in the wrong order
fn add_range(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    let Some(first) = address(scope, &env, args.get(0)) else { return };
    let Some(last) = address(scope, &env, args.get(1)) else { return };
    if compare(first, last) == Some(Ordering::Greater) {
        return result.set_bool(false);
    }
    if list.add(scope, Rule::Range(first, last)).is_some() {
        result.set_bool(true);
    }
}

/// The arguments (network, prefix). `None` with an exception pending if they are none.
fn subnet(scope: &mut Scope<'_, '_>, env: &Env, args: &Args<'_>) -> Option<Rule> {
    let network = address(scope, env, args.get(0))?;
    let prefix = args.get(1).uint32_value(scope)?;
    let most = if network.is_ipv4() { 32 } else { 128 };
    if prefix > most {
        throw(scope, Kind::Range, "The value of \"prefix\" is out of range.", "ERR_OUT_OF_RANGE");
        return None;
    }
    Some(Rule::Subnet(network, prefix))
}

fn add_subnet(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    if let Some(rule) = subnet(scope, &env, &args) {
        let _ = list.add(scope, rule);
    }
}

fn remove_address(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    if let Some(ip) = address(scope, &env, args.get(0)) {
        list.remove(Rule::Address(ip));
    }
}

fn remove_range(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    let Some(first) = address(scope, &env, args.get(0)) else { return };
    let Some(last) = address(scope, &env, args.get(1)) else { return };
    list.remove(Rule::Range(first, last));
}

fn remove_subnet(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    if let Some(rule) = subnet(scope, &env, &args) {
        list.remove(rule);
    }
}

fn check(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    if let Some(ip) = address(scope, &env, args.get(0)) {
        result.set_bool(list.blocks(ip));
    }
}

/// (text, family)
fn check_string(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let Some(family) = args.get(1).int32_value(scope) else { return };
    let text = if text.length() > 256 { String::new() } else { text.to_rust_string_lossy(scope) };
    result.set_bool(parse(&text, family).is_some_and(|ip| list.blocks(ip)));
}

/// () -> the rules as texts
fn get_rules(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    let rules = list.rules.borrow();
    let texts: Vec<v8::Local<v8::Value>> =
        rules.iter().map(|rule| string(scope, &rule.describe()).into()).collect();
    result.set(v8::Array::new_with_elements(scope, &texts).into());
}

fn get_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, list)) = handle::receiver::<BlockList>(scope, args.this()) else { return };
    result.set_double(list.rules.borrow().len() as f64);
}

fn clear(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, list)) = handle::receiver::<BlockList>(scope, args.this()) {
        list.rules.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{INET, INET6, Rule, parse};

    #[test]
    fn an_address_that_stands_for_one_of_ipv4_is_that() {
        let ip = |text: &str| parse(text, if text.contains(':') { INET6 } else { INET }).unwrap();
        assert!(Rule::Address(ip("1.1.1.1")).matches(ip("::ffff:1.1.1.1")));
        assert!(Rule::Address(ip("::ffff:1.1.1.1")).matches(ip("1.1.1.1")));
        assert!(Rule::Subnet(ip("::ffff:1.1.1.1"), 120).matches(ip("1.1.1.7")));
        assert!(Rule::Subnet(ip("1.1.1.1"), 24).matches(ip("::ffff:1.1.1.7")));
        assert!(!Rule::Subnet(ip("1.1.1.1"), 24).matches(ip("1.1.2.7")));
        assert!(Rule::Subnet(ip("1.1.1.1"), 0).matches(ip("9.1.2.7")));
        assert!(Rule::Range(ip("1.1.1.1"), ip("1.1.1.9")).matches(ip("::ffff:1.1.1.7")));
        assert!(!Rule::Range(ip("1.1.1.1"), ip("1.1.1.9")).matches(ip("::1")));
    }

    #[test]
    fn what_is_no_address_is_none() {
        assert_eq!(parse("01.2.3.4", INET), None);
        assert_eq!(parse("::1", INET), None);
        assert!(parse("fe80::1%lo", INET6).is_some());
    }
}
