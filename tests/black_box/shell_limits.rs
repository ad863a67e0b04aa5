//! What scripts do to use up a VM, each by its name: what reaches a limit ends with it, and the VM goes on.

use cordon::client::Vm;
use cordon::wire::{ExecutionOptions, ExecutionResult, Outcome};
use serde_json::json;

use crate::common::{default_vm, vm};

async fn run(vm: &Vm, script: &str, seconds: u64) -> ExecutionResult {
    let options = ExecutionOptions { timeout_ms: Some(seconds * 1000), ..ExecutionOptions::default() };
    vm.spawn("sh", &["-c", script], options).await.unwrap()
}

async fn goes_on(vm: &Vm) {
    assert_eq!(run(vm, "echo on | cat", 30).await.stdout.to_text(), "on\n");
}

#[tokio::test]
async fn a_fork_bomb_is_ended_with_its_call() {
    let vm = default_vm().await;
    let result = run(&vm, "bomb() { bomb | bomb & }; bomb; while :; do sleep 1; done", 3).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert!(result.stderr.to_text().contains("Cannot fork"), "{}", result.stderr.to_text());
    goes_on(&vm).await;
    let left = run(&vm, "ls -d /proc/[0-9]* | wc -l", 30).await.stdout.to_text();
    assert!(left.trim().parse::<u32>().unwrap() < 8, "{left} processes are left");
}

#[tokio::test]
async fn an_endless_writer_ends_with_its_reader() {
    let vm = default_vm().await;
    let result = run(&vm, "yes | head -n 3; bash -c 'yes | head -n 1; echo ${PIPESTATUS[0]}'", 60).await;
    assert_eq!(result.stdout.to_text(), "y\ny\ny\ny\n141\n");
}

#[tokio::test]
async fn a_gigabyte_goes_through_pipes_in_a_small_vm() {
    let vm = vm(json!({ "limits": { "memoryBytes": 64 << 20, "heapBytes": 16 << 20 } })).await;
    let result = run(&vm, "head -c 1000000000 /dev/zero | cat | wc -c", 300).await;
    assert_eq!(result.stdout.to_text(), "1000000000\n", "{}", result.stderr.to_text());
}

#[tokio::test]
async fn an_endless_loop_ends_with_its_time() {
    let vm = default_vm().await;
    for script in
        ["while :; do :; done", "i=0; while [ 1 ]; do i=$((i+1)); done", "for ((;;)); do x=$x; done"]
    {
        assert_eq!(run(&vm, script, 1).await.outcome, Outcome::TimedOut, "{script}");
    }
    goes_on(&vm).await;
}

#[tokio::test]
async fn deep_recursion_is_an_error_of_the_script() {
    let vm = default_vm().await;
    for script in [
        "f() { f; }; f",
        "f() { if true; then { f; } fi; }; f",
        "f() { x=$(f); }; f",
        "f() { eval f; }; f",
        "f() { ( f ); }; f; exit $?",
        "f() { case x in x) while :; do f; done;; esac; }; f",
        "x='x+1'; echo $((x))",
    ] {
        let result = run(&vm, script, 60).await;
        assert_eq!(result.exit_code, Some(2), "{script}: {}", result.stderr.to_text());
        let message = result.stderr.to_text();
        assert!(message.contains("too deeply") || message.contains("too many"), "{script}: {message}");
    }
    goes_on(&vm).await;
}

#[tokio::test]
async fn ten_thousand_tiny_processes_come_and_go() {
    let vm = default_vm().await;
    let script = "i=0; while [ $i -lt 10000 ]; do /bin/true; i=$((i+1)); done; echo $i";
    assert_eq!(run(&vm, script, 300).await.stdout.to_text(), "10000\n");
    let left = run(&vm, "ls -d /proc/[0-9]* | wc -l", 30).await.stdout.to_text();
    assert!(left.trim().parse::<u32>().unwrap() < 8, "{left} processes are left");
}

#[tokio::test]
async fn many_may_start_a_program_that_nobody_has_run_before() {
    // None of its code is in the VM yet: it is asked for once.
    let vm = vm(json!({ "limits": { "processes": 100, "memoryBytes": 2_u64 << 30 } })).await;
    let script = "i=0; while [ $i -lt 40 ]; do awk 'BEGIN { print 1 }' & i=$((i+1)); done; wait";
    let result = run(&vm, script, 120).await;
    assert_eq!(result.stderr.to_text(), "");
    assert_eq!(result.stdout.to_text().lines().count(), 40);
}

#[tokio::test]
async fn two_hundred_background_jobs_run_where_they_may() {
    let script = "i=0; while [ $i -lt 200 ]; do { sleep 0.2; echo x; } & i=$((i+1)); done; wait";
    let roomy = vm(json!({ "limits": { "processes": 1000, "memoryBytes": 4_u64 << 30 } })).await;
    let result = run(&roomy, script, 120).await;
    assert_eq!(result.stdout.to_text().lines().count(), 200, "{}", result.stderr.to_text());
    // Elsewhere each that is one too many says so.
    let usual = default_vm().await;
    let result = run(&usual, script, 120).await;
    assert!(result.stdout.to_text().lines().count() >= 10, "{}", result.stdout.to_text());
    assert!(result.stderr.to_text().contains("Cannot fork: the VM runs as many commands as it may"));
    goes_on(&usual).await;
}

#[tokio::test]
async fn a_script_that_grows_ends_with_its_memory() {
    let vm = vm(json!({ "limits": { "commandMemoryBytes": 32 << 20 } })).await;
    let result = run(&vm, "x=0123456789; while :; do x=$x$x; done", 60).await;
    assert!(result.exit_code != Some(0), "{result:?}");
    let result = run(&vm, "bash -c 'while :; do a+=(0123456789); done'", 120).await;
    assert!(result.exit_code != Some(0), "{result:?}");
    goes_on(&vm).await;
}
