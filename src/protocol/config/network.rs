//! `permissions.network` as it is written: which hosts outside may be looked up, connected to, asked over HTTP.
//!
//! Reads, bounds and names. What a rule decides is [`crate::policy::NetworkPolicy`]'s business, and so is whether rules
//! contradict each other, since that is a question about decisions.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::permissions::EXPECTED_ACCESS;
use super::{Access, ConfigError, bounds};
use crate::policy::{HostPattern, NetworkPolicy, Pattern, Subject};

const FIELD: &str = "permissions.network";

/// What is done towards the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NetworkOperation {
    /// A TCP connection over which any bytes go, TLS and HTTP among them.
    Connect,
    /// Looking up a name.
    Dns,
    /// HTTP requests, each decided by itself.
    Http,
}

/// How HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HttpScheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl HttpScheme {
    /// The scheme as it stands in an URL.
    pub fn name(self) -> &'static str {
        match self {
            HttpScheme::Http => "http",
            HttpScheme::Https => "https",
        }
    }

    /// The port of an URL that names none.
    pub fn port(self) -> u16 {
        match self {
            HttpScheme::Http => 80,
            HttpScheme::Https => 443,
        }
    }
}

/// A method of HTTP: upper case letters, and dashes between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpMethod(String);

impl HttpMethod {
    /// The longest, in bytes.
    const LONGEST: usize = 32;

    /// Reads a method.
    ///
    /// # Errors
    /// It is none that a request could be allowed with.
    pub fn parse(text: &str) -> Result<HttpMethod, String> {
        if !HttpMethod::is_one(text) {
            let upper = text.to_ascii_uppercase();
            let hint = if HttpMethod::is_one(&upper) { format!(", as in {upper:?}") } else { String::new() };
            return Err(format!("{text:?} is no method: those are upper case letters and \"-\"{hint}"));
        }
        if text == "CONNECT" {
            return Err("\"CONNECT\" asks for a tunnel through which any bytes go; that is the operation \"connect\" \
                        of another rule"
                .to_owned());
        }
        Ok(HttpMethod(text.to_owned()))
    }

    /// Whether a text is in the form of one.
    pub(crate) fn is_one(text: &str) -> bool {
        (1..=HttpMethod::LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            && !text.starts_with('-')
    }

    /// The method as it stands in a request.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for HttpMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HttpMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HttpMethod::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A port, or all from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The ports from one to another.
    ///
    /// # Errors
    /// There are none: the first is 0, or behind the last.
    pub fn new(first: u16, last: u16) -> Result<PortRange, String> {
        if first == 0 || first > last {
            return Err(format!("{first}-{last} is no range of ports; {EXPECTED_PORTS}"));
        }
        Ok(PortRange { first, last })
    }

    /// The first port.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The last port.
    pub fn last(self) -> u16 {
        self.last
    }

    /// Whether a port is among them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

const EXPECTED_PORTS: &str = "write a port from 1 to 65535 (443), or a text of two (\"8000-8100\")";

impl FromStr for PortRange {
    type Err = String;
    fn from_str(text: &str) -> Result<PortRange, String> {
        let port = |text: &str| -> Option<u16> {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (port(first), port(last)) {
            (Some(first), Some(last)) => PortRange::new(first, last),
            _ => Err(format!("{text:?} is no port or range of ports; {EXPECTED_PORTS}")),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.first == self.last {
            true => self.first.fmt(f),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.first == self.last {
            true => serializer.serialize_u16(self.first),
            false => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortVisitor;
        impl Visitor<'_> for PortVisitor {
            type Value = PortRange;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a port from 1 to 65535 (443), or a text of two (\"8000-8100\")")
            }
            fn visit_u64<E: de::Error>(self, port: u64) -> Result<PortRange, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(port), &self);
                let port = u16::try_from(port).map_err(|_| wrong())?;
                PortRange::new(port, port).map_err(|_| wrong())
            }
            fn visit_i64<E: de::Error>(self, port: i64) -> Result<PortRange, E> {
                match u64::try_from(port) {
                    Ok(port) => self.visit_u64(port),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(port), &self)),
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<PortRange, E> {
                text.parse().map_err(E::custom)
            }
        }
        // `deserialize_any`: as of `Access`.
        deserializer.deserialize_any(PortVisitor)
    }
}

/// The permission scope of what leaves the VM for the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(untagged)]
pub enum NetworkScope {
    /// One answer for everything; allowed are public addresses alone.
    Access(Access),
    /// An answer by rules.
    Rules(NetworkRules),
}

/// Rules over hosts outside: the first that matches decides, else the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkRules {
    /// The answer where no rule matches; deny when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub default: Option<Access>,
    /// The rules, in order.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::RULES }>")]
    #[cfg_attr(feature = "schema", schemars(length(max = bounds::RULES)))]
    pub rules: Vec<NetworkRule>,
}

/// Declares a rule: each list that it may have, how long, and of what.
macro_rules! rule {
    ($($(#[$doc:meta])* $name:ident: $of:ty, $most:expr, $read:literal;)*) => {
        /// One rule over hosts outside. It matches where each of its lists does; one that is left out matches everything.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct NetworkRule {
            /// The answer where the rule matches.
            pub mode: Access,
            $(
                $(#[$doc])*
                #[serde(
                    default,
                    skip_serializing_if = "Option::is_none",
                    deserialize_with = $read
                )]
                #[cfg_attr(feature = "schema", ts(optional), schemars(length(max = $most)))]
                pub $name: Option<Vec<$of>>,
            )*
        }

        impl NetworkRule {
            /// A rule that matches everything.
            pub fn new(mode: Access) -> NetworkRule {
                NetworkRule { mode, $($name: None,)* }
            }

            /// Whether one of its lists is empty, so that nothing matches it.
            pub(crate) fn has_an_empty_list(&self) -> bool {
                [$(self.$name.as_ref().is_some_and(Vec::is_empty)),*].contains(&true)
            }

            /// Checks the lengths of the lists.
            fn check_lengths(&self, field: &str) -> Result<(), ConfigError> {
                $(if self.$name.as_ref().is_some_and(|list| list.len() > $most) {
                    let field = format!("{field}.{}", stringify!($name));
                    return Err(ConfigError::new(field, format!("more than {}", $most)));
                })*
                Ok(())
            }
        }
    };
}

rule! {
    /// The operations it is for; every operation when left out.
    operations: NetworkOperation, bounds::OPERATIONS, "bounds::optional_list::<_, _, { bounds::OPERATIONS }>";
    /// The hosts it is for: names (`example.org`), all names below one (`*.example.org`), addresses (`10.0.0.5`), prefixes
    /// of addresses (`10.0.0.0/8`), or `*`; all when left out.
    hosts: HostPattern, bounds::PATTERNS, "bounds::optional_list::<_, _, { bounds::PATTERNS }>";
    /// The ports it is for, `443` or `"8000-8100"`; all when left out.
    ports: PortRange, bounds::PORTS, "bounds::optional_list::<_, _, { bounds::PORTS }>";
    /// The methods of HTTP it is for; all when left out. With this, operations is `["http"]`.
    methods: HttpMethod, bounds::METHODS, "bounds::optional_list::<_, _, { bounds::METHODS }>";
    /// The paths of URLs it is for, as globs, without the query; all when left out. With this, operations is `["http"]`.
    paths: Pattern, bounds::PATTERNS, "bounds::optional_list::<_, _, { bounds::PATTERNS }>";
    /// The schemes it is for; both when left out. With this, operations is `["http"]`.
    schemes: HttpScheme, bounds::SCHEMES, "bounds::optional_list::<_, _, { bounds::SCHEMES }>";
}

impl NetworkRule {
    /// The lists that only an HTTP request can be put to, of those that it has.
    pub(crate) fn http_lists(&self) -> impl Iterator<Item = &'static str> {
        let lists = [
            ("methods", self.methods.is_some()),
            ("paths", self.paths.is_some()),
            ("schemes", self.schemes.is_some()),
        ];
        lists.into_iter().filter(|(_, there)| *there).map(|(name, _)| name)
    }
}

impl<'de> Deserialize<'de> for NetworkScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScopeVisitor;
        impl<'de> Visitor<'de> for ScopeVisitor {
            type Value = NetworkScope;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "{EXPECTED_ACCESS}, or an object with `rules`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<NetworkScope, E> {
                Access::parse(text)
                    .map(NetworkScope::Access)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NetworkScope, A::Error> {
                NetworkRules::deserialize(MapAccessDeserializer::new(map)).map(NetworkScope::Rules)
            }
        }
        deserializer.deserialize_any(ScopeVisitor)
    }
}

impl NetworkScope {
    /// Reads and checks rules as they stand in a configuration.
    ///
    /// # Errors
    /// They are none, or wrong; the error has their path in a configuration.
    pub fn from_json(value: &serde_json::Value) -> Result<NetworkScope, ConfigError> {
        let document = serde_json::json!({ "permissions": { "network": value } });
        super::CreateVmConfig::from_json(&document).map(|config| config.permissions.network)
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[NetworkRule] {
        match self {
            NetworkScope::Access(_) => &[],
            NetworkScope::Rules(set) => &set.rules,
        }
    }

    /// The answer where no rule matches.
    pub fn default_access(&self) -> Access {
        match self {
            NetworkScope::Access(access) => *access,
            NetworkScope::Rules(set) => set.default.unwrap_or(Access::Deny),
        }
    }

    /// All globs of its rules.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.rules().iter().flat_map(|rule| rule.paths.iter().flatten())
    }

    /// Checks the lengths of the lists, alone and together.
    pub(super) fn check_lengths(&self) -> Result<(), ConfigError> {
        let rules = self.rules();
        if rules.len() > bounds::RULES {
            let text = format!("more than {} rules", bounds::RULES);
            return Err(ConfigError::new(format!("{FIELD}.rules"), text));
        }
        for (index, rule) in rules.iter().enumerate() {
            rule.check_lengths(&format!("{FIELD}.rules[{index}]"))?;
        }
        let hosts = || rules.iter().flat_map(|rule| rule.hosts.iter().flatten());
        let ports: usize = rules.iter().flat_map(|rule| &rule.ports).map(Vec::len).sum();
        let (count, bytes) = (hosts().count(), hosts().map(|host| host.to_string().len()).sum::<usize>());
        if count > bounds::HOSTS_IN_ALL || bytes > bounds::HOST_BYTES_IN_ALL || ports > bounds::PORTS_IN_ALL {
            let text = format!(
                "{count} hosts of {bytes} bytes and {ports} ports in all rules together; at most {} of {} bytes and {}",
                bounds::HOSTS_IN_ALL,
                bounds::HOST_BYTES_IN_ALL,
                bounds::PORTS_IN_ALL
            );
            return Err(ConfigError::new(FIELD, text));
        }
        Ok(())
    }

    /// Checks each rule, and that none is without effect because of another.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (index, rule) in self.rules().iter().enumerate() {
            let field = format!("{FIELD}.rules[{index}]");
            if let Some(list) = rule.http_lists().next()
                && rule.operations.as_deref() != Some(&[NetworkOperation::Http])
            {
                let text = "only requests of HTTP have them: a rule with this has operations [\"http\"]";
                return Err(ConfigError::new(format!("{field}.{list}"), text));
            }
            for (index, pattern) in rule.paths.iter().flatten().enumerate() {
                Subject::UrlPath
                    .check(pattern)
                    .map_err(|message| ConfigError::new(format!("{field}.paths[{index}]"), message))?;
            }
        }
        NetworkPolicy::new(self)?.check_contradictions()
    }
}

#[cfg(feature = "schema")]
mod schema {
    //! Shapes that serde makes by hand.
    use std::borrow::Cow;

    macro_rules! written_as {
        ($type:ty, $typescript:literal, $name:literal, $schema:tt) => {
            impl ts_rs::TS for $type {
                type WithoutGenerics = Self;
                type OptionInnerType = Self;
                fn name(_: &ts_rs::Config) -> String {
                    $typescript.to_owned()
                }
                fn inline(config: &ts_rs::Config) -> String {
                    Self::name(config)
                }
            }

            impl schemars::JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    $name.into()
                }
                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!($schema)
                }
            }
        };
    }

    written_as!(super::PortRange, "(number | string)", "PortRange", {
        "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string", "pattern": r"^[0-9]+(-[0-9]+)?$" },
        ],
    });
    written_as!(super::HttpMethod, "string", "HttpMethod", {
        "type": "string",
        "maxLength": super::HttpMethod::LONGEST,
        "pattern": "^[A-Z][A-Z-]*$",
        "not": { "enum": ["CONNECT"] },
    });
}
