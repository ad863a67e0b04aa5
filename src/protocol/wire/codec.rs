//! Frames and their contents as bytes.

use serde::{Serialize, de::DeserializeOwned};

/// The longest content of a frame, in bytes. A peer that announces more is cut off before anything is read.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How deeply a message may nest.
pub(super) const DEPTH_MAX: usize = 64;

/// A buffer that has grown over this many bytes for one long frame is let go once that is done with.
const BUFFER_KEPT: usize = 256 * 1024;

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The length of a frame is over the maximum.
    #[error("a frame of {length} bytes is longer than {most}")]
    TooLong {
        /// What its header says, in bytes.
        length: usize,
        /// What is allowed here and now.
        most: usize,
    },
    /// A frame's content has more elements than [`super::ELEMENTS_MAX`].
    #[error("a message of more than {} elements", super::ELEMENTS_MAX)]
    TooMany,
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
        return Err(DecodeError::TooLong { length, most: FRAME_BYTES_MAX });
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
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    start: usize,
    most: usize,
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::with_limit(FRAME_BYTES_MAX)
    }

    /// Likewise, for contents of at most so many bytes.
    pub fn with_limit(most: usize) -> Self {
        FrameDecoder { buffer: Vec::new(), start: 0, most }
    }

    /// Allows contents of so many bytes from the next frame on.
    pub fn set_limit(&mut self, most: usize) {
        self.most = most;
    }

    /// Takes bytes that have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame's content, if it has arrived. It stays the next one until [`FrameDecoder::advance`].
    ///
    /// # Errors
    /// The frame says that it is longer than the maximum; the stream cannot be read on.
    pub fn peek(&mut self) -> Result<Option<&[u8]>, DecodeError> {
        if self.is_at_boundary() && self.buffer.capacity() > BUFFER_KEPT {
            (self.buffer, self.start) = (Vec::new(), 0);
        }
        let rest = &self.buffer[self.start..];
        let Some((header, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*header) as usize;
        if length > self.most {
            return Err(DecodeError::TooLong { length, most: self.most });
        }
        Ok(rest.get(..length))
    }

    /// Goes on to the frame after the one that [`FrameDecoder::peek`] shows, if it shows one.
    pub fn advance(&mut self) {
        if let Ok(Some(length)) = self.peek().map(|content| content.map(<[u8]>::len)) {
            self.start += 4 + length;
        }
    }

    /// The next whole frame's content, if it has arrived.
    ///
    /// # Errors
    /// As [`FrameDecoder::peek`].
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, DecodeError> {
        let Some(length) = self.peek()?.map(<[u8]>::len) else { return Ok(None) };
        let start = self.start + 4;
        self.start = start + length;
        Ok(Some(&self.buffer[start..start + length]))
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
        assert!(matches!(decoder.next_frame(), Err(DecodeError::TooLong { .. })));
    }

    #[test]
    fn the_maximum_can_be_less_for_the_beginning() {
        let frame = encode_frame(&"text".repeat(100)).unwrap();
        let mut decoder = FrameDecoder::with_limit(64);
        decoder.push(&frame);
        assert!(matches!(decoder.peek(), Err(DecodeError::TooLong { most: 64, .. })));
        decoder.set_limit(FRAME_BYTES_MAX);
        assert_eq!(decoder.next_frame().unwrap(), Some(&frame[4..]));
    }

    #[test]
    fn the_buffer_of_a_long_frame_is_not_kept() {
        let mut decoder = FrameDecoder::new();
        decoder.push(&encode_frame(&"x".repeat(4 << 20)).unwrap());
        decoder.advance();
        assert!(decoder.is_at_boundary());
        assert!(decoder.peek().unwrap().is_none());
        assert!(decoder.buffer.capacity() <= BUFFER_KEPT);
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
