//! The first words of a worker or a template: until it says that it is ready it asks for native code of commands.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::broker::{BrokerCall, FromWorker, ToWorker};
use protocol::enclosure::EnclosureReport;
use protocol::engine::EngineReport;
use protocol::wire::{ErrorData, code};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::artifacts::{self, Found};
use super::channel::{Reader, Writer};
use super::launcher::client::Ended;
use super::own_commands::CommandSet;
use super::pool::PoolKey;
use super::worker::{START_TIMEOUT, no_start};

/// How long a process that boots waits for the native code of a command. Reading it takes some milliseconds; where it is
/// still being compiled, workers ask for it themselves, and another template takes this one's place when it is there.
const ARTIFACT_TIME: Duration = Duration::from_millis(500);

/// What a process says when it is ready.
pub(super) struct Ready {
    pub(super) engine: EngineReport,
    pub(super) enclosure: EnclosureReport,
    /// Whether it was given every installed command that it asked for.
    pub(super) is_complete: bool,
}

/// Has native code ready that a process of this kind must have before it starts: where `jit` is denied none can be mapped
/// later. What cannot be had is left to whoever runs it.
pub(super) async fn prepare(commands: &Arc<CommandSet>, key: &PoolKey) {
    if !key.choice.profile.jit && !commands.are_ready() {
        let commands = commands.clone();
        let prepared = tokio::task::spawn_blocking(move || commands.try_all());
        let _ = prepared.await;
    }
}

/// Answers a process until it is ready.
///
/// # Errors
/// It ends, says something else, or is not ready in time.
pub(super) async fn until_ready(
    (reader, writer): (&mut Reader, &mut Writer),
    commands: &Arc<CommandSet>,
    ended: &mut oneshot::Receiver<Ended>,
    executable: &Path,
) -> Result<Ready, ErrorData> {
    let mut is_complete = true;
    let give_up = Instant::now() + START_TIMEOUT;
    loop {
        match tokio::time::timeout_at(give_up, reader.next()).await {
            Ok(Ok(Some(FromWorker::Ready { engine, enclosure }))) => {
                return Ok(Ready { engine, enclosure, is_complete });
            }
            Ok(Ok(Some(FromWorker::Call { call, body: BrokerCall::CommandArtifact { module } }))) => {
                let is_installed = commands.has(&module);
                let found = artifact(commands, module).await;
                is_complete &= found.is_ok() || !is_installed;
                let (reply, file) = artifacts::reply(found);
                if writer.send_with(&ToWorker::Reply { call, reply }, file).await.is_err() {
                    return Err(no_start(Ok(Ok(None)), ended, executable).await);
                }
            }
            other => return Err(no_start(other, ended, executable).await),
        }
    }
}

async fn artifact(commands: &Arc<CommandSet>, module: String) -> Found {
    let commands = commands.clone();
    // Once begun it goes on, for the next who asks.
    let found = tokio::task::spawn_blocking(move || commands.get(&module));
    match tokio::time::timeout(ARTIFACT_TIME, found).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Err(ErrorData::new(code::INTERNAL, error.to_string())),
        Err(_) => Err(ErrorData::new(code::NOT_INSTALLED, "it is not compiled yet")),
    }
}
