//! An entry for fuzzing the messages of the broker channel: bytes in, properties checked.

use super::{FromWorker, ToWorker};
use crate::wire::fuzz::message;

/// Decodes the content of a frame as either side of a worker does.
pub fn messages(content: &[u8]) {
    message::<FromWorker>(content);
    message::<ToWorker>(content);
}
