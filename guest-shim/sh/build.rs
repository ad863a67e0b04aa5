//! Links the program with a stack of its own size: what it keeps in linear memory for each level of a script's nesting.

/// As much as a function takes that calls itself a thousand times within an `if`, as it may in dash. What needs more ends
/// with an error (`src/stack.rs`).
const STACK_BYTES: u32 = 4 * 1024 * 1024;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32") {
        println!("cargo:rustc-link-arg-bins=-zstack-size={STACK_BYTES}");
    }
}
