//! Native code of programs that guests have made: each is compiled by a process of its own that is enclosed as a worker
//! is, never by this one, and given to the VM that asked.

use std::sync::Weak;
use std::time::Duration;

use compile::cache::Artifact;
use compile::guest::{CPU_SECONDS_MAX, FILE_BYTES_MAX, MEMORY_BYTES_MAX, Workpiece};
use protocol::broker::GUEST_PROGRAM_BYTES_MAX;
use protocol::wire::{ErrorData, code};
use std::sync::Arc;

use super::Inner;
use super::artifacts::Found;
use super::launcher::Exit;
use super::launcher::client::Ended;

/// Processes that compile for the VMs of one supervisor at once.
pub(super) const COMPILERS_MAX: usize = 2;
/// How long one may take in all: twice what it may run.
const COMPILE_TIME: Duration = Duration::from_secs(2 * CPU_SECONDS_MAX);

/// Has programs of the guests of one supervisor compiled.
pub(super) struct GuestPrograms(pub(super) Weak<Inner>);

impl GuestPrograms {
    /// A program's code. Whoever drops this ends the process that makes it.
    ///
    /// # Errors
    /// `ERR_LIMIT`: it takes too much. `ERR_NOT_INSTALLED`: it is none, or nothing can compile it.
    pub(super) async fn compile(&self, module: Vec<u8>) -> Found {
        if module.len() > GUEST_PROGRAM_BYTES_MAX {
            let text = format!("the program has more than {GUEST_PROGRAM_BYTES_MAX} bytes of WebAssembly");
            return Err(ErrorData::new(code::LIMIT, text));
        }
        let Some(inner) = self.0.upgrade() else {
            return Err(ErrorData::new(code::INTERNAL, "the supervisor has ended"));
        };
        let failed = |error: std::io::Error| {
            ErrorData::new(code::NOT_INSTALLED, format!("the program cannot be compiled: {error}"))
        };
        // Never closed.
        let _turn = inner.compilers.acquire().await;
        let piece = Workpiece::new(&module).map_err(failed)?;
        drop(module);
        let executable = inner.installation.compiler();
        let theirs = piece.descriptor().map_err(failed)?;
        let (process, ended) = inner
            .launcher()?
            .execute(&executable, Vec::new(), false, inner.show_worker_stderr, &theirs)
            .map_err(failed)?;
        drop((theirs, inner.clone()));
        let ended = tokio::time::timeout(COMPILE_TIME, ended).await;
        drop(process);
        match ended {
            Ok(Ok(Ended { exit: Exit::Code(0), .. })) => {
                let Artifact { file, len, .. } = piece.code().map_err(failed)?;
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
}

fn too_much() -> String {
    format!(
        "the program takes too much to compile: at most {CPU_SECONDS_MAX} s, {} MiB of memory and {} MiB of code",
        MEMORY_BYTES_MAX >> 20,
        FILE_BYTES_MAX >> 20,
    )
}
