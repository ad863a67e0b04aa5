//! The content of a frame between client and sidecar.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::wire::fuzz::messages(bytes));
