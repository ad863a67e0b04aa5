//! Servers in a VM: `connect` and `fetch` of the Rust client, how connections end, their limits, and `--publish`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use cordon::client::http::{Request, StatusCode, header};
use cordon::client::hyper::body::{Bytes, Frame};
use cordon::client::{Call, Client, Execute, GuestConnection, Vm};
use cordon::wire::{ClientMessage, ConnectionState, ExecutionOptions, OutputStream, Request as Asked};
use cordon::wire::{INITIAL_CREDIT, INPUT_WINDOW, Response, ServerMessage, VmRequest, VmResponse, code};
use futures_util::future::join_all;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{config, cordon, default_vm, directory, error_of, peak_kib, vm};
use crate::raw_client::Raw;

/// What a program that serves HTTP is made of. It says when it listens.
const SERVER: &str = r#"
const http = require("node:http");
const waiting = [];
const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/echo") request.pipe(response);
    else if (pathname === "/count") {
        let bytes = 0;
        request.on("data", (data) => void (bytes += data.length));
        request.on("end", () => response.end(String(bytes)));
    } else if (pathname === "/head") response.end(JSON.stringify([request.method, request.url, request.headers]));
    else if (pathname === "/pieces") {
        response.write("one");
        waiting.push(response);
    } else if (pathname === "/next") {
        waiting.pop().end("two");
        response.end();
    } else if (pathname === "/die") {
        response.writeHead(200, { "content-length": 1000 });
        response.write("some", () => process.exit(1));
    } else if (pathname === "/many-headers") {
        response.setHeader("x-long", "x".repeat(100_000));
        response.end();
    } else if (pathname === "/moved") {
        response.writeHead(302, { location: "http://127.0.0.1:9/" });
        response.end();
    } else if (pathname === "/nonsense") request.socket.end("nonsense\r\n\r\n");
    else if (pathname === "/never") waiting.push(response);
    else response.writeHead(404).end("not here");
});
server.on("upgrade", (request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    socket.pipe(socket);
});
server.listen(3000, () => console.log("listens"));
"#;

/// A program that runs until it is dropped.
fn start(vm: &Vm, source: &str) -> Call {
    let options = ExecutionOptions { args: vec!["-e".into(), source.into()], ..ExecutionOptions::default() };
    vm.start(VmRequest::Spawn { command: "node".into(), options }).unwrap()
}

/// A VM with [`SERVER`] in it, which may not listen yet.
async fn serving() -> (Vm, Call) {
    let vm = default_vm().await;
    let server = start(&vm, SERVER);
    connected(&vm, 3000).await;
    (vm, server)
}

/// A connection to a server that may be about to listen.
async fn connected(vm: &Vm, port: u16) -> GuestConnection {
    vm.connect_within(port, Duration::from_secs(60)).await.unwrap()
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).body(Empty::new()).unwrap()
}

async fn text(body: impl BodyExt<Data = Bytes, Error = impl std::fmt::Debug>) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap()
}

/// Within a minute, or it never will be.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends")
}

#[tokio::test]
async fn a_request_is_answered_by_a_program_and_names_its_host() {
    let (vm, _server) = serving().await;
    let request =
        Request::put("/head?a=1").header("x-mine", "yes").body(Full::new(Bytes::from("four"))).unwrap();
    let response = vm.fetch(3000, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let head: serde_json::Value = serde_json::from_str(&text(response.into_body()).await).unwrap();
    let headers =
        json!({ "x-mine": "yes", "connection": "close", "content-length": "4", "host": "localhost:3000" });
    assert_eq!(head, json!(["PUT", "/head?a=1", headers]));
    let named = Request::get("http://site.test:80/head").body(Empty::<Bytes>::new()).unwrap();
    let response = vm.fetch(3000, named).await.unwrap();
    assert!(text(response.into_body()).await.contains(r#""host":"site.test:80""#));
    // Nothing is made of what the response says.
    let moved = vm.fetch(3000, get("/moved")).await.unwrap();
    assert_eq!(
        (moved.status(), &moved.headers()[header::LOCATION]),
        (StatusCode::FOUND, &"http://127.0.0.1:9/".parse().unwrap())
    );
    let missing = vm.fetch(3000, get("/nowhere")).await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(text(missing.into_body()).await, "not here");
}

#[tokio::test]
async fn evaluated_code_serves_while_it_runs_and_in_a_context_that_lasts_between_calls() {
    let vm = default_vm().await;
    let http = "process.getBuiltinModule('node:http')";
    let serve = format!(
        "globalThis.server = {http}.createServer((q, s) => {{
            s.end('from a context');
            if (q.url === '/last') server.close();
        }}).listen(4000)"
    );
    let context = vm.create_context().await.unwrap();
    let serving = context.execute(&serve, Execute::default());
    let asking = async {
        let connection = connected(&vm, 4000).await;
        let response = connection.fetch(get("/")).await.unwrap();
        assert_eq!(text(response.into_body()).await, "from a context");
        let response = vm.fetch(4000, get("/last")).await.unwrap();
        assert_eq!(text(response.into_body()).await, "from a context");
    };
    // The call lasts as long as its server does, and a request keeps it no longer.
    let (result, ()) = soon(async { tokio::join!(serving, asking) }).await;
    assert_eq!(result.unwrap().exit_code, Some(0));
    assert_eq!(error_of(vm.fetch(4000, get("/")).await.map(drop)).code, "ECONNREFUSED");
    // One that keeps no call alive is there between calls, as long as its context is.
    let unwaited = format!("{serve}; server.unref();");
    assert_eq!(context.execute(&unwaited, Execute::default()).await.unwrap().exit_code, Some(0));
    for _ in 0..3 {
        let response = soon(vm.fetch(4000, get("/"))).await.unwrap();
        assert_eq!(text(response.into_body()).await, "from a context");
        assert!(context.evaluate::<bool>("server.listening").await.unwrap());
    }
    let mut open = vm.connect(4000).await.unwrap();
    context.dispose().await.unwrap();
    let _ = soon(open.read_to_end(&mut Vec::new())).await;
    // What came just before the end was in its backlog.
    let error = error_of(vm.fetch(4000, get("/")).await.map(drop));
    assert!(["ECONNREFUSED", "ECONNRESET"].contains(&error.code.as_str()), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_stream_both_ways_with_flat_memory() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 20 * 1024 * 1024 / PIECE;
    // A sidecar of its own, whose memory can be looked at.
    let mut process = tokio::process::Command::new(directory().join("cordon"))
        .args(["serve", "--warm", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stream = cordon::client::Stream::new(process.stdout.take().unwrap(), process.stdin.take().unwrap());
    let client = Client::over(stream).await.unwrap();
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let _server = start(&vm, SERVER);
    connected(&vm, 3000).await;
    vm.fetch(3000, get("/head")).await.unwrap();
    let before = peak_kib(process.id().unwrap());
    let pieces = stream::iter(
        (0..PIECES).map(|at| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![at as u8; PIECE])))),
    );
    let request = Request::post("/echo").body(StreamBody::new(pieces)).unwrap();
    let mut body = vm.fetch(3000, request).await.unwrap().into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.unwrap().into_data() else { continue };
        for byte in data.iter() {
            assert_eq!(*byte, (length / PIECE) as u8);
            length += 1;
        }
    }
    assert_eq!(length, PIECE * PIECES);
    let more = peak_kib(process.id().unwrap()) - before;
    assert!(more < 12 * 1024, "{more} KiB for 20 MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_are_answered_at_once() {
    let (vm, _server) = serving().await;
    let ask = async |at: usize| {
        let body = format!("{at}").repeat(at);
        let request = Request::post("/echo").body(Full::new(Bytes::from(body.clone()))).unwrap();
        assert_eq!(text(vm.fetch(3000, request).await.unwrap().into_body()).await, body);
    };
    soon(join_all((0..50).map(ask))).await;
}

#[tokio::test]
async fn pieces_of_a_response_arrive_before_its_end() {
    let (vm, _server) = serving().await;
    let mut body = vm.fetch(3000, get("/pieces")).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one");
    // Only now is the server told to go on.
    vm.fetch(3000, get("/next")).await.unwrap();
    assert_eq!(text(body).await, "two");
}

#[tokio::test]
async fn a_request_can_become_another_protocol() {
    let (vm, _server) = serving().await;
    let request = Request::get("/").header(header::UPGRADE, "echo").body(Empty::<Bytes>::new()).unwrap();
    let response = vm.fetch(3000, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let upgraded = cordon::client::hyper::upgrade::on(response).await.unwrap();
    let mut upgraded = hyper_util::rt::TokioIo::new(upgraded);
    for word in [b"ping", b"pong"] {
        upgraded.write_all(word).await.unwrap();
        let mut back = [0; 4];
        upgraded.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, word);
    }
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let vm = default_vm().await;
    // Answers what it was sent once that has ended; and the other way round.
    let _server = start(
        &vm,
        "const net = require('node:net');
        net.createServer({ allowHalfOpen: true }, (socket) => {
            let all = '';
            socket.on('data', (data) => (all += data)).on('end', () => socket.end('had ' + all));
        }).listen(5000);
        net.createServer({ allowHalfOpen: true }, (socket) => {
            socket.end('first');
            let all = '';
            socket.on('data', (data) => (all += data)).on('end', () => console.log(all));
        }).listen(5001, '::1');",
    );
    let mut connection = connected(&vm, 5000).await;
    connection.write_all(b"some").await.unwrap();
    connection.write_all(b"thing").await.unwrap();
    connection.shutdown().await.unwrap();
    assert!(connection.write_all(b"late").await.is_err());
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "had something");
    // This one listens at the other loopback, and ends first.
    let mut connection = connected(&vm, 5001).await;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "first");
    let large = vec![b'x'; 3 * INPUT_WINDOW as usize];
    connection.write_all(&large).await.unwrap();
    connection.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_was_shut_down_is_closed_when_it_is_dropped_and_the_rest_broken_off() {
    for (shut, told) in [(true, "100000 and the end\n"), (false, "ECONNRESET\n")] {
        let vm = default_vm().await;
        let mut server = start(
            &vm,
            "require('node:net').createServer((socket) => {
                let bytes = 0;
                const say = (what) => (console.log(what), process.exit());
                socket.on('data', (data) => (bytes += data.length));
                socket.on('end', () => say(bytes + ' and the end')).on('error', (error) => say(error.code));
            }).listen(3000)",
        );
        let mut connection = connected(&vm, 3000).await;
        connection.write_all(&vec![0; 100_000]).await.unwrap();
        if shut {
            connection.shutdown().await.unwrap();
        }
        drop(connection);
        assert_eq!(soon(server.result()).await.unwrap().stdout.to_text(), told);
    }
}

#[tokio::test]
async fn where_nobody_listens_the_error_says_so_and_waiting_has_an_end() {
    let vm = default_vm().await;
    let error = error_of(vm.connect(3000).await.map(drop));
    assert_eq!(error.code, "ECONNREFUSED");
    assert!(error.message.contains("port 3000") && error.hint.is_some(), "{error:?}");
    let error = error_of(vm.connect_within(3000, Duration::from_millis(1)).await.map(drop));
    assert!(matches!(error.code.as_str(), "ECONNREFUSED"), "{error:?}");
    // Whoever does not wait any longer has asked for nothing.
    let waiting = vm.connect_within(3001, Duration::from_secs(600));
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
    let first = vm.connect_within(3002, Duration::from_secs(600));
    let second = vm.connect_within(3002, Duration::from_secs(600));
    let listening = async { start(&vm, "require('node:net').createServer((s) => s.end()).listen(3002)") };
    let (first, second, _server) = soon(async { tokio::join!(first, second, listening) }).await;
    assert!(first.is_ok() && second.is_ok());
}

#[tokio::test]
async fn a_server_that_accepts_nothing_is_waited_for_until_the_time_to_connect_is_over() {
    let vm = default_vm().await;
    // Its backlog takes one, and it is busy.
    let _server = start(
        &vm,
        "require('node:net').createServer(() => {}).listen(3000, '127.0.0.1', 1, () => require('node:child_process').spawnSync('sleep', ['1000']))",
    );
    let mut open = Vec::new();
    let error = loop {
        match soon(vm.connect_within(3000, Duration::from_secs(5))).await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
        assert!(open.len() < 600);
    };
    assert_eq!(error.code, code::TIMED_OUT, "{error:?}");
    assert!(error.message.contains("accept"), "{error:?}");
}

#[tokio::test]
async fn what_a_server_does_wrong_is_told() {
    let (vm, mut server) = serving().await;
    let error = error_of(vm.fetch(3000, get("/nonsense")).await.map(drop));
    assert_eq!(error.code, code::HTTP);
    let error = error_of(vm.fetch(3000, get("/many-headers")).await.map(drop));
    assert_eq!(error.code, code::HTTP, "{error:?}");
    // One that dies in the middle of a response,
    let body = vm.fetch(3000, get("/die")).await.unwrap().into_body();
    assert!(soon(body.collect()).await.is_err());
    assert_eq!(server.result().await.unwrap().exit_code, Some(1));
    // and before it.
    let _server = start(
        &vm,
        "require('node:net').createServer((s) => s.once('data', () => process.exit(2))).listen(3000)",
    );
    let error = error_of(connected(&vm, 3000).await.fetch(get("/")).await.map(drop));
    assert!([code::HTTP, "ECONNRESET"].contains(&error.code.as_str()), "{error:?}");
    // One that ends a connection by force.
    let _server = start(&vm, "require('node:net').createServer((s) => s.resetAndDestroy()).listen(3003)");
    let mut connection = connected(&vm, 3003).await;
    let error = connection.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let error = error.get_ref().unwrap().downcast_ref::<cordon::client::Error>().unwrap();
    assert_eq!(error.code, "ECONNRESET");
}

#[tokio::test]
async fn a_server_may_answer_and_take_nothing_more() {
    let vm = default_vm().await;
    let _server = start(
        &vm,
        "require('node:net').createServer((s) => s.once('data', () => s.end('enough', () => s.destroy()))).listen(3000)",
    );
    let mut connection = connected(&vm, 3000).await;
    let (mut reader, mut writer) = tokio::io::split(&mut connection);
    let writing = async {
        // More than there is room for on the way.
        let piece = vec![0; 64 * 1024];
        loop {
            if let Err(error) = writer.write_all(&piece).await {
                return error;
            }
        }
    };
    let reading = async {
        let mut answer = String::new();
        let _ = reader.read_to_string(&mut answer).await;
        answer
    };
    let (error, answer) = soon(async { tokio::join!(writing, reading) }).await;
    assert_eq!(answer, "enough");
    let error = error.get_ref().and_then(|error| error.downcast_ref::<cordon::client::Error>()).unwrap();
    assert!(["EPIPE", "ECONNRESET"].contains(&error.code.as_str()), "{error:?}");
}

#[tokio::test]
async fn the_end_of_the_vm_ends_its_connections() {
    let (vm, _server) = serving().await;
    let mut body = vm.fetch(3000, get("/pieces")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    let mut idle = connected(&vm, 3000).await;
    vm.dispose().await.unwrap();
    assert!(soon(body.collect()).await.is_err());
    assert!(soon(idle.read_to_end(&mut Vec::new())).await.is_err());
    assert!(soon(idle.write_all(b"x")).await.is_err());
}

#[tokio::test]
async fn connections_are_counted_and_make_room_when_they_end() {
    let vm = vm(json!({ "limits": { "inboundConnections": 3 } })).await;
    let _server =
        start(&vm, "require('node:net').createServer((s) => s.resume().on('error', () => {})).listen(3000)");
    let mut open = vec![connected(&vm, 3000).await];
    open.push(vm.connect(3000).await.unwrap());
    open.push(vm.connect(3000).await.unwrap());
    let error = error_of(vm.connect(3000).await.map(drop));
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        (code::LIMIT, Some("limits.inboundConnections"))
    );
    // Calls have a limit of their own.
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
    // One that is dropped makes room, and one that both sides have ended.
    open.pop();
    open.push(once_there_is_room(&vm).await);
    let mut ended = open.pop().unwrap();
    ended.shutdown().await.unwrap();
    ended.read_to_end(&mut Vec::new()).await.unwrap();
    once_there_is_room(&vm).await;
}

/// A connection in the place of one that the VM may not have heard the end of.
async fn once_there_is_room(vm: &Vm) -> GuestConnection {
    for _ in 0..200 {
        match vm.connect(3000).await {
            Ok(connection) => return connection,
            Err(error) => assert_eq!(error.code, code::LIMIT),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there is no room");
}

#[tokio::test]
async fn no_permission_of_the_guests_is_asked_and_none_is_given() {
    let vm = vm(json!({ "permissions": { "network": "deny" } })).await;
    let _server = start(&vm, "require('node:net').createServer((s) => s.end('here')).listen(3000)");
    let mut answer = String::new();
    connected(&vm, 3000).await.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "here");
}

/// Hears until the state of a connection is told.
fn state_of(raw: &mut Raw, wanted: u64) -> ConnectionState {
    loop {
        match raw.hear() {
            ServerMessage::Connection { id, state } if id == wanted => return state,
            ServerMessage::Response { body, id } if id == wanted => panic!("{body:?}"),
            ServerMessage::VmLost { error, .. } | ServerMessage::Fatal { error } => panic!("{error:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_client_that_keeps_to_nothing_loses_the_connection_alone() {
    let mut raw = Raw::with_vm();
    let source = "require('node:net').createServer({ allowHalfOpen: true }, (s) => s.on('error', () => {})
        .once('data', (d) => { if (d[0] === 1) return; s.pause(); s.write(Buffer.alloc(1 << 22)); })).listen(3000)";
    raw.spawn(
        2,
        "node",
        ExecutionOptions { args: vec!["-e".into(), source.into()], ..ExecutionOptions::default() },
    );
    let connect = |id, port| ClientMessage::Request {
        id,
        body: Asked::Vm { vm: 1, request: VmRequest::Connect { port, wait_ms: Some(60_000) } },
    };
    let input = |id, data: Vec<u8>, end| ClientMessage::Input { id, data: data.into(), end };
    // More than the window at once.
    raw.say(&[connect(3, 3000)]);
    assert_eq!(state_of(&mut raw, 3), ConnectionState::Open);
    raw.say(&[input(3, vec![2; 2 * INPUT_WINDOW as usize], false)]);
    match raw.answer(3).0 {
        Response::Error { error } => assert_eq!(error.code, code::LIMIT),
        other => panic!("{other:?}"),
    }
    // Input after its end, credit out of nothing, updates for what has ended: all without effect.
    raw.say(&[connect(4, 3000)]);
    assert_eq!(state_of(&mut raw, 4), ConnectionState::Open);
    raw.say(&[input(4, vec![1], true), input(4, vec![1; 100], false), input(4, vec![], true)]);
    raw.say(&[ClientMessage::Credit { id: 4, bytes: u64::MAX }, ClientMessage::Credit { id: 3, bytes: 1 }]);
    raw.say(&[input(3, vec![1], true), ClientMessage::Cancel { id: 3 }, ClientMessage::Cancel { id: 77 }]);
    raw.say(&[ClientMessage::Cancel { id: 4 }]);
    match raw.answer(4).0 {
        Response::Error { error } => assert_eq!(error.code, code::CANCELLED),
        other => panic!("{other:?}"),
    }
    // A server that sends more than there is credit for waits.
    raw.say(&[connect(5, 3000)]);
    assert_eq!(state_of(&mut raw, 5), ConnectionState::Open);
    raw.say(&[input(5, vec![2], false)]);
    let mut shown = 0;
    while shown < INITIAL_CREDIT {
        if let ServerMessage::Output { id: 5, stream, data } = raw.hear() {
            assert_eq!(stream, OutputStream::Connection);
            shown += data.0.len() as u64;
        }
    }
    assert_eq!(shown, INITIAL_CREDIT);
    raw.say(&[ClientMessage::Request {
        id: 6,
        body: Asked::Vm { vm: 1, request: VmRequest::EngineReport {} },
    }]);
    // The very next about that request would be output.
    loop {
        match raw.hear() {
            ServerMessage::Output { id: 5, .. } => panic!("output without credit"),
            ServerMessage::Response { id: 6, body } => {
                assert!(matches!(body, Response::Vm { response: VmResponse::Engine { .. } }));
                break;
            }
            _ => {}
        }
    }
    // Far more than the limit, none of which anybody listens for.
    let many: Vec<ClientMessage> = (100..2100).map(|id| connect(id, 3999)).collect();
    raw.say(&many);
    match raw.answer(2099).0 {
        Response::Error { error } => assert_eq!(error.field.as_deref(), Some("limits.inboundConnections")),
        other => panic!("{other:?}"),
    }
    raw.spawn(7, "true", ExecutionOptions::default());
    assert!(raw.stdout(7).0.is_empty());
}

/// `cordon` with a port of this machine that leads to [`SERVER`], and where that is.
struct Publishing {
    process: Child,
    at: String,
    /// What it says later.
    says: BufReader<std::process::ChildStderr>,
}

impl Publishing {
    fn start(arguments: &[&str]) -> Publishing {
        let mut process = cordon(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut says = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        let at = loop {
            line.clear();
            assert!(says.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some((at, _)) =
                line.strip_prefix("cordon: ").and_then(|rest| rest.split_once(" leads to "))
            {
                break at.to_owned();
            }
        };
        Publishing { process, at, says }
    }

    fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.at)?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_published_port_leads_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.js");
    std::fs::write(&file, SERVER).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        vec!["run", "--publish", "0:3000", file],
        vec!["sh", "--publish", "127.0.0.1:0:3000", "-c", &format!("node {file}")],
    ] {
        let mut arguments = arguments;
        let mount = format!("{0}:{0}:ro", folder.path().display());
        if arguments[0] == "sh" {
            arguments.splice(1..1, ["--mount", &mount]);
        }
        let publishing = Publishing::start(&arguments);
        // It may not listen yet: then it is waited for.
        let answer = publishing.get("/head").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""host":"x""#), "{answer}");
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| publishing.get("/head").unwrap())).collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200 OK")));
        // Both directions end as they do at the server.
        let mut stream = TcpStream::connect(&publishing.at).unwrap();
        let large = "x".repeat(1 << 20);
        write!(
            stream,
            "POST /count HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            large.len()
        )
        .unwrap();
        stream.write_all(large.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with(&large.len().to_string()), "{answer}");
    }
}

#[test]
fn where_nothing_listens_it_is_said_once_and_what_is_wrong_is_refused() {
    let publishing = Publishing::start(&[
        "eval",
        "--publish",
        "0:3000",
        "new Promise((done) => setTimeout(done, 600_000))",
    ]);
    for _ in 0..2 {
        assert!(publishing.get("/").is_err());
    }
    let mut publishing = publishing;
    publishing.process.kill().unwrap();
    let mut said = String::new();
    publishing.says.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("nothing listens on port 3000").count(), 1, "{said}");
    for wrong in ["3000", "a:b", "0:0", "256.0.0.1:0:1"] {
        let output = cordon(&["eval", "--publish", wrong, "1"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    // A port that is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("{}:3000", taken.local_addr().unwrap().port());
    let output = cordon(&["eval", "--publish", &port, "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--publish"));
}
