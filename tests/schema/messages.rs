//! `tests/vectors/messages.json`: every message as JSON and as the bytes of its frame's content.

use std::collections::BTreeSet;
use std::fmt::Debug;

use data_encoding::HEXLOWER;
use protocol::wire::{
    ClientMessage, HostCallOutcome, Request, Response, ServerMessage, VmRequest, VmResponse, decode,
    encode_frame,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ts_rs::TS;

use crate::check_generated;
use crate::json::{Sorted, from_message_pack};
use crate::samples::{Sample, client_samples, kind, server_samples};

const FILE: &str = "tests/vectors/messages.json";

#[derive(Serialize, Deserialize)]
struct Vector {
    name: String,
    direction: Direction,
    json: Sorted,
    hex: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Direction {
    ToSidecar,
    ToClient,
}

fn vector<T: Serialize>(sample: &Sample<T>, direction: Direction) -> Vector {
    let frame = encode_frame(&sample.message).expect("a sample fits a frame");
    let content = &frame[4..];
    Vector {
        name: sample.name.clone(),
        direction,
        json: from_message_pack(content),
        hex: HEXLOWER.encode(content),
    }
}

fn committed() -> Vec<Vector> {
    let text = std::fs::read_to_string(crate::repository(FILE)).expect(FILE);
    serde_json::from_str(&text).expect("the vectors are JSON")
}

#[test]
fn the_vectors_are_what_the_encoder_writes() {
    let to_sidecar =
        client_samples().iter().map(|sample| vector(sample, Direction::ToSidecar)).collect::<Vec<_>>();
    let to_client =
        server_samples().iter().map(|sample| vector(sample, Direction::ToClient)).collect::<Vec<_>>();
    let all: Vec<_> = to_sidecar.into_iter().chain(to_client).collect();
    let names: BTreeSet<_> = all.iter().map(|vector| &vector.name).collect();
    assert_eq!(names.len(), all.len(), "two samples have one name");
    check_generated(FILE, &Sorted::of(&all).pretty());
}

#[test]
fn every_vector_decodes_and_encodes_to_the_same_bytes() {
    fn check<T: DeserializeOwned + Serialize + Debug>(vector: &Vector) {
        let bytes = HEXLOWER.decode(vector.hex.as_bytes()).expect("hexadecimal digits");
        let message: T = decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let frame = encode_frame(&message).expect("it was in a frame");
        assert_eq!(HEXLOWER.encode(&frame[4..]), vector.hex, "{}: {message:?}", vector.name);
    }
    for vector in committed() {
        match vector.direction {
            Direction::ToSidecar => check::<ClientMessage>(&vector),
            Direction::ToClient => check::<ServerMessage>(&vector),
        }
    }
}

/// The variants of an enum of messages, as they are on the wire.
fn variants<T: TS>() -> Vec<String> {
    let declaration = T::decl(&ts_rs::Config::new());
    let tags = declaration.split("{ \"type\": \"").skip(1);
    let names: Vec<_> = tags.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    assert!(!names.is_empty(), "{declaration} has no variants");
    names
}

#[test]
fn every_kind_of_message_has_a_vector() {
    let kinds: BTreeSet<Vec<String>> = client_samples()
        .iter()
        .map(|sample| kind(&sample.message))
        .chain(server_samples().iter().map(|sample| kind(&sample.message)))
        .collect();
    let wanted: [(&[&str], _); 7] = [
        (&[], variants::<ClientMessage>()),
        (&["request"], variants::<Request>()),
        (&["request", "vm"], variants::<VmRequest>()),
        (&["hostResult"], variants::<HostCallOutcome>()),
        (&[], variants::<ServerMessage>()),
        (&["response"], variants::<Response>()),
        (&["response", "vm"], variants::<VmResponse>()),
    ];
    for (outer, variants) in wanted {
        for variant in variants {
            let kind: Vec<_> = outer.iter().map(|name| (*name).to_owned()).chain([variant]).collect();
            assert!(kinds.iter().any(|known| known.starts_with(&kind)), "{} has no sample", kind.join("."));
        }
    }
    let written: Vec<_> = committed().iter().map(|vector| vector.name.clone()).collect();
    for kind in kinds {
        let kind = kind.join(".");
        assert!(written.iter().any(|name| name.split(':').next() == Some(&kind)), "{kind} is not in {FILE}");
    }
}
