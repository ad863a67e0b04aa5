//! What JavaScript calls on streams.

use std::rc::Rc;

use isolate::library::{Scope, string};

use super::engine;
use super::headers::Pairs;
use super::session::Session;
use super::state::{self, State};
use super::stream::{CLASS, Stream};
use crate::async_wrap::async_methods;
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;
use crate::request::{self, Done};
use crate::stream_base::{self, EINVAL, Writes};

/// Options of a stream, as bits.
pub(super) const EMPTY_PAYLOAD: i32 = 1;
pub(super) const GET_TRAILERS: i32 = 2;

pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, CLASS, constructor)?;
    class.methods(scope, async_methods!(Stream, wrap))?;
    class.methods(
        scope,
        functions! {
            "id" => id,
            "destroy" => destroy,
            "priority" => priority,
            "pushPromise" => push_promise,
            "info" => info,
            "trailers" => trailers,
            "respond" => respond,
            "rstStream" => reset,
            "refreshState" => refresh_state,
            "readStart" => read_start,
            "readStop" => read_stop,
            "shutdown" => shutdown,
            "useUserBuffer" => use_user_buffer,
        },
    )?;
    stream_base::write_methods::<Stream>(scope, &class)?;
    class.getter(scope, "fd", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(fd))?;
    class.getter(scope, "bytesRead", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_read))?;
    class.getter(scope, "bytesWritten", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(bytes_written))?;
    let name = string(scope, "isStreamBase");
    let yes = v8::Boolean::new(scope, true);
    class.template.prototype_template(scope).set(name.into(), yes.into());
    class.keep(scope, env, CLASS);
    class.publish(scope, binding, CLASS)
}

/// Only sessions make streams that are any.
fn construct(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    isolate::library::throw_type(scope, "Illegal constructor");
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Stream>)> {
    handle::receiver::<Stream>(scope, args.this())
}

/// With its session, while it has one.
fn live(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Stream>, Rc<Session>)> {
    let (env, stream) = receiver(scope, args)?;
    let session = stream.session()?;
    Some((env, stream, session))
}

fn id(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, stream)) = receiver(scope, &args) {
        result.set_int32(stream.exchange.id);
    }
}

fn fd(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(-1);
}

fn bytes_read(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, stream)) = receiver(scope, &args) {
        result.set_double(stream.bytes_read.get() as f64);
    }
}

fn bytes_written(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, stream)) = receiver(scope, &args) {
        result.set_double(stream.bytes_written.get() as f64);
    }
}

fn destroy(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, stream)) = receiver(scope, &args) {
        stream.destroy(scope, &env);
    }
}

/// Priorities are nobody's any more: nothing is sent of them.
fn priority(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let _ = receiver(scope, &args);
}

/// (headers, options) -> stream, or an error's number
fn push_promise<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(pairs) = Pairs::read(scope, args.get(0)) else { return };
    let Some(options) = args.get(1).int32_value(scope) else { return };
    let Some((env, stream, session)) = live(scope, &args) else {
        return result.set_int32(engine::ERR_STREAM_CLOSED);
    };
    let id = session.submit(scope, &env, |_| session.engine.submit_push(stream.exchange.id, &pairs));
    if id <= 0 {
        return result.set_int32(id);
    }
    if let Some(object) = session.begin(scope, &env, id, options) {
        result.set(object.into());
    }
}

fn info(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(pairs) = Pairs::read(scope, args.get(0)) else { return };
    let Some((env, stream, session)) = live(scope, &args) else {
        return result.set_int32(engine::ERR_STREAM_CLOSED);
    };
    let status = session.submit(scope, &env, |_| session.engine.submit_info(stream.exchange.id, &pairs));
    result.set_int32(status);
}

fn trailers(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(pairs) = Pairs::read(scope, args.get(0)) else { return };
    let Some((env, stream, session)) = live(scope, &args) else {
        return result.set_int32(engine::ERR_STREAM_CLOSED);
    };
    let id = stream.exchange.id;
    let status = session.submit(scope, &env, |_| match pairs.is_empty() {
        true => session.engine.submit_end(id),
        false => session.engine.submit_trailers(id, &pairs),
    });
    result.set_int32(status);
}

/// (headers, options) -> status
fn respond(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(pairs) = Pairs::read(scope, args.get(0)) else { return };
    let Some(options) = args.get(1).int32_value(scope) else { return };
    let Some((env, stream, session)) = live(scope, &args) else {
        return result.set_int32(engine::ERR_STREAM_CLOSED);
    };
    if options & GET_TRAILERS != 0 {
        stream.exchange.has_trailers.set(true);
    }
    let has_body = options & EMPTY_PAYLOAD == 0 && stream.exchange.is_writable.get();
    let status =
        session.submit(scope, &env, |_| session.engine.submit_response(stream.exchange.id, &pairs, has_body));
    result.set_int32(status);
}

/// (code)
fn reset(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(code) = args.get(0).uint32_value(scope) else { return };
    if let Some((env, stream, session)) = live(scope, &args) {
        let _ = session.reset(scope, &env, &stream.exchange, code);
    }
}

fn refresh_state(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, stream, session)) = live(scope, &args) {
        let numbers = session.engine.stream_state(stream.exchange.id);
        state::show(&env.state::<State>().stream, &numbers);
    }
}

fn read_start(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((env, stream)) = receiver(scope, &args) {
        result.set_int32(stream.read_start(scope, &env));
    }
}

fn read_stop(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, stream)) = receiver(scope, &args) {
        stream.exchange.is_read.set(false);
        result.set_int32(0);
    }
}

/// (request) -> 1: it is over at once
fn shutdown(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((env, stream)) = receiver(scope, &args) {
        result.set_int32(stream.shut_down(scope, &env));
    }
}

/// What comes in comes in pieces of memory of its own.
fn use_user_buffer(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_int32(EINVAL);
}

impl Writes for Stream {
    /// A request is completed once the bytes are sent.
    fn write<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>, result: &mut Return<'s>, bytes: Vec<u8>) {
        let Some((env, stream)) = receiver(scope, args) else { return };
        let given = args.get(0).try_cast::<v8::Object>().ok();
        let made = match given {
            Some(given) => Some(given),
            None => stream_base::new_write_request(scope, &env),
        };
        let Some(object) = made else { return };
        let (request, this) = (v8::Global::new(scope, object), v8::Global::new(scope, args.this()));
        let done: Done = Box::new(move |scope, env, status| {
            let (request, this) = (v8::Local::new(scope, &request), v8::Local::new(scope, &this));
            let status = v8::Integer::new(scope, status).into();
            let undefined = v8::undefined(scope).into();
            request::complete(scope, env, request, &[status, this.into(), undefined])
        });
        let length = bytes.len();
        let status = stream.write(scope, &env, bytes, done);
        stream_base::tell_write(&env, length, status == 0);
        match given {
            None if status == 0 => result.set(object.into()),
            _ => result.set_int32(status),
        }
    }
}
