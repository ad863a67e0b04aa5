//! The sidecar's socket and the protocol's first rules.

use std::os::unix::fs::PermissionsExt;

use cordon::client::{Client, Sidecar, Socket};
use serde_json::json;

use crate::common::{config, cordon, directory, error_of, eventually, run, text};

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
