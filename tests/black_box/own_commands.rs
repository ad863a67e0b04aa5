//! Commands that an embedder adds: the program in `examples/component`, written with wit-bindgen, in an installation of
//! its own.

use std::path::PathBuf;

use cordon::client::{Client, Embedded, HostFunctions, Vm};
use cordon::wire::ExecutionOptions;
use serde_json::{Value, json};

use crate::common::{config, installation_with, sh, stdout_of, supervisor_at};

/// What `make build` makes of the example.
fn example() -> Vec<u8> {
    let module = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/examples/ask.wasm");
    assert!(module.is_file(), "{} is missing: run `make build` first, or `make test`", module.display());
    std::fs::read(module).unwrap()
}

/// A VM with the command `ask` and three functions to ask.
async fn vm(json: Value) -> (tempfile::TempDir, Vm) {
    let (folder, installation) = installation_with(&[("ask", example())]);
    let functions = HostFunctions::new()
        .with("double", |n: f64| async move { Ok::<_, String>(n * 2.0) })
        .with("orders.list", |of: Value| async move { Ok::<_, String>(json!([{ "of": of["id"] }])) })
        .with("fail", |_: Value| async move { Err::<(), _>("no such order") });
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    (folder, client.create_vm_with(config(json), functions).await.unwrap())
}

/// Exit code, standard output and standard error of a command line.
async fn answered(vm: &Vm, line: &str) -> (Option<i32>, String, String) {
    let result = sh(vm, line).await;
    (result.exit_code, result.stdout.to_text(), result.stderr.to_text())
}

#[tokio::test]
async fn a_command_calls_functions_of_the_embedder() {
    let (_folder, vm) = vm(json!({})).await;
    let ok = |out: &str| (Some(0), out.to_owned(), String::new());
    assert_eq!(answered(&vm, "ask").await, ok("double\nfail\norders.list\n"));
    assert_eq!(answered(&vm, r#"ask orders.list '{"id":"c1"}' | cat"#).await, ok("[{\"of\":\"c1\"}]\n"));
    assert_eq!(answered(&vm, "for n in 1 2; do ask double $n; done | sort -r").await, ok("4.0\n2.0\n"));
    let said = |code, text: &str| (Some(code), String::new(), text.to_owned());
    assert_eq!(answered(&vm, "ask fail").await, said(1, "ask: fail: no such order\n"));
    assert_eq!(answered(&vm, "ask nonesuch").await, said(2, "ask: nonesuch: no such function\n"));
    // It is a program like any other: for the client, and for JavaScript.
    let direct = vm.spawn("ask", &["double", "21"], ExecutionOptions::default()).await.unwrap();
    assert_eq!(direct.stdout.to_text(), "42.0\n");
    let source = r#"
        import { spawn } from "cordon:vm/process";
        using child = spawn({ program: "ask", arguments: ["ask", "nonesuch"] });
        console.log((await child.wait()).val);
    "#;
    assert_eq!(stdout_of(&vm, source).await, "2\n");
}

#[tokio::test]
async fn what_a_command_may_call_is_decided_by_the_permissions() {
    let (_folder, vm) = vm(json!({
        "permissions": { "hostFunctions": { "default": "allow", "rules": [{ "mode": "deny", "patterns": ["orders.*"] }] } },
    }))
    .await;
    let denied = "ask: orders.list: denied by permissions.hostFunctions\n";
    assert_eq!(answered(&vm, "ask orders.list '{}'").await, (Some(2), String::new(), denied.to_owned()));
    assert_eq!(answered(&vm, "ask double 1").await, (Some(0), "2.0\n".to_owned(), String::new()));
}

#[tokio::test]
async fn permissions_know_an_added_command_by_its_name() {
    let (_folder, vm) = vm(json!({
        "permissions": { "childProcess": { "default": "allow", "rules": [{ "mode": "deny", "patterns": ["ask"] }] } },
    }))
    .await;
    assert_eq!(answered(&vm, "ask; ln -s /bin/ask /tmp/other; /tmp/other").await.0, Some(126));
    assert_eq!(answered(&vm, "true").await.0, Some(0));
}
