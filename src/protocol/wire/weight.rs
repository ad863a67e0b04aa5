//! What a message's bytes may become in memory, told before they are decoded.
//!
//! A value of one byte, an empty list or a `nil`, takes tens of bytes once it is decoded, so bytes alone bound nothing.
//! Whoever reads hostile messages weighs each first, refuses what has too many elements, and charges the weight to
//! whoever sent it. Knows nothing of what messages say.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::codec::{DEPTH_MAX, DecodeError};

/// The most elements that one message may have: values in lists, and keys and values in maps, at all depths. The largest
/// that is ever needed is the listing of a directory of a hundred thousand entries.
pub const ELEMENTS_MAX: usize = 1 << 19;

/// Bytes that an element takes once decoded: a value that serde holds until it knows the type of a message, in lists
/// that grow by doubling.
const ELEMENT_BYTES: usize = 64;

/// Bytes that the content of a frame takes in memory, itself and what it is decoded to.
///
/// # Errors
/// It has more than [`ELEMENTS_MAX`] elements, nests too deeply, or is no MessagePack.
pub fn weigh(content: &[u8]) -> Result<usize, DecodeError> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(content);
    deserializer.set_max_depth(DEPTH_MAX);
    let mut elements = 0;
    match (Count { elements: &mut elements }).deserialize(&mut deserializer) {
        Ok(()) => Ok(content.len() + elements * ELEMENT_BYTES),
        Err(_) if elements > ELEMENTS_MAX => Err(DecodeError::TooMany),
        Err(error) => Err(DecodeError::Malformed(error.to_string())),
    }
}

/// Counts what a value consists of and keeps nothing of it.
struct Count<'a> {
    elements: &'a mut usize,
}

impl Count<'_> {
    fn more<E: Error>(&mut self) -> Result<(), E> {
        *self.elements += 1;
        if *self.elements > ELEMENTS_MAX { Err(E::custom("too many elements")) } else { Ok(()) }
    }

    fn again(&mut self) -> Count<'_> {
        Count { elements: self.elements }
    }
}

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Visits what costs nothing but the element that it is.
macro_rules! plain {
    ($($visit:ident: $value:ty),*) => {
        $(fn $visit<E: Error>(self, _: $value) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    plain!(visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64);
    plain!(visit_str: &str, visit_bytes: &[u8]);

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // An extension type, which no message has: it is refused when the message is decoded.
        serde::de::IgnoredAny::deserialize(deserializer).map(drop)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(self.again())?.is_some() {
            self.more()?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key_seed(self.again())?.is_some() {
            self.more()?;
            entries.next_value_seed(self.again())?;
            self.more()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ClientMessage, Request, encode_frame};
    use serde_json::json;

    fn weight(value: &serde_json::Value) -> Result<usize, DecodeError> {
        let frame = encode_frame(value).unwrap();
        weigh(&frame[4..]).map(|weight| (weight - (frame.len() - 4)) / ELEMENT_BYTES)
    }

    #[test]
    fn every_element_counts_at_every_depth() {
        assert_eq!(weight(&json!(null)).unwrap(), 0);
        assert_eq!(weight(&json!([null, 1, "text", [], {}])).unwrap(), 5);
        assert_eq!(weight(&json!({ "a": [[[true]]], "b": { "c": 1.5 } })).unwrap(), 9);
    }

    #[test]
    fn a_message_of_many_small_elements_is_refused_before_it_is_decoded() {
        let nils = |count| json!({ "type": "request", "body": { "config": vec![json!(null); count] } });
        assert!(weight(&nils(ELEMENTS_MAX - 10)).is_ok());
        assert!(matches!(weight(&nils(ELEMENTS_MAX)), Err(DecodeError::TooMany)));
        // A list may say that it is as long as it likes: what it says is not believed.
        assert!(weigh(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(matches!(weigh(&vec![0x91; 100_000]), Err(DecodeError::Malformed(_))));
    }

    #[test]
    fn bytes_weigh_what_they_are() {
        let data = vec![7; 1 << 20];
        let message = ClientMessage::Input { id: 1, data: data.into(), end: false };
        let frame = encode_frame(&message).unwrap();
        assert!((1 << 20..(1 << 20) + 1024).contains(&weigh(&frame[4..]).unwrap()));
        let message = ClientMessage::Request { id: 1, body: Request::DisposeVm { vm: 1 } };
        assert!(weigh(&encode_frame(&message).unwrap()[4..]).is_ok());
    }
}
