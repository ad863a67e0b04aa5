//! Running guest code: jobs and how they end, the way in from other threads, the event loop, operations and timers.

pub(crate) mod event_loop;
pub(crate) mod inbox;
pub(crate) mod operations;
pub(crate) mod outcome;
pub(crate) mod output;
pub(crate) mod program;
pub(crate) mod threads;
pub(crate) mod watchdog;
