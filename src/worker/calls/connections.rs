//! Connections of clients to servers in the VM: bytes between a request and a socket on the VM's own loopback.
//!
//! Nothing waits here. A connection is looked at by whichever thread something happens on: the one that reads the channel,
//! or one that runs a server which reads or writes. While one does, others leave word and go on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::Calls;
use crate::deadlines::Late;
use crate::streams::{Credit, Input, Sent};
use crate::vm::VirtualMachine;
use kernel::Stream;
use kernel::net::{Connecting, Connection, SocketError};
use protocol::broker::FromWorker;
use protocol::wire::{
    CONNECT_TIME_MS, CONNECT_WAIT_MS_MAX, ConnectionState, ErrorData, INPUT_WINDOW, OutputStream, Progress,
    RequestUpdate, VmRequest, VmResponse, code,
};

/// Bytes that are moved at once.
const CHUNK: usize = 32 * 1024;
/// After so many bytes whoever looks at a connection lets others do something.
const BYTES_AT_ONCE: usize = 256 * 1024;
/// How long a server may take what was sent to it before the client closed the connection.
const LINGER_TIME: Duration = Duration::from_secs(3);
/// Where servers of the VM listen, in the order in which they are tried.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// The connections of one VM, by the requests that they are.
#[derive(Default)]
pub(super) struct Connections(Mutex<HashMap<u64, Arc<Session>>>);

/// One connection.
struct Session {
    id: u64,
    port: u16,
    waits: bool,
    vm: Arc<VirtualMachine>,
    input: Arc<Input>,
    output: Sent,
    /// What ends it from outside, for whoever looks at it next; the first reason counts.
    stop: Mutex<Option<ErrorData>>,
    /// The client wants nothing more of it, and what it has sent is still to be taken.
    left: AtomicBool,
    /// The time to connect is over.
    late: AtomicBool,
    state: Mutex<State>,
    /// There is something to look at.
    wanted: AtomicBool,
}

struct State {
    stage: Stage,
    /// What was taken from the client and is on its way to the server, and whether more may come.
    inward: Piece,
    /// Likewise the other way.
    outward: Piece,
    /// Why the server takes nothing more, if it does not. What it still sends comes first.
    failed: Option<SocketError>,
}

enum Stage {
    /// Nobody listens.
    Refused,
    /// The server has too many connections to accept already.
    Entering(Connecting, &'static [IpAddr]),
    Open(Arc<Connection>),
    Over,
}

/// Bytes between a read and the writes that they take.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    written: usize,
    is_last: bool,
    is_told: bool,
}

/// What became of a look.
enum Step {
    /// It goes on when something happens.
    Waits,
    /// Others have their turn first.
    Goes,
    Over(Result<VmResponse, ErrorData>),
}

impl Connections {
    /// Takes a request if it is one for a connection.
    pub(super) fn begin(
        &self,
        calls: &Arc<Calls>,
        vm: &Arc<VirtualMachine>,
        id: u64,
        request: VmRequest,
    ) -> Result<(), VmRequest> {
        let VmRequest::Connect { port, wait_ms } = request else { return Err(request) };
        let wait_ms = wait_ms.unwrap_or(0).min(CONNECT_WAIT_MS_MAX);
        let session = {
            let mut open = self.0.lock();
            let most = vm.limits.inbound_connections;
            if open.len() as u64 >= most {
                drop(open);
                let text = format!("{most} connections to servers of the VM are open already");
                let error = ErrorData::new(code::LIMIT, text)
                    .field("limits.inboundConnections")
                    .hint("close some of them first, or allow more");
                vm.respond(id, Err(error.progress(Progress::NotStarted)));
                return Ok(());
            }
            let output = Sent {
                call: id,
                stream: OutputStream::Connection,
                credit: Credit::new(),
                sender: vm.sender.clone(),
            };
            let (inward, outward) = Default::default();
            let state = State { stage: Stage::Refused, inward, outward, failed: None };
            let session = Arc::new(Session {
                id,
                port,
                waits: wait_ms > 0,
                vm: vm.clone(),
                input: Input::new(id, vm.sender.clone(), Vec::new(), true),
                output,
                stop: Mutex::default(),
                left: AtomicBool::new(false),
                late: AtomicBool::new(false),
                state: Mutex::new(state),
                wanted: AtomicBool::new(false),
            });
            open.insert(id, session.clone());
            session
        };
        let late: Arc<dyn Late> = session.clone();
        calls.deadlines.add(Duration::from_millis(wait_ms.max(CONNECT_TIME_MS)), Arc::downgrade(&late));
        // A program may be started by a request before this one, and is to have begun to.
        if calls.waiting.load(Ordering::Acquire) > 0 {
            calls.perform(move || session.look());
        } else {
            session.look();
        }
        Ok(())
    }

    /// Takes what reaches a request, if that is a connection.
    pub(super) fn update(&self, id: u64, update: &RequestUpdate) -> bool {
        let session = self.0.lock().get(&id).cloned();
        if let Some(session) = &session {
            session.update(update);
        }
        session.is_some()
    }
}

impl Session {
    fn update(self: &Arc<Self>, update: &RequestUpdate) {
        match update {
            RequestUpdate::Cancel {} => {
                // A client that has ended its direction closes the connection; one that has not breaks it off.
                if self.input.has_ended() {
                    self.left.store(true, Ordering::SeqCst);
                    let late: Arc<dyn Late> = self.clone();
                    self.vm.calls.deadlines.add(LINGER_TIME, Arc::downgrade(&late));
                    self.look();
                } else {
                    self.stop(closed());
                }
            }
            RequestUpdate::Input { data, end } => {
                if !self.input.push(&data.0, *end) {
                    let text =
                        format!("more than INPUT_WINDOW ({INPUT_WINDOW}) bytes of input were sent ahead");
                    self.stop(ErrorData::new(code::LIMIT, text).progress(Progress::Ran));
                }
            }
            RequestUpdate::Credit { bytes } => self.output.credit.grant(*bytes),
        }
    }

    fn stop(self: &Arc<Self>, why: ErrorData) {
        self.stop.lock().get_or_insert(why);
        self.look();
    }

    /// Does what there is to be done, or leaves it to whoever is at it already.
    fn look(self: &Arc<Self>) {
        self.wanted.store(true, Ordering::SeqCst);
        while self.wanted.load(Ordering::SeqCst) {
            let Some(mut state) = self.state.try_lock() else { return };
            while self.wanted.swap(false, Ordering::SeqCst) {
                if matches!(state.stage, Stage::Over) {
                    return;
                }
                match self.step(&mut state) {
                    Step::Waits => {}
                    Step::Goes => {
                        // Its server may be as fast as this is, and this thread has other things to do.
                        drop(state);
                        let session = self.clone();
                        return self.vm.calls.spawn(async move { session.look() });
                    }
                    Step::Over(response) => return self.finish(&mut state, response),
                }
            }
        }
    }

    /// Everything that can be done now.
    fn step(self: &Arc<Self>, state: &mut State) -> Step {
        let waker = Waker::from(self.clone());
        let cx = &mut Context::from_waker(&waker);
        if let Some(why) = self.stop.lock().take() {
            if let Stage::Open(connection) = &state.stage {
                connection.reset();
            }
            return Step::Over(Err(why));
        }
        if !matches!(state.stage, Stage::Open(_)) {
            if self.left.load(Ordering::SeqCst) {
                return Step::Over(Err(closed()));
            }
            match self.connect(state, cx) {
                Poll::Pending if self.late.load(Ordering::SeqCst) => {
                    return Step::Over(Err(self.too_late(state)));
                }
                Poll::Pending => return Step::Waits,
                Poll::Ready(Err(error)) => return Step::Over(Err(error)),
                Poll::Ready(Ok(connection)) => {
                    state.stage = Stage::Open(connection);
                    self.tell(ConnectionState::Open);
                }
            }
        }
        let Stage::Open(connection) = &state.stage else { return Step::Waits };
        let connection = connection.clone();
        let is_left = self.left.load(Ordering::SeqCst);
        if is_left {
            state.outward = Piece { is_told: true, ..Piece::default() };
        }
        let mut most = BYTES_AT_ONCE;
        loop {
            let moved = match self.outwards(&connection, &mut state.outward, cx) {
                Ok(moved) => moved,
                Err(error) => return Step::Over(Err(self.broken(error))),
            };
            let also = match self.inwards(&connection, &mut state.inward, cx) {
                Ok(moved) => moved,
                Err(error @ (SocketError::Epipe | SocketError::Econnreset)) => {
                    state.failed = Some(error);
                    state.inward = Piece { is_told: true, ..Piece::default() };
                    self.input.close();
                    continue;
                }
                Err(error) => return Step::Over(Err(self.broken(error))),
            };
            if state.outward.is_told && state.inward.is_told {
                let failed =
                    if is_left { Some(closed()) } else { state.failed.map(|error| self.broken(error)) };
                return Step::Over(failed.map_or(Ok(VmResponse::Done {}), Err));
            }
            if moved + also == 0 {
                return Step::Waits;
            }
            most = most.saturating_sub(moved + also);
            if most == 0 {
                return Step::Goes;
            }
        }
    }

    /// Connects to whoever listens, tries again whenever somebody begins to.
    fn connect(&self, state: &mut State, cx: &mut Context<'_>) -> Poll<Result<Arc<Connection>, ErrorData>> {
        let network = self.vm.kernel.network();
        if matches!(state.stage, Stage::Refused) {
            if self.waits {
                // Before the look, or somebody could begin to listen between them.
                network.expect_listener(cx);
            }
            let [first, others @ ..] = &LOOPBACK;
            let connecting = network.connect_within(None, SocketAddr::new(*first, self.port));
            state.stage = Stage::Entering(connecting, others);
        }
        while let Stage::Entering(connecting, others) = &mut state.stage {
            match (connecting.poll(cx), *others) {
                (Poll::Pending, _) => return Poll::Pending,
                (Poll::Ready(Ok(connection)), _) => return Poll::Ready(Ok(connection)),
                (Poll::Ready(Err(SocketError::Econnrefused)), [next, rest @ ..]) => {
                    let connecting = network.connect_within(None, SocketAddr::new(*next, self.port));
                    state.stage = Stage::Entering(connecting, rest);
                }
                (Poll::Ready(Err(SocketError::Econnrefused)), []) if self.waits => {
                    state.stage = Stage::Refused;
                }
                (Poll::Ready(Err(SocketError::Econnrefused)), []) => return Poll::Ready(Err(self.refused())),
                (Poll::Ready(Err(error)), _) => return Poll::Ready(Err(self.unconnected(error))),
            }
        }
        Poll::Pending
    }

    /// From the server to the client, as much as can go. Gives how many bytes went.
    fn outwards(
        &self,
        connection: &Connection,
        piece: &mut Piece,
        cx: &mut Context<'_>,
    ) -> Result<usize, SocketError> {
        let mut moved = 0;
        while moved < BYTES_AT_ONCE && !piece.is_told {
            if piece.is_empty() {
                if piece.is_last {
                    piece.is_told = true;
                    self.tell(ConnectionState::Ended);
                    break;
                }
                if self.output.poll_writable(cx).is_pending() {
                    break;
                }
                // Not on the stack: this may be a fiber's.
                let read = piece.fill(|buffer| connection.poll_receive(cx, buffer));
                match read {
                    Poll::Pending => break,
                    Poll::Ready(read) => read?,
                }
                continue;
            }
            match self.output.poll_write(cx, piece.rest()) {
                Poll::Ready(Ok(length)) => {
                    piece.written += length;
                    moved += length;
                }
                Poll::Ready(Err(error)) => return Err(error.into()),
                Poll::Pending => break,
            }
        }
        Ok(moved)
    }

    /// From the client to the server, likewise.
    fn inwards(
        &self,
        connection: &Connection,
        piece: &mut Piece,
        cx: &mut Context<'_>,
    ) -> Result<usize, SocketError> {
        let mut moved = 0;
        while moved < BYTES_AT_ONCE && !piece.is_told {
            if piece.is_empty() {
                if piece.is_last {
                    piece.is_told = true;
                    connection.shut_down();
                    break;
                }
                let read = piece.fill(|buffer| self.input.poll_read(cx, buffer).map_err(SocketError::from));
                match read {
                    Poll::Pending => break,
                    Poll::Ready(read) => read?,
                }
                continue;
            }
            match connection.poll_send(cx, piece.rest()) {
                Poll::Ready(Ok(length)) => {
                    piece.written += length;
                    moved += length;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(moved)
    }

    fn tell(&self, state: ConnectionState) {
        self.vm.sender.send(&FromWorker::Connection { id: self.id, state });
    }

    fn finish(&self, state: &mut State, response: Result<VmResponse, ErrorData>) {
        // The socket closes here, and what of it was not read makes that a reset.
        state.stage = Stage::Over;
        state.inward = Piece::default();
        state.outward = Piece::default();
        self.input.close();
        self.output.credit.close();
        self.vm.calls.connections.0.lock().remove(&self.id);
        self.vm.respond(self.id, response);
    }

    fn refused(&self) -> ErrorData {
        let port = self.port;
        ErrorData::new("ECONNREFUSED", format!("nothing listens on port {port} of the VM"))
            .hint(format!(
                "start a server there that listens on 127.0.0.1:{port}, or wait for one that is about to: `waitMs`"
            ))
            .detail("port", port)
            .progress(Progress::NotStarted)
    }

    /// Why there was no connection in time.
    fn too_late(&self, state: &State) -> ErrorData {
        match state.stage {
            Stage::Entering(..) => {
                let port = self.port;
                let text = format!("the server on port {port} of the VM did not accept a connection in time");
                ErrorData::new(code::TIMED_OUT, text)
                    .hint("it has as many connections to accept as its backlog takes, and accepts none")
                    .detail("port", port)
                    .progress(Progress::NotStarted)
            }
            _ => self.refused(),
        }
    }

    fn unconnected(&self, error: SocketError) -> ErrorData {
        let port = self.port;
        let (code, what, field) = match error {
            SocketError::Enfile => {
                ("ENFILE", "the VM has too many files and sockets open", "limits.descriptors")
            }
            SocketError::Enobufs => {
                ("ENOBUFS", "the VM's sockets hold all that they may", "limits.memoryBytes")
            }
            _ => (error.errno().name(), error.errno().message(), ""),
        };
        let error = ErrorData::new(code, format!("no connection to port {port} of the VM: {what}"))
            .detail("port", port)
            .progress(Progress::NotStarted);
        if field.is_empty() { error } else { error.field(field) }
    }

    /// Why a connection that was there is not any more.
    fn broken(&self, error: SocketError) -> ErrorData {
        let port = self.port;
        let (code, what) = match error {
            SocketError::Econnreset => ("ECONNRESET", "the server ended the connection by force"),
            SocketError::Epipe => ("EPIPE", "the server takes nothing more of the connection"),
            SocketError::Enobufs => ("ENOBUFS", "the VM's sockets hold all that they may"),
            _ => (error.errno().name(), error.errno().message()),
        };
        ErrorData::new(code, format!("port {port} of the VM: {what}"))
            .detail("port", port)
            .progress(Progress::Ran)
    }
}

fn closed() -> ErrorData {
    ErrorData::new(code::CANCELLED, "the connection was closed by the client")
}

impl Piece {
    fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Reads the next bytes. Without any it keeps no room for them: many connections do nothing most of the time.
    fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Poll<Result<usize, SocketError>>,
    ) -> Poll<Result<(), SocketError>> {
        self.written = 0;
        self.bytes.resize(CHUNK, 0);
        let read = read(&mut self.bytes);
        let length = match &read {
            Poll::Ready(Ok(length)) => *length,
            _ => 0,
        };
        self.bytes.truncate(length);
        if length == 0 {
            self.bytes = Vec::new();
        }
        self.is_last = matches!(read, Poll::Ready(Ok(0)));
        read.map_ok(|_| ())
    }
}

impl Wake for Session {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Late for Session {
    /// It has had its time to connect, or to take what a client has left it.
    fn late(&self) {
        self.late.store(true, Ordering::SeqCst);
        if self.left.load(Ordering::SeqCst) {
            self.stop.lock().get_or_insert_with(closed);
        }
        let session = self.vm.calls.connections.0.lock().get(&self.id).cloned();
        if let Some(session) = session {
            session.look();
        }
    }
}
