//! One connection of a client: requests out, answers and events in.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::call::{CallState, Output, Told};
use super::connect::{Connect, Stream, disconnected};
use super::host_function::HostFunctions;
use super::input::Input;
use super::{Error, Vm};
use protocol::config::CreateVmConfig;
use protocol::wire::{
    ClientMessage, ConnectionState, DecodeError, FRAME_BYTES_MAX, FrameDecoder, HostCallOutcome,
    PROTOCOL_VERSION, Progress, Request, Response, ServerMessage, code, decode, encode_frame,
};

/// Bytes taken from the connection at once.
const READ_BYTES: usize = 64 * 1024;

/// A connection to a supervisor. Cloning gives another handle to the same; it ends with the last handle and the last
/// VM.
#[derive(Clone)]
pub struct Client {
    connection: Arc<Connection>,
}

pub(super) struct Connection {
    frames: mpsc::UnboundedSender<Vec<u8>>,
    last_id: AtomicU64,
    state: Arc<Mutex<State>>,
    tasks: Vec<tokio::task::AbortHandle>,
}

#[derive(Default)]
pub(super) struct State {
    calls: HashMap<u64, CallState>,
    host_functions: HashMap<u64, HostFunctions>,
    /// VMs that ended by themselves, and why.
    lost: HashMap<u64, Error>,
    /// Why the connection is over.
    ended: Option<Error>,
}

impl Client {
    /// Connects and agrees on the protocol.
    ///
    /// # Errors
    /// The other end cannot be reached or speaks another version.
    pub async fn connect(target: &impl Connect) -> Result<Client, Error> {
        Self::over(target.connect().await?).await
    }

    /// A client over a connection that is there already.
    ///
    /// # Errors
    /// The other end speaks another version, or ends.
    pub async fn over(stream: Stream) -> Result<Client, Error> {
        let Stream { mut reader, writer, keep } = stream;
        let (frames, receiver) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(State::default()));
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            client: concat!("cordon-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let _ = frames.send(encode(&hello)?);
        let writing = tokio::spawn(write(writer, receiver)).abort_handle();
        let mut decoder = FrameDecoder::new();
        match next(&mut reader, &mut decoder).await {
            Ok(Some(ServerMessage::Welcome { protocol: PROTOCOL_VERSION, .. })) => {}
            Ok(Some(ServerMessage::Fatal { error })) => return Err(error),
            Ok(Some(_)) => {
                return Err(Error::new(code::PROTOCOL, "the other end is no sidecar of this version"));
            }
            Ok(None) => return Err(disconnected(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => return Err(error),
        }
        let (reading_state, reading_frames) = (state.clone(), frames.downgrade());
        let reading = tokio::spawn(async move {
            // The sidecar, if it is ours, lives as long as this task.
            let _keep = keep;
            let ended = loop {
                match next(&mut reader, &mut decoder).await {
                    Ok(Some(ServerMessage::Fatal { error })) => break error,
                    Ok(Some(message)) => on_message(&reading_state, &reading_frames, message),
                    Ok(None) => break disconnected(&io::ErrorKind::UnexpectedEof.into()),
                    Err(error) => break error,
                }
            };
            let calls = {
                let mut state = reading_state.lock();
                state.ended = Some(ended.clone());
                std::mem::take(&mut state.calls)
            };
            for (_, call) in calls {
                // They were sent, and whoever got them can be asked no more.
                call.settle(Response::Error { error: ended.clone().progress(Progress::Unknown) });
            }
        })
        .abort_handle();
        let tasks = vec![writing, reading];
        Ok(Client { connection: Arc::new(Connection { frames, last_id: AtomicU64::new(0), state, tasks }) })
    }

    /// Creates a VM without host functions.
    ///
    /// # Errors
    /// The configuration is wrong, or what it needs is not installed.
    pub async fn create_vm(&self, config: CreateVmConfig) -> Result<Vm, Error> {
        self.create_vm_with(config, HostFunctions::new()).await
    }

    /// Creates a VM whose code may call these functions.
    ///
    /// # Errors
    /// The configuration is wrong, or what it needs is not installed.
    pub async fn create_vm_with(
        &self,
        mut config: CreateVmConfig,
        functions: HostFunctions,
    ) -> Result<Vm, Error> {
        config.host_functions.extend(functions.names().map(str::to_owned));
        let config =
            serde_json::to_value(config).map_err(|error| Error::new(code::CONFIG, error.to_string()))?;
        self.create_vm_from_json(config, functions).await
    }

    /// Creates a VM from a configuration in its JSON form, checked by the other end.
    ///
    /// # Errors
    /// The configuration is wrong, or what it needs is not installed.
    pub async fn create_vm_from_json(
        &self,
        config: serde_json::Value,
        functions: HostFunctions,
    ) -> Result<Vm, Error> {
        match self.connection.request(Request::CreateVm { config }).await? {
            Response::VmCreated { vm, engine } => {
                self.connection.state.lock().host_functions.insert(vm, functions);
                Ok(Vm::new(self.connection.clone(), vm, engine))
            }
            other => Err(unexpected(&other)),
        }
    }
}

impl Connection {
    /// Sends a request and waits for its answer. Dropping the future cancels the request.
    pub(super) async fn request(self: &Arc<Self>, body: Request) -> Result<Response, Error> {
        let (mut call, _) = self.begin(body, None)?;
        call.response().await
    }

    /// Sends a request. Its output, if it streams, goes to `output`.
    pub(super) fn begin(
        self: &Arc<Self>,
        body: Request,
        output: Option<mpsc::UnboundedSender<Output>>,
    ) -> Result<(super::call::Pending, u64), Error> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let frame = encode(&ClientMessage::Request { id, body })?;
        let (sender, receiver) = oneshot::channel();
        let input = Arc::new(Input::new(id, self.frames.downgrade()));
        let told = tokio::sync::watch::Sender::new(Told::default());
        let pending = super::call::Pending::new(self.clone(), id, receiver, input.clone(), told.subscribe());
        {
            let mut state = self.state.lock();
            if let Some(error) = &state.ended {
                return Err(error.clone().progress(Progress::NotStarted));
            }
            state.calls.insert(id, CallState { response: sender, output, input, told });
        }
        self.send_frame(frame);
        Ok((pending, id))
    }

    pub(super) fn send(&self, message: &ClientMessage) -> Result<(), Error> {
        self.send_frame(encode(message)?);
        Ok(())
    }

    fn send_frame(&self, frame: Vec<u8>) {
        // A connection that is over has told every call.
        let _ = self.frames.send(frame);
    }

    /// Forgets a call that nobody waits for; says whether it was still open.
    pub(super) fn forget(&self, id: u64) -> bool {
        let call = self.state.lock().calls.remove(&id);
        // What still writes its input need not wait for it.
        call.map(|call| call.input.close()).is_some()
    }

    /// Why a request to a VM failed: one that was lost says so to later requests as well.
    pub(super) fn why(&self, vm: u64, error: Error) -> Error {
        if error.code != code::NOT_FOUND {
            return error;
        }
        let state = self.state.lock();
        let why = state.lost.get(&vm).or(state.ended.as_ref()).cloned().unwrap_or(error);
        why.progress(Progress::NotStarted)
    }

    /// Whether the connection is over, and every VM made over it with it.
    pub(super) fn is_over(&self) -> bool {
        self.state.lock().ended.is_some()
    }

    pub(super) fn forget_vm(&self, vm: u64) {
        let mut state = self.state.lock();
        state.host_functions.remove(&vm);
        state.lost.remove(&vm);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

pub(super) fn unexpected(response: &Response) -> Error {
    match response {
        Response::Error { error } => error.clone(),
        _ => Error::new(code::PROTOCOL, "the sidecar gave an answer of another kind"),
    }
}

fn encode(message: &ClientMessage) -> Result<Vec<u8>, Error> {
    encode_frame(message).map_err(|error| match error {
        DecodeError::TooLong { length, .. } => Error::new(
            code::LIMIT,
            format!("a message of {length} bytes is over FRAME_BYTES_MAX, which is {FRAME_BYTES_MAX}"),
        )
        .progress(Progress::NotStarted),
        other => Error::new(code::PROTOCOL, other.to_string()),
    })
}

async fn next(
    reader: &mut (impl AsyncRead + Unpin),
    decoder: &mut FrameDecoder,
) -> Result<Option<ServerMessage>, Error> {
    loop {
        let content = decoder.next_frame().map_err(|error| Error::new(code::PROTOCOL, error.to_string()))?;
        if let Some(content) = content {
            return decode(content).map(Some).map_err(|error| Error::new(code::PROTOCOL, error.to_string()));
        }
        let mut buffer = [0; READ_BYTES];
        match reader.read(&mut buffer).await {
            Ok(0) => return Ok(None),
            Ok(length) => decoder.push(&buffer[..length]),
            Err(error) => return Err(disconnected(&error)),
        }
    }
}

fn on_message(state: &Mutex<State>, frames: &mpsc::WeakUnboundedSender<Vec<u8>>, message: ServerMessage) {
    match message {
        ServerMessage::Response { id, body } => {
            let call = state.lock().calls.remove(&id);
            if let Some(call) = call {
                call.settle(body);
            }
        }
        ServerMessage::Output { id, stream, data } => {
            if let Some(CallState { output: Some(output), .. }) = state.lock().calls.get(&id) {
                let _ = output.send(Output { stream, data: data.0 });
            }
        }
        ServerMessage::Started { id, pid } => {
            if let Some(call) = state.lock().calls.get(&id) {
                call.told.send_modify(|told| told.pid = Some(pid));
            }
        }
        ServerMessage::Connection { id, state: reached } => {
            if let Some(call) = state.lock().calls.get_mut(&id) {
                call.told.send_modify(|told| told.connection = Some(reached));
                if reached == ConnectionState::Ended {
                    // Whoever reads finds the end after the last of it, and asks then why.
                    call.output = None;
                }
            }
        }
        ServerMessage::InputTaken { id, bytes } => {
            let input = state.lock().calls.get(&id).map(|call| call.input.clone());
            if let Some(input) = input {
                input.taken(bytes);
            }
        }
        ServerMessage::HostCall { call, vm, name, input } => {
            let running =
                state.lock().host_functions.get(&vm).and_then(|functions| functions.call(&name, input));
            let frames = frames.clone();
            tokio::spawn(async move {
                let outcome = match running {
                    // A task of its own, so that a panic in there is heard of.
                    Some(running) => tokio::spawn(running).await.unwrap_or_else(|_| HostCallOutcome::Threw {
                        message: format!("the host function {name:?} panicked"),
                    }),
                    None => {
                        HostCallOutcome::Threw { message: format!("no host function {name:?} is registered") }
                    }
                };
                let frame = encode(&ClientMessage::HostResult { call, outcome }).or_else(|error| {
                    encode(&ClientMessage::HostResult {
                        call,
                        outcome: HostCallOutcome::Threw { message: error.message },
                    })
                });
                if let (Some(frames), Ok(frame)) = (frames.upgrade(), frame) {
                    let _ = frames.send(frame);
                }
            });
        }
        ServerMessage::VmLost { vm, error } => drop(state.lock().lost.insert(vm, error)),
        // Handled where the connection is read.
        ServerMessage::Welcome { .. } | ServerMessage::Fatal { .. } => {}
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut frames: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if writer.write_all(&frame).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}
