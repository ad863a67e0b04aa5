//! Pieces of a stream that come with descriptors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::descriptor::fuzz::stream(bytes));
