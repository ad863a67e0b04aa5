//! Modules that need one another in a circle, by `import` and by `require`: each call ends with a value or with an
//! error that guest code can catch, never with the VM.

use std::collections::HashSet;

use cordon::client::{Execute, Vm};
use cordon::wire::{EvaluateOptions, ExecutionOptions, Outcome, code};

use serde_json::json;

use crate::common::{default_vm, execute, execute_with, stdout_of, vm};

async fn write(vm: &Vm, files: &[(&str, &str)]) {
    for (name, contents) in files {
        vm.write_file(&format!("/workspace/{name}"), *contents).await.unwrap();
    }
}

/// Makes `req`, a `require` for code that has none.
const LEAK: (&str, &str) = ("leak.cjs", "globalThis.req = require;");

#[tokio::test]
async fn a_module_cannot_be_required_while_it_is_being_evaluated() {
    let vm = default_vm().await;
    write(
        &vm,
        &[
            LEAK,
            ("a.mjs", "import error from './a.cjs'; console.log('a', error);"),
            ("a.cjs", "try { require('./a.mjs'); } catch (error) { module.exports = error.code; }"),
            ("b.cjs", "try { require('./b.mjs'); } catch (error) { console.log('b', error.code); }"),
            ("b.mjs", "import b from './b.cjs'; console.log('never', b);"),
            ("c.mjs", "import c from './c.cjs'; console.log('c', c.part, c.error);"),
            ("c.cjs", "exports.part = 1; try { require('./d.mjs'); } catch (e) { exports.error = e.code; }"),
            ("d.mjs", "import c from './c.cjs'; console.log('never', c);"),
            ("e.mjs", "import './leak.cjs'; import './f.mjs'; console.log('e');"),
            (
                "f.mjs",
                "for (const m of ['./f.mjs', './e.mjs', './g.mjs']) \
                 try { console.log('f', req(m).g); } catch (error) { console.log('f', error.code); }",
            ),
            ("g.mjs", "export const g = 'g';"),
        ],
    )
    .await;
    let out = stdout_of(
        &vm,
        "await import('./a.mjs'); await import('./b.cjs'); await import('./c.mjs'); await import('./e.mjs');",
    )
    .await;
    let cycle = "ERR_REQUIRE_CYCLE_MODULE";
    assert_eq!(out, format!("a {cycle}\nb {cycle}\nc 1 {cycle}\nf {cycle}\nf {cycle}\nf g\ne\n"));
    // Once nothing of it is under way, there is no cycle.
    let out = stdout_of(
        &vm,
        "import './leak.cjs'; await import('./g.mjs'); await import('./a.mjs'); req('./a.mjs'); console.log(req('./g.mjs').g);",
    )
    .await;
    assert_eq!(out, format!("a {cycle}\ng\n"));
}

#[tokio::test]
async fn a_module_that_waits_cannot_be_required_whoever_came_first() {
    let vm = default_vm().await;
    write(
        &vm,
        &[
            LEAK,
            ("slow.mjs", "console.log('runs'); export const v = await 1;"),
            ("over.mjs", "export * from './slow.mjs';"),
            (
                "waits.mjs",
                "import './leak.cjs'; export let n; \
                 await 0; try { req('./uses.mjs'); } catch (error) { console.log(error.code); }",
            ),
            ("uses.mjs", "import { n } from './waits.mjs';"),
        ],
    )
    .await;
    let source = r#"
        import "./leak.cjs";
        const attempt = () => { try { req("./over.mjs"); } catch (error) { console.log(error.code); } };
        attempt();
        const import_ = import("./over.mjs");
        attempt();
        console.log((await import_).v);
        attempt();
        await import("./waits.mjs");
    "#;
    let refused = "ERR_REQUIRE_ASYNC_MODULE\n";
    assert_eq!(stdout_of(&vm, source).await, format!("{refused}{refused}runs\n1\n{refused}{refused}"));
}

#[tokio::test]
async fn what_threw_throws_again_for_everyone_who_imports_it() {
    let vm = vm(json!({ "platform": "neutral" })).await;
    write(
        &vm,
        &[
            LEAK,
            ("thrower.mjs", "console.log('runs'); throw new RangeError('no');"),
            ("one.mjs", "import './thrower.mjs'; console.log('never');"),
            ("half.mjs", "import './fine.mjs'; import './missing.mjs';"),
            ("fine.mjs", "import './deeper.mjs';"),
            ("deeper.mjs", "import './also-missing.mjs';"),
        ],
    )
    .await;
    let source = r#"
        import "./leak.cjs";
        for (const name of ["one.mjs", "thrower.mjs"]) {
            await import(`./${name}`).catch((error) => console.log(name, error.message));
        }
        try { req("./thrower.mjs"); } catch (error) { console.log(error.message); }
        for (let i = 0; i < 2; i++) await import("./half.mjs").catch((error) => console.log(error.code));
        await import("./fine.mjs").catch((error) => console.log(error.message));
    "#;
    let out = stdout_of(&vm, source).await;
    assert_eq!(
        out,
        "runs\none.mjs no\nthrower.mjs no\nno\nERR_MODULE_NOT_FOUND\nERR_MODULE_NOT_FOUND\n\
         Cannot find module '/workspace/also-missing.mjs' imported from /workspace/deeper.mjs\n"
    );
}

#[tokio::test]
async fn modules_that_were_ended_while_they_ran_are_loaded_anew() {
    let vm = default_vm().await;
    write(
        &vm,
        &[
            ("endless.mjs", "import './endless.cjs'; export const v = 1;"),
            ("endless.cjs", "globalThis.runs = (globalThis.runs ?? 0) + 1; while (runs === 1);"),
            ("waits.mjs", "globalThis.waits = (globalThis.waits ?? 0) + 1; if (waits === 1) await new Promise(() => setTimeout(() => {}, 1e6)); export const v = 2;"),
        ],
    )
    .await;
    let context = vm.create_context().await.unwrap();
    for name in ["endless", "waits"] {
        let source = format!("import('./{name}.mjs')");
        let execute = Execute {
            options: ExecutionOptions { timeout_ms: Some(300), ..Default::default() },
            ..Default::default()
        };
        let result = context.execute(&source, execute).await.unwrap();
        assert_eq!(result.outcome, Outcome::TimedOut, "{result:?}");
    }
    assert_eq!(context.evaluate::<u32>("import('./endless.mjs').then((m) => m.v)").await.unwrap(), 1);
    assert_eq!(context.evaluate::<u32>("import('./waits.mjs').then((m) => m.v)").await.unwrap(), 2);
}

/// Numbers that are the same in every run.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % sides
    }
}

/// A graph of a few modules of both kinds that need one another in every way there is, at random.
fn graph(dice: &mut Dice, folder: &str) -> Vec<(String, String)> {
    let count = 2 + dice.roll(3);
    let kinds: Vec<&str> = (0..count).map(|_| if dice.roll(2) == 0 { "mjs" } else { "cjs" }).collect();
    let name = |index: u32| format!("{folder}/m{index}.{}", kinds[index as usize]);
    let mut files = Vec::new();
    for from in 0..count {
        let is_module = kinds[from as usize] == "mjs";
        let (mut head, mut body) = (String::new(), format!("log('begins {from}');\n"));
        for to in 0..count {
            let target = format!("/workspace/{}", name(to));
            let caught = "} catch (error) { failed(error); }\n";
            match dice.roll(7) {
                0 | 1 if is_module => head.push_str(&format!("import * as m{to} from '{target}';\n")),
                0..=3 => body.push_str(&format!("try {{ req('{target}'); {caught}")),
                4 => body.push_str(&format!("import('{target}').catch(failed);\n")),
                5 if is_module && dice.roll(2) == 0 => {
                    body.push_str(&format!("try {{ await import('{target}'); {caught}"));
                }
                5 if is_module => body.push_str("await 0;\n"),
                _ => {}
            }
        }
        if dice.roll(8) == 0 {
            body.push_str(&format!("throw new EvalError('{from}');\n"));
        }
        body.push_str(&format!("log('ends {from}');\n"));
        files.push((name(from), head + &body));
    }
    files
}

#[tokio::test]
async fn no_graph_of_modules_ends_the_vm() {
    const GRAPHS: u32 = 150;
    let vm = default_vm().await;
    let mut dice = Dice(7);
    write(&vm, &[LEAK]).await;
    let mut refused = HashSet::new();
    for number in 0..GRAPHS {
        let folder = format!("g{number}");
        vm.mkdir(&format!("/workspace/{folder}"), true).await.unwrap();
        let files = graph(&mut dice, &folder);
        for (path, contents) in &files {
            vm.write_file(&format!("/workspace/{path}"), contents.as_str()).await.unwrap();
        }
        let source = format!(
            "import './leak.cjs';
             globalThis.log = (text) => console.log(text);
             globalThis.failed = (error) => console.log('failed', error.code ?? error.name);
             await import('./{}').catch(failed);",
            files[0].0
        );
        let evaluate =
            EvaluateOptions { file_path: Some("/workspace/main.mjs".into()), ..Default::default() };
        let result = execute_with(&vm, &source, evaluate, ExecutionOptions::default()).await;
        let out = result.stdout.to_text();
        if let Some(error) = &result.error {
            // An import that nobody waited for and that failed, or imports that wait for one another.
            assert!(
                error.name == "EvalError"
                    || error.code == "ERR_NEVER_SETTLED"
                    || (error.code == "ERR_EXITED" && result.exit_code == Some(13)),
                "{error:?}\n{out}\n{files:#?}"
            );
        }
        for line in out.lines() {
            if let Some(code) = line.strip_prefix("failed ") {
                let known = [
                    "ERR_REQUIRE_CYCLE_MODULE",
                    "ERR_REQUIRE_ASYNC_MODULE",
                    "ERR_REQUIRE_ESM_RACE_CONDITION",
                    // An assertion of the library's own loader, thrown into the program.
                    "ERR_INTERNAL_ASSERTION",
                    "EvalError",
                ];
                assert!(known.contains(&code), "{code}\n{out}\n{files:#?}");
                refused.insert(code.to_owned());
            }
        }
        // ECMAScript modules run once, whatever became of them.
        for index in 0..files.len() {
            let begun = out.lines().filter(|line| *line == format!("begins {index}")).count();
            assert!(begun <= 1 || files[index].0.ends_with(".cjs"), "{out}\n{files:#?}");
        }
    }
    assert!(refused.len() >= 4, "the graphs have shown too little: {refused:?}");
    assert_eq!(execute(&vm, "console.log(1)").await.stdout.to_text(), "1\n");
    assert_ne!(vm.evaluate::<u32>("1").await.map_err(|error| error.code), Err(code::WORKER_LOST.to_owned()));
}

/// What a file is has to be seen before its code runs. It is read, and counted, once for both.
#[tokio::test]
async fn a_module_is_read_once() {
    // The text itself is one.
    let vm = vm(json!({ "limits": { "modules": 3 } })).await;
    vm.write_file("/workspace/a.js", "exports.b = require('./b.js');").await.unwrap();
    vm.write_file("/workspace/b.js", "module.exports = 'b';").await.unwrap();
    let result = execute(&vm, "import { b } from './a.js'; console.log(b);").await;
    assert_eq!(result.stdout.to_text(), "b\n", "{:?}", result.error);
    vm.write_file("/workspace/c.js", "exports.a = require('./a.js'); module.exports = 'c';").await.unwrap();
    let result = execute(&vm, "import './c.js';").await;
    assert_eq!(result.error.unwrap().code, "ERR_MODULE_LIMIT");
}

#[tokio::test]
async fn the_browser_platform_takes_packages_as_they_are_built_for_browsers() {
    let vm = vm(json!({ "platform": "browser" })).await;
    for folder in ["parser/lib", "text", "builtin", "conditions"] {
        vm.mkdir(&format!("/workspace/node_modules/{folder}"), true).await.unwrap();
    }
    write(
        &vm,
        &[
            // A text stands for the main module, which may be named without its ending.
            ("node_modules/text/package.json", r#"{ "main": "./main", "browser": "for-browsers.js" }"#),
            ("node_modules/text/main.js", "module.exports = 'text for node'"),
            ("node_modules/text/for-browsers.js", "module.exports = 'text for browsers'"),
            // A map stands for files and packages, from within and from outside.
            (
                "node_modules/parser/package.json",
                r#"{ "browser": { "./lib/read.js": "./lib/fetch.js", "fs": false, "events": "builtin", "./lib/native.js": false } }"#,
            ),
            (
                "node_modules/parser/index.js",
                "module.exports = [require('./lib/read'), typeof require('fs').readFile, require('events'), Object.keys(require('./lib/native')).length]",
            ),
            ("node_modules/parser/lib/read.js", "module.exports = require('fs').readFileSync"),
            ("node_modules/parser/lib/fetch.js", "module.exports = 'fetch'"),
            ("node_modules/parser/lib/native.js", "throw new Error('native')"),
            ("node_modules/parser/module.mjs", "import read from './lib/read.js'; import fs from 'fs'; export default [read, typeof fs];"),
            ("node_modules/builtin/index.js", "module.exports = 'in the place of events'"),
            (
                "node_modules/conditions/package.json",
                r#"{ "exports": { "node": "./none.js", "browser": "./browser.mjs", "default": "./none.js" } }"#,
            ),
            ("node_modules/conditions/browser.mjs", "export default 'browser'"),
        ],
    )
    .await;
    let source = r#"
        import text from "text";
        import parser from "parser";
        import module from "parser/module.mjs";
        import conditions from "conditions";
        console.log(text, parser, module, conditions);
        await import("fs").catch((error) => console.log(error.code));
        console.log(self === globalThis, typeof navigator.hardwareConcurrency, typeof fetch, typeof document, typeof process, typeof setImmediate);
    "#;
    let out = stdout_of(&vm, source).await;
    assert_eq!(
        out,
        "text for browsers [ 'fetch', 'undefined', 'in the place of events', 0 ] [ 'fetch', 'object' ] browser\n\
         ERR_UNSUPPORTED_BUILTIN\ntrue number function undefined undefined undefined\n"
    );
}
