//! `wasi:clocks` over the VM's clock, which runs for commands and may do so in steps. Sleeping takes real time all the
//! same.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::super::guest::Guest;

/// Nanoseconds since the epoch as WASI writes them.
pub(super) fn datetime(nanoseconds: u64) -> wall_clock::Datetime {
    let time = Duration::from_nanos(nanoseconds);
    wall_clock::Datetime { seconds: time.as_secs(), nanoseconds: time.subsec_nanos() }
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(self.kernel.clock().realtime()))
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(self.kernel.clock().resolution()))
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.kernel.clock().monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(self.kernel.clock().resolution())
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let left = when.saturating_sub(self.kernel.clock().monotonic());
        self.subscribe_duration(left)
    }

    fn subscribe_duration(&mut self, nanoseconds: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let deadline = match Duration::from_nanos(nanoseconds) {
            Duration::ZERO => Deadline::Passed { yielded: false },
            duration => Deadline::At(Instant::now().checked_add(duration)),
        };
        let deadline = self.table.push(deadline)?;
        subscribe(&mut self.table, deadline)
    }
}

enum Deadline {
    Passed {
        yielded: bool,
    },
    /// None is later than the clock can tell: never.
    At(Option<Instant>),
}

#[async_trait]
impl Pollable for Deadline {
    async fn ready(&mut self) {
        match self {
            // Who polls in a circle without waiting lets others run in between.
            Deadline::Passed { yielded } => {
                if !std::mem::replace(yielded, true) {
                    tokio::task::yield_now().await;
                }
            }
            Deadline::At(Some(instant)) => tokio::time::sleep_until(*instant).await,
            Deadline::At(None) => std::future::pending().await,
        }
    }
}
