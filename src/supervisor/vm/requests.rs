//! What a VM has been asked and has not answered, and what may still come of each request: credit for its output, its
//! input that was not taken, whether it may say that it has started.
//!
//! The worker counts the same for its guests; this is the count that holds when a worker was taken over. Knows no
//! channel and no process.

use std::collections::HashMap;
use std::time::Instant;

use protocol::abi::MountId;
use protocol::wire::{
    Capture, ConnectionState, INITIAL_CREDIT, INPUT_WINDOW, OutputStream, RequestUpdate, VmRequest,
    VmResponse,
};

/// The requests of one VM that are under way.
#[derive(Default)]
pub(super) struct Requests {
    open: HashMap<u64, Request>,
    /// How many of them are connections.
    connections: usize,
}

/// One request that is under way.
pub(super) struct Request {
    pub(super) kind: Kind,
    output: Output,
    /// Bytes of output that it may send.
    credit: u64,
    /// Bytes of input that were passed on and not taken; none for a request that takes none.
    input: Option<u64>,
    /// Whether it may still tell that it has started.
    reports_pid: bool,
    /// How far it has come, if it is a connection.
    connection: Option<Stage>,
}

/// How far a connection to a server in the VM has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begun,
    Open,
    Ended,
}

/// What a request is, as far as the supervisor has a part in it.
pub(super) enum Kind {
    /// The worker alone answers it.
    Worker,
    /// The client works on files, at these paths: the guest's permissions are not asked for these.
    ClientFiles(Vec<String>),
    /// A host directory is being opened for the VM since then; the worker knows nothing of it yet.
    Opening(Instant),
    /// The supervisor answers it by itself, or has not passed it on yet.
    Supervisor,
    /// The worker puts other rules of the network in place.
    SettingNetwork,
    /// The worker mounts a host directory.
    Mounting(MountId),
    /// The worker takes away what is mounted at a path, which is this.
    Unmounting(Vec<MountId>),
}

/// Which output a request may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    None,
    Program,
    File,
    Terminal,
    Connection,
}

impl Requests {
    /// How many there are, connections aside.
    pub(super) fn len(&self) -> usize {
        self.open.len() - self.connections
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.connections
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// A request of a client's is passed on.
    pub(super) fn begin(&mut self, id: u64, request: &VmRequest) {
        let mut begun = Request::new(client_paths(request).map_or(Kind::Worker, Kind::ClientFiles));
        match request {
            VmRequest::ReadFile { .. } => begun.output = Output::File,
            VmRequest::WriteFile { stream_data: true, .. } => begun.input = Some(0),
            VmRequest::AttachTerminal { .. } => {
                begun.output = Output::Terminal;
                begun.input = Some(0);
            }
            VmRequest::Connect { .. } => {
                begun.output = Output::Connection;
                begun.input = Some(0);
                begun.connection = Some(Stage::Begun);
                self.connections += 1;
            }
            _ => {}
        }
        if let Some(options) = request.execution() {
            if options.capture == Capture::Stream {
                begun.output = Output::Program;
            }
            begun.input = options.stream_stdin.then_some(0);
            begun.reports_pid = options.report_pid;
        }
        if begun.output != Output::None {
            begun.credit = INITIAL_CREDIT;
        }
        self.open.insert(id, begun);
    }

    /// A request that the supervisor has a part in is begun, or goes on as another kind.
    pub(super) fn begin_as(&mut self, id: u64, kind: Kind) {
        self.open.insert(id, Request::new(kind));
    }

    /// The request is answered; none if there is no such request.
    pub(super) fn end(&mut self, id: u64) -> Option<Request> {
        let request = self.open.remove(&id)?;
        self.connections -= usize::from(request.connection.is_some());
        Some(request)
    }

    /// Whether a request can be answered with that; one that nobody has made is no matter of this.
    pub(super) fn takes(&self, id: u64, response: &VmResponse) -> bool {
        self.open.get(&id).is_none_or(|request| request.takes(response))
    }

    /// The numbers of all, which are answered with that.
    pub(super) fn end_all(&mut self) -> impl Iterator<Item = u64> + use<> {
        self.connections = 0;
        std::mem::take(&mut self.open).into_keys()
    }

    /// Counts what reaches a request, and says what of it is to be passed on: no more credit than the window, no input
    /// for a request that takes none, and of input beyond the window the first, which makes the worker end the request.
    pub(super) fn update(&mut self, id: u64, update: RequestUpdate) -> Option<RequestUpdate> {
        let request = self.open.get_mut(&id)?;
        match update {
            RequestUpdate::Cancel {} => Some(RequestUpdate::Cancel {}),
            RequestUpdate::Input { data, end } => {
                let waiting = request.input.as_mut()?;
                if *waiting > INPUT_WINDOW {
                    return None;
                }
                *waiting += data.0.len() as u64;
                Some(RequestUpdate::Input { data, end })
            }
            RequestUpdate::Credit { bytes } => {
                if request.output == Output::None {
                    return None;
                }
                let bytes = bytes.min(INITIAL_CREDIT - request.credit);
                request.credit += bytes;
                (bytes > 0).then_some(RequestUpdate::Credit { bytes })
            }
        }
    }

    /// Counts output of a request's.
    ///
    /// # Errors
    /// The worker may not send it: it has no credit for so much, or the request has no such output.
    pub(super) fn output(&mut self, id: u64, stream: OutputStream, bytes: usize) -> Result<Told, OutOfTurn> {
        let Some(request) = self.open.get_mut(&id) else { return Ok(Told::Nobody) };
        let expected = match stream {
            OutputStream::Stdout | OutputStream::Stderr => Output::Program,
            OutputStream::File => Output::File,
            OutputStream::Terminal => Output::Terminal,
            OutputStream::Connection => Output::Connection,
        };
        if matches!(request.connection, Some(Stage::Begun | Stage::Ended)) {
            return Err(OutOfTurn("output of a connection that has none"));
        }
        if request.output != expected || bytes == 0 || request.credit < bytes as u64 {
            return Err(OutOfTurn("output without credit"));
        }
        request.credit -= bytes as u64;
        Ok(Told::Client)
    }

    /// Counts input that a request has taken.
    ///
    /// # Errors
    /// It was not given so much.
    pub(super) fn input_taken(&mut self, id: u64, bytes: u64) -> Result<Told, OutOfTurn> {
        let Some(request) = self.open.get_mut(&id) else { return Ok(Told::Nobody) };
        match &mut request.input {
            Some(waiting) if (1..=*waiting).contains(&bytes) => *waiting -= bytes,
            _ => return Err(OutOfTurn("input that it was not given")),
        }
        Ok(Told::Client)
    }

    /// A request's program has started.
    ///
    /// # Errors
    /// Nobody has asked to be told, or it was told before.
    pub(super) fn started(&mut self, id: u64) -> Result<Told, OutOfTurn> {
        let Some(request) = self.open.get_mut(&id) else { return Ok(Told::Nobody) };
        if !std::mem::take(&mut request.reports_pid) {
            return Err(OutOfTurn("the start of a program that nobody asked about"));
        }
        Ok(Told::Client)
    }

    /// A request's connection has come so far.
    ///
    /// # Errors
    /// The request is no connection, or that was told before.
    pub(super) fn connection(&mut self, id: u64, state: ConnectionState) -> Result<Told, OutOfTurn> {
        let Some(request) = self.open.get_mut(&id) else { return Ok(Told::Nobody) };
        request.connection = Some(match (request.connection, state) {
            (Some(Stage::Begun), ConnectionState::Open) => Stage::Open,
            (Some(Stage::Open), ConnectionState::Ended) => Stage::Ended,
            _ => return Err(OutOfTurn("a connection's state that it cannot have come to")),
        });
        Ok(Told::Client)
    }

    /// The paths that clients work on now, with the guest's permissions aside.
    pub(super) fn client_paths(&self) -> Vec<String> {
        let paths = self.open.values().filter_map(|request| match &request.kind {
            Kind::ClientFiles(paths) => Some(paths),
            _ => None,
        });
        paths.flatten().cloned().collect()
    }

    /// The requests whose host directory was begun to be opened before then, and is not open.
    pub(super) fn opening_since(&self, then: Instant) -> Vec<u64> {
        let late = |(id, request): (&u64, &Request)| match request.kind {
            Kind::Opening(since) if since <= then => Some(*id),
            _ => None,
        };
        self.open.iter().filter_map(late).collect()
    }
}

impl Request {
    fn new(kind: Kind) -> Request {
        Request { kind, output: Output::None, credit: 0, input: None, reports_pid: false, connection: None }
    }

    /// Whether it can be answered with that.
    fn takes(&self, response: &VmResponse) -> bool {
        match self.kind {
            Kind::Opening(_) | Kind::Supervisor => false,
            Kind::Mounting(_) | Kind::Unmounting(_) | Kind::SettingNetwork => {
                matches!(response, VmResponse::Done {})
            }
            // A connection that was never there, or has not ended, has failed.
            Kind::Worker if self.connection.is_some() => {
                self.connection == Some(Stage::Ended) && matches!(response, VmResponse::Done {})
            }
            // What only the supervisor knows.
            Kind::Worker | Kind::ClientFiles(_) => {
                !matches!(response, VmResponse::Decisions { .. } | VmResponse::NetworkUsage { .. })
            }
        }
    }
}

/// Whom a message of the worker's is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Client,
    /// The request was answered while the message was on its way.
    Nobody,
}

/// What a worker that keeps to the protocol never says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the worker sent {0}")]
pub(super) struct OutOfTurn(pub(super) &'static str);

/// The paths that a client's request for files is about.
fn client_paths(request: &VmRequest) -> Option<Vec<String>> {
    match request {
        VmRequest::ReadFile { path, .. }
        | VmRequest::WriteFile { path, .. }
        | VmRequest::Stat { path, .. }
        | VmRequest::List { path }
        | VmRequest::Mkdir { path, .. }
        | VmRequest::Remove { path, .. } => Some(vec![path.clone()]),
        VmRequest::Rename { source, target } => Some(vec![source.clone(), target.clone()]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::wire::ExecutionOptions;

    fn spawn(options: ExecutionOptions) -> VmRequest {
        VmRequest::Spawn { command: "cat".to_owned(), options }
    }

    fn input(bytes: u64) -> RequestUpdate {
        RequestUpdate::Input { data: vec![0; bytes as usize].into(), end: false }
    }

    #[test]
    fn output_needs_credit_and_a_request_that_has_output() {
        let mut requests = Requests::default();
        let streams = ExecutionOptions { capture: Capture::Stream, ..ExecutionOptions::default() };
        requests.begin(1, &spawn(streams));
        requests.begin(2, &spawn(ExecutionOptions::default()));
        requests.begin(3, &VmRequest::ReadFile { path: "/f".to_owned(), max_bytes: None });
        let all = INITIAL_CREDIT as usize;
        assert_eq!(requests.output(1, OutputStream::Stdout, all - 1), Ok(Told::Client));
        assert_eq!(requests.output(1, OutputStream::Stderr, 1), Ok(Told::Client));
        assert!(requests.output(1, OutputStream::Stdout, 1).is_err());
        assert!(requests.output(2, OutputStream::Stdout, 1).is_err());
        assert!(requests.output(3, OutputStream::Stdout, 1).is_err());
        assert!(requests.output(3, OutputStream::File, 0).is_err());
        assert_eq!(requests.output(3, OutputStream::File, all), Ok(Told::Client));
        requests.begin(4, &VmRequest::AttachTerminal { terminal: 1 });
        assert!(requests.output(4, OutputStream::Stdout, 1).is_err());
        assert!(requests.output(1, OutputStream::Terminal, 1).is_err());
        assert_eq!(requests.output(4, OutputStream::Terminal, all), Ok(Told::Client));
        assert!(requests.output(4, OutputStream::Terminal, 1).is_err());
        assert!(requests.input_taken(4, 1).is_err());
        assert!(requests.update(4, input(1)).is_some());
        assert_eq!(requests.input_taken(4, 1), Ok(Told::Client));
        // A grant is worth what was used, whatever it says.
        let granted = requests.update(1, RequestUpdate::Credit { bytes: u64::MAX });
        assert_eq!(granted, Some(RequestUpdate::Credit { bytes: INITIAL_CREDIT }));
        assert_eq!(requests.update(1, RequestUpdate::Credit { bytes: 1 }), None);
        assert_eq!(requests.update(2, RequestUpdate::Credit { bytes: 1 }), None);
        // What was on its way when the request was answered reaches nobody.
        requests.end(1);
        assert_eq!(requests.output(1, OutputStream::Stdout, all), Ok(Told::Nobody));
    }

    #[test]
    fn input_is_taken_once_and_passed_on_within_its_window() {
        let mut requests = Requests::default();
        let streams = ExecutionOptions { stream_stdin: true, ..ExecutionOptions::default() };
        requests.begin(1, &spawn(streams));
        assert!(requests.input_taken(1, 1).is_err());
        assert!(requests.update(1, input(INPUT_WINDOW)).is_some());
        assert!(requests.input_taken(1, 0).is_err());
        assert_eq!(requests.input_taken(1, INPUT_WINDOW), Ok(Told::Client));
        assert!(requests.input_taken(1, 1).is_err());
        // The first beyond the window makes the worker end the request; no more than that is passed on.
        assert!(requests.update(1, input(INPUT_WINDOW)).is_some());
        assert!(requests.update(1, input(1)).is_some());
        assert!(requests.update(1, input(1)).is_none());
        requests.begin(2, &spawn(ExecutionOptions::default()));
        assert!(requests.update(2, input(1)).is_none());
    }

    #[test]
    fn a_start_is_told_once_to_who_asked() {
        let mut requests = Requests::default();
        requests.begin(1, &spawn(ExecutionOptions { report_pid: true, ..ExecutionOptions::default() }));
        requests.begin(2, &spawn(ExecutionOptions::default()));
        assert_eq!(requests.started(1), Ok(Told::Client));
        assert!(requests.started(1).is_err() && requests.started(2).is_err());
    }

    #[test]
    fn a_connection_opens_ends_and_is_answered_in_that_order() {
        let mut requests = Requests::default();
        requests.begin(1, &VmRequest::Connect { port: 80, wait_ms: None });
        requests.begin(2, &spawn(ExecutionOptions::default()));
        assert_eq!((requests.len(), requests.connections()), (1, 1));
        assert!(requests.connection(2, ConnectionState::Open).is_err());
        assert!(requests.connection(1, ConnectionState::Ended).is_err());
        assert!(requests.output(1, OutputStream::Connection, 1).is_err());
        assert_eq!(requests.connection(1, ConnectionState::Open), Ok(Told::Client));
        assert!(requests.connection(1, ConnectionState::Open).is_err());
        assert!(requests.output(1, OutputStream::Stdout, 1).is_err());
        assert_eq!(requests.output(1, OutputStream::Connection, INITIAL_CREDIT as usize), Ok(Told::Client));
        assert!(requests.output(1, OutputStream::Connection, 1).is_err());
        assert!(requests.input_taken(1, 1).is_err());
        assert!(requests.update(1, input(1)).is_some());
        assert!(requests.update(1, RequestUpdate::Credit { bytes: 1 }).is_some());
        assert!(!requests.open[&1].takes(&VmResponse::Done {}));
        assert_eq!(requests.connection(1, ConnectionState::Ended), Ok(Told::Client));
        assert!(requests.output(1, OutputStream::Connection, 1).is_err());
        // The other direction goes on.
        assert_eq!(requests.input_taken(1, 1), Ok(Told::Client));
        assert!(!requests.open[&1].takes(&VmResponse::Context { context: 1 }));
        assert!(requests.open[&1].takes(&VmResponse::Done {}));
        requests.end(1);
        requests.end(1);
        assert_eq!((requests.len(), requests.connections()), (1, 0));
        assert_eq!(requests.connection(1, ConnectionState::Ended), Ok(Told::Nobody));
    }

    #[test]
    fn the_paths_of_clients_are_those_of_their_requests_for_files() {
        let mut requests = Requests::default();
        requests.begin(1, &VmRequest::Rename { source: "/a".to_owned(), target: "/b".to_owned() });
        requests.begin(2, &spawn(ExecutionOptions::default()));
        let mut paths = requests.client_paths();
        paths.sort();
        assert_eq!(paths, ["/a", "/b"]);
        requests.end(1);
        assert!(requests.client_paths().is_empty());
    }
}
