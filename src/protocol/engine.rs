//! Which engine a VM gets, and what is known of it: the profile that a worker is started with and the report that is
//! read from the engine before the first byte of guest code.
//!
//! Data only: the supervisor reads it without linking an engine.

use serde::{Deserialize, Serialize};

use crate::config::Platform;

/// What has become of WebAssembly in a VM's JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WasmLevel {
    /// V8 was built without it: there is no decoder and no compiler to reach.
    Absent,
    /// V8 contains it, but no context ever shows it and no code is generated for it.
    Locked,
    /// Guest code has it.
    Allowed,
}

/// What is fixed before V8 starts, because its flags are process-wide and its build options are the archive's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineProfile {
    /// WebAssembly: what is asked for at least. A V8 without it reports `absent` where `locked` was asked.
    pub wasm: WasmLevel,
    /// Whether V8 may compile to machine code at run time.
    pub jit: bool,
}

/// Facts about the engines of one VM, each of them read from the engine itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EngineReport {
    /// V8's version.
    pub v8: String,
    /// Wasmtime's version, the runtime of commands.
    pub wasmtime: String,
    /// What has become of WebAssembly.
    pub wasm: WasmLevel,
    /// Whether V8 compiles to machine code at run time.
    pub jit: bool,
    /// Whether V8's in-process sandbox is compiled in and set up.
    pub sandbox: bool,
    /// Whether V8 compresses its pointers.
    pub pointer_compression: bool,
    /// What the worker was asked for.
    pub profile: EngineProfile,
    /// Which globals guest code finds.
    pub platform: Platform,
}
