//! The kernel of one VM: puts filesystem, processes and limits together.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::file::File as _;
use super::file::regular::Regular;
use super::fs::{At, Filesystem, Layout};
use super::limits::{Meter, Share};
use super::net::Network;
use super::process::birth::Birth;
use super::process::program::{self, Formats};
use super::process::session::Membership;
use super::process::table::{INIT, ProcessTable};
use super::{
    Clock, DescriptorTable, Engine, Errno, ExitStatus, FilesystemUsage, FsPolicy, Grouping, HostFs,
    KernelLimits, MountId, OpenFile, OpenFlags, Pid, Process, Program, Scope, Signal, SignalSet,
    TERMINAL_COST, Terminal, TerminalHost, WindowSize,
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

/// Runs the programs of one engine. Called without any lock held.
pub trait Executor: Send + Sync {
    /// What `program` is called when it runs with these arguments: the one name by which it is permitted or refused,
    /// whatever path, link or `#!` line led to it. None if it would be nothing that this executor has.
    fn name<'a>(&self, program: &'a Program, argv: &'a [String]) -> Option<&'a str> {
        let _ = argv;
        Some(&program.module)
    }
    /// Whether `parent` may start what is called so. Asked in one place, once everything that could stand between what
    /// was asked for and what runs has been resolved, and not of the embedder. Must be quick.
    fn permits(&self, parent: &Process, name: &str) -> bool {
        let _ = (parent, name);
        true
    }
    /// Starts `program` as `process`. Whoever runs it runs it no further while it is stopped ([`Process::poll_stopped`],
    /// [`Process::poll_runnable`]) or once it is killed ([`Process::poll_killed`]), and calls [`Process::exit`] when it
    /// has ended. On an error the kernel takes the process away again.
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
    /// Signals that it does not ignore, whatever its parent does.
    pub default_signals: SignalSet,
    /// The session and group that it starts in; of what [`Kernel::system`] starts always its own.
    pub grouping: Grouping,
}

/// One VM's virtual machine.
pub struct Kernel {
    fs: Arc<Filesystem>,
    table: Arc<ProcessTable>,
    init: Arc<Process>,
    network: Arc<Network>,
    limits: KernelLimits,
    terminal_bytes: Arc<Meter>,
    executors: RwLock<HashMap<Engine, Arc<dyn Executor>>>,
    formats: Formats,
}

impl Kernel {
    /// A kernel with the usual directories, devices and `/proc`, and no program.
    pub fn new(options: KernelOptions) -> Arc<Kernel> {
        Kernel::with_layout(options, Layout::new())
    }

    /// A kernel over a filesystem that was laid out before.
    pub fn with_layout(options: KernelOptions, layout: Layout) -> Arc<Kernel> {
        let limits = options.limits;
        let table = Arc::new(ProcessTable::new(limits.processes));
        let fs = Filesystem::new(&options, layout, Arc::downgrade(&table));
        let birth = Birth {
            parent: 0,
            scope: Scope::default(),
            from: Membership::leader(INIT),
            grouping: Grouping::Inherit,
            argv: vec!["init".to_owned()],
            env: Vec::new(),
            exe: String::new(),
            cwd: fs.root(),
            umask: 0o022,
            ignored: SignalSet::default(),
            fds: DescriptorTable::empty(limits.descriptors),
        };
        let init = table.enter_init(|pid, own| birth.process(pid, own, fs.clone(), &table, None));
        let network = Network::new(limits.socket_bytes, fs.open_files.clone());
        let terminal_bytes = Meter::new(limits.terminal_bytes);
        let (executors, formats) = (RwLock::default(), Formats::default());
        Arc::new(Kernel { fs, table, init, network, limits, terminal_bytes, executors, formats })
    }

    /// Mounts a host directory at `guest`, an absolute path; directories on the way are created.
    pub fn mount(&self, guest: &str, id: MountId, read_only: bool, fs: Arc<dyn HostFs>) -> Result<(), Errno> {
        self.fs.mount(guest, id, read_only, fs)
    }

    /// Takes a mount away; files that are open stay open.
    pub fn unmount(&self, guest: &str) -> Result<(), Errno> {
        self.fs.unmount(guest)
    }

    /// Puts a program at `path`: a regular file of mode 0755 whose attribute no guest can forge.
    pub fn install_program(&self, path: &str, program: Program) -> Result<(), Errno> {
        self.fs.install_program(path, program)
    }

    /// Puts a symbolic link at `path`, for example `/bin/ls` for `coreutils`.
    pub fn install_symlink(&self, path: &str, target: &str) -> Result<(), Errno> {
        self.fs.install_symlink(path, target)
    }

    /// Puts a file at `path`.
    pub fn install_file(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Errno> {
        self.fs.install_file(path, contents, mode)
    }

    /// Names who runs the programs of an engine; the first call for each counts.
    pub fn add_executor(&self, engine: Engine, executor: Arc<dyn Executor>) {
        self.executors.write().entry(engine).or_insert(executor);
    }

    /// Has executable files that begin with these bytes run as that program. Its executor reads the file, which is the
    /// process's [`exe`](Process::exe), in the process's name.
    pub fn add_format(&self, magic: &'static [u8], program: Program) {
        self.formats.add(magic, program);
    }

    /// The kernel's own process, number 1. It stands for the embedder: `fs` permissions do not bind its path
    /// operations, so no guest may ever act in its name.
    pub fn system(&self) -> &Arc<Process> {
        &self.init
    }

    /// A process that the caller runs itself: for the isolate's own executions and as the parent of commands that
    /// are started from outside. Without a parent it starts a call scope and a session. Its umask and ignored signals are
    /// the parent's or the defaults.
    pub fn create_process(
        &self,
        parent: Option<Pid>,
        argv: Vec<String>,
        env: Vec<(String, String)>,
        cwd: &str,
        fds: Vec<(u32, Arc<OpenFile>)>,
    ) -> Result<Arc<Process>, Errno> {
        let parent = match parent {
            Some(pid) => Some(self.process(pid).ok_or(Errno::Esrch)?),
            None => None,
        };
        let starter = parent.as_ref().unwrap_or(&self.init);
        let birth = Birth {
            parent: starter.pid(),
            scope: parent.as_ref().map(|parent| parent.scope().clone()).unwrap_or_default(),
            from: starter.membership(),
            grouping: if parent.is_some() { Grouping::Inherit } else { Grouping::NewSession },
            argv,
            env,
            exe: String::new(),
            cwd: self.fs.directory(&starter.caller(), &At { start: starter.cwd_node(), path: cwd })?,
            umask: starter.umask(),
            ignored: starter.ignored(),
            fds: DescriptorTable::new(self.limits.descriptors, fds)?,
        };
        birth.enter(&self.fs, &self.table)
    }

    /// Starts a program as a child of `parent`, in its call scope; what [`system`](Self::system) starts is in a scope of
    /// its own. `ENOEXEC` when there is no executor for the program's engine, `ENOENT` when that has no such program,
    /// `EACCES` when it does not permit it.
    pub fn spawn(&self, parent: &Process, request: SpawnRequest) -> Result<Arc<Process>, Errno> {
        self.spawn_with(parent, request, |_| Ok(()))
    }

    /// Starts a program as [`spawn`](Self::spawn) does, in the foreground of the parent's controlling terminal: its group
    /// is there before anything of it runs. `ENOTTY` if `file` is not that terminal.
    pub fn spawn_in_foreground(
        &self,
        parent: &Process,
        request: SpawnRequest,
        file: &OpenFile,
    ) -> Result<Arc<Process>, Errno> {
        let terminal = file.terminal().filter(|_| parent.is_controlled_by(file)).ok_or(Errno::Enotty)?;
        self.spawn_with(parent, request, |process| {
            // A session of its own has no terminal.
            if process.session() != parent.session() {
                return Err(Errno::Enotty);
            }
            terminal.set_foreground(process.group());
            Ok(())
        })
    }

    /// Starts a program on behalf of the embedder that leads a session of its own at a terminal, which is its standard
    /// input, output and error.
    pub fn spawn_at_terminal(
        &self,
        host: &TerminalHost,
        mut request: SpawnRequest,
    ) -> Result<Arc<Process>, Errno> {
        let file = host.open(&self.fs)?;
        request.fds = (0..3).map(|number| (number, file.clone())).collect();
        self.spawn_with(&self.init, request, |process| {
            host.terminal().control(process);
            Ok(())
        })
    }

    /// A terminal at which nobody works yet. `ENFILE` at the limit of terminals.
    pub fn open_terminal(&self, size: WindowSize) -> Result<TerminalHost, Errno> {
        let share = Share::take(&self.terminal_bytes, TERMINAL_COST).ok_or(Errno::Enfile)?;
        let terminal = Terminal::new(&self.table, size, share);
        self.table.add_terminal(&terminal);
        Ok(TerminalHost::new(terminal))
    }

    /// Starts a program; `place` sees its process before anything of it runs.
    fn spawn_with(
        &self,
        parent: &Process,
        request: SpawnRequest,
        place: impl FnOnce(&Process) -> Result<(), Errno>,
    ) -> Result<Arc<Process>, Errno> {
        if parent.killed().is_some() || parent.exit_status().is_some() {
            return Err(Errno::Eintr);
        }
        let caller = parent.caller();
        let cwd = match &request.cwd {
            Some(path) => self.fs.directory(&caller, &At { start: parent.cwd_node(), path })?,
            None => parent.cwd_node(),
        };
        let path_variable =
            request.env.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_str());
        let resolved = program::resolve(
            &self.fs,
            &caller,
            &cwd,
            &request.program,
            request.argv,
            path_variable,
            &self.formats,
        )?;
        let executor = self.executors.read().get(&resolved.program.engine).cloned().ok_or(Errno::Enoexec)?;
        let name = executor.name(&resolved.program, &resolved.argv).ok_or(Errno::Enoent)?;
        let is_embedders = parent.pid() == INIT;
        if !is_embedders && !executor.permits(parent, name) {
            return Err(Errno::Eacces);
        }
        let birth = Birth {
            parent: parent.pid(),
            scope: if is_embedders { Scope::default() } else { parent.scope().clone() },
            from: parent.membership(),
            grouping: if is_embedders { Grouping::NewSession } else { request.grouping },
            argv: resolved.argv,
            env: request.env,
            exe: resolved.exe,
            cwd,
            umask: parent.umask(),
            ignored: parent.ignored().without(request.default_signals).union(request.ignored_signals),
            fds: DescriptorTable::new(self.limits.descriptors, request.fds)?,
        };
        let process = birth.enter(&self.fs, &self.table)?;
        if let Err(errno) = place(&process).and_then(|()| executor.start(process.clone(), resolved.program)) {
            process.exit(ExitStatus::Exited(127));
            self.table.reap(process.pid());
            return Err(errno);
        }
        Ok(process)
    }

    /// Sends a signal. `ESRCH` if there is no such process, `EPERM` for number 1.
    pub fn kill(&self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        if pid == INIT {
            return Err(Errno::Eperm);
        }
        self.process(pid).ok_or(Errno::Esrch)?.signal(signal);
        Ok(())
    }

    /// Ends a call scope: kills every process that is in it, and lets none begin there any more. This is how a call is
    /// ended together with all that it started, whatever sessions and groups that has made.
    pub fn end_scope(&self, scope: &Scope) {
        for process in self.table.end_scope(scope) {
            process.signal(Signal::Kill);
        }
    }

    /// The process of that id, also one that ended and was not waited for.
    pub fn process(&self, pid: Pid) -> Option<Arc<Process>> {
        self.table.get(pid)
    }

    /// Every process, by id, the kernel's own included.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        self.table.all()
    }

    #[cfg(test)]
    pub(crate) fn restart_ids(&self) {
        self.table.restart_ids();
    }

    /// A pipe: (read end, write end). `ENFILE` at the limit of pipe buffers or open files.
    pub fn pipe(&self) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
        OpenFile::pipe(&self.fs)
    }

    /// The VM's sockets.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// A nameless file in memory, open for reading and writing.
    pub fn memory_file(&self) -> Result<Arc<OpenFile>, Errno> {
        let file = Regular::new(&self.fs, self.fs.nameless_file()?);
        OpenFile::new(&self.fs, file, OpenFlags::READ | OpenFlags::WRITE, None)
    }

    /// A nameless file in memory that reads as `contents`, open for reading. `ENOSPC` where they do not fit.
    pub fn memory_file_of(&self, contents: &[u8]) -> Result<Arc<OpenFile>, Errno> {
        let file = Regular::new(&self.fs, self.fs.nameless_file()?);
        if file.write_at(contents, 0, false)?.length < contents.len() {
            return Err(Errno::Enospc);
        }
        OpenFile::new(&self.fs, file, OpenFlags::READ, None)
    }

    /// `/dev/null`, open for reading and writing.
    pub fn null(&self) -> Arc<OpenFile> {
        OpenFile::null(&self.fs)
    }

    /// What the VM's own filesystem holds.
    pub fn usage(&self) -> FilesystemUsage {
        self.fs.usage()
    }

    /// The VM's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.fs.clock
    }

    /// Fills a buffer with random bytes.
    pub fn random(&self, buffer: &mut [u8]) {
        (self.fs.random)(buffer);
    }
}
