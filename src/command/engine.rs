//! The worker's engine, and what commands may use of it.
//!
//! What shapes code is [`artifact::engine_config`]'s. Instances are allocated one by one, not from the engine's pools: a
//! pool maps stacks and tables of all the commands that may ever run, writable, when the first one starts. That is
//! 56 MiB for 64 commands, which the VM's memory limit would count, to save some 20 microseconds for each command.

use std::sync::Arc;

use artifact::engine_config::{self, MEMORY_RESERVATION};
use wasmtime::{Engine, InstanceAllocationStrategy};

use super::mapping::AlreadyExecutable;
use super::stacks::Stacks;

/// Bytes of one page of linear memory.
const WASM_PAGE: u64 = 64 * 1024;

/// Native stack that a command's own frames may take. A program that recurses deeper traps; its data on the stack is
/// elsewhere, in linear memory. `sh` calls a function of a script a thousand deep with this (`MAX_DEPTH` of its `exec`);
/// what nobody touches costs only room within the VM's memory limit.
const WASM_STACK: usize = 4 * 1024 * 1024;

/// Native stack of one command: its own frames and those of the host functions that it calls.
const STACK: usize = WASM_STACK + 256 * 1024;

/// Elements of a table, which are the functions of a program that are called through pointers. A program that has more
/// cannot be started.
pub(super) const TABLE_ELEMENTS: usize = 64 * 1024;

/// Core modules, and tables, of one command: the program, the adapter and the two modules that tie them together make
/// four, with two tables.
pub(super) const PARTS: usize = 8;

/// What commands may use. Each is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandLimits {
    /// Commands that run at the same time. One more is refused with `EAGAIN`.
    pub commands: u32,
    /// Linear memory of one command. Growing beyond fails inside the program, as an allocation does.
    pub memory_bytes: u64,
    /// Handles (descriptors, streams, children) that one command may hold. One more is refused with `EMFILE`.
    pub handles: usize,
}

impl Default for CommandLimits {
    fn default() -> Self {
        CommandLimits { commands: 64, memory_bytes: 256 << 20, handles: 1024 }
    }
}

impl CommandLimits {
    /// Linear memory of one command in whole pages.
    pub(super) fn memory(&self) -> usize {
        let most = self.memory_bytes.clamp(WASM_PAGE, MEMORY_RESERVATION);
        usize::try_from(most - most % WASM_PAGE).unwrap_or(usize::MAX)
    }
}

/// Starts the engine.
pub fn start() -> wasmtime::Result<Engine> {
    let mut config = engine_config::shared();
    config
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .with_custom_code_memory(Some(Arc::new(AlreadyExecutable)))
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(STACK)
        .with_host_stack(Arc::new(Stacks::default()));
    Engine::new(&config)
}
