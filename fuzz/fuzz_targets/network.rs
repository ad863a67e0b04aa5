//! A packet of the network process, or to it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::network::fuzz::packet(bytes));
