//! The id that V8 knows this process's main thread by. V8 asks the kernel once per thread and remembers the answer
//! (`v8::base::OS::GetCurrentThreadId`), and its recursive locks are held by that id. A worker that was forked goes on
//! with what its template's main thread was told, while its other threads get ids from a PID namespace of its own: one of
//! them may come to have the same. Two threads then hold a lock at once: safepoints did not hold, and V8 ended the
//! process or crashed.
//!
//! So a main thread that will be forked is told an id that the kernel gives to no thread. V8 offers nothing for that and
//! asks by libc's `syscall`, so this module defines that function for the whole executable, and passes on whatever else
//! is called.

use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Above the kernel's largest id on any machine (`PID_MAX_LIMIT`, 2²²).
const RESERVED: c_long = c_int::MAX as c_long;

/// Whether the main thread's id is the reserved one.
static IS_RESERVED: AtomicBool = AtomicBool::new(false);

/// Libc's own `syscall`, once it was found.
static NEXT: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

type Call = unsafe extern "C" fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long;

/// Has the main thread go by the reserved id from here on. Comes before V8 first asks.
pub(crate) fn reserve() {
    IS_RESERVED.store(true, Ordering::Relaxed);
}

/// libc's `syscall`, for every caller in this executable: with the registers of six arguments, as its callers pass them.
///
/// # Safety
/// As that of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall(
    number: c_long,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> c_long {
    let mut next = NEXT.load(Ordering::Relaxed);
    if next.is_null() {
        // SAFETY: the name ends with a zero. No lock of ours is held meanwhile, and the C library does not come by here.
        next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"syscall".as_ptr()) }.cast();
        NEXT.store(next, Ordering::Relaxed);
    }
    // SAFETY: what was found, if anything, is that function, and null is none. It is variadic, and takes what is passed as
    // `long`s in the registers that it would take six such parameters in, on x86-64 and on aarch64.
    let Some(next) = (unsafe { std::mem::transmute::<*mut (), Option<Call>>(next) }) else { return -1 };
    // SAFETY: the caller keeps to the rules of this very call.
    let result = unsafe { next(number, first, second, third, fourth, fifth, sixth) };
    let is_main = || {
        // SAFETY: it takes nothing and cannot fail.
        result == c_long::from(unsafe { libc::getpid() })
    };
    if number == libc::SYS_gettid && IS_RESERVED.load(Ordering::Relaxed) && is_main() {
        return RESERVED;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What V8 would be told on this thread.
    fn told() -> c_long {
        // SAFETY: it takes nothing and cannot fail.
        unsafe { libc::syscall(libc::SYS_gettid) }
    }

    #[test]
    fn other_threads_keep_their_ids_and_calls_their_results() {
        reserve();
        let own = c_long::from(rustix::thread::gettid().as_raw_nonzero().get());
        // Tests run beside the main thread.
        assert_eq!(told(), own);
        // SAFETY: closes nothing: there is no such descriptor.
        assert_eq!(unsafe { libc::syscall(libc::SYS_close, -1) }, -1);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EBADF));
        let pair = [0_u8; 16];
        // SAFETY: it fills the buffer, whose length is given.
        let filled = unsafe { libc::syscall(libc::SYS_getrandom, pair.as_ptr(), pair.len(), 0) };
        assert_eq!(filled, 16);
    }
}
