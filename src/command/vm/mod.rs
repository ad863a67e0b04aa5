//! `cordon:vm/*` for commands: a file for each interface of `wit/`.

mod descriptors;
mod engine;
mod errors;
mod filesystem;
mod host;
mod jobs;
mod network;
mod polling;
mod process;
mod terminal;

use wasmtime::component::{HasSelf, Linker};

use super::guest::Guest;

#[allow(missing_docs)]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "cordon:vm/command",
        imports: {
            // The functions that may have to wait for another process or for the embedder.
            "cordon:vm/descriptors.[method]descriptor.read": async | trappable,
            "cordon:vm/descriptors.[method]descriptor.write": async | trappable,
            "cordon:vm/filesystem.open": async | trappable,
            "cordon:vm/process.[method]child.wait": async | trappable,
            // A program may stop itself.
            "cordon:vm/process.kill": async | trappable,
            "cordon:vm/process.set-disposition": async | trappable,
            "cordon:vm/process.wait-signal": async | trappable,
            "cordon:vm/jobs.wait": async | trappable,
            "cordon:vm/jobs.kill-group": async | trappable,
            "cordon:vm/polling.wait-readable": async | trappable,
            "cordon:vm/network.look-up": async | trappable,
            "cordon:vm/network.connect": async | trappable,
            "cordon:vm/network.send": async | trappable,
            "cordon:vm/network.receive": async | trappable,
            "cordon:vm/network.wait": async | trappable,
            "cordon:vm/network.start-tls": async | trappable,
            "cordon:vm/network.[method]listener.accept": async | trappable,
            "cordon:vm/terminal.set-attributes": async | trappable,
            "cordon:vm/terminal.set-foreground": async | trappable,
            "cordon:vm/host.call": async | trappable,
            default: trappable,
        },
        trappable_error_type: {
            "cordon:vm/types.errno" => super::errors::Failure,
        },
        with: {
            "cordon:vm/descriptors.descriptor": super::descriptors::Descriptor,
            "cordon:vm/process.child": super::process::Child,
            "cordon:vm/network.listener": super::network::Listening,
        },
    });
}

use bindings::cordon::vm;

/// Links every interface of the world `cordon:vm/command`.
pub fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type Own = HasSelf<Guest>;
    vm::types::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::descriptors::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::filesystem::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::process::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::terminal::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::jobs::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::polling::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::network::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::host::add_to_linker::<_, Own>(linker, |guest| guest)?;
    vm::engine::add_to_linker::<_, Own>(linker, |guest| guest)
}
