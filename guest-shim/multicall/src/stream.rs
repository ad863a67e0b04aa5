//! Standard output for what writes a lot. The standard library's ends its pieces where lines end, which makes a call of
//! every line, or two of every large piece.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;

/// Bytes that are read or written at once: as many as a pipe holds.
pub const CHUNK: usize = 64 * 1024;

/// Standard output, of which each write is a call.
pub struct Output(ManuallyDrop<File>);

impl Output {
    pub fn new() -> Self {
        // SAFETY: it is never closed through this.
        Output(ManuallyDrop::new(unsafe { File::from_raw_fd(1) }))
    }

    /// The same in pieces of `CHUNK`.
    pub fn buffered() -> BufWriter<Self> {
        BufWriter::with_capacity(CHUNK, Self::new())
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether somebody looks at standard output, and should see what there is before more is waited for.
pub fn is_watched() -> bool {
    io::stdout().is_terminal()
}

/// Reads on, whatever signals arrive; nothing at the end.
pub fn read(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
