//! What a client may say about a VM: `CreateVmConfig` and its parts, how they are read and what is wrong with them.
//!
//! Owns names, defaults, shapes and the rules between fields. It must not know the kernel, an engine or a process: a
//! configuration is data, and reading one has no effect.

mod bounds;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod limits;
mod mount;
mod network;
mod outward;
mod permissions;
#[cfg(feature = "schema")]
mod schema;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bounds::MOUNTS as MOUNTS_MAX;
pub use limits::{Limits, NetworkLimits};
pub use mount::Mount;
pub use network::{
    HttpMethod, HttpScheme, NetworkOperation, NetworkRule, NetworkRules, NetworkScope, PortRange,
};
pub use outward::{NetworkConfig, Secret, SecretPlace, SecretValue, check_for_secrets};
pub use permissions::{
    Access, PathRule, PathRules, PathScope, PatternRule, PatternRules, PatternScope, Permissions,
};

/// Which globals a VM's JavaScript finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Node's own standard library, over the VM's files and processes.
    #[default]
    Node,
    /// What browsers have of the web's interfaces without a document, and packages as they are built for browsers.
    Browser,
    /// Console, timers, URL, text codecs and what else is neither Node's nor a browser's.
    Neutral,
    /// ECMAScript and nothing else.
    Bare,
}

impl Platform {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Browser => "browser",
            Platform::Neutral => "neutral",
            Platform::Bare => "bare",
            Platform::Node => "node",
        }
    }
}

/// What guest code can learn from clocks and shared memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TimingMitigation {
    /// Every time is told in whole milliseconds and moves only by what comes from outside; guest code gets no buffer of
    /// shared memory.
    #[default]
    Freeze,
    /// Clocks run and `SharedArrayBuffer` is there.
    Off,
}

/// How thoroughly denied WebAssembly has to be gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebAssemblyDenial {
    /// V8 may contain WebAssembly as long as guest code cannot reach it.
    #[default]
    Locked,
    /// V8 must have been built without it.
    Absent,
}

/// Whose addresses a VM's process has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Those of the template that it was forked from, which other VMs share; a VM starts in a millisecond or two.
    #[default]
    Shared,
    /// Its own: the process is executed, not forked.
    Own,
}

/// What has to keep a VM's process in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Enclosure {
    /// What this host offers.
    Any,
    /// The system call filter, no new privileges, and a user and a mount namespace or Landlock.
    #[default]
    Strong,
    /// Every layer, and each of them whole.
    Full,
}

/// What the VM's engine, and the process that it runs in, have to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct EngineRequirements {
    /// The least that `permissions.webAssembly: "deny"` must mean; the strongest that is installed is always used.
    pub web_assembly_denial: WebAssemblyDenial,
    /// Whose address layout and hash seeds the VM's process has.
    pub layout: Layout,
    /// What must keep the VM's process in; a VM that cannot have it is not created.
    pub enclosure: Enclosure,
}

/// Everything that a client can decide about a VM. Fields that are left out keep their defaults, which deny what
/// reaches outside the VM or widens its attack surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CreateVmConfig {
    /// Which globals JavaScript finds.
    pub platform: Platform,
    /// What the VM may do.
    pub permissions: Permissions,
    /// What it can learn from clocks and shared memory.
    pub timing_mitigation: TimingMitigation,
    /// What its engine has to be.
    pub engine: EngineRequirements,
    /// Environment variables, over the VM's own (`HOME`, `LANG`, `PATH`, `PWD`, `TMPDIR`, `USER`).
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::environment"))]
    pub env: BTreeMap<String, String>,
    /// The directory that programs start in; made if it does not exist.
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::guest_path"))]
    pub cwd: String,
    /// Host directories to show in the VM.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MOUNTS }>")]
    #[cfg_attr(feature = "schema", schemars(length(max = bounds::MOUNTS)))]
    pub mounts: Vec<Mount>,
    /// Host directories whose modules are commands of the VM, `tool.wasm` as `/bin/tool`. Trusted as the installation is:
    /// what lies there is compiled by the supervisor.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::COMMAND_DIRECTORIES }>")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::command_directories"))]
    pub command_directories: Vec<String>,
    /// Names of host functions that the client serves, `name` or `collection.name`.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::HOST_FUNCTIONS }>")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::host_functions"))]
    pub host_functions: Vec<String>,
    /// What is done for the VM on its way out, of what `permissions.network` allows.
    pub network: NetworkConfig,
    /// Ceilings on what the VM may use.
    pub limits: Limits,
}

impl Default for CreateVmConfig {
    fn default() -> Self {
        CreateVmConfig {
            platform: Platform::default(),
            permissions: Permissions::default(),
            timing_mitigation: TimingMitigation::default(),
            engine: EngineRequirements::default(),
            env: BTreeMap::new(),
            cwd: "/workspace".to_owned(),
            mounts: Vec::new(),
            command_directories: Vec::new(),
            host_functions: Vec::new(),
            network: NetworkConfig::default(),
            limits: Limits::default(),
        }
    }
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration: {path}: {message}")]
pub struct ConfigError {
    /// The field, as a path from the top of the configuration: `permissions.webAssembly`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl ConfigError {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { path: path.into(), message: message.into() }
    }
}

impl CreateVmConfig {
    /// Reads a configuration from its JSON form and checks it whole.
    ///
    /// # Errors
    /// An unknown field, a wrong type, an unknown value or a contradiction between fields, with the path.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, ConfigError> {
        let config: CreateVmConfig = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = match error.path().to_string() {
                // A field without a name has no path either.
                top if top == "." || top.is_empty() => "(top)".to_owned(),
                path => path,
            };
            ConfigError::new(path, error.inner().to_string())
        })?;
        let read =
            serde_json::to_value(&config).map_err(|error| ConfigError::new("(top)", error.to_string()))?;
        refuse_lists_for_objects(value, &read, "")?;
        config.check()?;
        Ok(config)
    }

    /// Checks the rules between fields.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self) -> Result<(), ConfigError> {
        let permissions = &self.permissions;
        if permissions.jit == Access::Deny && permissions.web_assembly == Access::Allow {
            return Err(ConfigError::new(
                "permissions.webAssembly",
                "\"allow\" cannot be combined with permissions.jit: \"deny\": without just-in-time compilation V8 \
                 has no WebAssembly; set permissions.jit to \"allow\" or permissions.webAssembly to \"deny\"",
            ));
        }
        if permissions.web_assembly == Access::Allow
            && self.engine.web_assembly_denial == WebAssemblyDenial::Absent
        {
            return Err(ConfigError::new(
                "engine.webAssemblyDenial",
                "\"absent\" contradicts permissions.webAssembly: \"allow\"",
            ));
        }
        permissions.check()?;
        mount::check(&self.mounts)?;
        if self.command_directories.len() > bounds::COMMAND_DIRECTORIES {
            let text = format!("more than {}", bounds::COMMAND_DIRECTORIES);
            return Err(ConfigError::new("commandDirectories", text));
        }
        for (index, directory) in self.command_directories.iter().enumerate() {
            if !directory.starts_with('/') || directory.contains('\0') {
                let text = format!("{directory:?} is not an absolute path");
                return Err(ConfigError::new(format!("commandDirectories[{index}]"), text));
            }
        }
        absolute_path("cwd", &self.cwd)?;
        let mut bytes = 0;
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(ConfigError::new(
                    format!("env.{name}"),
                    "a name is not empty and has no '=' or NUL; a value has no NUL",
                ));
            }
            bytes += name.len() + value.len() + 2;
        }
        if bytes > bounds::ENVIRONMENT_BYTES {
            return Err(ConfigError::new("env", format!("more than {} bytes", bounds::ENVIRONMENT_BYTES)));
        }
        if self.host_functions.len() > bounds::HOST_FUNCTIONS {
            return Err(ConfigError::new("hostFunctions", format!("more than {}", bounds::HOST_FUNCTIONS)));
        }
        for (index, name) in self.host_functions.iter().enumerate() {
            if !host_function_name(name) || self.host_functions[..index].contains(name) {
                return Err(ConfigError::new(
                    format!("hostFunctions[{index}]"),
                    format!(
                        "{name:?} is not a name (letters, digits, '_' and '$', at most one '.') or is given twice"
                    ),
                ));
            }
        }
        self.network.check(&self.permissions.network, |name| self.env.contains_key(name))?;
        self.limits.check()
    }
}

/// serde takes a list for a struct, field by field in their order; a configuration has to name its fields.
fn refuse_lists_for_objects(
    given: &serde_json::Value,
    read: &serde_json::Value,
    path: &str,
) -> Result<(), ConfigError> {
    use serde_json::Value;
    match (given, read) {
        (Value::Array(_), Value::Object(_)) => {
            let path = if path.is_empty() { "(top)" } else { path };
            Err(ConfigError::new(path, "invalid type: sequence, expected an object"))
        }
        (Value::Array(given), Value::Array(read)) => {
            given.iter().zip(read).enumerate().try_for_each(|(index, (given, read))| {
                refuse_lists_for_objects(given, read, &format!("{path}[{index}]"))
            })
        }
        (Value::Object(given), Value::Object(read)) => given.iter().try_for_each(|(key, given)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            read.get(key).map_or(Ok(()), |read| refuse_lists_for_objects(given, read, &path))
        }),
        _ => Ok(()),
    }
}

/// `name` or `collection.name`, each an ASCII JavaScript identifier of bounded length.
fn host_function_name(name: &str) -> bool {
    let identifier = |part: &str| {
        !part.is_empty()
            && part.len() <= bounds::HOST_FUNCTION_PART_BYTES
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
            && part != "__proto__"
    };
    let mut parts = name.split('.');
    parts.next().is_some_and(identifier) && parts.next().is_none_or(identifier) && parts.next().is_none()
}

/// An absolute guest path without `.`, `..`, empty parts or NUL.
fn absolute_path(field: &str, path: &str) -> Result<(), ConfigError> {
    let wrong = |message: &str| Err(ConfigError::new(field, format!("{path:?} {message}")));
    if path.len() > bounds::PATH_BYTES {
        return wrong(&format!("is longer than {} bytes", bounds::PATH_BYTES));
    }
    let Some(rest) = path.strip_prefix('/') else { return wrong("is not an absolute path") };
    if path != "/" && rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return wrong("has an empty, '.' or '..' part");
    }
    if path.contains('\0') {
        return wrong("has a NUL");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(value: serde_json::Value) -> ConfigError {
        CreateVmConfig::from_json(&value).expect_err("must be refused")
    }

    #[test]
    fn defaults_deny_what_reaches_outside_or_widens_the_attack_surface() {
        let config = CreateVmConfig::from_json(&json!({})).unwrap();
        assert_eq!(config, CreateVmConfig::default());
        let p = config.permissions;
        assert_eq!(p.web_assembly, Access::Deny);
        assert_eq!(p.network, NetworkScope::Access(Access::Deny));
        assert_eq!(p.jit, Access::Allow);
        assert_eq!(p.fs, PathScope::Access(Access::Allow));
        assert_eq!(config.timing_mitigation, TimingMitigation::Freeze);
        assert!(config.mounts.is_empty() && config.host_functions.is_empty());
    }

    #[test]
    fn a_wrong_web_assembly_value_names_its_path() {
        for value in [json!("maybe"), json!(true), json!(null), json!({}), json!(["allow"]), json!(1)] {
            let wrong = error(json!({ "permissions": { "webAssembly": value } }));
            assert_eq!(wrong.path, "permissions.webAssembly", "{wrong}");
            assert!(wrong.message.contains("\"allow\" or \"deny\""), "{wrong}");
        }
    }

    #[test]
    fn jit_denied_with_wasm_allowed_names_both() {
        let wrong = error(json!({ "permissions": { "webAssembly": "allow", "jit": "deny" } }));
        assert_eq!(wrong.path, "permissions.webAssembly");
        assert!(wrong.message.contains("permissions.jit"));
    }

    #[test]
    fn unknown_fields_are_refused_at_every_depth() {
        assert!(error(json!({ "permision": {} })).message.contains("permision"));
        assert_eq!(error(json!({ "": {} })).path, "(top)");
        let wrong = error(json!({ "permissions": { "web_assembly": "allow" } }));
        assert!(wrong.path.starts_with("permissions"), "{wrong}");
        assert!(wrong.message.contains("web_assembly"), "{wrong}");
        let wrong = error(json!({ "permissions": { "fs": { "rules": [{ "mode": "deny", "path": [] }] } } }));
        assert!(wrong.path.starts_with("permissions.fs.rules[0]"), "{wrong}");
    }

    #[test]
    fn names_of_host_functions_are_identifiers() {
        for bad in ["", ".", "a.", ".a", "a.b.c", "1a", "a-b", "__proto__", "a.__proto__"] {
            assert_eq!(error(json!({ "hostFunctions": [bad] })).path, "hostFunctions[0]", "{bad}");
        }
        assert_eq!(error(json!({ "hostFunctions": ["a", "a"] })).path, "hostFunctions[1]");
        CreateVmConfig::from_json(&json!({ "hostFunctions": ["orders.list", "$now"] })).unwrap();
    }

    #[test]
    fn limits_outside_their_range_name_the_field() {
        let wrong = error(json!({ "limits": { "memoryBytes": 1024 } }));
        assert_eq!(wrong.path, "limits.memoryBytes");
        let wrong = error(json!({ "limits": { "heapBytes": -1 } }));
        assert_eq!(wrong.path, "limits.heapBytes");
    }

    proptest::proptest! {
        #[test]
        fn a_configuration_survives_its_own_json(
            wasm: bool, jit: bool, freeze: bool, env in proptest::collection::btree_map("[A-Z]{1,8}", ".{0,20}", 0..4)
        ) {
            let mut config = CreateVmConfig { env, ..CreateVmConfig::default() };
            config.env.retain(|_, value| !value.contains('\0'));
            config.permissions.jit = if jit || wasm { Access::Allow } else { Access::Deny };
            config.permissions.web_assembly = if wasm { Access::Allow } else { Access::Deny };
            config.timing_mitigation = if freeze { TimingMitigation::Freeze } else { TimingMitigation::Off };
            let json = serde_json::to_value(&config).unwrap();
            proptest::prop_assert_eq!(CreateVmConfig::from_json(&json).unwrap(), config);
        }
    }
}
