//! Between Rust and JavaScript: values and errors, as guest code gets them.

pub(crate) mod errors;
pub(crate) mod values;
