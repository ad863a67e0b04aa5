//! Commands started by clients: exit codes, streams, signals, limits, and what they share with JavaScript.

use cordon::client::Output;
use cordon::wire::{Capture, EvaluateOptions, ExecutionOptions, Outcome, OutputStream, VmRequest, code};
use serde_json::json;

use crate::common::{default_vm, error_of, execute_with, sh, stdout_of, vm};

fn streaming(args: &[&str]) -> ExecutionOptions {
    ExecutionOptions {
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        capture: Capture::Stream,
        stream_stdin: true,
        report_pid: true,
        ..ExecutionOptions::default()
    }
}

#[tokio::test]
async fn exit_codes_and_streams_reach_the_client() {
    let vm = default_vm().await;
    let result = sh(&vm, "echo out; echo err >&2; exit 3").await;
    assert_eq!((result.outcome, result.exit_code), (Outcome::Failed, Some(3)));
    assert_eq!((result.stdout.to_text(), result.stderr.to_text()), ("out\n".into(), "err\n".into()));
    assert_eq!(result.error.unwrap().code, code::EXIT);
    let result = vm.spawn("true", &[], ExecutionOptions::default()).await.unwrap();
    assert_eq!((result.outcome, result.exit_code, result.error), (Outcome::Succeeded, Some(0), None));
    assert_eq!(error_of(vm.spawn("nonesuch", &[], ExecutionOptions::default()).await).code, "ENOENT");
}

/// Programs are begun before it is known what for; nothing of an earlier run may show.
#[tokio::test]
async fn every_command_has_its_own_task() {
    let vm = default_vm().await;
    for round in 0..4 {
        let cwd = format!("/tmp/{round}");
        vm.mkdir(&cwd, true).await.unwrap();
        let task = || ExecutionOptions {
            env: [("ROUND".to_owned(), round.to_string())].into(),
            cwd: Some(cwd.clone()),
            stdin: Some(format!("input {round}\n").into()),
            ..ExecutionOptions::default()
        };
        let script = "echo $1 $ROUND; pwd; cat; printenv ROUND; exit $ROUND";
        let argument = format!("argument{round}");
        let result = vm.spawn("sh", &["-c", script, "sh", &argument], task()).await.unwrap();
        let expected = format!("{argument} {round}\n{cwd}\ninput {round}\n{round}\n");
        assert_eq!((result.exit_code, result.stdout.to_text()), (Some(round), expected));
        for (program, expected) in [("cat", format!("input {round}\n")), ("pwd", format!("{cwd}\n"))] {
            let result = vm.spawn(program, &[], task()).await.unwrap();
            assert_eq!((result.exit_code, result.stdout.to_text()), (Some(0), expected), "{program}");
        }
        // One that is ended, and one that writes into its own directory.
        let killed = ExecutionOptions { timeout_ms: Some(50), ..task() };
        assert_eq!(vm.spawn("sleep", &["10"], killed).await.unwrap().outcome, Outcome::TimedOut);
        assert_eq!(vm.spawn("touch", &["here"], task()).await.unwrap().exit_code, Some(0));
        assert!(vm.stat(&format!("{cwd}/here")).await.is_ok());
    }
}

#[tokio::test]
async fn pipelines_stream_and_end_as_on_linux() {
    let vm = default_vm().await;
    assert_eq!(sh(&vm, "yes | head -n 3").await.stdout.to_text(), "y\ny\ny\n");
    let result = sh(&vm, "set -o pipefail; yes | head -n 1 >/dev/null; echo $?").await;
    assert_eq!(result.stdout.to_text(), "141\n");
    assert_eq!(sh(&vm, "seq 1 100000 | sort -rn | head -n 1").await.stdout.to_text(), "100000\n");
    assert_eq!(
        sh(&vm, "false | true; echo $?; set -o pipefail; false | true; echo $?").await.stdout.to_text(),
        "0\n1\n"
    );
}

#[tokio::test]
async fn standard_input_whole_and_streamed() {
    let vm = default_vm().await;
    let options = ExecutionOptions { stdin: Some("b\na\n".into()), ..ExecutionOptions::default() };
    assert_eq!(vm.spawn("sort", &[], options).await.unwrap().stdout.to_text(), "a\nb\n");

    let mut call = vm.start(VmRequest::Spawn { command: "cat".into(), options: streaming(&[]) }).unwrap();
    // More than every window on the way together, so that back-pressure has to work in both directions.
    let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let feeding = tokio::spawn({
        let (stdin, sent) = (call.stdin(), sent.clone());
        async move {
            stdin.write(&sent).await;
            stdin.close();
        }
    });
    let mut received = Vec::new();
    while let Some(Output { stream, data }) = call.next_output().await {
        assert_eq!(stream, OutputStream::Stdout);
        received.extend(data);
    }
    feeding.await.unwrap();
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
    assert_eq!(call.result().await.unwrap().exit_code, Some(0));
}

#[tokio::test]
async fn many_small_writes_arrive_in_order() {
    let vm = default_vm().await;
    let mut call = vm.start(VmRequest::Spawn { command: "cat".into(), options: streaming(&[]) }).unwrap();
    let sent: Vec<u8> = (0..50_000u32).map(|n| (n % 251) as u8).collect();
    let feeding = tokio::spawn({
        let (stdin, sent) = (call.stdin(), sent.clone());
        async move {
            for byte in sent.chunks(1) {
                stdin.write(byte).await;
            }
            stdin.close();
        }
    });
    let mut received = Vec::new();
    while let Some(Output { data, .. }) = call.next_output().await {
        received.extend(data);
    }
    feeding.await.unwrap();
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
    assert_eq!(call.result().await.unwrap().exit_code, Some(0));
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn a_program_whose_output_nobody_takes_waits() {
    let vm = default_vm().await;
    let mut call = vm.start(VmRequest::Spawn { command: "yes".into(), options: streaming(&[]) }).unwrap();
    let pid = call.pid().await.unwrap();
    let mut seen = 0;
    for _ in 0..3 {
        seen += call.next_output().await.unwrap().data.len();
    }
    assert!(seen > 0);
    // Others go on meanwhile, on the same connection and in the same VM.
    assert_eq!(sh(&vm, "echo other").await.stdout.to_text(), "other\n");
    vm.kill(pid, "SIGTERM").await.unwrap();
    let result = call.result().await.unwrap();
    assert_eq!((result.exit_code, result.signal.as_deref()), (None, Some("SIGTERM")));
}

#[tokio::test]
async fn time_limits_and_cancellation_end_all_that_was_started() {
    let vm = default_vm().await;
    let options = ExecutionOptions { timeout_ms: Some(200), ..ExecutionOptions::default() };
    let result = vm.spawn("sh", &["-c", "sleep 100 & sleep 100"], options).await.unwrap();
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(result.error.unwrap().code, code::TIMED_OUT);
    // An endless loop that never calls the system is ended, too.
    let options = ExecutionOptions { timeout_ms: Some(300), ..ExecutionOptions::default() };
    let result = vm.spawn("sh", &["-c", "while :; do :; done"], options).await.unwrap();
    assert_eq!(result.outcome, Outcome::TimedOut);

    let mut call =
        vm.start(VmRequest::Spawn { command: "sleep".into(), options: streaming(&["100"]) }).unwrap();
    call.pid().await.unwrap();
    call.cancel();
    assert_eq!(call.result().await.unwrap().outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn an_endless_command_starves_no_other() {
    let vm = default_vm().await;
    let spinning = vm
        .start(VmRequest::Spawn { command: "sh".into(), options: streaming(&["-c", "while :; do :; done"]) })
        .unwrap();
    assert_eq!(sh(&vm, "seq 3 | tail -n 1").await.stdout.to_text(), "3\n");
    drop(spinning);
}

#[tokio::test]
async fn javascript_starts_commands_and_shares_their_files() {
    let vm = default_vm().await;
    let source = r#"
        import { memoryFile } from "cordon:vm/descriptors";
        import { readFile, writeFile } from "cordon:vm/filesystem";
        import { spawn } from "cordon:vm/process";
        writeFile("/tmp/in", "3\n1\n2\n");
        const output = memoryFile();
        const child = spawn({ program: "sort", arguments: ["sort", "/tmp/in"], descriptors: [[1, output]] });
        const status = await child.wait();
        output.seek(0, "start");
        console.log(JSON.stringify(status), new TextDecoder().decode(await output.read(100)).split("\n").join(" "));
        const shell = spawn({ program: "sh", arguments: ["sh", "-c", "echo from sh > /tmp/out; exit 4"] });
        console.log((await shell.wait()).val, new TextDecoder().decode(readFile("/tmp/out")).trim());
        try { spawn({ program: "nonesuch" }); } catch (error) { console.log(error.code); }
    "#;
    assert_eq!(stdout_of(&vm, source).await, "{\"tag\":\"exited\",\"val\":0} 1 2 3 \n4 from sh\nENOENT\n");
}

#[tokio::test]
async fn child_processes_can_be_denied() {
    let vm = vm(json!({ "permissions": { "childProcess": { "default": "deny", "rules": [
        { "mode": "allow", "patterns": ["sort"] }] } } }))
    .await;
    let source = r#"
        import { spawn } from "cordon:vm/process";
        for (const program of ["sort", "ls"]) {
            try { await spawn({ program, descriptors: [] }).wait(); console.log(program, "started"); }
            catch (error) { console.log(program, error.code); }
        }
    "#;
    assert_eq!(stdout_of(&vm, source).await, "sort started\nls EACCES\n");
    // By whatever name: what will run is decided on, not what it is called.
    for command in [
        "ls /",
        "/bin/ls /",
        "coreutils ls /",
        "cd /bin && ./ls /",
        "ln() { /bin/ln \"$@\"; }; PATH=/tmp:/bin; ls /",
        "env ls /",
        "sh -c 'ls /'",
        "printf '#!/bin/ls\n' > /tmp/sort; cd /tmp; ./sort",
    ] {
        let result = sh(&vm, command).await;
        assert_ne!(result.exit_code, Some(0), "{command}: {result:?}");
        assert_eq!(result.stdout.to_text(), "", "{command}");
    }
}

#[tokio::test]
async fn every_installed_applet_has_a_name_in_bin() {
    let vm = default_vm().await;
    let modules: Vec<&str> = artifact::applets::MULTI_CALL.iter().map(|known| known.module).collect();
    let lines = format!("for module in {}; do $module --list; done", modules.join(" "));
    let listed = sh(&vm, &lines).await.stdout.to_text();
    let mut listed: Vec<&str> = listed.lines().collect();
    let found = sh(&vm, "cd /bin; ls").await.stdout.to_text();
    let is_other = |name: &&str| ["sh", "node", "npm", "npx"].contains(name) || modules.contains(name);
    let mut found: Vec<&str> = found.lines().filter(|name| !is_other(name)).collect();
    listed.push(artifact::applets::BASH);
    listed.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, listed);
    assert!(found.len() > 60, "{found:?}");
}

#[tokio::test]
async fn devices_are_read_by_their_names() {
    let vm = default_vm().await;
    let lines = "cat /dev/null && cp /dev/null /tmp/empty && wc -c /tmp/empty && mkdir /tmp/d && cp /dev/null /tmp/d && \
                 ls /tmp/d && cat /dev/zero | head -c 3 | od -An -tx1 && echo in | cat - /dev/null /dev/stdin";
    let result = sh(&vm, lines).await;
    let expected = "0 /tmp/empty\nnull\n 00 00 00\nin\n";
    assert_eq!((result.stdout.to_text(), result.stderr.to_text()), (expected.into(), String::new()));
    let result = sh(&vm, "cat /nonesuch /dev/null /etc; echo $?; cp /dev/null /nonesuch/x; echo $?").await;
    assert_eq!(result.stdout.to_text(), "1\n1\n");
    assert_eq!(
        result.stderr.to_text(),
        "cat: /nonesuch: No such file or directory\ncat: /etc: Is a directory\n\
         cp: cannot create regular file '/nonesuch/x': No such file or directory\n"
    );
}

#[tokio::test]
async fn utilities_that_are_done_at_once_answer_as_ever() {
    let vm = default_vm().await;
    let lines = r"
        /bin/true --nonesuch; echo $?; /bin/true a --help; echo $?; /bin/false; echo $?; /bin/false a b; echo $?
        /bin/echo a  b; /bin/echo; /bin/echo -n c; /bin/echo -e 'd\te'; /bin/echo - -n; /bin/echo 'f\tg'
        POSIXLY_CORRECT=1 /bin/echo 'h\ti'; printf 'j\n' | cat -n; printf 'k' | cat - -u
    ";
    let expected = "0\n0\n1\n1\na b\n\ncd\te\n- -n\nf\\tg\nh\ti\n     1\tj\nk";
    assert_eq!(sh(&vm, lines).await.stdout.to_text(), expected);
    for utility in ["/bin/true", "/bin/false", "/bin/echo", "cat"] {
        let help = sh(&vm, &format!("{utility} --help")).await.stdout.to_text();
        // Without the texts there would be their names, such as `true-about`.
        assert!(help.contains("--version") && !help.contains("-about"), "{utility}: {help}");
    }
}

/// Starts sleepers one after the other, also while its call is being ended, and waits for none.
const SOWS: &str = r#"
    import { spawn } from "cordon:vm/process";
    const sow = () => {
        for (let i = 0; i < 3; i++) {
            try {
                spawn({ program: "sh", arguments: ["sh", "-c", "trap '' TERM HUP INT; sleep 1000 & sleep 1000"], environment: [["PATH", "/bin"]] });
            } catch (error) {
                if (error.code !== "EAGAIN" && error.code !== "EINTR") throw error;
            }
        }
    };
    if (forever) {
        for (;;) sow();
    } else {
        setImmediate(sow);
        sow();
    }
"#;

#[tokio::test]
async fn children_of_javascript_end_with_its_call_however_that_ends() {
    let vm = vm(json!({ "limits": { "processes": 40 } })).await;
    for (forever, timeout_ms) in [(false, None), (true, Some(150)), (true, Some(400))] {
        let inputs = [("forever".to_owned(), forever.to_string())].into();
        let evaluate = EvaluateOptions { inputs, ..Default::default() };
        let options = ExecutionOptions { timeout_ms, ..Default::default() };
        let result = execute_with(&vm, SOWS, evaluate, options).await;
        let expected = if forever { Outcome::TimedOut } else { Outcome::Succeeded };
        assert_eq!(result.outcome, expected, "{result:?}");
        // Killed is not yet gone, but on its way: nobody can stop that.
        let mut left = String::new();
        for _ in 0..100 {
            left = sh(&vm, "cat /proc/[0-9]*/comm 2>/dev/null").await.stdout.to_text();
            if !left.contains("sleep") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(!left.contains("sleep"), "{left}");
    }
}
