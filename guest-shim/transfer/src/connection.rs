//! Connections over `cordon:vm/network`, with curl's words for what goes wrong, and clocks that every wait goes by.

use std::time::{Duration, Instant};

use cordon_vm::descriptors::Descriptor;
use cordon_vm::network::{self, ErrorCode, NetworkError, Readiness, TlsOptions, TlsSession};

use crate::failure::{self, Failure};

/// Bytes that are received at once.
const CHUNK: u32 = 64 * 1024;

/// How long a transfer may take, and what of it has taken how long.
#[derive(Clone, Debug)]
pub struct Clock {
    begun: Instant,
    deadline: Option<Instant>,
    /// How long it may take until there is a connection.
    connect: Option<Duration>,
    pub times: Times,
}

/// When something was done, from the beginning on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub looked_up: Duration,
    pub connected: Duration,
    pub tls: Duration,
    pub asked: Duration,
    pub answered: Duration,
    /// Spent with answers that led elsewhere.
    pub redirects: Duration,
}

impl Clock {
    pub fn start(most: Option<Duration>, connect: Option<Duration>) -> Clock {
        let begun = Instant::now();
        let deadline = most.and_then(|most| begun.checked_add(most));
        Clock { begun, deadline, connect, times: Times::default() }
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub fn milliseconds(&self) -> u128 {
        self.elapsed().as_millis()
    }

    /// What is left until `deadline`, in whole milliseconds. `None` when it is over.
    fn until(deadline: Option<Instant>) -> Option<u32> {
        let Some(deadline) = deadline else { return Some(u32::MAX) };
        let left = deadline.checked_duration_since(Instant::now())?;
        let left = u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
        (left > 0).then_some(left)
    }

    fn left(&self) -> Option<u32> {
        Clock::until(self.deadline)
    }

    /// For a connection that is begun at `at`.
    fn left_to_connect(&self, at: Instant) -> Option<u32> {
        let connect = self.connect.and_then(|connect| at.checked_add(connect));
        let deadline = [self.deadline, connect].into_iter().flatten().min();
        Clock::until(deadline)
    }
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub is_tls: bool,
}

/// How connections are made.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Whether certificates need not be trusted.
    pub is_insecure: bool,
    /// Certificates in DER to trust in place of the host's.
    pub authorities: Vec<Vec<u8>>,
    pub only_version_4: bool,
    pub only_version_6: bool,
}

/// A connection, and what of its bytes was received and not yet taken.
pub struct Connection {
    descriptor: Descriptor,
    pub place: Place,
    pub local: String,
    pub peer: String,
    input: Vec<u8>,
    taken: usize,
}

/// A wait that a signal ended early begins again: none is handled.
fn again<T>(mut wait: impl FnMut() -> Result<T, NetworkError>) -> Result<T, NetworkError> {
    loop {
        match wait() {
            Err(error) if error.code == ErrorCode::Interrupted => {}
            outcome => return outcome,
        }
    }
}

impl Connection {
    /// Makes one; `say` is told of what is done.
    pub fn open(
        place: &Place,
        ways: &Ways,
        clock: &mut Clock,
        say: &mut dyn FnMut(&str),
    ) -> Result<Connection, Failure> {
        let begun = Instant::now();
        let addresses = look_up(place, ways, clock, begun)?;
        clock.times.looked_up = clock.elapsed();
        let mut failed = None;
        for address in &addresses {
            say(&format!("  Trying {}...", endpoint(address, place.port)));
            match connect(address, place, clock, begun) {
                Ok(descriptor) => {
                    clock.times.connected = clock.elapsed();
                    let (local, peer) = network::addresses(&descriptor).unwrap_or_default();
                    say(&format!("Connected to {} ({address}) port {}", place.host, place.port));
                    let mut connection = Connection {
                        descriptor,
                        place: place.clone(),
                        local,
                        peer,
                        input: Vec::new(),
                        taken: 0,
                    };
                    if place.is_tls {
                        connection.start_tls(ways, clock, begun, say)?;
                        clock.times.tls = clock.elapsed();
                    }
                    return Ok(connection);
                }
                Err(failure) => {
                    say(&failure.message);
                    failed = Some(failure);
                }
            }
        }
        Err(failed.unwrap_or_else(|| could_not_resolve(place)))
    }

    fn start_tls(
        &mut self,
        ways: &Ways,
        clock: &Clock,
        begun: Instant,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let Place { host, port, .. } = &self.place;
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        let options = TlsOptions {
            server_name: (!is_address).then(|| host.clone()),
            protocols: vec!["http/1.1".to_owned()],
            authorities: ways.authorities.clone(),
            verify: !ways.is_insecure,
        };
        let late = || Failure::new(failure::TIME, "SSL connection timeout");
        let left = clock.left_to_connect(begun).ok_or_else(late)?;
        let session = again(|| network::start_tls(&self.descriptor, &options, left));
        let session = session.map_err(|error| match error.code {
            ErrorCode::TimedOut => late(),
            ErrorCode::Certificate => Failure::new(failure::CERTIFICATE, distrust(&error.message, host)),
            ErrorCode::Reset => {
                let text = format!("{} in connection to {host}:{port}", error.message);
                Failure::new(failure::HANDSHAKE, text)
            }
            _ => Failure::new(failure::HANDSHAKE, error.message),
        })?;
        let TlsSession { version, cipher, protocol, distrusted, .. } = session;
        say(&format!("SSL connection using {version} / cipher 0x{cipher:04x}"));
        if let Some(protocol) = protocol {
            say(&format!("ALPN: server accepted {protocol}"));
        }
        match distrusted {
            None => say("SSL certificate verify ok."),
            Some(why) => say(&format!("SSL certificate verify result: {why}, continuing anyway.")),
        }
        Ok(())
    }

    /// What was received and not yet taken.
    pub fn input(&self) -> &[u8] {
        &self.input[self.taken..]
    }

    pub fn take(&mut self, length: usize) {
        self.taken += length;
        if self.taken >= self.input.len() {
            self.input.clear();
            self.taken = 0;
        }
    }

    /// Receives more. How much: nothing is the end.
    pub fn receive(&mut self, clock: &Clock, progress: &dyn Fn() -> String) -> Result<usize, Failure> {
        let late = || {
            let text = format!(
                "Operation timed out after {} milliseconds with {}",
                clock.milliseconds(),
                progress()
            );
            Failure::new(failure::TIME, text)
        };
        let left = clock.left().ok_or_else(late)?;
        let received = again(|| network::receive(&self.descriptor, CHUNK, left));
        let received = received.map_err(|error| match error.code {
            ErrorCode::TimedOut => late(),
            _ => Failure::new(failure::RECEIVE, format!("Recv failure: {}", words(&error))),
        })?;
        self.input.drain(..self.taken);
        self.taken = 0;
        self.input.extend_from_slice(&received);
        Ok(received.len())
    }

    /// Whether there are bytes to receive, or the end, before so much time has passed.
    pub fn waits_to_be_received(&self, clock: &Clock, most: u32) -> Result<bool, Failure> {
        if !self.input().is_empty() {
            return Ok(true);
        }
        let left = clock.left().ok_or_else(|| late_sending(clock))?;
        let ready = again(|| network::wait(&self.descriptor, Readiness::RECEIVE, left.min(most)));
        Ok(has(ready.map_err(|error| not_sent(&error))?, Readiness::RECEIVE))
    }

    /// Sends some of the bytes. `None`, once the other end has something to say: there is no point in more then.
    pub fn send_unless_answered(&mut self, bytes: &[u8], clock: &Clock) -> Result<Option<usize>, Failure> {
        let left = clock.left().ok_or_else(|| late_sending(clock))?;
        let both = Readiness::RECEIVE | Readiness::SEND;
        let ready =
            again(|| network::wait(&self.descriptor, both, left)).map_err(|error| not_sent(&error))?;
        if has(ready, Readiness::RECEIVE) {
            return Ok(None);
        }
        if !has(ready, Readiness::SEND) {
            return Err(late_sending(clock));
        }
        self.send_some(bytes, left, clock).map(Some)
    }

    /// Sends all of the bytes.
    pub fn send(&mut self, mut bytes: &[u8], clock: &Clock) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let left = clock.left().ok_or_else(|| late_sending(clock))?;
            bytes = &bytes[self.send_some(bytes, left, clock)?..];
        }
        Ok(())
    }

    fn send_some(&mut self, bytes: &[u8], left: u32, clock: &Clock) -> Result<usize, Failure> {
        let sent = again(|| network::send(&self.descriptor, bytes, left));
        let sent = sent.map_err(|error| match error.code {
            ErrorCode::TimedOut => late_sending(clock),
            _ => not_sent(&error),
        })?;
        Ok((sent as usize).min(bytes.len()))
    }
}

fn has(ready: Readiness, one: Readiness) -> bool {
    ready & one == one
}

fn late_sending(clock: &Clock) -> Failure {
    let text =
        format!("Operation timed out after {} milliseconds with 0 bytes received", clock.milliseconds());
    Failure::new(failure::TIME, text)
}

fn not_sent(error: &NetworkError) -> Failure {
    Failure::new(failure::SEND, format!("Send failure: {}", words(error)))
}

/// The system's words where curl has them.
fn words(error: &NetworkError) -> &str {
    match error.code {
        ErrorCode::Reset => "Connection reset by peer",
        _ => &error.message,
    }
}

fn endpoint(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

fn could_not_resolve(place: &Place) -> Failure {
    Failure::new(failure::NAME, format!("Could not resolve host: {}", place.host))
}

fn look_up(place: &Place, ways: &Ways, clock: &Clock, begun: Instant) -> Result<Vec<String>, Failure> {
    let late = || {
        let text = format!("Resolving timed out after {} milliseconds", clock.milliseconds());
        Failure::new(failure::TIME, text)
    };
    let left = clock.left_to_connect(begun).ok_or_else(late)?;
    let found = again(|| network::look_up(&place.host, left)).map_err(|error| match error.code {
        ErrorCode::TimedOut => late(),
        ErrorCode::NotFound | ErrorCode::NoAnswer => could_not_resolve(place),
        _ => {
            let Failure { code, message } = could_not_resolve(place);
            Failure::new(code, format!("{message}: {}", error.message))
        }
    })?;
    let is_wanted = |address: &String| {
        let is_version_6 = address.contains(':');
        if is_version_6 { !ways.only_version_4 } else { !ways.only_version_6 }
    };
    Ok(found.into_iter().filter(is_wanted).collect())
}

fn connect(address: &str, place: &Place, clock: &Clock, begun: Instant) -> Result<Descriptor, Failure> {
    let late = || {
        let text = format!("Connection timed out after {} milliseconds", clock.milliseconds());
        Failure::new(failure::TIME, text)
    };
    let left = clock.left_to_connect(begun).ok_or_else(late)?;
    again(|| network::connect(address, place.port, left)).map_err(|error| {
        let Place { host, port, .. } = place;
        let after = clock.milliseconds();
        let failed = |why: &str| {
            Failure::new(
                failure::CONNECT,
                format!("Failed to connect to {host} port {port} after {after} ms: {why}"),
            )
        };
        match error.code {
            ErrorCode::TimedOut => late(),
            ErrorCode::Refused | ErrorCode::Unreachable => failed("Couldn't connect to server"),
            _ => failed(&error.message),
        }
    })
}

/// OpenSSL's words for its names (`X509_verify_cert_error_string`), as curl shows them.
const REASONS: [(&str, &str); 9] = [
    ("CERT_HAS_EXPIRED", "certificate has expired"),
    ("CERT_NOT_YET_VALID", "certificate is not yet valid"),
    ("CERT_REJECTED", "certificate rejected"),
    ("CERT_REVOKED", "certificate revoked"),
    ("CERT_SIGNATURE_FAILURE", "certificate signature failure"),
    ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
    ("SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"),
    ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate"),
    ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"),
];

/// The message begins with OpenSSL's name of the reason and a colon.
fn distrust(message: &str, host: &str) -> String {
    let name = message.split(':').next().unwrap_or_default();
    if name == "ERR_TLS_CERT_ALTNAME_INVALID" {
        return format!("SSL: no alternative certificate subject name matches target host name '{host}'");
    }
    let known = REASONS.iter().find(|(known, _)| *known == name);
    format!("SSL certificate problem: {}", known.map_or(message, |(_, words)| words))
}
