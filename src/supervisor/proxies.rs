//! The proxies of the host, as the variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of this process name them,
//! in capital letters or small ones: which connections of VMs go through which.
//!
//! Decides nothing of what a VM may reach, and connects to nobody. What the variables say of who asks is for the network
//! process alone: no VM, worker, error or log gets it.

use std::fmt;
use std::net::SocketAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use protocol::abi::{NetworkError, NetworkErrorCode};
use protocol::config::SecretValue;
use protocol::network::Proxy;
use protocol::policy::{Host, special};

/// The port of HTTP in the clear, for which `HTTP_PROXY` is; all others are `HTTPS_PROXY`'s.
const HTTP_PORT: u16 = 80;

/// The proxies of the host.
pub(super) struct Proxies(Matcher);

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Proxies")
    }
}

impl Proxies {
    /// Those that this process's environment names.
    pub(super) fn of_this_process() -> Proxies {
        Proxies(Matcher::from_env())
    }

    /// The proxy for a connection to an address that was given for these names; none where it goes straight there: where no
    /// proxy is named, `NO_PROXY` has the address or one of the names, or the address is one that only means something
    /// from here.
    ///
    /// # Errors
    /// The proxy that is named is none that can be used.
    pub(super) fn way(&self, names: &[Host], to: SocketAddr) -> Result<Option<Proxy>, NetworkError> {
        if special(to.ip()).is_some() {
            return Ok(None);
        }
        let scheme = if to.port() == HTTP_PORT { "http" } else { "https" };
        let uri = |authority: String| Uri::try_from(format!("{scheme}://{authority}/")).ok();
        let mut found = None;
        for authority in names.iter().map(|name| name.with_port(to.port())).chain([to.to_string()]) {
            match uri(authority).and_then(|uri| self.0.intercept(&uri)) {
                Some(intercept) => found = Some(intercept),
                None => return Ok(None),
            }
        }
        found.map(|found| proxy(&found)).transpose()
    }
}

fn proxy(found: &Intercept) -> Result<Proxy, NetworkError> {
    let unusable = |why: &str| {
        let text = format!(
            "this machine's proxy cannot be used: {why} (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY of cordon)"
        );
        NetworkError::new(NetworkErrorCode::Failed, text)
    };
    let uri = found.uri();
    if uri.scheme_str() != Some("http") {
        return Err(unusable("it is none that speaks HTTP in the clear"));
    }
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
        return Err(unusable("it has no host"));
    };
    let authorization = match found.basic_auth() {
        Some(value) => {
            let text = value.to_str().map_err(|_| unusable("its user name or password is no text"))?;
            Some(SecretValue(text.to_owned()))
        }
        None => None,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Proxy { host, port: uri.port_u16().unwrap_or(HTTP_PORT), authorization })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(proxies: &Proxies, names: &[&str], to: &str) -> Option<Proxy> {
        let names: Vec<Host> = names.iter().map(|name| Host::parse(name).unwrap()).collect();
        proxies.way(&names, to.parse().unwrap()).unwrap()
    }

    #[test]
    fn connections_go_through_the_proxy_that_is_for_them() {
        let matcher = Matcher::builder()
            .http("http://plain.example")
            .https("http://user:pass%40word@proxy.example:3128")
            .no("internal.example,93.184.0.0/16");
        let proxies = Proxies(matcher.build());
        let secure = way(&proxies, &["api.example.org"], "151.101.1.195:443").unwrap();
        assert_eq!((secure.host.as_str(), secure.port), ("proxy.example", 3128));
        assert_eq!(secure.authorization, Some(SecretValue("Basic dXNlcjpwYXNzQHdvcmQ=".to_owned())));
        // Nothing that formats it shows who asks.
        assert!(!format!("{secure:?}{proxies:?}").contains("dXNl"));
        let plain = way(&proxies, &[], "151.101.1.195:80").unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.authorization), ("plain.example", 80, None));
        assert_eq!(way(&proxies, &[], "151.101.1.195:25").unwrap().port, 3128);
        // By a name, an address, and where an address only means something from here.
        for (names, to) in [
            (&["db.internal.example"][..], "151.101.1.195:443"),
            (&["other.example"], "93.184.216.34:443"),
            (&[], "127.0.0.1:443"),
            (&["db.corp.example"], "10.1.2.3:5432"),
        ] {
            assert_eq!(way(&proxies, names, to), None, "{names:?} {to}");
        }
    }

    #[test]
    fn a_proxy_of_another_kind_is_an_error_without_its_address() {
        let proxies = Proxies(Matcher::builder().all("socks5://user:password@proxy.example").build());
        let error = proxies.way(&[], "151.101.1.195:443".parse().unwrap()).unwrap_err();
        assert!(error.message.contains("HTTPS_PROXY"), "{error:?}");
        assert!(!error.message.contains("password") && !error.message.contains("proxy.example"), "{error:?}");
    }
}
