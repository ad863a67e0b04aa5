//! The process that has sockets to the world, on behalf of the VMs of one supervisor. It asks servers of names and makes
//! TCP connections, when the supervisor says so, speaks TLS on them, and relays their bytes to and from one end of a socket
//! pair each, whose other end a worker has. Whoever asks has decided, but for requests of HTTP: those are decided where they
//! are read.
//!
//! Standard input is the socket to the supervisor ([`protocol::network`]). What it needs of the host's files, the servers of
//! names, the names in `/etc/hosts` and the authorities that the host trusts, it reads before it is enclosed; from then on it
//! has sockets and nothing else, and one thread. It ends with its socket.

mod accounts;
mod control;
mod names;
mod proxy;
mod relay;
mod requests;
mod secrets;
mod tls;
mod watch;

use std::io;
use std::process::ExitCode;

use control::Control;
use names::Names;
use protocol::network::FromNetwork;
use tls::Trust;

/// Private writable memory, in bytes: buffers of connections above all.
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Threads: the one there is.
const THREADS_MAX: u64 = 1;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cordon-net: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    enclosure::close_descriptors()?;
    // It makes descriptors, which are not refused yet.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let names = {
        let _inside = runtime.enter();
        Names::of_this_host()?
    };
    let trust = Trust::of_this_host();
    let mut enclosure = enclosure::enter_network()?;
    enclosure::limit_memory(MEMORY_BYTES_MAX)?;
    let rules = enclosure::Rules::read_network()?;
    enclosure::filter_calls(&rules)?;
    enclosure.layers.push(enclosure::executed_apart());
    let filter = enclosure::filter_last(&rules, false, THREADS_MAX, &enclosure)?;
    enclosure.layers.push(filter);
    runtime.block_on(Control::serve(names, trust, FromNetwork::Ready { enclosure }))
}
