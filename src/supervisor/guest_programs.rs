//! Native code of programs that guests have made: each is compiled by a process of its own that is enclosed as a worker
//! is, never by this one, and given to the VM that asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use compile::cache::Artifact;
use compile::guest::{CPU_SECONDS_MAX, FILE_BYTES_MAX, MEMORY_BYTES_MAX, Workpiece};
use protocol::broker::GUEST_PROGRAM_BYTES_MAX;
use protocol::wire::{ErrorData, code};
use tokio::sync::Semaphore;

use super::Inner;
use super::artifacts::Found;
use super::launcher::Exit;
use super::launcher::client::Ended;

/// Processes that compile for the VMs of one supervisor at once.
pub(super) const COMPILERS_MAX: usize = 2;
/// How long one may take in all: twice what it may run.
const COMPILE_TIME: Duration = Duration::from_secs(2 * CPU_SECONDS_MAX);

/// Bytes of code that one VM gets for its programs as long as it lives: they are memory of the system that counts as no
/// process's, and only the worker knows what it has let go.
const CODE_BYTES_MAX: u64 = 512 << 20;

/// Has the programs of one guest compiled.
pub(super) struct GuestPrograms {
    supervisor: Weak<Inner>,
    /// The VM has one compiled at a time: it takes no more turns from others than that.
    turn: Semaphore,
    /// Code that the VM has got.
    code_bytes: AtomicU64,
}

impl GuestPrograms {
    pub(super) fn new(supervisor: &Arc<Inner>) -> GuestPrograms {
        Self::of(Arc::downgrade(supervisor))
    }

    fn of(supervisor: Weak<Inner>) -> GuestPrograms {
        GuestPrograms { supervisor, turn: Semaphore::new(1), code_bytes: AtomicU64::new(0) }
    }

    /// A program's code. Whoever drops this ends the process that makes it.
    ///
    /// # Errors
    /// `ERR_LIMIT`: it takes too much. `ERR_NOT_INSTALLED`: it is none, or nothing can compile it.
    pub(super) async fn compile(&self, module: Vec<u8>) -> Found {
        if module.len() > GUEST_PROGRAM_BYTES_MAX {
            let text = format!("the program has more than {GUEST_PROGRAM_BYTES_MAX} bytes of WebAssembly");
            return Err(ErrorData::new(code::LIMIT, text));
        }
        let Some(inner) = self.supervisor.upgrade() else {
            return Err(ErrorData::new(code::INTERNAL, "the supervisor has ended"));
        };
        let failed = |error: std::io::Error| {
            ErrorData::new(code::NOT_INSTALLED, format!("the program cannot be compiled: {error}"))
        };
        // Never closed.
        let _turns = (self.turn.acquire().await, inner.compilers.acquire().await);
        let piece = Workpiece::new(&module).map_err(failed)?;
        drop(module);
        let executable = inner.installation.compiler();
        let theirs = piece.descriptor().map_err(failed)?;
        let (process, ended) = inner
            .launcher()?
            .execute(&executable, Vec::new(), false, inner.show_worker_stderr, &theirs)
            .map_err(failed)?;
        drop(theirs);
        let ended = tokio::time::timeout(COMPILE_TIME, ended).await;
        drop(process);
        match ended {
            Ok(Ok(Ended { exit: Exit::Code(0), .. })) => {
                let Artifact { file, len, .. } = piece.code().map_err(failed)?;
                self.count(len)?;
                Ok((Arc::new(file), len))
            }
            Ok(Ok(Ended { exit: Exit::Code(1), .. })) => {
                Err(ErrorData::new(code::NOT_INSTALLED, piece.reason()))
            }
            // It ends itself at the limits of its memory and time, or is ended by the system or by us.
            Ok(Ok(Ended { exit: Exit::Signal(_), .. })) | Err(_) => {
                Err(ErrorData::new(code::LIMIT, too_much()))
            }
            Ok(Ok(Ended { message, .. })) => {
                let text = message.unwrap_or_else(|| "the compiler could not be enclosed".to_owned());
                Err(ErrorData::new(code::NOT_INSTALLED, format!("the program cannot be compiled: {text}"))
                    .hint(format!("see that {} is installed and can run", executable.display())))
            }
            Ok(Err(_)) => Err(ErrorData::new(code::INTERNAL, "the launcher has ended")),
        }
    }

    /// Counts code that the VM gets.
    fn count(&self, bytes: u64) -> Result<(), ErrorData> {
        let fits = |had: u64| Some(had + bytes).filter(|&all| all <= CODE_BYTES_MAX);
        match self.code_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(_) => {
                let most = CODE_BYTES_MAX >> 20;
                let text =
                    format!("the programs of this VM have had {most} MiB of code, which is all they get");
                Err(ErrorData::new(code::LIMIT, text).hint("go on in another VM"))
            }
        }
    }
}

fn too_much() -> String {
    format!(
        "the program takes too much to compile: at most {CPU_SECONDS_MAX} s, {} MiB of memory and {} MiB of code",
        MEMORY_BYTES_MAX >> 20,
        FILE_BYTES_MAX >> 20,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_gets_so_much_code_and_no_more() {
        let programs = GuestPrograms::of(Weak::new());
        programs.count(CODE_BYTES_MAX - 1).unwrap();
        assert_eq!(programs.count(2).unwrap_err().code, code::LIMIT);
        programs.count(1).unwrap();
        assert!(programs.count(1).is_err());
    }
}
