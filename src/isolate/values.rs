//! Values across the border: bytes are copied both ways, never shared, since what lies in V8's sandbox is the
//! guest's.

use super::allocator;
use super::core::{Scope, string};
use kernel::{ExitStatus, Signal};

/// The signals by the names that `wit/process.wit` gives them.
const SIGNALS: &[(Signal, &str)] = &[
    (Signal::Hup, "hangup"),
    (Signal::Int, "interrupt"),
    (Signal::Quit, "quit"),
    (Signal::Ill, "illegal-instruction"),
    (Signal::Trap, "trap"),
    (Signal::Abrt, "abort"),
    (Signal::Bus, "bus-error"),
    (Signal::Fpe, "arithmetic-error"),
    (Signal::Kill, "kill"),
    (Signal::Usr1, "user1"),
    (Signal::Segv, "segmentation-fault"),
    (Signal::Usr2, "user2"),
    (Signal::Pipe, "pipe"),
    (Signal::Alrm, "alarm"),
    (Signal::Term, "terminate"),
    (Signal::Stkflt, "stack-fault"),
    (Signal::Chld, "child"),
    (Signal::Cont, "continue"),
    (Signal::Stop, "stop"),
    (Signal::Tstp, "terminal-stop"),
    (Signal::Ttin, "terminal-input"),
    (Signal::Ttou, "terminal-output"),
    (Signal::Urg, "urgent"),
    (Signal::Xcpu, "cpu-limit"),
    (Signal::Xfsz, "file-size-limit"),
    (Signal::Vtalrm, "virtual-alarm"),
    (Signal::Prof, "profiling-alarm"),
    (Signal::Winch, "window-change"),
    (Signal::Io, "io"),
    (Signal::Pwr, "power"),
    (Signal::Sys, "bad-system-call"),
];

/// The signal of that name.
pub(super) fn signal(name: &str) -> Option<Signal> {
    SIGNALS.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal)
}

/// The name of a signal.
pub(super) fn signal_name(signal: Signal) -> &'static str {
    SIGNALS.iter().find(|(known, _)| *known == signal).map_or(signal.name(), |(_, name)| name)
}

/// Sets a property of an object that native code is building.
pub(super) fn set<'s>(
    scope: &mut Scope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
    value: v8::Local<'s, v8::Value>,
) {
    let key = string(scope, name);
    object.create_data_property(scope, key.into(), value);
}

/// A new `Uint8Array` with these bytes. `None` (with an exception pending) when there is no memory for it.
pub(super) fn bytes<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::Value>> {
    let Some(store) = backing(scope, bytes) else {
        throw_no_memory(scope, "Array buffer allocation failed");
        return None;
    };
    let array = v8::Uint8Array::new(scope, store, 0, bytes.len())?;
    Some(array.into())
}

/// `ArrayBuffer::new` ends the process where memory is short; the constructor throws. It is reached through a fresh
/// typed array of length 0, whose realm's intrinsics guest code cannot replace.
fn backing<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::ArrayBuffer>> {
    if !memory_for(bytes.len()) {
        return None;
    }
    let buffer = v8::ArrayBuffer::new(scope, bytes.len());
    if let Some(data) = buffer.data() {
        // SAFETY: a buffer that was made just now, of this length, whose memory nobody else has seen.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.as_ptr().cast::<u8>(), bytes.len()) };
    }
    Some(buffer)
}

/// What is so small that nobody asks whether there is memory for it.
const SURELY_THERE: usize = 64 * 1024;

/// Whether the process's memory ceiling leaves room for so many bytes now.
pub(super) fn memory_for(length: usize) -> bool {
    length <= SURELY_THERE || allocator::has_room_for(length)
}

/// A string of V8's as text. `None` (with a `RangeError` pending) when there is no memory for it.
pub(super) fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::String>) -> Option<String> {
    if !memory_for(value.length()) || !memory_for(value.utf8_length(scope)) {
        throw_no_memory(scope, "There is no memory for a copy of the string");
        return None;
    }
    Some(value.to_rust_string_lossy(scope))
}

/// Throws what V8 throws where it has no memory for something outside the heap.
pub(super) fn throw_no_memory(scope: &mut Scope<'_, '_>, message: &str) {
    let message = string(scope, message);
    let error = v8::Exception::range_error(scope, message);
    scope.throw_exception(error);
}

/// Copies the bytes of a view or buffer out.
pub(super) fn copy_bytes(value: v8::Local<'_, v8::Value>) -> Option<Vec<u8>> {
    if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
        let length = view.byte_length();
        if !memory_for(length) {
            return None;
        }
        let mut bytes = vec![0; length];
        let copied = view.copy_contents(&mut bytes);
        bytes.truncate(copied);
        return Some(bytes);
    }
    let buffer = value.try_cast::<v8::ArrayBuffer>().ok()?;
    let length = buffer.byte_length();
    if !memory_for(length) {
        return None;
    }
    let mut bytes = vec![0; length];
    if let Some(data) = buffer.data() {
        // SAFETY: the buffer is alive (its handle is), has `length` bytes, and no guest code runs in between.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr().cast::<u8>(), bytes.as_mut_ptr(), length) };
    }
    Some(bytes)
}

/// Writes into a view that guest code gave; at most as much as fits. Returns how much was written.
pub(super) fn fill_view(view: v8::Local<'_, v8::ArrayBufferView>, bytes: &[u8]) -> usize {
    let length = view.byte_length().min(bytes.len());
    if length > 0 {
        let data = view.data().cast::<u8>();
        // SAFETY: the view is alive and at least `length` bytes long (read once, just now); no guest code runs in
        // between, and V8's sandbox bounds what a forged length could reach to the guest's own memory.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, length) };
    }
    length
}

/// How a program ended, as `cordon:vm/process` shows it.
pub(super) fn exit_status<'s>(scope: &mut Scope<'s, '_>, status: ExitStatus) -> v8::Local<'s, v8::Value> {
    let object = v8::Object::new(scope);
    let (tag, value): (&str, v8::Local<v8::Value>) = match status {
        ExitStatus::Exited(code) => ("exited", v8::Integer::new(scope, i32::from(code)).into()),
        ExitStatus::Signaled(signal) => ("signaled", string(scope, signal_name(signal)).into()),
    };
    let tag = string(scope, tag);
    set(scope, object, "tag", tag.into());
    set(scope, object, "val", value);
    object.into()
}
