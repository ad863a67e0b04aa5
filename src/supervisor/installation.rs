//! What is installed: the launcher, the workers for each engine, the command modules; and where the cache lies.
//!
//! Everything is looked for in the folder of the running executable, or in the one that `CORDON_WORKER_DIR` names for
//! embedders whose executable lives elsewhere.

use std::path::{Path, PathBuf};

use protocol::config::{Access, CreateVmConfig, WebAssemblyDenial};
use protocol::engine::{EngineProfile, WasmLevel};
use protocol::wire::{ErrorData, code};

/// Names the folder of launcher, workers and command modules.
pub const DIRECTORY_VARIABLE: &str = "CORDON_WORKER_DIR";

const LAUNCHER: &str = "cordon-launcher";
/// Compiles what guests have made.
const COMPILER: &str = "cordon-compiler";
/// Has sockets to the world.
const NETWORK: &str = "cordon-net";
/// The worker whose V8 was built without WebAssembly.
const WORKER_ABSENT: &str = "cordon-worker-absent";
/// The worker whose V8 has WebAssembly.
const WORKER_WASM: &str = "cordon-worker-wasm";
const MODULES: &str = "commands";
/// Node's package manager, as it is in the registry.
const NPM: &str = "npm";

/// The files of one installation.
#[derive(Clone, Debug)]
pub struct Installation {
    directory: PathBuf,
    has_commands: bool,
}

/// Which executable a VM's worker is, and with which engine profile it is started.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WorkerChoice {
    pub(crate) executable: PathBuf,
    pub(crate) profile: EngineProfile,
}

impl Installation {
    /// The installation that `CORDON_WORKER_DIR` names, else the one around this executable.
    ///
    /// # Errors
    /// There is no launcher there.
    pub fn find() -> Result<Self, ErrorData> {
        match std::env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty()) {
            Some(directory) => Self::at(directory),
            None => {
                let own = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
                Self::at(own.unwrap_or_default())
            }
        }
    }

    /// The installation in a folder.
    ///
    /// # Errors
    /// There is no launcher there.
    pub fn at(directory: impl Into<PathBuf>) -> Result<Self, ErrorData> {
        let directory = directory.into();
        let directory = directory.canonicalize().unwrap_or(directory);
        let installation = Installation { directory, has_commands: true };
        if !installation.launcher().is_file() {
            return Err(ErrorData::new(
                code::NOT_INSTALLED,
                format!("{} is missing", installation.launcher().display()),
            )
            .hint(format!("build it with `make build`, or name the folder of cordon's executables in {DIRECTORY_VARIABLE}")));
        }
        Ok(installation)
    }

    /// The same without its commands, for whoever runs none: nothing of theirs is compiled.
    pub fn without_commands(self) -> Self {
        Installation { has_commands: false, ..self }
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn launcher(&self) -> PathBuf {
        self.directory.join(LAUNCHER)
    }

    pub(crate) fn compiler(&self) -> PathBuf {
        self.directory.join(COMPILER)
    }

    pub(crate) fn network(&self) -> PathBuf {
        self.directory.join(NETWORK)
    }

    pub(crate) fn npm(&self) -> PathBuf {
        self.directory.join(NPM)
    }

    /// Whether npm, which VMs are shown, is installed.
    pub fn has_npm(&self) -> bool {
        self.npm().is_dir()
    }

    /// Whether what compiles programs of guests' is installed.
    pub fn has_compiler(&self) -> bool {
        self.compiler().is_file()
    }

    /// The worker without WebAssembly, if it is installed.
    pub fn absent_worker(&self) -> Option<PathBuf> {
        Some(self.directory.join(WORKER_ABSENT)).filter(|path| path.is_file())
    }

    /// The worker with WebAssembly, if it is installed.
    pub fn wasm_worker(&self) -> Option<PathBuf> {
        Some(self.directory.join(WORKER_WASM)).filter(|path| path.is_file())
    }

    /// Asks the worker for a configuration whether the compiled code of its library is there and fits.
    ///
    /// # Errors
    /// There is no such worker, or what is wrong with its library's code. Programs run without, and start more slowly.
    pub fn check_library(&self, config: &CreateVmConfig) -> Result<(), ErrorData> {
        let WorkerChoice { executable, profile } = self.choose(config)?;
        let failed = |why: &dyn std::fmt::Display| {
            let text = format!("{}: the library's compiled code: {why}", executable.display());
            ErrorData::new(code::NOT_INSTALLED, text).hint("make it with `scripts/build.sh --library-code`")
        };
        let [wasm, jit] = profile_arguments(profile);
        let output = std::process::Command::new(&executable)
            .args(["check", wasm, jit, "node"])
            .env_clear()
            .current_dir("/")
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|error| failed(&error))?;
        if output.status.success() {
            return Ok(());
        }
        Err(failed(&String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// The command modules: name and path of each, sorted.
    pub fn command_modules(&self) -> Vec<(String, PathBuf)> {
        if !self.has_commands {
            return Vec::new();
        }
        let Ok(entries) = std::fs::read_dir(self.directory.join(MODULES)) else { return Vec::new() };
        let mut modules: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?.strip_suffix(".wasm")?.to_owned();
                Some((name, path))
            })
            .collect();
        modules.sort();
        modules
    }

    /// Every file that is run.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let executables =
            [LAUNCHER, COMPILER, WORKER_ABSENT, WORKER_WASM].map(|name| self.directory.join(name));
        let modules = self.command_modules().into_iter().map(|(_, path)| path);
        executables.into_iter().chain(modules).collect()
    }

    /// The strongest worker for a configuration.
    pub(crate) fn choose(&self, config: &CreateVmConfig) -> Result<WorkerChoice, ErrorData> {
        let jit = config.permissions.jit == Access::Allow;
        let choice = |executable, wasm| WorkerChoice { executable, profile: EngineProfile { wasm, jit } };
        if config.permissions.web_assembly == Access::Allow {
            return self.wasm_worker().map(|executable| choice(executable, WasmLevel::Allowed)).ok_or_else(
                || missing(&self.directory.join(WORKER_WASM), "permissions.webAssembly", "make build-wasm"),
            );
        }
        if let Some(executable) = self.absent_worker() {
            return Ok(choice(executable, WasmLevel::Absent));
        }
        if config.engine.web_assembly_denial == WebAssemblyDenial::Absent {
            let wanted = self.directory.join(WORKER_ABSENT);
            return Err(missing(&wanted, "engine.webAssemblyDenial", "make build"));
        }
        self.wasm_worker().map(|executable| choice(executable, WasmLevel::Locked)).ok_or_else(|| {
            missing(&self.directory.join(WORKER_ABSENT), "permissions.webAssembly", "make build")
        })
    }
}

/// A profile in the command line of a worker.
pub(crate) fn profile_arguments(profile: EngineProfile) -> [&'static str; 2] {
    let wasm = match profile.wasm {
        WasmLevel::Absent => "absent",
        WasmLevel::Locked => "locked",
        WasmLevel::Allowed => "allowed",
    };
    [wasm, if profile.jit { "allow" } else { "deny" }]
}

fn missing(path: &Path, field: &str, recipe: &str) -> ErrorData {
    ErrorData::new(
        code::NOT_INSTALLED,
        format!("the worker that {field} asks for is not installed: {}", path.display()),
    )
    .field(field)
    .hint(format!("build it with `{recipe}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(files: &[&str]) -> (tempfile::TempDir, Installation) {
        let folder = tempfile::tempdir().unwrap();
        for file in files.iter().chain(&[LAUNCHER]) {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let installation = Installation::at(folder.path()).unwrap();
        (folder, installation)
    }

    fn config(json: serde_json::Value) -> CreateVmConfig {
        CreateVmConfig::from_json(&json).unwrap()
    }

    #[test]
    fn the_strongest_denial_that_is_installed_is_chosen() {
        let (_folder, both) = installation(&[WORKER_ABSENT, WORKER_WASM]);
        let choice = both.choose(&config(serde_json::json!({}))).unwrap();
        assert!(choice.executable.ends_with(WORKER_ABSENT));
        assert_eq!(choice.profile, EngineProfile { wasm: WasmLevel::Absent, jit: true });

        let (_folder, one) = installation(&[WORKER_WASM]);
        let choice = one.choose(&config(serde_json::json!({ "permissions": { "jit": "deny" } }))).unwrap();
        assert_eq!(choice.profile, EngineProfile { wasm: WasmLevel::Locked, jit: false });
    }

    #[test]
    fn what_is_not_installed_is_an_error_that_names_the_field() {
        let (_folder, one) = installation(&[WORKER_WASM]);
        let error = one
            .choose(&config(serde_json::json!({ "engine": { "webAssemblyDenial": "absent" } })))
            .unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.field.as_deref()),
            (code::NOT_INSTALLED, Some("engine.webAssemblyDenial"))
        );
        let (_folder, other) = installation(&[WORKER_ABSENT]);
        let allow = config(serde_json::json!({ "permissions": { "webAssembly": "allow" } }));
        assert_eq!(other.choose(&allow).unwrap_err().field.as_deref(), Some("permissions.webAssembly"));
    }
}
