//! Decisions over a VM's permissions, as whoever owns it watches them.

use std::sync::Arc;

use super::Error;
use super::connection::{Connection, unexpected};
use protocol::wire::{DecisionBatch, DecisionWatch, Request, Response, VmRequest, VmResponse};

/// The decisions of a VM, from when it is watched on. Each is told once; what nobody takes is kept within limits, and counted
/// beyond them. Dropping it ends the watching.
pub struct Decisions {
    connection: Arc<Connection>,
    vm: u64,
}

impl Decisions {
    pub(super) async fn begin(
        connection: &Arc<Connection>,
        vm: u64,
        watch: DecisionWatch,
    ) -> Result<Decisions, Error> {
        let decisions = Decisions { connection: connection.clone(), vm };
        decisions.watch(watch).await?;
        Ok(decisions)
    }

    /// Waits until something was decided that was not told, and tells it. It may be nothing, if it was told to another.
    /// Dropping the future loses what is on its way.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn next(&self) -> Result<DecisionBatch, Error> {
        self.take(true).await
    }

    /// What was decided until now and was not told.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn now(&self) -> Result<DecisionBatch, Error> {
        self.take(false).await
    }

    /// Ends the watching; whoever waits for [`next`](Self::next) waits no more.
    ///
    /// # Errors
    /// The VM or the connection ended.
    pub async fn stop(&self) -> Result<(), Error> {
        self.watch(DecisionWatch::Off).await
    }

    async fn take(&self, wait: bool) -> Result<DecisionBatch, Error> {
        match self.ask(VmRequest::TakeDecisions { wait }).await? {
            Response::Vm { response: VmResponse::Decisions { batch } } => Ok(batch),
            other => Err(unexpected(&other)),
        }
    }

    async fn watch(&self, watch: DecisionWatch) -> Result<(), Error> {
        match self.ask(VmRequest::WatchDecisions { watch }).await? {
            Response::Vm { response: VmResponse::Done {} } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&self, request: VmRequest) -> Result<Response, Error> {
        let asked = self.connection.request(Request::Vm { vm: self.vm, request }).await;
        asked.map_err(|error| self.connection.why(self.vm, error))
    }
}

impl Drop for Decisions {
    fn drop(&mut self) {
        let request = VmRequest::WatchDecisions { watch: DecisionWatch::Off };
        // Nobody waits for the answer, and of a VM that is gone nothing is kept.
        if let Ok((pending, _)) = self.connection.begin(Request::Vm { vm: self.vm, request }, None) {
            pending.detach();
        }
    }
}
