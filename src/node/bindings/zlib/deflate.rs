//! zlib's own formats: with zlib's header, with gzip's, raw.

use zlib_rs::{
    Deflate, DeflateConfig, DeflateError, DeflateFlush, Inflate, InflateError, InflateFlush, Status, Strategy,
};

use super::codec::{Codec, Failure, Step};

/// `Z_FINISH`, and the last kind of flush that Node lets through.
const FINISH: u32 = 4;
const BLOCK: u32 = 5;

/// Which way, and in which format; numbered as the library numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Deflate,
    Inflate,
    Gzip,
    Gunzip,
    DeflateRaw,
    InflateRaw,
    /// Whichever of the two headers is there.
    Unzip,
}

impl Mode {
    pub fn from_number(number: i32) -> Option<Mode> {
        Some(match number {
            1 => Mode::Deflate,
            2 => Mode::Inflate,
            3 => Mode::Gzip,
            4 => Mode::Gunzip,
            5 => Mode::DeflateRaw,
            6 => Mode::InflateRaw,
            7 => Mode::Unzip,
            _ => return None,
        })
    }
}

/// What a program chose. All is checked where it is taken.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub mode: Mode,
    /// 0: what the header says.
    window_bits: u8,
    level: i32,
    memory_level: i32,
    strategy: i32,
    dictionary: Option<Vec<u8>>,
    /// What comes after the end is left alone, instead of being taken for more of the same.
    stops_at_end: bool,
}

/// Bytes that a compressor takes at most.
pub(super) const COMPRESSOR_SIZE: usize = 512 * 1024;

impl Settings {
    /// None if a number is none of those that zlib knows.
    pub fn new(
        mode: Mode,
        [window_bits, level, memory_level, strategy]: [i32; 4],
        dictionary: Option<Vec<u8>>,
        stops_at_end: bool,
    ) -> Option<Settings> {
        let compresses = matches!(mode, Mode::Deflate | Mode::Gzip | Mode::DeflateRaw);
        let window = u8::try_from(window_bits).ok()?;
        let window_bits = match window {
            // What zlib takes for 8 where it compresses.
            8 if compresses => 9,
            8..=15 => window,
            0 if mode == Mode::Inflate => 0,
            0 if matches!(mode, Mode::Gunzip | Mode::Unzip) => 15,
            _ => return None,
        };
        let known =
            (-1..=9).contains(&level) && (1..=9).contains(&memory_level) && (0..=4).contains(&strategy);
        known.then_some(Settings {
            mode,
            window_bits,
            level,
            memory_level,
            strategy,
            dictionary,
            stops_at_end,
        })
    }

    pub fn codec(self) -> Result<Box<dyn Codec>, Failure> {
        Ok(match self.mode {
            Mode::Deflate | Mode::Gzip | Mode::DeflateRaw => Box::new(Compressor::new(self)?),
            _ => Box::new(Decompressor::new(self)?),
        })
    }
}

fn zlib_strategy(number: i32) -> Strategy {
    match number {
        1 => Strategy::Filtered,
        2 => Strategy::HuffmanOnly,
        3 => Strategy::Rle,
        4 => Strategy::Fixed,
        _ => Strategy::Default,
    }
}

/// zlib's error of that number.
fn failure(number: i32, message: Option<&'static str>) -> Failure {
    let code = match number {
        2 => "Z_NEED_DICT",
        -3 => "Z_DATA_ERROR",
        -4 => "Z_MEM_ERROR",
        -5 => "Z_BUF_ERROR",
        _ => "Z_STREAM_ERROR",
    };
    Failure::new(message.unwrap_or("Zlib error"), number, code)
}

fn count(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(0)
}

struct Compressor {
    settings: Settings,
    stream: Deflate,
}

impl Compressor {
    fn new(settings: Settings) -> Result<Compressor, Failure> {
        let bits = i32::from(settings.window_bits);
        let config = DeflateConfig {
            level: settings.level,
            window_bits: match settings.mode {
                Mode::Gzip => bits + 16,
                Mode::DeflateRaw => -bits,
                _ => bits,
            },
            mem_level: settings.memory_level,
            strategy: zlib_strategy(settings.strategy),
            ..DeflateConfig::default()
        };
        let mut compressor = Compressor { settings, stream: Deflate::new_with_config(config) };
        compressor.set_dictionary()?;
        Ok(compressor)
    }

    fn set_dictionary(&mut self) -> Result<(), Failure> {
        match &self.settings.dictionary {
            Some(dictionary) if self.settings.mode != Mode::Gzip => self
                .stream
                .set_dictionary(dictionary)
                .map(drop)
                .map_err(|error| failure(error as i32, Some("Failed to set dictionary"))),
            _ => Ok(()),
        }
    }

    fn failure(&self, error: DeflateError) -> Failure {
        failure(error as i32, self.stream.error_message())
    }
}

impl Codec for Compressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= BLOCK
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let (read, written) = (self.stream.total_in(), self.stream.total_out());
        let kind = i32::try_from(flush).ok().and_then(|flush| DeflateFlush::try_from(flush).ok());
        let result = self.stream.compress(input, output, kind.unwrap_or_default());
        let read = count(read, self.stream.total_in());
        let written = count(written, self.stream.total_out());
        let failure = match result {
            Ok(Status::StreamEnd) => None,
            Ok(_) => (written < output.len() && flush == FINISH).then(Failure::unexpected_end),
            Err(error) => Some(self.failure(error)),
        };
        Step { read, written, failure }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.stream.reset();
        self.set_dictionary()
    }

    /// The strategy stays: it is a hint alone, and every decompressor reads what comes of either.
    fn set_params(&mut self, level: i32, _strategy: i32) -> Result<(), Failure> {
        if !(-1..=9).contains(&level) {
            return Err(failure(-2, Some("Failed to set parameters")));
        }
        self.settings.level = level;
        self.stream
            .set_level(level)
            .map(drop)
            .map_err(|error| failure(error as i32, Some("Failed to set parameters")))
    }
}

struct Decompressor {
    settings: Settings,
    stream: Inflate,
    /// How many bytes of gzip's mark have been seen, where it may be either format; none once that is settled.
    mark: Option<usize>,
    /// What comes after the end may be another part of the same file.
    has_members: bool,
}

/// How a gzip file begins.
const GZIP_MARK: [u8; 2] = [0x1f, 0x8b];

impl Decompressor {
    fn new(settings: Settings) -> Result<Decompressor, Failure> {
        let mut decompressor = Decompressor {
            stream: Decompressor::stream(&settings),
            mark: (settings.mode == Mode::Unzip).then_some(0),
            has_members: settings.mode == Mode::Gunzip,
            settings,
        };
        decompressor.set_raw_dictionary()?;
        Ok(decompressor)
    }

    fn stream(settings: &Settings) -> Inflate {
        let bits = settings.window_bits;
        match settings.mode {
            Mode::Gunzip => Inflate::new(true, bits + 16),
            Mode::Unzip => Inflate::new(true, bits + 32),
            Mode::InflateRaw => Inflate::new(false, bits),
            _ => Inflate::new(true, bits),
        }
    }

    /// Raw data do not say that they need one.
    fn set_raw_dictionary(&mut self) -> Result<(), Failure> {
        match &self.settings.dictionary {
            Some(dictionary) if self.settings.mode == Mode::InflateRaw => self
                .stream
                .set_dictionary(dictionary)
                .map(drop)
                .map_err(|_| failure(-3, Some("Failed to set dictionary"))),
            _ => Ok(()),
        }
    }

    fn look_for_mark(&mut self, input: &[u8]) {
        for byte in input {
            let Some(seen) = self.mark else { return };
            if GZIP_MARK.get(seen) != Some(byte) {
                self.mark = None;
            } else if seen + 1 == GZIP_MARK.len() {
                self.mark = None;
                self.has_members = true;
            } else {
                self.mark = Some(seen + 1);
            }
        }
    }

    fn decompress(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: InflateFlush,
    ) -> (usize, usize, Result<Status, InflateError>) {
        let (read, written) = (self.stream.total_in(), self.stream.total_out());
        let result = self.stream.decompress(input, output, flush);
        (count(read, self.stream.total_in()), count(written, self.stream.total_out()), result)
    }
}

impl Codec for Decompressor {
    fn has_flush(&self, flush: u32) -> bool {
        flush <= BLOCK
    }

    fn step(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        self.look_for_mark(input);
        let kind = match flush {
            0 => InflateFlush::NoFlush,
            FINISH => InflateFlush::Finish,
            BLOCK => InflateFlush::Block,
            _ => InflateFlush::SyncFlush,
        };
        let (mut read, mut written) = (0, 0);
        loop {
            let (Some(rest), Some(room)) = (input.get(read..), output.get_mut(written..)) else { break };
            let room_left = room.len();
            let (mut taken, mut given, mut result) = self.decompress(rest, room, kind);
            if let (Err(InflateError::NeedDict { .. }), Some(dictionary)) =
                (result, &self.settings.dictionary)
            {
                if self.stream.set_dictionary(dictionary).is_ok() {
                    let (rest, room) = (rest.get(taken..), output.get_mut(written + given..));
                    let more = self.decompress(rest.unwrap_or_default(), room.unwrap_or_default(), kind);
                    (taken, given, result) = (taken + more.0, given + more.1, more.2);
                } else {
                    let failure = Some(failure(2, Some("Bad dictionary")));
                    return Step { read: read + taken, written: written + given, failure };
                }
            }
            (read, written) = (read + taken, written + given);
            let failure = match result {
                Ok(Status::StreamEnd) => None,
                Ok(_) => (given < room_left && flush == FINISH).then(Failure::unexpected_end),
                Err(InflateError::NeedDict { .. }) => Some(failure(2, Some("Missing dictionary"))),
                Err(InflateError::StreamError) => Some(failure(-2, self.stream.error_message())),
                Err(InflateError::DataError) => Some(failure(-3, self.stream.error_message())),
                Err(InflateError::MemError) => Some(failure(-4, self.stream.error_message())),
            };
            // Zeros after the end only fill up a block of some medium.
            let goes_on = result == Ok(Status::StreamEnd)
                && self.has_members
                && !self.settings.stops_at_end
                && input.get(read).is_some_and(|byte| *byte != 0);
            if !goes_on {
                return Step { read, written, failure };
            }
            self.stream = Decompressor::stream(&self.settings);
        }
        Step { read, written, failure: None }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.stream = Decompressor::stream(&self.settings);
        self.mark = (self.settings.mode == Mode::Unzip).then_some(0);
        self.has_members = self.settings.mode == Mode::Gunzip;
        self.set_raw_dictionary()
    }
}

#[cfg(test)]
mod tests {
    use super::{FINISH, Failure, Mode, Settings, Step};

    fn run(mode: Mode, input: &[u8], dictionary: Option<&[u8]>, stops: bool) -> (Vec<u8>, Step) {
        let settings = Settings::new(mode, [15, 6, 8, 0], dictionary.map(<[u8]>::to_vec), stops).unwrap();
        let mut out = vec![0; 1000];
        let step = settings.codec().unwrap().step(FINISH, input, &mut out);
        out.truncate(step.written);
        (out, step)
    }

    #[test]
    fn each_format_goes_both_ways() {
        for (compress, decompress) in [
            (Mode::Deflate, Mode::Inflate),
            (Mode::Gzip, Mode::Gunzip),
            (Mode::DeflateRaw, Mode::InflateRaw),
            (Mode::Gzip, Mode::Unzip),
            (Mode::Deflate, Mode::Unzip),
        ] {
            let (packed, step) = run(compress, b"hello hello", None, false);
            assert_eq!(step.failure, None);
            assert_eq!(run(decompress, &packed, None, false).0, b"hello hello", "{compress:?}");
        }
    }

    #[test]
    fn gzip_files_may_have_members_and_zeros_at_the_end() {
        let gzip = run(Mode::Gzip, b"abc", None, false).0;
        assert_eq!(run(Mode::Gunzip, &[&gzip[..], &gzip].concat(), None, false).0, b"abcabc");
        assert_eq!(run(Mode::Unzip, &[&gzip[..], &gzip].concat(), None, false).0, b"abcabc");
        assert_eq!(run(Mode::Gunzip, &[&gzip[..], &gzip].concat(), None, true).0, b"abc");
        let (out, step) = run(Mode::Gunzip, &[&gzip[..], &[0, 0]].concat(), None, false);
        assert_eq!((out, step.failure), (b"abc".to_vec(), None));
        assert_eq!(step.read, gzip.len());
        let junk = run(Mode::Gunzip, &[&gzip[..], b"xx"].concat(), None, false).1;
        assert_eq!(junk.failure, Some(Failure::new("incorrect header check", -3, "Z_DATA_ERROR")));
    }

    #[test]
    fn dictionaries_are_asked_for() {
        let packed = run(Mode::Deflate, b"dictionary hello", Some(b"dictionary"), false).0;
        let failure = |dictionary| run(Mode::Inflate, &packed, dictionary, false).1.failure;
        assert_eq!(failure(None), Some(Failure::new("Missing dictionary", 2, "Z_NEED_DICT")));
        assert_eq!(failure(Some(b"other")), Some(Failure::new("Bad dictionary", 2, "Z_NEED_DICT")));
        assert_eq!(run(Mode::Inflate, &packed, Some(b"dictionary"), false).0, b"dictionary hello");
        let raw = run(Mode::DeflateRaw, b"dictionary hello", Some(b"dictionary"), false).0;
        assert_eq!(run(Mode::InflateRaw, &raw, Some(b"dictionary"), false).0, b"dictionary hello");
    }

    #[test]
    fn an_end_that_comes_too_early_is_told() {
        assert_eq!(run(Mode::Inflate, &[0x78, 0x9c], None, false).1.failure, Some(Failure::unexpected_end()));
        assert_eq!(run(Mode::Unzip, &[0x1f], None, false).1.failure, Some(Failure::unexpected_end()));
    }

    #[test]
    fn what_zlib_does_not_know_is_refused() {
        assert!(Settings::new(Mode::Deflate, [7, 6, 8, 0], None, false).is_none());
        assert!(Settings::new(Mode::Deflate, [15, 10, 8, 0], None, false).is_none());
        assert!(Settings::new(Mode::Deflate, [0, 6, 8, 0], None, false).is_none());
        for mode in [Mode::Deflate, Mode::Gzip, Mode::DeflateRaw, Mode::Inflate, Mode::Gunzip, Mode::Unzip] {
            for bits in [8, 9, 15] {
                assert!(Settings::new(mode, [bits, 1, 1, 4], None, false).unwrap().codec().is_ok());
            }
        }
        for mode in [Mode::Inflate, Mode::Gunzip, Mode::Unzip] {
            assert!(Settings::new(mode, [0, 6, 8, 0], None, false).unwrap().codec().is_ok());
        }
    }
}
