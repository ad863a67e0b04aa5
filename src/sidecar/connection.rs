//! One client.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::supervisor::{Budget, Event, Held, Supervisor, VMS_MAX, Vm, VmEvent};
use protocol::config::CreateVmConfig;
use protocol::wire::{
    CONFIG_BYTES_MAX, ClientMessage, DecodeError, ELEMENTS_MAX, ErrorData, FRAME_BYTES_MAX, FrameDecoder,
    HELLO_BYTES_MAX, HostCallOutcome, PROTOCOL_VERSION, Progress, Request, RequestUpdate, Response,
    ServerMessage, code, decode, encode_frame, request_head, weigh,
};

/// Messages that wait for the client to read. A full queue holds up the VM that writes, not the connection's others.
const MESSAGES_QUEUED: usize = 256;
/// Bytes that messages of one client may hold until they are dealt with, and that messages for it may hold until they
/// are written.
const CONNECTION_BYTES: u32 = 64 * 1024 * 1024;
/// A client that has not said hello by then is let go.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// Requests of one connection under way.
const REQUESTS_MAX: usize = 16_384;
/// Bytes taken from the client at once.
const READ_BYTES: usize = 64 * 1024;
/// Frames are joined up to this size for one write.
const WRITE_BYTES: usize = 64 * 1024;

/// What one client may have.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// VMs at once.
    pub vms: usize,
}

impl Default for ConnectionLimits {
    /// All that the supervisor has.
    fn default() -> Self {
        ConnectionLimits { vms: VMS_MAX }
    }
}

/// Serves one client until it goes, or breaks the protocol. Its VMs end with it.
///
/// # Errors
/// What the client broke, which it has been told; or that the stream failed.
pub async fn serve_connection<R, W>(
    supervisor: Supervisor,
    limits: ConnectionLimits,
    mut reader: R,
    writer: W,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (messages, receiver) = mpsc::channel(MESSAGES_QUEUED);
    let writing = tokio::spawn(write(writer, receiver));
    let connection = Arc::new(Connection {
        supervisor,
        limits,
        messages: messages.clone(),
        incoming: Budget::new(CONNECTION_BYTES),
        outgoing: Budget::new(CONNECTION_BYTES),
        state: Mutex::default(),
    });
    let result = connection.clone().read(&mut reader).await;
    // VMs end here even while a task of theirs still has something to say, and one that is being created as soon as it
    // is there.
    let vms = {
        let mut state = connection.state.lock();
        state.closed = true;
        std::mem::take(&mut state.vms)
    };
    drop(vms);
    if let Err(End::Protocol(error)) = &result {
        let _ = messages.send((ServerMessage::Fatal { error: error.clone() }, Held::default())).await;
    }
    drop(messages);
    drop(connection);
    let _ = writing.await;
    match result {
        Ok(()) => Ok(()),
        Err(End::Io(error)) => Err(error),
        Err(End::Protocol(error)) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// Why a connection ends before the client closes it.
enum End {
    Io(io::Error),
    Protocol(ErrorData),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        End::Io(error)
    }
}

impl From<DecodeError> for End {
    fn from(error: DecodeError) -> Self {
        protocol(error.to_string())
    }
}

fn protocol(message: impl Into<String>) -> End {
    End::Protocol(ErrorData::new(code::PROTOCOL, message))
}

struct Connection {
    supervisor: Supervisor,
    limits: ConnectionLimits,
    messages: mpsc::Sender<(ServerMessage, Held)>,
    incoming: Budget,
    outgoing: Budget,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    last_vm: u64,
    last_call: u64,
    /// VMs that are being created.
    creating: usize,
    vms: HashMap<u64, Arc<Vm>>,
    /// Requests under way, and the VM that each is for; none while a VM is being created.
    requests: HashMap<u64, Option<u64>>,
    /// Host calls that the client has not answered: the VM, and the number that the VM knows.
    calls: HashMap<u64, (u64, u64)>,
}

impl Connection {
    async fn read(self: Arc<Self>, reader: &mut (impl AsyncRead + Unpin)) -> Result<(), End> {
        let mut decoder = FrameDecoder::with_limit(HELLO_BYTES_MAX);
        let mut buffer = vec![0; READ_BYTES];
        let greeted_by = Instant::now() + HELLO_TIME;
        let mut greeted = false;
        loop {
            let length = if greeted {
                reader.read(&mut buffer).await?
            } else {
                let first = timeout_at(greeted_by, reader.read(&mut buffer)).await;
                first.map_err(|_| protocol(format!("no hello for {} s", HELLO_TIME.as_secs())))??
            };
            if length == 0 {
                return if decoder.is_at_boundary() {
                    Ok(())
                } else {
                    Err(protocol("the stream ends within a frame"))
                };
            }
            decoder.push(&buffer[..length]);
            while let Some(content) = decoder.next_frame()? {
                if greeted {
                    self.on_frame(content).await?;
                } else {
                    self.greet(content).await?;
                    greeted = true;
                    decoder.set_limit(FRAME_BYTES_MAX);
                }
            }
        }
    }

    /// Takes the first message, which must be `hello`.
    async fn greet(&self, content: &[u8]) -> Result<(), End> {
        let ClientMessage::Hello { protocol: version, client } = decode(content)? else {
            return Err(protocol("the first message is not hello"));
        };
        if version != PROTOCOL_VERSION {
            return Err(protocol(format!(
                "{client} speaks version {version} of the protocol, this sidecar {PROTOCOL_VERSION}; \
                 use the same release of both"
            )));
        }
        let welcome = ServerMessage::Welcome {
            protocol: PROTOCOL_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            frame_bytes_max: FRAME_BYTES_MAX as u64,
        };
        self.send(welcome, Held::default()).await;
        Ok(())
    }

    /// Takes a message if it is not too large, once there is room for it.
    async fn on_frame(self: &Arc<Self>, content: &[u8]) -> Result<(), End> {
        let weight = match weigh(content) {
            Ok(weight) if weight > CONFIG_BYTES_MAX => match request_head(content) {
                Some(head) if head.creates_vm => {
                    let text = format!("a configuration of {weight} bytes is over {CONFIG_BYTES_MAX}");
                    return self.refuse(head.id, ErrorData::new(code::CONFIG, text)).await;
                }
                _ => weight,
            },
            Ok(weight) => weight,
            Err(DecodeError::TooMany) => {
                let Some(head) = request_head(content) else { return Err(DecodeError::TooMany.into()) };
                let text = format!("a request of more than {ELEMENTS_MAX} values");
                return self.refuse(head.id, ErrorData::new(code::LIMIT, text)).await;
            }
            Err(error) => return Err(error.into()),
        };
        let mut held = Held::default();
        self.incoming.hold(weight, &mut held).await;
        self.on_message(decode(content)?, held).await
    }

    /// Answers a request that was not decoded.
    async fn refuse(&self, id: u64, error: ErrorData) -> Result<(), End> {
        if self.state.lock().requests.contains_key(&id) {
            return Err(protocol(format!("request {id} is still under way")));
        }
        self.fail(id, error.progress(Progress::NotStarted)).await;
        Ok(())
    }

    async fn on_message(self: &Arc<Self>, message: ClientMessage, held: Held) -> Result<(), End> {
        match message {
            ClientMessage::Hello { .. } => return Err(protocol("a second hello")),
            ClientMessage::Request { id, body } => self.on_request(id, body, held).await?,
            ClientMessage::Cancel { id } => self.update(id, RequestUpdate::Cancel {}, held).await,
            ClientMessage::Input { id, data, end } => {
                self.update(id, RequestUpdate::Input { data, end }, held).await;
            }
            ClientMessage::Credit { id, bytes } => {
                self.update(id, RequestUpdate::Credit { bytes }, held).await;
            }
            ClientMessage::HostResult { call, outcome } => self.on_host_result(call, outcome, held),
        }
        Ok(())
    }

    async fn on_request(self: &Arc<Self>, id: u64, body: Request, held: Held) -> Result<(), End> {
        let vm = match &body {
            Request::CreateVm { .. } => None,
            Request::DisposeVm { vm }
            | Request::Mount { vm, .. }
            | Request::Unmount { vm, .. }
            | Request::Vm { vm, .. } => Some(*vm),
        };
        let found = {
            let mut state = self.state.lock();
            if state.requests.contains_key(&id) {
                return Err(protocol(format!("request {id} is still under way")));
            }
            if state.requests.len() >= REQUESTS_MAX {
                return Err(protocol(format!("more than {REQUESTS_MAX} requests under way")));
            }
            let found = vm.map(|vm| state.vms.get(&vm).cloned());
            state.requests.insert(id, vm);
            found
        };
        match (body, found) {
            (Request::CreateVm { config }, _) => {
                if let Err(error) = self.begin_vm() {
                    self.fail(id, error).await;
                    return Ok(());
                }
                let connection = self.clone();
                tokio::spawn(async move { connection.create_vm(id, config, held).await });
            }
            (_, None | Some(None)) => {
                let vm = vm.unwrap_or_default();
                let error = ErrorData::new(code::NOT_FOUND, format!("there is no VM {vm}"));
                self.fail(id, error.progress(Progress::NotStarted)).await;
            }
            (Request::DisposeVm { vm: number }, Some(Some(vm))) => {
                self.state.lock().vms.remove(&number);
                vm.dispose();
                self.respond(id, Response::Done {}).await;
            }
            (Request::Mount { mount, .. }, Some(Some(vm))) => vm.mount(id, mount, held).await,
            (Request::Unmount { guest, .. }, Some(Some(vm))) => vm.unmount(id, guest, held).await,
            (Request::Vm { request, .. }, Some(Some(vm))) => vm.request(id, request, held).await,
        }
        Ok(())
    }

    /// Counts a VM that is to be created, if the client may have one more.
    fn begin_vm(&self) -> Result<(), ErrorData> {
        let mut state = self.state.lock();
        let most = self.limits.vms;
        if state.vms.len() + state.creating >= most {
            let text = format!("this connection has its {most} VMs; dispose of some first");
            return Err(ErrorData::new(code::LIMIT, text).hint(
                "`cordon serve --connection-vms` sets how many of a sidecar's VMs one client may have",
            ));
        }
        state.creating += 1;
        Ok(())
    }

    async fn create_vm(self: Arc<Self>, id: u64, document: serde_json::Value, held: Held) {
        let config = CreateVmConfig::from_json(&document);
        drop((document, held));
        let created = match config {
            Ok(config) => self.supervisor.create_vm(config).await,
            Err(error) => Err(error.into()),
        };
        self.state.lock().creating -= 1;
        match created {
            Ok((vm, events)) => {
                let engine = vm.engine().clone();
                let number = {
                    let mut state = self.state.lock();
                    if state.closed {
                        return;
                    }
                    state.last_vm += 1;
                    let number = state.last_vm;
                    state.vms.insert(number, Arc::new(vm));
                    number
                };
                self.respond(id, Response::VmCreated { vm: number, engine }).await;
                self.forward(number, events).await;
            }
            Err(error) => self.fail(id, error).await,
        }
    }

    /// Tells the client what happens in a VM, until it ends.
    async fn forward(&self, number: u64, mut events: mpsc::Receiver<Event>) {
        while let Some((event, held)) = events.recv().await {
            let message = match event {
                VmEvent::Response { id, result } => {
                    let body = match result {
                        Ok(response) => Response::Vm { response },
                        Err(error) => Response::Error { error },
                    };
                    self.answer(id, body, held).await;
                    continue;
                }
                VmEvent::Started { id, pid } => ServerMessage::Started { id, pid },
                VmEvent::Output { id, stream, data } => ServerMessage::Output { id, stream, data },
                VmEvent::InputTaken { id, bytes } => ServerMessage::InputTaken { id, bytes },
                VmEvent::Connection { id, state } => ServerMessage::Connection { id, state },
                VmEvent::HostCall { call, name, input } => {
                    let mut state = self.state.lock();
                    state.last_call += 1;
                    let own = state.last_call;
                    state.calls.insert(own, (number, call));
                    ServerMessage::HostCall { call: own, vm: number, name, input }
                }
                VmEvent::Lost { error } => {
                    let disposed = {
                        let mut state = self.state.lock();
                        state.calls.retain(|_, (vm, _)| *vm != number);
                        !state.vms.contains_key(&number)
                    };
                    if !disposed {
                        self.send(ServerMessage::VmLost { vm: number, error }, held).await;
                        // Only now, so that nobody hears that there is no such VM before hearing why.
                        drop(self.state.lock().vms.remove(&number));
                    }
                    continue;
                }
            };
            self.send(message, held).await;
        }
    }

    fn on_host_result(&self, call: u64, outcome: HostCallOutcome, held: Held) {
        let state = &mut *self.state.lock();
        // One that has timed out meanwhile is no longer open in its VM, which ignores it.
        if let Some((vm, call)) = state.calls.remove(&call)
            && let Some(vm) = state.vms.get(&vm)
        {
            vm.host_result(call, outcome, held);
        }
    }

    /// Hands on what reaches a request. One that was answered meanwhile needs it no more.
    async fn update(&self, request: u64, update: RequestUpdate, held: Held) {
        let vm = {
            let state = self.state.lock();
            let vm = state.requests.get(&request).copied().flatten();
            vm.and_then(|vm| state.vms.get(&vm).cloned())
        };
        if let Some(vm) = vm {
            vm.update(request, update, held).await;
        }
    }

    async fn fail(&self, id: u64, error: ErrorData) {
        self.respond(id, Response::Error { error }).await;
    }

    async fn respond(&self, id: u64, body: Response) {
        self.answer(id, body, Held::default()).await;
    }

    async fn answer(&self, id: u64, body: Response, held: Held) {
        self.state.lock().requests.remove(&id);
        self.send(ServerMessage::Response { id, body }, held).await;
    }

    /// Queues a message, which holds until it is written what it held for its VM, and as much for this connection.
    async fn send(&self, message: ServerMessage, mut held: Held) {
        self.outgoing.hold(held.bytes(), &mut held).await;
        // A client that does not read any more is noticed by the reader.
        let _ = self.messages.send((message, held)).await;
    }
}

/// Writes messages until there are no more senders or the client is gone.
async fn write(mut writer: impl AsyncWrite + Unpin, mut messages: mpsc::Receiver<(ServerMessage, Held)>) {
    let mut bytes = Vec::new();
    while let Some((message, mut held)) = messages.recv().await {
        bytes.clear();
        bytes.shrink_to(2 * WRITE_BYTES);
        push(&mut bytes, message);
        while bytes.len() < WRITE_BYTES
            && let Ok((message, also)) = messages.try_recv()
        {
            push(&mut bytes, message);
            held.join(also);
        }
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

fn push(bytes: &mut Vec<u8>, message: ServerMessage) {
    match encode_frame(&message) {
        Ok(frame) => bytes.extend_from_slice(&frame),
        Err(_) => {
            // Only an answer can be that long.
            if let ServerMessage::Response { id, .. } = message {
                let error =
                    ErrorData::new(code::LIMIT, format!("the answer is longer than {FRAME_BYTES_MAX} bytes"));
                let short = ServerMessage::Response { id, body: Response::Error { error } };
                if let Ok(frame) = encode_frame(&short) {
                    bytes.extend_from_slice(&frame);
                }
            }
        }
    }
}
