//! The build script of every program that has `cordon-posix` in the place of what wasi-libc lacks: tells the linker.

/// The functions that it has.
const WRAPPED: [&str; 6] = ["chmod", "fstatat", "lstat", "stat", "write", "writev"];

fn main() {
    for function in WRAPPED {
        println!("cargo::rustc-link-arg-bins=--wrap={function}");
    }
    println!("cargo::rerun-if-changed=../posix/link.rs");
}
