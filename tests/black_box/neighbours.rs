//! What a client of a shared sidecar can do to another connection's VMs, calls and host calls by guessing their numbers:
//! nothing, not even learn that they are there.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use cordon::client::{Client, HostFunctions, Socket};
use cordon::wire::{
    ClientMessage, EvaluateOptions, ExecutionOptions, FrameDecoder, HostCallOutcome, PROTOCOL_VERSION,
    Request, Response, ServerMessage, VmRequest, code, decode, encode_frame,
};
use serde_json::{Value, json};

use crate::common::{config, cordon, count, eventually};

/// Numbers that are tried: far more than the other connection uses.
const NUMBERS: u64 = 50;

/// A connection that says what it likes.
struct Peer {
    stream: UnixStream,
    decoder: FrameDecoder,
}

impl Peer {
    fn greeted(path: &std::path::Path) -> Peer {
        let mut peer = Peer { stream: UnixStream::connect(path).unwrap(), decoder: FrameDecoder::new() };
        peer.say(&ClientMessage::Hello { protocol: PROTOCOL_VERSION, client: "neighbour".into() });
        assert!(matches!(peer.hear(), Some(ServerMessage::Welcome { .. })));
        peer
    }

    fn say(&mut self, message: &ClientMessage) {
        // One that has been hung up on notices when it listens.
        let _ = self.stream.write_all(&encode_frame(message).unwrap());
    }

    /// The next message; none once the sidecar has hung up.
    fn hear(&mut self) -> Option<ServerMessage> {
        loop {
            if let Some(content) = self.decoder.next_frame().unwrap() {
                return Some(decode(content).unwrap());
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).unwrap_or(0);
            if length == 0 {
                return None;
            }
            self.decoder.push(&buffer[..length]);
        }
    }
}

/// A sidecar on a socket, ended with the test.
struct Sidecar(Child, tempfile::TempDir);

impl Sidecar {
    fn start() -> Sidecar {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let mut serve = cordon(&["serve", "--warm", "0", "--socket", path.to_str().unwrap()]);
        let process = serve.stderr(Stdio::null()).spawn().unwrap();
        eventually("the socket", || path.exists());
        Sidecar(process, folder)
    }

    fn path(&self) -> std::path::PathBuf {
        self.1.path().join("s")
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything that can be asked of a VM and tells of it or changes it.
fn requests() -> Vec<VmRequest> {
    let options = ExecutionOptions::default;
    let evaluate = EvaluateOptions::default;
    vec![
        VmRequest::Evaluate { source: "1".into(), evaluate: evaluate(), options: options() },
        VmRequest::Execute { source: "1".into(), evaluate: evaluate(), options: options() },
        VmRequest::Spawn { command: "true".into(), options: options() },
        VmRequest::ReadFile { path: "/tmp/secret".into(), max_bytes: None },
        VmRequest::EngineReport {},
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn another_connections_vms_and_calls_cannot_be_reached_by_their_numbers() {
    let sidecar = Sidecar::start();
    let client = Client::connect(&Socket { path: sidecar.path() }).await.unwrap();
    let (asked, answer) =
        (std::sync::Arc::new(tokio::sync::Notify::new()), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (told, waiting) = (asked.clone(), answer.clone());
    let functions = HostFunctions::new().with("ask", move |_: Value| {
        let (told, waiting) = (told.clone(), waiting.clone());
        async move {
            told.notify_one();
            waiting.notified().await;
            Ok::<_, String>("the client's own answer")
        }
    });
    let vm = client.create_vm_with(config(json!({})), functions).await.unwrap();
    vm.write_file("/tmp/secret", "secret").await.unwrap();
    let options = ExecutionOptions { stream_stdin: true, ..ExecutionOptions::default() };
    let cat = vm.start(VmRequest::Spawn { command: "cat".into(), options }).unwrap();
    let stdin = cat.stdin();
    let calling = vm.evaluate::<String>("ask()");
    let attack = async {
        asked.notified().await;
        let path = sidecar.path();
        let attacked = tokio::task::spawn_blocking(move || attack(&path));
        let attacks = attacked.await.unwrap();
        answer.notify_one();
        attacks
    };
    let (called, attacks) = tokio::join!(calling, attack);
    assert_eq!(called.unwrap(), "the client's own answer");
    stdin.write(b"own input").await;
    stdin.close();
    let mut cat = cat;
    assert_eq!(cat.result().await.unwrap().stdout.to_text(), "own input");
    assert_eq!(vm.read_file("/tmp/secret").await.unwrap(), b"secret");
    count("attacks", "another connection", attacks);
}

/// Tries every number; gives how many messages it sent.
fn attack(path: &std::path::Path) -> usize {
    let mut sent = 0;
    let mut peer = Peer::greeted(path);
    for vm in 0..NUMBERS {
        for request in requests() {
            sent += 1;
            peer.say(&ClientMessage::Request { id: sent as u64, body: Request::Vm { vm, request } });
            match peer.hear() {
                Some(ServerMessage::Response { body: Response::Error { error }, .. }) => {
                    assert_eq!(error.code, code::NOT_FOUND, "{error:?}");
                }
                other => panic!("VM {vm}: {other:?}"),
            }
        }
        sent += 1;
        peer.say(&ClientMessage::Request { id: sent as u64, body: Request::DisposeVm { vm } });
        match peer.hear() {
            // Whether it is there cannot be told from the answer.
            Some(ServerMessage::Response { body, .. }) => {
                let refused = matches!(&body, Response::Error { error } if error.code == code::NOT_FOUND);
                assert!(refused || !matches!(body, Response::Error { .. }), "{body:?}");
            }
            other => panic!("VM {vm}: {other:?}"),
        }
    }
    // What reaches a request or a host call under way: each on a connection of its own, which it may cost.
    for number in 0..NUMBERS {
        let outcome = HostCallOutcome::Returned { output: "\"forged\"".into() };
        for message in [
            ClientMessage::Cancel { id: number },
            ClientMessage::Input { id: number, data: b"forged".to_vec().into(), end: true },
            ClientMessage::Credit { id: number, bytes: 1 << 20 },
            ClientMessage::HostResult { call: number, outcome },
        ] {
            sent += 1;
            let mut peer = Peer::greeted(path);
            peer.say(&message);
            peer.stream.shutdown(std::net::Shutdown::Write).unwrap();
            while let Some(said) = peer.hear() {
                assert!(matches!(said, ServerMessage::Fatal { .. }), "{said:?}");
            }
        }
    }
    sent
}
