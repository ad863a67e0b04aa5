//! Packets between supervisor and launcher over a socket of type `SOCK_SEQPACKET`: one message a packet.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest packet, in bytes.
pub(super) const PACKET_BYTES_MAX: usize = 16 * 1024;

/// What the supervisor asks for. Tokens are its own numbers for processes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToLauncher {
    /// Executes a worker, or a template that workers can be forked from; its end of the channel is attached.
    Execute { token: u64, executable: PathBuf, arguments: Vec<String>, template: bool, show_stderr: bool },
    /// Has a template fork a worker; the worker's end of its channel is attached.
    Fork { token: u64, template: u64 },
    /// Kills a process; nothing happens if it has ended. The workers of a template stay.
    Kill { token: u64 },
}

/// What the launcher answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromLauncher {
    /// It is ready; whether its workers are in a PID namespace of its own.
    Hello { pid_namespace: bool },
    /// A process could not be started.
    Failed { token: u64, message: String },
    /// A process ended.
    Exited { token: u64, exit: Exit },
}

/// How a process ended.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a packet as both ends do. What is a message is written as a packet that says the same.
    fn read(packet: &[u8]) {
        if let Ok(message) = rmp_serde::from_slice::<ToLauncher>(packet) {
            let again = rmp_serde::to_vec(&message).unwrap();
            assert_eq!(
                format!("{:?}", rmp_serde::from_slice::<ToLauncher>(&again).unwrap()),
                format!("{message:?}")
            );
        }
        if let Ok(message) = rmp_serde::from_slice::<FromLauncher>(packet) {
            let again = rmp_serde::to_vec(&message).unwrap();
            assert_eq!(
                format!("{:?}", rmp_serde::from_slice::<FromLauncher>(&again).unwrap()),
                format!("{message:?}")
            );
        }
    }

    #[test]
    fn a_damaged_packet_is_a_message_or_an_error() {
        let (token, executable) = (7, PathBuf::from("/a"));
        let arguments = vec!["template".to_owned(), "absent".to_owned()];
        let packets = [
            rmp_serde::to_vec(&ToLauncher::Execute {
                token,
                executable,
                arguments,
                template: true,
                show_stderr: false,
            }),
            rmp_serde::to_vec(&ToLauncher::Fork { token, template: 3 }),
            rmp_serde::to_vec(&ToLauncher::Kill { token }),
            rmp_serde::to_vec(&FromLauncher::Hello { pid_namespace: true }),
            rmp_serde::to_vec(&FromLauncher::Failed { token, message: "no".to_owned() }),
            rmp_serde::to_vec(&FromLauncher::Exited { token, exit: Exit::Signal(9) }),
        ];
        for packet in packets.map(Result::unwrap) {
            read(&packet);
            for at in 0..packet.len() {
                read(&packet[..at]);
                // Every other byte in its place: lengths that lie, kinds that are none.
                for byte in 0..=255 {
                    let mut damaged = packet.clone();
                    damaged[at] = byte;
                    read(&damaged);
                    damaged.truncate(at + 1);
                    read(&damaged);
                }
            }
        }
    }
}
