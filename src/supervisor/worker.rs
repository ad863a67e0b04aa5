//! One worker process between its start and its claim.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use artifact::applets::COMMON_MODULES;
use protocol::broker::{Claim, FromWorker, ToWorker};
use protocol::config::CreateVmConfig;
use protocol::enclosure::EnclosureReport;
use protocol::engine::{EngineReport, WasmLevel};
use protocol::wire::{ErrorData, code};
use tokio::sync::oneshot;

use super::boot::{self, Ready};
use super::channel::{self, ChannelError, Reader, Writer};
use super::installation::profile_arguments;
use super::launcher::Exit;
use super::launcher::client::{Ended, Launcher, Process};
use super::own_commands::CommandSet;
use super::pool::PoolKey;

/// A process that has not said that it is ready by then is given up.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Likewise for the claim.
pub(super) const CLAIM_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the end of a worker whose channel has closed is waited for, to say how it ended.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// A worker that can be claimed.
pub(crate) struct Worker {
    pub(crate) process: Process,
    pub(crate) ended: oneshot::Receiver<Ended>,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) engine: EngineReport,
    pub(crate) enclosure: EnclosureReport,
    /// Whether it has said that it is ready. One that was forked from a template is claimed before: its engine is known.
    is_ready: bool,
    /// Whether it has said that its VM is made.
    pub(super) is_made: bool,
}

impl Worker {
    /// Executes a worker and waits until its engine runs. Whether somebody waits for it decides what is done in advance.
    pub(crate) async fn execute(
        launcher: &Arc<Launcher>,
        key: &PoolKey,
        commands: &Arc<CommandSet>,
        (show_stderr, is_awaited): (bool, bool),
    ) -> Result<Worker, ErrorData> {
        boot::prepare(commands, key).await;
        let (mut reader, mut writer, theirs) = channel::pair().map_err(not_started)?;
        let executable = &key.choice.executable;
        let role = if is_awaited { "awaited" } else { "worker" };
        let (process, mut ended) = launcher
            .execute(executable, arguments(role, key, commands), false, show_stderr, &theirs)
            .map_err(not_started)?;
        drop(theirs);
        let channel = (&mut reader, &mut writer);
        let Ready { engine, enclosure, .. } =
            boot::until_ready(channel, commands, &mut ended, executable).await?;
        check_engine(key, &engine)?;
        Ok(Worker { process, ended, reader, writer, engine, enclosure, is_ready: true, is_made: false })
    }

    /// A worker that was just forked from a template whose engine has been checked.
    pub(super) fn forked(
        process: Process,
        ended: oneshot::Receiver<Ended>,
        (reader, writer): (Reader, Writer),
        engine: EngineReport,
    ) -> Worker {
        let enclosure = EnclosureReport::default();
        Worker { process, ended, reader, writer, engine, enclosure, is_ready: false, is_made: false }
    }

    /// Waits until the worker is ready.
    pub(crate) async fn ready(&mut self) -> Result<(), ErrorData> {
        if self.is_ready {
            return Ok(());
        }
        let first = tokio::time::timeout(START_TIMEOUT, self.reader.next()).await;
        match first {
            Ok(Ok(Some(FromWorker::Ready { engine, enclosure }))) if engine == self.engine => {
                self.enclosure = enclosure;
                self.is_ready = true;
                Ok(())
            }
            other => Err(no_start(other, &mut self.ended, Path::new("worker")).await),
        }
    }

    /// Binds the worker, which is enclosed when this returns, to a VM. That is made meanwhile, and waited for where
    /// something of it can be refused: mounts and the directory have places in the VM's own filesystem.
    pub(crate) async fn claim(&mut self, claim: Claim) -> Result<(), ErrorData> {
        let asked = claim.config.engine.enclosure;
        let may_be_refused = !claim.mounts.is_empty() || claim.config.cwd != CreateVmConfig::default().cwd;
        let sent =
            tokio::time::timeout(CLAIM_TIMEOUT, self.writer.send(&ToWorker::Claim(Box::new(claim)))).await;
        match sent {
            Ok(Ok(())) => self.ready().await?,
            Ok(Err(_)) => return Err(loss(&mut self.ended, None, Path::new("worker")).await),
            Err(_) => return Err(not_claimed()),
        }
        self.enclosure.satisfies(asked).map_err(not_enclosed)?;
        if may_be_refused { self.made().await } else { Ok(()) }
    }

    /// Waits until the VM that it was bound to is made.
    async fn made(&mut self) -> Result<(), ErrorData> {
        match tokio::time::timeout(CLAIM_TIMEOUT, self.reader.next()).await {
            Ok(Ok(Some(FromWorker::Claimed {}))) => {
                self.is_made = true;
                Ok(())
            }
            Ok(Ok(Some(FromWorker::Refused { error } | FromWorker::Dying { error }))) => Err(error),
            Ok(Ok(Some(_))) => Err(ErrorData::new(code::WORKER_LOST, "a worker spoke out of turn")),
            Ok(Ok(None) | Err(_)) => Err(loss(&mut self.ended, None, Path::new("worker")).await),
            Err(_) => Err(not_claimed()),
        }
    }
}

/// This host does not offer what the configuration asks for.
fn not_enclosed(lacking: String) -> ErrorData {
    ErrorData::new(code::NOT_INSTALLED, format!("this host lacks what engine.enclosure asks for: {lacking}"))
        .field("engine.enclosure")
        .hint("`cordon doctor` shows what it has; \"any\" does with that")
}

/// A worker did not make its VM within [`CLAIM_TIMEOUT`].
pub(super) fn not_claimed() -> ErrorData {
    ErrorData::new(code::WORKER_LOST, "a worker did not take its claim in time")
}

/// A process could not be started at all.
pub(super) fn not_started(error: std::io::Error) -> ErrorData {
    ErrorData::new(code::WORKER_LOST, format!("cannot start a worker: {error}"))
}

/// Why a process that was to say that it is ready did not.
pub(super) async fn no_start(
    first: Result<Result<Option<FromWorker>, ChannelError>, tokio::time::error::Elapsed>,
    ended: &mut oneshot::Receiver<Ended>,
    executable: &Path,
) -> ErrorData {
    match first {
        Ok(Ok(Some(FromWorker::Dying { error } | FromWorker::Refused { error }))) => error,
        Ok(Ok(None)) => loss(ended, None, executable).await,
        Ok(Err(error)) => ErrorData::new(code::WORKER_LOST, format!("a worker's first words: {error}")),
        Ok(Ok(Some(_))) => ErrorData::new(code::WORKER_LOST, "a worker spoke out of turn"),
        Err(_) => ErrorData::new(code::WORKER_LOST, "a worker was not ready in time"),
    }
}

/// What was asked for is the least that must hold; an engine that says otherwise gets no guest code.
pub(super) fn check_engine(key: &PoolKey, engine: &EngineReport) -> Result<(), ErrorData> {
    let asked = key.choice.profile;
    let holds = match asked.wasm {
        WasmLevel::Absent => engine.wasm == WasmLevel::Absent,
        WasmLevel::Locked => engine.wasm != WasmLevel::Allowed,
        WasmLevel::Allowed => engine.wasm == WasmLevel::Allowed,
    };
    if holds && engine.jit == asked.jit {
        return Ok(());
    }
    let executable = key.choice.executable.display();
    Err(ErrorData::new(
        code::NOT_INSTALLED,
        format!("{executable} does not have the engine that its name promises"),
    )
    .detail("asked", format!("{asked:?}"))
    .detail("found", format!("wasm {:?}, jit {}", engine.wasm, engine.jit)))
}

/// The command line of a worker, or of a template of workers; read by the crate `worker`.
pub(super) fn arguments(role: &str, key: &PoolKey, commands: &CommandSet) -> Vec<String> {
    let [wasm, jit] = profile_arguments(key.choice.profile);
    let mut arguments: Vec<String> = [role, wasm, jit, key.platform.name()].map(str::to_owned).into();
    if !key.choice.profile.jit {
        // Whatever it does not load before its filter is there it cannot load at all.
        arguments.extend(commands.names());
    } else if role != "template" && commands.have(&COMMON_MODULES) {
        // What it begins before its filter is there has an image of its memory: each start is ten times as fast. (A
        // template knows these by itself, and waits for them.)
        arguments.extend(COMMON_MODULES.map(str::to_owned));
    }
    arguments
}

/// The error for a worker whose channel has closed, with how its process ended.
pub(crate) async fn loss(
    ended: &mut oneshot::Receiver<Ended>,
    reason: Option<ErrorData>,
    executable: &Path,
) -> ErrorData {
    let (exit, message) = match tokio::time::timeout(EXIT_TIMEOUT, ended).await {
        Ok(Ok(ended)) => (ended.exit, ended.message),
        _ => (Exit::Unknown, None),
    };
    let mut error = reason.unwrap_or_else(|| {
        let text = match message {
            Some(message) => message,
            None => format!("the VM's process ended: {exit}"),
        };
        ErrorData::new(code::WORKER_LOST, text)
    });
    match exit {
        Exit::Code(number) => drop(error.details.insert("exitCode".into(), number.to_string())),
        Exit::Signal(number) => drop(error.details.insert("signal".into(), number.to_string())),
        Exit::Unknown => drop(error.details.insert("executable".into(), executable.display().to_string())),
    }
    error
}
