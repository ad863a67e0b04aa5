//! The kernel of one VM: puts filesystem, processes and limits together.

use std::sync::Arc;

use super::{
    Clock, Errno, FilesystemUsage, FsPolicy, HostFs, KernelLimits, MountId, OpenFile, Pid, Process, Program,
    Signal, SignalSet,
};

/// What a kernel is made of.
pub struct KernelOptions {
    /// What the VM may use.
    pub limits: KernelLimits,
    /// The `fs` permissions.
    pub fs_policy: Arc<dyn FsPolicy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fills a buffer with random bytes.
    pub random: fn(&mut [u8]),
}

/// Runs programs. Called without any lock held.
pub trait Executor: Send + Sync {
    /// Starts `program` as `process`. Whoever runs it calls [`Process::exit`] when it has ended. On an error the
    /// kernel takes the process away again.
    fn start(&self, process: Arc<Process>, program: Program) -> Result<(), Errno>;
}

/// A program to start.
pub struct SpawnRequest {
    /// A path if it contains a slash, else a name looked up in `PATH` of `env`.
    pub program: String,
    /// All arguments, the first being the program's own name.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// The current directory; the parent's when none.
    pub cwd: Option<String>,
    /// The descriptors it starts with.
    pub fds: Vec<(u32, Arc<OpenFile>)>,
    /// Signals that it ignores, besides those its parent ignores.
    pub ignored_signals: SignalSet,
}

/// One VM's virtual machine.
pub struct Kernel {
    _private: (),
}

#[allow(unused_variables)]
impl Kernel {
    /// A kernel with the usual directories, devices and `/proc`, and no program.
    pub fn new(options: KernelOptions) -> Arc<Kernel> {
        Arc::new(Kernel { _private: () })
    }
    /// Mounts a host directory at `guest`, an absolute path; directories on the way are created.
    pub fn mount(&self, guest: &str, id: MountId, read_only: bool, fs: Arc<dyn HostFs>) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Takes a mount away; files that are open stay open.
    pub fn unmount(&self, guest: &str) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Puts a program at `path`: a regular file of mode 0755 whose attribute no guest can forge.
    pub fn install_program(&self, path: &str, program: Program) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Names who runs programs; once.
    pub fn set_executor(&self, executor: Arc<dyn Executor>) {}
    /// A process that the caller runs itself: for the isolate's own executions and as the parent of commands that
    /// are started from outside.
    pub fn create_process(
        self: &Arc<Self>,
        parent: Option<Pid>,
        argv: Vec<String>,
        env: Vec<(String, String)>,
        cwd: &str,
        fds: Vec<(u32, Arc<OpenFile>)>,
    ) -> Result<Arc<Process>, Errno> {
        Err(Errno::Enosys)
    }
    /// Starts a program as a child of `parent`.
    pub fn spawn(self: &Arc<Self>, parent: &Process, request: SpawnRequest) -> Result<Arc<Process>, Errno> {
        Err(Errno::Enosys)
    }
    /// Sends a signal. `ESRCH` if there is no such process.
    pub fn kill(&self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// The process of that id, also one that ended and was not waited for.
    pub fn process(&self, pid: Pid) -> Option<Arc<Process>> {
        None
    }
    /// Every process, by id.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        Vec::new()
    }
    /// A pipe: (read end, write end). `ENFILE` at the limit of pipe buffers or open files.
    pub fn pipe(&self) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
        Err(Errno::Enosys)
    }
    /// A nameless file in memory, open for reading and writing.
    pub fn memory_file(&self) -> Result<Arc<OpenFile>, Errno> {
        Err(Errno::Enosys)
    }
    /// `/dev/null`, open for reading and writing.
    pub fn null(&self) -> Arc<OpenFile> {
        unimplemented!("arrives with the devices")
    }
    /// What the VM's own filesystem holds.
    pub fn usage(&self) -> FilesystemUsage {
        FilesystemUsage { bytes_used: 0, bytes_limit: 0, inodes_used: 0, inodes_limit: 0 }
    }
    /// The VM's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        unimplemented!("arrives with the options")
    }
    /// Fills a buffer with random bytes.
    pub fn random(&self, buffer: &mut [u8]) {}
}
