//! A stream of bytes from a peer, cut into frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::wire::fuzz::frames(bytes));
