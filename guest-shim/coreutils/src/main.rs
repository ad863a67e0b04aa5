//! The coreutils of a VM: one WASI program that answers to every utility's name.
//!
//! The utilities are the `uu_*` crates of uutils; this crate owns only the table of their names, and those that stand in
//! for what does not work under WASI.

mod own;

use std::io;
use std::path::Path;

use cordon_multicall::{Program, Utilities, is_sorted, say};
use uucore::locale;

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[
    ("[", uu_test::uumain),
    ("arch", own::arch),
    ("b2sum", uu_b2sum::uumain),
    ("base32", uu_base32::uumain),
    ("base64", own::base64),
    ("basename", uu_basename::uumain),
    ("basenc", uu_basenc::uumain),
    ("cat", uu_cat::uumain),
    ("chgrp", own::chgrp),
    ("chmod", own::chmod),
    ("chown", own::chown),
    ("cksum", uu_cksum::uumain),
    ("comm", uu_comm::uumain),
    ("cp", own::cp),
    ("csplit", uu_csplit::uumain),
    ("cut", uu_cut::uumain),
    ("date", uu_date::uumain),
    ("dd", own::dd),
    ("dir", own::dir),
    ("dircolors", uu_dircolors::uumain),
    ("dirname", uu_dirname::uumain),
    ("du", own::du),
    ("echo", uu_echo::uumain),
    ("env", own::env),
    ("expand", uu_expand::uumain),
    ("expr", uu_expr::uumain),
    ("factor", uu_factor::uumain),
    ("false", uu_false::uumain),
    ("fmt", uu_fmt::uumain),
    ("fold", own::fold),
    ("head", own::head),
    ("hostid", uu_hostid::uumain),
    ("join", uu_join::uumain),
    ("link", uu_link::uumain),
    ("ln", uu_ln::uumain),
    ("ls", own::ls),
    ("md5sum", uu_md5sum::uumain),
    ("mkdir", own::mkdir),
    ("mkfifo", own::mkfifo),
    ("mktemp", own::mktemp),
    ("mv", own::mv),
    ("nl", own::nl),
    ("nproc", uu_nproc::uumain),
    ("numfmt", uu_numfmt::uumain),
    ("od", own::od),
    ("paste", own::paste),
    ("pathchk", uu_pathchk::uumain),
    ("pr", uu_pr::uumain),
    ("printenv", uu_printenv::uumain),
    ("printf", uu_printf::uumain),
    ("ptx", uu_ptx::uumain),
    ("pwd", uu_pwd::uumain),
    ("readlink", uu_readlink::uumain),
    ("realpath", uu_realpath::uumain),
    ("rm", uu_rm::uumain),
    ("rmdir", uu_rmdir::uumain),
    ("seq", uu_seq::uumain),
    ("sha1sum", uu_sha1sum::uumain),
    ("sha224sum", uu_sha224sum::uumain),
    ("sha256sum", uu_sha256sum::uumain),
    ("sha384sum", uu_sha384sum::uumain),
    ("sha512sum", uu_sha512sum::uumain),
    ("shred", uu_shred::uumain),
    ("shuf", uu_shuf::uumain),
    ("sleep", uu_sleep::uumain),
    ("sort", own::sort),
    ("split", uu_split::uumain),
    ("stat", own::stat),
    ("sum", uu_sum::uumain),
    ("tac", uu_tac::uumain),
    ("tail", own::tail),
    ("tee", uu_tee::uumain),
    ("test", uu_test::uumain),
    ("timeout", own::timeout),
    ("touch", uu_touch::uumain),
    ("tr", own::tr),
    ("true", uu_true::uumain),
    ("truncate", uu_truncate::uumain),
    ("tsort", uu_tsort::uumain),
    ("tty", uu_tty::uumain),
    ("uname", own::uname),
    ("unexpand", uu_unexpand::uumain),
    ("uniq", uu_uniq::uumain),
    ("unlink", uu_unlink::uumain),
    ("vdir", own::vdir),
    ("wc", own::wc),
    ("yes", uu_yes::uumain),
];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program {
        in_text: &[
            "b2sum",
            "chmod",
            "chown",
            "cksum",
            "dirname",
            "du",
            "md5sum",
            "mktemp",
            "od",
            "pwd",
            "sha1sum",
            "sha224sum",
            "sha256sum",
            "sha384sum",
            "sha512sum",
            "stat",
            "sum",
        ],
        direct: own::direct,
        prepare,
        // Messages are made from the process's arguments, not from those handed to the entry.
        named_by_argument: uucore::set_utility_is_second_arg,
        ..Program::new(
            "coreutils",
            concat!("coreutils (cordon ", env!("CARGO_PKG_VERSION"), ", uutils 0.12.0)"),
            UTILITIES,
            cordon_posix::keep_text,
        )
    }
    .main()
}

/// What a utility needs before it runs: messages, of which each would be its bare identifier without this. The texts are
/// embedded; only parsing can fail.
fn prepare(name: &str) {
    if name == "tac" {
        // It asks where to make a temporary file, to map that into memory, and reads on without one. The standard library's
        // answer would end the program; this one makes no file, which could not be mapped here. Nobody has set another
        // before.
        let _ = tempfile::env::override_temp_dir(Path::new("/dev/null"));
    }
    if let Err(error) = locale::setup_localization(text_of(name)) {
        say(&mut io::stderr(), &format!("{name}: cannot load the messages: {error}"));
    }
}

/// The utility whose messages `name` uses: some are other names of one program.
fn text_of(name: &str) -> &str {
    match name {
        "[" => "test",
        "dir" | "vdir" => "ls",
        other => other,
    }
}
