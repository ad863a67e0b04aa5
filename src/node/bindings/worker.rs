//! Threads.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "worker", functions: &[], make: None };
