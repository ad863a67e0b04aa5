//! Hosts outside, as guests and rules name them: one canonical text for each, or a refusal.
//!
//! Whatever decides about a host decides about what is in here, never about a text. A spelling is either brought to the
//! form that a resolver would bring it to (the URL Standard's: letter case, one trailing dot, names beyond ASCII, the odd
//! writings of IPv4 addresses, IPv4 within IPv6), or it is no host.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name, in bytes and without a trailing dot (RFC 1035).
const NAME_BYTES: usize = 253;
/// The longest part of a name.
const LABEL_BYTES: usize = 63;
/// The longest text that is looked at: names beyond ASCII are shorter in their canonical form than here.
pub(crate) const TEXT_BYTES: usize = 1024;

/// A host outside the VM, in its canonical form. Made by [`Host::parse`] alone, so that what is equal is the same host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name: lower case, ASCII, without a trailing dot.
    Name(String),
    /// An address; one of IPv4 is never written as one of IPv6.
    Address(IpAddr),
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no host: {why}")]
pub struct HostError {
    /// The text, or its beginning.
    text: String,
    why: &'static str,
}

impl Host {
    /// Reads a name or an address as it stands in an URL or is handed to a resolver.
    ///
    /// # Errors
    /// It is neither, or could be taken for another host than it is.
    pub fn parse(text: &str) -> Result<Host, HostError> {
        let wrong = |why| Err(HostError { text: text.chars().take(100).collect(), why });
        if text.is_empty() {
            return wrong("it is empty");
        }
        if text.len() > TEXT_BYTES {
            return wrong("it is too long");
        }
        // The URL Standard decodes these; a resolver does not.
        if text.contains('%') {
            return wrong("it has a percent sign");
        }
        if text.contains(':') || text.starts_with('[') {
            let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
            return match inner.parse::<Ipv6Addr>() {
                Ok(address) => Ok(Host::address(IpAddr::V6(address))),
                Err(_) => {
                    wrong("it is no IPv6 address, and a host stands here without scheme, user and port")
                }
            };
        }
        match url::Host::parse(text) {
            Ok(url::Host::Ipv4(address)) => Ok(Host::address(IpAddr::V4(address))),
            Ok(url::Host::Ipv6(address)) => Ok(Host::address(IpAddr::V6(address))),
            Ok(url::Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                if name.is_empty() || name.split('.').any(str::is_empty) {
                    return wrong("a part of it is empty");
                }
                if name.len() > NAME_BYTES {
                    return wrong("it is longer than 253 bytes");
                }
                if name.split('.').any(|label| label.len() > LABEL_BYTES) {
                    return wrong("a part of it is longer than 63 bytes");
                }
                let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
                if !name.bytes().all(plain) {
                    return wrong("a name has letters, digits, \"-\", \"_\" and \".\"");
                }
                Ok(Host::Name(name.to_owned()))
            }
            Err(url::ParseError::InvalidIpv4Address) => {
                wrong("its last part is a number, but it is no IPv4 address")
            }
            Err(_) => wrong("it is no name: letters, digits, \"-\", \"_\" and \".\""),
        }
    }

    /// An address as a host.
    pub fn address(address: IpAddr) -> Host {
        Host::Address(address.to_canonical())
    }

    /// Whether it names the VM itself, which no resolver outside is asked about (RFC 6761).
    pub fn is_localhost(&self) -> bool {
        matches!(self, Host::Name(name) if name == "localhost" || name.ends_with(".localhost"))
    }

    /// Whether it is such as [`Host::parse`] makes it.
    pub(super) fn is_canonical(&self) -> bool {
        match self {
            Host::Name(name) => Host::parse(name).is_ok_and(|host| host == *self),
            Host::Address(address) => address.to_canonical() == *address,
        }
    }

    /// The host and a port, as they stand in an URL.
    pub fn with_port(&self, port: u16) -> String {
        match self {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            other => format!("{other}:{port}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

impl FromStr for Host {
    type Err = HostError;
    fn from_str(text: &str) -> Result<Host, HostError> {
        Host::parse(text)
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Host::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Host::parse(text).ok().map(|host| host.to_string())
    }

    #[test]
    fn every_spelling_of_a_host_is_one_host() {
        for (canonical, spellings) in [
            (
                "example.org",
                &[
                    "example.org",
                    "EXAMPLE.Org",
                    "example.org.",
                    "ｅｘａｍｐｌｅ.org",
                    "example。org",
                    "example．org．",
                    "exa\u{ad}mple.org",
                    "ℯxample.org",
                ][..],
            ),
            (
                "127.0.0.1",
                &[
                    "127.0.0.1",
                    "127.0.0.1.",
                    "127.1",
                    "127.0.1",
                    "0177.0.0.1",
                    "0x7f.1",
                    "0x7F.0x0.0x0.0x1",
                    "2130706433",
                    "0x7f000001",
                    "017700000001",
                    "127.0.0.0x1",
                    "127.0.0.01",
                    "１２７.０.０.１",
                    "127。0。0。1",
                    "①②⑦.0.0.1",
                    "::ffff:127.0.0.1",
                    "[::ffff:7f00:1]",
                    "0:0:0:0:0:FFFF:7f00:0001",
                ],
            ),
            (
                "169.254.169.254",
                &["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:a9fe:a9fe]"],
            ),
            ("0.0.0.0", &["0", "0x0", "0x", "00.0", "0.0.0.0."]),
            ("255.255.255.255", &["4294967295", "0xffffffff"]),
            ("::1", &["::1", "[::1]", "0:0:0:0:0:0:0:1", "[0000:0:0::0001]", "::0.0.0.1"]),
            ("fe80::a", &["FE80::A", "[fe80:0::000a]"]),
            (
                "xn--mnchen-3ya.de",
                &["münchen.de", "MÜNCHEN.DE", "xn--mnchen-3ya.de", "XN--MNCHEN-3YA.de", "mu\u{308}nchen.de"],
            ),
            ("_dmarc.example.org", &["_dmarc.example.org"]),
            ("a", &["a", "A."]),
            ("1.2.3.4.example", &["1.2.3.4.example"]),
        ] {
            for spelling in spellings {
                assert_eq!(shown(spelling).as_deref(), Some(canonical), "{spelling:?}");
            }
        }
    }

    #[test]
    fn what_could_be_taken_for_another_host_is_none() {
        let (long, longer) = ("a".repeat(64), format!("{}b", "a.".repeat(127)));
        for text in [
            "",
            " ",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "a.。",
            "a b",
            " a",
            "a ",
            "a\t",
            "a\n",
            "a\0",
            "a\0.example.org",
            "example.org\0.evil.org",
            "user@example.org",
            "user:pass@example.org",
            "example.org:443",
            "example.org/",
            "example.org/x",
            "example.org?x",
            "example.org#x",
            "http://example.org",
            "//example.org",
            "a\\b",
            "a%62",
            "%61",
            "a%00",
            "example.org%2eevil.org",
            "a％2e",
            "*",
            "*.example.org",
            "a*",
            "a,b",
            "a!b",
            "a'b",
            "a;b",
            "a=b",
            "a|b",
            "a^b",
            "a<b",
            "a>b",
            "a`b",
            "{a}",
            "a\"b",
            "a$b",
            "(a)",
            "a&b",
            "a+b",
            "a~b",
            "256.1.1.1.1",
            "999.1.1.1",
            "1.2.3.256",
            "1.2.3.4.5",
            "4294967296",
            "0x100000000",
            "08.1.1.1",
            "0x7g.1",
            "example.1",
            "example.0x1",
            "example.09",
            "a.0x",
            "1.2.3.4..",
            "١٢٧.٠.٠.١",
            "[::1",
            "::1]",
            "[]",
            "[127.0.0.1]",
            "[a]",
            ":",
            ":::",
            "::1%lo",
            "fe80::1%eth0",
            "[fe80::1%25eth0]",
            "[::1]:80",
            "1:2",
            "::g",
            "::127.1",
            "::ffff:0177.0.0.1",
            "[v1.a]",
            "xn--",
            "xn--a",
            "xn--\u{fc}",
            "xn--example-.org",
            "\u{202e}gro",
            "a\u{200d}b\u{2fff}",
            "\u{fffd}",
            &long,
            &longer,
        ] {
            assert_eq!(shown(text), None, "{text:?}");
        }
        assert!(Host::parse(&"a".repeat(63)).is_ok());
        assert!(Host::parse(&format!("{}b", "a.".repeat(126))).is_ok());
        assert!(Host::parse(&"a.".repeat(5000)).is_err());
    }

    #[test]
    fn localhost_is_known_in_every_spelling() {
        for text in ["localhost", "LOCALHOST.", "a.localhost", "ｌocalhost"] {
            assert!(Host::parse(text).unwrap().is_localhost(), "{text}");
        }
        assert!(!Host::parse("localhost.example").unwrap().is_localhost());
        assert!(!Host::parse("notlocalhost").unwrap().is_localhost());
    }
}
