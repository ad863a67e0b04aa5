//! The programs a VM begins with: which module answers to which name.
//!
//! A black-box test compares the names with what each module's `--list` prints.

/// Module of the shell.
pub const SHELL: &str = "sh";
/// The same program by the name under which it speaks bash's language.
pub const BASH: &str = "bash";
/// Module of the multi-call program that holds the utilities that every VM uses.
pub const COREUTILS: &str = "coreutils";

/// Stands for whatever a guest has made and starts: no module is called so. The permission scope `childProcess` knows such
/// programs by this name, since the guest chooses the names of their files.
pub const GUEST_PROGRAM: &str = "webassembly";
/// First bytes of every WebAssembly file.
pub const MAGIC: &[u8] = b"\0asm";

/// The modules that nearly every script runs: VMs have one instance of each begun ahead.
pub const COMMON_MODULES: [&str; 2] = [COREUTILS, SHELL];

/// A module that is many utilities: under `/bin` each of its names is a link to it.
#[derive(Debug)]
pub struct MultiCall {
    /// The module, and the program that offers all of its utilities.
    pub module: &'static str,
    /// Its utilities, sorted. No name is in two modules.
    pub utilities: &'static [&'static str],
}

/// Every multi-call module, each what belongs together: what is not used is neither mapped nor run.
#[rustfmt::skip]
pub const MULTI_CALL: &[MultiCall] = &[
    MultiCall { module: COREUTILS, utilities: &[
        "[", "arch", "b2sum", "base32", "base64", "basename", "basenc", "cat", "chgrp", "chmod", "chown", "cksum", "comm", "cp",
        "csplit", "cut", "date", "dd", "dir", "dircolors", "dirname", "du", "echo", "env", "expand", "expr",
        "factor", "false", "fmt", "fold", "head", "hostid", "join", "link", "ln", "ls", "md5sum", "mkdir",
        "mkfifo", "mktemp", "mv", "nl", "nproc", "numfmt", "od", "paste", "pathchk", "pr", "printenv", "printf", "ptx",
        "pwd", "readlink", "realpath", "rm", "rmdir", "seq", "sha1sum", "sha224sum", "sha256sum", "sha384sum",
        "sha512sum", "shred", "shuf", "sleep", "sort", "split", "stat", "sum", "tac", "tail", "tee", "test",
        "timeout", "touch", "tr", "true", "truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink",
        "vdir", "wc", "yes",
    ] },
    MultiCall { module: "archive", utilities: &[
        "ar", "bunzip2", "bzcat", "bzip2", "cpio", "gunzip", "gzip", "tar", "unxz", "unzip", "unzstd", "xz", "xzcat",
        "zcat", "zip", "zstd", "zstdcat",
    ] },
    MultiCall { module: "filetype", utilities: &["file"] },
    MultiCall { module: "findutils", utilities: &["find", "xargs"] },
    MultiCall { module: "search", utilities: &["fd", "rg"] },
    MultiCall { module: "sqlite", utilities: &["sqlite3"] },
    MultiCall { module: "textutils", utilities: &[
        "awk", "cmp", "diff", "ed", "egrep", "fgrep", "gawk", "grep", "jq", "mawk", "nawk", "rev", "sed", "which", "yq",
    ] },
    MultiCall { module: "transfer", utilities: &["curl", "wget"] },
    MultiCall { module: "utilities", utilities: &[
        "bc", "bzgrep", "cal", "clear", "col", "colrm", "column", "dc", "df", "dos2unix", "envsubst", "fallocate", "flock", "free",
        "getconf", "getopt", "groups", "hd", "hexdump", "hostname", "iconv", "id", "install", "killall", "less", "locale",
        "logger", "logname", "look", "make", "more", "ncal", "nice", "nohup", "patch", "pgrep", "pidof", "pkill", "ps", "renice",
        "reset", "setsid", "sponge", "stdbuf", "strings", "stty", "sync", "tabs", "taskset", "time", "tput", "tree", "ts",
        "unix2dos", "uptime", "users", "uudecode", "uuencode", "watch", "who", "whoami", "xxd", "xzgrep", "zcmp", "zdiff",
        "zegrep", "zfgrep", "zgrep", "zless", "zmore",
    ] },
];

/// What a program of that module is called when it runs with these arguments: the utility that the multi-call program
/// will be, else the module. None where it would be no utility at all, so that whoever asks refuses it.
///
/// It follows from what will run, not from the path or link that led there. For utilities the answer is one of
/// [`MULTI_CALL`]'s letter by letter, or the program itself: how it reads a name that is nearly one (`rm/`, `rm.wasm`)
/// does not matter, because it is never started with such a name.
pub fn called<'a>(module: &'a str, argv: &'a [String]) -> Option<&'a str> {
    let Some(MultiCall { module, utilities }) = MULTI_CALL.iter().find(|known| known.module == module) else {
        return Some(module);
    };
    let own = argv.first()?;
    let own = own.rsplit_once('/').map_or(own.as_str(), |(_, name)| name);
    let utility = |name: &str| utilities.binary_search(&name).ok().map(|at| utilities[at]);
    if own != *module {
        return utility(own);
    }
    // By itself it is the utility that its first argument names, and else only tells of itself.
    Some(argv.get(1).and_then(|name| utility(name)).unwrap_or(module))
}

#[cfg(test)]
mod tests {
    use super::{MULTI_CALL, SHELL, called};

    #[test]
    fn names_are_sorted_and_none_is_there_twice() {
        for known in MULTI_CALL {
            assert!(known.utilities.is_sorted_by(|one, next| one < next), "{}", known.module);
        }
        let mut names: Vec<_> = MULTI_CALL.iter().flat_map(|known| known.utilities).collect();
        let modules = MULTI_CALL.iter().map(|known| &known.module);
        names.extend(modules.chain([&SHELL]));
        names.sort_unstable();
        assert!(names.is_sorted_by(|one, next| one < next));
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
        // A module is only what it has: by another's name it is nothing.
        assert_eq!(called("textutils", &["/bin/grep"]), Some("grep".to_owned()));
        assert_eq!(called("textutils", &["textutils", "sed"]), Some("sed".to_owned()));
        assert_eq!(called("textutils", &["rm"]), None);
        assert_eq!(called("coreutils", &["grep"]), None);
        assert_eq!(called("ask", &["rm"]), Some("ask".to_owned()));
        assert_eq!(called("sh", &[]), Some("sh".to_owned()));
    }
}
