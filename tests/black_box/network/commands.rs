//! What commands reach: the same that JavaScript does, decided by the same rules, and within the same limits.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use cordon::client::{Client, Embedded, Vm};
use cordon::wire::ExecutionOptions;
use rcgen::{BasicConstraints, IsCa};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::authority::{Authority, serve_tls};
use super::world::{OTHER, PRIVATE, PUBLIC, World, echo, http, inside, serve};
use crate::common::{config, installation_with, sh, supervisor_at};

/// A VM with rules of the network, and the example `reach` among its commands.
async fn vm_with(json: Value) -> (tempfile::TempDir, Vm) {
    let module = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/examples/reach.wasm");
    assert!(module.is_file(), "{} is missing: run `make build` first, or `make test`", module.display());
    let (folder, installation) = installation_with(&[("reach", std::fs::read(module).unwrap())]);
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    (folder, client.create_vm(config(json)).await.unwrap())
}

async fn ruled(rules: Value) -> (tempfile::TempDir, Vm) {
    vm_with(json!({ "permissions": { "network": { "rules": rules } } })).await
}

/// What a line prints, its errors among it.
async fn said(vm: &Vm, line: &str) -> String {
    sh(vm, &format!("exec 2>&1; {line}")).await.stdout.to_text()
}

#[tokio::test]
async fn commands_reach_nothing_beyond_a_vm_that_is_allowed_nothing() {
    let (address, connections) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let (_folder, vm) = vm_with(json!({})).await;
    let none = "permissions.network allows nothing beyond this VM\n";
    for (line, expected) in [
        ("reach example.org 80 </dev/null", format!("reach: looking up example.org is refused: {none}")),
        (
            "reach 93.184.216.34 80 </dev/null",
            format!("reach: connecting to 93.184.216.34:80 is refused: {none}"),
        ),
    ] {
        assert_eq!(said(&vm, line).await, expected);
    }
    // The VM's own loopback is not the machine's.
    let line = format!("reach 127.0.0.1 {} </dev/null", address.port());
    assert!(said(&vm, &line).await.ends_with("nobody listens there\n"));
    let curl = "curl -sS http://example.org/; echo $?; curl -s http://93.184.216.34/; echo $?";
    let expected = format!(
        "curl: (6) Could not resolve host: example.org: looking up example.org is refused: {none}6\n7\n"
    );
    assert_eq!(said(&vm, curl).await, expected);
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn programs_of_a_vm_reach_each_other() {
    let (_folder, vm) = vm_with(json!({})).await;
    let script = "reach -l 7000 tr a-z A-Z & sleep 0.3; echo one | reach 127.0.0.1 7000; echo two | reach localhost 7000; \
        reach -l 7000 true; reach 127.0.0.1 7001 </dev/null; reach ::1 7000 </dev/null; kill %1; wait; \
        echo gone | reach 127.0.0.1 7000";
    let text = said(&vm, script).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "listening at 7000",
            "ONE",
            "TWO",
            "reach: something listens there already",
            "reach: connecting to 127.0.0.1:7001: nobody listens there",
            "reach: connecting to 127.0.0.1:7000: nobody listens there",
        ],
        "{text}"
    );
    // What a program serves, JavaScript reaches, and the other way round.
    let script = r#"reach -l 7002 cat & sleep 0.3
        node -e 'const s = require("net").connect(7002, () => s.end("from node\n")); s.pipe(process.stdout)'
        node -e 'const s = require("net").createServer((c) => { c.end("to a command\n"); s.close(); }).listen(7003)' &
        sleep 1; reach 127.0.0.1 7003 < /dev/null"#;
    let text = said(&vm, script).await;
    assert!(text.contains("from node\n") && text.ends_with("to a command\n"), "{text}");
}

#[test]
fn rules_decide_for_commands() {
    inside("network::commands::rules_decide_for_commands", |world: World| async move {
        serve(PUBLIC, 80, http).await;
        let (_, other) = serve(OTHER, 80, http).await;
        let (_, private) = serve(PRIVATE, 80, http).await;
        world.name("api.example.org", &[PUBLIC]);
        world.name("two.example.org", &[OTHER, PUBLIC]);
        world.name("inner.example.org", &[PRIVATE]);
        let rules = json!([
            { "mode": "deny", "hosts": [OTHER.to_string()] },
            { "mode": "allow", "hosts": ["*.example.org"], "ports": [80] },
        ]);
        let (_folder, vm) = ruled(rules).await;
        let get = |host: &str| format!("curl -sS http://{host}/x | head -1");
        assert_eq!(said(&vm, &get("api.example.org")).await, "GET /x HTTP/1.1\r\n");
        assert_eq!(said(&vm, &get("API.example.org.")).await, "GET /x HTTP/1.1\r\n");
        // One address after the other.
        assert_eq!(said(&vm, &get("two.example.org")).await, "GET /x HTTP/1.1\r\n");
        let refused = said(&vm, &get("inner.example.org")).await;
        assert!(refused.starts_with("curl: (7) Failed to connect to inner.example.org port 80"), "{refused}");
        assert!(refused.contains("private address"), "{refused}");
        let before = world.questions();
        let refused = said(&vm, &get("example.net")).await;
        assert!(refused.starts_with("curl: (6) Could not resolve host: example.net: "), "{refused}");
        assert!(refused.contains("no rule of permissions.network allows it"), "{refused}");
        assert_eq!(world.questions(), before);
        let refused = said(&vm, "reach api.example.org 81 < /dev/null").await;
        assert!(refused.contains("--allow network=api.example.org:81"), "{refused}");
        assert_eq!(
            said(&vm, &get("none.example.org")).await,
            "curl: (6) Could not resolve host: none.example.org\n"
        );
        assert_eq!((other.load(Ordering::Relaxed), private.load(Ordering::Relaxed)), (0, 0));
        let (_folder, vm) = vm_with(json!({
            "permissions": { "network": { "rules": [{ "mode": "allow", "hosts": ["*"] }] } },
            "limits": { "network": { "lookups": 2 } },
        }))
        .await;
        let text = said(&vm, "for n in 1 2 3; do reach none-$n.example.org 1 </dev/null; done").await;
        let last = text.lines().last().unwrap();
        assert!(last.contains("limits.network.lookups"), "{text}");
    });
}

#[test]
fn where_an_answer_leads_is_a_new_decision() {
    inside("network::commands::where_an_answer_leads_is_a_new_decision", |world: World| async move {
        serve(PUBLIC, 80, |mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let to =
                format!("HTTP/1.1 302 Found\r\nlocation: http://{PRIVATE}/\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(to.as_bytes()).await;
        })
        .await;
        let (_, private) = serve(PRIVATE, 80, http).await;
        world.name("api.example.org", &[PUBLIC]);
        let (_folder, vm) = ruled(json!([{ "mode": "allow", "hosts": ["*.example.org"] }])).await;
        let text =
            said(&vm, "curl -sSL -w '%{num_redirects} %{url_effective}\n' http://api.example.org/").await;
        assert!(text.starts_with(&format!("curl: (7) Failed to connect to {PRIVATE}")), "{text}");
        assert!(text.contains("is a private address"), "{text}");
        assert!(text.ends_with(&format!("1 http://{PRIVATE}/\n")), "{text}");
        assert_eq!(private.load(Ordering::Relaxed), 0);
    });
}

#[tokio::test]
async fn requests_are_decided_for_commands_too() {
    let (address, connections) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let rules = json!([{
        "mode": "allow", "operations": ["http"], "hosts": ["127.0.0.1"], "ports": [address.port()],
        "methods": ["GET"], "paths": ["/v1/**"], "schemes": ["http"],
    }]);
    let (_folder, vm) = ruled(rules).await;
    let url = format!("http://{address}");
    assert_eq!(said(&vm, &format!("curl -sS {url}/v1/a | head -1")).await, "GET /v1/a HTTP/1.1\r\n");
    let refused =
        said(&vm, &format!("curl -sSi {url}/v2; curl -s -o /dev/null -w '%{{http_code}}' -d x {url}/v1/a"))
            .await;
    assert!(refused.starts_with("HTTP/1.1 403") && refused.ends_with("403"), "{refused}");
    assert!(refused.contains("/v2 is refused: "), "{refused}");
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn tls_is_spoken_for_commands() {
    let authority = Authority::new();
    let server = authority.config(&authority.issue(&["example.org", "localhost"]), &["http/1.1"], false);
    let (address, greetings) = serve_tls(Ipv4Addr::LOCALHOST, server, http).await;
    let (plain, _) = serve(Ipv4Addr::LOCALHOST, 0, |mut stream| async move {
        let _ = stream.write_all(b"220 hello, this is no TLS at all\r\n").await;
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await;
    let port = address.port();
    let (_folder, vm) = ruled(json!([{ "mode": "allow", "hosts": ["127.0.0.1"] }])).await;
    vm.write_file("/tmp/ca.pem", authority.pem.as_bytes()).await.unwrap();
    let url = format!("https://localhost:{port}/a");
    let text = said(&vm, &format!("curl -sS --cacert /tmp/ca.pem {url} | head -1")).await;
    assert_eq!(text, "GET /a HTTP/1.1\r\n");
    assert_eq!(greetings.lock()[0].0.as_deref(), Some("localhost"));
    // Who is not trusted, by whom, and for which name.
    let text = said(&vm, &format!("curl -sS {url}; echo $?")).await;
    assert_eq!(text, "curl: (60) SSL certificate problem: unable to verify the first certificate\n60\n");
    let text = said(&vm, &format!("curl -sS --cacert /tmp/ca.pem https://127.0.0.1:{port}/; echo $?")).await;
    let expected =
        "curl: (60) SSL: no alternative certificate subject name matches target host name '127.0.0.1'\n60\n";
    assert_eq!(text, expected);
    let text = said(&vm, &format!("curl -sSkv https://127.0.0.1:{port}/ | grep -E '^GET|SSL|ALPN'")).await;
    for expected in ["GET / HTTP/1.1", "TLSv1.3", "ALPN: server accepted http/1.1", "continuing anyway"] {
        assert!(text.contains(expected), "{text}");
    }
    let text = said(&vm, &format!("curl -sS https://localhost:{}/; echo $?", plain.port())).await;
    assert!(text.starts_with("curl: (35) ") && text.ends_with("35\n"), "{text}");
    // Who names a server's certificate itself trusts it, also one that might issue others.
    let own = authority
        .issue_with(&["localhost"], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let (issuing, _) = serve_tls(Ipv4Addr::LOCALHOST, authority.config(&own, &[], false), http).await;
    vm.write_file("/tmp/own.pem", own.pem.as_bytes()).await.unwrap();
    let own = format!("https://localhost:{}/b", issuing.port());
    let text =
        said(&vm, &format!("curl -sS --cacert /tmp/own.pem {own} | head -1; curl -s {own}; echo $?")).await;
    assert_eq!(text, "GET /b HTTP/1.1\r\n60\n");
    // A whole bundle is more than a request for TLS may have.
    let script = format!(
        "i=0; while [ $i -lt 400 ]; do cat /tmp/ca.pem; i=$((i+1)); done > /tmp/all.pem; curl -sS --cacert /tmp/all.pem {url}"
    );
    let text = said(&vm, &script).await;
    assert!(text.contains("have more than 98304 bytes"), "{text}");
}

#[tokio::test]
async fn connections_of_commands_are_counted() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let limited = json!({
        "permissions": { "network": { "rules": [{ "mode": "allow", "hosts": ["127.0.0.1"] }] } },
        "limits": { "network": { "connections": 5 } },
    });
    let (_folder, vm) = vm_with(limited).await;
    let line = format!("reach -n 100 127.0.0.1 {}", address.port());
    let text = said(&vm, &line).await;
    assert!(text.starts_with("5\nreach: ") && text.contains("limits.network.connections"), "{text}");
    // They end with the program.
    assert_eq!(said(&vm, "sleep 0.2").await, "");
    assert!(said(&vm, &line).await.starts_with("5\n"));
    // Within the VM, handles of a program and open files of the VM end what it makes.
    let (_folder, vm) = vm_with(json!({})).await;
    let text = said(&vm, "reach -l 7000 sleep 100 & sleep 0.3; reach -n 100000 127.0.0.1 7000").await;
    let held: usize = text.lines().find_map(|line| line.parse().ok()).unwrap();
    assert!((100..10_000).contains(&held), "{text}");
}

/// Whatever it waits for, a program that is killed is gone, and its connections with it.
#[tokio::test]
async fn commands_are_ended_while_they_wait() {
    let (silent, connections) = serve(Ipv4Addr::LOCALHOST, 0, |mut stream| async move {
        let mut buffer = [0; 1024];
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    })
    .await;
    let (deaf, _) = serve(Ipv4Addr::LOCALHOST, 0, |stream| async move {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let (_folder, vm) = ruled(json!([{ "mode": "allow", "hosts": ["127.0.0.1"] }])).await;
    for line in [
        // Receiving, sending, accepting, and in the middle of a handshake.
        format!("reach 127.0.0.1 {} < /dev/null", silent.port()),
        format!("head -c 50000000 /dev/zero | reach 127.0.0.1 {}", deaf.port()),
        "reach -l 7000 cat".to_owned(),
        format!("curl -sk https://127.0.0.1:{}/", silent.port()),
        format!("curl -s http://127.0.0.1:{}/", silent.port()),
    ] {
        let script = format!(
            "{line} > /dev/null & sleep 0.4; kill -KILL $!; wait $!; echo $?; pgrep reach; pgrep curl"
        );
        assert_eq!(said(&vm, &script).await, "137\n", "{line}");
        // By the end of the client's call, too.
        let options = ExecutionOptions { timeout_ms: Some(300), ..ExecutionOptions::default() };
        let result = vm.spawn("sh", &["-c", &line], options).await.unwrap();
        assert_eq!(result.outcome, cordon::wire::Outcome::TimedOut, "{line}");
    }
    assert!(connections.load(Ordering::Relaxed) > 0);
    assert_eq!(said(&vm, "curl -s -m 0.2 http://127.0.0.1:9/; echo $?").await, "7\n");
}
