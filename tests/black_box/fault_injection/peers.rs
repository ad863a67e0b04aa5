//! Peers on the socket that are slow, silent, deaf or many, and pipes that nobody empties.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use cordon::client::Client;
use cordon::wire::{
    ClientMessage, ExecutionOptions, FrameDecoder, Outcome, PROTOCOL_VERSION, Request, ServerMessage, decode,
    encode_frame,
};
use serde_json::json;

use super::shared::{Neighbour, Shared, create, within};
use crate::common::{count, directory};

fn hello() -> Vec<u8> {
    encode_frame(&ClientMessage::Hello { protocol: PROTOCOL_VERSION, client: "slow".into() }).unwrap()
}

/// The next message, read by a thread that may block.
fn hear(stream: &mut UnixStream, decoder: &mut FrameDecoder) -> ServerMessage {
    loop {
        if let Some(content) = decoder.next_frame().unwrap() {
            return decode(content).unwrap();
        }
        // One byte at a time: a slow reader, too.
        let mut byte = [0; 1];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "hung up");
        decoder.push(&byte);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_peer_is_served_and_a_silent_one_is_not_waited_for() {
    let shared = Shared::start(&["--warm", "0"]);
    let neighbour = Neighbour::beside(&shared).await;
    let silent: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(shared.socket()).unwrap()).collect();
    let mut halves: Vec<UnixStream> =
        (0..20).map(|_| UnixStream::connect(shared.socket()).unwrap()).collect();
    halves.iter_mut().for_each(|stream| stream.write_all(&hello()[..6]).unwrap());
    let mut slow = UnixStream::connect(shared.socket()).unwrap();
    let served = tokio::task::spawn_blocking(move || {
        let say = |bytes: Vec<u8>, slow: &mut UnixStream| {
            for byte in bytes {
                slow.write_all(&[byte]).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        };
        let mut decoder = FrameDecoder::new();
        say(hello(), &mut slow);
        assert!(matches!(hear(&mut slow, &mut decoder), ServerMessage::Welcome { .. }));
        let create = ClientMessage::Request { id: 1, body: Request::CreateVm { config: json!({}) } };
        say(encode_frame(&create).unwrap(), &mut slow);
        assert!(matches!(hear(&mut slow, &mut decoder), ServerMessage::Response { id: 1, .. }));
    });
    neighbour.notices_nothing("slow and silent peers").await;
    within("a slow peer", served).await.unwrap();
    // Whoever says nothing, or only half of it, is hung up on.
    let hung_up = tokio::task::spawn_blocking(move || {
        for mut stream in silent.into_iter().chain(halves) {
            // What it was told before, if anything, and then the end.
            assert!(std::io::copy(&mut stream, &mut std::io::sink()).is_ok());
        }
    });
    within("hanging up on silent peers", hung_up).await.unwrap();
    neighbour.notices_nothing("after them").await;
    count("faults", "slow or silent peer", 41);
    shared.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_descriptors_are_used_up_who_is_connected_goes_on() {
    let mut serve = Command::new("sh");
    let cordon = directory().join("cordon");
    // Raised as far as the hard limit lets it, which is no further.
    serve.args(["-c", "ulimit -n 256 && exec \"$0\" serve --warm 0 \"$@\""]).arg(cordon);
    let shared = Shared::started_by(serve);
    let neighbour = Neighbour::beside(&shared).await;
    let descriptors = shared.settled_descriptors(1).await;
    let crowd: Vec<_> = (0..400).filter_map(|_| UnixStream::connect(shared.socket()).ok()).collect();
    for _ in 0..10 {
        neighbour.notices_nothing("descriptors are used up").await;
    }
    let number = crowd.len();
    drop(crowd);
    let client = shared.client().await;
    assert_eq!(create(&client).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1);
    drop(client);
    shared.closes_down_to(descriptors, "at the end").await;
    count("faults", "connection of a crowd", number);
    shared.end().await;
}

/// VMs until there are no more descriptors for them: each refusal says so, and what is there goes on.
#[tokio::test(flavor = "multi_thread")]
async fn vms_beyond_the_descriptors_are_refused_with_a_reason() {
    let mut serve = Command::new("sh");
    let cordon = directory().join("cordon");
    serve.args(["-c", "ulimit -n 128 && exec \"$0\" serve --warm 0 \"$@\""]).arg(cordon);
    let shared = Shared::started_by(serve);
    let neighbour = Neighbour::beside(&shared).await;
    let client: Client = shared.client().await;
    let (mut kept, mut refused) = (Vec::new(), 0);
    for _ in 0..120 {
        match create(&client).await {
            Ok(vm) => kept.push(vm),
            Err(error) => {
                super::shared::assert_typed("a VM too many", &error);
                refused += 1;
                if refused == 3 {
                    break;
                }
            }
        }
    }
    assert_eq!(refused, 3, "{} VMs with 128 descriptors", kept.len());
    neighbour.notices_nothing("VMs beyond the descriptors").await;
    for vm in &kept {
        assert_eq!(within("a VM among many", vm.evaluate::<u32>("1")).await.unwrap(), 1);
    }
    drop(kept);
    shared.settles_at("cordon-worker", 1, "at the end").await;
    assert_eq!(create(&client).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1);
    count("faults", "VM without a descriptor", refused);
    shared.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pipe_in_a_vm_stops_its_writer_alone() {
    let shared = Shared::start(&["--warm", "0"]);
    let neighbour = Neighbour::beside(&shared).await;
    let client = shared.client().await;
    let vm = create(&client).await.unwrap();
    let options = ExecutionOptions { timeout_ms: Some(1500), ..ExecutionOptions::default() };
    let full = vm.spawn("sh", &["-c", "yes | sleep 1000"], options);
    let meanwhile = async {
        for _ in 0..20 {
            assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
            neighbour.notices_nothing("a full pipe").await;
        }
    };
    let (full, ()) = within("a full pipe", async { tokio::join!(full, meanwhile) }).await;
    assert_eq!(full.unwrap().outcome, Outcome::TimedOut);
    let gone =
        within("a writer without a reader", vm.spawn("sh", &["-c", "yes | head -n 1"], Default::default()))
            .await;
    assert_eq!(gone.unwrap().stdout.to_text(), "y\n");
    count("faults", "full pipe", 1);
    shared.end().await;
}
