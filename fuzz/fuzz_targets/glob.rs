//! A pattern of the shell and a text.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cordon_sh::fuzz::pattern(bytes));
