//! Artifacts without a directory: compiled anew by each process, in files that exist in memory alone and that nobody can
//! change, not even this process.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use rustix::fs::{MemfdFlags, SealFlags};

use super::cache::{Artifact, CacheError, Progress};
use super::compiler::Compiler;

/// Makes artifacts and keeps none: whoever asks keeps what it gets.
pub struct MemoryArtifacts {
    compiler: Compiler,
}

impl MemoryArtifacts {
    /// Sets up the compiler.
    ///
    /// # Errors
    /// There is none for this machine.
    pub fn new() -> Result<Self, CacheError> {
        Ok(MemoryArtifacts { compiler: Compiler::new()? })
    }

    /// Compiles a program.
    ///
    /// # Errors
    /// The module is none, or the system gives no memory for it.
    pub fn compile(
        &self,
        name: &str,
        wasm: &[u8],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Artifact, CacheError> {
        progress(Progress::Compiling { name, bytes: wasm.len() });
        let started = Instant::now();
        let native = self.compiler.compile(name, wasm)?;
        let file = sealed(name, &native).map_err(|source| CacheError::Io {
            doing: "hold in memory",
            path: PathBuf::from(name),
            source,
        })?;
        progress(Progress::Compiled { name, took: started.elapsed(), bytes: native.len() });
        Ok(Artifact { name: name.to_owned(), file, len: native.len() as u64 })
    }
}

/// A file in memory with these contents, for ever.
fn sealed(name: &str, contents: &[u8]) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = match rustix::fs::memfd_create(name, flags | MemfdFlags::EXEC) {
        // Linux before 6.3 knows no such flag, and lets every file in memory be executed.
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        made => made,
    };
    let mut file = File::from(made?);
    file.write_all(contents)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek};
    use std::os::unix::fs::FileExt;

    const MODULE: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

    #[test]
    fn an_artifact_in_memory_is_what_the_compiler_makes_and_stays_so() {
        let wasm = wat::parse_str(MODULE).unwrap();
        let memory = MemoryArtifacts::new().unwrap();
        let mut told = 0;
        let artifact = memory.compile("quiet", &wasm, &mut |_| told += 1).unwrap();
        let mut file = artifact.file;
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!((bytes.len() as u64, told), (artifact.len, 2));
        assert!(bytes == Compiler::new().unwrap().compile("quiet", &wasm).unwrap());
        assert!(file.write_all_at(b"x", 0).is_err());
        assert!(file.set_len(0).is_err() && file.set_len(artifact.len + 1).is_err());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let memory = MemoryArtifacts::new().unwrap();
        assert!(matches!(memory.compile("no", b"text", &mut |_| {}), Err(CacheError::Compile(_))));
    }
}
