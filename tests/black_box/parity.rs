//! Both clients can do the same: `clients/parity.json` against the Rust client. The TypeScript client's tests check the
//! other column.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cordon::config::CreateVmConfig;
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

/// What the sources of the Rust client declare as public: types, and functions as `Type::function`.
fn rust_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(repository("src/client")).expect("src/client") {
        let path = entry.expect("an entry").path();
        let source = std::fs::read_to_string(&path).expect("a source file");
        let mut owner = "";
        for line in source.lines() {
            let word = |text: &str| text.split(['(', '<', ' ', '{', ';']).next().unwrap_or(text).to_owned();
            if let Some(rest) = line.strip_prefix("pub struct ") {
                names.insert(word(rest));
            } else if let Some(rest) = line.strip_prefix("impl") {
                let rest = if rest.starts_with('<') {
                    rest.split_once("> ").map_or(rest, |(_, rest)| rest)
                } else {
                    rest
                };
                let of = rest.split(" for ").last().unwrap_or(rest).trim_start();
                owner = of.split(['<', ' ', '{']).next().unwrap_or(of);
            }
            let Some(function) = line.strip_prefix("    pub ") else { continue };
            if let Some(name) = function.trim_start_matches("async ").strip_prefix("fn ") {
                names.insert(format!("{owner}::{}", word(name)));
            }
        }
    }
    names
}

#[test]
fn the_table_names_what_the_rust_client_has_and_all_of_it() {
    let parity = parity();
    let names = rust_names();
    let table: BTreeSet<&str> = parity
        .capabilities
        .iter()
        .flat_map(|row| &row.rust)
        .chain(parity.rust_only.keys())
        .map(String::as_str)
        .collect();
    for name in &table {
        let of = name.strip_prefix("drop(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(name);
        assert!(
            names.contains(of),
            "{name} is in clients/parity.json, and the Rust client has no such thing"
        );
    }
    // A type is there for its functions.
    for name in names.iter().filter(|name| name.contains("::")) {
        assert!(table.contains(name.as_str()), "{name} is not in clients/parity.json");
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
