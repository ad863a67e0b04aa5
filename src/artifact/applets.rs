//! The programs a VM begins with: which module answers to which name.
//!
//! A black-box test compares the names with what `coreutils --list` prints.

/// Module of the shell.
pub const SHELL: &str = "sh";
/// Module of the multi-call program that holds the utilities.
pub const COREUTILS: &str = "coreutils";

/// Names under `/bin` that are the multi-call program, sorted.
#[rustfmt::skip]
pub const COREUTILS_APPLETS: &[&str] = &[
    "[", "arch", "b2sum", "base32", "base64", "basename", "basenc", "cat", "chmod", "cksum", "comm", "cp",
    "csplit", "cut", "date", "dd", "dir", "dircolors", "dirname", "du", "echo", "env", "expand", "expr",
    "factor", "false", "fmt", "fold", "head", "hostid", "join", "link", "ln", "ls", "md5sum", "mkdir",
    "mktemp", "mv", "nl", "nproc", "numfmt", "od", "paste", "pathchk", "pr", "printenv", "printf", "ptx",
    "pwd", "readlink", "realpath", "rm", "rmdir", "seq", "sha1sum", "sha224sum", "sha256sum", "sha384sum",
    "sha512sum", "shred", "shuf", "sleep", "sort", "split", "stat", "sum", "tac", "tail", "tee", "test",
    "timeout", "touch", "tr", "true", "truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink",
    "vdir", "wc", "yes",
];

/// What a program of that module is called when it runs with these arguments: the utility that the multi-call program
/// will be, else the module. None where it would be no utility at all, so that whoever asks refuses it.
///
/// It follows from what will run, not from the path or link that led there. For utilities the answer is one of
/// [`COREUTILS_APPLETS`] letter by letter, or the program itself: how it reads a name that is nearly one (`rm/`, `rm.wasm`)
/// does not matter, because it is never started with such a name.
pub fn called<'a>(module: &'a str, argv: &'a [String]) -> Option<&'a str> {
    if module != COREUTILS {
        return Some(module);
    }
    let own = argv.first()?;
    let own = own.rsplit_once('/').map_or(own.as_str(), |(_, name)| name);
    let utility = |name: &str| COREUTILS_APPLETS.binary_search(&name).ok().map(|at| COREUTILS_APPLETS[at]);
    if own != COREUTILS {
        return utility(own);
    }
    // By itself it is the utility that its first argument names, and else only tells of itself.
    Some(argv.get(1).and_then(|name| utility(name)).unwrap_or(COREUTILS))
}

#[cfg(test)]
mod tests {
    use super::{COREUTILS_APPLETS, called};

    #[test]
    fn names_are_sorted_and_none_is_there_twice() {
        assert!(COREUTILS_APPLETS.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_program_is_called_what_it_will_be() {
        let called = |module: &str, argv: &[&str]| {
            let argv: Vec<String> = argv.iter().map(|&text| text.to_owned()).collect();
            called(module, &argv).map(str::to_owned)
        };
        let rm = Some("rm".to_owned());
        for argv in [&["rm"][..], &["/bin/rm"], &["./rm"], &["//bin//rm", "x"], &["/bin/coreutils", "rm"]] {
            assert_eq!(called("coreutils", argv), rm, "{argv:?}");
        }
        for near in
            ["rm/", "rm.wasm", "rm/.", "/bin/rm//", "", "/", "RM", "rm ", "uu_rm", "coreutils/", "rm\0"]
        {
            assert_eq!(called("coreutils", &[near, "rm"]), None, "{near:?}");
        }
        assert_eq!(called("coreutils", &[]), None);
        // `coreutils` knows these names as little: it says so, or which it knows.
        for argument in ["--list", "rm/", "/bin/rm", "rm.wasm", "coreutils", ""] {
            let itself = Some("coreutils".to_owned());
            assert_eq!(called("coreutils", &["coreutils", argument, "rm"]), itself, "{argument:?}");
        }
        assert_eq!(called("ask", &["rm"]), Some("ask".to_owned()));
        assert_eq!(called("sh", &[]), Some("sh".to_owned()));
    }
}
