//! Decisions that are watched: in the Rust client, as lines of a log, and what a run has learned.

use std::net::Ipv4Addr;

use cordon::client::{Decisions, Vm};
use cordon::wire::{Decision, DecisionBatch, DecisionWatch};
use serde_json::{Value, json};

use super::world::{METADATA, PUBLIC, World, echo, http, inside, serve};
use super::{connecting, fetching, vm_with};
use crate::common::{cordon, error_of, execute, sh, stdout_of, text, vm};

/// A decision in a line: `deny network connect example.org:443 permissions.network x1`.
fn shown(made: &Decision) -> String {
    let json = serde_json::to_value(made).unwrap();
    let word = |field: &str| json[field].as_str().unwrap().to_owned();
    format!(
        "{} {} {} {} {} x{}",
        word("decision"),
        word("scope"),
        word("operation"),
        word("target"),
        word("rule"),
        made.count
    )
}

async fn now(decisions: &Decisions) -> Vec<String> {
    let DecisionBatch { decisions, dropped } = decisions.now().await.unwrap();
    assert_eq!(dropped, 0);
    decisions.iter().map(shown).collect()
}

async fn watched(vm: &Vm) -> Decisions {
    vm.watch_decisions(DecisionWatch::On).await.unwrap()
}

#[test]
fn decisions_over_the_network_are_told_with_the_rule_that_made_them() {
    inside(
        "network::decisions::decisions_over_the_network_are_told_with_the_rule_that_made_them",
        |world: World| async move {
            let (at, _) = serve(PUBLIC, 80, http).await;
            let (raw, _) = serve(PUBLIC, 5432, echo).await;
            world.name("api.example.org", &[PUBLIC]);
            world.name("inner.example.org", &[METADATA]);
            let vm = vm_with(json!([
            { "mode": "deny", "hosts": ["billing.example.org"] },
            { "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "methods": ["GET"] },
            { "mode": "allow", "operations": ["connect"], "hosts": ["inner.example.org"] },
            { "mode": "allow", "operations": ["connect"], "hosts": [PUBLIC.to_string()], "ports": [5432] },
        ]))
        .await;
            // Nothing is kept before.
            stdout_of(&vm, &fetching("http://billing.example.org/")).await;
            let decisions = watched(&vm).await;
            assert_eq!(now(&decisions).await, [""; 0]);
            for url in ["http://api.example.org/a?secret", "http://api.example.org/a?other"] {
                assert!(stdout_of(&vm, &fetching(url)).await.starts_with("200 "));
            }
            stdout_of(&vm, r#"await fetch("http://api.example.org/a", { method: "POST" });"#).await;
            stdout_of(&vm, &fetching("http://billing.example.org/")).await;
            stdout_of(&vm, &connecting("inner.example.org", 80)).await;
            assert_eq!(stdout_of(&vm, &connecting(&raw.ip().to_string(), raw.port())).await, "connected\n");
            let mut told = now(&decisions).await;
            told.sort();
            assert_eq!(
                told,
                [
                    "allow network connect api.example.org:5432 permissions.network.rules[3] x1",
                    "allow network dns api.example.org permissions.network.rules[1] x3",
                    "allow network dns inner.example.org permissions.network.rules[2] x1",
                    "allow network http GET http://api.example.org/a permissions.network.rules[1] x2",
                    "deny network connect inner.example.org:80 permissions.network x1",
                    "deny network dns billing.example.org permissions.network.rules[0] x1",
                    "deny network http POST http://api.example.org/a permissions.network x1",
                ]
            );
            // Each is told once, with the address that a name has led to; who waits is told as well.
            let (waited, _) = tokio::join!(decisions.next(), async {
                stdout_of(&vm, &fetching("http://api.example.org/b")).await
            });
            let mut batch = waited.unwrap().decisions;
            batch.extend(decisions.now().await.unwrap().decisions);
            let request = batch.iter().find(|made| made.operation == "http").unwrap();
            assert_eq!(request.address.as_deref(), Some(at.ip().to_string().as_str()));
            // Who watches no more is told nothing.
            decisions.stop().await.unwrap();
            stdout_of(&vm, &fetching("http://billing.example.org/")).await;
            assert_eq!(decisions.next().await.unwrap(), DecisionBatch::default());
        },
    );
}

#[tokio::test]
async fn what_a_worker_decides_is_told_too_and_of_a_vm_without_a_network() {
    let vm = vm(json!({ "permissions": {
        "fs": { "rules": [{ "mode": "deny", "paths": ["/secret"] }] },
        "childProcess": { "rules": [{ "mode": "deny", "patterns": ["rm"] }] },
    } }))
    .await;
    let decisions = watched(&vm).await;
    sh(&vm, "cat /secret; cat /secret; rm /x; true; ls / >/dev/null").await;
    execute(&vm, &connecting("93.184.216.34", 443)).await;
    execute(&vm, &fetching("http://example.org/")).await;
    let told = now(&decisions).await;
    let denied: Vec<&String> = told.iter().filter(|line| line.starts_with("deny")).collect();
    assert!(
        denied.iter().any(|line| line.starts_with("deny fs read /secret permissions.fs.rules[0] x")),
        "{told:?}"
    );
    for expected in [
        "deny childProcess spawn rm permissions.childProcess.rules[0] x1",
        "deny network connect 93.184.216.34:443 permissions.network x1",
        "deny network dns example.org permissions.network x1",
        "allow childProcess spawn ls permissions.childProcess x1",
    ] {
        assert!(told.iter().any(|line| line == expected), "{expected}: {told:?}");
    }
    assert!(!told.iter().any(|line| line.starts_with("allow fs")), "{told:?}");
    // What is allowed of files is told who asks for it.
    let all = vm.watch_decisions(DecisionWatch::All).await.unwrap();
    sh(&vm, "echo x > /tmp/seen").await;
    assert!(now(&all).await.iter().any(|line| line.starts_with("allow fs create /tmp/seen")));
}

#[tokio::test]
async fn a_flood_of_decisions_is_folded_and_what_is_dropped_is_counted() {
    let vm = vm_with(json!([{ "mode": "deny" }])).await;
    let decisions = watched(&vm).await;
    let source = r#"import { lookup } from "node:dns";
        let left = 3000;
        await new Promise((done) => {
            for (let i = 0; i < 3000; i++) lookup(`n${i}.example.org`, () => { if (--left === 0) done(); });
        });"#;
    stdout_of(&vm, source).await;
    let batch = decisions.now().await.unwrap();
    let told: u64 =
        batch.decisions.iter().filter(|made| made.operation == "dns").map(|made| made.count).sum();
    assert!(batch.decisions.len() <= 2 * cordon::wire::DECISIONS_MAX);
    assert!(batch.dropped > 0 && told + batch.dropped >= 3000, "{told} {}", batch.dropped);
}

#[tokio::test]
async fn who_waits_for_decisions_is_answered_when_the_vm_ends() {
    let vm = vm(json!({})).await;
    let decisions = watched(&vm).await;
    let waiting = tokio::spawn(async move { decisions.next().await });
    tokio::task::yield_now().await;
    vm.dispose().await.unwrap();
    let error = error_of(waiting.await.unwrap());
    assert!(["ERR_CANCELLED", "ERR_NOT_FOUND"].contains(&error.code.as_str()), "{error:?}");
}

/// Lines of JSON.
fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_command_line_logs_decisions_as_lines_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let source = fetching("http://93.184.216.34/");
    let option = format!("--log-decisions={}", log.display());
    for _ in 0..2 {
        let output = cordon(&["eval", &option, "--", &source]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let logged = lines(&log);
    let denied: Vec<&Value> = logged.iter().filter(|line| line["decision"] == "deny").collect();
    assert_eq!(denied.len(), 2, "{logged:?}");
    assert!(denied[0]["timeMs"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(denied[0]["scope"], "network");
    assert_eq!(denied[0]["operation"], "connect");
    assert_eq!(denied[0]["target"], "93.184.216.34:80");
    assert_eq!(denied[0]["rule"], "permissions.network");
    assert_eq!(denied[0]["count"], 1);
    let output = cordon(&["eval", "--log-decisions", "--", &source]).output().unwrap();
    assert!(text(&output.stderr).contains(r#""decision":"deny""#), "{}", text(&output.stderr));
}

#[test]
fn what_a_run_has_learned_is_all_that_it_needs() {
    inside("network::decisions::what_a_run_has_learned_is_all_that_it_needs", |world: World| async move {
        let (_, _) = serve(PUBLIC, 80, http).await;
        let (_, _) = serve(PUBLIC, 5432, echo).await;
        let (own, _) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
        for name in ["api.example.org", "db.example.org", "looked.example.org"] {
            world.name(name, &[PUBLIC]);
        }
        world.name("inner.example.org", &[METADATA]);
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program.mjs");
        let source = format!(
            r#"import {{ connect }} from "node:net";
            import {{ lookup }} from "node:dns/promises";
            import {{ execFileSync }} from "node:child_process";
            const api = (path, method) => fetch(`http://api.example.org${{path}}`, {{ method }}).then((answer) => answer.status);
            console.log(await api("/v1/a?secret", "GET"), await api("/v1/b[0]", "GET"), await api("/v1/b[0]", "POST"));
            await lookup("looked.example.org");
            await new Promise((done) => {{ const db = connect(5432, "db.example.org", () => {{ db.destroy(); done(); }}); }});
            console.log((await fetch("http://{own}/own")).status);
            console.log(`${{execFileSync("echo", ["ran"])}}`.trim());"#
        );
        let wants_more = format!(
            "{source}\nawait fetch('http://inner.example.org/').catch((e) => console.log(e.cause.code));"
        );
        std::fs::write(&program, wants_more).unwrap();
        let learned = folder.path().join("learned.json");
        let own_place = format!("network={own}");
        let output = cordon(&[
            "run",
            &format!("--learn={}", learned.display()),
            "--allow",
            &own_place,
            program.to_str().unwrap(),
        ])
        .output()
        .unwrap();
        let (out, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(out, "200 200 200\n200\nran\nEACCES\n", "{said}");
        assert!(said.contains("only learn from code that you trust"), "{said}");
        assert!(
            said.contains("it was refused, and is not part of that: connect inner.example.org:80"),
            "{said}"
        );
        let document: Value = serde_json::from_str(&std::fs::read_to_string(&learned).unwrap()).unwrap();
        let own_port = own.port();
        let own_host = own.ip().to_string();
        assert_eq!(document["permissions"]["process"], "deny");
        let programs = &document["permissions"]["childProcess"]["rules"][0]["patterns"];
        assert_eq!(programs, &json!(["echo"]), "{document}");
        let rules = document["permissions"]["network"]["rules"].as_array().unwrap();
        for rule in [
            json!({ "mode": "allow", "operations": ["connect"], "hosts": ["db.example.org"], "ports": [5432] }),
            json!({ "mode": "allow", "operations": ["connect"], "hosts": [own_host], "ports": [own_port] }),
            json!({
                "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "ports": [80], "schemes": ["http"],
                "methods": ["POST"], "paths": ["/v1/b\\[0\\]"],
            }),
            json!({
                "mode": "allow", "operations": ["http"], "hosts": ["api.example.org"], "ports": [80], "schemes": ["http"],
                "methods": ["GET"], "paths": ["/v1/a", "/v1/b\\[0\\]"],
            }),
            // The one was looked up and not reached, the other only looked up.
            json!({ "mode": "allow", "operations": ["dns"], "hosts": ["inner.example.org", "looked.example.org"] }),
        ] {
            assert!(rules.contains(&rule), "{rule} is not in {document:#}");
        }
        assert_eq!(rules.len(), 5, "{document:#}");
        // It is enough for the same again, and for nothing else.
        std::fs::write(&program, format!("{source}\nconsole.log(await api('/v1/c', 'GET'));")).unwrap();
        let again = cordon(&["run", "--config", learned.to_str().unwrap(), program.to_str().unwrap()]);
        let output = { again }.output().unwrap();
        assert_eq!(text(&output.stdout), "200 200 200\n200\nran\n403\n", "{}", text(&output.stderr));
    });
}
