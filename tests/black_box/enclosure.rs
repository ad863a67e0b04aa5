//! What encloses a worker, seen from outside.

use crate::common::{cordon, default_vm, descendants, directory, eventually, run, sh, text};

#[test]
fn doctor_lists_the_layers_and_what_the_host_lacks() {
    let output = run(&["doctor", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers = findings["profiles"][0]["enclosure"]["layers"].as_array().unwrap();
    let layer =
        |name: &str| layers.iter().find(|layer| layer["name"] == name).unwrap_or_else(|| panic!("{name}"));
    for required in ["seccomp", "no new privileges", "resource limits", "descriptors", "not dumpable"] {
        assert!(layer(required)["missing"].is_null(), "{required}");
    }
    assert!(
        layers
            .iter()
            .all(|layer| layer["missing"].is_null() || !layer["missing"].as_str().unwrap().is_empty())
    );
    let human = text(&cordon(&["doctor"]).output().unwrap().stdout);
    assert!(human.contains("seccomp") && human.contains("WebAssembly") && !human.contains('\x1b'), "{human}");
}

/// The worker processes that this test's VMs have, by /proc.
fn workers() -> Vec<std::path::PathBuf> {
    let folder = directory().canonicalize().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let command = std::fs::read(path.join("cmdline")).ok()?;
            let executable = command.split(|byte| *byte == 0).next()?;
            let name = std::path::Path::new(std::str::from_utf8(executable).ok()?);
            (name.parent()? == folder && name.file_name()?.to_str()?.starts_with("cordon-worker"))
                .then_some(path)
        })
        .collect()
}

#[tokio::test]
async fn a_worker_has_one_channel_no_privileges_and_no_environment() {
    let vm = default_vm().await;
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
    let workers = workers();
    assert!(!workers.is_empty());
    let mut claimed = 0;
    for worker in workers {
        // Other tests' workers come and go.
        let Ok(status) = std::fs::read_to_string(worker.join("status")) else { continue };
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|rest| rest.trim_start_matches(':').trim().to_owned())
        };
        if field("Seccomp").as_deref() != Some("2") {
            // Still starting.
            continue;
        }
        assert_eq!(field("NoNewPrivs").as_deref(), Some("1"));
        assert_eq!(field("CapEff").as_deref(), Some("0000000000000000"));
        assert_eq!(field("CapPrm").as_deref(), Some("0000000000000000"));
        if let Ok(environment) = std::fs::read(worker.join("environ")) {
            assert!(environment.iter().all(|byte| *byte == 0), "{}", text(&environment));
        }
        let mut waits = false;
        if let Ok(descriptors) = std::fs::read_dir(worker.join("fd")) {
            for descriptor in descriptors.flatten() {
                let Ok(target) = std::fs::read_link(descriptor.path()) else { continue };
                let target = target.to_string_lossy().into_owned();
                // A worker that no VM has yet will ask how much memory it has, of itself and when it is claimed.
                if target.starts_with("/proc/") && target.ends_with("/status") {
                    waits = true;
                    continue;
                }
                let own = target.starts_with("socket:")
                    || target.starts_with("anon_inode:")
                    || target.starts_with("/dev/null")
                    || target.ends_with(".cwasm")
                    || target.starts_with("pipe:")
                    || target.starts_with("/memfd:");
                assert!(own, "{target}");
            }
        }
        claimed += usize::from(!waits);
    }
    assert!(claimed > 0, "no worker of a VM was fully enclosed");
}

#[tokio::test]
async fn a_worker_has_no_network_and_an_empty_root() {
    let vm = default_vm().await;
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
    let own = |name: &str| std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
    let mut apart = 0;
    for worker in workers() {
        let Ok(network) = std::fs::read_link(worker.join("ns/net")) else { continue };
        if network == own("net") {
            continue;
        }
        let Ok(root) = std::fs::read_dir(worker.join("root")) else { continue };
        if std::fs::read_link(worker.join("ns/mnt")).is_ok_and(|mount| mount != own("mnt"))
            && root.count() == 0
        {
            apart += 1;
        }
    }
    let doctor: serde_json::Value = serde_json::from_slice(&run(&["doctor", "--json"]).stdout).unwrap();
    let held = |name: &str| {
        doctor["profiles"][0]["enclosure"]["layers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|l| l["name"] == name && l["missing"].is_null())
    };
    assert!(apart > 0 || !(held("network namespace") && held("mount namespace")));
}

/// Runs something in a user namespace that lets nobody make another: a host as hardened ones are.
fn without_namespaces(arguments: &[&str]) -> Option<std::process::Output> {
    let allow_none = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", allow_none])
        .arg(directory().join("cordon"))
        .args(arguments)
        .output()
        .ok()?;
    let told = text(&output.stderr);
    let is_refused = told.contains("unshare:") || told.contains("/proc/sys/user/max_user_namespaces");
    (!is_refused).then_some(output)
}

#[test]
fn a_vm_gets_the_enclosure_that_it_asks_for_or_is_not_created() {
    let findings: serde_json::Value = serde_json::from_slice(&run(&["doctor", "--json"]).stdout).unwrap();
    let layers = findings["profiles"][0]["enclosure"]["layers"].as_array().unwrap();
    let is_whole = layers.iter().all(|layer| layer["missing"].is_null() && layer["partial"].is_null());
    let evaluated = |level| run(&["eval", "--require-enclosure", level, "1"]).status.success();
    assert_eq!(evaluated("full"), is_whole);
    assert!(evaluated("strong") && evaluated("any"));

    let Some(full) = without_namespaces(&["eval", "--require-enclosure", "full", "1"]) else {
        eprintln!("SKIPPED: no user namespace can be made here, so none can be taken away");
        return;
    };
    let told = text(&full.stderr);
    assert!(!full.status.success() && told.contains("engine.enclosure"), "{told}");
    assert!(told.contains("user namespace (") && told.contains("PID namespace ("), "{told}");
    let any = without_namespaces(&["eval", "--require-enclosure", "any", "1"]).unwrap();
    assert_eq!(text(&any.stdout), "1\n", "{}", text(&any.stderr));
    // The default holds where Landlock keeps files away.
    let landlock = layers.iter().any(|layer| layer["name"] == "Landlock" && layer["missing"].is_null());
    let strong = without_namespaces(&["eval", "1"]).unwrap();
    assert_eq!(strong.status.success(), landlock, "{}", text(&strong.stderr));
}

#[test]
fn a_worker_has_few_threads_or_says_why_they_are_not_limited() {
    use std::os::unix::process::CommandExt;
    // Root is exempt from the limit, so that a user without rights is tried as well.
    let users: &[Option<u32>] =
        if rustix::process::geteuid().is_root() { &[None, Some(65534)] } else { &[None] };
    for user in users {
        let home = tempfile::tempdir().unwrap();
        let as_user = |arguments: &[&str]| {
            let mut command = cordon(arguments);
            command.env_remove("XDG_CACHE_HOME").env_remove("CORDON_CACHE_DIR").env("HOME", home.path());
            if let Some(user) = *user {
                std::os::unix::fs::chown(home.path(), Some(user), Some(user)).unwrap();
                command.uid(user).gid(user);
            }
            command
        };
        let mut running = as_user(&["eval", "for (;;);"]).spawn().unwrap();
        let mut workers = Vec::new();
        eventually("a worker that runs", || {
            workers = descendants(running.id());
            workers.retain(|process| process.name.starts_with("cordon-worker"));
            !workers.is_empty()
        });
        let limits = || std::fs::read_to_string(format!("/proc/{}/limits", workers[0].pid)).unwrap();
        let has_limit = || {
            let limits = limits();
            let line = limits.lines().find(|line| line.starts_with("Max processes")).unwrap().to_owned();
            line.split_whitespace().skip(2).take(2).all(|limit| limit == "64")
        };
        let json = as_user(&["doctor", "--json"]).output().unwrap().stdout;
        let findings: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let layers = findings["profiles"][0]["enclosure"]["layers"].as_array().unwrap();
        let of_threads = layers.iter().find(|layer| layer["name"] == "resource limits").unwrap();
        match of_threads["partial"].as_str() {
            None => eventually("the limit", has_limit),
            Some(why) => assert!(why.starts_with("threads are not limited: ") && !has_limit(), "{why}"),
        }
        eprintln!("as user {user:?}: {of_threads}");
        running.kill().unwrap();
        running.wait().unwrap();
    }
}

#[tokio::test]
async fn a_worker_has_the_threads_that_are_known_and_no_other() {
    let vm = default_vm().await;
    vm.evaluate::<u32>("let sum = 0; for (let i = 0; i < 3e7; i++) sum = (sum + i) % 7; sum").await.unwrap();
    assert_eq!(sh(&vm, "seq 3 | tail -n 1").await.stdout.to_text(), "3\n");
    let mut workers = descendants(std::process::id());
    workers.retain(|process| process.name == "cordon-worker");
    let mut most = Vec::new();
    for worker in workers {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", worker.pid)) else { continue };
        let named =
            threads.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        let named: Vec<String> = named.map(|name| name.trim().to_owned()).collect();
        for name in &named {
            let known = ["cordon-worker", "io", "calls", "commands", "ticks"];
            assert!(known.contains(&name.as_str()) || name.starts_with("V8 "), "{named:?}");
        }
        if named.len() > most.len() {
            most = named;
        }
    }
    assert!((6..=7).contains(&most.len()), "{most:?}");
}
