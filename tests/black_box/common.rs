//! What the tests share: the built executables and clients to them.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use cordon::client::{Client, Embedded, Error, Execute, Vm};
use cordon::config::CreateVmConfig;
use cordon::supervisor::{Installation, Supervisor, SupervisorOptions, TemplateLimits};
use cordon::wire::{EvaluateOptions, ExecutionOptions, ExecutionResult, Outcome};

/// The folder that `make build` fills.
pub fn directory() -> PathBuf {
    let directory = std::env::var_os("CORDON_WORKER_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/cordon"), PathBuf::from);
    assert!(
        directory.join("cordon").is_file(),
        "{} has no `cordon`: run `make build` first, or `make test`",
        directory.display()
    );
    directory
}

pub fn installation() -> Installation {
    Installation::at(directory()).expect("make build")
}

/// Whether the worker with WebAssembly was built. Where it was not, its tests say loudly that they did not run.
pub fn has_wasm_worker() -> bool {
    let found = installation().wasm_worker().is_some();
    if !found {
        eprintln!("SKIPPED: no worker with WebAssembly is installed ({})", directory().display());
    }
    found
}

/// Likewise for the worker without.
pub fn has_absent_worker() -> bool {
    let found = installation().absent_worker().is_some();
    if !found {
        eprintln!("SKIPPED: no worker without WebAssembly is installed ({})", directory().display());
    }
    found
}

/// An installation that has only the worker with WebAssembly, so that denial is at the level `locked`.
pub fn locked_only() -> Option<(tempfile::TempDir, Installation)> {
    if !has_wasm_worker() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["cordon", "cordon-launcher", "cordon-compiler", "cordon-net", "cordon-worker-wasm", "commands"]
    {
        std::os::unix::fs::symlink(directory().join(name), folder.path().join(name)).unwrap();
    }
    let installation = Installation::at(folder.path()).unwrap();
    Some((folder, installation))
}

/// The installation under test with other command modules: more of them, or others in place of its own.
pub fn installation_with(modules: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Installation) {
    let folder = tempfile::tempdir().unwrap();
    let commands = folder.path().join("commands");
    std::fs::create_dir(&commands).unwrap();
    for (name, module) in modules {
        std::fs::write(commands.join(format!("{name}.wasm")), module).unwrap();
    }
    for (from, to) in [(directory(), folder.path()), (directory().join("commands"), commands.as_path())] {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let link = to.join(entry.file_name());
            if !link.exists() {
                std::os::unix::fs::symlink(entry.path(), link).unwrap();
            }
        }
    }
    let installation = Installation::at(folder.path()).unwrap();
    (folder, installation)
}

pub fn supervisor_at(installation: Installation) -> Supervisor {
    Supervisor::new(SupervisorOptions {
        installation,
        warm: 0,
        templates: Some(TemplateLimits::default()),
        show_worker_stderr: std::env::var_os("CORDON_WORKER_STDERR").is_some(),
        progress: Box::new(|_| {}),
    })
}

/// A client of a supervisor of its own, whose VMs of the default kind are forked.
pub async fn client() -> Client {
    let supervisor = supervisor_at(installation());
    supervisor.warm_up().await;
    Client::connect(&Embedded(supervisor)).await.unwrap()
}

pub fn config(json: serde_json::Value) -> CreateVmConfig {
    CreateVmConfig::from_json(&json).unwrap()
}

/// A VM of its own supervisor.
pub async fn vm(json: serde_json::Value) -> Vm {
    client().await.create_vm(config(json)).await.unwrap()
}

pub async fn default_vm() -> Vm {
    vm(serde_json::json!({})).await
}

/// Runs a module; the output is kept.
pub async fn execute(vm: &Vm, source: &str) -> ExecutionResult {
    vm.execute(source, Execute::default()).await.unwrap()
}

/// Runs TypeScript.
pub async fn execute_with(
    vm: &Vm,
    source: &str,
    evaluate: EvaluateOptions,
    options: ExecutionOptions,
) -> ExecutionResult {
    vm.execute(source, Execute { evaluate, options }).await.unwrap()
}

/// The standard output of a module that must succeed.
pub async fn stdout_of(vm: &Vm, source: &str) -> String {
    let result = execute(vm, source).await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{result:?}");
    result.stdout.to_text()
}

/// Runs a command line in the VM's shell.
pub async fn sh(vm: &Vm, command: &str) -> ExecutionResult {
    vm.spawn("sh", &["-c", command], ExecutionOptions::default()).await.unwrap()
}

/// The error of something that must fail.
pub fn error_of<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    result.expect_err("must fail")
}

/// `cordon` with arguments.
pub fn cordon(arguments: &[&str]) -> Command {
    let mut command = Command::new(directory().join("cordon"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs `cordon` to its end.
pub fn run(arguments: &[&str]) -> Output {
    cordon(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Notes that so many of something were tried, for the table of `scripts/security.sh`: a line in the file that
/// `CORDON_SECURITY_COUNTS` names, if it does.
pub fn count(kind: &str, what: &str, number: usize) {
    let Some(path) = std::env::var_os("CORDON_SECURITY_COUNTS") else { return };
    let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
    // One write, so that lines of tests which run at the same time do not mix.
    std::io::Write::write_all(&mut file, format!("{kind}\t{what}\t{number}\n").as_bytes()).unwrap();
}

/// Waits until something holds; for what other processes do in their own time.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{what} did not come to hold");
}

/// The most memory that a process has ever had resident, in KiB.
pub fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A process below another.
pub struct Descendant {
    pub pid: u32,
    pub parent: u32,
    /// The name that it goes by: a worker has the command line of its template.
    pub name: String,
}

/// The processes below one that have not ended, by /proc.
pub fn descendants(of: u32) -> Vec<Descendant> {
    let all = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (before, after) = stat.rsplit_once(") ")?;
        let mut fields = after.split(' ');
        let is_alive = fields.next()? != "Z";
        let parent = fields.next()?.parse().ok()?;
        is_alive.then(|| Descendant {
            pid,
            parent,
            name: before.split_once('(').unwrap_or_default().1.to_owned(),
        })
    });
    let mut rest: Vec<Descendant> = all.collect();
    let (mut found, mut parents): (Vec<Descendant>, _) = (Vec::new(), vec![of]);
    while let Some(parent) = parents.pop() {
        let children = rest.extract_if(.., |process| process.parent == parent);
        found.extend(children.inspect(|child| parents.push(child.pid)));
    }
    found
}
