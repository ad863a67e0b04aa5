//! A shell script.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cordon_sh::fuzz::script(bytes));
