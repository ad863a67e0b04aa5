//! Node as a program of the VM: what starts it is run by the isolate, as a job with a context of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use isolate::{IsolateHandle, Job, JobId};
use kernel::{Engine, Errno, Executor, Kernel, Process, Program};
use protocol::policy::{Policy, Scope};

const ENGINE: Engine = Engine("isolate");
const NAME: &str = "node";

/// Where it lies, and the other names that it has.
const PATH: &str = "/usr/local/bin/node";
const LINKS: &[(&str, &str)] = &[("/bin/node", PATH), ("/usr/bin/env", "/bin/env")];

/// Jobs that are programs have numbers from here on; those of calls lie below.
const FIRST_JOB: u64 = 1 << 63;

struct Programs {
    isolate: IsolateHandle,
    policy: Arc<Policy>,
    next: AtomicU64,
}

/// Puts it into the VM.
///
/// # Errors
/// The filesystem has no room for it.
pub(super) fn install(kernel: &Kernel, isolate: IsolateHandle, policy: Arc<Policy>) -> Result<(), Errno> {
    let programs = Programs { isolate, policy, next: AtomicU64::new(FIRST_JOB) };
    kernel.add_executor(ENGINE, Arc::new(programs));
    kernel.install_program(PATH, Program::new(ENGINE, NAME))?;
    for (path, target) in LINKS {
        kernel.install_symlink(path, target)?;
    }
    Ok(())
}

impl Executor for Programs {
    fn permits(&self, _: &Process, name: &str) -> bool {
        self.policy.allows(Scope::ChildProcess, "spawn", name)
    }

    fn start(&self, process: Arc<Process>, _: Program) -> Result<(), Errno> {
        // It would wait for the thread that waits for it.
        if self.isolate.waits_for_programs() {
            return Err(Errno::Enotsup);
        }
        let work = node::program(process.argv());
        let id = JobId(self.next.fetch_add(1, Ordering::Relaxed));
        self.isolate.run(Job { id, process, context: None, work });
        Ok(())
    }
}
