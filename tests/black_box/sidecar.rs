//! The sidecar's socket and the protocol's first rules.

use std::os::unix::fs::PermissionsExt;

use cordon::client::{Client, Sidecar, Socket};
use cordon::wire::{Bytes, ClientMessage, ExecutionOptions, FRAME_BYTES_MAX, INPUT_WINDOW, Response, code};
use serde_json::json;

use crate::common::{config, cordon, default_vm, directory, error_of, eventually, run, text};
use crate::raw_client::Raw;

fn input(id: u64, data: &[u8], end: bool) -> ClientMessage {
    ClientMessage::Input { id, data: Bytes(data.to_vec()), end }
}

#[test]
fn a_flood_of_small_messages_costs_no_vm() {
    const BYTES: usize = 50_000;
    let mut raw = Raw::with_vm();
    let given = vec![b'g'; 100_000];
    let options = ExecutionOptions {
        stdin: Some(given.clone().into()),
        stream_stdin: true,
        ..ExecutionOptions::default()
    };
    raw.spawn(2, "cat", options);
    let mut flood = vec![input(2, b"f", false); BYTES];
    flood.push(input(2, b"", true));
    raw.say(&flood);
    let (stdout, taken) = raw.stdout(2);
    assert!(stdout == [given, vec![b'f'; BYTES]].concat(), "{} bytes", stdout.len());
    // Bytes that came with the request are no part of the window.
    assert_eq!(taken, BYTES as u64);
    // Messages that mean nothing any more are no harm either.
    raw.say(&vec![ClientMessage::Cancel { id: 2 }; BYTES]);
    raw.spawn(3, "true", ExecutionOptions { stream_stdin: true, ..ExecutionOptions::default() });
    raw.say(&vec![ClientMessage::Credit { id: 3, bytes: 1 }; BYTES]);
    assert_eq!(raw.stdout(3), (Vec::new(), 0));
}

#[test]
fn a_client_that_ignores_the_window_loses_that_call() {
    let mut raw = Raw::with_vm();
    let options = ExecutionOptions {
        args: vec!["1000".into()],
        stdin: Some(vec![0; 100_000].into()),
        stream_stdin: true,
        ..ExecutionOptions::default()
    };
    raw.spawn(2, "sleep", options);
    raw.say(&[input(2, &vec![0; INPUT_WINDOW as usize], false)]);
    raw.spawn(3, "echo", ExecutionOptions { args: vec!["full".into()], ..ExecutionOptions::default() });
    assert_eq!(raw.stdout(3).0, b"full\n");
    raw.say(&[input(2, b"x", false)]);
    match raw.answer(2).0 {
        Response::Error { error } => {
            assert_eq!(error.code, code::LIMIT);
            assert!(error.message.contains("INPUT_WINDOW"), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    raw.spawn(4, "echo", ExecutionOptions { args: vec!["on".into()], ..ExecutionOptions::default() });
    assert_eq!(raw.stdout(4).0, b"on\n");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_an_error_of_its_own_call() {
    let vm = default_vm().await;
    let source = format!("'{}'", "x".repeat(FRAME_BYTES_MAX));
    let error = error_of(vm.evaluate::<String>(&source).await);
    assert_eq!(error.code, code::LIMIT, "{error:?}");
    assert!(error.message.contains(&format!("FRAME_BYTES_MAX, which is {FRAME_BYTES_MAX}")), "{error:?}");
    assert_eq!(vm.evaluate::<u32>("1").await.unwrap(), 1);
}

#[tokio::test]
async fn the_same_client_works_over_a_sidecar_process() {
    let client = Client::connect(&Sidecar { executable: directory().join("cordon") }).await.unwrap();
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    assert_eq!(vm.evaluate::<u32>("40 + 2").await.unwrap(), 42);
    vm.dispose().await.unwrap();
    let missing = Sidecar { executable: "/nonesuch/cordon".into() };
    assert!(error_of(Client::connect(&missing).await.map(drop)).message.contains("/nonesuch/cordon"));
}

#[tokio::test]
async fn a_socket_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut sidecar = cordon(&["serve", "--socket", path.to_str().unwrap()]).spawn().unwrap();
    eventually("the socket", || path.exists());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let client = Client::connect(&Socket { path: path.clone() }).await.unwrap();
    assert_eq!(client.create_vm(config(json!({}))).await.unwrap().evaluate::<u32>("1").await.unwrap(), 1);
    let second = run(&["serve", "--socket", path.to_str().unwrap()]);
    assert!(!second.status.success() && text(&second.stderr).contains("in use"), "{}", text(&second.stderr));
    sidecar.kill().unwrap();
    sidecar.wait().unwrap();
    // A socket that nobody listens on any more is taken over; another file is not.
    let mut again = cordon(&["serve", "--socket", path.to_str().unwrap()]).spawn().unwrap();
    let mut connected = false;
    for _ in 0..100 {
        connected = Client::connect(&Socket { path: path.clone() }).await.is_ok();
        if connected {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(connected);
    again.kill().unwrap();
    again.wait().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    assert!(!run(&["serve", "--socket", file.to_str().unwrap()]).status.success());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}
