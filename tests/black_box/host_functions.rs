//! Functions of the embedder that guests call.

use std::time::Duration;

use cordon::client::{HostFunctions, Vm};
use cordon::wire::VmRequest;
use serde_json::{Value, json};

use crate::common::{client, config, stdout_of};

async fn vm(json: Value) -> Vm {
    let functions = HostFunctions::new()
        .with("double", |n: f64| async move { Ok::<_, String>(n * 2.0) })
        .with(
            "orders.list",
            |customer: Value| async move { Ok::<_, String>(json!([{ "of": customer["id"] }])) },
        )
        .with("fail", |_: Value| async move { Err::<(), _>("no such order") })
        .with("long", |n: usize| async move { Ok::<_, String>("x".repeat(n)) })
        .with("slow", |_: Value| async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, String>(())
        });
    client().await.create_vm_with(config(json), functions).await.unwrap()
}

#[tokio::test]
async fn values_and_errors_cross_as_json() {
    let vm = vm(json!({})).await;
    assert_eq!(vm.evaluate::<f64>("double(21)").await.unwrap(), 42.0);
    assert_eq!(vm.evaluate::<Value>("orders.list({ id: 'c1' })").await.unwrap(), json!([{ "of": "c1" }]));
    let source = r#"
        import { call, functions } from "cordon:vm/host";
        console.log(functions().join(), JSON.parse(await call("double", "4")));
        for (const make of [() => fail({}), () => double("x"), () => call("nonesuch", "1"), () => double(1n)]) {
            try { await make(); console.log("no error"); } catch (error) { console.log(error.message); }
        }
        console.log((await Promise.all([1, 2, 3].map(double))).join());
    "#;
    let out = stdout_of(&vm, source).await;
    assert!(out.starts_with("double,fail,long,orders.list,slow 8\n"), "{out}");
    assert!(out.contains("no such order") && out.ends_with("2,4,6\n") && !out.contains("no error"), "{out}");
}

#[tokio::test]
async fn what_is_denied_too_large_or_too_slow_fails() {
    let vm = vm(json!({
        "permissions": { "hostFunctions": { "default": "allow", "rules": [{ "mode": "deny", "patterns": ["orders.*"] }] } },
        "limits": { "hostCallBytes": 1000, "hostCallMs": 200 },
    }))
    .await;
    let source = r#"
        import { call } from "cordon:vm/host";
        const tried = { denied: () => call("orders.list", "{}"), large: () => call("double", `"${"x".repeat(2000)}"`), long: () => long(5000), slow: () => slow() };
        for (const [name, make] of Object.entries(tried)) {
            try { await make(); console.log(name, "worked"); } catch (error) { console.log(name, error instanceof Error, /hostFunctions/.test(error.message)); }
        }
        console.log(await double(2));
    "#;
    assert_eq!(
        stdout_of(&vm, source).await,
        "denied true true\nlarge true false\nlong true false\nslow true false\n4\n"
    );
}

#[tokio::test]
async fn a_host_function_that_panics_fails_alone_and_may_use_its_client() {
    let other = client().await.create_vm(config(json!({}))).await.unwrap();
    let other = std::sync::Arc::new(other);
    let used = other.clone();
    let functions = HostFunctions::new()
        .with("panics", |_: Value| async move {
            assert!(std::hint::black_box(false), "on purpose");
            Ok::<_, String>(())
        })
        // Not even when it has not waited for anything yet.
        .with("panics_at_once", |_: Value| -> std::future::Ready<Result<(), String>> { panic!("on purpose") })
        .with("asks", move |_: Value| {
            // Starting a request before the first await takes what reading the connection needs, too.
            let call = used.start(VmRequest::Spawn { command: "true".into(), options: Default::default() });
            async move {
                call.map_err(|error| error.message)?
                    .result()
                    .await
                    .map(|_| "asked")
                    .map_err(|error| error.message)
            }
        });
    let vm = client().await.create_vm_with(config(json!({})), functions).await.unwrap();
    for name in ["panics", "panics_at_once"] {
        let text: String = vm
            .evaluate(&format!("{name}({{}}).then(() => 'worked', (error) => error.message)"))
            .await
            .unwrap();
        assert!(text.contains("panicked"), "{text}");
    }
    assert_eq!(vm.evaluate::<String>("asks({})").await.unwrap(), "asked");
    assert_eq!(other.evaluate::<u32>("1 + 1").await.unwrap(), 2);
}
