//! Clocks and histograms of `perf_hooks`.

use crate::binding::Binding;

pub(super) static BINDING: Binding = Binding { name: "performance", functions: &[], make: None };
