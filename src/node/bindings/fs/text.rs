//! Encodings of names and of text that is written.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::get;
use crate::environment::Env;

/// How a caller wants a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bindings) enum Encoding {
    Utf8,
    Buffer,
    Latin1,
    /// One that `Buffer` knows by this name.
    Other(&'static str),
}

impl Encoding {
    /// The encoding that a caller names; UTF-8 where none is named.
    pub fn of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Encoding {
        if !value.is_string() {
            return Encoding::Utf8;
        }
        match value.to_rust_string_lossy(scope).to_ascii_lowercase().as_str() {
            "buffer" => Encoding::Buffer,
            "latin1" | "binary" => Encoding::Latin1,
            "ascii" => Encoding::Other("ascii"),
            "hex" => Encoding::Other("hex"),
            "base64" => Encoding::Other("base64"),
            "base64url" => Encoding::Other("base64url"),
            "ucs2" | "ucs-2" | "utf16le" | "utf-16le" => Encoding::Other("utf16le"),
            _ => Encoding::Utf8,
        }
    }

    /// A name as it was wanted.
    pub fn encode<'s>(
        self,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        name: &str,
    ) -> Option<v8::Local<'s, v8::Value>> {
        match self {
            // As Node reads names: what is no Unicode is replaced.
            Encoding::Utf8 => Some(string(scope, &byte_text::shown(name)).into()),
            Encoding::Latin1 => Some(
                v8::String::new_from_one_byte(scope, &byte_text::encode(name), v8::NewStringType::Normal)?
                    .into(),
            ),
            Encoding::Buffer => super::super::buffer::from_bytes(scope, env, &byte_text::encode(name)),
            Encoding::Other(encoding) => {
                let buffer = super::super::buffer::from_bytes(scope, env, &byte_text::encode(name))?;
                let buffer: v8::Local<v8::Object> = buffer.try_cast().ok()?;
                let method: v8::Local<v8::Function> = get(scope, buffer, "toString")?.try_cast().ok()?;
                let encoding = string(scope, encoding).into();
                method.call(scope, buffer.into(), &[encoding])
            }
        }
    }

    /// The bytes of a text. `None` with an exception pending if there is no memory for them.
    pub fn decode(
        self,
        scope: &mut Scope<'_, '_>,
        env: &Env,
        text: v8::Local<'_, v8::String>,
    ) -> Option<Vec<u8>> {
        let encoding = match self {
            Encoding::Utf8 | Encoding::Buffer => {
                return isolate::library::text(scope, text).map(String::into_bytes);
            }
            Encoding::Latin1 => "latin1",
            Encoding::Other(encoding) => encoding,
        };
        let module = env.require(scope, "buffer")?;
        let class: v8::Local<v8::Object> = get(scope, module, "Buffer")?.try_cast().ok()?;
        let from: v8::Local<v8::Function> = get(scope, class, "from")?.try_cast().ok()?;
        let encoding = string(scope, encoding);
        let buffer = from.call(scope, class.into(), &[text.into(), encoding.into()])?;
        let bytes = isolate::library::copy_bytes(buffer);
        if bytes.is_none() {
            isolate::library::throw_no_memory(scope, "There is no memory for a copy of the string");
        }
        bytes
    }
}
