//! `--secret NAME=VALUE@HOST`: a secret in a word.

use protocol::config::{Secret, SecretPlace, SecretValue};
use protocol::policy::HostPattern;

/// Reads a flag. What follows the last `@` are the hosts, since a value may have one; without a value, it is that of the
/// variable of the name, which no list of processes shows.
pub(super) fn read(text: &str) -> Result<Secret, String> {
    let usage = "write NAME=VALUE@HOST, or NAME@HOST for the value of this environment variable";
    // Without the text: it has the value.
    let (before, hosts) = text.rsplit_once('@').ok_or_else(|| format!("no host: {usage}"))?;
    let (name, value) = match before.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => {
            let value = std::env::var(before);
            (before, value.map_err(|_| format!("there is no variable {before:?}: {usage}"))?)
        }
    };
    let hosts: Result<Vec<HostPattern>, String> = hosts.split(',').map(HostPattern::parse).collect();
    Ok(Secret {
        name: name.to_owned(),
        value: SecretValue(value),
        hosts: hosts?,
        places: vec![SecretPlace::Header, SecretPlace::Query, SecretPlace::Basic],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_has_name_value_and_hosts() {
        let secret = read("TOKEN=a=b@c@api.example.org,*.example.net").unwrap();
        assert_eq!((secret.name.as_str(), secret.value.0.as_str()), ("TOKEN", "a=b@c"));
        let hosts = ["api.example.org", "*.example.net"].map(|host| HostPattern::parse(host).unwrap());
        assert_eq!(secret.hosts, hosts);
        for text in
            ["TOKEN=s3cret-value", "TOKEN=s3cret-value@", "TOKEN=s3cret-value@a/b", "NOT_THERE@a.example"]
        {
            let message = read(text).unwrap_err();
            assert!(!message.contains("s3cret-value"), "{message}");
        }
    }
}
