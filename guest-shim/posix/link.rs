//! The build script of every program that has `cordon-posix` in the place of what wasi-libc lacks: tells the linker.

/// The functions that it has.
const WRAPPED: [&str; 17] = [
    "__wasi_path_create_directory",
    "__wasi_path_filestat_get",
    "__wasi_path_filestat_set_times",
    "__wasi_path_link",
    "__wasi_path_open",
    "__wasi_path_readlink",
    "__wasi_path_remove_directory",
    "__wasi_path_rename",
    "__wasi_path_symlink",
    "__wasi_path_unlink_file",
    "chmod",
    "fstatat",
    "lstat",
    "readdir",
    "stat",
    "write",
    "writev",
];

pub fn main() {
    // Unit tests are linked for this machine, whose libraries lack nothing.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("wasi") {
        for function in WRAPPED {
            println!("cargo::rustc-link-arg-bins=--wrap={function}");
        }
    }
    println!("cargo::rerun-if-changed=../posix/link.rs");
}
