//! Nothing: the program is `prefix.c`, with its `main`. Cargo links it here.
#![no_main]
