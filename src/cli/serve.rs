//! `cordon serve`.

use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::session::supervisor;
use crate::client::Error;
use crate::sidecar::{ConnectionLimits, serve_connection, serve_socket, stdio};
use crate::supervisor::TemplateLimits;
use protocol::wire::code;

/// Raises this process's limit of open files as far as it may be: each VM takes some. What it executes inherits that,
/// and a worker sets its own.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // One that cannot be raised is counted with as it is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Serves clients until standard input ends, or the process is told to.
pub(super) async fn serve(
    socket: Option<(PathBuf, ConnectionLimits)>,
    warm: usize,
    templates: Option<TemplateLimits>,
) -> Result<u8, Error> {
    raise_descriptor_limit();
    let supervisor = supervisor(warm, templates)?;
    let warming = supervisor.clone();
    tokio::spawn(async move { warming.warm_up().await });
    let Some((path, limits)) = socket else {
        let streams = stdio::stdin().and_then(|input| Ok((input, stdio::stdout()?)));
        let (input, output) = streams
            .map_err(|error| Error::new(code::INTERNAL, format!("standard input or output: {error}")))?;
        // What the client broke, it has been told.
        let _ = serve_connection(supervisor, ConnectionLimits::default(), input, output).await;
        return Ok(0);
    };
    let ready = || eprintln!("cordon: listening on {}", path.display());
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| Error::new(code::INTERNAL, error.to_string()))?;
    tokio::select! {
        served = serve_socket(supervisor, limits, &path, ready) => match served {
            Ok(()) => Ok(0),
            Err(error) => Err(Error::new(code::INTERNAL, error.to_string())),
        },
        _ = terminate.recv() => Ok(0),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}
