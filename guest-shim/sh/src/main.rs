//! The program `sh`. Everything is in the library; this file only hands over and leaves with the exit code.

#[cfg(target_family = "wasm")]
use cordon_multicall::allocator::Pieces;

// A shell allocates at every word.
#[cfg(target_family = "wasm")]
#[global_allocator]
// SAFETY: the program has one thread.
static ALLOCATOR: Pieces = unsafe { Pieces::new() };

fn main() {
    std::process::exit(cordon_sh::run());
}
