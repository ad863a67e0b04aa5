//! One connection. What the other side has sent is put into its memory, what is to be sent is taken out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::{CStr, c_int};
use std::ptr::NonNull;
use std::rc::Rc;

use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::super::{check, check_pointer, clear_errors};
use super::outside::Outside;
use super::{
    CTRL_CHAIN, CTRL_SET_MAX_SEND_FRAGMENT, Context, SSL_CTX_get_client_CA_list, SSL_dup_CA_list,
    SSL_renegotiate, SSL_set_cert_cb, SSL_set_info_callback, SSL_set_psk_client_callback,
    SSL_set_psk_server_callback, SSL_use_psk_identity_hint, callbacks, errors_text,
};

/// Most events that wait at once: what comes in at once makes no more, unless it is made to.
const EVENTS_MAX: usize = 512;

/// `BIO_CTRL_PENDING`.
const PENDING: c_int = 10;

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Event {
    HandshakeStart,
    HandshakeDone,
    /// A line for whoever wants to read along.
    KeyLog(Vec<u8>),
    NewSession {
        id: Vec<u8>,
        session: Vec<u8>,
    },
    /// A client has asked for this host.
    ServerName(String),
    /// A client's first message; nothing goes on until [`Connection::hello_done`].
    ClientHello {
        session_id: Vec<u8>,
        server_name: Vec<u8>,
        has_ticket: bool,
    },
    /// A certificate is to be chosen; nothing goes on until [`Connection::certificate_done`].
    Certificate {
        server_name: String,
        wants_status: bool,
    },
    /// What a server says of its certificate's state.
    Status(Option<Vec<u8>>),
}

/// Something that has to be known at once.
pub(crate) enum Question<'a> {
    /// Which of the client's protocols, as a list of them.
    Protocol(&'a [u8]),
    PskServer {
        identity: &'a str,
        most: u32,
    },
    PskClient {
        hint: Option<&'a str>,
        most: u32,
        most_identity: u32,
    },
    /// The keys of a ticket.
    Ticket {
        name: [u8; 16],
        iv: [u8; 16],
        encrypts: bool,
    },
}

/// What is answered.
pub(crate) enum Answer {
    No,
    /// Where the protocol's length stands in the list.
    Index(usize),
    Psk {
        key: Vec<u8>,
        identity: Vec<u8>,
    },
    Ticket(Ticket),
}

/// The keys of a ticket.
pub(crate) struct Ticket {
    pub result: i32,
    pub mac: Vec<u8>,
    pub key: [u8; 16],
    pub name: [u8; 16],
    pub iv: [u8; 16],
}

/// Whoever runs a connection.
pub(crate) trait Asks {
    fn ask(&mut self, question: Question<'_>) -> Answer;
}

/// Why nothing was read or written.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something has to come first.
    Wait,
    /// The other side has said that it sends nothing more.
    Closed,
    Failed(Failure),
}

/// An error of OpenSSL's.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    /// In a line of its own.
    pub message: String,
    pub library: Option<String>,
    pub reason: Option<String>,
}

/// Something that a handshake may have to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nobody wants to know, or it is known.
    Open,
    /// It is to be told.
    Closed,
    /// It has been told.
    Waiting,
}

/// What its callbacks know of a connection.
pub(super) struct State {
    pub context: Rc<Context>,
    pub is_server: bool,
    events: RefCell<VecDeque<Event>>,
    /// Whoever runs it, while one of OpenSSL's functions does.
    asks: Cell<Option<NonNull<dyn Asks>>>,
    /// One of OpenSSL's functions runs that may call back.
    is_busy: Cell<bool>,
    pub established: Cell<bool>,
    pub logs_keys: Cell<bool>,
    pub tells_sessions: Cell<bool>,
    /// A session was told of, and nothing is sent until somebody has taken note.
    pub awaits_session: Cell<bool>,
    pub hello: Cell<Gate>,
    pub certificate: Cell<Gate>,
    pub next_session: Cell<*mut ffi::SSL_SESSION>,
    /// The session that is just being told of.
    pub told_session: RefCell<Option<Vec<u8>>>,
    pub status: RefCell<Option<Vec<u8>>>,
    pub protocols: RefCell<Option<Vec<u8>>>,
    pub asks_for_protocol: Cell<bool>,
    /// Something was asked of it that only OpenSSL does.
    is_particular: Cell<bool>,
}

impl State {
    pub fn tell(&self, event: Event) {
        if let Ok(mut events) = self.events.try_borrow_mut()
            && events.len() < EVENTS_MAX
        {
            events.push_back(event);
        }
    }

    pub fn ask(&self, question: Question<'_>) -> Answer {
        // Taken out, so that nobody has it twice.
        let Some(mut asks) = self.asks.take() else { return Answer::No };
        // SAFETY: `Connection::enter` has put it there and keeps it borrowed until OpenSSL's function, which calls this,
        // has returned.
        let answer = unsafe { asks.as_mut() }.ask(question);
        self.asks.set(Some(asks));
        answer
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let session = self.next_session.replace(std::ptr::null_mut());
        if !session.is_null() {
            // SAFETY: it has not been handed over.
            unsafe { ffi::SSL_SESSION_free(session) };
        }
    }
}

/// See the module.
pub(crate) struct Connection {
    ssl: *mut ffi::SSL,
    input: *mut ffi::BIO,
    output: *mut ffi::BIO,
    state: Rc<State>,
    /// Somebody else speaks TLS for it: then what is put in and taken out is the content.
    pub(super) outside: RefCell<Option<Outside>>,
}

impl Connection {
    pub fn new(context: Rc<Context>, is_server: bool) -> Result<Connection, ErrorStack> {
        clear_errors();
        let state = Rc::new(State {
            context,
            is_server,
            events: RefCell::default(),
            asks: Cell::new(None),
            is_busy: Cell::new(false),
            established: Cell::new(false),
            logs_keys: Cell::new(false),
            tells_sessions: Cell::new(false),
            awaits_session: Cell::new(false),
            hello: Cell::new(Gate::Open),
            certificate: Cell::new(Gate::Open),
            next_session: Cell::new(std::ptr::null_mut()),
            told_session: RefCell::default(),
            status: RefCell::default(),
            protocols: RefCell::default(),
            asks_for_protocol: Cell::new(false),
            is_particular: Cell::new(false),
        });
        // SAFETY: the connection owns both streams, and this value the connection. The state is dropped after it, and
        // does not move.
        unsafe {
            let ssl = check_pointer(ffi::SSL_new(state.context.as_ptr()))?;
            let (input, output) = (ffi::BIO_new(ffi::BIO_s_mem()), ffi::BIO_new(ffi::BIO_s_mem()));
            if input.is_null() || output.is_null() {
                ffi::BIO_free_all(input);
                ffi::BIO_free_all(output);
                ffi::SSL_free(ssl);
                return Err(ErrorStack::get());
            }
            ffi::SSL_set_bio(ssl, input, output);
            ffi::SSL_set_ex_data(ssl, 0, Rc::as_ptr(&state).cast_mut().cast());
            ffi::SSL_set_verify(ssl, ffi::SSL_VERIFY_NONE, Some(callbacks::verify));
            let modes = ffi::SSL_MODE_RELEASE_BUFFERS
                | ffi::SSL_MODE_AUTO_RETRY
                | ffi::SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
            ffi::SSL_ctrl(ssl, ffi::SSL_CTRL_MODE, modes, std::ptr::null_mut());
            SSL_set_info_callback(ssl, Some(callbacks::information));
            if is_server {
                SSL_set_cert_cb(ssl, Some(callbacks::certificate), std::ptr::null_mut());
                ffi::SSL_set_accept_state(ssl);
            } else {
                ffi::SSL_set_connect_state(ssl);
            }
            Ok(Connection { ssl, input, output, state, outside: RefCell::default() })
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::SSL {
        self.ssl
    }

    pub fn context(&self) -> &Rc<Context> {
        &self.state.context
    }

    pub fn is_server(&self) -> bool {
        self.state.is_server
    }

    /// One of OpenSSL's functions runs for it: it is not to be changed.
    pub fn is_busy(&self) -> bool {
        self.state.is_busy.get()
    }

    pub fn is_established(&self) -> bool {
        self.state.established.get()
    }

    pub(super) fn establish(&self) {
        self.state.established.set(true);
    }

    pub(super) fn tell(&self, event: Event) {
        self.state.tell(event);
    }

    pub(super) fn is_particular(&self) -> bool {
        self.state.is_particular.get()
    }

    /// The protocols that it knows, each with its length before it.
    pub(super) fn protocols(&self) -> Vec<u8> {
        self.state.protocols.borrow().clone().unwrap_or_default()
    }

    /// What has happened, one by one.
    pub fn next_event(&self) -> Option<Event> {
        self.state.events.borrow_mut().pop_front()
    }

    /// Runs one of OpenSSL's functions that may call back. None where one runs already.
    fn enter<R>(&self, asks: &mut dyn Asks, run: impl FnOnce(*mut ffi::SSL) -> R) -> Option<R> {
        if self.state.is_busy.replace(true) {
            return None;
        }
        let uses = &self.state.context.uses;
        uses.set(uses.get().saturating_add(1));
        // SAFETY: only the time for which it is borrowed is forgotten; it is taken away again before this returns.
        let asks = unsafe { std::mem::transmute::<NonNull<dyn Asks + '_>, NonNull<dyn Asks>>(asks.into()) };
        self.state.asks.set(Some(asks));
        clear_errors();
        let result = run(self.ssl);
        self.state.asks.set(None);
        uses.set(uses.get().saturating_sub(1));
        self.state.is_busy.set(false);
        Some(result)
    }

    /// Why a function of OpenSSL's did not do what it was to do.
    fn stop(&self, result: c_int) -> Stop {
        // SAFETY: it is called behind the function, with its result.
        let kind = unsafe { ffi::SSL_get_error(self.ssl, result) };
        match kind {
            ffi::SSL_ERROR_ZERO_RETURN => Stop::Closed,
            ffi::SSL_ERROR_SSL | ffi::SSL_ERROR_SYSCALL => {
                // The oldest says what it was.
                // SAFETY: it takes nothing.
                let oldest = unsafe { super::ERR_peek_error() } as std::ffi::c_ulong;
                // SAFETY: both give texts that are OpenSSL's for ever, or null.
                let (library, reason) = unsafe {
                    use super::information::text;
                    (text(ffi::ERR_lib_error_string(oldest)), text(ffi::ERR_reason_error_string(oldest)))
                };
                Stop::Failed(Failure { message: errors_text(), library, reason })
            }
            _ => Stop::Wait,
        }
    }

    /// Reads what the other side has said, and goes on with the handshake. How many bytes.
    pub fn read(&self, asks: &mut dyn Asks, buffer: &mut [u8]) -> Result<usize, Stop> {
        if self.is_outside() {
            return self.read_content(buffer);
        }
        let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        let read = self.enter(asks, |ssl| {
            // SAFETY: the buffer has that length.
            let read = unsafe { ffi::SSL_read(ssl, buffer.as_mut_ptr().cast(), length) };
            if read > 0 { Ok(read as usize) } else { Err(self.stop(read)) }
        });
        clear_errors();
        read.unwrap_or(Err(Stop::Wait))
    }

    /// Says something to the other side: all of it, or nothing.
    pub fn write(&self, asks: &mut dyn Asks, bytes: &[u8]) -> Result<(), Stop> {
        let Ok(length) = c_int::try_from(bytes.len()) else {
            return Err(Stop::Failed(Failure::default()));
        };
        if self.is_outside() {
            return self.write_content(bytes, length);
        }
        let written = self.enter(asks, |ssl| {
            // SAFETY: the bytes have that length. The stream behind takes all, so there is no rest to come again with.
            let written = unsafe { ffi::SSL_write(ssl, bytes.as_ptr().cast(), length) };
            if written > 0 { Ok(()) } else { Err(self.stop(written)) }
        });
        clear_errors();
        written.unwrap_or(Err(Stop::Wait))
    }

    fn read_content(&self, buffer: &mut [u8]) -> Result<usize, Stop> {
        if self.is_beginning_outside() {
            return Err(Stop::Wait);
        }
        let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        // SAFETY: the buffer has that length.
        let read = unsafe { ffi::BIO_read(self.input, buffer.as_mut_ptr().cast(), length) };
        clear_errors();
        usize::try_from(read).ok().filter(|read| *read > 0).ok_or(Stop::Wait)
    }

    fn write_content(&self, bytes: &[u8], length: c_int) -> Result<(), Stop> {
        if self.is_beginning_outside() {
            return Err(Stop::Wait);
        }
        // SAFETY: the bytes have that length; the stream copies them.
        let written = unsafe { ffi::BIO_write(self.output, bytes.as_ptr().cast(), length) };
        clear_errors();
        if written == length { Ok(()) } else { Err(Stop::Failed(Failure::default())) }
    }

    /// Says that nothing more will be said.
    pub fn shut_down(&self, asks: &mut dyn Asks) {
        if self.is_outside() {
            // Whoever speaks TLS for it says so when the stream ends.
            return;
        }
        self.enter(asks, |ssl| {
            // SAFETY: the connection lives.
            unsafe {
                if ffi::SSL_shutdown(ssl) == 0 {
                    ffi::SSL_shutdown(ssl);
                }
            }
        });
        clear_errors();
    }

    /// What has come from the other side.
    pub fn put(&self, bytes: &[u8]) -> bool {
        let Ok(length) = c_int::try_from(bytes.len()) else { return false };
        // SAFETY: the bytes have that length; the stream copies them.
        length == 0 || unsafe { ffi::BIO_write(self.input, bytes.as_ptr().cast(), length) == length }
    }

    fn pending(stream: *mut ffi::BIO) -> usize {
        // SAFETY: the stream lives as long as the connection, which calls this.
        let pending = unsafe { ffi::BIO_ctrl(stream, PENDING, 0, std::ptr::null_mut()) };
        usize::try_from(pending).unwrap_or(0)
    }

    /// Bytes that have come and were not looked at yet.
    pub fn unread(&self) -> usize {
        Connection::pending(self.input)
    }

    /// Bytes that are to be sent.
    pub fn unsent(&self) -> usize {
        Connection::pending(self.output)
    }

    /// Takes what is to be sent.
    pub fn take(&self) -> Vec<u8> {
        let length = self.unsent().min(c_int::MAX as usize);
        let mut bytes = vec![0; length];
        if length == 0 {
            return bytes;
        }
        // SAFETY: the buffer has that length.
        let read = unsafe { ffi::BIO_read(self.output, bytes.as_mut_ptr().cast(), length as c_int) };
        bytes.truncate(usize::try_from(read).unwrap_or(0));
        bytes
    }

    /// Asks the other side for its certificate; whether it must have one.
    pub fn set_verify(&self, asks_for_certificate: bool, requires: bool) {
        let mut mode = ffi::SSL_VERIFY_NONE;
        if self.state.is_server && asks_for_certificate {
            mode = ffi::SSL_VERIFY_PEER;
            if requires {
                mode |= ffi::SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
            }
        }
        // SAFETY: the connection lives.
        unsafe { ffi::SSL_set_verify(self.ssl, mode, Some(callbacks::verify)) };
    }

    pub fn tell_sessions(&self) {
        self.state.tells_sessions.set(true);
        if self.state.is_server && !self.is_established() && self.state.hello.get() == Gate::Open {
            self.state.hello.set(Gate::Closed);
        }
    }

    pub fn log_keys(&self) {
        self.state.is_particular.set(true);
        self.state.logs_keys.set(true);
    }

    pub fn awaits_session(&self) -> bool {
        self.state.awaits_session.get()
    }

    pub fn session_done(&self) {
        self.state.awaits_session.set(false);
    }

    /// The session that whoever asks is told of, in place of the newest.
    pub fn show_session(&self, encoded: Option<Vec<u8>>) {
        *self.state.told_session.borrow_mut() = encoded;
    }

    pub(super) fn told_session(&self) -> Option<Vec<u8>> {
        self.state.told_session.borrow().clone()
    }

    pub fn hello_done(&self) {
        self.state.hello.set(Gate::Open);
    }

    pub fn ask_for_certificate(&self) {
        if self.state.certificate.get() == Gate::Open {
            self.state.certificate.set(Gate::Closed);
        }
    }

    pub fn is_choosing_certificate(&self) -> bool {
        self.state.certificate.get() == Gate::Waiting
    }

    pub fn certificate_done(&self) {
        self.state.certificate.set(Gate::Open);
    }

    /// The session that the client is to be given again.
    pub fn set_next_session(&self, encoded: &[u8]) {
        let session = super::information::decode_session(encoded);
        let before = self.state.next_session.replace(session);
        if !before.is_null() {
            // SAFETY: it has not been handed over.
            unsafe { ffi::SSL_SESSION_free(before) };
        }
    }

    pub fn set_status(&self, response: Vec<u8>) {
        *self.state.status.borrow_mut() = Some(response);
    }

    pub fn ask_for_status(&self) {
        self.state.is_particular.set(true);
        // SAFETY: the connection lives.
        unsafe {
            ffi::SSL_ctrl(
                self.ssl,
                ffi::SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE,
                callbacks::OCSP,
                std::ptr::null_mut(),
            );
        }
    }

    /// The protocols that it knows, as a list of them.
    pub fn set_protocols(&self, list: Vec<u8>) -> bool {
        if !self.state.is_server {
            let Ok(length) = u32::try_from(list.len()) else { return false };
            // SAFETY: the list has that length, and is copied.
            let set = unsafe { ffi::SSL_set_alpn_protos(self.ssl, list.as_ptr(), length) == 0 };
            clear_errors();
            *self.state.protocols.borrow_mut() = set.then_some(list);
            return set;
        }
        *self.state.protocols.borrow_mut() = Some(list);
        self.select_protocols();
        true
    }

    pub fn ask_for_protocol(&self) {
        self.state.asks_for_protocol.set(true);
        self.select_protocols();
    }

    fn select_protocols(&self) {
        // SAFETY: the context lives; the function looks for what a connection wants.
        unsafe {
            ffi::SSL_CTX_set_alpn_select_cb__fixed_rust(
                self.state.context.as_ptr(),
                Some(callbacks::select_protocol),
                std::ptr::null_mut(),
            );
        }
    }

    pub fn ask_for_psk(&self) {
        self.state.is_particular.set(true);
        // SAFETY: the connection lives.
        unsafe {
            SSL_set_psk_server_callback(self.ssl, Some(callbacks::psk_server));
            SSL_set_psk_client_callback(self.ssl, Some(callbacks::psk_client));
        }
    }

    pub fn set_psk_hint(&self, hint: &CStr) -> bool {
        // SAFETY: both live; the text is copied.
        let set = unsafe { SSL_use_psk_identity_hint(self.ssl, hint.as_ptr()) == 1 };
        clear_errors();
        set
    }

    /// The host that the client wants.
    pub fn set_server_name(&self, name: &CStr) {
        // SAFETY: both live; the text is copied.
        unsafe {
            ffi::SSL_ctrl(self.ssl, ffi::SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, name.as_ptr().cast_mut().cast());
        }
        clear_errors();
    }

    /// A session of earlier. Whether it is one.
    pub fn set_session(&self, encoded: &[u8]) -> Option<bool> {
        let session = super::information::decode_session(encoded);
        if session.is_null() {
            return None;
        }
        // SAFETY: both live; the connection takes a reference of its own.
        unsafe {
            let set = ffi::SSL_set_session(self.ssl, session) == 1;
            ffi::SSL_SESSION_free(session);
            clear_errors();
            Some(set)
        }
    }

    pub fn set_max_send_fragment(&self, size: i32) -> i32 {
        // SAFETY: the connection lives.
        let set =
            unsafe { ffi::SSL_ctrl(self.ssl, CTRL_SET_MAX_SEND_FRAGMENT, size.into(), std::ptr::null_mut()) };
        i32::try_from(set).unwrap_or(0)
    }

    pub fn renegotiate(&self) -> Result<(), ErrorStack> {
        clear_errors();
        // SAFETY: the connection lives.
        check(unsafe { SSL_renegotiate(self.ssl) }).map(drop)
    }

    /// Shows another certificate from now on: another context's.
    pub fn show(&self, context: &Context) -> bool {
        let (certificate, key, chain) = context.shown();
        if certificate.is_null() || key.is_null() {
            return false;
        }
        // SAFETY: all live; the connection takes references of its own.
        let shown = unsafe {
            ffi::SSL_use_certificate(self.ssl, certificate) == 1
                && ffi::SSL_use_PrivateKey(self.ssl, key) == 1
                && (chain.is_null() || ffi::SSL_ctrl(self.ssl, CTRL_CHAIN, 1, chain) == 1)
        };
        clear_errors();
        shown
    }

    /// Trusts from now on whom another context trusts.
    pub fn trust(&self, context: &Context) -> Result<(), ErrorStack> {
        // SAFETY: all live; the connection takes references and copies of its own.
        unsafe {
            let store = ffi::SSL_CTX_get_cert_store(context.as_ptr());
            let set = ffi::SSL_ctrl(self.ssl, ffi::SSL_CTRL_SET_VERIFY_CERT_STORE, 1, store.cast());
            super::check_long(set)?;
            let names = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(context.as_ptr()));
            ffi::SSL_set_client_CA_list(self.ssl, names.cast());
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: this alone owns it; the state lives until afterwards.
        unsafe { ffi::SSL_free(self.ssl) };
    }
}
