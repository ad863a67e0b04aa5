//! One running command as host functions see it: the state of its store.

use std::sync::Arc;

use tokio::sync::oneshot;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;

use kernel::{Kernel, Process};

use super::engine::{CommandLimits, PARTS, TABLE_ELEMENTS};
use super::services::Services;

/// Bytes that one call of a program may hand to the host, all strings and lists of it together.
const CALL_BYTES: usize = 64 << 20;

/// Time slices for which a command runs before others get their turn.
pub(super) const SLICES: u64 = 1;

/// The state of one command's store.
pub struct Guest {
    pub(super) kernel: Arc<Kernel>,
    pub(super) process: Arc<Process>,
    pub(super) services: Arc<dyn Services>,
    /// What the command holds: descriptors, streams, children.
    pub(super) table: ResourceTable,
    pub(super) growth: Growth,
    /// There while the program waits for its process, having been begun ahead. Until then `process` is one that has
    /// ended.
    pub(super) start: Option<Start>,
    /// It is one of the virtual machine's own programs, which know `cordon:vm`.
    pub(super) is_own: bool,
}

/// Both sides of waiting for a process.
pub(super) struct Start {
    /// Told when the program has come to where it waits.
    pub(super) reached: oneshot::Sender<()>,
    /// The process.
    pub(super) process: oneshot::Receiver<Arc<Process>>,
}

impl Guest {
    pub(super) fn new(
        kernel: Arc<Kernel>,
        process: Arc<Process>,
        services: Arc<dyn Services>,
        limits: &CommandLimits,
    ) -> Guest {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Guest {
            kernel,
            process,
            services,
            table,
            growth: Growth { memory: limits.memory(), refused: false },
            start: None,
            is_own: false,
        }
    }

    /// A store for the command, with every limit in place.
    pub(super) fn into_store(self, engine: &wasmtime::Engine) -> wasmtime::Store<Guest> {
        let mut store = wasmtime::Store::new(engine, self);
        store.limiter(|guest| &mut guest.growth);
        store.set_hostcall_fuel(CALL_BYTES);
        // At every tick whoever runs goes to the end of the queue.
        store.set_epoch_deadline(SLICES);
        store.epoch_deadline_async_yield_and_update(SLICES);
        store
    }
}

impl wasmtime_wasi_io::IoView for Guest {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// How far a command may grow.
pub(super) struct Growth {
    memory: usize,
    /// Whether growing was refused: the likely cause of a trap that follows.
    pub(super) refused: bool,
}

impl Growth {
    /// Bytes of linear memory that the command may have.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.memory;
        self.refused |= !granted;
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        // The system had no more; the program is told like any other whose allocation fails.
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    /// The limit on memory holds for each, so there is but one.
    fn memories(&self) -> usize {
        1
    }
}

/// Why a guest runs no more although its code did not come to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    /// It called `exit`.
    #[error("exited with code {0}")]
    Exit(u8),
    /// A signal ended it while it was in the host.
    #[error("ended by a signal")]
    Killed,
}
