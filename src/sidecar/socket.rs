//! A sidecar on a Unix socket that only its owner can use.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

use super::{ConnectionLimits, serve_connection};
use crate::supervisor::Supervisor;
use crate::unix_socket;

/// Connections at once; more wait in the socket's queue.
const CONNECTIONS_MAX: usize = 256;

/// Why a socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another sidecar listens there.
    #[error("{} is in use by another process; stop it or name another path", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{} exists and is no socket of ours; remove it or name another path", .0.display())]
    Occupied(PathBuf),
    /// The system refused.
    #[error("cannot listen on {}: {error}", path.display())]
    Io {
        /// The socket's path.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// Serves clients on a socket until the future is dropped. `ready` is called once clients can connect.
///
/// # Errors
/// The socket cannot be made.
pub async fn serve_socket(
    supervisor: Supervisor,
    limits: ConnectionLimits,
    path: &Path,
    ready: impl FnOnce(),
) -> Result<(), SocketError> {
    let failed = |error| SocketError::Io { path: path.to_owned(), error };
    if let Ok(metadata) = path.symlink_metadata() {
        if !metadata.file_type().is_socket() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(SocketError::Occupied(path.to_owned()));
        }
        if UnixStream::connect(path).await.is_ok() {
            return Err(SocketError::InUse(path.to_owned()));
        }
        std::fs::remove_file(path).map_err(failed)?;
    }
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = listener.map_err(failed)?;
    let _removed_at_the_end = RemoveOnDrop(path.to_owned());
    ready();
    let connections = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let permit = connections.clone().acquire_owned().await.expect("never closed");
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely; those in use may become free.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        // The mode of the socket already keeps others out; on a filesystem that ignores modes this does.
        let owner = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
        if !owner {
            tracing::warn!("refused a connection of another user");
            continue;
        }
        let supervisor = supervisor.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(supervisor, limits, stream).await {
                tracing::warn!(%error, "a connection ended");
            }
            drop(permit);
        });
    }
}

async fn serve(supervisor: Supervisor, limits: ConnectionLimits, stream: UnixStream) -> io::Result<()> {
    let (reader, writer) = unix_socket::split(stream.into_std()?.into())?;
    serve_connection(supervisor, limits, reader, writer).await
}

struct RemoveOnDrop(PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
