//! `package.json` files, as the loaders read them.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "modules", functions: &[], make: None };
