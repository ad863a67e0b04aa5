//! The executable of one VM: an isolate, the command runtime and the kernel under them, enclosed. Started by cordon.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::run()
}
