//! Where a client's other end is.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Error;
use crate::sidecar::{ConnectionLimits, serve_connection};
use crate::supervisor::{Supervisor, SupervisorOptions};
use crate::unix_socket;
use protocol::wire::code;

/// Bytes in flight between a client and a supervisor in the same process.
const IN_PROCESS_BUFFER: usize = 256 * 1024;

/// Both halves of a connection.
pub struct Stream {
    pub(super) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// Ends the other end with the connection.
    pub(super) keep: Option<tokio::process::Child>,
}

impl Stream {
    /// A connection over any pair of byte streams.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Stream { reader: Box::new(reader), writer: Box::new(writer), keep: None }
    }
}

/// A way to reach a supervisor. Whichever it is, the client behaves the same.
pub trait Connect: Sync {
    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Stream, Error>> + Send;
}

/// A supervisor in this process.
#[derive(Clone)]
pub struct Embedded(pub Supervisor);

impl Embedded {
    /// A supervisor over the installation around this executable, or the one that `CORDON_WORKER_DIR` names.
    ///
    /// # Errors
    /// There is no installation.
    pub fn find() -> Result<Self, Error> {
        Ok(Embedded(Supervisor::new(SupervisorOptions::find()?)))
    }
}

impl Connect for Embedded {
    async fn connect(&self) -> Result<Stream, Error> {
        let (ours, theirs) = tokio::io::duplex(IN_PROCESS_BUFFER);
        let supervisor = self.0.clone();
        tokio::spawn(async move {
            let (reader, writer) = tokio::io::split(theirs);
            // What the client broke, it has been told.
            let _ = serve_connection(supervisor, ConnectionLimits::default(), reader, writer).await;
        });
        let (reader, writer) = tokio::io::split(ours);
        Ok(Stream::new(reader, writer))
    }
}

/// A sidecar process of our own, spoken to over its standard input and output. It ends with the connection.
#[derive(Clone, Debug)]
pub struct Sidecar {
    /// The `cordon` executable.
    pub executable: PathBuf,
}

impl Connect for Sidecar {
    async fn connect(&self) -> Result<Stream, Error> {
        let mut child = tokio::process::Command::new(&self.executable)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                Error::new(
                    code::NOT_INSTALLED,
                    format!("cannot start {}: {error}", self.executable.display()),
                )
                .hint("name the `cordon` executable")
            })?;
        let (Some(writer), Some(reader)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(disconnected(&io::Error::other("the sidecar has no standard streams")));
        };
        Ok(Stream { keep: Some(child), ..Stream::new(reader, writer) })
    }
}

/// A sidecar that listens on a Unix socket (`cordon serve --socket PATH`).
#[derive(Clone, Debug)]
pub struct Socket {
    /// The socket's path.
    pub path: PathBuf,
}

impl Connect for Socket {
    async fn connect(&self) -> Result<Stream, Error> {
        let connected = async {
            let stream = tokio::net::UnixStream::connect(&self.path).await?;
            unix_socket::split(stream.into_std()?.into())
        };
        let (reader, writer) = connected.await.map_err(|error| {
            Error::new(code::DISCONNECTED, format!("cannot connect to {}: {error}", self.path.display()))
                .hint(format!("start a sidecar there: cordon serve --socket {}", self.path.display()))
        })?;
        Ok(Stream::new(reader, writer))
    }
}

/// The error of a connection that ended.
pub(super) fn disconnected(error: &io::Error) -> Error {
    Error::new(code::DISCONNECTED, format!("the connection to the sidecar ended: {error}"))
}
