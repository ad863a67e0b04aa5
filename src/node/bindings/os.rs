//! What `os` says: of the VM, never of the host.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "os", functions: &[], make: None };
