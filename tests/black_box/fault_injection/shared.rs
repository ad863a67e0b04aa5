//! A sidecar on a socket that faults are injected into, and what is looked at afterwards.

use std::future::Future;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cordon::client::{Client, Error, Socket, Vm};
use cordon::wire::code;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::common::{config, descendants, directory, eventually};

/// The longest that anything here may take before it counts as hanging. What the supervisor waits for itself is at
/// most 30 s.
const HANGS: Duration = Duration::from_secs(90);

/// Codes that a failure may have: those of docs/wire.md which tell of a VM or a connection that ended, or of a limit.
const TYPED: [&str; 9] = [
    code::CANCELLED,
    code::DISCONNECTED,
    code::LIMIT,
    code::NOT_FOUND,
    code::NOT_INSTALLED,
    code::OUT_OF_MEMORY,
    code::TIMED_OUT,
    code::UNRESPONSIVE,
    code::WORKER_LOST,
];

/// A sidecar of a test's own, with one client that keeps a VM all the time.
pub struct Shared {
    process: Child,
    folder: tempfile::TempDir,
}

impl Shared {
    /// With these arguments of `cordon serve` besides.
    pub fn start(arguments: &[&str]) -> Shared {
        let mut serve = Command::new(directory().join("cordon"));
        serve.arg("serve").args(arguments);
        Shared::started_by(serve)
    }

    /// By a command that `--socket PATH` is added to.
    pub fn started_by(mut serve: Command) -> Shared {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let process =
            serve.arg("--socket").arg(&path).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("the socket", || path.exists());
        Shared { process, folder }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    pub async fn client(&self) -> Client {
        within("connecting", Client::connect(&Socket { path: self.socket() })).await.unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The processes beneath it whose name begins with this.
    pub fn processes(&self, name: &str) -> Vec<u32> {
        let all = descendants(self.pid()).into_iter();
        all.filter(|process| process.name.starts_with(name)).map(|process| process.pid).collect()
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// What it has resident now, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until its processes of that name are so many again.
    pub async fn settles_at(&self, name: &str, number: usize, when: &str) {
        let found = || self.processes(name).len();
        until(&format!("{when}: {number} of {name}"), || found() == number).await;
    }

    /// How many descriptors it has open once it has opened what it opens once, the native code of commands, and has so
    /// many workers.
    pub async fn settled_descriptors(&self, workers: usize) -> usize {
        let client = self.client().await;
        let vm = create(&client).await.unwrap();
        within("a command", vm.spawn("true", &[], Default::default())).await.unwrap();
        drop((vm, client));
        self.settles_at("cordon-worker", workers, "before").await;
        // The template is begun beside the first VM, and so is what it needs.
        until("a template", || !self.processes("cordon-template").is_empty()).await;
        let (mut number, mut since) = (self.descriptors(), Instant::now());
        until("as many descriptors for a while", || {
            let now = self.descriptors();
            if now != number {
                (number, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_millis(500)
        })
        .await;
        number
    }

    /// Waits until it has no more descriptors open than before.
    pub async fn closes_down_to(&self, descriptors: usize, when: &str) {
        until(&format!("{when}: {descriptors} descriptors"), || self.descriptors() <= descriptors).await;
    }

    /// Ends it, and sees that nothing of it stays.
    pub async fn end(mut self) {
        let all: Vec<u32> = descendants(self.pid()).iter().map(|process| process.pid).collect();
        let _ = self.process.kill();
        self.process.wait().unwrap();
        until("the end of all its processes", || all.iter().all(|pid| !is_alive(*pid))).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A VM that is to notice nothing.
pub struct Neighbour {
    vm: Vm,
    _client: Client,
}

impl Neighbour {
    pub async fn beside(shared: &Shared) -> Neighbour {
        let client = shared.client().await;
        let vm = create(&client).await.unwrap();
        Neighbour { vm, _client: client }
    }

    /// Its worker: without that it does not answer.
    pub async fn worker(&self, shared: &Shared) -> u32 {
        let mut workers = shared.processes("cordon-worker");
        // It was there before the others, as a rule, and each of them is let go on as soon as it answers without.
        workers.sort_unstable();
        for worker in workers.into_iter().rev() {
            signal(worker, Signal::STOP);
            let answer = tokio::time::timeout(Duration::from_secs(3), self.vm.evaluate::<u32>("1")).await;
            signal(worker, Signal::CONT);
            if answer.is_err() {
                return worker;
            }
        }
        panic!("no worker is the neighbour's");
    }

    pub async fn notices_nothing(&self, what: &str) {
        let value = within(what, self.vm.evaluate::<u32>("6 * 7")).await;
        assert_eq!(value.unwrap(), 42, "{what}");
    }

    /// What it is told once it cannot go on.
    pub async fn is_told(&self, what: &str) -> Error {
        within(what, self.vm.evaluate::<u32>("6 * 7")).await.expect_err(what)
    }
}

pub async fn create(client: &Client) -> Result<Vm, Error> {
    within("creating a VM", client.create_vm(config(json!({})))).await
}

/// What comes of a future that must not hang.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(HANGS, future).await;
    result.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let comes = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(what, comes).await;
}

/// Sees that a failure is one of those that callers know.
pub fn assert_typed(what: &str, error: &Error) {
    assert!(TYPED.contains(&error.code.as_str()) && !error.guest, "{what}: {error:?}");
}

pub fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

/// Sends a signal; one that has ended meanwhile is left alone.
pub fn signal(pid: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), signal);
}
