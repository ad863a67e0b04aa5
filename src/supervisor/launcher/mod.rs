//! The launcher: a small process with one thread that starts workers, reaps them and takes them down with it.
//!
//! It exists because the supervisor is a library in somebody's process: a death signal set by a pool thread would
//! fire when that thread retires, a SIGCHLD handler would meet the embedder's, and children would outlive a killed
//! supervisor. The launcher is exec'ed once; where the host allows it, it is PID 1 of a PID namespace, so that its own
//! end ends every worker. It ends when its control socket closes.
//!
//! [`protocol`] is what the two say to each other, [`process`] the launcher itself, [`client`] the supervisor's end.

mod children;
pub(super) mod client;
mod namespace;
pub mod process;
mod protocol;

pub use protocol::Exit;
