//! One VM's virtual machine: an in-memory POSIX filesystem with host mounts, descriptors, pipes, devices, `/proc`,
//! processes and signals, and the limits of all of it.
//!
//! Knows neither V8, Wasmtime, an async runtime nor the supervisor. Everything is shared between threads through
//! [`Arc`](std::sync::Arc); internal locks are held for moments and never across a call to [`HostFs`] or into a guest,
//! but for the offset of the one open file that is read or written there.
//!
//! # At a glance
//! - [`Kernel`]: `new`, `mount`, `install_program` (a [`Program`] of an [`Engine`]), `install_symlink`, `install_file`,
//!   `add_executor` (one for each engine), `create_process`, `spawn`, `kill`, `kill_group`, `end_scope`, `pipe`,
//!   `memory_file`, `null`, and `system`, the process whose path operations the embedder uses.
//! - [`Process`]: identity, `fds()` ([`DescriptorTable`]), `cwd`, path operations (plain and `*_at` with a [`Base`]),
//!   `read_directory` of an open directory, `poll_read`/`poll_write` (with `SIGPIPE`), `exit`.
//!   - Who belongs together: `scope` (what one call of a client has started: a [`Scope`]), `session` and `setsid`,
//!     `group` and `setpgid`; a child begins where its [`Grouping`] says.
//!   - Signals: `signal`; for the process `set_disposition` ([`Disposition`]), `poll_signal`, `take_signal`; for its
//!     executor `poll_killed`, `poll_stopped`, `poll_runnable`.
//!   - Waiting for it: `poll_wait` for its end, `poll_wait_for` also for its stops and continuations.
//! - [`OpenFile`]: an open file description over a file of any kind; `poll_read`, `poll_write`, `pread`, `pwrite`, `seek`,
//!   `status`, ...; [`OpenFile::from_stream`] makes one of a [`Stream`] that lives outside. The kinds are in `file/`.
//! - [`Terminal`]: `Kernel::open_terminal` gives the [`TerminalHost`], whose holder types, shows, resizes and hangs up;
//!   `Kernel::spawn_at_terminal` starts a session there. A process has `terminal`, `terminal_foreground` and
//!   `poll_set_terminal_*`.
//! - [`user`]: whom everything belongs to; [`machine`]: what the VM says it is.
//! - [`net`]: sockets of the VM; `Kernel::network`.
//! - Implemented by others: [`FsPolicy`] (permissions), [`HostFs`] (host directories), [`Executor`] (runs programs of one
//!   engine), [`Clock`], [`Stream`].
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
pub mod machine;
pub mod net;
mod process;
mod procfs;
mod terminal;
#[cfg(test)]
mod tests;
pub mod user;
mod wait;

pub use clock::{Clock, SystemClock};
pub use descriptors::DescriptorTable;
pub use file::pipe::{PIPE_BUF, PIPE_CAPACITY};
pub use file::{OpenFile, Stream};
pub use fs::Layout;
pub use fs::access::{AllowAll, FsOperation, FsPolicy};
pub use fs::watch::{FsChange, FsWatch};
pub use host_fs::HostFs;
pub use kernel::{Executor, Kernel, KernelOptions, SpawnRequest};
pub use limits::{FilesystemUsage, KernelLimits};
pub use process::Process;
pub use process::paths::Base;
pub use process::program::{Engine, Program};
pub use process::scope::Scope;
pub use process::session::Grouping;
pub use process::signal::Disposition;
pub use process::wait::{ChildStatus, WaitOptions};
pub use protocol::abi::{
    DefaultAction, DirectoryEntry, Errno, ExitStatus, FileKind, FileStatus, FileTimes, HOST_TRANSFER_MAX,
    HostFsReply, HostFsRequest, HostHandle, MountId, OpenFlags, Pid, SMALL_FILE_MAX, SMALL_FILES_MAX, Signal,
    SignalSet, SmallFile, Symlinks, Whence,
};
pub use terminal::{
    Attributes, ChangeWhen, ControlCharacters, DISABLED, InputModes, LocalModes, OutputModes, TERMINAL_COST,
    TERMINAL_INPUT_CAPACITY, TERMINAL_LINE_MAX, TERMINAL_OUTPUT_CAPACITY, Terminal, TerminalHost, WindowSize,
};
pub use wait::{Interrupt, Interrupted, Wakers, Woken, block_on, block_on_until};
