//! The texts of Node's library, packed into the executable by `build.rs`, and unpacked one by one.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

/// One module of the library.
struct Packed {
    id: &'static str,
    /// One byte for each character, as V8 takes it; else UTF-8.
    narrow: bool,
    /// Where it lies among the packed ones.
    at: usize,
    end: usize,
    /// Bytes of the text.
    len: usize,
}

static MODULES: &[Packed] = include!(concat!(env!("OUT_DIR"), "/modules.rs"));
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/modules.zst"));
static FACTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/facts.zst"));

/// Most bytes that the facts unpack to.
const TEXT_MAX: usize = 4 * 1024 * 1024;

/// A text as V8 takes it.
#[derive(Clone, Copy)]
pub(crate) enum Text {
    /// One byte for each character.
    Narrow(&'static [u8]),
    /// UTF-8.
    Wide(&'static str),
}

impl Text {
    /// A string of V8's that has the text where it lies.
    pub fn string<'s>(
        self,
        scope: &mut isolate::library::Scope<'s, '_>,
    ) -> Option<v8::Local<'s, v8::String>> {
        match self {
            Text::Narrow(bytes) => v8::String::new_external_onebyte_static(scope, bytes),
            Text::Wide(text) => v8::String::new(scope, text),
        }
    }
}

/// The ids of all modules, in order.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|module| module.id)
}

/// The text of a module between two others of ASCII, unpacked for the rest of the process's life: V8 may look at it at any
/// time, and keeps none of it on its heap. What stands around a module is always the same.
pub(crate) fn wrapped(id: &str, before: &str, after: &str) -> Option<Text> {
    static UNPACKED: OnceLock<Mutex<HashMap<&'static str, Text>>> = OnceLock::new();
    let module = module(id)?;
    let mut unpacked = UNPACKED.get_or_init(Mutex::default).lock().ok()?;
    if let Some(text) = unpacked.get(module.id) {
        return Some(*text);
    }
    let bytes = [before.as_bytes(), &unpack(module)?, after.as_bytes()].concat();
    let bytes: &'static [u8] = Box::leak(bytes.into_boxed_slice());
    let text = if module.narrow { Text::Narrow(bytes) } else { Text::Wide(std::str::from_utf8(bytes).ok()?) };
    unpacked.insert(module.id, text);
    Some(text)
}

/// Scripts by their ids in V8's serial form.
static CODE: OnceLock<Mutex<HashMap<String, &'static [u8]>>> = OnceLock::new();

/// Keeps a script of the library's as V8 has compiled it, for the rest of the process's life. Every script is kept once, so
/// that this does not grow.
pub(crate) fn keep_code(id: &str, code: &[u8]) {
    let Ok(mut known) = CODE.get_or_init(Mutex::default).lock() else { return };
    if !known.contains_key(id) {
        known.insert(id.to_owned(), Box::leak(code.into()));
    }
}

/// A script as [`keep_code`] was given it.
pub(crate) fn code(id: &str) -> Option<&'static [u8]> {
    CODE.get()?.lock().ok()?.get(id).copied()
}

/// Whether any is kept.
pub(crate) fn has_code() -> bool {
    CODE.get().is_some()
}

/// The text of a module, for those who read it.
pub(crate) fn text(id: &str) -> Option<String> {
    let module = module(id)?;
    let bytes = unpack(module)?;
    if module.narrow {
        return Some(bytes.into_iter().map(char::from).collect());
    }
    String::from_utf8(bytes).ok()
}

fn module(id: &str) -> Option<&'static Packed> {
    let at = MODULES.binary_search_by(|module| module.id.cmp(id)).ok()?;
    MODULES.get(at)
}

fn unpack(module: &Packed) -> Option<Vec<u8>> {
    zstd::bulk::decompress(PACKED.get(module.at..module.end)?, module.len).ok()
}

/// What the bindings of Node's binary have: a JSON text.
pub(crate) fn facts() -> Vec<u8> {
    zstd::bulk::decompress(FACTS, TEXT_MAX).unwrap_or_default()
}

/// Most bytes that the certificates unpack to.
const ROOTS_MAX: usize = 1024 * 1024;

static ROOTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/roots.zst"));

/// The certificates that Node's binary trusts: PEM.
pub(crate) fn roots() -> Vec<u8> {
    zstd::bulk::decompress(ROOTS, ROOTS_MAX).unwrap_or_default()
}
