//! One template: a process that has booted an engine and forks workers, which then answer within a millisecond. It sees
//! no configuration of a VM and no byte of a guest: what it is told is which artifacts to map, and to fork.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use protocol::engine::EngineReport;
use protocol::wire::ErrorData;
use tokio::time::Instant;

use super::boot::{self, Ready};
use super::channel::{self, Reader, Writer};
use super::launcher::client::{Launcher, Process};
use super::own_commands::CommandSet;
use super::pool::PoolKey;
use super::worker::{Worker, arguments, check_engine, not_started};

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
        commands: &Arc<CommandSet>,
        show_stderr: bool,
    ) -> Result<Template, ErrorData> {
        boot::prepare(commands, key).await;
        let (mut reader, mut writer, theirs) = channel::pair().map_err(not_started)?;
        let executable = &key.choice.executable;
        let (process, mut ended) = launcher
            .execute(executable, arguments("template", key, commands), true, show_stderr, &theirs)
            .map_err(not_started)?;
        drop(theirs);
        let channel = (&mut reader, &mut writer);
        let Ready { engine, is_complete, .. } =
            boot::until_ready(channel, commands, &mut ended, executable).await?;
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
