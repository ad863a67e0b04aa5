//! What a worker that was taken over can do to its supervisor with messages: nothing but end its own VM. The worker is
//! `tests/hostile_worker`, which `cargo test` builds with the tests.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use cordon::client::{Client, Error, HostFunctions, Stream, Vm};
use cordon::config::Access;
use cordon::wire::{DECISION_BYTES_MAX, DECISIONS_MAX, DecisionScope, DecisionWatch, VmRequest, code};
use serde_json::json;

use crate::common::{config, directory, error_of, peak_kib};

/// The most that a supervisor of one hostile VM and one client may come to have resident: what messages may hold, twice
/// (as bytes, and decoded), beside the supervisor itself.
const RESIDENT_MAX_KIB: u64 = 300 * 1024;

/// An installation whose worker is a hostile one, but for VMs with WebAssembly; and a sidecar over it.
struct Sidecar {
    process: tokio::process::Child,
    client: Client,
    _folder: tempfile::TempDir,
}

fn hostile_worker() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples/hostile-worker");
    assert!(
        built.is_file(),
        "{} is missing: cargo build --release --example hostile-worker",
        built.display()
    );
    built
}

async fn sidecar() -> Sidecar {
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["cordon", "cordon-launcher", "cordon-compiler", "cordon-net", "cordon-worker-wasm", "commands"]
    {
        let _ = std::os::unix::fs::symlink(directory().join(name), folder.path().join(name));
    }
    std::os::unix::fs::symlink(hostile_worker(), folder.path().join("cordon-worker-absent")).unwrap();
    let mut process = tokio::process::Command::new(directory().join("cordon"))
        .args(["serve", "--warm", "0", "--template-forks", "0"])
        .env("CORDON_WORKER_DIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stream = Stream::new(process.stdout.take().unwrap(), process.stdin.take().unwrap());
    Sidecar { process, client: Client::over(stream).await.unwrap(), _folder: folder }
}

impl Sidecar {
    /// A VM that is going to attack in this way.
    async fn vm(&self, attack: &str, mut json: serde_json::Value) -> Vm {
        json["env"] = json!({ "ATTACK": attack });
        // A call of it stays open.
        let slow = HostFunctions::new()
            .with("slow", |_: serde_json::Value| std::future::pending::<Result<(), String>>());
        self.client.create_vm_with(config(json), slow).await.unwrap()
    }

    /// The most memory that the supervisor has ever had resident.
    fn peak_kib(&self) -> u64 {
        peak_kib(self.process.id().unwrap())
    }
}

/// What the evaluation that begins the attack comes to. Whatever the worker does, it comes to an end.
async fn begin(vm: &Vm) -> Result<String, Error> {
    let ends = tokio::time::timeout(Duration::from_secs(60), vm.evaluate::<String>("attack"));
    ends.await.expect("the evaluation ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_ends_the_vm_and_no_other() {
    let sidecar = sidecar().await;
    let neighbour = sidecar.vm("honest", json!({})).await;
    for attack in [
        "output without credit",
        "what a terminal shows",
        "empty output",
        "input that was not given",
        "starts",
        "an answer to nobody",
        "decisions that nobody asked for",
        "ready again",
        "claimed again",
        "a pong that nobody asked for",
        "a length that is none",
        "no message",
        "many elements",
        "one number twice",
        "functions without end",
    ] {
        let vm = sidecar.vm(attack, json!({})).await;
        let error = error_of(begin(&vm).await);
        assert_eq!((error.code.as_str(), error.guest), (code::WORKER_LOST, false), "{attack}: {error}");
        assert!(error.details.contains_key("channel"), "{attack}: {error:?}");
        assert_eq!(begin(&neighbour).await.unwrap(), "honest", "{attack}");
    }
    let vm = sidecar.vm("two answers", json!({})).await;
    assert_eq!(begin(&vm).await.unwrap(), "one");
    assert_eq!(error_of(begin(&vm).await).code, code::WORKER_LOST);
    assert_eq!(begin(&neighbour).await.unwrap(), "honest");
    assert!(sidecar.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", sidecar.peak_kib());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_what_it_has_credit_for_and_takes_what_was_typed() {
    let sidecar = sidecar().await;
    let neighbour = sidecar.vm("honest", json!({})).await;
    for attack in [
        "more than a terminal may show",
        "what a program writes",
        "empty output",
        "input that was not given",
        "starts",
    ] {
        let vm = sidecar.vm(attack, json!({})).await;
        let mut terminal = vm.attach_terminal(1).unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(60), terminal.wait());
        let error = error_of(waited.await.expect("it comes to an end"));
        assert_eq!(error.code, code::WORKER_LOST, "{attack}: {error}");
        assert_eq!(begin(&neighbour).await.unwrap(), "honest", "{attack}");
    }
    assert!(sidecar.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", sidecar.peak_kib());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_its_way_or_its_vm_ends() {
    let sidecar = sidecar().await;
    let neighbour = sidecar.vm("honest", json!({})).await;
    for attack in [
        "more than a server may send",
        "what a server sends",
        "what a program writes",
        "two connections",
        "an end without a beginning",
        "more after the end",
        "a connection that is over and was never there",
        "input that was not given",
        "starts",
    ] {
        let vm = sidecar.vm(attack, json!({})).await;
        let used = async {
            let mut connection = vm.connect(3000).await?;
            // What came before is there; then there is an end to it.
            let read = tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut Vec::new()).await;
            let of_the_vm =
                |error: std::io::Error| error.into_inner().and_then(|inner| inner.downcast::<Error>().ok());
            match read {
                Ok(_) => Err(begin(&vm).await.unwrap_err()),
                Err(error) => Err::<(), Error>(*of_the_vm(error).expect("the VM's own error")),
            }
        };
        let error = error_of(
            tokio::time::timeout(Duration::from_secs(60), used)
                .await
                .unwrap_or_else(|_| panic!("{attack} has no end")),
        );
        assert_eq!(error.code, code::WORKER_LOST, "{attack}: {error}");
        assert_eq!(begin(&neighbour).await.unwrap(), "honest", "{attack}");
    }
    // Others see nothing of what is connected and never answered.
    let vm = sidecar.vm("a connection", json!({})).await;
    drop(vm.connect(3000).await.unwrap());
    assert_eq!(begin(&neighbour).await.unwrap(), "honest");
    assert!(sidecar.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", sidecar.peak_kib());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_does_not_read_the_answers_is_ended() {
    let sidecar = sidecar().await;
    let folder = tempfile::tempdir().unwrap();
    let mounts = json!({ "mounts": [{ "host": folder.path(), "guest": "/m" }] });
    let vm = sidecar.vm("questions without reading", mounts).await;
    let error = error_of(begin(&vm).await);
    assert_eq!(error.code, code::WORKER_LOST, "{error}");
    assert!(sidecar.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", sidecar.peak_kib());
}

/// Floods of what costs the supervisor nothing to hear: they go on until their caller has had enough.
#[tokio::test(flavor = "multi_thread")]
async fn floods_cost_no_memory_and_no_neighbour() {
    let sidecar = sidecar().await;
    let neighbour = sidecar.vm("honest", json!({})).await;
    for attack in ["refusals", "last words"] {
        let vm = sidecar.vm(attack, json!({})).await;
        let source = "attack".to_owned();
        let request =
            VmRequest::Evaluate { source, evaluate: Default::default(), options: Default::default() };
        let mut flooding = vm.start(request).unwrap();
        for _ in 0..200 {
            assert_eq!(begin(&neighbour).await.unwrap(), "honest", "{attack}");
        }
        vm.dispose().await.unwrap();
        assert_eq!(error_of(flooding.result().await).code, code::CANCELLED, "{attack}");
    }
    assert!(sidecar.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", sidecar.peak_kib());
}

/// Whatever a worker says last is told to everybody who waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_reason_for_the_end_is_told_in_short() {
    let sidecar = sidecar().await;
    let vm = sidecar.vm("a long reason", json!({ "limits": { "calls": 1000 } })).await;
    let request = || VmRequest::Evaluate {
        source: "attack".to_owned(),
        evaluate: Default::default(),
        options: Default::default(),
    };
    let mut calls: Vec<_> = (0..100).map(|_| vm.start(request()).unwrap()).collect();
    for call in &mut calls {
        let error = error_of(call.result().await);
        assert!(
            error.code == code::WORKER_LOST && error.guest && error.message.len() < 10_000,
            "{}",
            error.code
        );
    }
    assert!(sidecar.peak_kib() < RESIDENT_MAX_KIB, "{} KiB", sidecar.peak_kib());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_cannot_speak_for_the_supervisor() {
    let sidecar = sidecar().await;
    let vm = sidecar.vm("the supervisor's words", json!({})).await;
    let error = error_of(begin(&vm).await);
    assert!(error.code == code::WORKER_LOST && error.guest, "{error:?}");
    let vm = sidecar.vm("refused calls", json!({})).await;
    let error = error_of(begin(&vm).await);
    assert_eq!(error.details.get("refusedCalls").map(String::as_str), Some("bpf ptrace"), "{error:?}");
    assert_eq!(error.details.get("exitCode").map(String::as_str), Some("3"));
}

/// A directory beside what is mounted, and a link to it within.
fn mounted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "s").unwrap();
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    std::fs::write(folder.path().join("inner/file"), "contents").unwrap();
    std::fs::write(folder.path().join("inner/allowed"), "contents").unwrap();
    std::os::unix::fs::symlink("../secret", folder.path().join("inner/up")).unwrap();
    std::os::unix::fs::symlink("file", folder.path().join("inner/link")).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_handles_and_paths_reach_nothing() {
    let sidecar = sidecar().await;
    let folder = mounted();
    let mounts = json!({ "mounts": [{ "host": folder.path().join("inner"), "guest": "/m" }] });
    let vm = sidecar.vm("forged handles", mounts).await;
    let told = begin(&vm).await.unwrap();
    assert_eq!(
        told,
        "ENODEV ENODEV ENODEV EBADF EBADF EINVAL EROFS EROFS EACCES EACCES EACCES EACCES EACCES EINVAL EACCES EINVAL \
         EROFS EROFS EROFS EROFS EROFS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_the_filesystem_are_decided_outside_the_worker_too() {
    let sidecar = sidecar().await;
    let folder = mounted();
    let with = |rules: serde_json::Value| {
        json!({
            "mounts": [{ "host": folder.path().join("inner"), "guest": "/m" }],
            "permissions": { "fs": rules },
        })
    };
    let deny = json!({ "default": "allow", "rules": [{ "mode": "deny", "paths": ["/m/file"] }] });
    for (rules, told) in [
        (json!("allow"), "opened opened one others"),
        (deny, "EACCES EACCES one EACCES"),
        (json!("deny"), "EACCES EACCES EACCES EACCES"),
    ] {
        let vm = sidecar.vm("what rules deny", with(rules.clone())).await;
        assert_eq!(begin(&vm).await.unwrap(), told, "{rules}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_the_network_are_decided_outside_the_worker_too() {
    let sidecar = sidecar().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let attack = format!("the network {}", listener.local_addr().unwrap().port());
    let names = |example: &str| format!("{example} Denied found NotFound NotFound NotFound");
    for (network, told) in [
        (json!("deny"), format!("{} {}", names("Denied"), ["Denied"; 7].join(" "))),
        // Another port than the one that is allowed.
        (
            json!({ "rules": [{ "mode": "allow", "operations": ["connect"], "hosts": ["127.0.0.1"], "ports": [1] }] }),
            format!("{} {}", names("Denied"), ["Denied"; 7].join(" ")),
        ),
    ] {
        let vm = sidecar.vm(&attack, json!({ "permissions": { "network": network } })).await;
        assert_eq!(begin(&vm).await.unwrap(), told, "{network}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_that_the_worker_refuses_is_closed() {
    let sidecar = sidecar().await;
    let folder = tempfile::tempdir().unwrap();
    let vm = sidecar.vm("honest", json!({})).await;
    let open = || {
        let of = format!("/proc/{}/fd", sidecar.process.id().unwrap());
        let links = std::fs::read_dir(of).unwrap().flatten();
        links.filter(|link| std::fs::read_link(link.path()).is_ok_and(|to| to == folder.path())).count()
    };
    for _ in 0..100 {
        let mount = json!({ "host": folder.path(), "guest": "/m" });
        let refused = vm.mount(serde_json::from_value(mount).unwrap()).await;
        assert_eq!(error_of(refused).code, code::LIMIT);
    }
    assert_eq!(open(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_gives_no_sign_of_life_is_ended() {
    let sidecar = sidecar().await;
    let vm = sidecar.vm("silence", json!({})).await;
    let error = error_of(vm.stat("/").await);
    assert_eq!(error.code, code::UNRESPONSIVE, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_says_of_decisions_is_bounded_and_not_believed_of_others() {
    let sidecar = sidecar().await;
    let vm = sidecar.vm("honest", json!({})).await;
    let decisions = vm.watch_decisions(DecisionWatch::All).await.unwrap();
    let batch = decisions.now().await.unwrap();
    assert!(batch.decisions.len() <= 2 * DECISIONS_MAX && batch.dropped > 0);
    let bytes: usize = batch.decisions.iter().map(|made| made.operation.len() + made.rule.len()).sum();
    assert!(bytes <= 2 * DECISION_BYTES_MAX, "{bytes}");
    let told =
        |scope, decision| batch.decisions.iter().any(|made| made.scope == scope && made.decision == decision);
    assert!(told(DecisionScope::Fs, Access::Allow) && told(DecisionScope::Network, Access::Deny));
    // These are decided elsewhere.
    assert!(!told(DecisionScope::Network, Access::Allow));
    assert!(
        !told(DecisionScope::HostFunctions, Access::Allow)
            && !told(DecisionScope::HostFunctions, Access::Deny)
    );
}
