//! A client's message that is read in part.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::wire::fuzz::head(bytes));
