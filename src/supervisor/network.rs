//! The network process, as the supervisor holds it: started when a VM is first allowed to reach something, asked over its
//! socket, and started again when it has ended.
//!
//! It reads what the world sends, so that what it says is bounded and taken for what it is: addresses, descriptors, numbers.
//! Who may reach what is decided before it is asked ([`outside::egress`](super::outside)).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};
use tokio::sync::oneshot;

use super::Inner;
use super::launcher::client::Process;
use protocol::abi::{NetworkError, NetworkErrorCode, TlsRequest, TlsSession};
use protocol::config::NetworkScope;
use protocol::descriptor::receive_with_descriptors;
use protocol::enclosure::EnclosureReport;
use protocol::network::{
    ADDRESSES_MAX, Account, FromNetwork, PACKET_BYTES_MAX, Proxy, Requests, ToNetwork, decode, encode,
};
use protocol::wire::{DecisionBatch, DecisionWatch};

/// How long it may take from being started to being enclosed.
const START_TIME: Duration = Duration::from_secs(10);
/// How long its socket may be full, and how often it is tried meanwhile.
const SEND_TIME: Duration = Duration::from_secs(5);
const SEND_PAUSE: Duration = Duration::from_millis(1);

/// What has become of a connection, for whoever asked for it.
pub(super) enum Happened {
    /// The other end has sent all it had to send.
    Ended,
    /// Requests of it were decided, as the process says.
    Decided(DecisionBatch),
    /// It is over, and why if it was cut off; bytes in and out.
    Closed { error: Option<NetworkError>, bytes_in: u64, bytes_out: u64 },
}

/// Told of connections. It must not wait.
pub(super) trait Observer: Send + Sync {
    /// Something has happened to the connection of that number.
    fn happened(&self, connection: u64, what: Happened);
}

/// The network process of a supervisor, if one runs.
#[derive(Default)]
pub(super) struct Networks {
    running: tokio::sync::Mutex<Option<Arc<Network>>>,
}

impl Networks {
    /// The one that runs, or a new one.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) async fn get(&self, inner: &Inner) -> Result<Arc<Network>, NetworkError> {
        let mut running = self.running.lock().await;
        if let Some(network) = running.as_ref().filter(|network| !network.state.lock().gone) {
            return Ok(network.clone());
        }
        let started = Network::start(inner).await.map_err(|error| {
            let path = inner.installation.network();
            let text = format!("the network process cannot be started: {}: {error}", path.display());
            NetworkError::new(NetworkErrorCode::Failed, text)
        })?;
        Ok(running.insert(started).clone())
    }
}

/// A connection that is wanted. The fields are those of [`ToNetwork::Connect`].
pub(super) struct Wanted {
    pub(super) to: SocketAddr,
    pub(super) connect_ms: u64,
    pub(super) idle_ms: u64,
    pub(super) requests: Option<Requests>,
    pub(super) account: Account,
    pub(super) proxy: Option<Proxy>,
}

/// A running network process. Dropping it ends it, and every connection.
pub(super) struct Network {
    socket: Arc<OwnedFd>,
    state: Arc<Mutex<State>>,
    /// What encloses it.
    pub(super) enclosure: EnclosureReport,
    /// Ends it when this is dropped.
    _process: Process,
}

#[derive(Default)]
struct State {
    /// Answers that are waited for.
    waiting: HashMap<u64, Waiting>,
    /// Who is told of a connection, from when it is asked for until it is over.
    observers: HashMap<u64, Weak<dyn Observer>>,
    ready: Option<oneshot::Sender<EnclosureReport>>,
    gone: bool,
}

enum Waiting {
    LookUp(oneshot::Sender<Result<Vec<IpAddr>, NetworkError>>),
    Connect(oneshot::Sender<Result<(SocketAddr, OwnedFd), NetworkError>>),
    StartTls(oneshot::Sender<Result<TlsSession, NetworkError>>),
    Left(oneshot::Sender<Option<(u64, u64)>>),
}

/// A number for a question or a connection, which no other of this process has.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Network {
    async fn start(inner: &Inner) -> io::Result<Arc<Network>> {
        let executable = inner.installation.network();
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let launcher = inner.launcher().map_err(|error| io::Error::other(error.message))?;
        let (process, ended) =
            launcher.execute(&executable, Vec::new(), false, inner.show_worker_stderr, &theirs)?;
        drop(theirs);
        let (ready, is_ready) = oneshot::channel();
        let state = Arc::new(Mutex::new(State { ready: Some(ready), ..State::default() }));
        let socket = Arc::new(ours);
        let (reader, known) = (socket.clone(), state.clone());
        std::thread::Builder::new().name("cordon-network".into()).spawn(move || read(&reader, &known))?;
        let enclosure = match tokio::time::timeout(START_TIME, is_ready).await {
            Ok(Ok(enclosure)) => enclosure,
            Ok(Err(_)) => {
                let why = tokio::time::timeout(START_TIME, ended).await.ok().and_then(Result::ok);
                let why = why.map(|ended| ended.message.unwrap_or_else(|| ended.exit.to_string()));
                return Err(io::Error::other(format!(
                    "it ended before it was ready: {}",
                    why.unwrap_or_else(|| "unknown".to_owned())
                )));
            }
            Err(_) => {
                let seconds = START_TIME.as_secs();
                return Err(io::Error::other(format!("it was not ready after {seconds} s")));
            }
        };
        Ok(Arc::new(Network { socket, state, enclosure, _process: process }))
    }

    /// The addresses of a name. Dropping the future gives the question up.
    pub(super) async fn look_up(&self, name: String) -> Result<Vec<IpAddr>, NetworkError> {
        let id = next_id();
        let (sender, receiver) = oneshot::channel();
        let question = self.ask(id, Waiting::LookUp(sender), None)?;
        self.send(&ToNetwork::LookUp { id, name }).await?;
        let answer = receiver.await.map_err(|_| ended())?;
        question.answered();
        answer
    }

    /// A connection of that number: the address of this end, and a descriptor of its bytes. What happens to it is told to
    /// the observer, until it is over. Dropping the future gives the connection up.
    pub(super) async fn connect(
        &self,
        id: u64,
        wanted: Wanted,
        observer: Weak<dyn Observer>,
    ) -> Result<(SocketAddr, OwnedFd), NetworkError> {
        let (sender, receiver) = oneshot::channel();
        let question = self.ask(id, Waiting::Connect(sender), Some(observer))?;
        let Wanted { to, connect_ms, idle_ms, requests, account, proxy } = wanted;
        self.send(&ToNetwork::Connect { id, to, connect_ms, idle_ms, requests, account, proxy }).await?;
        let answer = receiver.await.map_err(|_| ended())?;
        if answer.is_ok() {
            question.answered();
        }
        answer
    }

    /// TLS on a connection. Dropping the future gives up waiting, and not the connection: what becomes of that is told to its
    /// observer.
    pub(super) async fn start_tls(&self, id: u64, request: TlsRequest) -> Result<TlsSession, NetworkError> {
        let (sender, receiver) = oneshot::channel();
        let mut question = self.ask(id, Waiting::StartTls(sender), None)?;
        question.is_of_a_connection = true;
        self.send(&ToNetwork::StartTls { id, request }).await?;
        receiver.await.map_err(|_| ended())?
    }

    /// Has requests of a connection decided by these rules from now on, if it has any.
    pub(super) async fn decide(
        &self,
        id: u64,
        (scope, any): (NetworkScope, bool),
        watch: DecisionWatch,
    ) -> Result<(), NetworkError> {
        self.send(&ToNetwork::Decide { id, scope, any, watch }).await
    }

    /// Ends a connection, of which its observer is told.
    pub(super) async fn cut(&self, id: u64) -> Result<(), NetworkError> {
        self.send(&ToNetwork::End { id }).await
    }

    /// What is left to a VM, in and out; none if it has had no connections. What was told of them before has been heard then.
    pub(super) async fn left(&self, owner: u64) -> Result<Option<(u64, u64)>, NetworkError> {
        let id = next_id();
        let (sender, receiver) = oneshot::channel();
        let question = self.ask(id, Waiting::Left(sender), None)?;
        self.send(&ToNetwork::Left { id, owner }).await?;
        let answer = receiver.await.map_err(|_| ended())?;
        question.answered();
        Ok(answer)
    }

    /// Ends a connection, or gives a question up.
    pub(super) fn end(&self, id: u64) {
        let mut state = self.state.lock();
        state.waiting.remove(&id);
        state.observers.remove(&id);
        drop(state);
        // Without waiting: it is of no use to anybody that it is ended now, and what is left is ended with its VM's worker,
        // whose descriptors close.
        if let Ok(packet) = encode(&ToNetwork::End { id }) {
            let _ = send(&self.socket, &packet);
        }
    }

    fn ask(
        &self,
        id: u64,
        waiting: Waiting,
        observer: Option<Weak<dyn Observer>>,
    ) -> Result<Question<'_>, NetworkError> {
        let mut state = self.state.lock();
        if state.gone {
            return Err(ended());
        }
        if state.waiting.contains_key(&id) {
            let text = "something is being asked of the connection already";
            return Err(NetworkError::new(NetworkErrorCode::Failed, text));
        }
        state.waiting.insert(id, waiting);
        state.observers.extend(observer.map(|observer| (id, observer)));
        Ok(Question { network: self, id: Some(id), is_of_a_connection: false })
    }

    /// Sends a message, once there is room for it.
    async fn send(&self, message: &ToNetwork) -> Result<(), NetworkError> {
        let packet = encode(message).map_err(|text| NetworkError::new(NetworkErrorCode::Failed, text))?;
        let sending = async {
            loop {
                match send(&self.socket, &packet) {
                    Err(Errno::AGAIN | Errno::NOBUFS) => tokio::time::sleep(SEND_PAUSE).await,
                    sent => return sent,
                }
            }
        };
        match tokio::time::timeout(SEND_TIME, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ended()),
            Err(_) => {
                Err(NetworkError::new(NetworkErrorCode::TimedOut, "the network process takes no questions"))
            }
        }
    }
}

/// A question that is given up unless it was answered.
struct Question<'a> {
    network: &'a Network,
    id: Option<u64>,
    /// Its number is that of a connection, which goes on whatever becomes of the question.
    is_of_a_connection: bool,
}

impl Question<'_> {
    fn answered(mut self) {
        self.id = None;
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        match self.id {
            Some(id) if self.is_of_a_connection => drop(self.network.state.lock().waiting.remove(&id)),
            Some(id) => self.network.end(id),
            None => {}
        }
    }
}

/// Whether an error says that the process was gone before it could do anything.
pub(super) fn has_ended(error: &NetworkError) -> bool {
    *error == ended()
}

fn ended() -> NetworkError {
    NetworkError::new(NetworkErrorCode::Reset, "the network process has ended")
}

fn send(socket: &OwnedFd, packet: &[u8]) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| {
        let mut none = SendAncillaryBuffer::default();
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(socket, &[io::IoSlice::new(packet)], &mut none, flags)
    })
    .map(drop)
}

/// Reads what it says until it is gone. On a thread of its own, since it is asked from every runtime of the embedder's.
fn read(socket: &OwnedFd, state: &Mutex<State>) {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    loop {
        let Ok(received) = receive_with_descriptors(socket.as_fd(), &mut packet) else { break };
        if received.length == 0 {
            break;
        }
        let Ok(message) = decode(&packet[..received.length]) else { break };
        if !take(message, received.descriptors.into_iter().next(), state) {
            break;
        }
    }
    // Whatever it still does is worth nothing to anybody.
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
    let left = {
        let mut state = state.lock();
        state.gone = true;
        state.ready = None;
        state.waiting.clear();
        std::mem::take(&mut state.observers)
    };
    for (id, observer) in left {
        if let Some(observer) = observer.upgrade() {
            observer.happened(id, Happened::Closed { error: Some(ended()), bytes_in: 0, bytes_out: 0 });
        }
    }
}

/// Takes a message; false if it is none that this process would send.
fn take(message: FromNetwork, descriptor: Option<OwnedFd>, state: &Mutex<State>) -> bool {
    match message {
        FromNetwork::Ready { enclosure } => {
            let ready = state.lock().ready.take();
            return ready.is_some_and(|ready| ready.send(enclosure).is_ok());
        }
        FromNetwork::LookedUp { id, result } => {
            let waiting = state.lock().waiting.remove(&id);
            if result.as_ref().is_ok_and(|found| found.is_empty() || found.len() > ADDRESSES_MAX) {
                return false;
            }
            match waiting {
                Some(Waiting::LookUp(sender)) => drop(sender.send(result.map_err(bounded))),
                Some(_) => return false,
                None => {}
            }
        }
        FromNetwork::Connected { id, result } => {
            let waiting = state.lock().waiting.remove(&id);
            let result = match (result, descriptor) {
                (Ok(local), Some(descriptor)) => Ok((local, descriptor)),
                (Ok(_), None) => return false,
                (Err(error), _) => Err(bounded(error)),
            };
            match waiting {
                Some(Waiting::Connect(sender)) => drop(sender.send(result)),
                Some(_) => return false,
                None => {}
            }
        }
        FromNetwork::StartedTls { id, result } => {
            let waiting = state.lock().waiting.remove(&id);
            if result.as_ref().is_ok_and(|session| !session.fits()) {
                return false;
            }
            match waiting {
                Some(Waiting::StartTls(sender)) => drop(sender.send(result.map_err(bounded))),
                Some(_) => return false,
                None => {}
            }
        }
        FromNetwork::Decided { id, batch } => {
            let observer = state.lock().observers.get(&id).and_then(Weak::upgrade);
            if let Some(observer) = observer {
                observer.happened(id, Happened::Decided(batch));
            }
        }
        FromNetwork::Left { id, bytes } => match state.lock().waiting.remove(&id) {
            Some(Waiting::Left(sender)) => drop(sender.send(bytes)),
            Some(_) => return false,
            None => {}
        },
        FromNetwork::Ended { id } => {
            let observer = state.lock().observers.get(&id).and_then(Weak::upgrade);
            if let Some(observer) = observer {
                observer.happened(id, Happened::Ended);
            }
        }
        FromNetwork::Closed { id, error, bytes_in, bytes_out } => {
            let (observer, waiting) = {
                let mut state = state.lock();
                (state.observers.remove(&id), state.waiting.remove(&id))
            };
            let error = error.map(bounded);
            if let Some(Waiting::StartTls(sender)) = waiting {
                let over = || NetworkError::new(NetworkErrorCode::Reset, "the connection is over");
                let _ = sender.send(Err(error.clone().unwrap_or_else(over)));
            }
            if let Some(observer) = observer.and_then(|observer| observer.upgrade()) {
                observer.happened(id, Happened::Closed { error, bytes_in, bytes_out });
            }
        }
    }
    true
}

/// An error with no more of a message than is kept, whatever the process sent.
fn bounded(error: NetworkError) -> NetworkError {
    NetworkError::new(error.code, error.message)
}
