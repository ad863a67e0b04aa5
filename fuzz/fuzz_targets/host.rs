//! A host of the network, as a guest or a rule names it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::policy::fuzz::host(bytes));
