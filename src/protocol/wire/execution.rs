//! What a call that runs guest code is given and what it gives back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::message::Bytes;

/// The codes of errors that cordon itself reports, in `ErrorData::code`. A guest's own error keeps its own code.
pub mod code {
    /// A `CreateVmConfig` is wrong; `ErrorData::field` says where.
    pub const CONFIG: &str = "ERR_CONFIG";
    /// A message does not belong to the protocol, or came at the wrong time.
    pub const PROTOCOL: &str = "ERR_PROTOCOL";
    /// The VM, context or call that a message names does not exist.
    pub const NOT_FOUND: &str = "ERR_NOT_FOUND";
    /// A limit was reached; `ErrorData::field` names it.
    pub const LIMIT: &str = "ERR_LIMIT";
    /// The VM's memory is used up.
    pub const OUT_OF_MEMORY: &str = "ERR_OUT_OF_MEMORY";
    /// The call took longer than it may.
    pub const TIMED_OUT: &str = "ERR_TIMED_OUT";
    /// The client cancelled the call.
    pub const CANCELLED: &str = "ERR_CANCELLED";
    /// The VM's process is gone; `ErrorData::details` says how.
    pub const WORKER_LOST: &str = "ERR_WORKER_LOST";
    /// The VM did not end a call that it was told to end, and was ended itself.
    pub const UNRESPONSIVE: &str = "ERR_UNRESPONSIVE";
    /// What a VM needs is not installed here; the message says how to get it.
    pub const NOT_INSTALLED: &str = "ERR_NOT_INSTALLED";
    /// The connection to the sidecar ended.
    pub const DISCONNECTED: &str = "ERR_DISCONNECTED";
    /// A server in the VM did not answer a request as HTTP has it, or not in time.
    pub const HTTP: &str = "ERR_HTTP";
    /// A program ended with an exit code other than 0, or by a signal.
    pub const EXIT: &str = "ERR_EXIT";
    /// Something that should not happen did; a defect of cordon.
    pub const INTERNAL: &str = "ERR_INTERNAL";
}

/// What is known of whether something has been begun, for whoever has to decide whether to ask for it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It was not begun: asking again does nothing twice.
    NotStarted,
    /// It was begun, and may have had effects.
    Ran,
    /// Whoever could say so is gone.
    Unknown,
}

/// An error as clients see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[error("{code}: {message}")]
pub struct ErrorData {
    /// A stable code: one of cordon's own, or the guest error's `code`, or the error's name.
    pub code: String,
    /// The error's name, as in JavaScript: `TypeError`.
    pub name: String,
    /// What happened.
    pub message: String,
    /// Whether guest code made it. Then everything else is what the guest chose to say, its code included.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub guest: bool,
    /// Where, for errors of guest code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub stack: Option<String>,
    /// What to do about it, where cordon knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hint: Option<String>,
    /// The configuration field that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub field: Option<String>,
    /// What is known of whether the request that it answers was begun, where the error alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub progress: Option<Progress>,
    /// More facts, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "Option<BTreeMap<String, String>>", optional))]
    pub details: BTreeMap<String, String>,
}

impl ErrorData {
    /// An error of cordon's own.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        ErrorData {
            code: code.to_owned(),
            name: "CordonError".to_owned(),
            message: message.into(),
            ..ErrorData::default()
        }
    }

    /// An error that a worker sends: what the supervisor alone can know, that a VM is gone, is a guest's word there.
    pub fn distrust(&mut self) {
        let of_the_supervisor = [code::WORKER_LOST, code::UNRESPONSIVE, code::DISCONNECTED];
        self.guest |= of_the_supervisor.contains(&self.code.as_str());
    }

    /// Names the configuration field that decided.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says whether the request that it answers was begun.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl ToString) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

impl From<crate::config::ConfigError> for ErrorData {
    fn from(error: crate::config::ConfigError) -> Self {
        ErrorData::new(code::CONFIG, error.to_string()).field(error.path)
    }
}

/// Where bytes of `output` come from: one of a program's output streams, a file, a terminal, or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file's contents, for `readFile`.
    File,
    /// What a terminal shows, for `attachTerminal`.
    Terminal,
    /// What a server sends, for `connect`.
    Connection,
}

/// What becomes of a call's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Capture {
    /// It is in the result, up to `limits.outputBytes` a stream.
    #[default]
    All,
    /// It is sent while it is written, as `output` messages under the client's credit.
    Stream,
    /// It is thrown away.
    None,
}

/// The language of a source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// ECMAScript.
    #[default]
    Javascript,
    /// TypeScript; its types are stripped, not checked.
    Typescript,
}

/// How a source text is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// As an ES module of its own.
    Module,
    /// As a script: its top-level declarations stay in the context.
    Script,
    /// As a CommonJS module of its own: with `require`, `module`, `exports`, `__filename` and `__dirname`.
    CommonJs,
}

/// What every call that runs something can be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ExecutionOptions {
    /// Arguments, without the program's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Vec<String>>", optional))]
    pub args: Vec<String>,
    /// Environment variables, over the VM's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "Option<BTreeMap<String, String>>", optional))]
    pub env: BTreeMap<String, String>,
    /// The directory to start in; the VM's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub cwd: Option<String>,
    /// Standard input, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub stdin: Option<Bytes>,
    /// Whether more standard input follows in `input` messages.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub stream_stdin: bool,
    /// Whether to tell, in `started`, the process id of a program. Who does not need it saves a message.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub report_pid: bool,
    /// The longest it may take, in milliseconds; `limits.wallTimeMs` when left out or longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional, type = "number"))]
    pub timeout_ms: Option<u64>,
    /// What becomes of the output.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Capture>", optional))]
    pub capture: Capture,
}

/// What a call that runs a source text can be given besides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct EvaluateOptions {
    /// A context made by `createContext`; a fresh one when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional, type = "number"))]
    pub context: Option<u64>,
    /// The language of the source.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Language>", optional))]
    pub language: Language,
    /// How it is run: a module, or in a context a script, when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub format: Option<SourceFormat>,
    /// The path under which the source is known to imports and stack traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub file_path: Option<String>,
    /// Globals to define before it runs, each a JSON text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "Option<BTreeMap<String, String>>", optional))]
    pub inputs: BTreeMap<String, String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran to its end; a program's exit code is 0.
    Succeeded,
    /// It threw, or exited with another code, or was killed.
    Failed,
    /// The client cancelled it.
    Cancelled,
    /// It took longer than it may.
    TimedOut,
}

/// What a call that ran something gives back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecutionResult {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it was begun; one that was cancelled or late may have waited for others all its time.
    pub progress: Progress,
    /// The value of an evaluation, a JSON text; none for `undefined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub value: Option<String>,
    /// The exit code, unless a signal ended the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub exit_code: Option<i32>,
    /// The name of the signal that ended the program: `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub signal: Option<String>,
    /// Captured standard output.
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Bytes>", optional))]
    pub stdout: Bytes,
    /// Captured standard error.
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Bytes>", optional))]
    pub stderr: Bytes,
    /// Whether standard output was cut off at `limits.outputBytes`.
    #[serde(default, skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub stdout_truncated: bool,
    /// Whether standard error was cut off at `limits.outputBytes`.
    #[serde(default, skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub stderr_truncated: bool,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub error: Option<ErrorData>,
}
