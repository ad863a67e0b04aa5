//! Connections of TCP: `reach HOST PORT` sends its standard input and prints what comes back, `reach -l PORT` starts a program
//! for whoever connects, with the connection as its standard input and output, and `reach -n COUNT HOST PORT` holds many.

use std::io::{Read, Write};
use std::process::exit;

use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::network::{self, ErrorCode, NetworkError, Readiness};
use cordon_vm::process::{self, SpawnOptions};

/// How long anything may take, in milliseconds.
const PATIENCE: u32 = 30_000;

fn main() {
    let words: Vec<String> = process::arguments();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let done = match words[..] {
        ["-l", port, ref program @ ..] if !program.is_empty() => serve(number(port), program),
        ["-n", count, host, port] => hold(count.parse().unwrap_or(0), host, number(port)),
        [host, port] => talk(host, number(port)),
        _ => {
            eprintln!("usage: reach [-n COUNT] HOST PORT\n       reach -l PORT PROGRAM [ARGUMENT]...");
            exit(2);
        }
    };
    if let Err(NetworkError { message, .. }) = done {
        eprintln!("reach: {message}");
        exit(1);
    }
}

fn number(port: &str) -> u16 {
    port.parse().unwrap_or(0)
}

/// Sends all of the standard input, and prints what comes meanwhile and until the end.
fn talk(host: &str, port: u16) -> Result<(), NetworkError> {
    let connection = network::connect(host, port, PATIENCE)?;
    let mut text = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut text);
    let mut rest = &text[..];
    while !rest.is_empty() {
        let ready = network::wait(&connection, Readiness::RECEIVE | Readiness::SEND, PATIENCE)?;
        if ready & Readiness::RECEIVE == Readiness::RECEIVE && !print(&connection)? {
            return Ok(());
        }
        if ready & Readiness::SEND == Readiness::SEND {
            rest = &rest[network::send(&connection, rest, 0)? as usize..];
        }
    }
    network::shut_down(&connection)?;
    while print(&connection)? {}
    Ok(())
}

/// Whether there may be more.
fn print(connection: &Descriptor) -> Result<bool, NetworkError> {
    let bytes = network::receive(connection, 65536, PATIENCE)?;
    let _ = std::io::stdout().write_all(&bytes);
    Ok(!bytes.is_empty())
}

/// Serves one after the other.
fn serve(port: u16, program: &[&str]) -> Result<(), NetworkError> {
    let listener = network::listen(port)?;
    println!("listening at {}", listener.port());
    loop {
        let connection = match listener.accept(PATIENCE) {
            Err(error) if error.code == ErrorCode::TimedOut => continue,
            accepted => accepted?,
        };
        let errors = descriptors::inherited(2).ok();
        let mut given = vec![(0, &connection), (1, &connection)];
        given.extend(errors.iter().map(|errors| (2, errors)));
        let child = process::spawn(&SpawnOptions {
            program: program[0].to_owned(),
            arguments: program.iter().map(|word| (*word).to_owned()).collect(),
            environment: process::environment(),
            current_directory: None,
            descriptors: given,
            ignored_signals: Vec::new(),
        });
        drop(connection);
        match child {
            Ok(child) => drop(child.wait()),
            Err(errno) => eprintln!("reach: {}: {}", program[0], errno.name()),
        }
    }
}

/// Makes connections until there are as many, or no more can be made, and says how many there are.
fn hold(count: usize, host: &str, port: u16) -> Result<(), NetworkError> {
    let mut held = Vec::new();
    let mut outcome = Ok(());
    while held.len() < count && outcome.is_ok() {
        outcome = network::connect(host, port, PATIENCE).map(|connection| held.push(connection));
    }
    println!("{}", held.len());
    outcome
}
