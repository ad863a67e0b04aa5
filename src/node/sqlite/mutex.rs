//! SQLite's mutexes: each may be locked again by the thread that has it.

use std::ffi::c_int;

use libsqlite3_sys as ffi;
use parking_lot::lock_api::RawReentrantMutex;
use parking_lot::{RawMutex, RawThreadId};

type Mutex = RawReentrantMutex<RawMutex, RawThreadId>;

/// Mutexes that SQLite knows by numbers from 2 on, and never gives back.
const STATIC: usize = 14;
static MUTEXES: [Mutex; STATIC] = [const { Mutex::INIT }; STATIC];

pub(super) fn methods() -> *const ffi::sqlite3_mutex_methods {
    static METHODS: ffi::sqlite3_mutex_methods = ffi::sqlite3_mutex_methods {
        xMutexInit: Some(init),
        xMutexEnd: Some(end),
        xMutexAlloc: Some(allocate),
        xMutexFree: Some(free),
        xMutexEnter: Some(enter),
        xMutexTry: Some(try_enter),
        xMutexLeave: Some(leave),
        xMutexHeld: None,
        xMutexNotheld: None,
    };
    &METHODS
}

unsafe extern "C" fn init() -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn end() -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn allocate(kind: c_int) -> *mut ffi::sqlite3_mutex {
    if kind == ffi::SQLITE_MUTEX_FAST || kind == ffi::SQLITE_MUTEX_RECURSIVE {
        return Box::into_raw(Box::new(Mutex::INIT)).cast();
    }
    let index = usize::try_from(kind).unwrap_or(0).wrapping_sub(2);
    match MUTEXES.get(index) {
        Some(mutex) => std::ptr::from_ref(mutex).cast_mut().cast(),
        None => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn free(mutex: *mut ffi::sqlite3_mutex) {
    let is_static = MUTEXES.iter().any(|known| std::ptr::eq(known, mutex.cast::<Mutex>()));
    if !mutex.is_null() && !is_static {
        // SAFETY: it was made by `allocate`, and SQLite gives it back once.
        drop(unsafe { Box::from_raw(mutex.cast::<Mutex>()) });
    }
}

unsafe extern "C" fn enter(mutex: *mut ffi::sqlite3_mutex) {
    // SAFETY: SQLite hands in what it was given by `allocate`, and has not given it back.
    unsafe { &*mutex.cast::<Mutex>() }.lock();
}

unsafe extern "C" fn try_enter(mutex: *mut ffi::sqlite3_mutex) -> c_int {
    // SAFETY: as in `enter`.
    match unsafe { &*mutex.cast::<Mutex>() }.try_lock() {
        true => ffi::SQLITE_OK,
        false => ffi::SQLITE_BUSY,
    }
}

unsafe extern "C" fn leave(mutex: *mut ffi::sqlite3_mutex) {
    // SAFETY: as in `enter`; SQLite leaves on the thread that has entered.
    unsafe { (*mutex.cast::<Mutex>()).unlock() };
}
