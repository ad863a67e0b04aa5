//! Starts and reaps the workers of one supervisor; see `cordon::supervisor::launcher`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cordon::supervisor::launcher::process::run()
}
