//! The command line: reads arguments, asks the embedded client, prints. The only place that talks to people, and the
//! only one that decides exit codes.

mod arguments;
mod decisions;
mod doctor;
mod learn;
mod network;
mod publish;
mod secret;
mod serve;
mod session;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::client::Error;
use crate::sidecar::ConnectionLimits;
use crate::supervisor::TemplateLimits;
use arguments::{Arguments, Command};

/// Exit codes of `cordon` itself; otherwise it exits as the guest did.
mod exit {
    /// Something that the guest has no part in failed.
    pub(super) const FAILED: u8 = 125;
    /// The command line or configuration is wrong.
    pub(super) const USAGE: u8 = 2;
    /// The guest took longer than it may, as timeout(1) has it.
    pub(super) const TIMED_OUT: u8 = 124;
    /// Added to the number of the signal that ended the guest.
    pub(super) const SIGNAL: u8 = 128;
}

/// Runs `cordon` with the arguments of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("CORDON_LOG"))
        .with_writer(std::io::stderr)
        .try_init();
    // One client's messages are passed on in less time than it takes to wake another thread; many clients share cores.
    let mut runtime = match &arguments.command {
        Command::Serve { socket: Some(_), .. } => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cordon: cannot start: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Run { vm, program } => session::run(vm, program).await,
            Command::Node { vm, args } => session::node(vm, args).await,
            Command::Eval { vm, expression } => session::eval(vm, expression).await,
            Command::Sh { vm, command, args } => session::sh(vm, command, args).await,
            Command::Serve { socket, warm, template_forks, template_age, connection_vms } => {
                let templates = TemplateLimits { forks: template_forks, age: template_age };
                let socket = socket.map(|path| (path, ConnectionLimits { vms: connection_vms }));
                serve::serve(socket, warm, (template_forks > 0).then_some(templates)).await
            }
            Command::Prepare => session::prepare().await,
            Command::Compile { modules } => session::compile(modules).await,
            Command::Doctor { json } => doctor::doctor(json).await,
        }
    });
    // A thread may still wait for standard input; nothing of it is wanted any more.
    runtime.shutdown_background();
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report(&error);
            ExitCode::from(if error.code == protocol::wire::code::CONFIG {
                exit::USAGE
            } else {
                exit::FAILED
            })
        }
    }
}

/// Prints an error of cordon's own.
fn report(error: &Error) {
    eprintln!("cordon: {}", printable(&error.message));
    for (name, value) in &error.details {
        eprintln!("cordon:   {name}: {}", printable(value));
    }
    if let Some(hint) = &error.hint {
        eprintln!("cordon: {}", printable(hint));
    }
}

/// A text without what a terminal would obey: names that a guest chose may be in it.
fn printable(text: &str) -> String {
    let shown = |c: char| c == '\n' || c == '\t' || !c.is_control();
    text.chars().map(|c| if shown(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(super::printable("a\tb\nc\x1b[31m\u{9b}2J\r"), "a\tb\nc\\u{1b}[31m\\u{9b}2J\\r");
        assert_eq!(super::printable("Grüße"), "Grüße");
    }
}
