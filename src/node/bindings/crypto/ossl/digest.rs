//! Digests: fetching, hashing piece by piece, copying.

use foreign_types_shared::{ForeignType as _, ForeignTypeRef as _};
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl_sys as ffi;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_ulong};
use std::rc::Rc;

use super::{check, check_pointer};

/// `EVP_MD_FLAG_XOF`, of `openssl/evp.h`.
const XOF: c_ulong = 0x2;

unsafe extern "C" {
    fn EVP_get_digestbyname(name: *const c_char) -> *const ffi::EVP_MD;
    fn EVP_MD_get0_name(md: *const ffi::EVP_MD) -> *const c_char;
    fn EVP_MD_get_flags(md: *const ffi::EVP_MD) -> c_ulong;
}

/// Most names whose digests are kept.
const KEPT: usize = 64;

thread_local! {
    /// Digests by the names that this thread has found them by: to find one takes longer than to digest a little.
    static FOUND: RefCell<HashMap<Box<str>, Rc<Md>>> = RefCell::default();
}

/// The digest of that name or alias.
pub(crate) fn fetch(name: &str) -> Option<Rc<Md>> {
    if let Some(md) = FOUND.with_borrow(|found| found.get(name).cloned()) {
        return Some(md);
    }
    let md = Rc::new(find(name)?);
    FOUND.with_borrow_mut(|found| {
        if found.len() < KEPT {
            found.insert(name.into(), md.clone());
        }
    });
    Some(md)
}

fn find(name: &str) -> Option<Md> {
    if name.contains('\0') {
        return None;
    }
    if let Ok(md) = Md::fetch(None, name, None) {
        return Some(md);
    }
    // Some names are known to OpenSSL from of old, and to none of its providers.
    let name = super::name(name)?;
    // SAFETY: the name ends with a NUL, as does that of the digest, which is valid for ever.
    let own = unsafe {
        let md = EVP_get_digestbyname(name.as_ptr());
        let own = if md.is_null() { std::ptr::null() } else { EVP_MD_get0_name(md) };
        if own.is_null() { None } else { CStr::from_ptr(own).to_str().ok() }
    };
    let md = own.and_then(|own| Md::fetch(None, own, None).ok());
    super::clear_errors();
    md
}

/// The name by which providers know a digest.
pub(crate) fn provided_name(name: &str) -> Option<String> {
    let md = fetch(name)?;
    // SAFETY: the digest lives, and its name ends with a NUL.
    unsafe {
        let name = EVP_MD_get0_name(md.as_ptr());
        if name.is_null() { None } else { Some(CStr::from_ptr(name).to_str().ok()?.to_owned()) }
    }
}

/// Whether it gives as many bytes as are asked for.
pub(crate) fn is_xof(md: &MdRef) -> bool {
    // SAFETY: the digest lives as long as its reference.
    unsafe { EVP_MD_get_flags(md.as_ptr()) & XOF != 0 }
}

/// Bytes of the digest; none for those that have to be told a length.
pub(crate) fn size(md: &MdRef) -> usize {
    // SAFETY: as above. A negative answer is none.
    usize::try_from(unsafe { ffi::EVP_MD_get_size(md.as_ptr()) }).unwrap_or(0)
}

/// A digest under way.
pub(crate) struct Digest(*mut ffi::EVP_MD_CTX);

impl Digest {
    pub fn new(md: &Md) -> Result<Digest, ErrorStack> {
        // SAFETY: the context is owned from here on; it takes a reference to the digest for itself.
        unsafe {
            let digest = Digest(check_pointer(ffi::EVP_MD_CTX_new())?);
            check(ffi::EVP_DigestInit_ex(digest.0, md.as_ptr(), std::ptr::null_mut()))?;
            Ok(digest)
        }
    }

    /// Another one that has seen the same bytes.
    pub fn copy(&self) -> Result<Digest, ErrorStack> {
        // SAFETY: both contexts live.
        unsafe {
            let digest = Digest(check_pointer(ffi::EVP_MD_CTX_new())?);
            check(ffi::EVP_MD_CTX_copy_ex(digest.0, self.0))?;
            Ok(digest)
        }
    }

    /// Goes back to what another one has seen.
    pub fn copy_from(&mut self, other: &Digest) -> Result<(), ErrorStack> {
        // SAFETY: both contexts live.
        check(unsafe { ffi::EVP_MD_CTX_copy_ex(self.0, other.0) }).map(drop)
    }

    /// Writes its end into a buffer that has room for it.
    pub fn finish_into(
        &mut self,
        output: &mut [u8; ffi::EVP_MAX_MD_SIZE as usize],
    ) -> Result<(), ErrorStack> {
        // SAFETY: no digest is longer than this buffer.
        check(unsafe { ffi::EVP_DigestFinal_ex(self.0, output.as_mut_ptr(), std::ptr::null_mut()) }).map(drop)
    }

    pub fn update(&mut self, bytes: &[u8]) -> Result<(), ErrorStack> {
        // SAFETY: `bytes` has that length.
        check(unsafe { ffi::EVP_DigestUpdate(self.0, bytes.as_ptr().cast(), bytes.len()) }).map(drop)
    }

    /// Its end: so many bytes.
    pub fn finish(self, length: usize, xof: bool) -> Result<Vec<u8>, ErrorStack> {
        if xof {
            let mut output = vec![0; length];
            if length > 0 {
                // SAFETY: `output` has that length.
                check(unsafe { ffi::EVP_DigestFinalXOF(self.0, output.as_mut_ptr(), length) })?;
            }
            return Ok(output);
        }
        let mut output = vec![0; ffi::EVP_MAX_MD_SIZE as usize];
        let mut written = 0;
        // SAFETY: no digest is longer than this buffer.
        check(unsafe { ffi::EVP_DigestFinal_ex(self.0, output.as_mut_ptr(), &mut written) })?;
        output.truncate(written as usize);
        output.truncate(length);
        Ok(output)
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: this alone owns the context.
        unsafe { ffi::EVP_MD_CTX_free(self.0) };
    }
}

/// The number by which OpenSSL knows a digest.
pub(crate) fn nid(md: &MdRef) -> c_int {
    md.type_().as_raw()
}
