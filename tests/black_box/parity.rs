//! Both clients can do the same: `clients/parity.json` against the Rust client. The TypeScript client's tests check the
//! other column.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cordon::client::{
    Call, Client, Context, Embedded, Execute, FileReader, FileWriter, HostFunctions, Sidecar, Socket, Stdin,
    Stream, Vm,
};
use cordon::config::{CreateVmConfig, Mount};
use cordon::wire::{ExecutionOptions, VmRequest};
use serde::Deserialize;
use serde_json::Value;

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parity {
    capabilities: Vec<Capability>,
    shorthands: BTreeMap<String, String>,
    rust_only: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Capability {
    name: String,
    covers: Vec<String>,
    rust: Vec<String>,
    typescript: Vec<String>,
}

fn parity() -> Parity {
    let text = std::fs::read_to_string(repository("clients/parity.json")).expect("clients/parity.json");
    serde_json::from_str(&text).expect("clients/parity.json has its shape")
}

/// Uses each name so that it must exist, with the arguments that matter; never called.
macro_rules! uses {
    ($($name:literal => $use:expr,)*) => {{
        $(let _ = $use;)*
        [$($name),*]
    }};
}

fn rust_names() -> BTreeSet<&'static str> {
    let names = uses! {
        "Client::connect" => |target: &Sidecar| drop(Client::connect(target)),
        "Client::over" => Client::over,
        "Client::create_vm" => Client::create_vm,
        "Client::create_vm_with" => Client::create_vm_with,
        "Client::create_vm_from_json" => Client::create_vm_from_json,
        "drop(Client)" => drop::<Client>,
        "Stream::new" => |reader: tokio::io::Empty, writer: tokio::io::Sink| Stream::new(reader, writer),
        "Sidecar" => |target: &Sidecar| drop(Client::connect(target)),
        "Socket" => |target: &Socket| drop(Client::connect(target)),
        "Embedded" => |target: &Embedded| drop(Client::connect(target)),
        "Embedded::find" => Embedded::find,
        "HostFunctions::new" => HostFunctions::new,
        "HostFunctions::with" => |functions: HostFunctions| {
            functions.with("name", |input: Value| async move { Ok::<Value, String>(input) })
        },
        "HostFunctions::names" => |functions: &HostFunctions| functions.names().count(),
        "Vm::engine" => Vm::engine,
        "Vm::engine_report" => Vm::engine_report,
        "Vm::evaluate" => Vm::evaluate::<Value>,
        "Vm::evaluate_with" => |vm: &Vm, execute: Execute| drop(vm.evaluate_with("", execute)),
        "Vm::execute" => |vm: &Vm, execute: Execute| drop(vm.execute("", execute)),
        "Vm::execute_file" => |vm: &Vm, options: ExecutionOptions| drop(vm.execute_file("", options)),
        "Vm::spawn" => |vm: &Vm, options: ExecutionOptions| drop(vm.spawn("", &[], options)),
        "Vm::start" => |vm: &Vm, request: VmRequest| vm.start(request).map(drop),
        "Vm::kill" => Vm::kill,
        "Vm::create_context" => Vm::create_context,
        "Vm::read_file" => Vm::read_file,
        "Vm::read_file_stream" => Vm::read_file_stream,
        "Vm::write_file" => |vm: &Vm| drop(vm.write_file("", "")),
        "Vm::write_file_stream" => Vm::write_file_stream,
        "Vm::stat" => Vm::stat,
        "Vm::lstat" => Vm::lstat,
        "Vm::list" => Vm::list,
        "Vm::mkdir" => Vm::mkdir,
        "Vm::remove" => Vm::remove,
        "Vm::rename" => Vm::rename,
        "Vm::mount" => |vm: &Vm, mount: Mount| drop(vm.mount(mount)),
        "Vm::unmount" => Vm::unmount,
        "Vm::dispose" => Vm::dispose,
        "Call::pid" => Call::pid,
        "Call::stdin" => Call::stdin,
        "Call::next_output" => Call::next_output,
        "Call::cancel" => Call::cancel,
        "Call::result" => Call::result,
        "FileReader::next" => FileReader::next,
        "FileReader::rest" => FileReader::rest,
        "FileWriter::write" => FileWriter::write,
        "FileWriter::finish" => FileWriter::finish,
        "Stdin::write" => Stdin::write,
        "Stdin::close" => Stdin::close,
        "Context::evaluate" => Context::evaluate::<Value>,
        "Context::evaluate_with" => Context::evaluate_with,
        "Context::execute" => Context::execute,
        "Context::reset" => Context::reset,
        "Context::dispose" => Context::dispose,
    };
    names.into()
}

#[test]
fn the_table_names_what_the_rust_client_has() {
    let parity = parity();
    let table: BTreeSet<&str> = parity
        .capabilities
        .iter()
        .flat_map(|row| &row.rust)
        .chain(parity.rust_only.keys())
        .map(String::as_str)
        .collect();
    assert_eq!(table, rust_names());
}

#[test]
fn every_public_function_of_the_rust_client_is_in_the_table() {
    let names = rust_names();
    let folder = repository("src/client");
    for entry in std::fs::read_dir(&folder).expect("src/client") {
        let path = entry.expect("an entry").path();
        let source = std::fs::read_to_string(&path).expect("a source file");
        let mut owner = "";
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("impl") {
                let rest = if rest.starts_with('<') {
                    rest.split_once("> ").map_or(rest, |(_, rest)| rest)
                } else {
                    rest
                };
                let of = rest.split(" for ").last().unwrap_or(rest).trim_start();
                owner = of.split(['<', ' ', '{']).next().unwrap_or(of);
            }
            let Some(function) = line.strip_prefix("    pub ") else { continue };
            let Some(name) = function.trim_start_matches("async ").strip_prefix("fn ") else { continue };
            let name = name.split(['(', '<']).next().unwrap_or(name);
            let full = format!("{owner}::{name}");
            assert!(
                names.contains(full.as_str()),
                "{full} of {} is not in clients/parity.json",
                path.display()
            );
        }
    }
}

#[test]
fn every_kind_of_message_is_covered_by_both_clients() {
    let parity = parity();
    let covered: BTreeSet<&str> =
        parity.capabilities.iter().flat_map(|row| &row.covers).map(String::as_str).collect();
    // The golden vectors have every kind of message, which the tests of the schema hold.
    let text = std::fs::read_to_string(repository("tests/vectors/messages.json")).expect("the vectors");
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("the vectors are JSON");
    let sent = vectors.iter().filter(|vector| vector["direction"] == "toSidecar");
    let kinds = sent.flat_map(|vector| {
        let message = &vector["json"];
        [message, &message["body"], &message["body"]["request"]].map(|value| value["type"].as_str())
    });
    // Requests and requests to a VM are envelopes.
    let kinds: BTreeSet<&str> = kinds.flatten().filter(|kind| !["request", "vm"].contains(kind)).collect();
    assert_eq!(covered, kinds);
    for row in &parity.capabilities {
        assert!(!row.rust.is_empty() && !row.typescript.is_empty(), "{} is missing on one side", row.name);
    }
}

#[test]
fn shorthands_stand_for_capabilities_that_both_have() {
    let parity = parity();
    for (shorthand, name) in &parity.shorthands {
        assert!(
            parity.capabilities.iter().any(|row| row.name == *name),
            "{shorthand} stands for {name:?}, which is none"
        );
    }
    for (name, reason) in &parity.rust_only {
        assert!(!reason.is_empty(), "{name} needs a reason");
    }
}

#[test]
fn the_key_is_web_assembly_in_rust_and_camel_case_on_the_wire() {
    let config = CreateVmConfig::default();
    let json = serde_json::to_value(&config).expect("JSON");
    assert_eq!(
        json["permissions"]["webAssembly"],
        serde_json::to_value(config.permissions.web_assembly).expect("JSON")
    );
}
