//! Ciphers: fetching, and encrypting piece by piece.

use std::ffi::{CStr, c_char, c_int, c_void};

use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::params::Params;
use super::{check, check_pointer, name};

/// `EVP_CTRL_AEAD_*`, of `openssl/evp.h`.
const SET_IV_LENGTH: c_int = 0x9;
const GET_TAG: c_int = 0x10;
const SET_TAG: c_int = 0x11;
/// `EVP_CIPHER_CTX_FLAG_WRAP_ALLOW`.
const WRAP_ALLOW: c_int = 0x1;
/// More than any cipher gives beyond what it is given.
const SLACK: usize = 64;

unsafe extern "C" {
    fn EVP_CIPHER_get_mode(cipher: *const ffi::EVP_CIPHER) -> c_int;
    fn EVP_CIPHER_get0_name(cipher: *const ffi::EVP_CIPHER) -> *const c_char;
    fn EVP_CIPHER_CTX_set_params(context: *mut ffi::EVP_CIPHER_CTX, params: *const ffi::OSSL_PARAM) -> c_int;
    fn EVP_CipherFinal_ex(context: *mut ffi::EVP_CIPHER_CTX, output: *mut u8, length: *mut c_int) -> c_int;
    fn EVP_CIPHER_CTX_settable_params(context: *mut ffi::EVP_CIPHER_CTX) -> *const ffi::OSSL_PARAM;
    fn OBJ_nid2sn(nid: c_int) -> *const c_char;
}

/// Whether OpenSSL has a cipher of that name, even if none of its providers does.
pub(crate) fn is_known(text: &str) -> bool {
    // SAFETY: the name ends with a NUL.
    name(text).is_some_and(|text| !unsafe { ffi::EVP_get_cipherbyname(text.as_ptr()) }.is_null())
}

/// How a cipher treats its blocks: `EVP_CIPH_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Stream,
    Ecb,
    Cbc,
    Cfb,
    Ofb,
    Ctr,
    Gcm,
    Ccm,
    Xts,
    Wrap,
    Ocb,
    Siv,
    GcmSiv,
    Other,
}

impl Mode {
    /// The name that a program is told.
    pub fn label(self) -> Option<&'static str> {
        Some(match self {
            Mode::Stream => "stream",
            Mode::Ecb => "ecb",
            Mode::Cbc => "cbc",
            Mode::Cfb => "cfb",
            Mode::Ofb => "ofb",
            Mode::Ctr => "ctr",
            Mode::Gcm => "gcm",
            Mode::Ccm => "ccm",
            Mode::Xts => "xts",
            Mode::Wrap => "wrap",
            Mode::Ocb => "ocb",
            Mode::Siv => "siv",
            Mode::GcmSiv => "gcm-siv",
            Mode::Other => return None,
        })
    }
}

/// A cipher.
pub(crate) struct Cipher(*mut ffi::EVP_CIPHER);

impl Cipher {
    /// The cipher of that name or alias.
    pub fn fetch(text: &str) -> Option<Cipher> {
        let text = name(text)?;
        // SAFETY: what is fetched is owned from here on.
        let cipher = unsafe {
            let cipher = ffi::EVP_CIPHER_fetch(std::ptr::null_mut(), text.as_ptr(), std::ptr::null());
            let known = ffi::EVP_get_cipherbyname(text.as_ptr());
            if cipher.is_null() && !known.is_null() {
                // Some names are known to OpenSSL from of old, and to none of its providers.
                let own = EVP_CIPHER_get0_name(known);
                ffi::EVP_CIPHER_fetch(std::ptr::null_mut(), own, std::ptr::null())
            } else {
                cipher
            }
        };
        if cipher.is_null() {
            super::clear_errors();
            return None;
        }
        Some(Cipher(cipher))
    }

    /// The cipher of that number.
    pub fn of_number(nid: i32) -> Option<Cipher> {
        // SAFETY: the name, if there is one, is valid for ever and ends with a NUL.
        let name = unsafe {
            let name = OBJ_nid2sn(nid);
            if name.is_null() {
                super::clear_errors();
                return None;
            }
            CStr::from_ptr(name)
        };
        Cipher::fetch(name.to_str().ok()?)
    }

    pub fn mode(&self) -> Mode {
        // SAFETY: the cipher lives as long as this.
        match unsafe { EVP_CIPHER_get_mode(self.0) } {
            0 => Mode::Stream,
            1 => Mode::Ecb,
            2 => Mode::Cbc,
            3 => Mode::Cfb,
            4 => Mode::Ofb,
            5 => Mode::Ctr,
            6 => Mode::Gcm,
            7 => Mode::Ccm,
            0x10001 => Mode::Xts,
            0x10002 => Mode::Wrap,
            0x10003 => Mode::Ocb,
            0x10004 => Mode::Siv,
            0x10005 => Mode::GcmSiv,
            _ => Mode::Other,
        }
    }

    pub fn nid(&self) -> i32 {
        // SAFETY: as above.
        unsafe { ffi::EVP_CIPHER_get_nid(self.0) }
    }

    /// The name that its number stands for; else the name that OpenSSL fetches it by.
    pub fn name(&self) -> String {
        // SAFETY: as above; both names end with a NUL and live as long as the cipher.
        unsafe {
            let nid = self.nid();
            let mut name = if nid > 0 { OBJ_nid2sn(nid) } else { std::ptr::null() };
            if name.is_null() {
                name = EVP_CIPHER_get0_name(self.0);
            }
            if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        }
    }

    pub fn key_length(&self) -> usize {
        // SAFETY: as above.
        usize::try_from(unsafe { ffi::EVP_CIPHER_get_key_length(self.0) }).unwrap_or(0)
    }

    pub fn iv_length(&self) -> usize {
        // SAFETY: as above.
        usize::try_from(unsafe { ffi::EVP_CIPHER_get_iv_length(self.0) }).unwrap_or(0)
    }

    pub fn block_size(&self) -> usize {
        // SAFETY: as above.
        usize::try_from(unsafe { ffi::EVP_CIPHER_get_block_size(self.0) }).unwrap_or(0)
    }

    pub fn is_chacha20_poly1305(&self) -> bool {
        self.nid() == ffi::NID_chacha20_poly1305
    }

    /// For the functions of the crate that write a key as PEM.
    pub fn symmetric(&self) -> Option<openssl::symm::Cipher> {
        openssl::symm::Cipher::from_nid(openssl::nid::Nid::from_raw(self.nid()))
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        // SAFETY: this alone owns the reference.
        unsafe { ffi::EVP_CIPHER_free(self.0) };
    }
}

/// Something being encrypted or decrypted.
pub(crate) struct Context(*mut ffi::EVP_CIPHER_CTX);

/// A length as OpenSSL takes it.
fn length(bytes: usize) -> Result<c_int, ErrorStack> {
    c_int::try_from(bytes).map_err(|_| ErrorStack::get())
}

impl Context {
    /// Names the cipher; the key comes with [`Context::start`].
    pub fn new(cipher: &Cipher, encrypt: bool) -> Result<Context, ErrorStack> {
        // SAFETY: the context is owned from here on, and takes a reference to the cipher for itself.
        unsafe {
            let context = Context(check_pointer(ffi::EVP_CIPHER_CTX_new())?);
            if cipher.mode() == Mode::Wrap {
                ffi::EVP_CIPHER_CTX_set_flags(context.0, WRAP_ALLOW);
            }
            check(ffi::EVP_CipherInit_ex(
                context.0,
                cipher.0,
                std::ptr::null_mut(),
                std::ptr::null(),
                std::ptr::null(),
                c_int::from(encrypt),
            ))?;
            Ok(context)
        }
    }

    /// Takes the key, which has to have the length that the context has been told, and likewise the IV.
    pub fn start(&mut self, key: Option<&[u8]>, iv: Option<&[u8]>, encrypt: bool) -> Result<(), ErrorStack> {
        let fits = |bytes: Option<&[u8]>, length: c_int| {
            bytes.is_none_or(|bytes| usize::try_from(length).is_ok_and(|length| bytes.len() >= length))
        };
        // SAFETY: the context lives; OpenSSL reads as many bytes of key and IV as it says that they have, and both have
        // so many. An empty slice is no null pointer.
        unsafe {
            if !fits(key, ffi::EVP_CIPHER_CTX_get_key_length(self.0))
                || !fits(iv, ffi::EVP_CIPHER_CTX_get_iv_length(self.0))
            {
                return Err(ErrorStack::get());
            }
            let pointer = |bytes: Option<&[u8]>| bytes.map_or(std::ptr::null(), <[u8]>::as_ptr);
            check(ffi::EVP_CipherInit_ex(
                self.0,
                std::ptr::null(),
                std::ptr::null_mut(),
                pointer(key),
                pointer(iv),
                c_int::from(encrypt),
            ))
            .map(drop)
        }
    }

    pub fn set_params(&mut self, params: &Params) -> Result<(), ErrorStack> {
        let params = params.build()?;
        // SAFETY: the context lives, and the list is read before this returns.
        check(unsafe { EVP_CIPHER_CTX_set_params(self.0, params.as_ptr()) }).map(drop)
    }

    /// Whether the cipher can be told that.
    pub fn has_parameter(&self, key: &CStr) -> bool {
        // SAFETY: the list is the cipher's own, and ends as such lists do.
        unsafe {
            let list = EVP_CIPHER_CTX_settable_params(self.0);
            !list.is_null() && !ffi::OSSL_PARAM_locate_const(list, key.as_ptr()).is_null()
        }
    }

    pub fn set_key_length(&mut self, bytes: usize) -> Result<(), ErrorStack> {
        // SAFETY: the context lives.
        check(unsafe { ffi::EVP_CIPHER_CTX_set_key_length(self.0, length(bytes)?) }).map(drop)
    }

    pub fn set_padding(&mut self, padding: bool) -> bool {
        // SAFETY: as above.
        unsafe { ffi::EVP_CIPHER_CTX_set_padding(self.0, c_int::from(padding)) == 1 }
    }

    pub fn set_iv_length(&mut self, bytes: usize) -> Result<(), ErrorStack> {
        self.control(SET_IV_LENGTH, length(bytes)?, std::ptr::null_mut())
    }

    /// Says how long the tag is that will be made.
    pub fn set_tag_length(&mut self, bytes: usize) -> Result<(), ErrorStack> {
        self.control(SET_TAG, length(bytes)?, std::ptr::null_mut())
    }

    /// Says which tag is to be found.
    pub fn set_tag(&mut self, tag: &[u8]) -> Result<(), ErrorStack> {
        let mut tag = tag.to_vec();
        self.control(SET_TAG, length(tag.len())?, tag.as_mut_ptr().cast())
    }

    pub fn tag(&mut self, bytes: usize) -> Result<Vec<u8>, ErrorStack> {
        let mut tag = vec![0; bytes];
        self.control(GET_TAG, length(bytes)?, tag.as_mut_ptr().cast())?;
        Ok(tag)
    }

    fn control(&mut self, command: c_int, number: c_int, pointer: *mut c_void) -> Result<(), ErrorStack> {
        // SAFETY: the context lives; each caller's memory has as many bytes as it says, or is null where the command
        // takes none.
        check(unsafe { ffi::EVP_CIPHER_CTX_ctrl(self.0, command, number, pointer) }).map(drop)
    }

    /// Says how long the whole message will be; in CCM.
    pub fn announce(&mut self, bytes: usize) -> Result<(), ErrorStack> {
        let mut written = 0;
        // SAFETY: without input and output it takes a length alone.
        check(unsafe {
            ffi::EVP_CipherUpdate(
                self.0,
                std::ptr::null_mut(),
                &mut written,
                std::ptr::null(),
                length(bytes)?,
            )
        })
        .map(drop)
    }

    /// Takes what is authenticated without being encrypted.
    pub fn authenticate(&mut self, bytes: &[u8]) -> Result<(), ErrorStack> {
        let mut written = 0;
        // SAFETY: without an output; `bytes` has that length.
        check(unsafe {
            ffi::EVP_CipherUpdate(
                self.0,
                std::ptr::null_mut(),
                &mut written,
                bytes.as_ptr(),
                length(bytes.len())?,
            )
        })
        .map(drop)
    }

    pub fn update(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut output = vec![0; bytes.len().saturating_add(SLACK)];
        let mut written = 0;
        // SAFETY: `bytes` has that length. What is written is as long at most, one block more (the longest has 32
        // bytes), and in the wrapping modes padding and a check value of 16 bytes at most: `output` has room for it.
        check(unsafe {
            ffi::EVP_CipherUpdate(
                self.0,
                output.as_mut_ptr(),
                &mut written,
                bytes.as_ptr(),
                length(bytes.len())?,
            )
        })?;
        output.truncate(usize::try_from(written).unwrap_or(0));
        Ok(output)
    }

    pub fn finish(&mut self) -> Result<Vec<u8>, ErrorStack> {
        let mut output = vec![0; SLACK];
        let mut written = 0;
        // SAFETY: at most one block is written.
        check(unsafe { EVP_CipherFinal_ex(self.0, output.as_mut_ptr(), &mut written) })?;
        output.truncate(usize::try_from(written).unwrap_or(0));
        Ok(output)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: this alone owns the context.
        unsafe { ffi::EVP_CIPHER_CTX_free(self.0) };
    }
}
