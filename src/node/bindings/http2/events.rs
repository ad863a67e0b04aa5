//! What JavaScript is told of a session: each thing that nghttp2's callbacks have noted, in order.

use std::rc::Rc;

use isolate::library::{Environment as _, Scope};

use super::engine::{self, Event, Exchange, Header};
use super::session::Session;
use super::state::Callback;
use crate::bindings::buffer::from_bytes;
use crate::bytes::latin1;
use crate::callbacks::uncaught;
use crate::environment::Env;
use crate::stream_base::{EOF, Turn};

type Value<'s> = v8::Local<'s, v8::Value>;

impl Session {
    /// Tells of everything that has been noted. What is left where a callback throws into JavaScript is told when this is
    /// called again.
    pub fn dispatch(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        while let Some(event) = self.shared().next_event() {
            v8::scope!(let scope, scope);
            v8::tc_scope!(let scope, scope);
            let mut told = self.tell(scope, env, event);
            // Where the loop lies beneath, nobody else takes the exception: the rest is told unless the program ends.
            while told.is_none() && Turn::is_of_loop(env) && !scope.has_terminated() {
                let Some(exception) = scope.exception() else { break };
                let message = scope.message();
                scope.reset();
                if !uncaught(scope, env, exception, message, false) || env.has_exited() {
                    return None;
                }
                told = env.settle(scope);
            }
            if told.is_none() {
                scope.rethrow();
                return None;
            }
        }
        Some(())
    }

    fn tell(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, event: Event) -> Option<()> {
        match event {
            Event::Headers { exchange, category, flags, headers } => {
                self.tell_headers(scope, env, &exchange, (category, flags), headers)
            }
            Event::Data { id, bytes } => self.tell_data(scope, env, id, bytes),
            Event::DataEnd(exchange) => match self.stream(exchange.id) {
                Some(stream) if !exchange.is_destroyed.get() => stream.emit(scope, env, Err(EOF)),
                _ => Some(()),
            },
            Event::Closed { exchange, code } => self.tell_closed(scope, env, &exchange, code),
            Event::Priority { id, parent, weight, exclusive } => {
                if !self.shared().fields.has_priority_listeners() {
                    return Some(());
                }
                let [id, parent, weight] = [id, parent, weight].map(|number| integer(scope, number));
                let exclusive = v8::Boolean::new(scope, exclusive).into();
                self.call(scope, env, Callback::Priority, &[id, parent, weight, exclusive])
            }
            Event::Settings(settings) => {
                let fields = &self.shared().fields;
                fields.outdate_settings();
                self.remote_others.receive(&settings);
                if !fields.has_settings_listeners() {
                    return Some(());
                }
                self.call(scope, env, Callback::Settings, &[])
            }
            Event::SettingsAcknowledged => {
                let outstanding = self.settings.borrow_mut().pop_front();
                match outstanding {
                    Some(settings) => settings.done(scope, env, true, None),
                    None => self.call_error(scope, env, engine::ERR_PROTO, None),
                }
            }
            Event::Ping(payload) => {
                if !self.shared().fields.has_ping_listeners() {
                    return Some(());
                }
                let payload = from_bytes(scope, env, &payload)?;
                self.call(scope, env, Callback::Ping, &[payload])
            }
            Event::PingAcknowledged(payload) => {
                let outstanding = self.pings.borrow_mut().pop_front();
                match outstanding {
                    Some(ping) => {
                        self.ping_time.set(ping.age());
                        ping.done(scope, env, true, Some(payload))
                    }
                    // Nobody has asked for it.
                    None => self.call_error(scope, env, engine::ERR_PROTO, None),
                }
            }
            Event::Goaway { code, last, data } => {
                let code = v8::Integer::new_from_unsigned(scope, code).into();
                let last = integer(scope, last);
                let data = match data.as_slice() {
                    [] => v8::undefined(scope).into(),
                    data => from_bytes(scope, env, data)?,
                };
                self.call(scope, env, Callback::Goaway, &[code, last, data])
            }
            Event::Altsvc { id, origin, value } => {
                if !self.shared().fields.has_altsvc_listeners() {
                    return Some(());
                }
                let arguments =
                    [integer(scope, id), latin1(scope, &origin)?.into(), latin1(scope, &value)?.into()];
                self.call(scope, env, Callback::Altsvc, &arguments)
            }
            Event::Origins(origins) => {
                let mut texts = Vec::new();
                for origin in &origins {
                    texts.push(latin1(scope, origin)?.into());
                }
                let list = v8::Array::new_with_elements(scope, &texts).into();
                self.call(scope, env, Callback::Origin, &[list])
            }
            Event::FrameError { id, kind, code } => {
                let code = v8::Integer::new_from_unsigned(scope, code).into();
                let arguments = [integer(scope, id), integer(scope, i32::from(kind)), code];
                self.call(scope, env, Callback::FrameError, &arguments)
            }
            Event::Error(error) => self.call_error(scope, env, error, None),
            Event::WantsTrailers(exchange) => match self.stream(exchange.id) {
                Some(stream) if !exchange.is_destroyed.get() => {
                    stream.call(scope, env, Callback::Trailers, &[]).map(drop)
                }
                _ => Some(()),
            },
            Event::WantsWrite { exchange, length } => {
                let source = self.stream(exchange.id).and_then(|stream| stream.source());
                match source {
                    Some(source) => source.wants_write(scope, env, length),
                    None => Some(()),
                }
            }
            Event::Written(done) => self.complete(scope, env, vec![done], 0),
        }
    }

    fn tell_headers(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        exchange: &Rc<Exchange>,
        (category, flags): (u32, u8),
        headers: Vec<Header>,
    ) -> Option<()> {
        if exchange.is_destroyed.get() {
            return Some(());
        }
        let stream = self.stream_of(scope, env, exchange)?;
        let Some(object) = stream.object(scope) else { return Some(()) };
        let mut texts: Vec<Value> = Vec::with_capacity(headers.len() * 2);
        let mut sensitive: Vec<Value> = Vec::new();
        for header in &headers {
            let name = v8::String::new_from_one_byte(scope, &header.name, v8::NewStringType::Internalized)?;
            texts.push(name.into());
            texts.push(latin1(scope, &header.value)?.into());
            if header.is_sensitive {
                sensitive.push(name.into());
            }
        }
        let arguments = [
            object.into(),
            integer(scope, exchange.id),
            v8::Integer::new_from_unsigned(scope, category).into(),
            integer(scope, i32::from(flags)),
            v8::Array::new_with_elements(scope, &texts).into(),
            v8::Array::new_with_elements(scope, &sensitive).into(),
        ];
        self.call(scope, env, Callback::Headers, &arguments)
    }

    fn tell_data(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        id: i32,
        bytes: Vec<u8>,
    ) -> Option<()> {
        let length = bytes.len();
        self.engine.consume_connection(length);
        let exchange = self.shared().find(id).filter(|exchange| !exchange.is_destroyed.get());
        let Some(exchange) = exchange else { return Some(()) };
        exchange.statistics.note_received(length);
        let told = match self.stream(id) {
            Some(stream) => stream.emit(scope, env, Ok(bytes)),
            None => Some(()),
        };
        if !exchange.is_destroyed.get() {
            // The peer may send as much again once JavaScript wants more.
            if exchange.is_read.get() {
                self.engine.consume_stream(id, length);
            } else {
                exchange.unconsumed.set(exchange.unconsumed.get().saturating_add(length));
            }
        }
        told
    }

    fn tell_closed(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        exchange: &Rc<Exchange>,
        code: u32,
    ) -> Option<()> {
        if exchange.is_destroyed.get() {
            return Some(());
        }
        exchange.code.set(code);
        let Some(stream) = self.stream(exchange.id) else {
            // JavaScript has never heard of it.
            exchange.is_destroyed.set(true);
            self.shared().end(exchange);
            return Some(());
        };
        let arguments = [
            v8::Integer::new_from_unsigned(scope, code).into(),
            v8::Boolean::new(scope, exchange.peer_has_reset.get()).into(),
        ];
        let answer = stream.call(scope, env, Callback::Close, &arguments);
        if answer.is_none_or(|answer| answer.is_false()) {
            stream.destroy(scope, env);
        }
        answer.map(drop)
    }
}

fn integer<'s>(scope: &mut Scope<'s, '_>, number: i32) -> Value<'s> {
    v8::Integer::new(scope, number).into()
}
