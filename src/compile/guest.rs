//! Programs that guests have made: the limits of their compilation, and the file that goes from the supervisor to the
//! process that compiles ([`Workpiece`]) and back.
//!
//! The compiler is exposed to what a guest has chosen, so it never runs in the supervisor. What comes back is as
//! trustworthy as the guest: it is for its own worker alone, and in no cache.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};

use super::cache::Artifact;
use super::compiler::Compiler;
use super::sealed::SealedWriter;

/// Native code of one program at most.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// Memory of the process that compiles.
pub const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Time that it may run, in seconds.
pub const CPU_SECONDS_MAX: u64 = 60;

/// A reason is no longer.
const REASON_BYTES_MAX: u64 = 4096;
/// What the program is called in reasons.
const NAME: &str = "the program";

/// A file in memory: first it holds the module, then the code that was made of it, or the reason why there is none.
pub struct Workpiece(File);

impl Workpiece {
    /// One with this module.
    ///
    /// # Errors
    /// As memfd_create(2) and write(2).
    pub fn new(module: &[u8]) -> io::Result<Workpiece> {
        let mut file = SealedWriter::new(NAME)?;
        file.write(module)?;
        Ok(Workpiece(file.open()))
    }

    /// The one that a descriptor stands for.
    ///
    /// # Errors
    /// As dup(2).
    pub fn inherited(descriptor: impl AsFd) -> io::Result<Workpiece> {
        Ok(Workpiece(File::from(descriptor.as_fd().try_clone_to_owned()?)))
    }

    /// A descriptor for the process that compiles.
    ///
    /// # Errors
    /// As dup(2).
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        Ok(self.0.try_clone()?.into())
    }

    /// Takes the module out.
    ///
    /// # Errors
    /// As read(2) and ftruncate(2).
    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        let mut module = Vec::new();
        self.0.rewind()?;
        self.0.read_to_end(&mut module)?;
        self.0.set_len(0)?;
        self.0.rewind()?;
        Ok(module)
    }

    /// Puts a module's code in. Returns whether it could; else the reason is there. All that this asks of the system is
    /// memory, and to write.
    ///
    /// # Errors
    /// As write(2).
    pub fn compile(mut self, module: &[u8]) -> io::Result<bool> {
        let compiled = Compiler::with_one_thread().and_then(|compiler| compiler.compile(NAME, module));
        match compiled {
            Ok(code) => self.0.write_all(&code).map(|()| true),
            Err(error) => self.0.write_all(error.to_string().as_bytes()).map(|()| false),
        }
    }

    /// The code, once the process that compiled has ended: nobody changes it any more.
    ///
    /// # Errors
    /// It is longer than it may be, or as fcntl(2), `F_ADD_SEALS`.
    pub fn code(self) -> io::Result<Artifact> {
        let len = self.0.metadata()?.len();
        if len > FILE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let file = SealedWriter::of(self.0).seal()?;
        Ok(Artifact { name: NAME.to_owned(), file, len })
    }

    /// The reason why there is none.
    pub fn reason(mut self) -> String {
        let mut reason = Vec::new();
        let read = self.0.rewind().and_then(|()| self.0.take(REASON_BYTES_MAX).read_to_end(&mut reason));
        match read {
            // Whoever wrote it may have been taken over.
            Ok(_) => String::from_utf8_lossy(&reason).chars().filter(|c| !c.is_control()).collect(),
            Err(error) => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

    #[test]
    fn a_module_becomes_code_that_is_what_the_compiler_makes_elsewhere() {
        let wasm = wat::parse_str(MODULE).unwrap();
        let piece = Workpiece::new(&wasm).unwrap();
        let mut theirs = Workpiece::inherited(piece.descriptor().unwrap()).unwrap();
        assert!(theirs.take().unwrap() == wasm);
        assert!(theirs.compile(&wasm).unwrap());
        let Artifact { file, len, .. } = piece.code().unwrap();
        let mut code = Vec::new();
        { &file }.rewind().unwrap();
        { &file }.read_to_end(&mut code).unwrap();
        assert_eq!(code.len() as u64, len);
        assert!(code == Compiler::new().unwrap().compile(NAME, &wasm).unwrap());
        assert!(file.set_len(0).is_err());
    }

    #[test]
    fn what_is_no_module_leaves_a_reason() {
        let piece = Workpiece::new(b"text").unwrap();
        let mut theirs = Workpiece::inherited(piece.descriptor().unwrap()).unwrap();
        let module = theirs.take().unwrap();
        assert!(!theirs.compile(&module).unwrap());
        assert!(piece.reason().contains("no WebAssembly module"));
    }
}
