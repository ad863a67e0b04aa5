//! Frames and their contents as bytes.

use serde::{Serialize, de::DeserializeOwned};

/// The longest content of a frame, in bytes. A peer that announces more is cut off before anything is read.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How deeply a message may nest.
const DEPTH_MAX: usize = 64;

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The length of a frame is over the maximum.
    #[error("a frame of {0} bytes is longer than {FRAME_BYTES_MAX}")]
    TooLong(usize),
    /// A frame's content is not a message of the protocol.
    #[error("not a message: {0}")]
    Malformed(String),
    /// Bytes follow the message in its frame.
    #[error("{0} bytes after the message")]
    Trailing(usize),
}

/// Encodes a message as one frame.
///
/// # Errors
/// The content would be longer than [`FRAME_BYTES_MAX`].
pub fn encode_frame<T: Serialize>(message: &T) -> Result<Vec<u8>, DecodeError> {
    let mut frame = vec![0; 4];
    message
        .serialize(&mut rmp_serde::Serializer::new(&mut frame).with_struct_map())
        .map_err(|error| DecodeError::Malformed(error.to_string()))?;
    let length = frame.len() - 4;
    if length > FRAME_BYTES_MAX {
        return Err(DecodeError::TooLong(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(frame)
}

/// Decodes the content of one frame.
///
/// # Errors
/// It is no message of type `T`, or more than one.
pub fn decode<T: DeserializeOwned>(content: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = rmp_serde::Deserializer::new(std::io::Cursor::new(content));
    deserializer.set_max_depth(DEPTH_MAX);
    let message =
        T::deserialize(&mut deserializer).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    match deserializer.position() as usize {
        end if end == content.len() => Ok(message),
        end => Err(DecodeError::Trailing(content.len() - end)),
    }
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    start: usize,
}

impl FrameDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes that have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame's content, if it has arrived.
    ///
    /// # Errors
    /// The frame says that it is longer than [`FRAME_BYTES_MAX`]; the stream cannot be read on.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, DecodeError> {
        let rest = &self.buffer[self.start..];
        let Some(header) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*header) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(DecodeError::TooLong(length));
        }
        if rest.len() < 4 + length {
            return Ok(None);
        }
        let content = self.start + 4;
        self.start = content + length;
        Ok(Some(&self.buffer[content..content + length]))
    }

    /// Whether the stream may end here: no frame is cut in two.
    pub fn is_at_boundary(&self) -> bool {
        self.start == self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ClientMessage, Request};
    use proptest::prelude::*;

    #[test]
    fn a_frame_over_the_maximum_is_refused_by_its_header() {
        let mut decoder = FrameDecoder::new();
        decoder.push(&(FRAME_BYTES_MAX as u32 + 1).to_be_bytes());
        assert!(matches!(decoder.next_frame(), Err(DecodeError::TooLong(_))));
    }

    #[test]
    fn bytes_after_a_message_are_refused() {
        let mut frame = encode_frame(&ClientMessage::Cancel { id: 1 }).unwrap();
        frame.push(0xc0);
        assert!(matches!(decode::<ClientMessage>(&frame[4..]), Err(DecodeError::Trailing(1))));
    }

    #[test]
    fn deep_nesting_is_refused_without_a_deep_stack() {
        let mut content = vec![0x91; 100_000];
        content.push(0xc0);
        assert!(decode::<serde_json::Value>(&content).is_err());
    }

    #[test]
    fn an_unknown_field_or_message_is_refused() {
        for text in [
            r#"{"type":"cancel","id":1,"extra":2}"#,
            r#"{"type":"unknown","id":1}"#,
            r#"{"type":"request","id":1,"body":{"type":"disposeVm","vm":1,"x":1}}"#,
            "[]",
            "null",
        ] {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            let frame = encode_frame(&value).unwrap();
            assert!(decode::<ClientMessage>(&frame[4..]).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(cuts in proptest::collection::vec(1usize..20, 1..30), ids in proptest::collection::vec(any::<u64>(), 1..10)) {
            let messages: Vec<_> = ids.iter().map(|&id| ClientMessage::Request { id, body: Request::DisposeVm { vm: id } }).collect();
            let stream: Vec<u8> = messages.iter().flat_map(|m| encode_frame(m).unwrap()).collect();
            let mut decoder = FrameDecoder::new();
            let mut seen = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                decoder.push(now);
                rest = later;
                while let Some(content) = decoder.next_frame().unwrap() {
                    seen.push(decode::<ClientMessage>(content).unwrap());
                }
            }
            prop_assert!(decoder.is_at_boundary());
            prop_assert_eq!(seen, messages);
        }

        #[test]
        fn any_bytes_decode_or_fail_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<ClientMessage>(&bytes);
            let _ = decode::<crate::wire::ServerMessage>(&bytes);
        }
    }
}
