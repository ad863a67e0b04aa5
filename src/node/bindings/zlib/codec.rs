//! What all compressors and decompressors have in common.

use std::borrow::Cow;

/// What went wrong, as `onerror` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub message: Cow<'static, str>,
    pub number: i32,
    pub code: Cow<'static, str>,
}

impl Failure {
    pub fn new(message: &'static str, number: i32, code: &'static str) -> Failure {
        Failure { message: message.into(), number, code: code.into() }
    }

    /// The input ends where it should go on.
    pub fn unexpected_end() -> Failure {
        Failure::new("unexpected end of file", -5, "Z_BUF_ERROR")
    }
}

/// How far one step has come.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes of the input that are done with.
    pub read: usize,
    /// Bytes of the output.
    pub written: usize,
    pub failure: Option<Failure>,
}

/// A compressor or a decompressor.
pub(super) trait Codec {
    /// Whether it knows such a kind of flush.
    fn has_flush(&self, flush: u32) -> bool;

    /// Takes input and gives output, as far as there is any and room for it.
    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step;

    /// Begins anew, as it was made.
    fn reset(&mut self) -> Result<(), Failure>;

    /// Another level and strategy from here on, where there is such a thing.
    fn set_params(&mut self, _level: i32, _strategy: i32) -> Result<(), Failure> {
        Ok(())
    }
}
