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

/// What a program does, as permissions name it: the utility that the multi-call program will be, else the module. It
/// follows from what will run, not from the path or link that led there, so that no other name gets around a rule.
pub fn subject<'a>(module: &'a str, argv: &'a [String]) -> &'a str {
    if module != COREUTILS {
        return module;
    }
    // As the program itself picks the utility.
    let name =
        |argument: Option<&'a String>| argument.map_or("", |path| path.rsplit('/').next().unwrap_or(path));
    match name(argv.first()) {
        COREUTILS => match name(argv.get(1)) {
            "" => COREUTILS,
            utility => utility,
        },
        utility => utility,
    }
}

#[cfg(test)]
mod tests {
    use super::COREUTILS_APPLETS;

    #[test]
    fn names_are_sorted_and_none_is_there_twice() {
        assert!(COREUTILS_APPLETS.is_sorted_by(|one, next| one < next));
    }
}
