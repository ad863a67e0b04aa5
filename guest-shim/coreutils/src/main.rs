//! The coreutils of a VM: one WASI program that answers to every utility's name.
//!
//! Like busybox it picks the utility from the name by which it was called, or from the first argument when it is called
//! `coreutils`. The utilities are the `uu_*` crates of uutils; this crate owns only the way into them.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::exit;

use uucore::locale::{self, LocalizationError};

/// A utility's entry: takes the arguments, its own name first, and returns the exit status.
type Main = fn(std::vec::IntoIter<OsString>) -> i32;

/// `utilities! { cat: uu_cat, ... }` makes the table from names to entries, in the order written.
macro_rules! utilities {
    ($($name:literal => $krate:ident),+ $(,)?) => {
        const UTILITIES: &[(&str, Main)] = &[$(($name, $krate::uumain)),+];
    };
}

// Sorted by name, for `--list` and the binary search; a test holds it to that.
utilities! {
    "[" => uu_test,
    "arch" => uu_arch,
    "b2sum" => uu_b2sum,
    "base32" => uu_base32,
    "base64" => uu_base64,
    "basename" => uu_basename,
    "basenc" => uu_basenc,
    "cat" => uu_cat,
    "cksum" => uu_cksum,
    "comm" => uu_comm,
    "cp" => uu_cp,
    "csplit" => uu_csplit,
    "cut" => uu_cut,
    "date" => uu_date,
    "dd" => uu_dd,
    "dir" => uu_dir,
    "dircolors" => uu_dircolors,
    "dirname" => uu_dirname,
    "echo" => uu_echo,
    "env" => uu_env,
    "expand" => uu_expand,
    "expr" => uu_expr,
    "factor" => uu_factor,
    "false" => uu_false,
    "fmt" => uu_fmt,
    "fold" => uu_fold,
    "head" => uu_head,
    "hostid" => uu_hostid,
    "hostname" => uu_hostname,
    "join" => uu_join,
    "link" => uu_link,
    "ln" => uu_ln,
    "ls" => uu_ls,
    "md5sum" => uu_md5sum,
    "mkdir" => uu_mkdir,
    "mktemp" => uu_mktemp,
    "mv" => uu_mv,
    "nl" => uu_nl,
    "nproc" => uu_nproc,
    "numfmt" => uu_numfmt,
    "od" => uu_od,
    "paste" => uu_paste,
    "pathchk" => uu_pathchk,
    "pr" => uu_pr,
    "printenv" => uu_printenv,
    "printf" => uu_printf,
    "ptx" => uu_ptx,
    "pwd" => uu_pwd,
    "readlink" => uu_readlink,
    "realpath" => uu_realpath,
    "rm" => uu_rm,
    "rmdir" => uu_rmdir,
    "seq" => uu_seq,
    "sha1sum" => uu_sha1sum,
    "sha224sum" => uu_sha224sum,
    "sha256sum" => uu_sha256sum,
    "sha384sum" => uu_sha384sum,
    "sha512sum" => uu_sha512sum,
    "shred" => uu_shred,
    "shuf" => uu_shuf,
    "sleep" => uu_sleep,
    "sort" => uu_sort,
    "split" => uu_split,
    "sum" => uu_sum,
    "tac" => uu_tac,
    "tail" => uu_tail,
    "tee" => uu_tee,
    "test" => uu_test,
    "touch" => uu_touch,
    "tr" => uu_tr,
    "true" => uu_true,
    "truncate" => uu_truncate,
    "tsort" => uu_tsort,
    "tty" => uu_tty,
    "uname" => uu_uname,
    "unexpand" => uu_unexpand,
    "uniq" => uu_uniq,
    "unlink" => uu_unlink,
    "vdir" => uu_vdir,
    "wc" => uu_wc,
    "yes" => uu_yes,
}

/// What a shell answers for a command that does not exist.
const NOT_FOUND: i32 = 127;

fn main() {
    enter_working_directory();

    let mut args: Vec<OsString> = std::env::args_os().collect();
    let called = args.first().map(|name| base_name(name)).unwrap_or_default();
    if called != "coreutils" && let Some(utility) = find(&called) {
        run(utility, args);
    }
    if called != "coreutils" {
        unknown(&called);
    }

    // `coreutils NAME ARGS...`: tell uucore, which looks at the process's arguments for its messages.
    uucore::set_utility_is_second_arg();
    args.remove(0);
    match args.first().and_then(|name| name.to_str()) {
        Some("--list") => {
            for (name, _) in UTILITIES {
                println!("{name}");
            }
            exit(0);
        }
        Some("--version") => {
            println!("coreutils {} (cordon), on uutils coreutils 0.12.0", env!("CARGO_PKG_VERSION"));
            exit(0);
        }
        None | Some("--help") => {
            println!("Usage: coreutils NAME [ARGUMENT]...\n       coreutils --list");
            exit(i32::from(args.is_empty()));
        }
        Some(name) => match find(name) {
            Some(utility) => run(utility, args),
            None => unknown(name),
        },
    }
}
