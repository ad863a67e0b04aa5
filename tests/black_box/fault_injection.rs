//! Faults: processes that are killed or stopped at every stage, disks without room, peers that are slow or silent,
//! VMs in crowds that nobody ends. Nothing stays behind, no neighbour notices, every failure has one of cordon's codes,
//! and nothing waits for ever.

mod crowd;
mod killed;
mod paused;
mod peers;
mod shared;
mod starved;
