//! Compiles one program that a guest has made, and ends. It is enclosed as a worker is before it looks at a byte of that:
//! whoever takes it over through the compiler has what the guest has anyway, a process that reaches nothing.
//!
//! Standard input is the file in which the module lies and its native code is left ([`compile::guest`]). The exit code is 0
//! for code, 1 for a reason in its place; any other end is that of a process that was taken over or used up what it may.

use std::io;
use std::process::ExitCode;

use compile::guest::{CPU_SECONDS_MAX, FILE_BYTES_MAX, MEMORY_BYTES_MAX, Workpiece};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Threads: the one there is.
const THREADS_MAX: u64 = 1;

fn main() -> ExitCode {
    match compile() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cordon-compiler: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether there is code.
fn compile() -> io::Result<bool> {
    enclosure::close_descriptors()?;
    let mut piece = Workpiece::inherited(io::stdin())?;
    let mut report = enclosure::enter(false)?;
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::Cpu, CPU_SECONDS_MAX)?;
    limit(Resource::Fsize, FILE_BYTES_MAX)?;
    enclosure::limit_memory(MEMORY_BYTES_MAX)?;
    let rules = enclosure::Rules::read()?;
    // Bytes yet, that nothing has looked at: the filter lets nobody shorten files.
    let module = piece.take()?;
    enclosure::filter_calls(&rules)?;
    report.layers.push(enclosure::executed_apart());
    enclosure::filter_last(&rules, false, THREADS_MAX, &report)?;
    piece.compile(&module)
}
