//! Hosts, as guests name them and as rules do: one canonical text for each, or a refusal.
//!
//! Whatever decides about a host decides about what is in here, never about a text. A spelling is either brought to the
//! form that a resolver would bring it to (the URL Standard's: letter case, one trailing dot, names beyond ASCII, the odd
//! writings of IPv4 addresses, IPv4 within IPv6), or it is no host.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::address;

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
    pub(super) fn with_port(&self, port: u16) -> String {
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

/// The hosts that a rule is for, in their canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// `*`
    Any,
    /// `example.org`
    Name(String),
    /// `*.example.org`, kept as `.example.org`.
    Below(String),
    /// `10.0.0.5`
    Address(IpAddr),
    /// `10.0.0.0/8`, never of IPv4 within IPv6.
    Prefix(IpNet),
}

const MAY_BE_WRITTEN: &str = "write a name (\"example.org\"), all names below one (\"*.example.org\"), an address \
                              (\"10.0.0.5\", \"fd00::5\"), a prefix (\"10.0.0.0/8\", \"fd00::/8\"), or \"*\"";

impl HostPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is none; what may be written is said.
    pub fn parse(text: &str) -> Result<HostPattern, String> {
        if text == "*" {
            return Ok(HostPattern(Kind::Any));
        }
        let host = |text: &str| Host::parse(text).map_err(|error| format!("{error}; {MAY_BE_WRITTEN}"));
        if let Some((address, length)) = text.split_once('/') {
            return prefix(text, address, length).map(HostPattern);
        }
        let kind = match text.strip_prefix("*.") {
            Some(rest) if rest.contains('*') => return Err(star(text)),
            None if text.contains('*') => return Err(star(text)),
            Some(rest) => match host(rest)? {
                below if below.is_localhost() => return Err(localhost(text)),
                Host::Name(name) => Kind::Below(format!(".{name}")),
                Host::Address(_) => {
                    return Err(format!(
                        "{text:?} is no host pattern: nothing is below an address; {MAY_BE_WRITTEN}"
                    ));
                }
            },
            None => match host(text)? {
                name if name.is_localhost() => return Err(localhost(text)),
                Host::Name(name) => Kind::Name(name),
                Host::Address(address) => Kind::Address(address),
            },
        };
        Ok(HostPattern(kind))
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Whether it is for hosts by their names, `*` among them.
    pub fn is_by_name(&self) -> bool {
        matches!(self.0, Kind::Any | Kind::Name(_) | Kind::Below(_))
    }

    /// Whether it is for a host of this name.
    pub fn fits_name(&self, name: &str) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Name(own) => own == name,
            Kind::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
            Kind::Address(_) | Kind::Prefix(_) => false,
        }
    }

    /// Whether it is for a host of this address.
    pub fn fits_address(&self, address: IpAddr) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Address(own) => *own == address.to_canonical(),
            Kind::Prefix(prefix) => prefix.contains(&address.to_canonical()),
            Kind::Name(_) | Kind::Below(_) => false,
        }
    }

    /// Whether it opens a special address: it is that address, or a prefix in which there is nothing but such. A prefix that
    /// goes beyond (`0.0.0.0/0`) is about the public ones in it.
    pub fn opens_special(&self, address: IpAddr) -> bool {
        match &self.0 {
            Kind::Address(_) => self.fits_address(address),
            Kind::Prefix(prefix) => self.fits_address(address) && address::wholly_special(*prefix),
            _ => false,
        }
    }
}

fn star(text: &str) -> String {
    format!(
        "{text:?} is no host pattern: a \"*\" stands alone or for all parts before a name; {MAY_BE_WRITTEN}"
    )
}

fn localhost(text: &str) -> String {
    format!(
        "{text:?} is the VM itself, which needs no permission; the loopback of this machine is named by its address, \
         \"127.0.0.1\" or \"::1\""
    )
}

/// Reads `10.0.0.0/8`. The address of a prefix is written as addresses are, without odd spellings.
fn prefix(text: &str, address: &str, length: &str) -> Result<Kind, String> {
    let wrong = |why: &str| format!("{text:?} is no prefix of addresses: {why}; {MAY_BE_WRITTEN}");
    let address: IpAddr = address.parse().map_err(|_| wrong("no address stands before the \"/\""))?;
    let digits = !length.is_empty() && length.len() <= 3 && length.bytes().all(|byte| byte.is_ascii_digit());
    let length: u8 =
        length.parse().ok().filter(|_| digits).ok_or_else(|| wrong("no length follows the \"/\""))?;
    let prefix =
        IpNet::new(address, length).map_err(|_| wrong("its length is more than the address has bits"))?;
    if prefix.network() != address {
        return Err(wrong(&format!(
            "{address} has bits beyond its length; the prefix is {}",
            prefix.trunc()
        )));
    }
    Ok(match (address, length) {
        // IPv4 within IPv6 is IPv4.
        (IpAddr::V6(six), 96..) if six.to_ipv4_mapped().is_some() => {
            let four = six.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED);
            let prefix = Ipv4Net::new(four, length - 96).map_err(|_| wrong("its length"))?;
            Kind::of_prefix(IpNet::V4(prefix))
        }
        _ => Kind::of_prefix(prefix),
    })
}

impl Kind {
    /// A prefix of one address is that address.
    fn of_prefix(prefix: IpNet) -> Kind {
        match prefix.prefix_len() == prefix.max_prefix_len() {
            true => Kind::Address(prefix.addr()),
            false => Kind::Prefix(prefix),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("*"),
            Kind::Name(name) => f.write_str(name),
            Kind::Below(suffix) => write!(f, "*{suffix}"),
            Kind::Address(address) => address.fmt(f),
            Kind::Prefix(prefix) => prefix.fmt(f),
        }
    }
}

impl FromStr for HostPattern {
    type Err = String;
    fn from_str(text: &str) -> Result<HostPattern, String> {
        HostPattern::parse(text)
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HostPattern::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
mod schema {
    //! On the wire a host pattern is a string.
    use std::borrow::Cow;

    impl ts_rs::TS for super::HostPattern {
        type WithoutGenerics = Self;
        type OptionInnerType = Self;
        fn name(_: &ts_rs::Config) -> String {
            "string".to_owned()
        }
        fn inline(config: &ts_rs::Config) -> String {
            Self::name(config)
        }
    }

    impl schemars::JsonSchema for super::HostPattern {
        fn schema_name() -> Cow<'static, str> {
            "HostPattern".into()
        }
        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": super::TEXT_BYTES })
        }
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

    #[test]
    fn patterns_are_for_what_they_say() {
        let fits = |pattern: &str, host: &str| {
            let pattern = HostPattern::parse(pattern).unwrap();
            match Host::parse(host).unwrap() {
                Host::Name(name) => pattern.fits_name(&name),
                Host::Address(address) => pattern.fits_address(address),
            }
        };
        for (pattern, yes, no) in [
            ("*", &["a.b", "1.2.3.4", "::1"][..], &[][..]),
            (
                "Example.org.",
                &["example.org"],
                &["a.example.org", "example.or", "xexample.org", "example.org.x", "1.2.3.4"],
            ),
            (
                "*.example.org",
                &["a.example.org", "a.b.example.org"],
                &["example.org", "xexample.org", "a.example.org.x"],
            ),
            ("*.MÜNCHEN.de", &["a.xn--mnchen-3ya.de"], &["xn--mnchen-3ya.de"]),
            ("10.0.0.5", &["10.0.0.5", "::ffff:10.0.0.5", "0xa000005"], &["10.0.0.6", "::a00:5", "a"]),
            ("0x7f.1", &["127.0.0.1"], &["127.0.0.2"]),
            ("10.0.0.0/8", &["10.255.0.1", "::ffff:a00:1"], &["11.0.0.0", "9.255.255.255", "a"]),
            ("::ffff:10.0.0.0/104", &["10.255.0.1"], &["11.0.0.0", "a00::"]),
            ("fd00::/8", &["fd12::1"], &["fc00::1", "253.0.0.0"]),
            ("::/0", &["::1", "2a00::1"], &["1.2.3.4", "::ffff:1.2.3.4"]),
            ("0.0.0.0/0", &["1.2.3.4", "::ffff:1.2.3.4"], &["::1"]),
            ("1.2.3.4/32", &["1.2.3.4"], &["1.2.3.5"]),
        ] {
            for host in yes {
                assert!(fits(pattern, host), "{pattern} {host}");
            }
            for host in no {
                assert!(!fits(pattern, host), "{pattern} {host}");
            }
            let canonical = HostPattern::parse(pattern).unwrap();
            assert_eq!(HostPattern::parse(&canonical.to_string()), Ok(canonical), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_what_may_be_written() {
        for text in [
            "",
            "**",
            "*.*",
            "a.*",
            "a*.org",
            "*a.org",
            "*.",
            "*..a",
            "a.*.org",
            "*.*.org",
            "*.10.0.0.1",
            "*.1",
            "*/8",
            "10.0.0.0/",
            "/8",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0.1/8",
            "fd00::1/8",
            "::/129",
            "10/8",
            "012.0.0.0/8",
            "[fd00::]/8",
            "example.org/8",
            "example.org:443",
            "http://a",
            "10.0.0.0/0008",
        ] {
            let told = HostPattern::parse(text).expect_err(text);
            assert!(told.contains("write a name") && told.contains("10.0.0.0/8"), "{text:?}: {told}");
        }
        assert!(HostPattern::parse("10.1.2.3/8").unwrap_err().contains("10.0.0.0/8; "));
        for text in ["localhost", "LocalHost.", "*.localhost", "a.localhost"] {
            assert!(HostPattern::parse(text).unwrap_err().contains("127.0.0.1"), "{text}");
        }
    }
}
