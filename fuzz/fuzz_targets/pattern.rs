//! A permission's pattern and what it is put to.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protocol::policy::fuzz::pattern(bytes));
