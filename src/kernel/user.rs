//! The user of a VM. There is one, an ordinary one: every process runs as it, every file belongs to it, and permission bits
//! hold for it as for any owner. `root` has a name and nothing else.

/// Its number, and its group's.
pub const ID: u32 = 1000;

/// Its name, and its group's.
pub const NAME: &str = "user";

/// Its home directory.
pub const HOME: &str = "/home/user";

/// Its login shell.
pub const SHELL: &str = "/bin/sh";

/// What `/etc/passwd` begins as.
pub(crate) fn passwd() -> String {
    format!("root:x:0:0:root:/root:/bin/sh\n{NAME}:x:{ID}:{ID}::{HOME}:{SHELL}\n")
}

/// What `/etc/group` begins as.
pub(crate) fn group() -> String {
    format!("root:x:0:\n{NAME}:x:{ID}:\n")
}
