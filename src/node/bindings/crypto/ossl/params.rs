//! Parameters by name, as OpenSSL's algorithms take them.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::{check, check_pointer};

unsafe extern "C" {
    fn OSSL_PARAM_BLD_push_uint64(builder: *mut ffi::OSSL_PARAM_BLD, key: *const c_char, value: u64)
    -> c_int;
}

enum Value {
    Text(CString),
    Bytes(Vec<u8>),
    Int(c_int),
    Uint(c_uint),
    Long(u64),
    Size(usize),
    Number(BigNum),
}

/// A list of parameters that is being written.
#[derive(Default)]
pub(crate) struct Params(Vec<(&'static CStr, Value)>);

impl Params {
    pub fn new() -> Params {
        Params::default()
    }

    /// A text that has a NUL in it is cut there.
    pub fn text(mut self, key: &'static CStr, value: &str) -> Params {
        let value = value.split('\0').next().unwrap_or_default();
        self.0.push((key, Value::Text(CString::new(value).unwrap_or_default())));
        self
    }

    pub fn bytes(mut self, key: &'static CStr, value: &[u8]) -> Params {
        self.0.push((key, Value::Bytes(value.to_vec())));
        self
    }

    pub fn int(mut self, key: &'static CStr, value: i32) -> Params {
        self.0.push((key, Value::Int(value)));
        self
    }

    pub fn uint(mut self, key: &'static CStr, value: u32) -> Params {
        self.0.push((key, Value::Uint(value)));
        self
    }

    pub fn long(mut self, key: &'static CStr, value: u64) -> Params {
        self.0.push((key, Value::Long(value)));
        self
    }

    pub fn size(mut self, key: &'static CStr, value: usize) -> Params {
        self.0.push((key, Value::Size(value)));
        self
    }

    pub fn number(mut self, key: &'static CStr, value: BigNum) -> Params {
        self.0.push((key, Value::Number(value)));
        self
    }

    pub fn build(&self) -> Result<Built, ErrorStack> {
        // SAFETY: the builder is freed on every way out. What is pushed lives in `self` until the list is made, which
        // copies all of it; numbers among them, since the builder sees that none is in secure memory.
        unsafe {
            let builder = check_pointer(ffi::OSSL_PARAM_BLD_new())?;
            let mut pushed = Ok(1);
            for (key, value) in &self.0 {
                let key = key.as_ptr();
                let result = match value {
                    Value::Text(text) => ffi::OSSL_PARAM_BLD_push_utf8_string(
                        builder,
                        key,
                        text.as_ptr(),
                        text.as_bytes().len(),
                    ),
                    Value::Bytes(bytes) => ffi::OSSL_PARAM_BLD_push_octet_string(
                        builder,
                        key,
                        bytes.as_ptr().cast::<c_void>(),
                        bytes.len(),
                    ),
                    Value::Int(value) => ffi::OSSL_PARAM_BLD_push_int(builder, key, *value),
                    Value::Uint(value) => ffi::OSSL_PARAM_BLD_push_uint(builder, key, *value),
                    Value::Long(value) => OSSL_PARAM_BLD_push_uint64(builder, key, *value),
                    Value::Size(value) => ffi::OSSL_PARAM_BLD_push_size_t(builder, key, *value),
                    Value::Number(value) => {
                        use foreign_types_shared::ForeignType as _;
                        ffi::OSSL_PARAM_BLD_push_BN(builder, key, value.as_ptr())
                    }
                };
                pushed = check(result);
                if pushed.is_err() {
                    break;
                }
            }
            let list = pushed.and_then(|_| check_pointer(ffi::OSSL_PARAM_BLD_to_param(builder)));
            ffi::OSSL_PARAM_BLD_free(builder);
            Ok(Built(list?))
        }
    }
}

/// A list of parameters.
pub(crate) struct Built(*mut ffi::OSSL_PARAM);

impl Built {
    pub fn as_ptr(&self) -> *mut ffi::OSSL_PARAM {
        self.0
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        // SAFETY: this alone owns the list.
        unsafe { ffi::OSSL_PARAM_free(self.0) };
    }
}
