//! Small utilities of a VM that are not in coreutils: one WASI program that answers to every utility's name.
//!
//! They are cordon's own, some over crates that do the work: there is none that is such a program and runs under WASI.

mod cal;
mod column;
mod endings;
mod envsubst;
mod flock;
mod getopt;
mod hexdump;
mod iconv;
mod identity;
mod install;
mod launching;
mod lines;
mod machine;
mod make;
mod matching;
mod number;
mod packed;
mod pager;
mod patch;
mod processes;
mod session;
mod strings;
mod stty;
mod system;
mod terminal;
mod tree;
mod uu;
mod xxd;

use cordon_multicall::{Program, Utilities, is_sorted};

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[
    ("bc", number::bc::main),
    ("bzgrep", packed::bzgrep),
    ("cal", cal::cal),
    ("clear", terminal::clear),
    ("col", lines::col),
    ("colrm", lines::colrm),
    ("column", column::main),
    ("dc", number::dc::main),
    ("df", system::df),
    ("dos2unix", endings::dos2unix),
    ("envsubst", envsubst::main),
    ("fallocate", machine::fallocate),
    ("flock", flock::main),
    ("free", machine::free),
    ("getconf", machine::getconf),
    ("getopt", getopt::main),
    ("groups", identity::groups),
    ("hd", hexdump::hd),
    ("hexdump", hexdump::hexdump),
    ("hostname", system::hostname),
    ("iconv", iconv::main),
    ("id", identity::id),
    ("install", install::main),
    ("killall", matching::killall),
    ("less", pager::less),
    ("locale", session::locale),
    ("logger", session::logger),
    ("logname", identity::logname),
    ("look", lines::look),
    ("make", make::main),
    ("more", pager::more),
    ("ncal", cal::ncal),
    ("nice", launching::nice),
    ("nohup", launching::nohup),
    ("patch", patch::main),
    ("pgrep", matching::pgrep),
    ("pidof", machine::pidof),
    ("pkill", matching::pkill),
    ("ps", system::ps),
    ("renice", session::renice),
    ("reset", session::reset),
    ("setsid", session::setsid),
    ("sponge", lines::sponge),
    ("stdbuf", launching::stdbuf),
    ("strings", strings::main),
    ("stty", stty::main),
    ("sync", system::sync),
    ("tabs", session::tabs),
    ("taskset", machine::taskset),
    ("time", system::time),
    ("tput", terminal::tput),
    ("tree", tree::main),
    ("ts", lines::ts),
    ("unix2dos", endings::unix2dos),
    ("uptime", machine::uptime),
    ("users", session::users),
    ("uudecode", uu::uudecode),
    ("uuencode", uu::uuencode),
    ("watch", session::watch),
    ("who", session::who),
    ("whoami", identity::whoami),
    ("xxd", xxd::main),
    ("xzgrep", packed::xzgrep),
    ("zcmp", packed::zcmp),
    ("zdiff", packed::zdiff),
    ("zegrep", packed::zegrep),
    ("zfgrep", packed::zfgrep),
    ("zgrep", packed::zgrep),
    ("zless", packed::zless),
    ("zmore", packed::zmore),
];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program {
        in_text: &["column", "tree"],
        ..Program::new(
            "utilities",
            concat!("utilities (cordon ", env!("CARGO_PKG_VERSION"), ")"),
            UTILITIES,
            cordon_posix::keep_text,
        )
    }
    .main()
}
