//! `kill -9` of each process, at each stage of a VM's life.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cordon::client::{Client, Error, Execute, HostFunctions, Vm};
use cordon::wire::{Capture, EvaluateOptions, ExecutionOptions, VmRequest, code};
use futures_util::future::join_all;
use parking_lot::Mutex;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::shared::{Neighbour, Shared, assert_typed, create, is_alive, signal, until, within};
use crate::common::{config, cordon, count, descendants, eventually};

/// What is under way when the fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    BeforeVm,
    WhileCreated,
    WhileCalled,
    WhileOutputStreams,
    WhileHostCallWaits,
    WhileFileIsWritten,
    WhileFileIsRead,
    WhileDisposedOf,
}

const STAGES: [Stage; 8] = [
    Stage::BeforeVm,
    Stage::WhileCreated,
    Stage::WhileCalled,
    Stage::WhileOutputStreams,
    Stage::WhileHostCallWaits,
    Stage::WhileFileIsWritten,
    Stage::WhileFileIsRead,
    Stage::WhileDisposedOf,
];

/// Said by the stage when it is under way, and to it when the fault has come.
#[derive(Default)]
struct Moments {
    under_way: Notify,
    struck: Notify,
}

/// How long a call goes on that no fault ends.
const CALL_MS: u64 = 1000;

fn options() -> ExecutionOptions {
    ExecutionOptions { timeout_ms: Some(CALL_MS), capture: Capture::Stream, ..ExecutionOptions::default() }
}

fn execute(source: &str) -> VmRequest {
    VmRequest::Execute { source: source.to_owned(), evaluate: EvaluateOptions::default(), options: options() }
}

impl Stage {
    /// Sees the stage through, whatever happens.
    async fn run(self, client: Client, moments: Arc<Moments>) -> Result<(), Error> {
        let under_way = || moments.under_way.notify_one();
        match self {
            Stage::BeforeVm => {
                under_way();
                moments.struck.notified().await;
                create(&client).await?.evaluate::<u32>("1").await.map(drop)
            }
            Stage::WhileCreated => {
                under_way();
                let created = join_all((0..6).map(|_| create(&client))).await;
                created.into_iter().find_map(Result::err).map_or(Ok(()), Err)
            }
            Stage::WhileCalled => {
                let vm = create(&client).await?;
                let mut call = vm.start(execute("console.log(1); for (;;);"))?;
                call.next_output().await;
                under_way();
                call.result().await.map(drop)
            }
            Stage::WhileOutputStreams => {
                let vm = create(&client).await?;
                let mut call = vm.start(execute("for (;;) console.log('x'.repeat(1000));"))?;
                call.next_output().await;
                under_way();
                call.result().await.map(drop)
            }
            Stage::WhileHostCallWaits => {
                let called = moments.clone();
                let wait = move |_: Value| {
                    called.under_way.notify_one();
                    std::future::pending::<Result<(), String>>()
                };
                let functions = HostFunctions::new().with("wait", wait);
                let vm = client.create_vm_with(config(json!({})), functions).await?;
                let execute = Execute { options: options(), ..Execute::default() };
                vm.execute("await wait();", execute).await.map(drop)
            }
            Stage::WhileFileIsWritten => {
                let vm = create(&client).await?;
                let mut writer = vm.write_file_stream("/tmp/file")?;
                writer.write(&[1; 1 << 18]).await?;
                under_way();
                moments.struck.notified().await;
                for _ in 0..16 {
                    writer.write(&[1; 1 << 18]).await?;
                }
                writer.finish().await
            }
            Stage::WhileFileIsRead => {
                let vm = create(&client).await?;
                vm.write_file("/tmp/file", vec![1; 8 << 20]).await?;
                let mut reader = vm.read_file_stream("/tmp/file")?;
                reader.next().await?;
                under_way();
                moments.struck.notified().await;
                reader.rest().await.map(drop)
            }
            Stage::WhileDisposedOf => {
                let vm: Vm = create(&client).await?;
                let mut call = vm.start(execute("console.log(1); for (;;);"))?;
                call.next_output().await;
                under_way();
                vm.dispose().await?;
                match call.result().await {
                    Err(error) if error.code == code::CANCELLED => Ok(()),
                    other => other.map(drop),
                }
            }
        }
    }
}

/// Injects a fault into a stage: kills these processes while it is under way.
async fn inject(stage: Stage, shared: &Shared, victims: impl Fn() -> Vec<u32>) -> Result<(), Error> {
    let moments = Arc::new(Moments::default());
    let client = shared.client().await;
    let running = tokio::spawn(stage.run(client, moments.clone()));
    within(&format!("beginning {stage:?}"), moments.under_way.notified()).await;
    victims().into_iter().for_each(|pid| signal(pid, Signal::KILL));
    moments.struck.notify_one();
    let settled = within(&format!("{stage:?}"), running).await.expect("a stage does not panic");
    if let Err(error) = &settled {
        assert_typed(&format!("{stage:?}"), error);
    }
    settled
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_takes_its_own_vm_and_nothing_else() {
    let shared = Shared::start(&["--warm", "1"]);
    let neighbour = Neighbour::beside(&shared).await;
    let descriptors = shared.settled_descriptors(2).await;
    let neighbours = [neighbour.worker(&shared).await];
    for stage in STAGES {
        let victims = Mutex::new(Vec::new());
        let others = || {
            let all = shared.processes("cordon-worker").into_iter();
            let others: Vec<u32> = all.filter(|pid| !neighbours.contains(pid)).collect();
            victims.lock().clone_from(&others);
            others
        };
        let settled = inject(stage, &shared, others).await;
        // Who is killed takes a moment to die, and may be claimed in it: all of it is over when it has been reaped.
        let victims = victims.into_inner();
        eventually("the end of the victims", || {
            !victims.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists())
        });
        let must_fail = !matches!(stage, Stage::BeforeVm | Stage::WhileCreated | Stage::WhileDisposedOf);
        match settled {
            Err(error) if must_fail => assert_eq!(error.code, code::WORKER_LOST, "{stage:?}: {error:?}"),
            Ok(()) if must_fail => panic!("{stage:?} went on without its worker"),
            _ => {}
        }
        neighbour.notices_nothing(&format!("{stage:?}")).await;
        // A worker that died while it waited is not given to anybody, and is replaced with the next.
        let client = shared.client().await;
        assert_eq!(create(&client).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1, "{stage:?}");
        drop(client);
        shared.settles_at("cordon-worker", 2, &format!("{stage:?}")).await;
        shared.closes_down_to(descriptors, &format!("{stage:?}")).await;
    }
    count("faults", "worker killed", STAGES.len());
    shared.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_template_costs_no_vm() {
    for stage in STAGES {
        // Whoever loses templates time and again does without for a while: so each time another one.
        let shared = Shared::start(&["--warm", "0"]);
        let neighbour = Neighbour::beside(&shared).await;
        until("a template", || !shared.processes("cordon-template").is_empty()).await;
        let settled = inject(stage, &shared, || shared.processes("cordon-template")).await;
        // A VM that was being made may be lost, and says so; the others go on.
        assert!(settled.is_ok() || stage == Stage::WhileCreated, "{stage:?}: {settled:?}");
        neighbour.notices_nothing(&format!("{stage:?}")).await;
        shared.settles_at("cordon-worker", 1, &format!("{stage:?}")).await;
        let client = shared.client().await;
        assert_eq!(create(&client).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1, "{stage:?}");
        shared.end().await;
    }
    count("faults", "template killed", STAGES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_launcher_is_told_to_everybody() {
    for stage in STAGES {
        let shared = Shared::start(&["--warm", "0"]);
        let neighbour = Neighbour::beside(&shared).await;
        let settled = inject(stage, &shared, || shared.processes("cordon-launcher")).await;
        let may_work = matches!(stage, Stage::BeforeVm | Stage::WhileCreated | Stage::WhileDisposedOf);
        assert!(settled.is_err() || may_work, "{stage:?}");
        shared.settles_at("cordon-worker", 0, &format!("{stage:?}")).await;
        assert_typed("the neighbour", &neighbour.is_told(&format!("{stage:?}")).await);
        // Who asks for another VM is answered, one way or the other.
        let client = shared.client().await;
        if let Err(error) = create(&client).await.map(drop) {
            assert_typed("another VM", &error);
        }
        shared.end().await;
    }
    count("faults", "launcher killed", STAGES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_supervisor_leaves_no_process_and_no_call() {
    for stage in STAGES {
        let shared = Shared::start(&["--warm", "0"]);
        let neighbour = Neighbour::beside(&shared).await;
        let all: Vec<u32> = descendants(shared.pid()).iter().map(|process| process.pid).collect();
        let settled = inject(stage, &shared, || vec![shared.pid()]).await;
        // What takes a moment alone may be through before the signal comes.
        let may_be_through = matches!(stage, Stage::WhileCreated | Stage::WhileDisposedOf);
        match settled {
            Err(error) => assert_eq!(error.code, code::DISCONNECTED, "{stage:?}: {error:?}"),
            Ok(()) => assert!(may_be_through, "{stage:?} went on without its supervisor"),
        }
        assert_eq!(neighbour.is_told(&format!("{stage:?}")).await.code, code::DISCONNECTED);
        until("the end of all its processes", || all.iter().all(|pid| !is_alive(*pid))).await;
    }
    count("faults", "supervisor killed", STAGES.len());
}

/// What the system does for a client that is killed is to close its socket; so does whoever drops one.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_gone_leaves_nothing() {
    let shared = Shared::start(&["--warm", "0"]);
    let neighbour = Neighbour::beside(&shared).await;
    let descriptors = shared.settled_descriptors(1).await;
    for stage in STAGES {
        let moments = Arc::new(Moments::default());
        let running = tokio::spawn(stage.run(shared.client().await, moments.clone()));
        within(&format!("beginning {stage:?}"), moments.under_way.notified()).await;
        running.abort();
        let _ = running.await;
        neighbour.notices_nothing(&format!("{stage:?}")).await;
        shared.settles_at("cordon-worker", 1, &format!("{stage:?}")).await;
        shared.closes_down_to(descriptors, &format!("{stage:?}")).await;
    }
    count("faults", "client gone", STAGES.len());
    shared.end().await;
}

#[test]
fn a_killed_command_line_leaves_no_process() {
    let sources = [
        "for (;;);",
        "for (;;) console.log('x'.repeat(1000));",
        "await new Promise((f) => setTimeout(f, 1e8));",
    ];
    for source in sources {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.mjs");
        std::fs::write(&file, source).unwrap();
        let mut running = cordon(&["run", file.to_str().unwrap()]);
        let mut running = running.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let workers = || {
            descendants(running.id()).into_iter().filter(|process| process.name.starts_with("cordon-worker"))
        };
        eventually("its worker", || workers().count() > 0);
        // Somewhere on the way of the guest's start, or after it.
        std::thread::sleep(Duration::from_millis(50));
        let all: Vec<u32> = descendants(running.id()).iter().map(|process| process.pid).collect();
        running.kill().unwrap();
        running.wait().unwrap();
        eventually("the end of all its processes", || all.iter().all(|pid| !is_alive(*pid)));
    }
    count("faults", "command line killed", sources.len());
}
