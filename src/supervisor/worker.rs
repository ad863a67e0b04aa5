//! One worker process between its start and its claim.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::channel::{self, Reader, Writer};
use super::launcher::Exit;
use super::launcher::client::{Ended, Launcher, WorkerProcess};
use super::pool::PoolKey;
use protocol::broker::{Claim, FromWorker, ToWorker};
use protocol::enclosure::EnclosureReport;
use protocol::engine::{EngineReport, WasmLevel};
use protocol::wire::{ErrorData, code};

/// A worker that has not said that it is ready by then is given up.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Likewise for the claim.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the end of a worker whose channel has closed is waited for, to say how it ended.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// A worker that is ready to be claimed.
pub(crate) struct Worker {
    pub(crate) process: WorkerProcess,
    pub(crate) ended: oneshot::Receiver<Ended>,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) engine: EngineReport,
    pub(crate) enclosure: EnclosureReport,
}

impl Worker {
    /// Starts a worker and waits until its engine runs.
    pub(crate) async fn start(
        launcher: &Arc<Launcher>,
        key: &PoolKey,
        show_stderr: bool,
    ) -> Result<Worker, ErrorData> {
        let lost = |error: std::io::Error| {
            ErrorData::new(code::WORKER_LOST, format!("cannot start a worker: {error}"))
        };
        let (mut reader, writer, theirs) = channel::pair().map_err(lost)?;
        let arguments = arguments(key);
        let (process, mut ended) =
            launcher.spawn(&key.choice.executable, arguments, show_stderr, theirs).map_err(lost)?;
        let first = tokio::time::timeout(START_TIMEOUT, reader.next()).await;
        let (engine, enclosure) = match first {
            Ok(Ok(Some(FromWorker::Ready { engine, enclosure }))) => (engine, enclosure),
            Ok(Ok(Some(FromWorker::Dying { error } | FromWorker::Refused { error }))) => return Err(error),
            Ok(Ok(None)) => return Err(loss(&mut ended, None, &key.choice.executable).await),
            Ok(Err(error)) => {
                return Err(ErrorData::new(code::WORKER_LOST, format!("a worker's first words: {error}")));
            }
            Ok(Ok(Some(_))) => return Err(ErrorData::new(code::WORKER_LOST, "a worker spoke out of turn")),
            Err(_) => return Err(ErrorData::new(code::WORKER_LOST, "a worker was not ready in time")),
        };
        // What was asked for is the least that must hold; an engine that says otherwise gets no guest code.
        let asked = key.choice.profile;
        let holds = match asked.wasm {
            WasmLevel::Absent => engine.wasm == WasmLevel::Absent,
            WasmLevel::Locked => engine.wasm != WasmLevel::Allowed,
            WasmLevel::Allowed => engine.wasm == WasmLevel::Allowed,
        };
        if !holds || engine.jit != asked.jit {
            return Err(ErrorData::new(
                code::NOT_INSTALLED,
                format!(
                    "{} does not have the engine that its name promises",
                    key.choice.executable.display()
                ),
            )
            .detail("asked", format!("{asked:?}"))
            .detail("found", format!("wasm {:?}, jit {}", engine.wasm, engine.jit)));
        }
        Ok(Worker { process, ended, reader, writer, engine, enclosure })
    }

    /// Binds the worker to a VM.
    pub(crate) async fn claim(&mut self, claim: Claim) -> Result<(), ErrorData> {
        let gone = |text: &str| ErrorData::new(code::WORKER_LOST, format!("a worker {text}"));
        let answer = tokio::time::timeout(CLAIM_TIMEOUT, async {
            self.writer.send(&ToWorker::Claim(Box::new(claim))).await?;
            self.reader.next().await
        });
        match answer.await {
            Ok(Ok(Some(FromWorker::Claimed {}))) => Ok(()),
            Ok(Ok(Some(FromWorker::Refused { error } | FromWorker::Dying { error }))) => Err(error),
            Ok(Ok(Some(_))) => Err(gone("spoke out of turn")),
            Ok(Ok(None) | Err(_)) => Err(loss(&mut self.ended, None, Path::new("worker")).await),
            Err(_) => Err(gone("did not take its claim in time")),
        }
    }
}

/// The worker's command line; read by `worker::Arguments`.
fn arguments(key: &PoolKey) -> Vec<String> {
    let wasm = match key.choice.profile.wasm {
        WasmLevel::Absent => "absent",
        WasmLevel::Locked => "locked",
        WasmLevel::Allowed => "allowed",
    };
    let jit = if key.choice.profile.jit { "allow" } else { "deny" };
    vec![wasm.to_owned(), jit.to_owned(), key.platform.name().to_owned()]
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
