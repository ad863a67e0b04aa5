//! What is cordon's own: host functions, the engine's report.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "cordon", functions: &[], make: None };
