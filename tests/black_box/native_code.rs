//! Where the native code of commands comes from, and what is said where it does not come.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use cordon::client::{Client, Embedded, Vm};
use cordon::supervisor::{Installation, Supervisor, SupervisorOptions, TemplateLimits};
use cordon::wire::{ExecutionOptions, code};
use serde_json::{Value, json};

use crate::common::{config, cordon, directory, error_of, installation_with, sh, supervisor_at, text};

/// The installation under test with two commands that are soon compiled: `sh`, and `quiet`, which does nothing.
static SMALL: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let commands = folder.path().join("commands");
    std::fs::create_dir(&commands).unwrap();
    let links =
        ["cordon", "cordon-launcher", "cordon-worker-absent", "cordon-worker-wasm", "commands/sh.wasm"];
    for link in links.into_iter().filter(|link| directory().join(link).exists()) {
        std::os::unix::fs::symlink(directory().join(link), folder.path().join(link)).unwrap();
    }
    std::fs::write(commands.join("quiet.wasm"), quiet()).unwrap();
    folder
});

fn quiet() -> Vec<u8> {
    wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start")))"#).unwrap()
}

/// `cordon` in a process that knows no folder for a cache but this one.
fn cordon_with(cache: Option<&Path>, arguments: &[&str]) -> Command {
    let mut command = cordon(arguments);
    command.env("CORDON_WORKER_DIR", SMALL.path());
    for name in ["HOME", "XDG_CACHE_HOME", "CORDON_CACHE_DIR"] {
        command.env_remove(name);
    }
    if let Some(cache) = cache {
        command.env("CORDON_CACHE_DIR", cache);
    }
    command
}

fn doctor(cache: Option<&Path>) -> (Value, String) {
    let json = cordon_with(cache, &["doctor", "--json"]).output().unwrap().stdout;
    let human = text(&cordon_with(cache, &["doctor"]).output().unwrap().stdout);
    let findings: Value = serde_json::from_slice(&json).unwrap();
    (findings["commandCache"].clone(), human)
}

#[test]
fn without_a_place_for_a_cache_commands_are_compiled_into_memory() {
    let output = cordon_with(None, &["sh", "-c", "echo works; exit 3"]).output().unwrap();
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("works\n", Some(3)), "{output:?}");
    let (cache, human) = doctor(None);
    assert_eq!((&cache["usable"], &cache["directory"]), (&json!(true), &Value::Null), "{cache}");
    assert!(human.contains("held in memory") && human.contains("set CORDON_CACHE_DIR"), "{human}");
    // Nor where the folder that is named cannot be made.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = cordon_with(Some(&file.join("x")), &["sh", "-c", "echo works"]).output().unwrap();
    assert_eq!(text(&output.stdout), "works\n", "{output:?}");
    assert_eq!(doctor(Some(&file.join("x"))).0["usable"], true);
}

#[test]
fn a_cache_that_others_may_write_to_is_not_used_and_commands_run_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let commands = folder.path().join("commands");
    std::fs::create_dir(&commands).unwrap();
    std::fs::set_permissions(&commands, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = cordon_with(Some(folder.path()), &["sh", "-c", "echo works"]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(text(&output.stdout), "works\n", "{said}");
    assert!(said.contains("others may write to it (mode 777)"), "{said}");
    assert!(said.contains(commands.to_str().unwrap()) && said.contains("CORDON_CACHE_DIR"), "{said}");
    assert_eq!(std::fs::read_dir(&commands).unwrap().count(), 0);
    let (cache, human) = doctor(Some(folder.path()));
    assert_eq!((&cache["usable"], &cache["directory"]), (&json!(true), &Value::Null), "{cache}");
    assert!(human.contains("held in memory") && human.contains("others may write to it"), "{human}");
    // Mended, it works.
    std::fs::set_permissions(&commands, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(doctor(Some(folder.path())).0["directory"], commands.to_str().unwrap());
}

/// Runs a shell command in a mount namespace, with a folder that is a filesystem of its own with these options; `$0` is
/// `cordon` and `$1` the folder, which is its cache as well.
fn on_a_filesystem(options: &str, command: &str) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {options} none \"$1\" || exit 77; {command}");
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount]);
    unshare.arg(directory().join("cordon")).arg(folder.path()).env("CORDON_CACHE_DIR", folder.path());
    unshare.env("CORDON_WORKER_DIR", SMALL.path());
    let output = unshare.output().ok()?;
    let is_refused = output.status.code() == Some(77) || text(&output.stderr).contains("unshare:");
    (!is_refused).then_some(output)
}

#[test]
fn a_full_disk_and_one_that_may_not_be_written_to_keep_nobody_from_running_commands() {
    let run = "\"$0\" sh -c 'echo works'; \"$0\" doctor";
    let Some(full) = on_a_filesystem("size=64k", run) else {
        eprintln!("SKIPPED: no filesystem can be mounted here");
        return;
    };
    let (said, told) = (text(&full.stderr), text(&full.stdout));
    assert!(told.starts_with("works\n"), "{told}{said}");
    assert!(said.contains("No space left") && said.contains("CORDON_CACHE_DIR"), "{said}");

    // What was kept before is used.
    let run = "\"$0\" sh -c 'echo one' && mount -o remount,ro \"$1\" && echo >&2 between && \"$0\" sh -c 'echo two; quiet'
        \"$0\" doctor";
    let read_only = on_a_filesystem("size=64m", run).unwrap();
    let (said, told) = (text(&read_only.stderr), text(&read_only.stdout));
    assert!(told.starts_with("one\ntwo\n"), "{told}{said}");
    let after = said.split("between").nth(1).unwrap();
    assert!(!after.contains("compiling sh") && after.contains("compiling quiet"), "{said}");
    assert!(after.contains("Read-only file system"), "{said}");
    assert!(told.contains("cannot be kept in") && told.contains("Read-only file system"), "{told}");
}

/// A VM with a module that is none, and how often the compiler was started for it.
async fn broken() -> (tempfile::TempDir, Arc<AtomicUsize>, Vm) {
    let (folder, _) = installation_with(&[("broken", b"this is no module".to_vec())]);
    let tried = Arc::new(AtomicUsize::new(0));
    let counted = tried.clone();
    let supervisor = Supervisor::new(SupervisorOptions {
        installation: Installation::at(folder.path()).unwrap(),
        warm: 0,
        templates: Some(TemplateLimits::default()),
        show_worker_stderr: false,
        progress: Box::new(move |progress| {
            if format!("{progress:?}").starts_with("Compiling { name: \"broken\"") {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }),
    });
    let client = Client::connect(&Embedded(supervisor)).await.unwrap();
    (folder, tried, client.create_vm(config(json!({}))).await.unwrap())
}

#[tokio::test]
async fn a_command_without_native_code_says_why_to_whoever_started_it() {
    let (folder, tried, vm) = broken().await;
    for _ in 0..2 {
        let error = error_of(vm.spawn("broken", &[], ExecutionOptions::default()).await);
        assert_eq!(error.code, code::NOT_INSTALLED, "{error:?}");
        assert!(error.message.contains("broken is no WebAssembly module"), "{error:?}");
        assert!(error.hint.is_some(), "{error:?}");
    }
    // Started by a guest it says so on its standard error, without naming what is the host's.
    let result = sh(&vm, "broken; echo $?").await;
    assert_eq!(result.stdout.to_text(), "126\n");
    let said = result.stderr.to_text();
    assert!(said.contains("broken is no WebAssembly module"), "{said}");
    assert!(!said.contains(folder.path().to_str().unwrap()), "{said}");
    assert_eq!(tried.load(Ordering::Relaxed), 1, "what takes long was tried again");
    // Whoever mends it need not wait, nor make another VM.
    std::fs::write(folder.path().join("commands/broken.wasm"), quiet()).unwrap();
    let mended = vm.spawn("broken", &[], ExecutionOptions::default()).await.unwrap();
    assert_eq!(mended.exit_code, Some(0), "{mended:?}");
}

#[tokio::test]
async fn where_jit_is_denied_every_installed_command_is_there_before_the_vm_and_says_why_if_not() {
    let modules = [("broken", b"this is no module".to_vec()), ("quiet", quiet())];
    let (_folder, installation) = installation_with(&modules);
    let supervisor = supervisor_at(installation);
    let client = Client::connect(&Embedded(supervisor.clone())).await.unwrap();
    let denied = json!({ "permissions": { "jit": "deny" } });
    let probe = supervisor.probe(&config(denied.clone())).await.unwrap();
    assert!(probe.forked.is_ok(), "{:?}", probe.forked);
    // Forked from a template, and executed.
    let own = json!({ "permissions": { "jit": "deny" }, "engine": { "layout": "own" } });
    for json in [denied, own] {
        let vm = client.create_vm(config(json)).await.unwrap();
        let ran = vm.spawn("quiet", &[], ExecutionOptions::default()).await.unwrap();
        assert_eq!(ran.exit_code, Some(0), "{ran:?}");
        assert_eq!(sh(&vm, "quiet && seq 3 | tail -n 1").await.stdout.to_text(), "3\n");
        let error = error_of(vm.spawn("broken", &[], ExecutionOptions::default()).await);
        assert_eq!(error.code, code::NOT_INSTALLED, "{error:?}");
        assert!(error.message.contains("broken is no WebAssembly module"), "{error:?}");
    }
}

#[tokio::test]
async fn a_command_that_is_loaded_late_has_its_data_although_a_worker_makes_no_file_for_it() {
    // Exits with what its data says, in the place where it says it.
    let module = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 4) (data (i32.const 196600) "\2a")
        (func (export "_start") (call $exit (i32.load8_u (i32.const 196600)))))"#;
    let (_folder, installation) = installation_with(&[("late", wat::parse_str(module).unwrap())]);
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    for layout in ["shared", "own"] {
        let vm = client.create_vm(config(json!({ "engine": { "layout": layout } }))).await.unwrap();
        for _ in 0..3 {
            let ran = vm.spawn("late", &[], ExecutionOptions::default()).await.unwrap();
            assert_eq!(ran.exit_code, Some(42), "{ran:?}");
        }
    }
}

/// What `doctor` says of the library's code where workers may make machine code, in an installation of copies of the worker.
fn library_code(folder: &Path) -> (Value, String) {
    let with = |arguments: &[&str]| {
        let output = cordon(arguments).env("CORDON_WORKER_DIR", folder).output().unwrap();
        text(&output.stdout)
    };
    let findings: Value = serde_json::from_str(&with(&["doctor", "--json"])).unwrap();
    (findings["profiles"][0].clone(), with(&["doctor"]))
}

#[test]
fn the_librarys_compiled_code_is_used_where_it_fits_and_told_of_where_it_does_not() {
    if !directory().join("cordon-worker-absent").is_file() {
        return;
    }
    let (profile, human) = library_code(&directory());
    assert_eq!(profile["libraryCode"], json!(true), "{profile}");
    assert!(human.contains("the library's code is compiled"), "{human}");
    let whole = std::fs::read(directory().join("cordon-worker-absent.library")).unwrap();

    let folder = tempfile::tempdir().unwrap();
    for name in ["cordon", "cordon-launcher"] {
        std::os::unix::fs::symlink(directory().join(name), folder.path().join(name)).unwrap();
    }
    // A link would lead to what lies beside the worker itself.
    std::fs::copy(directory().join("cordon-worker-absent"), folder.path().join("cordon-worker-absent"))
        .unwrap();
    let file = folder.path().join("cordon-worker-absent.library");
    let program = || {
        let output = cordon(&["node", "-p", "require('path').join('a', 'b')"])
            .env("CORDON_WORKER_DIR", folder.path())
            .output()
            .unwrap();
        assert_eq!(text(&output.stdout), "a/b\n", "{}", text(&output.stderr));
    };
    let mut damaged = whole.clone();
    for at in (4096..damaged.len()).step_by(512) {
        damaged[at] ^= 0x55;
    }
    let jitless = std::fs::read(directory().join("cordon-worker-absent.library-jitless")).unwrap();
    let cases: [(Option<&[u8]>, &str); 6] = [
        (None, "No such file"),
        (Some(b""), "end of file"),
        (Some(b"not a library"), "damaged"),
        (Some(&whole[..whole.len() / 2]), "damaged"),
        (Some(&damaged), "damaged"),
        // Other flags of V8's.
        (Some(&jitless), "another worker"),
    ];
    for (contents, expected) in cases {
        if let Some(contents) = contents {
            std::fs::write(&file, contents).unwrap();
        }
        let (profile, human) = library_code(folder.path());
        assert_eq!(profile["libraryCode"], json!(false), "{expected}: {profile}");
        let why = profile["noLibraryCode"]["message"].as_str().unwrap();
        assert!(why.contains(expected) && human.contains(expected), "{expected}: {why}");
        program();
    }
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(library_code(folder.path()).0["libraryCode"], json!(true));
    program();
}
