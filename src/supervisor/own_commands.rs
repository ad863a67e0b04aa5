//! Commands of an embedder's own: the modules in the directories that a configuration names, and, beside what is
//! installed, the commands of one VM.
//!
//! Who may write to those directories is trusted as who may write to the installation is: this process compiles what
//! lies there. Guests are shown none of them but by a mount, and none to write.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use artifact::applets::{BASH, GUEST_PROGRAM, MULTI_CALL, SHELL};
use protocol::wire::{ErrorData, code};

use super::artifacts::{Artifacts, Code, Found, Module};

/// Commands of its own that one VM can have.
const COMMANDS_MAX: usize = 256;
/// The longest module.
const MODULE_BYTES_MAX: u64 = 64 << 20;
/// Names in one directory that are looked at.
const NAMES_MAX: usize = 10_000;

/// The commands of one VM.
pub(super) struct CommandSet {
    installed: Arc<Artifacts>,
    own: Vec<Module>,
    /// Its own code that it has asked for: it stays in memory with the VM.
    held: Mutex<HashMap<String, Code>>,
}

impl CommandSet {
    /// What is installed, and what lies in these directories. Blocks.
    ///
    /// # Errors
    /// `ERR_CONFIG`: a directory cannot be read, there is too much in it, or a name in it is no command's.
    pub(super) fn new(installed: Arc<Artifacts>, directories: &[String]) -> Result<CommandSet, ErrorData> {
        let mut own: Vec<Module> = Vec::new();
        for (index, directory) in directories.iter().enumerate() {
            let wrong = |what: String| {
                let field = format!("commandDirectories[{index}]");
                let text = format!("invalid configuration: {field}: {directory}: {what}");
                ErrorData::new(code::CONFIG, text).field(field)
            };
            let modules = modules(Path::new(directory)).map_err(|error| {
                wrong(error.to_string()).hint("name a directory on the supervisor's machine that it can read")
            })?;
            for module in modules {
                check(&module, &installed).map_err(wrong)?;
                if let Some(other) = own.iter().find(|other| other.name == module.name) {
                    return Err(wrong(format!("{} is in {} already", module.name, other.path.display())));
                }
                own.push(module);
            }
            if own.len() > COMMANDS_MAX {
                return Err(wrong(format!("the VM would have more than {COMMANDS_MAX} commands of its own")));
            }
        }
        Ok(CommandSet { installed, own, held: Mutex::default() })
    }

    /// What is installed alone.
    pub(super) fn installed(installed: Arc<Artifacts>) -> Arc<CommandSet> {
        Arc::new(CommandSet { installed, own: Vec::new(), held: Mutex::default() })
    }

    /// The names of all.
    pub(super) fn names(&self) -> Vec<String> {
        let own = self.own.iter().map(|module| module.name.clone());
        self.installed.names().into_iter().chain(own).collect()
    }

    /// Whether some are not the installation's.
    pub(super) fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// Whether there is a module of that name.
    pub(super) fn has(&self, module: &str) -> bool {
        self.installed.has(module) || self.own.iter().any(|own| own.name == module)
    }

    /// Whether these installed modules have been prepared.
    pub(super) fn have(&self, names: &[&str]) -> bool {
        self.installed.have(names)
    }

    /// A module's code. Blocks while it is verified or compiled.
    ///
    /// # Errors
    /// As [`Found`] says.
    pub(super) fn get(&self, module: &str) -> Found {
        let Some(own) = self.own.iter().find(|own| own.name == module) else {
            return self.installed.get(module);
        };
        if let Some(code) = self.held.lock().get(module) {
            return Ok(code.clone());
        }
        let code = self.installed.get_own(own)?;
        self.held.lock().insert(module.to_owned(), code.clone());
        Ok(code)
    }

    /// Whether all have been prepared.
    pub(super) fn are_ready(&self) -> bool {
        self.installed.are_ready() && self.held.lock().len() == self.own.len()
    }

    /// Prepares every module that can be. Blocks.
    pub(super) fn try_all(&self) {
        if !self.installed.are_ready() {
            self.installed.try_all();
        }
        for module in &self.own {
            let _ = self.get(&module.name);
        }
    }
}

/// Checks that a file can be a command, and has its native code in the cache, for whoever names its directory later. Gives
/// the length of that code. Blocks.
///
/// # Errors
/// `ERR_CONFIG`: it can be none. `ERR_NOT_INSTALLED`, as [`Found`] says.
pub(super) fn compile(artifacts: &Artifacts, path: &Path) -> Result<u64, ErrorData> {
    let wrong = |what: String| ErrorData::new(code::CONFIG, format!("{}: {what}", path.display()));
    let Some(module) = module(path) else {
        return Err(wrong("the name of a command's file ends in \".wasm\"".to_owned()));
    };
    check(&module, artifacts).map_err(wrong)?;
    artifacts.get_own(&module).map(|(_, length)| length)
}

/// The module that a file is by its name.
fn module(path: &Path) -> Option<Module> {
    path.extension().filter(|&extension| extension == "wasm")?;
    let name = path.file_stem()?.to_string_lossy().into_owned();
    Some(Module { name, path: path.to_owned() })
}

/// The modules in a directory, sorted.
fn modules(directory: &Path) -> io::Result<Vec<Module>> {
    let mut modules = Vec::new();
    for entry in std::fs::read_dir(directory)?.take(NAMES_MAX) {
        modules.extend(module(&entry?.path()));
    }
    modules.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(modules)
}

/// Whether a module can be a command beside those that are installed.
fn check(module: &Module, installed: &Artifacts) -> Result<(), String> {
    let Module { name, path } = module;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Err(format!(
            "{name:?} is no name of a command: at most 64 letters, digits, '-' and '_', before \".wasm\""
        ));
    }
    let is_cordons = [SHELL, BASH, GUEST_PROGRAM].contains(&name.as_str())
        || installed.has(name)
        || MULTI_CALL.iter().any(|known| known.module == name);
    if is_cordons {
        return Err(format!("{name} is a program of the installation; give the module another name"));
    }
    let status = std::fs::metadata(path).map_err(|error| format!("{name}.wasm: {error}"))?;
    if !status.is_file() {
        return Err(format!("{name}.wasm is no file"));
    }
    if status.len() > MODULE_BYTES_MAX {
        return Err(format!("{name}.wasm has more than {MODULE_BYTES_MAX} bytes"));
    }
    Ok(())
}
