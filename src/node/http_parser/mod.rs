//! HTTP/1: from bytes to what the library's `http` is told of messages.
//!
//! `protocol` says what a parser of the protocol is, and `machine` is one. The binding `http_parser` gives it to
//! JavaScript, and knows no more of it than the trait.

#[cfg(fuzzing)]
pub(crate) mod fuzz;
mod headers;
#[cfg(any(test, fuzzing))]
mod log;
mod machine;
mod protocol;
#[cfg(test)]
mod tests;

pub(crate) use self::machine::Machine;
pub(crate) use self::protocol::{
    Answer, Failure, Head, Kind, Leniency, Methods, PAUSED, ParseError, Protocol, Refusal, Sink, Told,
};
