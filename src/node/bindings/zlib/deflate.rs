//! zlib's own formats: with zlib's header, with gzip's, raw.

use super::codec::{Codec, Failure};
use super::deflater::Compressor;
use super::inflater::Decompressor;

/// `Z_FINISH`, and the last kind of flush that Node lets through.
pub(super) const FINISH: u32 = 4;
pub(super) const BLOCK: u32 = 5;

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
    pub window_bits: u8,
    pub level: i32,
    pub memory_level: i32,
    pub strategy: i32,
    pub dictionary: Option<Vec<u8>>,
    /// What comes after the end is left alone, instead of being taken for more of the same.
    pub stops_at_end: bool,
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

/// zlib's error of that number.
pub(super) fn failure(number: i32, message: Option<&'static str>) -> Failure {
    let code = match number {
        2 => "Z_NEED_DICT",
        -3 => "Z_DATA_ERROR",
        -4 => "Z_MEM_ERROR",
        -5 => "Z_BUF_ERROR",
        _ => "Z_STREAM_ERROR",
    };
    Failure::new(message.unwrap_or("Zlib error"), number, code)
}

#[cfg(test)]
mod tests {
    use super::super::codec::Step;
    use super::{FINISH, Failure, Mode, Settings};

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
    fn the_level_may_change_within_a_stream() {
        let mut codec = Settings::new(Mode::Deflate, [15, 9, 8, 0], None, false).unwrap().codec().unwrap();
        let (mut out, mut written) = (vec![0; 1000], 0);
        for (flush, level) in [(2, Some(0)), (2, Some(1)), (FINISH, None)] {
            let step = codec.step(flush, b"hello hello ", &mut out[written..]);
            assert_eq!((step.read, step.failure), (12, None));
            written += step.written;
            if let Some(level) = level {
                assert_eq!(codec.set_params(level, 0), Ok(()));
            }
        }
        let text = run(Mode::Inflate, &out[..written], None, false).0;
        assert_eq!(text, b"hello hello ".repeat(3));
        assert!(codec.set_params(10, 0).is_err());
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
