//! Message authentication codes.

use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::params::Params;
use super::{check, check_pointer, name};

/// One under way.
pub(crate) struct Mac(*mut ffi::EVP_MAC_CTX);

/// Whether OpenSSL has it.
pub(crate) fn exists(algorithm: &str) -> bool {
    let Some(algorithm) = name(algorithm) else { return false };
    // SAFETY: what is fetched is freed; freeing null does nothing.
    unsafe {
        let mac = ffi::EVP_MAC_fetch(std::ptr::null_mut(), algorithm.as_ptr(), std::ptr::null());
        ffi::EVP_MAC_free(mac);
        if mac.is_null() {
            super::clear_errors();
        }
        !mac.is_null()
    }
}

impl Mac {
    pub fn new(algorithm: &str, key: &[u8], params: &Params) -> Result<Mac, ErrorStack> {
        let Some(algorithm) = name(algorithm) else { return Err(ErrorStack::get()) };
        let params = params.build()?;
        // An empty key still is one, and OpenSSL takes null for none.
        let length = key.len();
        let key: &[u8] = if key.is_empty() { &[0] } else { key };
        // SAFETY: the context keeps what it needs of the algorithm; key and parameters are read before this returns.
        unsafe {
            let mac = check_pointer(ffi::EVP_MAC_fetch(
                std::ptr::null_mut(),
                algorithm.as_ptr(),
                std::ptr::null(),
            ))?;
            let context = ffi::EVP_MAC_CTX_new(mac);
            ffi::EVP_MAC_free(mac);
            let context = Mac(check_pointer(context)?);
            check(ffi::EVP_MAC_init(context.0, key.as_ptr(), length, params.as_ptr()))?;
            Ok(context)
        }
    }

    pub fn update(&mut self, bytes: &[u8]) -> Result<(), ErrorStack> {
        // SAFETY: `bytes` has that length.
        check(unsafe { ffi::EVP_MAC_update(self.0, bytes.as_ptr(), bytes.len()) }).map(drop)
    }

    /// Bytes that it will give.
    pub fn size(&self) -> usize {
        // SAFETY: the context lives.
        unsafe { ffi::EVP_MAC_CTX_get_mac_size(self.0) }
    }

    pub fn finish(self) -> Result<Vec<u8>, ErrorStack> {
        let mut output = vec![0; self.size()];
        let mut written = 0;
        // SAFETY: `output` has that length.
        check(unsafe { ffi::EVP_MAC_final(self.0, output.as_mut_ptr(), &mut written, output.len()) })?;
        output.truncate(written);
        Ok(output)
    }
}

impl Drop for Mac {
    fn drop(&mut self) {
        // SAFETY: this alone owns the context.
        unsafe { ffi::EVP_MAC_CTX_free(self.0) };
    }
}
