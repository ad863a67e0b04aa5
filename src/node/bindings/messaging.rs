//! Ports, structured clones, `DOMException`.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "messaging", functions: &[], make: None };
