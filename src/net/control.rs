//! The socket to the supervisor: what is asked, who works on it, and what is answered.
//!
//! Answers wait in memory until they are written. They are few for each question and connection, and of those the
//! supervisor has only so many.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::abi::{NetworkError, NetworkErrorCode, TlsRequest};
use protocol::descriptor::{receive_with_descriptors, send_with_descriptor};
use protocol::network::{FromNetwork, PACKET_BYTES_MAX, ToNetwork, decode, encode};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::AbortHandle;

use super::accounts::Accounts;
use super::names::Names;
use super::proxy::Tunnel;
use super::relay::{self, Connection, Wanted};
use super::requests::Rules;
use super::tls::Trust;
use super::watch::watch;

/// What is to be said.
enum Outgoing {
    /// A message, with a descriptor if it announces one.
    Message(FromNetwork, Option<OwnedFd>),
    /// What is kept of a connection's decisions when its turn comes. There is one of these at once for each connection.
    Decisions(u64, Arc<Rules>),
}

/// The way to the supervisor, for whoever works on what it asked.
#[derive(Clone)]
pub(crate) struct Told(mpsc::UnboundedSender<Outgoing>);

impl Told {
    /// Whom nobody hears.
    #[cfg(test)]
    pub(crate) fn nobody() -> Told {
        Told(mpsc::unbounded_channel().0)
    }

    /// Says something. Nobody hears it if the supervisor is gone, which ends this process.
    pub(crate) fn tell(&self, message: FromNetwork) {
        self.tell_with(message, None);
    }

    pub(crate) fn tell_with(&self, message: FromNetwork, descriptor: Option<OwnedFd>) {
        let _ = self.0.send(Outgoing::Message(message, descriptor));
    }

    /// Says what a connection's rules have decided, once that can be written.
    pub(crate) fn tell_decisions(&self, id: u64, rules: Arc<Rules>) {
        let _ = self.0.send(Outgoing::Decisions(id, rules));
    }
}

/// What is under way, by the supervisor's numbers.
type Tasks = Arc<Mutex<HashMap<u64, Task>>>;

struct Task {
    running: AbortHandle,
    /// The way to a connection that is to speak TLS.
    orders: Option<mpsc::Sender<TlsRequest>>,
    /// By which its requests are decided.
    rules: Option<Arc<Rules>>,
}

/// Orders that wait for a connection to take them.
const ORDERS_MAX: usize = 4;

pub(crate) struct Control {
    names: Arc<Names>,
    trust: Arc<Trust>,
    told: Told,
    tasks: Tasks,
    accounts: Accounts,
}

impl Control {
    /// Does what it is asked until the socket closes.
    pub(crate) async fn serve(names: Names, trust: Trust, ready: FromNetwork) -> io::Result<()> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        let socket = watch(socket, Interest::READABLE | Interest::WRITABLE)?;
        let (sender, outgoing) = mpsc::unbounded_channel();
        let control = Control {
            names: Arc::new(names),
            trust: Arc::new(trust),
            told: Told(sender),
            tasks: Tasks::default(),
            accounts: Accounts::default(),
        };
        control.told.tell(ready);
        tokio::select! {
            ended = control.read(&socket) => ended,
            ended = write(&socket, outgoing) => ended,
        }
    }

    async fn read(&self, socket: &AsyncFd<OwnedFd>) -> io::Result<()> {
        let mut packet = vec![0; PACKET_BYTES_MAX];
        loop {
            let received = socket
                .async_io(Interest::READABLE, |socket| {
                    receive_with_descriptors(socket, &mut packet).map_err(io::Error::from)
                })
                .await;
            let length = match received {
                Ok(received) => received.length,
                Err(error) if error.raw_os_error() == Some(Errno::CONNRESET.raw_os_error()) => 0,
                Err(error) => return Err(error),
            };
            if length == 0 {
                return Ok(());
            }
            self.begin(decode(&packet[..length]).map_err(io::Error::other)?);
        }
    }

    fn begin(&self, message: ToNetwork) {
        let told = self.told.clone();
        match message {
            ToNetwork::LookUp { id, name } => {
                let names = self.names.clone();
                self.start(id, None, None, async move {
                    told.tell(FromNetwork::LookedUp { id, result: names.look_up(&name).await });
                });
            }
            ToNetwork::Connect { id, to, connect_ms, idle_ms, requests, account, proxy } => {
                let (sender, orders) = mpsc::channel(ORDERS_MAX);
                let requests = match requests
                    .map(|wanted| Rules::new(&wanted, id, &told).map(|rules| (wanted, rules)))
                {
                    None => None,
                    Some(Ok(requests)) => Some(requests),
                    Some(Err(error)) => return told.tell(FromNetwork::Connected { id, result: Err(error) }),
                };
                let rules = requests.as_ref().map(|(_, rules)| rules.clone());
                let wanted = Wanted {
                    to,
                    connect: Duration::from_millis(connect_ms),
                    idle: Duration::from_millis(idle_ms),
                    requests,
                    tunnel: proxy.map(|proxy| Tunnel { proxy, names: self.names.clone() }),
                };
                let connection = Connection::new(id, told, self.accounts.open(account), self.trust.clone());
                self.start(id, Some(sender), rules, relay::connect(connection, wanted, orders));
            }
            ToNetwork::Decide { id, scope, any, watch } => {
                let rules = self.tasks.lock().get(&id).and_then(|task| task.rules.clone());
                if let Some(rules) = rules {
                    rules.set(&scope, any, watch);
                }
            }
            ToNetwork::Left { id, owner } => {
                told.tell(FromNetwork::Left { id, bytes: self.accounts.left(owner) });
            }
            ToNetwork::StartTls { id, request } => self.start_tls(id, request),
            ToNetwork::End { id } => {
                let task = self.tasks.lock().remove(&id);
                if let Some(task) = task {
                    task.running.abort();
                }
            }
        }
    }

    /// Tells a connection to speak TLS, or that it cannot be told.
    fn start_tls(&self, id: u64, request: TlsRequest) {
        let orders = self.tasks.lock().get(&id).and_then(|task| task.orders.clone());
        let error = match orders.map(|orders| orders.try_send(request)) {
            Some(Ok(())) => return,
            Some(Err(TrySendError::Full(_))) => NetworkError::new(
                NetworkErrorCode::Failed,
                "the connection was asked for more than it can do at once",
            ),
            Some(Err(TrySendError::Closed(_))) | None => {
                NetworkError::new(NetworkErrorCode::Reset, "the connection is over")
            }
        };
        self.told.tell(FromNetwork::StartedTls { id, result: Err(error) });
    }

    fn start(
        &self,
        id: u64,
        orders: Option<mpsc::Sender<TlsRequest>>,
        rules: Option<Arc<Rules>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let tasks = self.tasks.clone();
        // It does not run before this function has returned: there is one thread.
        let task = tokio::spawn(async move {
            work.await;
            tasks.lock().remove(&id);
        });
        self.tasks.lock().insert(id, Task { running: task.abort_handle(), orders, rules });
    }
}

async fn write(socket: &AsyncFd<OwnedFd>, mut outgoing: mpsc::UnboundedReceiver<Outgoing>) -> io::Result<()> {
    while let Some(said) = outgoing.recv().await {
        let (message, descriptor) = match said {
            Outgoing::Message(message, descriptor) => (message, descriptor),
            Outgoing::Decisions(id, rules) => (FromNetwork::Decided { id, batch: rules.decisions() }, None),
        };
        let packet = encode(&message).map_err(io::Error::other)?;
        let sent = socket
            .async_io(Interest::WRITABLE, |socket| {
                let descriptor = descriptor.as_ref().map(OwnedFd::as_fd);
                send_with_descriptor(socket, &packet, descriptor).map_err(io::Error::from)
            })
            .await;
        match sent {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
