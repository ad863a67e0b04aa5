//! `URL` parsing.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "url", functions: &[], make: None };
