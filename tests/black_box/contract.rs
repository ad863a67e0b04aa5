//! The WIT and what implements it agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use heck::{ToLowerCamelCase, ToUpperCamelCase};
use wit_parser::{Resolve, TypeDefKind, WorldItem};

use crate::common::{default_vm, stdout_of};

fn resolve(folder: &str) -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    resolve
}

/// Functions and methods of a module with the names of their parameters, as its source has them.
const SIGNATURES: &str = r#"
    const parameters = (f) => `${f}`.match(/\(([^)]*)\)/)[1].split(",").map((p) => p.split("=")[0].trim()).filter(Boolean);
    const found = {};
    for (const [name, value] of Object.entries(module)) {
        if (typeof value !== "function") continue;
        if (!/^[A-Z]/.test(name)) { found[name] = parameters(value); continue; }
        for (const method of Object.getOwnPropertyNames(value.prototype)) {
            if (method !== "constructor") found[`${name}.${method}`] = parameters(value.prototype[method]);
        }
    }
    console.log(JSON.stringify(found));
"#;

#[tokio::test]
async fn javascript_has_every_function_of_the_contract_with_its_parameters() {
    let resolve = resolve("wit");
    let vm = default_vm().await;
    let mut functions = 0;
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.as_deref().unwrap();
        // JavaScript has Node's `tty`, process groups and `net` in its place.
        if ["terminal", "jobs", "polling", "network"].contains(&name) {
            continue;
        }
        let mut wanted = BTreeMap::new();
        for function in interface.functions.values() {
            let parameters =
                function.params.iter().filter(|p| p.name != "self").map(|p| p.name.to_lower_camel_case());
            let method = function.name.rsplit('.').next().unwrap().to_lower_camel_case();
            let path = match function.kind.resource() {
                Some(resource) => {
                    format!(
                        "{}.{method}",
                        resolve.types[resource].name.as_deref().unwrap().to_upper_camel_case()
                    )
                }
                None => method,
            };
            wanted.insert(path, parameters.collect::<Vec<_>>());
        }
        functions += wanted.len();
        if name == "descriptors" {
            // `Symbol.dispose` by a name, for those without `using`.
            wanted.insert("Descriptor.close".to_owned(), Vec::new());
        }
        let source = format!("import * as module from 'cordon:vm/{name}';{SIGNATURES}");
        let found: BTreeMap<String, Vec<String>> =
            serde_json::from_str(&stdout_of(&vm, &source).await).unwrap();
        assert_eq!(found, wanted, "cordon:vm/{name}");
    }
    assert!(functions > 40);
}

/// What the types of the contract are in JavaScript: fields, and the cases that are taken or given.
const VALUES: &str = r#"
    import { memoryFile, pipe } from "cordon:vm/descriptors";
    import { open, readDirectory, status } from "cordon:vm/filesystem";
    import { setDisposition, spawn } from "cordon:vm/process";

    // A case that the kernel refuses is one; an unknown one is refused before it gets there.
    const known = (error, one) => error.code !== undefined && error.path !== one;
    const tried = (f, one) => { try { f(one); return true; } catch (error) { return known(error, one); } };
    const taken = (cases, f) => cases.filter((one) => tried(f, one));
    const type = (path) => status(path, "no-follow").fileType;
    const children = ["true", "sleep"].map((program) => spawn({ program, arguments: [program, "100"] }));
    children[1].kill("kill");
    const ends = [await children[0].wait(), await children[1].wait()];
    const code = (path, flags) => { try { open(path, flags); return "opened"; } catch (error) { return error.code; } };
    console.log(JSON.stringify({
        "file-status": Object.keys(status("/")).sort(),
        "directory-entry": Object.keys(readDirectory("/bin")[0]).sort(),
        whence: taken(whence, (one) => memoryFile().seek(0n, one)),
        symlinks: taken(symlinks, (one) => status("/", one)),
        signal: taken(signal, (one) => setDisposition(one, "default")),
        disposition: taken(disposition, (one) => setDisposition("window-change", one)),
        "file-type": [
            type("/etc/passwd"), type("/"), type("/bin/ls"), type("/dev/null"), pipe()[0].status().fileType,
        ],
        "exit-status": ends.map((end) => end.tag),
        flags: [
            code("/", {}), code("/none", { write: true }), code("/etc", { write: true, create: true, exclusive: true }),
            code("/etc/passwd", { read: true, directory: true }), code("/bin/ls", { read: true, noFollow: true }),
        ],
    }));
"#;

#[tokio::test]
async fn values_of_the_contract_have_its_names_in_javascript() {
    let resolve = resolve("wit");
    let named = |name: &str| {
        let (_, definition) = resolve.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).unwrap();
        match &definition.kind {
            TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>(),
            TypeDefKind::Variant(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
            TypeDefKind::Record(record) => {
                let fields: BTreeSet<String> =
                    record.fields.iter().map(|field| field.name.to_lower_camel_case()).collect();
                fields.into_iter().collect()
            }
            other => panic!("{name}: {other:?}"),
        }
    };
    let mut source = String::new();
    for name in ["whence", "symlinks", "signal", "disposition"] {
        // One that is none of them must be refused as such.
        let mut cases = named(name);
        cases.push("none of them".to_owned());
        source.push_str(&format!("const {name} = {};", serde_json::json!(cases)));
    }
    let found: serde_json::Value =
        serde_json::from_str(&stdout_of(&default_vm().await, &(source + VALUES)).await).unwrap();
    for (name, found) in found.as_object().unwrap().iter().filter(|(name, _)| *name != "flags") {
        assert_eq!(*found, serde_json::json!(named(name)), "{name}");
    }
    assert_eq!(found["flags"], serde_json::json!(["EINVAL", "ENOENT", "EEXIST", "ENOTDIR", "ELOOP"]));
}

#[test]
fn errors_are_those_of_the_contract_in_its_order() {
    let resolve = resolve("wit");
    let (_, errno) = resolve.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("errno")).unwrap();
    let TypeDefKind::Enum(cases) = &errno.kind else { panic!("errno is an enumeration") };
    let described: Vec<_> = cases.cases.iter().map(|case| case.name.to_uppercase()).collect();
    let known: Vec<_> = protocol::abi::Errno::ALL.iter().map(|errno| errno.name()).collect();
    assert_eq!(described, known);
}

#[test]
fn the_world_of_commands_imports_every_interface() {
    let resolve = resolve("wit");
    let (_, world) = resolve.worlds.iter().find(|(_, world)| world.name == "command").unwrap();
    let imported = world.imports.values().filter(|item| matches!(item, WorldItem::Interface { .. })).count();
    assert_eq!(imported, resolve.interfaces.len());
}

#[test]
fn the_broker_is_described_as_it_is_spoken() {
    let resolve = resolve("wit/broker");
    let (_, supervisor) =
        resolve.interfaces.iter().find(|(_, i)| i.name.as_deref() == Some("supervisor")).unwrap();
    let described: BTreeSet<String> =
        supervisor.functions.keys().map(|name| name.to_upper_camel_case()).collect();
    use protocol::broker::BrokerCall;
    let spoken = [
        BrokerCall::CommandArtifact { module: String::new() },
        BrokerCall::GuestProgram { module: Vec::new().into() },
        BrokerCall::HostFunction { name: String::new(), input: String::new() },
        BrokerCall::HostFilesystem {
            mount: protocol::abi::MountId(0),
            request: protocol::abi::HostFsRequest::Stat { path: String::new() },
        },
        BrokerCall::LookUp { name: String::new() },
        BrokerCall::Connect { to: ([192, 0, 2, 1], 80).into() },
        BrokerCall::StartTls { connection: 1, request: protocol::abi::TlsRequest::default() },
    ]
    .map(|call| match &call {
        // A new call has to be added above and to the contract.
        BrokerCall::CommandArtifact { .. }
        | BrokerCall::GuestProgram { .. }
        | BrokerCall::HostFunction { .. }
        | BrokerCall::HostFilesystem { .. }
        | BrokerCall::LookUp { .. }
        | BrokerCall::Connect { .. }
        | BrokerCall::StartTls { .. } => {
            serde_json::to_value(&call).unwrap().as_object().unwrap().keys().next().unwrap().clone()
        }
    });
    assert_eq!(described, BTreeSet::from(spoken));
}
