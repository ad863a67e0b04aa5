//! How much is left of the program's stack in linear memory. What recurses with a script asks before it goes deeper, so
//! that a script's nesting ends with an error of the shell and not with a trap of the engine. How much a level takes is
//! the compiler's matter and changes with it; that the stack lies at the bottom of linear memory and grows towards
//! address 0 is what `--stack-first` says, with which rustc links every program for `wasm32-wasip1`.

/// Kept for what does not ask: reading a word, a builtin, a report.
const RESERVE: usize = 256 * 1024;

/// Whether running may not nest more deeply.
pub fn is_short() -> bool {
    // Elsewhere (the unit tests') the stack lies where the host puts it.
    cfg!(target_arch = "wasm32") && address() < RESERVE
}

/// About where the stack ends now.
#[inline(never)]
fn address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}
