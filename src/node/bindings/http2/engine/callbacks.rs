//! What nghttp2 calls. Nothing here calls JavaScript, and nothing calls back into nghttp2 but what nghttp2 allows there.
//!
//! All are called by nghttp2 alone, while a method of the engine runs, with the pointer to [`Shared`] that the engine gave
//! it and keeps alive.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::rc::Rc;

use libnghttp2_sys as sys;

use super::exchange::{self, Exchange, Header, Taken};
use super::shared::{Event, Shared};
use crate::bindings::http2::options::Padding;

const CALLBACK_FAILURE: c_int = sys::NGHTTP2_ERR_CALLBACK_FAILURE;
const TEMPORAL_FAILURE: c_int = sys::NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;

/// Bytes of a frame's head.
const FRAME_HEAD: usize = 9;

const TOO_MANY_INVALID_FRAMES: &str = "ERR_HTTP2_TOO_MANY_INVALID_FRAMES";

/// Sets the callbacks of a session. None where there is no memory for that.
pub(super) fn make(padding: Padding) -> Option<*mut sys::nghttp2_session_callbacks> {
    let mut callbacks = ptr::null_mut();
    // SAFETY: what is made is given to nobody else yet, and only where it could be made.
    unsafe {
        if sys::nghttp2_session_callbacks_new(&mut callbacks) != 0 {
            return None;
        }
        sys::nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Some(on_begin_headers));
        sys::nghttp2_session_callbacks_set_on_header_callback2(callbacks, Some(on_header));
        sys::nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Some(on_frame));
        sys::nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Some(on_stream_close));
        sys::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Some(on_data));
        sys::nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Some(on_frame_not_sent));
        sys::nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, Some(on_invalid_header));
        sys::nghttp2_session_callbacks_set_error_callback2(callbacks, Some(on_error));
        sys::nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, Some(on_invalid_frame));
        sys::nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Some(on_frame_sent));
        if padding != Padding::None {
            sys::nghttp2_session_callbacks_set_select_padding_callback2(callbacks, Some(select_padding));
        }
    }
    Some(callbacks)
}

/// Where bodies come from: the queue of their stream.
pub(super) fn data_provider() -> sys::nghttp2_data_provider2 {
    sys::nghttp2_data_provider2 {
        source: sys::nghttp2_data_source { ptr: ptr::null_mut() },
        read_callback: Some(read),
    }
}

/// # Safety
///
/// `data` is the pointer that the engine gave nghttp2.
unsafe fn shared<'a>(data: *mut c_void) -> &'a Shared {
    // SAFETY: the engine keeps it alive.
    unsafe { &*data.cast::<Shared>() }
}

/// # Safety
///
/// A frame as nghttp2 passes it.
unsafe fn head<'a>(frame: *const sys::nghttp2_frame) -> &'a sys::nghttp2_frame_hd {
    // SAFETY: every kind begins with the head.
    unsafe { &(*frame).hd }
}

/// The stream that a frame of headers is about.
///
/// # Safety
///
/// A frame as nghttp2 passes it.
unsafe fn stream_of(frame: *const sys::nghttp2_frame) -> i32 {
    // SAFETY: the head says of what kind the rest is.
    unsafe {
        let head = head(frame);
        if u32::from(head.type_) == sys::NGHTTP2_PUSH_PROMISE {
            (*frame).push_promise.promised_stream_id
        } else {
            head.stream_id
        }
    }
}

/// What kind of headers a frame begins.
///
/// # Safety
///
/// A frame as nghttp2 passes it.
unsafe fn category_of(frame: *const sys::nghttp2_frame) -> u32 {
    // SAFETY: the head says of what kind the rest is.
    unsafe {
        if u32::from(head(frame).type_) == sys::NGHTTP2_HEADERS {
            (*frame).headers.cat
        } else {
            sys::NGHTTP2_HCAT_REQUEST
        }
    }
}

/// Bytes that nghttp2 passes.
///
/// # Safety
///
/// There are so many, and they stay for as long as they are borrowed.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> &'a [u8] {
    if start.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: as promised.
    unsafe { std::slice::from_raw_parts(start, length) }
}

unsafe extern "C" fn on_begin_headers(
    session: *mut sys::nghttp2_session,
    frame: *const sys::nghttp2_frame,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let (shared, id, category) = unsafe { (shared(data), stream_of(frame), category_of(frame)) };
    let refuse = |code| {
        // SAFETY: submitting is allowed here. Where there is no memory for it the next call says so.
        unsafe { sys::nghttp2_submit_rst_stream(session, 0, id, code) };
        TEMPORAL_FAILURE
    };
    if let Some(exchange) = shared.find(id) {
        if !exchange.is_destroyed.get() {
            shared.discharge(exchange.clear_headers());
            exchange.category.set(category);
        }
        return 0;
    }
    if shared.is_closing.get() {
        return refuse(sys::NGHTTP2_REFUSED_STREAM);
    }
    // SAFETY: asking is allowed here.
    let [concurrent, header_bytes] = unsafe {
        [sys::NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, sys::NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE]
            .map(|setting| sys::nghttp2_session_get_local_settings(session, setting))
    };
    if !shared.takes_stream(concurrent) {
        let rejected = shared.rejected.get();
        shared.rejected.set(rejected.saturating_add(1));
        if rejected > shared.fields.rejected_streams_max() {
            return CALLBACK_FAILURE;
        }
        return refuse(sys::NGHTTP2_ENHANCE_YOUR_CALM);
    }
    shared.rejected.set(0);
    shared.begin(id, category, header_bytes);
    0
}

unsafe extern "C" fn on_header(
    session: *mut sys::nghttp2_session,
    frame: *const sys::nghttp2_frame,
    name: *mut sys::nghttp2_rcbuf,
    value: *mut sys::nghttp2_rcbuf,
    flags: u8,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module; both texts are nghttp2's for as long as this runs.
    let (shared, id, name, value) = unsafe {
        let (name, value) = (sys::nghttp2_rcbuf_get_buf(name), sys::nghttp2_rcbuf_get_buf(value));
        (shared(data), stream_of(frame), bytes(name.base, name.len), bytes(value.base, value.len))
    };
    let Some(exchange) = shared.find(id) else { return TEMPORAL_FAILURE };
    if exchange.is_destroyed.get() || name.is_empty() {
        return 0;
    }
    let is_sensitive = u32::from(flags) & sys::NGHTTP2_NV_FLAG_NO_INDEX != 0;
    let header = Header { name: name.to_vec(), value: value.to_vec(), is_sensitive };
    match exchange.add_header(header, |size| shared.has_memory(size)) {
        Some(size) => {
            shared.charge(size);
            0
        }
        None => {
            exchange.code.set(sys::NGHTTP2_ENHANCE_YOUR_CALM);
            // SAFETY: submitting is allowed here.
            unsafe { sys::nghttp2_submit_rst_stream(session, 0, id, sys::NGHTTP2_ENHANCE_YOUR_CALM) };
            TEMPORAL_FAILURE
        }
    }
}

unsafe extern "C" fn on_frame(
    _: *mut sys::nghttp2_session,
    frame: *const sys::nghttp2_frame,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let (shared, head) = unsafe { (shared(data), head(frame)) };
    exchange::count(&shared.counts.frames_received, 1);
    let is_acknowledgement = u32::from(head.flags) & sys::NGHTTP2_FLAG_ACK != 0;
    // SAFETY: the head says which kind the frame is; what it points to is nghttp2's for as long as this runs. The
    // payload of an extension is of the type that nghttp2 itself reads: both are switched on as its own.
    let event = unsafe {
        match u32::from(head.type_) {
            sys::NGHTTP2_DATA => return on_data_frame(shared, head),
            sys::NGHTTP2_HEADERS | sys::NGHTTP2_PUSH_PROMISE => {
                on_headers(shared, stream_of(frame), head.flags);
                return 0;
            }
            sys::NGHTTP2_RST_STREAM => {
                if let Some(exchange) = shared.find(head.stream_id) {
                    exchange.peer_has_reset.set(true);
                }
                return 0;
            }
            sys::NGHTTP2_SETTINGS if is_acknowledgement => Event::SettingsAcknowledged,
            sys::NGHTTP2_SETTINGS => {
                let settings = &(*frame).settings;
                let entries = (0..settings.niv).map(|index| {
                    let entry = &*settings.iv.add(index);
                    (entry.settings_id, entry.value)
                });
                Event::Settings(entries.collect())
            }
            sys::NGHTTP2_PRIORITY => {
                let spec = (*frame).priority.pri_spec;
                Event::Priority {
                    id: head.stream_id,
                    parent: spec.stream_id,
                    weight: spec.weight,
                    exclusive: spec.exclusive != 0,
                }
            }
            sys::NGHTTP2_GOAWAY => {
                let goaway = &(*frame).goaway;
                Event::Goaway {
                    code: goaway.error_code,
                    last: goaway.last_stream_id,
                    data: bytes(goaway.opaque_data, goaway.opaque_data_len).to_vec(),
                }
            }
            sys::NGHTTP2_PING if is_acknowledgement => Event::PingAcknowledged((*frame).ping.opaque_data),
            sys::NGHTTP2_PING => Event::Ping((*frame).ping.opaque_data),
            sys::NGHTTP2_ALTSVC => {
                let Some(altsvc) = (*frame).ext.payload.cast::<sys::nghttp2_ext_altsvc>().as_ref() else {
                    return 0;
                };
                Event::Altsvc {
                    id: head.stream_id,
                    origin: bytes(altsvc.origin, altsvc.origin_len).to_vec(),
                    value: bytes(altsvc.field_value, altsvc.field_value_len).to_vec(),
                }
            }
            sys::NGHTTP2_ORIGIN => {
                let Some(origin) = (*frame).ext.payload.cast::<sys::nghttp2_ext_origin>().as_ref() else {
                    return 0;
                };
                let entries = (0..origin.nov).map(|index| {
                    let entry = &*origin.ov.add(index);
                    bytes(entry.origin, entry.origin_len).to_vec()
                });
                Event::Origins(entries.collect())
            }
            _ => return 0,
        }
    };
    shared.tell(event);
    0
}

fn on_headers(shared: &Shared, id: i32, flags: u8) {
    let Some(exchange) = shared.find(id).filter(|exchange| !exchange.is_destroyed.get()) else { return };
    let (headers, category) = (exchange.take_headers(), exchange.category.get());
    shared.tell(Event::Headers { exchange, category, flags, headers });
}

fn on_data_frame(shared: &Shared, head: &sys::nghttp2_frame_hd) -> c_int {
    let exchange = shared.find(head.stream_id).filter(|exchange| !exchange.is_destroyed.get());
    match exchange {
        Some(exchange) if u32::from(head.flags) & sys::NGHTTP2_FLAG_END_STREAM != 0 => {
            shared.tell(Event::DataEnd(exchange));
            0
        }
        // Frames that say nothing are no better than invalid ones.
        _ if head.length == 0 && has_too_many_invalid(shared) => 1,
        _ => 0,
    }
}

/// Counts an invalid frame.
fn has_too_many_invalid(shared: &Shared) -> bool {
    let count = shared.invalid.get();
    shared.invalid.set(count.saturating_add(1));
    let too_many = count > shared.fields.invalid_frames_max();
    if too_many {
        shared.refusal.set(Some(TOO_MANY_INVALID_FRAMES));
    }
    too_many
}

unsafe extern "C" fn on_invalid_frame(
    _: *mut sys::nghttp2_session,
    _: *const sys::nghttp2_frame,
    error: c_int,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let shared = unsafe { shared(data) };
    if has_too_many_invalid(shared) {
        return 1;
    }
    let is_told = matches!(
        error,
        sys::NGHTTP2_ERR_STREAM_CLOSED | sys::NGHTTP2_ERR_FLOW_CONTROL | sys::NGHTTP2_ERR_PROTO
    );
    // SAFETY: asks about a number.
    if is_told || unsafe { sys::nghttp2_is_fatal(error) } != 0 {
        shared.tell(Event::Error(error));
    }
    0
}

/// Such a header is ignored, and the stream goes on.
unsafe extern "C" fn on_invalid_header(
    _: *mut sys::nghttp2_session,
    _: *const sys::nghttp2_frame,
    _: *mut sys::nghttp2_rcbuf,
    _: *mut sys::nghttp2_rcbuf,
    _: u8,
    _: *mut c_void,
) -> c_int {
    0
}

/// What the peer is told where nghttp2 has met an error.
fn code_of(error: c_int) -> u32 {
    match error {
        sys::NGHTTP2_ERR_STREAM_CLOSED => sys::NGHTTP2_STREAM_CLOSED,
        sys::NGHTTP2_ERR_HEADER_COMP => sys::NGHTTP2_COMPRESSION_ERROR,
        sys::NGHTTP2_ERR_FRAME_SIZE_ERROR => sys::NGHTTP2_FRAME_SIZE_ERROR,
        sys::NGHTTP2_ERR_FLOW_CONTROL => sys::NGHTTP2_FLOW_CONTROL_ERROR,
        sys::NGHTTP2_ERR_REFUSED_STREAM => sys::NGHTTP2_REFUSED_STREAM,
        sys::NGHTTP2_ERR_PROTO | sys::NGHTTP2_ERR_HTTP_HEADER | sys::NGHTTP2_ERR_HTTP_MESSAGING => {
            sys::NGHTTP2_PROTOCOL_ERROR
        }
        _ => sys::NGHTTP2_INTERNAL_ERROR,
    }
}

unsafe extern "C" fn on_frame_not_sent(
    _: *mut sys::nghttp2_session,
    frame: *const sys::nghttp2_frame,
    error: c_int,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let (shared, head, id) = unsafe { (shared(data), head(frame), stream_of(frame)) };
    let is_closing = matches!(
        error,
        sys::NGHTTP2_ERR_SESSION_CLOSING | sys::NGHTTP2_ERR_STREAM_CLOSED | sys::NGHTTP2_ERR_STREAM_CLOSING
    );
    if is_closing {
        if let Some(exchange) = shared.find(id).filter(|exchange| !exchange.is_destroyed.get()) {
            shared.discharge(exchange.clear_headers());
        }
        // A GOAWAY that cannot be sent any more ends the session all the same.
        if u32::from(head.type_) != sys::NGHTTP2_GOAWAY {
            return 0;
        }
    }
    shared.tell(Event::FrameError { id: head.stream_id, kind: head.type_, code: code_of(error) });
    0
}

unsafe extern "C" fn on_frame_sent(
    _: *mut sys::nghttp2_session,
    frame: *const sys::nghttp2_frame,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let (shared, head) = unsafe { (shared(data), head(frame)) };
    exchange::count(&shared.counts.frames_sent, 1);
    if u32::from(head.type_) == sys::NGHTTP2_GOAWAY && !shared.expects_goaway.get() {
        shared.goaway_was_sent.set(true);
    }
    0
}

unsafe extern "C" fn on_stream_close(
    _: *mut sys::nghttp2_session,
    id: i32,
    code: u32,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let shared = unsafe { shared(data) };
    if let Some(exchange) = shared.find(id).filter(|exchange| !exchange.is_destroyed.get()) {
        shared.tell(Event::Closed { exchange, code });
    }
    0
}

unsafe extern "C" fn on_data(
    _: *mut sys::nghttp2_session,
    _: u8,
    id: i32,
    start: *const u8,
    length: usize,
    data: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let (shared, bytes) = unsafe { (shared(data), bytes(start, length)) };
    if !bytes.is_empty() {
        shared.tell(Event::Data { id, bytes: bytes.to_vec() });
    }
    0
}

unsafe extern "C" fn select_padding(
    _: *mut sys::nghttp2_session,
    frame: *const sys::nghttp2_frame,
    most: usize,
    data: *mut c_void,
) -> sys::nghttp2_ssize {
    // SAFETY: see the module.
    let (shared, length) = unsafe { (shared(data), head(frame).length) };
    let padded = match shared.padding {
        Padding::None => length,
        Padding::Most => most,
        Padding::Aligned => {
            length.saturating_add(FRAME_HEAD).next_multiple_of(8).saturating_sub(FRAME_HEAD).min(most)
        }
    };
    sys::nghttp2_ssize::try_from(padded.max(length)).unwrap_or(0)
}

unsafe extern "C" fn on_error(
    _: *mut sys::nghttp2_session,
    error: c_int,
    _: *const c_char,
    _: usize,
    data: *mut c_void,
) -> c_int {
    if error == sys::NGHTTP2_ERR_SETTINGS_EXPECTED {
        // The peer does not speak HTTP/2.
        // SAFETY: see the module.
        unsafe { shared(data) }.tell(Event::Error(sys::NGHTTP2_ERR_PROTO));
    }
    0
}

unsafe extern "C" fn read(
    _: *mut sys::nghttp2_session,
    id: i32,
    target: *mut u8,
    length: usize,
    flags: *mut u32,
    _: *mut sys::nghttp2_data_source,
    data: *mut c_void,
) -> sys::nghttp2_ssize {
    // SAFETY: see the module.
    let shared = unsafe { shared(data) };
    let Some(exchange) = shared.find(id) else { return sys::NGHTTP2_ERR_DEFERRED as sys::nghttp2_ssize };
    let copy = |at: usize, piece: &[u8]| {
        // SAFETY: nghttp2 has so much memory there, and a stream gives no more than it is asked for.
        unsafe { ptr::copy_nonoverlapping(piece.as_ptr(), target.add(at), piece.len()) };
    };
    let taken = exchange.take(length, copy, |done, had_bytes| {
        if had_bytes {
            shared.written.borrow_mut().push(done);
        } else {
            shared.tell(Event::Written(done));
        }
    });
    let amount = match taken {
        Taken::Bytes(amount) => amount,
        Taken::Later => {
            shared.tell(Event::WantsWrite { exchange, length });
            return sys::NGHTTP2_ERR_DEFERRED as sys::nghttp2_ssize;
        }
        Taken::Last(amount) => {
            let mut end = sys::NGHTTP2_DATA_FLAG_EOF;
            if exchange.has_trailers.replace(false) {
                end |= sys::NGHTTP2_DATA_FLAG_NO_END_STREAM;
                shared.tell(Event::WantsTrailers(Rc::<Exchange>::clone(&exchange)));
            }
            // SAFETY: nghttp2 reads it after this.
            unsafe { *flags |= end };
            amount
        }
    };
    shared.discharge(amount);
    sys::nghttp2_ssize::try_from(amount).unwrap_or(0)
}
