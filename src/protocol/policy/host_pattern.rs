//! The hosts that a rule of the network is for.
//!
//! A pattern is read as a host is, so that the two can be compared letter by letter and bit by bit.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::address;
use super::host::Host;

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

    /// Whether it names hosts of whoever has a name or an address, and not those of many.
    pub(crate) fn names_hosts_of_one_owner(&self) -> bool {
        match &self.0 {
            Kind::Any | Kind::Prefix(_) => false,
            // `*.com` is everybody's.
            Kind::Below(suffix) => suffix.matches('.').count() > 1,
            Kind::Name(_) | Kind::Address(_) => true,
        }
    }

    /// Whether it is for a host.
    pub fn fits(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => self.fits_name(name),
            Host::Address(address) => self.fits_address(*address),
        }
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
            schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": super::super::host::TEXT_BYTES })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
