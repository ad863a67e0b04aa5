//! JSON texts with a fixed order of keys, and MessagePack as JSON.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

/// A JSON value whose objects are sorted by key, whatever features `serde_json` was compiled with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Sorted {
    Null(()),
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Sorted>),
    Object(BTreeMap<String, Sorted>),
}

impl Sorted {
    /// The text of a file.
    pub fn pretty(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("JSON");
        text.push('\n');
        text
    }

    /// A value as it is serialized.
    pub fn of(value: &impl Serialize) -> Self {
        serde_json::from_str(&serde_json::to_string(value).expect("JSON")).expect("JSON")
    }
}

/// Reads MessagePack without knowing the types, so that the vectors do not only check the encoder against itself.
/// Bytes become `{"$bytes": base64}`.
pub fn from_message_pack(bytes: &[u8]) -> Sorted {
    let mut reader = Reader { rest: bytes };
    let value = reader.value();
    assert!(reader.rest.is_empty(), "{} bytes after the value", reader.rest.len());
    value
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, length: usize) -> &[u8] {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn unsigned(&mut self, width: usize) -> u64 {
        self.take(width).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&mut self, length: usize) -> Sorted {
        Sorted::Text(String::from_utf8(self.take(length).to_vec()).expect("UTF-8"))
    }

    fn list(&mut self, length: usize) -> Sorted {
        Sorted::List((0..length).map(|_| self.value()).collect())
    }

    fn object(&mut self, length: usize) -> Sorted {
        let mut object = BTreeMap::new();
        for _ in 0..length {
            let Sorted::Text(key) = self.value() else { panic!("a key is no string") };
            assert!(object.insert(key.clone(), self.value()).is_none(), "{key} twice");
        }
        Sorted::Object(object)
    }

    fn bytes(&mut self, length: usize) -> Sorted {
        let text = BASE64.encode(self.take(length));
        Sorted::Object(BTreeMap::from([("$bytes".to_owned(), Sorted::Text(text))]))
    }

    fn value(&mut self) -> Sorted {
        let tag = self.unsigned(1) as u8;
        match tag {
            0x00..=0x7f => Sorted::Number(tag.into()),
            0x80..=0x8f => self.object(usize::from(tag & 0x0f)),
            0x90..=0x9f => self.list(usize::from(tag & 0x0f)),
            0xa0..=0xbf => self.text(usize::from(tag & 0x1f)),
            0xc0 => Sorted::Null(()),
            0xc2 | 0xc3 => Sorted::Bool(tag == 0xc3),
            0xc4..=0xc6 => {
                let length = self.unsigned(1 << (tag - 0xc4)) as usize;
                self.bytes(length)
            }
            0xcb => {
                let number = f64::from_bits(self.unsigned(8));
                Sorted::Number(serde_json::Number::from_f64(number).expect("a finite number"))
            }
            0xcc..=0xcf => Sorted::Number(self.unsigned(1 << (tag - 0xcc)).into()),
            0xd0 => Sorted::Number((self.unsigned(1) as u8 as i8).into()),
            0xd1 => Sorted::Number((self.unsigned(2) as u16 as i16).into()),
            0xd2 => Sorted::Number((self.unsigned(4) as u32 as i32).into()),
            0xd3 => Sorted::Number((self.unsigned(8) as i64).into()),
            0xd9..=0xdb => {
                let length = self.unsigned(1 << (tag - 0xd9)) as usize;
                self.text(length)
            }
            0xdc | 0xdd => {
                let length = self.unsigned(2 << (tag - 0xdc)) as usize;
                self.list(length)
            }
            0xde | 0xdf => {
                let length = self.unsigned(2 << (tag - 0xde)) as usize;
                self.object(length)
            }
            0xe0..=0xff => Sorted::Number((tag as i8).into()),
            _ => panic!("tag {tag:#x} is not used by the protocol"),
        }
    }
}
