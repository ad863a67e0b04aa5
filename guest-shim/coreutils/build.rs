//! Has the linker put `cordon-posix` in the place of what wasi-libc lacks.

/// The functions that it has.
const WRAPPED: [&str; 6] = ["chmod", "fstatat", "lstat", "stat", "write", "writev"];

fn main() {
    for function in WRAPPED {
        println!("cargo::rustc-link-arg-bins=--wrap={function}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
