//! `network`: what is done for a VM on its way out, beside deciding: whom TLS trusts, and credentials that are put into
//! requests outside the VM.
//!
//! Reads, bounds and names. Who puts a secret into a request, and when, is the network process's business.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Access, ConfigError, NetworkScope, bounds};
use crate::policy::HostPattern;

/// What is done for a VM on its way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkConfig {
    /// Certificates in PEM of authorities that are trusted beside those of the host, where requests over TLS are decided
    /// (rules of `http`, and hosts with a secret).
    pub extra_ca_certs: String,
    /// Credentials that the guest uses and never sees.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SECRETS }>")]
    #[cfg_attr(feature = "schema", schemars(length(max = bounds::SECRETS)))]
    pub secrets: Vec<Secret>,
}

/// A credential that is put into requests outside the VM, in place of a placeholder which the guest has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secret {
    /// The environment variable in which the guest finds the placeholder.
    pub name: String,
    /// The credential: ASCII that can be seen, and spaces within.
    pub value: SecretValue,
    /// The hosts that get it: names (`api.example.org`), all names below one (`*.example.org`), or addresses.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SECRET_HOSTS }>")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = bounds::SECRET_HOSTS)))]
    pub hosts: Vec<HostPattern>,
    /// Where it may stand in a request; in headers and in basic authentication when left out.
    #[serde(default = "SecretPlace::usual", rename = "in")]
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SECRET_PLACES }>")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Vec<SecretPlace>>", optional))]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = bounds::SECRET_PLACES)))]
    pub places: Vec<SecretPlace>,
}

/// Where a secret may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SecretPlace {
    /// In the value of any header field.
    Header,
    /// In the query of the URL, encoded as that wants it.
    Query,
    /// In the user name or the password of basic authentication (RFC 7617).
    Basic,
}

impl SecretPlace {
    fn usual() -> Vec<SecretPlace> {
        vec![SecretPlace::Header, SecretPlace::Basic]
    }
}

/// The text of a secret. It is shown by nothing that formats it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct SecretValue(pub String);

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Checks the rules of a VM that has secrets.
///
/// # Errors
/// They do not deny by default.
pub fn check_for_secrets(scope: &NetworkScope) -> Result<(), ConfigError> {
    if scope.default_access() == Access::Deny {
        return Ok(());
    }
    Err(ConfigError::new(
        "network.secrets",
        "secrets are for a VM whose permissions.network denies by default, or a guest could send what it gets with them to \
         everybody; allow the hosts that it needs by rules",
    ))
}

impl NetworkConfig {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.extra_ca_certs.is_empty() && self.secrets.is_empty()
    }

    pub(super) fn check(
        &self,
        scope: &NetworkScope,
        has_variable: impl Fn(&str) -> bool,
    ) -> Result<(), ConfigError> {
        if self.extra_ca_certs.len() > bounds::EXTRA_CA_BYTES {
            let text = format!("more than {} bytes", bounds::EXTRA_CA_BYTES);
            return Err(ConfigError::new("network.extraCaCerts", text));
        }
        if !self.extra_ca_certs.is_empty() && !self.extra_ca_certs.contains("-----BEGIN CERTIFICATE-----") {
            let text = "no certificate in PEM, which begins with \"-----BEGIN CERTIFICATE-----\"";
            return Err(ConfigError::new("network.extraCaCerts", text));
        }
        if self.secrets.len() > bounds::SECRETS {
            return Err(ConfigError::new("network.secrets", format!("more than {}", bounds::SECRETS)));
        }
        if !self.secrets.is_empty() {
            check_for_secrets(scope)?;
        }
        let bytes: usize = self.secrets.iter().map(|secret| secret.value.0.len()).sum();
        if bytes > bounds::SECRET_BYTES_IN_ALL {
            let text = format!("more than {} bytes together", bounds::SECRET_BYTES_IN_ALL);
            return Err(ConfigError::new("network.secrets", text));
        }
        for (index, secret) in self.secrets.iter().enumerate() {
            let wrong = |field: &str, message: String| {
                Err(ConfigError::new(format!("network.secrets[{index}].{field}"), message))
            };
            if !is_variable(&secret.name) {
                let text =
                    "an environment variable: letters, digits and \"_\", at most 64, and no digit first";
                return wrong("name", format!("{:?} is no name; {text}", secret.name));
            }
            let twice = self.secrets[..index].iter().any(|other| other.name == secret.name);
            if twice || has_variable(&secret.name) {
                return wrong("name", format!("{:?} is given twice, here or in env", secret.name));
            }
            let value = secret.value.0.as_bytes();
            let can_be_seen = |byte: &u8| (0x20..0x7f).contains(byte);
            if value.len() < bounds::SECRET_BYTES_LEAST
                || !value.iter().all(can_be_seen)
                || value.ends_with(b" ")
            {
                // Without the value: errors are read by others.
                let least = bounds::SECRET_BYTES_LEAST;
                let text = format!(
                    "at least {least} characters of ASCII that can be seen; what is shorter could be guessed"
                );
                return wrong("value", text);
            }
            if secret.hosts.is_empty() || secret.hosts.len() > bounds::SECRET_HOSTS {
                return wrong("hosts", format!("1 to {} hosts", bounds::SECRET_HOSTS));
            }
            if let Some(at) = secret.hosts.iter().position(|host| !host.names_hosts_of_one_owner()) {
                let text = "a secret goes to hosts that are named: a name, *.name, or an address".to_owned();
                return wrong(&format!("hosts[{at}]"), text);
            }
            if secret.places.is_empty() || secret.places.len() > bounds::SECRET_PLACES {
                return wrong("in", "at least one of \"header\", \"query\", \"basic\"".to_owned());
            }
        }
        Ok(())
    }
}

fn is_variable(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::CreateVmConfig;

    fn check(network: Value, scope: Value) -> Result<(), (String, String)> {
        let config =
            json!({ "permissions": { "network": scope }, "env": { "GIVEN": "1" }, "network": network });
        CreateVmConfig::from_json(&config).map(drop).map_err(|error| (error.path, error.message))
    }

    #[test]
    fn secrets_are_for_named_hosts_of_a_vm_that_reaches_nothing_else() {
        let rules = || json!({ "rules": [{ "mode": "allow", "hosts": ["api.example.org"] }] });
        let secret = |changes: Value| {
            let mut secret =
                json!({ "name": "TOKEN", "value": "s3cret-value", "hosts": ["api.example.org"] });
            secret.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            json!({ "secrets": [secret] })
        };
        assert_eq!(check(secret(json!({})), rules()), Ok(()));
        assert_eq!(check(secret(json!({ "hosts": ["*.example.org", "127.0.0.1"] })), rules()), Ok(()));
        let denied_by_default = check(secret(json!({})), json!({ "default": "allow", "rules": [] }));
        assert_eq!(denied_by_default.unwrap_err().0, "network.secrets");
        assert_eq!(check(secret(json!({})), json!("allow")).unwrap_err().0, "network.secrets");
        for (changes, field) in [
            (json!({ "name": "1X" }), "name"),
            (json!({ "name": "GIVEN" }), "name"),
            (json!({ "value": "short" }), "value"),
            (json!({ "value": "s3cret-value\r\nX: y" }), "value"),
            (json!({ "hosts": [] }), "hosts"),
            (json!({ "hosts": ["*"] }), "hosts[0]"),
            (json!({ "hosts": ["*.org"] }), "hosts[0]"),
            (json!({ "hosts": ["10.0.0.0/8"] }), "hosts[0]"),
            (json!({ "in": [] }), "in"),
        ] {
            let (path, message) = check(secret(changes.clone()), rules()).unwrap_err();
            assert_eq!(path, format!("network.secrets[0].{field}"), "{changes}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
        let ca = json!({ "extraCaCerts": "nothing" });
        assert_eq!(check(ca, rules()).unwrap_err().0, "network.extraCaCerts");
    }
}
