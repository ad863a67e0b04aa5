//! Black-box tests: everything here goes through a public surface, the command line or the Rust client, against what
//! `make build` built. They run under the shipped enclosure.
//!
//! A test that needs a worker which is not installed fails, saying so, unless the whole machine has no V8 of that
//! kind; `common::has_wasm_worker` is loud about it.

mod cli;
mod commands;
mod common;
mod contexts;
mod contract;
mod curl;
mod docs;
mod enclosure;
mod errors;
mod escape;
mod fault_injection;
mod faults;
mod files;
mod guest_against_client;
mod guest_programs;
mod host_functions;
mod hostile_client;
mod hostile_worker;
mod javascript;
mod limits;
mod modules;
mod native_code;
mod neighbours;
mod network;
mod node;
mod node_command_line;
mod npm;
mod own_commands;
mod own_directories;
mod parity;
mod permissions;
mod programs;
mod raw_client;
#[cfg(feature = "http")]
mod serving;
mod shell;
mod shell_limits;
mod sidecar;
mod templates;
mod terminals;
mod transfers;
mod wasm;
