//! The one place where the `fs` permissions of the VM are asked.
//!
//! Every path operation of the kernel comes here with the absolute, fully resolved path before it takes effect, while
//! the name space cannot change. Knows nothing of rules and patterns: those belong to whoever implements
//! [`FsPolicy`].

/// What is about to be done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FsOperation {
    /// Read the contents of a file, or the target of a symbolic link.
    Read,
    /// Change the contents of a file.
    Write,
    /// Make a new name: a file, a directory, a link, the target of a rename.
    Create,
    /// Take a name away: unlink, rmdir, the source of a rename, what a rename replaces.
    Remove,
    /// Learn that it is there and what it is; also entering a directory.
    Stat,
    /// List a directory.
    List,
    /// Give a file another name (asked of the existing file, besides `Read` and `Write`).
    Link,
    /// Change permission bits or times.
    SetAttributes,
    /// Run it as a program or script, or as the interpreter of a script.
    Execute,
}

/// The `fs` permissions of a VM. Implementations must be quick, must not block and must not call into the kernel:
/// they are asked under the lock of the name space, so that nothing can change between decision and deed.
pub trait FsPolicy: Send + Sync {
    /// Whether `op` may be done at `path`: absolute, without symbolic links, `.`, `..` and doubled slashes. The
    /// calling process's own directory in `/proc` is always written `/proc/self`.
    fn allows(&self, op: FsOperation, path: &str) -> bool;

    /// Whether no rule tells `path` and anything beneath it apart. Directories are renamed only where this holds of
    /// both ends, since their contents would change sides of a rule; host mounts where it does not hold have their
    /// symbolic links resolved before each decision. Answering `false` is always safe.
    fn uniform_below(&self, path: &str) -> bool {
        let _ = path;
        false
    }
}

/// Allows everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl FsPolicy for AllowAll {
    fn allows(&self, _: FsOperation, _: &str) -> bool {
        true
    }

    fn uniform_below(&self, _: &str) -> bool {
        true
    }
}
