//! What a VM has in place of its secrets: a placeholder each, drawn for this VM alone, in an environment variable. The secrets
//! themselves, and whom TLS trusts besides, are taken out of the configuration before a worker gets it.

use std::fmt::Write;

use protocol::config::CreateVmConfig;
use protocol::network::Placeholder;
use protocol::wire::{ErrorData, code};

/// Random bytes of a placeholder: nobody else's request has the same by chance.
const RANDOM_BYTES: usize = 16;

/// What only the network process is told.
#[derive(Debug, Default)]
pub(in crate::supervisor) struct Withheld {
    pub(super) extra_ca_certs: String,
    pub(super) secrets: Vec<Placeholder>,
}

impl Withheld {
    /// Takes it out of a configuration, and puts placeholders in.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(in crate::supervisor) fn take(config: &mut CreateVmConfig) -> Result<Withheld, ErrorData> {
        let network = std::mem::take(&mut config.network);
        let mut secrets = Vec::with_capacity(network.secrets.len());
        for secret in network.secrets {
            let mut random = [0; RANDOM_BYTES];
            let drawn = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
            if drawn != Ok(RANDOM_BYTES) {
                return Err(ErrorData::new(code::INTERNAL, "the system gives no random numbers"));
            }
            // Letters, digits and dashes: it is the same in a header, a query and an URL.
            let mut text = format!("cordon-secret-{}-", secret.name);
            for byte in random {
                let _ = write!(text, "{byte:02x}");
            }
            config.env.insert(secret.name, text.clone());
            secrets.push(Placeholder {
                text,
                value: Some(secret.value),
                hosts: secret.hosts,
                places: secret.places,
            });
        }
        Ok(Withheld { extra_ca_certs: network.extra_ca_certs, secrets })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_worker_gets_placeholders_and_nothing_else() {
        let config = json!({
            "network": {
                "extraCaCerts": "-----BEGIN CERTIFICATE-----",
                "secrets": [{ "name": "TOKEN", "value": "s3cret-value", "hosts": ["api.example.org"] }],
            },
        });
        let mut config = CreateVmConfig::from_json(&config).unwrap();
        let (mut other, before) = (config.clone(), format!("{config:?}"));
        let withheld = Withheld::take(&mut config).unwrap();
        assert_eq!(withheld.secrets[0].text, config.env["TOKEN"]);
        assert!(config.env["TOKEN"].starts_with("cordon-secret-TOKEN-"));
        let claimed = serde_json::to_string(&config).unwrap();
        assert!(!claimed.contains("s3cret-value") && !claimed.contains("CERTIFICATE"), "{claimed}");
        // Nor does anything that is written down have it.
        assert!(!before.contains("s3cret-value") && !format!("{withheld:?}").contains("s3cret-value"));
        Withheld::take(&mut other).unwrap();
        assert_ne!(other.env["TOKEN"], config.env["TOKEN"]);
    }
}
