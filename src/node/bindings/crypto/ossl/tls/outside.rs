//! TLS that is spoken beyond the VM, on behalf of a client in it: what is put into the connection and taken out is the content
//! then, and what there is to know of the handshake was told. What the other end's certificates are worth is judged here, as
//! Node judges.

use std::ffi::{c_char, c_int};

use foreign_types_shared::ForeignType as _;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl_sys as ffi;
use protocol::abi::{TLS_1_2, TLS_1_3, TlsIdentity, TlsRequest, TlsSession};
use protocol::wire::Bytes;

use super::super::clear_errors;
use super::connection::{Connection, Event};
use super::context::Context;
use super::information::{Cipher, Ephemeral, cipher};
use super::{callbacks, certificates};

unsafe extern "C" {
    fn X509_STORE_CTX_set_default(context: *mut ffi::X509_STORE_CTX, name: *const c_char) -> c_int;
    fn X509_STORE_CTX_set_verify_cb(
        context: *mut ffi::X509_STORE_CTX,
        callback: Option<extern "C" fn(c_int, *mut ffi::X509_STORE_CTX) -> c_int>,
    );
    fn SSL_CIPHER_find(ssl: *mut ffi::SSL, id: *const u8) -> *const ffi::SSL_CIPHER;
}

/// `X509_V_ERR_UNSPECIFIED`.
const UNSPECIFIED: i64 = 1;

/// How far it is.
pub(super) enum Outside {
    Beginning,
    Agreed(Agreed),
}

/// What was agreed upon.
pub(super) struct Agreed {
    session: TlsSession,
    chain: Vec<X509>,
    verify_result: i64,
}

impl Connection {
    /// What somebody else has to know to speak TLS in its place. None where that would not be the same: options of OpenSSL's
    /// that nobody else has.
    pub fn request_outside(&self) -> Option<TlsRequest> {
        let context = self.context();
        if self.is_server() || self.is_particular() || context.is_particular() {
            return None;
        }
        let bound = |version: i32, otherwise: u16| match u16::try_from(version) {
            Ok(0) | Err(_) => otherwise,
            Ok(version) => version,
        };
        let request = TlsRequest {
            server_name: self.server_name(),
            protocols: protocols(&self.protocols()),
            authorities: Vec::new(),
            identity: identity(context),
            oldest: bound(context.minimum(), TLS_1_2),
            newest: bound(context.maximum(), TLS_1_3),
            // Whoever has the connection knows.
            received: 0,
        };
        (request.fits() && request.newest >= TLS_1_2).then_some(request)
    }

    /// Somebody else has begun the handshake.
    pub fn begin_outside(&self) {
        *self.outside.borrow_mut() = Some(Outside::Beginning);
    }

    /// Whether somebody else is in the middle of the handshake.
    pub fn is_beginning_outside(&self) -> bool {
        matches!(*self.outside.borrow(), Some(Outside::Beginning))
    }

    /// Both ends have agreed.
    pub fn agreed_outside(&self, session: TlsSession) {
        let read = session.chain.iter().filter_map(|one| X509::from_der(&one.0).ok());
        let chain: Vec<X509> = read.collect();
        let verify_result = match chain.split_first() {
            // Nothing that OpenSSL could read.
            None => UNSPECIFIED,
            Some(_) if session.distrusted.is_none() && !self.context().has_own_store() => 0,
            Some((first, others)) => judge(self.context(), first, others),
        };
        clear_errors();
        *self.outside.borrow_mut() = Some(Outside::Agreed(Agreed { session, chain, verify_result }));
        self.establish();
        self.tell(Event::HandshakeDone);
    }

    /// What was agreed upon by somebody else.
    fn agreed<R>(&self, read: impl FnOnce(&Agreed) -> R) -> Option<R> {
        match &*self.outside.borrow() {
            Some(Outside::Agreed(agreed)) => Some(read(agreed)),
            _ => None,
        }
    }

    /// Whether somebody else speaks TLS for it.
    pub(super) fn is_outside(&self) -> bool {
        self.outside.borrow().is_some()
    }

    pub(super) fn outside_version(&self) -> Option<String> {
        self.agreed(|agreed| agreed.session.version_name())
    }

    pub(super) fn outside_cipher(&self) -> Option<Cipher> {
        let number = self.agreed(|agreed| agreed.session.cipher)?;
        // SAFETY: the connection lives; the cipher is OpenSSL's for ever, or null.
        unsafe { cipher(SSL_CIPHER_find(self.as_ptr(), number.to_be_bytes().as_ptr())) }
    }

    pub(super) fn outside_protocol(&self) -> Option<Vec<u8>> {
        self.agreed(|agreed| agreed.session.protocol.as_ref().map(|one| one.0.clone()).unwrap_or_default())
    }

    pub(super) fn outside_certificates(&self) -> Option<Vec<X509>> {
        self.agreed(|agreed| agreed.chain.clone())
    }

    pub(super) fn outside_verify_result(&self) -> Option<i64> {
        self.agreed(|agreed| agreed.verify_result)
    }

    /// By the numbers of IANA's registry of groups.
    pub(super) fn outside_ephemeral(&self) -> Option<Ephemeral> {
        let curve = |name: &str, bits| Ephemeral::Curve { name: name.to_owned(), bits };
        match self.agreed(|agreed| agreed.session.group)?? {
            23 => Some(curve("prime256v1", 256)),
            24 => Some(curve("secp384r1", 384)),
            25 => Some(curve("secp521r1", 521)),
            29 => Some(curve("X25519", 253)),
            4588 => Some(Ephemeral::Group { name: "X25519MLKEM768".to_owned() }),
            _ => None,
        }
    }
}

/// Names that each begin with their length (RFC 7301, 3.1).
fn protocols(mut list: &[u8]) -> Vec<Bytes> {
    let mut all = Vec::new();
    while let Some((length, rest)) = list.split_first() {
        let Some((name, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        all.push(name.to_vec().into());
        list = rest;
    }
    all
}

/// What the context shows of itself.
fn identity(context: &Context) -> Option<TlsIdentity> {
    let (certificate, key, chain) = context.shown();
    if certificate.is_null() || key.is_null() {
        return None;
    }
    // SAFETY: all are the context's, which lives; what is made of them has references of its own.
    let (certificate, key, others) = unsafe {
        if ffi::X509_up_ref(certificate) != 1 {
            return None;
        }
        let certificate = X509::from_ptr(certificate);
        if ffi::EVP_PKEY_up_ref(key) != 1 {
            return None;
        }
        (certificate, PKey::<Private>::from_ptr(key), certificates(chain))
    };
    let all = std::iter::once(&certificate).chain(&others);
    let chain: Result<Vec<Bytes>, _> = all.map(|one| one.to_der().map(Bytes)).collect();
    let identity = chain.and_then(|chain| Ok(TlsIdentity { chain, key: key.private_key_to_pkcs8()?.into() }));
    clear_errors();
    identity.ok()
}

/// What is wrong with certificates, by whom the context trusts: 0 is nothing.
fn judge(context: &Context, first: &X509, others: &[X509]) -> i64 {
    let Ok(mut untrusted) = Stack::new() else { return UNSPECIFIED };
    for other in others {
        if untrusted.push(other.clone()).is_err() {
            return UNSPECIFIED;
        }
    }
    // SAFETY: the store is the context's and all live until the end; what is made is freed here.
    unsafe {
        let store = ffi::SSL_CTX_get_cert_store(context.as_ptr());
        let verifying = ffi::X509_STORE_CTX_new();
        if verifying.is_null() {
            return UNSPECIFIED;
        }
        let mut result = UNSPECIFIED;
        if ffi::X509_STORE_CTX_init(verifying, store, first.as_ptr(), untrusted.as_ptr()) == 1
            && X509_STORE_CTX_set_default(verifying, c"ssl_server".as_ptr()) == 1
        {
            // The last of what is wrong, as in OpenSSL's own handshake.
            X509_STORE_CTX_set_verify_cb(verifying, Some(callbacks::verify));
            let verified = ffi::X509_verify_cert(verifying) == 1;
            result = match i64::from(ffi::X509_STORE_CTX_get_error(verifying)) {
                0 if !verified => UNSPECIFIED,
                number => number,
            };
        }
        ffi::X509_STORE_CTX_free(verifying);
        result
    }
}
