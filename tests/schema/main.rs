//! What other languages rely on: the generated TypeScript types, the JSON Schema of the configuration, the golden wire
//! vectors.
//!
//! Each test compares a committed file with what the code says. `CORDON_UPDATE=1 cargo test -p cordon-protocol --features
//! schema` rewrites those that are generated.

mod configs;
mod generated;
mod guest_types;
mod json;
mod messages;
mod ranges;
mod samples;

use std::path::PathBuf;

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares a generated file with what is committed, or writes it when told to.
#[track_caller]
fn check_generated(path: &str, expected: &str) {
    let file = repository(path);
    if std::env::var_os("CORDON_UPDATE").is_some_and(|value| value == "1") {
        let folder = file.parent().expect("a file of the repository lies in a folder");
        std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        std::fs::write(&file, expected).unwrap_or_else(|error| panic!("{path}: {error}"));
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    if committed == expected {
        return;
    }
    let line = 1 + committed.lines().zip(expected.lines()).take_while(|(old, new)| old == new).count();
    panic!(
        "{path} is out of date from line {line} on:\n  committed: {:?}\n  generated: {:?}\n\
         run CORDON_UPDATE=1 cargo test -p cordon-protocol --features schema, and commit what changes",
        committed.lines().nth(line - 1).unwrap_or("(end)"),
        expected.lines().nth(line - 1).unwrap_or("(end)"),
    );
}
