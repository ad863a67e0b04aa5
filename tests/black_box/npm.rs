//! npm in a VM: where it is, what the clients' installations do against a registry on this machine's loopback, and the
//! cache of archives that VMs share and none can change.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cordon::client::{InstallOptions, Installation, PackageCache, Vm};
use cordon::wire::{ExecutionOptions, ExecutionResult, Outcome, code};
use serde_json::{Value, json};

use crate::common::{cordon, default_vm, error_of, vm};

/// A registry that runs until it is dropped.
struct Registry {
    program: Child,
    port: u16,
}

impl Registry {
    fn start() -> Registry {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm/registry.mjs");
        let mut program = Command::new("node")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node, which the registry of these tests is a program of");
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Registry { program, port: line.trim().parse().unwrap() }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// A VM that may reach it, with what else is to be said of it.
    async fn vm(&self, more: Value) -> Vm {
        let rule = json!({ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [self.port] });
        let mut config = json!({ "permissions": { "network": { "rules": [rule] } } });
        for (name, value) in more["permissions"].as_object().into_iter().flatten() {
            config["permissions"][name] = value.clone();
        }
        vm(config).await
    }

    fn options(&self, cache: PackageCache) -> InstallOptions {
        InstallOptions { registry: Some(self.url()), cache, ..Default::default() }
    }

    /// How many archives were asked for.
    fn archives(&self) -> u64 {
        let output = Command::new("node")
            .args(["-p", "fetch(process.argv[1]).then((r) => r.text()).then(console.log), ''"])
            .arg(format!("{}-/requests", self.url()))
            .output()
            .unwrap();
        let requests: Value = serde_json::from_slice(&output.stdout).unwrap();
        let archives = requests.as_object().unwrap().iter().filter(|(path, _)| path.ends_with(".tgz"));
        archives.map(|(_, times)| times.as_u64().unwrap()).sum()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn cache() -> (tempfile::TempDir, PackageCache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = PackageCache::Directory(folder.path().join("npm"));
    (folder, cache)
}

/// The archives of a cache.
fn kept(folder: &Path) -> Vec<PathBuf> {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                files(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
    }
    let mut found = Vec::new();
    files(&folder.join("npm/sha512"), &mut found);
    found.sort();
    found
}

fn stderr(result: &ExecutionResult) -> String {
    String::from_utf8_lossy(&result.stderr.0).into_owned()
}

#[track_caller]
fn names(installation: &Installation) -> Vec<String> {
    assert_eq!(installation.result.exit_code, Some(0), "{}", stderr(&installation.result));
    installation.installed.iter().map(|package| format!("{}@{}", package.name, package.version)).collect()
}

/// What a line of the shell prints.
async fn prints(vm: &Vm, line: &str) -> String {
    let result = vm.exec(line, ExecutionOptions::default()).await.unwrap();
    assert_eq!(result.exit_code, Some(0), "{line}: {}", stderr(&result));
    String::from_utf8(result.stdout.0).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn npm_is_a_command_of_every_vm_with_node() {
    let pinned: Value = serde_json::from_str(include_str!("../../guest-shim/npm/package.json")).unwrap();
    let version = pinned["dependencies"]["npm"].as_str().unwrap();
    let vm = default_vm().await;
    assert_eq!(prints(&vm, "npm --version; npx --version").await, format!("{version}\n{version}"));
    let child = "node -p 'child_process.execFileSync(`npm`, [`--version`]).toString()'";
    assert_eq!(prints(&vm, child).await, version);
    let read_only = "touch /usr/lib/node_modules/npm/x 2>&1 | grep -o 'Read-only file system'";
    assert_eq!(prints(&vm, read_only).await, "Read-only file system");

    let folder = tempfile::tempdir().unwrap();
    let program = "console.log(require('child_process').execSync('npm --version').toString().trim())";
    std::fs::write(folder.path().join("main.cjs"), program).unwrap();
    let output = cordon(&["run", folder.path().join("main.cjs").to_str().unwrap()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), version);

    let bare = crate::common::vm(json!({ "platform": "bare" })).await;
    let refused = bare.npm().install(&["words"], InstallOptions::default()).await.unwrap_err();
    assert_eq!(refused.code, code::NOT_INSTALLED);
}

#[tokio::test]
async fn what_is_mounted_where_npm_lies_is_there_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own"), "x").unwrap();
    for guest in ["/usr/lib/node_modules/npm", "/usr/lib/node_modules"] {
        let vm = vm(json!({ "mounts": [{ "host": folder.path(), "guest": guest }] })).await;
        assert_eq!(prints(&vm, &format!("ls {guest}")).await, "own");
    }
    let vm = vm(json!({ "cwd": "/usr/lib/node_modules/npm/bin" })).await;
    assert_eq!(prints(&vm, "ls npm-cli.js").await, "npm-cli.js");
}

#[tokio::test]
async fn packages_come_with_what_they_need_and_run() {
    let registry = Registry::start();
    let (folder, cache) = cache();
    let vm = registry.vm(json!({})).await;
    let installed = vm.npm().install(&["greeter", "tool@^1"], registry.options(cache)).await.unwrap();
    assert_eq!(names(&installed), ["greeter@1.0.0", "tool@1.0.0", "words@1.1.0"]);
    assert_eq!(installed.installed[0].path, "node_modules/greeter");
    assert_eq!((installed.used, installed.added), (0, 3));
    assert_eq!(kept(folder.path()).len(), 3);
    assert_eq!(vm.evaluate::<String>("require('greeter')('you')").await.unwrap(), "good day you");
    assert_eq!(prints(&vm, "npx greet everyone").await, "good day everyone");
    let manifest: Value =
        serde_json::from_slice(&vm.read_file("/workspace/package.json").await.unwrap()).unwrap();
    assert_eq!(manifest["dependencies"], json!({ "greeter": "^1.0.0", "tool": "^1.0.0" }));

    let script = json!({ "scripts": { "say": "greet" }, "dependencies": manifest["dependencies"] });
    vm.write_file("/workspace/package.json", script.to_string()).await.unwrap();
    let options = ExecutionOptions { args: vec!["all".into()], ..Default::default() };
    let ran = vm.npm().run("say", options).await.unwrap();
    assert!(String::from_utf8_lossy(&ran.stdout.0).ends_with("good day all\n"), "{ran:?}");
    let missing = vm.npm().run("nothing", ExecutionOptions::default()).await.unwrap();
    assert!(
        stderr(&missing).contains("Missing script: \"nothing\"") && missing.exit_code == Some(1),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_project_lies_where_the_options_say() {
    let registry = Registry::start();
    let vm = registry.vm(json!({})).await;
    // A project around it is not the one that is meant.
    vm.write_file("/workspace/package.json", "{}").await.unwrap();
    vm.mkdir("/workspace/inner", false).await.unwrap();
    for (cwd, cache) in [("inner", PackageCache::Off), ("/tmp", cache().1)] {
        let mut options = registry.options(cache);
        options.options.cwd = Some(cwd.to_owned());
        assert_eq!(names(&vm.npm().install(&["words@1.0.0"], options).await.unwrap()), ["words@1.0.0"]);
    }
    for path in ["/workspace/inner/node_modules/words/index.js", "/tmp/node_modules/words/index.js"] {
        vm.stat(path).await.unwrap();
    }
    assert_eq!(error_of(vm.stat("/workspace/node_modules").await).code, "ENOENT");
}

#[tokio::test]
async fn scripts_of_packages_run_only_where_that_is_asked_for() {
    let registry = Registry::start();
    for cache in [PackageCache::Off, cache().1] {
        let vm = registry.vm(json!({})).await;
        let project = json!({ "scripts": { "postinstall": "echo ran > /tmp/own" } });
        vm.write_file("/workspace/package.json", project.to_string()).await.unwrap();
        // What the project's own file says does not count.
        let npmrc = "ignore-scripts=false\ndangerously-allow-all-scripts=true\n";
        vm.write_file("/workspace/.npmrc", npmrc).await.unwrap();
        names(&vm.npm().install(&["scripted"], registry.options(cache.clone())).await.unwrap());
        for path in ["/tmp/postinstall", "/tmp/own"] {
            assert_eq!(error_of(vm.stat(path).await).code, "ENOENT", "{path}");
        }
        vm.remove("/workspace/node_modules", true).await.unwrap();
        let options = InstallOptions { allow_scripts: true, ..registry.options(cache) };
        names(&vm.npm().install(&[], options).await.unwrap());
        for path in ["/tmp/postinstall", "/tmp/own"] {
            assert_eq!(vm.read_file(path).await.unwrap(), b"ran\n", "{path}");
        }
    }
}

#[tokio::test]
async fn exactly_what_a_lockfile_names_is_installed_or_nothing() {
    let registry = Registry::start();
    let vm = registry.vm(json!({})).await;
    let (_folder, cache) = cache();
    let only = || InstallOptions { lockfile_only: true, ..registry.options(cache.clone()) };
    let both = vm.npm().install(&["words"], only()).await.unwrap_err();
    assert_eq!(both.code, code::CONFIG);
    vm.write_file("/workspace/package.json", r#"{ "dependencies": { "words": "^1.0.0" } }"#).await.unwrap();
    let none = vm.npm().install(&[], only()).await.unwrap();
    assert!(
        none.result.exit_code == Some(1) && stderr(&none.result).contains("package-lock.json"),
        "{none:?}"
    );

    // A version that would not be chosen today.
    let old = InstallOptions { min_release_age: Some(7), ..registry.options(cache.clone()) };
    assert_eq!(names(&vm.npm().install(&[], old).await.unwrap()), ["words@1.0.0"]);
    vm.remove("/workspace/node_modules", true).await.unwrap();
    assert_eq!(names(&vm.npm().install(&[], only()).await.unwrap()), ["words@1.0.0"]);
    vm.write_file("/workspace/package.json", r#"{ "dependencies": { "words": "1.1.0" } }"#).await.unwrap();
    let differs = vm.npm().install(&[], only()).await.unwrap();
    assert!(differs.result.exit_code == Some(1) && differs.installed.is_empty(), "{differs:?}");
    assert!(
        stderr(&differs.result).contains("lock file's words@1.0.0 does not satisfy words@1.1.0"),
        "{differs:?}"
    );
}

#[tokio::test]
async fn what_is_for_development_alone_can_be_left_out() {
    let registry = Registry::start();
    let vm = registry.vm(json!({})).await;
    let project = json!({ "dependencies": { "words": "1.0.0" }, "devDependencies": { "tool": "1.0.0" } });
    vm.write_file("/workspace/package.json", project.to_string()).await.unwrap();
    let options = InstallOptions { omit_dev: true, ..registry.options(cache().1) };
    assert_eq!(names(&vm.npm().install(&[], options).await.unwrap()), ["words@1.0.0"]);
}

#[tokio::test]
async fn an_archive_with_another_digest_is_refused() {
    let registry = Registry::start();
    let (folder, cache) = cache();
    let vm = registry.vm(json!({})).await;
    let refused = vm.npm().install(&["swapped"], registry.options(cache)).await.unwrap();
    assert!(
        refused.result.exit_code == Some(1) && stderr(&refused.result).contains("EINTEGRITY"),
        "{refused:?}"
    );
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_registry_that_is_denied_is_told_with_its_rule() {
    let registry = "http://registry.example/";
    let options =
        || InstallOptions { registry: Some(registry.into()), cache: cache().1, ..Default::default() };
    let denied = default_vm().await.npm().install(&["words"], options()).await.unwrap();
    let text = stderr(&denied.result);
    assert!(denied.result.exit_code == Some(1) && text.contains("EACCES"), "{text}");
    assert!(text.contains("permissions.network allows nothing beyond this VM"), "{text}");

    let rules = json!([{ "mode": "deny", "hosts": ["registry.example"] }]);
    let vm = vm(json!({ "permissions": { "network": { "rules": rules, "default": "allow" } } })).await;
    let denied = vm.npm().install(&["words"], options()).await.unwrap();
    let text = stderr(&denied.result);
    assert!(text.contains("is refused by permissions.network.rules[0]"), "{text}");
    let mut short = options();
    short.options.timeout_ms = Some(1);
    let late = vm.npm().install(&["words"], short).await.unwrap();
    assert_eq!(late.result.outcome, Outcome::TimedOut);
    let scheme = InstallOptions { registry: Some("file:///etc".into()), ..Default::default() };
    assert_eq!(vm.npm().install(&["words"], scheme).await.unwrap_err().code, code::CONFIG);
}

#[tokio::test]
async fn the_next_vm_downloads_no_archive_again() {
    let registry = Registry::start();
    let (folder, cache) = cache();
    for (used, added) in [(0, 2), (2, 0)] {
        let vm = registry.vm(json!({})).await;
        let installed = vm.npm().install(&["greeter"], registry.options(cache.clone())).await.unwrap();
        assert_eq!(names(&installed), ["greeter@1.0.0", "words@1.1.0"]);
        assert_eq!((installed.used, installed.added), (used, added));
        assert_eq!(registry.archives(), 2);
        assert_eq!(vm.evaluate::<String>("require('greeter')('you')").await.unwrap(), "good day you");
    }
    // One that was damaged there is downloaded anew, and kept in its place.
    let damaged = &kept(folder.path())[0];
    std::fs::remove_file(damaged).unwrap();
    std::fs::write(damaged, "something else").unwrap();
    let vm = registry.vm(json!({})).await;
    let installed = vm.npm().install(&["greeter"], registry.options(cache)).await.unwrap();
    assert_eq!((names(&installed).len(), installed.used, installed.added), (2, 1, 1));
    assert_eq!(registry.archives(), 3);
    assert_ne!(std::fs::read(damaged).unwrap(), b"something else");
}

#[tokio::test]
async fn nothing_that_a_vm_does_to_its_own_cache_reaches_another() {
    let registry = Registry::start();
    let in_cache = "cd ~/.npm/_cacache/content-v2 && for f in $(find sha512 -type f); do";
    let attacks = [
        "printf x >> $f",
        "printf other > $f",
        "ln -sf /etc/passwd $f",
        "rm $f && mkdir $f",
        "rm $f && mkfifo $f",
        "truncate -s 300M $f",
    ];
    let vm = registry.vm(json!({})).await;
    for attack in attacks {
        // Where nothing is left to install, npm does not look at its cache.
        names(&vm.npm().install(&["words"], registry.options(PackageCache::Off)).await.unwrap());
        prints(&vm, &format!("{in_cache} {attack}; done")).await;
        let (folder, cache) = cache();
        let installed = vm.npm().install(&[], registry.options(cache)).await.unwrap();
        assert_eq!((names(&installed).len(), installed.added), (1, 0), "{attack}");
        assert_eq!(kept(folder.path()), [] as [PathBuf; 0], "{attack}");
        prints(&vm, "rm -rf ~/.npm node_modules package.json package-lock.json").await;
    }

    // A lockfile that names a file by another's digest, and one that names what is no archive at all.
    let (folder, cache) = cache();
    let secret = "printf secret > /tmp/s && node -p 'crypto.hash(`sha512`, `secret`, `base64`)'";
    let digest = prints(&vm, secret).await;
    let lockfile = json!({ "name": "p", "lockfileVersion": 3, "packages": {
        "": { "name": "p", "dependencies": { "words": "1.0.0" } },
        "node_modules/words": { "version": "1.0.0", "integrity": format!("sha512-{digest}") },
    }});
    vm.write_file("/workspace/package.json", r#"{ "dependencies": { "words": "1.0.0" } }"#).await.unwrap();
    vm.write_file("/workspace/package-lock.json", lockfile.to_string()).await.unwrap();
    let options = InstallOptions { lockfile_only: true, ..registry.options(cache) };
    let refused = vm.npm().install(&[], options).await.unwrap();
    assert!(stderr(&refused.result).contains("EINTEGRITY") && refused.added == 0, "{refused:?}");
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn packages_are_installed_where_npm_has_no_cache() {
    let registry = Registry::start();
    let (_folder, cache) = cache();
    let first = registry.vm(json!({})).await;
    names(&first.npm().install(&["greeter"], registry.options(cache.clone())).await.unwrap());
    let rule =
        json!({ "mode": "deny", "operations": ["write", "create"], "paths": ["/home/user/.npm{,/**}"] });
    let vm = registry.vm(json!({ "permissions": { "fs": { "default": "allow", "rules": [rule] } } })).await;
    let elsewhere = registry.vm(json!({})).await;
    elsewhere.mkdir("/home/user/.npm/_cacache", true).await.unwrap();
    elsewhere.write_file("/home/user/.npm/_cacache/content-v2", "in the way").await.unwrap();
    for vm in [vm, elsewhere] {
        let installed = vm.npm().install(&["greeter"], registry.options(cache.clone())).await.unwrap();
        assert_eq!((names(&installed).len(), installed.used), (2, 2));
        prints(&vm, "test -d /tmp/.npm/_cacache").await;
    }
}

#[tokio::test]
async fn a_program_that_needs_little_of_its_heap_is_not_told_of_the_first_part_of_it() {
    let vm = default_vm().await;
    let limit: u64 = prints(&vm, "node -p 'v8.getHeapStatistics().heap_size_limit'").await.parse().unwrap();
    assert!(limit >= 256 << 20, "{limit}");
}
