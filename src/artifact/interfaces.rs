//! Which interfaces a command may import: what the runtime links, so that the compiler can refuse before a program runs
//! what would be refused then.
//!
//! A test of the runtime holds the list to what it links.

/// The first part of the versions of WASI's interfaces that are linked: any of them is taken.
const WASI: &str = "0.2.";
/// The version of `cordon:vm`.
const VM: &str = "0.1.0";

/// Interfaces of WASI, without their version.
pub const WASI_INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Interfaces of the world `cordon:vm/command`, without their version.
pub const VM_INTERFACES: &[&str] = &[
    "cordon:vm/descriptors",
    "cordon:vm/engine",
    "cordon:vm/filesystem",
    "cordon:vm/host",
    "cordon:vm/jobs",
    "cordon:vm/network",
    "cordon:vm/polling",
    "cordon:vm/process",
    "cordon:vm/terminal",
    "cordon:vm/types",
];

/// Whether a command may import the interface of that name, version included.
pub fn is_given(import: &str) -> bool {
    let private = [super::exit_import::INTERFACE, super::begin_import::INTERFACE];
    match import.split_once('@') {
        Some((name, version)) => {
            (WASI_INTERFACES.contains(&name) && version.starts_with(WASI))
                || (VM_INTERFACES.contains(&name) && version == VM)
                || private.contains(&import)
        }
        None => false,
    }
}

/// What every command exports, without its version: its `main`.
pub const MAIN: &str = "wasi:cli/run";

#[cfg(test)]
mod tests {
    use super::is_given;

    #[test]
    fn what_is_linked_is_given_in_its_versions_and_nothing_else() {
        for given in ["wasi:cli/exit@0.2.0", "wasi:io/streams@0.2.12", "cordon:vm/host@0.1.0"] {
            assert!(is_given(given), "{given}");
        }
        for other in [
            "wasi:cli/exit",
            "wasi:cli/exit@0.3.0",
            "wasi:cli/exit@0.20.0",
            "wasi:sockets/tcp@0.2.0",
            "cordon:vm/host@0.2.0",
            "cordon:vm/hosts@0.1.0",
            "env",
            "",
        ] {
            assert!(!is_given(other), "{other:?}");
        }
    }
}
