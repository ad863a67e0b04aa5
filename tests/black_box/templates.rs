//! Workers that are forked from a template: what siblings share, what they must not, and what happens to a VM when its
//! template ends.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::Duration;

use cordon::client::{Client, Embedded, Vm};
use cordon::supervisor::{Installation, Supervisor, SupervisorOptions, TemplateLimits};
use cordon::wire::ExecutionOptions;
use serde_json::json;

use crate::common::{
    config, cordon, descendants, directory, eventually, installation, run, sh, stdout_of, supervisor_at, text,
};

/// VMs that are compared.
const SIBLINGS: usize = 50;

/// Every road that gives randomness to JavaScript, one value of each a line.
const JAVASCRIPT: &str = r#"
    console.log(Math.random());
    console.log(Math.random());
    console.log(crypto.randomUUID());
    console.log(crypto.getRandomValues(new BigUint64Array(1))[0]);
"#;

/// And to programs of Node: what is drawn outright, keys, and what is drawn for a signature or an encryption.
const NODE: &str = r#"
    import * as crypto from "node:crypto";
    const raw = (pair) => pair.publicKey.export({ format: "der", type: "spki" }).toString("hex");
    console.log(Math.random());
    console.log(crypto.randomBytes(16).toString("hex"));
    console.log(crypto.randomUUID());
    console.log(crypto.randomInt(2 ** 47));
    console.log(globalThis.crypto.getRandomValues(new BigUint64Array(1))[0]);
    console.log(crypto.generatePrimeSync(128, { bigint: true }));
    console.log(crypto.generateKeySync("aes", { length: 128 }).export().toString("hex"));
    console.log(raw(crypto.generateKeyPairSync("ed25519")));
    console.log(raw(crypto.generateKeyPairSync("rsa", { modulusLength: 512 })));
    console.log(raw(crypto.generateKeyPairSync("ml-kem-512")));
    const scalar = Buffer.alloc(32, 7);
    const key = crypto.createPrivateKey({
        key: scalar, format: "raw-private", asymmetricKeyType: "ec", namedCurve: "P-256",
    });
    console.log(crypto.sign("sha256", "one message", key).toString("hex"));
    const group = crypto.getDiffieHellman("modp5");
    console.log(group.generateKeys("hex"));
"#;

/// Lines of that.
const NODE_VALUES: usize = 12;

/// And to commands.
const COMMANDS: &str = "shuf -i 1-1000000000000 -n 1
    mktemp -u XXXXXXXXXXXXXXXX
    od -A n -t x8 -N 8 /dev/urandom
    od -A n -t x8 -N 8 /dev/random
    sort -R <<END | tr '\\n' ' '
$(seq 1 30)
END
    echo";

/// A client of a supervisor with a template, and no VM yet.
async fn client_with(templates: TemplateLimits) -> (Supervisor, Client) {
    let supervisor = Supervisor::new(SupervisorOptions {
        installation: installation(),
        warm: 0,
        templates: Some(templates),
        show_worker_stderr: false,
        progress: Box::new(|_| {}),
    });
    supervisor.warm_up().await;
    let client = Client::connect(&Embedded(supervisor.clone())).await.unwrap();
    (supervisor, client)
}

/// The children of this process's launchers, of that name, by process id; with the id of their launcher.
fn processes(name: &str) -> HashMap<u32, u32> {
    let found = descendants(std::process::id()).into_iter().filter(|process| process.name == name);
    found.map(|process| (process.pid, process.parent)).collect()
}

/// The process of a VM, and its template.
async fn process_of(vm: &Vm) -> (u32, u32) {
    // What only this VM knows tells it from those of other tests, which run beside this one.
    let needle = format!("needle{}", stdout_of(vm, "console.log(crypto.randomUUID())").await.trim());
    vm.write_file("/tmp/needle", needle.clone()).await.unwrap();
    let worker = processes("cordon-worker").into_iter().find(|(pid, _)| contains(*pid, needle.as_bytes()));
    let (worker, launcher) = worker.expect("a VM is a process that was forked");
    let template = processes("cordon-template").into_iter().find(|(_, parent)| *parent == launcher);
    (worker, template.expect("its template is there").0)
}

/// Whether this test may look into processes. Where it may not, it says loudly that it did not run.
fn may_look() -> bool {
    let may = rustix::process::geteuid().is_root();
    if !may {
        eprintln!("SKIPPED: only root can read the memory of a worker");
    }
    may
}

/// Whether some private memory of a process has these bytes.
fn contains(pid: u32, needle: &[u8]) -> bool {
    let (Ok(maps), Ok(memory)) = (
        std::fs::read_to_string(format!("/proc/{pid}/maps")),
        std::fs::File::open(format!("/proc/{pid}/mem")),
    ) else {
        return false;
    };
    maps.lines().any(|line| {
        let mut fields = line.split(' ');
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { return false };
        let Some((start, end)) = range.split_once('-') else { return false };
        let bounds = (u64::from_str_radix(start, 16), u64::from_str_radix(end, 16));
        let (Ok(start), Ok(end)) = bounds else { return false };
        rights.starts_with("rw") && holds(&memory, start, end, needle)
    })
}

fn holds(memory: &std::fs::File, start: u64, end: u64, needle: &[u8]) -> bool {
    let mut buffer = vec![0; 1 << 20];
    let mut at = start;
    while at < end {
        let length = buffer.len().min((end - at) as usize);
        let Ok(read @ 1..) = memory.read_at(&mut buffer[..length], at) else { return false };
        if has(&buffer[..read], needle) {
            return true;
        }
        // Once more from a little before, so that nothing is missed between two pieces.
        at += if read as u64 + at < end { (read - needle.len().min(read - 1)) as u64 } else { read as u64 };
    }
    false
}

fn has(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn a_worker_that_was_executed_begins_programs_from_images_too() {
    if !may_look() {
        return;
    }
    assert!(run(&["prepare"]).status.success());
    // What `cordon sh` runs in is the only VM of its process, and there is no template yet.
    let mut child = cordon(&["sh", "-c", "sleep 60"]).spawn().unwrap();
    let has_image = || {
        // Where the engine has no image of a program's memory, it copies that memory at each start.
        let maps = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        descendants(child.id()).into_iter().any(|process| maps(process.pid).contains("wasm-memory-image"))
    };
    let found = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        has_image()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found);
}

#[tokio::test]
async fn fifty_siblings_draw_no_random_number_twice() {
    let (_supervisor, client) = client_with(TemplateLimits::default()).await;
    let mut vms = Vec::new();
    for _ in 0..SIBLINGS {
        vms.push(client.create_vm(config(json!({}))).await.unwrap());
    }
    let mut values = BTreeSet::new();
    let mut count = 0;
    for vm in &vms {
        let mut drawn = stdout_of(vm, JAVASCRIPT).await;
        // Contexts that were made in the template, and contexts that are made later.
        for _ in 0..6 {
            let context = vm.create_context().await.unwrap();
            let number: f64 = context.evaluate("Math.random()").await.unwrap();
            drawn += &format!("{number}\n");
        }
        drawn += &sh(vm, COMMANDS).await.stdout.to_text();
        for value in drawn.lines().filter(|line| !line.trim().is_empty()) {
            count += 1;
            assert!(values.insert(value.to_owned()), "{value} was drawn twice");
        }
    }
    assert_eq!(count, SIBLINGS * (4 + 6 + 5), "every road gave a value");
}

#[tokio::test]
async fn siblings_of_the_platform_node_draw_no_random_number_twice() {
    let (_supervisor, client) = client_with(TemplateLimits::default()).await;
    let mut values = BTreeSet::new();
    for _ in 0..8 {
        let vm = client.create_vm(config(json!({ "platform": "node" }))).await.unwrap();
        let drawn = stdout_of(&vm, NODE).await;
        let mut count = 0;
        for value in drawn.lines() {
            count += 1;
            assert!(values.insert(value.to_owned()), "{value} was drawn twice");
        }
        assert_eq!(count, NODE_VALUES, "every road gave a value");
    }
}

#[tokio::test]
async fn a_template_never_sees_a_byte_of_a_vm() {
    if !may_look() {
        return;
    }
    let (_supervisor, client) = client_with(TemplateLimits::default()).await;
    let secret = "a-secret-of-the-configuration-8f1c";
    let vm = client.create_vm(config(json!({ "env": { "SECRET": secret } }))).await.unwrap();
    let (worker, template) = process_of(&vm).await;
    sh(&vm, "echo $SECRET-and-what-the-guest-makes-of-it > file; cat file").await;
    assert!(contains(worker, secret.as_bytes()), "the worker has it, or this test sees nothing");
    assert!(!contains(template, secret.as_bytes()));
    // Whoever comes later has nothing of it either.
    let other = client.create_vm(config(json!({}))).await.unwrap();
    let (sibling, _) = process_of(&other).await;
    assert_ne!(sibling, worker);
    assert!(!contains(sibling, secret.as_bytes()));
}

#[tokio::test]
async fn a_vm_outlives_its_template_and_the_next_gets_another() {
    if !may_look() {
        return;
    }
    let (_supervisor, client) = client_with(TemplateLimits::default()).await;
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let (worker, template) = process_of(&vm).await;
    let killed = std::process::Command::new("kill").args(["-KILL", &template.to_string()]).status().unwrap();
    assert!(killed.success());
    eventually("the template's end", || !processes("cordon-template").contains_key(&template));
    assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
    assert_eq!(sh(&vm, "echo still | tr a-z A-Z").await.stdout.to_text(), "STILL\n");
    // Nobody who makes a VM hears of it.
    let next = client.create_vm(config(json!({}))).await.unwrap();
    assert_eq!(next.evaluate::<u32>("1 + 1").await.unwrap(), 2);
    let mut forked = false;
    for _ in 0..100 {
        let another = client.create_vm(config(json!({}))).await.unwrap();
        assert_eq!(another.evaluate::<u32>("1 + 1").await.unwrap(), 2);
        let launcher = processes("cordon-worker").get(&worker).copied();
        forked = processes("cordon-template").values().any(|parent| Some(*parent) == launcher);
        if forked {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(forked, "another template takes its place");
}

#[tokio::test]
async fn a_template_is_replaced_after_its_number_of_forks() {
    if !may_look() {
        return;
    }
    let (_supervisor, client) = client_with(TemplateLimits { forks: 3, age: Duration::from_secs(600) }).await;
    let first = client.create_vm(config(json!({}))).await.unwrap();
    let (worker, template) = process_of(&first).await;
    let launcher = processes("cordon-worker")[&worker];
    let mut vms = Vec::new();
    for _ in 0..100 {
        vms.push(client.create_vm(config(json!({}))).await.unwrap());
        let templates = processes("cordon-template");
        if templates.iter().any(|(pid, parent)| *parent == launcher && *pid != template)
            && !templates.contains_key(&template)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!processes("cordon-template").contains_key(&template), "the first template is gone");
    for vm in vms.iter().chain([&first]) {
        assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_layout_of_its_own_is_had_by_executing() {
    if !may_look() {
        return;
    }
    let (supervisor, client) = client_with(TemplateLimits::default()).await;
    let own = config(json!({ "engine": { "layout": "own" } }));
    let vm = client.create_vm(own).await.unwrap();
    assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
    assert_eq!(sh(&vm, "echo hi").await.stdout.to_text(), "hi\n");
    let shared = client.create_vm(config(json!({}))).await.unwrap();
    let (sibling, template) = process_of(&shared).await;
    let launcher = processes("cordon-worker")[&sibling];
    let executed: Vec<u32> = processes("cordon-worker-a")
        .into_iter()
        .chain(processes("cordon-worker-w"))
        .filter(|(_, parent)| *parent == launcher)
        .map(|(pid, _)| pid)
        .collect();
    let [executed] = executed[..] else { panic!("one worker was executed: {executed:?}") };
    let stack = |pid: u32| {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        maps.lines().find(|line| line.ends_with("[stack]")).unwrap().split('-').next().unwrap().to_owned()
    };
    assert_eq!(stack(sibling), stack(template));
    assert_ne!(stack(executed), stack(template));
    if supervisor.has_pid_namespace().unwrap() {
        let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).unwrap();
        let all = [executed, sibling, launcher].map(namespace);
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2], "{all:?}");
    }
}

#[tokio::test]
async fn where_no_template_can_be_had_workers_are_executed_and_doctor_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["cordon", "cordon-launcher", "cordon-compiler", "cordon-net", "cordon-worker-wasm", "commands"]
    {
        std::os::unix::fs::symlink(directory().join(name), folder.path().join(name)).unwrap();
    }
    // A worker that is like the installed one, but for that it cannot be a template.
    let worker = folder.path().join("cordon-worker-absent");
    let real = directory().join("cordon-worker-absent");
    let script = format!("#!/bin/sh\n[ \"$1\" != template ] || exit 3\nexec {} \"$@\"\n", real.display());
    std::fs::write(&worker, script).unwrap();
    std::fs::set_permissions(&worker, std::fs::Permissions::from_mode(0o755)).unwrap();

    let supervisor = supervisor_at(Installation::at(folder.path()).unwrap());
    supervisor.warm_up().await;
    let client = Client::connect(&Embedded(supervisor)).await.unwrap();
    for _ in 0..3 {
        let vm = client.create_vm(config(json!({}))).await.unwrap();
        assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
        assert_eq!(sh(&vm, "echo hi | tr h H").await.stdout.to_text(), "Hi\n");
    }
    let doctor = cordon(&["doctor"]).env("CORDON_WORKER_DIR", folder.path()).output().unwrap();
    let said = text(&doctor.stdout);
    assert!(said.contains("workers are executed") && said.contains("exit code 3"), "{said}");
    let usual = text(&cordon(&["doctor"]).output().unwrap().stdout);
    assert!(usual.contains("workers are forked from a template"), "{usual}");
}

#[tokio::test]
async fn a_forked_worker_gets_v8s_helper_thread_once_its_javascript_runs_for_long() {
    if !may_look() {
        return;
    }
    let (_supervisor, client) = client_with(TemplateLimits::default()).await;
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let (worker, template) = process_of(&vm).await;
    let threads = |pid: u32| -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        tasks.map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default()).collect()
    };
    assert_eq!(threads(template).len(), 1, "{:?}", threads(template));
    let helped = |threads: Vec<String>| threads.iter().any(|name| name.starts_with("V8 "));
    let program = "let sum = 0;
        for (let n = 0; n < 3e8; n++) sum = (sum * 31 + n) % 1000003; sum";
    vm.evaluate::<u32>(program).await.unwrap();
    assert!(helped(threads(worker)), "{:?}", threads(worker));

    // One that waits when it is looked at for the first time, as while its context is made.
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let (worker, _) = process_of(&vm).await;
    let waits =
        format!("(async () => {{ await new Promise((done) => setTimeout(done, 60)); {program}; }})()");
    vm.evaluate::<()>(&waits).await.unwrap();
    assert!(helped(threads(worker)), "{:?}", threads(worker));

    // A program in a file has it from its start.
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let (worker, _) = process_of(&vm).await;
    vm.write_file("/tmp/short.mjs", "export {}").await.unwrap();
    vm.execute_file("/tmp/short.mjs", ExecutionOptions::default()).await.unwrap();
    assert!(helped(threads(worker)), "{:?}", threads(worker));
}

/// V8 holds its locks by what it takes for the thread's id. Whether a worker's main thread, which goes on with the one of
/// its template, had the id of its helper depended on which templates there were, and on their order.
#[tokio::test]
async fn collections_and_v8s_helper_exclude_each_other_in_every_worker() {
    let program = "
        const registry = new FinalizationRegistry(() => {});
        await new Promise((done) => setTimeout(done, 20));
        let kept = [];
        for (const began = Date.now(); Date.now() - began < 60; ) {
            const made = { values: [1, 2, 3] };
            kept.push(made);
            if (kept.length % 100 === 0) registry.register(made, 0);
            if (kept.length > 1e5) kept = [];
        }
        console.log('whole')";
    for _ in 0..8 {
        let (_supervisor, client) = client_with(TemplateLimits::default()).await;
        let runs = |platform: &'static str| {
            let client = &client;
            async move {
                for _ in 0..6 {
                    let config = json!({ "platform": platform, "timingMitigation": "off" });
                    let vm = client.create_vm(self::config(config)).await.unwrap();
                    assert_eq!(stdout_of(&vm, program).await, "whole\n");
                    vm.dispose().await.unwrap();
                }
            }
        };
        tokio::join!(runs("neutral"), runs("node"));
    }
}
