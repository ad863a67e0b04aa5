//! Commands that an embedder adds: the program in `examples/component`, written with wit-bindgen, in an installation of
//! its own, and in directories that a configuration names.

use std::path::PathBuf;

use cordon::client::{Client, Embedded, HostFunctions, Vm};
use cordon::config::CreateVmConfig;
use cordon::wire::{ExecutionOptions, code};
use serde_json::{Value, json};

use crate::common::{client, config, error_of, installation_with, run, sh, stdout_of, supervisor_at, text};

/// What `make build` makes of the examples: this is the one that the tests know best.
fn example() -> Vec<u8> {
    built("ask.wasm")
}

fn built(name: &str) -> Vec<u8> {
    let module = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/examples").join(name);
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

/// A directory with the example's module under these names, and whatever else.
fn directory_with(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::write(folder.path().join(name), example()).unwrap();
    }
    folder
}

/// A configuration with these directories of commands.
fn with_directories(folders: &[&tempfile::TempDir], mut json: Value) -> CreateVmConfig {
    json["commandDirectories"] = folders.iter().map(|folder| folder.path().to_str().unwrap()).collect();
    config(json)
}

#[tokio::test]
async fn a_vm_has_the_commands_of_the_directories_that_it_names_and_others_have_not() {
    let (tools, more) = (directory_with(&["ask.wasm", "README.txt"]), directory_with(&["rev.wasm"]));
    let client = client().await;
    for jit in ["allow", "deny"] {
        let json = json!({ "permissions": { "jit": jit } });
        let vm = client.create_vm(with_directories(&[&tools, &more], json.clone())).await.unwrap();
        let none = (Some(2), String::new(), "ask: x: no such function\n".to_owned());
        assert_eq!(answered(&vm, "ask x").await, none, "{jit}");
        // One that is named like a utility takes its place.
        assert_eq!(answered(&vm, "rev x").await, none, "{jit}");
        assert_eq!(answered(&vm, "README.txt").await.0, Some(127));
        let other = client.create_vm(config(json)).await.unwrap();
        assert_eq!(answered(&other, "ask x").await.0, Some(127));
        assert_eq!(answered(&other, "echo abc | rev").await.1, "cba\n");
    }
}

#[tokio::test]
async fn directories_that_hold_no_commands_are_errors_of_the_configuration() {
    let client = client().await;
    let refused = async |config: CreateVmConfig| {
        let error = error_of(client.create_vm(config).await.map(drop));
        assert_eq!(error.code, code::CONFIG, "{error:?}");
        (error.field.unwrap_or_default(), error.message)
    };
    let (tools, shell) = (directory_with(&["ask.wasm"]), directory_with(&["sh.wasm"]));
    let (field, message) = refused(with_directories(&[&tools, &shell], json!({}))).await;
    assert_eq!(field, "commandDirectories[1]");
    assert!(message.contains("sh is a program of the installation"), "{message}");
    let (field, message) = refused(with_directories(&[&tools, &tools], json!({}))).await;
    assert!(field == "commandDirectories[1]" && message.contains("ask is in"), "{message}");
    let (_, message) = refused(with_directories(&[&directory_with(&["a b.wasm"])], json!({}))).await;
    assert!(message.contains("no name of a command"), "{message}");
    let (_, message) = refused(config(json!({ "commandDirectories": ["/nonesuch"] }))).await;
    assert!(message.contains("/nonesuch"), "{message}");
    // What the supervisor compiles is not for guests to write.
    let mount = |read_only: bool| json!({ "mounts": [{ "host": tools.path().to_str().unwrap(), "guest": "/tools", "readOnly": read_only }] });
    let (field, _) = refused(with_directories(&[&tools], mount(false))).await;
    assert_eq!(field, "mounts[0].host");
    client.create_vm(with_directories(&[&tools], mount(true))).await.unwrap();
}

#[tokio::test]
async fn a_module_that_can_be_no_command_is_refused_when_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.wasm"), "text").unwrap();
    let sockets = wat::parse_str(r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#).unwrap();
    std::fs::write(folder.path().join("net.wasm"), sockets).unwrap();
    let client = client().await;
    let vm = client.create_vm(with_directories(&[&folder], json!({}))).await.unwrap();
    let (exit, _, said) = answered(&vm, "text").await;
    assert!(exit == Some(126) && said.contains("no WebAssembly module"), "{said}");
    let (exit, _, said) = answered(&vm, "net").await;
    assert!(exit == Some(126) && said.contains("imports wasi:sockets/tcp@0.2.0"), "{said}");
}

#[test]
fn cordon_compile_says_whether_a_module_can_be_a_command() {
    let folder = directory_with(&["ask.wasm"]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let compiled = run(&["compile", &path("ask.wasm")]);
    assert!(compiled.status.success(), "{}", text(&compiled.stderr));
    assert!(text(&compiled.stdout).contains("MB of native code"));
    let ran = run(&["sh", "--commands", folder.path().to_str().unwrap(), "-c", "ask x"]);
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(2), "ask: x: no such function\n".to_owned()));
    for (name, contents, why) in [
        ("text.wasm", &b"text"[..], "no WebAssembly module"),
        ("text", b"text", "ends in \".wasm\""),
        ("sh.wasm", b"text", "sh is a program of the installation"),
    ] {
        std::fs::write(folder.path().join(name), contents).unwrap();
        let refused = run(&["compile", &path(name)]);
        assert!(!refused.status.success());
        assert!(text(&refused.stderr).contains(why), "{}", text(&refused.stderr));
    }
}

#[tokio::test]
async fn a_command_in_c_starts_others_and_reads_their_output() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prefix.wasm"), built("prefix.wasm")).unwrap();
    let vm = client().await.create_vm(with_directories(&[&folder], json!({}))).await.unwrap();
    let line = "A=b prefix '> ' sh -c 'echo hi; echo $A; printf x; exit 7'";
    assert_eq!(answered(&vm, line).await, (Some(7), "> hi\n> b\n> x".to_owned(), String::new()));
    assert_eq!(answered(&vm, "seq 3 | prefix - cat | tr '\\n' ' '").await.1, "-1 -2 -3 ");
    assert_eq!(answered(&vm, "prefix - sh -c 'kill -TERM $$'").await.0, Some(143));
    assert_eq!(answered(&vm, "prefix - nonesuch").await.0, Some(127));
    assert_eq!(answered(&vm, "prefix").await.0, Some(2));
    // More than a pipe holds.
    let many = "seq 50000 | prefix '' cat | tail -n 1";
    assert_eq!(answered(&vm, many).await.1, "50000\n");
}
