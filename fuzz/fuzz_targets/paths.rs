//! Operations on paths of the virtual filesystem.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kernel::fuzz::paths(bytes));
