//! Why there is no native code of a command, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::compiler::CompileError;

/// Why there is no artifact. The texts name no path of the host, for guests may come to read them; the hints do.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Neither `CORDON_CACHE_DIR` nor `XDG_CACHE_HOME` nor `HOME` says where the cache is.
    #[error("no place for the cache: set CORDON_CACHE_DIR, XDG_CACHE_HOME or HOME")]
    NoPlace,
    /// There is no directory, and none can be made.
    #[error("the cache of compiled commands cannot be made: {source}")]
    Absent {
        /// The directory.
        path: PathBuf,
        /// Why it cannot be made.
        source: io::Error,
    },
    /// The directory is somebody else's, or others may write to it, so its files must not be run.
    #[error("the cache of compiled commands cannot be trusted: {reason}")]
    Untrusted {
        /// The directory.
        path: PathBuf,
        /// Whose it is or who may write.
        reason: String,
    },
    /// A file operation failed.
    #[error("cannot {doing} {}, in the cache of compiled commands: {source}", path.file_name().unwrap_or_default().display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The system gives no sealed memory for native code.
    #[error("cannot hold native code in memory: {0}")]
    Memory(io::Error),
    /// A name that is no plain word could leave the directory.
    #[error("{0:?} is no name of a program: letters, digits, '-' and '_' only")]
    Name(String),
    /// The compiler refused.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl CacheError {
    /// Whether there is just no directory, so that nothing is wrong with doing without.
    pub fn is_absence(&self) -> bool {
        matches!(self, CacheError::NoPlace | CacheError::Absent { .. })
    }

    /// What to do about it; none if the module is at fault.
    pub fn hint(&self) -> Option<String> {
        match self {
            CacheError::NoPlace => Some("set CORDON_CACHE_DIR to a folder of your own".to_owned()),
            CacheError::Absent { path, .. } => {
                Some(format!("make {} possible, or set CORDON_CACHE_DIR to another folder", path.display()))
            }
            CacheError::Untrusted { path, .. } => Some(format!(
                "make {} your own and writable for you alone, or set CORDON_CACHE_DIR to another folder",
                path.display()
            )),
            CacheError::Io { path, .. } => Some(format!(
                "see that {} can be written and that its disk has room, or set CORDON_CACHE_DIR to another folder",
                path.display()
            )),
            CacheError::Memory(_) => Some(
                "see that memory and descriptors are left, and that vm.memfd_noexec is not 2 (sysctl)"
                    .to_owned(),
            ),
            CacheError::Name(_) | CacheError::Compile(_) => None,
        }
    }
}
