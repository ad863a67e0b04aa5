//! `--allow network=...` and `--deny network=...`: one rule of the network in a word.

use protocol::config::{
    Access, HttpScheme, NetworkOperation, NetworkRule, NetworkRules, NetworkScope, PortRange,
};
use protocol::policy::{HostPattern, Pattern};

/// Adds what a flag says of the network: all of it, or one place.
pub(super) fn add(scope: &mut NetworkScope, access: Access, place: Option<&str>) -> Result<(), String> {
    let Some(place) = place else {
        match scope {
            NetworkScope::Rules(set) => set.default = Some(access),
            NetworkScope::Access(default) => *default = access,
        }
        return Ok(());
    };
    let rule = rule(access, place).map_err(|why| format!("network={place}: {why}"))?;
    match scope {
        NetworkScope::Rules(set) => set.rules.push(rule),
        NetworkScope::Access(default) => {
            *scope = NetworkScope::Rules(NetworkRules { default: Some(*default), rules: vec![rule] });
        }
    }
    Ok(())
}

fn rule(mode: Access, place: &str) -> Result<NetworkRule, String> {
    let schemes = [HttpScheme::Http, HttpScheme::Https];
    let found = schemes
        .into_iter()
        .find_map(|scheme| place.strip_prefix(scheme.name())?.strip_prefix("://").map(|rest| (scheme, rest)));
    let Some((scheme, rest)) = found else {
        if place.contains("://") {
            return Err("rules are for http and https; other protocols go by HOST:PORT".to_owned());
        }
        let before = place.split('/').next().unwrap_or_default();
        if before != place && HostPattern::parse(before).is_ok_and(|host| host.is_by_name()) {
            return Err("only requests of HTTP have a path: write https://HOST/PATH, or HOST:PORT".to_owned());
        }
        let (host, ports) = split(place)?;
        return Ok(NetworkRule {
            hosts: Some(vec![host]),
            ports: ports.map(|ports| vec![ports]),
            ..NetworkRule::new(mode)
        });
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (host, ports) = split(authority)?;
    let ports = match ports {
        Some(ports) => ports,
        None => PortRange::new(scheme.port(), scheme.port())?,
    };
    let paths = match path {
        "" => None,
        "/" => {
            return Err("write it without the last \"/\" for every path, or a path such as /v1/**".to_owned());
        }
        path if path.contains(['?', '#']) => return Err("write the path without its query".to_owned()),
        path => Some(vec![Pattern::new(path)?]),
    };
    Ok(NetworkRule {
        operations: Some(vec![NetworkOperation::Http]),
        hosts: Some(vec![host]),
        ports: Some(vec![ports]),
        schemes: Some(vec![scheme]),
        paths,
        ..NetworkRule::new(mode)
    })
}

/// Takes apart `HOST:PORTS`. An address of IPv6 before a port stands in brackets.
fn split(place: &str) -> Result<(HostPattern, Option<PortRange>), String> {
    let (host, ports) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or("a \"]\" is missing: write [ADDRESS]:PORT")?;
            let ports = match behind {
                "" => None,
                behind => {
                    Some(behind.strip_prefix(':').ok_or("a port comes after a \":\": write [ADDRESS]:PORT")?)
                }
            };
            if !host.contains(':') {
                return Err(
                    "in brackets stands an address of IPv6: write [ADDRESS]:PORT, or HOST:PORT".to_owned()
                );
            }
            (host, ports)
        }
        None => match place.split_once(':') {
            Some((host, ports)) if !ports.contains(':') => (host, Some(ports)),
            _ => (place, None),
        },
    };
    Ok((HostPattern::parse(host)?, ports.map(str::parse).transpose()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(place: &str) -> Result<Value, String> {
        rule(Access::Allow, place).map(|rule| serde_json::to_value(rule).unwrap())
    }

    #[test]
    fn places_come_to_rules() {
        let http = |host: &str, port: u16, scheme: &str| json!({ "mode": "allow", "operations": ["http"], "hosts": [host], "ports": [port], "schemes": [scheme] });
        let mut path = http("api.example.org", 443, "https");
        path["paths"] = json!(["/v1/**"]);
        for (place, expected) in [
            ("example.org", json!({ "mode": "allow", "hosts": ["example.org"] })),
            ("Example.ORG.:443", json!({ "mode": "allow", "hosts": ["example.org"], "ports": [443] })),
            (
                "*.example.org:8000-8100",
                json!({ "mode": "allow", "hosts": ["*.example.org"], "ports": ["8000-8100"] }),
            ),
            ("*:443", json!({ "mode": "allow", "hosts": ["*"], "ports": [443] })),
            ("127.0.0.1:8080", json!({ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [8080] })),
            ("10.0.0.0/8:5432", json!({ "mode": "allow", "hosts": ["10.0.0.0/8"], "ports": [5432] })),
            ("::1", json!({ "mode": "allow", "hosts": ["::1"] })),
            ("[::1]:80", json!({ "mode": "allow", "hosts": ["::1"], "ports": [80] })),
            ("[::1]", json!({ "mode": "allow", "hosts": ["::1"] })),
            ("fd00::/8", json!({ "mode": "allow", "hosts": ["fd00::/8"] })),
            ("[fd00::/8]:443", json!({ "mode": "allow", "hosts": ["fd00::/8"], "ports": [443] })),
            ("http://example.org", http("example.org", 80, "http")),
            ("https://example.org:8443", http("example.org", 8443, "https")),
            ("https://[fd00::5]:8443", http("fd00::5", 8443, "https")),
            ("https://api.example.org/v1/**", path),
        ] {
            assert_eq!(written(place), Ok(expected), "{place}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for place in [
            "",
            ":443",
            "example.org:",
            "example.org:0",
            "example.org:65536",
            "example.org:9-8",
            "example.org:x",
            "a b",
            "example.org/path",
            "user@example.org",
            "ftp://example.org",
            "https://",
            "https://example.org/",
            "https://user@example.org",
            "https://example.org/a?b",
            "[::1",
            "[::1]80",
            "[example.org]:80",
            "localhost:80",
            "example.*",
            "10.0.0.1/8",
            "1.2.3.4.5",
            "https:/example.org",
        ] {
            assert!(written(place).is_err(), "{place:?}: {:?}", written(place));
            let mut scope = NetworkScope::Access(Access::Deny);
            let told = add(&mut scope, Access::Allow, Some(place)).unwrap_err();
            assert!(told.starts_with(&format!("network={place}: ")), "{told}");
            assert!(["write ", "HOST:PORT", "127.0.0.1"].iter().any(|help| told.contains(help)), "{told}");
        }
    }

    #[test]
    fn all_of_it_is_the_default() {
        let mut scope = NetworkScope::Access(Access::Deny);
        add(&mut scope, Access::Deny, Some("example.org")).unwrap();
        add(&mut scope, Access::Allow, None).unwrap();
        let expected = json!({ "default": "allow", "rules": [{ "mode": "deny", "hosts": ["example.org"] }] });
        assert_eq!(serde_json::to_value(scope).unwrap(), expected);
    }
}
