//! Zstandard.

use isolate::library::memory_for;
use zstd::zstd_safe::zstd_sys::{ZSTD_EndDirective, ZSTD_strategy};
use zstd::zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name,
};

use super::codec::{Codec, Failure, Step};

/// `ZSTD_e_flush`, `ZSTD_e_end`.
const FLUSH: u32 = 1;
const END: u32 = 2;

/// A parameter that was not given.
const UNSET: u32 = u32::MAX;

/// How a frame begins, lowest byte first, and one that is to be skipped: that has 16 first bytes.
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPED: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// Names of errors by their numbers.
pub(super) type ErrorNames = Box<dyn Fn(i32) -> Option<String>>;

fn failure(names: &ErrorNames, code: usize) -> Failure {
    // The library gives numbers of errors as negative sizes.
    let number = i32::try_from(code.wrapping_neg()).unwrap_or(1);
    let name = names(number).unwrap_or_else(|| "ZSTD_error_GENERIC".to_owned());
    Failure { message: get_error_name(code).into(), number, code: name.into() }
}

/// What a program chose.
pub(super) struct Settings {
    pub parameters: Vec<u32>,
    pub pledged_size: Option<u64>,
    pub dictionary: Option<Vec<u8>>,
    /// What comes after a frame and is none is an error.
    pub rejects_junk: bool,
    pub names: ErrorNames,
}

impl Settings {
    fn parameters(&self) -> impl Iterator<Item = (usize, u32)> {
        self.parameters.iter().copied().enumerate().filter(|(_, value)| *value != UNSET)
    }

    fn parameter(&self, number: usize) -> Option<u32> {
        self.parameters.get(number).copied().filter(|value| *value != UNSET)
    }

    /// Bytes that a compressor takes, about, for so much input if that is known.
    fn compressor_size(&self, input: Option<u64>) -> usize {
        let level = self.parameter(100).map_or(3, |level| level as i32);
        let usual = match level {
            20.. => 800,
            17.. => 160,
            13.. => 64,
            6.. => 24,
            _ => 8,
        };
        let tables = [101, 102, 103].map(|number| match self.parameter(number) {
            Some(log) => 4usize << log.clamp(1, 31),
            None => 0,
        });
        let size = tables.into_iter().fold(usual << 20, usize::saturating_add);
        // Tables are no larger than the input makes useful.
        match input.and_then(|input| usize::try_from(input).ok()) {
            Some(input) => size.min(input.saturating_mul(24).saturating_add(4 << 20)),
            None => size,
        }
    }
}

/// A parameter by its number; none if there is no such.
fn parameter(number: usize, value: u32) -> Option<CParameter> {
    use ZSTD_strategy::*;
    const STRATEGIES: [ZSTD_strategy; 9] = [
        ZSTD_fast,
        ZSTD_dfast,
        ZSTD_greedy,
        ZSTD_lazy,
        ZSTD_lazy2,
        ZSTD_btlazy2,
        ZSTD_btopt,
        ZSTD_btultra,
        ZSTD_btultra2,
    ];
    Some(match number {
        100 => CParameter::CompressionLevel(value as i32),
        101 => CParameter::WindowLog(value),
        102 => CParameter::HashLog(value),
        103 => CParameter::ChainLog(value),
        104 => CParameter::SearchLog(value),
        105 => CParameter::MinMatch(value),
        106 => CParameter::TargetLength(value),
        107 => {
            let index = usize::try_from(value).ok()?.checked_sub(1)?;
            CParameter::Strategy(STRATEGIES.get(index).copied()?)
        }
        130 => CParameter::TargetCBlockSize(value),
        160 => CParameter::EnableLongDistanceMatching(value != 0),
        161 => CParameter::LdmHashLog(value),
        162 => CParameter::LdmMinMatch(value),
        163 => CParameter::LdmBucketSizeLog(value),
        164 => CParameter::LdmHashRateLog(value),
        200 => CParameter::ContentSizeFlag(value != 0),
        201 => CParameter::ChecksumFlag(value != 0),
        202 => CParameter::DictIdFlag(value != 0),
        _ => return None,
    })
}

fn not_set() -> Failure {
    Failure::new("Setting parameter failed", -1, "ERR_ZLIB_INITIALIZATION_FAILED")
}

fn no_memory() -> Failure {
    Failure::new("Allocation error : not enough memory", 64, "ZSTD_error_memory_allocation")
}

pub(super) struct Compressor {
    settings: Settings,
    context: CCtx<'static>,
    /// It has taken its memory.
    has_begun: bool,
}

impl Compressor {
    pub fn new(settings: Settings) -> Result<Compressor, Failure> {
        let mut context = CCtx::try_create().ok_or_else(no_memory)?;
        for (number, value) in settings.parameters() {
            // Other threads are what a VM's compressor does without; 0 asks for none.
            if (400..=402).contains(&number) && value == 0 {
                continue;
            }
            let parameter = parameter(number, value).ok_or_else(not_set)?;
            context.set_parameter(parameter).map_err(|_| not_set())?;
        }
        if let Some(dictionary) = &settings.dictionary {
            context.load_dictionary(dictionary).map_err(|_| {
                Failure::new("Failed to load zstd dictionary", -1, "ERR_ZLIB_DICTIONARY_LOAD_FAILED")
            })?;
        }
        let mut compressor = Compressor { settings, context, has_begun: false };
        compressor.pledge()?;
        Ok(compressor)
    }

    fn pledge(&mut self) -> Result<(), Failure> {
        if let Some(size) = self.settings.pledged_size {
            self.context.set_pledged_src_size(Some(size)).map_err(|_| {
                Failure::new("Could not set pledged src size", -1, "ERR_ZLIB_INITIALIZATION_FAILED")
            })?;
        }
        Ok(())
    }
}

impl Codec for Compressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= END
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let directive = match flush {
            FLUSH => ZSTD_EndDirective::ZSTD_e_flush,
            END => ZSTD_EndDirective::ZSTD_e_end,
            _ => ZSTD_EndDirective::ZSTD_e_continue,
        };
        if !self.has_begun {
            let all = (flush == END).then_some(input.len() as u64);
            if !memory_for(self.settings.compressor_size(self.settings.pledged_size.or(all))) {
                return Step { read: 0, written: 0, failure: Some(no_memory()) };
            }
            self.has_begun = true;
        }
        let mut source = InBuffer { src: input, pos: 0 };
        let mut target = OutBuffer::around(output);
        let result = self.context.compress_stream2(&mut target, &mut source, directive);
        let failure = result.err().map(|code| failure(&self.settings.names, code));
        Step { read: source.pos, written: target.pos(), failure }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.context
            .reset(ResetDirective::SessionOnly)
            .map_err(|code| failure(&self.settings.names, code))?;
        self.pledge()
    }
}

pub(super) struct Decompressor {
    settings: Settings,
    context: DCtx<'static>,
    /// How much more a frame that has begun wants; 0 between frames.
    wanted: usize,
    /// Bytes that may be the beginning of one more frame.
    mark: Vec<u8>,
    /// A frame has ended.
    has_ended: bool,
}

impl Decompressor {
    pub fn new(settings: Settings) -> Result<Decompressor, Failure> {
        let mut context = DCtx::try_create().ok_or_else(no_memory)?;
        for (number, value) in settings.parameters() {
            let parameter = match number {
                100 => DParameter::WindowLogMax(value),
                _ => return Err(not_set()),
            };
            context.set_parameter(parameter).map_err(|_| not_set())?;
        }
        if let Some(dictionary) = &settings.dictionary {
            context.load_dictionary(dictionary).map_err(|_| {
                Failure::new("Failed to load zstd dictionary", -1, "ERR_ZLIB_DICTIONARY_LOAD_FAILED")
            })?;
        }
        Ok(Decompressor { settings, context, wanted: 1, mark: Vec::new(), has_ended: false })
    }

    fn junk(&self, number: i32) -> Failure {
        Failure::new(
            "Trailing junk found after the end of the compressed stream",
            number,
            "ERR_TRAILING_JUNK_AFTER_STREAM_END",
        )
    }

    /// Hands bytes to the library: how many it took, how many it gave.
    fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize, Option<Failure>) {
        let mut source = InBuffer { src: input, pos: 0 };
        let mut target = OutBuffer::around(output);
        let result = self.context.decompress_stream(&mut target, &mut source);
        let (read, written) = (source.pos, target.pos());
        match result {
            Ok(wanted) => {
                self.wanted = wanted;
                self.has_ended |= wanted == 0;
                (read, written, None)
            }
            Err(code) => (read, written, Some(failure(&self.settings.names, code))),
        }
    }
}

/// Whether bytes are a frame's mark as far as they go.
fn may_be_mark(bytes: &[u8]) -> bool {
    let skipped = bytes
        .iter()
        .zip(SKIPPED)
        .enumerate()
        .all(|(index, (byte, known))| if index == 0 { byte & 0xf0 == known } else { *byte == known });
    skipped || bytes.iter().zip(FRAME).all(|(byte, known)| *byte == known)
}

impl Codec for Decompressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= END
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let (mut read, mut written) = (0, 0);
        while let Some(rest) = input.get(read..) {
            if self.wanted == 0 && self.has_ended {
                // Between frames: the mark is looked at before the library is, which would take anything for one.
                if rest.is_empty() {
                    break;
                }
                while self.mark.len() < FRAME.len() {
                    let Some(byte) = input.get(read) else { break };
                    self.mark.push(*byte);
                    if !may_be_mark(&self.mark) {
                        self.mark.pop();
                        let failure = self.settings.rejects_junk.then(|| self.junk(1));
                        return Step { read, written, failure };
                    }
                    read += 1;
                }
                if self.mark.len() < FRAME.len() {
                    break;
                }
                let mark = std::mem::take(&mut self.mark);
                let (_, _, failure) = self.decompress(&mark, &mut []);
                if failure.is_some() {
                    return Step { read, written, failure };
                }
                continue;
            }
            let Some(room) = output.get_mut(written..) else { break };
            let has_room = !room.is_empty();
            let (taken, given, failure) = self.decompress(rest, room);
            (read, written) = (read + taken, written + given);
            if failure.is_some() {
                return Step { read, written, failure };
            }
            let is_done = (taken == 0 && given == 0) || !has_room || written == output.len();
            if is_done || (self.wanted > 0 && read == input.len()) {
                break;
            }
        }
        let mut failure = None;
        if flush == END && written < output.len() {
            if self.wanted > 0 {
                failure = Some(Failure::unexpected_end());
            } else if !self.mark.is_empty() && self.settings.rejects_junk {
                failure = Some(self.junk(-1));
            }
        }
        Step { read, written, failure }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.context
            .reset(ResetDirective::SessionOnly)
            .map_err(|code| failure(&self.settings.names, code))?;
        (self.wanted, self.has_ended) = (1, false);
        self.mark.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Codec, Compressor, Decompressor, END, Failure, Settings};

    fn settings(rejects_junk: bool) -> Settings {
        Settings {
            parameters: vec![u32::MAX; 500],
            pledged_size: None,
            dictionary: None,
            rejects_junk,
            names: Box::new(|number| (number == 10).then(|| "ZSTD_error_prefix_unknown".to_owned())),
        }
    }

    fn unpack(input: &[u8], flush: u32, rejects_junk: bool) -> (Vec<u8>, usize, Option<Failure>) {
        let mut out = vec![0; 1000];
        let step = Decompressor::new(settings(rejects_junk)).unwrap().step(flush, input, &mut out);
        out.truncate(step.written);
        (out, step.read, step.failure)
    }

    fn pack(input: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 1000];
        let step = Compressor::new(settings(false)).unwrap().step(END, input, &mut out);
        assert_eq!(step.failure, None);
        out.truncate(step.written);
        out
    }

    #[test]
    fn it_goes_both_ways() {
        let packed = pack(b"abc");
        assert_eq!(unpack(&packed, END, true), (b"abc".to_vec(), packed.len(), None));
        let two = [&packed[..], &packed].concat();
        assert_eq!(unpack(&two, END, true), (b"abcabc".to_vec(), two.len(), None));
        let skipped = [&packed[..], b"\x50\x2a\x4d\x18\x01\0\0\0a"].concat();
        assert_eq!(unpack(&skipped, END, true), (b"abc".to_vec(), skipped.len(), None));
    }

    #[test]
    fn junk_is_left_or_refused() {
        let packed = pack(b"abc");
        let junk = [&packed[..], b"xx"].concat();
        assert_eq!(unpack(&junk, END, false), (b"abc".to_vec(), packed.len(), None));
        assert_eq!(unpack(&junk, END, true).2.unwrap().number, 1);
        let half = [&packed[..], b"\x28"].concat();
        assert_eq!(unpack(&half, END, false), (b"abc".to_vec(), half.len(), None));
        assert_eq!(unpack(&half, END, true).2.unwrap().number, -1);
        let failure = unpack(b"garbage!", END, false).2.unwrap();
        assert_eq!((failure.number, &*failure.code), (10, "ZSTD_error_prefix_unknown"));
    }

    #[test]
    fn an_end_that_comes_too_early_is_told() {
        let packed = pack(b"abc");
        assert_eq!(unpack(&packed[..6], END, false).2, Some(Failure::unexpected_end()));
        assert_eq!(unpack(&packed[..6], 0, false).2, None);
        let begun = [&packed[..], &super::FRAME].concat();
        assert_eq!(unpack(&begun, END, false).2, Some(Failure::unexpected_end()));
    }

    #[test]
    fn parameters_are_checked() {
        let mut wrong = settings(false);
        wrong.parameters[107] = 130;
        assert!(Compressor::new(wrong).is_err());
        let mut wrong = settings(false);
        wrong.parameters[100] = 1;
        assert!(Decompressor::new(wrong).is_err());
    }
}
