//! A VM as a client sees it.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Error;
use super::call::Call;
use super::connection::{Connection, unexpected};
use super::decisions::Decisions;
use super::file::{self, FileReader, FileWriter};
use super::guest_connection::GuestConnection;
use super::terminal::{Terminal, TerminalOptions};
use protocol::config::{Mount, NetworkScope};
use protocol::engine::EngineReport;
use protocol::wire::{
    DecisionWatch, DirectoryEntry, EvaluateOptions, ExecutionOptions, ExecutionResult, FileStatus, Language,
    NetworkUsage, ProcessStatus, Request, Response, SourceFormat, VmRequest, VmResponse, code,
};

/// A VM. It ends when this is dropped.
pub struct Vm {
    connection: Arc<Connection>,
    id: u64,
    engine: EngineReport,
}

/// How a source text is taken and run.
#[derive(Clone, Debug, Default)]
pub struct Execute {
    /// How it is taken.
    pub evaluate: EvaluateOptions,
    /// How it is run.
    pub options: ExecutionOptions,
}

macro_rules! ask {
    ($vm:expr, $request:expr, $pattern:pat => $value:expr) => {
        match $vm.ask($request).await? {
            $pattern => Ok($value),
            other => Err(unexpected(&Response::Vm { response: other })),
        }
    };
}

impl Vm {
    pub(super) fn new(connection: Arc<Connection>, id: u64, engine: EngineReport) -> Self {
        Vm { connection, id, engine }
    }

    /// What runs the VM, as it was when it was created.
    pub fn engine(&self) -> &EngineReport {
        &self.engine
    }

    /// Asks the VM itself what runs it.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn engine_report(&self) -> Result<EngineReport, Error> {
        ask!(self, VmRequest::EngineReport {}, VmResponse::Engine { engine } => engine)
    }

    /// The value of an expression in a fresh context.
    ///
    /// # Errors
    /// What the guest threw, or why it did not come to a value of this type.
    pub async fn evaluate<T: DeserializeOwned>(&self, source: &str) -> Result<T, Error> {
        value(self.evaluate_with(source, Execute::default()).await?)
    }

    /// Evaluates an expression, and tells all about it.
    ///
    /// # Errors
    /// The call could not be made, or the VM or the connection ended. What the guest threw is in the result.
    pub async fn evaluate_with(&self, source: &str, execute: Execute) -> Result<ExecutionResult, Error> {
        let Execute { evaluate, options } = execute;
        self.start(VmRequest::Evaluate { source: source.to_owned(), evaluate, options })?.result().await
    }

    /// Runs a source text for its effects.
    ///
    /// # Errors
    /// The call could not be made, or the VM or the connection ended. What the guest threw is in the result.
    pub async fn execute(&self, source: &str, execute: Execute) -> Result<ExecutionResult, Error> {
        let Execute { evaluate, options } = execute;
        self.start(VmRequest::Execute { source: source.to_owned(), evaluate, options })?.result().await
    }

    /// Runs a JavaScript or TypeScript file of the VM.
    ///
    /// # Errors
    /// The call could not be made, or the VM or the connection ended. What the guest threw is in the result.
    pub async fn execute_file(
        &self,
        path: &str,
        options: ExecutionOptions,
    ) -> Result<ExecutionResult, Error> {
        self.start(VmRequest::ExecuteFile { path: path.to_owned(), options })?.result().await
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// It could not be started, or the VM or the connection ended. A bad exit code is in the result.
    pub async fn spawn(
        &self,
        command: &str,
        args: &[&str],
        options: ExecutionOptions,
    ) -> Result<ExecutionResult, Error> {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let options = ExecutionOptions { args, ..options };
        self.start(VmRequest::Spawn { command: command.to_owned(), options })?.result().await
    }

    /// Runs a line of the shell to its end: `sh -c LINE`.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub async fn exec(&self, line: &str, options: ExecutionOptions) -> Result<ExecutionResult, Error> {
        self.spawn("sh", &["-c", line], options).await
    }

    /// Starts a source text as a program of its own, `node`, whose streams the caller wants to handle; on the platform
    /// `node`. `source.format` is a module's when left out; `options.args` are the program's arguments.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_javascript(
        &self,
        source: &str,
        evaluate: &EvaluateOptions,
        options: ExecutionOptions,
    ) -> Result<Call, Error> {
        let format = match evaluate.format {
            None | Some(SourceFormat::Module) => "module",
            Some(SourceFormat::CommonJs | SourceFormat::Script) => "commonjs",
        };
        let language = match evaluate.language {
            Language::Javascript => "",
            Language::Typescript => "-typescript",
        };
        let kind = format!("--input-type={format}{language}");
        let own = [kind, "--eval".to_owned(), source.to_owned(), "--".to_owned()];
        let args = own.into_iter().chain(options.args).collect();
        let options = ExecutionOptions { args, ..options };
        self.start(VmRequest::Spawn { command: "node".to_owned(), options })
    }

    /// Starts a JavaScript or TypeScript file of the VM as a program of its own, likewise.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_javascript_file(&self, path: &str, options: ExecutionOptions) -> Result<Call, Error> {
        let args = std::iter::once(path.to_owned()).chain(options.args).collect();
        let options = ExecutionOptions { args, ..options };
        self.start(VmRequest::Spawn { command: "node".to_owned(), options })
    }

    /// The processes of the VM, by id.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn processes(&self) -> Result<Vec<ProcessStatus>, Error> {
        ask!(self, VmRequest::ListProcesses {}, VmResponse::Processes { processes } => processes)
    }

    /// Starts a call whose streams the caller wants to handle.
    ///
    /// # Errors
    /// The request is too large, or the connection ended.
    pub fn start(&self, request: VmRequest) -> Result<Call, Error> {
        Call::begin(&self.connection, self.id, request)
    }

    /// Opens a terminal, with somebody at it: a command runs there that leads a session of its own, `sh` unless the options
    /// say otherwise. Open terminals are counted: `limits.terminals`.
    ///
    /// # Errors
    /// The command cannot be started, or there are too many terminals.
    pub async fn open_terminal(&self, options: TerminalOptions) -> Result<Terminal, Error> {
        let number = ask!(self, options.request(), VmResponse::Terminal { terminal, .. } => terminal)?;
        self.attach_terminal(number)
    }

    /// Sits down at a terminal that is open: what it has shown before comes first, as far as it is kept, its last 256 KiB.
    ///
    /// # Errors
    /// The connection ended. That there is no such terminal is told by [`Terminal::wait`].
    pub fn attach_terminal(&self, number: u64) -> Result<Terminal, Error> {
        Terminal::begin(&self.connection, self.id, number)
    }

    /// Connects to a server that listens on the VM's own loopback. No permission of the guest's is asked: it is the VM's
    /// owner who comes. Open connections are counted: `limits.inboundConnections`.
    ///
    /// # Errors
    /// `ECONNREFUSED` if nobody listens at the port; or the VM or the connection to the sidecar ended.
    pub async fn connect(&self, port: u16) -> Result<GuestConnection, Error> {
        GuestConnection::open(&self.connection, self.id, port, None).await
    }

    /// A connection that is used while it is being made.
    #[cfg(feature = "http")]
    pub(super) fn begin_to_connect(&self, port: u16) -> Result<GuestConnection, Error> {
        GuestConnection::begin(&self.connection, self.id, port, None)
    }

    /// Likewise, and waits so long for a server that is about to listen; at most
    /// [`CONNECT_WAIT_MS_MAX`](protocol::wire::CONNECT_WAIT_MS_MAX).
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_within(&self, port: u16, wait: Duration) -> Result<GuestConnection, Error> {
        GuestConnection::open(&self.connection, self.id, port, Some(wait)).await
    }

    /// Sends a signal to a process of the VM.
    ///
    /// # Errors
    /// There is no such process or signal, or it is denied.
    pub async fn kill(&self, pid: u32, signal: &str) -> Result<(), Error> {
        self.done(VmRequest::Kill { pid, signal: signal.to_owned() }).await
    }

    /// A context that keeps JavaScript state between calls.
    ///
    /// # Errors
    /// There are `limits.contexts` of them.
    pub async fn create_context(&self) -> Result<Context<'_>, Error> {
        let id = ask!(self, VmRequest::CreateContext {}, VmResponse::Context { context } => context)?;
        Ok(Context { vm: self, id })
    }

    /// A file's contents, all in memory. Of a file in a mount at most
    /// [`READ_FILE_BYTES_MAX`](protocol::wire::READ_FILE_BYTES_MAX) bytes; see [`read_file_stream`](Self::read_file_stream)
    /// for others.
    ///
    /// # Errors
    /// With an errno's name as code, or `ERR_LIMIT` if it is longer.
    pub async fn read_file(&self, path: &str) -> Result<Vec<u8>, Error> {
        FileReader::begin(&self.connection, self.id, path, None)?.rest().await
    }

    /// A file's contents, of at most so many bytes.
    pub(super) async fn read_within(&self, path: &str, max_bytes: u64) -> Result<Vec<u8>, Error> {
        FileReader::begin(&self.connection, self.id, path, Some(max_bytes))?.rest().await
    }

    /// A file's contents piece by piece, however long it is.
    ///
    /// # Errors
    /// The connection ended; what is wrong with the file is told with the first piece.
    pub fn read_file_stream(&self, path: &str) -> Result<FileReader, Error> {
        FileReader::begin(&self.connection, self.id, path, Some(u64::MAX))
    }

    /// Writes a file whole, in place of what it had. One that fails leaves it empty.
    ///
    /// # Errors
    /// With an errno's name as code, `ENOSPC` naming the limit that is reached in `field`.
    pub async fn write_file(&self, path: &str, contents: impl Into<Vec<u8>>) -> Result<(), Error> {
        file::write_whole(&self.connection, self.id, path, contents.into()).await
    }

    /// Writes a file piece by piece, in place of what it had. One that does not come to its end leaves it empty.
    ///
    /// # Errors
    /// The connection ended; what is wrong with the file is told by the writer.
    pub fn write_file_stream(&self, path: &str) -> Result<FileWriter, Error> {
        FileWriter::begin(&self.connection, self.id, path)
    }

    /// What is known of a file, symbolic links followed.
    ///
    /// # Errors
    /// With an errno's name as code.
    pub async fn stat(&self, path: &str) -> Result<FileStatus, Error> {
        ask!(self, VmRequest::Stat { path: path.to_owned(), follow: true }, VmResponse::Status { status } => status)
    }

    /// What is known of a file or of the symbolic link at the end of the path.
    ///
    /// # Errors
    /// With an errno's name as code.
    pub async fn lstat(&self, path: &str) -> Result<FileStatus, Error> {
        ask!(self, VmRequest::Stat { path: path.to_owned(), follow: false }, VmResponse::Status { status } => status)
    }

    /// A directory's entries, sorted by name.
    ///
    /// # Errors
    /// With an errno's name as code.
    pub async fn list(&self, path: &str) -> Result<Vec<DirectoryEntry>, Error> {
        ask!(self, VmRequest::List { path: path.to_owned() }, VmResponse::Entries { entries } => entries)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// With an errno's name as code.
    pub async fn mkdir(&self, path: &str, recursive: bool) -> Result<(), Error> {
        self.done(VmRequest::Mkdir { path: path.to_owned(), recursive }).await
    }

    /// Removes a file or directory.
    ///
    /// # Errors
    /// With an errno's name as code.
    pub async fn remove(&self, path: &str, recursive: bool) -> Result<(), Error> {
        self.done(VmRequest::Remove { path: path.to_owned(), recursive }).await
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// With an errno's name as code.
    pub async fn rename(&self, source: &str, target: &str) -> Result<(), Error> {
        self.done(VmRequest::Rename { source: source.to_owned(), target: target.to_owned() }).await
    }

    /// Has decisions over the VM's permissions told from now on: what is denied, and what is allowed of some scopes or all.
    /// There is one such watching at a time, whose decisions are told once.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn watch_decisions(&self, watch: DecisionWatch) -> Result<Decisions, Error> {
        Decisions::begin(&self.connection, self.id, watch).await
    }

    /// Puts other rules in the place of `permissions.network`. They hold at once for what is new; connections that they do not
    /// allow are ended, and requests on others decided by them, before this returns.
    ///
    /// # Errors
    /// The rules are wrong, which changes nothing; or the VM or the connection ended.
    pub async fn set_network(&self, network: &NetworkScope) -> Result<(), Error> {
        let network =
            serde_json::to_value(network).map_err(|error| Error::new(code::CONFIG, error.to_string()))?;
        self.done(VmRequest::SetNetwork { network }).await
    }

    /// What the VM has had of the network so far.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn network_usage(&self) -> Result<NetworkUsage, Error> {
        ask!(self, VmRequest::NetworkUsage {}, VmResponse::NetworkUsage { usage } => usage)
    }

    /// Shows a host directory in the VM.
    ///
    /// # Errors
    /// It is no directory, or there is something at its place in the VM.
    pub async fn mount(&self, mount: Mount) -> Result<(), Error> {
        match self.connection.request(Request::Mount { vm: self.id, mount }).await? {
            Response::Vm { response: VmResponse::Done {} } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Takes a mount away.
    ///
    /// # Errors
    /// Nothing is mounted there.
    pub async fn unmount(&self, guest: &str) -> Result<(), Error> {
        match self.connection.request(Request::Unmount { vm: self.id, guest: guest.to_owned() }).await? {
            Response::Vm { response: VmResponse::Done {} } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends the VM with all that runs in it. One that is gone already, by itself or with its connection, is no error.
    ///
    /// # Errors
    /// The sidecar did not do it.
    pub async fn dispose(self) -> Result<(), Error> {
        match self.connection.request(Request::DisposeVm { vm: self.id }).await {
            Ok(Response::Done {}) => Ok(()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) if error.code == code::NOT_FOUND || self.connection.is_over() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, request: VmRequest) -> Result<VmResponse, Error> {
        match self.connection.request(Request::Vm { vm: self.id, request }).await {
            Ok(Response::Vm { response }) => Ok(response),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(self.connection.why(self.id, error)),
        }
    }

    async fn done(&self, request: VmRequest) -> Result<(), Error> {
        ask!(self, request, VmResponse::Done {} => ())
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.connection.forget_vm(self.id);
        // Nobody waits for the answer, and a VM that was disposed of before is only "not found".
        if let Ok((pending, _)) = self.connection.begin(Request::DisposeVm { vm: self.id }, None) {
            pending.detach();
        }
    }
}

/// JavaScript state that survives between calls. Dropping it leaves it in the VM; see [`Context::dispose`].
pub struct Context<'vm> {
    vm: &'vm Vm,
    id: u64,
}

impl Context<'_> {
    /// The value of an expression.
    ///
    /// # Errors
    /// What the guest threw, or why it did not come to a value of this type.
    pub async fn evaluate<T: DeserializeOwned>(&self, source: &str) -> Result<T, Error> {
        value(self.vm.evaluate_with(source, self.within(Execute::default())).await?)
    }

    /// Evaluates an expression, and tells all about it.
    ///
    /// # Errors
    /// The call could not be made, or the VM or the connection ended.
    pub async fn evaluate_with(&self, source: &str, execute: Execute) -> Result<ExecutionResult, Error> {
        self.vm.evaluate_with(source, self.within(execute)).await
    }

    /// Runs a source text; its top-level declarations stay.
    ///
    /// # Errors
    /// The call could not be made, or the VM or the connection ended.
    pub async fn execute(&self, source: &str, execute: Execute) -> Result<ExecutionResult, Error> {
        self.vm.execute(source, self.within(execute)).await
    }

    /// Clears the state.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn reset(&self) -> Result<(), Error> {
        self.vm.done(VmRequest::ResetContext { context: self.id }).await
    }

    /// Ends the context.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn dispose(self) -> Result<(), Error> {
        self.vm.done(VmRequest::DisposeContext { context: self.id }).await
    }

    fn within(&self, mut execute: Execute) -> Execute {
        execute.evaluate.context = Some(self.id);
        execute
    }
}

/// The value of a result as a Rust type.
fn value<T: DeserializeOwned>(result: ExecutionResult) -> Result<T, Error> {
    if let Some(error) = result.error {
        return Err(error);
    }
    let text = result.value.as_deref().unwrap_or("null");
    serde_json::from_str(text).map_err(|error| {
        Error::new(
            "ERR_VALUE_TYPE",
            format!("the value {} does not have the type that is asked for: {error}", short(text)),
        )
    })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
