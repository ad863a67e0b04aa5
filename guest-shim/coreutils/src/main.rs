//! The coreutils of a VM: one WASI program that answers to every utility's name.
//!
//! Like busybox it picks the utility from the name by which it was called, or from the first argument when that name is
//! `coreutils`. The utilities are the `uu_*` crates of uutils; this crate owns only the way into them.

mod own;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::exit;

use cordon_vm::{begin, process};
use uucore::locale;

/// A utility's entry: takes the arguments, its own name first, and returns the exit status.
type Entry = fn(std::vec::IntoIter<OsString>) -> i32;

/// Makes the table from names to entries.
macro_rules! utilities {
    ($($name:literal => $entry:path),+ $(,)?) => {
        const UTILITIES: &[(&str, Entry)] = &[$(($name, $entry)),+];
    };
}

// Sorted by name: `find` searches it, and `--list` prints it, in this order.
utilities! {
    "[" => uu_test::uumain,
    "arch" => uu_arch::uumain,
    "b2sum" => uu_b2sum::uumain,
    "base32" => uu_base32::uumain,
    "base64" => uu_base64::uumain,
    "basename" => uu_basename::uumain,
    "basenc" => uu_basenc::uumain,
    "cat" => uu_cat::uumain,
    "chmod" => own::chmod,
    "cksum" => uu_cksum::uumain,
    "comm" => uu_comm::uumain,
    "cp" => own::cp,
    "csplit" => uu_csplit::uumain,
    "cut" => uu_cut::uumain,
    "date" => uu_date::uumain,
    "dd" => own::dd,
    "dir" => uu_dir::uumain,
    "dircolors" => uu_dircolors::uumain,
    "dirname" => uu_dirname::uumain,
    "du" => own::du,
    "echo" => uu_echo::uumain,
    "env" => own::env,
    "expand" => uu_expand::uumain,
    "expr" => uu_expr::uumain,
    "factor" => uu_factor::uumain,
    "false" => uu_false::uumain,
    "fmt" => uu_fmt::uumain,
    "fold" => uu_fold::uumain,
    "head" => uu_head::uumain,
    "hostid" => uu_hostid::uumain,
    "join" => uu_join::uumain,
    "link" => uu_link::uumain,
    "ln" => uu_ln::uumain,
    "ls" => uu_ls::uumain,
    "md5sum" => uu_md5sum::uumain,
    "mkdir" => uu_mkdir::uumain,
    "mktemp" => uu_mktemp::uumain,
    "mv" => own::mv,
    "nl" => uu_nl::uumain,
    "nproc" => uu_nproc::uumain,
    "numfmt" => uu_numfmt::uumain,
    "od" => uu_od::uumain,
    "paste" => uu_paste::uumain,
    "pathchk" => uu_pathchk::uumain,
    "pr" => uu_pr::uumain,
    "printenv" => uu_printenv::uumain,
    "printf" => uu_printf::uumain,
    "ptx" => uu_ptx::uumain,
    "pwd" => uu_pwd::uumain,
    "readlink" => uu_readlink::uumain,
    "realpath" => uu_realpath::uumain,
    "rm" => uu_rm::uumain,
    "rmdir" => uu_rmdir::uumain,
    "seq" => uu_seq::uumain,
    "sha1sum" => uu_sha1sum::uumain,
    "sha224sum" => uu_sha224sum::uumain,
    "sha256sum" => uu_sha256sum::uumain,
    "sha384sum" => uu_sha384sum::uumain,
    "sha512sum" => uu_sha512sum::uumain,
    "shred" => uu_shred::uumain,
    "shuf" => uu_shuf::uumain,
    "sleep" => uu_sleep::uumain,
    "sort" => own::sort,
    "split" => uu_split::uumain,
    "stat" => own::stat,
    "sum" => uu_sum::uumain,
    "tac" => uu_tac::uumain,
    "tail" => uu_tail::uumain,
    "tee" => uu_tee::uumain,
    "test" => uu_test::uumain,
    "timeout" => own::timeout,
    "touch" => uu_touch::uumain,
    "tr" => uu_tr::uumain,
    "true" => uu_true::uumain,
    "truncate" => uu_truncate::uumain,
    "tsort" => uu_tsort::uumain,
    "tty" => uu_tty::uumain,
    "uname" => uu_uname::uumain,
    "unexpand" => uu_unexpand::uumain,
    "uniq" => uu_uniq::uumain,
    "unlink" => uu_unlink::uumain,
    "vdir" => uu_vdir::uumain,
    "wc" => uu_wc::uumain,
    "yes" => uu_yes::uumain,
}

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

/// What a shell answers for a command that does not exist.
const NOT_FOUND: i32 = 127;

/// The name by which the program offers all of its utilities.
const SELF: &str = "coreutils";

fn main() {
    // Memory that every utility comes to need grows now, while nobody waits for it.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(64 * 1024)));
    begin::wait();
    // All of them: WASI tells only as many as fit into a page.
    let mut args: Vec<OsString> = process::arguments().into_iter().map(OsString::from).collect();
    complete_environment();
    // Only `tac` asks, to map a temporary file into memory, and reads on without one. The standard library's answer would
    // end the program; this one makes no file, which could not be mapped here. Nobody has set another before.
    let _ = tempfile::env::override_temp_dir(Path::new("/dev/null"));
    let called = args.first().map_or_else(|| SELF.into(), |name| base_name(name));
    if called != SELF {
        run(&called, args);
    }

    args.remove(0);
    let Some(name) = args.first().map(|name| name.to_string_lossy().into_owned()) else {
        say(&mut io::stderr(), "coreutils: missing argument\nTry 'coreutils --help' for more information.");
        exit(1);
    };
    match name.as_str() {
        "--list" => say(&mut io::stdout(), &names("\n")),
        "--version" => say(
            &mut io::stdout(),
            concat!("coreutils (cordon ", env!("CARGO_PKG_VERSION"), ", uutils 0.12.0)"),
        ),
        "--help" => say(
            &mut io::stdout(),
            &format!(
                "Usage: coreutils UTILITY [ARGUMENT]...\n       coreutils --list\n\nUtilities: {}",
                names(" ")
            ),
        ),
        _ => {
            // Messages are made from the process's arguments, not from those handed to the entry.
            uucore::set_utility_is_second_arg();
            run(&name, args);
        }
    }
}

/// Adds what WASI left out of the environment because it did not fit into a page.
fn complete_environment() {
    for (name, value) in process::environment() {
        // What `set_var` does not take.
        let is_odd = name.is_empty() || name.contains(['=', '\0']) || value.contains('\0');
        if name != "PWD" && !is_odd && env::var_os(&name).is_none() {
            // SAFETY: this program has one thread.
            unsafe { env::set_var(name, value) };
        }
    }
}

/// WASI has no working directory: wasi-libc keeps one per program, which begins at `/`. The host names the real one in
/// `PWD`. Where that fails, paths are taken from `/`, and the utility reports what it does not find there.
fn enter_working_directory() {
    if let Some(directory) = env::var_os("PWD") {
        let _ = env::set_current_dir(directory);
    }
}

/// Runs a utility and leaves with its status; never returns.
fn run(name: &str, args: Vec<OsString>) -> ! {
    let Some(entry) = find(name) else {
        say(&mut io::stderr(), &format!("coreutils: unknown program '{name}'"));
        exit(NOT_FOUND);
    };
    if let Some(status) = own::direct(name, &args) {
        exit(status);
    }
    enter_working_directory();
    // Without this every message would be its bare identifier. The texts are embedded; only parsing can fail.
    if let Err(error) = locale::setup_localization(text_of(name)) {
        say(&mut io::stderr(), &format!("{name}: cannot load the messages: {error}"));
    }
    exit(entry(args.into_iter()))
}

fn find(name: &str) -> Option<Entry> {
    let at = UTILITIES.binary_search_by_key(&name, |(known, _)| known).ok()?;
    Some(UTILITIES[at].1)
}

/// The utility whose messages `name` uses: some are other names of one program.
fn text_of(name: &str) -> &str {
    match name {
        "[" => "test",
        "dir" | "vdir" => "ls",
        other => other,
    }
}

/// The last component of the name by which the program was called, without the ending of a module's file.
fn base_name(called: &OsStr) -> String {
    let name = Path::new(called).file_name().unwrap_or(called).to_string_lossy();
    name.strip_suffix(".wasm").unwrap_or(&name).to_owned()
}

fn names(separator: &str) -> String {
    UTILITIES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(separator)
}

/// Writes a line; a reader who has gone is no reason to panic.
fn say(to: &mut dyn Write, line: &str) {
    let _ = writeln!(to, "{line}");
}

const fn is_sorted(table: &[(&str, Entry)]) -> bool {
    let mut at = 1;
    while at < table.len() {
        if !is_before(table[at - 1].0.as_bytes(), table[at].0.as_bytes()) {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_before(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}
