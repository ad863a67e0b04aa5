//! HTTP/1 messages, as servers and clients in a VM get them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cordon_fuzz::http(bytes));
