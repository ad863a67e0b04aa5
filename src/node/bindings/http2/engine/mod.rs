//! nghttp2 behind a face that cannot be misused: bytes go in and come out, and what they mean is noted in [`Shared`].
//!
//! No guest code runs while nghttp2 does: its callbacks only take notes. So nothing here is entered twice, and a session
//! is never freed while it is used.

mod callbacks;
mod exchange;
mod memory;
mod shared;
mod splitter;

use std::ptr::{self, NonNull};
use std::rc::Rc;

use libnghttp2_sys as sys;

pub(super) use self::exchange::{Exchange, Header, Statistics};
pub(super) use self::shared::{Event, Shared};
pub(super) use self::splitter::Splitter;
use super::headers::Pairs;
use super::options::Options;

/// A setting by its number, and its value.
pub(super) type Setting = (i32, u32);

/// Numbers of settings.
pub(super) const HEADER_TABLE_SIZE: u32 = sys::NGHTTP2_SETTINGS_HEADER_TABLE_SIZE;
pub(super) const ENABLE_PUSH: u32 = sys::NGHTTP2_SETTINGS_ENABLE_PUSH;
pub(super) const MAX_CONCURRENT_STREAMS: u32 = sys::NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
pub(super) const INITIAL_WINDOW_SIZE: u32 = sys::NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE;
pub(super) const MAX_FRAME_SIZE: u32 = sys::NGHTTP2_SETTINGS_MAX_FRAME_SIZE;
pub(super) const MAX_HEADER_LIST_SIZE: u32 = sys::NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE;
pub(super) const ENABLE_CONNECT_PROTOCOL: u32 = sys::NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL;

/// Codes and errors that the session itself knows.
pub(super) const CANCEL: u32 = sys::NGHTTP2_CANCEL;
pub(super) const REFUSED_STREAM: u32 = sys::NGHTTP2_REFUSED_STREAM;
pub(super) const ERR_PROTO: i32 = sys::NGHTTP2_ERR_PROTO;
pub(super) const ERR_NOMEM: i32 = sys::NGHTTP2_ERR_NOMEM;
pub(super) const ERR_STREAM_CLOSED: i32 = sys::NGHTTP2_ERR_STREAM_CLOSED;
pub(super) const CATEGORY_HEADERS: u32 = sys::NGHTTP2_HCAT_HEADERS;

/// See the module.
pub(super) struct Engine {
    session: NonNull<sys::nghttp2_session>,
    shared: Rc<Shared>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: it is freed once, by nobody else; its memory and what its callbacks are given live until after this.
        unsafe { sys::nghttp2_session_del(self.session.as_ptr()) };
    }
}

/// Options as nghttp2 takes them, freed with this.
struct NativeOptions(*mut sys::nghttp2_option);

impl Drop for NativeOptions {
    fn drop(&mut self) {
        // SAFETY: made by nghttp2, and freed once.
        unsafe { sys::nghttp2_option_del(self.0) };
    }
}

impl NativeOptions {
    fn new(options: &Options, is_server: bool) -> Option<NativeOptions> {
        let mut raw = ptr::null_mut();
        // SAFETY: it is set only where it was made.
        if unsafe { sys::nghttp2_option_new(&mut raw) } != 0 {
            return None;
        }
        let native = NativeOptions(raw);
        // SAFETY: as above.
        unsafe {
            sys::nghttp2_option_set_no_closed_streams(raw, 1);
            // The peer may send more once JavaScript has had what it sent.
            sys::nghttp2_option_set_no_auto_window_update(raw, 1);
            if !is_server {
                for kind in [sys::NGHTTP2_ALTSVC, sys::NGHTTP2_ORIGIN] {
                    sys::nghttp2_option_set_builtin_recv_extension_type(raw, kind as u8);
                }
            }
            if let Some(size) = options.deflate_table_size_max {
                sys::nghttp2_option_set_max_deflate_dynamic_table_size(raw, size);
            }
            if let Some(most) = options.reserved_remote_streams_max {
                sys::nghttp2_option_set_max_reserved_remote_streams(raw, most);
            }
            if let Some(length) = options.send_header_block_length_max {
                sys::nghttp2_option_set_max_send_header_block_length(raw, length);
            }
            sys::nghttp2_option_set_peer_max_concurrent_streams(raw, options.peer_concurrent_streams_max);
            if let Some(validates) = options.whitespace_validation {
                sys::nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(
                    raw,
                    i32::from(!validates),
                );
            }
            if let Some(most) = options.settings_max {
                sys::nghttp2_option_set_max_settings(raw, most);
            }
            if let Some((burst, rate)) = options.stream_resets {
                sys::nghttp2_option_set_stream_reset_rate_limit(raw, burst, rate);
            }
        }
        Some(native)
    }
}

impl Engine {
    /// None where there is no memory for it.
    pub fn new(is_server: bool, options: &Options, shared: Rc<Shared>) -> Option<Engine> {
        let native = NativeOptions::new(options, is_server)?;
        let callbacks = callbacks::make(options.padding)?;
        let data = Rc::as_ptr(&shared).cast_mut().cast();
        let mut memory = shared.memory.functions();
        let mut session = ptr::null_mut();
        let make =
            if is_server { sys::nghttp2_session_server_new3 } else { sys::nghttp2_session_client_new3 };
        // SAFETY: nghttp2 copies the callbacks, the options and the allocator's functions; what they are given is kept
        // alive by `shared`, which this keeps.
        let status = unsafe {
            let status = make(&mut session, callbacks, data, native.0, &mut memory);
            sys::nghttp2_session_callbacks_del(callbacks);
            status
        };
        let session = NonNull::new(session).filter(|_| status == 0)?;
        let engine = Engine { session, shared };
        if let Some(size) = options.connection_window_size {
            engine.set_local_window_size(size);
        }
        Some(engine)
    }

    fn raw(&self) -> *mut sys::nghttp2_session {
        self.session.as_ptr()
    }

    /// Reads bytes. An error's number, which is final.
    pub fn receive(&self, bytes: &[u8]) -> Result<(), i32> {
        // SAFETY: the session lives, and is in no other call.
        let read = unsafe { sys::nghttp2_session_mem_recv2(self.raw(), bytes.as_ptr(), bytes.len()) };
        if read < 0 { Err(i32::try_from(read).unwrap_or(ERR_PROTO)) } else { Ok(()) }
    }

    /// Appends the next bytes that are to be sent. Whether there were any.
    pub fn gather(&self, bytes: &mut Vec<u8>) -> Result<bool, i32> {
        let mut start = ptr::null();
        // SAFETY: the session lives, and is in no other call.
        let length = unsafe { sys::nghttp2_session_mem_send2(self.raw(), &mut start) };
        let length = usize::try_from(length).map_err(|_| i32::try_from(length).unwrap_or(ERR_PROTO))?;
        if length == 0 || start.is_null() {
            return Ok(false);
        }
        // SAFETY: nghttp2 has so many there until it is called again.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(start, length) });
        Ok(true)
    }

    pub fn wants_read(&self) -> bool {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_want_read(self.raw()) != 0 }
    }

    pub fn wants_write(&self) -> bool {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_want_write(self.raw()) != 0 }
    }

    /// JavaScript has had bytes, as far as the connection is concerned.
    pub fn consume_connection(&self, length: usize) {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_consume_connection(self.raw(), length) };
    }

    /// JavaScript has had bytes, as far as their stream is concerned.
    pub fn consume_stream(&self, id: i32, length: usize) {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_consume_stream(self.raw(), id, length) };
    }

    /// A stream has something to send again.
    pub fn resume(&self, id: i32) {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_resume_data(self.raw(), id) };
    }

    /// Begins a request. The number of its stream, or an error's.
    pub fn submit_request(&self, pairs: &Pairs, has_body: bool) -> i32 {
        let (pairs, provider) = (native_pairs(pairs), callbacks::data_provider());
        let body = if has_body { &raw const provider } else { ptr::null() };
        // SAFETY: the session lives; nghttp2 copies what it is given.
        unsafe {
            sys::nghttp2_submit_request2(
                self.raw(),
                ptr::null(),
                pairs.as_ptr(),
                pairs.len(),
                body,
                ptr::null_mut(),
            )
        }
    }

    pub fn submit_response(&self, id: i32, pairs: &Pairs, has_body: bool) -> i32 {
        let (pairs, provider) = (native_pairs(pairs), callbacks::data_provider());
        let body = if has_body { &raw const provider } else { ptr::null() };
        // SAFETY: as in `submit_request`.
        unsafe { sys::nghttp2_submit_response2(self.raw(), id, pairs.as_ptr(), pairs.len(), body) }
    }

    /// Headers before those of the response.
    pub fn submit_info(&self, id: i32, pairs: &Pairs) -> i32 {
        let pairs = native_pairs(pairs);
        // SAFETY: as in `submit_request`.
        unsafe {
            sys::nghttp2_submit_headers(
                self.raw(),
                0,
                id,
                ptr::null(),
                pairs.as_ptr(),
                pairs.len(),
                ptr::null_mut(),
            )
        }
    }

    pub fn submit_trailers(&self, id: i32, pairs: &Pairs) -> i32 {
        let pairs = native_pairs(pairs);
        // SAFETY: as in `submit_request`.
        unsafe { sys::nghttp2_submit_trailer(self.raw(), id, pairs.as_ptr(), pairs.len()) }
    }

    /// Ends a stream without trailers: some peers know nothing to do with a block of none.
    pub fn submit_end(&self, id: i32) -> i32 {
        let (provider, flags) = (callbacks::data_provider(), sys::NGHTTP2_FLAG_END_STREAM as u8);
        // SAFETY: as in `submit_request`.
        unsafe { sys::nghttp2_submit_data2(self.raw(), flags, id, &provider) }
    }

    /// Promises a stream. Its number, or an error's.
    pub fn submit_push(&self, id: i32, pairs: &Pairs) -> i32 {
        let pairs = native_pairs(pairs);
        // SAFETY: as in `submit_request`.
        unsafe {
            sys::nghttp2_submit_push_promise(self.raw(), 0, id, pairs.as_ptr(), pairs.len(), ptr::null_mut())
        }
    }

    pub fn submit_reset(&self, id: i32, code: u32) -> i32 {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_submit_rst_stream(self.raw(), 0, id, code) }
    }

    pub fn submit_settings(&self, settings: &[Setting]) -> i32 {
        let entries = native_settings(settings);
        // SAFETY: as in `submit_request`.
        unsafe { sys::nghttp2_submit_settings(self.raw(), 0, entries.as_ptr(), entries.len()) }
    }

    pub fn submit_ping(&self, payload: [u8; 8]) -> i32 {
        // SAFETY: as in `submit_request`; nghttp2 reads eight bytes.
        unsafe { sys::nghttp2_submit_ping(self.raw(), 0, payload.as_ptr()) }
    }

    pub fn submit_goaway(&self, last: i32, code: u32, data: &[u8]) -> i32 {
        // SAFETY: as in `submit_request`.
        unsafe { sys::nghttp2_submit_goaway(self.raw(), 0, last, code, data.as_ptr(), data.len()) }
    }

    pub fn submit_altsvc(&self, id: i32, origin: &[u8], value: &[u8]) -> i32 {
        // SAFETY: as in `submit_request`.
        unsafe {
            sys::nghttp2_submit_altsvc(
                self.raw(),
                0,
                id,
                origin.as_ptr(),
                origin.len(),
                value.as_ptr(),
                value.len(),
            )
        }
    }

    pub fn submit_origins(&self, origins: &[&[u8]]) -> i32 {
        let entries: Vec<_> = origins
            .iter()
            .map(|origin| sys::nghttp2_origin_entry {
                origin: origin.as_ptr().cast_mut(),
                origin_len: origin.len(),
            })
            .collect();
        // SAFETY: as in `submit_request`; nghttp2 does not write to what it copies.
        unsafe { sys::nghttp2_submit_origin(self.raw(), 0, entries.as_ptr(), entries.len()) }
    }

    /// Says goodbye, and takes nothing more.
    pub fn terminate(&self, code: u32) -> i32 {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_terminate_session(self.raw(), code) }
    }

    pub fn set_next_stream(&self, id: i32) -> bool {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_set_next_stream_id(self.raw(), id) >= 0 }
    }

    pub fn set_local_window_size(&self, size: i32) -> i32 {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_set_local_window_size(self.raw(), 0, 0, size) }
    }

    pub fn last_processed(&self) -> i32 {
        // SAFETY: the session lives.
        unsafe { sys::nghttp2_session_get_last_proc_stream_id(self.raw()) }
    }

    pub fn setting(&self, number: u32, is_local: bool) -> u32 {
        // SAFETY: the session lives, and the number is one of those above.
        unsafe {
            if is_local {
                sys::nghttp2_session_get_local_settings(self.raw(), number)
            } else {
                sys::nghttp2_session_get_remote_settings(self.raw(), number)
            }
        }
    }

    /// In the order of `sessionState`.
    pub fn state(&self) -> [f64; 9] {
        let session = self.raw();
        // SAFETY: the session lives.
        unsafe {
            [
                f64::from(sys::nghttp2_session_get_effective_local_window_size(session)),
                f64::from(sys::nghttp2_session_get_effective_recv_data_length(session)),
                f64::from(sys::nghttp2_session_get_next_stream_id(session)),
                f64::from(sys::nghttp2_session_get_local_window_size(session)),
                f64::from(sys::nghttp2_session_get_last_proc_stream_id(session)),
                f64::from(sys::nghttp2_session_get_remote_window_size(session)),
                sys::nghttp2_session_get_outbound_queue_size(session) as f64,
                sys::nghttp2_session_get_hd_deflate_dynamic_table_size(session) as f64,
                sys::nghttp2_session_get_hd_inflate_dynamic_table_size(session) as f64,
            ]
        }
    }

    /// In the order of `streamState`.
    pub fn stream_state(&self, id: i32) -> [f64; 6] {
        let session = self.raw();
        // SAFETY: the session lives, and so does a stream of it until nghttp2 is called with more than a question.
        unsafe {
            let stream = sys::nghttp2_session_find_stream(session, id);
            if stream.is_null() {
                return [f64::from(sys::NGHTTP2_STREAM_STATE_IDLE), 0.0, 0.0, 0.0, 0.0, 0.0];
            }
            [
                f64::from(sys::nghttp2_stream_get_state(stream)),
                f64::from(sys::nghttp2_stream_get_weight(stream)),
                f64::from(sys::nghttp2_stream_get_sum_dependency_weight(stream)),
                f64::from(sys::nghttp2_session_get_stream_local_close(session, id)),
                f64::from(sys::nghttp2_session_get_stream_remote_close(session, id)),
                f64::from(sys::nghttp2_session_get_stream_local_window_size(session, id)),
            ]
        }
    }

    pub fn shared(&self) -> &Rc<Shared> {
        &self.shared
    }
}

/// Headers as nghttp2 takes them. It writes to none of what it copies.
fn native_pairs(pairs: &Pairs) -> Vec<sys::nghttp2_nv> {
    pairs
        .iter()
        .map(|(name, value, flags)| sys::nghttp2_nv {
            name: name.as_ptr().cast_mut(),
            value: value.as_ptr().cast_mut(),
            namelen: name.len(),
            valuelen: value.len(),
            flags,
        })
        .collect()
}

fn native_settings(settings: &[Setting]) -> Vec<sys::nghttp2_settings_entry> {
    settings
        .iter()
        .map(|(settings_id, value)| sys::nghttp2_settings_entry { settings_id: *settings_id, value: *value })
        .collect()
}

/// The payload of a frame of settings. None for settings that no frame has.
pub(super) fn pack_settings(settings: &[Setting]) -> Option<Vec<u8>> {
    let entries = native_settings(settings);
    let mut payload = vec![0; settings.len() * 6];
    // SAFETY: nghttp2 writes no more than it is told there is room for.
    let length = unsafe {
        sys::nghttp2_pack_settings_payload2(
            payload.as_mut_ptr(),
            payload.len(),
            entries.as_ptr(),
            entries.len(),
        )
    };
    usize::try_from(length).is_ok().then_some(payload)
}

/// What an error's number means.
pub(super) fn error_text(error: i32) -> String {
    // SAFETY: nghttp2 has a text for every number, for ever.
    unsafe { std::ffi::CStr::from_ptr(sys::nghttp2_strerror(error)) }.to_string_lossy().into_owned()
}
