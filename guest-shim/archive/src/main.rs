//! `tar`, `gzip`, `bzip2`, `xz`, `zstd`, `zip`, `cpio` and `ar` of a VM: one WASI program that answers to every utility's name.
//!
//! The formats are the crates' `tar`, `flate2`, `bzip2`, `lzma-rust2`, `zstd`, `zip`, `cpio` and `ar`; their programs are here.

mod ar;
mod cpio;
mod gzip;
mod packer;
mod tape;
mod transform;
mod zip;
mod zstd;

use std::io;

use cordon_multicall::{Program, Utilities, is_sorted};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[
    ("ar", ar::ar),
    ("bunzip2", packer::bunzip2),
    ("bzcat", packer::bzcat),
    ("bzip2", packer::bzip2),
    ("cpio", cpio::cpio),
    ("gunzip", gzip::gunzip),
    ("gzip", gzip::gzip),
    ("tar", tape::main),
    ("unxz", packer::unxz),
    ("unzip", zip::unzip),
    ("unzstd", zstd::unzstd),
    ("xz", packer::xz),
    ("xzcat", packer::xzcat),
    ("zcat", gzip::zcat),
    ("zip", zip::zip),
    ("zstd", zstd::zstd),
    ("zstdcat", zstd::zstdcat),
];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program::new(
        "archive",
        concat!("archive (cordon ", env!("CARGO_PKG_VERSION"), ")"),
        UTILITIES,
        cordon_posix::keep_text,
    )
    .main()
}

/// The text of an error as other utilities show it, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
