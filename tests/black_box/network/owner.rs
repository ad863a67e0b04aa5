//! What the owner of a running VM does about its network: changes the rules, and asks what it has had.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use cordon::config::NetworkScope;
use cordon::wire::DecisionWatch;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::world::{PUBLIC, World, echo, head, http, inside, serve, websocket};
use super::{connecting, fetching, vm_with};
use crate::common::{default_vm, error_of, execute, stdout_of, vm};

fn rules(rules: Value) -> NetworkScope {
    serde_json::from_value(json!({ "rules": rules })).unwrap()
}

#[test]
fn the_rules_of_a_running_vm_are_widened_and_narrowed() {
    inside("network::owner::the_rules_of_a_running_vm_are_widened_and_narrowed", |world: World| async move {
        let (_, connections) = serve(PUBLIC, 80, http).await;
        world.name("api.example.org", &[PUBLIC]);
        // It has had no network at all.
        let vm = default_vm().await;
        let fetch = fetching("http://api.example.org/a");
        assert!(stdout_of(&vm, &fetch).await.starts_with("EACCES"));
        vm.set_network(&rules(json!([{ "mode": "allow", "hosts": ["api.example.org"], "ports": [80] }])))
            .await
            .unwrap();
        assert_eq!(stdout_of(&vm, &fetch).await, "200 GET /a HTTP/1.1\n");
        let narrow = json!([{ "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "paths": ["/b"] }]);
        vm.set_network(&rules(narrow)).await.unwrap();
        assert!(stdout_of(&vm, &fetch).await.starts_with("403"));
        assert_eq!(stdout_of(&vm, &fetching("http://api.example.org/b")).await, "200 GET /b HTTP/1.1\n");
        vm.set_network(&serde_json::from_value(json!("deny")).unwrap()).await.unwrap();
        assert!(stdout_of(&vm, &fetch).await.starts_with("EACCES"));
        assert_eq!(connections.load(Ordering::Relaxed), 3);
    });
}

#[tokio::test]
async fn connections_that_are_not_allowed_any_more_end_and_the_others_go_on() {
    let (kept, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let (cut, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let both = json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [kept.port(), cut.port()] }]);
    let vm = vm_with(both).await;
    let decisions = vm.watch_decisions(DecisionWatch::On).await.unwrap();
    // Until one of them has ended, and then the other still answers.
    let source = format!(
        r#"import {{ connect }} from "node:net";
        const open = (port) => new Promise((done) => {{ const socket = connect(port, "127.0.0.1", () => done(socket)); }});
        const [kept, cut] = [await open({}), await open({})];
        await new Promise((done) => cut.on("error", (error) => {{ console.log(error.code); done(); }}));
        kept.on("data", (data) => {{ console.log(`${{data}}`); kept.destroy(); }});
        kept.write("still here");"#,
        kept.port(),
        cut.port()
    );
    let (result, ()) = tokio::join!(execute(&vm, &source), async {
        let mut made = 0;
        while made < 2 {
            made += decisions.next().await.unwrap().decisions.iter().map(|made| made.count).sum::<u64>();
        }
        // Allowed is decided before connected.
        while vm.network_usage().await.unwrap().connections_made < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let one = json!([
            { "mode": "deny", "hosts": ["127.0.0.1"], "ports": [cut.port()] },
            { "mode": "allow", "hosts": ["127.0.0.1"], "ports": [kept.port()] },
        ]);
        vm.set_network(&rules(one)).await.unwrap();
    });
    assert_eq!(result.stdout.to_text(), "ECONNRESET\nstill here\n", "{result:?}");
    let told = decisions.now().await.unwrap().decisions;
    let denied = told.iter().find(|made| made.target == cut.to_string()).expect("why it was ended is told");
    assert_eq!(
        (denied.operation.as_str(), denied.rule.as_str()),
        ("connect", "permissions.network.rules[0]")
    );
    assert!(!told.iter().any(|made| made.target == kept.to_string()), "{told:?}");
}

#[tokio::test]
async fn requests_on_connections_that_are_open_are_decided_by_the_new_rules() {
    let (address, connections) = serve(Ipv4Addr::LOCALHOST, 0, |mut stream| async move {
        while head(&mut stream).await.is_some() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        }
    })
    .await;
    let paths = |paths: Value| json!([{ "mode": "allow", "operations": ["http"], "hosts": ["127.0.0.1"], "paths": paths }]);
    let vm = vm_with(paths(json!(["/a", "/change"]))).await;
    let decisions = vm.watch_decisions(DecisionWatch::On).await.unwrap();
    let source = format!(
        r#"import {{ Agent, get }} from "node:http";
        const agent = new Agent({{ keepAlive: true, maxSockets: 1 }});
        const ask = (path) => new Promise((done, failed) => {{
            get(`http://{address}${{path}}`, {{ agent }}, (answer) => answer.resume().on("end", () => done(answer.statusCode)))
                .on("error", failed);
        }});
        console.log(await ask("/a"), await ask("/change"));
        while (await ask("/a") === 200) await new Promise((done) => setTimeout(done, 10));
        console.log("changed");"#
    );
    let (result, ()) = tokio::join!(execute(&vm, &source), async {
        while !decisions.next().await.unwrap().decisions.iter().any(|made| made.target.ends_with("/change")) {
        }
        vm.set_network(&rules(paths(json!(["/b"])))).await.unwrap();
    });
    assert_eq!(result.stdout.to_text(), "200 200\nchanged\n", "{result:?}");
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_websocket_ends_when_the_request_that_began_it_is_not_allowed_any_more() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, websocket).await;
    let paths = |paths: Value| json!([{ "mode": "allow", "operations": ["http"], "hosts": ["127.0.0.1"], "paths": paths }]);
    let vm = vm_with(paths(json!(["/socket"]))).await;
    let source = format!(
        r#"import {{ request }} from "node:http";
        const headers = {{ connection: "upgrade", upgrade: "websocket" }};
        request("http://{address}/socket", {{ headers }}).end().on("upgrade", (_, socket) => {{
            socket.write("frames");
            socket.on("data", (data) => console.log(`${{data}}`));
            socket.on("error", (error) => console.log(error.code));
        }});"#
    );
    let (result, ()) = tokio::join!(execute(&vm, &source), async {
        while vm.network_usage().await.unwrap().bytes_in < 80 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // What allows it still changes nothing.
        vm.set_network(&rules(paths(json!(["/socket", "/b"])))).await.unwrap();
        vm.set_network(&rules(paths(json!(["/b"])))).await.unwrap();
    });
    assert_eq!(result.stdout.to_text(), "frames\nECONNRESET\n", "{result:?}");
}

#[tokio::test]
async fn rules_that_are_wrong_change_nothing() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let vm = vm(json!({
        "permissions": { "network": { "rules": [{ "mode": "allow", "hosts": ["127.0.0.1"] }] } },
        "network": { "secrets": [{ "name": "TOKEN", "value": "s3cret-value", "hosts": ["api.example.org"] }] },
    }))
    .await;
    // One is without effect.
    let contradiction = rules(json!([
        { "mode": "allow", "hosts": ["example.org"] },
        { "mode": "deny", "operations": ["http"], "hosts": ["example.org"], "paths": ["/a"] },
    ]));
    let error = error_of(vm.set_network(&contradiction).await);
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        ("ERR_CONFIG", Some("permissions.network.rules[1]"))
    );
    // Secrets are for VMs that are denied by default.
    let error = error_of(vm.set_network(&serde_json::from_value(json!("allow")).unwrap()).await);
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("ERR_CONFIG", Some("network.secrets")));
    assert_eq!(stdout_of(&vm, &connecting("127.0.0.1", address.port())).await, "connected\n");
}

#[tokio::test]
async fn what_a_vm_has_had_is_reported_while_connections_are_open_and_after() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, echo).await;
    let vm = vm_with(json!([{ "mode": "allow", "hosts": ["127.0.0.1"] }])).await;
    assert_eq!(vm.network_usage().await.unwrap(), Default::default());
    let source = format!(
        r#"import {{ connect }} from "node:net";
        const socket = connect({}, "127.0.0.1", () => socket.write("x".repeat(100_000)));
        let got = 0;
        socket.on("data", (data) => {{ got += data.length; if (got === 100_001) socket.destroy(); }});
        process.stdin.on("data", () => socket.write("y"));"#,
        address.port()
    );
    let options = cordon::wire::ExecutionOptions { stream_stdin: true, ..Default::default() };
    let mut call = vm.start_javascript(&source, &Default::default(), options).unwrap();
    let usage = loop {
        let usage = vm.network_usage().await.unwrap();
        if usage.bytes_in == 100_000 {
            break usage;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((usage.bytes_out, usage.connections, usage.connections_made), (100_000, 1, 1));
    let stdin = call.stdin();
    stdin.write(b"go").await;
    stdin.close();
    call.result().await.unwrap();
    let usage = loop {
        let usage = vm.network_usage().await.unwrap();
        if usage.connections == 0 {
            break usage;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((usage.bytes_in, usage.bytes_out, usage.connections_made), (100_001, 100_001, 1));
}
