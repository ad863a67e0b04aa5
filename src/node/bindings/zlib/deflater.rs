//! Compressing to zlib's formats.
//!
//! Through the interface of C that zlib-rs has: its safe one cannot change the level of a stream that has been written to.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};

use libz_rs_sys::{
    deflate, deflateEnd, deflateInit2_, deflateParams, deflateReset, deflateSetDictionary, z_stream,
    zlibVersion,
};

use super::codec::{Codec, Failure, Step};
use super::deflate::{BLOCK, FINISH, Mode, Settings, failure};

/// What the functions give back: all is well, the stream is at its end, nothing could be done for want of input or room.
const OK: c_int = 0;
const STREAM_END: c_int = 1;
const BUF_ERROR: c_int = -5;

/// `Z_DEFLATED`.
const DEFLATED: c_int = 8;

/// Room for what a change of the level makes a stream say, which is a few bytes.
const SCRATCH: usize = 64;

/// What the memory of a stream depends on, and what it does: window, level, memory level, strategy.
type Shape = [c_int; 4];

/// An initialized stream. It stays where it is: its state may say where that is.
struct Stream(Box<z_stream>);

impl Stream {
    /// What is left has no state, and nothing to be freed.
    fn take(&mut self) -> Box<z_stream> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream is initialized or has no state, which the function sees, and is not used after this.
        unsafe { deflateEnd(&mut *self.0) };
    }
}

thread_local! {
    /// The last stream that nobody needs any more, for the next one of the same shape: to make one clears some hundred
    /// kilobytes, which is more than most texts take to be compressed.
    static SPARE: RefCell<Option<(Shape, Stream)>> = const { RefCell::new(None) };
}

/// A stream of that shape as if it were new, if there is one.
fn spare(shape: Shape) -> Option<Box<z_stream>> {
    let (_, mut stream) = SPARE.take().filter(|(spare, _)| *spare == shape)?;
    // SAFETY: the stream is initialized.
    let code = unsafe { deflateReset(&mut *stream.0) };
    (code == OK).then(|| stream.take())
}

pub(super) struct Compressor {
    settings: Settings,
    /// None once it is no more what it was made as.
    shape: Option<Shape>,
    /// Initialized from `new` until it is dropped. It stays where it is: its state may say where that is.
    stream: Box<z_stream>,
    /// What a change of the level has made it say, until there is room for it.
    said: Vec<u8>,
}

impl Compressor {
    pub fn new(settings: Settings) -> Result<Compressor, Failure> {
        let bits = c_int::from(settings.window_bits);
        let bits = match settings.mode {
            Mode::Gzip => bits + 16,
            Mode::DeflateRaw => -bits,
            _ => bits,
        };
        let shape = [bits, settings.level, settings.memory_level, settings.strategy];
        if let Some(stream) = spare(shape) {
            let mut compressor = Compressor { settings, shape: Some(shape), stream, said: Vec::new() };
            compressor.set_dictionary()?;
            return Ok(compressor);
        }
        let mut stream = Box::<z_stream>::default();
        let size = size_of::<z_stream>() as c_int;
        let (level, memory) = (settings.level, settings.memory_level);
        // SAFETY: the stream is as the function wants it, with no functions of ours for memory; the version is the
        // library's own.
        let code = unsafe {
            let version = zlibVersion();
            deflateInit2_(&mut *stream, level, DEFLATED, bits, memory, settings.strategy, version, size)
        };
        if code != OK {
            return Err(failure(code, Some("Init error")));
        }
        let mut compressor = Compressor { settings, shape: Some(shape), stream, said: Vec::new() };
        compressor.set_dictionary()?;
        Ok(compressor)
    }

    fn set_dictionary(&mut self) -> Result<(), Failure> {
        let Some(dictionary) = &self.settings.dictionary else { return Ok(()) };
        if self.settings.mode == Mode::Gzip {
            return Ok(());
        }
        // No window is longer than the last of so many.
        let length = u32::try_from(dictionary.len()).unwrap_or(u32::MAX);
        // SAFETY: the stream is initialized; the dictionary has at least so many bytes, which are only read, now.
        let code = unsafe { deflateSetDictionary(&mut *self.stream, dictionary.as_ptr(), length) };
        if code == OK { Ok(()) } else { Err(failure(code, Some("Failed to set dictionary"))) }
    }

    /// What the library says of its last error.
    fn message(&self) -> Option<&'static str> {
        let message = self.stream.msg;
        // SAFETY: the library's messages are texts of its own that end with a zero and are there for ever.
        (!message.is_null()).then(|| unsafe { CStr::from_ptr(message) }.to_str().unwrap_or_default())
    }

    /// Runs a function of the library with an input and an output: what it gave back, how far it came with either.
    fn run(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        call: impl FnOnce(*mut z_stream) -> c_int,
    ) -> (c_int, usize, usize) {
        let given = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let room = u32::try_from(output.len()).unwrap_or(u32::MAX);
        let stream = &mut *self.stream;
        (stream.next_in, stream.avail_in) = (input.as_ptr(), given);
        (stream.next_out, stream.avail_out) = (output.as_mut_ptr(), room);
        let code = call(stream);
        let read = given.saturating_sub(stream.avail_in) as usize;
        let written = room.saturating_sub(stream.avail_out) as usize;
        // Neither is there any longer than this call.
        (stream.next_in, stream.avail_in) = (std::ptr::null(), 0);
        (stream.next_out, stream.avail_out) = (std::ptr::null_mut(), 0);
        (code, read, written)
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        let stream = Stream(std::mem::take(&mut self.stream));
        if let Some(shape) = self.shape {
            // Where the thread ends, it goes with it.
            let _ = SPARE.try_with(|spare| spare.replace(Some((shape, stream))));
        }
    }
}

impl Codec for Compressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= BLOCK
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let early = self.said.len().min(output.len());
        let (first, output) = output.split_at_mut(early);
        for (byte, said) in first.iter_mut().zip(self.said.drain(..early)) {
            *byte = said;
        }
        let kind = c_int::try_from(flush).unwrap_or(0);
        // SAFETY: the stream is initialized, and what it is given is there for the call.
        let (code, read, written) = self.run(input, output, |stream| unsafe { deflate(stream, kind) });
        let failure = match code {
            STREAM_END => None,
            OK | BUF_ERROR => (written < output.len() && flush == FINISH).then(Failure::unexpected_end),
            code => Some(failure(code, self.message())),
        };
        Step { read, written: written + early, failure }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.said.clear();
        // SAFETY: the stream is initialized.
        let code = unsafe { deflateReset(&mut *self.stream) };
        if code != OK {
            return Err(failure(code, Some("Failed to reset stream")));
        }
        self.set_dictionary()
    }

    fn set_params(&mut self, level: i32, strategy: i32) -> Result<(), Failure> {
        self.shape = None;
        let mut scratch = [0; SCRATCH];
        // SAFETY: the stream is initialized, and what it is given is there for the call.
        let (code, _, written) =
            self.run(&[], &mut scratch, |stream| unsafe { deflateParams(stream, level, strategy) });
        self.said.extend_from_slice(scratch.get(..written).unwrap_or_default());
        match code {
            OK | BUF_ERROR => Ok(()),
            code => Err(failure(code, Some("Failed to set parameters"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Compressor, FINISH, Mode, SPARE, Settings};
    use crate::bindings::zlib::codec::Codec;

    fn packed(level: i32, text: &[u8]) -> Vec<u8> {
        let settings = Settings::new(Mode::Gzip, [15, level, 8, 0], None, false).unwrap();
        let mut compressor = Compressor::new(settings).unwrap();
        let mut output = vec![0; 1000];
        let step = compressor.step(FINISH, text, &mut output);
        assert!(step.failure.is_none());
        output.truncate(step.written);
        output
    }

    #[test]
    fn a_stream_that_is_used_again_is_as_a_new_one() {
        let text = b"hello hello hello".repeat(20);
        let first = packed(6, &text);
        assert!(SPARE.with_borrow(Option::is_some));
        assert_eq!(packed(6, &text), first);
        // One left in the middle of a text, and one that has become another.
        let settings = || Settings::new(Mode::Gzip, [15, 6, 8, 0], None, false).unwrap();
        let mut compressor = Compressor::new(settings()).unwrap();
        compressor.step(0, b"left", &mut [0; 5]);
        drop(compressor);
        assert_eq!(packed(6, &text), first);
        let mut compressor = Compressor::new(settings()).unwrap();
        compressor.set_params(1, 2).unwrap();
        drop(compressor);
        assert!(SPARE.with_borrow(Option::is_none));
        let other = packed(1, b"other");
        assert_eq!(packed(6, &text), first);
        assert_eq!(packed(1, b"other"), other);
    }
}
