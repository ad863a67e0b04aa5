//! Programs that are begun ahead: one of each that every VM has and that has run before, while no command runs. Memory
//! is mapped for it then, its parts are linked, and it has set itself up as far as it can without knowing what for. The
//! next command takes it from there.
//!
//! Only for programs that wait for their process where [`artifact::begin_import`] says. Until they get one they stand for
//! a process that has ended, which has nothing.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use artifact::applets::COMMON_MODULES;
use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::CommandPre;

use kernel::Process;

use super::guest::{Guest, Start};

/// A program that runs: to what `wasi:cli/run` gives, and its store.
pub(super) type Execution =
    Pin<Box<dyn Future<Output = (wasmtime::Result<Result<(), ()>>, Store<Guest>)> + Send>>;

/// Begins a program.
pub(super) fn begin(engine: &Engine, program: Arc<CommandPre<Guest>>, guest: Guest) -> Execution {
    let mut store = guest.into_store(engine);
    Box::pin(async move {
        let ended = async {
            let command = program.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        };
        (ended.await, store)
    })
}

/// A program that waits for its process.
pub(super) struct Begun {
    execution: Execution,
    process: oneshot::Sender<Arc<Process>>,
}

impl Begun {
    /// Runs a program up to where it waits; none if it does not come there.
    pub(super) async fn new(
        engine: &Engine,
        program: Arc<CommandPre<Guest>>,
        mut guest: Guest,
    ) -> Option<Begun> {
        let (reached, has_reached) = oneshot::channel();
        let (process, given) = oneshot::channel();
        guest.start = Some(Start { reached, process: given });
        match select(begin(engine, program, guest), has_reached).await {
            Either::Right((Ok(()), execution)) => Some(Begun { execution, process }),
            _ => None,
        }
    }

    /// Lets it go on as a process.
    pub(super) fn proceed(self, process: Arc<Process>) -> Execution {
        // It waits for nothing else, so the other side is there.
        let _ = self.process.send(process);
        self.execution
    }
}

/// Programs that wait, by their module: at most one of each.
pub(super) struct Ahead(Mutex<HashMap<&'static str, Place>>);

enum Place {
    Empty,
    /// Somebody is about to fill it. One whose program does not come to where it waits stays so.
    Taken,
    Filled(Begun),
}

impl Ahead {
    pub(super) fn new() -> Ahead {
        Ahead(Mutex::new(COMMON_MODULES.map(|module| (module, Place::Empty)).into()))
    }

    /// The one that waits, for a command that begins.
    pub(super) fn take(&self, module: &str) -> Option<Begun> {
        let mut places = self.0.lock();
        let place = places.get_mut(module).filter(|place| matches!(place, Place::Filled(_)))?;
        match std::mem::replace(place, Place::Empty) {
            Place::Filled(begun) => Some(begun),
            Place::Empty | Place::Taken => None,
        }
    }

    /// Whether the caller is to begin one of this module, and then to [`keep`](Self::keep) it.
    pub(super) fn claim(&self, module: &'static str) -> bool {
        let mut places = self.0.lock();
        let empty = places.get_mut(module).filter(|place| matches!(place, Place::Empty));
        empty.map(|place| *place = Place::Taken).is_some()
    }

    /// Keeps one.
    pub(super) fn keep(&self, module: &'static str, begun: Begun) {
        self.0.lock().insert(module, Place::Filled(begun));
    }
}
