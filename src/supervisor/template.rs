//! One template: a process that has booted an engine and forks workers, which then answer within a millisecond. It sees
//! no configuration of a VM and no byte of a guest: what it is told is which artifacts to map, and to fork.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use protocol::broker::{BrokerCall, BrokerReply, FromWorker, ToWorker};
use protocol::engine::EngineReport;
use protocol::wire::{ErrorData, code};
use tokio::time::Instant;

use super::artifacts::Artifacts;
use super::channel::{self, Reader, Writer};
use super::launcher::client::{Launcher, Process};
use super::pool::PoolKey;
use super::worker::{START_TIMEOUT, Worker, arguments, check_engine, no_start, not_started};

/// How long a template waits for the native code of a command. Reading it takes some milliseconds; where it is still
/// being compiled, workers ask for it themselves, and another template takes this one's place when it is there.
const ARTIFACT_TIME: Duration = Duration::from_millis(500);

/// A template that is ready.
pub(super) struct Template {
    launcher: Arc<Launcher>,
    process: Process,
    engine: EngineReport,
    pub(super) born: Instant,
    forks: AtomicU32,
    has_ended: Arc<AtomicBool>,
    /// Whether it has mapped every command that is installed.
    pub(super) is_complete: bool,
    /// The template ends when this closes.
    _channel: (Reader, Writer),
}

impl Template {
    /// Executes a template and waits until it can fork.
    pub(super) async fn start(
        launcher: &Arc<Launcher>,
        key: &PoolKey,
        artifacts: &Arc<Artifacts>,
        show_stderr: bool,
    ) -> Result<Template, ErrorData> {
        let (mut reader, mut writer, theirs) = channel::pair().map_err(not_started)?;
        let executable = &key.choice.executable;
        let (process, mut ended) = launcher
            .execute(executable, arguments("template", key), true, show_stderr, &theirs)
            .map_err(not_started)?;
        drop(theirs);
        let mut is_complete = true;
        let give_up = Instant::now() + START_TIMEOUT;
        let engine = loop {
            match tokio::time::timeout_at(give_up, reader.next()).await {
                Ok(Ok(Some(FromWorker::Ready { engine, .. }))) => break engine,
                Ok(Ok(Some(FromWorker::Call { call, body: BrokerCall::CommandArtifact { module } }))) => {
                    let is_installed = artifacts.names().contains(&module);
                    let found = artifact(artifacts, module).await;
                    is_complete &= found.is_ok() || !is_installed;
                    let (result, file) = match found {
                        Ok((file, length)) => (Ok(length), Some(file)),
                        Err(error) => (Err(error), None),
                    };
                    let reply = ToWorker::Reply { call, reply: BrokerReply::CommandArtifact { result } };
                    if writer.send_with(&reply, file).await.is_err() {
                        return Err(no_start(Ok(Ok(None)), &mut ended, executable).await);
                    }
                }
                other => return Err(no_start(other, &mut ended, executable).await),
            }
        };
        check_engine(key, &engine)?;
        let has_ended = Arc::new(AtomicBool::new(false));
        let tell = has_ended.clone();
        tokio::spawn(async move {
            let _ = ended.await;
            tell.store(true, Ordering::Release);
        });
        Ok(Template {
            launcher: launcher.clone(),
            process,
            engine,
            born: Instant::now(),
            forks: AtomicU32::new(0),
            has_ended,
            is_complete,
            _channel: (reader, writer),
        })
    }

    /// Whether it can fork no more.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) || self.launcher.is_gone()
    }

    /// How many workers it was asked for.
    pub(super) fn forks(&self) -> u32 {
        self.forks.load(Ordering::Relaxed)
    }

    /// A worker, which may be claimed at once.
    pub(super) fn fork(&self) -> Result<Worker, ErrorData> {
        let (reader, writer, theirs) = channel::pair().map_err(not_started)?;
        let (process, ended) = self.launcher.fork(&self.process, &theirs).map_err(not_started)?;
        self.forks.fetch_add(1, Ordering::Relaxed);
        Ok(Worker::forked(process, ended, (reader, writer), self.engine.clone()))
    }
}

async fn artifact(
    artifacts: &Arc<Artifacts>,
    module: String,
) -> Result<(Arc<std::fs::File>, u64), ErrorData> {
    let artifacts = artifacts.clone();
    // Once begun it goes on, for the next who asks.
    let found = tokio::task::spawn_blocking(move || artifacts.get(&module));
    match tokio::time::timeout(ARTIFACT_TIME, found).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Err(ErrorData::new(code::INTERNAL, error.to_string())),
        Err(_) => Err(ErrorData::new(code::NOT_INSTALLED, "it is not compiled yet")),
    }
}
