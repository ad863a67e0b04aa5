//! Addresses of names: by the host's own names and its servers, as `/etc/hosts` and `/etc/resolv.conf` had them when this
//! process began.
//!
//! A name is asked for as it stands: no domain of a search list is put behind it, or a rule for one name would be a rule
//! for others.

use std::io;
use std::net::IpAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use protocol::abi::{NetworkError, NetworkErrorCode};
use protocol::network::ADDRESSES_MAX;

/// Asks for addresses.
pub(crate) struct Names(TokioResolver);

impl Names {
    /// With the servers of this host.
    ///
    /// # Errors
    /// Its list of servers cannot be read.
    pub(crate) fn of_this_host() -> io::Result<Names> {
        let mut builder = TokioResolver::builder_tokio().map_err(io::Error::other)?;
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        Ok(Names(builder.build().map_err(io::Error::other)?))
    }

    /// The addresses of a name, of version 4 first: at least one, and at most [`ADDRESSES_MAX`].
    pub(crate) async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, NetworkError> {
        let found = self.0.lookup_ip(format!("{name}.")).await.map_err(|error| failure(name, &error))?;
        let mut addresses = Vec::new();
        for address in found.iter() {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.sort_by_key(IpAddr::is_ipv6);
        addresses.truncate(ADDRESSES_MAX);
        match addresses.is_empty() {
            true => Err(not_found(name)),
            false => Ok(addresses),
        }
    }
}

fn not_found(name: &str) -> NetworkError {
    NetworkError::new(NetworkErrorCode::NotFound, format!("{name} has no address"))
}

fn failure(name: &str, error: &NetError) -> NetworkError {
    let has_none = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
        }
        NetError::Dns(DnsError::ResponseCode(code)) => *code == ResponseCode::NXDomain,
        _ => false,
    };
    if has_none {
        return not_found(name);
    }
    NetworkError::new(NetworkErrorCode::NoAnswer, format!("no server of names answers for {name}: {error}"))
}
