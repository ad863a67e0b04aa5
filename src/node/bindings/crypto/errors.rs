//! What a program is thrown: OpenSSL's errors with their codes, and Node's own.

use std::borrow::Cow;

use isolate::library::{Scope, string};
use openssl::error::ErrorStack;

use crate::binding::set;

/// An error on its way to JavaScript.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    /// What OpenSSL has said, oldest first. The stack that is shown may leave the oldest out, since it is the message.
    OpenSsl { errors: Vec<Entry>, message: Option<String>, whole: bool },
    /// One of Node's own. Without a code it is a plain `Error`.
    Node { class: Class, code: Option<&'static str>, message: String },
    /// An exception is pending already.
    Pending,
}

/// Constructors of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Error,
    Type,
    Range,
}

/// One error of OpenSSL's.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    code: u64,
    library_code: i32,
    library: Option<Cow<'static, str>>,
    reason: Option<Cow<'static, str>>,
}

/// What OpenSSL says of a length that a digest does not have.
pub(crate) const NOT_XOF: Entry = Entry {
    code: 0x0300_00B2,
    library_code: 6,
    library: Some(Cow::Borrowed("digital envelope routines")),
    reason: Some(Cow::Borrowed("not XOF or invalid length")),
};

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Libraries of OpenSSL's that give their name to codes, by their numbers: `ERR_LIB_*`, of `openssl/err.h`.
const LIBRARIES: &[(i32, &str)] = &[
    (2, "SYS_"),
    (3, "BN_"),
    (4, "RSA_"),
    (5, "DH_"),
    (6, "EVP_"),
    (7, "BUF_"),
    (8, "OBJ_"),
    (9, "PEM_"),
    (10, "DSA_"),
    (11, "X509_"),
    (13, "ASN1_"),
    (14, "CONF_"),
    (15, "CRYPTO_"),
    (16, "EC_"),
    (20, "SSL_"),
    (32, "BIO_"),
    (33, "PKCS7_"),
    (34, "X509V3_"),
    (35, "PKCS12_"),
    (36, "RAND_"),
    (37, "DSO_"),
    (38, "ENGINE_"),
    (39, "OCSP_"),
    (40, "UI_"),
    (41, "COMP_"),
    (42, "ECDSA_"),
    (43, "ECDH_"),
    (44, "OSSL_STORE_"),
    (45, "FIPS_"),
    (46, "CMS_"),
    (47, "TS_"),
    (48, "HMAC_"),
    (50, "CT_"),
    (51, "ASYNC_"),
    (52, "KDF_"),
    (53, "SM2_"),
    (128, "USER_"),
];

/// `ERR_LIB_SSL`.
const SSL: i32 = 20;

impl Entry {
    /// As OpenSSL writes it.
    fn text(&self) -> String {
        let library = self.library.clone().unwrap_or_else(|| format!("lib({})", self.library_code).into());
        let reason =
            self.reason.clone().unwrap_or_else(|| format!("reason({})", self.code & 0x7f_ffff).into());
        format!("error:{:08X}:{library}::{reason}", self.code)
    }

    /// The code that Node makes of it.
    fn code(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        let reason: String =
            reason.chars().map(|c| if c == ' ' { '_' } else { c.to_ascii_uppercase() }).collect();
        let library =
            LIBRARIES.iter().find(|(code, _)| *code == self.library_code).map_or("", |(_, name)| *name);
        let prefix = if self.library_code == SSL { "" } else { "OSSL_" };
        Some(format!("ERR_{prefix}{library}{reason}"))
    }

    pub fn is(&self, library: i32, reason: u64) -> bool {
        self.library_code == library && self.code & 0x7f_ffff == reason
    }
}

impl From<ErrorStack> for Error {
    fn from(stack: ErrorStack) -> Error {
        Error::OpenSsl { errors: entries(&stack), message: None, whole: false }
    }
}

impl From<Entry> for Error {
    fn from(entry: Entry) -> Error {
        Error::OpenSsl { errors: vec![entry], message: None, whole: false }
    }
}

/// The entries of a stack, oldest first.
pub(crate) fn entries(stack: &ErrorStack) -> Vec<Entry> {
    stack
        .errors()
        .iter()
        .map(|error| Entry {
            code: error.code(),
            library_code: error.library_code(),
            library: error.library().map(|text| Cow::Owned(text.to_owned())),
            reason: error.reason().map(|text| Cow::Owned(text.to_owned())),
        })
        .collect()
}

/// OpenSSL's errors, with a message for where it has given none.
pub(crate) fn openssl(stack: ErrorStack, fallback: &str) -> Error {
    let errors = entries(&stack);
    let message = errors.is_empty().then(|| fallback.to_owned());
    Error::OpenSsl { errors, message, whole: false }
}

/// The last of OpenSSL's errors alone.
pub(crate) fn newest(stack: ErrorStack) -> Error {
    let errors = entries(&stack).pop().into_iter().collect();
    Error::OpenSsl { errors, message: None, whole: false }
}

/// As [`openssl`], and the stack that is shown has all of them.
pub(crate) fn openssl_whole(stack: ErrorStack, fallback: &str) -> Error {
    let errors = entries(&stack);
    let message = errors.is_empty().then(|| fallback.to_owned());
    Error::OpenSsl { errors, message, whole: true }
}

/// OpenSSL's errors behind a message of Node's.
pub(crate) fn openssl_behind(stack: ErrorStack, message: &str) -> Error {
    Error::OpenSsl { errors: entries(&stack), message: Some(message.to_owned()), whole: true }
}

/// OpenSSL knows an algorithm, but none of its providers has it.
pub(crate) fn unsupported() -> Error {
    let entry = Entry {
        code: 0x0308_010C,
        library_code: 6,
        library: Some(Cow::Borrowed("digital envelope routines")),
        reason: Some(Cow::Borrowed("unsupported")),
    };
    Error::OpenSsl { errors: vec![entry], message: None, whole: true }
}

/// What OpenSSL says of a number that it has no room for.
pub(crate) fn bignum_too_long() -> Error {
    let entry = Entry {
        code: 0x0180_0072,
        library_code: 3,
        library: Some(Cow::Borrowed("bignum routines")),
        reason: Some(Cow::Borrowed("bignum too long")),
    };
    Error::OpenSsl { errors: vec![entry], message: None, whole: false }
}

/// An error of OpenSSL's Diffie-Hellman.
pub(crate) fn diffie_hellman(reason: u64, text: &'static str) -> Error {
    let entry = Entry {
        code: 0x0280_0000 | reason,
        library_code: 5,
        library: Some(Cow::Borrowed("Diffie-Hellman routines")),
        reason: Some(Cow::Borrowed(text)),
    };
    Error::OpenSsl { errors: vec![entry], message: None, whole: false }
}

/// An `Error` without a code.
pub(crate) fn plain(message: &str) -> Error {
    Error::Node { class: Class::Error, code: None, message: message.to_owned() }
}

/// One of Node's codes, with the message that belongs to it.
pub(crate) fn node(code: &'static str) -> Error {
    let (class, message) = match code {
        "ERR_CRYPTO_INVALID_ADDITIONAL_DATA" => (Class::Range, "Invalid additional data"),
        "ERR_CRYPTO_INVALID_AUTH_TAG" => (Class::Type, "Invalid authentication tag"),
        "ERR_CRYPTO_INVALID_COUNTER" => (Class::Type, "Invalid counter"),
        "ERR_CRYPTO_INVALID_CURVE" => (Class::Type, "Invalid EC curve name"),
        "ERR_CRYPTO_INVALID_DIGEST" => (Class::Type, "Invalid digest"),
        "ERR_CRYPTO_INVALID_IV" => (Class::Type, "Invalid initialization vector"),
        "ERR_CRYPTO_INVALID_JWK" => (Class::Type, "Invalid JWK format"),
        "ERR_CRYPTO_INVALID_KEYLEN" => (Class::Range, "Invalid key length"),
        "ERR_CRYPTO_INVALID_KEYPAIR" => (Class::Range, "Invalid key pair"),
        "ERR_CRYPTO_INVALID_KEYTYPE" => (Class::Range, "Invalid key type"),
        "ERR_CRYPTO_INVALID_MAC" => (Class::Type, "Invalid MAC"),
        "ERR_CRYPTO_INVALID_MESSAGELEN" => (Class::Range, "Invalid message length"),
        "ERR_CRYPTO_INVALID_PARAMETER" => (Class::Range, "Invalid parameter"),
        "ERR_CRYPTO_INVALID_SCRYPT_PARAMS" => (Class::Range, "Invalid scrypt params"),
        "ERR_CRYPTO_INVALID_STATE" => (Class::Error, "Invalid state"),
        "ERR_CRYPTO_INVALID_TAG_LENGTH" => (Class::Range, "Invalid taglength"),
        "ERR_CRYPTO_JWK_UNSUPPORTED_CURVE" => (Class::Error, "Unsupported JWK EC curve"),
        "ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE" => (Class::Error, "Unsupported JWK Key Type."),
        "ERR_CRYPTO_OPERATION_FAILED" => (Class::Error, "Operation failed"),
        "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH" => {
            (Class::Range, "Input buffers must have the same byte length")
        }
        "ERR_CRYPTO_UNKNOWN_CIPHER" => (Class::Error, "Unknown cipher"),
        "ERR_CRYPTO_UNKNOWN_DH_GROUP" => (Class::Error, "Unknown DH group"),
        "ERR_CRYPTO_UNSUPPORTED_OPERATION" => (Class::Error, "Unsupported crypto operation"),
        "ERR_MISSING_ARGS" => (Class::Type, "Missing arguments"),
        "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS" => (Class::Error, "The selected key encoding is incompatible"),
        "ERR_MISSING_PASSPHRASE" => (Class::Type, "Passphrase required for encrypted key"),
        "ERR_INVALID_ARG_TYPE" | "ERR_INVALID_ARG_VALUE" => (Class::Type, "Invalid argument"),
        "ERR_OUT_OF_RANGE" => (Class::Range, "Out of range"),
        _ => (Class::Error, "Operation failed"),
    };
    Error::Node { class, code: Some(code), message: message.to_owned() }
}

/// One of Node's codes, with a message.
pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> Error {
    match node(code) {
        Error::Node { class, code, .. } => Error::Node { class, code, message: message.into() },
        other => other,
    }
}

/// There is no memory for something.
pub(crate) fn no_memory() -> Error {
    Error::Node { class: Class::Range, code: None, message: "Array buffer allocation failed".to_owned() }
}

/// No digest of that name.
pub(crate) fn invalid_digest(name: &str) -> Error {
    coded("ERR_CRYPTO_INVALID_DIGEST", format!("Invalid digest: {name}"))
}

/// Sets a property as a program would: Node does, so that what a program has put on the prototype hears of it.
fn put(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let key = string(scope, name);
    object.set(scope, key.into(), value).map(drop)
}

impl Error {
    /// The value that is thrown. `None` where an exception is pending instead.
    pub fn to_value<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
        match self {
            Error::Pending => None,
            Error::Node { class, code, message } => {
                let message = string(scope, message);
                let error = match class {
                    Class::Error => v8::Exception::error(scope, message),
                    Class::Type => v8::Exception::type_error(scope, message),
                    Class::Range => v8::Exception::range_error(scope, message),
                };
                if let Some(code) = code {
                    let code = string(scope, code).into();
                    set(scope, error.try_cast().ok()?, "code", code)?;
                }
                Some(error)
            }
            Error::OpenSsl { errors, message, whole } => {
                let oldest = errors.first();
                let text = match (message, oldest) {
                    (Some(message), _) => message.clone(),
                    (None, Some(oldest)) => oldest.text(),
                    (None, None) => "Operation failed".to_owned(),
                };
                let text = string(scope, &text);
                let error = v8::Exception::error(scope, text);
                let object: v8::Local<v8::Object> = error.try_cast().ok()?;
                let skipped = usize::from(!whole);
                if errors.len() > skipped {
                    let stack: Vec<v8::Local<v8::Value>> = errors
                        .iter()
                        .skip(skipped)
                        .rev()
                        .map(|entry| string(scope, &entry.text()).into())
                        .collect();
                    let stack = v8::Array::new_with_elements(scope, &stack);
                    put(scope, object, "opensslErrorStack", stack.into())?;
                }
                if let Some(oldest) = oldest {
                    for (name, value) in [
                        ("library", oldest.library.clone()),
                        ("reason", oldest.reason.clone()),
                        ("code", oldest.code().map(Cow::Owned)),
                    ] {
                        if let Some(value) = value {
                            let value = string(scope, &value).into();
                            put(scope, object, name, value)?;
                        }
                    }
                }
                Some(error)
            }
        }
    }

    pub fn throw(&self, scope: &mut Scope<'_, '_>) {
        if let Some(value) = self.to_value(scope) {
            scope.throw_exception(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_nodes() {
        super::super::ossl::initialize();
        assert!(
            openssl::symm::decrypt(openssl::symm::Cipher::aes_128_cbc(), &[0; 16], Some(&[0; 16]), &[1; 16])
                .is_err_and(|stack| {
                    let entries = entries(&stack);
                    entries[0].code().as_deref() == Some("ERR_OSSL_BAD_DECRYPT")
                        && entries[0].text() == "error:1C800064:Provider routines::bad decrypt"
                })
        );
    }
}
