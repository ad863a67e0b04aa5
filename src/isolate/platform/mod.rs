//! What a realm of each platform finds: natives behind the bootstrap JavaScript, modules and how they are loaded.

pub(crate) mod modules;
pub(crate) mod natives;
pub(crate) mod source;

pub use modules::{ExportedNames, exported_names};
pub use source::{StripError, strip_types};
