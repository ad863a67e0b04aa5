//! The `cordon` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    cordon::cli::main()
}
