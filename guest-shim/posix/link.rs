//! The build script of every program that has `cordon-posix` in the place of what wasi-libc lacks: tells the linker.

/// The functions that it has.
const WRAPPED: [&str; 6] = ["chmod", "fstatat", "lstat", "stat", "write", "writev"];

fn main() {
    // Unit tests are linked for this machine, whose libraries lack nothing.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("wasi") {
        for function in WRAPPED {
            println!("cargo::rustc-link-arg-bins=--wrap={function}");
        }
    }
    println!("cargo::rerun-if-changed=../posix/link.rs");
}
