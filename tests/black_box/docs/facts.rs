//! What pages say of defaults, ranges, messages, codes and commands, compared with the code.

use std::collections::BTreeSet;

use cordon::config::CreateVmConfig;
use cordon::wire;
use protocol::policy;
use serde_json::{Value, json};

use super::page::{self, spans};

/// Paths of all values of a configuration.
fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                leaves(field, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// A configuration with one limit set, and the others such that they are in nobody's way.
fn limited(path: &str, value: i128) -> Value {
    let name = path.strip_prefix("limits.").unwrap();
    let mut limits = match name {
        "heapBytes" => json!({ "memoryBytes": 64u64 << 30 }),
        _ => json!({ "heapBytes": 8u64 << 20 }),
    };
    let value: Value = serde_json::from_str(&value.to_string()).unwrap();
    match name.split_once('.') {
        Some((set, name)) => limits[set][name] = value,
        None => limits[name] = value,
    }
    json!({ "limits": limits })
}

#[test]
fn defaults_and_ranges_are_those_of_the_code() {
    let defaults = serde_json::to_value(CreateVmConfig::default()).unwrap();
    let mut documented = BTreeSet::new();
    for name in ["docs/configuration.md", "docs/network.md", "docs/permissions.md"] {
        for table in page::read(name).tables() {
            let (Some(field), Some(default)) = (table.column("Field"), table.column("Default")) else {
                continue;
            };
            let bounds = table.column("Least").zip(table.column("Most"));
            for row in &table.rows {
                let (Some(path), Some(shown)) =
                    (spans(&row[field]).first().copied(), spans(&row[default]).first().copied())
                else {
                    continue;
                };
                // Parts of one mount are not part of the defaults.
                let Some(real) = defaults.pointer(&pointer(path)) else {
                    assert_eq!(path, "readOnly", "{name}: there is no field {path}");
                    continue;
                };
                let shown: Value =
                    serde_json::from_str(shown).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
                assert_eq!(&shown, real, "{name}: the default of {path}");
                documented.insert(path.to_owned());
                if let Some((least, most)) = bounds {
                    let number = |cell: &str| -> i128 { spans(cell)[0].parse().unwrap() };
                    let (least, most) = (number(&row[least]), number(&row[most]));
                    for (value, allowed) in
                        [(least - 1, false), (least, true), (most, true), (most + 1, false)]
                    {
                        let read = CreateVmConfig::from_json(&limited(path, value));
                        match read {
                            Ok(_) => assert!(allowed, "{name}: {path} may be {value}"),
                            Err(error) => {
                                assert!(!allowed, "{name}: {path} may not be {value}: {error}");
                                assert_eq!(error.path, path, "{name}");
                            }
                        }
                    }
                }
            }
        }
    }
    let mut all = BTreeSet::new();
    leaves(&defaults, "", &mut all);
    assert_eq!(documented, all, "the tables against the configuration");
    let mount: cordon::config::Mount =
        serde_json::from_value(json!({ "host": "/h", "guest": "/g" })).unwrap();
    assert!(mount.read_only, "docs/configuration.md says that readOnly is true");
}

#[test]
fn limits_are_shown_in_units_that_agree_with_their_numbers() {
    let pages = ["docs/configuration.md", "docs/network.md"];
    for table in pages.iter().flat_map(|name| page::read(name).tables()) {
        for cell in table.rows.iter().flatten() {
            let Some((number, words)) = cell.split_once("` (").and_then(|(number, rest)| {
                Some((number.strip_prefix('`')?.parse::<u64>().ok()?, rest.strip_suffix(')')?))
            }) else {
                continue;
            };
            let (count, unit) = words.split_once(' ').unwrap();
            let unit = match unit {
                "MiB" => 1 << 20,
                "GiB" => 1 << 30,
                "s" => 1000,
                "min" => 60_000,
                "day" => 86_400_000,
                other => panic!("{cell}: {other}"),
            };
            assert_eq!(count.parse::<u64>().unwrap() * unit, number, "{cell}");
        }
    }
}

#[test]
fn operations_of_files_are_all_named() {
    use policy::FsOperation::{Create, Execute, List, Read, Remove, Stat, Write};
    let named: BTreeSet<String> = [Read, Write, Create, Remove, Stat, List, Execute]
        .iter()
        .map(|operation| serde_json::to_value(operation).unwrap().as_str().unwrap().to_owned())
        .collect();
    let page = page::read("docs/permissions.md");
    let row = page.prose.iter().find(|line| line.starts_with("| `permissions.fs`")).unwrap();
    let shown: BTreeSet<String> =
        spans(row.split('|').nth(4).unwrap()).into_iter().map(str::to_owned).collect();
    assert_eq!(shown, named);
}

/// The words of a block that is a list.
fn listed(name: &str, word: &str) -> BTreeSet<String> {
    let page = page::read(name);
    let block = page.blocks.iter().find(|block| block.words.iter().any(|own| own == word)).unwrap();
    block.text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn commands_of_a_vm_are_all_listed() {
    let applets = artifact::applets::MULTI_CALL
        .iter()
        .flat_map(|known| known.utilities)
        .map(|&name| name.to_owned())
        .collect();
    assert_eq!(listed("docs/shell.md", "applets"), applets, "docs/shell.md against src/artifact/applets.rs");
    let source = source("guest-shim/sh/src/builtins/mod.rs");
    let builtins: BTreeSet<String> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("special(\"").or(line.trim().strip_prefix("regular(\"")))
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect();
    assert!(builtins.len() > 30, "{builtins:?}");
    assert_eq!(
        listed("docs/shell.md", "builtins"),
        builtins,
        "docs/shell.md against guest-shim/sh/src/builtins"
    );
}

fn source(path: &str) -> String {
    std::fs::read_to_string(page::repository().join(path)).unwrap()
}

#[test]
fn constants_of_the_protocol_are_those_of_the_code() {
    let real = [
        ("PROTOCOL_VERSION", u64::from(wire::PROTOCOL_VERSION)),
        ("FRAME_BYTES_MAX", wire::FRAME_BYTES_MAX as u64),
        ("INITIAL_CREDIT", wire::INITIAL_CREDIT),
        ("INPUT_WINDOW", wire::INPUT_WINDOW),
        ("READ_FILE_BYTES_MAX", wire::READ_FILE_BYTES_MAX),
        ("CONNECT_WAIT_MS_MAX", wire::CONNECT_WAIT_MS_MAX),
        ("CONNECT_TIME_MS", wire::CONNECT_TIME_MS),
    ];
    let tables = page::read("docs/wire.md").tables();
    let table = tables.iter().find(|table| table.columns[0] == "Constant").unwrap();
    let shown: Vec<(&str, u64)> =
        table.rows.iter().map(|row| (spans(&row[0])[0], spans(&row[1])[0].parse().unwrap())).collect();
    assert_eq!(shown, real);
}

#[test]
fn error_codes_are_all_explained() {
    // Constants of a module cannot be listed; its text can.
    let codes = |path: &str| -> BTreeSet<String> {
        let text = source(path);
        let values =
            text.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": &str = \""));
        values.filter_map(|(_, rest)| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    let mut real = codes("src/protocol/wire/execution.rs");
    real.extend(codes("src/isolate/run/outcome.rs"));
    assert!(real.len() > 20);
    let shown: BTreeSet<String> = page::read("docs/wire.md")
        .tables()
        .iter()
        .filter(|table| table.columns[0] == "Code")
        .flat_map(|table| table.rows.iter().map(|row| spans(&row[0])[0].to_owned()))
        .collect();
    assert_eq!(shown, real);
}

#[test]
fn every_error_code_is_given_somewhere() {
    let mut code = String::new();
    super::links::sources(&page::repository().join("src"), &mut code);
    for path in ["src/protocol/wire/execution.rs", "src/isolate/run/outcome.rs"] {
        let text = source(path);
        let names = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": &str = \"ERR_"));
        for (name, _) in names {
            assert!(code.contains(&format!("::{name}")), "{name} of {path} is given by nothing");
        }
    }
}

/// The variants of an enum as they are called on the wire.
fn variants(text: &str, name: &str) -> Vec<String> {
    let body = text.split_once(&format!("pub enum {name} {{")).unwrap().1.split_once("\n}").unwrap().0;
    let names = body.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(" {"));
    names
        .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains(' '))
        .map(|(name, _)| name[..1].to_lowercase() + &name[1..])
        .collect()
}

#[test]
fn messages_of_the_protocol_are_all_explained() {
    let text = source("src/protocol/wire/message.rs");
    let page = page::read("docs/wire.md").prose.join("\n");
    let mut found = 0;
    for name in ["ClientMessage", "Request", "VmRequest", "ServerMessage", "Response", "VmResponse"] {
        for variant in variants(&text, name) {
            assert!(
                spans(&page).contains(&variant.as_str()),
                "docs/wire.md does not explain `{variant}` of {name}"
            );
            found += 1;
        }
    }
    assert!(found > 35, "only {found} messages were found");
}

#[test]
fn versions_are_those_that_are_pinned() {
    let manifest = source("Cargo.toml");
    let pinned = |name: &str| {
        let is_pinned = |line: &&str| line.starts_with(&format!("{name} = ")) && line.contains("\"=");
        let line = manifest.lines().find(is_pinned).unwrap();
        line.split('"').nth(1).unwrap().trim_start_matches('=').to_owned()
    };
    let engines = page::read("docs/engine-versions.md").prose.join("\n");
    for name in ["v8", "wasmtime"] {
        assert!(
            engines.contains(&format!("`{name}` {}, pinned exactly", pinned(name))),
            "{name} {}",
            pinned(name)
        );
    }
    let platforms = page::read("docs/supported-platforms.md").prose.join("\n");
    let rust = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .unwrap()
        .trim_end_matches('"');
    assert!(platforms.contains(&format!("Rust {rust} to build")), "{rust}");
    let package: Value = serde_json::from_str(&source("clients/typescript/package.json")).unwrap();
    let node = package["engines"]["node"].as_str().unwrap().trim_start_matches(">=");
    assert!(platforms.contains(&format!("Node {node} or newer")), "{node}");
}

#[test]
fn gaps_of_the_filter_are_told_as_they_are() {
    let filter = source("src/enclosure/seccomp.json");
    let page = page::read("docs/security-model.md").prose.join("\n");
    let rules: Value = serde_json::from_str(&filter).unwrap();
    let allowed: Vec<&str> = rules["allowed"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["calls"].as_array().unwrap())
        .map(|call| call.as_str().unwrap())
        .collect();
    for (call, is_a_gap) in [("memfd_create", false), ("fork", false), ("vfork", false), ("clone3", false)] {
        assert_eq!(allowed.contains(&call), is_a_gap, "{call} in seccomp.json");
        assert_eq!(spans(&page).contains(&call), is_a_gap, "{call} in docs/security-model.md");
    }
}

#[test]
fn commands_come_from_where_the_table_says() {
    let lock = source("guest-shim/Cargo.lock");
    let locked =
        |name: &str, version: &str| lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n"));
    let page = page::read("docs/commands.md");
    let mut documented = BTreeSet::new();
    for table in page.tables() {
        let Some(command) = table.column("Command") else { continue };
        let origin = table.column("Crate").unwrap();
        let version = table.column("Version").unwrap();
        for row in &table.rows {
            documented.extend(spans(&row[command]).into_iter().map(str::to_owned));
            match spans(&row[origin]).first() {
                Some(name) => assert!(locked(name, row[version].trim()), "{name} {}", row[version]),
                None => assert_eq!(row[origin].trim(), "cordon"),
            }
        }
    }
    let others = artifact::applets::MULTI_CALL.iter().filter(|known| known.module != "coreutils");
    let known = others.flat_map(|known| known.utilities).map(|&name| name.to_owned()).collect();
    assert_eq!(documented, known, "docs/commands.md against src/artifact/applets.rs");
}

/// Sizes may drift so far, by compilers and crates, before the page has to be written anew: with `CORDON_UPDATE=1`.
const SIZE_DRIFT: f64 = 0.1;

#[test]
fn modules_are_as_large_as_the_table_says() {
    const HEAD: &str = "| Module | Size | Commands |\n| --- | --- | --- |\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let mut rows = vec![];
    let shell = ("sh", "`sh` `bash`".to_owned());
    let others = artifact::applets::MULTI_CALL.iter().map(|known| {
        let all = known.utilities.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
        (
            known.module,
            if known.module == "coreutils" {
                "those of [coreutils](shell.md#the-utilities)".into()
            } else {
                all
            },
        )
    });
    for (module, commands) in std::iter::once(shell).chain(others) {
        let file = crate::common::directory().join(format!("commands/{module}.wasm"));
        rows.push((module, std::fs::metadata(&file).unwrap().len() as f64 / 1e6, commands));
    }
    if std::env::var_os("CORDON_UPDATE").is_some() {
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(HEAD).unwrap();
        let after =
            rest.split_once("\n\n").map_or(rest, |(rows, after)| if rows.is_empty() { rest } else { after });
        let lines: String = rows
            .iter()
            .map(|(module, size, commands)| format!("| `{module}` | {size:.1} MB | {commands} |\n"))
            .collect();
        std::fs::write(&path, format!("{before}{HEAD}{lines}\n{}", after.trim_start())).unwrap();
    }
    let page = page::read("docs/commands.md");
    let table = page.tables().into_iter().find(|table| table.column("Module").is_some()).unwrap();
    assert_eq!(table.rows.len(), rows.len());
    for (row, (module, size, commands)) in table.rows.iter().zip(rows) {
        assert_eq!((row[0].trim(), row[2].trim()), (format!("`{module}`").as_str(), commands.as_str()));
        let told: f64 = row[1].trim().strip_suffix(" MB").unwrap().parse().unwrap();
        assert!((told - size).abs() <= (size * SIZE_DRIFT).max(0.1), "{module}: {told} MB, is {size:.1} MB");
    }
}
