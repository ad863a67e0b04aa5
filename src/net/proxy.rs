//! The way through the proxy of the host: a tunnel that is asked for with CONNECT (RFC 9110, 9.3.6) to the address that was
//! decided. Which connections go through one is the supervisor's business.
//!
//! What it says of itself to a VM is that there is a proxy and what that has answered; not where it is, and not who asks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use protocol::abi::{NetworkError, NetworkErrorCode};
use protocol::network::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::names::Names;

/// Bytes of the head of a proxy's answer, and header fields in it.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// A proxy, and who knows its address.
pub(crate) struct Tunnel {
    pub(crate) proxy: Proxy,
    pub(crate) names: Arc<Names>,
}

impl Tunnel {
    /// A connection through the proxy.
    ///
    /// # Errors
    /// The proxy is not reached, or does not make one.
    pub(crate) async fn open(&self, to: SocketAddr) -> Result<TcpStream, NetworkError> {
        let failed = |code, why: &str| {
            NetworkError::new(code, format!("{to}: this machine's proxy, through which it is reached, {why}"))
        };
        let lost = |error: io::Error| failed(NetworkErrorCode::Failed, &format!("has cut off: {error}"));
        let not_reached = |why: &str| failed(NetworkErrorCode::Unreachable, &format!("is not: {why}"));
        let addresses = match self.proxy.host.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let found = self.names.look_up(&self.proxy.host).await;
                found.map_err(|_| not_reached("its name is unknown"))?
            }
        };
        let places: Vec<SocketAddr> =
            addresses.into_iter().map(|address| SocketAddr::new(address, self.proxy.port)).collect();
        let mut stream = connect(&places).await.map_err(|error| not_reached(&error.kind().to_string()))?;
        let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
        if let Some(authorization) = &self.proxy.authorization {
            head += &format!("Proxy-Authorization: {}\r\n", authorization.0);
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).await.map_err(lost)?;
        match status(&mut stream).await.map_err(lost)? {
            Some(200..=299) => Ok(stream),
            Some(407) => Err(failed(
                NetworkErrorCode::Refused,
                "wants to know who asks (407): what the variable of the proxy says of that is not enough",
            )),
            Some(status) => Err(failed(NetworkErrorCode::Refused, &format!("has answered {status}"))),
            None => Err(failed(NetworkErrorCode::Failed, "has answered what is no HTTP")),
        }
    }
}

/// To the first that takes it.
async fn connect(places: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for place in places {
        match TcpStream::connect(place).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The status of an answer; none if it is no HTTP. Nothing that follows its head is read: that is of the tunnel, where the
/// other end may speak first.
async fn status(stream: &mut TcpStream) -> io::Result<Option<u16>> {
    let mut head = Vec::new();
    while head.len() < HEAD_BYTES_MAX {
        head.push(stream.read_u8().await?);
        if head.ends_with(b"\r\n\r\n") {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut headers);
            let is_whole = response.parse(&head).is_ok_and(|parsed| parsed.is_complete());
            return Ok(response.code.filter(|_| is_whole));
        }
    }
    Ok(None)
}
