//! Stores of certificates that are trusted.

use foreign_types_shared::ForeignTypeRef as _;
use openssl::error::ErrorStack;
use openssl::x509::{X509, X509Ref};
use openssl_sys as ffi;

use super::super::check_pointer;
use super::{Source, X509_STORE_up_ref};

/// See the module.
pub(crate) struct Store(*mut ffi::X509_STORE);

impl Store {
    pub fn new() -> Result<Store, ErrorStack> {
        // SAFETY: it takes nothing; what it makes is handed over.
        Ok(Store(check_pointer(unsafe { ffi::X509_STORE_new() })?))
    }

    pub fn add(&self, certificate: &X509Ref) {
        // SAFETY: both live; the store takes a reference of its own.
        unsafe { ffi::X509_STORE_add_cert(self.0, certificate.as_ptr()) };
        super::super::clear_errors();
    }

    /// Another reference, for OpenSSL to have.
    pub(super) fn share(&self) -> Option<*mut ffi::X509_STORE> {
        // SAFETY: the store lives.
        (unsafe { X509_STORE_up_ref(self.0) } == 1).then_some(self.0)
    }

    /// All certificates in a text of PEM, up to the first that is none.
    pub fn read(text: &[u8]) -> Vec<X509> {
        let Some(source) = Source::of(text) else { return Vec::new() };
        let mut all = Vec::new();
        while let Some(certificate) = source.certificate() {
            all.push(certificate);
        }
        super::super::clear_errors();
        all
    }

    /// As [`Store::read`]. An error where something is no certificate.
    pub fn read_strictly(text: &[u8]) -> Result<Vec<X509>, ErrorStack> {
        let Some(source) = Source::of(text) else { return Err(ErrorStack::get()) };
        super::super::clear_errors();
        let mut all = Vec::new();
        while let Some(certificate) = source.certificate() {
            all.push(certificate);
        }
        if super::last_error() == super::NO_START_LINE {
            super::super::clear_errors();
            return Ok(all);
        }
        Err(ErrorStack::get())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: this is one reference.
        unsafe { ffi::X509_STORE_free(self.0) };
    }
}
