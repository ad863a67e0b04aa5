//! Long computations and the end of their job: what takes minutes asks now and then whether anybody still waits for it.

use std::cell::RefCell;
use std::ffi::c_int;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use foreign_types_shared::ForeignTypeRef as _;
use isolate::library::Core;
use openssl::bn::{BigNum, BigNumRef};
use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::{check, check_pointer};

thread_local! {
    /// Whose job computes on this thread.
    static CORE: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
}

type PrimeCallback = unsafe extern "C" fn(c_int, c_int, *mut ffi::BN_GENCB) -> c_int;

unsafe extern "C" {
    fn BN_GENCB_new() -> *mut ffi::BN_GENCB;
    fn BN_GENCB_free(callback: *mut ffi::BN_GENCB);
    fn BN_GENCB_set(callback: *mut ffi::BN_GENCB, function: PrimeCallback, argument: *mut std::ffi::c_void);
}

/// Has what is computed within end with its job.
pub(crate) fn with<R>(core: &Rc<Core>, compute: impl FnOnce() -> R) -> R {
    let outer = CORE.replace(Some(core.clone()));
    let result = compute();
    CORE.set(outer);
    result
}

/// Whether the job that computes has been told to end.
pub(crate) fn is_ended() -> bool {
    let Some(core) = CORE.with_borrow(Clone::clone) else { return false };
    // What is not ready at once is waited for, and that is when the end of the job is seen.
    let mut is_first = true;
    core.wait(poll_fn(move |context| {
        if std::mem::replace(&mut is_first, false) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }))
    .is_err()
}

/// What OpenSSL calls while it makes a key.
pub(super) unsafe extern "C" fn while_generating(_: *mut ffi::EVP_PKEY_CTX) -> c_int {
    c_int::from(!is_ended())
}

unsafe extern "C" fn while_searching(_: c_int, _: c_int, _: *mut ffi::BN_GENCB) -> c_int {
    c_int::from(!is_ended())
}

/// Looks for a prime.
pub(crate) fn generate_prime(
    bits: c_int,
    safe: bool,
    add: Option<&BigNumRef>,
    rem: Option<&BigNumRef>,
) -> Result<BigNum, ErrorStack> {
    let prime = BigNum::new()?;
    let pointer =
        |number: Option<&BigNumRef>| number.map_or(std::ptr::null(), |number| number.as_ptr().cast_const());
    // SAFETY: the numbers live, and the callback's object is freed here.
    unsafe {
        let callback = check_pointer(BN_GENCB_new())?;
        BN_GENCB_set(callback, while_searching, std::ptr::null_mut());
        let found = ffi::BN_generate_prime_ex(
            prime.as_ptr(),
            bits,
            c_int::from(safe),
            pointer(add),
            pointer(rem),
            callback,
        );
        BN_GENCB_free(callback);
        check(found)?;
    }
    Ok(prime)
}
