//! What Node takes from ICU: decoders of many encodings, transcoding, how wide text is on a terminal.

use std::cell::RefCell;
use std::rc::Rc;

use encoding_rs::{Decoder, DecoderResult};
use icu_properties::CodePointMapData;
use icu_properties::props::{EastAsianWidth, GeneralCategory};
use isolate::library::{Scope, memory_for, string};

use super::encoding_binding::throw_invalid;
use crate::binding::{Args, Binding, Class, Return, functions};
use crate::bytes::{self, Memory, Units, throw_no_memory, with_units};
use crate::coded_error::{Kind, throw};
use crate::encoding::{Encoding, utf16_units};
use crate::environment::Env;
use crate::handle;

pub(super) static BINDING: Binding = Binding {
    name: "icu",
    functions: functions! {
        "getStringWidth" => get_string_width,
        "icuErrName" => icu_err_name,
        "transcode" => transcode,
        "getConverter" => get_converter,
        "hasConverter" => has_converter,
        "decode" => decode,
    },
    make: Some(make),
};

/// Bits of a converter's flags and of a call's.
const FLUSH: u32 = 1;
const FATAL: u32 = 2;
const IGNORE_BOM: u32 = 4;

/// ICU's numbers for what was wrong.
const ILLEGAL_ARGUMENT: i32 = 1;
const INVALID_CHARACTER: i32 = 10;

/// ICU's names of errors, by number.
const ERROR_NAMES: &[&str] = &[
    "U_ZERO_ERROR",
    "U_ILLEGAL_ARGUMENT_ERROR",
    "U_MISSING_RESOURCE_ERROR",
    "U_INVALID_FORMAT_ERROR",
    "U_FILE_ACCESS_ERROR",
    "U_INTERNAL_PROGRAM_ERROR",
    "U_MESSAGE_PARSE_ERROR",
    "U_MEMORY_ALLOCATION_ERROR",
    "U_INDEX_OUTOFBOUNDS_ERROR",
    "U_PARSE_ERROR",
    "U_INVALID_CHAR_FOUND",
    "U_TRUNCATED_CHAR_FOUND",
    "U_ILLEGAL_CHAR_FOUND",
    "U_INVALID_TABLE_FORMAT",
    "U_INVALID_TABLE_FILE",
    "U_BUFFER_OVERFLOW_ERROR",
    "U_UNSUPPORTED_ERROR",
];

/// The native half of a `Converter`.
struct Converter {
    encoding: &'static encoding_rs::Encoding,
    flags: u32,
    decoder: RefCell<Decoder>,
}

impl Converter {
    fn new(encoding: &'static encoding_rs::Encoding, flags: u32) -> Converter {
        Converter { encoding, flags, decoder: RefCell::new(decoder(encoding, flags)) }
    }

    /// The text of a piece; none if it is no such text and has to be.
    fn decode(&self, data: &[u8], last: bool) -> Option<Vec<u16>> {
        let mut decoder = self.decoder.borrow_mut();
        let room = decoder.max_utf16_buffer_length(data.len()).filter(|room| memory_for(room * 2));
        let mut text = vec![0; room.unwrap_or(0)];
        let written = if self.flags & FATAL != 0 {
            let (result, _, written) = decoder.decode_to_utf16_without_replacement(data, &mut text, last);
            matches!(result, DecoderResult::InputEmpty).then_some(written)
        } else {
            let (_, _, written, _) = decoder.decode_to_utf16(data, &mut text, last);
            Some(written)
        };
        if last || written.is_none() {
            *decoder = self::decoder(self.encoding, self.flags);
        }
        text.truncate(written?);
        Some(text)
    }
}

fn decoder(encoding: &'static encoding_rs::Encoding, flags: u32) -> Decoder {
    match flags & IGNORE_BOM {
        0 => encoding.new_decoder_with_bom_removal(),
        _ => encoding.new_decoder_without_bom_handling(),
    }
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, _: v8::Local<'_, v8::Object>) -> Option<()> {
    Class::internal(scope, env, "Converter", &[])
}

fn encoding_of(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
) -> Option<&'static encoding_rs::Encoding> {
    let name = value.try_cast::<v8::String>().ok().filter(|name| name.length() < 64)?;
    let name = name.to_rust_string_lossy(scope);
    let encoding = encoding_rs::Encoding::for_label_no_replacement(name.as_bytes())?;
    (encoding != encoding_rs::X_USER_DEFINED).then_some(encoding)
}

/// (name, flags) -> a converter; undefined where there is none
fn get_converter(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(encoding) = encoding_of(scope, args.get(0)) else { return };
    let flags = args.get(1).uint32_value(scope).unwrap_or(0);
    let converter = Rc::new(Converter::new(encoding, flags));
    if let Some(object) = handle::create(scope, &env, "Converter", converter) {
        result.set(object.into());
    }
}

fn has_converter(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    result.set_bool(encoding_of(scope, args.get(0)).is_some());
}

/// (converter, bytes, flags, name) -> text
fn decode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let converter = match args.get(0).try_cast::<v8::Object>() {
        Ok(object) => handle::of::<Converter>(scope, &env, object),
        Err(_) => None,
    };
    let Some(converter) = converter else {
        return isolate::library::throw_type(scope, "Illegal invocation");
    };
    let Some(flags) = args.get(2).uint32_value(scope) else { return };
    let Some(memory) = Memory::of(args.get(1)) else {
        let message = "The \"input\" argument must be an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView.";
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    };
    if !memory_for(memory.len().saturating_mul(2)) {
        return throw_no_memory(scope);
    }
    match converter.decode(&memory.bytes(), flags & FLUSH != 0) {
        Some(text) => {
            if let Some(text) = bytes::utf16(scope, &text) {
                result.set(text.into());
            }
        }
        None => {
            let name = args.get(3).to_rust_string_lossy(scope);
            throw_invalid(scope, &name);
        }
    }
}

fn icu_err_name(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(number) = args.get(0).int32_value(scope) else { return };
    let name = usize::try_from(number).ok().and_then(|number| ERROR_NAMES.get(number));
    let name = string(scope, name.copied().unwrap_or("[BOGUS UErrorCode]"));
    result.set(name.into());
}

/// (bytes, from, to) -> a buffer, or a number of ICU's
fn transcode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let from = Encoding::of(scope, args.get(1), Encoding::Buffer);
    let to = Encoding::of(scope, args.get(2), Encoding::Buffer);
    let Some(memory) = Memory::expect(scope, args.get(0)) else { return };
    if !memory_for(memory.len().saturating_mul(8)) {
        return throw_no_memory(scope);
    }
    match transcoded(&memory.bytes(), from, to) {
        Ok(bytes) => {
            if let Some(buffer) = super::buffer::from_bytes(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(number) => result.set_int32(number),
    }
}

fn transcoded(data: &[u8], from: Encoding, to: Encoding) -> Result<Vec<u8>, i32> {
    use Encoding::{Ascii, Latin1, Utf8, Utf16};
    if !matches!(from, Ascii | Latin1 | Utf8 | Utf16) || !matches!(to, Ascii | Latin1 | Utf8 | Utf16) {
        return Err(ILLEGAL_ARGUMENT);
    }
    let replacement = char::REPLACEMENT_CHARACTER;
    let text: String = match from {
        Utf8 => match (std::str::from_utf8(data), to) {
            (Ok(text), _) => text.to_owned(),
            (Err(_), Utf16) => return Err(INVALID_CHARACTER),
            (Err(_), _) => String::from_utf8_lossy(data).into_owned(),
        },
        Utf16 => {
            let units = utf16_units(data);
            match (String::from_utf16(&units), to) {
                // Half a unit at the end.
                (Ok(text), Utf16) if data.len() % 2 == 1 => text + "\u{fffd}",
                (Ok(text), _) => text,
                (Err(_), Utf8) => return Err(INVALID_CHARACTER),
                (Err(_), _) => String::from_utf16_lossy(&units),
            }
        }
        Ascii if to != Utf16 => {
            data.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { replacement }).collect()
        }
        _ => data.iter().map(|byte| char::from(*byte)).collect(),
    };
    Ok(match to {
        Utf8 => text.into_bytes(),
        Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Latin1 => text.chars().map(|char| u8::try_from(char).unwrap_or(b'?')).collect(),
        _ => text.chars().map(|char| if char.is_ascii() { char as u8 } else { b'?' }).collect(),
    })
}

/// (text, ambiguous characters are wide) -> columns
fn get_string_width(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let wide = args.get(1).is_true();
    let width: Option<usize> = with_units(scope, text, |units| match units {
        Units::Latin1(units) => units.iter().map(|unit| column_width(char::from(*unit), wide)).sum(),
        // Half a pair is as wide as any character of no particular width.
        Units::Utf16(units) => char::decode_utf16(units.iter().copied())
            .map(|char| char.map_or(1, |char| column_width(char, wide)))
            .sum(),
    });
    if let Some(width) = width {
        result.set_double(width as f64);
    }
}

fn column_width(char: char, ambiguous_is_wide: bool) -> usize {
    if (' '..='~').contains(&char) {
        return 1;
    }
    match CodePointMapData::<EastAsianWidth>::new().get(char) {
        EastAsianWidth::Fullwidth | EastAsianWidth::Wide => return 2,
        EastAsianWidth::Ambiguous if ambiguous_is_wide => return 2,
        _ => {}
    }
    match CodePointMapData::<GeneralCategory>::new().get(char) {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::EnclosingMark
        | GeneralCategory::NonspacingMark
            if char != '\u{ad}' =>
        {
            0
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Converter, Encoding, FATAL, INVALID_CHARACTER, column_width, transcoded};

    #[test]
    fn transcoding_replaces_what_the_target_lacks() {
        let euro = "é€".as_bytes();
        assert_eq!(transcoded(euro, Encoding::Utf8, Encoding::Latin1), Ok(vec![0xe9, b'?']));
        assert_eq!(transcoded(euro, Encoding::Utf8, Encoding::Ascii), Ok(b"??".to_vec()));
        assert_eq!(transcoded(&[0xff], Encoding::Utf8, Encoding::Utf16), Err(INVALID_CHARACTER));
        assert_eq!(transcoded(&[0xff], Encoding::Ascii, Encoding::Utf16), Ok(vec![0xff, 0]));
    }

    #[test]
    fn a_converter_goes_on_with_the_next_piece() {
        let converter = Converter::new(encoding_rs::UTF_16BE, FATAL);
        assert_eq!(converter.decode(&[0, 0x61, 0xd8], false), Some(vec![0x61]));
        assert_eq!(converter.decode(&[0, 0xdc, 0], true), Some(vec![0xd800, 0xdc00]));
        assert_eq!(converter.decode(&[0xd8], true), None);
    }

    #[test]
    fn columns_are_those_of_terminals() {
        assert_eq!(column_width('a', false), 1);
        assert_eq!(column_width('你', false), 2);
        assert_eq!(column_width('\0', false), 0);
        assert_eq!(column_width('\u{301}', false), 0);
        assert_eq!(column_width('é', true), 2);
    }
}
