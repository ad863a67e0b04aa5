//! Bodies of requests: pieces that are read when they are sent, so that large files are never in memory as a whole.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use crate::failure::{self, Failure};

/// A part of a body.
#[derive(Clone, Debug)]
pub enum Piece {
    Bytes(Vec<u8>),
    /// A file, with the bytes of it that are sent, from this offset on, as far as that is known.
    File(PathBuf, u64, Option<u64>),
    /// What comes through standard input, which comes once.
    Input,
}

impl Piece {
    /// The file of that name; `-` is standard input.
    pub fn open(name: &str) -> io::Result<Piece> {
        if name == "-" {
            return Ok(Piece::Input);
        }
        let known = std::fs::metadata(name)?;
        // Of what is no regular file, nobody knows the length.
        File::open(name)?;
        Ok(Piece::File(name.into(), 0, known.is_file().then_some(known.len())))
    }

    fn length(&self) -> Option<u64> {
        match self {
            Piece::Bytes(bytes) => Some(bytes.len() as u64),
            Piece::File(_, from, length) => length.map(|length| length.saturating_sub(*from)),
            Piece::Input => None,
        }
    }

    fn reader(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Piece::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Piece::File(path, from, length) => {
                let mut file = File::open(path)?;
                if *from > 0 {
                    io::Seek::seek(&mut file, io::SeekFrom::Start(*from))?;
                }
                match length {
                    // It may have grown since.
                    Some(length) => Box::new(file.take(length.saturating_sub(*from))),
                    None => Box::new(file),
                }
            }
            Piece::Input => Box::new(io::stdin()),
        })
    }
}

/// A body.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub pieces: Vec<Piece>,
}

impl Body {
    /// How long it is, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.pieces.iter().map(Piece::length).sum()
    }

    /// Whether it can be sent again.
    pub fn can_rewind(&self) -> bool {
        !self.pieces.iter().any(|piece| matches!(piece, Piece::Input))
    }

    /// Begins to read it.
    pub fn read(&self) -> Reading<'_> {
        Reading { rest: self.pieces.iter(), current: None }
    }
}

/// A body that is being read.
pub struct Reading<'a> {
    rest: std::slice::Iter<'a, Piece>,
    current: Option<Box<dyn Read>>,
}

impl Reading<'_> {
    /// Some bytes; none at the end.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let failed = |_| Failure::new(failure::READ, "Failed to open/read local data from file/application");
        loop {
            if self.current.is_none() {
                match self.rest.next() {
                    None => return Ok(0),
                    Some(piece) => self.current = Some(piece.reader().map_err(failed)?),
                }
            }
            let Some(current) = &mut self.current else { return Ok(0) };
            match cordon_multicall::stream::read(current, buffer).map_err(failed)? {
                0 => self.current = None,
                length => return Ok(length),
            }
        }
    }
}
