//! Files of a VM, piece by piece: neither side ever holds more than the pieces under way.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Error;
use super::call::{Output, Pending};
use super::connection::{Connection, unexpected};
use protocol::wire::{Bytes, ClientMessage, Request, Response, VmRequest, VmResponse};

/// Contents up to this size are sent with the request, more in pieces.
const CONTENTS_WHOLE: usize = 1024 * 1024;

/// A file that is read. Dropping it before the end ends the reading.
pub struct FileReader {
    vm: u64,
    pending: Pending,
    connection: Arc<Connection>,
    pieces: mpsc::UnboundedReceiver<Output>,
    ended: bool,
}

impl FileReader {
    pub(super) fn begin(
        connection: &Arc<Connection>,
        vm: u64,
        path: &str,
        max_bytes: Option<u64>,
    ) -> Result<Self, Error> {
        let (sender, pieces) = mpsc::unbounded_channel();
        let request = VmRequest::ReadFile { path: path.to_owned(), max_bytes };
        let (pending, _) = connection.begin(Request::Vm { vm, request }, Some(sender))?;
        Ok(FileReader { vm, pending, connection: connection.clone(), pieces, ended: false })
    }

    /// The next piece, of up to 256 KiB; none at the end of the file. The VM sends on as pieces are taken.
    ///
    /// # Errors
    /// With an errno's name as code, or `ERR_LIMIT` if the file is longer than was asked for; or the VM or the
    /// connection ended. After an error there are no more pieces.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        if let Some(Output { data, .. }) = self.pieces.recv().await {
            let credit = ClientMessage::Credit { id: self.pending.id(), bytes: data.len() as u64 };
            let _ = self.connection.send(&credit);
            return Ok(Some(data));
        }
        self.ended = true;
        match self.pending.response().await {
            Ok(Response::Vm { response: VmResponse::Data { data: Bytes(last) } }) => {
                Ok(Some(last).filter(|last| !last.is_empty()))
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(self.connection.why(self.vm, error)),
        }
    }

    /// What is left of the file, in one piece.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub async fn rest(mut self) -> Result<Vec<u8>, Error> {
        let mut all = self.next().await?.unwrap_or_default();
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}

/// A file that is written anew. Dropping it before [`finish`](Self::finish) cancels the writing, which
/// leaves the file empty.
pub struct FileWriter {
    vm: u64,
    pending: Pending,
    connection: Arc<Connection>,
    failed: Option<Error>,
}

impl FileWriter {
    pub(super) fn begin(connection: &Arc<Connection>, vm: u64, path: &str) -> Result<Self, Error> {
        let request =
            VmRequest::WriteFile { path: path.to_owned(), data: Bytes::default(), stream_data: true };
        let (pending, _) = connection.begin(Request::Vm { vm, request }, None)?;
        Ok(FileWriter { vm, pending, connection: connection.clone(), failed: None })
    }

    /// Adds contents, waiting while the VM does not take them.
    ///
    /// # Errors
    /// With an errno's name as code, `ENOSPC` naming the limit in `field`; or the VM or the connection ended.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.pending.input().write(bytes).await;
        if self.failed.is_none()
            && let Some(response) = self.pending.try_response()
        {
            // It was answered before its end, so something is wrong.
            self.failed = Some(match response {
                Ok(other) => unexpected(&other),
                Err(error) => self.connection.why(self.vm, error),
            });
        }
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Ends the file after what was written, and waits until all of it is there.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub async fn finish(mut self) -> Result<(), Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.pending.input().end();
        match self.pending.response().await {
            Ok(Response::Vm { response: VmResponse::Done {} }) => Ok(()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(self.connection.why(self.vm, error)),
        }
    }
}

/// Writes a file whole: with the request if that is small, else in pieces.
pub(super) async fn write_whole(
    connection: &Arc<Connection>,
    vm: u64,
    path: &str,
    contents: Vec<u8>,
) -> Result<(), Error> {
    if contents.len() > CONTENTS_WHOLE {
        let mut writer = FileWriter::begin(connection, vm, path)?;
        writer.write(&contents).await?;
        return writer.finish().await;
    }
    let request = VmRequest::WriteFile { path: path.to_owned(), data: Bytes(contents), stream_data: false };
    match connection.request(Request::Vm { vm, request }).await {
        Ok(Response::Vm { response: VmResponse::Done {} }) => Ok(()),
        Ok(other) => Err(unexpected(&other)),
        Err(error) => Err(connection.why(vm, error)),
    }
}
