//! One VM's virtual machine: an in-memory POSIX filesystem with host mounts, descriptors, pipes, devices, `/proc`,
//! processes and signals, and the limits of all of it.
//!
//! Knows neither V8, Wasmtime, an async runtime nor the supervisor. Everything is shared between threads through
//! [`Arc`](std::sync::Arc); internal locks are held for moments and never across a call to [`HostFs`] or into a guest,
//! but for the offset of the one open file that is read or written there.
//!
//! # At a glance
//! - [`Kernel`]: `new`, `mount`, `install_program`, `install_symlink`, `install_file`, `set_executor`,
//!   `create_process`, `spawn`, `kill`, `kill_session`, `pipe`, `memory_file`, `null`, and `system`, the process whose
//!   path operations the embedder uses.
//! - [`Process`]: identity, `fds()` ([`DescriptorTable`]), `cwd`, path operations (plain and `*_at` with a [`Base`]),
//!   `read_directory` of an open directory, `poll_read`/`poll_write` (with `SIGPIPE`), signals (`signal`, `killed`,
//!   `poll_killed`), `exit`, `poll_wait`.
//! - [`OpenFile`]: an open file description; `poll_read`, `poll_write`, `pread`, `pwrite`, `seek`, `status`, ...;
//!   [`OpenFile::from_stream`] makes one of a [`Stream`] that lives outside.
//! - Implemented by others: [`FsPolicy`] (permissions), [`HostFs`] (host directories), [`Executor`] (runs programs),
//!   [`Clock`], [`Stream`].
//! - What would block is a `poll_*` function; [`block_on`] with an [`Interrupt`] waits for one on a plain thread:
//!   `block_on(std::future::poll_fn(|cx| process.poll_read(cx, &file, &mut buffer)), &interrupt)`.

mod clock;
mod descriptors;
mod file;
mod fs;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod host_fs;
#[allow(clippy::module_inception)]
mod kernel;
mod limits;
mod process;
mod process_paths;
mod process_table;
mod procfs;
mod program;
#[cfg(test)]
mod tests;
mod wait;

pub use clock::{Clock, SystemClock};
pub use descriptors::DescriptorTable;
pub use file::pipe::{PIPE_BUF, PIPE_CAPACITY};
pub use file::{OpenFile, Stream};
pub use fs::access::{AllowAll, FsOperation, FsPolicy};
pub use host_fs::HostFs;
pub use kernel::{Executor, Kernel, KernelOptions, SpawnRequest};
pub use limits::{FilesystemUsage, KernelLimits};
pub use process::Process;
pub use process_paths::Base;
pub use program::Program;
pub use protocol::abi::{
    DefaultAction, DirectoryEntry, Errno, ExitStatus, FileKind, FileStatus, FileTimes, HOST_TRANSFER_MAX,
    HostFsReply, HostFsRequest, HostHandle, MountId, OpenFlags, Pid, Signal, SignalSet, Symlinks, Whence,
};
pub use wait::{Interrupt, Interrupted, Wakers, Woken, block_on, block_on_until};
