//! The text utilities of a VM that coreutils does not have: one WASI program that answers to every utility's name.
//!
//! What they do is in public crates: `grep` is uutils' `uu_grep`, `diff` and `cmp` are uutils'
//! `diffutils`, `jq` is `jaq`; `awk`, `ed` and `sed` are cordon's own. This crate owns the way into them: where a crate is a library
//! without the program around it, or lacks what scripts count on, `own` stands in front of it.

mod own;

use std::io;

use cordon_multicall::{Program, Utilities, is_sorted, say};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[
    ("awk", own::awk),
    ("cmp", own::cmp),
    ("diff", own::diff),
    ("ed", own::ed),
    ("egrep", own::egrep),
    ("fgrep", own::fgrep),
    ("gawk", own::awk),
    ("grep", own::grep),
    ("jq", own::jq),
    ("mawk", own::awk),
    ("nawk", own::awk),
    ("rev", own::rev),
    ("sed", own::sed),
    ("which", own::which),
    ("yq", own::yq),
];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program {
        prepare,
        // Messages are made from the process's arguments, not from those handed to the entry.
        named_by_argument: || {
            uucore::set_utility_is_second_arg();
            uucore_of_grep::set_utility_is_second_arg();
        },
        ..Program::new(
            "textutils",
            concat!("textutils (cordon ", env!("CARGO_PKG_VERSION"), ")"),
            UTILITIES,
            cordon_posix::keep_text,
        )
    }
    .main()
}

/// Without this what is said of wrong options would be bare identifiers. The texts are embedded; only parsing can fail.
fn prepare(name: &str) {
    let loaded = match name {
        "egrep" | "fgrep" | "grep" => {
            uucore_of_grep::locale::setup_localization("grep").map_err(|error| error.to_string())
        }
        _ => Ok(()),
    };
    if let Err(error) = loaded {
        say(&mut io::stderr(), &format!("{name}: cannot load the messages: {error}"));
    }
}
