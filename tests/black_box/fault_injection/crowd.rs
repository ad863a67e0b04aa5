//! VMs that are created and abandoned in crowds.

use futures_util::future::join_all;

use super::shared::{Neighbour, Shared, create, within};
use crate::common::count;

/// Connections that are made and dropped, and VMs of each.
const TURNS: usize = 50;
const VMS: usize = 20;

/// How much more a sidecar may have resident after a thousand VMs than after the first of them, in KiB: what its
/// allocator keeps.
const KEPT_MAX_KIB: u64 = 48 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_abandoned_vms_leave_nothing() {
    let shared = Shared::start(&["--warm", "0"]);
    let neighbour = Neighbour::beside(&shared).await;
    let (mut descriptors, mut resident) = (0, 0);
    for turn in 0..TURNS {
        let client = shared.client().await;
        let created = join_all((0..VMS).map(|_| create(&client))).await;
        let vms: Vec<_> = created.into_iter().map(|vm| vm.expect("a VM of a crowd")).collect();
        // Some are left idle, some at work, some with a call that nobody will hear the end of.
        let asked = join_all(vms.iter().step_by(4).map(|vm| vm.evaluate::<u32>("1")));
        for value in within("VMs of a crowd", asked).await {
            assert_eq!(value.unwrap(), 1);
        }
        let options = cordon::wire::ExecutionOptions::default;
        let request = || cordon::wire::VmRequest::Spawn { command: "sleep".into(), options: options() };
        let calls: Vec<_> = vms.iter().skip(1).step_by(4).map(|vm| vm.start(request()).unwrap()).collect();
        neighbour.notices_nothing("a crowd").await;
        drop((calls, vms, client));
        // The first of them have opened what is opened once, the native code of commands.
        if turn == 4 {
            shared.settles_at("cordon-worker", 1, "after the first turns").await;
            (descriptors, resident) = (shared.descriptors(), shared.resident_kib());
        }
    }
    shared.settles_at("cordon-worker", 1, "at the end").await;
    shared.closes_down_to(descriptors, "at the end").await;
    let now = shared.resident_kib();
    assert!(now < resident + KEPT_MAX_KIB, "{resident} KiB, and {now} KiB after a thousand VMs");
    neighbour.notices_nothing("after a crowd").await;
    count("faults", "VM abandoned", TURNS * VMS);
    shared.end().await;
}
