//! Names whose addresses are known without anybody being asked: addresses themselves, the VM's own names, and what is nobody's
//! anywhere. Any other name is asked of the [`Connector`](super::Connector).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest name, and longest part of one.
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// The addresses of such a name, none if it is nobody's. `None` of any other.
pub fn known_addresses(name: &str) -> Option<Vec<IpAddr>> {
    if let Ok(address) = name.parse() {
        return Some(vec![address]);
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") || name == crate::machine::HOSTNAME {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let is_nobodys = name == "invalid"
        || name.ends_with(".invalid")
        || name.len() > NAME_MAX
        || name.split('.').any(|label| label.is_empty() || label.len() > LABEL_MAX);
    is_nobodys.then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::known_addresses;

    #[test]
    fn names_that_nobody_is_asked_for() {
        let known = |name| {
            known_addresses(name).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        for name in ["localhost", "LocalHost.", "a.localhost"] {
            assert_eq!(known(name).unwrap(), ["127.0.0.1", "::1"]);
        }
        assert_eq!(known("fe80::1").unwrap(), ["fe80::1"]);
        let long = ["a".repeat(64), "a.".repeat(150)];
        for name in ["", "a..b", "x.invalid", &long[0], &long[1]] {
            assert!(known(name).unwrap().is_empty(), "{name}");
        }
        assert_eq!(known("example.org"), None);
    }
}
