//! The filesystem of the VM.

pub(crate) mod access;
