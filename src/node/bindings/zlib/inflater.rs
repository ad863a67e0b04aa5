//! Decompressing zlib's formats.

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use super::codec::{Codec, Failure, Step};
use super::deflate::{BLOCK, FINISH, Mode, Settings, failure};

fn count(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(0)
}

pub(super) struct Decompressor {
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
    pub fn new(settings: Settings) -> Result<Decompressor, Failure> {
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
        while let (Some(rest), Some(room)) = (input.get(read..), output.get_mut(written..)) {
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
