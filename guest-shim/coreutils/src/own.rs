//! Utilities that are our own, or stand in front of uutils': theirs start threads, which WASI has not, or do not exist
//! for WASI because they need more of the system than it tells (the virtual machine tells it, through `cordon:vm`).

mod base64;
mod chown;
mod cp;
mod create;
mod dd;
mod direct;
mod du;
mod files;
mod fold;
mod head;
mod launch;
mod ls;
mod machine;
mod mv;
mod options;
mod paste;
mod sort;
mod tail;
mod tr;
mod tree;
mod wc;

pub use base64::main as base64;
pub use chown::{chgrp, chown};
pub use cp::main as cp;
pub use create::{mkdir, mkfifo, mktemp};
pub use dd::main as dd;
pub use direct::main as direct;
pub use du::main as du;
pub use files::{chmod, stat};
pub use fold::main as fold;
pub use head::main as head;
pub use launch::{env, timeout};
pub use ls::{dir, ls, vdir};
pub use machine::{arch, uname};
pub use mv::main as mv;
pub use options::{nl, od};
pub use paste::main as paste;
pub use sort::main as sort;
pub use tail::main as tail;
pub use tr::main as tr;
pub use wc::main as wc;

use std::io;

use cordon_multicall::launch::errno_text;
use uucore::error::strip_errno;

/// The text of an error as other utilities show it, without its number.
fn reason(error: &io::Error) -> String {
    strip_errno(error)
}
