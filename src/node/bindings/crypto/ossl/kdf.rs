//! Key derivation.

use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::params::Params;
use super::{check, check_pointer, name};

/// Derives so many bytes.
pub(crate) fn derive(algorithm: &str, params: &Params, length: usize) -> Result<Vec<u8>, ErrorStack> {
    let Some(algorithm) = name(algorithm) else { return Err(ErrorStack::get()) };
    let params = params.build()?;
    let mut output = vec![0; length];
    // SAFETY: the context keeps what it needs of the algorithm, and is freed on every way out; `output` has that length.
    unsafe {
        let kdf =
            check_pointer(ffi::EVP_KDF_fetch(std::ptr::null_mut(), algorithm.as_ptr(), std::ptr::null()))?;
        let context = ffi::EVP_KDF_CTX_new(kdf);
        ffi::EVP_KDF_free(kdf);
        let context = check_pointer(context)?;
        let derived = check(ffi::EVP_KDF_derive(context, output.as_mut_ptr(), output.len(), params.as_ptr()));
        ffi::EVP_KDF_CTX_free(context);
        derived?;
    }
    Ok(output)
}
