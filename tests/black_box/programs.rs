//! How programs end: small ones, written for one thing each, in an installation of their own.

use std::time::Duration;

use cordon::client::{Call, Client, Embedded, Execute, Vm};
use cordon::wire::{Capture, EvaluateOptions, ExecutionOptions, Outcome, SourceFormat, VmRequest, code};
use serde_json::{Value, json};

use crate::common::{config, error_of, installation_with, sh, stdout_of, supervisor_at};

/// The programs of these tests by name; all but the header of a module that talks WASI.
const PROGRAMS: &[(&str, &str)] = &[
    ("quiet", ""),
    ("seven", "(call $proc_exit (i32.const 263))"),
    ("hello", r#"(call $say (i32.const 1) (i32.const 0) (i32.const 6))"#),
    ("forever", "(loop $again (br $again))"),
    ("unreachable", "(unreachable)"),
    ("deep", "(call $deep)"),
    ("divide", "(drop (i32.div_u (i32.const 1) (global.get $zero)))"),
    ("outside", "(drop (i32.load (i32.const 0x7fffffff)))"),
    ("grow", "(if (i32.ne (memory.grow (i32.const 100)) (i32.const -1)) (then (unreachable)))"),
    ("starve", "(drop (memory.grow (i32.const 100))) (unreachable)"),
    (
        "flood",
        "(loop $again (br_if $again (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 6)))))",
    ),
    ("copy", "(loop $again (br_if $again (call $pass)))"),
    (
        "writer",
        r#"(call $open (i32.const 1) (i32.const 64))
           (call $say (global.get $opened) (i32.const 0) (i32.const 6))"#,
    ),
    (
        "reader",
        r#"(call $open (i32.const 0) (i32.const 2))
           (drop (call $fd_read (global.get $opened) (i32.const 96) (i32.const 1) (i32.const 112)))
           (call $say (i32.const 1) (i32.const 256) (i32.load (i32.const 112)))"#,
    ),
    ("hoarder", "(loop $again (call $open (i32.const 1) (i32.const 64)) (br $again))"),
    ("sleeper", "(drop (call $poll_oneoff (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 700)))"),
];

fn module(body: &str) -> String {
    // 0: text, 32: name of a file, 96: buffer of reads at 256, 512: a subscription to a clock, 60 s ahead.
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
          (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (global $zero (mut i32) (i32.const 0))
        (global $opened (mut i32) (i32.const 0))
        (data (i32.const 0) "hello\n") (data (i32.const 32) "tmp/file")
        (data (i32.const 96) "\00\01\00\00\00\01\00\00")
        (data (i32.const 520) "\00") (data (i32.const 528) "\01\00\00\00\00\00\00\00\00\58\47\f8\0d\00\00\00")
        (func $write (param i32 i32 i32) (result i32)
          (i32.store (i32.const 80) (local.get 1)) (i32.store (i32.const 84) (local.get 2))
          (call $fd_write (local.get 0) (i32.const 80) (i32.const 1) (i32.const 88)))
        (func $say (param i32 i32 i32)
          (if (call $write (local.get 0) (local.get 1) (local.get 2)) (then (call $proc_exit (i32.const 9)))))
        (func $pass (result i32)
          (if (call $fd_read (i32.const 0) (i32.const 96) (i32.const 1) (i32.const 112))
            (then (call $proc_exit (i32.const 10))))
          (call $say (i32.const 1) (i32.const 256) (i32.load (i32.const 112)))
          (i32.load (i32.const 112)))
        (func $open (param $flags i32) (param $rights i32)
          (if (call $path_open (i32.const 3) (i32.const 1) (i32.const 32) (i32.const 8) (local.get $flags)
                (i64.extend_i32_u (local.get $rights)) (i64.const 0) (i32.const 0) (i32.const 120))
            (then (call $proc_exit (i32.const 11))))
          (global.set $opened (i32.load (i32.const 120))))
        (func $deep (call $deep) (global.set $zero (i32.const 0)))
        (func (export "_start") {body}))"#
    )
}

/// A VM with all of them.
async fn vm(json: Value) -> (tempfile::TempDir, Vm) {
    let modules: Vec<_> =
        PROGRAMS.iter().map(|&(name, body)| (name, wat::parse_str(module(body)).unwrap())).collect();
    let (folder, installation) = installation_with(&modules);
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    (folder, client.create_vm(config(json)).await.unwrap())
}

/// Runs a program to its end: its exit code, and what it wrote to standard output and error.
async fn run(vm: &Vm, program: &str) -> (Option<i32>, String) {
    let result = vm.spawn(program, &[], ExecutionOptions::default()).await.unwrap();
    (result.exit_code, result.stdout.to_text() + &result.stderr.to_text())
}

/// Starts a program whose standard input stays open.
fn start(vm: &Vm, program: &str) -> Call {
    let options = ExecutionOptions {
        capture: Capture::Stream,
        stream_stdin: true,
        report_pid: true,
        ..ExecutionOptions::default()
    };
    vm.start(VmRequest::Spawn { command: program.to_owned(), options }).unwrap()
}

#[tokio::test]
async fn programs_end_with_their_own_code() {
    let (_folder, vm) = vm(json!({})).await;
    assert_eq!(run(&vm, "quiet").await, (Some(0), String::new()));
    assert_eq!(run(&vm, "seven").await, (Some(7), String::new()), "263 in eight bits");
    assert_eq!(run(&vm, "hello").await, (Some(0), "hello\n".into()));
}

#[tokio::test]
async fn traps_end_a_program_like_the_signals_they_resemble_and_are_named() {
    let (_folder, vm) = vm(json!({})).await;
    for (program, exit_code, message) in [
        ("unreachable", 134, "unreachable: wasm `unreachable` instruction executed\n"),
        ("divide", 136, "divide: integer divide by zero\n"),
        ("outside", 139, "outside: out of bounds memory access\n"),
        ("deep", 139, "deep: call stack exhausted\n"),
    ] {
        assert_eq!(run(&vm, program).await, (Some(exit_code), message.into()));
    }
}

#[tokio::test]
async fn memory_grows_to_its_limit_and_no_further() {
    let (_folder, small) = vm(json!({ "limits": { "commandMemoryBytes": 2 << 20 } })).await;
    assert_eq!(run(&small, "grow").await, (Some(0), String::new()));
    assert_eq!(run(&small, "starve").await, (Some(134), "starve: out of memory\n".into()));
    let (_folder, roomy) = vm(json!({ "limits": { "commandMemoryBytes": 16 << 20 } })).await;
    assert_eq!(run(&roomy, "grow").await.0, Some(134));
}

#[tokio::test]
async fn endless_loops_starve_nobody_and_can_be_killed() {
    let (_folder, vm) = vm(json!({})).await;
    let loops: Vec<_> = (0..3).map(|_| start(&vm, "forever")).collect();
    for mut endless in loops {
        let pid = endless.pid().await.unwrap();
        assert_eq!(run(&vm, "hello").await, (Some(0), "hello\n".into()));
        vm.kill(pid, "SIGKILL").await.unwrap();
        assert_eq!(endless.result().await.unwrap().signal.as_deref(), Some("SIGKILL"));
    }
}

#[tokio::test]
async fn programs_that_wait_can_be_killed() {
    let (_folder, vm) = vm(json!({})).await;
    for program in ["sleeper", "copy"] {
        let mut waits = start(&vm, program);
        let pid = waits.pid().await.unwrap();
        // It has begun to wait by then: commands have one thread.
        assert_eq!(run(&vm, "quiet").await.0, Some(0));
        vm.kill(pid, "SIGTERM").await.unwrap();
        assert_eq!(waits.result().await.unwrap().signal.as_deref(), Some("SIGTERM"), "{program}");
    }
}

#[tokio::test]
async fn whoever_writes_to_nobody_is_ended() {
    let (_folder, vm) = vm(json!({})).await;
    assert_eq!(sh(&vm, "set -o pipefail; flood | hello; echo $?").await.stdout.to_text(), "hello\n141\n");
}

#[tokio::test]
async fn pipelines_of_programs_pass_everything_on_and_end() {
    let (_folder, vm) = vm(json!({})).await;
    let result = sh(&vm, "seq 1 40000 | copy | copy | cksum; seq 1 40000 | cksum").await;
    let text = result.stdout.to_text();
    let (through, direct) = text.trim_end().split_once('\n').unwrap();
    assert_eq!(through, direct);
}

#[tokio::test]
async fn files_are_those_of_the_vm() {
    let (_folder, vm) = vm(json!({})).await;
    assert_eq!(run(&vm, "reader").await.0, Some(11), "there is no such file yet");
    assert_eq!(run(&vm, "writer").await.0, Some(0));
    assert_eq!(vm.read_file("/tmp/file").await.unwrap(), b"hello\n");
    assert_eq!(run(&vm, "reader").await, (Some(0), "hello\n".into()));
}

#[tokio::test]
async fn one_file_too_many_is_an_error_of_the_program() {
    let (_folder, vm) = vm(json!({ "limits": { "descriptors": 20 } })).await;
    assert_eq!(run(&vm, "hoarder").await, (Some(11), String::new()));
}

#[tokio::test]
async fn one_program_too_many_is_refused_and_has_a_place_later() {
    let (_folder, vm) = vm(json!({ "limits": { "processes": 2 } })).await;
    let mut two = [start(&vm, "sleeper"), start(&vm, "sleeper")];
    for call in &mut two {
        call.pid().await.unwrap();
    }
    let refused = error_of(vm.spawn("quiet", &[], ExecutionOptions::default()).await);
    assert_eq!((refused.code.as_str(), refused.field.as_deref()), (code::LIMIT, Some("limits.processes")));
    for mut call in two {
        call.cancel();
        assert_eq!(call.result().await.unwrap().outcome, Outcome::Cancelled);
    }
    for _ in 0..10 {
        assert_eq!(run(&vm, "quiet").await.0, Some(0));
    }
}

/// Waits until no process is left but the kernel's own. That a program is ended is told before it is gone.
async fn until_nothing_runs(vm: &Vm) {
    for _ in 0..200 {
        let entries = vm.list("/proc").await.unwrap();
        if entries.iter().filter(|entry| entry.name.parse::<u32>().is_ok()).count() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("programs are left: {:?}", vm.list("/proc").await.unwrap());
}

/// Starts a shell that starts two programs, says how many processes there are then, and ends while they run.
const LEAVES_PROGRAMS: &str = r#"
    import { pipe } from "cordon:vm/descriptors";
    import { readDirectory } from "cordon:vm/filesystem";
    import { spawn } from "cordon:vm/process";
    const [read, write] = pipe();
    const script = "(sleep 1000 & sleep 1000) & echo ready; wait";
    const child = spawn({ program: "sh", arguments: ["sh", "-c", script], descriptors: [[1, write]] });
    await read.read(10);
    const running = () => readDirectory("/proc").filter(({ name }) => /^[0-9]+$/.test(name)).length;
    while (running() < 5) await new Promise((resolve) => setTimeout(resolve, 1));
    DROP
    console.log("left");
"#;

#[tokio::test]
async fn what_a_call_has_started_ends_with_it() {
    let (_folder, vm) = vm(json!({})).await;
    for drop in ["", "child[Symbol.dispose]();"] {
        assert_eq!(stdout_of(&vm, &LEAVES_PROGRAMS.replace("DROP", drop)).await, "left\n");
        until_nothing_runs(&vm).await;
    }
    let context = vm.create_context().await.unwrap();
    let source = LEAVES_PROGRAMS.replace("DROP", "");
    let evaluate = EvaluateOptions { format: Some(SourceFormat::Module), ..EvaluateOptions::default() };
    let kept = context.execute(&source, Execute { evaluate, ..Execute::default() }).await.unwrap();
    assert_eq!(kept.stdout.to_text(), "left\n", "{kept:?}");
    until_nothing_runs(&vm).await;
    assert_eq!(
        sh(&vm, "sleep 1000 & (sleep 1000 & sh -c 'forever &') & sleep 0; echo left").await.stdout.to_text(),
        "left\n"
    );
    until_nothing_runs(&vm).await;
}

#[tokio::test]
async fn what_a_cancelled_call_has_started_ends_with_it() {
    let (_folder, vm) = vm(json!({})).await;
    let source = LEAVES_PROGRAMS.replace("DROP", "await child.wait();");
    let options = ExecutionOptions { timeout_ms: Some(500), ..ExecutionOptions::default() };
    let request = VmRequest::Execute { source, evaluate: Default::default(), options };
    let late = vm.start(request).unwrap().result().await.unwrap();
    assert_eq!(late.outcome, Outcome::TimedOut);
    until_nothing_runs(&vm).await;
}

#[tokio::test]
async fn a_stopped_program_runs_no_further_until_it_is_continued() {
    let (_folder, vm) = vm(json!({})).await;
    let script = r#"
        : > /tmp/n
        sh -c 'while :; do echo x >> /tmp/n; done' & p=$!
        until [ -s /tmp/n ]; do :; done
        kill -STOP $p
        before=$(wc -c < /tmp/n); sleep 0.05; after=$(wc -c < /tmp/n)
        [ "$before" = "$after" ] && echo held
        kill -CONT $p
        until [ "$(wc -c < /tmp/n)" -gt "$after" ]; do :; done
        echo goes on
        kill $p; wait $p; echo $?
        forever & p=$!
        kill -STOP $p; kill -TERM $p
        case $(cat /proc/$p/stat) in *") T "*) echo stopped;; esac
        kill -CONT $p; wait $p; echo $?
        forever & p=$!
        kill -STOP $p; kill -KILL $p; wait $p; echo $?
    "#;
    let result = sh(&vm, script).await;
    assert_eq!(result.stdout.to_text() + &result.stderr.to_text(), "held\ngoes on\n143\nstopped\n143\n137\n");
}

#[tokio::test]
async fn a_program_that_stops_itself_does_nothing_more_before_it_is_continued() {
    let (_folder, vm) = vm(json!({})).await;
    let script = r#"
        sh -c 'kill -STOP $$; echo after' & p=$!
        until case $(cat /proc/$p/stat) in *") T "*) ;; *) false;; esac; do :; done
        echo stopped
        kill -CONT $p; wait $p
        echo $?
    "#;
    let result = sh(&vm, script).await;
    assert_eq!(result.stdout.to_text() + &result.stderr.to_text(), "stopped\nafter\n0\n");
}

#[tokio::test]
async fn a_stopped_job_gets_no_turn_until_it_is_continued() {
    let (_folder, vm) = vm(json!({})).await;
    let source = r#"
        import { status } from "cordon:vm/filesystem";
        import { spawn } from "cordon:vm/process";
        const script = "kill -STOP $PPID; sleep 0.05; : > /tmp/stopped; sleep 0.05; rm /tmp/stopped; kill -CONT $PPID";
        const child = spawn({ program: "sh", arguments: ["sh", "-c", script] });
        let seen = 0;
        const timer = setInterval(() => { try { status("/tmp/stopped"); seen++; } catch { } }, 1);
        const { tag, val } = await child.wait();
        clearInterval(timer);
        console.log(tag, val, seen);
    "#;
    assert_eq!(stdout_of(&vm, source).await, "exited 0 0\n");
}

#[tokio::test]
async fn a_signal_of_the_client_runs_the_trap_of_a_shell() {
    let (_folder, vm) = vm(json!({})).await;
    for wait in ["while :; do sleep 0.01; done", "read -r line; exit 9", "sleep 60 & wait; exit $?"] {
        let script = format!("trap 'echo cleaned; exit 3' TERM; : > /tmp/ready; {wait}");
        let options = ExecutionOptions {
            args: vec!["-c".to_owned(), script],
            stream_stdin: true,
            report_pid: true,
            ..ExecutionOptions::default()
        };
        let mut shell = vm.start(VmRequest::Spawn { command: "sh".to_owned(), options }).unwrap();
        let pid = shell.pid().await.unwrap();
        // Before the trap is set the signal would end it.
        while vm.read_file("/tmp/ready").await.is_err() {}
        vm.remove("/tmp/ready", false).await.unwrap();
        vm.kill(pid, "SIGTERM").await.unwrap();
        let result = shell.result().await.unwrap();
        assert_eq!((result.exit_code, result.stdout.to_text().as_str()), (Some(3), "cleaned\n"), "{wait}");
    }
}

#[tokio::test]
async fn javascript_handles_signals() {
    let (_folder, vm) = vm(json!({})).await;
    let source = r#"
        import { getDisposition, id, kill, setDisposition, spawn, takeSignal, waitSignal } from "cordon:vm/process";
        console.log(getDisposition("terminate"), takeSignal());
        setDisposition("terminate", "handle");
        setDisposition("user1", "handle");
        setDisposition("user2", "ignore");
        kill(id(), "terminate");
        kill(id(), "user1");
        kill(id(), "user2");
        console.log(getDisposition("terminate"), takeSignal(), takeSignal(), takeSignal());
        spawn({ program: "sh", arguments: ["sh", "-c", "sleep 0.01; kill -USR1 $PPID"] });
        console.log(await waitSignal());
        for (const [signal, disposition] of [["kill", "ignore"], ["stop", "handle"], ["terminate", "other"]]) {
            try { setDisposition(signal, disposition); } catch (error) { console.log(error.code ?? error.name); }
        }
    "#;
    assert_eq!(
        stdout_of(&vm, source).await,
        "default undefined\nhandle user1 terminate undefined\nuser1\nEINVAL\nEINVAL\nTypeError\n"
    );
}
