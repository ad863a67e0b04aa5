//! Names of errors.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "uv", functions: &[], make: None };
