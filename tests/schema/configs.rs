//! `tests/vectors/configs.json`: configurations, and what becomes of each.

use protocol::config::CreateVmConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::check_generated;
use crate::json::Sorted;

const FILE: &str = "tests/vectors/configs.json";

#[derive(Serialize, Deserialize)]
struct Vector {
    name: String,
    config: Sorted,
    expected: Expected,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Expected {
    /// The configuration with every default filled in.
    Accepted(Sorted),
    /// The field that is wrong, and why.
    Refused { field: String, message: String },
}

/// Whether a case must be accepted, or which field must be named.
type Verdict = Result<(), &'static str>;

fn cases() -> Vec<(&'static str, Value, Verdict)> {
    let permissions = |value: Value| json!({ "permissions": value });
    let network = |rules: Value| permissions(json!({ "network": { "rules": rules } }));
    vec![
        ("omitted", json!({}), Ok(())),
        ("denied", permissions(json!({ "webAssembly": "deny" })), Ok(())),
        ("allowed", permissions(json!({ "webAssembly": "allow" })), Ok(())),
        ("no permissions at all", permissions(json!({})), Ok(())),
        ("an unknown string", permissions(json!({ "webAssembly": "maybe" })), Err("permissions.webAssembly")),
        ("another spelling", permissions(json!({ "webAssembly": "Allow" })), Err("permissions.webAssembly")),
        ("a boolean", permissions(json!({ "webAssembly": true })), Err("permissions.webAssembly")),
        ("null", permissions(json!({ "webAssembly": null })), Err("permissions.webAssembly")),
        ("a list", permissions(json!({ "webAssembly": ["allow"] })), Err("permissions.webAssembly")),
        ("a number", permissions(json!({ "webAssembly": 1 })), Err("permissions.webAssembly")),
        (
            "rules where there are none",
            permissions(json!({ "webAssembly": { "rules": [] } })),
            Err("permissions.webAssembly"),
        ),
        (
            "the Rust name on the wire",
            permissions(json!({ "web_assembly": "allow" })),
            Err("permissions.web_assembly"),
        ),
        ("directories of commands", json!({ "commandDirectories": ["/opt/tools", "/srv/tools"] }), Ok(())),
        (
            "a relative directory of commands",
            json!({ "commandDirectories": ["/opt/tools", "tools"] }),
            Err("commandDirectories[1]"),
        ),
        (
            "too many directories of commands",
            json!({ "commandDirectories": vec!["/opt/tools"; 17] }),
            Err("commandDirectories"),
        ),
        ("jitless", permissions(json!({ "jit": "deny" })), Ok(())),
        (
            "jitless with WebAssembly",
            permissions(json!({ "jit": "deny", "webAssembly": "allow" })),
            Err("permissions.webAssembly"),
        ),
        (
            "WebAssembly absent and allowed",
            json!({ "permissions": { "webAssembly": "allow" }, "engine": { "webAssemblyDenial": "absent" } }),
            Err("engine.webAssemblyDenial"),
        ),
        ("WebAssembly absent", json!({ "engine": { "webAssemblyDenial": "absent" } }), Ok(())),
        ("an unknown field", json!({ "permission": {} }), Err("permission")),
        ("an unknown scope", permissions(json!({ "fileSystem": "deny" })), Err("permissions.fileSystem")),
        ("an unknown field of the engine", json!({ "engine": { "snapshot": "x" } }), Err("engine.snapshot")),
        (
            "rules",
            permissions(json!({
                "fs": {
                    "default": "deny",
                    "rules": [
                        { "mode": "allow", "operations": ["read", "stat", "list"], "paths": ["/workspace/**"] },
                        { "mode": "deny", "paths": ["/workspace/secret"] },
                    ],
                },
                "hostFunctions": { "rules": [{ "mode": "deny", "patterns": ["admin.*"] }] },
                "childProcess": { "default": "deny", "rules": [{ "mode": "allow", "patterns": ["sh", "l*"] }] },
            })),
            Ok(()),
        ),
        (
            "an unknown operation",
            permissions(json!({ "fs": { "rules": [{ "mode": "deny", "operations": ["chmod"] }] } })),
            Err("permissions.fs.rules[0].operations[0]"),
        ),
        (
            "a broken glob",
            permissions(json!({ "env": { "rules": [{ "mode": "deny", "patterns": ["A*", "[A"] }] } })),
            Err("permissions.env.rules[0].patterns[1]"),
        ),
        (
            "a path that is not absolute",
            permissions(json!({ "fs": { "rules": [{ "mode": "deny", "paths": ["/data/**", "data/**"] }] } })),
            Err("permissions.fs.rules[0].paths[1]"),
        ),
        (
            "a path with a part that resolves to another",
            permissions(
                json!({ "fs": { "rules": [{ "mode": "allow" }, { "mode": "deny", "paths": ["/a/../b/*"] }] } }),
            ),
            Err("permissions.fs.rules[1].paths[0]"),
        ),
        (
            "a directory with a slash behind it",
            permissions(json!({ "fs": { "rules": [{ "mode": "deny", "paths": ["/data/"] }] } })),
            Err("permissions.fs.rules[0].paths[0]"),
        ),
        (
            "a program by its path",
            permissions(
                json!({ "childProcess": { "rules": [{ "mode": "deny", "patterns": ["/bin/rm"] }] } }),
            ),
            Err("permissions.childProcess.rules[0].patterns[0]"),
        ),
        (
            "a signal by half its name",
            permissions(
                json!({ "process": { "rules": [{ "mode": "deny", "patterns": ["SIG*", "KILL"] }] } }),
            ),
            Err("permissions.process.rules[0].patterns[1]"),
        ),
        (
            "a variable with its value",
            permissions(json!({ "env": { "rules": [{ "mode": "deny", "patterns": ["TOKEN=*"] }] } })),
            Err("permissions.env.rules[0].patterns[0]"),
        ),
        (
            "a host function that can have no such name",
            permissions(
                json!({ "hostFunctions": { "rules": [{ "mode": "deny", "patterns": ["orders/*"] }] } }),
            ),
            Err("permissions.hostFunctions.rules[0].patterns[0]"),
        ),
        (
            "a host function that is not registered",
            permissions(
                json!({ "hostFunctions": { "rules": [{ "mode": "deny", "patterns": ["orders.list"] }] } }),
            ),
            Ok(()),
        ),
        (
            "an operation of another scope",
            permissions(json!({ "env": { "rules": [{ "mode": "deny", "operations": ["read", "write"] }] } })),
            Err("permissions.env.rules[0].operations[1]"),
        ),
        ("the network allowed", permissions(json!({ "network": "allow" })), Ok(())),
        ("a network that is neither", permissions(json!({ "network": "maybe" })), Err("permissions.network")),
        (
            "rules of the network",
            network(json!([
                { "mode": "deny", "hosts": ["Secret.Example.ORG.", "*.münchen.de"] },
                { "mode": "allow", "operations": ["connect", "dns"], "hosts": ["*.example.org", "::ffff:10.0.0.5"],
                  "ports": [443, "8000-8100", "80-80"] },
                { "mode": "allow", "hosts": ["10.1.0.0/16", "fd00::/8"] },
                { "mode": "allow", "operations": ["http"], "hosts": ["api.example.com"], "ports": [443],
                  "methods": ["GET", "POST"], "paths": ["/v1/**"], "schemes": ["https"] },
            ])),
            Ok(()),
        ),
        (
            "an unknown operation of the network",
            network(json!([{ "mode": "allow", "operations": ["connect", "listen"] }])),
            Err("permissions.network.rules[0].operations[1]"),
        ),
        (
            "patterns where there are hosts",
            network(json!([{ "mode": "allow", "patterns": ["example.org:443"] }])),
            Err("permissions.network.rules[0].patterns"),
        ),
        (
            "a host with a port",
            network(json!([{ "mode": "allow", "hosts": ["example.org", "example.org:443"] }])),
            Err("permissions.network.rules[0].hosts[1]"),
        ),
        (
            "a star within a name",
            network(json!([{ "mode": "allow" }, { "mode": "deny", "hosts": ["api.*.org"] }])),
            Err("permissions.network.rules[1].hosts[0]"),
        ),
        (
            "a prefix with more bits than its length",
            network(json!([{ "mode": "allow", "hosts": ["10.1.2.3/8"] }])),
            Err("permissions.network.rules[0].hosts[0]"),
        ),
        (
            "a name that ends in a number",
            network(json!([{ "mode": "allow", "hosts": ["1.2.3.4.5"] }])),
            Err("permissions.network.rules[0].hosts[0]"),
        ),
        (
            "the VM itself",
            network(json!([{ "mode": "allow", "hosts": ["localhost"] }])),
            Err("permissions.network.rules[0].hosts[0]"),
        ),
        (
            "a host that is no text",
            network(json!([{ "mode": "allow", "hosts": [1] }])),
            Err("permissions.network.rules[0].hosts[0]"),
        ),
        (
            "port 0",
            network(json!([{ "mode": "allow", "ports": [80, 0] }])),
            Err("permissions.network.rules[0].ports[1]"),
        ),
        (
            "a port beyond the last",
            network(json!([{ "mode": "allow", "ports": [65536] }])),
            Err("permissions.network.rules[0].ports[0]"),
        ),
        (
            "a negative port",
            network(json!([{ "mode": "allow", "ports": [-1] }])),
            Err("permissions.network.rules[0].ports[0]"),
        ),
        (
            "a range of ports backwards",
            network(json!([{ "mode": "allow", "ports": ["8100-8000"] }])),
            Err("permissions.network.rules[0].ports[0]"),
        ),
        (
            "a port by its name",
            network(json!([{ "mode": "allow", "ports": ["https"] }])),
            Err("permissions.network.rules[0].ports[0]"),
        ),
        (
            "methods for any bytes",
            network(json!([{ "mode": "allow", "hosts": ["example.org"], "methods": ["GET"] }])),
            Err("permissions.network.rules[0].methods"),
        ),
        (
            "paths for two operations",
            network(json!([{ "mode": "deny", "operations": ["http", "connect"], "paths": ["/a"] }])),
            Err("permissions.network.rules[0].paths"),
        ),
        (
            "a method in lower case",
            network(json!([{ "mode": "allow", "operations": ["http"], "methods": ["GET", "post"] }])),
            Err("permissions.network.rules[0].methods[1]"),
        ),
        (
            "a method that asks for a tunnel",
            network(json!([{ "mode": "allow", "operations": ["http"], "methods": ["CONNECT"] }])),
            Err("permissions.network.rules[0].methods[0]"),
        ),
        (
            "a path of an URL that is encoded",
            network(json!([{ "mode": "allow", "operations": ["http"], "paths": ["/a%20b"] }])),
            Err("permissions.network.rules[0].paths[0]"),
        ),
        (
            "a path of an URL with a part that resolves to another",
            network(json!([{ "mode": "allow", "operations": ["http"], "paths": ["/a/", "/a/../b"] }])),
            Err("permissions.network.rules[0].paths[1]"),
        ),
        (
            "another scheme",
            network(json!([{ "mode": "allow", "operations": ["http"], "schemes": ["ftp"] }])),
            Err("permissions.network.rules[0].schemes[0]"),
        ),
        (
            "a rule of HTTP where any bytes may go",
            network(json!([
                { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["GET"] },
                { "mode": "allow", "hosts": ["*.example.org"] },
            ])),
            Err("permissions.network.rules[0]"),
        ),
        (
            "a rule of HTTP where connections are denied before",
            network(json!([
                { "mode": "deny", "operations": ["connect"], "hosts": ["api.example.org"] },
                { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["GET"] },
                { "mode": "allow", "operations": ["connect", "dns"], "hosts": ["*.example.org"] },
            ])),
            Ok(()),
        ),
        (
            "limits of the network",
            json!({ "limits": { "network": { "connections": 8, "lookups": 60, "bytesIn": 1_000_000, "bytesOut": 0,
                "connectMs": 1000, "idleMs": 1000 } } }),
            Ok(()),
        ),
        (
            "a limit of the network beyond its range",
            json!({ "limits": { "network": { "connections": 4097 } } }),
            Err("limits.network.connections"),
        ),
        (
            "an unknown limit of the network",
            json!({ "limits": { "network": { "sockets": 1 } } }),
            Err("limits.network.sockets"),
        ),
        (
            "limits of the network without names",
            json!({ "limits": { "network": [1] } }),
            Err("limits.network"),
        ),
        (
            "an unknown field of a rule",
            permissions(json!({ "fs": { "rules": [{ "mode": "deny", "path": ["/a"] }] } })),
            Err("permissions.fs.rules[0].path"),
        ),
        ("a scope that is no scope", permissions(json!({ "fs": 1 })), Err("permissions.fs")),
        ("an unknown platform", json!({ "platform": "deno" }), Err("platform")),
        ("the bare platform", json!({ "platform": "bare", "timingMitigation": "off" }), Ok(())),
        (
            "everything else",
            json!({
                "env": { "LANG": "C", "NAME": "" },
                "cwd": "/workspace/app",
                "mounts": [{ "host": "/srv", "guest": "/srv" }, { "host": "/tmp", "guest": "/out", "readOnly": false }],
                "hostFunctions": ["add", "orders.list"],
                "limits": { "memoryBytes": 1_073_741_824u64, "wallTimeMs": 1000 },
            }),
            Ok(()),
        ),
        ("a relative directory", json!({ "cwd": "workspace" }), Err("cwd")),
        (
            "a mount over the VM's own",
            json!({ "mounts": [{ "host": "/srv", "guest": "/dev" }] }),
            Err("mounts[0].guest"),
        ),
        (
            "a relative mount",
            json!({ "mounts": [{ "host": "srv", "guest": "/srv" }] }),
            Err("mounts[0].host"),
        ),
        ("a mount without a place", json!({ "mounts": [{ "host": "/srv" }] }), Err("mounts[0]")),
        ("a limit below its range", json!({ "limits": { "memoryBytes": 1 } }), Err("limits.memoryBytes")),
        ("a negative limit", json!({ "limits": { "calls": -1 } }), Err("limits.calls")),
        ("a limit that is no integer", json!({ "limits": { "calls": 1.5 } }), Err("limits.calls")),
        (
            "a heap larger than the VM",
            json!({ "limits": { "heapBytes": 536_870_912 } }),
            Err("limits.heapBytes"),
        ),
        ("a host function without a name", json!({ "hostFunctions": ["add", ""] }), Err("hostFunctions[1]")),
        ("a host function given twice", json!({ "hostFunctions": ["add", "add"] }), Err("hostFunctions[1]")),
        ("an environment variable with '='", json!({ "env": { "A=B": "" } }), Err("env.A=B")),
        ("an environment variable that is no string", json!({ "env": { "A": 1 } }), Err("env.A")),
        ("no object", json!([]), Err("(top)")),
        ("values without names", json!(["bare"]), Err("(top)")),
        ("permissions without names", permissions(json!(["deny"])), Err("permissions")),
        ("a mount without names", json!({ "mounts": [["/srv", "/srv"]] }), Err("mounts[0]")),
    ]
}

fn outcome(config: &Value) -> Expected {
    match CreateVmConfig::from_json(config) {
        Ok(config) => Expected::Accepted(Sorted::of(&config)),
        Err(error) => Expected::Refused { field: error.path, message: error.message },
    }
}

#[test]
fn every_case_ends_as_it_must() {
    for (name, config, verdict) in cases() {
        match (outcome(&config), verdict) {
            (Expected::Accepted(_), Ok(())) => {}
            (Expected::Refused { field, .. }, Err(wanted)) => assert_eq!(field, wanted, "{name}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_vectors_are_what_is_decided() {
    let vectors: Vec<_> = cases()
        .into_iter()
        .map(|(name, config, _)| Vector {
            name: name.to_owned(),
            config: Sorted::of(&config),
            expected: outcome(&config),
        })
        .collect();
    check_generated(FILE, &Sorted::of(&vectors).pretty());
}

#[test]
fn the_committed_vectors_still_hold() {
    let text = std::fs::read_to_string(crate::repository(FILE)).expect(FILE);
    let vectors: Vec<Vector> = serde_json::from_str(&text).expect("the vectors are JSON");
    assert_eq!(vectors.len(), cases().len(), "a case has no vector, or the other way round");
    for vector in vectors {
        let config = serde_json::to_value(&vector.config).expect("JSON");
        assert_eq!(outcome(&config), vector.expected, "{}", vector.name);
        if let Expected::Accepted(normal) = &vector.expected {
            // What was filled in must be accepted as it is, and change no more.
            let normal_value = serde_json::to_value(normal).expect("JSON");
            assert_eq!(outcome(&normal_value), vector.expected, "{}", vector.name);
        }
    }
}
