//! What the processes of cordon say to each other and both know: the configuration of a VM, its policy, the messages
//! between client, sidecar, supervisor, worker and network process, the reports of engine and enclosure, the numbers of the virtual
//! kernel.
//!
//! Owns shapes, their encoding, and what follows from them alone. Starts no thread and performs no input or output but
//! for [`descriptor`], which passes bytes and descriptors on. The feature `schema` adds what the generated files for
//! other languages are made from; it is in nothing that ships.

pub mod abi;
pub mod broker;
pub mod config;
pub mod descriptor;
pub mod enclosure;
pub mod engine;
pub mod fork;
pub mod network;
pub mod policy;
pub mod wire;
