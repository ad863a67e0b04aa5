//! `rg` and `fd` of a VM: one WASI program over the libraries that ripgrep itself is made of.
//!
//! Their programs use threads and the system's working directory, which WASI does not have; what is in front of the
//! libraries is here.

mod fd;
mod rg;

use std::io;

use cordon_multicall::{Program, Utilities, is_sorted};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[("fd", fd::main), ("rg", rg::main)];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program {
        in_text: &["fd"],
        ..Program::new(
            "search",
            concat!("search (cordon ", env!("CARGO_PKG_VERSION"), ")"),
            UTILITIES,
            cordon_posix::keep_text,
        )
    }
    .main()
}

/// The text of what stopped a walk, with Linux's number of the error where there is one.
fn told(error: &ignore::Error) -> String {
    let text = error.to_string();
    match error.io_error().map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) => text.replace("(os error 44)", "(os error 2)"),
        Some(io::ErrorKind::PermissionDenied) => text.replace("(os error 2)", "(os error 13)"),
        _ => text,
    }
}
