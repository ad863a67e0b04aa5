//! What the compiling and the running engine must agree on: an artifact loads only into an engine whose settings give
//! the same code.
//!
//! Only settings that shape code belong here. How instances are allocated is the runtime's own matter.

use wasmtime::Config;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Address space that a linear memory reserves: with the guard behind it every 32-bit access is in bounds or faults, so
/// the code carries no checks of its own.
pub const MEMORY_RESERVATION: u64 = 4 * GIB;

/// Inaccessible space behind a linear memory; covers the constant offsets of accesses.
pub const MEMORY_GUARD: u64 = 32 * MIB;

/// The configuration that every engine of the project begins with.
pub fn shared() -> Config {
    let mut config = Config::new();
    config
        .memory_reservation(MEMORY_RESERVATION)
        .memory_guard_size(MEMORY_GUARD)
        .memory_init_cow(true)
        // Every loop and function asks whether its time slice is over; so one command can starve no other.
        .epoch_interruption(true)
        // Traps are reported by their kind. Frames would only cost: artifacts grow by a third, and leaving through
        // `exit` walks the stack.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}
