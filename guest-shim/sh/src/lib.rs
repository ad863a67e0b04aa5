//! A POSIX shell for the inside of a VM, as a command program. Reading a script is `syntax`, what a shell is made of is
//! `state`, expansion is `expand`, running is `exec` and `builtins`; `system` is the only way out to the virtual machine.
//! `invocation` is the command line.

mod bash;
mod builtins;
mod editor;
mod exec;
mod expand;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod interactive;
mod invocation;
mod names;
mod number;
mod quote;
mod stack;
mod state;
mod syntax;
mod system;
mod variables;

/// A shell's texts are bytes, and this program's are `String`s: they are decoded where they come in and encoded where they
/// go out. Bytes that are no characters count as one each, as in other shells.
use cordon_vm::byte_text as bytes;

pub use invocation::run;
