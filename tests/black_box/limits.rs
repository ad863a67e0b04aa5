//! Ceilings: reaching one ends what reached it with an error that names it, and nothing else.

use cordon::client::{Execute, Vm};
use cordon::config::CreateVmConfig;
use cordon::wire::{Capture, ExecutionOptions, Outcome, VmRequest, code};
use serde_json::json;

use crate::common::{client, config, error_of, execute, has_wasm_worker, sh, vm};

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
    let vm = vm(json!({ "limits": { "heapBytes": 32 << 20 } })).await;
    let result = execute(&vm, "for (;;) setTimeout(() => {}, 1e6)").await;
    assert_eq!(result.error.unwrap().code, code::OUT_OF_MEMORY);
    let options = ExecutionOptions { timeout_ms: Some(200), ..Default::default() };
    let flood = "const again = () => Promise.resolve().then(again); again()";
    let result = vm.execute(flood, Execute { options, ..Default::default() }).await.unwrap();
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_that_waits_for_another_is_late_all_the_same() {
    let vm = vm(json!({})).await;
    let options = ExecutionOptions { capture: Capture::Stream, ..Default::default() };
    let source = "console.log('here'); for (;;);".to_owned();
    let mut busy = vm.start(VmRequest::Execute { source, evaluate: Default::default(), options }).unwrap();
    assert!(busy.next_output().await.is_some());
    let options = ExecutionOptions { timeout_ms: Some(100), ..Default::default() };
    let late = vm.execute("1", Execute { options, ..Default::default() }).await.unwrap();
    assert_eq!((late.outcome, late.exit_code), (Outcome::TimedOut, Some(124)));
    let evaluate =
        VmRequest::Evaluate { source: "1".into(), evaluate: Default::default(), options: Default::default() };
    let mut given_up = vm.start(evaluate).unwrap();
    given_up.cancel();
    assert_eq!(given_up.result().await.unwrap().outcome, Outcome::Cancelled);
    busy.cancel();
    assert_eq!(busy.result().await.unwrap().outcome, Outcome::Cancelled);
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_that_was_begun_is_late_while_another_runs() {
    let vm = vm(json!({})).await;
    let options = ExecutionOptions { timeout_ms: Some(1000), capture: Capture::Stream, ..Default::default() };
    let source = "console.log('here'); await new Promise(() => setTimeout(() => {}, 1e6))".to_owned();
    let mut waits = vm.start(VmRequest::Execute { source, evaluate: Default::default(), options }).unwrap();
    assert!(waits.next_output().await.is_some());
    let source = "for (;;);".to_owned();
    let endless = VmRequest::Execute { source, evaluate: Default::default(), options: Default::default() };
    let mut busy = vm.start(endless).unwrap();
    assert_eq!(waits.result().await.unwrap().outcome, Outcome::TimedOut);
    busy.cancel();
    assert_eq!(busy.result().await.unwrap().outcome, Outcome::Cancelled);
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

/// Runs what never ends by itself, with so many milliseconds. The VM must outlive it.
async fn ends_in_time(vm: &Vm, source: &str, timeout_ms: u64) {
    let options = ExecutionOptions { timeout_ms: Some(timeout_ms), ..Default::default() };
    let result = vm.execute(source, Execute { options, ..Default::default() }).await.unwrap();
    assert_eq!(result.outcome, Outcome::TimedOut, "{source}: {result:?}");
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1, "{source}");
}

/// Loops that V8's optimising compiler once made without looking for a termination. Each is a function of how often to
/// go round; the first calls are short, so that the code of the last one is optimised when it begins.
const HOT_LOOPS: &[&str] = &[
    "const a = new Array(100); for (let n = 0; n < rounds; n++) { for (let i = 0; i < 100; i++) a[i] = i; }",
    "for (let n = 0; n < rounds; n++) { const a = new Array(100); a[n % 100] = n; }",
    "let sum = 0; for (let n = 0; n < rounds; n++) { for (let i = 0; i < 4; i++) sum = (sum + i) | 0; } return sum;",
    "const a = new Float64Array(64); for (let n = 0; n < rounds; n++) { for (let i = 0; i < 64; i++) a[i] += i; }",
];

#[tokio::test]
async fn optimised_loops_end_with_their_call() {
    for permissions in [json!({}), json!({ "webAssembly": "allow" })] {
        if permissions.get("webAssembly").is_some() && !has_wasm_worker() {
            continue;
        }
        let vm = vm(json!({ "permissions": permissions })).await;
        for body in HOT_LOOPS {
            let source = format!(
                "function hot(rounds) {{ {body} }} for (let n = 0; n < 2000; n++) hot(1000); hot(Infinity);"
            );
            ends_in_time(&vm, &source, 3000).await;
            // And where the function is optimised while it runs.
            ends_in_time(&vm, &format!("(function (rounds) {{ {body} }})(Infinity);"), 1500).await;
        }
    }
}

#[tokio::test]
async fn optimised_webassembly_ends_with_its_call() {
    if !has_wasm_worker() {
        return;
    }
    let module = wat::parse_str(
        r#"(module (memory 1)
            (func (export "empty") (loop $again (br $again)))
            (func (export "writes") (param $rounds i32) (local $i i32)
                (loop $again
                    (i32.store (i32.and (local.get $i) (i32.const 0xfffc)) (local.get $i))
                    (local.set $i (i32.add (local.get $i) (i32.const 4)))
                    (br_if $again (i32.ne (local.get $i) (local.get $rounds))))))"#,
    )
    .unwrap();
    let vm = vm(json!({ "permissions": { "webAssembly": "allow" } })).await;
    let instance = format!(
        "const {{ exports }} = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array({module:?})));"
    );
    ends_in_time(&vm, &format!("{instance} exports.empty();"), 1000).await;
    // An odd number is never met.
    let writes = "for (let n = 0; n < 2000; n++) exports.writes(4000); exports.writes(1);";
    ends_in_time(&vm, &format!("{instance} {writes}"), 2000).await;
}

#[tokio::test]
async fn memory_that_is_used_up_is_reported_with_its_limit_and_others_go_on() {
    let client = client().await;
    let other = client.create_vm(config(json!({}))).await.unwrap();
    for (source, field) in [
        // V8 unwinds these and the VM goes on,
        (
            "const all = []; for (;;) { const long = 'x'.repeat(2 ** 26) + all.length; all.push([long, long].join('')); }",
            "heap",
        ),
        ("const all = []; for (;;) all.push(new Array(1e6).fill(1.5))", "heap"),
        // but not these, which ask for too much at once: in its heap,
        ("new Array(1e8).fill({})", "heap"),
        // and beside it.
        ("structuredClone(new Array(3e7).fill('abc'))", "memory"),
        (
            "const all = Array.from({ length: 2e6 }, (_, n) => 'abcdefgh' + n); for (;;) all.push(JSON.stringify(all))",
            "memory",
        ),
    ] {
        let vm = client.create_vm(config(json!({}))).await.unwrap();
        let error = match vm.execute(source, Execute::default()).await {
            Ok(result) => {
                assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1, "{source}");
                result.error.expect(source)
            }
            Err(error) => {
                let later = error_of(vm.evaluate::<u32>("1").await);
                assert_eq!((later.code, later.field), (error.code.clone(), error.field.clone()), "{source}");
                error
            }
        };
        let (field, limit) = match field {
            "heap" => ("limits.heapBytes", 256u64 << 20),
            _ => ("limits.memoryBytes", 512 << 20),
        };
        assert_eq!(
            (error.code.as_str(), error.field.as_deref()),
            (code::OUT_OF_MEMORY, Some(field)),
            "{source}: {error:?}"
        );
        assert!(error.message.contains(&format!("{field} is {limit}")), "{source}: {error:?}");
        assert_eq!(other.evaluate::<u32>("1").await.unwrap(), 1, "{source}");
    }
}

#[tokio::test]
async fn a_buffer_that_is_too_large_is_a_range_error() {
    let vm = vm(json!({ "limits": { "memoryBytes": 256 << 20, "heapBytes": 64 << 20 } })).await;
    let attempts = [
        "new ArrayBuffer(8 * 2 ** 30)",
        "new ArrayBuffer(2 ** 29)",
        "new Uint8Array(6 * 2 ** 30)",
        "new Float64Array(2 ** 28)",
        "new ArrayBuffer(8).transfer(8 * 2 ** 30)",
        "new ArrayBuffer(8, { maxByteLength: 2 ** 33 }).resize(2 ** 33)",
        "new ArrayBuffer(8, { maxByteLength: 2 ** 40 })",
        "structuredClone(new Uint8Array(150 * 2 ** 20))",
        "new TextDecoder().decode(new Uint8Array(150 * 2 ** 20))",
        "'x'.repeat(2 ** 29)",
        "'x'.padEnd(2 ** 30)",
        "2n ** (2n ** 31n)",
        "[].length = 2 ** 32",
    ];
    for attempt in attempts {
        let source =
            format!("(() => {{ try {{ return typeof ({attempt}) }} catch (e) {{ return e.name }} }})()");
        let answer = vm.evaluate::<String>(&source).await.unwrap_or_else(|e| panic!("{attempt}: {e:?}"));
        assert_eq!(answer, "RangeError", "{attempt}");
    }
}

/// More is allocated in all, of each size, than the VM has memory, and between the sizes as much in one piece as it may
/// well have. Nobody sees what lay there before.
#[tokio::test]
async fn memory_of_buffers_that_are_gone_serves_buffers_of_other_sizes_and_is_zero() {
    let vm = vm(json!({ "limits": { "memoryBytes": 256 << 20, "heapBytes": 64 << 20 } })).await;
    for size in [1000, 20_000, 1 << 16, 1 << 20] {
        let source = format!(
            "(() => {{ \
                for (let round = 0; round < 4; round++) {{ \
                    let kept = []; \
                    for (let n = 0; n < (80 << 20) / {size}; n++) kept.push(new Uint8Array({size}).fill(7)); \
                    kept = null; \
                    if (new Uint8Array(100 << 20).some((byte) => byte !== 0)) return 'not zero'; \
                }} \
                return 'done'; \
            }})()"
        );
        assert_eq!(vm.evaluate::<String>(&source).await.unwrap(), "done", "{size}");
    }
}

/// JavaScript itself makes one piece of such a string on V8's heap, past its limit: whether a collection sees it there
/// before the call's end decides which of the two it is.
#[tokio::test]
async fn a_string_larger_than_the_heap_is_a_range_error_or_ends_its_call() {
    let vm = vm(json!({ "limits": { "memoryBytes": 256 << 20, "heapBytes": 64 << 20 } })).await;
    for use_of_it in ["new URLSearchParams(text)", "text.charCodeAt(7)"] {
        let source = format!("const text = '€'.repeat(2 ** 26); {use_of_it}; 0");
        match vm.evaluate::<u32>(&source).await {
            Ok(value) => assert_eq!(value, 0, "{use_of_it}"),
            Err(error) if error.name == "RangeError" && error.field.is_none() => {}
            Err(error) => {
                assert_eq!(error.field.as_deref(), Some("limits.heapBytes"), "{use_of_it}: {error:?}");
            }
        }
        assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1, "{use_of_it}");
    }
}

#[tokio::test]
async fn buffers_that_leave_no_memory_end_the_call_or_the_vm_with_the_limits_name() {
    for size in ["2 ** 20", "2 ** 12"] {
        let vm = vm(json!({ "limits": { "memoryBytes": 256 << 20, "heapBytes": 64 << 20 } })).await;
        let source =
            format!("const kept = []; for (;;) try {{ kept.push(new ArrayBuffer({size})) }} catch {{}}");
        // What is refused next may be a buffer, or what V8 or the system's allocator cannot go on without.
        let (code, field) = match vm.execute(&source, Execute::default()).await {
            Ok(result) => {
                assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
                let error = result.error.unwrap();
                (error.code, error.field)
            }
            Err(error) => (error.code.clone(), error.field.clone()),
        };
        assert_eq!(code, code::OUT_OF_MEMORY);
        assert!(
            [Some("limits.memoryBytes"), Some("limits.heapBytes")].contains(&field.as_deref()),
            "{field:?}"
        );
    }
}

#[tokio::test]
async fn a_small_vm_runs_both_engines_and_says_when_it_is_full() {
    let client = client().await;
    let limits = json!({ "memoryBytes": 32 << 20, "heapBytes": 8 << 20, "filesystemBytes": 4 << 20 });
    let small = config(json!({ "limits": limits }));
    let vm = client.create_vm(small.clone()).await.unwrap();
    let churn = "let last; for (let n = 0; n < 2e6; n++) last = [n, { n }]; last[1].n";
    assert_eq!(vm.evaluate::<u32>(churn).await.unwrap(), 1_999_999);
    assert_eq!(sh(&vm, "seq 1 1000 | sort -rn | head -n 1").await.stdout.to_text(), "1000\n");
    // Whether the heap's limit or that of the process is met first depends on what else the VM has: the second ends it.
    let greedy = client.create_vm(small).await.unwrap();
    let error =
        error_of(greedy.evaluate::<()>("const all = []; for (;;) all.push({ n: all.length + 0.5 })").await);
    assert_eq!(error.code, code::OUT_OF_MEMORY, "{error:?}");
    assert!(
        ["limits.heapBytes", "limits.memoryBytes"].contains(&error.field.as_deref().unwrap()),
        "{error:?}"
    );
    assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
}

#[tokio::test]
async fn variables_reach_programs_up_to_their_limit() {
    let most = 192 * 1024;
    let vm = vm(json!({ "env": { "X": "x".repeat(most - 3) } })).await;
    assert_eq!(
        sh(&vm, "echo ${#X}; printenv X | wc -c; sh -c 'echo ${#X}'").await.stdout.to_text(),
        format!("{0}\n{1}\n{0}\n", most - 3, most - 2)
    );
    assert_eq!(vm.evaluate::<usize>("process.env.X.length").await.unwrap(), most - 3);

    let more = CreateVmConfig::from_json(&json!({ "env": { "X": "x".repeat(most - 2) } })).unwrap_err();
    assert_eq!(more.to_string(), "invalid configuration: env: more than 196608 bytes");
}
