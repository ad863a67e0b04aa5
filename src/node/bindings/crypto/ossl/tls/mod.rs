//! TLS: contexts, and connections that read and write memory. What OpenSSL asks during a handshake is collected
//! ([`Event`]) and told once its function has returned; only what it wants to know at once goes to whoever runs it
//! ([`Question`]).

mod callbacks;
mod connection;
mod context;
mod information;
mod outside;
mod store;
#[cfg(test)]
mod tests;

use std::ffi::{c_char, c_int, c_long, c_uint, c_void};

use foreign_types_shared::ForeignType as _;
use openssl::error::ErrorStack;
use openssl::x509::X509;
use openssl_sys as ffi;

pub(crate) use self::connection::{Answer, Asks, Connection, Event, Failure, Question, Stop, Ticket};
pub(crate) use self::context::{BadBundle, Context, DhParameters, Side, TICKET_KEYS};
pub(crate) use self::information::{Ephemeral, is_same, up_to_nul, verify_error};
pub(crate) use self::store::Store;

/// Most bytes of a session that is kept.
pub(super) const SESSION_MAX: usize = 10 * 1024;

unsafe extern "C" {
    fn SSL_set_info_callback(
        ssl: *mut ffi::SSL,
        callback: Option<unsafe extern "C" fn(*const ffi::SSL, c_int, c_int)>,
    );
    fn SSL_set_cert_cb(
        ssl: *mut ffi::SSL,
        callback: Option<unsafe extern "C" fn(*mut ffi::SSL, *mut c_void) -> c_int>,
        argument: *mut c_void,
    );
    fn SSL_renegotiate(ssl: *mut ffi::SSL) -> c_int;
    fn SSL_renegotiate_pending(ssl: *const ffi::SSL) -> c_int;
    fn SSL_get_servername(ssl: *const ffi::SSL, kind: c_int) -> *const c_char;
    fn SSL_set_psk_client_callback(ssl: *mut ffi::SSL, callback: Option<PskClient>);
    fn SSL_set_psk_server_callback(ssl: *mut ffi::SSL, callback: Option<PskServer>);
    fn SSL_use_psk_identity_hint(ssl: *mut ffi::SSL, hint: *const c_char) -> c_int;
    fn SSL_dup_CA_list(list: *const c_void) -> *mut c_void;
    fn SSL_CTX_get_client_CA_list(context: *const ffi::SSL_CTX) -> *mut c_void;
    fn SSL_CTX_set_timeout(context: *mut ffi::SSL_CTX, seconds: c_long) -> c_long;
    fn SSL_export_keying_material(
        ssl: *mut ffi::SSL,
        out: *mut u8,
        length: usize,
        label: *const c_char,
        label_length: usize,
        context: *const u8,
        context_length: usize,
        use_context: c_int,
    ) -> c_int;
    fn SSL_get_shared_sigalgs(
        ssl: *mut ffi::SSL,
        index: c_int,
        sign: *mut c_int,
        hash: *mut c_int,
        both: *mut c_int,
        raw_sign: *mut u8,
        raw_hash: *mut u8,
    ) -> c_int;
    fn SSL_SESSION_get0_ticket(session: *const ffi::SSL_SESSION, ticket: *mut *const u8, length: *mut usize);
    fn SSL_CIPHER_get_auth_nid(cipher: *const ffi::SSL_CIPHER) -> c_int;
    fn SSL_get_ciphers(ssl: *const ffi::SSL) -> *mut c_void;
    fn OPENSSL_sk_value(stack: *const c_void, index: c_int) -> *mut c_void;
    fn OPENSSL_sk_num(stack: *const c_void) -> c_int;
    fn OPENSSL_sk_pop_free(stack: *mut c_void, free: Option<unsafe extern "C" fn(*mut c_void)>);
    fn PEM_read_bio_X509_AUX(
        source: *mut ffi::BIO,
        out: *mut *mut ffi::X509,
        callback: Option<unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int>,
        argument: *mut c_void,
    ) -> *mut ffi::X509;
    fn PEM_read_bio_Parameters(source: *mut ffi::BIO, out: *mut *mut ffi::EVP_PKEY) -> *mut ffi::EVP_PKEY;
    fn X509_STORE_up_ref(store: *mut ffi::X509_STORE) -> c_int;
    fn X509_STORE_add_crl(store: *mut ffi::X509_STORE, crl: *mut ffi::X509_CRL) -> c_int;
    fn X509_STORE_CTX_get1_issuer(
        issuer: *mut *mut ffi::X509,
        context: *mut ffi::X509_STORE_CTX,
        certificate: *mut ffi::X509,
    ) -> c_int;
    fn X509_VERIFY_PARAM_set_flags(parameters: *mut ffi::X509_VERIFY_PARAM, flags: u64) -> c_int;
    fn X509_STORE_get0_param(store: *const ffi::X509_STORE) -> *mut ffi::X509_VERIFY_PARAM;
    fn X509_cmp(one: *const ffi::X509, other: *const ffi::X509) -> c_int;
    fn ERR_print_errors_cb(
        callback: unsafe extern "C" fn(*const c_char, usize, *mut c_void) -> c_int,
        argument: *mut c_void,
    );
    fn ERR_peek_error() -> u64;
    fn ERR_peek_last_error() -> u64;
    fn d2i_PKCS12_bio(source: *mut ffi::BIO, out: *mut *mut ffi::PKCS12) -> *mut ffi::PKCS12;
    fn CRYPTO_malloc(size: usize, file: *const c_char, line: c_int) -> *mut c_void;
}

type PskClient =
    unsafe extern "C" fn(*mut ffi::SSL, *const c_char, *mut c_char, c_uint, *mut u8, c_uint) -> c_uint;
type PskServer = unsafe extern "C" fn(*mut ffi::SSL, *const c_char, *mut u8, c_uint) -> c_uint;

/// Of the kind that the library of that name says: `SSL_CTRL_*`, of `openssl/ssl.h`.
const CTRL_SET_TICKET_KEY_CB: c_int = 72;
const CTRL_CLEAR_MODE: c_int = 78;
const CTRL_CLEAR_EXTRA_CHAIN_CERTS: c_int = 83;
const CTRL_CHAIN: c_int = 88;
const CTRL_GET_CHAIN_CERTS: c_int = 115;
const CTRL_SET_MAX_SEND_FRAGMENT: c_int = 52;
const CTRL_GET_STATUS_TYPE: c_int = 127;
const CTRL_GET_NEGOTIATED_GROUP: c_int = 134;

/// `SSL_OP_ALLOW_CLIENT_RENEGOTIATION`.
const ALLOW_CLIENT_RENEGOTIATION: u64 = 1 << 8;

/// No password is asked for anywhere: there is nobody to be asked.
unsafe extern "C" fn no_password(_: *mut c_char, _: c_int, _: c_int, _: *mut c_void) -> c_int {
    0
}

/// Something to be read from memory, for as long as it is borrowed.
struct Source(*mut ffi::BIO);

impl Source {
    /// None for more bytes than OpenSSL counts.
    fn of(bytes: &[u8]) -> Option<Source> {
        let length = c_int::try_from(bytes.len()).ok()?;
        // SAFETY: the source borrows the bytes, and is let go by its callers before they are.
        let source = unsafe { ffi::BIO_new_mem_buf(bytes.as_ptr().cast(), length) };
        (!source.is_null()).then_some(Source(source))
    }

    /// The next certificate in PEM; with what may say more of its trust.
    fn certificate(&self) -> Option<X509> {
        // SAFETY: the source lives; what is read is handed over.
        unsafe {
            let read =
                PEM_read_bio_X509_AUX(self.0, std::ptr::null_mut(), Some(no_password), std::ptr::null_mut());
            (!read.is_null()).then(|| X509::from_ptr(read))
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: it alone owns the source.
        unsafe { ffi::BIO_free_all(self.0) };
    }
}

/// A list of certificates of OpenSSL's: theirs are their own references.
///
/// # Safety
/// `stack` is null or a list of certificates that lives meanwhile.
unsafe fn certificates(stack: *const c_void) -> Vec<X509> {
    if stack.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise; each is given a reference of its own.
    unsafe {
        let mut all = Vec::new();
        for index in 0..OPENSSL_sk_num(stack).min(1 << 12) {
            let certificate = OPENSSL_sk_value(stack, index).cast::<ffi::X509>();
            if !certificate.is_null() && ffi::X509_up_ref(certificate) == 1 {
                all.push(X509::from_ptr(certificate));
            }
        }
        all
    }
}

unsafe extern "C" fn keep_line(text: *const c_char, length: usize, line: *mut c_void) -> c_int {
    // SAFETY: OpenSSL gives a text of that length, and what `errors_text` has given it.
    unsafe {
        let line = &mut *line.cast::<String>();
        *line = String::from_utf8_lossy(std::slice::from_raw_parts(text.cast::<u8>(), length)).into_owned();
    }
    0
}

/// The last of the errors that OpenSSL has noted, in a line of its own as Node shows it; none are left. OpenSSL begins
/// it with the thread's number, which is an address in this process: nobody else is told.
pub(crate) fn errors_text() -> String {
    let mut line = String::new();
    // SAFETY: the function is called while this runs, with the line.
    unsafe { ERR_print_errors_cb(keep_line, std::ptr::from_mut(&mut line).cast()) };
    match line.split_once(':') {
        Some((_, rest)) => {
            let rest = rest.replacen(":ssl/", ":../deps/openssl/openssl/ssl/", 1);
            format!("{:016}:{rest}", 0)
        }
        None => line,
    }
}

/// The last error that is noted, for whoever looks for one of a kind: its library and its reason.
fn last_error() -> (u64, u64) {
    // SAFETY: it takes nothing.
    let code = unsafe { ERR_peek_last_error() };
    (code >> 23 & 0xff, code & 0x7f_ffff)
}

/// That there are no more things in PEM.
const NO_START_LINE: (u64, u64) = (9, 108);

fn check_long(result: c_long) -> Result<(), ErrorStack> {
    if result > 0 { Ok(()) } else { Err(ErrorStack::get()) }
}

/// The names of all ciphers that connections can have.
pub(crate) fn ciphers() -> Vec<String> {
    // SAFETY: all that is made is freed here; the names are OpenSSL's for ever.
    unsafe {
        let context = ffi::SSL_CTX_new(ffi::TLS_method());
        if context.is_null() {
            return Vec::new();
        }
        let ssl = ffi::SSL_new(context);
        let mut names = Vec::new();
        if !ssl.is_null() {
            let list = SSL_get_ciphers(ssl);
            for index in 0..OPENSSL_sk_num(list) {
                let cipher = OPENSSL_sk_value(list, index).cast::<ffi::SSL_CIPHER>();
                names.push(information::text(ffi::SSL_CIPHER_get_name(cipher)).unwrap_or_default());
            }
            ffi::SSL_free(ssl);
        }
        ffi::SSL_CTX_free(context);
        super::clear_errors();
        names
    }
}
