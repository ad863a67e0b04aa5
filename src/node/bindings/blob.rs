//! `Blob`: pieces of memory that nobody writes to any more, read in order; and the store behind `blob:` URLs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use isolate::library::{Scope, memory_for, string};
use kernel::{FileKind, OpenFlags, Symlinks};

use super::messaging::{self, Native, Transferable};
use crate::binding::{Args, Binding, Class, Return, functions};
use crate::bytes::{self, Memory, throw_no_memory};
use crate::environment::Env;
use crate::handle;

pub(super) static BINDING: Binding = Binding {
    name: "blob",
    functions: functions! {
        "createBlob" => create_blob,
        "createBlobFromFilePath" => create_blob_from_file_path,
        "concat" => concat,
        "storeDataObject" => store_data_object,
        "getDataObject" => get_data_object,
        "revokeObjectURL" => revoke_object_url,
    },
    make: Some(make),
};

/// Most pieces of one blob.
const PIECES_MAX: usize = 1 << 20;

/// Most blobs behind URLs at one time.
const STORED_MAX: usize = 1 << 16;

/// Most bytes that a file is read at one time.
const FILE_PART: usize = 64 * 1024;

/// What a reader's callback is told: nothing more comes; here is more, or will be; it cannot be read.
const END: i32 = 0;
const MORE: i32 = 1;
const FAILED: i32 = -1;

/// A part of a piece.
#[derive(Clone)]
struct Piece {
    source: Source,
    start: usize,
    length: usize,
}

#[derive(Clone)]
enum Source {
    Memory(Rc<Memory>),
    /// What a file has when it is read: its path, and its size and time of change when the blob was made.
    File(Rc<FileState>),
}

#[derive(Clone, PartialEq, Eq)]
struct FileState {
    path: String,
    size: u64,
    modified: u64,
}

/// The native half of a `Blob`'s handle.
pub(super) struct Blob {
    pieces: Rc<[Piece]>,
}

/// The native half of a `BlobReader`.
struct Reader {
    pieces: Rc<[Piece]>,
    next: Cell<usize>,
    /// How much of the next piece has been read, if it is of a file.
    within: Cell<usize>,
    /// Every other answer has no bytes, as with Node: a program sees the event loop turn between two.
    pauses: Cell<bool>,
}

/// Blobs behind URLs.
#[derive(Default)]
struct Stored {
    blobs: RefCell<HashMap<String, StoredBlob>>,
}

/// A blob, its size and its type.
type StoredBlob = (Rc<Blob>, f64, String);

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, _: v8::Local<'_, v8::Object>) -> Option<()> {
    messaging::register::<Blob>(env);
    Class::internal(scope, env, "Blob", functions! { "getReader" => get_reader, "slice" => slice, })?;
    Class::internal(scope, env, "BlobReader", functions! { "pull" => pull, "setWakeup" => set_wakeup, })
}

/// A blob on its way to another thread.
struct Sent(Vec<(SentSource, usize, usize)>);

enum SentSource {
    Memory(bytes::Sent),
    File(FileState),
}

impl Native for Sent {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let pieces = self.0.into_iter().map(|(source, start, length)| {
            let source = match source {
                SentSource::Memory(memory) => Source::Memory(Rc::new(memory.arrived())),
                SentSource::File(state) => Source::File(Rc::new(state)),
            };
            Piece { source, start, length }
        });
        handle::create(scope, env, "Blob", Rc::new(Blob { pieces: pieces.collect() }))
    }
}

impl Transferable for Blob {
    const IS_COPIED: bool = true;

    fn send(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        let pieces = self.pieces.iter().map(|Piece { source, start, length }| {
            let source = match source {
                // Pieces of blobs are never written to.
                Source::Memory(memory) => SentSource::Memory(memory.send()),
                Source::File(state) => SentSource::File(FileState::clone(state)),
            };
            (source, *start, *length)
        });
        Some(Box::new(Sent(pieces.collect())))
    }
}

fn give(scope: &mut Scope<'_, '_>, env: &Rc<Env>, mut result: Return<'_>, pieces: Vec<Piece>) {
    let blob = Rc::new(Blob { pieces: pieces.into() });
    if let Some(object) = handle::create(scope, env, "Blob", blob) {
        result.set(object.into());
    }
}

/// The native half of a blob's handle; none for anything else.
fn blob_of(scope: &mut Scope<'_, '_>, env: &Env, value: v8::Local<'_, v8::Value>) -> Option<Rc<Blob>> {
    let object = value.try_cast::<v8::Object>().ok()?;
    handle::of::<Blob>(scope, env, object)
}

/// (sources: bytes that become the blob's, or handles of blobs; length) -> a handle
fn create_blob(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Ok(sources) = args.get(0).try_cast::<v8::Array>() else {
        return isolate::library::throw_type(scope, "a blob is made of a list of sources");
    };
    let mut pieces = Vec::new();
    for index in 0..sources.length() {
        let Some(source) = sources.get_index(scope, index) else { return };
        if pieces.len() >= PIECES_MAX {
            return throw_no_memory(scope);
        }
        if let Some(blob) = blob_of(scope, &env, source) {
            if blob.pieces.len() > PIECES_MAX - pieces.len() || !memory_for(blob.pieces.len() * 64) {
                return throw_no_memory(scope);
            }
            pieces.extend(blob.pieces.iter().cloned());
            continue;
        }
        let Some(memory) = Memory::expect(scope, source) else { return };
        let length = memory.len();
        if length > 0 {
            pieces.push(Piece { source: Source::Memory(Rc::new(memory)), start: 0, length });
        }
        // Nobody writes to it from now on.
        if let Ok(view) = source.try_cast::<v8::ArrayBufferView>()
            && let Some(buffer) = view.buffer(scope)
            && buffer.is_detachable()
        {
            buffer.detach(None);
        }
    }
    give(scope, &env, result, pieces);
}

/// (path) -> [handle, size]; undefined where there is no such file
fn create_blob_from_file_path(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(path) = args.get(0).to_string(scope) else { return };
    let Some(path) = isolate::library::text(scope, path) else { return };
    let Some(state) = file_state(&env, &path) else { return };
    let Ok(length) = usize::try_from(state.size) else { return };
    let piece = Piece { source: Source::File(Rc::new(state)), start: 0, length };
    let blob = Rc::new(Blob { pieces: Rc::new([piece]) });
    let Some(object) = handle::create(scope, &env, "Blob", blob) else { return };
    let length = v8::Number::new(scope, length as f64).into();
    result.set(v8::Array::new_with_elements(scope, &[object.into(), length]).into());
}

/// A regular file as it is now; none where there is none.
fn file_state(env: &Env, path: &str) -> Option<FileState> {
    let status = env.process()?.stat(path, Symlinks::Follow).ok()?;
    (status.kind == FileKind::Regular).then(|| FileState {
        path: path.to_owned(),
        size: status.size,
        modified: status.modified,
    })
}

/// Bytes of a file; none if it is not as it was, or cannot be read.
fn read_file(env: &Env, state: &FileState, start: usize, length: usize) -> Option<Vec<u8>> {
    if file_state(env, &state.path)? != *state {
        return None;
    }
    if length == 0 {
        return Some(Vec::new());
    }
    let file = env.process()?.open(&state.path, OpenFlags::READ, 0).ok()?;
    let mut bytes = vec![0; length];
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        let at = u64::try_from(start.saturating_add(read)).ok()?;
        match file.pread(rest, at).ok()? {
            0 => return None,
            count => read += count,
        }
    }
    Some(bytes)
}

/// (start, end) -> a handle
fn slice(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    let Some((env, blob)) = handle::receiver::<Blob>(scope, args.this()) else { return };
    let Some(start) = super::buffer::index(scope, args.get(0), 0) else { return };
    let Some(end) = super::buffer::index(scope, args.get(1), usize::MAX) else { return };
    give(scope, &env, result, between(&blob.pieces, start, end));
}

/// The pieces between two places.
fn between(pieces: &[Piece], start: usize, end: usize) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = 0usize;
    for piece in pieces {
        let after = at.saturating_add(piece.length);
        let (first, last) = (start.max(at), end.min(after));
        if first < last {
            let start = piece.start.saturating_add(first - at);
            found.push(Piece { source: piece.source.clone(), start, length: last - first });
        }
        at = after;
    }
    found
}

fn get_reader(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, blob)) = handle::receiver::<Blob>(scope, args.this()) else { return };
    let reader = Reader {
        pieces: blob.pieces.clone(),
        next: Cell::new(0),
        within: Cell::new(0),
        pauses: Cell::new(false),
    };
    if let Some(object) = handle::create(scope, &env, "BlobReader", Rc::new(reader)) {
        result.set(object.into());
    }
}

impl Reader {
    /// The piece is read.
    fn pass(&self) {
        let next = self.next.get().saturating_add(1);
        self.next.set(next);
        self.within.set(0);
        self.pauses.set(next < self.pieces.len());
    }
}

/// (callback): calls it with what has happened and with the next bytes, if there are any
fn pull(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, reader)) = handle::receiver::<Reader>(scope, args.this()) else { return };
    let Ok(callback) = args.get(0).try_cast::<v8::Function>() else {
        return isolate::library::throw_type(scope, "a reader calls a function");
    };
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let (status, bytes) = match reader.pieces.get(reader.next.get()) {
        None => (END, undefined),
        Some(_) if reader.pauses.take() => (MORE, undefined),
        Some(Piece { source: Source::Memory(memory), start, length }) => {
            let Some(buffer) = buffer_of(scope, &memory.slice(*start..start.saturating_add(*length))) else {
                return;
            };
            reader.pass();
            (MORE, buffer.into())
        }
        Some(Piece { source: Source::File(state), start, length }) => {
            let within = reader.within.get();
            let wanted = length.saturating_sub(within).min(FILE_PART);
            match read_file(&env, state, start.saturating_add(within), wanted) {
                // Looked at once more after its last byte.
                Some(_) if wanted == 0 => {
                    reader.pass();
                    (MORE, undefined)
                }
                Some(part) => {
                    let Some(buffer) = buffer_of(scope, &part) else { return };
                    reader.within.set(within.saturating_add(wanted));
                    (MORE, buffer.into())
                }
                None => {
                    reader.next.set(usize::MAX);
                    (FAILED, undefined)
                }
            }
        }
    };
    let status_value = v8::Integer::new(scope, status).into();
    if callback.call(scope, undefined, &[status_value, bytes]).is_some() {
        result.set_int32(status);
    }
}

/// (callback, or undefined): what a reader has is there, so that it wakes nobody.
fn set_wakeup(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = handle::receiver::<Reader>(scope, args.this());
}

/// A buffer with these bytes. `None` with an exception pending if there is no memory for it.
fn buffer_of<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::ArrayBuffer>> {
    let array = isolate::library::bytes(scope, bytes)?;
    array.try_cast::<v8::Uint8Array>().ok()?.buffer(scope)
}

/// (list of buffers) -> one buffer with the bytes of all
fn concat(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Ok(list) = args.get(0).try_cast::<v8::Array>() else {
        return isolate::library::throw_type(scope, "there is a list of buffers");
    };
    let mut parts = Vec::new();
    let mut length = 0usize;
    for index in 0..list.length() {
        let Some(value) = list.get_index(scope, index) else { return };
        let Some(memory) = Memory::expect(scope, value) else { return };
        length = length.saturating_add(memory.len());
        parts.push(memory);
    }
    if !memory_for(length) {
        return throw_no_memory(scope);
    }
    let buffer = v8::ArrayBuffer::new(scope, length);
    let Some(target) = Memory::expect(scope, buffer.into()) else { return };
    let mut at = 0usize;
    for part in parts {
        at = at.saturating_add(target.write(at, &part.bytes()));
    }
    result.set(buffer.into());
}

/// (name, handle, size, type)
fn store_data_object(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(blob) = blob_of(scope, &env, args.get(1)) else {
        return isolate::library::throw_type(scope, "only a blob has a URL");
    };
    let Some(size) = args.get(2).number_value(scope) else { return };
    let (name, kind) = (args.get(0).to_rust_string_lossy(scope), args.get(3).to_rust_string_lossy(scope));
    let stored = env.state::<Stored>();
    if stored.blobs.borrow().len() >= STORED_MAX || !memory_for(name.len().saturating_add(kind.len())) {
        return throw_no_memory(scope);
    }
    stored.blobs.borrow_mut().insert(name, (blob, size, kind));
}

/// (name) -> [handle, size, type]; undefined where there is none
fn get_data_object(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let name = args.get(0).to_rust_string_lossy(scope);
    let found = env.state::<Stored>().blobs.borrow().get(&name).cloned();
    let Some((blob, size, kind)) = found else { return };
    let Some(object) = handle::create(scope, &env, "Blob", blob) else { return };
    let (size, kind) = (v8::Number::new(scope, size).into(), string(scope, &kind).into());
    result.set(v8::Array::new_with_elements(scope, &[object.into(), size, kind]).into());
}

/// (URL)
fn revoke_object_url(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(text) = args.get(0).to_string(scope) else { return };
    let Some(text) = isolate::library::text(scope, text) else { return };
    let Ok(url) = url::Url::parse(&text) else { return };
    if url.scheme() == "blob"
        && let Some(name) = url.path().strip_prefix("nodedata:")
    {
        env.state::<Stored>().blobs.borrow_mut().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{FileState, Piece, Source, between};

    #[test]
    fn a_slice_has_parts_of_the_pieces() {
        let state = Rc::new(FileState { path: String::new(), size: 9, modified: 0 });
        let piece = |start, length| Piece { source: Source::File(state.clone()), start, length };
        let pieces = [piece(2, 3), piece(0, 4)];
        let parts = |start, end| -> Vec<(usize, usize)> {
            between(&pieces, start, end).iter().map(|piece| (piece.start, piece.length)).collect()
        };
        assert_eq!(parts(1, 5), [(3, 2), (0, 2)]);
        assert_eq!(parts(3, usize::MAX), [(0, 4)]);
        assert_eq!(parts(5, 5), []);
    }
}
