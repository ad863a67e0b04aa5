//! The worker's engine: how instances are allocated, sized by the limits of the VM.
//!
//! What shapes code is [`super::engine_config`]'s. Everything here is reserved when the first command starts and is as
//! large as the VM's limits ask for, never the engine's defaults, which map some two gigabytes.

use std::sync::Arc;

use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::engine_config::{self, MEMORY_RESERVATION};
use super::mapping::AlreadyExecutable;

/// Bytes of one page of linear memory.
const WASM_PAGE: u64 = 64 * 1024;

/// Native stack that a command's own frames may take. A program that recurses deeper traps; its data on the stack is
/// elsewhere, in linear memory.
const WASM_STACK: usize = 512 * 1024;

/// Native stack of one command: its own frames and those of the host functions that it calls.
const STACK: usize = WASM_STACK + 256 * 1024;

/// Core modules in one component: the program, the adapter and the two that tie them together make four.
const CORE_INSTANCES: u32 = 8;

/// Tables in one component: the program's functions and those that tie the modules together.
const TABLES: u32 = 2;

/// Elements of a table, which are the functions of a program that are called through pointers.
pub(super) const TABLE_ELEMENTS: usize = 8 * 1024;

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

    /// Writable address space that the engine takes when the first command starts, on top of what commands use: stacks
    /// and tables of all of them. Hardly any of it is ever touched, but `RLIMIT_DATA` counts it.
    pub fn reserved_bytes(&self) -> u64 {
        let tables = TABLES as usize * TABLE_ELEMENTS * size_of::<usize>();
        u64::from(self.commands) * (STACK + tables) as u64
    }
}

/// Starts the engine.
pub fn start(limits: &CommandLimits) -> wasmtime::Result<Engine> {
    let commands = limits.commands;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(commands)
        .total_core_instances(commands.saturating_mul(CORE_INSTANCES))
        .total_memories(commands)
        .total_tables(commands.saturating_mul(TABLES))
        .total_stacks(commands)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(TABLES)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .max_memory_size(limits.memory())
        .table_elements(TABLE_ELEMENTS)
        // Memory goes back to the system as soon as a command ends: an idle VM is to be small.
        .linear_memory_keep_resident(0)
        .table_keep_resident(0)
        .async_stack_keep_resident(0)
        // It wants a file below /proc, which an enclosed worker has not.
        .pagemap_scan(Enabled::No);
    let mut config = engine_config::shared();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .with_custom_code_memory(Some(Arc::new(AlreadyExecutable)))
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(STACK);
    Engine::new(&config)
}
