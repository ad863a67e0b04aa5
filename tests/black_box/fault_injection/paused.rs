//! Processes that stand still (`SIGSTOP`), and go on (`SIGCONT`).

use cordon::wire::{VmRequest, code};
use futures_util::future::join_all;
use rustix::process::Signal;

use super::shared::{Neighbour, Shared, assert_typed, create, signal, until, within};
use crate::common::count;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_for_a_while_loses_nothing() {
    let shared = Shared::start(&["--warm", "0"]);
    let neighbour = Neighbour::beside(&shared).await;
    let before = shared.processes("cordon-worker");
    let client = shared.client().await;
    let vm = create(&client).await.unwrap();
    vm.write_file("/tmp/kept", "kept").await.unwrap();
    let worker = shared.processes("cordon-worker").into_iter().find(|pid| !before.contains(pid)).unwrap();
    signal(worker, Signal::STOP);
    // More than pipes and queues hold for nothing.
    let asking = join_all((0..20).map(|n: u32| {
        let vm = &vm;
        async move { vm.evaluate::<u32>(&n.to_string()).await.map(|value| value == n) }
    }));
    let going_on = async {
        neighbour.notices_nothing("a worker stands still").await;
        signal(worker, Signal::CONT);
    };
    let (answers, ()) = within("a worker that goes on", async { tokio::join!(asking, going_on) }).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap()), "an answer is somebody else's");
    assert_eq!(vm.read_file("/tmp/kept").await.unwrap(), b"kept");
    // One that is told to end while it stands still ends.
    signal(worker, Signal::STOP);
    let request = VmRequest::Spawn { command: "sleep".into(), options: Default::default() };
    let mut call = vm.start(request).unwrap();
    within("disposing", vm.dispose()).await.unwrap();
    let error = within("a call of what was disposed of", call.result()).await.unwrap_err();
    assert!([code::CANCELLED, code::UNRESPONSIVE].contains(&error.code.as_str()), "{error:?}");
    shared.settles_at("cordon-worker", 1, "at the end").await;
    count("faults", "worker paused", 2);
    shared.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_or_launcher_that_stands_still_holds_up_new_vms_only() {
    for name in ["cordon-template", "cordon-launcher"] {
        let shared = Shared::start(&["--warm", "0"]);
        let neighbour = Neighbour::beside(&shared).await;
        until("a template", || !shared.processes("cordon-template").is_empty()).await;
        let paused = shared.processes(name);
        assert!(!paused.is_empty(), "{name}");
        paused.iter().for_each(|pid| signal(*pid, Signal::STOP));
        let client = shared.client().await;
        let creating = join_all((0..3).map(|_| create(&client)));
        let going_on = async {
            for _ in 0..20 {
                neighbour.notices_nothing(name).await;
            }
            paused.iter().for_each(|pid| signal(*pid, Signal::CONT));
        };
        let (created, ()) = within(name, async { tokio::join!(creating, going_on) }).await;
        for vm in created {
            match vm {
                Ok(vm) => assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1, "{name}"),
                Err(error) => assert_typed(name, &error),
            }
        }
        shared.settles_at("cordon-worker", 1, "at the end").await;
        assert_eq!(create(&client).await.unwrap().evaluate::<u32>("2").await.unwrap(), 2, "{name}");
        shared.end().await;
        count("faults", &format!("{} paused", name.trim_start_matches("cordon-")), 1);
    }
}

/// It never goes on: who waits for a VM is told after some time, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_stands_still_for_ever_is_done_without() {
    let shared = Shared::start(&["--warm", "0"]);
    let neighbour = Neighbour::beside(&shared).await;
    until("a template", || !shared.processes("cordon-template").is_empty()).await;
    shared.processes("cordon-template").into_iter().for_each(|pid| signal(pid, Signal::STOP));
    let client = shared.client().await;
    let created = join_all((0..3).map(|_| create(&client)));
    for vm in within("VMs of a template that stands still", created).await {
        match vm {
            Ok(vm) => assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1),
            Err(error) => assert_typed("a template that stands still", &error),
        }
    }
    neighbour.notices_nothing("a template stands still for ever").await;
    count("faults", "template paused for ever", 1);
    shared.end().await;
}
