//! A command program of about forty lines: counts the entries of each directory named in its arguments, runs a
//! program given after `--` in between, and answers with that program's exit code.
//!
//! Build it with `cargo build --release --target wasm32-wasip1 --example count` in `guest-shim/bindings`.

use cordon_vm::{
    descriptors, filesystem,
    process::{self, ExitStatus, SpawnOptions},
};

fn main() {
    std::process::exit(run().unwrap_or_else(|message| {
        eprintln!("count: {message}");
        1
    }));
}

fn run() -> Result<i32, String> {
    let arguments = process::arguments();
    let mut parts = arguments.get(1..).unwrap_or_default().splitn(2, |argument| argument == "--");
    let output = descriptors::inherited(1).map_err(|errno| errno.name().to_owned())?;

    for directory in parts.next().unwrap_or_default() {
        let entries = filesystem::read_directory(directory)
            .map_err(|errno| format!("{directory}: {}", errno.name()))?;
        let line = format!("{directory}: {}\n", entries.len());
        output.write(line.as_bytes()).map_err(|errno| errno.name().to_owned())?;
    }

    let command = parts.next().unwrap_or_default();
    let Some(program) = command.first() else { return Ok(0) };
    let child = process::spawn(&SpawnOptions {
        program: program.clone(),
        arguments: command.to_vec(),
        environment: process::environment(),
        current_directory: None,
        // Only what is listed here is open in the new program: it can write to our output, nothing else.
        descriptors: vec![(1, &output)],
        ignored_signals: vec![],
    })
    .map_err(|errno| format!("{program}: {}", errno.name()))?;
    match child.wait().map_err(|errno| errno.name().to_owned())? {
        ExitStatus::Exited(code) => Ok(code.into()),
        ExitStatus::Signaled(signal) => Err(format!("{program} was ended by {signal:?}")),
    }
}
