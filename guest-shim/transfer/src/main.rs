//! `curl` and `wget` of a VM: one WASI program that answers to both names.
//!
//! HTTP/1.1 is the crate `ureq-proto`'s, which does no input and output of its own; bytes go over `cordon:vm/network`, where
//! the permission scope `network` decides and TLS is spoken outside the VM. URLs are those of `url`, cookies those of
//! `cookie_store`; the programs are here.

mod body;
mod connection;
mod cookies;
mod curl;
mod exchange;
mod failure;
mod form;
mod wget;

use cordon_multicall::{Program, Utilities, is_sorted};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[("curl", curl::curl), ("wget", wget::wget)];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program::new(
        "transfer",
        concat!("transfer (cordon ", env!("CARGO_PKG_VERSION"), ")"),
        UTILITIES,
        cordon_posix::keep_text,
    )
    .main()
}
