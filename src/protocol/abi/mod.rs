//! What the VM's kernel and whoever serves it agree on: errors, signals, how a process ends, files, and the requests for
//! host directories.
//!
//! Numbers and names are those of Linux on x86-64. Knows no process and performs nothing.

mod errno;
mod file;
mod host_call;
mod host_fs;
mod network;
mod signal;

pub use errno::Errno;
pub use file::{DirectoryEntry, FileKind, FileStatus, FileTimes, OpenFlags, Pid, Symlinks, Whence};
pub use host_call::HostCallError;
pub use host_fs::{
    DIRECTORY_ENTRIES_MAX, HOST_TRANSFER_MAX, HostFsReply, HostFsRequest, HostHandle, LISTING_MAX, MountId,
    NPM_DIRECTORY, SMALL_FILE_MAX, SMALL_FILES_MAX, SmallFile,
};
pub use network::{
    Connected, ConnectionEvent, NetworkError, NetworkErrorCode, TLS_1_2, TLS_1_3, TlsIdentity, TlsRequest,
    TlsSession,
};
pub use signal::{DefaultAction, ExitStatus, Signal, SignalSet};
