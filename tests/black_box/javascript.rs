//! The platforms `neutral` and `bare`: modules, globals, errors.

use cordon::client::Execute;
use cordon::wire::{EvaluateOptions, ExecutionOptions, Language, Outcome, code};
use serde_json::json;

use crate::common::{default_vm, error_of, execute, execute_with, sh, stdout_of, vm};

#[tokio::test]
async fn values_come_back_as_json() {
    let vm = default_vm().await;
    assert_eq!(
        vm.evaluate::<serde_json::Value>("({ a: [1, 'ä', null] })").await.unwrap(),
        json!({ "a": [1, "ä", null] })
    );
    assert_eq!(vm.evaluate::<u32>("Promise.resolve(7)").await.unwrap(), 7);
    assert_eq!(vm.evaluate::<()>("undefined").await.unwrap(), ());
    assert_eq!(error_of(vm.evaluate::<()>("1n").await).code, "ERR_VALUE_NOT_SERIALIZABLE");
    let error = error_of(
        vm.evaluate::<()>("(() => { const e = new RangeError('far'); e.code = 'E_FAR'; throw e; })()").await,
    );
    assert_eq!(
        (error.name.as_str(), error.code.as_str(), error.message.as_str()),
        ("RangeError", "E_FAR", "far")
    );
    assert!(error.stack.unwrap().contains("RangeError: far"));
}

#[tokio::test]
async fn modules_come_from_the_vms_files() {
    let vm = vm(json!({ "platform": "neutral" })).await;
    for (path, contents) in [
        (
            "/workspace/lib/a.mjs",
            "import { b } from './b.mjs'; export const a = `a${b}`; export default import.meta.filename;",
        ),
        (
            "/workspace/lib/b.mjs",
            "export const b = await Promise.resolve('b'); export { a as again } from './a.mjs';",
        ),
        ("/workspace/lib/data.json", r#"{ "n": 5 }"#),
        ("/workspace/lib/t.ts", "enum_: type T = number; export const t: number = 6 as T;"),
        (
            "/workspace/node_modules/esm/package.json",
            r#"{ "name": "esm", "exports": { ".": { "import": "./i.mjs" }, "./sub": "./s.mjs" } }"#,
        ),
        ("/workspace/node_modules/esm/i.mjs", "export default 'esm'"),
        ("/workspace/node_modules/esm/s.mjs", "export default 'sub'"),
        ("/workspace/node_modules/cjs/package.json", r#"{ "name": "cjs", "main": "m.js" }"#),
        (
            "/workspace/node_modules/cjs/m.js",
            "const o = require('./o'); exports.named = o.x; module.exports.f = () => __filename;",
        ),
        ("/workspace/node_modules/cjs/o.js", "module.exports = { x: 'cjs' }"),
    ] {
        vm.mkdir(path.rsplit_once('/').unwrap().0, true).await.unwrap();
        let contents = contents.strip_prefix("enum_: ").unwrap_or(contents);
        vm.write_file(path, contents).await.unwrap();
    }
    let source = r#"
        import where, { a } from "./lib/a.mjs";
        import data from "./lib/data.json" with { type: "json" };
        import { t } from "./lib/t.ts";
        import esm from "esm";
        import sub from "esm/sub";
        import cjs, { named } from "cjs";
        const dynamic = await import("/workspace/lib/b.mjs");
        console.log(a, where, data.n, t, esm, sub, named, cjs.f(), dynamic.again);
        console.log(import.meta.url, import.meta.dirname, import.meta.resolve("./x"));
        try { await import("./nonesuch.mjs"); } catch (error) { console.log(error.code); }
        try { await import("node:fs"); } catch (error) { console.log(error.code); }
    "#;
    let evaluate = EvaluateOptions { file_path: Some("/workspace/main.mjs".into()), ..Default::default() };
    let result = execute_with(&vm, source, evaluate, ExecutionOptions::default()).await;
    assert_eq!(
        result.stdout.to_text(),
        "ab /workspace/lib/a.mjs 5 6 esm sub cjs /workspace/node_modules/cjs/m.js ab\n\
         file:///workspace/main.mjs /workspace file:///workspace/x\nERR_MODULE_NOT_FOUND\nERR_UNSUPPORTED_BUILTIN\n",
        "{result:?}"
    );
}

#[tokio::test]
async fn files_are_run_with_their_arguments() {
    let vm = default_vm().await;
    vm.write_file("/workspace/f.ts", "import { arguments as args } from 'cordon:vm/process'; const n: number = args().length; console.log(n)").await.unwrap();
    let options = ExecutionOptions { args: vec!["a".into(), "b".into()], ..ExecutionOptions::default() };
    let result = vm.execute_file("/workspace/f.ts", options).await.unwrap();
    assert_eq!(result.stdout.to_text(), "3\n", "{result:?}");
    let result = vm.execute_file("/workspace/none.mjs", ExecutionOptions::default()).await.unwrap();
    assert_eq!(result.outcome, Outcome::Failed);
}

#[tokio::test]
async fn the_neutral_platform_has_its_globals() {
    let vm = vm(json!({ "platform": "neutral" })).await;
    let source = r#"
        const events = [];
        queueMicrotask(() => events.push("microtask"));
        setTimeout(() => events.push("timeout"), 1);
        setTimeout(() => events.push("never"), 5).valueOf;
        const cleared = setTimeout(() => events.push("cleared"), 0);
        clearTimeout(cleared);
        await new Promise((resolve) => setTimeout(resolve, 20));
        console.log(events.join());
        const url = new URL("../b?x=1#h", "https://ex\u00e4mple.org:8080/a/c");
        console.log(url.href, url.searchParams.get("x"), URL.canParse("nope"));
        url.searchParams.append("y", "ä b"); url.hash = ""; console.log(url.search);
        console.log(new TextDecoder("utf-16le").decode(new Uint8Array([65, 0])), new TextEncoder().encode("ä").join());
        try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])); } catch (error) { console.log(error.name); }
        const controller = new AbortController();
        controller.signal.addEventListener("abort", () => console.log("aborted", controller.signal.reason.name));
        controller.abort();
        const map = structuredClone(new Map([[{ a: 1 }, new Date(0)]]));
        console.log(map);
        console.log(crypto.getRandomValues(new Uint8Array(8)).length, crypto.randomUUID().length);
        console.log([1, , "x", { deep: { er: { est: { more: 1 } } } }], new Error("e").message, Symbol("s"), -0, 10n, null);
        console.error("to stderr");
        console.log("%s is %d", "x", 3, { a: 1 });
    "#;
    let result = execute(&vm, source).await;
    let out = result.stdout.to_text();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "microtask,timeout,never", "{result:?}");
    assert_eq!(lines[1], "https://xn--exmple-cua.org:8080/b?x=1#h 1 false");
    assert_eq!(lines[2], "?x=1&y=%C3%A4+b");
    assert_eq!(lines[3], "A 195,164");
    assert_eq!(lines[4], "TypeError");
    assert_eq!(lines[5], "aborted AbortError");
    assert_eq!(lines[6], "Map(1) { { a: 1 } => 1970-01-01T00:00:00.000Z }");
    assert_eq!(lines[7], "8 36");
    assert!(out.contains("[Object]") && out.contains("-0 10n null"), "{out}");
    assert!(out.ends_with("x is 3 { a: 1 }\n"), "{out}");
    assert_eq!(result.stderr.to_text(), "to stderr\n");
}

#[tokio::test]
async fn the_bare_platform_has_the_language_only() {
    let vm = vm(json!({ "platform": "bare" })).await;
    let names = "['console', 'setTimeout', 'URL', 'TextEncoder', 'AbortController', 'crypto', 'structuredClone', 'queueMicrotask', 'WebAssembly'].filter((n) => n in globalThis)";
    assert_eq!(vm.evaluate::<Vec<String>>(names).await.unwrap(), Vec::<String>::new());
    let source = "import { inherited } from 'cordon:vm/descriptors'; await inherited(1).write(new Uint8Array([104, 105, 10]))";
    assert_eq!(stdout_of(&vm, source).await, "hi\n");
}

#[tokio::test]
async fn uncaught_errors_show_where() {
    let vm = default_vm().await;
    let evaluate = EvaluateOptions { file_path: Some("/workspace/main.mjs".into()), ..Default::default() };
    let result = execute_with(&vm, "const a = 1;\nnull.x;\n", evaluate, ExecutionOptions::default()).await;
    let stderr = result.stderr.to_text();
    assert_eq!((result.outcome, result.exit_code), (Outcome::Failed, Some(1)));
    assert!(
        stderr.contains("/workspace/main.mjs:2") && stderr.contains("null.x") && stderr.contains('^'),
        "{stderr}"
    );
    let error = result.error.unwrap();
    assert_eq!(error.name, "TypeError");
    let result = execute(&vm, "const = 3").await;
    assert_eq!((result.outcome, result.error.unwrap().name.as_str()), (Outcome::Failed, "SyntaxError"));
}

#[tokio::test]
async fn unhandled_rejections_end_the_run() {
    let vm = default_vm().await;
    let result =
        execute(&vm, "Promise.reject(new Error('lost')); setTimeout(() => console.log('not reached'), 1000)")
            .await;
    assert_eq!((result.exit_code, result.stdout.to_text().as_str()), (Some(1), ""));
    assert_eq!(result.error.unwrap().message, "lost");
    let handled = "const p = Promise.reject(1); p.catch(() => console.log('handled'))";
    assert_eq!(stdout_of(&vm, handled).await, "handled\n");
    let result = execute(&vm, "throw 'a string'").await;
    assert!(result.error.unwrap().message.contains("a string"));
}

#[tokio::test]
async fn typescript_is_stripped() {
    let vm = default_vm().await;
    let typescript = EvaluateOptions { language: Language::Typescript, ..Default::default() };
    let source = "interface A { x: number }\nconst a: A = { x: 1 } satisfies A;\nconsole.log(a.x as number);";
    let result = execute_with(&vm, source, typescript.clone(), ExecutionOptions::default()).await;
    assert_eq!(result.stdout.to_text(), "1\n", "{result:?}");
    let result = vm
        .evaluate_with("(<T>(x: T): T => x)(5)", Execute { evaluate: typescript, ..Default::default() })
        .await
        .unwrap();
    assert_eq!(result.value.as_deref(), Some("5"), "{result:?}");
}

#[tokio::test]
async fn frozen_clocks_stand_still_within_a_turn() {
    let vm = default_vm().await;
    let busy = "(() => { const [d, p] = [Date.now(), performance.now()]; for (let i = 0; i < 3e6; i++) Math.sqrt(i); return [Date.now() - d, performance.now() - p, new Date() - new Date(d)]; })()";
    assert_eq!(vm.evaluate::<[f64; 3]>(busy).await.unwrap(), [0.0; 3]);
    let turns = "(async () => { const d = Date.now(); await new Promise((r) => setTimeout(r, 15)); return Date.now() - d; })()";
    assert!(vm.evaluate::<f64>(turns).await.unwrap() >= 14.0);
    assert!(vm.evaluate::<bool>("Math.abs(Date.now() - 1.79e12) < 1e12").await.unwrap());
    // What is of shared memory stays with its thread, by whatever way it is sent.
    let sent = "[(b) => structuredClone(b), (b) => new MessageChannel().port1.postMessage([b]), (b) => new BroadcastChannel('c').postMessage(b), (b) => new (require('node:worker_threads').Worker)('', { eval: true, workerData: b })].map((send) => { try { send(new SharedArrayBuffer(8)); return 'sent'; } catch (error) { return error.name; } }).join()";
    assert_eq!(vm.evaluate::<String>(sent).await.unwrap(), ["DataCloneError"; 4].join(","));
    let neutral = crate::common::vm(json!({ "platform": "neutral" })).await;
    assert_eq!(neutral.evaluate::<String>("typeof SharedArrayBuffer").await.unwrap(), "undefined");
    let running = crate::common::vm(json!({ "timingMitigation": "off" })).await;
    assert!(
        running
            .evaluate::<bool>(
                "(() => { const p = performance.now(); while (performance.now() === p); return true; })()"
            )
            .await
            .unwrap()
    );
    assert_eq!(running.evaluate::<String>("typeof SharedArrayBuffer").await.unwrap(), "function");
}

/// Readings of `performance.now()` and `Date.now()` at many turns, of which some nothing outside has brought about.
const TURNS: &str = r#"
    const seen = [];
    const look = () => { seen.push([performance.now(), Date.now(), performance.timeOrigin]); };
    for (let round = 0; round < 20; round++) {
        const start = performance.now();
        for (let turn = 0; turn < 50; turn++) {
            await new Promise((done) => setImmediate(done));
            for (let i = 0; i < 3e4; i++) Math.sqrt(i);
            if (performance.now() !== start) throw new Error("it moved by itself");
        }
        await new Promise((done) => setTimeout(done, round / 7));
        look();
    }
    return seen;
"#;

#[tokio::test]
async fn frozen_clocks_show_whole_milliseconds_and_move_only_by_what_comes_from_outside() {
    let seen = format!("(async () => {{ {TURNS} }})()");
    let vm = default_vm().await;
    let readings = vm.evaluate::<Vec<[f64; 3]>>(&seen).await.unwrap();
    assert!(readings.iter().flatten().all(|time| time.fract() == 0.0), "{readings:?}");
    assert!(readings.windows(2).all(|two| two[0][0] < two[1][0] && two[0][1] <= two[1][1]), "{readings:?}");
    let running = crate::common::vm(json!({ "timingMitigation": "off" })).await;
    let moved = running.evaluate::<Vec<[f64; 3]>>(&seen).await;
    assert!(error_of(moved).message.contains("it moved by itself"));
    let fine = "(() => { for (let i = 0; i < 1e6; i++) if (performance.now() % 1 !== 0) return true; return false; })()";
    assert!(running.evaluate::<bool>(fine).await.unwrap());
}

#[tokio::test]
async fn the_order_of_timers_tells_nothing_about_the_time_between_them() {
    let source = r#"(async () => {
        const order = [];
        await new Promise((done) => {
            setTimeout(() => { order.push("long"); done(); }, 12);
            for (let i = 0; i < 3e7; i++) Math.sqrt(i);
            setTimeout(() => order.push("short"), 11.5);
            setTimeout(() => order.push("shorter"), 11);
        });
        return order.join();
    })()"#;
    assert_eq!(default_vm().await.evaluate::<String>(source).await.unwrap(), "short,shorter,long");
    let running = crate::common::vm(json!({ "timingMitigation": "off" })).await;
    assert_eq!(running.evaluate::<String>(source).await.unwrap(), "long");
}

/// Writes to a file again and again within one turn, and takes its times: [changes seen, any with a part of a millisecond].
const FILE_CLOCK: &str = r#"
    const fs = await import("cordon:vm/filesystem");
    const clock = (path) => {
        fs.writeFile(path, "x");
        const seen = new Set();
        let fine = false;
        for (let i = 0; i < 200; i++) {
            fs.writeFile(path, String(i));
            for (let n = 0; n < 1e4; n++) Math.sqrt(n);
            const { modified, changed } = fs.status(path);
            seen.add(modified).add(changed);
            fine ||= modified % 1000000n !== 0n || changed % 1000000n !== 0n;
        }
        return [seen.size, fine];
    };
    await new Promise((done) => setTimeout(done, 5));
    console.log(JSON.stringify([clock("/tmp/f"), clock("/host/f")]));
"#;

#[tokio::test]
async fn times_of_files_are_no_clock() {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("old"), "").unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(981_173_106_123_456_789);
    std::fs::File::open(host.path().join("old")).unwrap().set_modified(old).unwrap();
    let vm = |timing: &str| {
        crate::common::vm(json!({
            "timingMitigation": timing, "mounts": [{ "host": host.path(), "guest": "/host", "readOnly": false }],
        }))
    };
    let frozen = vm("freeze").await;
    let [own, mounted]: [(u32, bool); 2] =
        serde_json::from_str(&stdout_of(&frozen, FILE_CLOCK).await).unwrap();
    assert_eq!(own, (1, false));
    // The host's file times lag behind its clock by one step of its own, so the first may be older than the turn.
    assert!(mounted.0 <= 2 && !mounted.1, "{mounted:?}");
    // Commands see the same whole milliseconds, and what is older than the VM as it is.
    let line = "for i in 1 2 3 4 5 6 7 8; do echo $i >/host/n; stat -c %y /host/n; date +.%N; done; stat -c %y /host/old";
    let result = sh(&frozen, line).await;
    let text = result.stdout.to_text();
    let parts = text.lines().filter_map(|line| line.split_once('.'));
    let times: Vec<&str> = parts.map(|(_, part)| part.split(' ').next().unwrap()).collect();
    assert_eq!(times.len(), 17, "{result:?}");
    assert!(times[..16].iter().all(|part| part.len() == 9 && part.ends_with("000000")), "{text}");
    assert_eq!(times[16], "123456789", "{text}");
    // A time that is set is kept: whole milliseconds in a mount, exactly elsewhere.
    let set = "touch -d '2001-02-03 04:05:06.5' /host/s /tmp/s; stat -c %y /host/s /tmp/s";
    assert_eq!(sh(&frozen, set).await.stdout.to_text(), "2001-02-03 04:05:06.500000000 +0000\n".repeat(2));
    let source = r#"
        import { setTimes, status } from "cordon:vm/filesystem";
        const later = BigInt(Date.now() + 2000) * 1000000n + 123n;
        setTimes("/tmp/s", later, later);
        setTimes("/host/s", later, later);
        console.log(status("/tmp/s").modified === later, status("/host/s").modified === BigInt(Date.now()) * 1000000n);
    "#;
    assert_eq!(stdout_of(&frozen, source).await, "true true\n");
    let running = vm("off").await;
    let seen: [(u32, bool); 2] = serde_json::from_str(&stdout_of(&running, FILE_CLOCK).await).unwrap();
    assert!(seen.iter().all(|&(moments, fine)| moments > 1 && fine), "{seen:?}");
}

#[tokio::test]
async fn inputs_are_globals_of_the_call() {
    let vm = default_vm().await;
    let inputs = [("order".to_owned(), r#"{"n":[1,2]}"#.to_owned())].into();
    let evaluate = EvaluateOptions { inputs, ..Default::default() };
    let result =
        vm.evaluate_with("order.n.length", Execute { evaluate, ..Default::default() }).await.unwrap();
    assert_eq!(result.value.as_deref(), Some("2"), "{result:?}");
}

#[tokio::test]
async fn calls_overlap_and_can_be_cancelled() {
    let vm = default_vm().await;
    let waiting = vm.evaluate::<u32>("new Promise((r) => setTimeout(() => r(1), 100))");
    let quick = vm.evaluate::<u32>("2");
    let (waiting, quick) = tokio::join!(waiting, quick);
    assert_eq!((waiting.unwrap(), quick.unwrap()), (1, 2));
    let options = ExecutionOptions { timeout_ms: Some(200), ..Default::default() };
    let result = vm.execute("for (;;);", Execute { options, ..Default::default() }).await.unwrap();
    assert_eq!((result.outcome, result.error.unwrap().code.as_str()), (Outcome::TimedOut, code::TIMED_OUT));
    assert_eq!(vm.evaluate::<u32>("3").await.unwrap(), 3);
}
