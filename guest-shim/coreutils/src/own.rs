//! Utilities that are our own, or stand in front of uutils', because theirs start threads and WASI has none.

mod dd;
mod sort;

pub use dd::main as dd;
pub use sort::main as sort;

use std::io;

use uucore::error::strip_errno;

/// The text of an error as other utilities show it, without its number.
fn reason(error: &io::Error) -> String {
    strip_errno(error)
}
