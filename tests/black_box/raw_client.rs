//! A client of a sidecar that says what it likes, and reads when it likes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use cordon::wire::{
    ClientMessage, ExecutionOptions, FrameDecoder, PROTOCOL_VERSION, Request, Response, ServerMessage,
    VmRequest, VmResponse, decode, encode_frame,
};
use serde_json::json;

use crate::common::{self, cordon};

/// A client that says what it likes.
pub struct Raw {
    pub child: Child,
    /// What a thread writes: a client has to read meanwhile.
    input: mpsc::Sender<Vec<u8>>,
    output: ChildStdout,
    decoder: FrameDecoder,
}

impl Raw {
    /// With a VM, number 1.
    pub fn with_vm() -> Raw {
        let mut raw = Raw::greeted(cordon(&["serve", "--warm", "0"]));
        raw.say(&[ClientMessage::Request { id: 1, body: Request::CreateVm { config: json!({}) } }]);
        assert!(matches!(raw.answer(1).0, Response::VmCreated { vm: 1, .. }));
        raw
    }

    /// Of a sidecar that this command starts.
    pub fn greeted(sidecar: Command) -> Raw {
        let mut raw = Raw::silent(sidecar);
        raw.say(&[ClientMessage::Hello { protocol: PROTOCOL_VERSION, client: "raw".into() }]);
        assert!(matches!(raw.hear(), ServerMessage::Welcome { .. }));
        raw
    }

    /// Likewise, having said nothing.
    pub fn silent(mut sidecar: Command) -> Raw {
        let mut child = sidecar.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (input, waiting) = mpsc::channel::<Vec<u8>>();
        std::thread::spawn(move || waiting.iter().try_for_each(|bytes| stdin.write_all(&bytes)));
        Raw { child, input, output, decoder: FrameDecoder::new() }
    }

    /// Says bytes that need be no message.
    pub fn say_bytes(&mut self, bytes: Vec<u8>) {
        self.input.send(bytes).unwrap();
    }

    /// Whether the sidecar hangs up, after what it has to say.
    pub fn is_hung_up_on(&mut self) -> bool {
        std::io::copy(&mut self.output, &mut std::io::sink()).is_ok()
    }

    /// The most memory that the sidecar has ever had resident, in KiB.
    pub fn peak_kib(&self) -> u64 {
        common::peak_kib(self.child.id())
    }

    pub fn say(&mut self, messages: &[ClientMessage]) {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| encode_frame(message).unwrap()).collect();
        self.input.send(bytes).unwrap();
    }

    pub fn spawn(&mut self, id: u64, command: &str, options: ExecutionOptions) {
        let request = VmRequest::Spawn { command: command.into(), options };
        self.say(&[ClientMessage::Request { id, body: Request::Vm { vm: 1, request } }]);
    }

    pub fn hear(&mut self) -> ServerMessage {
        loop {
            if let Some(content) = self.decoder.next_frame().unwrap() {
                return decode(content).unwrap();
            }
            let mut buffer = [0; 65536];
            let length = self.output.read(&mut buffer).unwrap();
            assert!(length > 0, "the sidecar has hung up");
            self.decoder.push(&buffer[..length]);
        }
    }

    /// A request's answer, and how many bytes of its input were said to be taken.
    pub fn answer(&mut self, wanted: u64) -> (Response, u64) {
        let mut taken = 0;
        loop {
            match self.hear() {
                ServerMessage::Response { id, body } if id == wanted => return (body, taken),
                ServerMessage::InputTaken { id, bytes } if id == wanted => taken += bytes,
                ServerMessage::VmLost { error, .. } | ServerMessage::Fatal { error } => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    pub fn stdout(&mut self, id: u64) -> (Vec<u8>, u64) {
        match self.answer(id) {
            (Response::Vm { response: VmResponse::Executed { result } }, taken) => (result.stdout.0, taken),
            (other, _) => panic!("{other:?}"),
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
