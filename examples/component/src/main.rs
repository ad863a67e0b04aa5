//! `ask`: calls a function of the embedder from the shell.
//!
//! ```text
//! ask                          lists the functions
//! ask FUNCTION [INPUT]         calls one with a JSON text, and prints the JSON text that it gives
//! ```
//!
//! It needs nothing but `cordon:vm/host`. The exit code is 1 for a function that failed, 2 for one that could not be
//! called.

use std::process::ExitCode;

use cordon_vm::host::{self, CallError};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(function) = arguments.next() else {
        host::functions().iter().for_each(|name| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let input = arguments.next().unwrap_or_else(|| "null".to_owned());
    let (reason, code) = match host::call(&function, &input) {
        Ok(result) => {
            println!("{result}");
            return ExitCode::SUCCESS;
        }
        Err(CallError::Failed(message)) => (message, 1),
        Err(CallError::Unknown) => ("no such function".to_owned(), 2),
        Err(CallError::Denied) => ("denied by permissions.hostFunctions".to_owned(), 2),
        Err(CallError::TooLarge) => ("input or result is too large".to_owned(), 2),
        Err(CallError::TimedOut) => ("it took too long".to_owned(), 2),
    };
    eprintln!("ask: {function}: {reason}");
    ExitCode::from(code)
}
