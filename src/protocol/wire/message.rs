//! The messages of the protocol.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decision::{DecisionBatch, DecisionWatch, NetworkUsage};
use super::execution::{ErrorData, EvaluateOptions, ExecutionOptions, ExecutionResult, OutputStream};
use crate::config::Mount;
use crate::engine::EngineReport;

/// Bytes as MessagePack's `bin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

impl Bytes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As text; what is no UTF-8 becomes U+FFFD.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl<T: Into<Vec<u8>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Bytes(bytes.into())
    }
}

#[cfg(feature = "schema")]
impl ts_rs::TS for Bytes {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;
    fn name(_: &ts_rs::Config) -> String {
        "Uint8Array".to_owned()
    }
    fn inline(config: &ts_rs::Config) -> String {
        Self::name(config)
    }
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ClientMessage {
    /// The first message of a connection.
    Hello {
        /// [`super::PROTOCOL_VERSION`].
        protocol: u32,
        /// Name and version of the client, for logs.
        client: String,
    },
    /// Asks for something; answered by exactly one `response`.
    Request {
        /// Chosen by the client, not in use by another request of the connection.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// What is asked for.
        body: Request,
    },
    /// Ends a request early; it is still answered.
    Cancel {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
    },
    /// More standard input for a request that has `streamStdin`, or contents for one that has `streamData`.
    Input {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// The bytes.
        data: Bytes,
        /// Whether they are the last.
        #[serde(default)]
        end: bool,
    },
    /// Allows so many more bytes of `output` for a request that streams or reads a file.
    Credit {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// How many more.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        bytes: u64,
    },
    /// Answers a `hostCall`.
    HostResult {
        /// The call's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        call: u64,
        /// How it went.
        outcome: HostCallOutcome,
    },
}

/// How a host function ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum HostCallOutcome {
    /// With a result.
    Returned {
        /// A JSON text.
        output: String,
    },
    /// With an error.
    Threw {
        /// Its message, shown to the guest.
        message: String,
    },
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// A new VM; answered by `vmCreated`.
    CreateVm {
        /// A `CreateVmConfig`; read by the sidecar so that what is wrong has a path.
        #[cfg_attr(feature = "schema", ts(type = "JsonValue"))]
        config: serde_json::Value,
    },
    /// Ends a VM with all that runs in it; answered by `done`.
    DisposeVm {
        /// The VM's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
    },
    /// Shows a host directory in a VM; answered by `vm` with `done`.
    Mount {
        /// The VM's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
        /// What, and where.
        mount: Mount,
    },
    /// Takes a mount away; answered by `vm` with `done`.
    Unmount {
        /// The VM's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
        /// The mount's path in the VM.
        guest: String,
    },
    /// Something that the VM itself does; answered by `vm`.
    Vm {
        /// The VM's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
        /// What.
        request: VmRequest,
    },
}

/// What a VM can be asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum VmRequest {
    /// The value of an expression; answered by `executed`.
    Evaluate {
        /// The expression.
        source: String,
        /// How its text is taken.
        #[serde(default)]
        evaluate: EvaluateOptions,
        /// How it is run.
        #[serde(default)]
        options: ExecutionOptions,
    },
    /// Runs a source text for its effects; answered by `executed`.
    Execute {
        /// The text.
        source: String,
        /// How it is taken.
        #[serde(default)]
        evaluate: EvaluateOptions,
        /// How it is run.
        #[serde(default)]
        options: ExecutionOptions,
    },
    /// Runs a JavaScript or TypeScript file of the VM; answered by `executed`.
    ExecuteFile {
        /// Its path.
        path: String,
        /// How it is run.
        #[serde(default)]
        options: ExecutionOptions,
    },
    /// Runs a command; answered by `executed`, after `started` if that was asked for.
    Spawn {
        /// A name looked up in `PATH`, or a path.
        command: String,
        /// How it is run.
        #[serde(default)]
        options: ExecutionOptions,
    },
    /// Starts a command at a terminal of its own, which it leads a session at; answered by `terminal`. It is there until it
    /// is closed, whether anybody is attached to it or not, and longer than a call may take.
    OpenTerminal {
        /// How many characters it shows.
        size: TerminalSize,
        /// A name looked up in `PATH`, or a path; `sh` when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        command: Option<String>,
        /// Arguments, without the command's name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "schema", ts(as = "Option<Vec<String>>", optional))]
        args: Vec<String>,
        /// Environment variables, over the VM's. `TERM` is `xterm-256color` unless either says otherwise.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "schema", ts(as = "Option<BTreeMap<String, String>>", optional))]
        env: BTreeMap<String, String>,
        /// The directory to start in; the VM's when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        cwd: Option<String>,
    },
    /// Shows a terminal: what is kept of what it has shown, and all that follows, comes in `output` messages under the
    /// client's credit, and what is typed goes in `input` messages. Answered by `executed` once the command has ended and
    /// all was shown; cancelling leaves the terminal as it is.
    AttachTerminal {
        /// The terminal's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        terminal: u64,
    },
    /// A terminal shows so many characters from now on; answered by `done`.
    ResizeTerminal {
        /// The terminal's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        terminal: u64,
        /// How many.
        size: TerminalSize,
    },
    /// Hangs up: `SIGHUP` goes to the session, and what is left of it soon after is killed. Answered by `done` when its
    /// command has ended; there is no such terminal from then on.
    CloseTerminal {
        /// The terminal's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        terminal: u64,
    },
    /// Connects to a server that listens on the VM's own loopback, by TCP; no permission of the guest's is asked. A
    /// `connection` message says when it is there. From then on what the server sends comes in `output` messages under the
    /// client's credit, and what is sent to it goes in `input` messages, whose last ends that direction. Answered by `done`
    /// once both directions have ended; cancelling resets the connection.
    Connect {
        /// The port.
        port: u16,
        /// How long to wait for somebody to listen there, in milliseconds, at most [`super::CONNECT_WAIT_MS_MAX`]; not at
        /// all when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional, type = "number"))]
        wait_ms: Option<u64>,
    },
    /// Sends a signal to a process of the VM; answered by `done`.
    Kill {
        /// The process id.
        pid: u32,
        /// The signal's name: `SIGTERM`.
        signal: String,
    },
    /// The processes of the VM; answered by `processes`.
    ListProcesses {},
    /// A context that keeps JavaScript state between calls; answered by `context`.
    CreateContext {},
    /// Clears a context's state; answered by `done`.
    ResetContext {
        /// The context's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        context: u64,
    },
    /// Ends a context; answered by `done`.
    DisposeContext {
        /// The context's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        context: u64,
    },
    /// A file's contents; answered by `data` with the last piece of them, after `output` messages with those before
    /// it if there is more than one.
    ReadFile {
        /// Its path.
        path: String,
        /// The most bytes to read; a longer file is an error. Left out: `limits.filesystemBytes` for a file of the VM,
        /// [`super::READ_FILE_BYTES_MAX`] for one of a mount.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional, type = "number"))]
        max_bytes: Option<u64>,
    },
    /// Writes a file anew; answered by `done`. One that fails or is cancelled leaves it empty.
    WriteFile {
        /// Its path.
        path: String,
        /// Its new contents, or their beginning.
        data: Bytes,
        /// Whether more of them follows in `input` messages.
        #[serde(default, skip_serializing_if = "is_false")]
        #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
        stream_data: bool,
    },
    /// What is known of a file; answered by `status`.
    Stat {
        /// Its path.
        path: String,
        /// Whether a symbolic link is followed.
        #[serde(default = "yes")]
        #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
        follow: bool,
    },
    /// A directory's entries; answered by `entries`.
    List {
        /// Its path.
        path: String,
    },
    /// Makes a directory; answered by `done`.
    Mkdir {
        /// Its path.
        path: String,
        /// Whether missing parents are made, and an existing directory is fine.
        #[serde(default)]
        #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
        recursive: bool,
    },
    /// Removes a file or directory; answered by `done`.
    Remove {
        /// Its path.
        path: String,
        /// Whether a directory goes with all that is in it.
        #[serde(default)]
        #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
        recursive: bool,
    },
    /// Gives a file another name; answered by `done`.
    Rename {
        /// The old path.
        source: String,
        /// The new one.
        target: String,
    },
    /// Says which decisions over permissions are kept to be told; answered by `done`. None are unless this asks for them.
    WatchDecisions {
        /// Which.
        watch: DecisionWatch,
    },
    /// The decisions since the last were told; answered by `decisions`, which are told once. While decisions are watched,
    /// one that waits is answered once there is something to tell, or another asks for what there is, or no more are kept.
    TakeDecisions {
        /// Whether to wait until there is something; if not, what was decided before this is told.
        #[serde(default, skip_serializing_if = "is_false")]
        #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
        wait: bool,
    },
    /// Puts other rules in the place of `permissions.network`; answered by `done` once they hold and connections that they
    /// do not allow have been ended. Rules that are wrong change nothing.
    SetNetwork {
        /// A `NetworkScope`; read by the sidecar so that what is wrong has a path.
        #[cfg_attr(feature = "schema", ts(type = "NetworkScope"))]
        network: serde_json::Value,
    },
    /// What the VM has had of the network; answered by `networkUsage`.
    NetworkUsage {},
    /// What runs the VM; answered by `engine`.
    EngineReport {},
}

impl VmRequest {
    /// How it is run, if it runs something.
    pub fn execution(&self) -> Option<&ExecutionOptions> {
        match self {
            VmRequest::Evaluate { options, .. }
            | VmRequest::Execute { options, .. }
            | VmRequest::ExecuteFile { options, .. }
            | VmRequest::Spawn { options, .. } => Some(options),
            _ => None,
        }
    }
}

/// How many characters a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerminalSize {
    /// In a row.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// How far a connection to a server in a VM has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// It is there.
    Open,
    /// The server sends no more. It may still take what is sent to it.
    Ended,
}

/// What reaches a request that is under way: between a sidecar and a VM one message, whatever it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub enum RequestUpdate {
    /// `cancel`.
    Cancel {},
    /// `input`.
    Input {
        /// The bytes.
        data: Bytes,
        /// Whether they are the last.
        end: bool,
    },
    /// `credit`.
    Credit {
        /// How many bytes more.
        bytes: u64,
    },
}

fn yes() -> bool {
    true
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What a sidecar sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ServerMessage {
    /// The answer to `hello`.
    Welcome {
        /// The sidecar's protocol version.
        protocol: u32,
        /// The sidecar's own version.
        version: String,
        /// The longest frame that it reads.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        frame_bytes_max: u64,
    },
    /// The answer to a request.
    Response {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// What was asked for.
        body: Response,
    },
    /// A request's program has started, as `reportPid` has asked to be told.
    Started {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// The process id in the VM.
        pid: u32,
    },
    /// Output of a request that streams, or a piece of a file that is read.
    Output {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// Which stream.
        stream: OutputStream,
        /// The bytes.
        data: Bytes,
    },
    /// A connection to a server in the VM has come so far.
    Connection {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// How far.
        state: ConnectionState,
    },
    /// So many bytes of `input` were taken; as many more may be sent.
    InputTaken {
        /// The request's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        id: u64,
        /// How many.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        bytes: u64,
    },
    /// Guest code calls a host function; answered by `hostResult`.
    HostCall {
        /// Chosen by the sidecar.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        call: u64,
        /// The VM's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
        /// The function's.
        name: String,
        /// A JSON text.
        input: String,
    },
    /// A VM ended by itself; requests in it have been answered.
    VmLost {
        /// The VM's.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
        /// Why.
        error: ErrorData,
    },
    /// The connection ends because of this.
    Fatal {
        /// Why.
        error: ErrorData,
    },
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Response {
    /// It could not be done.
    Error {
        /// Why.
        error: ErrorData,
    },
    /// It is done.
    Done {},
    /// A VM is there.
    VmCreated {
        /// Its id in this connection.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        vm: u64,
        /// What runs it.
        engine: EngineReport,
    },
    /// What the VM answers.
    Vm {
        /// The answer.
        response: VmResponse,
    },
}

/// What a VM answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum VmResponse {
    /// It is done.
    Done {},
    /// A call ran.
    Executed {
        /// How.
        result: ExecutionResult,
    },
    /// A context is there.
    Context {
        /// Its id in the VM.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        context: u64,
    },
    /// A file's contents.
    Data {
        /// The bytes; the last of them if `output` messages came before.
        data: Bytes,
    },
    /// What is known of a file.
    Status {
        /// It.
        status: FileStatus,
    },
    /// A directory's entries, sorted by name.
    Entries {
        /// They.
        entries: Vec<DirectoryEntry>,
    },
    /// What runs the VM.
    Engine {
        /// It.
        engine: EngineReport,
    },
    /// A terminal is there.
    Terminal {
        /// Its number in the VM.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        terminal: u64,
        /// The process id of its command.
        pid: u32,
    },
    /// The VM's processes, by id.
    Processes {
        /// They.
        processes: Vec<ProcessStatus>,
    },
    /// Decisions over permissions.
    Decisions {
        /// They.
        batch: DecisionBatch,
    },
    /// What the VM has had of the network.
    NetworkUsage {
        /// It.
        usage: NetworkUsage,
    },
}

/// What a process of a VM is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    /// It runs, or waits for something.
    Running,
    /// A signal has stopped it.
    Stopped,
    /// It has ended, and its parent has not waited for it.
    Zombie,
}

/// The most bytes of a process's arguments that are told.
pub const PROCESS_ARGUMENT_BYTES: usize = 1024;

/// A process of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessStatus {
    /// Its id in the VM.
    pub pid: u32,
    /// Its parent's id; 1 once that has ended, and for what a client has started.
    pub parent: u32,
    /// What it is doing.
    pub state: ProcessState,
    /// Its arguments, its own name first; cut off after 1024 bytes in all.
    pub arguments: Vec<String>,
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device.
    Device,
    /// A pipe.
    Pipe,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileStatus {
    /// What it is.
    pub kind: FileKind,
    /// Bytes of contents.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Names it has.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub links: u64,
    /// Its identity in the VM.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub inode: u64,
    /// Last change of the contents, milliseconds since the Unix epoch.
    pub modified_ms: f64,
    /// Last access, likewise.
    pub accessed_ms: f64,
    /// Last change of what is known of it, likewise.
    pub changed_ms: f64,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryEntry {
    /// The name.
    pub name: String,
    /// What it stands for.
    pub kind: FileKind,
}
