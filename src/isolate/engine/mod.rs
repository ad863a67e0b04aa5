//! V8 in this process: how it starts, what it is told of memory, clocks, threads and seeds.

pub(crate) mod allocator;
pub(crate) mod buffers;
pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod helpers;
pub(crate) mod seeds;
pub(crate) mod start;
pub(crate) mod thread_id;
