//! Buffers whose memory is not cleared, as Node's `Buffer.allocUnsafe` has them.
//!
//! What such memory may show is what other buffers of the same process have left: the arena has nothing else. A process is
//! one VM for all of its life, so that a guest sees what guest code of its own VM has written, or what the library wrote to
//! buffers of its own as it booted, also in the template, where it knows nothing of any VM or of the host. Memory of native
//! code comes from another allocator, and never gets here. Where there is no arena it would, so that all is cleared then.

use std::ffi::c_void;
use std::ptr::NonNull;

use crate::realm::core::Scope;

/// `v8::BackingStoreInitializationMode::kUninitialized`.
const UNINITIALIZED: i32 = 1;

unsafe extern "C" {
    /// `v8::ArrayBuffer::New(Isolate*, size_t, BackingStoreInitializationMode)`. The crate's own C++ part calls it, and has
    /// no way to say how. It ends the process where there is no memory.
    #[link_name = "_ZN2v811ArrayBuffer3NewEPNS_7IsolateEmNS_30BackingStoreInitializationModeE"]
    fn new_array_buffer(isolate: *mut c_void, bytes: usize, mode: i32) -> Option<NonNull<v8::ArrayBuffer>>;
}

/// A new buffer, not cleared if the memory of buffers is nobody else's. The caller has made sure that there is memory for it.
pub fn uncleared_buffer<'s>(scope: &mut Scope<'s, '_>, bytes: usize) -> v8::Local<'s, v8::ArrayBuffer> {
    if super::arena().is_none() {
        return v8::ArrayBuffer::new(scope, bytes);
    }
    // SAFETY: the pointer is only used below, where the isolate lives and is this thread's.
    let isolate = unsafe { scope.as_raw_isolate_ptr() };
    // SAFETY: this wrapper of the crate's is one pointer and nothing else (`repr(transparent)`).
    let isolate: *mut c_void = unsafe { std::mem::transmute(isolate) };
    // SAFETY: the isolate is entered, as the scope shows, and has a handle scope open. V8's handles are one pointer, which
    // comes back in a register (they are trivial for calls).
    let buffer = unsafe { new_array_buffer(isolate, bytes, UNINITIALIZED) };
    match buffer {
        // SAFETY: a handle of the scope that is open, which is the caller's; the crate's type is `repr(C)` and that pointer
        // alone.
        Some(buffer) => unsafe {
            std::mem::transmute::<NonNull<v8::ArrayBuffer>, v8::Local<'s, v8::ArrayBuffer>>(buffer)
        },
        None => v8::ArrayBuffer::new(scope, bytes),
    }
}
