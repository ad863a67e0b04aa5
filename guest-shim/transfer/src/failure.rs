//! Why a transfer failed, by the numbers of curl's (`man curl`, "EXIT CODES").

use std::io;

pub const PROTOCOL: i32 = 1;
pub const USAGE: i32 = 2;
pub const URL: i32 = 3;
pub const NOT_THERE: i32 = 4;
pub const NAME: i32 = 6;
pub const CONNECT: i32 = 7;
pub const PARTIAL: i32 = 18;
pub const STATUS: i32 = 22;
pub const WRITE: i32 = 23;
pub const READ: i32 = 26;
pub const TIME: i32 = 28;
pub const RANGE: i32 = 33;
pub const HANDSHAKE: i32 = 35;
pub const ARGUMENT: i32 = 43;
pub const REDIRECTS: i32 = 47;
pub const EMPTY: i32 = 52;
pub const SEND: i32 = 55;
pub const RECEIVE: i32 = 56;
pub const CERTIFICATE: i32 = 60;
pub const ENCODING: i32 = 61;
pub const TOO_LARGE: i32 = 63;
pub const REWIND: i32 = 65;
pub const AUTHORITIES: i32 = 77;

/// A number and a text.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: i32,
    pub message: String,
}

impl Failure {
    pub fn new(code: i32, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }

    /// What was received could not be written.
    pub fn writing(_: io::Error) -> Failure {
        Failure::new(WRITE, "Failure writing output to destination")
    }
}

/// The text of an error of the system's, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
