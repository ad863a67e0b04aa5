//! Where what is received goes: standard output, or a file, which is made when the first of it comes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cordon_multicall::stream::Output;
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::failure::{self, Failure};

/// How a file is opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    pub makes_folders: bool,
    /// What is there is kept, and more put behind it.
    pub appends: bool,
    /// One that is there already is left alone.
    pub is_new: bool,
}

/// A place for the bytes of one answer.
pub struct Destination {
    path: Option<PathBuf>,
    opening: Opening,
    file: Option<File>,
}

impl Destination {
    pub fn stdout() -> Destination {
        Destination { path: None, opening: Opening::default(), file: None }
    }

    pub fn file(path: PathBuf, opening: Opening) -> Destination {
        Destination { path: Some(path), opening, file: None }
    }

    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Gives the file another name, before anything was written.
    pub fn rename(&mut self, path: PathBuf) {
        if self.file.is_none() {
            self.path = Some(path);
            self.opening.is_new = true;
        }
    }

    /// Makes the file, also if nothing comes.
    pub fn open(&mut self) -> Result<(), Failure> {
        let (Some(path), None) = (&self.path, &self.file) else { return Ok(()) };
        let opened = open(path, &self.opening);
        let file = opened.map_err(|error| {
            let text = format!("Failed to open the file {}: {}", path.display(), failure::reason(&error));
            Failure::new(failure::WRITE, text)
        })?;
        self.file = Some(file);
        Ok(())
    }

    /// Forgets what was written to a file.
    pub fn restart(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some(file) if !self.opening.appends => {
                file.set_len(0)?;
                io::Seek::rewind(file)
            }
            _ => Ok(()),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.open()?;
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Output::new().write_all(bytes),
        };
        written.map_err(Failure::writing)
    }
}

fn open(path: &Path, opening: &Opening) -> io::Result<File> {
    if let (true, Some(folder)) = (opening.makes_folders, path.parent()) {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .create_new(opening.is_new)
        .append(opening.appends)
        .truncate(!opening.appends)
        .open(path)
}

/// Bytes that are unpacked, or not, on their way.
pub enum Unpacked {
    Plain,
    Gzip(GzDecoder<Vec<u8>>),
    /// Of which one does not know yet whether it has a head.
    Deflate,
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Unpacked {
    /// For what the answer says of its encoding.
    pub fn new(encoding: &str) -> Result<Unpacked, Failure> {
        Ok(match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Unpacked::Plain,
            "gzip" | "x-gzip" => Unpacked::Gzip(GzDecoder::new(Vec::new())),
            "deflate" => Unpacked::Deflate,
            _ => {
                let text = "Unrecognized content encoding type. libcurl understands deflate, gzip content encodings.";
                return Err(Failure::new(failure::ENCODING, text));
            }
        })
    }

    /// Writes the bytes, and gives those that have come out.
    pub fn write(&mut self, mut bytes: &[u8], destination: &mut Destination) -> Result<(), Failure> {
        let bad = |error: io::Error| {
            Failure::new(failure::ENCODING, format!("Error while processing content unencoding: {error}"))
        };
        if let (Unpacked::Deflate, Some(first)) = (&*self, bytes.first()) {
            // The low half of a head's first byte is the method, of which there is one.
            *self = match first & 15 {
                8 => Unpacked::Zlib(ZlibDecoder::new(Vec::new())),
                _ => Unpacked::Raw(DeflateDecoder::new(Vec::new())),
            };
        }
        // A decoder takes a piece at a time, so that little comes out at once.
        while !bytes.is_empty() {
            let (taken, out) = match self {
                Unpacked::Plain | Unpacked::Deflate => return destination.write(bytes),
                Unpacked::Gzip(decoder) => (decoder.write(bytes).map_err(bad)?, decoder.get_mut()),
                Unpacked::Zlib(decoder) => (decoder.write(bytes).map_err(bad)?, decoder.get_mut()),
                Unpacked::Raw(decoder) => (decoder.write(bytes).map_err(bad)?, decoder.get_mut()),
            };
            if !out.is_empty() {
                destination.write(out)?;
                out.clear();
            }
            // What stands behind the end is not looked at.
            if taken == 0 {
                break;
            }
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// The rest, once all has come.
    pub fn finish(self, destination: &mut Destination) -> Result<(), Failure> {
        let bad = |error: io::Error| {
            Failure::new(failure::ENCODING, format!("Error while processing content unencoding: {error}"))
        };
        let rest = match self {
            Unpacked::Plain | Unpacked::Deflate => return Ok(()),
            Unpacked::Gzip(decoder) => decoder.finish().map_err(bad)?,
            Unpacked::Zlib(decoder) => decoder.finish().map_err(bad)?,
            Unpacked::Raw(decoder) => decoder.finish().map_err(bad)?,
        };
        if rest.is_empty() { Ok(()) } else { destination.write(&rest) }
    }
}
