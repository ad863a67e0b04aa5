//! A terminal in a VM, from where somebody sits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Error;
use super::call::{Call, Stdin};
use super::connection::{Connection, unexpected};
use protocol::wire::{ExecutionResult, Request, Response, TerminalSize, VmRequest, VmResponse, code};

/// What a terminal is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Characters in a row.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// The command that runs there; `sh` when none.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables, over the VM's.
    pub env: BTreeMap<String, String>,
    /// The directory it starts in; the VM's when none.
    pub cwd: Option<String>,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        TerminalOptions {
            cols: 80,
            rows: 24,
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
        }
    }
}

impl TerminalOptions {
    pub(super) fn request(self) -> VmRequest {
        let TerminalOptions { cols, rows, command, args, env, cwd } = self;
        VmRequest::OpenTerminal { size: TerminalSize { cols, rows }, command, args, env, cwd }
    }
}

/// Somebody who sits at a terminal of a VM. Dropping this leaves the terminal as it is, to be attached to again.
pub struct Terminal {
    connection: Arc<Connection>,
    vm: u64,
    number: u64,
    attached: Call,
}

impl Terminal {
    pub(super) fn begin(connection: &Arc<Connection>, vm: u64, number: u64) -> Result<Terminal, Error> {
        let attached = Call::begin(connection, vm, VmRequest::AttachTerminal { terminal: number })?;
        Ok(Terminal { connection: connection.clone(), vm, number, attached })
    }

    /// Its number in the VM, to attach to it again.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Another who sits at it: what it has shown before comes first, as far as it is kept, its last 256 KiB.
    ///
    /// # Errors
    /// The connection ended. That the terminal was closed is told by [`wait`](Self::wait).
    pub fn attach(&self) -> Result<Terminal, Error> {
        Terminal::begin(&self.connection, self.vm, self.number)
    }

    /// Leaves it as it is, to be attached to again; dropping this does the same, without waiting.
    pub async fn detach(mut self) {
        self.attached.cancel();
        let _ = self.attached.result().await;
    }

    /// Types, waiting while much that was typed is not read.
    pub async fn write(&self, bytes: &[u8]) {
        self.attached.stdin().write(bytes).await;
    }

    /// What types, for a task of its own.
    pub fn typing(&self) -> Stdin {
        self.attached.stdin()
    }

    /// The next piece of what it shows; none once its command has ended. Programs wait while much of it is not taken.
    pub async fn next_output(&mut self) -> Option<Vec<u8>> {
        self.attached.next_output().await.map(|output| output.data)
    }

    /// It shows so many characters from now on.
    ///
    /// # Errors
    /// It was closed, or the VM or the connection ended.
    pub async fn resize(&self, cols: u16, rows: u16) -> Result<(), Error> {
        self.done(VmRequest::ResizeTerminal { terminal: self.number, size: TerminalSize { cols, rows } })
            .await
    }

    /// How its command ended, once it has and all was shown, which is not seen here any more.
    ///
    /// # Errors
    /// There is no such terminal, its command could not be had, or the VM or the connection ended.
    pub async fn wait(&mut self) -> Result<ExecutionResult, Error> {
        while self.next_output().await.is_some() {}
        self.attached.result().await
    }

    /// Hangs up: its session is sent `SIGHUP`, and killed if it does not end soon. Waits until its command has ended. One
    /// that was closed already is fine.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn close(&self) -> Result<(), Error> {
        match self.done(VmRequest::CloseTerminal { terminal: self.number }).await {
            Err(error) if error.code == code::NOT_FOUND => Ok(()),
            outcome => outcome,
        }
    }

    async fn done(&self, request: VmRequest) -> Result<(), Error> {
        match self.connection.request(Request::Vm { vm: self.vm, request }).await {
            Ok(Response::Vm { response: VmResponse::Done {} }) => Ok(()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(self.connection.why(self.vm, error)),
        }
    }
}
