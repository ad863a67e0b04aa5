//! The sidecar: serves the wire protocol to clients, on standard input and output or on a Unix socket.
//!
//! Owns connections and whose VM is whose; a connection sees only its own VMs, and they end with it. What VMs do is
//! the supervisor's business.

mod connection;
mod socket;
pub mod stdio;

pub use connection::{ConnectionLimits, serve_connection};
pub use socket::{SocketError, serve_socket};
