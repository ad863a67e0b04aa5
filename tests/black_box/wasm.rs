//! `permissions.webAssembly`: denied means gone, by every road and at both levels; allowed means all of it.

use cordon::client::{Client, Embedded, Vm};
use cordon::engine::WasmLevel;
use cordon::wire::{EvaluateOptions, ExecutionOptions, Language, Outcome, code};
use serde_json::json;

use crate::common::{
    client, config, default_vm, error_of, execute, execute_with, has_absent_worker, has_wasm_worker,
    installation, installation_with, locked_only, sh, supervisor_at, vm,
};

/// A module that exports `add`: `(module (func (export "add") (param i32 i32) (result i32) ...))`.
const ADD: &str = "new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11])";

/// Everything that a guest may try in order to come by WebAssembly. Each line is an expression; its value is what was
/// found, `undefined` or `false` if nothing.
const ROADS: &[(&str, &str)] = &[
    ("the global", "typeof WebAssembly === 'undefined' ? undefined : WebAssembly"),
    ("a property of the global object", "globalThis.WebAssembly"),
    (
        "the names of the global object",
        "Object.getOwnPropertyNames(globalThis).filter((n) => /wasm|webassembly/i.test(n)).join() || undefined",
    ),
    (
        "the symbols of the global object",
        "Object.getOwnPropertySymbols(globalThis).find((s) => /wasm/i.test(String(s)))",
    ),
    (
        "the chain of prototypes of the global object",
        "(() => { for (let o = globalThis; o; o = Object.getPrototypeOf(o)) if (Reflect.has(o, 'WebAssembly')) return o; })()",
    ),
    ("Function", "Function('return typeof WebAssembly === \"undefined\" ? undefined : WebAssembly')()"),
    ("indirect eval", "(0, eval)('this.WebAssembly')"),
    (
        "an async function's constructor",
        "Object.getPrototypeOf(async () => {}).constructor('return globalThis.WebAssembly')()",
    ),
    (
        "a generator's constructor",
        "Object.getPrototypeOf(function* () {}).constructor('yield globalThis.WebAssembly')().next().value",
    ),
    (
        "an async generator's constructor",
        "Object.getPrototypeOf(async function* () {}).constructor('yield globalThis.WebAssembly')().next().then((r) => r.value)",
    ),
    (
        "another realm",
        "typeof ShadowRealm === 'undefined' ? undefined : new ShadowRealm().evaluate('typeof WebAssembly') === 'undefined' ? undefined : 'found'",
    ),
    (
        "errors and prototypes of what remains",
        r#"(() => {
        const seen = new Set();
        const walk = (value, path) => {
            if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value) || path.length > 12) return;
            seen.add(value);
            for (const key of Reflect.ownKeys(value)) {
                const name = String(key);
                if (/^(WebAssembly|CompileError|LinkError)$|wasm/i.test(name)) return [...path, name].join('.');
                let next;
                try { next = Reflect.getOwnPropertyDescriptor(value, key); } catch { continue; }
                for (const one of [next.value, next.get, next.set]) {
                    const found = walk(one, [...path, name]);
                    if (found) return found;
                }
            }
            return walk(Object.getPrototypeOf(value), [...path, '__proto__']);
        };
        return walk(globalThis, ['globalThis']);
    })()"#,
    ),
    (
        "asm.js",
        "(() => { 'use asm'; function f() { return 1 | 0; } return { f }; })().f() === 1 ? undefined : 'odd'",
    ),
    (
        "natives",
        "(() => { try { return Function('%GetWasmRecoveredTrapCount()'); } catch { return undefined; } })()",
    ),
    (
        "structuredClone of a look-alike",
        "(() => { const o = structuredClone({ __proto__: { x: 1 } }); return o.x; })()",
    ),
    ("import of wasm bytes", "import('/tmp/add.wasm').then((m) => typeof m.add, () => undefined)"),
    (
        "import of wasm bytes by URL",
        "import('data:application/wasm;base64,AGFzbQEAAAA=').then((m) => m, () => undefined)",
    ),
    (
        "source-phase import",
        "(() => { try { return Function('return import.source(\"/tmp/add.wasm\")')().then((m) => m, () => undefined); } catch { return undefined; } })()",
    ),
];

async fn no_road_leads_there(vm: &Vm) {
    let bytes = vm.evaluate::<Vec<u8>>(&format!("[...{ADD}]")).await.unwrap();
    vm.write_file("/tmp/add.wasm", bytes).await.unwrap();
    for (road, source) in ROADS {
        let result = vm.evaluate_with(source, Default::default()).await.unwrap();
        assert_eq!(result.outcome, Outcome::Succeeded, "{road}: {result:?}");
        assert!(matches!(result.value.as_deref(), None | Some("null" | "false")), "{road}: {result:?}");
    }
    let context = vm.create_context().await.unwrap();
    assert_eq!(context.evaluate::<String>("typeof WebAssembly").await.unwrap(), "undefined");
    context.reset().await.unwrap();
    assert_eq!(context.evaluate::<String>("typeof globalThis.WebAssembly").await.unwrap(), "undefined");
    let result = execute(vm, "import { add } from '/tmp/add.wasm'; console.log(add(1, 2))").await;
    assert_eq!(result.outcome, Outcome::Failed);
    let error = result.error.unwrap();
    assert!(error.hint.as_deref().unwrap_or_default().contains("webAssembly"), "{error:?}");
    let typescript = EvaluateOptions { language: Language::Typescript, ..Default::default() };
    let result = execute_with(
        vm,
        "const t: string = typeof WebAssembly; console.log(t)",
        typescript,
        ExecutionOptions::default(),
    )
    .await;
    assert_eq!(result.stdout.to_text(), "undefined\n");
}

#[tokio::test]
async fn denied_by_default_and_absent_from_the_engine() {
    if !has_absent_worker() {
        return;
    }
    let vm = default_vm().await;
    assert_eq!(vm.engine().wasm, WasmLevel::Absent);
    assert_eq!(vm.engine_report().await.unwrap(), *vm.engine());
    no_road_leads_there(&vm).await;
}

#[tokio::test]
async fn denied_where_only_an_engine_with_wasm_is_installed_is_locked() {
    let Some((_folder, installation)) = locked_only() else { return };
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    assert_eq!(vm.engine().wasm, WasmLevel::Locked);
    no_road_leads_there(&vm).await;
    let required = config(json!({ "engine": { "webAssemblyDenial": "absent" } }));
    let error = error_of(client.create_vm(required).await.map(drop));
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        (code::NOT_INSTALLED, Some("engine.webAssemblyDenial"))
    );
    assert!(error.hint.is_some());
}

#[test]
fn the_worker_without_wasm_contains_no_wasm_compiler() {
    let Some(worker) = installation().absent_worker() else { return };
    let absent = std::fs::read(worker).unwrap();
    assert_eq!(occurrences(&absent, b"WebAssembly.Module()"), 0, "V8's wasm API is linked in");
    if let Some(worker) = installation().wasm_worker() {
        let wasm = std::fs::read(worker).unwrap();
        assert!(
            occurrences(&wasm, b"WebAssembly.Module()") > 0,
            "the string to look for is not V8's any more"
        );
    }
}

fn occurrences(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[tokio::test]
async fn jit_denied_has_no_wasm_and_no_compiler() {
    let vm = vm(json!({ "permissions": { "jit": "deny" } })).await;
    assert!(!vm.engine().jit);
    assert_ne!(vm.engine().wasm, WasmLevel::Allowed);
    assert_eq!(vm.evaluate::<String>("typeof WebAssembly").await.unwrap(), "undefined");
    assert_eq!(vm.evaluate::<u32>("/(\\d+)/.exec('a12')[1] * 2").await.unwrap(), 24);
    assert_eq!(sh(&vm, "echo ok").await.stdout.to_text(), "ok\n");
}

#[tokio::test]
async fn jit_denied_with_wasm_allowed_is_an_error_that_names_both() {
    let json = json!({ "permissions": { "webAssembly": "allow", "jit": "deny" } });
    let error = error_of(client().await.create_vm_from_json(json, Default::default()).await.map(drop));
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        (code::CONFIG, Some("permissions.webAssembly"))
    );
    assert!(error.message.contains("permissions.jit") && error.message.contains("permissions.webAssembly"));
}

#[tokio::test]
async fn a_wrong_value_of_the_permission_names_its_path() {
    let client = client().await;
    for value in [json!("yes"), json!(true), json!({ "rules": [] })] {
        let json = json!({ "permissions": { "webAssembly": value } });
        let error = error_of(client.create_vm_from_json(json, Default::default()).await.map(drop));
        assert_eq!(
            (error.code.as_str(), error.field.as_deref()),
            (code::CONFIG, Some("permissions.webAssembly"))
        );
    }
}

#[tokio::test]
async fn an_uncaught_use_of_wasm_says_how_to_grant_it() {
    let vm = default_vm().await;
    for source in
        ["new WebAssembly.Memory({ initial: 1 })", "globalThis.WebAssembly.compile(new Uint8Array())"]
    {
        let result = execute(&vm, source).await;
        assert_eq!((result.outcome, result.exit_code), (Outcome::Failed, Some(1)), "{source}");
        let hint = result.error.unwrap().hint.unwrap_or_default();
        for road in ["permissions", "webAssembly", "web_assembly", "--allow-wasm"] {
            assert!(hint.contains(road), "{source}: {hint}");
            assert!(result.stderr.to_text().contains(road), "{source}: {}", result.stderr.to_text());
        }
    }
    let caught = execute(&vm, "try { WebAssembly } catch (e) { console.log(e.name, 'hint' in e) }").await;
    assert_eq!(caught.stdout.to_text(), "ReferenceError false\n");
}

#[tokio::test]
async fn allowed_is_all_of_it() {
    if !has_wasm_worker() {
        return;
    }
    let vm = vm(json!({ "permissions": { "webAssembly": "allow" } })).await;
    assert_eq!(vm.engine().wasm, WasmLevel::Allowed);
    let sum = format!("WebAssembly.instantiate({ADD}).then(({{ instance }}) => instance.exports.add(2, 40))");
    assert_eq!(vm.evaluate::<u32>(&sum).await.unwrap(), 42);
    let sum = format!("new WebAssembly.Instance(new WebAssembly.Module({ADD})).exports.add(1, 1)");
    assert_eq!(vm.evaluate::<u32>(&sum).await.unwrap(), 2);
    assert!(vm.evaluate::<bool>(&format!("WebAssembly.validate({ADD})")).await.unwrap());
    let grown = "(() => { const m = new WebAssembly.Memory({ initial: 1, maximum: 4 }); m.grow(2); return m.buffer.byteLength; })()";
    assert_eq!(vm.evaluate::<u32>(grown).await.unwrap(), 3 * 65536);
    // (func (drop (i32x4.extract_lane 0 (v128.const ...)))), exceptions (tag, throw), GC (struct.new_default).
    for (proposal, bytes) in [
        ("SIMD", "0,97,115,109,1,0,0,0,1,5,1,96,0,1,123,3,2,1,0,10,10,1,8,0,65,0,253,15,253,98,11"),
        ("exceptions", "0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,13,3,1,0,0,10,6,1,4,0,8,0,11"),
        ("GC", "0,97,115,109,1,0,0,0,1,8,2,95,1,127,1,96,0,0,3,2,1,1,10,8,1,6,0,251,1,0,26,11"),
    ] {
        let valid =
            vm.evaluate::<bool>(&format!("WebAssembly.validate(new Uint8Array([{bytes}]))")).await.unwrap();
        assert!(valid, "{proposal}");
    }
    let trapped = "(() => { try { new WebAssembly.Module(new Uint8Array([1])); } catch (e) { return e instanceof WebAssembly.CompileError; } })()";
    assert!(vm.evaluate::<bool>(trapped).await.unwrap());
}

/// What becomes of each way to a buffer of shared memory, or to a wait: memories made by hand and by a module (of the
/// text `(module (memory (export "m") 1 1 shared) (func (export "wait") (result i32)
/// (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000000))))`).
const SHARED_MEMORY: &str = r#"(() => {
    const make = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const bytes = [
        0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 7, 12, 2, 1, 109, 2, 0,
        4, 119, 97, 105, 116, 0, 0, 10, 16, 1, 14, 0, 65, 0, 65, 0, 66, 192, 132, 61, 254, 1, 2, 0, 11,
    ];
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    const getter = Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, "buffer").get;
    const ways = {
        made: () => make().buffer,
        exported: () => exports.m.buffer,
        reflected: () => Reflect.get(WebAssembly.Memory.prototype, "buffer", make()),
        getter: () => Reflect.apply(getter, make(), []),
        fixed: () => make().toFixedLengthBuffer(),
        resizable: () => make().toResizableBuffer(),
        cloned: () => structuredClone(make()),
        derived: () => new (class extends WebAssembly.Memory {})({ initial: 1, maximum: 1, shared: true }).buffer,
        waited: () => ["ok", "not-equal", "timed-out"][exports.wait()],
        waitedFor: () => Atomics.wait(new Int32Array(make().buffer), 0, 0, 1),
        waitedAsync: () => Atomics.waitAsync(new Int32Array(make().buffer), 0, 0, 1),
    };
    return Object.entries(ways).filter(([, way]) => { try { way(); return true; } catch { return false; } }).map(([name]) => name);
})()"#;

#[tokio::test]
async fn shared_memory_has_no_road_while_time_is_frozen() {
    if !has_wasm_worker() {
        return;
    }
    let allow = json!({ "webAssembly": "allow" });
    let frozen = vm(json!({ "permissions": allow })).await;
    assert_eq!(frozen.evaluate::<Vec<String>>(SHARED_MEMORY).await.unwrap(), Vec::<String>::new());
    let made = "(() => { try { return typeof new SharedArrayBuffer(8); } catch (error) { return error.code; } })()";
    assert_eq!(frozen.evaluate::<String>(made).await.unwrap(), "ERR_SHARED_MEMORY");
    // Memory that is not shared is as it was.
    let own = "(() => { const m = new WebAssembly.Memory({ initial: 1 }); const b = m.buffer; m.grow(1); return [b instanceof ArrayBuffer, b.byteLength, m.buffer.byteLength, Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, 'buffer').get.name].join(); })()";
    assert_eq!(frozen.evaluate::<String>(own).await.unwrap(), "true,0,131072,get buffer");
    let running = vm(json!({ "permissions": allow, "timingMitigation": "off" })).await;
    let ways = running.evaluate::<Vec<String>>(SHARED_MEMORY).await.unwrap();
    for way in ["made", "exported", "reflected", "getter", "derived", "waited", "waitedFor", "waitedAsync"] {
        assert!(ways.iter().any(|one| one == way), "{way} is not in {ways:?}");
    }
    assert_eq!(running.evaluate::<String>("typeof SharedArrayBuffer").await.unwrap(), "function");
}

#[tokio::test]
async fn streaming_compilation_works_where_it_is_allowed() {
    if !has_wasm_worker() {
        return;
    }
    let vm = vm(json!({ "permissions": { "webAssembly": "allow" } })).await;
    let kinds = "[typeof WebAssembly.compileStreaming, typeof WebAssembly.instantiateStreaming]";
    assert_eq!(vm.evaluate::<[String; 2]>(kinds).await.unwrap(), ["function", "function"]);
}

#[tokio::test]
async fn commands_do_not_notice_the_permission() {
    let mut outputs = Vec::new();
    for permissions in [json!({}), json!({ "jit": "deny" }), json!({ "webAssembly": "allow" })] {
        if permissions.get("webAssembly").is_some() && !has_wasm_worker() {
            continue;
        }
        let vm = vm(json!({ "permissions": permissions })).await;
        let script = "for i in 3 1 2; do echo $i; done | sort | tr '\\n' ' '; printf '%05d|' 42; seq 1 1000 | sha256sum; ls /bin | wc -l; exit 7";
        let result = sh(&vm, script).await;
        outputs.push((result.stdout.to_text(), result.stderr.to_text(), result.exit_code));
    }
    assert!(outputs.iter().all(|output| *output == outputs[0]), "{outputs:?}");
    assert_eq!(outputs[0].2, Some(7));
    assert!(outputs[0].0.starts_with("1 2 3 00042|"), "{outputs:?}");
}

#[tokio::test]
async fn traps_of_both_engines_are_told_apart() {
    if !has_wasm_worker() {
        return;
    }
    // A fault of memory, and an instruction that is none.
    let outside = r#"(module (memory (export "memory") 1)
        (func (export "_start") (drop (i32.load (i32.const 0x7fff0000)))))"#;
    let stop = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;
    let (_folder, installation) = installation_with(&[
        ("outside", wat::parse_str(outside).unwrap()),
        ("stop", wat::parse_str(stop).unwrap()),
    ]);
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    let vm = client.create_vm(config(json!({ "permissions": { "webAssembly": "allow" } }))).await.unwrap();
    let module = wat::parse_str(
        r#"(module (memory 1)
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
            (func (export "stop") unreachable)
            (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0))))"#,
    )
    .unwrap();
    let source = format!(
        "(() => {{
            const {{ load, stop, divide }} =
                new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array({module:?}))).exports;
            let caught = 0;
            for (let n = 0; n < 3000; n++) {{
                for (const trap of [() => load(0x7fff0000), () => load(65536 + n), stop, () => divide(0)]) {{
                    try {{ trap(); }} catch (error) {{ caught += error instanceof WebAssembly.RuntimeError; }}
                }}
            }}
            return caught + load(0);
        }})()"
    );
    let in_javascript = async {
        for _ in 0..20 {
            assert_eq!(vm.evaluate::<u32>(&source).await.unwrap(), 12_000);
        }
    };
    let in_commands = |program: &'static str, exit_code: i32, words: &'static str| {
        let vm = &vm;
        async move {
            for _ in 0..100 {
                let result = vm.spawn(program, &[], ExecutionOptions::default()).await.unwrap();
                assert_eq!(result.exit_code, Some(exit_code), "{result:?}");
                assert!(result.stderr.to_text().contains(words), "{result:?}");
            }
        }
    };
    tokio::join!(
        in_javascript,
        in_commands("outside", 139, "out of bounds memory access"),
        in_commands("stop", 134, "unreachable"),
        in_commands("outside", 139, "out of bounds memory access"),
    );
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}
