//! What a client can make a shared sidecar hold, and what it can take from others: no more than its limits say.

use std::process::Command;

use cordon::client::{Client, Socket, Vm};
use cordon::wire::{
    CONFIG_BYTES_MAX, ClientMessage, ELEMENTS_MAX, ErrorData, EvaluateOptions, ExecutionOptions,
    HELLO_BYTES_MAX, PROTOCOL_VERSION, Request, Response, ServerMessage, VmRequest, code,
};
use serde_json::json;

use crate::common::{config, cordon, directory, error_of, eventually};
use crate::raw_client::Raw;

/// The most that a sidecar may come to have resident for one hostile client: what its messages may hold in either
/// direction, twice (as bytes, and decoded), beside the sidecar itself.
const RESIDENT_MAX_KIB: u64 = 350 * 1024;

fn serve() -> Command {
    cordon(&["serve", "--warm", "0"])
}

fn create(id: u64, config: serde_json::Value) -> ClientMessage {
    ClientMessage::Request { id, body: Request::CreateVm { config } }
}

fn refusal(raw: &mut Raw, id: u64) -> ErrorData {
    match raw.answer(id).0 {
        Response::Error { error } => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_request_becomes_is_bounded_and_its_refusal_loses_nothing() {
    let mut raw = Raw::with_vm();
    let nils = |count: usize| json!({ "env": { "X": vec![json!(null); count] } });
    // A configuration has a limit of its own; what has too many values for any message is refused as well.
    raw.say(&[create(2, nils(2 * CONFIG_BYTES_MAX / 64)), create(3, nils(2 * ELEMENTS_MAX))]);
    assert_eq!(refusal(&mut raw, 2).code, code::CONFIG);
    assert_eq!(refusal(&mut raw, 3).code, code::LIMIT);
    // As many as fit into a frame.
    for id in 4..12 {
        raw.say(&[create(id, nils(15 << 20))]);
        assert_eq!(refusal(&mut raw, id).code, code::LIMIT);
    }
    let many =
        ExecutionOptions { args: vec![String::new(); 2 * ELEMENTS_MAX], ..ExecutionOptions::default() };
    raw.spawn(12, "true", many);
    let error = refusal(&mut raw, 12);
    assert!(error.code == code::LIMIT && error.message.contains(&ELEMENTS_MAX.to_string()), "{error:?}");
    raw.spawn(13, "true", ExecutionOptions::default());
    assert!(raw.stdout(13).0.is_empty());
    assert!(raw.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", raw.peak_kib());
}

#[test]
fn before_hello_little_is_read_and_not_for_long() {
    let mut raw = Raw::silent(serve());
    let client = "x".repeat(HELLO_BYTES_MAX);
    raw.say(&[ClientMessage::Hello { protocol: PROTOCOL_VERSION, client }]);
    match raw.hear() {
        ServerMessage::Fatal { error } => assert!(error.message.contains("longer than"), "{error:?}"),
        other => panic!("{other:?}"),
    }
    assert!(raw.is_hung_up_on());
    // Nor does a beginning that goes on for ever keep the connection.
    let mut raw = Raw::silent(serve());
    raw.say_bytes(vec![0, 0, 1, 0]);
    match raw.hear() {
        ServerMessage::Fatal { error } => assert!(error.message.contains("no hello"), "{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_that_nobody_reads_are_not_kept_without_end() {
    let mut raw = Raw::with_vm();
    let long = |id| {
        let options = ExecutionOptions::default();
        let source = "'x'.repeat(1_000_000)".to_owned();
        let request = VmRequest::Evaluate { source, evaluate: EvaluateOptions::default(), options };
        ClientMessage::Request { id, body: Request::Vm { vm: 1, request } }
    };
    // In turns of what may be under way at once, so that the worker answers and nobody reads.
    let requests: Vec<ClientMessage> = (2..602).map(long).collect();
    for some in requests.chunks(60) {
        raw.say(some);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let peak = raw.peak_kib();
    assert!(peak < RESIDENT_MAX_KIB, "{peak} KiB");
    // Whoever reads at last gets every answer.
    for _ in 2..602 {
        assert!(matches!(raw.hear(), ServerMessage::Response { .. }));
    }
    assert!(raw.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", raw.peak_kib());
}

/// A sidecar on a socket, ended with the test.
struct Shared {
    process: std::process::Child,
    folder: tempfile::TempDir,
}

impl Shared {
    fn start(mut serve: Command, arguments: &[&str]) -> Shared {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let process = serve.arg("--socket").arg(&path).args(arguments).spawn().unwrap();
        eventually("the socket", || path.exists());
        Shared { process, folder }
    }

    async fn client(&self) -> Client {
        Client::connect(&Socket { path: self.folder.path().join("s") }).await.unwrap()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_its_share_of_the_vms() {
    let shared = Shared::start(serve(), &["--connection-vms", "2"]);
    let (greedy, other) = (shared.client().await, shared.client().await);
    let create = async |client: &Client| client.create_vm(config(json!({}))).await;
    let first = create(&greedy).await.unwrap();
    let _second = create(&greedy).await.unwrap();
    let error = error_of(create(&greedy).await.map(drop));
    assert!(error.code == code::LIMIT && error.hint.is_some(), "{error:?}");
    assert_eq!(create(&other).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1);
    first.dispose().await.unwrap();
    create(&greedy).await.unwrap();
}

/// Opens so many files of the mount `/m` and keeps them; gives how many it got and the error that came then.
async fn open_files(vm: &Vm, count: u32) -> String {
    let source = format!(
        "import {{ open }} from 'cordon:vm/filesystem';
         const kept = []; let ended = 'none';
         try {{ for (let n = 0; n < {count}; n++) kept.push(open('/m/file', {{ read: true }})); }}
         catch (error) {{ ended = error.code; }}
         console.log(ended); await new Promise(() => setTimeout(() => {{}}, 1e6));"
    );
    let options = ExecutionOptions { capture: cordon::wire::Capture::Stream, ..ExecutionOptions::default() };
    let evaluate = EvaluateOptions::default();
    let mut call = vm.start(VmRequest::Execute { source, evaluate, options }).unwrap();
    let told = call.next_output().await.unwrap();
    // The call goes on, with its files.
    std::mem::forget(call);
    String::from_utf8(told.data).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_mounts_leave_descriptors_for_everybody_else() {
    let folder = tempfile::tempdir().unwrap();
    // Too large to be read ahead.
    std::fs::write(folder.path().join("file"), vec![0; 1 << 20]).unwrap();
    let mut serve = Command::new("sh");
    let cordon = directory().join("cordon");
    serve.args(["-c", "ulimit -n 1024 && exec \"$0\" \"$@\""]).arg(cordon).args(["serve", "--warm", "0"]);
    let shared = Shared::start(serve, &[]);
    let client = shared.client().await;
    let with_mount = json!({
        "mounts": [{ "host": folder.path(), "guest": "/m" }],
        "limits": { "descriptors": 4096, "calls": 8 },
    });
    let mut greedy = Vec::new();
    for _ in 0..4 {
        let vm = client.create_vm(config(with_mount.clone())).await.unwrap();
        assert_eq!(open_files(&vm, 2000).await, "ENFILE");
        greedy.push(vm);
    }
    // Whoever connects and creates is served; more files of the host are not to be had.
    let other = shared.client().await;
    assert_eq!(other.create_vm(config(json!({}))).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1);
    let error = error_of(other.create_vm(config(with_mount.clone())).await.map(drop));
    assert_eq!((error.code.as_str(), error.field.as_deref()), (code::LIMIT, Some("mounts[0]")), "{error:?}");
    greedy.pop().unwrap().dispose().await.unwrap();
    let mut served = other.create_vm(config(with_mount.clone())).await;
    for _ in 0..100 {
        if served.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        served = other.create_vm(config(with_mount.clone())).await;
    }
    served.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_are_limited_while_the_vm_runs_too() {
    let folder = tempfile::tempdir().unwrap();
    let vm = crate::common::default_vm().await;
    let mount =
        |n: u32| serde_json::from_value(json!({ "host": folder.path(), "guest": format!("/m{n}") })).unwrap();
    let mut refused = None;
    for n in 0..100 {
        if let Err(error) = vm.mount(mount(n)).await {
            refused = Some((n, error));
            break;
        }
    }
    let (n, error) = refused.expect("there is a limit");
    assert!((n, error.code.as_str()) == (64, code::LIMIT), "{n} {error:?}");
    vm.unmount("/m7").await.unwrap();
    vm.mount(mount(7)).await.unwrap();
}
