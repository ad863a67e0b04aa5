//! Puts programs into a new VM: those that every VM has before there is a VM, the rest when it is made.

use artifact::applets::{BASH, GUEST_PROGRAM, MAGIC, MULTI_CALL, SHELL};
use kernel::{Engine, Errno, Kernel, Layout, Program};

/// The name of this engine in the kernel.
pub const ENGINE: Engine = Engine("wasi");

/// A filesystem with the shell and the utilities. `/bin/ls` and its like are links to the program
/// that they are one of.
pub fn lay_out() -> Layout {
    let layout = Layout::new();
    let install = || {
        layout.install_program("/bin/sh", Program::new(ENGINE, SHELL))?;
        layout.install_symlink(&format!("/bin/{BASH}"), SHELL)?;
        MULTI_CALL.iter().try_for_each(|known| {
            layout.install_program(&format!("/bin/{}", known.module), Program::new(ENGINE, known.module))?;
            known
                .utilities
                .iter()
                .try_for_each(|name| layout.install_symlink(&format!("/bin/{name}"), known.module))
        })
    };
    let installed: Result<(), Errno> = install();
    debug_assert_eq!(installed, Ok(()));
    layout
}

/// Adds the other modules that are installed. One that is named like a utility takes its place. What the guest makes is
/// run, if at all, as [`GUEST_PROGRAM`].
///
/// # Errors
/// A name is not one of a file.
pub fn install_programs(kernel: &Kernel, modules: &[String]) -> Result<(), Errno> {
    kernel.add_format(MAGIC, Program::new(ENGINE, GUEST_PROGRAM));
    let others = modules.iter().filter(|name| {
        name.as_str() != SHELL && MULTI_CALL.iter().all(|known| known.module != name.as_str())
    });
    others
        .into_iter()
        .try_for_each(|name| kernel.install_program(&format!("/bin/{name}"), Program::new(ENGINE, name)))
}
