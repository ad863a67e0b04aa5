//! Native code in files that exist in memory alone and that nobody can change, not even this process: what workers map.

use std::fs::File;
use std::io::{self, Write};
use std::time::Instant;

use rustix::fs::{MemfdFlags, SealFlags};

use super::cache::{Artifact, CacheError, Progress};
use super::compiler::Compiler;

/// A file in memory that is still written.
pub(super) struct SealedWriter(File);

impl SealedWriter {
    /// An empty one; the name is for people who look at `/proc`.
    ///
    /// # Errors
    /// As memfd_create(2).
    pub(super) fn new(name: &str) -> io::Result<SealedWriter> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let made = match rustix::fs::memfd_create(name, flags | MemfdFlags::EXEC) {
            // Linux before 6.3 knows no such flag, and lets every file in memory be executed.
            Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(name, flags),
            made => made,
        };
        Ok(SealedWriter(File::from(made?)))
    }

    /// A file that may be sealed yet.
    pub(super) fn of(file: File) -> SealedWriter {
        SealedWriter(file)
    }

    /// The file as it is, to be changed by others before it is sealed.
    pub(super) fn open(self) -> File {
        self.0
    }

    /// Appends.
    ///
    /// # Errors
    /// As write(2).
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// The file with what was written, for ever.
    ///
    /// # Errors
    /// As fcntl(2), `F_ADD_SEALS`.
    pub(super) fn seal(self) -> io::Result<File> {
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&self.0, seals)?;
        Ok(self.0)
    }
}

/// Compiles a program into such a file. Gives the code as well, for whoever keeps it.
///
/// # Errors
/// The module is none, or the system gives no memory for its code.
pub(super) fn compile(
    compiler: &Compiler,
    name: &str,
    wasm: &[u8],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(Artifact, Vec<u8>), CacheError> {
    progress(Progress::Compiling { name, bytes: wasm.len() });
    let started = Instant::now();
    let native = compiler.compile(name, wasm)?;
    let file = SealedWriter::new(name)
        .and_then(|mut writer| writer.write(&native).and_then(|()| writer.seal()))
        .map_err(CacheError::Memory)?;
    progress(Progress::Compiled { name, took: started.elapsed(), bytes: native.len() });
    Ok((Artifact { name: name.to_owned(), file, len: native.len() as u64 }, native))
}
