//! A request under way.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot, watch};

use super::Error;
use super::connection::{Connection, unexpected};
use super::input::Input;
use protocol::wire::{
    ClientMessage, ConnectionState, ExecutionResult, OutputStream, Progress, Request, Response, VmRequest,
    VmResponse, code,
};

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Which stream it was written to.
    pub stream: OutputStream,
    /// The bytes.
    pub data: Vec<u8>,
}

/// What was told of a request before its answer.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    /// The process id of its program.
    pub(super) pid: Option<u32>,
    /// How far its connection has come.
    pub(super) connection: Option<ConnectionState>,
}

/// What the connection knows of a call.
pub(super) struct CallState {
    pub(super) response: oneshot::Sender<Response>,
    pub(super) output: Option<mpsc::UnboundedSender<Output>>,
    pub(super) input: Arc<Input>,
    pub(super) told: watch::Sender<Told>,
}

impl CallState {
    pub(super) fn settle(self, response: Response) {
        // No more input will be taken.
        self.input.close();
        let _ = self.response.send(response);
    }
}

/// A request that waits for its answer; cancelled when dropped before.
pub(super) struct Pending {
    connection: Arc<Connection>,
    id: u64,
    response: oneshot::Receiver<Response>,
    input: Arc<Input>,
    told: watch::Receiver<Told>,
}

impl Pending {
    pub(super) fn new(
        connection: Arc<Connection>,
        id: u64,
        response: oneshot::Receiver<Response>,
        input: Arc<Input>,
        told: watch::Receiver<Told>,
    ) -> Self {
        Pending { connection, id, response, input, told }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// What was told before the answer.
    pub(super) fn told(&mut self) -> &mut watch::Receiver<Told> {
        &mut self.told
    }

    /// The answer as it comes; to be polled until it is there, and not after.
    pub(super) fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response, Error>> {
        Pin::new(&mut self.response).poll(cx).map(|response| match response {
            Ok(Response::Error { error }) => Err(error),
            Ok(response) => Ok(response),
            Err(_) => Err(ended()),
        })
    }

    /// What was taken may be sent again.
    pub(super) fn grant(&self, bytes: u64) {
        let _ = self.connection.send(&ClientMessage::Credit { id: self.id, bytes });
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(super) async fn response(&mut self) -> Result<Response, Error> {
        match (&mut self.response).await {
            Ok(Response::Error { error }) => Err(error),
            Ok(response) => Ok(response),
            Err(_) => Err(ended()),
        }
    }

    /// The answer if it is there already. It is given out once.
    pub(super) fn try_response(&mut self) -> Option<Result<Response, Error>> {
        match self.response.try_recv() {
            Ok(Response::Error { error }) => Some(Err(error)),
            Ok(response) => Some(Ok(response)),
            Err(_) => None,
        }
    }

    /// Leaves the request to itself.
    pub(super) fn detach(self) {
        self.connection.forget(self.id);
    }

    fn cancel(&self) {
        // Encoding two numbers cannot fail.
        let _ = self.connection.send(&ClientMessage::Cancel { id: self.id });
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.connection.forget(self.id) {
            self.cancel();
        }
    }
}

fn ended() -> Error {
    Error::new(code::DISCONNECTED, "the connection to the sidecar ended").progress(Progress::Unknown)
}

/// A call that runs something, with its streams. Cancelled when dropped before its end.
pub struct Call {
    vm: u64,
    pending: Pending,
    output: mpsc::UnboundedReceiver<Output>,
}

impl Call {
    pub(super) fn begin(connection: &Arc<Connection>, vm: u64, request: VmRequest) -> Result<Call, Error> {
        let (sender, output) = mpsc::unbounded_channel();
        let (pending, _) = connection.begin(Request::Vm { vm, request }, Some(sender))?;
        Ok(Call { vm, pending, output })
    }

    /// The process id in the VM, once the program has started. For programs that are run with `report_pid` in their
    /// options.
    ///
    /// # Errors
    /// It ended, or could not be started, before that was known.
    pub async fn pid(&mut self) -> Result<u32, Error> {
        let told = self.pending.told.wait_for(|told| told.pid.is_some()).await;
        told.ok()
            .and_then(|told| told.pid)
            .ok_or_else(|| Error::new(code::NOT_FOUND, "the program ended before its process id was known"))
    }

    /// Where standard input of a call with `streamStdin` goes; it may be fed by a task of its own.
    pub fn stdin(&self) -> Stdin {
        Stdin { input: self.pending.input.clone() }
    }

    /// The next piece of output of a call with [`protocol::wire::Capture::Stream`]; none when it has ended.
    pub async fn next_output(&mut self) -> Option<Output> {
        let output = self.output.recv().await?;
        // What has been taken from here may be sent again.
        let credit = ClientMessage::Credit { id: self.pending.id, bytes: output.data.len() as u64 };
        let _ = self.pending.connection.send(&credit);
        Some(output)
    }

    /// Asks for an early end; the call is still answered.
    pub fn cancel(&self) {
        self.pending.cancel();
    }

    /// The result. Output that was not taken is dropped.
    ///
    /// # Errors
    /// The call could not be made, or the VM or the connection ended.
    pub async fn result(&mut self) -> Result<ExecutionResult, Error> {
        let Call { vm, pending, output } = self;
        let connection = pending.connection.clone();
        let response = pending.response();
        tokio::pin!(response);
        loop {
            tokio::select! {
                response = &mut response => return match response {
                    Ok(Response::Vm { response: VmResponse::Executed { result } }) => Ok(result),
                    Ok(other) => Err(unexpected(&other)),
                    Err(error) => Err(connection.why(*vm, error)),
                },
                Some(_) = output.recv() => {}
            }
        }
    }
}

/// Standard input of a call.
#[derive(Clone)]
pub struct Stdin {
    input: Arc<Input>,
}

impl Stdin {
    /// Sends input, waiting while the program does not take it. Small writes that come fast are sent together. Input
    /// for a program that has ended is dropped.
    pub async fn write(&self, bytes: &[u8]) {
        self.input.write(bytes).await;
    }

    /// Ends standard input after what was written.
    pub fn close(&self) {
        self.input.end();
    }
}
