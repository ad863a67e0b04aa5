//! Attacks of a guest on its client: values and errors that a guest makes so that its client, which reads them, is
//! misled. They are `tests/escape/values.json`; the TypeScript client's tests read the same.

use std::path::Path;

use cordon::client::{Execute, Vm};
use cordon::wire::{FRAME_BYTES_MAX, Outcome};
use serde::Deserialize;
use serde_json::Value;

use crate::common::{count, default_vm};

/// What a guest gives its client.
#[derive(Deserialize)]
struct Given {
    name: String,
    expression: String,
    /// The JSON text of the value that has to arrive.
    value: Option<String>,
    /// How often that value is a list in a list.
    deep: Option<usize>,
    /// The codes of which the error has one.
    error: Option<String>,
    /// Whether that error is cordon's own.
    #[serde(default)]
    ours: bool,
}

fn all() -> Vec<Given> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/escape/values.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn check(vm: &Vm, given: &Given) {
    let name = &given.name;
    let result = vm.evaluate_with(&given.expression, Execute::default()).await.unwrap();
    if let Some(codes) = &given.error {
        let error = result.error.expect(name);
        assert_eq!(result.outcome, Outcome::Failed, "{name}: {error:?}");
        assert!(codes.split(',').any(|code| code == error.code), "{name}: {error:?}");
        // Whatever a guest says, it is marked as the guest's, and what only cordon says is not in it.
        assert!(
            error.guest != given.ours && error.hint.is_none() && error.field.is_none(),
            "{name}: {error:?}"
        );
        assert!(!error.details.contains_key("signal"), "{name}: {error:?}");
        let length = error.code.len() + error.name.len() + error.message.len();
        assert!(length + error.stack.map_or(0, |stack| stack.len()) < FRAME_BYTES_MAX, "{name}: {length}");
        return;
    }
    assert_eq!(result.outcome, Outcome::Succeeded, "{name}: {:?}", result.error);
    let text = result.value.expect(name);
    if let Some(depth) = given.deep {
        assert_eq!(text, format!("{}0{}", "[".repeat(depth), "]".repeat(depth)), "{name}");
    }
    if let Some(value) = &given.value {
        assert_eq!(&text, value, "{name}");
    }
    // A value that this client cannot hold is an error of this call, and nothing else.
    match vm.evaluate::<Value>(&given.expression).await {
        Ok(value) => assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap(), "{name}"),
        Err(error) => assert!(serde_json::from_str::<Value>(&text).is_err(), "{name}: {error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_gives_misleads_no_client() {
    let vm = default_vm().await;
    let all = all();
    for given in &all {
        check(&vm, given).await;
        assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1, "after {}", given.name);
    }
    count("attacks", "client", all.len());
    assert!(all.len() > 30);
}
