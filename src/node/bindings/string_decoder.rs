//! `string_decoder`.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "string_decoder", functions: &[], make: None };
