//! WASI 0.2 for commands, over the VM's kernel.
//!
//! The interfaces' traits, and the engine room of `wasi:io`, are wasmtime-wasi's; what they do is ours: there is no
//! host behind them but the kernel. Sockets are not linked: a program that imports them is refused when it is loaded.

mod begin;
mod cli;
mod clocks;
mod errors;
mod filesystem;
mod random;
mod streams;

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::bindings;

use super::guest::Guest;

/// Links everything that the world `wasi:cli/command` offers to programs, sockets excepted.
pub fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type Own = HasSelf<Guest>;
    wasmtime_wasi_io::add_to_linker_async(linker)?;
    bindings::cli::environment::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::exit::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::stdin::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::stdout::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::stderr::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::terminal_input::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::terminal_output::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::terminal_stdin::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::terminal_stdout::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::cli::terminal_stderr::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::clocks::wall_clock::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::clocks::monotonic_clock::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::filesystem::types::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::filesystem::preopens::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::random::random::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::random::insecure::add_to_linker::<_, Own>(linker, |guest| guest)?;
    bindings::random::insecure_seed::add_to_linker::<_, Own>(linker, |guest| guest)?;
    cli::add_exit_with_code(linker)?;
    begin::add_to_linker(linker)
}

#[cfg(test)]
mod tests {
    use artifact::interfaces::{VM_INTERFACES, WASI_INTERFACES};
    use wasmtime::component::Linker;

    use super::*;
    use crate::engine;

    /// Something that each interface has.
    const PARTS: &[(&str, &str)] = &[
        ("wasi:cli/environment", "get-environment"),
        ("wasi:cli/exit", "exit"),
        ("wasi:cli/stderr", "get-stderr"),
        ("wasi:cli/stdin", "get-stdin"),
        ("wasi:cli/stdout", "get-stdout"),
        ("wasi:cli/terminal-input", "terminal-input"),
        ("wasi:cli/terminal-output", "terminal-output"),
        ("wasi:cli/terminal-stderr", "get-terminal-stderr"),
        ("wasi:cli/terminal-stdin", "get-terminal-stdin"),
        ("wasi:cli/terminal-stdout", "get-terminal-stdout"),
        ("wasi:clocks/monotonic-clock", "now"),
        ("wasi:clocks/wall-clock", "now"),
        ("wasi:filesystem/preopens", "get-directories"),
        ("wasi:filesystem/types", "descriptor"),
        ("wasi:io/error", "error"),
        ("wasi:io/poll", "pollable"),
        ("wasi:io/streams", "input-stream"),
        ("wasi:random/insecure", "get-insecure-random-bytes"),
        ("wasi:random/insecure-seed", "insecure-seed"),
        ("wasi:random/random", "get-random-bytes"),
        ("cordon:vm/descriptors", "pipe"),
        ("cordon:vm/engine", "report"),
        ("cordon:vm/filesystem", "open"),
        ("cordon:vm/host", "functions"),
        ("cordon:vm/jobs", "spawn"),
        ("cordon:vm/network", "connect"),
        ("cordon:vm/polling", "wait-readable"),
        ("cordon:vm/process", "spawn"),
        ("cordon:vm/terminal", "set-attributes"),
    ];

    #[test]
    fn what_the_compiler_lets_programs_import_is_linked() {
        let engine = engine::start().unwrap();
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).unwrap();
        crate::vm::add_to_linker(&mut linker).unwrap();
        for name in WASI_INTERFACES.iter().chain(VM_INTERFACES).filter(|name| **name != "cordon:vm/types") {
            let (_, part) = PARTS.iter().find(|(interface, _)| interface == name).unwrap();
            // What is linked cannot be linked again; the version is the newest that there is.
            let mut versions = (0..30).map(|patch| format!("0.2.{patch}")).chain(["0.1.0".to_owned()]);
            let is_linked = |version: String| {
                let mut root = linker.root();
                let mut interface = root.instance(&format!("{name}@{version}")).unwrap();
                interface.func_wrap(part, |_, (): ()| Ok(())).is_err()
            };
            assert!(versions.any(is_linked), "{name}");
        }
    }
}
