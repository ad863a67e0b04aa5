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
        name: "findutils",
        version: concat!("findutils (cordon ", env!("CARGO_PKG_VERSION"), ", uutils 0.11.0)"),
        utilities: UTILITIES,
        in_text: &["find"],
        keep_text: cordon_posix::keep_text,
        direct: |_, _| None,
        prepare: |_| {},
        named_by_argument: uucore::set_utility_is_second_arg,
    }
    .main()
}
