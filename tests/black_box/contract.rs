//! The WIT and what implements it agree.

use std::collections::BTreeSet;
use std::path::Path;

use wit_parser::{Resolve, WorldItem};

use crate::common::{default_vm, stdout_of};

fn resolve(folder: &str) -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    resolve
}

fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + &word[..1].to_uppercase() + &word[1..])
}

#[tokio::test]
async fn javascript_finds_every_interface_of_the_contract_by_its_name() {
    let resolve = resolve("wit");
    let vm = default_vm().await;
    let mut functions = 0;
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.as_deref().unwrap();
        let wanted: BTreeSet<String> = interface
            .functions
            .values()
            .filter(|f| f.kind.resource().is_none())
            .map(|f| camel(&f.name))
            .collect();
        let source = format!(
            "import * as m from 'cordon:vm/{name}'; console.log(JSON.stringify(Object.keys(m).filter((k) => typeof m[k] === 'function' && !/^[A-Z]/.test(k))))"
        );
        let found: BTreeSet<String> = serde_json::from_str(&stdout_of(&vm, &source).await).unwrap();
        assert_eq!(found, wanted, "cordon:vm/{name}");
        functions += wanted.len();
    }
    assert!(functions > 30);
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
    let described: BTreeSet<String> = supervisor
        .functions
        .keys()
        .map(|name| {
            let camel = camel(name);
            camel[..1].to_uppercase() + &camel[1..]
        })
        .collect();
    use cordon::broker::BrokerCall;
    let spoken = [
        BrokerCall::CommandArtifact { module: String::new() },
        BrokerCall::HostFunction { name: String::new(), input: String::new() },
        BrokerCall::HostFilesystem {
            mount: cordon::kernel::MountId(0),
            request: cordon::kernel::HostFsRequest::Stat { path: String::new() },
        },
    ]
    .map(|call| match &call {
        // A new call has to be added above and to the contract.
        BrokerCall::CommandArtifact { .. }
        | BrokerCall::HostFunction { .. }
        | BrokerCall::HostFilesystem { .. } => {
            serde_json::to_value(&call).unwrap()["type"].as_str().unwrap().to_owned()
        }
    });
    assert_eq!(described, BTreeSet::from(spoken));
}
