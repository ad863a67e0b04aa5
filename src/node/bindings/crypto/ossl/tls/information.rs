//! What is known of a connection.

use std::ffi::{CStr, CString, c_char};

use foreign_types_shared::ForeignType as _;
use openssl::error::ErrorStack;
use openssl::x509::X509;
use openssl_sys as ffi;

use super::super::{check, clear_errors};
use super::{
    CTRL_GET_NEGOTIATED_GROUP, Connection, SSL_CIPHER_get_auth_nid, SSL_SESSION_get0_ticket,
    SSL_export_keying_material, SSL_get_servername, SSL_get_shared_sigalgs, X509_cmp, certificates,
};

/// `NID_auth_psk`.
const AUTH_PSK: i32 = 1048;

/// `X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT`.
const NO_ISSUER: i64 = 2;

unsafe extern "C" {
    fn SSL_get_verify_result(ssl: *const ffi::SSL) -> std::ffi::c_long;
    fn SSL_group_to_name(ssl: *mut ffi::SSL, id: i32) -> *const c_char;
    fn OBJ_nid2sn(nid: i32) -> *const c_char;
    fn EVP_PKEY_get_group_name(
        key: *const ffi::EVP_PKEY,
        name: *mut c_char,
        size: usize,
        length: *mut usize,
    ) -> i32;
}

/// A text that ends with a NUL. None for null, or for what is no UTF-8.
///
/// # Safety
/// `text` is null, or a text of OpenSSL's that lives meanwhile.
pub(super) unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_str().ok().map(str::to_owned)
}

/// A session as bytes.
///
/// # Safety
/// `session` is a session that lives.
pub(super) unsafe fn encode_session(session: *mut ffi::SSL_SESSION) -> Option<Vec<u8>> {
    // SAFETY: the first call only counts; the second writes as many bytes.
    unsafe {
        let length = ffi::i2d_SSL_SESSION(session, std::ptr::null_mut());
        let mut bytes = vec![0; usize::try_from(length).ok().filter(|length| *length > 0)?];
        let mut out = bytes.as_mut_ptr();
        let written = ffi::i2d_SSL_SESSION(session, &mut out);
        (written == length).then_some(bytes)
    }
}

/// A session of bytes, or null; the caller's to free.
pub(super) fn decode_session(encoded: &[u8]) -> *mut ffi::SSL_SESSION {
    let Ok(length) = encoded.len().try_into() else { return std::ptr::null_mut() };
    let mut bytes = encoded.as_ptr();
    // SAFETY: there are that many bytes.
    let session = unsafe { ffi::d2i_SSL_SESSION(std::ptr::null_mut(), &mut bytes, length) };
    clear_errors();
    session
}

/// A session's ticket.
///
/// # Safety
/// `session` is a session that lives.
unsafe fn ticket_of(session: *const ffi::SSL_SESSION) -> Option<Vec<u8>> {
    let (mut data, mut length) = (std::ptr::null(), 0);
    // SAFETY: the caller's promise; the session keeps the ticket.
    unsafe {
        SSL_SESSION_get0_ticket(session, &mut data, &mut length);
        (!data.is_null()).then(|| std::slice::from_raw_parts(data, length).to_vec())
    }
}

/// The key that was made for one connection alone.
pub(crate) enum Ephemeral {
    Dh { bits: i32 },
    Curve { name: String, bits: i32 },
    Group { name: String },
}

/// A connection's cipher.
pub(crate) struct Cipher {
    pub name: String,
    pub standard_name: String,
    pub version: String,
}

impl Connection {
    pub fn server_name(&self) -> Option<String> {
        // SAFETY: the connection lives.
        unsafe { text(SSL_get_servername(self.as_ptr(), 0)) }
    }

    pub fn version(&self) -> String {
        if let Some(version) = self.outside_version() {
            return version;
        }
        // SAFETY: the connection lives.
        unsafe { text(ffi::SSL_get_version(self.as_ptr())) }.unwrap_or_default()
    }

    pub fn cipher(&self) -> Option<Cipher> {
        if self.is_outside() {
            return self.outside_cipher();
        }
        // SAFETY: the connection lives; the cipher is OpenSSL's for ever, or null.
        unsafe { cipher(ffi::SSL_get_current_cipher(self.as_ptr())) }
    }

    /// The protocol that both have agreed on.
    pub fn protocol(&self) -> Vec<u8> {
        if let Some(protocol) = self.outside_protocol() {
            return protocol;
        }
        let (mut data, mut length) = (std::ptr::null(), 0);
        // SAFETY: the connection lives, and keeps the bytes.
        unsafe {
            ffi::SSL_get0_alpn_selected(self.as_ptr(), &mut data, &mut length);
            if data.is_null() {
                Vec::new()
            } else {
                std::slice::from_raw_parts(data, length as usize).to_vec()
            }
        }
    }

    pub fn is_session_reused(&self) -> bool {
        // SAFETY: the connection lives.
        unsafe { ffi::SSL_session_reused(self.as_ptr()) == 1 }
    }

    pub fn session(&self) -> Option<Vec<u8>> {
        if let Some(told) = self.told_session() {
            return Some(told);
        }
        // SAFETY: the connection lives, and keeps its session.
        let encoded = unsafe {
            let session = ffi::SSL_get_session(self.as_ptr());
            if session.is_null() { None } else { encode_session(session) }
        };
        clear_errors();
        encoded
    }

    pub fn ticket(&self) -> Option<Vec<u8>> {
        if let Some(told) = self.told_session() {
            let session = decode_session(&told);
            if session.is_null() {
                return None;
            }
            // SAFETY: the session lives, and is freed here.
            return unsafe {
                let ticket = ticket_of(session);
                ffi::SSL_SESSION_free(session);
                ticket
            };
        }
        // SAFETY: the connection lives, and keeps its session.
        unsafe {
            let session = ffi::SSL_get_session(self.as_ptr());
            if session.is_null() { None } else { ticket_of(session) }
        }
    }

    /// The last message of a handshake: the own one, or the other side's.
    pub fn finished(&self, of_peer: bool) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 64];
        // SAFETY: the connection lives; the buffer has that length.
        let length = unsafe {
            let get = if of_peer { ffi::SSL_get_peer_finished } else { ffi::SSL_get_finished };
            get(self.as_ptr(), bytes.as_mut_ptr().cast(), bytes.len())
        };
        bytes.truncate(length);
        (length > 0).then_some(bytes)
    }

    /// The own certificate.
    pub fn certificate(&self) -> Option<X509> {
        // SAFETY: the connection lives; the certificate is given a reference of its own.
        unsafe {
            let certificate = ffi::SSL_get_certificate(self.as_ptr());
            let shared = !certificate.is_null() && ffi::X509_up_ref(certificate) == 1;
            shared.then(|| X509::from_ptr(certificate))
        }
    }

    fn peer(&self) -> Option<X509> {
        // SAFETY: the connection lives; what it gives is handed over.
        unsafe {
            let certificate = ffi::SSL_get1_peer_certificate(self.as_ptr());
            (!certificate.is_null()).then(|| X509::from_ptr(certificate))
        }
    }

    /// The other side's certificate, and behind it those that it has sent besides.
    pub fn peer_certificates(&self) -> Vec<X509> {
        if let Some(certificates) = self.outside_certificates() {
            return certificates;
        }
        // SAFETY: the connection lives, and keeps the list.
        let sent = unsafe { certificates(ffi::SSL_get_peer_cert_chain(self.as_ptr()).cast()) };
        // A server's list does not begin with the client's own one.
        match self.peer().filter(|_| self.is_server()) {
            Some(own) => std::iter::once(own).chain(sent).collect(),
            None => sent,
        }
    }

    pub fn has_peer_certificate(&self) -> bool {
        match self.outside_certificates() {
            Some(certificates) => !certificates.is_empty(),
            None => self.peer().is_some(),
        }
    }

    /// What is wrong with the other side's certificate: 0 is nothing.
    pub fn verify_result(&self) -> i64 {
        if let Some(result) = self.outside_verify_result() {
            return result;
        }
        // SAFETY: the connection lives, and keeps its cipher and its session.
        unsafe {
            if self.peer().is_some() {
                return SSL_get_verify_result(self.as_ptr());
            }
            let cipher = ffi::SSL_get_current_cipher(self.as_ptr());
            let session = ffi::SSL_get_session(self.as_ptr());
            // Both know a secret already.
            let has_secret = (!cipher.is_null() && SSL_CIPHER_get_auth_nid(cipher) == AUTH_PSK)
                || (!session.is_null()
                    && ffi::SSL_SESSION_get_protocol_version(session) == ffi::TLS1_3_VERSION
                    && self.is_session_reused());
            if has_secret { 0 } else { NO_ISSUER }
        }
    }

    pub fn ephemeral(&self) -> Option<Ephemeral> {
        if self.is_outside() {
            return self.outside_ephemeral();
        }
        let mut key = std::ptr::null_mut::<ffi::EVP_PKEY>();
        // SAFETY: the connection lives; the key is handed over, and freed here.
        unsafe {
            let found = ffi::SSL_ctrl(
                self.as_ptr(),
                ffi::SSL_CTRL_GET_PEER_TMP_KEY,
                0,
                std::ptr::from_mut(&mut key).cast(),
            );
            clear_errors();
            if found != 1 || key.is_null() {
                return self.group();
            }
            let (kind, bits) = (ffi::EVP_PKEY_id(key), ffi::EVP_PKEY_bits(key));
            let known = match kind {
                ffi::EVP_PKEY_DH => Some(Ephemeral::Dh { bits }),
                ffi::EVP_PKEY_EC => {
                    let (mut name, mut length) = ([0u8; 64], 0);
                    EVP_PKEY_get_group_name(key, name.as_mut_ptr().cast(), name.len(), &mut length);
                    let name =
                        CStr::from_bytes_until_nul(&name).map(|name| name.to_string_lossy().into_owned());
                    Some(Ephemeral::Curve { name: name.unwrap_or_default(), bits })
                }
                ffi::EVP_PKEY_X25519 | ffi::EVP_PKEY_X448 => {
                    Some(Ephemeral::Curve { name: text(OBJ_nid2sn(kind)).unwrap_or_default(), bits })
                }
                _ => self.group(),
            };
            ffi::EVP_PKEY_free(key);
            clear_errors();
            known
        }
    }

    /// The group that both have agreed on, where it has no key to be shown.
    fn group(&self) -> Option<Ephemeral> {
        // SAFETY: the connection lives; the name is OpenSSL's for ever.
        unsafe {
            let id = ffi::SSL_ctrl(self.as_ptr(), CTRL_GET_NEGOTIATED_GROUP, 0, std::ptr::null_mut());
            clear_errors();
            if id <= 0 {
                return None;
            }
            let name = text(SSL_group_to_name(self.as_ptr(), i32::try_from(id).ok()?))?;
            Some(Ephemeral::Group { name })
        }
    }

    /// Algorithms of signatures that both know: of the key and of the digest.
    pub fn shared_signature_algorithms(&self) -> Vec<(String, String)> {
        let null_number = std::ptr::null_mut::<i32>();
        let null_byte = std::ptr::null_mut::<u8>();
        // SAFETY: the connection lives; what is null is not written.
        unsafe {
            let count = SSL_get_shared_sigalgs(
                self.as_ptr(),
                0,
                null_number,
                null_number,
                null_number,
                null_byte,
                null_byte,
            );
            let mut all = Vec::new();
            for index in 0..count.min(256) {
                let (mut sign, mut hash) = (0, 0);
                SSL_get_shared_sigalgs(
                    self.as_ptr(),
                    index,
                    &mut sign,
                    &mut hash,
                    null_number,
                    null_byte,
                    null_byte,
                );
                let name = |nid| text(OBJ_nid2sn(nid)).unwrap_or_else(|| "UNDEF".to_owned());
                let sign = match sign {
                    ffi::EVP_PKEY_RSA => "RSA".to_owned(),
                    912 => "RSA-PSS".to_owned(),
                    ffi::EVP_PKEY_DSA => "DSA".to_owned(),
                    ffi::EVP_PKEY_EC => "ECDSA".to_owned(),
                    ffi::EVP_PKEY_ED25519 => "Ed25519".to_owned(),
                    ffi::EVP_PKEY_ED448 => "Ed448".to_owned(),
                    other => name(other),
                };
                all.push((sign, name(hash)));
            }
            clear_errors();
            all
        }
    }

    /// Bytes that both sides can make, and nobody else.
    pub fn export(&self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> Result<(), ErrorStack> {
        let bytes = context.unwrap_or_default();
        clear_errors();
        // SAFETY: all have the lengths that are said.
        check(unsafe {
            SSL_export_keying_material(
                self.as_ptr(),
                out.as_mut_ptr(),
                out.len(),
                label.as_ptr().cast(),
                label.len(),
                bytes.as_ptr(),
                bytes.len(),
                i32::from(context.is_some()),
            )
        })
        .map(drop)
    }
}

/// A cipher's names.
///
/// # Safety
/// `cipher` is null, or one of OpenSSL's, which are there for ever.
pub(super) unsafe fn cipher(cipher: *const ffi::SSL_CIPHER) -> Option<Cipher> {
    if cipher.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; the texts are OpenSSL's for ever.
    unsafe {
        Some(Cipher {
            name: text(ffi::SSL_CIPHER_get_name(cipher))?,
            standard_name: text(ffi::SSL_CIPHER_standard_name(cipher)).unwrap_or_default(),
            version: text(ffi::SSL_CIPHER_get_version(cipher))?,
        })
    }
}

/// Whether two certificates are the same.
pub(crate) fn is_same(one: &X509, other: &X509) -> bool {
    // SAFETY: both live.
    let same = unsafe { X509_cmp(one.as_ptr(), other.as_ptr()) == 0 };
    clear_errors();
    same
}

/// The code and the message of what is wrong with a certificate.
pub(crate) fn verify_error(number: i64) -> (&'static str, String) {
    // SAFETY: the text is OpenSSL's for ever.
    let message = unsafe { text(ffi::X509_verify_cert_error_string(number as _)) };
    let code = match number {
        2 => "UNABLE_TO_GET_ISSUER_CERT",
        3 => "UNABLE_TO_GET_CRL",
        4 => "UNABLE_TO_DECRYPT_CERT_SIGNATURE",
        5 => "UNABLE_TO_DECRYPT_CRL_SIGNATURE",
        6 => "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
        7 => "CERT_SIGNATURE_FAILURE",
        8 => "CRL_SIGNATURE_FAILURE",
        9 => "CERT_NOT_YET_VALID",
        10 => "CERT_HAS_EXPIRED",
        11 => "CRL_NOT_YET_VALID",
        12 => "CRL_HAS_EXPIRED",
        13 => "ERROR_IN_CERT_NOT_BEFORE_FIELD",
        14 => "ERROR_IN_CERT_NOT_AFTER_FIELD",
        15 => "ERROR_IN_CRL_LAST_UPDATE_FIELD",
        16 => "ERROR_IN_CRL_NEXT_UPDATE_FIELD",
        17 => "OUT_OF_MEM",
        18 => "DEPTH_ZERO_SELF_SIGNED_CERT",
        19 => "SELF_SIGNED_CERT_IN_CHAIN",
        20 => "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        21 => "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        22 => "CERT_CHAIN_TOO_LONG",
        23 => "CERT_REVOKED",
        79 => "INVALID_CA",
        25 => "PATH_LENGTH_EXCEEDED",
        26 => "INVALID_PURPOSE",
        27 => "CERT_UNTRUSTED",
        28 => "CERT_REJECTED",
        62 => "HOSTNAME_MISMATCH",
        _ => "UNSPECIFIED",
    };
    (code, message.unwrap_or_default())
}

/// A text for OpenSSL, as far as there is no NUL in it.
pub(crate) fn up_to_nul(text: &[u8]) -> CString {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}
