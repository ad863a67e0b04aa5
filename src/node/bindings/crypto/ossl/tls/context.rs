//! What connections have in common: keys, certificates, whom they trust, which ciphers they know.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int, c_long};

use foreign_types_shared::{ForeignType as _, ForeignTypeRef as _};
use openssl::error::ErrorStack;
use openssl::x509::{X509, X509Ref, X509VerifyResult};
use openssl_sys as ffi;

use super::super::pkey::Key;
use super::super::{check, check_pointer, clear_errors};
use super::{
    ALLOW_CLIENT_RENEGOTIATION, CTRL_CLEAR_EXTRA_CHAIN_CERTS, CTRL_CLEAR_MODE, CTRL_GET_CHAIN_CERTS,
    CTRL_SET_TICKET_KEY_CB, SSL_CTX_set_timeout, Source, Store, X509_STORE_CTX_get1_issuer,
    X509_STORE_add_crl, X509_STORE_get0_param, X509_VERIFY_PARAM_set_flags, callbacks, certificates,
    check_long,
};

/// Bytes of the keys that session tickets are made with: a name, one to sign, one to encrypt.
pub(crate) const TICKET_KEYS: usize = 48;

/// `X509_V_FLAG_*`, of `openssl/x509_vfy.h`.
const CRL_CHECK: u64 = 0x4;
const CRL_CHECK_ALL: u64 = 0x8;
const PARTIAL_CHAIN: u64 = 0x80000;

/// See the module.
pub(crate) struct Context {
    pointer: *mut ffi::SSL_CTX,
    /// Its connections on whose behalf OpenSSL's functions run: it is not changed meanwhile.
    pub(super) uses: Cell<u32>,
    pub(super) ticket_keys: Cell<[u8; TICKET_KEYS]>,
    /// Whether JavaScript chooses the keys of tickets.
    pub(super) asks_for_ticket_keys: Cell<bool>,
    /// It has a store of its own: what is trusted by all is not added to.
    has_own_store: Cell<bool>,
    /// Something was asked of it that only OpenSSL does.
    is_particular: Cell<bool>,
    certificate: RefCell<Option<X509>>,
    issuer: RefCell<Option<X509>>,
}

/// Why a bundle is none.
pub(crate) enum BadBundle {
    NoKey,
    NoCertificate,
    Failed(ErrorStack),
}

impl From<ErrorStack> for BadBundle {
    fn from(stack: ErrorStack) -> BadBundle {
        BadBundle::Failed(stack)
    }
}

/// What kind of connections: `TLS_method` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Server,
    Client,
}

impl Context {
    pub fn new(side: Side, minimum: i32, maximum: i32) -> Result<Context, ErrorStack> {
        let mut ticket_keys = [0; TICKET_KEYS];
        openssl::rand::rand_bytes(&mut ticket_keys)?;
        // SAFETY: the methods are OpenSSL's for ever; what is made is owned by the new value.
        unsafe {
            let method = match side {
                Side::Both => ffi::TLS_method(),
                Side::Server => ffi::TLS_server_method(),
                Side::Client => ffi::TLS_client_method(),
            };
            let pointer = check_pointer(ffi::SSL_CTX_new(method))?;
            let options = u64::from(ffi::SSL_OP_NO_SSLv3 as u32) | ALLOW_CLIENT_RENEGOTIATION;
            ffi::SSL_CTX_set_options(pointer, options as _);
            ffi::SSL_CTX_ctrl(pointer, CTRL_CLEAR_MODE, ffi::SSL_MODE_NO_AUTO_CHAIN, std::ptr::null_mut());
            let cache = ffi::SSL_SESS_CACHE_BOTH
                | ffi::SSL_SESS_CACHE_NO_INTERNAL
                | ffi::SSL_SESS_CACHE_NO_AUTO_CLEAR;
            ffi::SSL_CTX_set_session_cache_mode(pointer, cache);
            ffi::SSL_CTX_set_min_proto_version(pointer, minimum);
            ffi::SSL_CTX_set_max_proto_version(pointer, maximum);
            let on_ticket: unsafe extern "C" fn(_, _, _, _, _, _) -> _ = callbacks::ticket_key;
            ffi::SSL_CTX_callback_ctrl__fixed_rust(
                pointer,
                CTRL_SET_TICKET_KEY_CB,
                Some(std::mem::transmute::<callbacks::TicketKey, unsafe extern "C" fn()>(on_ticket)),
            );
            callbacks::install(pointer);
            Ok(Context {
                pointer,
                uses: Cell::new(0),
                ticket_keys: Cell::new(ticket_keys),
                asks_for_ticket_keys: Cell::new(false),
                has_own_store: Cell::new(true),
                is_particular: Cell::new(false),
                certificate: RefCell::default(),
                issuer: RefCell::default(),
            })
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::SSL_CTX {
        self.pointer
    }

    /// Whether it trusts others than all do.
    pub(super) fn has_own_store(&self) -> bool {
        self.has_own_store.get()
    }

    /// Whether something was asked of it that only OpenSSL does.
    pub(super) fn is_particular(&self) -> bool {
        self.is_particular.get()
    }

    /// Has it speak TLS by OpenSSL alone.
    pub fn set_particular(&self) {
        self.is_particular.set(true);
    }

    /// Whether it may be changed.
    pub fn is_idle(&self) -> bool {
        self.uses.get() == 0
    }

    pub fn certificate(&self) -> Option<X509> {
        self.certificate.borrow().clone()
    }

    pub fn issuer(&self) -> Option<X509> {
        self.issuer.borrow().clone()
    }

    pub fn ticket_keys(&self) -> [u8; TICKET_KEYS] {
        self.ticket_keys.get()
    }

    pub fn set_ticket_keys(&self, keys: [u8; TICKET_KEYS]) {
        self.ticket_keys.set(keys);
    }

    pub fn ask_for_ticket_keys(&self) {
        self.asks_for_ticket_keys.set(true);
    }

    pub fn set_key(&self, key: &Key) -> Result<(), ErrorStack> {
        // SAFETY: both live; the context takes a reference of its own.
        check(unsafe { ffi::SSL_CTX_use_PrivateKey(self.pointer, key.as_ptr()) }).map(drop)
    }

    /// Its certificate, and behind it those that lead to one that others trust, in PEM.
    pub fn set_certificates(&self, text: &[u8]) -> Result<(), ErrorStack> {
        self.certificate.take();
        self.issuer.take();
        clear_errors();
        let Some(source) = Source::of(text) else { return Err(ErrorStack::get()) };
        let Some(certificate) = source.certificate() else { return Err(ErrorStack::get()) };
        let mut others = Vec::new();
        while let Some(other) = source.certificate() {
            others.push(other);
        }
        if super::last_error() != super::NO_START_LINE {
            return Err(ErrorStack::get());
        }
        clear_errors();
        self.use_certificates(certificate, &others)
    }

    fn use_certificates(&self, certificate: X509, others: &[X509]) -> Result<(), ErrorStack> {
        // SAFETY: all live; the context takes references of its own.
        unsafe {
            check(ffi::SSL_CTX_use_certificate(self.pointer, certificate.as_ptr()))?;
            ffi::SSL_CTX_ctrl(self.pointer, CTRL_CLEAR_EXTRA_CHAIN_CERTS, 0, std::ptr::null_mut());
            ffi::SSL_CTX_ctrl(self.pointer, super::CTRL_CHAIN, 0, std::ptr::null_mut());
            for other in others {
                let added =
                    ffi::SSL_CTX_ctrl(self.pointer, ffi::SSL_CTRL_CHAIN_CERT, 1, other.as_ptr().cast());
                check_long(added)?;
            }
        }
        let issuer = others.iter().find(|other| other.issued(&certificate) == X509VerifyResult::OK).cloned();
        *self.issuer.borrow_mut() = issuer.or_else(|| self.issuer_of(&certificate));
        *self.certificate.borrow_mut() = Some(certificate);
        clear_errors();
        Ok(())
    }

    /// Who has issued a certificate, as far as that one is trusted.
    pub fn issuer_of(&self, certificate: &X509Ref) -> Option<X509> {
        // SAFETY: all that is made is freed here, but for what is found, which is handed over.
        unsafe {
            let search = ffi::X509_STORE_CTX_new();
            if search.is_null() {
                return None;
            }
            let store = ffi::SSL_CTX_get_cert_store(self.pointer);
            let mut issuer = std::ptr::null_mut();
            let found = ffi::X509_STORE_CTX_init(search, store, std::ptr::null_mut(), std::ptr::null_mut())
                == 1
                && X509_STORE_CTX_get1_issuer(&mut issuer, search, certificate.as_ptr()) == 1;
            ffi::X509_STORE_CTX_free(search);
            clear_errors();
            (found && !issuer.is_null()).then(|| X509::from_ptr(issuer))
        }
    }

    /// Trusts what `roots` trusts.
    pub fn set_store(&self, roots: &Store) {
        if let Some(shared) = roots.share() {
            // SAFETY: the context takes the reference.
            unsafe { ffi::SSL_CTX_set_cert_store(self.pointer, shared) };
            self.has_own_store.set(false);
        }
    }

    /// The store, for what others do not trust: `copy` makes one of what all trust.
    fn own_store(&self, copy: impl FnOnce() -> Option<Store>) -> Option<*mut ffi::X509_STORE> {
        if !self.has_own_store.get() {
            let store = copy()?;
            // SAFETY: the context takes a reference of its own.
            unsafe { ffi::SSL_CTX_set_cert_store(self.pointer, store.share()?) };
            self.has_own_store.set(true);
        }
        // SAFETY: the context lives.
        Some(unsafe { ffi::SSL_CTX_get_cert_store(self.pointer) })
    }

    /// Trusts the certificates in a text of PEM.
    pub fn add_authorities(&self, text: &[u8], copy: impl FnOnce() -> Option<Store>) {
        self.trust(&Store::read(text), copy);
    }

    fn trust(&self, authorities: &[X509], copy: impl FnOnce() -> Option<Store>) {
        if authorities.is_empty() {
            return;
        }
        let Some(store) = self.own_store(copy) else { return };
        for authority in authorities {
            // SAFETY: all live; both take references or copies of their own.
            unsafe {
                ffi::X509_STORE_add_cert(store, authority.as_ptr());
                ffi::SSL_CTX_add_client_CA(self.pointer, authority.as_ptr());
            }
        }
        clear_errors();
    }

    /// Trusts certificates of the store even if nobody is trusted who issued them.
    pub fn allow_partial_chains(&self, copy: impl FnOnce() -> Option<Store>) {
        if let Some(store) = self.own_store(copy) {
            // SAFETY: the store and its parameters live.
            unsafe { X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), PARTIAL_CHAIN) };
        }
    }

    /// Certificates that are not valid any more, in PEM. Whether it is a list of such.
    pub fn add_revocations(&self, text: &[u8], copy: impl FnOnce() -> Option<Store>) -> bool {
        let Some(source) = Source::of(text) else { return false };
        // SAFETY: what is read is freed here; the store takes a reference of its own.
        unsafe {
            let list = ffi::PEM_read_bio_X509_CRL(
                source.0,
                std::ptr::null_mut(),
                Some(super::no_password),
                std::ptr::null_mut(),
            );
            clear_errors();
            if list.is_null() {
                return false;
            }
            if let Some(store) = self.own_store(copy) {
                X509_STORE_add_crl(store, list);
                X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), CRL_CHECK | CRL_CHECK_ALL);
            }
            ffi::X509_CRL_free(list);
            clear_errors();
            true
        }
    }

    pub fn set_cipher_suites(&self, text: &CStr) -> Result<(), ErrorStack> {
        // SAFETY: both live.
        check(unsafe { ffi::SSL_CTX_set_ciphersuites(self.pointer, text.as_ptr()) }).map(drop)
    }

    pub fn set_ciphers(&self, text: &CStr) -> Result<(), ErrorStack> {
        // SAFETY: both live.
        check(unsafe { ffi::SSL_CTX_set_cipher_list(self.pointer, text.as_ptr()) }).map(drop)
    }

    pub fn set_signature_algorithms(&self, text: &CStr) -> Result<(), ErrorStack> {
        // SAFETY: both live; the text is only read.
        check_long(unsafe {
            ffi::SSL_CTX_ctrl(
                self.pointer,
                ffi::SSL_CTRL_SET_SIGALGS_LIST,
                0,
                text.as_ptr().cast_mut().cast(),
            )
        })
    }

    pub fn set_groups(&self, text: &CStr) -> Result<(), ErrorStack> {
        // SAFETY: both live; the text is only read.
        check_long(unsafe {
            ffi::SSL_CTX_ctrl(self.pointer, ffi::SSL_CTRL_SET_GROUPS_LIST, 0, text.as_ptr().cast_mut().cast())
        })
    }

    /// Chooses the parameters of Diffie-Hellman by itself.
    pub fn choose_dh(&self) -> Result<(), ErrorStack> {
        // SAFETY: the context lives.
        check_long(unsafe {
            ffi::SSL_CTX_ctrl(self.pointer, ffi::SSL_CTRL_SET_DH_AUTO, 1, std::ptr::null_mut())
        })
    }

    /// Parameters of Diffie-Hellman.
    pub fn set_dh(&self, parameters: DhParameters) -> Result<(), ErrorStack> {
        // SAFETY: where it succeeds the context takes the parameters, which are freed otherwise.
        unsafe {
            check(ffi::SSL_CTX_set0_tmp_dh_pkey(self.pointer, parameters.0))?;
        }
        std::mem::forget(parameters);
        Ok(())
    }

    pub fn set_minimum(&self, version: i32) {
        // SAFETY: the context lives.
        unsafe { ffi::SSL_CTX_set_min_proto_version(self.pointer, version) };
        clear_errors();
    }

    pub fn set_maximum(&self, version: i32) {
        // SAFETY: the context lives.
        unsafe { ffi::SSL_CTX_set_max_proto_version(self.pointer, version) };
        clear_errors();
    }

    pub fn minimum(&self) -> i32 {
        // SAFETY: the context lives.
        unsafe { ffi::SSL_CTX_get_min_proto_version(self.pointer) }
    }

    pub fn maximum(&self) -> i32 {
        // SAFETY: the context lives.
        unsafe { ffi::SSL_CTX_get_max_proto_version(self.pointer) }
    }

    pub fn set_options(&self, options: u64) {
        // SAFETY: the context lives.
        unsafe { ffi::SSL_CTX_set_options(self.pointer, options as _) };
    }

    pub fn set_session_context(&self, name: &[u8]) -> bool {
        let Ok(length) = u32::try_from(name.len()) else { return false };
        // SAFETY: the name has that length, and is copied.
        unsafe { ffi::SSL_CTX_set_session_id_context(self.pointer, name.as_ptr(), length) == 1 }
    }

    pub fn set_session_timeout(&self, seconds: i32) {
        // SAFETY: the context lives.
        unsafe { SSL_CTX_set_timeout(self.pointer, c_long::from(seconds)) };
    }

    /// A key, its certificate and those behind it, out of a bundle.
    pub fn set_bundle(
        &self,
        bundle: &[u8],
        passphrase: &CStr,
        copy: impl FnOnce() -> Option<Store>,
    ) -> Result<(), BadBundle> {
        self.certificate.take();
        self.issuer.take();
        clear_errors();
        let (mut key, mut certificate, mut others) =
            (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: all that is read is handed over or freed here.
        let (key, certificate, others) = unsafe {
            let Some(source) = Source::of(bundle) else { return Err(ErrorStack::get().into()) };
            let parsed = check_pointer(super::d2i_PKCS12_bio(source.0, std::ptr::null_mut()))?;
            let read =
                ffi::PKCS12_parse(parsed, passphrase.as_ptr(), &mut key, &mut certificate, &mut others);
            let read = check(read);
            ffi::PKCS12_free(parsed);
            read?;
            let chain = certificates(others.cast());
            super::OPENSSL_sk_pop_free(others.cast(), Some(free_certificate));
            let key = (!key.is_null()).then(|| Key::from_ptr(key));
            let certificate = (!certificate.is_null()).then(|| X509::from_ptr(certificate));
            (key, certificate, chain)
        };
        let key = key.ok_or(BadBundle::NoKey)?;
        let certificate = certificate.ok_or(BadBundle::NoCertificate)?;
        self.use_certificates(certificate, &others)?;
        self.set_key(&key)?;
        self.trust(&others, copy);
        Ok(())
    }

    /// What it shows others: its certificate, its key and the certificates behind.
    pub(super) fn shown(&self) -> (*mut ffi::X509, *mut ffi::EVP_PKEY, *mut std::ffi::c_void) {
        let mut chain: *mut std::ffi::c_void = std::ptr::null_mut();
        // SAFETY: all of these stay the context's.
        unsafe {
            let certificate = ffi::SSL_CTX_get0_certificate(self.pointer);
            let key = ffi::SSL_CTX_get0_privatekey(self.pointer);
            ffi::SSL_CTX_ctrl(self.pointer, CTRL_GET_CHAIN_CERTS, 0, std::ptr::from_mut(&mut chain).cast());
            (certificate, key, chain)
        }
    }
}

unsafe extern "C" fn free_certificate(certificate: *mut std::ffi::c_void) {
    // SAFETY: OpenSSL gives each certificate of a list that is freed.
    unsafe { ffi::X509_free(certificate.cast()) };
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: this is one reference.
        unsafe { ffi::SSL_CTX_free(self.pointer) };
    }
}

/// Parameters of Diffie-Hellman.
pub(crate) struct DhParameters(*mut ffi::EVP_PKEY);

impl DhParameters {
    /// Out of a text of PEM.
    pub fn read(text: &[u8]) -> Option<DhParameters> {
        let source = Source::of(text)?;
        // SAFETY: the source lives; what is read is handed over.
        let read = unsafe { super::PEM_read_bio_Parameters(source.0, std::ptr::null_mut()) };
        clear_errors();
        if read.is_null() {
            return None;
        }
        let read = DhParameters(read);
        // SAFETY: the parameters live.
        let kind: c_int = unsafe { ffi::EVP_PKEY_id(read.0) };
        matches!(kind, ffi::EVP_PKEY_DH | 920).then_some(read)
    }

    pub fn bits(&self) -> i32 {
        // SAFETY: the parameters live.
        unsafe { ffi::EVP_PKEY_bits(self.0) }
    }
}

impl Drop for DhParameters {
    fn drop(&mut self) {
        // SAFETY: it alone owns the parameters.
        unsafe { ffi::EVP_PKEY_free(self.0) };
    }
}
