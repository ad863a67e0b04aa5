//! The supervisor: starts workers, keeps some warm, binds them to VMs and holds every capability that reaches outside
//! a VM. It runs no guest code and links no V8.
//!
//! Must be used within a Tokio runtime. It installs no signal handler and waits for no process but its launcher.

mod artifacts;
mod boot;
mod budget;
mod channel;
mod guest_programs;
mod installation;
pub mod launcher;
mod network;
mod outside;
mod own_commands;
mod pool;
mod proxies;
mod template;
mod templates;
mod vm;
mod worker;

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use artifact::applets::COMMON_MODULES;
use artifacts::Artifacts;
pub use artifacts::CommandCache;
pub(crate) use budget::{Budget, Held};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use compile::cache::Progress;
use guest_programs::{COMPILERS_MAX, GuestPrograms};
pub use installation::{DIRECTORY_VARIABLE, Installation};
use launcher::client::Launcher;
use network::Networks;
use outside::{Descriptors, Egress, Forbidden, HostMounts, Withheld};
use own_commands::CommandSet;
use pool::{Pool, PoolKey};
use protocol::abi::NPM_DIRECTORY;
use protocol::broker::{Claim, ClaimedMount};
use protocol::config::{CreateVmConfig, Layout};
use protocol::enclosure::EnclosureReport;
use protocol::engine::EngineReport;
use protocol::policy::Policy;
use protocol::wire::{ErrorData, code};
use proxies::Proxies;
pub use templates::TemplateLimits;
use templates::Templates;
pub use vm::ANSWER_TIME;
use vm::HOST_FS_TIME;
pub(crate) use vm::{Event, Vm, VmEvent};
use worker::Worker;

/// VMs of one supervisor at once, warm workers not counted.
pub const VMS_MAX: usize = 1024;

/// How long a VM from the pool runs before a worker is started in its place, if the pool has others.
const REFILL_PAUSE: Duration = Duration::from_millis(25);

/// How a supervisor is set up.
pub struct SupervisorOptions {
    /// Where the executables are.
    pub installation: Installation,
    /// Warm workers to keep of each kind that is in use; 0 starts every worker when it is needed.
    pub warm: usize,
    /// When the templates that workers are forked from are replaced; none executes every worker, which takes some ten
    /// milliseconds more for each and is of use to who makes a single VM.
    pub templates: Option<TemplateLimits>,
    /// Whether workers write their diagnostics to this process's standard error.
    pub show_worker_stderr: bool,
    /// Told of the compilation of command modules.
    pub progress: Box<dyn Fn(Progress<'_>) + Send + Sync>,
}

impl SupervisorOptions {
    /// The installation around this executable, two warm workers, silence.
    ///
    /// # Errors
    /// There is no installation.
    pub fn find() -> Result<Self, ErrorData> {
        Ok(SupervisorOptions {
            installation: Installation::find()?,
            warm: 2,
            templates: Some(TemplateLimits::default()),
            show_worker_stderr: false,
            progress: Box::new(|_| {}),
        })
    }
}

/// What was found out about the workers of a configuration.
#[derive(Debug)]
pub struct Probe {
    /// Their engine.
    pub engine: EngineReport,
    /// What encloses them.
    pub enclosure: EnclosureReport,
    /// That they are forked from a template; else why they are executed.
    pub forked: Result<(), ErrorData>,
}

/// A supervisor. Cloning gives another handle to the same one; its workers end with the last.
#[derive(Clone)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

struct Inner {
    installation: Installation,
    show_worker_stderr: bool,
    launcher: Mutex<Option<Arc<Launcher>>>,
    pool: Arc<Pool>,
    /// Turns of the processes that compile what guests have made.
    compilers: tokio::sync::Semaphore,
    templates: Templates,
    networks: Networks,
    proxies: Proxies,
    artifacts: Arc<Artifacts>,
    /// Those that are installed.
    commands: Arc<CommandSet>,
    forbidden: Arc<Forbidden>,
    /// The folder of npm, if it is installed.
    npm: Option<Arc<Dir>>,
    vms: Arc<tokio::sync::Semaphore>,
    descriptors: Descriptors,
}

impl Supervisor {
    /// A supervisor without workers.
    pub fn new(options: SupervisorOptions) -> Self {
        let artifacts = Artifacts::new(&options.installation, options.progress);
        let forbidden = Arc::new(Forbidden::new(&options.installation));
        let npm = Dir::open_ambient_dir(options.installation.npm(), ambient_authority()).ok().map(Arc::new);
        Supervisor {
            inner: Arc::new(Inner {
                installation: options.installation,
                show_worker_stderr: options.show_worker_stderr,
                launcher: Mutex::new(None),
                pool: Pool::new(options.warm),
                compilers: tokio::sync::Semaphore::new(COMPILERS_MAX),
                templates: Templates::new(options.templates),
                networks: Networks::default(),
                proxies: Proxies::of_this_process(),
                commands: CommandSet::installed(artifacts.clone()),
                artifacts,
                forbidden,
                npm,
                vms: Arc::new(tokio::sync::Semaphore::new(VMS_MAX)),
                descriptors: Descriptors::of_this_process(),
            }),
        }
    }

    /// Starts what the first VM of the default configuration will need: its worker and the commands' native code.
    /// Failures are left for that VM to report.
    pub async fn warm_up(&self) {
        let inner = self.inner.clone();
        let commands = tokio::task::spawn_blocking(move || inner.artifacts.prepare());
        let config = CreateVmConfig::default();
        if let Ok(choice) = self.inner.installation.choose(&config) {
            let key = PoolKey::new(choice, &config);
            self.inner.pool.keep(&key);
            let _ = self.inner.templates.start_and_wait(&self.inner, &key).await;
            self.inner.refill(&key);
        }
        let _ = commands.await;
    }

    /// Verifies or compiles the native code of every command now.
    ///
    /// # Errors
    /// The first module that cannot be prepared.
    pub async fn prepare_commands(&self) -> Result<(), ErrorData> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || inner.artifacts.prepare())
            .await
            .unwrap_or_else(|error| Err(ErrorData::new(code::INTERNAL, error.to_string())))
    }

    /// Checks that the module or component in a file can be a command of VMs (`commandDirectories`), and keeps its native
    /// code in the cache. Returns how long that is, in bytes.
    ///
    /// # Errors
    /// It can be none, or cannot be compiled.
    pub async fn compile_command(&self, path: &Path) -> Result<u64, ErrorData> {
        let (inner, path) = (self.inner.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || own_commands::compile(&inner.artifacts, &path))
            .await
            .unwrap_or_else(|error| Err(ErrorData::new(code::INTERNAL, error.to_string())))
    }

    /// Verifies or compiles what nearly every script runs: a VM that is made then is ready for scripts from its first moment.
    /// Failures are left for whoever runs a command to report.
    pub async fn prepare_scripts(&self) {
        let inner = self.inner.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            for module in COMMON_MODULES {
                let _ = inner.artifacts.get(module);
            }
        });
        let _ = prepared.await;
    }

    /// Where the commands' native code is kept.
    ///
    /// # Errors
    /// There is a directory, but it cannot be used, so that commands cannot be either.
    pub fn command_cache(&self) -> Result<CommandCache, ErrorData> {
        artifacts::command_cache()
    }

    /// Starts a worker for a configuration, reads what engine and enclosure it has, and lets it go.
    ///
    /// # Errors
    /// It is not installed or cannot be started.
    pub async fn probe(&self, config: &CreateVmConfig) -> Result<Probe, ErrorData> {
        config.check()?;
        let key = PoolKey::new(self.inner.installation.choose(config)?, config);
        let template = self.inner.templates.start_and_wait(&self.inner, &key).await;
        let mut worker = match &template {
            Ok(()) => self.inner.start_worker(&key, true).await?,
            Err(_) => self.inner.execute_worker(&key, &self.inner.commands, true).await?,
        };
        worker.ready().await?;
        Ok(Probe { engine: worker.engine, enclosure: worker.enclosure, forked: template })
    }

    /// Starts the network process, if none runs, and tells what encloses it.
    ///
    /// # Errors
    /// It is not installed or cannot be started.
    pub async fn probe_network(&self) -> Result<EnclosureReport, ErrorData> {
        let network = self.inner.networks.get(&self.inner).await;
        network
            .map(|network| network.enclosure.clone())
            .map_err(|error| ErrorData::new(code::NOT_INSTALLED, error.message))
    }

    /// The installation that workers come from.
    pub fn installation(&self) -> &Installation {
        &self.inner.installation
    }

    /// How many workers wait to be claimed.
    pub fn warm_workers(&self) -> usize {
        self.inner.pool.warm()
    }

    /// Whether workers die with their launcher by the kernel's doing.
    ///
    /// # Errors
    /// The launcher cannot be started.
    pub fn has_pid_namespace(&self) -> Result<bool, ErrorData> {
        Ok(self.inner.launcher()?.has_pid_namespace())
    }

    /// Creates a VM, from a warm worker if there is one.
    ///
    /// # Errors
    /// The configuration is wrong, something that it needs is not installed, or no worker can be started.
    pub(crate) async fn create_vm(
        &self,
        mut config: CreateVmConfig,
    ) -> Result<(Vm, mpsc::Receiver<Event>), ErrorData> {
        config.check()?;
        let withheld = Withheld::take(&mut config)?;
        let permit = self.inner.vms.clone().try_acquire_owned().map_err(|_| {
            ErrorData::new(code::LIMIT, format!("this supervisor has {VMS_MAX} VMs; dispose of some first"))
        })?;
        let descriptor = self.inner.descriptors.channel().ok_or_else(|| {
            ErrorData::new(code::LIMIT, "this process has no descriptors left for another VM")
                .hint("dispose of some VMs, or raise its limit of open files (ulimit -n)")
        })?;
        let choice = self.inner.installation.choose(&config)?;
        let key = PoolKey::new(choice, &config);
        let policy = Arc::new(Policy::new(&config.permissions)?);
        let (mounts, claimed) = self.inner.open_mounts(&config, &policy).await?;
        let commands = self.inner.commands(&config.command_directories).await?;
        let npm =
            self.inner.npm.clone().filter(|_| config.mounts.iter().all(|mount| is_beside_npm(&mount.guest)));
        let claim = Claim { mounts: claimed, commands: commands.names(), npm: npm.is_some(), config };
        if let Some(npm) = npm {
            mounts.show_npm(npm);
        }
        // One that has to have its own code before it is enclosed is nobody else's.
        let is_apart = commands.has_own() && !key.choice.profile.jit;
        let worker = loop {
            match self.inner.pool.take(&key) {
                _ if is_apart => {
                    let mut worker = self.inner.execute_worker(&key, &commands, true).await?;
                    worker.claim(claim.clone()).await?;
                    break worker;
                }
                // A worker that died while it waited is no reason to fail.
                Some(mut worker) => match worker.claim(claim.clone()).await {
                    Ok(()) => break worker,
                    Err(error) if error.code == code::WORKER_LOST => {}
                    Err(error) => return Err(error),
                },
                None => break self.inner.start_and_claim(&key, claim.clone()).await?,
            }
        };
        self.inner.refill(&key);
        let programs = GuestPrograms::new(&self.inner);
        let egress = Egress::new(Arc::downgrade(&self.inner), policy.clone(), &claim.config, withheld);
        let outside = vm::Outside::new(policy, mounts, (commands, programs), egress, &claim.config);
        Ok(vm::start(worker, (permit, descriptor), &claim.config, outside))
    }
}

/// Whether what is mounted at a path of a VM lies neither above nor below where npm does.
fn is_beside_npm(guest: &str) -> bool {
    let (guest, npm) = (Path::new(guest), Path::new(NPM_DIRECTORY));
    !guest.starts_with(npm) && !npm.starts_with(guest)
}

/// Starts one worker that the pool has reserved a place for.
async fn start_for_pool(inner: Weak<Inner>, key: PoolKey) {
    let Some(inner) = inner.upgrade() else { return };
    let mut worker = inner.start_worker(&key, false).await.ok();
    if let Some(started) = &mut worker
        && started.ready().await.is_err()
    {
        worker = None;
    }
    inner.pool.started(&key, worker);
}

impl Inner {
    /// The commands of a VM with those in these directories, which are read on a thread that may wait for them.
    async fn commands(&self, directories: &[String]) -> Result<Arc<CommandSet>, ErrorData> {
        if directories.is_empty() {
            return Ok(self.commands.clone());
        }
        let (installed, directories) = (self.artifacts.clone(), directories.to_vec());
        let reading = tokio::task::spawn_blocking(move || CommandSet::new(installed, &directories));
        match tokio::time::timeout(HOST_FS_TIME, reading).await {
            Ok(Ok(read)) => read.map(Arc::new),
            Ok(Err(error)) => Err(ErrorData::new(code::INTERNAL, error.to_string())),
            Err(_) => {
                let seconds = HOST_FS_TIME.as_secs();
                let text = format!("commandDirectories: they could not be read in {seconds} s");
                Err(ErrorData::new(code::TIMED_OUT, text).field("commandDirectories"))
            }
        }
    }

    /// Opens the host directories of a VM, on a thread that may wait for them.
    async fn open_mounts(
        &self,
        config: &CreateVmConfig,
        policy: &Arc<Policy>,
    ) -> Result<(HostMounts, Vec<ClaimedMount>), ErrorData> {
        let forbidden = self.forbidden.with_commands(&config.command_directories);
        let opened = HostMounts::new(policy.clone(), forbidden, &self.descriptors);
        if config.mounts.is_empty() {
            return Ok((opened, Vec::new()));
        }
        let mounts = config.mounts.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let claimed = opened.open_all(&mounts)?;
            Ok((opened, claimed))
        });
        match tokio::time::timeout(HOST_FS_TIME, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => Err(ErrorData::new(code::INTERNAL, error.to_string())),
            Err(_) => {
                let text = format!("mounts: they could not be opened in {} s", HOST_FS_TIME.as_secs());
                Err(ErrorData::new(code::TIMED_OUT, text).field("mounts"))
            }
        }
    }

    /// Starts in the background what the pool lacks of a kind. While some are left, whoever has just got one has the
    /// processors for itself first.
    fn refill(self: &Arc<Self>, key: &PoolKey) {
        let pause = if self.pool.has(key) { REFILL_PAUSE } else { Duration::ZERO };
        let (inner, key) = (Arc::downgrade(self), key.clone());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let missing = inner.upgrade().map_or(0, |inner| inner.pool.reserve(&key));
            for _ in 0..missing {
                tokio::spawn(start_for_pool(inner.clone(), key.clone()));
            }
        });
    }

    /// A worker that can be claimed: forked from a template, or executed where there is none.
    async fn start_worker(self: &Arc<Self>, key: &PoolKey, is_awaited: bool) -> Result<Worker, ErrorData> {
        if key.layout == Layout::Shared
            && let Some(template) = self.templates.get(self, key).await
        {
            return template.fork();
        }
        self.execute_worker(key, &self.commands, is_awaited).await
    }

    async fn execute_worker(
        &self,
        key: &PoolKey,
        commands: &Arc<CommandSet>,
        is_awaited: bool,
    ) -> Result<Worker, ErrorData> {
        let how = (self.show_worker_stderr, is_awaited);
        Worker::execute(&self.launcher()?, key, commands, how).await
    }

    /// A worker that has been claimed. One that cannot be forked, its template having ended, is executed.
    async fn start_and_claim(self: &Arc<Self>, key: &PoolKey, claim: Claim) -> Result<Worker, ErrorData> {
        let mut worker = self.start_worker(key, true).await?;
        match worker.claim(claim.clone()).await {
            Ok(()) => return Ok(worker),
            Err(error) if error.code == code::WORKER_LOST => {}
            Err(error) => return Err(error),
        }
        let mut worker = self.execute_worker(key, &self.commands, true).await?;
        worker.claim(claim).await?;
        Ok(worker)
    }

    /// The launcher; a new one if the last has ended.
    fn launcher(&self) -> Result<Arc<Launcher>, ErrorData> {
        let mut launcher = self.launcher.lock();
        match &*launcher {
            Some(running) if !running.is_gone() => Ok(running.clone()),
            _ => {
                let started = Launcher::start(&self.installation.launcher()).map_err(|error| {
                    ErrorData::new(code::WORKER_LOST, format!("cannot start the launcher: {error}"))
                })?;
                let started = Arc::new(started);
                *launcher = Some(started.clone());
                Ok(started)
            }
        }
    }
}
