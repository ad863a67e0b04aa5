//! What OpenSSL has and its safe crate lacks: every `unsafe` block of the binding is in this folder.
//!
//! OpenSSL runs here without a configuration file, without modules, without engines and without a random generator of
//! its own: all its random bytes are the system's, asked for each time. So nothing in this memory decides what a worker
//! that is forked later will draw, and siblings cannot draw the same.

pub(super) mod certificate;
pub(super) mod cipher;
pub(super) mod digest;
pub(super) mod interrupt;
pub(super) mod kdf;
pub(super) mod mac;
pub(super) mod names;
pub(super) mod params;
pub(super) mod pkey;
pub(super) mod tls;

use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::Once;

use openssl::error::ErrorStack;
use openssl_sys as ffi;

/// `OPENSSL_INIT_*`, of `openssl/crypto.h`.
const NO_LOAD_CONFIG: u64 = 0x80;
const NO_ATEXIT: u64 = 0x80000;
const LOAD_CRYPTO_STRINGS: u64 = 0x2;
const ADD_ALL_CIPHERS: u64 = 0x4;
const ADD_ALL_DIGESTS: u64 = 0x8;

/// `RAND_METHOD`, of `openssl/rand.h`.
#[repr(C)]
struct RandMethod {
    seed: Option<unsafe extern "C" fn(*const c_void, c_int) -> c_int>,
    bytes: Option<unsafe extern "C" fn(*mut u8, c_int) -> c_int>,
    cleanup: Option<unsafe extern "C" fn()>,
    add: Option<unsafe extern "C" fn(*const c_void, c_int, f64) -> c_int>,
    pseudorand: Option<unsafe extern "C" fn(*mut u8, c_int) -> c_int>,
    status: Option<unsafe extern "C" fn() -> c_int>,
}

static METHOD: RandMethod = RandMethod {
    seed: None,
    bytes: Some(random_bytes),
    cleanup: None,
    add: None,
    pseudorand: Some(random_bytes),
    status: Some(always),
};

unsafe extern "C" {
    fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
    fn RAND_set_rand_method(method: *const RandMethod) -> c_int;
    #[cfg(test)]
    fn RAND_get_rand_method() -> *const RandMethod;
    fn OSSL_PROVIDER_try_load(library: *mut c_void, name: *const c_char, retain: c_int) -> *mut c_void;
    fn OSSL_PROVIDER_add_conf_parameter(
        provider: *mut c_void,
        name: *const c_char,
        value: *const c_char,
    ) -> c_int;
    fn DH_check(dh: *const ffi::DH, codes: *mut c_int) -> c_int;
    fn CRYPTO_free(pointer: *mut c_void, file: *const c_char, line: c_int);
}

unsafe extern "C" fn random_bytes(buffer: *mut u8, length: c_int) -> c_int {
    let Ok(length) = usize::try_from(length) else { return 0 };
    if length == 0 {
        return 1;
    }
    if buffer.is_null() {
        return 0;
    }
    // SAFETY: OpenSSL gives a buffer of its own of that length, which it reads when this has returned. The bytes may
    // never have been written, so they are written first.
    let buffer = unsafe {
        std::ptr::write_bytes(buffer, 0, length);
        std::slice::from_raw_parts_mut(buffer, length)
    };
    c_int::from(getrandom::fill(buffer).is_ok())
}

unsafe extern "C" fn always() -> c_int {
    1
}

/// Prepares OpenSSL; the first thing that the binding does.
pub(super) fn initialize() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let options = NO_LOAD_CONFIG | NO_ATEXIT | LOAD_CRYPTO_STRINGS | ADD_ALL_CIPHERS | ADD_ALL_DIGESTS;
        // SAFETY: both take what is described in their headers; the method is valid for ever. What has been decided
        // here of the configuration holds for whoever prepares OpenSSL again.
        unsafe {
            OPENSSL_init_crypto(options, std::ptr::null());
            RAND_set_rand_method(&METHOD);
            let provider = OSSL_PROVIDER_try_load(std::ptr::null_mut(), c"default".as_ptr(), 1);
            if !provider.is_null() {
                // Keys that are made of a seed are written as that, if it is known.
                for name in [c"ml-dsa.output_formats", c"ml-kem.output_formats"] {
                    let value = c"seed-only, seed-priv, priv-only";
                    OSSL_PROVIDER_add_conf_parameter(provider, name.as_ptr(), value.as_ptr());
                }
            }
        }
    });
}

/// Whether all of OpenSSL's random bytes are the system's.
#[cfg(test)]
pub(super) fn draws_from_the_system() -> bool {
    // SAFETY: it takes nothing, and what it gives is valid for ever.
    std::ptr::eq(unsafe { RAND_get_rand_method() }, &METHOD)
}

/// A result of 1 is success.
pub(super) fn check(result: c_int) -> Result<c_int, ErrorStack> {
    if result > 0 { Ok(result) } else { Err(ErrorStack::get()) }
}

/// A pointer that is not null.
pub(super) fn check_pointer<T>(pointer: *mut T) -> Result<*mut T, ErrorStack> {
    if pointer.is_null() { Err(ErrorStack::get()) } else { Ok(pointer) }
}

/// A name as OpenSSL takes them: what is behind a NUL would be lost, so such a name is none.
pub(super) fn name(text: &str) -> Option<CString> {
    CString::new(text).ok()
}

/// Forgets errors that nobody has asked for.
pub(super) fn clear_errors() {
    // SAFETY: it takes nothing.
    unsafe { ffi::ERR_clear_error() };
}

/// What is wrong with parameters of Diffie-Hellman: `DH_CHECK_*` and their like, as bits.
pub(super) fn dh_check(dh: *mut ffi::DH) -> c_int {
    let mut codes = 0;
    // SAFETY: the caller's parameters live; it writes one number.
    unsafe { DH_check(dh, &mut codes) };
    clear_errors();
    codes
}

/// Copies memory that OpenSSL has allocated, and frees it.
///
/// # Safety
/// `pointer` is null or OpenSSL's memory with `length` bytes, and nobody else's.
unsafe fn take(pointer: *mut u8, length: usize) -> Vec<u8> {
    if pointer.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = std::slice::from_raw_parts(pointer, length).to_vec();
        CRYPTO_free(pointer.cast(), c"".as_ptr(), 0);
        bytes
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn random_bytes_are_the_systems() {
        super::initialize();
        assert!(super::draws_from_the_system());
        let (mut first, mut second) = ([0; 32], [0; 32]);
        openssl::rand::rand_bytes(&mut first).expect("there are random bytes");
        openssl::rand::rand_priv_bytes(&mut second).expect("there are random bytes");
        assert_ne!(first, second);
    }

    #[test]
    fn processes_that_are_forked_draw_different_bytes() {
        use std::io::{Read, Write};
        super::initialize();
        let mut before = [0; 32];
        openssl::rand::rand_bytes(&mut before).expect("there are random bytes");
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
            // SAFETY: the child only draws, writes to a pipe and ends without the library's handlers. Neither takes a
            // lock that another thread may hold: the method is the system call, the pipe is one, too. The library's
            // `fork` is passed by, as the template does, so no handler of OpenSSL's runs and its process id is all that
            // it could notice.
            let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
            if child == 0 {
                let mut bytes = [0; 32];
                // SAFETY: a buffer of this length.
                let drawn = unsafe { openssl_sys::RAND_bytes(bytes.as_mut_ptr(), 32) };
                let _ = writer.write_all(&bytes);
                // SAFETY: ends this process only.
                unsafe { libc::_exit(i32::from(drawn != 1)) };
            }
            drop(writer);
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).expect("the child writes");
            // SAFETY: waits for the child that was made above.
            unsafe { libc::waitpid(child as i32, std::ptr::null_mut(), 0) };
            assert_eq!(bytes.len(), 32);
            assert!(!seen.contains(&bytes));
            seen.push(bytes);
        }
    }
}
