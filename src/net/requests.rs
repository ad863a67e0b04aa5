//! A connection that carries requests of HTTP and nothing else: each is read, decided by the rules of its VM, and sent on as
//! it was understood, so that no server reads another request out of the bytes than was decided.
//!
//! HTTP/1.1, and HTTP/2 where both ends have agreed on it over TLS. Who is told no gets an answer that says why, with the
//! status 403. What becomes another protocol is bytes from then on, which only WebSocket may: HTTP/2 over a connection of
//! HTTP/1.1 would be requests that nobody decides. Over TLS every request is for the host that the certificate was for: a
//! server that goes by the one name and a rule that goes by the other would differ.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http::header::{CONNECTION, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use protocol::abi::{NetworkError, NetworkErrorCode, TlsRequest};
use protocol::config::{Access, HttpScheme, NetworkScope};
use protocol::network::Requests;
use protocol::policy::{Host, HttpTarget, Journal, NetworkPolicy, note_request, shown_target};
use protocol::wire::{DecisionBatch, DecisionScope, DecisionWatch};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::control::Told;
use super::secrets::{Parts, Secrets};

/// Bytes of the head of a request or a response, and what is read at once of what follows.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Header fields of one head.
const HEADERS_MAX: usize = 200;

/// What begins a handshake of TLS (RFC 8446, 5.1).
pub(crate) const TLS_HANDSHAKE: u8 = 22;

/// The protocols of HTTP, as TLS names them (RFC 7301, 6, and RFC 9113, 3.2).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Requests of HTTP/2 at once on one connection.
const STREAMS_MAX: u32 = 100;

/// The header of an answer that says no: the field of the configuration that decided.
const DENIED: &str = "cordon-denied";

/// The field that decides where no rule does.
const SCOPE: &str = "permissions.network";

type Body = BoxBody<Bytes, hyper::Error>;

/// The rules by which one connection's requests are decided. They may be changed while it is open.
pub(crate) struct Rules {
    in_force: watch::Sender<Arc<InForce>>,
    journal: Journal,
    /// The supervisor will be told what the journal has.
    will_be_told: AtomicBool,
    id: u64,
    told: Told,
}

struct InForce {
    policy: NetworkPolicy,
    /// Whether any request may go.
    any: bool,
}

impl Rules {
    /// # Errors
    /// They are none, which rules of a configuration that was checked are not.
    pub(crate) fn new(requests: &Requests, id: u64, told: &Told) -> Result<Arc<Rules>, NetworkError> {
        let policy = NetworkPolicy::new(&requests.scope)
            .map_err(|error| NetworkError::new(NetworkErrorCode::Failed, error.to_string()))?;
        let journal = Journal::default();
        journal.watch(requests.watch);
        Ok(Arc::new(Rules {
            in_force: watch::Sender::new(Arc::new(InForce { policy, any: requests.any })),
            journal,
            will_be_told: AtomicBool::new(false),
            id,
            told: told.clone(),
        }))
    }

    /// Decides by others from now on. What are no rules allows nothing.
    pub(crate) fn set(&self, scope: &NetworkScope, any: bool, watch: DecisionWatch) {
        self.journal.watch(watch);
        let nothing = NetworkScope::Access(Access::Deny);
        let policy = NetworkPolicy::new(scope).or_else(|_| NetworkPolicy::new(&nothing));
        if let Ok(policy) = policy {
            self.in_force.send_replace(Arc::new(InForce { policy, any }));
        }
    }

    /// Takes what was decided and not told.
    pub(crate) fn decisions(&self) -> DecisionBatch {
        // Before it is taken: what is noted meanwhile is told by the next.
        self.will_be_told.store(false, Relaxed);
        self.journal.take()
    }

    /// Something was noted.
    fn noted(self: &Arc<Self>) {
        if !self.journal.is_empty() && !self.will_be_told.swap(true, Relaxed) {
            self.told.tell_decisions(self.id, self.clone());
        }
    }

    /// Notes what no rule has decided.
    fn refuse(self: &Arc<Self>, operation: &str, field: &str, target: String, to: SocketAddr) {
        self.journal.note(Access::Deny, DecisionScope::Network, operation, field, || {
            (target, Some(to.ip().to_canonical()))
        });
        self.noted();
    }
}

/// The requests of one connection, and who decides them.
pub(crate) struct Decided {
    rules: Arc<Rules>,
    names: Vec<Host>,
    to: SocketAddr,
    /// The host that TLS was begun with.
    over_tls: Option<Host>,
    secrets: Secrets,
}

impl Decided {
    pub(crate) fn new(requests: &Requests, rules: Arc<Rules>, to: SocketAddr) -> Decided {
        Decided {
            rules,
            names: requests.names.clone(),
            to,
            over_tls: None,
            secrets: Secrets::new(requests.secrets.clone()),
        }
    }

    /// Has TLS between this process and the world; what of the guest's wishes is granted is left in the request.
    ///
    /// # Errors
    /// The server's name is none of those that the address was given for.
    pub(crate) fn over_tls(&mut self, request: &mut TlsRequest) -> Result<(), NetworkError> {
        let host = match &request.server_name {
            None => Host::Address(self.to.ip()),
            Some(name) => Host::parse(name)
                .map_err(|error| NetworkError::new(NetworkErrorCode::Denied, error.to_string()))?,
        };
        if !self.is_there(&host) {
            self.rules.refuse("connect", SCOPE, host.with_port(self.to.port()), self.to);
            let text = format!(
                "TLS for {host} is refused: this VM was not given {} for that name, and requests are decided by it",
                self.to.ip()
            );
            return Err(NetworkError::new(NetworkErrorCode::Denied, text));
        }
        request.protocols.retain(|one| PROTOCOLS.contains(&one.0.as_slice()));
        request.server_name = match &host {
            Host::Name(name) => Some(name.clone()),
            Host::Address(_) => None,
        };
        // A request is decided by what the server is known to be, which is not the guest's to say.
        request.authorities.clear();
        self.over_tls = Some(host);
        Ok(())
    }

    /// That the guest has begun TLS by itself.
    pub(crate) fn tls_from_inside(&self) -> NetworkError {
        self.rules.refuse("connect", SCOPE, shown_target(&self.names, self.to), self.to);
        let text = format!(
            "TLS with {} is refused: the rules of permissions.network decide requests of HTTP there, which TLS that is spoken \
             within the VM hides; leave it to the host, as https and tls.connect do unless they are given ciphers, curves, \
             pre-shared keys or the like, or allow it to `connect`",
            self.to
        );
        NetworkError::new(NetworkErrorCode::Denied, text)
    }

    /// Relays requests of HTTP/1.1 and their answers until one side has ended.
    ///
    /// # Errors
    /// The world has cut off or answered what is no HTTP.
    pub(crate) async fn relay<W, G>(self, world: W, guest: G) -> Result<(), NetworkError>
    where
        W: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        G: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(world))
            .await
            .map_err(|error| cut_off(&error))?;
        let mut world = Running(tokio::spawn(connection.with_upgrades()));
        let exchange = Exchange::new(self, Sender::Http1(tokio::sync::Mutex::new(sender)));
        let asked = exchange.clone();
        let serving = hyper::server::conn::http1::Builder::new()
            .preserve_header_case(true)
            .half_close(true)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(guest), service_fn(move |request| asked.clone().answer(request)))
            .with_upgrades();
        let mut serving = pin!(serving);
        // How it ends on the guest's side is the guest's affair: it is gone, or has spoken no HTTP and was told so.
        tokio::select! {
            _ = &mut serving => {}
            // A server that is through with the connection is heard of by who would use it again.
            _ = &mut world.0 => {
                if !exchange.is_upgrading.load(Relaxed) {
                    serving.as_mut().graceful_shutdown();
                }
                let _ = serving.await;
            }
        }
        let upgraded = exchange.upgraded.lock().take();
        if let Some(Upgraded { guest, far, by }) = upgraded {
            let (guest, far) = tokio::try_join!(guest, far).map_err(|error| cut_off(&error))?;
            tokio::select! {
                () = join(TokioIo::new(guest), TokioIo::new(far)) => {}
                denied = exchange.decided.no_more(&by) => return Err(denied),
            }
        }
        exchange.failed.lock().take().map_or(Ok(()), Err)
    }

    /// The same of HTTP/2.
    ///
    /// # Errors
    /// As [`relay`](Self::relay)'s.
    pub(crate) async fn relay_http2<W, G>(self, world: W, guest: G) -> Result<(), NetworkError>
    where
        W: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        G: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .handshake(TokioIo::new(world))
            .await
            .map_err(|error| cut_off(&error))?;
        let mut world = Running(tokio::spawn(connection));
        let exchange = Exchange::new(self, Sender::Http2(sender));
        let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .serve_connection(
                TokioIo::new(guest),
                service_fn(move |request| exchange.clone().answer(request)),
            );
        let mut serving = pin!(serving);
        tokio::select! {
            _ = &mut serving => {}
            _ = &mut world.0 => {
                serving.as_mut().graceful_shutdown();
                let _ = serving.await;
            }
        }
        Ok(())
    }

    /// The host that a request is for, by everything in it that names one.
    fn host<B>(&self, request: &Request<B>) -> Result<Host, String> {
        let mut named = request.headers().get_all(HOST).iter();
        let target = request.uri().authority();
        let authority = match (named.next(), named.next(), target) {
            (Some(named), None, _) => {
                Authority::try_from(named.as_bytes()).map_err(|_| "its Host is none".to_owned())?
            }
            // HTTP/2 has it in the target (RFC 9113, 8.3.1).
            (None, _, Some(target)) if request.version() == Version::HTTP_2 => target.clone(),
            _ => return Err("a request must have one Host".to_owned()),
        };
        if target.is_some_and(|other| *other != authority) {
            return Err("its Host and its target name two hosts".to_owned());
        }
        if authority.as_str().contains('@') {
            return Err("its Host names a user".to_owned());
        }
        let port = match authority.port() {
            None => self.scheme().port(),
            Some(_) => authority.port_u16().ok_or_else(|| "its Host has no port".to_owned())?,
        };
        if port != self.to.port() {
            return Err(format!("its Host has port {port}, and the connection {}", self.to.port()));
        }
        let text = authority.host();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let host = Host::parse(bare).map_err(|error| error.to_string())?;
        if !self.is_there(&host) {
            return Err(format!("its Host is {host}, for which this VM was not given {}", self.to.ip()));
        }
        match &self.over_tls {
            Some(server) if *server != host => {
                Err(format!("its Host is {host}, and TLS was begun with {server}"))
            }
            _ => Ok(host),
        }
    }

    /// Whether this VM was given the address for a host.
    fn is_there(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => {
                self.names.iter().any(|known| matches!(known, Host::Name(known) if known == name))
                    || (self.to.ip().is_loopback() && name == "localhost")
            }
            Host::Address(address) => *address == self.to.ip(),
        }
    }

    /// Until the rules that are in force do not allow a request any more by which the connection became something else.
    async fn no_more(&self, by: &Asked) -> NetworkError {
        let mut changes = self.rules.in_force.subscribe();
        while changes.changed().await.is_ok() {
            let in_force = changes.borrow_and_update().clone();
            if in_force.any {
                continue;
            }
            let target = self.target(&by.host, &by.method, &by.path);
            let decided = in_force.policy.decide_request(&target);
            if let Err(denial) = &decided {
                note_request(&self.rules.journal, &decided, &target);
                self.rules.noted();
                return NetworkError::new(NetworkErrorCode::Reset, denial.message.clone());
            }
        }
        std::future::pending().await
    }

    fn target<'a>(&self, host: &'a Host, method: &'a Method, path: &'a str) -> HttpTarget<'a> {
        HttpTarget {
            scheme: self.scheme(),
            host,
            port: self.to.port(),
            method: method.as_str(),
            path,
            address: self.to.ip(),
        }
    }

    fn scheme(&self) -> HttpScheme {
        match self.over_tls {
            Some(_) => HttpScheme::Https,
            None => HttpScheme::Http,
        }
    }

    /// Decides whether a request may be sent, and puts secrets into it; else the answer in place of one. What it asks for is
    /// given back where the connection would become something else by it.
    fn decide<B>(&self, request: &mut Request<B>) -> Result<Option<Asked>, Response<Body>> {
        let named = self.host(request).map_err(|why| malformed(&why))?;
        // Its own name leads here by a rule for the address.
        let host = if matches!(&named, Host::Name(name) if name == "localhost") {
            Host::Address(self.to.ip())
        } else {
            named
        };
        let method = request.method().clone();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let target = self.target(&host, &method, &path);
        let in_force = self.rules.in_force.borrow().clone();
        if in_force.any {
            if method == Method::CONNECT {
                return Err(malformed("it asks for a tunnel; connect to the host itself"));
            }
            self.prepare(request, &host).inspect_err(|refused| self.refused(refused, &target))?;
        } else {
            let decided = in_force.policy.decide_request(&target);
            if decided.is_ok() {
                self.prepare(request, &host).inspect_err(|refused| self.refused(refused, &target))?;
            }
            note_request(&self.rules.journal, &decided, &target);
            self.rules.noted();
            decided.map_err(|denial| denied(&denial.field, &denial.message))?;
        }
        Ok(request.headers().contains_key(UPGRADE).then_some(Asked { host, method, path }))
    }

    /// Notes that a request which the rules allow is refused.
    fn refused(&self, answer: &Response<Body>, target: &HttpTarget<'_>) {
        let field = answer.headers().get(DENIED).and_then(|field| field.to_str().ok());
        self.rules.refuse("http", field.unwrap_or(SCOPE), target.shown(), self.to);
    }

    /// Makes a request that the rules allow what it goes as.
    fn prepare<B>(&self, request: &mut Request<B>, host: &Host) -> Result<(), Response<Body>> {
        match protocol_of(request.headers()) {
            Ok(None | Some(Protocol::WebSocket)) => {}
            Err(()) => {
                return Err(refusal(
                    StatusCode::FORBIDDEN,
                    "becoming another protocol than WebSocket is refused: nobody could decide its requests",
                ));
            }
        }
        let (mut headers, mut uri) =
            (std::mem::take(request.headers_mut()), std::mem::take(request.uri_mut()));
        let put = self.secrets.put(&mut Parts {
            method: request.method(),
            uri: &mut uri,
            headers: &mut headers,
            host,
            is_private: self.over_tls.is_some() || self.to.ip().is_loopback(),
        });
        (*request.headers_mut(), *request.uri_mut()) = (headers, uri);
        put.map_err(|why| denied("network.secrets", &format!("the request is refused: {why}")))
    }
}

/// An answer that says what of the configuration refuses the request.
fn denied(field: &str, why: &str) -> Response<Body> {
    let mut answer = refusal(StatusCode::FORBIDDEN, why);
    if let Ok(field) = HeaderValue::from_str(field) {
        answer.headers_mut().insert(DENIED, field);
    }
    answer
}

/// What a connection may become.
enum Protocol {
    WebSocket,
}

/// What a request wants the connection to become; an error for what it may not.
fn protocol_of(headers: &HeaderMap) -> Result<Option<Protocol>, ()> {
    let mut wanted = headers.get_all(UPGRADE).iter();
    match (wanted.next(), wanted.next()) {
        (None, _) => Ok(None),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"websocket") => {
            Ok(Some(Protocol::WebSocket))
        }
        _ => Err(()),
    }
}

/// One connection's requests under way.
struct Exchange {
    decided: Decided,
    sender: Sender,
    /// Why the world gave no answer.
    failed: Mutex<Option<NetworkError>>,
    upgraded: Mutex<Option<Upgraded>>,
    /// The connection is being asked to become something else, or has: then the world's side of it ends as one of HTTP.
    is_upgrading: AtomicBool,
}

/// Both sides of what has become another protocol, and the request by which it has.
struct Upgraded {
    guest: OnUpgrade,
    far: OnUpgrade,
    by: Asked,
}

/// What a request has asked for.
struct Asked {
    host: Host,
    method: Method,
    path: String,
}

/// The way to the world.
enum Sender {
    /// One request after the other.
    Http1(tokio::sync::Mutex<http1::SendRequest<Incoming>>),
    Http2(http2::SendRequest<Incoming>),
}

impl Sender {
    async fn send(&self, request: Request<Incoming>) -> hyper::Result<Response<Incoming>> {
        match self {
            Sender::Http1(sender) => {
                let mut sender = sender.lock().await;
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                let mut sender = sender.clone();
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

impl Exchange {
    fn new(decided: Decided, sender: Sender) -> Arc<Exchange> {
        Arc::new(Exchange {
            decided,
            sender,
            failed: Mutex::default(),
            upgraded: Mutex::default(),
            is_upgrading: AtomicBool::new(false),
        })
    }

    /// # Errors
    /// The world has cut off, which ends the guest's side as well.
    async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> hyper::Result<Response<Body>> {
        let upgrade = match self.decided.decide(&mut request) {
            Ok(upgrade) => upgrade.map(|by| (hyper::upgrade::on(&mut request), by)),
            Err(answer) => return Ok(answer),
        };
        // As it was understood: the length is that of the body, the target of HTTP/1.1 is a path.
        request.headers_mut().remove(TRANSFER_ENCODING);
        if let Sender::Http1(_) = self.sender {
            *request.version_mut() = Version::HTTP_11;
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
        }
        self.is_upgrading.store(upgrade.is_some(), Relaxed);
        match self.sender.send(request).await {
            Ok(mut response) => {
                self.decided.secrets.take_out(response.headers_mut());
                if let (StatusCode::SWITCHING_PROTOCOLS, Some((guest, by))) = (response.status(), upgrade) {
                    let far = hyper::upgrade::on(&mut response);
                    *self.upgraded.lock() = Some(Upgraded { guest, far, by });
                } else {
                    self.is_upgrading.store(false, Relaxed);
                    response.headers_mut().remove(TRANSFER_ENCODING);
                }
                Ok(response.map(BodyExt::boxed))
            }
            Err(error) => {
                // Of HTTP/2 one request has failed, which does not end the others.
                if let Sender::Http1(_) = self.sender {
                    *self.failed.lock() = Some(cut_off(&error));
                }
                Err(error)
            }
        }
    }
}

/// An answer of this process's own, after which the connection ends.
fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(format!("cordon: {why}\n")));
    let mut answer = Response::new(body.map_err(|never: Infallible| match never {}).boxed());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn malformed(why: &str) -> Response<Body> {
    refusal(StatusCode::BAD_REQUEST, &format!("a request that cannot be decided: {why}"))
}

fn cut_off(error: &hyper::Error) -> NetworkError {
    NetworkError::new(NetworkErrorCode::Reset, format!("the server gave no answer: {error}"))
}

/// Passes bytes on in both directions until the world has ended its one: as with WebSocket, nothing that the guest has to say
/// after that is heard.
async fn join(guest: impl AsyncRead + AsyncWrite + Unpin, far: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut from_guest, mut to_guest) = tokio::io::split(guest);
    let (mut from_far, mut to_far) = tokio::io::split(far);
    let incoming = async {
        let _ = tokio::io::copy(&mut from_far, &mut to_guest).await;
    };
    let outgoing = async {
        let _ = tokio::io::copy(&mut from_guest, &mut to_far).await;
        let _ = to_far.shutdown().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = incoming => {}
        () = outgoing => {}
    }
}

/// What ends when nobody wants it any more.
struct Running<T>(JoinHandle<T>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use protocol::config::NetworkScope;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const TO: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34)), 80);

    fn decided() -> Decided {
        let scope: NetworkScope = serde_json::from_value(json!({ "rules": [
            { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["GET"] },
            { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["POST"], "paths": ["/items/**"] },
        ] }))
        .unwrap();
        let names = ["api.example.org", "other.example.org"].map(|name| Host::parse(name).unwrap()).into();
        let requests = Requests {
            scope,
            names,
            any: false,
            watch: DecisionWatch::On,
            extra_ca_certs: String::new(),
            secrets: Vec::new(),
        };
        Decided::new(&requests, Rules::new(&requests, 1, &Told::nobody()).unwrap(), TO)
    }

    /// A world that answers each request with what it was sent, head and body as they arrived.
    async fn world(mut stream: DuplexStream) -> String {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return String::from_utf8(seen).unwrap(),
                Ok(length) => seen.extend_from_slice(&buffer[..length]),
            }
            let is_whole = seen.ends_with(b"\r\n\r\n") || seen.ends_with(b"body");
            if is_whole {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            }
        }
    }

    /// What a guest hears that sends these bytes, and what the world has heard.
    async fn exchange(sent: &str) -> (String, String) {
        let (guest, mut here) = duplex(1 << 16);
        let (far, there) = duplex(1 << 16);
        let world = tokio::spawn(world(there));
        let relaying = tokio::spawn(decided().relay(far, guest));
        here.write_all(sent.as_bytes()).await.unwrap();
        here.shutdown().await.unwrap();
        let mut heard = String::new();
        let _ = here.read_to_string(&mut heard).await;
        let _ = relaying.await.unwrap();
        (heard, world.await.unwrap())
    }

    #[tokio::test]
    async fn what_is_allowed_is_sent_on() {
        let (heard, seen) = exchange("GET /a?b HTTP/1.1\r\nHost: API.example.org\r\nX-Own: 1\r\n\r\n").await;
        assert!(heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.ends_with("\r\nok"), "{heard}");
        assert_eq!(seen, "GET /a?b HTTP/1.1\r\nHost: API.example.org\r\nX-Own: 1\r\n\r\n");
        let post = "POST /items/1 HTTP/1.1\r\nHost: api.example.org\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(exchange(post).await.1, post);
    }

    #[tokio::test]
    async fn what_is_not_is_answered_here_and_says_why() {
        let (heard, seen) =
            exchange("POST /other HTTP/1.1\r\nHost: api.example.org\r\nContent-Length: 4\r\n\r\nbody").await;
        assert!(heard.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{heard}");
        assert!(heard.contains("cordon-denied: permissions.network") && heard.contains("POST"), "{heard}");
        assert_eq!(seen, "");
    }

    #[tokio::test]
    async fn nothing_is_read_otherwise_by_the_server_than_it_was_decided() {
        let host = "Host: api.example.org\r\n";
        for (sent, status) in [
            // Two hosts, none, another, another port, a user.
            (format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), "400"),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
            ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), "400"),
            ("GET / HTTP/1.1\r\nHost: other.example.org\r\n\r\n".to_owned(), "403"),
            ("GET / HTTP/1.1\r\nHost: api.example.org:8080\r\n\r\n".to_owned(), "400"),
            ("GET / HTTP/1.1\r\nHost: a@api.example.org\r\n\r\n".to_owned(), "400"),
            (format!("GET http://evil.example/ HTTP/1.1\r\n{host}\r\n"), "400"),
            ("GET / HTTP/1.1\r\nHost: api.example.org\0.evil\r\n\r\n".to_owned(), "400"),
            // Lengths that disagree, and a second request within what one of them makes a body.
            (
                format!("POST /items/1 HTTP/1.1\r\n{host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody"),
                "400",
            ),
            (
                format!("POST /items/1 HTTP/1.1\r\n{host}Transfer-Encoding: chunked, identity\r\n\r\nbody"),
                "400",
            ),
            (format!("POST /items/1 HTTP/1.1\r\n{host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), "400"),
            // Other protocols.
            (format!("CONNECT api.example.org:80 HTTP/1.1\r\n{host}\r\n"), "400"),
            (
                format!(
                    "GET / HTTP/1.1\r\n{host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
                ),
                "403",
            ),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
            // Paths that servers read in more than one way.
            (format!("POST /items/../admin HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), "403"),
            (format!("POST /items/%2e%2e/admin HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), "403"),
            (format!("GET /a b HTTP/1.1\r\n{host}\r\n"), "400"),
            (format!("GET / HTTP/1.1\r\n{host}Folded: a\r\n b\r\n\r\n"), "400"),
        ] {
            let (heard, seen) = exchange(&sent).await;
            assert!(seen.is_empty(), "{sent:?} reached the world as {seen:?}");
            match status {
                "" => assert!(!heard.starts_with("HTTP/1.1 2"), "{sent:?}: {heard}"),
                status => assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{sent:?}: {heard}"),
            }
        }
    }

    #[tokio::test]
    async fn of_two_lengths_the_server_gets_the_one_that_was_read() {
        let sent = "POST /items/1 HTTP/1.1\r\nHost: api.example.org\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
                    0\r\n\r\nDELETE /items/1 HTTP/1.1\r\nHost: api.example.org\r\n\r\n";
        let (_, seen) = exchange(sent).await;
        let whole =
            "POST /items/1 HTTP/1.1\r\nHost: api.example.org\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        // The connection ends after it (RFC 9112, 6.1).
        assert_eq!(seen, whole);
    }

    #[tokio::test]
    async fn a_second_request_on_the_same_connection_is_decided_by_itself() {
        let sent = "GET /a HTTP/1.1\r\nHost: api.example.org\r\n\r\nDELETE /a HTTP/1.1\r\nHost: api.example.org\r\n\r\n";
        let (heard, seen) = exchange(sent).await;
        assert!(
            heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.contains("HTTP/1.1 403 Forbidden\r\n"),
            "{heard}"
        );
        assert!(!seen.contains("DELETE"), "{seen}");
    }
}
