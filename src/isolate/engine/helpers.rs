//! V8's helper threads, which compile and collect beside the isolate's thread. A process that will be forked must not
//! have them, and V8's platform starts them when it is made. So they can be put off: what the platform would have run in
//! a thread is noted, and run in one later, in the process that was forked. Until then what it posts to them waits, and
//! V8 does itself what it cannot wait for.
//!
//! V8 offers nothing for that, so this module defines libc's `pthread_create` for the whole executable and passes on
//! whatever is not put off.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// Stack of a helper thread: what V8's compiler needs, and not the 8 MiB of a default, which would count as memory of
/// the VM.
const STACK: usize = 2 * 1024 * 1024;

type Routine = extern "C" fn(*mut c_void) -> *mut c_void;
type Create =
    unsafe extern "C" fn(*mut libc::pthread_t, *const libc::pthread_attr_t, Routine, *mut c_void) -> c_int;

/// Whether threads are put off now.
static PUTS_OFF: AtomicBool = AtomicBool::new(false);

/// Those that were.
static PUT_OFF: Mutex<Vec<Helper>> = Mutex::new(Vec::new());

struct Helper {
    routine: Routine,
    argument: *mut c_void,
}

// SAFETY: the argument was meant for a thread other than the one that made it.
unsafe impl Send for Helper {}

/// Puts off the threads that `make` starts, on this thread: no other may start one meanwhile.
pub(crate) fn put_off<R>(make: impl FnOnce() -> R) -> R {
    PUTS_OFF.store(true, Ordering::Relaxed);
    let made = make();
    PUTS_OFF.store(false, Ordering::Relaxed);
    made
}

/// Starts the threads that were put off. The second time there are none. One that cannot be had is missed by nobody: V8
/// goes on without.
pub(crate) fn start() {
    for Helper { routine, argument } in std::mem::take(&mut *PUT_OFF.lock()) {
        let mut attributes = std::mem::MaybeUninit::uninit();
        let mut thread = 0;
        // SAFETY: the attributes are initialized by the first call before they are used, and destroyed once. Routine and
        // argument are those that V8 gave to be run in a new thread, which happens once, since the list was taken.
        unsafe {
            if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
                return;
            }
            libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK);
            if pthread_create(&raw mut thread, attributes.as_ptr(), routine, argument) == 0 {
                libc::pthread_detach(thread);
            }
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
    }
}

/// The C library's own.
fn next() -> Option<Create> {
    static NEXT: OnceLock<Option<Create>> = OnceLock::new();
    *NEXT.get_or_init(|| {
        // SAFETY: the name ends with a zero; what is found, if anything, is that function, whose type is POSIX's.
        unsafe {
            let found = libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr());
            (!found.is_null()).then(|| std::mem::transmute::<*mut c_void, Create>(found))
        }
    })
}

/// libc's `pthread_create`, for every caller in this executable.
///
/// # Safety
/// As the C library's: `thread` may be written to, `attributes` is null or initialized, and `argument` is what `routine`
/// takes, in another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    routine: Routine,
    argument: *mut c_void,
) -> c_int {
    if PUTS_OFF.load(Ordering::Relaxed) {
        PUT_OFF.lock().push(Helper { routine, argument });
        // SAFETY: the caller vouches for the pointer. V8 uses the value to join its threads when its platform is
        // disposed of, which no worker does.
        unsafe { *thread = libc::pthread_self() };
        return 0;
    }
    match next() {
        // SAFETY: the caller keeps to the rules of this very function.
        Some(next) => unsafe { next(thread, attributes, routine, argument) },
        None => libc::EAGAIN,
    }
}
