//! Brotli.

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::codec::{Codec, Failure, Step};

/// `BROTLI_OPERATION_FINISH`.
const FINISH: u32 = 2;

/// Numbers of parameters that the rest asks about.
const WINDOW: usize = 1;
const LARGE_WINDOW: usize = 6;

/// A parameter that was not given.
const UNSET: u32 = u32::MAX;

/// Which parameters, by their numbers.
const PARAMETERS: &[BrotliEncoderParameter] = &[
    BrotliEncoderParameter::BROTLI_PARAM_MODE,
    BrotliEncoderParameter::BROTLI_PARAM_QUALITY,
    BrotliEncoderParameter::BROTLI_PARAM_LGWIN,
    BrotliEncoderParameter::BROTLI_PARAM_LGBLOCK,
    BrotliEncoderParameter::BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING,
    BrotliEncoderParameter::BROTLI_PARAM_SIZE_HINT,
];

pub(super) struct Compressor {
    parameters: Vec<u32>,
    state: BrotliEncoderStateStruct<StandardAlloc>,
}

/// Bytes that a compressor takes, by far the most of them for what it remembers.
pub(super) fn compressor_size(parameters: &[u32]) -> usize {
    let window = parameters.get(WINDOW + 1).copied().filter(|window| *window != UNSET).unwrap_or(22);
    4usize << window.clamp(10, 24)
}

impl Compressor {
    /// None if a parameter is none that Brotli knows.
    pub fn new(parameters: &[u32]) -> Option<Compressor> {
        let mut state = BrotliEncoderStateStruct::new(StandardAlloc::default());
        for (number, value) in parameters.iter().enumerate().filter(|(_, value)| **value != UNSET) {
            // Booleans are no numbers.
            let is_flag = number == 4 || number == LARGE_WINDOW;
            if is_flag && *value > 1 {
                return None;
            }
            match PARAMETERS.get(number) {
                Some(parameter) => {
                    if !state.set_parameter(*parameter, *value) {
                        return None;
                    }
                }
                // Windows that no usual decoder takes, and what this encoder does not have: as without them if they
                // are off.
                None if *value == 0 => {}
                None => return None,
            }
        }
        Some(Compressor { parameters: parameters.to_vec(), state })
    }
}

fn failed() -> Failure {
    Failure::new("Compression failed", -1, "ERR_BROTLI_COMPRESSION_FAILED")
}

impl Codec for Compressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= 3
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let operation = match flush {
            0 => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
            1 => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
            FINISH => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
            _ => BrotliEncoderOperation::BROTLI_OPERATION_EMIT_METADATA,
        };
        let (mut left, mut room) = (input.len(), output.len());
        let (mut read, mut written) = (0, 0);
        let done = self.state.compress_stream(
            operation,
            &mut left,
            input,
            &mut read,
            &mut room,
            output,
            &mut written,
            &mut None,
            &mut |_, _, _, _| {},
        );
        Step { read, written, failure: (!done).then(failed) }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        *self = Compressor::new(&self.parameters).ok_or_else(failed)?;
        Ok(())
    }
}

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

pub(super) struct Decompressor {
    state: Box<State>,
}

impl Decompressor {
    /// None if it is to read windows larger than usual: these would take a gigabyte for a few bytes of input.
    pub fn new(parameters: &[u32]) -> Option<Decompressor> {
        match parameters.get(1).copied() {
            Some(UNSET | 0) | None => Some(Decompressor { state: Decompressor::state() }),
            Some(_) => None,
        }
    }

    fn state() -> Box<State> {
        let alloc = StandardAlloc::default;
        Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()))
    }
}

impl Codec for Decompressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= 3
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let (mut left, mut room) = (input.len(), output.len());
        let (mut read, mut written, mut total) = (0, 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut total,
            &mut self.state,
        );
        let failure = match result {
            BrotliResult::ResultSuccess | BrotliResult::NeedsMoreOutput => None,
            BrotliResult::NeedsMoreInput => (flush == FINISH).then(Failure::unexpected_end),
            BrotliResult::ResultFailure => {
                // `BROTLI_DECODER_ERROR_…`
                let name = format!("{:?}", self.state.error_code);
                let name = name.strip_prefix("BROTLI_DECODER").unwrap_or(&name);
                Some(Failure {
                    message: "Decompression failed".into(),
                    number: self.state.error_code as i32,
                    code: format!("ERR_{name}").into(),
                })
            }
        };
        Step { read, written, failure }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.state = Decompressor::state();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Codec, Compressor, Decompressor, FINISH, Failure};

    fn step(codec: &mut dyn Codec, flush: u32, input: &[u8]) -> (Vec<u8>, Option<Failure>, usize) {
        let mut out = vec![0; 1000];
        let step = codec.step(flush, input, &mut out);
        out.truncate(step.written);
        (out, step.failure, step.read)
    }

    #[test]
    fn it_goes_both_ways() {
        let packed = step(&mut Compressor::new(&[u32::MAX; 10]).unwrap(), FINISH, b"hello hello").0;
        let decoder = || Decompressor::new(&[u32::MAX; 10]).unwrap();
        let with_more = [&packed[..], b"more"].concat();
        assert_eq!(step(&mut decoder(), FINISH, &with_more), (b"hello hello".to_vec(), None, packed.len()));
        assert_eq!(step(&mut decoder(), FINISH, &packed[..4]).1, Some(Failure::unexpected_end()));
        assert_eq!(step(&mut decoder(), 1, &packed[..4]).1, None);
        let failure = step(&mut decoder(), FINISH, b"garbage").1.unwrap();
        assert!(failure.number < 0 && failure.code.starts_with("ERR__ERROR_FORMAT_"), "{}", failure.code);
    }

    #[test]
    fn parameters_are_checked() {
        let mut parameters = [u32::MAX; 10];
        parameters[4] = 42;
        assert!(Compressor::new(&parameters).is_none());
        parameters[4] = 1;
        parameters[1] = 99999;
        let packed = step(&mut Compressor::new(&parameters).unwrap(), FINISH, b"hello").0;
        assert_eq!(step(&mut Decompressor::new(&[]).unwrap(), FINISH, &packed).0, b"hello");
    }
}
