//! What a VM reaches of the network, and what it does not: through the Rust client and the command line, against real
//! servers. What needs more than a loopback runs in a network namespace (`world`).

mod authority;
mod commands;
mod decisions;
mod owner;
mod proxy;
mod secrets;
mod tls;
mod world;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::common::{cordon, count, default_vm, execute, stdout_of, text, vm};
use world::{METADATA, OTHER, PRIVATE, PUBLIC, World, echo, head, http, inside, serve, websocket};

/// A VM with rules of the network.
async fn vm_with(rules: Value) -> cordon::client::Vm {
    vm(json!({ "permissions": { "network": { "rules": rules } } })).await
}

/// Tries to fetch, and prints the status or the error's code and the text of its cause.
fn fetching(url: &str) -> String {
    format!(
        r#"try {{
            const response = await fetch({url:?}, {{ redirect: "manual" }});
            console.log(response.status, (await response.text()).split("\r\n")[0]);
        }} catch (error) {{
            const why = error.cause?.errors?.[0] ?? error.cause ?? error;
            console.log(why.code, why.message);
        }}"#
    )
}

/// Tries to connect and prints what came of it.
fn connecting(host: &str, port: u16) -> String {
    format!(
        r#"import {{ connect }} from "node:net";
        const socket = connect({{ host: {host:?}, port: {port}, autoSelectFamily: false }});
        socket.on("connect", () => {{ console.log("connected"); socket.destroy(); }});
        socket.on("error", (error) => console.log(error.code, error.message));"#
    )
}

#[tokio::test]
async fn a_vm_has_no_network_unless_it_is_allowed_one() {
    let (address, connections) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let vm = default_vm().await;
    let output = stdout_of(&vm, &fetching("http://example.org/")).await;
    assert!(output.starts_with("EACCES getaddrinfo EACCES example.org: "), "{output}");
    assert!(output.contains("permissions.network"), "{output}");
    let output = stdout_of(&vm, &connecting("93.184.216.34", 443)).await;
    assert!(output.starts_with("EACCES connect EACCES 93.184.216.34:443: "), "{output}");
    // The VM's own loopback is not the machine's.
    let output = stdout_of(&vm, &connecting("127.0.0.1", address.port())).await;
    assert!(output.starts_with("ECONNREFUSED"), "{output}");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_address_that_is_allowed_is_reached_by_every_road_of_nodes() {
    let (address, connections) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let (echo, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let ports = json!([address.port(), echo.port()]);
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": ports }])).await;
    let fetched = stdout_of(&vm, &fetching(&format!("http://{address}/a"))).await;
    assert_eq!(fetched, "200 GET /a HTTP/1.1\n");
    let by_name = stdout_of(&vm, &fetching(&format!("http://localhost:{}/b", address.port()))).await;
    assert_eq!(by_name, "200 GET /b HTTP/1.1\n");
    let source = format!(
        r#"import {{ get }} from "node:http";
        get("http://{address}/c", (response) => {{ console.log(response.statusCode); response.resume(); }});"#
    );
    assert_eq!(stdout_of(&vm, &source).await, "200\n");
    // Half of a connection can end before the other.
    let source = format!(
        r#"import {{ connect }} from "node:net";
        const socket = connect({}, "127.0.0.1", () => {{
            console.log(socket.remoteAddress, socket.localAddress, socket.localPort > 0);
            socket.end("x".repeat(3_000_000));
        }});
        let length = 0;
        socket.on("data", (data) => length += data.length).on("end", () => console.log("end", length));
        socket.on("close", (failed) => console.log("close", failed));"#,
        echo.port()
    );
    assert_eq!(stdout_of(&vm, &source).await, "127.0.0.1 0.0.0.0 true\nend 3000000\nclose false\n");
    assert_eq!(connections.load(Ordering::Relaxed), 3);
    let other = stdout_of(&vm, &connecting("127.0.0.1", 9)).await;
    assert!(other.starts_with("ECONNREFUSED"), "{other}");
}

#[tokio::test]
async fn a_listener_of_the_vms_comes_before_one_of_the_machines() {
    let (address, connections) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"] }])).await;
    let source = format!(
        r#"import {{ createServer }} from "node:http";
        const server = createServer((request, response) => response.end("own")).listen({port}, async () => {{
            console.log(await (await fetch("http://127.0.0.1:{port}")).text());
            server.close();
            server.closeAllConnections();
        }});"#,
        port = address.port()
    );
    assert_eq!(stdout_of(&vm, &source).await, "own\n");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

#[test]
fn names_are_resolved_outside_and_rules_go_by_them() {
    inside("network::names_are_resolved_outside_and_rules_go_by_them", |world: World| async move {
        let (at, connections) = serve(PUBLIC, 80, http).await;
        world.name("api.example.org", &[PUBLIC]);
        world.name("other.example.org", &[PUBLIC]);
        let vm = vm_with(json!([{ "mode": "allow", "hosts": ["api.example.org", "known.example"] }])).await;
        // The address alone is not the name, until it was given for it.
        let output = stdout_of(&vm, &connecting(&at.ip().to_string(), 80)).await;
        assert!(output.starts_with("EACCES"), "{output}");
        let output = stdout_of(&vm, &fetching("http://api.example.org/x")).await;
        assert_eq!(output, "200 GET /x HTTP/1.1\n");
        let output = stdout_of(&vm, &fetching("http://API.Example.ORG./x")).await;
        assert_eq!(output, "200 GET /x HTTP/1.1\n");
        let before = world.questions();
        let output = stdout_of(&vm, &fetching("http://other.example.org/x")).await;
        assert!(output.starts_with("EACCES getaddrinfo EACCES other.example.org: "), "{output}");
        assert_eq!(world.questions(), before, "a name that is denied is asked of nobody");
        // What the machine's own file knows, and what nobody does. No domain is put behind a name.
        let source = r#"import { lookup } from "node:dns/promises";
            console.log((await lookup("known.example")).address);"#;
        assert_eq!(stdout_of(&vm, source).await, format!("{OTHER}\n"));
        world.name("short.corp.example", &[PUBLIC]);
        let vm = vm_with(json!([{ "mode": "allow", "hosts": ["*"] }])).await;
        let output = stdout_of(&vm, &fetching("http://short/")).await;
        assert!(output.starts_with("ENOTFOUND getaddrinfo ENOTFOUND short"), "{output}");
        assert_eq!(connections.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn addresses_that_are_not_everybodys_are_reached_by_address_alone() {
    inside(
        "network::addresses_that_are_not_everybodys_are_reached_by_address_alone",
        |world: World| async move {
            for address in [PRIVATE, METADATA, Ipv4Addr::LOCALHOST] {
                let (_, connections) = serve(address, 8080, http).await;
                world.name("inner.example.org", &[address]);
                for rules in [
                    json!([{ "mode": "allow" }]),
                    json!([{ "mode": "allow", "hosts": ["*", "*.example.org"] }]),
                ] {
                    let vm = vm_with(rules).await;
                    let mapped = format!("[::ffff:{address}]");
                    let number = u32::from(address);
                    for host in [
                        "inner.example.org".to_owned(),
                        address.to_string(),
                        number.to_string(),
                        format!("{number:#x}"),
                        mapped,
                    ] {
                        let output = stdout_of(&vm, &fetching(&format!("http://{host}:8080/"))).await;
                        // To the VM's own loopback, where nobody listens; elsewhere a rule says no.
                        let refused = output.starts_with("EACCES") || output.starts_with("ECONNREFUSED");
                        assert!(refused, "{host}: {output}");
                        count("network", "addresses that only an address opens", 1);
                    }
                }
                assert_eq!(connections.load(Ordering::Relaxed), 0, "{address}");
                let vm = vm_with(json!([{ "mode": "allow", "hosts": [format!("{address}/32")] }])).await;
                let output = stdout_of(&vm, &fetching(&format!("http://{address}:8080/"))).await;
                assert_eq!(output, "200 GET / HTTP/1.1\n");
            }
        },
    );
}

#[test]
fn a_name_that_changes_its_address_opens_nothing_more() {
    inside("network::a_name_that_changes_its_address_opens_nothing_more", |world: World| async move {
        serve(PUBLIC, 80, http).await;
        let (_, inner) = serve(PRIVATE, 80, http).await;
        let (_, other) = serve(OTHER, 80, http).await;
        world.name_in_turn("rebind.example.org", &[&[PUBLIC], &[PRIVATE]]);
        let vm = vm_with(json!([{ "mode": "allow", "hosts": ["rebind.example.org"] }])).await;
        let first = stdout_of(&vm, &fetching("http://rebind.example.org/1")).await;
        assert_eq!(first, "200 GET /1 HTTP/1.1\n");
        let second = stdout_of(&vm, &fetching("http://rebind.example.org/2")).await;
        assert!(second.starts_with("EACCES") && second.contains("private"), "{second}");
        // What another name has is not this one's.
        let third = stdout_of(&vm, &connecting(&OTHER.to_string(), 80)).await;
        assert!(third.starts_with("EACCES"), "{third}");
        assert_eq!((inner.load(Ordering::Relaxed), other.load(Ordering::Relaxed)), (0, 0));
    });
}

#[test]
fn a_redirect_is_a_new_decision() {
    inside("network::a_redirect_is_a_new_decision", |world: World| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        serve(PUBLIC, 80, |mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let to = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{METADATA}/latest\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = stream.write_all(to.as_bytes()).await;
        })
        .await;
        let (_, secrets) = serve(METADATA, 80, http).await;
        world.name("api.example.org", &[PUBLIC]);
        let vm = vm_with(json!([{ "mode": "allow", "hosts": ["*"] }])).await;
        let source = r#"try { await fetch("http://api.example.org/"); } catch (error) {
            console.log(error.cause.code, error.cause.message);
        }"#;
        let output = stdout_of(&vm, source).await;
        assert!(output.starts_with("EACCES") && output.contains("169.254.169.254"), "{output}");
        assert_eq!(secrets.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn where_requests_alone_are_allowed_each_is_decided() {
    inside("network::where_requests_alone_are_allowed_each_is_decided", |world: World| async move {
        let (_, connections) = serve(PUBLIC, 80, http).await;
        world.name("api.example.org", &[PUBLIC]);
        world.name("other.example.org", &[PUBLIC]);
        let vm = vm_with(json!([
            { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["GET"], "paths": ["/v1/**"] },
            { "mode": "allow", "operations": ["dns"], "hosts": ["other.example.org"] },
        ]))
        .await;
        let output = stdout_of(&vm, &fetching("http://api.example.org/v1/items?all")).await;
        assert_eq!(output, "200 GET /v1/items?all HTTP/1.1\n");
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        for (request, status, says) in [
            (r#""http://api.example.org/v2/items""#, 403, "GET"),
            (r#""http://api.example.org/v1/items", { method: "DELETE" }"#, 403, "DELETE"),
            (r#""http://api.example.org/v1/%2e%2e/admin""#, 403, "/admin"),
            // The same address under another name.
            (r#""http://other.example.org/v1/items""#, 403, "other.example.org"),
        ] {
            let source = format!(
                r#"const response = await fetch({request});
                console.log(response.status, response.headers.get("cordon-denied"), await response.text());"#
            );
            let output = stdout_of(&vm, &source).await;
            assert!(output.starts_with(&format!("{status} permissions.network")), "{request}: {output}");
            assert!(output.contains(says), "{request}: {output}");
            count("network", "requests that no rule allows", 1);
        }
        // Nothing but requests goes over it, nor TLS, in which there might be any.
        let source = r#"import { connect } from "node:net";
            const said = (bytes) => new Promise((done) => {
                let text = "";
                const socket = connect(80, "api.example.org", () => socket.write(bytes));
                socket.on("data", (data) => text += data).on("error", (error) => text += error.code);
                socket.on("close", () => done(text.split("\r\n")[0]));
            });
            console.log(await said("SSH-2.0-x\r\n\r\n"));
            console.log(await said(Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 0])));"#;
        assert_eq!(stdout_of(&vm, source).await, "HTTP/1.1 400 Bad Request\nEACCES\n");
    });
}

#[tokio::test]
async fn a_websocket_is_what_requests_may_become() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, websocket).await;
    let rules =
        json!([{ "mode": "allow", "operations": ["http"], "hosts": ["127.0.0.1"], "methods": ["GET"] }]);
    let vm = vm_with(rules).await;
    let source = format!(
        r#"import {{ request }} from "node:http";
        const upgrade = (protocol) => new Promise((done) => {{
            const headers = {{ connection: "upgrade", upgrade: protocol }};
            const asked = request("http://{address}/", {{ headers }}).end();
            asked.on("response", (response) => {{ response.resume(); done(response.statusCode); }});
            asked.on("upgrade", (_, socket) => {{
                socket.write("frames");
                socket.on("data", (data) => {{ socket.end(); done(`${{data}}`); }});
            }});
        }});
        console.log(await upgrade("websocket"), await upgrade("h2c"));"#
    );
    assert_eq!(stdout_of(&vm, &source).await, "frames 403\n");
}

#[tokio::test]
async fn bytes_are_counted_over_all_connections_of_a_vm() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let vm = vm(json!({
        "permissions": { "network": { "rules": [{ "mode": "allow", "hosts": ["127.0.0.1"] }] } },
        "limits": { "network": { "bytesOut": 1_000_000 } },
    }))
    .await;
    let source = format!(
        r#"import {{ connect }} from "node:net";
        const send = (length) => new Promise((done) => {{
            let got = 0;
            const socket = connect({port}, "127.0.0.1", () => socket.end("x".repeat(length)));
            socket.on("data", (data) => got += data.length).on("end", () => done(got));
            socket.on("error", (error) => done(`${{error.code}} ${{error.message}}`));
        }});
        console.log(await send(600_000));
        console.log(await send(600_000));
        for (;;) {{
            const last = await send(10);
            // What a connection had is known when it is over.
            if (last !== 10) {{ console.log(last); break; }}
        }}"#,
        port = address.port()
    );
    let output = stdout_of(&vm, &source).await;
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "600000", "{output}");
    assert!(lines[1].starts_with("EMFILE") || lines[1].starts_with("ECONNRESET"), "{output}");
    assert!(lines[2].contains("limits.network.bytesOut") || lines[2].starts_with("EMFILE"), "{output}");
}

#[tokio::test]
async fn a_peer_that_cuts_off_is_told_from_one_that_ends() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, |mut stream| async move {
        let mut word = [0; 5];
        let _ = stream.read_exact(&mut word).await;
        let _ = stream.write_all(b"some").await;
        if &word == b"reset" {
            // Closed with bytes that nobody has read.
            let _ = stream.read(&mut [0; 1]).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"] }])).await;
    for (word, expected) in
        [("ended", "data some\nend\nclose false\n"), ("reset", "data some\nECONNRESET\nclose true\n")]
    {
        let source = format!(
            r#"import {{ connect }} from "node:net";
            const socket = connect({port}, "127.0.0.1");
            socket.write("{word}");
            if ("{word}" === "reset") socket.write("x".repeat(100000));
            socket.on("data", (data) => console.log("data", `${{data}}`)).on("end", () => console.log("end"));
            socket.on("error", (error) => console.log(error.code)).on("close", (failed) => console.log("close", failed));"#,
            port = address.port()
        );
        assert_eq!(stdout_of(&vm, &source).await, expected, "{word}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_and_those_that_end_make_room() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let vm = vm(json!({
        "permissions": { "network": { "rules": [{ "mode": "allow", "hosts": ["127.0.0.1"] }] } },
        "limits": { "network": { "connections": 3 } },
    }))
    .await;
    let source = format!(
        r#"import {{ connect }} from "node:net";
        const open = () => new Promise((done) => {{
            const socket = connect({port}, "127.0.0.1", () => done(socket));
            socket.on("error", (error) => done(error));
        }});
        const sockets = [];
        for (let i = 0; i < 4; i++) sockets.push(await open());
        console.log(sockets[3].code, sockets[3].message);
        for (let round = 0; round < 20; round++) {{
            sockets[0].destroy();
            // The place is free once the other side knows.
            for (;;) {{
                sockets[0] = await open();
                if (sockets[0].code === undefined) break;
                await new Promise((done) => setTimeout(done, 5));
            }}
        }}
        for (const socket of sockets.slice(0, 3)) socket.destroy();
        console.log("done");"#,
        port = address.port()
    );
    let output = stdout_of(&vm, &source).await;
    assert!(output.starts_with("EMFILE connect EMFILE 127.0.0.1"), "{output}");
    assert!(output.contains("limits.network.connections") && output.ends_with("done\n"), "{output}");
}

/// In a process of its own, where there is no other network process.
#[test]
fn when_the_network_process_is_killed_connections_fail_and_a_new_one_is_started() {
    let test = "network::when_the_network_process_is_killed_connections_fail_and_a_new_one_is_started";
    inside(test, |_: World| killed_network());
}

async fn killed_network() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"] }])).await;
    let waiting = format!(
        r#"import {{ connect }} from "node:net";
        const socket = connect({port}, "127.0.0.1", () => console.log("connected"));
        socket.on("end", () => console.log("end")).on("error", (error) => console.log(error.code));"#,
        port = address.port()
    );
    let running = execute(&vm, &waiting);
    let killing = tokio::task::spawn_blocking(|| {
        let mut killed = None;
        crate::common::eventually("a network process with a connection", || {
            let found = crate::common::descendants(std::process::id());
            let network = found.into_iter().find(|process| process.name == "cordon-net");
            // It has one as soon as it has been asked; that takes a moment more than being started.
            killed = network.map(|process| process.pid);
            killed.is_some()
        });
        std::thread::sleep(std::time::Duration::from_millis(500));
        let pid = rustix::process::Pid::from_raw(killed.unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    });
    let (result, killed) = tokio::join!(running, killing);
    killed.unwrap();
    assert_eq!(result.stdout.to_text(), "connected\nECONNRESET\n");
    let output = stdout_of(&vm, &connecting("127.0.0.1", address.port())).await;
    assert_eq!(output, "connected\n");
}

#[test]
fn the_command_line_allows_by_host_and_port() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (address, _) = runtime.block_on(serve(Ipv4Addr::LOCALHOST, 0, http));
    let source = fetching(&format!("http://{address}/"));
    let fetched = |allow: &str| {
        let output = cordon(&["eval", "--allow", allow, "--", &source]).output().unwrap();
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    };
    let out = fetched(&format!("network={address}"));
    assert!(out.starts_with("200 GET / HTTP/1.1"), "{out}");
    let out = fetched("network=127.0.0.1:1");
    assert!(out.starts_with("ECONNREFUSED"), "{out}");
    let out = fetched("network=exa mple");
    assert!(out.contains("network"), "{out}");
}

/// What servers send who mean no good, behind the head of a request.
const HOSTILE: [(&str, &str); 8] = [
    ("garbage", "\0\u{1}\u{2}no HTTP at all\r\n\r\n"),
    ("a field without an end", "HTTP/1.1 200 OK\r\nX: "),
    ("fields without an end", "HTTP/1.1 200 OK\r\n"),
    ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    ("a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    ("a chunk that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n"),
    ("less than it says", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
    ("a status that is none", "HTTP/1.1 20x OK\r\n\r\n"),
];

/// Answers a request with something, and goes on as long as anybody reads.
async fn send_without_end(mut stream: TcpStream, what: &str, sent: &str, was_read_whole: Arc<AtomicBool>) {
    if head(&mut stream).await.is_none() || stream.write_all(sent.as_bytes()).await.is_err() {
        return;
    }
    let more = match what {
        "a field without an end" => "x".repeat(1 << 16),
        "fields without an end" => "A: b\r\n".repeat(1 << 12),
        _ => return,
    };
    for _ in 0..1024 {
        if stream.write_all(more.as_bytes()).await.is_err() {
            return;
        }
    }
    was_read_whole.store(true, Ordering::Relaxed);
}

#[tokio::test]
async fn hostile_servers_are_an_error_of_the_request_alone() {
    let (good, _) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let mut ports = vec![good.port()];
    let mut servers = Vec::new();
    let was_read_whole = Arc::new(AtomicBool::new(false));
    for (what, sent) in HOSTILE {
        let whole = was_read_whole.clone();
        let (address, _) =
            serve(Ipv4Addr::LOCALHOST, 0, move |stream| send_without_end(stream, what, sent, whole.clone()))
                .await;
        ports.push(address.port());
        servers.push((what, address));
    }
    let rules = json!([{ "mode": "allow", "operations": ["http"], "hosts": ["127.0.0.1"], "ports": ports }]);
    let vm = vm_with(rules).await;
    for (what, address) in servers {
        let output = stdout_of(&vm, &fetching(&format!("http://{address}/"))).await;
        assert!(!output.starts_with('2'), "{what}: {output}");
        // The network process has seen it and goes on.
        let output = stdout_of(&vm, &fetching(&format!("http://{good}/a"))).await;
        assert_eq!(output, "200 GET /a HTTP/1.1\n", "after {what}");
    }
    assert!(!was_read_whole.load(Ordering::Relaxed), "a head of tens of megabytes was read");
}
