//! A worker that was taken over, as its supervisor meets it: it says what a worker says until it is claimed, and then
//! sends what the test has chosen. Only tests run it; `tests/black_box/hostile_worker.rs` puts it into an installation in
//! the place of the real one.
//!
//! The attack's name is the VM's environment variable `ATTACK`. An attack that is answered writes what it was told to
//! the answer of the evaluation that began it.

mod channel;

use std::io;

use protocol::abi::{Errno, HostFsReply, HostFsRequest, HostHandle, MountId, OpenFlags};
use protocol::broker::{BrokerCall, BrokerReply, FromWorker, ToWorker};
use protocol::config::{Access, Platform};
use protocol::enclosure::{EnclosureReport, Layer, LayerName};
use protocol::engine::{EngineProfile, EngineReport, WasmLevel};
use protocol::wire::{
    Bytes, ConnectionState, Decision, DecisionBatch, DecisionScope, ErrorData, ExecutionResult, Outcome,
    OutputStream, Progress, RequestUpdate, VmRequest, VmResponse, code,
};

use channel::Channel;

fn main() -> io::Result<()> {
    let mut channel = Channel::open()?;
    channel.send(&FromWorker::Ready { engine: engine(), enclosure: enclosure() })?;
    let ToWorker::Claim(claim) = channel.receive()? else { return Ok(()) };
    channel.send(&FromWorker::Claimed {})?;
    let attack = claim.config.env.get("ATTACK").cloned().unwrap_or_default();
    loop {
        let message = channel.receive()?;
        match message {
            ToWorker::Request { id, request } if request.execution().is_some() => {
                perform(&attack, &mut channel, id)?;
            }
            ToWorker::Request {
                id,
                request: VmRequest::AttachTerminal { .. } | VmRequest::Connect { .. },
            } => {
                perform(&attack, &mut channel, id)?;
            }
            ToWorker::Request { request: VmRequest::Stat { .. }, .. } if attack == "silence" => loop {
                std::thread::park();
            },
            ToWorker::Request { id, .. } | ToWorker::Unmount { id, .. } => {
                channel.send(&FromWorker::Response { id, response: Ok(VmResponse::Done {}) })?;
            }
            ToWorker::Mount { id, .. } => {
                let refused = Err(ErrorData::new(code::LIMIT, "no"));
                channel.send(&FromWorker::Response { id, response: refused })?;
            }
            ToWorker::Ping {} => channel.send(&FromWorker::Pong {})?,
            ToWorker::Update { .. }
            | ToWorker::Reply { .. }
            | ToWorker::Outward { .. }
            | ToWorker::SetNetwork { .. }
            | ToWorker::WatchDecisions { .. }
            | ToWorker::Claim(_) => {}
            ToWorker::TakeDecisions {} => channel.send(&FromWorker::Decisions { batch: lies() })?,
        }
    }
}

/// Decisions that it cannot have made, and more than anybody keeps.
fn lies() -> DecisionBatch {
    let lie = |scope, number: usize| Decision {
        time_ms: u64::MAX,
        decision: if number.is_multiple_of(2) { Access::Allow } else { Access::Deny },
        scope,
        operation: "x".repeat(2000),
        target: number.to_string(),
        address: None,
        rule: "y".repeat(2000),
        count: u64::MAX,
    };
    let scopes = [DecisionScope::Network, DecisionScope::HostFunctions, DecisionScope::Fs];
    let decisions = (0..300).flat_map(|number| scopes.map(|scope| lie(scope, number))).collect();
    DecisionBatch { decisions, dropped: u64::MAX }
}

/// Begins what was chosen, for a request that it may answer.
fn perform(attack: &str, channel: &mut Channel, id: u64) -> io::Result<()> {
    let output = |bytes: usize| FromWorker::Output {
        id,
        stream: OutputStream::Stdout,
        data: Bytes(vec![b'x'; bytes]),
    };
    let shown = |bytes: usize| FromWorker::Output {
        id,
        stream: OutputStream::Terminal,
        data: Bytes(vec![b'x'; bytes]),
    };
    let sent = |bytes: usize| FromWorker::Output {
        id,
        stream: OutputStream::Connection,
        data: Bytes(vec![b'x'; bytes]),
    };
    let come = |state| FromWorker::Connection { id, state };
    let ready = || FromWorker::Ready { engine: engine(), enclosure: enclosure() };
    match attack {
        "honest" => answer(channel, id, "honest"),
        network if network.starts_with("the network ") => {
            let port = network.rsplit(' ').next().and_then(|port| port.parse().ok());
            outward(channel, id, port.unwrap_or_default())
        }
        "output without credit" => endlessly(channel, |channel| channel.send(&output(1 << 20))),
        "more than a terminal may show" => endlessly(channel, |channel| channel.send(&shown(1 << 20))),
        "what a terminal shows" => channel.send(&shown(1)),
        "what a program writes" => channel.send(&output(1)),
        "more than a server may send" => {
            channel.send(&come(ConnectionState::Open))?;
            endlessly(channel, |channel| channel.send(&sent(1 << 20)))
        }
        "what a server sends" => channel.send(&sent(1)),
        "a connection" => channel.send(&come(ConnectionState::Open)),
        "two connections" => endlessly(channel, |channel| channel.send(&come(ConnectionState::Open))),
        "an end without a beginning" => channel.send(&come(ConnectionState::Ended)),
        "more after the end" => {
            channel.send(&come(ConnectionState::Open))?;
            channel.send(&come(ConnectionState::Ended))?;
            channel.send(&sent(1))
        }
        "a connection that is over and was never there" => {
            channel.send(&FromWorker::Response { id, response: Ok(VmResponse::Done {}) })
        }
        "empty output" => endlessly(channel, |channel| channel.send(&output(0))),
        "input that was not given" => channel.send(&FromWorker::InputTaken { id, bytes: 1 << 40 }),
        "starts" => endlessly(channel, |channel| channel.send(&FromWorker::Started { id, pid: 7 })),
        "an answer to nobody" => {
            channel.send(&FromWorker::Response { id: id + 1, response: Ok(VmResponse::Done {}) })
        }
        "decisions that nobody asked for" => channel.send(&FromWorker::Decisions { batch: lies() }),
        "two answers" => {
            answer(channel, id, "one")?;
            answer(channel, id, "two")
        }
        "ready again" => channel.send(&ready()),
        "claimed again" => channel.send(&FromWorker::Claimed {}),
        "a pong that nobody asked for" => channel.send(&FromWorker::Pong {}),
        "a length that is none" => channel.send_bytes(&u32::MAX.to_be_bytes()),
        "no message" => channel.send_bytes(&[0, 0, 0, 3, 0xc1, 0xc1, 0xc1]),
        "many elements" => {
            // Sixteen million empty lists in one answer: as values they would be half a gigabyte.
            let count: u32 = 15 << 20;
            let head = [&[0xdd], &count.to_be_bytes()[..]].concat();
            channel.send_bytes(&(head.len() as u32 + count).to_be_bytes())?;
            channel.send_bytes(&head)?;
            channel.send_bytes(&vec![0x90; count as usize])
        }
        "one number twice" => {
            let forever = BrokerCall::HostFunction { name: "slow".to_owned(), input: "null".to_owned() };
            channel.send(&FromWorker::Call { call: 1, body: forever.clone() })?;
            channel.send(&FromWorker::Call { call: 1, body: forever })
        }
        "questions without reading" => {
            let mut call = 0;
            endlessly(channel, |channel| {
                call += 1;
                channel.send(&FromWorker::Call {
                    call,
                    body: in_mount(0, HostFsRequest::Stat { path: String::new() }),
                })
            })
        }
        "functions without end" => {
            let mut call = 0;
            endlessly(channel, |channel| {
                call += 1;
                let body = BrokerCall::HostFunction { name: "slow".to_owned(), input: "null".to_owned() };
                channel.send(&FromWorker::Call { call, body })
            })
        }
        "refusals" => endlessly(channel, |channel| {
            channel.send(&FromWorker::RefusedCalls { calls: vec!["x".repeat(1 << 20); 8] })
        }),
        "refused calls" => {
            let calls = ["ptrace", "\u{1b}[31m", "bpf"].map(str::to_owned).into();
            channel.send(&FromWorker::RefusedCalls { calls })?;
            std::process::exit(3)
        }
        "last words" => endlessly(channel, |channel| {
            channel.send(&FromWorker::Dying { error: ErrorData::new(code::INTERNAL, "x".repeat(1 << 20)) })
        }),
        "a long reason" => {
            // One request that is never answered for each that is made, and an end that all of them hear of.
            if !id.is_multiple_of(100) {
                return Ok(());
            }
            let error = ErrorData::new(code::WORKER_LOST, "x".repeat(15 << 20));
            channel.send(&FromWorker::Dying { error })?;
            std::process::exit(0)
        }
        "the supervisor's words" => {
            let response = Err(ErrorData::new(code::WORKER_LOST, "it is gone"));
            channel.send(&FromWorker::Response { id, response })
        }
        "forged handles" => forged(channel, id),
        "what rules deny" => denied(channel, id),
        other => answer(channel, id, &format!("no such attack: {other}")),
    }
}

/// Until the supervisor has closed the channel.
fn endlessly(channel: &mut Channel, mut one: impl FnMut(&mut Channel) -> io::Result<()>) -> io::Result<()> {
    loop {
        one(channel)?;
    }
}

/// Asks for what it was not given, and answers with the errors that it was told.
fn forged(channel: &mut Channel, id: u64) -> io::Result<()> {
    let HostFsReply::Opened { handle, .. } =
        ask(channel, 0, open("file", OpenFlags::READ))?.map_err(|errno| io::Error::other(errno.name()))?
    else {
        return Err(io::Error::other("nothing was opened"));
    };
    let path = |path: &str| path.to_owned();
    let requests = [
        (1, HostFsRequest::Stat { path: path("") }),
        (u32::MAX, HostFsRequest::Stat { path: path("") }),
        (1, HostFsRequest::Read { handle, offset: 0, length: 8 }),
        (0, HostFsRequest::Read { handle: HostHandle(handle.0 + 1), offset: 0, length: 8 }),
        (0, HostFsRequest::Read { handle: HostHandle(u64::MAX), offset: 0, length: 8 }),
        (0, HostFsRequest::Read { handle, offset: u64::MAX, length: u32::MAX }),
        (0, HostFsRequest::Write { handle, offset: Some(0), bytes: b"x".to_vec().into() }),
        (0, HostFsRequest::TruncateHandle { handle, size: 0 }),
        (0, open("../secret", OpenFlags::READ)),
        (0, open("/etc/passwd", OpenFlags::READ)),
        (0, open("up", OpenFlags::READ)),
        (0, HostFsRequest::ReadDirPlus { path: path("..") }),
        (0, HostFsRequest::ReadFiles { path: path(".."), first: path("secret"), most: 9 }),
        (0, HostFsRequest::ReadFiles { path: path(""), first: path("../secret"), most: 1 }),
        (0, HostFsRequest::ReadFiles { path: path(""), first: path("up"), most: u32::MAX }),
        (0, open("file\0", OpenFlags::READ)),
        (0, open("file", OpenFlags::READ | OpenFlags::TRUNCATE)),
        (0, open("new", OpenFlags::WRITE | OpenFlags::CREATE)),
        (0, HostFsRequest::Symlink { target: path("/"), path: path("root") }),
        (0, HostFsRequest::Rename { from: path("file"), to: path("../file") }),
        (0, HostFsRequest::Link { from: path("../secret"), to: path("mine") }),
    ];
    let mut told = Vec::new();
    for (mount, request) in requests {
        told.push(match ask(channel, mount, request)? {
            Ok(reply) => format!("{reply:?}"),
            Err(errno) => errno.name().to_owned(),
        });
    }
    answer(channel, id, &told.join(" "))
}

/// Asks for names and connections as if its own kernel had not been asked, to that port above all.
fn outward(channel: &mut Channel, id: u64, port: u16) -> io::Result<()> {
    let mut told = Vec::new();
    for name in ["example.org", "localhost", "127.0.0.1", "a..b", "a\0b", "example.org/"] {
        told.push(outcome(channel, BrokerCall::LookUp { name: name.to_owned() })?);
    }
    for address in
        ["127.0.0.1", "::ffff:127.0.0.1", "::1", "0.0.0.0", "::", "169.254.169.254", "93.184.216.34"]
    {
        let address: std::net::IpAddr = address.parse().map_err(io::Error::other)?;
        told.push(outcome(channel, BrokerCall::Connect { to: (address, port).into() })?);
    }
    answer(channel, id, &told.join(" "))
}

/// What comes of a question to the network, in a word.
fn outcome(channel: &mut Channel, body: BrokerCall) -> io::Result<String> {
    channel.send(&FromWorker::Call { call: 1, body })?;
    loop {
        match channel.receive()? {
            ToWorker::Reply { reply: BrokerReply::LookUp { result }, .. } => {
                return Ok(result.map_or_else(|error| format!("{:?}", error.code), |_| "found".to_owned()));
            }
            ToWorker::Reply { reply: BrokerReply::Connect { result }, .. } => {
                return Ok(
                    result.map_or_else(|error| format!("{:?}", error.code), |_| "connected".to_owned())
                );
            }
            ToWorker::Ping {} => channel.send(&FromWorker::Pong {})?,
            other => return Err(io::Error::other(format!("{other:?}"))),
        }
    }
}

/// Asks for what the VM's `fs` rules deny to its guest, as if its own kernel had not been asked.
fn denied(channel: &mut Channel, id: u64) -> io::Result<()> {
    let mut told = Vec::new();
    for name in ["file", "link"] {
        told.push(match ask(channel, 0, open(name, OpenFlags::READ))? {
            Ok(_) => "opened",
            Err(errno) => errno.name(),
        });
    }
    // What may be read comes alone where others beside it may not.
    for most in [1, 2] {
        let request = HostFsRequest::ReadFiles { path: String::new(), first: "allowed".to_owned(), most };
        told.push(match ask(channel, 0, request)? {
            Ok(HostFsReply::Files(files)) if files.len() == 1 => "one",
            Ok(_) => "others",
            Err(errno) => errno.name(),
        });
    }
    answer(channel, id, &told.join(" "))
}

fn open(path: &str, flags: OpenFlags) -> HostFsRequest {
    HostFsRequest::Open { path: path.to_owned(), flags, mode: 0o644 }
}

fn in_mount(mount: u32, request: HostFsRequest) -> BrokerCall {
    BrokerCall::HostFilesystem { mount: MountId(mount), request }
}

fn ask(channel: &mut Channel, mount: u32, request: HostFsRequest) -> io::Result<Result<HostFsReply, Errno>> {
    channel.send(&FromWorker::Call { call: 1, body: in_mount(mount, request) })?;
    loop {
        match channel.receive()? {
            ToWorker::Reply { reply: BrokerReply::HostFilesystem { result }, .. } => return Ok(result),
            ToWorker::Ping {} => channel.send(&FromWorker::Pong {})?,
            ToWorker::Update { update: RequestUpdate::Cancel {}, .. } => {}
            other => return Err(io::Error::other(format!("{other:?}"))),
        }
    }
}

/// Ends an evaluation with a text as its value.
fn answer(channel: &mut Channel, id: u64, text: &str) -> io::Result<()> {
    let result = ExecutionResult {
        outcome: Outcome::Succeeded,
        progress: Progress::Ran,
        value: Some(serde_json::to_string(text).unwrap_or_default()),
        exit_code: Some(0),
        signal: None,
        stdout: Bytes::default(),
        stderr: Bytes::default(),
        stdout_truncated: false,
        stderr_truncated: false,
        error: None,
    };
    channel.send(&FromWorker::Response { id, response: Ok(VmResponse::Executed { result }) })
}

/// What is expected of the worker that this one replaces.
fn engine() -> EngineReport {
    EngineReport {
        v8: "0".to_owned(),
        wasmtime: "0".to_owned(),
        wasm: WasmLevel::Absent,
        jit: true,
        sandbox: false,
        pointer_compression: false,
        profile: EngineProfile { wasm: WasmLevel::Absent, jit: true },
        platform: Platform::Neutral,
    }
}

fn enclosure() -> EnclosureReport {
    let layer = |name| Layer { name, keeps: "nothing, it lies".to_owned(), missing: None, partial: None };
    EnclosureReport {
        layers: [LayerName::Seccomp, LayerName::NoNewPrivileges, LayerName::Landlock].map(layer).into(),
    }
}
