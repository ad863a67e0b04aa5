//! A configuration as a JSON text.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::config::fuzz::text(bytes));
