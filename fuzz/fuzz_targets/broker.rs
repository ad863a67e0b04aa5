//! The content of a frame between supervisor and worker.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::broker::fuzz::messages(bytes));
