//! What JavaScript calls on sessions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Scope, copy_bytes, monotonic, throw_no_memory, throw_type};

use super::engine::{Engine, Shared, Splitter};
use super::fields::{self, Fields};
use super::headers::{Pairs, texts};
use super::options::Options;
use super::request::Outstanding;
use super::session::{Flags, Session};
use super::settings::{self, Others};
use super::state::{self, State};
use super::stream_methods::{EMPTY_PAYLOAD, GET_TRAILERS};
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Class, Return, functions, set, set_number};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
use crate::stream_base::{self, Characters, string_bytes};

const SERVER: i32 = 0;
const CLIENT: i32 = 1;

/// Most bytes of an ALTSVC frame, beside two for a length.
const ALTSVC_MAX: usize = (1 << 14) - 2;

pub(super) fn make(scope: &mut Scope<'_, '_>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "Http2Session", constructor)?;
    class.methods(scope, async_methods!(Session, wrap))?;
    class.methods(
        scope,
        functions! {
            "origin" => origin,
            "altsvc" => altsvc,
            "ping" => ping,
            "consume" => consume,
            "receive" => receive,
            "destroy" => destroy,
            "goaway" => goaway,
            "hasPendingData" => has_pending_data,
            "settings" => submit_settings,
            "request" => request,
            "setNextStreamID" => set_next_stream,
            "setLocalWindowSize" => set_local_window_size,
            "updateChunksSent" => update_chunks_sent,
            "refreshState" => refresh_state,
            "localSettings" => local_settings,
            "remoteSettings" => remote_settings,
            "setGracefulClose" => set_graceful_close,
        },
    )?;
    class.publish(scope, binding, "Http2Session")
}

/// (side)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let is_server = match args.get(0).int32_value(scope) {
        Some(SERVER) => true,
        Some(CLIENT) => false,
        _ => return throw_type(scope, "There is no such side of a session"),
    };
    let state = env.state::<State>();
    let options = Options::read(&state, is_server);
    let buffer = v8::ArrayBuffer::new(scope, fields::LENGTH);
    let shared = Rc::new(Shared::new(&options, Fields::new(buffer.get_backing_store())));
    let Some(engine) = Engine::new(is_server, &options, shared) else {
        return throw_no_memory(scope, "There is no memory for another session");
    };
    let Some(fields) = v8::Uint8Array::new(scope, buffer, 0, fields::LENGTH) else { return };
    if set(scope, args.this(), "fields", fields.into()).is_none() {
        return;
    }
    let session = Session {
        wrap: AsyncWrap::new(scope, &env, args.this(), "HTTP2SESSION"),
        object: v8::Weak::new(scope, args.this()),
        is_server,
        engine,
        base: RefCell::default(),
        streams: RefCell::default(),
        flags: Flags::default(),
        splitter: RefCell::new(Splitter::new(is_server)),
        backlog: RefCell::default(),
        outgoing: RefCell::default(),
        pending_resets: RefCell::default(),
        pending_close: Cell::new(None),
        pings: RefCell::default(),
        settings: RefCell::default(),
        pings_max: options.outstanding_pings_max,
        settings_max: options.outstanding_settings_max,
        local_others: Others::default(),
        remote_others: Others::expected(&state),
        chunks_sent: Cell::new(0),
        start: monotonic(),
        data_sent: Cell::new(0),
        data_received: Cell::new(0),
        ping_time: Cell::new(Duration::ZERO),
        average_duration: Cell::new(0.0),
    };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(session));
}

impl Session {
    /// Begins a stream of this side's. `None` with an exception pending.
    pub fn begin<'s>(
        self: &Rc<Session>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        id: i32,
        options: i32,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let header_bytes_max = self.engine.setting(super::engine::MAX_HEADER_LIST_SIZE, true);
        let exchange = self.shared().begin(id, super::engine::CATEGORY_HEADERS, header_bytes_max);
        exchange.has_trailers.set(options & GET_TRAILERS != 0);
        let stream = self.stream_of(scope, env, &exchange)?;
        if options & EMPTY_PAYLOAD != 0 {
            stream.shut_down(scope, env);
        }
        stream.object(scope)
    }
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Session>)> {
    handle::receiver::<Session>(scope, args.this())
}

/// (texts, each with a zero behind it; how many)
fn origin(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Ok(text) = args.get(0).try_cast::<v8::String>() else {
        return throw_type(scope, "The origins must be a string");
    };
    let Some(count) = args.get(1).uint32_value(scope) else { return };
    let Some(bytes) = string_bytes(scope, text, Characters::Latin1) else { return };
    // What is none is sent as what no peer takes for an origin.
    let origins = texts(&bytes, count as usize).unwrap_or_else(|| vec![&[0]]);
    session.submit(scope, &env, |_| session.engine.submit_origins(&origins));
}

/// (stream, origin, value)
fn altsvc(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Some(id) = args.get(0).int32_value(scope) else { return };
    let mut parts = [Vec::new(), Vec::new()];
    for (index, part) in (1..).zip(&mut parts) {
        let Some(text) = args.get(index).to_string(scope) else { return };
        let Some(bytes) = string_bytes(scope, text, Characters::Latin1) else { return };
        *part = bytes;
    }
    let [origin, value] = parts;
    if origin.len().saturating_add(value.len()) > ALTSVC_MAX {
        return throw_type(scope, "There is no room for that in a frame");
    }
    session.submit(scope, &env, |_| session.engine.submit_altsvc(id, &origin, &value));
}

/// (eight bytes or nothing, callback) -> whether it is sent
fn ping(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Ok(callback) = args.get(1).try_cast::<v8::Function>() else {
        return throw_type(scope, "The callback must be a function");
    };
    let payload = match args.get(0).is_array_buffer_view() {
        true => copy_bytes(args.get(0)).and_then(|bytes| bytes.try_into().ok()),
        false => Some((monotonic().as_nanos() as u64).to_ne_bytes()),
    };
    let Some(payload) = payload else { return throw_type(scope, "The payload must be of eight bytes") };
    let ping = Outstanding::new(scope, &env, "HTTP2PING", callback);
    if session.flags.destroyed.get() || session.pings.borrow().len() >= session.pings_max {
        if ping.cancel(scope, &env).is_some() {
            result.set_bool(false);
        }
        return;
    }
    session.pings.borrow_mut().push_back(ping);
    session.submit(scope, &env, |_| session.engine.submit_ping(payload));
    result.set_bool(true);
}

/// (callback) -> whether they are sent
fn submit_settings(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Ok(callback) = args.get(0).try_cast::<v8::Function>() else {
        return throw_type(scope, "The callback must be a function");
    };
    let outstanding = Outstanding::new(scope, &env, "HTTP2SETTINGS", callback);
    if session.flags.destroyed.get() || session.settings.borrow().len() >= session.settings_max {
        if outstanding.cancel(scope, &env).is_some() {
            result.set_bool(false);
        }
        return;
    }
    let settings = settings::requested(&env.state::<State>());
    session.local_others.send(&settings);
    session.settings.borrow_mut().push_back(outstanding);
    let status = session.submit(scope, &env, |_| session.engine.submit_settings(&settings));
    if status < 0 {
        let outstanding = session.settings.borrow_mut().pop_back();
        drop(outstanding);
    }
    result.set_bool(status >= 0);
}

/// (stream's handle)
fn consume(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    match stream_base::of(scope, &env, args.get(0)) {
        Some(base) => session.consume(base),
        None => throw_type(scope, "The first argument must be the handle of a stream"),
    }
}

/// (bytes): JavaScript has read them already
fn receive(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Some(bytes) = stream_base::view_bytes(scope, args.get(0)) else { return };
    let _ = session.take(scope, &env, bytes);
}

/// (code, whether the socket is closed)
fn destroy(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Some(code) = args.get(0).uint32_value(scope) else { return };
    let socket_is_closed = args.get(1).is_true();
    let _ = session.close(scope, &env, code, socket_is_closed);
}

/// (code, last stream, data)
fn goaway(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Some(code) = args.get(0).uint32_value(scope) else { return };
    let Some(last) = args.get(1).int32_value(scope) else { return };
    let data = match args.get(2).is_array_buffer_view() {
        true => stream_base::view_bytes(scope, args.get(2)),
        false => Some(Vec::new()),
    };
    let Some(data) = data.filter(|_| !session.flags.destroyed.get()) else { return };
    session.flags.goaway_submitted.set(true);
    session.note_goaway();
    session.submit(scope, &env, |_| {
        let last = if last <= 0 { session.engine.last_processed() } else { last };
        session.engine.submit_goaway(last, code, &data)
    });
}

fn has_pending_data(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, session)) = receiver(scope, &args) {
        result.set_bool(session.engine.wants_write() || session.engine.wants_read());
    }
}

/// (headers, options, parent, weight, exclusive) -> stream, or an error's number. Priorities are not sent.
fn request<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, session)) = receiver(scope, &args) else { return };
    let Some(pairs) = Pairs::read(scope, args.get(0)) else { return };
    let Some(options) = args.get(1).int32_value(scope) else { return };
    let has_body = options & EMPTY_PAYLOAD == 0;
    let id = session.submit(scope, &env, |_| session.engine.submit_request(&pairs, has_body));
    if id <= 0 {
        return result.set_int32(id);
    }
    if let Some(object) = session.begin(scope, &env, id, options) {
        result.set(object.into());
    }
}

/// (number) -> whether that is one
fn set_next_stream(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, session)) = receiver(scope, &args) else { return };
    if let Some(id) = args.get(0).int32_value(scope) {
        result.set_bool(session.engine.set_next_stream(id));
    }
}

/// (size) -> status
fn set_local_window_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, session)) = receiver(scope, &args) else { return };
    if let Some(size) = args.get(0).int32_value(scope) {
        result.set_int32(session.engine.set_local_window_size(size));
    }
}

/// () -> how many writes there have been
fn update_chunks_sent(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, session)) = receiver(scope, &args) else { return };
    let count = session.chunks_sent.get();
    if set_number(scope, args.this(), "chunksSentSinceLastWrite", f64::from(count)).is_some() {
        result.set_uint32(count);
    }
}

fn refresh_state(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, session)) = receiver(scope, &args) {
        state::show(&env.state::<State>().session, &session.engine.state());
    }
}

fn local_settings(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, session)) = receiver(scope, &args) {
        settings::show(&env.state::<State>(), &session.engine, &session.local_others, true);
    }
}

fn remote_settings(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, session)) = receiver(scope, &args) {
        settings::show(&env.state::<State>(), &session.engine, &session.remote_others, false);
    }
}

fn set_graceful_close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, session)) = receiver(scope, &args) {
        session.flags.graceful.set(true);
        session.note_goaway();
    }
}
