//! Public classes of attacks on sandboxes: the files of `tests/escape`, each of which says what denial must be seen.
//!
//! They run in every profile of the engine that they make sense in, through the command line and through the Rust
//! client; the TypeScript client's tests run the same files (`clients/typescript/test/escape.test.ts`).

mod attack;
mod host;

use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cordon::client::{Client, HostFunctions, Stream};
use cordon::wire::ExecutionOptions;
use serde_json::Value;

use crate::common::{config, cordon, count, directory, has_absent_worker, has_wasm_worker, text};
use attack::{Attack, Profile, Road};
use host::{CANARY, Host, VARIABLE};

/// Files that run at the same time.
const AT_ONCE: usize = 2;

fn profiles() -> Vec<Profile> {
    let all = [Profile::Default, Profile::NoJit, Profile::WebAssembly];
    let has = |profile: &Profile| match profile {
        Profile::WebAssembly => has_wasm_worker(),
        Profile::Default | Profile::NoJit => has_absent_worker() || has_wasm_worker(),
    };
    all.into_iter().filter(has).collect()
}

/// What is wrong with what an attack printed, if anything.
fn verdict(attack: &Attack, stdout: &str, stderr: &str) -> Option<String> {
    let printed: Vec<&str> = stdout.lines().collect();
    let shown = format!("{stdout}{stderr}");
    if shown.contains(CANARY) {
        return Some(format!("shows what only the host has:\n{shown}"));
    }
    if let Some(line) = printed.iter().find(|line| line.starts_with("ESCAPED")) {
        return Some((*line).to_owned());
    }
    if printed == attack.expects {
        return None;
    }
    let at =
        printed.iter().zip(&attack.expects).take_while(|(printed, expected)| printed == expected).count();
    Some(format!(
        "line {} is {:?} instead of {:?}\n{stdout}{stderr}",
        at + 1,
        printed.get(at).unwrap_or(&"missing"),
        attack.expects.get(at).map_or("nothing", String::as_str)
    ))
}

/// One way of running an attack.
struct Case<'a> {
    attack: &'a Attack,
    profile: Profile,
    platform: &'static str,
}

impl Case<'_> {
    fn name(&self) -> String {
        format!("{} ({:?}, {})", self.attack.name, self.profile, self.platform)
    }
}

fn cases(attacks: &[Attack], road: Road) -> Vec<Case<'_>> {
    let profiles = profiles();
    let mut cases = Vec::new();
    for attack in attacks.iter().filter(|attack| attack.roads.contains(&road)) {
        for profile in profiles.iter().copied().filter(|profile| attack.profiles.contains(profile)) {
            cases.extend(attack.platforms.iter().map(|&platform| Case { attack, profile, platform }));
        }
    }
    cases
}

/// Counts the probes that ran, and fails if any attack did not.
fn conclude(cases: &[Case<'_>], failed: &[String]) {
    for case in cases {
        count("attacks", case.attack.class(), case.attack.expects.len());
    }
    assert!(failed.is_empty(), "{} of {} failed:\n\n{}", failed.len(), cases.len(), failed.join("\n\n"));
    assert!(cases.len() > 100, "only {} were run", cases.len());
}

#[test]
fn no_attack_succeeds_through_the_command_line() {
    let attacks = attack::all();
    let cases = cases(&attacks, Road::CommandLine);
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let host = Host::new();
            let file = host.folder().join("config.json");
            std::fs::write(&file, host.config(case.attack, case.profile, case.platform).to_string()).unwrap();
            let file = file.to_str().unwrap();
            let path = case.attack.path.to_str().unwrap();
            let sourced = format!(". {}", case.attack.guest_path());
            let mut command = if case.attack.is_shell() {
                cordon(&["sh", "--config", file, "-c", &sourced])
            } else {
                cordon(&["run", "--config", file, path])
            };
            let output = command.env(VARIABLE, CANARY).output().unwrap();
            if let Some(wrong) = verdict(case.attack, &text(&output.stdout), &text(&output.stderr)) {
                failed.lock().unwrap().push(format!("{}: {wrong}", case.name()));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    conclude(&cases, &failed.into_inner().unwrap());
}

/// A sidecar whose environment has what no guest may see, and its client.
async fn client() -> (tokio::process::Child, Client) {
    let mut sidecar = tokio::process::Command::new(directory().join("cordon"))
        .args(["serve", "--warm", "0"])
        .env(VARIABLE, CANARY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stream = Stream::new(sidecar.stdout.take().unwrap(), sidecar.stdin.take().unwrap());
    let client = Client::over(stream).await.unwrap();
    (sidecar, client)
}

/// Functions that guests are given, and one that they are not to reach.
fn functions() -> HostFunctions {
    HostFunctions::new()
        .with("echo", |value: Value| async move { Ok::<_, String>(value) })
        .with("fails", |_: Value| async move { Err::<(), _>("refused".to_owned()) })
        .with("vault.secret", |_: Value| async move { Ok::<_, String>(CANARY) })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_succeeds_through_the_rust_client() {
    let attacks = attack::all();
    let cases = cases(&attacks, Road::RustClient);
    let (_sidecar, client) = client().await;
    let mut failed = Vec::new();
    for case in &cases {
        let host = Host::new();
        let settings = config(host.config(case.attack, case.profile, case.platform));
        let vm = client.create_vm_with(settings, functions()).await.unwrap();
        let (path, options) = (case.attack.guest_path(), ExecutionOptions::default());
        let result = if case.attack.is_shell() {
            vm.spawn("sh", &["-c", &format!(". {path}")], options).await
        } else {
            vm.execute_file(&path, options).await
        };
        let wrong = match result {
            Ok(result) => {
                let said = format!("{}{:?}", result.stderr.to_text(), result.error);
                verdict(case.attack, &result.stdout.to_text(), &said)
            }
            Err(error) => Some(format!("{error:?}")),
        };
        failed.extend(wrong.map(|wrong| format!("{}: {wrong}", case.name())));
        vm.dispose().await.unwrap();
    }
    conclude(&cases, &failed);
}

#[test]
fn the_attacks_are_seen_when_they_succeed() {
    let attacks = attack::all();
    let attack = &attacks[0];
    let expected = attack.expects.join("\n");
    assert_eq!(verdict(attack, &expected, ""), None);
    for (stdout, stderr) in [
        ("".to_owned(), ""),
        (format!("{expected}\nDENIED more: x"), ""),
        (expected.replacen("DENIED", "ESCAPED", 1), ""),
        (expected.replacen("DENIED", "BROKEN", 1), ""),
        (expected.clone(), CANARY),
    ] {
        assert!(verdict(attack, &stdout, stderr).is_some(), "{stdout:?} {stderr:?}");
    }
    // What the host has is there to be found: a VM that is given the folder itself finds it.
    let host = Host::new();
    let mut settings = host.config(attack, Profile::Default, "neutral");
    settings["mounts"][1]["host"] = host.folder().to_str().unwrap().into();
    let file = host.folder().join("config.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let output =
        cordon(&["sh", "--config", file.to_str().unwrap(), "-c", "cat /m/secret.txt"]).output().unwrap();
    assert!(text(&output.stdout).contains(CANARY), "{output:?}");
}
