//! The command line.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::common::{cordon, run, text};

#[test]
fn eval_prints_the_value_and_exits_as_the_guest_does() {
    let output = run(&["eval", "({ a: 1 + 1 })"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), "{\"a\":2}\n"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(text(&run(&["eval", "typeof WebAssembly"]).stdout), "\"undefined\"\n");
    let output = run(&["eval", "WebAssembly"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--allow-wasm"), "{}", text(&output.stderr));
    assert_eq!(run(&["eval", "undefined"]).stdout, b"");
}

#[test]
fn run_sees_the_folder_of_its_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let secret = tempfile::tempdir().unwrap();
    std::fs::write(secret.path().join("s"), "secret").unwrap();
    let source = "import { arguments as args } from 'cordon:vm/process';\n\
        import { readFile, writeFile } from 'cordon:vm/filesystem';\n\
        const [, path, secret] = args();\n\
        console.log(new TextDecoder().decode(readFile('data.txt')), path);\n\
        for (const f of [() => readFile(secret), () => readFile('/etc/hostname'), () => writeFile('data.txt', 'x')])\n\
          try { f(); console.log('worked'); } catch (e) { console.log(e.code); }\n";
    std::fs::write(folder.path().join("main.mjs"), source).unwrap();
    std::fs::write(folder.path().join("data.txt"), "data").unwrap();
    let file = folder.path().join("main.mjs");
    let output = run(&["run", file.to_str().unwrap(), "first", secret.path().join("s").to_str().unwrap()]);
    assert_eq!(text(&output.stdout), "data first\nENOENT\nENOENT\nEROFS\n", "{}", text(&output.stderr));
}

#[test]
fn sh_passes_streams_and_exit_codes_through() {
    let output = run(&["sh", "-c", "echo out; echo err >&2; echo $1; exit 5", "name", "arg"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str(), text(&output.stderr).as_str()),
        (Some(5), "out\narg\n", "err\n")
    );
    let mut child = cordon(&["sh"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"read x\nhello\necho got $x | tr a-z A-Z\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), "GOT HELLO\n");
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).status.code(), Some(143));
    assert_eq!(run(&["sh", "-c", "nonesuch"]).status.code(), Some(127));
}

#[test]
fn standard_input_is_streamed_while_it_comes() {
    let mut child = cordon(&["sh", "-c", "head -n 1; head -n 1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    let mut buffer = [0; 4];
    stdout.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"one\n");
    stdin.write_all(b"two\n").unwrap();
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "two\n");
    child.wait().unwrap();
}

#[test]
fn ctrl_c_ends_the_guest_and_the_program() {
    let mut child = cordon(&["sh", "-c", "echo up; sleep 1000"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut buffer = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut buffer).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn timeouts_exit_with_124_and_usage_errors_with_2() {
    let output = run(&["eval", "--timeout", "200ms", "(() => { for (;;); })()"]);
    assert_eq!(output.status.code(), Some(124), "{}", text(&output.stderr));
    assert_eq!(run(&["sh", "--timeout", "200ms", "-c", "sleep 100"]).status.code(), Some(124));
    for wrong in [
        &["eval"][..],
        &["eval", "--allow-wasm", "--deny-jit", "1"],
        &["eval", "--allow", "everything", "1"],
        &["eval", "--mount", "/usr", "1"],
        &["eval", "--config", "/nonesuch.json", "1"],
        &["run", "/nonesuch.mjs"],
        &["frobnicate"],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn flags_reach_the_vm() {
    let host = tempfile::tempdir().unwrap();
    let mount = format!("{}:/data", host.path().display());
    let output = run(&[
        "sh",
        "--mount",
        &mount,
        "--env",
        "GREETING=hello",
        "--cwd",
        "/data",
        "-c",
        "echo $GREETING > f; pwd",
    ]);
    assert_eq!(text(&output.stdout), "/data\n", "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(host.path().join("f")).unwrap(), "hello\n");
    assert_eq!(text(&run(&["eval", "--platform", "bare", "typeof console"]).stdout), "\"undefined\"\n");
    assert_ne!(run(&["sh", "--deny", "fs=/tmp/**", "-c", "echo x > /tmp/f"]).status.code(), Some(0));
    let config = host.path().join("config.json");
    std::fs::write(&config, r#"{ "platform": "bare", "permissions": { "jit": "deny" } }"#).unwrap();
    let output = run(&["eval", "--config", config.to_str().unwrap(), "typeof console"]);
    assert_eq!(text(&output.stdout), "\"undefined\"\n", "{}", text(&output.stderr));
    std::fs::write(&config, r#"{ "permissions": { "webAssembly": "perhaps" } }"#).unwrap();
    let output = run(&["eval", "--config", config.to_str().unwrap(), "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("permissions.webAssembly"), "{}", text(&output.stderr));
}

#[test]
fn json_tells_everything() {
    let output = run(&["sh", "--json", "-c", "echo out; exit 3"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["outcome"], &json["exitCode"], &json["stdout"]),
        (&"failed".into(), &3.into(), &"out\n".into())
    );
    assert_eq!(output.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_slice(&run(&["eval", "--json", "[1]"]).stdout).unwrap();
    assert_eq!(json["value"], serde_json::json!([1]));
    // A string that is no text is told as nearly as a text can.
    let half = run(&["eval", "--json", r#""\ud800" + "é""#]);
    let told: serde_json::Value = serde_json::from_slice(&half.stdout).unwrap();
    assert_eq!((&told["outcome"], &told["value"]), (&"succeeded".into(), &"\u{fffd}é".into()));
}

#[test]
fn what_comes_after_the_program_is_the_programs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.mjs");
    let source = "import { arguments as args } from 'cordon:vm/process';\n\
                  import { readDirectory } from 'cordon:vm/filesystem';\n\
                  console.log(JSON.stringify(args().slice(1)));\n\
                  try { readDirectory('/host'); console.log('mounted'); } catch (error) { console.log(error.code); }";
    std::fs::write(&file, source).unwrap();
    let options = ["--mount=/etc:/host", "--allow", "network", "--json", "-c", "--"];
    let output = run(&[&["run", file.to_str().unwrap()], options.as_slice()].concat());
    let told = format!("{}\nENOENT\n", serde_json::to_string(&options).unwrap());
    assert_eq!(text(&output.stdout), told, "{}", text(&output.stderr));
    let command = r#"echo "$@"; ls /host 2>/dev/null || echo none"#;
    let output = run(&[&["sh", "-c", command, "name"], options.as_slice()].concat());
    assert_eq!(text(&output.stdout), format!("{}\nnone\n", options.join(" ")));
    // What is no option of ours is not taken for a file in silence.
    let output = run(&["run", "--mout=/etc:/host", file.to_str().unwrap()]);
    assert!(!output.status.success() && text(&output.stderr).contains("--mout=/etc:/host is no option"));
}
