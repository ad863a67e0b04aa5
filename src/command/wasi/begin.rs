//! Where programs that are begun ahead wait for their process.

use wasmtime::component::Linker;

use super::super::guest::{Guest, SLICES, Start};
use artifact::begin_import;

/// Links what the VM's own programs call first.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(begin_import::INTERFACE)?.func_wrap_async(begin_import::FUNCTION, |mut store, (): ()| {
        Box::new(async move {
            store.data_mut().is_own = true;
            if let Some(Start { reached, process }) = store.data_mut().start.take() {
                let _ = reached.send(());
                store.data_mut().process = process.await?;
                store.set_epoch_deadline(SLICES);
            }
            Ok(())
        })
    })
}
