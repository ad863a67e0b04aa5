//! Links the program with what wasi-libc lacks, and with a stack of its own size: what `bc` keeps in linear memory for each call of a function.

const STACK_BYTES: u32 = 4 * 1024 * 1024;

#[path = "../posix/link.rs"]
mod link;

fn main() {
    link::main();
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32") {
        println!("cargo:rustc-link-arg-bins=-zstack-size={STACK_BYTES}");
    }
}
