//! Lays Node's standard library out for the executable: each module as V8 takes it, so that nothing is unpacked or copied
//! when it is used.
//!
//! Reads the folder that `scripts/node-lib.sh` writes (`CORDON_NODE_LIB`, else `target/node-lib/out` of the workspace).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

mod wrapping;

/// How hard to compress: the packing is part of every build.
const LEVEL: i32 = 9;

fn main() {
    println!("cargo::rerun-if-env-changed=CORDON_NODE_LIB");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = env::var_os("CORDON_NODE_LIB").map_or(root.join("target/node-lib/out"), PathBuf::from);
    println!("cargo::rerun-if-changed={}", folder.join("facts.json").display());
    let read = |name: &str| {
        fs::read(folder.join(name)).unwrap_or_else(|error| {
            panic!("{}: {error}; scripts/node-lib.sh makes it", folder.join(name).display())
        })
    };
    let facts: serde_json::Value = serde_json::from_slice(&read("facts.json")).expect("facts.json is JSON");
    let mut ids: Vec<&str> =
        facts["ids"].as_array().expect("a list of modules").iter().filter_map(|id| id.as_str()).collect();
    ids.sort_unstable();
    let mut texts = Vec::new();
    let mut table = String::from("&[\n");
    for id in ids {
        let text = String::from_utf8(read(&format!("lib/{id}.js"))).expect("sources are UTF-8");
        // What V8 can take as it is, one byte for each character; the few other texts stay UTF-8.
        let narrow: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let bytes = narrow.as_deref().unwrap_or(text.as_bytes());
        let (before, after) = wrapping::around(id);
        let at = texts.len();
        for part in [before.as_bytes(), bytes, after.as_bytes()] {
            texts.extend_from_slice(part);
        }
        let (end, before, after) = (texts.len(), before.len(), after.len());
        let (narrow, checksum) = (narrow.is_some(), crc32fast::hash(&texts[at..]));
        writeln!(
            table,
            "    Laid {{ id: {id:?}, narrow: {narrow}, at: {at}, end: {end}, before: {before}, after: {after}, \
             checksum: {checksum} }},"
        )
            .expect("a string takes all");
    }
    table.push_str("]\n");
    let roots = read("roots.pem");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("modules.bin"), texts).expect("OUT_DIR can be written to");
    fs::write(out.join("modules.rs"), table).expect("OUT_DIR can be written to");
    let roots = zstd::bulk::compress(&roots, LEVEL).expect("zstd compresses");
    fs::write(out.join("roots.zst"), roots).expect("OUT_DIR can be written to");
    for kind in ["bindings", "answers"] {
        // They are searched.
        let facts: BTreeMap<_, _> = facts[kind].as_object().expect("facts by their names").iter().collect();
        let mut table = String::from("&[\n");
        for (name, fact) in facts {
            let json = fact.to_string();
            writeln!(table, "    Told {{ name: {name:?}, json: {json:?} }},").expect("a string takes all");
        }
        table.push_str("]\n");
        fs::write(out.join(format!("{kind}.rs")), table).expect("OUT_DIR can be written to");
    }
}
