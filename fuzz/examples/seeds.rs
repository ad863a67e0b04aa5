//! Writes the inputs that fuzzing starts from: `seeds DIRECTORY` makes a folder per target in it, and a dictionary of
//! the words that messages and configurations are made of. All of it comes from the tests: `tests/vectors`,
//! `tests/shell`, and the samples beside what is fuzzed, which exist under `--cfg fuzzing` (scripts/fuzz.sh).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use protocol::broker::{Claim, FromWorker, ToWorker};
use protocol::config::CreateVmConfig;
use protocol::fork::Forked;
use protocol::wire::{ClientMessage, Request, RequestUpdate, Response, ServerMessage, decode, encode_frame};
use serde_json::Value;

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("usage: seeds DIRECTORY"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let json = |path: &str| -> Value {
        let text = fs::read_to_string(root.join(path)).expect(path);
        serde_json::from_str(&text).expect(path)
    };
    let (messages, configs) = (json("tests/vectors/messages.json"), json("tests/vectors/configs.json"));

    let mut seeds = Seeds { directory: directory.clone(), written: 0 };
    for vector in messages.as_array().expect("a list") {
        let content = from_hex(vector["hex"].as_str().expect("digits"));
        let header = (content.len() as u32).to_be_bytes();
        seeds.write("frames", &[&[40, 3, 200, 0, 7, 1, 90, 255], &header[..], &content].concat());
        seeds.write("messages", &content);
        seeds.write("head", &content);
        seeds.write("weight", &content);
        for message in broker_messages(&content) {
            seeds.write("broker", &message);
            seeds.write("weight", &message);
        }
    }
    for vector in configs.as_array().expect("a list") {
        seeds.write("config", vector["config"].to_string().as_bytes());
        if let Ok(config) = CreateVmConfig::from_json(&vector["config"]) {
            seeds.write(
                "broker",
                &content(&ToWorker::Claim(Box::new(Claim {
                    config,
                    mounts: Vec::new(),
                    commands: Vec::new(),
                }))),
            );
        }
    }
    for message in protocol::broker::fuzz::samples() {
        seeds.write("broker", &message);
        seeds.write("weight", &message);
    }
    for pattern in ["/a/**", "/a/*", "**/b", "/{a,b}/c", "/a{,/**}", "/[!a]?", "/a\\*", "a.*", "/a/**/b"] {
        let paths = "/a\n/a/b\n/a/b/c\n/b\n/a/b/../c\n//a\n/a*\na.b";
        seeds.write("pattern", format!("{pattern}\n{paths}").as_bytes());
    }
    for pattern in
        ["*", "example.org", "*.example.org", "10.0.0.0/8", "127.0.0.1", "fd00::/8", "::ffff:10.0.0.0/104"]
    {
        let hosts = "Example.org.\n0x7f.1\n[::ffff:10.0.0.5]\nmünchen.de\n１２７。0。0。1\n64:ff9b::a00:5\n2130706433\nlocalhost";
        seeds.write("host", format!("{pattern}\n{hosts}").as_bytes());
    }
    for entry in fs::read_dir(root.join("tests/shell")).expect("tests/shell").flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "sh") {
            let text = fs::read_to_string(entry.path()).expect("a case");
            for case in text.split("\n#### ").filter_map(|case| case.split_once('\n')) {
                seeds.write("script", case.1.as_bytes());
            }
        }
    }
    for seed in ["a*b\nab", "[!a-z]*\n0x", "[[:alpha:]]?\nab", "a \\* b\na\\*b", "**/**\na/b"] {
        seeds.write("glob", seed.as_bytes());
    }
    for (kind, message) in [
        (0, "GET /a?b HTTP/1.1\r\nHost: x\r\nEmpty:\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
        (0, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n"),
        (0, "CONNECT a:1 HTTP/1.0\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\nrest"),
        (1, "HTTP/1.1 204 No Content\r\nA: b\r\n c\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end"),
    ] {
        seeds.write("http", &[&[kind, 9], message.as_bytes()].concat());
        seeds.write("http", &[&[kind | 0xfe, 30], message.as_bytes()].concat());
    }
    for packet in protocol::network::fuzz::samples() {
        seeds.write("network", &packet);
    }
    seeds.write("paths", &[0; 8]);
    for answer in [Forked::Worker(7), Forked::Refused(11)] {
        seeds.write("template", &answer.encode());
    }
    seeds.write("descriptors", &[130, 3, 5, 63, 200, 0, 129, 10, 128, 1]);
    for source in [
        "const f = <T,>(a: T & { b?: A<B[]>[] }): a is C => a!.b as D satisfies E;",
        "import type { A } from 'x';\nexport abstract class B<T> implements C { private x?: T; declare y: A; }",
        "type F = typeof import('x') | `a${string}` | { readonly [K in keyof T]-?: T[K] };\nlet y = 1;",
        "function g(this: Window, ...r: [a: string, b?: number]): asserts r is never { return <any>r; }",
    ] {
        for kind in 0..3 {
            seeds.write("typescript", &[&[kind], source.as_bytes()].concat());
        }
    }

    let mut words = BTreeSet::new();
    collect_words(&messages, &mut words);
    collect_words(&configs, &mut words);
    let lines: String = words.iter().map(|word| format!("{word}\n")).collect();
    fs::write(directory.join("words.dict"), lines).expect("words.dict");
}

struct Seeds {
    directory: PathBuf,
    written: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, bytes: &[u8]) {
        let folder = self.directory.join(target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("seed-{}", self.written)), bytes).expect("a seed");
        self.written += 1;
    }
}

/// What becomes of a message between client and sidecar on the way to or from a worker.
fn broker_messages(frame: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    match decode(frame) {
        Ok(ClientMessage::Request { id, body: Request::Vm { request, .. } }) => {
            messages.push(content(&ToWorker::Request { id, request }));
        }
        Ok(ClientMessage::Input { id, data, end }) => {
            messages.push(content(&ToWorker::Update { id, update: RequestUpdate::Input { data, end } }))
        }
        _ => {}
    }
    match decode(frame) {
        Ok(ServerMessage::Response { id, body: Response::Vm { response } }) => {
            messages.push(content(&FromWorker::Response { id, response: Ok(response) }));
        }
        Ok(ServerMessage::Response { id, body: Response::Error { error } }) => {
            messages.push(content(&FromWorker::Response { id, response: Err(error) }));
        }
        Ok(ServerMessage::Output { id, stream, data }) => {
            messages.push(content(&FromWorker::Output { id, stream, data }));
        }
        _ => {}
    }
    messages
}

fn content<T: serde::Serialize>(message: &T) -> Vec<u8> {
    encode_frame(message).expect("a seed fits a frame")[4..].to_vec()
}

fn from_hex(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).expect("a hexadecimal digit") as u8;
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The short words of a document, as lines of a dictionary: plain, and as MessagePack has them.
fn collect_words(value: &Value, words: &mut BTreeSet<String>) {
    let mut add = |word: &str| {
        if (3..32).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            words.insert(format!("\"{word}\""));
            words.insert(format!("\"\\x{:02x}{word}\"", 0xa0 | word.len()));
        }
    };
    match value {
        Value::String(text) => add(text),
        Value::Array(list) => list.iter().for_each(|value| collect_words(value, words)),
        Value::Object(object) => {
            for (key, value) in object {
                if key == "hex" {
                    continue;
                }
                let mut add = |word: &str| collect_words(&Value::String(word.to_owned()), words);
                add(key);
                collect_words(value, words);
            }
        }
        _ => {}
    }
}
