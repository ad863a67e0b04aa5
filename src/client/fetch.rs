//! HTTP requests to a server in a VM, over hyper's client: one connection for each, HTTP/1.1.

use std::error::Error as StdError;
use std::time::Duration;

use http::header::{
    CONNECTION, Entry, HOST, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri, Version};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;

use super::{Error, GuestConnection, Vm};
use protocol::wire::{Progress, code};

/// The longest head of a response.
const RESPONSE_HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers of a response.
const RESPONSE_HEADERS_MAX: usize = 256;
/// How long a server may take to begin its response.
const RESPONSE_TIME: Duration = Duration::from_secs(300);

/// What concerns one connection alone, and is this side's to say.
const HOP_BY_HOP: [HeaderName; 6] = [
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

impl Vm {
    /// Asks an HTTP server that listens on the VM's own loopback, as [`connect`](Self::connect) does; see
    /// [`GuestConnection::fetch`].
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect) and [`GuestConnection::fetch`].
    pub async fn fetch<B>(&self, port: u16, request: Request<B>) -> Result<Response<Incoming>, Error>
    where
        B: Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        // What is sent first is there when the connection is.
        self.begin_to_connect(port)?.fetch(request).await
    }
}

impl GuestConnection {
    /// Sends one request over a connection, and gives the response once its head is there. Bodies stream both ways. `Host` is
    /// that of the URI, or `localhost` and the port; redirects are not followed. A request with the header `upgrade` can
    /// become another protocol: see `hyper::upgrade::on`.
    ///
    /// What the server says is the guest's. The head of its response has at most 64 KiB and 256 headers, and begins within
    /// five minutes; dropping the future, or the response, ends the request sooner.
    ///
    /// # Errors
    /// `ERR_HTTP` if the server does not speak HTTP, ends the connection before it has answered, or takes too long; those
    /// of the connection. What breaks off a body is told where that is read, with such an error as the source.
    pub async fn fetch<B>(self, request: Request<B>) -> Result<Response<Incoming>, Error>
    where
        B: Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let port = self.port();
        let request = prepare(request, port)?;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_buf_size(RESPONSE_HEAD_BYTES_MAX).max_headers(RESPONSE_HEADERS_MAX);
        let shaken = builder.handshake(TokioIo::new(self.in_a_hurry())).await;
        let (mut sender, connection) = shaken.map_err(|error| failed(&error, port))?;
        // It ends with its request and response, of which the caller holds the other ends.
        tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
        match tokio::time::timeout(RESPONSE_TIME, sender.send_request(request)).await {
            Ok(response) => response.map_err(|error| failed(&error, port)),
            Err(_) => {
                let seconds = RESPONSE_TIME.as_secs();
                Err(of_port(port, format!("it has not begun to answer for {seconds} s")))
            }
        }
    }
}

/// A request as it is sent to the server itself.
fn prepare<B>(request: Request<B>, port: u16) -> Result<Request<B>, Error> {
    let (mut head, body) = request.into_parts();
    let headers = &mut head.headers;
    let upgrades = headers.contains_key(UPGRADE);
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
    headers.insert(CONNECTION, HeaderValue::from_static(if upgrades { "upgrade" } else { "close" }));
    name_host(headers, &head.uri, port)?;
    let path = head.uri.path_and_query().cloned();
    head.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    head.version = Version::HTTP_11;
    Ok(Request::from_parts(head, body))
}

fn name_host(headers: &mut HeaderMap, uri: &Uri, port: u16) -> Result<(), Error> {
    if let Entry::Vacant(host) = headers.entry(HOST) {
        let named = match uri.authority() {
            // Without what comes before the host: a name and a password are no part of it.
            Some(authority) => authority.as_str().rsplit('@').next().unwrap_or_default().to_owned(),
            None => format!("localhost:{port}"),
        };
        host.insert(HeaderValue::try_from(named).map_err(|error| of_port(port, error.to_string()))?);
    }
    Ok(())
}

/// What a failure of hyper's comes from: the connection, if it was that, or what the server said.
fn failed(error: &hyper::Error, port: u16) -> Error {
    let mut source = error.source();
    while let Some(inner) = source {
        let of_the_vm = inner.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        if let Some(error) = of_the_vm.and_then(|error| error.downcast_ref::<Error>()) {
            return error.clone();
        }
        source = inner.source();
    }
    let what = match error.source() {
        _ if error.is_incomplete_message() => "it ended the connection before it had answered".to_owned(),
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    of_port(port, what)
}

fn of_port(port: u16, what: String) -> Error {
    Error::new(code::HTTP, format!("the server on port {port} of the VM: {what}"))
        .detail("port", port)
        .progress(Progress::Ran)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(request: http::request::Builder) -> Request<()> {
        prepare(request.body(()).unwrap(), 3000).unwrap()
    }

    #[test]
    fn a_request_names_its_host_and_asks_for_a_path() {
        for (uri, host, path) in [
            ("/a?b=1", "localhost:3000", "/a?b=1"),
            ("http://site.test", "site.test", "/"),
            ("http://user:secret@site.test:81/x", "site.test:81", "/x"),
        ] {
            let request = prepared(Request::get(uri));
            assert_eq!(request.uri(), path);
            assert_eq!(request.headers()[HOST], host);
        }
        let request = prepared(Request::get("http://site.test/").header(HOST, "other.test"));
        assert_eq!(request.headers()[HOST], "other.test");
    }

    #[test]
    fn what_concerns_the_connection_is_not_the_callers_to_say() {
        let request = Request::get("/").header("keep-alive", "1").header(TRANSFER_ENCODING, "gzip");
        let request = prepared(request.header(CONNECTION, "keep-alive").header("x-kept", "yes"));
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-kept", "connection", "host"]);
        assert_eq!(request.headers()[CONNECTION], "close");
        let upgrade = prepared(Request::get("/").header(UPGRADE, "websocket"));
        assert_eq!(upgrade.headers()[CONNECTION], "upgrade");
    }
}
