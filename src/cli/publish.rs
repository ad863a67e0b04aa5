//! `--publish`: connections that are made to this machine, and end at servers in the VM.

use std::cell::RefCell;
use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpListener, TcpStream};

use super::printable;
use crate::client::{Error, Vm};
use protocol::wire::code;

/// How long a connection waits for the server in the VM to listen: it may be starting.
const STARTING_TIME: Duration = Duration::from_secs(5);
/// After a connection could not be taken, which is for lack of something.
const PAUSE: Duration = Duration::from_millis(100);

/// `[ADDRESS:]HOSTPORT:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// Where this machine listens; port 0 is any.
    host: SocketAddr,
    /// The port in the VM.
    port: u16,
}

impl FromStr for Published {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "not of the form [ADDRESS:]HOSTPORT:PORT, such as 8080:3000".to_owned();
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let host = match host.parse::<u16>() {
            Ok(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            Err(_) => host.parse().map_err(|_| wrong())?,
        };
        Ok(Published { host, port })
    }
}

/// Ports of this machine that lead into a VM.
pub(super) struct Publishing {
    listeners: Vec<(TcpListener, u16)>,
    /// Connections at once.
    most: usize,
    /// What ends a line on standard error.
    newline: &'static str,
}

impl Publishing {
    /// Listens, and says where. What is shown at a terminal of the VM's is not to be put out of order by what is said later.
    pub(super) async fn begin(
        published: &[Published],
        most: u64,
        at_terminal: bool,
    ) -> Result<Publishing, Error> {
        let mut listeners = Vec::new();
        for Published { host, port } in published {
            let failed = |error: io::Error| {
                Error::new(code::CONFIG, format!("--publish: {host}: {error}"))
                    .hint("choose another port of this machine; 0 takes any that is free")
            };
            let listener = TcpListener::bind(host).await.map_err(failed)?;
            let at = listener.local_addr().map_err(failed)?;
            eprintln!("cordon: {at} leads to port {port} of the VM");
            listeners.push((listener, *port));
        }
        let newline = if at_terminal { "\r\n" } else { "\n" };
        Ok(Publishing { listeners, most: usize::try_from(most).unwrap_or(usize::MAX), newline })
    }

    /// Passes connections on, for as long as this is polled.
    pub(super) async fn serve(&self, vm: &Vm) -> Infallible {
        let told = RefCell::new(HashSet::new());
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                (accepted, port) = self.accept(), if open.len() < self.most => match accepted {
                    Ok(stream) => open.push(self.pass(vm, stream, port, &told)),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(()) = open.next(), if !open.is_empty() => {}
                else => std::future::pending().await,
            }
        }
    }

    /// The next connection, to whichever port. Nobody accepts where nothing is published.
    async fn accept(&self) -> (io::Result<TcpStream>, u16) {
        let mut accepts: FuturesUnordered<_> = self
            .listeners
            .iter()
            .map(|(listener, port)| async { (listener.accept().await.map(|(stream, _)| stream), *port) })
            .collect();
        match accepts.next().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    /// Passes one connection on until both sides have ended it. What is wrong with a port is said once, until one succeeds.
    async fn pass(&self, vm: &Vm, mut stream: TcpStream, port: u16, told: &RefCell<HashSet<u16>>) {
        let _ = stream.set_nodelay(true);
        match vm.connect_within(port, STARTING_TIME).await {
            Ok(mut guest) => {
                told.borrow_mut().remove(&port);
                // However it ends, both sides see it.
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut guest).await;
            }
            Err(error) => {
                // The client is told by force: it would take an end for an empty answer.
                let _ = stream.set_zero_linger();
                if told.borrow_mut().insert(port) {
                    eprint!("cordon: --publish: {}{}", printable(&error.message), self.newline);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_a_port_of_this_machine_and_one_of_the_vm() {
        for (text, host, port) in [
            ("8080:3000", "127.0.0.1:8080", 3000),
            ("0:3000", "127.0.0.1:0", 3000),
            ("0.0.0.0:80:3000", "0.0.0.0:80", 3000),
            ("[::1]:8080:1", "[::1]:8080", 1),
        ] {
            assert_eq!(text.parse(), Ok(Published { host: host.parse().unwrap(), port }));
        }
        for text in ["", "8080", "8080:", ":3000", "8080:0", "8080:70000", "host:8080:3000", "::1:8080:3000"]
        {
            assert!(text.parse::<Published>().is_err(), "{text}");
        }
    }
}
