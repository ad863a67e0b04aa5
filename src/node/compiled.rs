//! The library as V8 has compiled it, from a file of the installation: made once by a worker that runs trusted programs
//! alone, taken by those that boot the library themselves.
//!
//! V8 believes what it is given here, so the file has the worker's own standing, and comes from where that comes from. What
//! is checked is whether it fits: each script against damage and against the text that this process has for it, here; the
//! engine's version and flags by V8. What does not fit is compiled.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::store::{self, Text};

/// What a file begins with.
const MAGIC: &[u8; 8] = b"cordonL1";

/// Where the list of scripts begins, behind the magic, its length and its checksum.
const LIST: usize = 16;

/// V8 copies what lies at other addresses.
const ALIGNMENT: usize = 8;

/// Where a script lies in the file, its checksum, and that of its text.
struct Entry {
    at: usize,
    end: usize,
    code: u32,
    text: u32,
}

struct File {
    bytes: &'static [u8],
    entries: HashMap<String, Entry>,
    /// A script has been found to be another library's or another engine's.
    is_foreign: AtomicBool,
}

static FILE: OnceLock<File> = OnceLock::new();

/// Why a file of compiled code is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no such file, or damaged.
    Damaged,
    /// It was made of another library or for another engine.
    Foreign,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unfit::Damaged => "it is damaged",
            Unfit::Foreign => "it was made by another worker",
        })
    }
}

/// Takes compiled code from the contents of a file, for the rest of the process's life. The first counts.
///
/// # Errors
/// It is no such file.
pub fn use_compiled(bytes: &'static [u8]) -> Result<(), Unfit> {
    let entries = entries(bytes).ok_or(Unfit::Damaged)?;
    let _ = FILE.set(File { bytes, entries, is_foreign: AtomicBool::new(false) });
    Ok(())
}

fn entries(bytes: &[u8]) -> Option<HashMap<String, Entry>> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..MAGIC.len())? != MAGIC {
        return None;
    }
    let list = bytes.get(LIST..LIST.checked_add(usize::try_from(number(8)?).ok()?)?)?;
    if crc32fast::hash(list) != number(12)? {
        return None;
    }
    let list: Vec<(String, usize, usize, u32, u32)> = serde_json::from_slice(list).ok()?;
    let entry = |(id, at, end, code, text)| {
        bytes.get(at..end).filter(|_| at % ALIGNMENT == 0).map(|_| (id, Entry { at, end, code, text }))
    };
    list.into_iter().map(entry).collect()
}

/// A script as the file has it, if it is whole and was compiled from this text.
pub(crate) fn code(id: &str, text: Text) -> Option<&'static [u8]> {
    let file = FILE.get().filter(|file| !file.is_foreign.load(Ordering::Relaxed))?;
    let entry = file.entries.get(id)?;
    if text.checksum != entry.text {
        refuse();
        return None;
    }
    file.bytes.get(entry.at..entry.end).filter(|code| crc32fast::hash(code) == entry.code)
}

/// The file does not fit what this process is: it is asked for nothing more.
pub(crate) fn refuse() {
    if let Some(file) = FILE.get() {
        file.is_foreign.store(true, Ordering::Relaxed);
    }
}

/// Whether the file that is in use is whole, and fits as far as scripts of it have been used. Gives how many it has.
///
/// # Errors
/// What is wrong with it, or there is none.
pub fn fits() -> Result<usize, Unfit> {
    let file = FILE.get().ok_or(Unfit::Damaged)?;
    let is_whole = |entry: &Entry| {
        file.bytes.get(entry.at..entry.end).is_some_and(|code| crc32fast::hash(code) == entry.code)
    };
    if file.is_foreign.load(Ordering::Relaxed) {
        return Err(Unfit::Foreign);
    }
    if !file.entries.values().all(is_whole) {
        return Err(Unfit::Damaged);
    }
    Ok(file.entries.len())
}

/// The contents of a file: of all that this process has kept.
pub fn compiled() -> Vec<u8> {
    let mut kept: Vec<_> = store::all_code();
    kept.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    // The list tells where things lie, which depends on how long the list is: it is given room for the longest numbers.
    let room = kept.iter().map(|(id, ..)| id.len() + 96).sum::<usize>() + LIST;
    let mut at = room.next_multiple_of(ALIGNMENT);
    let mut list = Vec::new();
    let mut bodies: Vec<u8> = Vec::new();
    for (id, text, code) in kept {
        let end = at + code.len();
        list.push(json!([id, at, end, crc32fast::hash(code), text.checksum]));
        bodies.extend(code);
        at = end.next_multiple_of(ALIGNMENT);
        bodies.resize(bodies.len() + (at - end), 0);
    }
    let list = Value::Array(list).to_string();
    let mut file = MAGIC.to_vec();
    file.extend(u32::try_from(list.len()).unwrap_or(0).to_le_bytes());
    file.extend(crc32fast::hash(list.as_bytes()).to_le_bytes());
    file.extend(list.as_bytes());
    file.resize(room.next_multiple_of(ALIGNMENT), 0);
    file.extend(bodies);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_gives_nothing_and_does_no_harm() {
        store::keep_code("a", Text::of("text of a"), b"code of a");
        store::keep_code("b", Text::of("text of b"), b"code of b, which is longer");
        let file = compiled();
        let whole = entries(&file).unwrap();
        for (id, text) in [("a", "text of a"), ("b", "text of b")] {
            let entry = &whole[id];
            assert_eq!(crc32fast::hash(&file[entry.at..entry.end]), entry.code);
            assert_eq!(crc32fast::hash(text.as_bytes()), entry.text);
        }
        for length in 0..whole["b"].end {
            assert!(entries(&file[..length]).is_none(), "of {length} bytes");
        }
        for at in 0..LIST + 8 {
            let mut damaged = file.clone();
            damaged[at] ^= 0x20;
            assert!(entries(&damaged).is_none(), "at {at}");
        }
    }
}
