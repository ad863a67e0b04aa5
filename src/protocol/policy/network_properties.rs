//! What holds for every policy of the network: examples of each rule of the documentation, and properties against a reading
//! of it that is too simple to be wrong.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Host, HttpTarget, NetworkDenial, NetworkPolicy, Passage, special};
use crate::config::{CreateVmConfig, HttpScheme, NetworkScope};

fn scope(network: Value) -> NetworkScope {
    serde_json::from_value(network).unwrap()
}

/// The policy of rules that a configuration may have.
fn policy(network: Value) -> NetworkPolicy {
    CreateVmConfig::from_json(&json!({ "permissions": { "network": network } })).unwrap();
    NetworkPolicy::new(&scope(network)).unwrap()
}

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

fn connect(policy: &NetworkPolicy, names: &[&str], to: &str) -> Result<Passage, NetworkDenial> {
    let names: Vec<Host> = names.iter().map(|name| host(name)).collect();
    policy.may_connect(&names, to.parse().unwrap())
}

/// A request such as `GET https://example.org/path` over a connection to a public address.
fn request(policy: &NetworkPolicy, text: &str) -> Result<(), NetworkDenial> {
    request_to(policy, text, "93.184.216.34")
}

fn request_to(policy: &NetworkPolicy, text: &str, address: &str) -> Result<(), NetworkDenial> {
    let (method, url) = text.split_at(text.find(" http").unwrap());
    let url = &url[1..];
    let (scheme, rest) = match url.strip_prefix("https://") {
        Some(rest) => (HttpScheme::Https, rest),
        None => (HttpScheme::Http, url.strip_prefix("http://").unwrap()),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().unwrap()),
        None => (authority, scheme.port()),
    };
    let address = address.parse().unwrap();
    policy.may_request(&HttpTarget { scheme, host: &host(name), port, method, path, address })
}

fn refused(network: Value) -> (String, String) {
    let error = CreateVmConfig::from_json(&json!({ "permissions": { "network": network } })).unwrap_err();
    (error.path, error.message)
}

#[test]
fn nothing_leaves_unless_it_is_allowed() {
    for network in
        [json!("deny"), json!({ "rules": [] }), json!({ "rules": [{ "mode": "allow", "hosts": [] }] })]
    {
        let policy = policy(network);
        assert!(!policy.reaches_out());
        let denied = connect(&policy, &["example.org"], "93.184.216.34:443").unwrap_err();
        assert_eq!(denied.field, "permissions.network");
        assert_eq!(
            denied.to_string(),
            "connecting to example.org:443 (93.184.216.34) is refused: no rule of permissions.network allows it; allow it \
             there, or with --allow network=example.org:443"
        );
        let denied = policy.may_look_up(&host("example.org")).unwrap_err();
        assert_eq!(
            denied.message,
            "looking up example.org is refused: no rule of permissions.network allows it; allow it there, or with --allow \
             network=example.org"
        );
        let denied = request(&policy, "GET https://example.org/a?secret").unwrap_err();
        assert_eq!(
            denied.message,
            "GET https://example.org/a is refused: no rule of permissions.network allows it; allow it there, or with \
             --allow network=https://example.org"
        );
    }
}

#[test]
fn a_name_that_is_allowed_is_looked_up_and_connected_to() {
    let policy = policy(json!({ "rules": [
        { "mode": "deny", "hosts": ["secret.example.org"] },
        { "mode": "allow", "hosts": ["*.example.org"], "ports": [443, "8000-8100"] },
    ] }));
    assert!(policy.reaches_out());
    assert_eq!(policy.may_look_up(&host("a.example.org")), Ok(()));
    assert_eq!(connect(&policy, &["a.example.org"], "93.184.216.34:443"), Ok(Passage::Bytes));
    assert_eq!(connect(&policy, &["other.org", "a.example.org"], "93.184.216.34:8050"), Ok(Passage::Bytes));
    for (names, to) in [
        (&["a.example.org"][..], "93.184.216.34:80"),
        (&["example.org"], "93.184.216.34:443"),
        (&[], "93.184.216.34:443"),
        (&["secret.example.org"], "93.184.216.34:443"),
        (&["a.example.org", "secret.example.org"], "93.184.216.34:443"),
    ] {
        assert!(connect(&policy, names, to).is_err(), "{names:?} {to}");
    }
    let denied = policy.may_look_up(&host("secret.example.org")).unwrap_err();
    assert_eq!(denied.field, "permissions.network.rules[0]");
    assert_eq!(
        denied.message,
        "looking up secret.example.org is refused by permissions.network.rules[0]; change that rule, or allow it in a rule \
         before"
    );
}

#[test]
fn a_special_address_is_opened_by_its_address_alone() {
    let special = [
        "127.0.0.1",
        "10.0.0.5",
        "169.254.169.254",
        "192.168.0.1",
        "[::1]",
        "[fd00::5]",
        "[fe80::1]",
        "[::ffff:10.0.0.5]",
        "[64:ff9b::10.0.0.5]",
        "[2002:a00:5::]",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "[::10.0.0.5]",
    ];
    for network in [
        json!("allow"),
        json!({ "default": "allow", "rules": [{ "mode": "allow" }] }),
        json!({ "rules": [{ "mode": "allow", "hosts": ["*"] }] }),
        json!({ "rules": [{ "mode": "allow", "hosts": ["example.org", "*.example.org"] }] }),
        json!({ "default": "allow", "rules": [{ "mode": "allow", "hosts": ["0.0.0.0/0", "::/0", "8.0.0.0/6", "2000::/3"] }] }),
        json!({ "default": "allow", "rules": [{ "mode": "allow", "operations": ["http"] }] }),
    ] {
        let policy = policy(network);
        for address in special {
            let denied =
                connect(&policy, &["example.org", "a.example.org"], &format!("{address}:80")).unwrap_err();
            assert!(denied.message.contains("which only a rule that names the address allows"), "{denied}");
            assert_eq!(denied.field, "permissions.network");
        }
        assert_eq!(connect(&policy, &["example.org"], "93.184.216.34:80"), Ok(Passage::Bytes));
    }
    let opened = policy(json!({ "rules": [
        { "mode": "deny", "hosts": ["10.0.0.6"] },
        { "mode": "allow", "hosts": ["127.0.0.1"], "ports": [8080] },
        { "mode": "allow", "hosts": ["10.0.0.0/8", "fd00::/8"] },
    ] }));
    for to in ["127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", "10.0.0.5:1", "[fd00::5]:80"] {
        assert_eq!(connect(&opened, &[], to), Ok(Passage::Bytes), "{to}");
    }
    for to in [
        "127.0.0.1:80",
        "127.0.0.2:8080",
        "[::1]:8080",
        "10.0.0.6:80",
        "[::ffff:10.0.0.6]:80",
        "192.168.0.1:80",
    ] {
        assert!(connect(&opened, &[], to).is_err(), "{to}");
    }
    let denied = connect(&opened, &["db.example"], "192.168.0.1:5432").unwrap_err();
    assert_eq!(
        denied.message,
        "connecting to db.example:5432 (192.168.0.1) is refused: 192.168.0.1 is a private address (RFC 1918), which only a \
         rule that names the address allows; allow it in permissions.network, or with --allow network=192.168.0.1:5432"
    );
    // A rule that denies by name does.
    let denied = policy(json!({ "rules": [
        { "mode": "deny", "hosts": ["db.example"] }, { "mode": "allow", "hosts": ["10.0.0.5"] },
    ] }));
    assert!(connect(&denied, &["db.example"], "10.0.0.5:80").is_err());
    assert!(connect(&denied, &["other.example"], "10.0.0.5:80").is_ok());
}

#[test]
fn lookups_follow_from_what_may_be_reached() {
    let looks = |network: Value, name: &str| policy(network).may_look_up(&host(name)).is_ok();
    let rules = |rules: Value| json!({ "rules": rules });
    for operation in ["dns", "connect", "http"] {
        assert!(looks(
            rules(json!([{ "mode": "allow", "operations": [operation], "hosts": ["a.b"] }])),
            "a.b"
        ));
        assert!(!looks(
            rules(json!([{ "mode": "allow", "operations": [operation], "hosts": ["a.b"] }])),
            "b.b"
        ));
    }
    let after = |deny: Value| rules(json!([deny, { "mode": "allow", "hosts": ["a.b"] }]));
    assert!(!looks(after(json!({ "mode": "deny" })), "a.b"));
    assert!(!looks(after(json!({ "mode": "deny", "operations": ["dns"] })), "a.b"));
    assert!(looks(after(json!({ "mode": "deny", "ports": [80] })), "a.b"));
    assert!(looks(after(json!({ "mode": "deny", "operations": ["connect"] })), "a.b"));
    assert!(looks(after(json!({ "mode": "deny", "operations": ["dns"], "hosts": ["b.b"] })), "a.b"));
    // What is denied as a whole is not what a later rule allows.
    let only = |deny: Value| {
        rules(json!([
            { "mode": "deny", "operations": deny, "hosts": ["*.b"] },
            { "mode": "allow", "operations": ["connect"], "hosts": ["a.b"] },
        ]))
    };
    assert!(!looks(only(json!(["connect"])), "a.b"));
    // Where an address is allowed, names are not.
    assert!(!looks(rules(json!([{ "mode": "allow", "hosts": ["10.0.0.0/8"] }])), "a.b"));
    assert!(looks(json!("allow"), "a.b"));
    for name in ["localhost", "a.localhost"] {
        assert!(!looks(json!("allow"), name));
    }
    // What an address is called.
    assert!(looks(json!("allow"), "8.8.8.8"));
    assert!(!looks(json!("allow"), "10.0.0.5"));
    assert!(!looks(json!("deny"), "8.8.8.8"));
}

#[test]
fn requests_are_decided_one_by_one() {
    let policy = policy(json!({ "rules": [
        { "mode": "deny", "operations": ["http"], "hosts": ["api.example.org"], "paths": ["/v1/admin{,/**}"] },
        { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["GET", "POST"],
          "paths": ["/v1/**"], "schemes": ["https"], "ports": [443] },
        { "mode": "allow", "operations": ["http"], "hosts": ["registry.example.org"], "methods": ["GET"] },
    ] }));
    assert_eq!(connect(&policy, &["api.example.org"], "93.184.216.34:443"), Ok(Passage::Requests));
    assert!(connect(&policy, &["api.example.org"], "93.184.216.34:80").is_err());
    assert_eq!(connect(&policy, &["registry.example.org"], "93.184.216.34:80"), Ok(Passage::Requests));
    for allowed in [
        "GET https://api.example.org/v1/a",
        "POST https://api.example.org/v1/a/b?c=/../d",
        "GET https://api.example.org/v1/",
        "GET https://api.example.org/%76%31/a",
        "GET https://registry.example.org/@scope%2fname",
        "GET http://registry.example.org:4873/a//b",
    ] {
        assert_eq!(request(&policy, allowed), Ok(()), "{allowed}");
    }
    for denied in [
        "DELETE https://api.example.org/v1/a",
        "GET http://api.example.org/v1/a",
        "GET https://api.example.org:444/v1/a",
        "GET https://api.example.org/v2/a",
        "GET https://api.example.org/v1",
        "GET https://api.example.org/",
        "GET https://api.example.org/v1/admin",
        "GET https://api.example.org/v1/admin/x",
        "GET https://api.example.org/v1/%61dmin",
        "GET https://api.example.org/v1/a/../admin",
        "GET https://api.example.org/v1/%2e%2e/v2",
        "GET https://api.example.org/v1/a%2fb",
        "GET https://api.example.org/v1//admin",
        "GET https://api.example.org/v1/a\\b",
        "GET https://api.example.org/v1/a\0",
        "get https://api.example.org/v1/a",
        "GeT https://registry.example.org/a",
        "CONNECT https://registry.example.org/a",
        " GET https://registry.example.org/a",
        "POST https://registry.example.org/a",
        "GET https://other.example.org/v1/a",
        "GET https://93.184.216.34/v1/a",
    ] {
        assert!(request(&policy, denied).is_err(), "{denied}");
    }
    let denied = request(&policy, "GET https://api.example.org/v1/../a").unwrap_err();
    assert_eq!(denied.field, "permissions.network.rules[0]");
    assert!(denied.message.contains("more than one way"), "{denied}");
    // The address decides as it does for connections.
    assert!(request_to(&policy, "GET https://registry.example.org/a", "10.0.0.5").is_err());
}

#[test]
fn a_request_for_another_address_than_its_connections_is_refused() {
    let policy =
        policy(json!({ "rules": [{ "mode": "allow", "operations": ["http"], "hosts": ["10.0.0.5", "*"] }] }));
    assert_eq!(request_to(&policy, "GET http://10.0.0.5/", "10.0.0.5"), Ok(()));
    assert_eq!(request_to(&policy, "GET http://10.0.0.5/", "::ffff:10.0.0.5"), Ok(()));
    assert!(request_to(&policy, "GET http://10.0.0.6/", "10.0.0.5").is_err());
    assert!(request_to(&policy, "GET http://10.0.0.5/", "93.184.216.34").is_err());
}

#[test]
fn hosts_that_nobody_parsed_are_refused() {
    let policy = policy(json!("allow"));
    for name in ["EXAMPLE.org", "example.org.", "a\0b", "", "127.1", "*"] {
        let name = Host::Name(name.to_owned());
        assert!(policy.may_look_up(&name).is_err());
        assert!(policy.may_connect(std::slice::from_ref(&name), "8.8.8.8:80".parse().unwrap()).is_err());
        let (scheme, address) = (HttpScheme::Http, "8.8.8.8".parse().unwrap());
        let target = HttpTarget { scheme, host: &name, port: 80, method: "GET", path: "/", address };
        assert!(policy.may_request(&target).is_err());
    }
}

#[test]
fn denials_of_what_a_guest_writes_are_short_and_printable() {
    let policy =
        policy(json!({ "rules": [{ "mode": "allow", "operations": ["http"], "methods": ["POST"] }] }));
    let path = format!("/\u{1b}[31m\n{}", "a".repeat(100_000));
    let denied = request(&policy, &format!("GET https://example.org{path}")).unwrap_err();
    assert!(denied.message.len() < 1000 && denied.message.chars().all(|c| !c.is_control()), "{denied}");
}

#[test]
fn rules_of_http_without_effect_are_refused() {
    let http = |mode: &str, rest: Value| {
        let mut rule = json!({ "mode": mode, "operations": ["http"] });
        rule.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        rule
    };
    let get = |hosts: Value| http("allow", json!({ "hosts": hosts, "methods": ["GET"] }));
    let raw = |hosts: Value| json!({ "mode": "allow", "hosts": hosts });
    // The rules, and which fields an error names.
    let contradictory: &[(Value, &str, &str)] = &[
        (json!([get(json!(["a.b"])), raw(json!(["a.b"]))]), "rules[0]", "rules[1]"),
        (json!([raw(json!(["a.b"])), get(json!(["a.b"]))]), "rules[1]", "rules[0]"),
        (json!([http("deny", json!({ "hosts": ["a.b"] })), raw(json!(["*.b"]))]), "rules[0]", "rules[1]"),
        (json!([http("deny", json!({})), raw(json!(["*.b"]))]), "rules[0]", "rules[1]"),
        (json!([get(json!(["*.c.b"])), raw(json!(["*.b"]))]), "rules[0]", "rules[1]"),
        (json!([get(json!(["*.b"])), raw(json!(["x.c.b"]))]), "rules[0]", "rules[1]"),
        (json!([get(json!(["10.1.0.0/16"])), raw(json!(["10.0.0.0/8"]))]), "rules[0]", "rules[1]"),
        (json!([get(json!(["10.0.0.0/8"])), raw(json!(["10.9.9.9"]))]), "rules[0]", "rules[1]"),
        (json!([get(json!(["::ffff:10.0.0.5"])), raw(json!(["10.0.0.5"]))]), "rules[0]", "rules[1]"),
        (json!([get(json!(["*"])), raw(json!(["8.8.8.8"]))]), "rules[0]", "rules[1]"),
        (
            json!([http("allow", json!({ "schemes": ["https"] })), raw(json!(["a.b"]))]),
            "rules[0]",
            "rules[1]",
        ),
        (
            json!([http("allow", json!({ "paths": ["/a"], "ports": ["80-90"] })),
                   { "mode": "allow", "operations": ["connect"], "ports": [22, "90-100"] }]),
            "rules[0]",
            "rules[1]",
        ),
        // A denial before it that leaves something of it.
        (
            json!([{ "mode": "deny", "operations": ["connect"], "hosts": ["a.b"], "ports": [443] }, get(json!(["a.b"])), raw(json!(["a.b"]))]),
            "rules[1]",
            "rules[2]",
        ),
        (
            json!([{ "mode": "deny", "operations": ["connect"], "hosts": ["10.0.0.0/9"] }, get(json!(["10.0.0.0/8"])), raw(json!(["10.0.0.0/8"]))]),
            "rules[1]",
            "rules[2]",
        ),
    ];
    for (rules, field, other) in contradictory {
        let (path, message) = refused(json!({ "rules": rules }));
        assert_eq!(path, format!("permissions.network.{field}"), "{rules}");
        assert!(message.contains(&format!("permissions.network.{other} allows raw")), "{rules}: {message}");
        assert!(message.contains("deny \"connect\""), "{message}");
    }
    let (path, message) = refused(json!({ "default": "allow", "rules": [get(json!(["a.b"]))] }));
    assert_eq!(path, "permissions.network.rules[0]");
    assert!(message.contains("a.b port 1: permissions.network.default allows raw"), "{message}");

    let consistent: &[Value] = &[
        json!([get(json!(["a.b"])), raw(json!(["b.b"]))]),
        json!([get(json!(["b"])), raw(json!(["*.b"]))]),
        json!([get(json!(["a.b"])), raw(json!(["10.0.0.0/8"]))]),
        json!([get(json!(["10.0.0.0/9"])), raw(json!(["10.128.0.0/9"]))]),
        // Names and `*` do not open special addresses.
        json!([get(json!(["10.0.0.0/8"])), raw(json!(["*"]))]),
        json!([{ "mode": "deny", "operations": ["connect"], "hosts": ["a.b"] }, get(json!(["a.b"])), raw(json!(["a.b"]))]),
        json!([{ "mode": "deny", "operations": ["connect"], "hosts": ["*.b"] }, raw(json!(["*.b"])), get(json!(["a.b"]))]),
        json!([
            { "mode": "deny", "operations": ["connect"], "hosts": ["10.0.0.0/9"] },
            { "mode": "deny", "operations": ["connect"], "hosts": ["10.128.0.0/9"], "ports": ["1-80", "81-65535"] },
            get(json!(["10.0.0.0/8"])), raw(json!(["10.0.0.0/8"])),
        ]),
        json!([http("allow", json!({ "hosts": ["a.b"] })), raw(json!(["a.b"]))]),
        json!([{ "mode": "deny", "hosts": ["a.b"] }, raw(json!(["*"]))]),
        json!([http("allow", json!({ "paths": ["/a"], "ports": [80, 443] })), { "mode": "allow", "ports": [22, "81-442"] }]),
        json!([get(json!(["a.b"])), { "mode": "allow", "operations": ["dns"] }]),
        json!([get(json!([])), raw(json!(["*"]))]),
    ];
    for rules in consistent {
        policy(json!({ "rules": rules }));
    }
}

#[test]
fn the_largest_configurations_are_checked_in_bounded_work() {
    // As many kinds of hosts and ports as there may be, none of them with a contradiction.
    let rules: Vec<Value> = (0..256)
        .map(|index| match index % 2 {
            0 => json!({ "mode": "allow", "operations": ["http"], "methods": ["GET"],
                "hosts": (0..4).map(|n| format!("h{index}-{n}.a")).collect::<Vec<_>>(),
                "ports": (0..4).map(|n| 1000 + index * 8 + n * 2).collect::<Vec<_>>() }),
            _ => json!({ "mode": "allow", "operations": ["connect"],
                "hosts": (0..4).map(|n| format!("10.{index}.{n}.0/24")).collect::<Vec<_>>(),
                "ports": (0..4).map(|n| 1000 + index * 8 + n * 2).collect::<Vec<_>>() }),
        })
        .collect();
    policy(json!({ "rules": rules }));
}

#[test]
fn fields_of_http_need_the_operation() {
    for (list, value) in
        [("methods", json!(["GET"])), ("paths", json!(["/a"])), ("schemes", json!(["https"]))]
    {
        for operations in
            [json!(null), json!([]), json!(["connect"]), json!(["http", "dns"]), json!(["http", "http"])]
        {
            let mut rule = json!({ "mode": "deny", list: value });
            if !operations.is_null() {
                rule["operations"] = operations;
            }
            let (path, message) = refused(json!({ "rules": [{ "mode": "deny" }, rule] }));
            assert_eq!(path, format!("permissions.network.rules[1].{list}"));
            assert!(message.contains("[\"http\"]"), "{message}");
        }
    }
}

const NAMES: &[&str] = &["a.b", "c.a.b", "b", "xa.b", "c.d"];
const PATTERNS: &[&str] = &[
    "*",
    "a.b",
    "*.a.b",
    "*.b",
    "c.d",
    "10.0.0.0/8",
    "10.0.0.5",
    "8.8.8.8",
    "8.0.0.0/8",
    "0.0.0.0/0",
    "::1",
    "::/0",
];
const ADDRESSES: &[&str] =
    &["8.8.8.8", "8.1.1.1", "9.9.9.9", "10.0.0.5", "10.1.1.1", "127.0.0.1", "::1", "2a00::1", "fd00::1"];

/// A rule as it is written: mode, operations, hosts, ports.
type Rule = (&'static str, Option<Vec<&'static str>>, Option<Vec<&'static str>>, Option<Vec<u16>>);

fn a_rule() -> impl Strategy<Value = Rule> {
    let list =
        |of: &'static [&'static str]| prop::option::of(prop::collection::vec(prop::sample::select(of), 0..3));
    (
        prop::sample::select(&["allow", "deny"][..]),
        list(&["connect", "dns", "http"]),
        list(PATTERNS),
        prop::option::of(prop::collection::vec(79u16..82, 0..3)),
    )
}

fn written(rules: &[Rule], default: &str) -> Value {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(mode, operations, hosts, ports)| {
            let mut rule = json!({ "mode": mode });
            let mut set = |name: &str, value: Value| rule[name] = value;
            operations.iter().for_each(|list| set("operations", json!(list)));
            hosts.iter().for_each(|list| set("hosts", json!(list)));
            ports.iter().for_each(|list| set("ports", json!(list)));
            rule
        })
        .collect();
    json!({ "default": default, "rules": rules })
}

/// Whether a pattern of the list above is for a name or an address, letter by letter.
fn fits(pattern: &str, name: Option<&str>, address: IpAddr) -> bool {
    let v4 = |first: u8| matches!(address, IpAddr::V4(four) if four.octets()[0] == first);
    match pattern {
        "*" => true,
        "10.0.0.0/8" => v4(10),
        "8.0.0.0/8" => v4(8),
        "0.0.0.0/0" => address.is_ipv4(),
        "::/0" => address.is_ipv6(),
        _ => match pattern.strip_prefix('*') {
            Some(below) => name.is_some_and(|name| name.ends_with(below)),
            None => Some(pattern) == name || pattern == address.to_string(),
        },
    }
}

/// The documented order, for one operation.
fn decided(
    rules: &[Rule],
    default: &str,
    operation: &str,
    name: Option<&str>,
    address: IpAddr,
    port: u16,
) -> bool {
    let opens = ["10.0.0.0/8", "10.0.0.5", "::1"];
    for (mode, operations, hosts, ports) in rules {
        let hosts_fit = match (*mode, special(address)) {
            ("allow", Some(_)) => {
                hosts.iter().flatten().any(|pattern| opens.contains(pattern) && fits(pattern, None, address))
            }
            _ => hosts.as_ref().is_none_or(|list| list.iter().any(|pattern| fits(pattern, name, address))),
        };
        if hosts_fit
            && operations.as_ref().is_none_or(|list| list.contains(&operation))
            && ports.as_ref().is_none_or(|list| list.contains(&port))
        {
            return *mode == "allow";
        }
    }
    default == "allow" && special(address).is_none()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn the_first_rule_that_matches_decides(
        rules in prop::collection::vec(a_rule(), 0..5),
        default in prop::sample::select(&["allow", "deny"][..]),
        name in prop::option::of(prop::sample::select(NAMES)),
        address in prop::sample::select(ADDRESSES),
        port in 79u16..82,
        mapped: bool,
    ) {
        let written = scope(written(&rules, default));
        let policy = NetworkPolicy::new(&written).unwrap();
        let address: IpAddr = address.parse().unwrap();
        let given = match address {
            IpAddr::V4(four) if mapped => IpAddr::V6(four.to_ipv6_mapped()),
            other => other,
        };
        let names: Vec<Host> = name.into_iter().map(host).collect();
        let bytes = decided(&rules, default, "connect", name, address, port);
        let requests = decided(&rules, default, "http", name, address, port);
        let expected = match (bytes, requests) {
            (true, _) => Some(Passage::Bytes),
            (false, true) => Some(Passage::Requests),
            (false, false) => None,
        };
        let answer = policy.may_connect(&names, SocketAddr::new(given, port));
        prop_assert_eq!(answer.as_ref().ok().copied(), expected);
        if let Some(name) = names.first() {
            let scheme = HttpScheme::Http;
            let target = HttpTarget { scheme, host: name, port, method: "GET", path: "/", address: given };
            prop_assert_eq!(policy.may_request(&target).is_ok(), requests);
            // What may be reached by its name may be looked up, unless a rule says that it may not.
            let by_name = |operation| decided(&rules, default, operation, names.first().map(|_| name_of(name)), PUBLIC, port);
            let denied = rules.iter().any(|(mode, operations, ..)| {
                *mode == "deny" && operations.as_ref().is_none_or(|list| list.contains(&"dns"))
            });
            if !denied && (by_name("connect") || by_name("http")) && rules.iter().all(|rule| rule.2.iter().flatten().all(|p| !p.contains('/') && !p.contains("8.8"))) {
                prop_assert_eq!(policy.may_look_up(name), Ok(()));
            }
            if policy.may_look_up(name).is_ok() {
                prop_assert!(policy.reaches_out());
            }
        }
        if answer.is_ok() {
            prop_assert!(policy.reaches_out());
        }
        if let Err(denial) = answer {
            prop_assert!(denial.message.contains(&denial.field) && denial.field.starts_with("permissions.network"));
        }
    }

    #[test]
    fn a_contradiction_is_found_exactly_where_there_is_one(
        rules in prop::collection::vec(a_rule(), 0..5),
        default in prop::sample::select(&["allow", "deny"][..]),
    ) {
        let policy = NetworkPolicy::new(&scope(written(&rules, default))).unwrap();
        // One host of each kind that the patterns above tell apart: names whose address no rule knows, and addresses.
        let unknown = "9.9.9.9";
        let names = NAMES.iter().map(|name| (Some(*name), unknown)).chain([(Some("z"), unknown)]);
        let addresses = ADDRESSES.iter().map(|address| (None, *address));
        let narrow = |rule: &Rule| {
            rule.0 == "deny" && rule.1.as_ref().is_some_and(|list| list.contains(&"http") && !list.contains(&"connect"))
        };
        // A name is put to the patterns of names alone.
        let by_name: Vec<Rule> = rules.iter().map(|(mode, operations, hosts, ports)| {
            let named = |list: &Vec<&'static str>| {
                list.iter().copied().filter(|one| !one.contains([':', '/']) && !one.starts_with(['8', '1'])).collect()
            };
            (*mode, operations.clone(), hosts.as_ref().map(named), ports.clone())
        }).collect();
        let mut expected = false;
        for (name, address) in names.chain(addresses) {
            let rules = if name.is_some() { &by_name } else { &rules };
            for port in [78, 79, 80, 81, 82] {
                let address: IpAddr = address.parse().unwrap();
                let raw = decided(rules, default, "connect", name, address, port);
                expected |= raw && rules.iter().filter(|rule| narrow(rule)).any(|(_, _, hosts, ports)| {
                    hosts.as_ref().is_none_or(|list| list.iter().any(|pattern| fits(pattern, name, address)))
                        && ports.as_ref().is_none_or(|list| list.contains(&port))
                });
            }
        }
        prop_assert_eq!(policy.check_contradictions().is_err(), expected);
    }

    #[test]
    fn deny_all_denies_everything(name in "[a-z]{1,9}(\\.[a-z]{1,9}){0,3}", bits: u128, four: bool, port: u16, path in ".{0,9}") {
        let policy = NetworkPolicy::new(&scope(json!("deny"))).unwrap();
        let name = host(&name);
        let address = if four { IpAddr::V4((bits as u32).into()) } else { IpAddr::V6(bits.into()) };
        prop_assert!(policy.may_look_up(&name).is_err());
        prop_assert!(policy.may_look_up(&Host::address(address)).is_err());
        prop_assert!(policy.may_connect(std::slice::from_ref(&name), SocketAddr::new(address, port)).is_err());
        prop_assert!(policy.may_connect(&[], SocketAddr::new(address, port)).is_err());
        let scheme = HttpScheme::Https;
        let target = HttpTarget { scheme, host: &name, port, method: "GET", path: &path, address };
        prop_assert!(policy.may_request(&target).is_err());
    }

    #[test]
    fn no_spelling_of_a_special_address_gets_through_a_name(bits: u32, six: u128, spelling in 0usize..9, dot: bool) {
        let [a, b, c, d] = bits.to_be_bytes();
        let tail = bits & 0xff_ffff;
        let text = match spelling {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            2 => format!("0x{a:x}.0X{b:X}.{c}.0{d:o}"),
            3 => format!("{bits}"),
            4 => format!("0x{bits:x}"),
            5 => format!("{a}.{tail}"),
            6 => format!("::ffff:{a}.{b}.{c}.{d}"),
            7 => format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
            _ => format!("{}", std::net::Ipv6Addr::from(six)),
        };
        let text = if dot && spelling < 6 { text + "." } else { text };
        let Ok(Host::Address(address)) = Host::parse(&text) else { return Err(TestCaseError::fail(text)) };
        let policy = NetworkPolicy::new(&scope(json!({ "default": "allow", "rules": [
            { "mode": "allow", "hosts": ["*", "example.org", "*.org", "0.0.0.0/0", "::/0"] },
        ] }))).unwrap();
        let answer = policy.may_connect(&[host("example.org")], SocketAddr::new(address, 80));
        prop_assert_eq!(answer.is_err(), special(address).is_some(), "{} {}", text, address);
    }

    #[test]
    fn any_text_is_one_host_or_none(text in "\\PC{0,20}|[0-9a-fx.:\\[\\]/*%@A-F。．１]{0,20}|(\\PC|\\.){0,12}") {
        super::fuzz::host(text.as_bytes());
    }
}

/// A public address that the patterns above do not name.
const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(9, 9, 9, 9));

fn name_of(host: &Host) -> &str {
    match host {
        Host::Name(name) => name,
        Host::Address(_) => unreachable!("a name"),
    }
}
