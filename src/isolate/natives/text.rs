//! Text codecs: UTF-8 both ways, and every encoding of the Encoding Standard to text.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

use super::{Args, Native, Return, here, natives, text_of, u32_of};
use crate::core::{Scope, string};
use crate::errors;
use crate::resources::DECODER_LIMIT;
use crate::values;

pub(super) static NATIVES: &[Native] = natives! {
    "encodeUtf8" => encode_utf8,
    "encodeInto" => encode_into,
    "encodingName" => encoding_name,
    "decode" => decode,
    "decodeChunk" => decode_chunk,
};

fn encode_utf8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text_of(scope, &args, 0) else { return };
    if let Some(bytes) = values::bytes(scope, text.as_bytes()) {
        result.set(bytes);
    }
}

/// (text, view) -> [UTF-16 units read, bytes written]
fn encode_into(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text_of(scope, &args, 0) else { return };
    let Ok(view) = args.get(1).try_cast::<v8::ArrayBufferView>() else { return };
    let room = view.byte_length();
    let (mut read, mut end) = (0u32, 0);
    for c in text.chars() {
        if end + c.len_utf8() > room {
            break;
        }
        end += c.len_utf8();
        read += c.len_utf16() as u32;
    }
    let written = values::fill_view(view, &text.as_bytes()[..end]);
    let read = v8::Integer::new_from_unsigned(scope, read);
    let written = v8::Number::new(scope, written as f64);
    result.set(v8::Array::new_with_elements(scope, &[read.into(), written.into()]).into());
}

/// (label) -> name, or undefined for an unknown label
fn encoding_name(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(label) = text_of(scope, &args, 0) else { return };
    if let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) {
        result.set(string(scope, &encoding.name().to_ascii_lowercase()).into());
    }
}

/// Longest text that a byte of any encoding stands for, in bytes of UTF-8.
const DECODED_GROWTH: usize = 3;

/// The bytes to decode. `None` with an exception pending where there are none, or no memory for them and their text.
fn input(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Vec<u8>> {
    let length = if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
        view.byte_length()
    } else if let Ok(buffer) = value.try_cast::<v8::ArrayBuffer>() {
        buffer.byte_length()
    } else {
        errors::throw_type(scope, "the input is not an ArrayBuffer or a view of one");
        return None;
    };
    let bytes = if values::memory_for(length.saturating_mul(1 + DECODED_GROWTH)) {
        values::copy_bytes(value)
    } else {
        None
    };
    if bytes.is_none() {
        values::throw_no_memory(scope, "There is no memory for the decoded text");
    }
    bytes
}

fn decoder(encoding: &'static Encoding, ignore_bom: bool) -> Decoder {
    // "Ignoring" the mark means not treating it as one.
    if ignore_bom {
        encoding.new_decoder_without_bom_handling()
    } else {
        encoding.new_decoder_with_bom_removal()
    }
}

/// (name, bytes, fatal, ignoreBOM) -> text
fn decode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(name) = text_of(scope, &args, 0) else { return };
    let encoding = Encoding::for_label(name.as_bytes()).unwrap_or(UTF_8);
    let Some(bytes) = input(scope, args.get(1)) else { return };
    let (fatal, ignore_bom) = (args.get(2).is_true(), args.get(3).is_true());
    let mut decoder = decoder(encoding, ignore_bom);
    finish(scope, run(&mut decoder, &bytes, fatal, true), &mut result);
}

/// (number or 0, name, bytes, fatal, ignoreBOM, last) -> [number of the decoder or 0, text]
fn decode_chunk(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, realm)) = here(scope) else { return };
    let mut id = u32_of(scope, &args, 0);
    let Some(name) = text_of(scope, &args, 1) else { return };
    let encoding = Encoding::for_label(name.as_bytes()).unwrap_or(UTF_8);
    let Some(bytes) = input(scope, args.get(2)) else { return };
    let (fatal, ignore_bom, last) = (args.get(3).is_true(), args.get(4).is_true(), args.get(5).is_true());
    let decoded = {
        let mut resources = realm.resources.borrow_mut();
        if resources.decoders.get(id).is_none() {
            if resources.decoders.len() >= DECODER_LIMIT {
                drop(resources);
                return errors::throw(scope, "too many TextDecoder streams under way", "ERR_DECODER_LIMIT");
            }
            id = resources.decoders.add(decoder(encoding, ignore_bom));
        }
        let decoded = resources.decoders.get_mut(id).map(|decoder| run(decoder, &bytes, fatal, last));
        if last || matches!(decoded, Some(None)) {
            resources.decoders.remove(id);
            id = 0;
        }
        decoded.flatten()
    };
    let Some(text) = decoded else { return throw_invalid(scope) };
    let id = v8::Integer::new_from_unsigned(scope, id);
    let text = string(scope, &text);
    result.set(v8::Array::new_with_elements(scope, &[id.into(), text.into()]).into());
}

/// `None` where the input is malformed and that is fatal.
fn run(decoder: &mut Decoder, bytes: &[u8], fatal: bool, last: bool) -> Option<String> {
    let mut text = String::new();
    if fatal {
        let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
        text.reserve(room);
        match decoder.decode_to_string_without_replacement(bytes, &mut text, last) {
            (encoding_rs::DecoderResult::InputEmpty, _) => Some(text),
            _ => None,
        }
    } else {
        let room = decoder.max_utf8_buffer_length(bytes.len())?;
        text.reserve(room);
        let (outcome, ..) = decoder.decode_to_string(bytes, &mut text, last);
        debug_assert!(matches!(outcome, CoderResult::InputEmpty), "the buffer was sized for all of it");
        Some(text)
    }
}

fn finish(scope: &mut Scope<'_, '_>, text: Option<String>, result: &mut Return<'_>) {
    match text {
        Some(text) => result.set(string(scope, &text).into()),
        None => throw_invalid(scope),
    }
}

fn throw_invalid(scope: &mut Scope<'_, '_>) {
    let message = string(scope, "The encoded data was not valid");
    let error = v8::Exception::type_error(scope, message);
    if let Ok(object) = error.try_cast::<v8::Object>() {
        let code = string(scope, "ERR_ENCODING_INVALID_ENCODED_DATA");
        values::set(scope, object, "code", code.into());
    }
    scope.throw_exception(error);
}
