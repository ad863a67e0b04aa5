//! The other permission scopes, from inside the guest.

use cordon::wire::ExecutionOptions;
use serde_json::json;

use crate::common::{error_of, execute, sh, stdout_of, vm};

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
    assert!(!text.contains("daemon:") && !text.contains("boot"), "{text}");
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

/// What deleting a file by every way to name `rm` comes to, one line for each: what was tried, and what was told.
const WAYS_TO_RM: &str = r#"
    import { spawn } from "cordon:vm/process";
    const ways = [
        ["rm"], ["/bin/rm"], ["//bin//rm"], ["/bin/../bin/rm"], ["/bin/rm/"], ["/bin/rm/."],
        ["rm", "rm/"], ["rm", "rm.wasm"], ["rm", "rm/."], ["rm", "//rm//"], ["rm", "ls"], ["ls", "rm"], ["ls", "x/rm"],
        ["coreutils", "coreutils", "rm"], ["coreutils", "coreutils.wasm", "rm"], ["coreutils", "coreutils/", "rm"],
        ["coreutils", "coreutils", "rm/"], ["coreutils", "coreutils", "rm.wasm"], ["coreutils", "coreutils", "coreutils", "rm"],
        ["/tmp/rm"], ["/tmp/hard"], ["/tmp/hard", "rm"], ["/tmp/soft"], ["/tmp/soft", "rm.wasm"], ["/tmp/copy"],
        ["/tmp/by-path"], ["/tmp/by-name"], ["/tmp/by-link"], ["/proc/self/fd/9"], ["sh", "sh", "-c", "rm \"$0\""],
        ["sh", "sh", "-c", "exec /bin/rm \"$0\""], ["env", "env", "rm"], ["timeout", "timeout", "9", "coreutils", "rm"],
    ];
    for (const [program, name = program, ...rest] of ways) {
        let said;
        try {
            using child = spawn({
                program,
                arguments: [name, ...rest, "/tmp/victim"],
                environment: [["PATH", "/bin"]],
            });
            const status = await child.wait();
            said = status.val;
        } catch (error) {
            said = error.code;
        }
        console.log([program, name, ...rest].join(" "), said);
    }
"#;

/// Other names for `rm`, and scripts that come to be it.
const OTHER_NAMES: &str = "
    ln -s /bin/coreutils /tmp/rm; ln /bin/coreutils /tmp/hard; ln -s /bin/rm /tmp/soft; cp /bin/rm /tmp/copy
    printf '#!/bin/rm\n' >/tmp/by-path; printf '#!/bin/coreutils rm\n' >/tmp/by-name; printf '#!/tmp/rm\n' >/tmp/by-link
    chmod +x /tmp/by-* /tmp/copy; echo x >/tmp/victim
";

#[tokio::test]
async fn no_name_gets_around_a_rule_about_a_program() {
    let vm = vm(json!({
        "permissions": { "childProcess": { "rules": [{ "mode": "deny", "patterns": ["rm"] }] } },
    }))
    .await;
    assert_eq!(sh(&vm, OTHER_NAMES).await.stderr.to_text(), "");
    let told = stdout_of(&vm, WAYS_TO_RM).await;
    assert_eq!(sh(&vm, "cat /tmp/victim").await.stdout.to_text(), "x\n", "{told}");
    let says = |line: &str| assert!(told.lines().any(|one| one == line), "{line:?} is not in:\n{told}");
    // Where it would be `rm` it is refused as that, and where it would be nothing, as nothing.
    for refused in ["rm rm", "//bin//rm //bin//rm", "ls x/rm", "coreutils coreutils rm", "/tmp/rm /tmp/rm"] {
        says(&format!("{refused} EACCES"));
    }
    for script in ["path", "name", "link"] {
        says(&format!("/tmp/by-{script} /tmp/by-{script} EACCES"));
    }
    for nothing in ["rm rm/", "rm rm.wasm", "rm rm/.", "coreutils coreutils.wasm rm", "/tmp/soft /tmp/soft"] {
        says(&format!("{nothing} ENOENT"));
    }
    says("/bin/rm/ /bin/rm/ ENOTDIR");
    says("env env rm 126");
    // The embedder is not bound, and knows the program by the same names.
    let direct = |name: &'static str| vm.spawn(name, &["-f", "/tmp/none"], ExecutionOptions::default());
    assert_eq!(direct("/bin/rm").await.unwrap().exit_code, Some(0));
    assert_eq!(error_of(direct("/bin/rm/").await).code, "ENOTDIR");
    assert_eq!(error_of(direct("/tmp/soft").await).code, "ENOENT");
}

#[tokio::test]
async fn programs_that_are_allowed_by_name_run_by_every_name_they_have() {
    let vm = vm(json!({
        "permissions": { "childProcess": {
            "default": "deny", "rules": [{ "mode": "allow", "patterns": ["rm"] }],
        } },
    }))
    .await;
    let source = r#"
        import { spawn } from "cordon:vm/process";
        const ways = [["rm"], ["/bin/rm"], ["coreutils", "coreutils", "rm"], ["ls", "/x/rm"], ["ls"], ["sh"], ["coreutils"]];
        for (const [program, name = program, ...rest] of ways) {
            try {
                using child = spawn({ program, arguments: [name, ...rest, "-f", "/tmp/none"], environment: [["PATH", "/bin"]] });
                console.log(program, (await child.wait()).val);
            } catch (error) {
                console.log(program, error.code);
            }
        }
    "#;
    assert_eq!(
        stdout_of(&vm, source).await,
        "rm 0\n/bin/rm 0\ncoreutils 0\nls 0\nls EACCES\nsh EACCES\ncoreutils EACCES\n"
    );
}
