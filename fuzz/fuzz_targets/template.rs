//! The answer of a template.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::fork::fuzz::answer(bytes));
