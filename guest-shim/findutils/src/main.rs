//! `find` and `xargs` of a VM: one WASI program that answers to both names.
//!
//! `find` is uutils' findutils, with what starts programs in it done here; `xargs` is cordon's own, since theirs starts
//! programs in the middle of its work, which WASI cannot.

mod find;
mod walk;
mod xargs;

use cordon_multicall::{Program, Utilities, is_sorted};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[("find", find::main), ("xargs", xargs::main)];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program {
        in_text: &["find"],
        named_by_argument: uucore::set_utility_is_second_arg,
        ..Program::new(
            "findutils",
            concat!("findutils (cordon ", env!("CARGO_PKG_VERSION"), ", uutils 0.11.0)"),
            UTILITIES,
            cordon_posix::keep_text,
        )
    }
    .main()
}
