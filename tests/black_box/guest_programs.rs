//! WebAssembly that a guest has made and runs as a program: refused unless `permissions.webAssembly` allows it, and then
//! compiled by an enclosed process of its own, within limits.

use std::path::PathBuf;

use cordon::client::{Client, Embedded, Vm};
use cordon::wire::{ExecutionOptions, code};
use serde_json::{Value, json};

use crate::common::{
    config, cordon, error_of, has_wasm_worker, installation_with, sh, supervisor_at, text, vm,
};

/// A VM with the module in its file `program`, which can be executed.
async fn vm_with(json: Value, module: &[u8]) -> Vm {
    let vm = vm(json).await;
    vm.write_file("/workspace/program", module).await.unwrap();
    assert_eq!(sh(&vm, "chmod +x program").await.exit_code, Some(0));
    vm
}

fn allowed() -> Value {
    json!({ "permissions": { "webAssembly": "allow" } })
}

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// Ends with this code.
fn ending_with(exit: u8) -> Vec<u8> {
    assembled(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "_start") (call $exit (i32.const {exit}))))"#
    ))
}

async fn answered(vm: &Vm, line: &str) -> (Option<i32>, String) {
    let result = sh(vm, line).await;
    (result.exit_code, result.stderr.to_text())
}

#[tokio::test]
async fn a_program_of_the_guests_is_refused_by_the_name_of_the_permission() {
    let vm = vm_with(json!({}), &ending_with(3)).await;
    let (exit, said) = answered(&vm, "./program").await;
    assert_eq!(exit, Some(126));
    assert!(said.contains("permissions.webAssembly is \"deny\""), "{said}");
    // By whatever way it is started.
    for line in [
        "cp program other; exec ./other",
        "PATH=$PWD program",
        "env ./program",
        "echo ./program | sh",
        "find . -name program -exec {} ';'; ./program",
        "printf '#!./program\\n' > script; chmod +x script; ./script",
        "ln -s $PWD/program /tmp/ls; /tmp/ls",
    ] {
        assert_eq!(answered(&vm, line).await.0, Some(126), "{line}");
    }
    // A client that starts it is told which field decides, and what to do.
    let error = error_of(vm.spawn("/workspace/program", &[], ExecutionOptions::default()).await);
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        (code::CONFIG, Some("permissions.webAssembly"))
    );
    assert!(error.hint.unwrap().contains("commandDirectories"));
}

#[tokio::test]
async fn where_it_is_allowed_it_runs_and_is_compiled_anew_when_it_has_changed() {
    if !has_wasm_worker() {
        return;
    }
    let vm = vm_with(allowed(), &ending_with(3)).await;
    assert_eq!(answered(&vm, "./program; echo $? >&2; ./program").await, (Some(3), "3\n".to_owned()));
    vm.write_file("/workspace/program", ending_with(4)).await.unwrap();
    assert_eq!(answered(&vm, "./program").await.0, Some(4));
    // A real program, which uses what VMs give to programs.
    let ask = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/examples/ask.wasm");
    vm.write_file("/workspace/program", std::fs::read(ask).unwrap()).await.unwrap();
    assert_eq!(answered(&vm, "./program none").await, (Some(2), "ask: none: no such function\n".to_owned()));
    // At once, and by JavaScript.
    assert_eq!(answered(&vm, "for n in 1 2 3 4 5; do ./program & done; wait; exit 9").await.0, Some(9));
}

#[tokio::test]
async fn permissions_know_whatever_the_guest_has_made_by_one_name() {
    if !has_wasm_worker() {
        return;
    }
    let rules = json!({ "default": "allow", "rules": [{ "mode": "deny", "patterns": ["webassembly"] }] });
    let permissions = json!({ "permissions": { "webAssembly": "allow", "childProcess": rules } });
    let vm = vm_with(permissions, &ending_with(0)).await;
    // It cannot pass for something that may be started by its file's name.
    assert_eq!(answered(&vm, "cp program /tmp/ls; chmod +x /tmp/ls; /tmp/ls").await.0, Some(126));
    assert_eq!(answered(&vm, "ls").await.0, Some(0));
}

#[tokio::test]
async fn what_cannot_be_compiled_is_refused_with_its_reason_and_harms_nobody() {
    if !has_wasm_worker() {
        return;
    }
    let strange = assembled(r#"(module (import "env" "f" (func)) (func (export "_start") (call 0)))"#);
    let vm = vm_with(allowed(), &strange).await;
    let (exit, said) = answered(&vm, "./program").await;
    assert_eq!(exit, Some(126));
    assert!(said.starts_with("./program: ") && said.contains("env"), "{said}");
    vm.write_file("/workspace/program", &b"\0asm\x01\0\0\0damaged"[..]).await.unwrap();
    let (exit, said) = answered(&vm, "./program").await;
    assert!(exit == Some(126) && said.contains("section"), "{said}");
    // Nothing but the first bytes of a module.
    vm.write_file("/workspace/program", &b"\0asm"[..]).await.unwrap();
    assert_eq!(answered(&vm, "./program").await.0, Some(126));
    let too_long = "{ printf '\\0asm\\1\\0\\0\\0'; head -c 9000000 /dev/zero; } > program; ./program";
    let (exit, said) = answered(&vm, too_long).await;
    assert!(exit == Some(126) && said.contains("8388608 bytes"), "{said}");
    assert_eq!(answered(&vm, "exit 5").await.0, Some(5));
}

#[tokio::test]
async fn what_takes_too_much_to_compile_is_given_up() {
    if !has_wasm_worker() {
        return;
    }
    // A small module in which each of many loops, one in the other, may change each of many variables: of which value
    // is meant is one question for every pair.
    let (loops, variables) = (3000, 3000);
    let mut body = String::from("(module (memory (export \"memory\") 1) (func (export \"_start\") (local ");
    body.push_str(&"i32 ".repeat(variables));
    body.push_str(&format!(") {} ", "loop ".repeat(loops)));
    (0..variables)
        .for_each(|at| body.push_str(&format!("local.get {at} i32.const 1 i32.add local.set {at} ")));
    body.push_str(&format!("{} ))", "local.get 0 br_if 0 end ".repeat(loops)));
    let vm = vm_with(allowed(), &assembled(&body)).await;
    let (exit, said) = answered(&vm, "./program").await;
    assert_eq!(exit, Some(126), "{said}");
    assert!(said.contains("takes too much to compile"), "{said}");
    assert_eq!(answered(&vm, "exit 5").await.0, Some(5));
}

#[tokio::test]
async fn without_the_compiler_everything_else_works() {
    if !has_wasm_worker() {
        return;
    }
    let (folder, installation) = installation_with(&[]);
    std::fs::remove_file(folder.path().join("cordon-compiler")).unwrap();
    let supervisor = supervisor_at(installation);
    let client = Client::connect(&Embedded(supervisor)).await.unwrap();
    let vm = client.create_vm(config(allowed())).await.unwrap();
    vm.write_file("/workspace/program", ending_with(0)).await.unwrap();
    let (exit, said) = answered(&vm, "chmod +x program; ./program").await;
    assert!(exit == Some(126) && said.contains("cannot be compiled"), "{said}");
    assert_eq!(answered(&vm, "true").await.0, Some(0));
    let doctor = cordon(&["doctor"]).env("CORDON_WORKER_DIR", folder.path()).output().unwrap();
    assert!(text(&doctor.stdout).contains("cordon-compiler is missing"), "{}", text(&doctor.stdout));
}
