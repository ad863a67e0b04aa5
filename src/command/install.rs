//! Puts the installed programs into a new VM.

use artifact::applets::{COREUTILS, COREUTILS_APPLETS, SHELL};
use kernel::{Engine, Errno, Kernel, Program};

/// The name of this engine in the kernel.
pub const ENGINE: Engine = Engine("wasi");

/// Puts the shell, the utilities and the other installed modules into a new VM. `/bin/ls` and its like are links to the
/// one program, unless a module of that name is installed.
pub fn install_programs(kernel: &Kernel, modules: &[String]) -> Result<(), Errno> {
    kernel.install_program("/bin/sh", Program::new(ENGINE, SHELL))?;
    kernel.install_program("/bin/coreutils", Program::new(ENGINE, COREUTILS))?;
    let others = || modules.iter().map(String::as_str).filter(|name| ![SHELL, COREUTILS].contains(name));
    for name in COREUTILS_APPLETS.iter().filter(|name| !others().any(|other| other == **name)) {
        kernel.install_symlink(&format!("/bin/{name}"), COREUTILS)?;
    }
    for name in others() {
        kernel.install_program(&format!("/bin/{name}"), Program::new(ENGINE, name))?;
    }
    Ok(())
}
