//! Entries for fuzzing the codec: bytes in, properties checked.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    ClientMessage, DecodeError, FRAME_BYTES_MAX, FrameDecoder, Request, RequestHead, ServerMessage, decode,
    encode_frame, request_head, weigh,
};

/// Reads frames from a stream that arrives in pieces; the first eight bytes say how long the pieces are. Panics unless
/// the frames are those of the whole stream, and one that is too long ends it for good.
pub fn frames(bytes: &[u8]) {
    let (lengths, stream) = bytes.split_at(bytes.len().min(8));
    let (expected, end) = frames_of(stream);

    let mut decoder = FrameDecoder::new();
    let mut seen = Vec::new();
    let mut rest = stream;
    let mut lengths = lengths.iter().cycle();
    let refused = 'stream: loop {
        match decoder.next_frame() {
            Ok(Some(content)) => seen.push(content.to_vec()),
            Err(DecodeError::TooLong { length, .. }) => {
                assert!(length > FRAME_BYTES_MAX);
                break 'stream true;
            }
            Err(other) => panic!("{other}"),
            Ok(None) if rest.is_empty() => break 'stream false,
            Ok(None) => {
                let length = lengths.next().map_or(1, |length| usize::from(*length) + 1);
                let (now, later) = rest.split_at(length.min(rest.len()));
                decoder.push(now);
                rest = later;
            }
        }
    };
    assert_eq!(seen, expected);
    assert_eq!(refused, end == End::TooLong);
    if refused {
        decoder.push(&[0; 8]);
        assert!(decoder.next_frame().is_err(), "a refused stream is read on");
    } else {
        assert_eq!(decoder.is_at_boundary(), end == End::Whole);
    }
}

/// Where a stream ends.
#[derive(PartialEq)]
enum End {
    Whole,
    WithinAFrame,
    TooLong,
}

/// The frames of a stream that is there as a whole.
fn frames_of(mut stream: &[u8]) -> (Vec<Vec<u8>>, End) {
    let mut frames = Vec::new();
    loop {
        let Some((header, rest)) = stream.split_first_chunk() else {
            return (frames, if stream.is_empty() { End::Whole } else { End::WithinAFrame });
        };
        let length = u32::from_be_bytes(*header) as usize;
        if length > FRAME_BYTES_MAX {
            return (frames, End::TooLong);
        }
        let Some((content, rest)) = rest.split_at_checked(length) else { return (frames, End::WithinAFrame) };
        frames.push(content.to_vec());
        stream = rest;
    }
}

/// Decodes the content of a frame as either side does, and the configuration that may be in it.
pub fn messages(content: &[u8]) {
    message::<ServerMessage>(content);
    if let Some(ClientMessage::Request { body: Request::CreateVm { config }, .. }) = message(content) {
        crate::config::fuzz::document(&config);
    }
}

/// Reads the head of a client's message as a sidecar does that will not decode the rest. Panics unless it says of every
/// request what the message itself says, and nothing of what is no request.
pub fn head(content: &[u8]) {
    let head = request_head(content);
    match decode(content) {
        Ok(ClientMessage::Request { id, body }) => {
            let creates_vm = matches!(body, Request::CreateVm { .. });
            assert_eq!(head, Some(RequestHead { id, creates_vm }));
        }
        Ok(_) => assert_eq!(head, None),
        // It may be a request but for what the head passes over.
        Err(_) => {}
    }
}

/// Weighs a message first and decodes it then, as whoever reads a hostile peer does. Panics unless the weight holds what
/// the message says: its bytes, and at least one element for each value that decoding finds in it.
pub fn weighed<T: Serialize + DeserializeOwned>(content: &[u8]) {
    let Ok(weight) = weigh(content) else {
        assert!(decode::<T>(content).is_err(), "what is refused unread would have been a message");
        return;
    };
    assert!(weight >= content.len());
    if let Ok(message) = decode::<T>(content) {
        let frame = encode_frame(&message).expect("what came in a frame fits one");
        assert!(frame.len() - 4 <= weight, "{} bytes that weighed {weight}", frame.len() - 4);
    }
}

/// Panics unless what decodes is encoded to bytes that decode to the same, and neither a part of them nor more than
/// they are decodes.
pub fn message<T: Serialize + DeserializeOwned>(content: &[u8]) -> Option<T> {
    let message: T = decode(content).ok()?;
    assert!(
        weigh(content).is_ok(),
        "what decodes, and fits into a frame of this size, can be weighed before"
    );
    let frame = encode_frame(&message).expect("what came in a frame fits one");
    let again: T = decode(&frame[4..]).expect("what was encoded decodes");
    assert_eq!(encode_frame(&again).expect("it fitted before"), frame);
    assert!(decode::<T>(&content[..content.len() - 1]).is_err(), "a message without its last byte");
    let more = [content, &[0xc0]].concat();
    assert!(matches!(decode::<T>(&more), Err(DecodeError::Trailing(1))), "a message and a byte");
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    /// The contents of the golden frames.
    fn vectors() -> Vec<Vec<u8>> {
        let text = include_str!("../../../tests/vectors/messages.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let hex = vectors.as_array().unwrap().iter().map(|vector| vector["hex"].as_str().unwrap());
        hex.map(|hex| HEXLOWER.decode(hex.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn the_golden_messages_have_the_properties() {
        for content in vectors() {
            messages(&content);
            frames(&[&[2; 8], &(content.len() as u32).to_be_bytes()[..], &content].concat());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
        #[test]
        fn damaged_messages_have_the_properties(which: prop::sample::Index, at: prop::sample::Index, byte: u8) {
            let vectors = vectors();
            let mut content = which.get(&vectors).clone();
            let at = at.index(content.len());
            content[at] = byte;
            messages(&content);
            head(&content);
            weighed::<ClientMessage>(&content);
        }

        #[test]
        fn any_bytes_have_the_properties(content in prop::collection::vec(any::<u8>(), 0..64)) {
            messages(&content);
            head(&content);
            weighed::<ClientMessage>(&content);
            weighed::<ServerMessage>(&content);
        }

        #[test]
        fn any_stream_has_the_properties(
            lengths: [u8; 8], contents in prop::collection::vec(0u32..300, 0..6), tail in prop::collection::vec(any::<u8>(), 0..8)
        ) {
            let mut bytes = lengths.to_vec();
            for length in contents {
                bytes.extend(length.to_be_bytes());
                bytes.resize(bytes.len() + length as usize, 7);
            }
            bytes.extend(tail);
            frames(&bytes);
        }
    }
}
