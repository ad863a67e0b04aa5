//! The templates of one supervisor: one for each kind of worker in use, started when first needed, and replaced after so
//! many forks or so much time, since workers of one template share the layout of their memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::wire::ErrorData;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Inner;
use super::pool::{KINDS_MAX, PoolKey};
use super::template::Template;

/// When a template is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateLimits {
    /// After so many workers.
    pub forks: u32,
    /// After so much time.
    pub age: Duration,
}

impl Default for TemplateLimits {
    fn default() -> Self {
        TemplateLimits { forks: 1000, age: Duration::from_secs(10 * 60) }
    }
}

/// Where a template cannot be had, this long passes before it is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// How often it is looked whether the commands that a template lacks have been compiled.
const COMMANDS_PAUSE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Templates {
    limits: Option<TemplateLimits>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kinds: HashMap<PoolKey, Kind>,
    clock: u64,
}

struct Kind {
    last_used: u64,
    present: Present,
    /// Another is being started in its place.
    is_replaced: bool,
    /// When that last failed.
    not_replaced: Option<Instant>,
}

enum Present {
    /// It starts; closed when it is known whether it did. Whether somebody went without it meanwhile.
    Starting(watch::Receiver<()>, bool),
    Ready(Arc<Template>),
    /// It could not be started.
    Impossible {
        since: Instant,
        why: ErrorData,
    },
}

impl Templates {
    /// None without limits: then every worker is executed.
    pub(super) fn new(limits: Option<TemplateLimits>) -> Templates {
        Templates { limits, state: Mutex::default() }
    }

    /// The template of a kind, if there is one. Where there is none it is started, and whoever comes first goes without:
    /// to execute a worker takes no longer than a template's start. Others wait for that.
    pub(super) async fn get(&self, inner: &Arc<Inner>, key: &PoolKey) -> Option<Arc<Template>> {
        self.find(inner, key, true).await
    }

    async fn find(&self, inner: &Arc<Inner>, key: &PoolKey, may_go_without: bool) -> Option<Arc<Template>> {
        self.limits?;
        loop {
            let mut starting = {
                let mut state = self.state.lock();
                match state.of(key).map(|kind| &mut kind.present) {
                    Some(Present::Ready(template)) if !template.has_ended() => {
                        let template = template.clone();
                        self.replace_when_due(&mut state, inner, key, &template);
                        return Some(template);
                    }
                    Some(Present::Starting(starting, gone_without)) => {
                        if may_go_without && !std::mem::replace(gone_without, true) {
                            return None;
                        }
                        starting.clone()
                    }
                    Some(Present::Impossible { since, .. }) if since.elapsed() < RETRY_PAUSE => return None,
                    Some(Present::Ready(_) | Present::Impossible { .. }) | None => {
                        let starting = self.start(&mut state, inner, key, may_go_without);
                        if may_go_without {
                            return None;
                        }
                        starting
                    }
                }
            };
            // Closed by its end, whatever that is.
            let _ = starting.changed().await;
        }
    }

    /// The template of a kind, waiting for its start; or why there is none.
    pub(super) async fn start_and_wait(&self, inner: &Arc<Inner>, key: &PoolKey) -> Result<(), ErrorData> {
        let disabled = || ErrorData::new(protocol::wire::code::NOT_INSTALLED, "templates are turned off");
        self.limits.ok_or_else(disabled)?;
        if self.find(inner, key, false).await.is_some() {
            return Ok(());
        }
        match self.state.lock().kinds.get(key).map(|kind| &kind.present) {
            Some(Present::Impossible { why, .. }) => Err(why.clone()),
            _ => Err(disabled()),
        }
    }

    fn replace_when_due(&self, state: &mut State, inner: &Arc<Inner>, key: &PoolKey, template: &Template) {
        let is_due = self
            .limits
            .is_some_and(|limits| template.forks() >= limits.forks || template.born.elapsed() >= limits.age);
        if is_due
            && let Some(kind) = state.kinds.get_mut(key)
            && !kind.is_replaced
            && kind.not_replaced.is_none_or(|since| since.elapsed() >= RETRY_PAUSE)
        {
            kind.is_replaced = true;
            let (inner, key) = (inner.clone(), key.clone());
            tokio::spawn(async move { inner.templates.replace(&inner, &key).await });
        }
    }

    fn start(
        &self,
        state: &mut State,
        inner: &Arc<Inner>,
        key: &PoolKey,
        gone_without: bool,
    ) -> watch::Receiver<()> {
        let (started, starting) = watch::channel(());
        let now = state.clock;
        let present = Present::Starting(starting.clone(), gone_without);
        let kind = Kind { last_used: now, present, is_replaced: false, not_replaced: None };
        if !state.kinds.contains_key(key) && state.kinds.len() >= KINDS_MAX {
            let oldest =
                state.kinds.iter().min_by_key(|(_, kind)| kind.last_used).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| state.kinds.remove(&oldest));
        }
        state.kinds.insert(key.clone(), kind);
        let (inner, key) = (inner.clone(), key.clone());
        tokio::spawn(async move {
            let present = Self::present(&inner, &key).await;
            inner.templates.put(&inner, &key, present);
            drop(started);
        });
        starting
    }

    async fn present(inner: &Arc<Inner>, key: &PoolKey) -> Present {
        let started = match inner.launcher() {
            Ok(launcher) => Template::start(&launcher, key, &inner.commands, inner.show_worker_stderr).await,
            Err(error) => Err(error),
        };
        match started {
            Ok(template) => Present::Ready(Arc::new(template)),
            Err(why) => Present::Impossible { since: Instant::now(), why },
        }
    }

    fn put(&self, inner: &Arc<Inner>, key: &PoolKey, present: Present) {
        let mut state = self.state.lock();
        // The kind may have made room meanwhile; then the template ends here.
        let Some(kind) = state.kinds.get_mut(key) else { return };
        if let Present::Ready(template) = &present {
            self.watch(inner, key, template);
        }
        kind.present = present;
        kind.is_replaced = false;
        kind.not_replaced = None;
    }

    /// Replaces a template when its time has come, or the commands that it lacks.
    fn watch(&self, inner: &Arc<Inner>, key: &PoolKey, template: &Arc<Template>) {
        let Some(limits) = self.limits else { return };
        let (inner, key, template) = (Arc::downgrade(inner), key.clone(), Arc::downgrade(template));
        tokio::spawn(async move {
            loop {
                let Some(left) = template.upgrade().map(|template| match template.is_complete {
                    true => limits.age.saturating_sub(template.born.elapsed()),
                    false => COMMANDS_PAUSE,
                }) else {
                    return;
                };
                tokio::time::sleep(left.max(Duration::from_millis(1))).await;
                let Some((inner, template)) = inner.upgrade().zip(template.upgrade()) else { return };
                if template.born.elapsed() >= limits.age || inner.artifacts.are_ready() {
                    return inner.templates.retire(&inner, &key, &template).await;
                }
            }
        });
    }

    /// Ends a template that is too old, or lacks something. Another takes its place if it was of use.
    async fn retire(&self, inner: &Arc<Inner>, key: &PoolKey, template: &Arc<Template>) {
        {
            let mut state = self.state.lock();
            let Some(kind) = state.kinds.get_mut(key) else { return };
            let is_present =
                matches!(&kind.present, Present::Ready(present) if Arc::ptr_eq(present, template));
            if !is_present || kind.is_replaced {
                return;
            }
            if template.forks() == 0 && template.is_complete {
                state.kinds.remove(key);
                return;
            }
            kind.is_replaced = true;
        }
        self.replace(inner, key).await;
    }

    /// Starts another template, and lets the present one go when that is ready.
    async fn replace(&self, inner: &Arc<Inner>, key: &PoolKey) {
        match Self::present(inner, key).await {
            Present::Ready(template) => self.put(inner, key, Present::Ready(template)),
            // The old one is better than none.
            _ => {
                if let Some(kind) = self.state.lock().kinds.get_mut(key) {
                    kind.is_replaced = false;
                    kind.not_replaced = Some(Instant::now());
                }
                return;
            }
        }
        // Workers of the old one wait there.
        inner.pool.clear(key);
        inner.refill(key);
    }
}

impl State {
    /// A kind that is used now.
    fn of(&mut self, key: &PoolKey) -> Option<&mut Kind> {
        self.clock += 1;
        let now = self.clock;
        let kind = self.kinds.get_mut(key)?;
        kind.last_used = now;
        Some(kind)
    }
}
