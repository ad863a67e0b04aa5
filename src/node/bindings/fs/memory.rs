//! The bytes of views that guest code gave, copied out and in. The memory may be shared with other threads.

use isolate::library::memory_for;

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
    let store = view.get_backing_store()?;
    let start = view.byte_offset().checked_add(from)?;
    let cells = store.get(start..start.checked_add(length)?)?;
    Some(cells.iter().map(std::cell::Cell::get).collect())
}

/// Writes into a view from one index on, as much as fits. Returns how much that was.
pub(super) fn copy_in(view: v8::Local<'_, v8::ArrayBufferView>, from: usize, bytes: &[u8]) -> usize {
    let length = bytes.len().min(view.byte_length().saturating_sub(from));
    let copied = (|| {
        let store = view.get_backing_store()?;
        let start = view.byte_offset().checked_add(from)?;
        let cells = store.get(start..start.checked_add(length)?)?;
        for (cell, byte) in cells.iter().zip(bytes) {
            cell.set(*byte);
        }
        Some(length)
    })();
    copied.unwrap_or(0)
}
