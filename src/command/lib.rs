//! The command runtime: WASI programs (`sh`, coreutils) of a VM, run by Wasmtime.
//!
//! Maps artifacts of native code and runs them as processes of the VM's kernel. It has no compiler: that is the
//! supervisor's (`compile`), and never in one process with this. `artifact` is what both must agree on.
//!
//! Nothing here knows JavaScript, its engine or any permission of it: commands behave and perform the same whatever
//! `webAssembly` and `jit` say.

mod ahead;
mod engine;
mod guest;
mod install;
mod mapping;
mod programs;
mod run;
pub mod runtime;
pub mod services;
mod stacks;
mod ticker;
mod vm;
mod wasi;

pub use artifact::applets::COMMON_MODULES;
pub use engine::CommandLimits;
pub use install::{ENGINE, install_programs, lay_out};
pub use runtime::{CommandRuntime, Prepared, StartError, ThreadWork, Threads};
pub use services::{ArtifactFile, HostCall, Services};
