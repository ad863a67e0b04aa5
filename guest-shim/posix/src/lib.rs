//! What wasi-libc leaves out of POSIX and the virtual machine knows: modes, owners, links and devices of files, and
//! names that are no Unicode.
//!
//! wasi-libc has `stat`, which knows no permissions, and `chmod`, which fails. A program that links this by
//! the linker's `--wrap` (`link.rs` is the build script for that) has them whole, and with them the
//! standard library (`fs::metadata`, `fs::set_permissions`) and every crate over it. What is only known by a descriptor
//! stays as WASI tells of it. With `--wrap=write --wrap=writev`, what goes to standard output goes there at once.

#[cfg(target_os = "wasi")]
mod errno;
#[cfg(target_os = "wasi")]
mod names;
#[cfg(target_os = "wasi")]
mod streams;
#[cfg(target_os = "wasi")]
mod wrap;

use std::cell::Cell;

use cordon_vm::process;

/// What `chmod` does with the modes that a program gives to files which it has just made.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Modes {
    /// They are set as they are.
    #[default]
    Exact,
    /// Less the umask.
    Masked,
    /// Not at all: files keep the mode that they were made with.
    Kept,
}

thread_local! {
    static MODES: Cell<Modes> = const { Cell::new(Modes::Exact) };
    static KEEPS_TEXT: Cell<bool> = const { Cell::new(false) };
}

/// For a program that has its names as Unicode, whatever they are, and writes names and no contents: its names stay the
/// texts that the virtual machine has, and become bytes when they are written to standard output or standard error.
pub fn keep_text() {
    KEEPS_TEXT.set(true);
}

/// For a program that copies modes where the copy should only get what the umask leaves of them.
pub fn set_modes(modes: Modes) {
    MODES.set(modes);
}

/// The calling process's file creation mask, which can only be read by setting it.
pub fn umask() -> u32 {
    let mask = process::set_umask(0o022);
    process::set_umask(mask);
    mask
}

/// Runs `work` with another file creation mask.
pub fn with_umask<T>(mask: u32, work: impl FnOnce() -> T) -> T {
    let before = process::set_umask(mask);
    let outcome = work();
    process::set_umask(before);
    outcome
}
