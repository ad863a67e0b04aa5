//! The other permission scopes, from inside the guest.

use serde_json::json;

use crate::common::{execute, sh, stdout_of, vm};

#[tokio::test]
async fn denied_environment_variables_are_not_there() {
    let vm = vm(json!({
        "env": { "TOKEN": "secret", "MODE": "test" },
        "permissions": { "env": { "rules": [{ "mode": "deny", "patterns": ["TOKEN"] }] } },
    }))
    .await;
    let source = "import { environment } from 'cordon:vm/process'; const env = Object.fromEntries(environment()); console.log(env.MODE, env.TOKEN, env.HOME)";
    assert_eq!(stdout_of(&vm, source).await, "test undefined /home/user\n");
    assert_eq!(sh(&vm, "echo $MODE-$TOKEN").await.stdout.to_text(), "test-\n");
}

#[tokio::test]
async fn nothing_of_the_host_shows() {
    let vm = vm(json!({})).await;
    let listed =
        sh(&vm, "ls / /home /etc; env | cut -d= -f1 | sort | tr '\\n' ' '; cat /etc/passwd; ls /proc/1/root")
            .await;
    let text = listed.stdout.to_text();
    assert!(!text.contains("root:") && !text.contains("boot"), "{text}");
    assert!(
        std::env::vars().all(|(name, _)| name.len() < 5
            || ["SHELL"].contains(&name.as_str())
            || !text.contains(&format!(" {name} "))
            || ["PATH", "HOME", "LANG", "TMPDIR", "USER", "PWD"].contains(&name.as_str())),
        "{text}"
    );
}

#[tokio::test]
async fn signals_can_be_denied() {
    let vm = vm(json!({ "permissions": { "process": "deny" } })).await;
    let source = "import { id, kill } from 'cordon:vm/process'; try { kill(id(), 'terminate'); console.log('sent'); } catch (e) { console.log(e.code); }";
    let result = execute(&vm, source).await;
    assert_eq!(result.stdout.to_text(), "EACCES\n", "{result:?}");
}
