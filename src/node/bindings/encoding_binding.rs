//! `TextEncoder` and `TextDecoder`.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "encoding_binding", functions: &[], make: None };
