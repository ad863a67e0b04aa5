//! The texts of Node's library, laid out in the executable by `build.rs` as V8 takes them: they are read where they lie, so
//! that all processes have them in common.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use crate::wrapping;

/// One module of the library.
struct Laid {
    id: &'static str,
    /// One byte for each character, as V8 takes it; else UTF-8.
    narrow: bool,
    /// Where its text and what stands around that lies among those of all.
    at: usize,
    end: usize,
    /// Bytes that stand before the text, and behind it.
    before: usize,
    after: usize,
    /// The checksum of the whole.
    checksum: u32,
}

static MODULES: &[Laid] = include!(concat!(env!("OUT_DIR"), "/modules.rs"));
static TEXTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/modules.bin"));

/// Something that Node's binary says of itself.
pub(crate) struct Told {
    pub name: &'static str,
    pub json: &'static str,
}

/// What each binding has, in the order of their names.
pub(crate) static BINDINGS: &[Told] = include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
/// What it answers in the same way for every process, in the order of their names.
pub(crate) static ANSWERS: &[Told] = include!(concat!(env!("OUT_DIR"), "/answers.rs"));

/// A text as V8 takes it.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    bytes: &'static [u8],
    /// One byte for each character; else UTF-8.
    narrow: bool,
    pub(crate) checksum: u32,
}

impl Text {
    /// Of a text that nobody has made a checksum of.
    pub fn of(text: &'static str) -> Text {
        Text { bytes: text.as_bytes(), narrow: text.is_ascii(), checksum: crc32fast::hash(text.as_bytes()) }
    }

    /// A string of V8's that has the text where it lies.
    pub fn string<'s>(
        self,
        scope: &mut isolate::library::Scope<'s, '_>,
    ) -> Option<v8::Local<'s, v8::String>> {
        match self.narrow {
            true => v8::String::new_external_onebyte_static(scope, self.bytes),
            false => v8::String::new(scope, std::str::from_utf8(self.bytes).ok()?),
        }
    }
}

/// The ids of all modules, in order.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|module| module.id)
}

/// The text of a module with what stands around it: V8 may look at it at any time, and keeps none of it on its heap.
pub(crate) fn wrapped(id: &str) -> Option<Text> {
    let module = module(id)?;
    let bytes = TEXTS.get(module.at..module.end)?;
    Some(Text { bytes, narrow: module.narrow, checksum: module.checksum })
}

/// A script of this crate's own with what stands around it, made once for the rest of the process's life.
pub(crate) fn own(id: &str, text: &str) -> Option<Text> {
    static MADE: OnceLock<Mutex<HashMap<String, Text>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().ok()?;
    if let Some(text) = made.get(id) {
        return Some(*text);
    }
    let (before, after) = wrapping::around(id);
    let text = Text::of(Box::leak(format!("{before}{text}{after}").into_boxed_str()));
    made.insert(id.to_owned(), text);
    Some(text)
}

/// A script's text, and the script in V8's serial form.
type Code = (Text, &'static [u8]);

/// Scripts by their ids.
static CODE: OnceLock<Mutex<HashMap<String, Code>>> = OnceLock::new();

/// Keeps a script of the library's as V8 has compiled it, for the rest of the process's life. That is done once in a process
/// that forks, so that this does not grow; where it is done again, what has more of a script counts.
pub(crate) fn keep_code(id: &str, text: Text, code: &[u8]) {
    let Ok(mut known) = CODE.get_or_init(Mutex::default).lock() else { return };
    if known.get(id).is_none_or(|(_, known)| known.len() < code.len()) {
        known.insert(id.to_owned(), (text, Box::leak(code.into())));
    }
}

/// A script as [`keep_code`] was given it.
pub(crate) fn code(id: &str) -> Option<&'static [u8]> {
    CODE.get()?.lock().ok()?.get(id).map(|(_, code)| *code)
}

/// All that is kept.
pub(crate) fn all_code() -> Vec<(String, Text, &'static [u8])> {
    let Some(Ok(known)) = CODE.get().map(Mutex::lock) else { return Vec::new() };
    known.iter().map(|(id, (text, code))| (id.clone(), *text, *code)).collect()
}

/// Whether any is kept.
pub(crate) fn has_code() -> bool {
    CODE.get().is_some()
}

/// The text of a module, for those who read it.
pub(crate) fn text(id: &str) -> Option<String> {
    let module = module(id)?;
    let end = module.end.checked_sub(module.after)?;
    let bytes = TEXTS.get(module.at + module.before..end)?;
    if module.narrow {
        return Some(bytes.iter().copied().map(char::from).collect());
    }
    String::from_utf8(bytes.to_vec()).ok()
}

fn module(id: &str) -> Option<&'static Laid> {
    let at = MODULES.binary_search_by(|module| module.id.cmp(id)).ok()?;
    MODULES.get(at)
}

/// Most bytes that the certificates unpack to.
const ROOTS_MAX: usize = 1024 * 1024;

static ROOTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/roots.zst"));

/// The certificates that Node's binary trusts: PEM.
pub(crate) fn roots() -> Vec<u8> {
    zstd::bulk::decompress(ROOTS, ROOTS_MAX).unwrap_or_default()
}
