//! The memory of `ArrayBuffer`s, where V8's sandbox is there: they have to lie inside it, and the allocator that V8 brings
//! for that is for trials (one tree of regions; it clears what the system has cleared, and gives large parts back again and
//! again). Here is another ([`arena`]), which gets a range of the sandbox's address space from V8 and knows nothing of V8
//! beside that. It survives a fork: it has no threads, and plain memory of its own.
//!
//! Its records lie outside the sandbox. V8 frees what it has allocated, by pointers that lie outside as well; one that leads
//! to no buffer is left alone nevertheless.

#[cfg_attr(not(feature = "v8-sandbox"), allow(dead_code))]
mod arena;
#[cfg_attr(not(feature = "v8-sandbox"), allow(dead_code))]
mod runs;
#[cfg(feature = "v8-sandbox")]
mod sandbox;
#[cfg_attr(not(feature = "v8-sandbox"), allow(dead_code))]
mod spans;
#[cfg_attr(not(feature = "v8-sandbox"), allow(dead_code))]
mod table;
#[cfg(feature = "v8-sandbox")]
mod uncleared;

#[cfg(feature = "v8-sandbox")]
pub use uncleared::uncleared_buffer;

/// A new buffer: the memory of buffers is everybody's where V8 has no sandbox, so that it is cleared.
#[cfg(not(feature = "v8-sandbox"))]
pub fn uncleared_buffer<'s>(
    scope: &mut crate::realm::core::Scope<'s, '_>,
    bytes: usize,
) -> v8::Local<'s, v8::ArrayBuffer> {
    v8::ArrayBuffer::new(scope, bytes)
}

use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::allocator::{self, has_room_for};
use arena::Arena;

/// What memory is given and protected by. The system's own pages may be smaller, and are not larger where V8 has a sandbox
/// of this kind.
const PAGE: usize = 4096;

/// What a small VM keeps idle of its memory at most: one part of so many.
const IDLE_PART: u64 = 8;

/// What has to be left of the process's memory when a collection begins, for what V8 moves and what comes after: so many
/// bytes, and in a small VM the same part of its memory.
const ROOM: usize = 32 * 1024 * 1024;

/// What a VM that runs nothing keeps idle, in bytes.
const REST: usize = 4 * 1024 * 1024;

/// Made with the first isolate. None where V8 has no sandbox, or where the arena could not be had.
static ARENA: OnceLock<Option<Arena>> = OnceLock::new();

/// [`ROOM`], or less in a small VM.
static WANTED: AtomicUsize = AtomicUsize::new(ROOM);

fn arena() -> Option<&'static Arena> {
    ARENA.get()?.as_ref()
}

/// Has an isolate's buffers allocated here.
pub(crate) fn install(parameters: v8::CreateParams) -> v8::CreateParams {
    #[cfg(feature = "v8-sandbox")]
    if let Some(arena) = ARENA.get_or_init(sandbox::reserve) {
        return parameters.array_buffer_allocator(sandbox::allocator(arena));
    }
    parameters
}

/// Says how much memory the VM may have, in bytes.
pub(crate) fn set_memory(bytes: u64) {
    let part = usize::try_from(bytes / IDLE_PART).unwrap_or(usize::MAX);
    WANTED.store(part.min(ROOM), Ordering::Relaxed);
    if let Some(arena) = arena() {
        arena.set_idle(part.min(arena::IDLE_MAX));
    }
}

/// V8 is about to collect, which takes memory and ends the process where there is none: what lies idle is given back if
/// not enough is left.
pub(crate) extern "C" fn before_collection(
    _: v8::UnsafeRawIsolatePtr,
    _: v8::GCType,
    _: v8::GCCallbackFlags,
    _: *mut c_void,
) {
    allocator::forget_credit();
    if arena().is_some_and(|arena| arena.idle() > REST) {
        // Gives it back by itself.
        let _ = has_room_for(WANTED.load(Ordering::Relaxed));
    }
}

/// Gives most of what lies idle back, because nothing runs.
pub(crate) fn rest() {
    if let Some(arena) = arena() {
        arena.trim(REST);
    }
}

/// Gives memory that lies idle back to the system, because it is short. Whether there was any.
pub(crate) fn give_back() -> bool {
    arena().is_some_and(Arena::give_back)
}

#[cfg(all(test, feature = "v8-sandbox"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use protocol::engine::{EngineProfile, WasmLevel};

    /// The only test of this crate that starts V8, which a process can do once.
    #[test]
    fn v8_gives_the_sandboxs_address_space_and_takes_buffers_from_there() {
        crate::initialize(&EngineProfile { wasm: WasmLevel::Absent, jit: true }, crate::Helpers::Now);
        let mut isolate = v8::Isolate::new(install(v8::CreateParams::default()));
        v8::scope!(let scope, &mut isolate);
        let context = v8::Context::new(scope, Default::default());
        let scope = &mut v8::ContextScope::new(scope, context);
        let holds = |start: *mut u8| arena().is_some_and(|arena| arena.holds(start));
        let mut large = std::ptr::null_mut();
        for length in [100, 20_000, 3_000_000] {
            v8::scope!(let scope, scope);
            // V8 has checked by itself that it lies inside the sandbox, and ends the process if not.
            let buffer = v8::ArrayBuffer::new(scope, length);
            let start = buffer.data().unwrap().cast::<u8>().as_ptr();
            assert!(holds(start), "{length}");
            // SAFETY: the buffer lives, and nobody else has seen it.
            unsafe { start.write_bytes(7, length) };
            large = start;
        }
        // Freed when V8 has found that nobody has it, and on a thread of its own.
        let begun = Instant::now();
        while holds(large) {
            assert!(begun.elapsed() < Duration::from_secs(20), "V8 has not freed a buffer");
            scope.low_memory_notification();
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
