//! The content of a frame, weighed before it is decoded.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cordon_fuzz::weight(bytes));
