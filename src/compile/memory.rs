//! Artifacts without a directory: compiled anew by each process.

use super::cache::{Artifact, CacheError, Progress};
use super::compiler::Compiler;
use super::sealed;

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
        sealed::compile(&self.compiler, name, wasm, progress).map(|(artifact, _)| artifact)
    }
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
