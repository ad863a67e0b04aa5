//! Files: `fs` and its promises, on the VM's kernel.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "fs", functions: &[], make: None };
