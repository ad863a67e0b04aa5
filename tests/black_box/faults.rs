//! What is lost when something dies: that VM, and nothing else; and nothing stays behind.

use std::io::Write;
use std::process::Stdio;

use cordon::client::{Client, Embedded, Execute, Sidecar, Socket, Vm};
use cordon::supervisor::{ANSWER_TIME, Supervisor, SupervisorOptions, TemplateLimits};
use cordon::wire::{Capture, ExecutionOptions, Outcome, Progress, VmRequest, code};
use serde_json::json;

use crate::common::{
    self, config, cordon, directory, error_of, eventually, installation, sh, supervisor_at, vm,
};

/// Ids of a process's descendants whose name begins with a word.
fn descendants(of: u32, word: &str) -> Vec<u32> {
    let found = common::descendants(of).into_iter().filter(|process| process.name.starts_with(word));
    found.map(|process| process.pid).collect()
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

fn kill(pid: u32) {
    send(pid, rustix::process::Signal::KILL);
}

fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// A sidecar of a test's own, so that the workers found beneath it are the test's.
fn own_sidecar() -> tokio::process::Child {
    tokio::process::Command::new(directory().join("cordon"))
        .args(["serve", "--warm", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn client_of(sidecar: &mut tokio::process::Child) -> Client {
    let stream = cordon::client::Stream::new(sidecar.stdout.take().unwrap(), sidecar.stdin.take().unwrap());
    Client::over(stream).await.unwrap()
}

/// A VM, and the process that it is.
async fn vm_and_worker(client: &Client, sidecar: u32) -> (Vm, u32) {
    let before = descendants(sidecar, "cordon-worker");
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let workers = descendants(sidecar, "cordon-worker");
    (vm, *workers.iter().find(|pid| !before.contains(pid)).expect("no worker is running"))
}

/// Makes a worker silent, as an engine would that cannot be interrupted.
fn stop(worker: u32) {
    send(worker, rustix::process::Signal::STOP);
    // Its threads run until each of them has seen the signal.
    let has_stopped = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
    eventually("a worker whose threads have stopped", || {
        let mut threads = std::fs::read_dir(format!("/proc/{worker}/task")).unwrap().flatten();
        threads.all(|thread| std::fs::read_to_string(thread.path().join("stat")).is_ok_and(has_stopped))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_does_not_end_its_calls_is_ended_and_others_go_on() {
    let mut sidecar = own_sidecar();
    let id = sidecar.id().unwrap();
    let client = client_of(&mut sidecar).await;
    let (late, late_worker) = vm_and_worker(&client, id).await;
    let (cancelled, cancelled_worker) = vm_and_worker(&client, id).await;
    let (disposed, disposed_worker) = vm_and_worker(&client, id).await;
    let other = client.create_vm(config(json!({}))).await.unwrap();

    let options = ExecutionOptions { timeout_ms: Some(100), ..Default::default() };
    let execute = Execute { options, ..Default::default() };
    stop(late_worker);
    let running = late.execute("for (;;);", execute);
    let options = ExecutionOptions { args: vec!["1000".into()], report_pid: true, ..Default::default() };
    let mut sleeping = cancelled.start(VmRequest::Spawn { command: "sleep".into(), options }).unwrap();
    sleeping.pid().await.unwrap();
    stop(cancelled_worker);
    sleeping.cancel();
    stop(disposed_worker);
    disposed.dispose().await.unwrap();
    let meanwhile = async {
        eventually_async("the end of the VM that was disposed of", || !alive(disposed_worker)).await;
        assert_eq!(sh(&other, "echo on").await.stdout.to_text(), "on\n");
    };
    let (running, sleeping, ()) = tokio::join!(running, sleeping.result(), meanwhile);
    let seconds = format!("{} s", ANSWER_TIME.as_secs());
    for error in [error_of(running), error_of(sleeping)] {
        assert_eq!(error.code, code::UNRESPONSIVE, "{error:?}");
        assert!(error.message.contains(&seconds) && error.hint.is_some(), "{error:?}");
        assert_eq!(error.details["signal"], "9", "{error:?}");
    }
    for vm in [&late, &cancelled] {
        assert_eq!(error_of(vm.read_file("/tmp").await).code, code::UNRESPONSIVE);
    }
    assert!(!alive(late_worker) && !alive(cancelled_worker));
    assert_eq!(other.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_reads_nothing_is_ended_and_holds_nobody_up_for_long() {
    let mut sidecar = own_sidecar();
    let id = sidecar.id().unwrap();
    let client = client_of(&mut sidecar).await;
    let (deaf, worker) = vm_and_worker(&client, id).await;
    let other = client.create_vm(config(json!({}))).await.unwrap();
    stop(worker);
    // More than the sidecar keeps for it.
    let writes = (0..100).map(|_| deaf.write_file("/tmp/x", vec![0; 1 << 20]));
    let (written, value) = tokio::join!(futures_util::future::join_all(writes), other.evaluate::<u32>("1"));
    assert_eq!(value.unwrap(), 1);
    for result in written {
        assert_eq!(error_of(result).code, code::UNRESPONSIVE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_is_reported_and_others_go_on() {
    let mut sidecar = own_sidecar();
    let id = sidecar.id().unwrap();
    let client = client_of(&mut sidecar).await;
    let (victim, worker) = vm_and_worker(&client, id).await;
    let other = client.create_vm(config(json!({}))).await.unwrap();
    let waiting = victim.evaluate::<()>("new Promise(() => setTimeout(() => {}, 1e8))");
    let killing = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        kill(worker);
    };
    let (lost, ()) = tokio::join!(waiting, killing);
    let error = error_of(lost);
    assert_eq!(error.code, code::WORKER_LOST, "{error:?}");
    assert_eq!(error.details["signal"], "9", "{error:?}");
    assert_eq!(error_of(victim.read_file("/tmp").await).code, code::WORKER_LOST);
    assert_eq!(other.evaluate::<u32>("1").await.unwrap(), 1);
    assert_eq!(client.create_vm(config(json!({}))).await.unwrap().evaluate::<u32>("2").await.unwrap(), 2);
}

#[test]
fn no_worker_survives_a_killed_supervisor() {
    let mut sidecar =
        cordon(&["serve", "--warm", "2"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    eventually("two warm workers", || descendants(sidecar.id(), "cordon-worker").len() >= 2);
    let all: Vec<u32> = descendants(sidecar.id(), "cordon");
    sidecar.kill().unwrap();
    sidecar.wait().unwrap();
    eventually("the end of every process of a killed supervisor", || all.iter().all(|pid| !alive(*pid)));
}

#[test]
fn no_worker_survives_a_killed_launcher() {
    let mut sidecar =
        cordon(&["serve", "--warm", "1"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    eventually("a warm worker", || !descendants(sidecar.id(), "cordon-worker").is_empty());
    let workers = descendants(sidecar.id(), "cordon-worker");
    for launcher in descendants(sidecar.id(), "cordon-launcher") {
        kill(launcher);
    }
    eventually("the end of the workers", || workers.iter().all(|pid| !alive(*pid)));
    sidecar.kill().unwrap();
    sidecar.wait().unwrap();
}

#[test]
fn a_worker_outlives_the_thread_that_asked_for_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let supervisor = supervisor_at(installation());
    let vm = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                runtime.block_on(async {
                    let client = Client::connect(&Embedded(supervisor.clone())).await.unwrap();
                    client.create_vm(config(json!({}))).await.unwrap()
                })
            })
            .join()
            .unwrap()
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(runtime.block_on(vm.evaluate::<u32>("5")).unwrap(), 5);
}

#[tokio::test]
async fn a_guest_that_ends_the_worker_is_reported() {
    let vm = vm(json!({ "limits": { "memoryBytes": 192 << 20, "heapBytes": 96 << 20 } })).await;
    // More small objects than the process may have memory for.
    let result =
        vm.evaluate::<()>("(() => { const all = []; for (;;) all.push({ a: all.length + 0.5 }); })()").await;
    let error = error_of(result);
    assert!([code::OUT_OF_MEMORY, code::WORKER_LOST].contains(&error.code.as_str()), "{error:?}");
}

#[tokio::test]
async fn warm_workers_are_claimed_and_replaced() {
    let supervisor = Supervisor::new(SupervisorOptions {
        installation: installation(),
        warm: 2,
        templates: Some(TemplateLimits::default()),
        show_worker_stderr: false,
        progress: Box::new(|_| {}),
    });
    supervisor.warm_up().await;
    eventually_async("two warm workers", || supervisor.warm_workers() == 2).await;
    let client = Client::connect(&Embedded(supervisor.clone())).await.unwrap();
    let mut vms = Vec::new();
    for n in 0..5u32 {
        let vm = client.create_vm(config(json!({}))).await.unwrap();
        vm.execute("globalThis.left = 1", Default::default()).await.unwrap();
        vm.write_file("/tmp/left", "x").await.unwrap();
        assert_eq!(vm.evaluate::<u32>(&n.to_string()).await.unwrap(), n);
        vms.push(vm);
    }
    // Never reused: nothing of one VM is in another.
    assert_eq!(
        error_of(client.create_vm(config(json!({}))).await.unwrap().read_file("/tmp/left").await).code,
        "ENOENT"
    );
    eventually_async("the pool to be full again", || supervisor.warm_workers() == 2).await;
}

async fn eventually_async(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{what} did not come to hold");
}

#[tokio::test]
async fn a_client_that_vanishes_takes_its_vms_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let mut sidecar = cordon(&["serve", "--warm", "0", "--socket", path.to_str().unwrap()]).spawn().unwrap();
    eventually("the socket", || path.exists());
    let socket = Socket { path: path.clone() };
    let (one, other) = (Client::connect(&socket).await.unwrap(), Client::connect(&socket).await.unwrap());
    let vm = one.create_vm(config(json!({}))).await.unwrap();
    let kept = other.create_vm(config(json!({}))).await.unwrap();
    assert_eq!(descendants(sidecar.id(), "cordon-worker").len(), 2);
    drop((vm, one));
    eventually_async("one worker", || descendants(sidecar.id(), "cordon-worker").len() == 1).await;
    assert_eq!(kept.evaluate::<u32>("1").await.unwrap(), 1);
    sidecar.kill().unwrap();
    sidecar.wait().unwrap();
    assert_eq!(error_of(kept.evaluate::<u32>("1").await).code, code::DISCONNECTED);
}

#[tokio::test]
async fn pending_calls_settle_when_the_sidecar_dies() {
    let sidecar = Sidecar { executable: directory().join("cordon") };
    let client = Client::connect(&sidecar).await.unwrap();
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    assert_eq!(sh(&vm, "echo up").await.stdout.to_text(), "up\n");
    let options = ExecutionOptions { args: vec!["1000".into()], report_pid: true, ..Default::default() };
    let mut call = vm.start(VmRequest::Spawn { command: "sleep".into(), options }).unwrap();
    call.pid().await.unwrap();
    let mine = std::process::id();
    for pid in descendants(mine, "cordon") {
        // Other tests have sidecars too; theirs say --warm.
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        if command.contains("serve") && !command.contains("--warm") {
            kill(pid);
        }
    }
    assert_eq!(error_of(call.result().await).code, code::DISCONNECTED);
    // It is gone, which is all that was wanted.
    vm.dispose().await.unwrap();
}

#[test]
fn malformed_frames_end_their_connection_only() {
    for bytes in
        [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x01\xc1", b"\0\0\0\x02\x81\xa1", b"GET / HTTP/1.1\r\n\r\n"]
    {
        let mut sidecar =
            cordon(&["serve", "--warm", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        sidecar.stdin.as_mut().unwrap().write_all(bytes).unwrap();
        // It says why and hangs up by itself, though we have not closed our end.
        let stdin = sidecar.stdin.take();
        let output = sidecar.wait_with_output().unwrap();
        drop(stdin);
        assert!(String::from_utf8_lossy(&output.stdout).contains(code::PROTOCOL), "{bytes:?}");
    }
}

/// Whoever has to decide whether to ask again is told what is known.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_said_whether_what_ended_had_begun() {
    let mut sidecar = own_sidecar();
    let id = sidecar.id().unwrap();
    let client = client_of(&mut sidecar).await;
    let vm = client.create_vm(config(json!({ "limits": { "calls": 2 } }))).await.unwrap();
    let forever = |timeout_ms| VmRequest::Execute {
        source: "console.log('begun'); for (;;);".into(),
        evaluate: Default::default(),
        options: ExecutionOptions { capture: Capture::Stream, timeout_ms, ..Default::default() },
    };
    let mut running = vm.start(forever(Some(1000))).unwrap();
    running.next_output().await.unwrap();
    // It waits for its turn until its time is over, while the other runs.
    let mut waiting = vm.start(forever(Some(100))).unwrap();
    let one_too_many = error_of(vm.evaluate::<u32>("1").await);
    assert_eq!(
        (one_too_many.code.as_str(), one_too_many.progress),
        (code::LIMIT, Some(Progress::NotStarted))
    );
    for (call, progress) in [(&mut waiting, Progress::NotStarted), (&mut running, Progress::Ran)] {
        let result = call.result().await.unwrap();
        assert_eq!((result.outcome, result.progress), (Outcome::TimedOut, progress));
    }
    let missing = error_of(vm.spawn("nonesuch", &[], ExecutionOptions::default()).await);
    assert_eq!((missing.code.as_str(), missing.progress), ("ENOENT", Some(Progress::NotStarted)));
    assert_eq!(vm.spawn("false", &[], ExecutionOptions::default()).await.unwrap().progress, Progress::Ran);

    let mut lost = vm.start(forever(None)).unwrap();
    lost.next_output().await.unwrap();
    kill(descendants(id, "cordon-worker")[0]);
    let error = error_of(lost.result().await);
    assert_eq!((error.code.as_str(), error.progress), (code::WORKER_LOST, Some(Progress::Unknown)));
    let later = error_of(vm.evaluate::<u32>("1").await);
    assert_eq!((later.code.as_str(), later.progress), (code::WORKER_LOST, Some(Progress::NotStarted)));

    let other = client.create_vm(config(json!({}))).await.unwrap();
    let mut cut_off = other.start(forever(None)).unwrap();
    cut_off.next_output().await.unwrap();
    kill(id);
    let error = error_of(cut_off.result().await);
    assert_eq!((error.code.as_str(), error.progress), (code::DISCONNECTED, Some(Progress::Unknown)));
    let later = error_of(other.evaluate::<u32>("1").await);
    assert_eq!((later.code.as_str(), later.progress), (code::DISCONNECTED, Some(Progress::NotStarted)));
}
