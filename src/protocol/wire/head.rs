//! What a client's message says of itself, read without decoding the rest: enough to refuse one that is too large by
//! answering it.

use serde::Deserialize;

/// The request that a message makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The request's number.
    pub id: u64,
    /// Whether it asks for a VM, with a configuration.
    pub creates_vm: bool,
}

/// What is read of it. All else is passed over.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: MessageKind,
    id: Option<u64>,
    body: Option<Body>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: BodyKind,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum MessageKind {
    Request,
    #[serde(other)]
    Other,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum BodyKind {
    CreateVm,
    #[serde(other)]
    Other,
}

/// The head of a request; none of anything else.
pub fn request_head(content: &[u8]) -> Option<RequestHead> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(content);
    deserializer.set_max_depth(super::codec::DEPTH_MAX);
    let message = Message::deserialize(&mut deserializer).ok()?;
    let body = message.body.filter(|_| message.kind == MessageKind::Request)?;
    Some(RequestHead { id: message.id?, creates_vm: body.kind == BodyKind::CreateVm })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ClientMessage, Request, encode_frame};
    use serde_json::json;

    fn head(message: &impl serde::Serialize) -> Option<RequestHead> {
        request_head(&encode_frame(message).unwrap()[4..])
    }

    #[test]
    fn requests_are_known_by_their_heads() {
        let create = Request::CreateVm { config: json!({ "env": { "type": "x" } }) };
        let create = ClientMessage::Request { id: 7, body: create };
        assert_eq!(head(&create), Some(RequestHead { id: 7, creates_vm: true }));
        let dispose = ClientMessage::Request { id: 8, body: Request::DisposeVm { vm: 1 } };
        assert_eq!(head(&dispose), Some(RequestHead { id: 8, creates_vm: false }));
        assert_eq!(head(&ClientMessage::Cancel { id: 9 }), None);
        for other in [json!(null), json!({ "type": "request" }), json!({ "type": 1, "id": 1, "body": {} })] {
            assert_eq!(head(&other), None, "{other}");
        }
    }
}
