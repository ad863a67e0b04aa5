//! `TextEncoder`, `TextDecoder` for UTF-8, and the names of hosts.

use std::cell::OnceCell;
use std::rc::Rc;

use isolate::library::{Scope, memory_for, string};

use super::url::idna;
use crate::binding::{Args, Binding, Return, functions, set};
use crate::bytes::{self, Lent, throw_no_memory, with_units};
use crate::coded_error::{Kind, throw};
use crate::encoding::{Encoding, write_utf8};
use crate::environment::{Env, poke};

pub(super) static BINDING: Binding = Binding {
    name: "encoding_binding",
    functions: functions! {
        "encodeInto" => encode_into,
        "encodeUtf8String" => encode_utf8_string,
        "decodeUTF8" => decode_utf8,
        "toASCII" => to_ascii,
        "toUnicode" => to_unicode,
    },
    make: Some(make),
};

/// `encodeIntoResults`: how many units were read, how many bytes written.
#[derive(Default)]
struct Results {
    store: OnceCell<v8::SharedRef<v8::BackingStore>>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let results = v8::ArrayBuffer::new(scope, 8);
    let _ = env.state::<Results>().store.set(results.get_backing_store());
    let results = v8::Uint32Array::new(scope, results, 0, 2)?;
    set(scope, binding, "encodeIntoResults", results.into())
}

/// (text, bytes)
fn encode_into(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let Some(memory) = Lent::expect(scope, args.get(1)) else { return };
    let mut count = (0, 0);
    let done = with_units(scope, text, |units| {
        memory.fill(0..usize::MAX, |out| {
            count = write_utf8(units, out);
            count.1
        })
    });
    if done.is_some() {
        let results = env.state::<Results>();
        poke(&results.store, 0, (count.0 as u32).to_ne_bytes());
        poke(&results.store, 1, (count.1 as u32).to_ne_bytes());
    }
}

/// (text) -> Uint8Array
fn encode_utf8_string(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let length = text.utf8_length(scope);
    if !memory_for(length) {
        return throw_no_memory(scope);
    }
    let buffer = v8::ArrayBuffer::new(scope, length);
    let Some(array) = v8::Uint8Array::new(scope, buffer, 0, length) else { return };
    let Some(memory) = Lent::expect(scope, array.into()) else { return };
    let written =
        with_units(scope, text, |units| memory.fill(0..length, |out| Encoding::Utf8.write(units, out)));
    if written.is_some() {
        result.set(array.into());
    }
}

/// (bytes, keeps the byte order mark, fails on what is no UTF-8) -> text
fn decode_utf8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(memory) = Lent::of(scope, args.get(0)) else {
        let message =
            "The \"list\" argument must be an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView.";
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    };
    let bytes = memory.bytes();
    if args.get(2).is_true() && !v8::simdutf::validate_utf8(&bytes) {
        return throw_invalid(scope, "utf-8");
    }
    let keeps_mark = args.get(1).boolean_value(scope);
    let text = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) if !keeps_mark => rest,
        _ => &bytes,
    };
    if let Some(text) = bytes::utf8(scope, text) {
        result.set(text.into());
    }
}

/// Throws that bytes are no text of an encoding.
pub(super) fn throw_invalid(scope: &mut Scope<'_, '_>, encoding: &str) {
    let message = format!("The encoded data was not valid for encoding {encoding}");
    throw(scope, Kind::Type, &message, "ERR_ENCODING_INVALID_ENCODED_DATA");
}

fn to_ascii(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let Some(text) = isolate::library::text(scope, text) else { return };
    let text = string(scope, &idna::to_ascii(&text));
    result.set(text.into());
}

fn to_unicode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = super::buffer::text(scope, args.get(0)) else { return };
    let Some(text) = isolate::library::text(scope, text) else { return };
    let text = string(scope, &idna::to_unicode(&text));
    result.set(text.into());
}
