//! What `process` has of functions.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "process_methods", functions: &[], make: None };
