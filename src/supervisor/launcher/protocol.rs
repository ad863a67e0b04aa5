//! Packets between supervisor and launcher over a socket of type `SOCK_SEQPACKET`: one message a packet.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest packet, in bytes.
pub(super) const PACKET_BYTES_MAX: usize = 16 * 1024;

/// What the supervisor asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToLauncher {
    /// Starts a worker; its end of the broker channel is attached.
    Start { token: u64, executable: PathBuf, arguments: Vec<String>, show_stderr: bool },
    /// Kills a worker; nothing happens if it has ended.
    Kill { token: u64 },
}

/// What the launcher answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromLauncher {
    /// It is ready; whether its workers are in a PID namespace of its own.
    Hello { pid_namespace: bool },
    /// A worker could not be started.
    Failed { token: u64, message: String },
    /// A worker ended.
    Exited { token: u64, exit: Exit },
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was never started, or its end was not seen.
    Unknown,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
            Exit::Unknown => f.write_str("unknown"),
        }
    }
}
