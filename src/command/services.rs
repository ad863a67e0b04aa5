//! What the worker gives to the command runtime: everything that lies beyond kernel and engine.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;

use kernel::{Pid, Process, Signal};
use protocol::abi::HostCallError;
use protocol::wire::ErrorData;

/// A compiled program, as it came from the supervisor's cache.
#[derive(Debug)]
pub struct ArtifactFile {
    /// Open for reading. From offset 0 it holds `len` bytes of code that never change while this process lives:
    /// whoever makes an `ArtifactFile` vouches for that, and the code is run unchecked.
    pub file: OwnedFd,
    /// Bytes of the artifact.
    pub len: u64,
}

/// The result of a host function that may take its time.
pub type HostCall = Pin<Box<dyn Future<Output = Result<String, HostCallError>> + Send>>;

/// Implemented by the worker. Calls come from the thread that runs all commands: none may block for long, except
/// `open_artifact`, which is called once for each program.
pub trait Services: Send + Sync {
    /// The compiled program of that name, or why there is none. The message is shown to the guest.
    fn open_artifact(&self, module: &str) -> Result<ArtifactFile, ErrorData>;

    /// Whether programs that the guest has made may be run; else why not. The message is shown to the guest.
    fn permits_guest_programs(&self) -> Result<(), ErrorData>;

    /// Has a program that the guest has made compiled, which takes a while: called by a thread that may wait. Its code is as
    /// trustworthy as the guest.
    fn compile_guest_program(&self, module: Vec<u8>) -> Result<ArtifactFile, ErrorData>;

    /// A process ends because its program could not be had, as [`open_artifact`](Self::open_artifact) has said.
    fn refused(&self, process: &Process, why: &ErrorData);

    /// The names of the host functions that may be called.
    fn host_functions(&self) -> Vec<String>;

    /// Calls a host function, with JSON text in and out.
    fn call_host(&self, name: String, input: String) -> HostCall;

    /// Whether the permission scope `childProcess` lets `process` start `program`: `sh`, or a utility's name.
    fn may_spawn(&self, process: &Process, program: &str) -> bool;

    /// Whether the permission scope `process` lets `process` signal `target`.
    fn may_signal(&self, process: &Process, target: Pid, signal: Signal) -> bool;

    /// The engine report as a JSON text.
    fn engine_report(&self) -> String;
}
