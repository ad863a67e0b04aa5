//! What OpenSSL calls while one of its functions runs for a connection. None of these panics, and none holds a borrow
//! while whoever runs the connection is asked something.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use openssl_sys as ffi;

use super::connection::{Answer, Event, Gate, Question, State};
use super::information::text;
use super::{CRYPTO_malloc, CTRL_GET_STATUS_TYPE, SESSION_MAX, SSL_get_servername, SSL_renegotiate_pending};

/// `SSL_CB_HANDSHAKE_START`, `SSL_CB_HANDSHAKE_DONE`.
const HANDSHAKE_START: c_int = 0x10;
const HANDSHAKE_DONE: c_int = 0x20;

/// `SSL_TLSEXT_ERR_*`.
const EXTENSION_OK: c_int = 0;
const EXTENSION_FATAL: c_int = 2;
const EXTENSION_NONE: c_int = 3;

/// `TLSEXT_TYPE_*`.
const SERVER_NAME: c_uint = 0;
const SESSION_TICKET: c_uint = 35;

/// `TLSEXT_STATUSTYPE_ocsp`.
pub(super) const OCSP: i64 = 1;

/// Bytes of the parts of a ticket, and of a key for it.
const PART: usize = 16;

pub(super) type TicketKey = unsafe extern "C" fn(
    *mut ffi::SSL,
    *mut u8,
    *mut u8,
    *mut ffi::EVP_CIPHER_CTX,
    *mut ffi::HMAC_CTX,
    c_int,
) -> c_int;

/// Has OpenSSL call what is here for the connections of a context.
///
/// # Safety
/// `context` is a context that lives.
pub(super) unsafe fn install(context: *mut ffi::SSL_CTX) {
    type Status = unsafe extern "C" fn(*mut ffi::SSL, *mut c_void) -> c_int;
    type Name = unsafe extern "C" fn(*mut ffi::SSL, *mut c_int, *mut c_void) -> c_int;
    // SAFETY: the context is the caller's; each function is of the type that OpenSSL calls it as.
    unsafe {
        ffi::SSL_CTX_sess_set_new_cb(context, Some(new_session));
        ffi::SSL_CTX_sess_set_get_cb(context, Some(get_session));
        ffi::SSL_CTX_set_keylog_callback(context, Some(key_log));
        ffi::SSL_CTX_set_client_hello_cb(context, Some(client_hello), std::ptr::null_mut());
        ffi::SSL_CTX_callback_ctrl__fixed_rust(
            context,
            ffi::SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
            Some(std::mem::transmute::<Status, unsafe extern "C" fn()>(status as Status)),
        );
        ffi::SSL_CTX_callback_ctrl__fixed_rust(
            context,
            ffi::SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
            Some(std::mem::transmute::<Name, unsafe extern "C" fn()>(server_name as Name)),
        );
    }
}

/// What is known of a connection.
///
/// # Safety
/// `ssl` is a connection of this module's that lives for as long as the result is used.
unsafe fn state<'a>(ssl: *const ffi::SSL) -> Option<&'a State> {
    // SAFETY: the first place for data of others is the connection's state, which outlives it; it is only shared.
    unsafe { ffi::SSL_get_ex_data(ssl, 0).cast::<State>().as_ref() }
}

/// Bytes that OpenSSL shows.
///
/// # Safety
/// `data` is null or has that many bytes, for as long as the result is used.
unsafe fn bytes<'a>(data: *const u8, length: usize) -> &'a [u8] {
    if data.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data, length) }
}

pub(super) unsafe extern "C" fn information(ssl: *const ffi::SSL, place: c_int, _: c_int) {
    // SAFETY: OpenSSL gives the connection that it is called for.
    unsafe {
        let Some(state) = state(ssl) else { return };
        if place & HANDSHAKE_START != 0 {
            state.tell(Event::HandshakeStart);
        }
        // Both are told, too, while a request for another handshake is sent.
        if place & HANDSHAKE_DONE != 0 && SSL_renegotiate_pending(ssl) == 0 {
            state.established.set(true);
            state.tell(Event::HandshakeDone);
        }
    }
}

unsafe extern "C" fn key_log(ssl: *const ffi::SSL, line: *const c_char) {
    // SAFETY: OpenSSL gives the connection that it is called for, and a text that ends with a NUL.
    unsafe {
        let Some(state) = state(ssl) else { return };
        if state.logs_keys.get() && !line.is_null() {
            let mut line = CStr::from_ptr(line).to_bytes().to_vec();
            line.push(b'\n');
            state.tell(Event::KeyLog(line));
        }
    }
}

unsafe extern "C" fn new_session(ssl: *mut ffi::SSL, session: *mut ffi::SSL_SESSION) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for, and a session that lives meanwhile.
    unsafe {
        let Some(state) = state(ssl) else { return 0 };
        if !state.tells_sessions.get() {
            return 0;
        }
        let Some(encoded) = super::information::encode_session(session) else { return 0 };
        if encoded.len() > SESSION_MAX {
            return 0;
        }
        let mut length = 0;
        let id = ffi::SSL_SESSION_get_id(session, &mut length);
        let id = bytes(id, length as usize).to_vec();
        if state.is_server {
            state.awaits_session.set(true);
        }
        state.tell(Event::NewSession { id, session: encoded });
    }
    0
}

unsafe extern "C" fn get_session(
    ssl: *mut ffi::SSL,
    _: *const u8,
    _: c_int,
    copy: *mut c_int,
) -> *mut ffi::SSL_SESSION {
    // SAFETY: OpenSSL gives the connection that it is called for, and room for a number; it takes the session.
    unsafe {
        if let Some(copy) = copy.as_mut() {
            *copy = 0;
        }
        match state(ssl) {
            Some(state) => state.next_session.replace(std::ptr::null_mut()),
            None => std::ptr::null_mut(),
        }
    }
}

/// The name in the extension of that kind of a client's first message.
fn name_in(extension: &[u8]) -> Option<Vec<u8>> {
    // A list of names, each with its kind; the only one is that of a host.
    let (_, list) = extension.split_first_chunk::<2>()?;
    let (kind, rest) = list.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    if *kind != 0 {
        return None;
    }
    Some(rest.get(..usize::from(u16::from_be_bytes(*length)))?.to_vec())
}

/// An extension of a client's first message.
///
/// # Safety
/// It is called while OpenSSL reads that message of a connection that lives.
unsafe fn extension<'a>(ssl: *mut ffi::SSL, kind: c_uint) -> Option<&'a [u8]> {
    let (mut data, mut length) = (std::ptr::null(), 0);
    // SAFETY: the caller's promise.
    unsafe {
        let found = ffi::SSL_client_hello_get0_ext(ssl, kind, &mut data, &mut length) == 1;
        found.then(|| bytes(data, length))
    }
}

unsafe extern "C" fn client_hello(ssl: *mut ffi::SSL, _: *mut c_int, _: *mut c_void) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for, and keeps its message meanwhile.
    unsafe {
        let Some(state) = state(ssl) else { return ffi::SSL_CLIENT_HELLO_ERROR };
        match state.hello.get() {
            Gate::Open => return ffi::SSL_CLIENT_HELLO_SUCCESS,
            Gate::Waiting => return ffi::SSL_CLIENT_HELLO_RETRY,
            Gate::Closed => state.hello.set(Gate::Waiting),
        }
        let mut id = std::ptr::null();
        let length = ffi::SSL_client_hello_get0_session_id(ssl, &mut id);
        let session_id = bytes(id, length).to_vec();
        let server_name = extension(ssl, SERVER_NAME).and_then(name_in).unwrap_or_default();
        let has_ticket = extension(ssl, SESSION_TICKET).is_some_and(|ticket| !ticket.is_empty());
        state.tell(Event::ClientHello { session_id, server_name, has_ticket });
        ffi::SSL_CLIENT_HELLO_RETRY
    }
}

pub(super) unsafe extern "C" fn certificate(ssl: *mut ffi::SSL, _: *mut c_void) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for.
    unsafe {
        let Some(state) = state(ssl) else { return 1 };
        match state.certificate.get() {
            Gate::Open => return 1,
            Gate::Waiting => return -1,
            Gate::Closed => state.certificate.set(Gate::Waiting),
        }
        let server_name = text(SSL_get_servername(ssl, 0)).unwrap_or_default();
        let wants_status = ffi::SSL_ctrl(ssl, CTRL_GET_STATUS_TYPE, 0, std::ptr::null_mut()) == OCSP;
        state.tell(Event::Certificate { server_name, wants_status });
        -1
    }
}

unsafe extern "C" fn server_name(ssl: *mut ffi::SSL, _: *mut c_int, _: *mut c_void) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for.
    unsafe {
        if let Some(state) = state(ssl)
            && state.is_server
            && let Some(name) = text(SSL_get_servername(ssl, 0))
        {
            state.tell(Event::ServerName(name));
        }
    }
    EXTENSION_NONE
}

unsafe extern "C" fn status(ssl: *mut ffi::SSL, _: *mut c_void) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for; it takes what was allocated with its own function.
    unsafe {
        let Some(state) = state(ssl) else { return EXTENSION_NONE };
        if !state.is_server {
            let mut data: *const u8 = std::ptr::null();
            let length = ffi::SSL_ctrl(
                ssl,
                ffi::SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP,
                0,
                std::ptr::from_mut(&mut data).cast(),
            );
            let response = usize::try_from(length).ok().filter(|_| !data.is_null());
            state.tell(Event::Status(response.map(|length| bytes(data, length).to_vec())));
            return 1;
        }
        let Ok(mut response) = state.status.try_borrow_mut() else { return EXTENSION_NONE };
        let Some(response) = response.take() else { return EXTENSION_NONE };
        let copy = CRYPTO_malloc(response.len().max(1), c"".as_ptr(), 0).cast::<u8>();
        let Ok(length) = i64::try_from(response.len()) else { return EXTENSION_NONE };
        if copy.is_null() {
            return EXTENSION_NONE;
        }
        std::ptr::copy_nonoverlapping(response.as_ptr(), copy, response.len());
        ffi::SSL_ctrl(ssl, ffi::SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, length, copy.cast());
        EXTENSION_OK
    }
}

/// The names in a list of protocols, each with where its length stands.
fn protocols(list: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let length = usize::from(*list.get(start)?);
        let name = list.get(start + 1..start + 1 + length)?;
        at = start + 1 + length;
        Some((start, name))
    })
}

pub(super) unsafe extern "C" fn select_protocol(
    ssl: *mut ffi::SSL,
    out: *mut *const u8,
    out_length: *mut u8,
    offered: *const u8,
    offered_length: c_uint,
    _: *mut c_void,
) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for, a list of that length, which lives until the handshake
    // is over, and room for a part of it.
    unsafe {
        let Some(state) = state(ssl) else { return EXTENSION_NONE };
        let offered = bytes(offered, offered_length as usize);
        let chosen = if state.asks_for_protocol.get() {
            match state.ask(Question::Protocol(offered)) {
                Answer::Index(index) => protocols(offered).find(|(start, _)| *start == index),
                _ => None,
            }
        } else {
            let Ok(own) = state.protocols.try_borrow() else { return EXTENSION_NONE };
            let Some(own) = own.as_ref() else { return EXTENSION_NONE };
            let known = protocols(own).find(|(_, own)| protocols(offered).any(|(_, other)| other == *own));
            known.and_then(|(_, own)| protocols(offered).find(|(_, other)| *other == own))
        };
        let Some((_, name)) = chosen else { return EXTENSION_FATAL };
        let (Ok(length), false, false) = (u8::try_from(name.len()), out.is_null(), out_length.is_null())
        else {
            return EXTENSION_FATAL;
        };
        *out = name.as_ptr();
        *out_length = length;
        EXTENSION_OK
    }
}

pub(super) unsafe extern "C" fn psk_server(
    ssl: *mut ffi::SSL,
    identity: *const c_char,
    key: *mut u8,
    most: c_uint,
) -> c_uint {
    // SAFETY: OpenSSL gives the connection that it is called for, a text that ends with a NUL, and room for a key of that
    // length.
    unsafe {
        let Some(state) = state(ssl) else { return 0 };
        let Some(identity) = text(identity) else { return 0 };
        let Answer::Psk { key: given, .. } = state.ask(Question::PskServer { identity: &identity, most })
        else {
            return 0;
        };
        if given.len() > most as usize || key.is_null() {
            return 0;
        }
        std::ptr::copy_nonoverlapping(given.as_ptr(), key, given.len());
        given.len() as c_uint
    }
}

pub(super) unsafe extern "C" fn psk_client(
    ssl: *mut ffi::SSL,
    hint: *const c_char,
    identity: *mut c_char,
    most_identity: c_uint,
    key: *mut u8,
    most: c_uint,
) -> c_uint {
    // SAFETY: as with `psk_server`; there is room for an identity of that length and its NUL.
    unsafe {
        let Some(state) = state(ssl) else { return 0 };
        let hint = text(hint);
        let question = Question::PskClient { hint: hint.as_deref(), most, most_identity };
        let Answer::Psk { key: given, identity: name } = state.ask(question) else { return 0 };
        let fits = given.len() <= most as usize && name.len() < most_identity as usize;
        if !fits || name.contains(&0) || key.is_null() || identity.is_null() {
            return 0;
        }
        std::ptr::copy_nonoverlapping(given.as_ptr(), key, given.len());
        std::ptr::copy_nonoverlapping(name.as_ptr(), identity.cast::<u8>(), name.len());
        *identity.add(name.len()) = 0;
        given.len() as c_uint
    }
}

pub(super) unsafe extern "C" fn ticket_key(
    ssl: *mut ffi::SSL,
    name: *mut u8,
    iv: *mut u8,
    cipher: *mut ffi::EVP_CIPHER_CTX,
    mac: *mut ffi::HMAC_CTX,
    encrypts: c_int,
) -> c_int {
    // SAFETY: OpenSSL gives the connection that it is called for, room for a name and an initialization vector of 16
    // bytes each, and contexts that live meanwhile.
    unsafe {
        let Some(state) = state(ssl) else { return -1 };
        let (Some(name), Some(iv)) = (name.cast::<[u8; PART]>().as_mut(), iv.cast::<[u8; PART]>().as_mut())
        else {
            return -1;
        };
        let encrypts = encrypts != 0;
        let (result, mac_key, key) = if state.context.asks_for_ticket_keys.get() {
            let question = Question::Ticket { name: *name, iv: *iv, encrypts };
            let Answer::Ticket(ticket) = state.ask(question) else { return -1 };
            if ticket.result < 0 {
                return ticket.result;
            }
            if encrypts {
                (*name, *iv) = (ticket.name, ticket.iv);
            }
            (ticket.result, ticket.mac, ticket.key)
        } else {
            let keys = state.context.ticket_keys.get();
            let [own_name, mac_key, key] = [0, 1, 2].map(|index| {
                let mut part = [0; PART];
                part.copy_from_slice(&keys[index * PART..(index + 1) * PART]);
                part
            });
            if encrypts {
                *name = own_name;
                if openssl::rand::rand_bytes(iv).is_err() {
                    return -1;
                }
            } else if *name != own_name {
                // Somebody else's, or an old one.
                return 0;
            }
            (1, mac_key.to_vec(), key)
        };
        let Ok(length) = c_int::try_from(mac_key.len()) else { return -1 };
        let begun = if encrypts { ffi::EVP_EncryptInit_ex } else { ffi::EVP_DecryptInit_ex }(
            cipher,
            ffi::EVP_aes_128_cbc(),
            std::ptr::null_mut(),
            key.as_ptr(),
            iv.as_ptr(),
        );
        let signed =
            ffi::HMAC_Init_ex(mac, mac_key.as_ptr().cast(), length, ffi::EVP_sha256(), std::ptr::null_mut());
        if begun > 0 && signed > 0 { result } else { -1 }
    }
}

/// Whatever a certificate is, the handshake goes on: the library decides then.
pub(super) extern "C" fn verify(_: c_int, _: *mut ffi::X509_STORE_CTX) -> c_int {
    1
}

#[cfg(test)]
mod tests {
    use super::{name_in, protocols};

    #[test]
    fn the_name_of_a_host_is_read() {
        assert_eq!(name_in(b"\0\x06\0\0\x03a.b").as_deref(), Some(b"a.b".as_slice()));
        for broken in [b"".as_slice(), b"\0", b"\0\x06\0\0\x04a.b", b"\0\x06\x01\0\x03a.b"] {
            assert_eq!(name_in(broken), None);
        }
    }

    #[test]
    fn lists_of_protocols_are_read_as_far_as_they_are_whole() {
        let all: Vec<_> = protocols(b"\x02h2\x08http/1.1\x05x").collect();
        assert_eq!(all, [(0, b"h2".as_slice()), (3, b"http/1.1".as_slice())]);
    }
}
