//! A connection to a server in a VM: bytes both ways.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::futures::OwnedNotified;
use tokio::sync::mpsc;

use super::Error;
use super::call::{Output, Pending};
use super::connection::{Connection, unexpected};
use protocol::wire::{ConnectionState, INITIAL_CREDIT, Request, Response, VmRequest, VmResponse, code};

/// So much is taken before the server may send as much again: few messages, and it never waits for one.
const GRANT: u64 = INITIAL_CREDIT / 4;

/// A connection to a server in a VM, made by [`Vm::connect`](super::Vm::connect). Each direction ends by itself: shutting it
/// down ends what is written, and what the server sends can still be read. Dropping it closes it, and breaks it off where it
/// was not shut down before.
///
/// Its errors are those of the VM: [`io::Error::get_ref`] has the [`Error`].
pub struct GuestConnection {
    vm: u64,
    port: u16,
    pending: Pending,
    output: mpsc::UnboundedReceiver<Output>,
    /// The piece that is being read, and how much of it was.
    piece: Vec<u8>,
    read: usize,
    /// How much was read and not granted again.
    owed: u64,
    /// Done when there may be room for what is written.
    room: Option<Pin<Box<OwnedNotified>>>,
    /// Nothing more will be written.
    shut: bool,
    /// Shutting it down does not wait until all that was written is sent.
    hurries: bool,
    /// How it was answered, if it was.
    answer: Option<Result<(), Error>>,
}

impl GuestConnection {
    /// One that can be written to while it is being made.
    pub(super) fn begin(
        connection: &Arc<Connection>,
        vm: u64,
        port: u16,
        wait: Option<Duration>,
    ) -> Result<GuestConnection, Error> {
        let (sender, output) = mpsc::unbounded_channel();
        let wait_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let request = VmRequest::Connect { port, wait_ms };
        let (pending, _) = connection.begin(Request::Vm { vm, request }, Some(sender))?;
        Ok(GuestConnection {
            vm,
            port,
            pending,
            output,
            piece: Vec::new(),
            read: 0,
            owed: 0,
            room: None,
            shut: false,
            hurries: false,
            answer: None,
        })
    }

    pub(super) async fn open(
        connection: &Arc<Connection>,
        vm: u64,
        port: u16,
        wait: Option<Duration>,
    ) -> Result<GuestConnection, Error> {
        let mut begun = Self::begin(connection, vm, port, wait)?;
        // Whoever would tell is gone once there is an answer.
        if begun.pending.told().wait_for(|told| told.connection.is_some()).await.is_err() {
            return Err(match begun.pending.response().await {
                Ok(other) => unexpected(&other),
                Err(error) => connection.why(vm, error),
            });
        }
        Ok(begun)
    }

    /// The port that it leads to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same, for whoever has no use for what the server does after it has answered: one that takes nothing, and does not
    /// close the connection either, would be waited for.
    #[cfg(feature = "http")]
    pub(super) fn in_a_hurry(self) -> GuestConnection {
        GuestConnection { hurries: true, ..self }
    }

    /// How it ended, once it has.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(answer) = &self.answer {
            return Poll::Ready(answer.clone());
        }
        let answer = match ready!(self.pending.poll_response(cx)) {
            Ok(Response::Vm { response: VmResponse::Done {} }) => Ok(()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(self.pending.connection().why(self.vm, error)),
        };
        self.answer = Some(answer.clone());
        Poll::Ready(answer)
    }
}

impl AsyncRead for GuestConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.read == this.piece.len() {
            match ready!(this.output.poll_recv(cx)) {
                Some(Output { data, .. }) => (this.piece, this.read) = (data, 0),
                None => {
                    let ended = this.pending.told().borrow().connection == Some(ConnectionState::Ended);
                    if ended {
                        return Poll::Ready(Ok(()));
                    }
                    return Poll::Ready(match ready!(this.poll_answer(cx)) {
                        Ok(()) => Ok(()),
                        Err(error) => Err(io_error(error)),
                    });
                }
            }
        }
        let rest = this.piece.get(this.read..).unwrap_or_default();
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..length).unwrap_or_default());
        this.read += length;
        this.owed += length as u64;
        if this.owed >= GRANT {
            this.pending.grant(std::mem::take(&mut this.owed));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for GuestConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        loop {
            let input = this.pending.input();
            let mut room = this.room.take().unwrap_or_else(|| Box::pin(input.changed()));
            match input.accept(bytes) {
                None => {
                    let answer = ready!(this.poll_answer(cx));
                    let error = answer.err().map_or_else(|| io::ErrorKind::BrokenPipe.into(), io_error);
                    return Poll::Ready(Err(error));
                }
                Some(0) => {
                    if Future::poll(room.as_mut(), cx).is_pending() {
                        this.room = Some(room);
                        return Poll::Pending;
                    }
                }
                Some(taken) => return Poll::Ready(Ok(taken)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was taken is sent as soon as the server takes it.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !std::mem::replace(&mut this.shut, true) {
            this.pending.input().end();
        }
        // What is not sent when this is dropped never is.
        loop {
            let mut room = this.room.take().unwrap_or_else(|| Box::pin(this.pending.input().changed()));
            if this.hurries || this.pending.input().is_sent() {
                return Poll::Ready(Ok(()));
            }
            if Future::poll(room.as_mut(), cx).is_pending() {
                this.room = Some(room);
                return Poll::Pending;
            }
        }
    }
}

/// An error of the VM's in the form that streams have.
fn io_error(error: Error) -> io::Error {
    let kind = match error.code.as_str() {
        "ECONNREFUSED" => io::ErrorKind::ConnectionRefused,
        "ECONNRESET" => io::ErrorKind::ConnectionReset,
        "EPIPE" => io::ErrorKind::BrokenPipe,
        code::CANCELLED | code::DISCONNECTED | code::WORKER_LOST => io::ErrorKind::ConnectionAborted,
        code::TIMED_OUT => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
