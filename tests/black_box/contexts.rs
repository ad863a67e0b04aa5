//! State between calls: none by default, all of it in a context.

use cordon::client::Execute;
use cordon::wire::{Outcome, code};
use serde_json::json;

use crate::common::{default_vm, error_of, vm};

#[tokio::test]
async fn calls_share_files_but_no_variables() {
    let vm = default_vm().await;
    vm.execute("globalThis.x = 1", Execute::default()).await.unwrap();
    assert_eq!(vm.evaluate::<String>("typeof x").await.unwrap(), "undefined");
}

#[tokio::test]
async fn a_context_keeps_variables_until_it_is_reset() {
    let vm = default_vm().await;
    let (one, other) = (vm.create_context().await.unwrap(), vm.create_context().await.unwrap());
    let result = one
        .execute("let total = 40; const f = (n) => total + n; class A {}", Execute::default())
        .await
        .unwrap();
    assert_eq!(result.outcome, Outcome::Succeeded, "{result:?}");
    assert_eq!(one.evaluate::<u32>("f(2)").await.unwrap(), 42);
    assert_eq!(other.evaluate::<String>("typeof total").await.unwrap(), "undefined");
    one.reset().await.unwrap();
    assert_eq!(one.evaluate::<String>("typeof total").await.unwrap(), "undefined");
    one.dispose().await.unwrap();
}

#[tokio::test]
async fn contexts_have_a_limit() {
    let vm = vm(json!({ "limits": { "contexts": 1 } })).await;
    let only = vm.create_context().await.unwrap();
    let error = error_of(vm.create_context().await.map(drop));
    assert_eq!((error.code.as_str(), error.field.as_deref()), (code::LIMIT, Some("limits.contexts")));
    only.dispose().await.unwrap();
    vm.create_context().await.unwrap();
}
