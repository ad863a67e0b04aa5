//! Bindings of the WIT world `cordon:vm/command` for programs that run inside a VM.
//!
//! A command program is an ordinary `fn main()` compiled for `wasm32-wasip1`; what it wants from the virtual machine
//! beyond WASI it calls through the modules below, one per WIT interface. The text of `wit/` is the reference: every
//! function here is generated from it and carries its documentation. Adds [`begin`], which is between the virtual
//! machine and its own programs, and [`replace`], which is made of the rest.
//!
//! On other targets the crate compiles, so that a program's own logic can be tested natively; a call into the virtual
//! machine panics there.

pub mod begin;
pub mod replace;

/// The number of the one user that a virtual machine has, and of its group: every process runs as it, and every file
/// belongs to it.
pub const USER_ID: u32 = 1000;

mod generated {
    wit_bindgen::generate!({ path: "../../wit", world: "command" });
}

/// What the texts of all interfaces mean where they are names, arguments or variables.
pub use byte_text;
pub use generated::cordon::vm::{
    descriptors, engine, filesystem, host, jobs, network, polling, process, terminal, types,
};
