//! Bytes of the guest's buffers and the characters of its strings, as native code reads and writes them.
//!
//! A buffer's memory may change under its reader in two ways: guest code runs, or it is shared with another thread. The
//! first is up to the caller, who runs none while it holds what it borrowed; shared memory is copied byte by byte.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use isolate::library::{Scope, memory_for};

use crate::coded_error::{Kind, throw};

/// The bytes of an `ArrayBufferView`, an `ArrayBuffer` or a `SharedArrayBuffer`. Keeps their memory even if the guest
/// detaches the buffer meanwhile.
pub(crate) struct Memory {
    /// None where the buffer has none.
    store: Option<v8::SharedRef<v8::BackingStore>>,
    range: Range<usize>,
}

/// Memory on its way to another thread.
pub(crate) struct Sent(Memory);

// SAFETY: V8 counts the holders of a backing store atomically, a store belongs to no isolate, and `Memory` has nothing else
// that is a thread's. That nobody writes to what is not shared is a promise of [`Memory::send`]'s caller.
unsafe impl Send for Sent {}

impl Sent {
    pub fn arrived(self) -> Memory {
        self.0
    }
}

impl Memory {
    /// The same memory for another thread. It is shared, or nobody writes to it any more.
    pub fn send(&self) -> Sent {
        Sent(Memory { store: self.store.clone(), range: self.range.clone() })
    }

    /// None for what is no buffer.
    pub fn of(value: v8::Local<'_, v8::Value>) -> Option<Memory> {
        if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
            let (start, length) = (view.byte_offset(), view.byte_length());
            let store = if length == 0 { None } else { view.get_backing_store() };
            return Some(Memory { store, range: start..start.saturating_add(length) });
        }
        let store = if let Ok(buffer) = value.try_cast::<v8::ArrayBuffer>() {
            buffer.get_backing_store()
        } else {
            value.try_cast::<v8::SharedArrayBuffer>().ok()?.get_backing_store()
        };
        let length = store.byte_length();
        Some(Memory { store: Some(store), range: 0..length })
    }

    /// None with an exception pending for what is no buffer.
    pub fn expect(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Memory> {
        let memory = Memory::of(value);
        if memory.is_none() {
            throw(scope, Kind::Type, "argument must be a buffer", "ERR_INVALID_ARG_TYPE");
        }
        memory
    }

    /// The memory for one who runs no guest code while it has it.
    pub fn lent(&self) -> Lent<'_> {
        let cells = self.store.as_ref().and_then(|store| store.get(self.range.clone())).unwrap_or(&[]);
        Lent { cells, is_shared: self.is_shared() }
    }

    pub fn cells(&self) -> &[Cell<u8>] {
        self.lent().cells
    }

    pub fn len(&self) -> usize {
        self.cells().len()
    }

    pub fn is_shared(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.is_shared())
    }

    /// See [`Lent::bytes`].
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        self.lent().bytes()
    }

    /// See [`Lent::slice`].
    pub fn slice(&self, range: Range<usize>) -> Cow<'_, [u8]> {
        self.lent().slice(range)
    }

    /// See [`Lent::write`].
    pub fn write(&self, at: usize, bytes: &[u8]) -> usize {
        self.lent().write(at, bytes)
    }

    /// See [`Lent::fill`].
    pub fn fill(&self, range: Range<usize>, write: impl FnOnce(&mut [u8]) -> usize) -> usize {
        self.lent().fill(range, write)
    }
}

/// As [`Memory`], for one who runs no guest code while it has it: that could detach the buffer, and the memory is there
/// only as long as the buffer has it. To hold on to it, as `Memory` does, takes longer than to write a few bytes to it.
#[derive(Clone, Copy)]
pub(crate) struct Lent<'a> {
    cells: &'a [Cell<u8>],
    is_shared: bool,
}

impl<'a> Lent<'a> {
    /// None for what is no buffer.
    pub fn of(scope: &mut Scope<'_, '_>, value: v8::Local<'a, v8::Value>) -> Option<Lent<'a>> {
        let (data, length, is_shared) = if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
            let length = view.byte_length();
            if length == 0 {
                return Some(Lent { cells: &[], is_shared: false });
            }
            let buffer: v8::Local<v8::Value> = view.buffer(scope)?.into();
            (view.data().cast_const(), length, buffer.is_shared_array_buffer())
        } else if let Ok(buffer) = value.try_cast::<v8::ArrayBuffer>() {
            let data = buffer.data().map_or(std::ptr::null(), |data| data.as_ptr().cast_const());
            (data, buffer.byte_length(), false)
        } else {
            let store = value.try_cast::<v8::SharedArrayBuffer>().ok()?.get_backing_store();
            let data = store.data().map_or(std::ptr::null(), |data| data.as_ptr().cast_const());
            (data, store.byte_length(), true)
        };
        if data.is_null() || length == 0 {
            return Some(Lent { cells: &[], is_shared: false });
        }
        // SAFETY: a buffer of that length, which the handle keeps, has its memory there, outside of V8's heap, where no
        // collection moves it. That it keeps it, and keeps it as long, while this lives is what the type asks of its user.
        // All this holds for a V8 that is sound: what a guest that has corrupted V8's heap can reach is the sandbox's to
        // bound where V8 has one, and then the enclosure's.
        let cells = unsafe { std::slice::from_raw_parts(data.cast::<Cell<u8>>(), length) };
        Some(Lent { cells, is_shared })
    }

    /// None with an exception pending for what is no buffer.
    pub fn expect(scope: &mut Scope<'_, '_>, value: v8::Local<'a, v8::Value>) -> Option<Lent<'a>> {
        let memory = Lent::of(scope, value);
        if memory.is_none() {
            throw(scope, Kind::Type, "argument must be a buffer", "ERR_INVALID_ARG_TYPE");
        }
        memory
    }

    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The bytes. No guest code runs while they are borrowed.
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        self.slice(0..usize::MAX)
    }

    /// Those of the bytes in a range, as far as there are any. No guest code runs while they are borrowed.
    pub fn slice(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let cells = self.cells;
        let end = range.end.min(cells.len());
        let cells = cells.get(range.start.min(end)..end).unwrap_or(&[]);
        if self.is_shared {
            return Cow::Owned(cells.iter().map(Cell::get).collect());
        }
        // SAFETY: the cells are initialized memory that is there as long as the borrow. They are no shared buffer's, so no other thread has
        // them, and on this one only guest code writes to them, which does not run during the borrow; neither does
        // anything here write while it reads the same memory ([`Memory::fill`] excludes it where both are needed).
        Cow::Borrowed(unsafe { std::slice::from_raw_parts(cells.as_ptr().cast::<u8>(), cells.len()) })
    }

    /// Writes bytes, as many as fit; returns how many.
    pub fn write(&self, at: usize, bytes: &[u8]) -> usize {
        let Some(cells) = self.cells.get(at..) else { return 0 };
        let length = cells.len().min(bytes.len());
        if self.is_shared {
            for (cell, byte) in cells.iter().zip(bytes) {
                cell.set(*byte);
            }
        } else if length > 0 {
            // SAFETY: as in `slice`; both have that length, and where they overlap because `bytes` was borrowed from the
            // same memory, they are moved.
            unsafe { std::ptr::copy(bytes.as_ptr(), cells.as_ptr().cast_mut().cast::<u8>(), length) };
        }
        length
    }

    /// Has a function write to a range, as far as there is memory. It returns how much it has written, and gets no other
    /// way to this memory: what it needs of guest memory it has copied before.
    pub fn fill(&self, range: Range<usize>, write: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let cells = self.cells;
        let end = range.end.min(cells.len());
        let cells = cells.get(range.start.min(end)..end).unwrap_or(&[]);
        if self.is_shared {
            let mut bytes = vec![0; cells.len()];
            let written = write(&mut bytes).min(bytes.len());
            for (cell, byte) in cells.iter().zip(bytes.iter().take(written)) {
                cell.set(*byte);
            }
            return written;
        }
        // SAFETY: as in `slice`; a `Cell` may be written through a shared reference, and `write` has no other reference to
        // the same memory.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(cells.as_ptr().cast_mut().cast::<u8>(), cells.len()) };
        write(bytes)
    }

    /// Whether two have memory in common.
    pub fn overlaps(&self, other: &Lent<'_>) -> bool {
        let (ours, theirs) = (self.cells.as_ptr_range(), other.cells.as_ptr_range());
        ours.start < theirs.end && theirs.start < ours.end
    }
}

/// The characters of a string, as V8 holds them.
#[derive(Clone, Copy)]
pub(crate) enum Units<'a> {
    Latin1(&'a [u8]),
    Utf16(&'a [u16]),
}

impl Units<'_> {
    pub fn len(&self) -> usize {
        match self {
            Units::Latin1(units) => units.len(),
            Units::Utf16(units) => units.len(),
        }
    }
}

/// Reads a string's characters. `None` with an exception pending if there is no memory to have them in one piece.
pub(crate) fn with_units<R>(
    scope: &mut Scope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    read: impl FnOnce(Units<'_>) -> R,
) -> Option<R> {
    if !isolate::library::heap_holds(scope, text) {
        isolate::library::throw_no_memory(scope, "There is no memory for the string in one piece");
        return None;
    }
    let view = v8::ValueView::new(scope, text);
    Some(match view.data() {
        v8::ValueViewData::OneByte(units) => read(Units::Latin1(units)),
        v8::ValueViewData::TwoByte(units) => read(Units::Utf16(units)),
    })
}

/// Throws that there are so many characters that no string has them.
pub(crate) fn throw_too_long(scope: &mut Scope<'_, '_>) {
    let message = "Cannot create a string longer than 0x1fffffe8 characters";
    throw(scope, Kind::Error, message, "ERR_STRING_TOO_LONG");
}

/// Throws that there is no memory for a buffer.
pub(crate) fn throw_no_memory(scope: &mut Scope<'_, '_>) {
    throw(scope, Kind::Range, "Failed to allocate memory", "ERR_MEMORY_ALLOCATION_FAILED");
}

/// A string of Latin-1 characters. `None` with an exception pending if that is too long.
pub(crate) fn latin1<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::String>> {
    check_length(scope, bytes.len(), 1)?;
    made(scope, |scope| v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Normal))
}

/// A string of UTF-16 code units. `None` with an exception pending if that is too long.
pub(crate) fn utf16<'s>(scope: &mut Scope<'s, '_>, units: &[u16]) -> Option<v8::Local<'s, v8::String>> {
    check_length(scope, units.len(), 2)?;
    made(scope, |scope| v8::String::new_from_two_byte(scope, units, v8::NewStringType::Normal))
}

/// A string of UTF-8, with U+FFFD for what is none. `None` with an exception pending if that is too long.
pub(crate) fn utf8<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::String>> {
    // At most two bytes for each of these.
    check_length(scope, bytes.len(), if bytes.is_ascii() { 1 } else { 2 })?;
    made(scope, |scope| v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal))
}

fn check_length(scope: &mut Scope<'_, '_>, length: usize, width: usize) -> Option<()> {
    if length > v8::String::MAX_LENGTH {
        throw_too_long(scope);
        return None;
    }
    let size = length.saturating_mul(width);
    if !memory_for(size) || !isolate::library::heap_takes(scope, size) {
        throw_no_memory(scope);
        return None;
    }
    Some(())
}

fn made<'s, 'i>(
    scope: &mut Scope<'s, 'i>,
    make: impl FnOnce(&mut Scope<'s, 'i>) -> Option<v8::Local<'s, v8::String>>,
) -> Option<v8::Local<'s, v8::String>> {
    let text = make(scope);
    if text.is_none() {
        throw_too_long(scope);
    }
    text
}
