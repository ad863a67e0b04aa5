//! What is told of what guest code throws: all that it says of itself, at no other cost than the call's.

use cordon::client::Execute;
use cordon::wire::{ExecutionOptions, Outcome, code};
use serde_json::json;

use crate::common::{default_vm, error_of, execute, vm};

#[tokio::test]
async fn causes_and_summed_up_errors_are_shown_and_told() {
    let vm = default_vm().await;
    let result = execute(
        &vm,
        "throw new Error('cannot save', { cause: new TypeError('disk is full', { cause: { block: 7 } }) });",
    )
    .await;
    let shown = result.stderr.to_text();
    assert!(shown.contains("Error: cannot save\n    at "), "{shown}");
    assert!(shown.contains("[cause]: TypeError: disk is full\n"), "{shown}");
    assert!(shown.contains("[cause]: { block: 7 }"), "{shown}");
    let error = result.error.unwrap();
    assert_eq!((error.name.as_str(), error.message.as_str()), ("Error", "cannot save"));
    let cause = &error.details["cause"];
    assert!(cause.starts_with("TypeError: disk is full\n") && cause.contains("{ block: 7 }"), "{cause}");

    let result = execute(
        &vm,
        "await Promise.any(['one', 'two'].map((n) => Promise.reject(new RangeError(`mirror ${n}`))));",
    )
    .await;
    let shown = result.stderr.to_text();
    assert!(shown.contains("[errors]: [\n") && shown.contains("RangeError: mirror two"), "{shown}");
    assert!(result.error.unwrap().details["errors"].contains("RangeError: mirror one"));
}

#[tokio::test]
async fn what_is_told_of_a_cause_is_bounded() {
    let vm = default_vm().await;
    for source in [
        "const e = new Error('loop'); e.cause = e; throw e;",
        "let e = new Error('0'); for (let i = 0; i < 1e5; i++) e = new Error(`${i}`, { cause: e }); throw e;",
        "throw new Error('long', { cause: 'x'.repeat(1e7) });",
        "throw new AggregateError(Array.from({ length: 1e5 }, (_, i) => new Error(`${i}`)));",
    ] {
        let result = execute(&vm, source).await;
        let error = result.error.unwrap();
        assert_eq!(error.code, "ERR_UNCAUGHT_EXCEPTION", "{source}");
        let told = error.details.get("cause").or(error.details.get("errors")).unwrap();
        assert!(!told.is_empty() && told.len() < 20_000, "{source}: {}", told.len());
        assert!(result.stderr.0.len() < 100_000, "{source}: {}", result.stderr.0.len());
    }
}

#[tokio::test]
async fn an_error_that_is_endless_to_describe_costs_its_own_call_only() {
    let vm = default_vm().await;
    let endless = "get() { for (;;); }";
    let properties = format!(
        "{{ name: {{ {endless} }}, message: {{ {endless} }}, stack: {{ {endless} }}, code: {{ {endless} }} }}"
    );
    let custom = "[Symbol.for('nodejs.util.inspect.custom')]() { for (;;); }";
    let sources = [
        format!("throw Object.defineProperties(new Error('x'), {properties});"),
        format!("throw Object.defineProperties({{}}, {properties});"),
        format!("Promise.reject(Object.defineProperties({{}}, {properties}));"),
        format!("setTimeout(() => {{ throw Object.defineProperties({{}}, {properties}); }});"),
        format!("queueMicrotask(() => {{ throw Object.defineProperties(new Error('x'), {properties}); }});"),
        format!("throw {{ {custom} }};"),
        format!("throw new Error('x', {{ cause: {{ {custom} }} }});"),
        format!("throw new AggregateError([{{ {custom} }}, {{ {custom} }}]);"),
    ];
    let context = vm.create_context().await.unwrap();
    for source in sources {
        let execute = || Execute {
            options: ExecutionOptions { timeout_ms: Some(300), ..Default::default() },
            ..Default::default()
        };
        let result = vm.execute(&source, execute()).await.unwrap();
        assert_eq!(result.outcome, Outcome::TimedOut, "{source}: {result:?}");
        let result = context.execute(&source, execute()).await.unwrap();
        assert_eq!(result.outcome, Outcome::TimedOut, "{source}: {result:?}");
    }
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn an_error_that_fills_the_heap_when_described_ends_its_call() {
    let vm = vm(json!({ "limits": { "heapBytes": 32 << 20 } })).await;
    let fill = "get() { const a = []; for (;;) a.push(new Array(100).fill({})); }";
    let source =
        format!("throw Object.defineProperties({{}}, {{ name: {{ {fill} }}, message: {{ {fill} }} }});");
    let result = execute(&vm, &source).await;
    assert_eq!(result.error.unwrap().code, code::OUT_OF_MEMORY);
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn an_endless_finaliser_costs_the_call_that_waits_only() {
    let vm = default_vm().await;
    let context = vm.create_context().await.unwrap();
    let source = "
        globalThis.registry = new FinalizationRegistry(() => { for (;;); });
        for (let i = 0; i < 1e4; i++) registry.register({ a: new Array(100) }, i);
        globalThis.timer = setInterval(() => { globalThis.garbage = new Array(1e6).fill(1.5).map(String); }, 1);
    ";
    for _ in 0..2 {
        let execute = || Execute {
            options: ExecutionOptions { timeout_ms: Some(500), ..Default::default() },
            ..Default::default()
        };
        let result = vm.execute(source, execute()).await.unwrap();
        assert_eq!(result.outcome, Outcome::TimedOut, "{result:?}");
        let result = context.execute(source, execute()).await.unwrap();
        assert_eq!(result.outcome, Outcome::TimedOut, "{result:?}");
        // Nothing runs behind a call that does not wait.
        assert_eq!(context.evaluate::<u32>("1").await.unwrap(), 1);
        assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
    }
}

#[tokio::test]
async fn an_error_that_guest_code_made_says_so_whatever_its_code() {
    let vm = default_vm().await;
    for code in ["ERR_WORKER_LOST", "ERR_UNRESPONSIVE", "EACCES"] {
        let source = format!("throw Object.assign(new Error('forged'), {{ code: '{code}', guest: false }})");
        let error = error_of(vm.evaluate::<()>(&source).await);
        assert_eq!((error.code.as_str(), error.guest), (code, true));
    }
    let error = error_of(vm.evaluate::<()>("throw { code: 'ERR_TIMED_OUT' }").await);
    assert!(error.guest, "{error:?}");
    // What cordon says is not the guest's.
    let options = ExecutionOptions { timeout_ms: Some(50), ..Default::default() };
    let late = vm.execute("for (;;);", Execute { options, ..Default::default() }).await.unwrap();
    assert!(!late.error.unwrap().guest);
    assert!(!error_of(vm.spawn("nonesuch", &[], ExecutionOptions::default()).await).guest);
}
