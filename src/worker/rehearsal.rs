//! A first run of the commands that every VM has, in a template or in a worker that was executed, before its filter is
//! there and over a kernel that no VM will have: what all instances of a program share is made then. Whatever a program could learn before it waits for its process would be the same for
//! all siblings, so there is nothing to learn: no argument, no variable, no file, and no randomness but zeros, in an
//! instance that is let go.

use std::sync::Arc;

use command::{ArtifactFile, COMMON_MODULES, HostCall, Prepared, Services};
use kernel::{AllowAll, Kernel, KernelLimits, KernelOptions, Pid, Process, Signal, SystemClock};
use protocol::abi::HostCallError;
use protocol::broker::guest_programs_denied;
use protocol::wire::{ErrorData, code};

/// Begins each common program once.
pub(super) fn rehearse(commands: &Prepared) {
    let kernel = Kernel::new(KernelOptions {
        limits: KernelLimits::default(),
        fs_policy: Arc::new(AllowAll),
        clock: Arc::new(SystemClock::default()),
        random: |buffer| buffer.fill(0),
    });
    let nothing: Arc<dyn Services> = Arc::new(Nothing);
    for module in COMMON_MODULES {
        commands.rehearse(module, &kernel, &nothing);
    }
}

/// What a program finds outside its kernel during a rehearsal.
struct Nothing;

impl Services for Nothing {
    fn open_artifact(&self, module: &str) -> Result<ArtifactFile, ErrorData> {
        Err(ErrorData::new(code::NOT_INSTALLED, format!("{module} is not part of a rehearsal")))
    }

    fn permits_guest_programs(&self) -> Result<(), ErrorData> {
        Err(guest_programs_denied())
    }

    fn compile_guest_program(&self, _: Vec<u8>) -> Result<ArtifactFile, ErrorData> {
        Err(guest_programs_denied())
    }

    fn refused(&self, _: &Process, _: &ErrorData) {}

    fn host_functions(&self) -> Vec<String> {
        Vec::new()
    }

    fn call_host(&self, _: String, _: String) -> HostCall {
        Box::pin(std::future::ready(Err(HostCallError::Unknown {})))
    }

    fn may_spawn(&self, _: &Process, _: &str) -> bool {
        false
    }

    fn may_signal(&self, _: &Process, _: Pid, _: Signal) -> bool {
        false
    }

    fn engine_report(&self) -> String {
        "null".to_owned()
    }
}
