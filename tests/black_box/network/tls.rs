//! TLS that the host speaks: what Node shows of it, and what rules over requests hold to.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::authority::{Authority, Greetings, accept, serve_tls};
use super::fetching;
use super::world::{OTHER, PUBLIC, World, echo, http, inside, serve};
use crate::common::{stdout_of, vm};

/// A VM with rules of the network and more of its configuration.
async fn vm_with(rules: Value, network: Value) -> cordon::client::Vm {
    vm(json!({ "permissions": { "network": { "rules": rules } }, "network": network })).await
}

/// A cipher that OpenSSL offers by default, and whoever speaks TLS outside does not: `DHE-RSA-AES128-GCM-SHA256`.
const OF_OPENSSL: u16 = 0x009e;

/// Whether the host spoke TLS in the VM's place, each time.
fn spoken_outside(greetings: &Greetings) -> bool {
    greetings.lock().iter().all(|(_, ciphers)| !ciphers.contains(&OF_OPENSSL))
}

/// Connects with options of `tls.connect`, and prints what came of it.
fn connecting(port: u16, options: &str) -> String {
    format!(
        r#"import {{ connect }} from "node:tls";
        const socket = connect({{ host: "127.0.0.1", port: {port}, servername: "example.org", ...{options} }}, () => {{
            const {{ subject, issuerCertificate }} = socket.getPeerCertificate(true);
            console.log(socket.authorized, socket.authorizationError ?? null, subject.CN, issuerCertificate?.subject.CN ?? null,
                socket.getProtocol(), socket.getCipher().name, socket.getEphemeralKeyInfo().name, socket.alpnProtocol);
            socket.end("hello");
        }});
        socket.setEncoding("utf8").on("data", (text) => console.log(text)).on("end", () => console.log("end"));
        socket.on("error", (error) => console.log(error.code, error.reason ?? ""));"#
    )
}

#[tokio::test]
async fn the_host_speaks_tls_and_node_shows_what_was_agreed() {
    let authority = Authority::new();
    let config = authority.config(&authority.issue(&["example.org"]), &["one", "two"], false);
    let (address, greetings) = serve_tls(Ipv4Addr::LOCALHOST, config, echo).await;
    let port = address.port();
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [port] }]), json!({})).await;
    let ca = json!({ "ca": authority.pem }).to_string();
    assert_eq!(
        stdout_of(&vm, &connecting(port, &ca)).await,
        "true null example.org Authority of tests TLSv1.3 TLS_AES_256_GCM_SHA384 X25519 false\nhello\nend\n"
    );
    let options = json!({ "ca": authority.pem, "maxVersion": "TLSv1.2", "ALPNProtocols": ["two", "three"] });
    assert_eq!(
        stdout_of(&vm, &connecting(port, &options.to_string())).await,
        "true null example.org Authority of tests TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 X25519 two\nhello\nend\n"
    );
    // The guest judges as Node does.
    assert_eq!(stdout_of(&vm, &connecting(port, "{}")).await, "UNABLE_TO_VERIFY_LEAF_SIGNATURE \n");
    let unverified = stdout_of(&vm, &connecting(port, "{ rejectUnauthorized: false }")).await;
    assert!(
        unverified.starts_with("false UNABLE_TO_VERIFY_LEAF_SIGNATURE example.org null TLSv1.3"),
        "{unverified}"
    );
    let other = json!({ "ca": authority.pem, "servername": "other.example" });
    assert_eq!(
        stdout_of(&vm, &connecting(port, &other.to_string())).await,
        "ERR_TLS_CERT_ALTNAME_INVALID Host: other.example. is not in the cert's altnames: DNS:example.org\n"
    );
    let none = json!({ "ca": authority.pem, "ALPNProtocols": ["three"] });
    assert_eq!(
        stdout_of(&vm, &connecting(port, &none.to_string())).await,
        "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL tlsv1 alert no application protocol\n"
    );
    assert!(spoken_outside(&greetings));
    assert_eq!(greetings.lock()[0].0.as_deref(), Some("example.org"));
    // What only OpenSSL has is spoken by it, within the VM.
    let ciphers =
        json!({ "ca": authority.pem, "ciphers": "DHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256" });
    let inside = stdout_of(&vm, &connecting(port, &ciphers.to_string())).await;
    assert!(inside.contains("TLS_AES_128_GCM_SHA256"), "{inside}");
    assert!(!spoken_outside(&greetings));
}

#[tokio::test]
async fn clients_show_certificates_and_servers_that_speak_no_tls_are_told_of() {
    let authority = Authority::new();
    let config = authority.config(&authority.issue(&["example.org"]), &[], true);
    let (address, greetings) = serve_tls(Ipv4Addr::LOCALHOST, config, echo).await;
    let (plain, _) = serve(Ipv4Addr::LOCALHOST, 0, |mut stream| async move {
        let _ = stream.write_all(b"220 hello, this is no TLS at all\r\n").await;
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await;
    let (silent, _) = serve(Ipv4Addr::LOCALHOST, 0, |mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await;
    let ports = json!([address.port(), plain.port(), silent.port()]);
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": ports }]), json!({})).await;
    let own = authority.issue(&["client"]);
    let options = json!({ "ca": authority.pem, "cert": own.pem, "key": own.key_pem }).to_string();
    let output = stdout_of(&vm, &connecting(address.port(), &options)).await;
    assert!(output.starts_with("true null") && output.ends_with("hello\nend\n"), "{output}");
    assert!(spoken_outside(&greetings));
    assert_eq!(
        stdout_of(&vm, &connecting(plain.port(), "{}")).await,
        "ERR_SSL_WRONG_VERSION_NUMBER wrong version number\n"
    );
    assert_eq!(stdout_of(&vm, &connecting(silent.port(), "{}")).await, "end\nECONNRESET \n");
}

#[tokio::test]
async fn tls_begins_on_a_connection_that_was_used_before() {
    let authority = Authority::new();
    let config = Arc::new(authority.config(&authority.issue(&["example.org"]), &[], false));
    let greetings = Greetings::default();
    let seen = greetings.clone();
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, move |mut stream| {
        let (config, seen) = (config.clone(), seen.clone());
        async move {
            stream.write_all(b"220 ready\r\n").await.unwrap();
            let mut line = [0; 10];
            stream.read_exact(&mut line).await.unwrap();
            assert_eq!(&line, b"STARTTLS\r\n");
            stream.write_all(b"220 go\r\n").await.unwrap();
            let stream = accept(stream, &config, &seen).await.unwrap();
            echo(stream).await;
        }
    })
    .await;
    let port = address.port();
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [port] }]), json!({})).await;
    let source = format!(
        r#"import net from "node:net";
        import tls from "node:tls";
        import {{ once }} from "node:events";
        const socket = net.connect({port}, "127.0.0.1");
        await once(socket, "data");
        socket.write("STARTTLS\r\n");
        console.log((await once(socket, "data")).toString().trim());
        const secure = tls.connect({{ socket, servername: "example.org", ca: {ca} }});
        await once(secure, "secureConnect");
        const sent = "x".repeat(3_000_000);
        secure.end(sent);
        let length = 0;
        for await (const data of secure) length += data.length;
        console.log(length === sent.length);"#,
        ca = json!(authority.pem)
    );
    assert_eq!(stdout_of(&vm, &source).await, "220 go\ntrue\n");
    assert!(spoken_outside(&greetings));
}

#[tokio::test]
async fn whoever_answers_and_is_gone_is_heard() {
    let authority = Authority::new();
    let config = authority.config(&authority.issue(&["example.org"]), &[], false);
    let (address, _) = serve_tls(Ipv4Addr::LOCALHOST, config, |mut stream| async move {
        let _ = stream.write_all(b"all of it").await;
        let _ = stream.shutdown().await;
    })
    .await;
    let port = address.port();
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [port] }]), json!({})).await;
    let source = format!(
        r#"import {{ connect }} from "node:tls";
        const one = async () => {{
            let text = "";
            const socket = connect({{ host: "127.0.0.1", port: {port}, servername: "example.org", ca: {ca} }});
            for await (const data of socket) text += data;
            return text;
        }};
        const all = await Promise.all(Array.from({{ length: 50 }}, one));
        console.log(new Set(all));"#,
        ca = json!(authority.pem)
    );
    assert_eq!(stdout_of(&vm, &source).await, "Set(1) { 'all of it' }\n");
}

#[test]
fn requests_over_tls_are_decided_and_certificates_verified_outside() {
    inside(
        "network::tls::requests_over_tls_are_decided_and_certificates_verified_outside",
        |world: World| async move {
            world.name("api.example.org", &[PUBLIC]);
            world.name("other.example.org", &[PUBLIC]);
            world.name("false.example.org", &[OTHER]);
            let authority = Authority::new();
            let issued = authority.issue(&["api.example.org", "other.example.org"]);
            let (address, greetings) = serve_tls(PUBLIC, authority.config(&issued, &[], false), http).await;
            let port = address.port();
            let wrong = authority.issue(&["api.example.org"]);
            let (wrong, _) = serve_tls(OTHER, authority.config(&wrong, &[], false), http).await;
            let rules = json!([{
                "mode": "allow", "operations": ["http"], "hosts": ["*.example.org"], "ports": [port, wrong.port()],
                "paths": ["/v1/**"], "schemes": ["https"],
            }]);
            let trusting = vm_with(rules.clone(), json!({ "extraCaCerts": authority.pem })).await;
            let url = |host: &str, path: &str| format!("https://{host}:{port}{path}");
            let fetched = stdout_of(&trusting, &fetching(&url("api.example.org", "/v1/a?b"))).await;
            assert_eq!(fetched, "200 GET /v1/a?b HTTP/1.1\n");
            let denied = stdout_of(&trusting, &fetching(&url("api.example.org", "/v2"))).await;
            assert!(denied.starts_with("403 cordon: GET https://api.example.org:"), "{denied}");
            assert!(spoken_outside(&greetings));
            // Nothing of it in the clear.
            let clear = stdout_of(&trusting, &fetching(&format!("http://api.example.org:{port}/v1/a"))).await;
            assert!(clear.starts_with("403 cordon: GET http://api.example.org:"), "{clear}");
            // The server is who the rule says, whatever the guest thinks of its certificate.
            let elsewhere =
                stdout_of(&trusting, &fetching(&format!("https://false.example.org:{}/v1/a", wrong.port())))
                    .await;
            assert!(elsewhere.starts_with("ERR_TLS_CERT_ALTNAME_INVALID"), "{elsewhere}");
            let strict = vm_with(rules, json!({})).await;
            let options = |more: &str| {
                format!(
                    r#"import https from "node:https";
            https.get("{}", {{ {more} }}, (response) => console.log(response.statusCode))
                .on("error", (error) => console.log(error.code, error.message));"#,
                    url("api.example.org", "/v1/a")
                )
            };
            for more in [
                "".to_owned(),
                "rejectUnauthorized: false".to_owned(),
                format!("ca: {}", json!(authority.pem)),
            ] {
                let refused = stdout_of(&strict, &options(&more)).await;
                assert!(
                    refused.starts_with("UNABLE_TO_VERIFY_LEAF_SIGNATURE the certificate of api.example.org"),
                    "{refused}"
                );
                assert!(refused.contains("network.extraCaCerts"), "{refused}");
            }
            // A name for the certificate and another for the request.
            let fronted = stdout_of(
                &trusting,
                &options("servername: 'api.example.org', headers: { host: 'other.example.org:${PORT}' }")
                    .replace("${PORT}", &port.to_string()),
            )
            .await;
            assert_eq!(fronted, "400\n");
            // Nor is TLS begun with a name that the VM was not given the address for.
            let unknown = stdout_of(&trusting, &options("servername: 'unknown.example.org'")).await;
            assert!(unknown.starts_with("EACCES TLS for unknown.example.org is refused"), "{unknown}");
            // TLS that the guest speaks by itself hides requests.
            let own = stdout_of(
                &trusting,
                &options("ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2'"),
            )
            .await;
            assert!(own.starts_with("EACCES") || own.starts_with("ECONNRESET"), "{own}");
            assert!(spoken_outside(&greetings));
        },
    );
}

#[test]
fn requests_of_http2_are_decided_one_by_one() {
    inside("network::tls::requests_of_http2_are_decided_one_by_one", |world: World| async move {
        world.name("api.example.org", &[PUBLIC]);
        let authority = Authority::new();
        let config = authority.config(&authority.issue(&["api.example.org"]), &["h2"], false);
        let (address, greetings) = serve_tls(PUBLIC, config, http2).await;
        let port = address.port();
        let rules = json!([{
            "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "ports": [port], "paths": ["/v1/**"],
        }]);
        let vm = vm_with(rules, json!({ "extraCaCerts": authority.pem })).await;
        let source = format!(
            r#"import http2 from "node:http2";
            const session = http2.connect("https://api.example.org:{port}", {{ ca: {ca} }});
            const ask = (headers, body) => new Promise((resolve) => {{
                const stream = session.request(headers);
                let status, text = "";
                stream.on("response", (headers) => status = headers[":status"]);
                stream.setEncoding("utf8").on("data", (data) => text += data);
                stream.on("end", () => resolve(`${{status}} ${{text.slice(0, 60).trim()}} ${{text.length > 1000}}`));
                stream.on("error", (error) => resolve(error.code));
                stream.end(body);
            }});
            const body = "x".repeat(500_000);
            console.log((await Promise.all([
                ask({{ ":path": "/v1/a" }}),
                ask({{ ":path": "/v1/b", ":method": "POST" }}, body),
                ask({{ ":path": "/v2" }}),
                ask({{ ":path": "/v1/a", ":authority": "evil.example" }}),
                ask({{ ":path": "/v1/a", "host": "evil.example" }}),
                ask({{ ":path": "/v1/a", ":scheme": "http" }}),
            ])).join("\n"));
            session.close();"#,
            ca = json!(authority.pem)
        );
        let output = stdout_of(&vm, &source).await;
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines[0], "200 GET /v1/a 0 false", "{output}");
        assert_eq!(lines[1], "200 POST /v1/b 500000 false", "{output}");
        assert!(lines[2].starts_with("403 cordon: GET https://api.example.org"), "{output}");
        assert!(lines[3].starts_with("400 cordon"), "{output}");
        assert!(lines[4].starts_with("400 cordon"), "{output}");
        assert!(spoken_outside(&greetings));
    });
}

/// Answers requests of HTTP/2 with what they were.
async fn http2(stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Incoming};
    use hyper::{Request, Response};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let answer = |request: Request<Incoming>| async move {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = request.into_body().collect().await?.to_bytes();
        let text = format!("{method} {path} {}", body.len());
        Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(text))))
    };
    let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let serving = serving.serve_connection(TokioIo::new(stream), hyper::service::service_fn(answer));
    let _ = tokio::time::timeout(Duration::from_secs(20), serving).await;
}
