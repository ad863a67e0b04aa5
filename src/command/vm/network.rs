//! `cordon:vm/network`: connections of TCP, over the kernel's sockets. Whether anything beyond the VM may be reached is the
//! kernel's connector's to say.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use wasmtime::component::Resource;

use kernel::net::{Connection, Endpoint, Family, Listener, SocketError, known_addresses};
use kernel::{Errno, OpenFile, Process};
use protocol::abi::{NetworkError as Refusal, NetworkErrorCode, TLS_1_2, TLS_1_3, TlsRequest};
use protocol::wire::Bytes;
use rustls_pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use super::super::guest::{Ended, Guest};
use super::bindings::cordon::vm::network;
use super::descriptors::Descriptor;
use network::{ErrorCode, NetworkError, Readiness};

/// Bytes that one `receive` gives at most; the contract names it.
const RECEIVED_BYTES: u32 = 1 << 20;
/// Connections that wait to be accepted by a listener of a program's.
const BACKLOG: u32 = 128;

/// OpenSSL's name for it.
const OTHER_NAME: &str = "ERR_TLS_CERT_ALTNAME_INVALID";

/// A listener of a program's.
pub struct Listening {
    listener: Arc<Listener>,
    port: u16,
}

type Told<T> = Result<T, NetworkError>;

fn error(code: ErrorCode, message: impl Into<String>) -> NetworkError {
    NetworkError { code, message: message.into() }
}

/// The words are the supervisor's.
fn refused(refusal: Refusal) -> NetworkError {
    let code = match refusal.code {
        NetworkErrorCode::Denied => ErrorCode::Denied,
        NetworkErrorCode::NotFound => ErrorCode::NotFound,
        NetworkErrorCode::NoAnswer => ErrorCode::NoAnswer,
        NetworkErrorCode::Refused => ErrorCode::Refused,
        NetworkErrorCode::Unreachable => ErrorCode::Unreachable,
        NetworkErrorCode::TimedOut => ErrorCode::TimedOut,
        NetworkErrorCode::Reset => ErrorCode::Reset,
        NetworkErrorCode::Limit => ErrorCode::Limit,
        NetworkErrorCode::Handshake => ErrorCode::Handshake,
        NetworkErrorCode::Certificate => ErrorCode::Certificate,
        NetworkErrorCode::Failed => ErrorCode::Failed,
    };
    error(code, refusal.message)
}

fn broken(failure: SocketError) -> NetworkError {
    let (code, message) = match failure {
        SocketError::Eacces => (ErrorCode::Denied, "the network's rules have ended the connection"),
        SocketError::Eaddrinuse => (ErrorCode::InUse, "something listens there already"),
        SocketError::Econnrefused => (ErrorCode::Refused, "nobody listens there"),
        SocketError::Econnreset | SocketError::Epipe => {
            (ErrorCode::Reset, "the other end has ended the connection")
        }
        SocketError::Enobufs => (ErrorCode::Limit, "the VM's sockets hold all that they may"),
        SocketError::Enfile | SocketError::Emfile => (ErrorCode::Limit, "the VM has as many as it may have"),
        SocketError::Enetunreach => (ErrorCode::Unreachable, "there is no way there"),
        SocketError::Etimedout => (ErrorCode::TimedOut, "nothing has happened for too long"),
        SocketError::Other(Errno::Enfile | Errno::Emfile) => {
            (ErrorCode::Limit, "the VM has as many as it may have")
        }
        SocketError::Eaddrnotavail
        | SocketError::Emsgsize
        | SocketError::Enotconn
        | SocketError::Other(_) => (ErrorCode::Failed, "the connection failed"),
    };
    error(code, message)
}

/// Waits until the time has passed, or a signal that the program handles is pending.
async fn within<T>(process: &Process, milliseconds: u32, work: impl Future<Output = Told<T>>) -> Told<T> {
    let mut work = pin!(work);
    let waiting = poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Pending => {
            process.poll_interrupted(cx).map(|()| Err(error(ErrorCode::Interrupted, "a signal is pending")))
        }
        done => done,
    });
    let late = || Err(error(ErrorCode::TimedOut, format!("not done in {milliseconds} ms")));
    tokio::time::timeout(Duration::from_millis(milliseconds.into()), waiting).await.unwrap_or_else(|_| late())
}

async fn look_up(network: &kernel::net::Network, name: &str) -> Told<Vec<IpAddr>> {
    let found = match known_addresses(name) {
        Some(found) => found,
        None => network.look_up(name).await.map_err(refused)?,
    };
    match found.is_empty() {
        true => Err(error(ErrorCode::NotFound, format!("there is no host {name:?}"))),
        false => Ok(found),
    }
}

async fn connect(network: &Arc<kernel::net::Network>, to: SocketAddr) -> Told<Arc<Connection>> {
    let mut connecting = network.connect(None, to);
    let connected = poll_fn(|cx| connecting.poll(cx)).await;
    connected.map_err(|failure| match connecting.take_refusal() {
        Some(refusal) => NetworkError { code: broken(failure).code, ..refused(refusal) },
        None => {
            let NetworkError { code, message } = broken(failure);
            error(code, format!("connecting to {to}: {message}"))
        }
    })
}

/// Tries one address after the other. A denial is worth more than that others could not be reached.
async fn connect_any(network: &Arc<kernel::net::Network>, host: &str, port: u16) -> Told<Arc<Connection>> {
    let mut failed: Option<NetworkError> = None;
    for address in look_up(network, host).await? {
        match connect(network, SocketAddr::new(address, port)).await {
            Ok(connection) => return Ok(connection),
            Err(error) if failed.as_ref().is_none_or(|failed| failed.code != ErrorCode::Denied) => {
                failed = Some(error)
            }
            Err(_) => {}
        }
    }
    Err(failed.unwrap_or_else(|| error(ErrorCode::NotFound, "it has no address")))
}

/// What goes wrong with a connection while a signal ends the program is none of its affairs.
fn alive<T>(process: &Process, told: Told<T>) -> wasmtime::Result<Told<T>> {
    match told {
        Err(_) if process.killed().is_some() => Err(Ended::Killed.into()),
        told => Ok(told),
    }
}

/// Whether a certificate, in DER, is one for the name, or the address where there is none.
fn is_for(certificate: &Bytes, name: Option<&str>, address: IpAddr) -> bool {
    let name = match name {
        None => Ok(ServerName::IpAddress(address.into())),
        Some(name) => ServerName::try_from(name),
    };
    let certificate = CertificateDer::from(certificate.0.as_slice());
    let parsed = EndEntityCert::try_from(&certificate);
    matches!((parsed, name), (Ok(parsed), Ok(name)) if parsed.verify_is_valid_for_subject_name(&name).is_ok())
}

fn end(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Inet(address) => address.to_string(),
        Endpoint::Unix(path) => path.clone().unwrap_or_default(),
    }
}

impl Guest {
    fn connection(
        &self,
        handle: &Resource<Descriptor>,
    ) -> wasmtime::Result<Told<(&Arc<OpenFile>, &Connection)>> {
        let file = &self.table.get(handle)?.0;
        let none = || error(ErrorCode::Invalid, "the descriptor is no connection");
        Ok(file.connection().map(|connection| (file, connection)).ok_or_else(none))
    }

    fn push_connection(
        &mut self,
        connection: Told<Arc<Connection>>,
    ) -> wasmtime::Result<Told<Resource<Descriptor>>> {
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(error)),
        };
        let pushed = self.table.push(Descriptor(connection.open_file()));
        Ok(pushed.map_err(|_| error(ErrorCode::Limit, "the program has as many handles as it may have")))
    }
}

/// Answers the program with an error of the contract's.
macro_rules! told {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

impl network::Host for Guest {
    async fn look_up(&mut self, name: String, milliseconds: u32) -> wasmtime::Result<Told<Vec<String>>> {
        let found = within(&self.process, milliseconds, look_up(self.kernel.network(), &name)).await;
        let found = found.map(|found| found.iter().map(IpAddr::to_string).collect());
        alive(&self.process, found)
    }

    async fn connect(
        &mut self,
        host: String,
        port: u16,
        milliseconds: u32,
    ) -> wasmtime::Result<Told<Resource<Descriptor>>> {
        let connecting = connect_any(self.kernel.network(), &host, port);
        let connection = within(&self.process, milliseconds, connecting).await;
        let connection = alive(&self.process, connection)?;
        self.push_connection(connection)
    }

    async fn send(
        &mut self,
        handle: Resource<Descriptor>,
        bytes: Vec<u8>,
        milliseconds: u32,
    ) -> wasmtime::Result<Told<u32>> {
        let (_, connection) = told!(self.connection(&handle)?);
        if bytes.is_empty() {
            return Ok(Ok(0));
        }
        let sending = poll_fn(|cx| connection.poll_send(cx, &bytes).map_err(broken));
        let sent = within(&self.process, milliseconds, sending).await;
        alive(&self.process, sent.map(|sent| u32::try_from(sent).unwrap_or(u32::MAX)))
    }

    async fn receive(
        &mut self,
        handle: Resource<Descriptor>,
        length: u32,
        milliseconds: u32,
    ) -> wasmtime::Result<Told<Vec<u8>>> {
        let (_, connection) = told!(self.connection(&handle)?);
        let mut buffer = vec![0; length.min(RECEIVED_BYTES) as usize];
        let receiving = poll_fn(|cx| connection.poll_receive(cx, &mut buffer).map_err(broken));
        let received = within(&self.process, milliseconds, receiving).await;
        let received = told!(alive(&self.process, received)?);
        buffer.truncate(received);
        Ok(Ok(buffer))
    }

    async fn wait(
        &mut self,
        handle: Resource<Descriptor>,
        wanted: Readiness,
        milliseconds: u32,
    ) -> wasmtime::Result<Told<Readiness>> {
        let (file, _) = told!(self.connection(&handle)?);
        let possible = |cx: &mut Context<'_>| {
            let mut possible = Readiness::empty();
            if wanted.contains(Readiness::RECEIVE) && file.poll_readable(cx).is_ready() {
                possible |= Readiness::RECEIVE;
            }
            if wanted.contains(Readiness::SEND) && file.poll_writable(cx).is_ready() {
                possible |= Readiness::SEND;
            }
            possible
        };
        let waiting = poll_fn(|cx| match possible(cx) {
            none if none == Readiness::empty() => Poll::Pending,
            some => Poll::Ready(Ok(some)),
        });
        let waited = match within(&self.process, milliseconds, waiting).await {
            Err(late) if late.code == ErrorCode::TimedOut => Ok(Readiness::empty()),
            waited => waited,
        };
        alive(&self.process, waited)
    }

    fn shut_down(&mut self, handle: Resource<Descriptor>) -> wasmtime::Result<Told<()>> {
        let (_, connection) = told!(self.connection(&handle)?);
        connection.shut_down();
        Ok(Ok(()))
    }

    fn addresses(&mut self, handle: Resource<Descriptor>) -> wasmtime::Result<Told<(String, String)>> {
        let (_, connection) = told!(self.connection(&handle)?);
        Ok(Ok((end(connection.local()), end(connection.peer()))))
    }

    async fn start_tls(
        &mut self,
        handle: Resource<Descriptor>,
        options: network::TlsOptions,
        milliseconds: u32,
    ) -> wasmtime::Result<Told<network::TlsSession>> {
        let (_, connection) = told!(self.connection(&handle)?);
        let inside = || error(ErrorCode::Invalid, "with who is in the VM, TLS is the program's own affair");
        let stream = told!(connection.outside().ok_or_else(inside));
        let Endpoint::Inet(peer) = *connection.peer() else { return Ok(Err(inside())) };
        let network::TlsOptions { server_name, protocols, authorities, verify } = options;
        let authorities: Vec<Bytes> = authorities.into_iter().map(Into::into).collect();
        let request = TlsRequest {
            server_name: server_name.clone(),
            protocols: protocols.into_iter().map(|name| name.into_bytes().into()).collect(),
            authorities: authorities.clone(),
            identity: None,
            oldest: TLS_1_2,
            newest: TLS_1_3,
            // Whoever has the connection's bytes counts them.
            received: 0,
        };
        let starting = async { stream.start_tls(request).await.map_err(refused) };
        let started = within(&self.process, milliseconds, starting).await;
        let session = told!(alive(&self.process, started)?);
        // Whoever names a certificate as an authority trusts it as a server's too, as with OpenSSL.
        let is_named = session.chain.first().is_some_and(|own| authorities.contains(own));
        let version = session.version_name();
        let distrusted = session.distrusted.filter(|_| !is_named).or_else(|| {
            let is_for_name =
                session.chain.first().is_some_and(|own| is_for(own, server_name.as_deref(), peer.ip()));
            (!is_for_name).then(|| OTHER_NAME.to_owned())
        });
        if let (true, Some(reason)) = (verify, &distrusted) {
            let name = server_name.unwrap_or_else(|| peer.ip().to_string());
            let text = format!("{reason}: the certificate of {name} is not to be trusted");
            return Ok(Err(error(ErrorCode::Certificate, text)));
        }
        Ok(Ok(network::TlsSession {
            version,
            cipher: session.cipher,
            protocol: session.protocol.map(|name| String::from_utf8_lossy(&name.0).into_owned()),
            certificates: session.chain.into_iter().map(|one| one.0).collect(),
            distrusted,
        }))
    }

    fn listen(&mut self, port: u16) -> wasmtime::Result<Told<Resource<Listening>>> {
        // Of both versions.
        let at = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
        let bound = told!(self.kernel.network().bind(Family::Tcp, at, false, false).map_err(broken));
        let port = bound.address().port();
        let pushed = self.table.push(Listening { listener: bound.listen(BACKLOG), port });
        Ok(pushed.map_err(|_| error(ErrorCode::Limit, "the program has as many handles as it may have")))
    }
}

impl network::HostListener for Guest {
    fn port(&mut self, listener: Resource<Listening>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&listener)?.port)
    }

    async fn accept(
        &mut self,
        listener: Resource<Listening>,
        milliseconds: u32,
    ) -> wasmtime::Result<Told<Resource<Descriptor>>> {
        let listener = &self.table.get(&listener)?.listener;
        let accepting = poll_fn(|cx| listener.poll_accept(cx).map(Ok));
        let accepted = within(&self.process, milliseconds, accepting).await;
        let accepted = alive(&self.process, accepted)?;
        self.push_connection(accepted)
    }

    fn drop(&mut self, listener: Resource<Listening>) -> wasmtime::Result<()> {
        self.table.delete(listener)?;
        Ok(())
    }
}
