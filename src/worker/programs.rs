//! Node as a program of the VM. Each has an isolate of its own, so that none holds up another or who waits for it. Where
//! there are as many as there may be, it is a job of the first isolate, with a context of its own. npm is a program of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use isolate::{IsolateHandle, Job, JobId, Starter};
use kernel::{Engine, Errno, Executor, HostFs, Kernel, MountId, Process, Program};
use protocol::abi::NPM_DIRECTORY;
use protocol::policy::{Policy, Scope};

const ENGINE: Engine = Engine("isolate");
const NAME: &str = "node";

/// Where it lies, and the other names that it has.
const PATH: &str = "/usr/local/bin/node";
const LINKS: &[(&str, &str)] = &[("/bin/node", PATH), ("/usr/bin", "/bin")];

/// The programs of npm, each with where it lies in npm's folder.
const NPM_LINKS: &[(&str, &str)] = &[("/bin/npm", "bin/npm-cli.js"), ("/bin/npx", "bin/npx-cli.js")];

/// Jobs that are programs have numbers from here on; those of calls lie below.
const FIRST_JOB: u64 = 1 << 63;

pub(super) struct Programs {
    /// Once the VM is made.
    starter: OnceLock<Starter>,
    isolate: IsolateHandle,
    policy: Arc<Policy>,
    next: AtomicU64,
}

/// Puts it into the VM.
///
/// # Errors
/// The filesystem has no room for it.
pub(super) fn install(
    kernel: &Kernel,
    isolate: IsolateHandle,
    policy: Arc<Policy>,
) -> Result<Arc<Programs>, Errno> {
    let next = AtomicU64::new(FIRST_JOB);
    let programs = Arc::new(Programs { starter: OnceLock::new(), isolate, policy, next });
    kernel.add_executor(ENGINE, programs.clone());
    kernel.install_program(PATH, Program::new(ENGINE, NAME))?;
    for (path, target) in LINKS {
        kernel.install_symlink(path, target)?;
    }
    Ok(programs)
}

/// Shows npm, as the supervisor serves it. Nothing is asked of it before somebody looks.
///
/// # Errors
/// The filesystem has no room for it.
pub(super) fn install_npm(kernel: &Kernel, fs: Arc<dyn HostFs>) -> Result<(), Errno> {
    kernel.mount(NPM_DIRECTORY, MountId::NPM, true, fs)?;
    for (path, target) in NPM_LINKS {
        kernel.install_symlink(path, &format!("{NPM_DIRECTORY}/{target}"))?;
    }
    Ok(())
}

impl Programs {
    /// Says what isolates of programs are made from: once.
    pub(super) fn start_with(&self, starter: Starter) {
        let _ = self.starter.set(starter);
    }
}

impl Executor for Programs {
    fn permits(&self, _: &Process, name: &str) -> bool {
        self.policy.allows(Scope::ChildProcess, "spawn", name)
    }

    fn start(&self, process: Arc<Process>, _: Program) -> Result<(), Errno> {
        if let Some(starter) = self.starter.get() {
            let work = node::program(process.argv());
            if starter.run(process.clone(), work, node::library).is_ok() {
                return Ok(());
            }
        }
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
