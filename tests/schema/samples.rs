//! One message or more of every kind. Which kinds there are the types themselves say, and the tests of the vectors fail
//! while one has no sample.

use std::collections::BTreeMap;

use protocol::config::{Access, Mount, Platform};
use protocol::engine::{EngineProfile, EngineReport, WasmLevel};
use protocol::wire::{
    Bytes, Capture, ClientMessage, ConnectionState, Decision, DecisionBatch, DecisionScope, DecisionWatch,
    DirectoryEntry, ErrorData, EvaluateOptions, ExecutionOptions, ExecutionResult, FileKind, FileStatus,
    HostCallOutcome, Language, NetworkUsage, Outcome, OutputStream, PROTOCOL_VERSION, ProcessState,
    ProcessStatus, Progress, Request, Response, ServerMessage, SourceFormat, TerminalSize, VmRequest,
    VmResponse, code,
};
use serde::Serialize;

/// A sample's path of variants, `request.vm.evaluate`, and what makes it special.
pub struct Sample<T> {
    pub name: String,
    pub message: T,
}

/// The kind of a message: the variants from the outside in, `request.vm.evaluate`. What a message carries is in one
/// field of it.
pub fn kind<T: Serialize>(message: &T) -> Vec<String> {
    let mut value = serde_json::to_value(message).expect("a message is JSON");
    let mut kind = Vec::new();
    while let Some(name) = value["type"].as_str() {
        kind.push(name.to_owned());
        let inner =
            ["body", "request", "response", "outcome"].into_iter().find(|name| value[*name].is_object());
        let Some(inner) = inner else { break };
        value = value[inner].take();
    }
    kind
}

fn named<T: Serialize>(message: T, special: &str) -> Sample<T> {
    let mut name = kind(&message).join(".");
    if !special.is_empty() {
        name.push_str(": ");
        name.push_str(special);
    }
    Sample { name, message }
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Every field away from its default.
fn full_options() -> ExecutionOptions {
    ExecutionOptions {
        args: vec!["-n".into(), "ä€𝄞".into(), String::new()],
        env: texts([("EMPTY", ""), ("LANG", "C.UTF-8")]),
        cwd: Some("/workspace/app".into()),
        stdin: Some(Bytes(vec![0, 1, 127, 128, 255])),
        stream_stdin: true,
        report_pid: true,
        timeout_ms: Some(5_000_000_000),
        capture: Capture::Stream,
    }
}

fn full_evaluate() -> EvaluateOptions {
    EvaluateOptions {
        context: Some(7),
        language: Language::Typescript,
        format: Some(SourceFormat::Script),
        file_path: Some("/workspace/main.ts".into()),
        inputs: texts([("list", "[1,2,{\"x\":null}]"), ("name", "\"Ada\"")]),
    }
}

pub fn client_samples() -> Vec<Sample<ClientMessage>> {
    let mut samples = Vec::new();
    let mut add = |special: &str, message: ClientMessage| {
        samples.push(named(message, special));
    };
    let request = |body| ClientMessage::Request { id: 300, body };
    let vm = |request| ClientMessage::Request { id: 1, body: Request::Vm { vm: 2, request } };

    add("", ClientMessage::Hello { protocol: PROTOCOL_VERSION, client: "cordon-vectors/1.0".into() });
    add("omitted", request(Request::CreateVm { config: serde_json::json!({}) }));
    add(
        "denied",
        request(Request::CreateVm {
            config: serde_json::json!({ "permissions": { "webAssembly": "deny" } }),
        }),
    );
    add(
        "allowed",
        request(Request::CreateVm {
            config: serde_json::json!({ "permissions": { "webAssembly": "allow" } }),
        }),
    );
    add(
        "invalid",
        request(Request::CreateVm {
            config: serde_json::json!({ "permissions": { "webAssembly": "maybe" } }),
        }),
    );
    add(
        "every kind of JSON value",
        request(Request::CreateVm {
            config: serde_json::json!({ "a": null, "b": [true, -1, 1.5, 70_000], "c": { "d": "" } }),
        }),
    );
    add("", request(Request::DisposeVm { vm: u64::from(u32::MAX) + 1 }));
    let mount = |read_only| Mount { host: "/srv/data".into(), guest: "/data".into(), read_only };
    add("read-only", request(Request::Mount { vm: 2, mount: mount(true) }));
    add("writable", request(Request::Mount { vm: 2, mount: mount(false) }));
    add("", request(Request::Unmount { vm: 2, guest: "/data".into() }));
    add(
        "defaults",
        vm(VmRequest::Evaluate {
            source: "1 + 2".into(),
            evaluate: EvaluateOptions::default(),
            options: ExecutionOptions::default(),
        }),
    );
    add(
        "every option",
        vm(VmRequest::Evaluate { source: "name".into(), evaluate: full_evaluate(), options: full_options() }),
    );
    add(
        "module, no output",
        vm(VmRequest::Execute {
            source: "export {};\nconsole.log('x'.repeat(40));".into(),
            evaluate: EvaluateOptions { format: Some(SourceFormat::Module), ..EvaluateOptions::default() },
            options: ExecutionOptions { capture: Capture::None, ..ExecutionOptions::default() },
        }),
    );
    add("", vm(VmRequest::ExecuteFile { path: "/workspace/main.ts".into(), options: full_options() }));
    add(
        "",
        vm(VmRequest::Spawn {
            command: "sh".into(),
            options: ExecutionOptions {
                args: vec!["-c".into(), "echo hi".into()],
                ..ExecutionOptions::default()
            },
        }),
    );
    let size = TerminalSize { cols: 80, rows: 24 };
    let open = |command, args, env, cwd| VmRequest::OpenTerminal { size, command, args, env, cwd };
    add("defaults", vm(open(None, vec![], texts([]), None)));
    let args = vec!["-i".to_owned()];
    let env = texts([("TERM", "dumb")]);
    add("every field", vm(open(Some("node".into()), args, env, Some("/workspace".into()))));
    add("", vm(VmRequest::AttachTerminal { terminal: 4 }));
    let wide = TerminalSize { cols: u16::MAX, rows: 1 };
    add("", vm(VmRequest::ResizeTerminal { terminal: 4, size: wide }));
    add("", vm(VmRequest::CloseTerminal { terminal: 4 }));
    add("at once", vm(VmRequest::Connect { port: 3000, wait_ms: None }));
    add("waits", vm(VmRequest::Connect { port: u16::MAX, wait_ms: Some(70_000) }));
    add("", vm(VmRequest::Kill { pid: 12, signal: "SIGTERM".into() }));
    add("", vm(VmRequest::ListProcesses {}));
    add("", vm(VmRequest::CreateContext {}));
    add("", vm(VmRequest::ResetContext { context: 3 }));
    add("", vm(VmRequest::DisposeContext { context: 3 }));
    add("", vm(VmRequest::ReadFile { path: "/etc/passwd".into(), max_bytes: None }));
    add("at most", vm(VmRequest::ReadFile { path: "/data/big".into(), max_bytes: Some(5_000_000_000) }));
    let write = |data, stream_data| {
        vm(VmRequest::WriteFile { path: "/tmp/a".into(), data: Bytes(data), stream_data })
    };
    add("", write((0..=255).collect(), false));
    add("empty", write(Vec::new(), false));
    add("more follows", write(Vec::new(), true));
    add("symbolic links followed", vm(VmRequest::Stat { path: "/bin/ls".into(), follow: true }));
    add("symbolic links not followed", vm(VmRequest::Stat { path: "/bin/ls".into(), follow: false }));
    add("", vm(VmRequest::List { path: "/".into() }));
    add("", vm(VmRequest::Mkdir { path: "/tmp/a/b".into(), recursive: true }));
    add("", vm(VmRequest::Remove { path: "/tmp/a".into(), recursive: true }));
    add("", vm(VmRequest::Rename { source: "/tmp/a".into(), target: "/tmp/b".into() }));
    add("", vm(VmRequest::WatchDecisions { watch: DecisionWatch::All }));
    add("waits", vm(VmRequest::TakeDecisions { wait: true }));
    add("at once", vm(VmRequest::TakeDecisions { wait: false }));
    let rules = serde_json::json!({ "rules": [{ "mode": "allow", "hosts": ["example.org"], "ports": [443, "8000-8100"] }] });
    add("deny", vm(VmRequest::SetNetwork { network: serde_json::json!("deny") }));
    add("rules", vm(VmRequest::SetNetwork { network: rules }));
    add("", vm(VmRequest::NetworkUsage {}));
    add("", vm(VmRequest::EngineReport {}));
    add("", ClientMessage::Cancel { id: 1 });
    add("", ClientMessage::Input { id: 1, data: Bytes(b"line\n".to_vec()), end: false });
    add("the last", ClientMessage::Input { id: 1, data: Bytes::default(), end: true });
    add("", ClientMessage::Credit { id: 1, bytes: 65_536 });
    add(
        "",
        ClientMessage::HostResult {
            call: 9,
            outcome: HostCallOutcome::Returned { output: "{\"sum\":3}".into() },
        },
    );
    add(
        "",
        ClientMessage::HostResult {
            call: 9,
            outcome: HostCallOutcome::Threw { message: "no such order".into() },
        },
    );
    samples
}

fn engine(wasm: WasmLevel) -> EngineReport {
    EngineReport {
        v8: "15.2.1".into(),
        wasmtime: "48.0.8".into(),
        wasm,
        jit: true,
        sandbox: true,
        pointer_compression: true,
        profile: EngineProfile { wasm: WasmLevel::Locked, jit: true },
        platform: Platform::Neutral,
    }
}

fn empty_result(outcome: Outcome) -> ExecutionResult {
    ExecutionResult {
        outcome,
        progress: Progress::Ran,
        value: None,
        exit_code: None,
        signal: None,
        stdout: Bytes::default(),
        stderr: Bytes::default(),
        stdout_truncated: false,
        stderr_truncated: false,
        error: None,
    }
}

fn full_error() -> ErrorData {
    ErrorData {
        guest: true,
        code: "ReferenceError".into(),
        name: "ReferenceError".into(),
        message: "WebAssembly is not defined".into(),
        stack: Some("ReferenceError: WebAssembly is not defined\n    at [eval]:1:1".into()),
        hint: Some("set permissions.webAssembly to \"allow\"".into()),
        field: Some("permissions.webAssembly".into()),
        progress: Some(Progress::Unknown),
        details: texts([("location", "[eval]:1:1")]),
    }
}

pub fn server_samples() -> Vec<Sample<ServerMessage>> {
    let mut samples = Vec::new();
    let mut add = |special: &str, message: ServerMessage| {
        samples.push(named(message, special));
    };
    let response = |body| ServerMessage::Response { id: 1, body };
    let vm = |response| ServerMessage::Response { id: 1, body: Response::Vm { response } };
    let executed = |result| vm(VmResponse::Executed { result });

    add(
        "",
        ServerMessage::Welcome {
            protocol: PROTOCOL_VERSION,
            version: "0.1.0".into(),
            frame_bytes_max: 16_777_216,
        },
    );
    add("short", response(Response::Error { error: ErrorData::new(code::NOT_FOUND, "there is no VM 4") }));
    add("every field", response(Response::Error { error: full_error() }));
    add("", response(Response::Done {}));
    for (special, wasm) in
        [("absent", WasmLevel::Absent), ("locked", WasmLevel::Locked), ("allowed", WasmLevel::Allowed)]
    {
        add(special, response(Response::VmCreated { vm: 2, engine: engine(wasm) }));
    }
    add("", vm(VmResponse::Done {}));
    add(
        "a value",
        executed(ExecutionResult {
            value: Some("{\"a\":[1,2]}".into()),
            exit_code: Some(0),
            ..empty_result(Outcome::Succeeded)
        }),
    );
    add("undefined", executed(empty_result(Outcome::Succeeded)));
    add(
        "every field",
        executed(ExecutionResult {
            value: Some("null".into()),
            exit_code: Some(1),
            stdout: Bytes(b"out\n".to_vec()),
            stderr: Bytes(vec![0xff, 0xfe]),
            stdout_truncated: true,
            stderr_truncated: true,
            error: Some(full_error()),
            ..empty_result(Outcome::Failed)
        }),
    );
    add(
        "by a signal",
        executed(ExecutionResult { signal: Some("SIGKILL".into()), ..empty_result(Outcome::Failed) }),
    );
    add(
        "cancelled",
        executed(ExecutionResult {
            progress: Progress::NotStarted,
            error: Some(ErrorData::new(code::CANCELLED, "sh was cancelled")),
            ..empty_result(Outcome::Cancelled)
        }),
    );
    add(
        "timed out",
        executed(ExecutionResult {
            error: Some(ErrorData::new(code::TIMED_OUT, "sh took longer than it may")),
            ..empty_result(Outcome::TimedOut)
        }),
    );
    add("", vm(VmResponse::Context { context: 3 }));
    add("", vm(VmResponse::Terminal { terminal: 4, pid: 12 }));
    add("", vm(VmResponse::Data { data: Bytes(vec![0; 300]) }));
    add(
        "",
        vm(VmResponse::Status {
            status: FileStatus {
                kind: FileKind::File,
                size: 4096,
                mode: 0o644,
                links: 2,
                inode: 17,
                modified_ms: 1_700_000_000_123.5,
                accessed_ms: 1_700_000_000_000.0,
                changed_ms: 0.0,
            },
        }),
    );
    let kinds = [
        ("a", FileKind::File),
        ("b", FileKind::Directory),
        ("c", FileKind::Symlink),
        ("d", FileKind::Device),
        ("e", FileKind::Pipe),
    ];
    let entries = kinds.map(|(name, kind)| DirectoryEntry { name: name.into(), kind }).to_vec();
    add("", vm(VmResponse::Entries { entries }));
    add("", vm(VmResponse::Engine { engine: engine(WasmLevel::Absent) }));
    let process = |pid, parent, state, arguments: &[&str]| ProcessStatus {
        pid,
        parent,
        state,
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
    };
    let processes = vec![
        process(2, 1, ProcessState::Running, &["sh", "-c", "sleep 9 & wait"]),
        process(3, 2, ProcessState::Stopped, &["sleep", "9"]),
        process(4, 2, ProcessState::Zombie, &[]),
    ];
    add("", vm(VmResponse::Processes { processes }));
    let decision = |scope, operation: &str, target: &str| Decision {
        time_ms: 1_700_000_000_123,
        decision: Access::Deny,
        scope,
        operation: operation.into(),
        target: target.into(),
        address: None,
        rule: "permissions.network.rules[2]".into(),
        count: 3,
    };
    let decisions = vec![
        Decision {
            decision: Access::Allow,
            address: Some("93.184.216.34".into()),
            ..decision(DecisionScope::Network, "connect", "example.org:443")
        },
        decision(DecisionScope::Fs, "read", "/data/key"),
        decision(DecisionScope::ChildProcess, "spawn", "ls"),
        decision(DecisionScope::Process, "signal", "SIGTERM"),
        decision(DecisionScope::Env, "read", "TOKEN"),
        decision(DecisionScope::HostFunctions, "call", "orders.list"),
    ];
    add("", vm(VmResponse::Decisions { batch: DecisionBatch { decisions, dropped: 5_000_000_000 } }));
    let usage = NetworkUsage {
        bytes_in: 5_000_000_000,
        bytes_out: 300,
        connections: 1,
        connections_made: 70_000,
        lookups: 2,
    };
    add("", vm(VmResponse::NetworkUsage { usage }));
    add("", ServerMessage::Started { id: 1, pid: 12 });
    add(
        "stdout",
        ServerMessage::Output { id: 1, stream: OutputStream::Stdout, data: Bytes(b"hi\n".to_vec()) },
    );
    add(
        "stderr",
        ServerMessage::Output { id: 1, stream: OutputStream::Stderr, data: Bytes(vec![0xe2, 0x82]) },
    );
    add("open", ServerMessage::Connection { id: 1, state: ConnectionState::Open });
    add("ended", ServerMessage::Connection { id: 1, state: ConnectionState::Ended });
    add(
        "connection",
        ServerMessage::Output { id: 1, stream: OutputStream::Connection, data: Bytes(b"HTTP/1.1 ".to_vec()) },
    );
    let stream = OutputStream::Terminal;
    add("terminal", ServerMessage::Output { id: 1, stream, data: Bytes(b"\x1b[1m$ ".to_vec()) });
    add("file", ServerMessage::Output { id: 1, stream: OutputStream::File, data: Bytes(vec![0x00, 0xff]) });
    add("", ServerMessage::InputTaken { id: 1, bytes: 65_536 });
    add(
        "",
        ServerMessage::HostCall {
            call: 9,
            vm: 2,
            name: "orders.list".into(),
            input: "{\"limit\":10}".into(),
        },
    );
    add(
        "",
        ServerMessage::VmLost {
            vm: 2,
            error: ErrorData::new(code::WORKER_LOST, "the VM's process was killed")
                .detail("signal", "SIGKILL"),
        },
    );
    add("", ServerMessage::Fatal { error: ErrorData::new(code::PROTOCOL, "the first message is not hello") });
    samples
}
