//! `--log-decisions` and `--learn`: the decisions over what runs, written down while it runs, and what they come to.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::arguments::{VmArguments, usage};
use super::learn::Learned;
use crate::client::{Decisions, Error, Vm};
use protocol::wire::{DecisionBatch, DecisionWatch};

/// Names standard error in place of a file.
const STANDARD_ERROR: &str = "-";

/// The decisions of one VM, taken as they are made.
pub(super) struct Watching {
    decisions: Arc<Decisions>,
    taken: Arc<Mutex<Taken>>,
    has_ended: Arc<AtomicBool>,
    following: tokio::task::JoinHandle<()>,
    learn_to: Option<PathBuf>,
}

/// Where decisions go.
struct Taken {
    log: Option<Box<dyn Write + Send>>,
    learned: Option<Learned>,
}

impl Watching {
    /// Begins to take them, if the arguments ask for that.
    pub(super) async fn begin(arguments: &VmArguments, vm: &Vm) -> Result<Option<Watching>, Error> {
        let log: Option<Box<dyn Write + Send>> = match &arguments.log_decisions {
            None => None,
            Some(path) if path.as_os_str() == STANDARD_ERROR => Some(Box::new(std::io::stderr())),
            Some(path) => {
                let file = File::options().append(true).create(true).open(path);
                let wrong = |error| usage(format!("--log-decisions {}: {error}", path.display()));
                Some(Box::new(file.map_err(wrong)?))
            }
        };
        let learned = arguments.learn.as_ref().map(|_| Learned::default());
        if log.is_none() && learned.is_none() {
            return Ok(None);
        }
        let decisions = Arc::new(vm.watch_decisions(DecisionWatch::On).await?);
        let taken = Arc::new(Mutex::new(Taken { log, learned }));
        let has_ended = Arc::new(AtomicBool::new(false));
        let following = tokio::spawn({
            let (decisions, taken, has_ended) = (decisions.clone(), taken.clone(), has_ended.clone());
            async move {
                while !has_ended.load(Ordering::Relaxed) {
                    let Ok(batch) = decisions.next().await else { return };
                    taken.lock().take(&batch);
                }
            }
        });
        let learn_to = arguments.learn.clone();
        Ok(Some(Watching { decisions, taken, has_ended, following, learn_to }))
    }

    /// Takes the last, and says what was learned.
    pub(super) async fn conclude(self) -> Result<(), Error> {
        self.has_ended.store(true, Ordering::Relaxed);
        // Of a VM that is gone they have been told.
        let last = self.decisions.now().await.unwrap_or_default();
        let _ = self.decisions.stop().await;
        let _ = self.following.await;
        let mut taken = self.taken.lock();
        taken.take(&last);
        match (taken.learned.take(), self.learn_to) {
            (Some(learned), Some(path)) => {
                learned.tell((path.as_os_str() != STANDARD_ERROR).then_some(&path))
            }
            _ => Ok(()),
        }
    }
}

impl Taken {
    fn take(&mut self, batch: &DecisionBatch) {
        if let Some(learned) = &mut self.learned {
            learned.take(batch);
        }
        let Some(log) = &mut self.log else { return };
        let mut lines = String::new();
        for decision in &batch.decisions {
            lines += &line(decision);
        }
        if batch.dropped > 0 {
            lines += &line(&serde_json::json!({ "dropped": batch.dropped }));
        }
        // A log that cannot be written is no reason to end what runs; it is said once.
        if let Err(error) = log.write_all(lines.as_bytes()).and_then(|()| log.flush()) {
            eprintln!("cordon: --log-decisions: {error}");
            self.log = None;
        }
    }
}

/// A line of JSON, without what a terminal would obey: guests choose what is in it.
fn line(value: &impl serde::Serialize) -> String {
    let Ok(json) = serde_json::to_string(value) else { return String::new() };
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c.is_control() {
            line += &format!("\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_is_json_that_no_terminal_obeys() {
        let line = super::line(&serde_json::json!({ "target": "/a\u{1b}[31m\u{9b}2J\n" }));
        assert!(!line.trim_end().chars().any(char::is_control), "{line:?}");
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["target"], "/a\u{1b}[31m\u{9b}2J\n");
    }
}
