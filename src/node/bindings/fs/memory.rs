//! The bytes of views that guest code gave, copied out and in. The memory may be shared with other threads.

use isolate::library::memory_for;

use crate::bytes::Memory;

/// The bytes of a view from one index on, at most so many. `None` if there is no memory for a copy.
pub(super) fn copy_out(
    view: v8::Local<'_, v8::ArrayBufferView>,
    from: usize,
    length: usize,
) -> Option<Vec<u8>> {
    let length = length.min(view.byte_length().saturating_sub(from));
    if length == 0 {
        return Some(Vec::new());
    }
    if !memory_for(length) {
        return None;
    }
    let memory = Memory::of(view.into())?;
    Some(memory.slice(from..from.checked_add(length)?).into_owned())
}

/// Writes into a view from one index on, as much as fits. Returns how much that was.
pub(super) fn copy_in(view: v8::Local<'_, v8::ArrayBufferView>, from: usize, bytes: &[u8]) -> usize {
    let memory = Memory::of(view.into());
    memory.map_or(0, |memory| memory.write(from, bytes))
}
