//! What every platform has of the VM's own: natives behind the modules `cordon:vm/...`; and what is done with sources and
//! their paths before V8 sees them.

pub(crate) mod exports;
pub(crate) mod natives;
pub(crate) mod paths;
pub(crate) mod source;

pub use exports::{Found as ExportedNames, scan as exported_names};
pub use source::{StripError, strip_types};
