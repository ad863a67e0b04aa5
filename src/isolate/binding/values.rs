//! Values across the border: bytes are copied both ways, never shared, since what lies in V8's sandbox is the
//! guest's.

use crate::engine::allocator;
use crate::realm::core::{Core, Scope, string};
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
pub(crate) fn signal(name: &str) -> Option<Signal> {
    SIGNALS.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal)
}

/// The name of a signal.
pub(crate) fn signal_name(signal: Signal) -> &'static str {
    SIGNALS.iter().find(|(known, _)| *known == signal).map_or(signal.name(), |(_, name)| name)
}

/// Sets a property of an object that native code is building.
pub(crate) fn set<'s>(
    scope: &mut Scope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
    value: v8::Local<'s, v8::Value>,
) {
    let key = string(scope, name);
    object.create_data_property(scope, key.into(), value);
}

/// A new `Uint8Array` with these bytes. `None` (with an exception pending) when there is no memory for it.
pub fn bytes<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::Value>> {
    let Some(store) = backing(scope, bytes) else {
        throw_no_memory(scope, "Array buffer allocation failed");
        return None;
    };
    let array = v8::Uint8Array::new(scope, store, 0, bytes.len())?;
    Some(array.into())
}

/// A new buffer with these bytes. `ArrayBuffer::new` ends the process where memory is short, so that is asked first.
fn backing<'s>(scope: &mut Scope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::ArrayBuffer>> {
    if !memory_for(bytes.len()) {
        return None;
    }
    let buffer = v8::ArrayBuffer::new(scope, bytes.len());
    if let Some(data) = buffer.data() {
        // SAFETY: the buffer was made just now with this length, its memory lies outside of V8's heap, where no
        // collection moves it, and nobody else has seen it. `bytes` is memory of Rust's, so they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.as_ptr().cast::<u8>(), bytes.len()) };
    }
    Some(buffer)
}

/// What is so small that nobody asks whether there is memory for it.
const SURELY_THERE: usize = 64 * 1024;

/// Whether the process's memory ceiling leaves room for so many bytes now.
pub fn memory_for(length: usize) -> bool {
    length <= SURELY_THERE || allocator::has_room_for_part(length)
}

/// Whether V8's heap may hold all characters of a string in one piece. To read a string that was put together of others
/// V8 makes that piece first, past the heap's limit if need be, and the next collection would end the job for it.
pub fn heap_holds(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::String>) -> bool {
    let size = if value.is_onebyte() { value.length() } else { value.length().saturating_mul(2) };
    heap_takes(scope, size)
}

/// Whether one thing of so many bytes is not too large for V8's heap.
pub fn heap_takes(scope: &mut Scope<'_, '_>, size: usize) -> bool {
    if size <= SURELY_THERE {
        return true;
    }
    // A further isolate's heap is given its limit part by part.
    let core = Core::of(scope);
    let whole = core.settings.get().map_or(0, |settings| settings.limits.heap_bytes);
    let whole = usize::try_from(whole).unwrap_or(usize::MAX);
    size < scope.get_heap_statistics().heap_size_limit().max(whole) / 4 * 3
}

/// A string of V8's as text. `None` (with a `RangeError` pending) when there is no memory for it.
pub fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::String>) -> Option<String> {
    if !heap_holds(scope, value) || !memory_for(value.length()) || !memory_for(value.utf8_length(scope)) {
        throw_no_memory(scope, "There is no memory for a copy of the string");
        return None;
    }
    Some(value.to_rust_string_lossy(scope))
}

/// Throws what V8 throws where it has no memory for something outside the heap.
pub fn throw_no_memory(scope: &mut Scope<'_, '_>, message: &str) {
    let message = string(scope, message);
    let error = v8::Exception::range_error(scope, message);
    scope.throw_exception(error);
}

/// Copies the bytes of a view or buffer out.
pub fn copy_bytes(value: v8::Local<'_, v8::Value>) -> Option<Vec<u8>> {
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
        // SAFETY: the handle keeps the buffer, whose memory lies outside of V8's heap, where no collection moves it. Its
        // length was read above; only guest code detaches or resizes it, and none has run since: it is no shared
        // buffer, so no other thread has it. The vector has `length` bytes of its own.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr().cast::<u8>(), bytes.as_mut_ptr(), length) };
    }
    Some(bytes)
}

/// Writes into a view that guest code gave; at most as much as fits. Returns how much was written.
pub fn fill_view(view: v8::Local<'_, v8::ArrayBufferView>, bytes: &[u8]) -> usize {
    let length = view.byte_length().min(bytes.len());
    if length > 0 {
        let data = view.data().cast::<u8>();
        // SAFETY: `data` gave the view's buffer memory outside of V8's heap, if it had none, where no collection moves it.
        // The view has at least `length` bytes, read above; only guest code detaches or resizes a buffer, and none has
        // run since. `bytes` is memory of Rust's. All this holds for a V8 that is sound: what a guest that has corrupted
        // V8's heap can reach is the sandbox's to bound where V8 has one, and then the enclosure's.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, length) };
    }
    length
}

/// How a program ended, as `cordon:vm/process` shows it.
pub(crate) fn exit_status<'s>(scope: &mut Scope<'s, '_>, status: ExitStatus) -> v8::Local<'s, v8::Value> {
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
