//! Node's encodings of strings as bytes.

use std::borrow::Cow;

use isolate::library::Scope;
use v8::simdutf::{self, Base64Options, LastChunkHandling};

use crate::bytes::{self, Units};

/// An encoding, numbered as Node numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Ascii,
    Utf8,
    Base64,
    Utf16,
    Latin1,
    Hex,
    /// No text: bytes as they are.
    Buffer,
    Base64Url,
}

impl Encoding {
    pub fn from_number(number: u32) -> Option<Encoding> {
        Some(match number {
            0 => Encoding::Ascii,
            1 => Encoding::Utf8,
            2 => Encoding::Base64,
            3 => Encoding::Utf16,
            4 => Encoding::Latin1,
            5 => Encoding::Hex,
            6 => Encoding::Buffer,
            7 => Encoding::Base64Url,
            _ => return None,
        })
    }

    pub fn from_name(name: &str) -> Option<Encoding> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf8" | "utf-8" => Encoding::Utf8,
            "ucs2" | "ucs-2" | "utf16le" | "utf-16le" => Encoding::Utf16,
            "latin1" | "binary" => Encoding::Latin1,
            "ascii" => Encoding::Ascii,
            "base64" => Encoding::Base64,
            "base64url" => Encoding::Base64Url,
            "hex" => Encoding::Hex,
            "buffer" => Encoding::Buffer,
            _ => return None,
        })
    }

    /// The encoding that a value says, by name or number; the default for anything else.
    pub fn of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>, default: Encoding) -> Encoding {
        let said = if let Ok(name) = value.try_cast::<v8::String>() {
            // No name is longer than these.
            if name.length() > 16 {
                return default;
            }
            Encoding::from_name(&name.to_rust_string_lossy(scope))
        } else if value.is_uint32() {
            value.uint32_value(scope).and_then(Encoding::from_number)
        } else {
            None
        };
        said.unwrap_or(default)
    }

    /// How many bytes a text of so many characters takes at most.
    pub fn bytes_max(self, units: Units<'_>) -> usize {
        let length = units.len();
        match (self, units) {
            (Encoding::Utf8 | Encoding::Buffer, Units::Latin1(_)) => length.saturating_mul(2),
            (Encoding::Utf8 | Encoding::Buffer, Units::Utf16(_)) => length.saturating_mul(3),
            (Encoding::Utf16, _) => length.saturating_mul(2),
            (Encoding::Ascii | Encoding::Latin1, _) => length,
            (Encoding::Hex, _) => length / 2,
            (Encoding::Base64 | Encoding::Base64Url, _) => length.div_ceil(4).saturating_mul(3),
        }
    }

    /// Writes a text, as many whole characters as fit; returns how many bytes.
    pub fn write(self, units: Units<'_>, out: &mut [u8]) -> usize {
        match self {
            Encoding::Utf8 | Encoding::Buffer => write_utf8(units, out).1,
            Encoding::Ascii | Encoding::Latin1 => match units {
                Units::Latin1(units) => {
                    let length = units.len().min(out.len());
                    for (byte, unit) in out.iter_mut().zip(units) {
                        *byte = *unit;
                    }
                    length
                }
                Units::Utf16(units) => {
                    for (byte, unit) in out.iter_mut().zip(units) {
                        // Only the low byte is written, as Node does.
                        *byte = *unit as u8;
                    }
                    units.len().min(out.len())
                }
            },
            Encoding::Utf16 => {
                let length = units.len().min(out.len() / 2);
                let pairs = out.as_chunks_mut::<2>().0;
                match units {
                    Units::Latin1(units) => {
                        for (pair, unit) in pairs.iter_mut().zip(units) {
                            *pair = u16::from(*unit).to_le_bytes();
                        }
                    }
                    Units::Utf16(units) => {
                        for (pair, unit) in pairs.iter_mut().zip(units) {
                            *pair = unit.to_le_bytes();
                        }
                    }
                }
                length * 2
            }
            Encoding::Hex => match units {
                Units::Latin1(units) => write_hex(units.iter().copied(), out),
                Units::Utf16(units) => write_hex(units.iter().map(|unit| narrow(*unit)), out),
            },
            Encoding::Base64 | Encoding::Base64Url => match units {
                Units::Latin1(units) => {
                    let is_url = self == Encoding::Base64Url;
                    let options = if is_url { Base64Options::Url } else { Base64Options::Default };
                    match proper_base64(units, options) {
                        Some(bytes) => {
                            let length = bytes.len().min(out.len());
                            for (byte, from) in out.iter_mut().zip(bytes) {
                                *byte = from;
                            }
                            length
                        }
                        None => write_base64(units.iter().copied(), out),
                    }
                }
                // Their low bytes count alone, as in Node.
                Units::Utf16(units) => write_base64(units.iter().map(|unit| *unit as u8), out),
            },
        }
    }

    /// The bytes of a text. `None` with an exception pending if there is no memory for them.
    pub fn encode(self, scope: &mut Scope<'_, '_>, text: v8::Local<'_, v8::String>) -> Option<Vec<u8>> {
        let bytes = bytes::with_units(scope, text, |units| {
            let most = self.bytes_max(units);
            if !isolate::library::memory_for(most) {
                return None;
            }
            let mut bytes = vec![0; most];
            let length = self.write(units, &mut bytes);
            bytes.truncate(length);
            Some(bytes)
        })?;
        if bytes.is_none() {
            bytes::throw_no_memory(scope);
        }
        bytes
    }

    /// The text that bytes are. `None` with an exception pending if that is too long.
    pub fn decode<'s>(self, scope: &mut Scope<'s, '_>, data: &[u8]) -> Option<v8::Local<'s, v8::String>> {
        if data.is_empty() {
            return Some(v8::String::empty(scope));
        }
        // Told before any memory is taken for what no string can hold.
        let length = match self {
            Encoding::Hex => data.len().saturating_mul(2),
            Encoding::Base64 | Encoding::Base64Url => data.len().div_ceil(3).saturating_mul(4),
            Encoding::Utf16 => data.len() / 2,
            _ => data.len(),
        };
        if length > v8::String::MAX_LENGTH || !isolate::library::memory_for(length.saturating_mul(2)) {
            bytes::throw_too_long(scope);
            return None;
        }
        match self {
            Encoding::Utf8 | Encoding::Buffer => bytes::utf8(scope, data),
            Encoding::Latin1 => bytes::latin1(scope, data),
            Encoding::Ascii => {
                if data.is_ascii() {
                    return bytes::latin1(scope, data);
                }
                let data: Vec<u8> = data.iter().map(|byte| byte & 0x7f).collect();
                bytes::latin1(scope, &data)
            }
            Encoding::Utf16 => bytes::utf16(scope, &utf16_units(data)),
            Encoding::Hex => bytes::latin1(scope, data_encoding::HEXLOWER.encode(data).as_bytes()),
            Encoding::Base64 => bytes::latin1(scope, &to_base64(data, Base64Options::Default)),
            Encoding::Base64Url => bytes::latin1(scope, &to_base64(data, Base64Options::Url)),
        }
    }
}

/// The units of UTF-16 in little-endian bytes; an odd last byte is left out.
pub(crate) fn utf16_units(data: &[u8]) -> Vec<u16> {
    data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// Writes UTF-8, as many whole characters as fit: how many units were read, how many bytes written.
pub(crate) fn write_utf8(units: Units<'_>, out: &mut [u8]) -> (usize, usize) {
    match units {
        Units::Latin1(units) => encoding_rs::mem::convert_latin1_to_utf8_partial(units, out),
        Units::Utf16(units) => {
            let length = simdutf::utf8_length_from_utf16le(units);
            if length <= out.len() {
                // SAFETY: there is room for all of it.
                let done = unsafe { simdutf::convert_utf16le_to_utf8_with_errors(units, out) };
                if done.is_ok() {
                    return (units.len(), done.count);
                }
            }
            encoding_rs::mem::convert_utf16_to_utf8_partial(units, out)
        }
    }
}

/// A character as a byte; 0xff, which is of no alphabet here, for any that is none.
fn narrow(unit: u16) -> u8 {
    u8::try_from(unit).unwrap_or(0xff)
}

/// Pairs of digits up to the first that is none.
fn write_hex(mut units: impl Iterator<Item = u8>, out: &mut [u8]) -> usize {
    let digit = |unit: u8| char::from(unit).to_digit(16).map(|digit| digit as u8);
    let mut written = 0;
    for byte in out.iter_mut() {
        let (Some(high), Some(low)) = (units.next().and_then(digit), units.next().and_then(digit)) else {
            break;
        };
        *byte = high << 4 | low;
        written += 1;
    }
    written
}

/// The values of the digits of both alphabets of base64; -1 for what is none, -2 for what ends the text.
const BASE64_DIGITS: [i8; 256] = {
    let mut digits = [-1; 256];
    let mut value = 0;
    while value < 64 {
        let digit = match value {
            0..=25 => b'A' + value,
            26..=51 => b'a' + value - 26,
            52..=61 => b'0' + value - 52,
            62 => b'+',
            _ => b'/',
        };
        digits[digit as usize] = value as i8;
        value += 1;
    }
    digits[b'-' as usize] = 62;
    digits[b'_' as usize] = 63;
    digits[b'=' as usize] = -2;
    digits
};

/// Bytes as base64.
fn to_base64(data: &[u8], options: Base64Options) -> Vec<u8> {
    let mut text = vec![0; simdutf::base64_length_from_binary(data.len(), options)];
    // SAFETY: the output has the length that it wants.
    let length = unsafe { simdutf::binary_to_base64(data, &mut text, options) };
    text.truncate(length);
    text
}

/// Base64 without a fault, white space apart: its bytes, if there is memory for them.
fn proper_base64(units: &[u8], options: Base64Options) -> Option<Vec<u8>> {
    let most = simdutf::maximal_binary_length_from_base64(units);
    if !isolate::library::memory_for(most) {
        return None;
    }
    // Memory of its own: what lies behind the bytes may be written to.
    let mut bytes = vec![0; most];
    // SAFETY: the output has the length that it may want.
    let done = unsafe { simdutf::base64_to_binary(units, &mut bytes, options, LastChunkHandling::Loose) };
    if !done.is_ok() {
        return None;
    }
    bytes.truncate(done.count);
    Some(bytes)
}

/// Base64 of either alphabet, up to the first `=`; what is in neither is passed over.
fn write_base64(units: impl Iterator<Item = u8>, out: &mut [u8]) -> usize {
    let (mut bits, mut count, mut written) = (0u32, 0, 0);
    let mut out = out.iter_mut();
    for unit in units {
        let digit = BASE64_DIGITS[usize::from(unit)];
        if digit < 0 {
            if digit == -2 {
                break;
            }
            continue;
        }
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            let Some(byte) = out.next() else { break };
            *byte = (bits >> count) as u8;
            written += 1;
        }
    }
    written
}

/// Base64 as browsers' `atob` takes it: none for what is not.
pub(crate) fn forgiving_base64(units: Units<'_>) -> Option<Vec<u8>> {
    let units: Cow<'_, [u8]> = match units {
        Units::Latin1(units) => Cow::Borrowed(units),
        Units::Utf16(units) => Cow::Owned(units.iter().map(|unit| narrow(*unit)).collect()),
    };
    if let Some(bytes) = proper_base64(&units, Base64Options::Default) {
        return Some(bytes);
    }
    let mut digits: Vec<u8> = units
        .iter()
        .copied()
        .filter(|unit| !matches!(unit, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r'))
        .collect();
    if digits.len().is_multiple_of(4) {
        for _ in 0..2 {
            if digits.last() == Some(&b'=') {
                digits.pop();
            }
        }
    }
    let mut specification = data_encoding::Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    specification.check_trailing_bits = false;
    specification.encoding().ok()?.decode(&digits).ok()
}

#[cfg(test)]
mod tests {
    use super::{Encoding, forgiving_base64};
    use crate::bytes::Units;

    fn written(encoding: Encoding, text: &[u8], room: usize) -> Vec<u8> {
        let mut out = vec![0; room];
        let length = encoding.write(Units::Latin1(text), &mut out);
        out.truncate(length);
        out
    }

    #[test]
    fn base64_passes_over_what_is_none_and_ends_at_padding() {
        assert_eq!(written(Encoding::Base64, b"YW J*j", 9), b"abc");
        assert_eq!(written(Encoding::Base64, b"YQ==YQ==", 9), b"a");
        assert_eq!(written(Encoding::Base64Url, b"-_+/", 9), [251, 255, 191]);
        assert_eq!(written(Encoding::Base64, b"YWJj", 2), b"ab");
    }

    #[test]
    fn hexadecimal_ends_at_the_first_pair_that_is_none() {
        assert_eq!(written(Encoding::Hex, b"00fg11", 9), [0]);
        assert_eq!(written(Encoding::Hex, b"abc", 9), [0xab]);
    }

    #[test]
    fn utf_8_is_written_in_whole_characters() {
        let mut out = [0; 4];
        let units: Vec<u16> = "a€é".encode_utf16().collect();
        assert_eq!(Encoding::Utf8.write(Units::Utf16(&units), &mut out[..3]), 1);
        assert_eq!(Encoding::Utf8.write(Units::Utf16(&units), &mut out), 4);
    }

    #[test]
    fn forgiving_base64_forgives_white_space_and_absent_padding_alone() {
        let decode = |text: &[u8]| forgiving_base64(Units::Latin1(text));
        assert_eq!(decode(b" Y Q = = ").as_deref(), Some(&b"a"[..]));
        assert_eq!(decode(b"YQ").as_deref(), Some(&b"a"[..]));
        for text in [&b"YQ="[..], b"Y", b"Y*==", b"-_-_", b"=", b"YWJj="] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
