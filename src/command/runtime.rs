//! Runs commands as processes of the VM's kernel.
//!
//! No thread exists until the first command starts. From then on one thread polls all commands, each a fiber that yields
//! when it waits and when its time slice is over; a second thread ticks while any runs. A thread that has to wait for the
//! host, in the middle of a command's call to the kernel, hands the other commands on to another first
//! (`tokio::task::block_in_place`); that is for whoever implements `kernel::HostFs` to do. The engine may have been started
//! before, with programs mapped and linked ([`Prepared`]), by whoever this process was forked from.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};
use std::thread::Thread;

use parking_lot::Mutex;
use tokio::runtime::{Handle, Runtime};
use tokio::task;
use wasmtime::Engine;

use artifact::applets::{self, COMMON_MODULES, GUEST_PROGRAM};
use kernel::{Errno, Executor, ExitStatus, Kernel, Process, Program};
use protocol::wire::ErrorData;

use super::ahead::{self, Ahead, Begun};
use super::engine::{self, CommandLimits};
use super::guest::Guest;
use super::programs::{LoadError, Programs};
use super::run::{self, refuse};
use super::services::{ArtifactFile, Services};
use super::ticker::{Running, Ticker};

/// What a thread does, until the process ends.
pub type ThreadWork = Box<dyn FnOnce() + Send>;

/// The threads that the runtime needs, as whoever has it starts them: it decides names and stacks of all threads of its
/// process.
#[derive(Clone, Copy)]
pub struct Threads {
    /// Starts what polls commands: one thread at a time, and others to which it hands them on while it waits.
    pub commands: fn() -> io::Result<Runtime>,
    /// Starts a thread that does next to nothing.
    pub ticks: fn(ThreadWork) -> io::Result<Thread>,
}

/// Why commands cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refused, for example because the VM's memory limit leaves no room for its stacks.
    #[error("cannot start the command engine: {0:#}")]
    Engine(wasmtime::Error),
    /// A thread could not be started.
    #[error("cannot start a thread for commands: {0}")]
    Thread(#[from] io::Error),
}

/// An engine with programs that are mapped and linked, and nothing of any VM: what processes that are forked from one
/// another may share.
pub struct Prepared {
    engine: Engine,
    programs: Arc<Programs>,
}

impl Prepared {
    /// Starts the engine. No thread is started.
    ///
    /// # Errors
    /// The engine refused.
    pub fn new() -> Result<Prepared, StartError> {
        let engine = engine::start().map_err(StartError::Engine)?;
        let programs = Arc::new(Programs::new(engine.clone()).map_err(StartError::Engine)?);
        Ok(Prepared { engine, programs })
    }

    /// Maps and links a program.
    ///
    /// # Errors
    /// The file is no artifact of this engine's.
    pub fn load(&self, module: &str, artifact: &ArtifactFile) -> Result<(), StartError> {
        self.programs.load(&module.into(), artifact).map_err(StartError::Engine).map(drop)
    }

    /// Has nothing loaded any more. A program that is not there is refused with its reason among these, if it has one.
    pub fn close(&self, lacking: Vec<(String, ErrorData)>) {
        self.programs.close(lacking);
    }

    /// Begins a program that was loaded, up to where it would learn what for, and lets it go. The engine then has what
    /// all its instances share, the image of their memory first of all: a descriptor and a mapping. No thread is started
    /// or needed; a program that waits before it comes to that point is let go there.
    pub fn rehearse(&self, module: &str, kernel: &Arc<Kernel>, services: &Arc<dyn Services>) {
        let Some(program) = self.programs.loaded(module) else { return };
        let nobody = kernel.create_process(None, vec![module.to_owned()], Vec::new(), "/", Vec::new());
        let Ok(nobody) = nobody else { return };
        nobody.exit(ExitStatus::Exited(0));
        let guest = Guest::new(kernel.clone(), nobody, services.clone(), &CommandLimits::default());
        let mut begun = pin!(Begun::new(&self.engine, program, guest));
        let _ = begun.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

/// The executor of WASI programs.
pub struct CommandRuntime {
    kernel: Arc<Kernel>,
    limits: CommandLimits,
    services: Arc<dyn Services>,
    threads: Threads,
    prepared: Option<Prepared>,
    started: OnceLock<(Started, Runtime)>,
    starting: Mutex<()>,
}

/// What exists once a command was started.
#[derive(Clone)]
struct Started {
    engine: Engine,
    programs: Arc<Programs>,
    ahead: Arc<Ahead>,
    ticker: Arc<Ticker>,
    tasks: Handle,
}

impl CommandRuntime {
    /// A runtime that has not started its threads; its engine, unless one was prepared, comes with the first command. It
    /// still has to be named to the kernel, with [`Kernel::add_executor`].
    pub fn new(
        kernel: Arc<Kernel>,
        limits: CommandLimits,
        services: Arc<dyn Services>,
        threads: Threads,
        prepared: Option<Prepared>,
    ) -> Arc<CommandRuntime> {
        let (started, starting) = (OnceLock::new(), Mutex::new(()));
        Arc::new(CommandRuntime { kernel, limits, services, threads, prepared, started, starting })
    }

    /// Performs something on the thread of the commands, if there is one yet; else it is given back.
    pub fn perform<F: FnOnce() + Send + 'static>(&self, work: F) -> Result<(), F> {
        match self.started.get() {
            Some((started, _)) => drop(started.tasks.spawn(async move { work() })),
            None => return Err(work),
        }
        Ok(())
    }

    fn started(&self) -> Result<&Started, StartError> {
        if let Some((started, _)) = self.started.get() {
            return Ok(started);
        }
        let _starting = self.starting.lock();
        if let Some((started, _)) = self.started.get() {
            return Ok(started);
        }
        let started = self.start_engine()?;
        let (started, _) = self.started.get_or_init(|| started);
        Ok(started)
    }

    fn start_engine(&self) -> Result<(Started, Runtime), StartError> {
        let (engine, programs) = match &self.prepared {
            Some(Prepared { engine, programs }) => (engine.clone(), programs.clone()),
            None => {
                let Prepared { engine, programs } = Prepared::new()?;
                (engine, programs)
            }
        };
        let ticker = Arc::new(Ticker::start(engine.clone(), self.threads.ticks)?);
        let runtime = (self.threads.commands)()?;
        let tasks = runtime.handle().clone();
        Ok((Started { engine, programs, ahead: Arc::new(Ahead::new()), ticker, tasks }, runtime))
    }
}

impl Started {
    /// Begins what the next commands will likely be, while no command runs. `guest` makes one of a process that has
    /// ended.
    async fn begin_ahead(&self, guest: impl Fn() -> Guest) {
        for module in COMMON_MODULES {
            // Whoever has something to do goes first.
            task::yield_now().await;
            if self.ticker.is_idle()
                && let Some(program) = self.programs.loaded(module)
                && self.ahead.claim(module)
                && let Some(begun) = Begun::new(&self.engine, program, guest()).await
            {
                self.ahead.keep(module, begun);
            }
        }
    }
}

impl Executor for CommandRuntime {
    fn name<'a>(&self, program: &'a Program, argv: &'a [String]) -> Option<&'a str> {
        applets::called(&program.module, argv)
    }

    fn permits(&self, parent: &Process, name: &str) -> bool {
        self.services.may_spawn(parent, name)
    }

    fn start(&self, process: Arc<Process>, program: Program) -> Result<(), Errno> {
        let started = self.started().map_err(|error| {
            run::complain(&process, &error.to_string());
            Errno::Enomem
        })?;
        let running = started.ticker.enter(self.limits.commands).ok_or(Errno::Eagain)?;
        let (kernel, services, limits) = (self.kernel.clone(), self.services.clone(), self.limits);
        let own = process.clone();
        let guest = move || Guest::new(kernel.clone(), own.clone(), services.clone(), &limits);
        let ending = Ending { process, status: None, running: Some(running) };
        let services = self.services.clone();
        started.tasks.spawn(command(started.clone(), program, services, guest, ending));
        started.ticker.wake();
        Ok(())
    }
}

async fn command(
    started: Started,
    program: Program,
    services: Arc<dyn Services>,
    guest: impl Fn() -> Guest,
    mut ending: Ending,
) {
    let module = program.module;
    let found = match &*module {
        GUEST_PROGRAM => started.programs.get_made(&ending.process, &*services),
        _ => started.programs.get(&module, &*services).await,
    };
    match found {
        Ok(program) => {
            let process = ending.process.clone();
            let execution = match started.ahead.take(&module) {
                Some(begun) => begun.proceed(process.clone()),
                None => ahead::begin(&started.engine, program, guest()),
            };
            let (status, memory) = run::run(execution, &process).await;
            ending.status = Some(status);
            drop(ending);
            drop(memory);
            started.begin_ahead(guest).await;
        }
        Err(error) => {
            if let LoadError::Missing(why) = &error {
                services.refused(&ending.process, why);
            }
            ending.status = Some(refuse(&ending.process, &error.to_string()));
        }
    }
}

/// Tells the kernel of the end of a process, whatever way its task ends.
struct Ending {
    process: Arc<Process>,
    status: Option<ExitStatus>,
    running: Option<Running>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Its place is free before anybody hears of it: a parent that waits for one child to start the next is never
        // refused.
        drop(self.running.take());
        // A task that ends without a status was torn down; to its parent it looks killed.
        self.process.exit(self.status.unwrap_or(ExitStatus::Signaled(kernel::Signal::Kill)));
    }
}
