//! Ceilings: reaching one ends what reached it with an error that names it, and nothing else.

use cordon::client::Execute;
use cordon::wire::{Capture, ExecutionOptions, Outcome, code};
use serde_json::json;

use crate::common::{execute, sh, vm};

#[tokio::test]
async fn a_full_heap_ends_the_call() {
    let vm = vm(json!({ "limits": { "heapBytes": 32 << 20 } })).await;
    let result =
        vm.execute("const a = []; for (;;) a.push(new Array(1000).fill({}))", Execute::default()).await;
    match result {
        Ok(result) => assert_eq!(result.error.unwrap().code, code::OUT_OF_MEMORY),
        Err(error) => {
            assert!([code::OUT_OF_MEMORY, code::WORKER_LOST].contains(&error.code.as_str()), "{error:?}")
        }
    }
}

#[tokio::test]
async fn buffers_count_against_the_memory_of_the_vm() {
    let vm = vm(json!({ "limits": { "memoryBytes": 256 << 20, "heapBytes": 64 << 20 } })).await;
    let source = "const kept = []; try { for (;;) kept.push(new Uint8Array(8 << 20).fill(1)); } catch (e) { console.log(e.name, kept.length < 32); }";
    // The allocation fails where guest code can catch it, or the heap's guard ends the call first; the VM goes on.
    let result = execute(&vm, source).await;
    let ended = result.error.as_ref().map(|error| error.code.as_str());
    assert!(
        result.stdout.to_text() == "RangeError true\n" || ended == Some(code::OUT_OF_MEMORY),
        "{result:?}"
    );
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn deep_recursion_is_a_range_error() {
    let vm = vm(json!({})).await;
    assert_eq!(
        execute(&vm, "function f() { f(); } try { f(); } catch (e) { console.log(e.name); }")
            .await
            .stdout
            .to_text(),
        "RangeError\n"
    );
}

#[tokio::test]
async fn output_is_cut_off_and_said_to_be() {
    let vm = vm(json!({ "limits": { "outputBytes": 1000 } })).await;
    let result = sh(&vm, "seq 1 10000; echo e >&2").await;
    assert_eq!(
        (result.stdout.0.len(), result.stdout_truncated, result.stderr_truncated),
        (1000, true, false)
    );
    let options = ExecutionOptions { capture: Capture::None, ..Default::default() };
    let result = vm.spawn("seq", &["10"], options).await.unwrap();
    assert!(result.stdout.is_empty() && !result.stdout_truncated);
}

#[tokio::test]
async fn processes_are_limited() {
    let vm = vm(json!({ "limits": { "processes": 8 } })).await;
    let result = sh(&vm, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; echo done").await;
    assert!(result.exit_code != Some(0) || !result.stderr.is_empty(), "{result:?}");
    // The VM goes on.
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn calls_are_limited() {
    let vm = vm(json!({ "limits": { "calls": 2 } })).await;
    let wait = "new Promise((r) => setTimeout(r, 300))";
    let calls = (0..3).map(|_| vm.evaluate::<()>(wait));
    let results = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].code.as_str(), refused[0].field.as_deref()), (code::LIMIT, Some("limits.calls")));
}

#[tokio::test]
async fn timers_and_microtask_floods_end_with_their_call() {
    let vm = vm(json!({ "limits": { "timers": 100 } })).await;
    let result = execute(&vm, "let n = 0; try { for (;; n++) setTimeout(() => {}, 1e6); } catch (e) { console.log(n, e.name); } throw 1").await;
    assert!(result.stdout.to_text().starts_with("100 "), "{result:?}");
    let options = ExecutionOptions { timeout_ms: Some(200), ..Default::default() };
    let flood = "const again = () => Promise.resolve().then(again); again()";
    let result = vm.execute(flood, Execute { options, ..Default::default() }).await.unwrap();
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}
